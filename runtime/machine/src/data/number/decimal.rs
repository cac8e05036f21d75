//! Decimal digits of integers.
//!
//! Numbers of a few words are taken apart by dividing by the largest power of ten that fits in a word.
//! Larger ones are first split in two by a power of ten, and these again (D. Knuth, The Art of Computer
//! Programming, 4.4, exercise 14), so that all but the last steps divide numbers of like size, which has
//! better methods.

use super::limbs;

/// The largest power of ten in a 64-bit digit, and its exponent.
const WORD_POWER: u64 = 10_000_000_000_000_000_000;
const WORD_DIGITS: usize = 19;
/// 64-bit digits of numbers that are not split.
const FEW_WORDS: usize = 24;
/// Parts of 19 decimal digits of numbers that are the result of a split: they are below
/// `10^(19 * 24)`, which has 24 words.
const PARTS: usize = 24;

/// Appends the decimal digits of a number, given as 64-bit digits.
pub(super) fn write_digits(digits: &[u64], out: &mut String) {
    let digits = limbs::trim(digits);
    let mut powers: Vec<Vec<u64>> = Vec::new();
    if digits.len() > FEW_WORDS {
        let mut power = vec![1];
        for _ in 0..PARTS {
            let mut larger = Vec::new();
            limbs::multiply(&power, &[WORD_POWER], &mut larger);
            power = larger;
        }
        loop {
            power.truncate(limbs::trim(&power).len());
            // Below this length the number is less than the square of the power.
            let enough = digits.len() < 2 * power.len() - 1;
            let mut square = Vec::new();
            if !enough {
                limbs::multiply(&power, &power, &mut square);
            }
            powers.push(power);
            if enough {
                break;
            }
            power = square;
        }
    }
    write_split(digits, &powers, false, out);
}

/// Writes a number below the square of the last power, with leading zeros if it is `padded`.
fn write_split(digits: &[u64], powers: &[Vec<u64>], padded: bool, out: &mut String) {
    let Some((power, smaller)) = powers.split_last() else {
        return write_parts(digits, padded, out);
    };
    let (mut high, mut low) = (Vec::new(), Vec::new());
    limbs::divide(digits, power, &mut high, &mut low);
    let leading = !padded && limbs::trim(&high).is_empty();
    if !leading {
        write_split(&high, smaller, padded, out);
    }
    write_split(&low, smaller, !leading, out);
}

/// Writes a number that is not split.
fn write_parts(digits: &[u64], padded: bool, out: &mut String) {
    let mut words = [0; FEW_WORDS];
    let mut rest = &mut words[..];
    for (word, &digit) in rest.iter_mut().zip(limbs::trim(digits)) {
        *word = digit;
    }
    // The words of a number that is not the result of a split have up to 26 parts: 24 * 64 < 26 * 63.
    let mut parts = [0; FEW_WORDS + 2];
    for part in &mut parts {
        while let [shorter @ .., 0] = rest {
            rest = shorter;
        }
        if rest.is_empty() {
            break;
        }
        *part = limbs::divide_word(rest, WORD_POWER);
    }
    let used = parts
        .iter()
        .rposition(|&part| part != 0)
        .map_or(1, |at| at + 1);
    let count = if padded { PARTS } else { used };
    for (index, &part) in parts.iter().enumerate().take(count).rev() {
        let first = !padded && index + 1 == count;
        write_word(part, if first { 1 } else { WORD_DIGITS }, out);
    }
}

/// Appends the decimal digits of a word, with zeros in front so that there are `least` of them.
pub(super) fn write_word(mut word: u64, least: usize, out: &mut String) {
    let mut text = [b'0'; 20];
    let mut start = text.len();
    for slot in text.iter_mut().rev() {
        if word == 0 {
            break;
        }
        *slot = b'0' + (word % 10) as u8;
        word /= 10;
        start -= 1;
    }
    let start = start.min(text.len().saturating_sub(least));
    // ASCII digits are UTF-8.
    out.push_str(str::from_utf8(text.get(start..).unwrap_or_default()).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_bigint::BigUint;

    #[test]
    fn agrees_with_num_bigint() {
        for exponent in [
            1u32, 18, 19, 20, 37, 38, 63, 64, 65, 100, 380, 440, 462, 463, 500, 1100,
        ] {
            for number in [
                BigUint::from(10u32).pow(exponent),
                BigUint::from(10u32).pow(exponent) - 1u32,
                BigUint::from(7u32).pow(exponent),
                (BigUint::from(1u32) << exponent) - 1u32,
            ] {
                let mut text = String::new();
                write_digits(&number.to_u64_digits(), &mut text);
                assert_eq!(text, number.to_string());
            }
        }
        let mut text = String::new();
        write_digits(&[0, 0], &mut text);
        assert_eq!(text, "0");
    }

    #[test]
    fn words_are_padded() {
        for (word, least, expected) in [
            (0, 0, ""),
            (0, 1, "0"),
            (7, 3, "007"),
            (1234, 2, "1234"),
            (u64::MAX, 1, "18446744073709551615"),
        ] {
            let mut text = String::new();
            write_word(word, least, &mut text);
            assert_eq!(text, expected);
        }
    }
}
