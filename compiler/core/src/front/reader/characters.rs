//! Character classes of the language.

#![allow(
    clippy::indexing_slicing,
    reason = "the table has an entry for each ASCII character"
)]

/// Whitespace: space, tab, carriage return, line feed. A comma is not whitespace.
pub(super) fn is_whitespace(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Does this byte end a number? All delimiters are ASCII.
pub(super) fn ends_number(byte: u8) -> bool {
    is_whitespace(byte)
        || matches!(
            byte,
            b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'"' | b';' | b'\'' | b'`' | b',' | b'#'
        )
}

/// May this character start a symbol?
pub(super) fn starts_symbol(character: char) -> bool {
    match u8::try_from(character) {
        Ok(byte) if byte.is_ascii() => CLASSES[usize::from(byte)] & SYMBOL_START != 0,
        _ => character.is_alphabetic(),
    }
}

/// Offset of the first byte at or after `at` that does not belong to a symbol.
pub(super) fn symbol_end(text: &str, mut at: usize) -> usize {
    let bytes = text.as_bytes();
    loop {
        match bytes.get(at) {
            Some(&byte) if byte.is_ascii() => {
                if CLASSES[usize::from(byte)] & SYMBOL_PART == 0 {
                    return at;
                }
                at += 1;
            }
            Some(_) => match text.get(at..).and_then(|rest| rest.chars().next()) {
                Some(character) if character.is_alphabetic() => at += character.len_utf8(),
                _ => return at,
            },
            None => return at,
        }
    }
}

/// Offset of the first byte at or after `at` that ends a number, or the length of the text.
pub(super) fn number_end(text: &str, at: usize) -> usize {
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    at + rest
        .iter()
        .position(|&byte| ends_number(byte))
        .unwrap_or(rest.len())
}

/// Does the text at `at` start a number: a digit, a sign and a digit, or a lone `+i` or `-i`?
pub(super) fn starts_number(bytes: &[u8], at: usize) -> bool {
    let byte_at = |offset: usize| bytes.get(at + offset).copied();
    match (byte_at(0), byte_at(1)) {
        (Some(first), _) if first.is_ascii_digit() => true,
        (Some(b'+' | b'-'), Some(b'i')) => byte_at(2).is_none_or(ends_number),
        (Some(b'+' | b'-'), Some(second)) => second.is_ascii_digit(),
        _ => false,
    }
}

const SYMBOL_START: u8 = 1;
const SYMBOL_PART: u8 = 2;

/// Classes of the ASCII characters; the table keeps the loop over a symbol free of branches per class.
static CLASSES: [u8; 128] = {
    let mut classes = [0; 128];
    let mut byte = 0;
    while byte < 128 {
        let character = byte as u8;
        if character.is_ascii_alphabetic() || is_symbol_punctuation(character) {
            classes[byte] = SYMBOL_START | SYMBOL_PART;
        } else if character.is_ascii_digit() || character == b'#' {
            classes[byte] = SYMBOL_PART;
        }
        byte += 1;
    }
    classes
};

const fn is_symbol_punctuation(byte: u8) -> bool {
    matches!(
        byte,
        b'+' | b'-'
            | b'*'
            | b'/'
            | b'!'
            | b'?'
            | b'<'
            | b'>'
            | b'='
            | b'_'
            | b'&'
            | b'%'
            | b'^'
            | b'~'
            | b'.'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols() {
        for (text, end) in [
            ("abc def", 3),
            ("a:b", 1),
            ("v#)", 2),
            ("λx²", 3),
            ("->x'", 3),
            ("(", 0),
            ("x1", 2),
        ] {
            assert_eq!(symbol_end(text, 0), end, "{text}");
        }
        assert!(starts_symbol('ª') && starts_symbol('.') && starts_symbol('%'));
        assert!(
            !starts_symbol('1')
                && !starts_symbol('#')
                && !starts_symbol('²')
                && !starts_symbol('٣')
        );
    }

    #[test]
    fn numbers() {
        for text in ["1", "+1", "-0", "+i", "-i)", "+i#", "1+"] {
            assert!(starts_number(text.as_bytes(), 0), "{text}");
        }
        for text in ["", "+", "-a", "+ia", ".5", "-.5", "+i:x", "i"] {
            assert!(!starts_number(text.as_bytes(), 0), "{text}");
        }
        assert_eq!(number_end("1+foo\"", 0), 5);
    }
}
