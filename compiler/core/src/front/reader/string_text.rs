//! The inside of strings, f-strings and regex literals: runs of text and escapes.

use std::rc::Rc;

use super::error::ReadErrorKind;

/// What ends a run of text, and which syntax the run follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Terminator {
    /// `"`
    Quote,
    /// `${`; asking for it means f-string text, which a quote ends too.
    Interpolation,
    /// `"` of a regex literal: no escapes but `\"`.
    RegexQuote,
}

impl Terminator {
    /// The characters of the terminator.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Quote | Self::RegexQuote => "\"",
            Self::Interpolation => "${",
        }
    }
}

/// A run of text.
pub(super) struct Scanned {
    /// The text, escapes processed.
    pub(super) text: Rc<str>,
    /// Offset after the terminator, or the end of the source.
    pub(super) end: usize,
    /// What ended the run; nothing if the source did.
    pub(super) terminator: Option<Terminator>,
}

/// A bad escape and its byte range.
pub(super) struct TextError {
    pub(super) kind: ReadErrorKind,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Scans text from `start` to its terminator. Bad escapes are reported and kept as written.
pub(super) fn scan_text(
    source: &str,
    start: usize,
    syntax: Terminator,
    report: &mut dyn FnMut(TextError),
) -> Scanned {
    let bytes = source.as_bytes();
    // Text before `copied` is in `owned`; most runs have no escape and are never copied here.
    let mut owned = String::new();
    let mut copied = start;
    let mut at = start;
    let (content_end, terminator) = loop {
        match bytes.get(at) {
            None => break (source.len(), None),
            Some(b'"') => {
                let found = if syntax == Terminator::RegexQuote {
                    syntax
                } else {
                    Terminator::Quote
                };
                break (at, Some(found));
            }
            Some(b'$')
                if syntax == Terminator::Interpolation && bytes.get(at + 1) == Some(&b'{') =>
            {
                break (at, Some(Terminator::Interpolation));
            }
            Some(b'\\') => {
                owned.push_str(source.get(copied..at).unwrap_or_default());
                let escape = if syntax == Terminator::RegexQuote {
                    regex_escape(source, at)
                } else {
                    string_escape(source, at)
                };
                match escape {
                    Ok((character, end)) => {
                        owned.extend(character);
                        copied = if character.is_some() { end } else { at };
                        at = end;
                    }
                    Err(error) => {
                        copied = at;
                        at = error.end.max(at + 1);
                        report(error);
                    }
                }
            }
            Some(_) => at += 1,
        }
    };
    let tail = source.get(copied..content_end).unwrap_or_default();
    let text = if owned.is_empty() {
        Rc::from(tail)
    } else {
        owned.push_str(tail);
        Rc::from(owned)
    };
    let end = content_end + terminator.map_or(0, |found| found.text().len());
    Scanned {
        text,
        end,
        terminator,
    }
}

/// The character an escape stands for, or none if it stays as written, and the offset after it.
type Escape = (Option<char>, usize);

/// In a regex only `\"` is an escape; every other pair is kept.
fn regex_escape(source: &str, at: usize) -> Result<Escape, TextError> {
    Ok(match escaped_character(source, at) {
        Some('"') => (Some('"'), at + 2),
        Some(other) => (None, at + 1 + other.len_utf8()),
        None => (None, source.len()),
    })
}

fn string_escape(source: &str, at: usize) -> Result<Escape, TextError> {
    let Some(letter) = escaped_character(source, at) else {
        return Ok((None, source.len()));
    };
    let character = match letter {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        '0' => '\0',
        '\\' | '"' | '$' => letter,
        'x' => return hex_escape(source, at),
        'u' => return unicode_escape(source, at, letter, 4),
        'U' => return unicode_escape(source, at, letter, 8),
        other => return Ok((None, at + 1 + other.len_utf8())),
    };
    Ok((Some(character), at + 2))
}

/// `\xH…;`
fn hex_escape(source: &str, at: usize) -> Result<Escape, TextError> {
    let digits_start = at + 2;
    let length = hex_digits(source, digits_start).count();
    let digits_end = digits_start + length;
    let error = |kind, end| {
        Err(TextError {
            kind,
            start: at,
            end,
        })
    };
    if length == 0 {
        return error(ReadErrorKind::EmptyHexEscape, digits_end);
    }
    if source.as_bytes().get(digits_end) != Some(&b';') {
        return error(ReadErrorKind::OpenHexEscape, digits_end);
    }
    let digits = source.get(digits_start..digits_end).unwrap_or_default();
    let end = digits_end + 1;
    match u32::from_str_radix(digits, 16) {
        Err(_) => error(ReadErrorKind::HexEscapeOverflow(digits.to_owned()), end),
        Ok(code) => scalar_value(source, code, at, end),
    }
}

/// `\uHHHH` and `\UHHHHHHHH`
fn unicode_escape(
    source: &str,
    at: usize,
    letter: char,
    digits: usize,
) -> Result<Escape, TextError> {
    let start = at + 2;
    let length = hex_digits(source, start).take(digits).count();
    let end = start + length;
    let code = source
        .get(start..end)
        .and_then(|text| u32::from_str_radix(text, 16).ok());
    match code {
        Some(code) if length == digits => scalar_value(source, code, at, end),
        _ => Err(TextError {
            kind: ReadErrorKind::ShortUnicodeEscape { letter, digits },
            start: at,
            end,
        }),
    }
}

fn scalar_value(source: &str, code: u32, start: usize, end: usize) -> Result<Escape, TextError> {
    match char::from_u32(code) {
        Some(character) => Ok((Some(character), end)),
        None => {
            let written = source.get(start + 1..end).unwrap_or_default().to_owned();
            Err(TextError {
                kind: ReadErrorKind::NotAScalarValue(written),
                start,
                end,
            })
        }
    }
}

fn escaped_character(source: &str, at: usize) -> Option<char> {
    source.get(at + 1..).and_then(|rest| rest.chars().next())
}

fn hex_digits(source: &str, start: usize) -> impl Iterator<Item = &u8> {
    let rest = source.as_bytes().get(start..).unwrap_or_default();
    rest.iter().take_while(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(source: &str, syntax: Terminator) -> (String, usize, Option<Terminator>) {
        let scanned = scan_text(source, 0, syntax, &mut |error| panic!("{}", error.kind));
        (scanned.text.to_string(), scanned.end, scanned.terminator)
    }

    fn first_error(source: &str) -> String {
        let mut first = None;
        scan_text(source, 0, Terminator::Quote, &mut |error| {
            first.get_or_insert(error.kind.to_string());
        });
        first.unwrap()
    }

    #[test]
    fn escapes() {
        for (source, expected) in [
            (r#"a\n\t\r\0\\\"\$b""#, "a\n\t\r\0\\\"$b"),
            (r#"\x41;\u03BB\U0001F600""#, "Aλ😀"),
            (r#"\x00000000041;""#, "A"),
            (r#"\q\é\X41;""#, r"\q\é\X41;"),
            ("\\\n  x\"", "\\\n  x"),
            ("${a}\"", "${a}"),
            ("\"", ""),
        ] {
            assert_eq!(
                text(source, Terminator::Quote),
                (expected.into(), source.len(), Some(Terminator::Quote))
            );
        }
    }

    #[test]
    fn terminators() {
        assert_eq!(
            text("a$b${c", Terminator::Interpolation),
            ("a$b".into(), 5, Some(Terminator::Interpolation))
        );
        assert_eq!(
            text(r#"\${a}""#, Terminator::Interpolation),
            ("${a}".into(), 6, Some(Terminator::Quote))
        );
        assert_eq!(
            text(r#"\d\\\"é\n" x"#, Terminator::RegexQuote).0,
            r#"\d\\"é\n"#
        );
        assert_eq!(text("abc", Terminator::Quote), ("abc".into(), 3, None));
        assert_eq!(text("abc\\", Terminator::Quote), ("abc\\".into(), 4, None));
        assert_eq!(
            text("abc\\", Terminator::RegexQuote),
            ("abc\\".into(), 4, None)
        );
    }

    #[test]
    fn bad_escapes() {
        for (source, message) in [
            (r#"\x;""#, r"empty hex escape \x;"),
            (r"\x", r"empty hex escape \x;"),
            (r#"\x41""#, r"hex escape \x missing terminating semicolon"),
            (r#"\xFFFFFFFFFFFF;""#, r"invalid hex escape \xFFFFFFFFFFFF;"),
            (r#"\x110000;""#, r"invalid unicode scalar value \x110000;"),
            (r#"\uD800""#, r"invalid unicode scalar value \uD800"),
            (r#"\u12G4""#, r"\u escape requires exactly 4 hex digits"),
            (r#"\U0041""#, r"\U escape requires exactly 8 hex digits"),
            (r#"\U00110000""#, r"invalid unicode scalar value \U00110000"),
        ] {
            assert_eq!(first_error(source), message, "{source}");
        }
    }
}
