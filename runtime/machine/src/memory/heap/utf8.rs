//! Texts from outside: whether they are UTF-8, and how many characters they have, in one walk.

use std::str::Utf8Error;

const HIGH_BITS: u64 = 0x8080_8080_8080_8080;
/// Bytes that are looked at as a whole while all is ASCII.
const BLOCK: usize = 32;

/// Number of characters of a text in UTF-8.
///
/// # Errors
/// The bytes are not UTF-8.
pub(super) fn character_count(bytes: &[u8]) -> Result<usize, Utf8Error> {
    match valid_count(bytes) {
        Some(count) => Ok(count),
        // The library says where the mistake is.
        None => std::str::from_utf8(bytes).map(|text| text.chars().count()),
    }
}

/// The same; `None` if they are not.
///
/// Most of most texts is ASCII, with single other characters in between: it is skipped by words, from wherever it begins.
fn valid_count(bytes: &[u8]) -> Option<usize> {
    let (blocks, _) = bytes.as_chunks::<BLOCK>();
    let ascii = (blocks.iter())
        .take_while(|block| block.iter().fold(0, |all, &byte| all | byte) < 0x80)
        .count();
    let mut rest = bytes.get(ascii * BLOCK..)?;
    let mut continuations = 0;
    while let Some((word, behind)) = rest.split_first_chunk::<8>() {
        let high = u64::from_le_bytes(*word) & HIGH_BITS;
        if high == 0 {
            rest = behind;
            continue;
        }
        rest = rest.get(high.trailing_zeros() as usize / 8..)?;
        let length = length_of_first(rest)?;
        continuations += length - 1;
        rest = rest.get(length..)?;
    }
    loop {
        rest = match rest {
            [] => return Some(bytes.len() - continuations),
            [..0x80, behind @ ..] => behind,
            _ => {
                let length = length_of_first(rest)?;
                continuations += length - 1;
                rest.get(length..)?
            }
        };
    }
}

/// How many bytes the first character has, which is not ASCII; `None` if they are no character.
#[inline(always)]
fn length_of_first(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [0xC2..=0xDF, 0x80..=0xBF, ..] => Some(2),
        [0xE0, 0xA0..=0xBF, 0x80..=0xBF, ..]
        | [0xE1..=0xEC | 0xEE | 0xEF, 0x80..=0xBF, 0x80..=0xBF, ..]
        | [0xED, 0x80..=0x9F, 0x80..=0xBF, ..] => Some(3),
        [0xF0, 0x90..=0xBF, 0x80..=0xBF, 0x80..=0xBF, ..]
        | [0xF1..=0xF3, 0x80..=0xBF, 0x80..=0xBF, 0x80..=0xBF, ..]
        | [0xF4, 0x80..=0x8F, 0x80..=0xBF, 0x80..=0xBF, ..] => Some(4),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8]) {
        let expected = std::str::from_utf8(bytes).map(|text| text.chars().count());
        assert_eq!(valid_count(bytes), expected.ok(), "{bytes:x?}");
        assert_eq!(character_count(bytes), expected);
    }

    /// Bytes around all borders of the grammar.
    const BYTES: [u8; 22] = [
        0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC,
        0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF4, 0xF5,
    ];

    #[test]
    fn agrees_with_the_library_on_all_short_sequences() {
        let others = [0xF3, 0xF8, 0xFF];
        for &a in BYTES.iter().chain(&others) {
            check(&[a]);
            for b in BYTES {
                check(&[a, b]);
                for c in BYTES {
                    check(&[a, b, c]);
                    for d in BYTES {
                        check(&[a, b, c, d]);
                    }
                }
            }
        }
    }

    #[test]
    fn agrees_with_the_library_wherever_a_character_is() {
        for character in ["é", "€", "😀", "\u{7FF}", "\u{FFFF}", "日本"] {
            for before in 0..70 {
                for behind in [0, 1, 7, 8, 40] {
                    let text = format!("{}{character}{}", "x".repeat(before), "y".repeat(behind));
                    check(text.as_bytes());
                    let mut bytes = text.into_bytes();
                    bytes.remove(before + 1);
                    check(&bytes);
                    bytes.truncate(before + 1);
                    check(&bytes);
                }
            }
        }
    }
}
