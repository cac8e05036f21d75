//! Properties of characters that patterns may name, but the engine does not know: scripts (`\p{Greek}`) and some of the others. They are
//! written out as classes. Their tables in the engine would take ten times as many bytes.

use std::fmt::Write;

/// Names and ranges of all scripts; `tools/scripts.py` says how.
const SCRIPTS: &[u8] = include_bytes!("scripts.bin");

/// A pattern with properties written out as classes; `None` if it names none that is known here.
pub fn written_out(pattern: &str) -> Option<String> {
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = pattern.get(at..).and_then(|rest| rest.find('\\')) {
        let start = at + found;
        at = start + 2;
        let Some(property) = pattern.get(start + 1..).and_then(Property::read) else {
            // The escaped character may have several bytes.
            at = (at..=pattern.len()).find(|at| pattern.is_char_boundary(*at))?;
            continue;
        };
        let end = start + 1 + property.length;
        if let Some(class) = property.class() {
            out.push_str(pattern.get(copied..start)?);
            out.push_str(&class);
            copied = end;
        }
        at = end;
    }
    if copied == 0 {
        return None;
    }
    out.push_str(pattern.get(copied..)?);
    Some(out)
}

/// `p{Greek}`, `P{Greek}`, `p{^Greek}`, `p{Script=Greek}`, `p{sc:Greek}`.
struct Property {
    is_negated: bool,
    /// Without what does not count in names: case, spaces, underscores and hyphens (UAX 44, LM3).
    name: String,
    /// Whether it must be a script.
    is_script: bool,
    /// Bytes in the pattern.
    length: usize,
}

impl Property {
    /// Reads what stands behind a backslash.
    fn read(text: &str) -> Option<Property> {
        let negative = match text.as_bytes().first() {
            Some(b'p') => false,
            Some(b'P') => true,
            _ => return None,
        };
        let inner = text.get(1..)?.strip_prefix('{')?;
        let (inner, _) = inner.split_once('}')?;
        let length = inner.len() + 3;
        let (negated, inner) = match inner.strip_prefix('^') {
            Some(inner) => (true, inner),
            None => (false, inner),
        };
        let plain = |name: &str| -> String {
            let counts = |character: &char| !matches!(character, ' ' | '_' | '-');
            (name.chars().filter(counts))
                .map(|character| character.to_ascii_lowercase())
                .collect()
        };
        let (is_script, name) = match inner.split_once(['=', ':']) {
            Some((kind, name)) if matches!(plain(kind).as_str(), "script" | "sc") => (true, name),
            Some(_) => return None,
            None => (false, inner),
        };
        Some(Property {
            is_negated: negative != negated,
            name: plain(name),
            is_script,
            length,
        })
    }

    /// The class of its characters.
    fn class(&self) -> Option<String> {
        let ranges = script(&self.name).or_else(|| match self.is_script {
            true => None,
            false => binary(&self.name),
        })?;
        let mut class = String::from(if self.is_negated { "[^" } else { "[" });
        for (first, last) in ranges {
            // Writing to a string cannot fail.
            let _ = write!(class, "\\x{{{first:X}}}-\\x{{{last:X}}}");
        }
        class.push(']');
        Some(class)
    }
}

type Ranges = Vec<(u32, u32)>;

/// The code points of a script.
fn script(name: &str) -> Option<Ranges> {
    let mut table = Table(SCRIPTS);
    while let Some(length) = table.byte() {
        let names = table.take(usize::from(length))?;
        let is_found = names
            .split(|byte| *byte == b'\n')
            .any(|one| one == name.as_bytes());
        let count = u16::from_le_bytes([table.byte()?, table.byte()?]);
        let mut ranges = Vec::new();
        let mut end = 0;
        for _ in 0..count {
            let first = end + table.number()?;
            let last = first + table.number()?;
            end = last + 1;
            ranges.push((first, last));
        }
        if is_found {
            return Some(ranges);
        }
    }
    None
}

/// What is left of the table of scripts.
struct Table(&'static [u8]);

impl Table {
    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    fn take(&mut self, count: usize) -> Option<&'static [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// A number in LEB128.
    fn number(&mut self) -> Option<u32> {
        let mut number = 0;
        for shift in (0..28).step_by(7) {
            let byte = self.byte()?;
            number |= u32::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }
}

/// The code points of a property that the standard library has a table of.
fn binary(name: &str) -> Option<Ranges> {
    let has: fn(char) -> bool = match name {
        "alphabetic" | "alpha" => char::is_alphabetic,
        "lowercase" | "lower" => char::is_lowercase,
        "uppercase" | "upper" => char::is_uppercase,
        "whitespace" | "wspace" | "space" => char::is_whitespace,
        _ => return None,
    };
    let mut ranges: Ranges = Vec::new();
    for character in ('\0'..=char::MAX).filter(|character| has(*character)) {
        let code = u32::from(character);
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == code => *last = code,
            _ => ranges.push((code, code)),
        }
    }
    Some(ranges)
}

#[cfg(test)]
mod tests {
    use super::{SCRIPTS, Table, script, written_out};

    #[test]
    fn the_table_is_whole() {
        let mut table = Table(SCRIPTS);
        let mut scripts = 0;
        let mut points = 0;
        while let Some(length) = table.byte() {
            let names = table.take(usize::from(length)).unwrap();
            let name = names.split(|byte| *byte == b'\n').next().unwrap();
            let ranges = script(std::str::from_utf8(name).unwrap()).unwrap();
            points += ranges
                .iter()
                .map(|(first, last)| last - first + 1)
                .sum::<u32>();
            let count = u16::from_le_bytes([table.byte().unwrap(), table.byte().unwrap()]);
            for _ in 0..2 * count {
                table.number().unwrap();
            }
            scripts += 1;
        }
        // What Unicode 16 has assigned to scripts, without surrogates and code points for private use.
        assert_eq!((scripts, points), (170, 155_063));
        assert_eq!(script("greek"), script("grek"));
        assert_eq!(script("thai").unwrap(), [(0xE01, 0xE3A), (0xE40, 0xE5B)]);
        assert_eq!(script("nope"), None);
    }

    #[test]
    fn only_known_properties_are_written_out() {
        let thai = "\\x{E01}-\\x{E3A}\\x{E40}-\\x{E5B}";
        for (pattern, expected) in [
            ("a\\p{Thai}+b", format!("a[{thai}]+b")),
            ("[x\\P{thai}]\\é", format!("[x[^{thai}]]\\é")),
            ("\\p{^Thai}\\P{^sc=THAI}", format!("[^{thai}][{thai}]")),
            (
                "\\p{Lu}\\p{ script : t_h-ai }",
                format!("\\p{{Lu}}[{thai}]"),
            ),
        ] {
            assert_eq!(
                written_out(pattern).as_deref(),
                Some(expected.as_str()),
                "{pattern}"
            );
        }
        for pattern in [
            "",
            "\\",
            "\\p",
            "\\p{",
            "\\p{Lu}",
            "\\\\p{Thai}",
            "\\pL",
            "p{Thai}",
            "\\p{sc=Alpha}",
            "\\p{scx=Thai}",
            "\\é",
        ] {
            assert_eq!(written_out(pattern), None, "{pattern}");
        }
    }
}
