//! Searching bytes.

/// Bytes that are compared at once.
const BLOCK: usize = 32;

/// Where the first byte of this value is.
///
/// Blocks are looked at as a whole, in a form that compilers make instructions on vectors of; only the block that has the byte is
/// searched by words.
#[must_use]
pub fn position_of(bytes: &[u8], wanted: u8) -> Option<usize> {
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    for (number, block) in blocks.iter().enumerate() {
        let found = block
            .iter()
            .fold(0, |found, &byte| found | u8::from(byte == wanted));
        if found != 0 {
            return Some(number * BLOCK + position_in_block(block, wanted));
        }
    }
    position_in_words(rest, wanted).map(|place| blocks.len() * BLOCK + place)
}

/// The place in a block that has the byte. All words are looked at, since in which one it is differs from time to time: a jump that
/// depends on that is worse.
#[inline(always)]
fn position_in_block(block: &[u8; BLOCK], wanted: u8) -> usize {
    let (words, _) = block.as_chunks::<8>();
    let mut found = (0, 0);
    for (number, word) in words.iter().enumerate().rev() {
        let equal = bytes_equal(u64::from_le_bytes(*word), wanted);
        found = if equal != 0 { (number, equal) } else { found };
    }
    found.0 * 8 + found.1.trailing_zeros() as usize / 8
}

/// The same of a few bytes.
#[inline]
fn position_in_words(bytes: &[u8], wanted: u8) -> Option<usize> {
    let (words, rest) = bytes.as_chunks::<8>();
    for (number, word) in words.iter().enumerate() {
        let equal = bytes_equal(u64::from_le_bytes(*word), wanted);
        if equal != 0 {
            return Some(number * 8 + equal.trailing_zeros() as usize / 8);
        }
    }
    let place = rest.iter().position(|&byte| byte == wanted)?;
    Some(words.len() * 8 + place)
}

/// The highest bit of each byte of a word that is `byte` (H. S. Warren, "Hacker's Delight", 6-1).
#[inline(always)]
#[must_use]
pub fn bytes_equal(word: u64, byte: u8) -> u64 {
    const LOW_BITS: u64 = 0x7F7F_7F7F_7F7F_7F7F;
    let word = word ^ u64::from_ne_bytes([byte; 8]);
    !((word & LOW_BITS).wrapping_add(LOW_BITS) | word | LOW_BITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_first_of_several() {
        for wanted in [0, 1, b'\n', 0x7F, 0x80, 0xFF] {
            for length in 0..100 {
                // The neighbours in value are what comparing words could confuse.
                let others = [wanted.wrapping_add(1), wanted.wrapping_sub(1), !wanted];
                let mut bytes: Vec<u8> = others.iter().copied().cycle().take(length).collect();
                assert_eq!(position_of(&bytes, wanted), None);
                for place in (0..length).rev() {
                    bytes[place] = wanted;
                    assert_eq!(position_of(&bytes, wanted), Some(place));
                }
            }
        }
    }
}
