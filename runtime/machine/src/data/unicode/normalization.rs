//! The four normalization forms (Unicode Standard Annex 15).
//!
//! The tables of the usual crates cost more than 100 KB in every program. Here the data is a
//! packed file of some 20 KB that is unpacked when a program first normalizes a text that needs it.
//!
//! The file is a sequence of LEB128 numbers. First the decompositions, in order of code points:
//! their number, then for each the distance from the previous code point, `length << 2 | kind`
//! (see [`MappingKind`]), and for each character of the mapping the zigzag-coded distance from the
//! previous one plus one. Then the combining classes: number of runs, then for each the distance
//! from the end of the previous run, its length and the class.

use std::collections::HashMap;

/// The packed data.
static PACKED: &[u8] = include_bytes!("normalization.bin");

/// A normalization form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Canonical composition.
    Nfc,
    /// Canonical decomposition.
    Nfd,
    /// Compatibility composition.
    Nfkc,
    /// Compatibility decomposition.
    Nfkd,
}

impl Form {
    /// The form of this name, in any case.
    pub fn from_name(name: &str) -> Option<Form> {
        [
            ("nfc", Form::Nfc),
            ("nfd", Form::Nfd),
            ("nfkc", Form::Nfkc),
            ("nfkd", Form::Nfkd),
        ]
        .into_iter()
        .find_map(|(known, form)| known.eq_ignore_ascii_case(name).then_some(form))
    }

    fn is_compatible(self) -> bool {
        matches!(self, Form::Nfkc | Form::Nfkd)
    }

    fn is_composed(self) -> bool {
        matches!(self, Form::Nfc | Form::Nfkc)
    }
}

/// What a decomposition is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MappingKind {
    /// Two characters that compose to this one; the first may decompose further.
    Pair,
    /// Canonical, but never composed again.
    Canonical,
    /// Only in the compatibility forms; complete.
    Compatible,
}

struct Mapping {
    code: u32,
    start: u32,
    length: u8,
    kind: MappingKind,
}

/// The unpacked data.
pub struct Tables {
    mappings: Vec<Mapping>,
    mapped: Vec<char>,
    pairs: HashMap<(char, char), char>,
    /// First and last code point, and the class.
    classes: Vec<(u32, u32, u8)>,
}

impl Default for Tables {
    fn default() -> Tables {
        // The file is part of the program; a test unpacks it. Without it nothing decomposes.
        unpack(PACKED).unwrap_or(Tables {
            mappings: Vec::new(),
            mapped: Vec::new(),
            pairs: HashMap::new(),
            classes: Vec::new(),
        })
    }
}

fn number(bytes: &mut &[u8]) -> Option<u32> {
    let mut value = 0;
    for shift in (0..32).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u32::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn unpack(mut bytes: &[u8]) -> Option<Tables> {
    let bytes = &mut bytes;
    let count = number(bytes)?;
    let mut mappings = Vec::with_capacity(count as usize);
    let mut mapped: Vec<char> = Vec::new();
    let mut pairs = HashMap::new();
    let (mut code, mut previous) = (0u32, 0u32);
    for _ in 0..count {
        code = code.checked_add(number(bytes)?)?;
        let shape = number(bytes)?;
        let kind = match shape & 3 {
            0 => MappingKind::Pair,
            1 => MappingKind::Canonical,
            _ => MappingKind::Compatible,
        };
        let start = mapped.len();
        for _ in 0..shape >> 2 {
            let coded = number(bytes)?;
            let distance = (coded >> 1) as i32 ^ -((coded & 1) as i32);
            previous = previous.checked_add(1)?.checked_add_signed(distance)?;
            mapped.push(char::from_u32(previous)?);
        }
        if let (MappingKind::Pair, Some(&[first, second])) = (kind, mapped.get(start..)) {
            pairs.insert((first, second), char::from_u32(code)?);
        }
        mappings.push(Mapping {
            code,
            start: start as u32,
            length: u8::try_from(shape >> 2).ok()?,
            kind,
        });
    }
    let runs = number(bytes)?;
    let mut classes = Vec::with_capacity(runs as usize);
    let mut end = 0u32;
    for _ in 0..runs {
        let start = end.checked_add(number(bytes)?)?;
        end = start.checked_add(number(bytes)?)?;
        classes.push((
            start,
            end.checked_sub(1)?,
            u8::try_from(number(bytes)?).ok()?,
        ));
    }
    bytes.is_empty().then_some(Tables {
        mappings,
        mapped,
        pairs,
        classes,
    })
}

// Hangul syllables are composed by arithmetic (The Unicode Standard, 3.12).
const SYLLABLES: u32 = 0xAC00;
const LEADS: u32 = 0x1100;
const VOWELS: u32 = 0x1161;
const TRAILS: u32 = 0x11A7;
const VOWEL_COUNT: u32 = 21;
const TRAIL_COUNT: u32 = 28;
const LEAD_COUNT: u32 = 19;
const SYLLABLE_COUNT: u32 = LEAD_COUNT * VOWEL_COUNT * TRAIL_COUNT;

impl Tables {
    fn mapping(&self, code: char) -> Option<(&[char], MappingKind)> {
        let index = self
            .mappings
            .binary_search_by_key(&u32::from(code), |mapping| mapping.code)
            .ok()?;
        let mapping = self.mappings.get(index)?;
        let start = mapping.start as usize;
        let mapped = self
            .mapped
            .get(start..start + usize::from(mapping.length))?;
        Some((mapped, mapping.kind))
    }

    fn class(&self, code: char) -> u8 {
        let code = u32::from(code);
        let after = self.classes.partition_point(|&(_, last, _)| last < code);
        match self.classes.get(after) {
            Some(&(first, _, class)) if first <= code => class,
            _ => 0,
        }
    }

    /// Appends the full decomposition of a character. Recursion ends after a few levels: mappings
    /// lead to characters of simpler make.
    fn decompose(&self, code: char, compatible: bool, out: &mut Vec<char>) {
        let syllable = u32::from(code).wrapping_sub(SYLLABLES);
        if syllable < SYLLABLE_COUNT {
            let parts = [
                LEADS + syllable / (VOWEL_COUNT * TRAIL_COUNT),
                VOWELS + syllable % (VOWEL_COUNT * TRAIL_COUNT) / TRAIL_COUNT,
                TRAILS + syllable % TRAIL_COUNT,
            ];
            let count = if parts[2] == TRAILS { 2 } else { 3 };
            out.extend(parts.into_iter().take(count).filter_map(char::from_u32));
            return;
        }
        match self.mapping(code) {
            Some((mapped, MappingKind::Compatible)) if compatible => out.extend(mapped),
            Some((mapped, MappingKind::Pair | MappingKind::Canonical)) => {
                for &part in mapped {
                    self.decompose(part, compatible, out);
                }
            }
            _ => out.push(code),
        }
    }

    /// The character that two compose to.
    fn compose_pair(&self, first: char, second: char) -> Option<char> {
        let (a, b) = (u32::from(first), u32::from(second));
        let (lead, vowel) = (a.wrapping_sub(LEADS), b.wrapping_sub(VOWELS));
        if lead < LEAD_COUNT && vowel < VOWEL_COUNT {
            return char::from_u32(SYLLABLES + (lead * VOWEL_COUNT + vowel) * TRAIL_COUNT);
        }
        let (syllable, trail) = (a.wrapping_sub(SYLLABLES), b.wrapping_sub(TRAILS));
        if syllable < SYLLABLE_COUNT
            && syllable % TRAIL_COUNT == 0
            && (1..TRAIL_COUNT).contains(&trail)
        {
            return char::from_u32(a + trail);
        }
        self.pairs.get(&(first, second)).copied()
    }

    /// Composes canonically ordered characters.
    fn compose(&self, decomposed: &[(char, u8)]) -> String {
        let mut composed: Vec<char> = Vec::with_capacity(decomposed.len());
        // Where the last starter is, and the highest class since then.
        let mut starter: Option<usize> = None;
        let mut blocked_by: Option<u8> = None;
        for &(code, class) in decomposed {
            let reachable = match blocked_by {
                None => true,
                Some(highest) => highest < class,
            };
            let merged = starter
                .filter(|_| reachable)
                .and_then(|index| composed.get_mut(index))
                .and_then(|first| Some((self.compose_pair(*first, code)?, first)));
            match merged {
                Some((merged, first)) => *first = merged,
                None => {
                    if class == 0 {
                        starter = Some(composed.len());
                        blocked_by = None;
                    } else {
                        blocked_by = Some(class);
                    }
                    composed.push(code);
                }
            }
        }
        composed.into_iter().collect()
    }

    /// The text in a normalization form.
    pub fn normalize(&self, text: &str, form: Form) -> String {
        if text.is_ascii() {
            return text.to_owned();
        }
        let mut parts = Vec::with_capacity(text.len());
        for code in text.chars() {
            self.decompose(code, form.is_compatible(), &mut parts);
        }
        let mut ordered: Vec<(char, u8)> = parts
            .into_iter()
            .map(|code| (code, self.class(code)))
            .collect();
        for marks in ordered.split_mut(|&(_, class)| class == 0) {
            // Stable: marks of one class keep their order.
            marks.sort_by_key(|&(_, class)| class);
        }
        if form.is_composed() {
            self.compose(&ordered)
        } else {
            ordered.into_iter().map(|(code, _)| code).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_normalization::UnicodeNormalization;
    use unicode_normalization::char::{
        canonical_combining_class, compose, decompose_canonical, decompose_compatible,
    };

    fn push_number(out: &mut Vec<u8>, mut value: u32) {
        while value >= 0x80 {
            out.push(value as u8 | 0x80);
            value >>= 7;
        }
        out.push(value as u8);
    }

    fn canonical(code: char) -> Vec<char> {
        let mut parts = Vec::new();
        decompose_canonical(code, |part| parts.push(part));
        parts
    }

    fn compatible(code: char) -> Vec<char> {
        let mut parts = Vec::new();
        decompose_compatible(code, |part| parts.push(part));
        parts
    }

    /// How the packed file stores a character's decomposition.
    fn stored(code: char) -> Option<(Vec<char>, u32)> {
        if (SYLLABLES..SYLLABLES + SYLLABLE_COUNT).contains(&u32::from(code)) {
            return None;
        }
        let parts = canonical(code);
        if parts != [code] {
            if let Some((&last, front)) = parts.split_last()
                && !front.is_empty()
            {
                let first = front[1..]
                    .iter()
                    .try_fold(front[0], |whole, &part| compose(whole, part));
                if let Some(first) = first
                    && compose(first, last) == Some(code)
                {
                    return Some((vec![first, last], 0));
                }
            }
            return Some((parts, 1));
        }
        let parts = compatible(code);
        (parts != [code]).then_some((parts, 2))
    }

    fn pack() -> Vec<u8> {
        let entries: Vec<(char, Vec<char>, u32)> = ('\0'..=char::MAX)
            .filter_map(|code| stored(code).map(|(parts, kind)| (code, parts, kind)))
            .collect();
        let mut out = Vec::new();
        push_number(&mut out, entries.len() as u32);
        let (mut previous_code, mut previous) = (0, 0i64);
        for (code, parts, kind) in entries {
            push_number(&mut out, u32::from(code) - previous_code);
            previous_code = u32::from(code);
            push_number(&mut out, (parts.len() as u32) << 2 | kind);
            for part in parts {
                let distance = (i64::from(u32::from(part)) - previous - 1) as i32;
                push_number(&mut out, ((distance << 1) ^ (distance >> 31)) as u32);
                previous = i64::from(u32::from(part));
            }
        }
        let mut runs: Vec<(u32, u32, u8)> = Vec::new();
        for code in '\0'..=char::MAX {
            let class = canonical_combining_class(code);
            if class == 0 {
                continue;
            }
            let code = u32::from(code);
            match runs.last_mut() {
                Some((_, end, known)) if *end == code && *known == class => *end += 1,
                _ => runs.push((code, code + 1, class)),
            }
        }
        push_number(&mut out, runs.len() as u32);
        let mut end = 0;
        for (start, run_end, class) in runs {
            push_number(&mut out, start - end);
            push_number(&mut out, run_end - start);
            push_number(&mut out, class.into());
            end = run_end;
        }
        out
    }

    /// With `SEMAC_BLESS=1` this writes the packed file instead of comparing it.
    #[test]
    fn packed_file_is_current() {
        let packed = pack();
        if std::env::var_os("SEMAC_BLESS").is_some_and(|value| value == "1") {
            let path = concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/src/data/unicode/normalization.bin"
            );
            std::fs::write(path, &packed).unwrap();
            return;
        }
        assert!(packed == PACKED, "run again with SEMAC_BLESS=1");
        assert!(unpack(PACKED).is_some());
    }

    #[test]
    fn agrees_on_every_character() {
        let tables = Tables::default();
        for code in '\0'..=char::MAX {
            // In front of, between and behind marks that must be ordered around it.
            let text = format!("{code}\u{301}\u{323}A{code}\u{30A}{code}");
            assert_eq!(
                tables.normalize(&text, Form::Nfc),
                text.nfc().collect::<String>()
            );
            assert_eq!(
                tables.normalize(&text, Form::Nfkd),
                text.nfkd().collect::<String>()
            );
        }
    }

    #[test]
    fn agrees_on_mixed_texts() {
        let tables = Tables::default();
        for text in [
            "é",
            "ﬁ①",
            "각한글",
            "\u{1100}\u{1161}\u{11A8}",
            "ṩ s\u{307}\u{323}",
            "Å ℵ ½ …",
            "\u{344}\u{F73}",
        ] {
            assert_eq!(
                tables.normalize(text, Form::Nfc),
                text.nfc().collect::<String>()
            );
            assert_eq!(
                tables.normalize(text, Form::Nfd),
                text.nfd().collect::<String>()
            );
            assert_eq!(
                tables.normalize(text, Form::Nfkc),
                text.nfkc().collect::<String>()
            );
            assert_eq!(
                tables.normalize(text, Form::Nfkd),
                text.nfkd().collect::<String>()
            );
        }
    }
}
