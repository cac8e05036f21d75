//! Texts from outside: whether they are UTF-8, and how many characters they have, in one walk.

use std::str::Utf8Error;

const HIGH_BITS: u64 = 0x8080_8080_8080_8080;
/// Bytes that are looked at as a whole while all is ASCII.
const BLOCK: usize = 32;

/// Number of characters of a text in UTF-8.
///
/// # Errors
/// The bytes are not UTF-8.
#[inline]
pub(super) fn character_count(bytes: &[u8]) -> Result<usize, Utf8Error> {
    valid_count(bytes).map_or_else(|| count_of_library(bytes), Ok)
}

/// The library says where the mistake is.
#[cold]
#[inline(never)]
fn count_of_library(bytes: &[u8]) -> Result<usize, Utf8Error> {
    std::str::from_utf8(bytes).map(|text| text.chars().count())
}

/// The same; `None` if they are not.
///
/// Most of most texts is ASCII, with single other characters in between: it is skipped by words, from wherever it begins.
fn valid_count(bytes: &[u8]) -> Option<usize> {
    let (blocks, _) = bytes.as_chunks::<BLOCK>();
    let ascii = (blocks.iter())
        .take_while(|block| {
            // Bytes that are put together one by one stay a row of instructions, as the end may come behind each block.
            let (words, _) = block.as_chunks::<8>();
            let all = (words.iter()).fold(0, |all, word| all | u64::from_le_bytes(*word));
            all & HIGH_BITS == 0
        })
        .count();
    let mut rest = bytes.get(ascii * BLOCK..)?;
    let mut continuations = 0;
    loop {
        let word = match rest.first_chunk::<8>() {
            Some(word) => u64::from_le_bytes(*word),
            None => last_word(bytes, rest),
        };
        let high = word & HIGH_BITS;
        if high == 0 {
            match rest.get(8..) {
                Some(behind) => rest = behind,
                None => return Some(bytes.len() - continuations),
            }
            continue;
        }
        rest = rest.get(high.trailing_zeros() as usize / 8..)?;
        let length = length_of_first(rest)?;
        continuations += length - 1;
        rest = rest.get(length..)?;
    }
}

/// The last bytes of a text, fewer than eight, as a word that is filled up with zeros. A longer text has a whole word there: how many bytes
/// are left differs from text to text, and a loop over them would end where no processor expects it.
#[inline(always)]
fn last_word(bytes: &[u8], rest: &[u8]) -> u64 {
    match bytes.last_chunk::<8>() {
        Some(word) if !rest.is_empty() => u64::from_le_bytes(*word) >> (64 - 8 * rest.len().min(8)),
        _ => (rest.iter().rev()).fold(0, |word, byte| word << 8 | u64::from(*byte)),
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
