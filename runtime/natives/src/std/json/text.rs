//! What reading and writing JSON share: which bytes of a string stand for themselves.

/// Digits of an integer at most.
pub const LONGEST_NUMBER: usize = 1 << 20;

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// A bit in each byte of the word that is zero, or in one above such a byte.
#[inline]
const fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & HIGH_BITS
}

/// Whether a byte stands for itself inside of a string.
#[inline]
const fn is_plain(byte: u8) -> bool {
    byte >= 0x20 && byte != b'"' && byte != b'\\'
}

/// How many bytes stand for themselves before a quote, a backslash, a control character or the end.
#[inline]
pub fn plain_length(bytes: &[u8]) -> usize {
    let (words, _) = bytes.as_chunks::<8>();
    let mut length = 0;
    for word in words {
        let word = u64::from_le_bytes(*word);
        // Bytes below 0x20 borrow into their high bit, and those from 0x80 on are excluded.
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGH_BITS;
        let quote = zero_bytes(word ^ (ONES * b'"' as u64));
        let backslash = zero_bytes(word ^ (ONES * b'\\' as u64));
        let found = control | quote | backslash;
        if found != 0 {
            // The lowest bit is exact: borrows only reach higher bytes.
            return length + found.trailing_zeros() as usize / 8;
        }
        length += 8;
    }
    let rest = bytes.get(length..).unwrap_or_default();
    length + (rest.iter().position(|byte| !is_plain(*byte))).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_bytes_are_counted_wherever_they_end() {
        for length in 0..40 {
            for special in [b'"', b'\\', 0, 0x1F, b'\n'] {
                let mut text = "aé ~\u{7f}b".repeat(8).into_bytes();
                text.truncate(length);
                let expected = text.len();
                assert_eq!(plain_length(&text), expected);
                text.push(special);
                text.extend(b"more \" text \\ behind");
                assert_eq!(plain_length(&text), expected, "{length} {special}");
            }
        }
    }
}
