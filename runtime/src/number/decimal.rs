//! Decimal digits of big integers in less than quadratic time.
//!
//! The number is split by powers `10^(CHUNK * 2^k)`. Division in num-bigint is quadratic, so each power
//! carries its reciprocal (found by Newton's iteration) and a division becomes two multiplications:
//! P. Barrett, CRYPTO '86; R. Brent and P. Zimmermann, Modern Computer Arithmetic, 2.4.1 and 3.4.

use num_bigint::BigUint;
use num_traits::Zero;

use super::limbs;

/// Digits that are converted by the simple quadratic method.
const CHUNK: usize = 1024;
/// Reciprocals of numbers up to this size are found by dividing.
const SIMPLE_RECIPROCAL_BITS: u64 = 4096;

/// The largest power of ten in a 64-bit digit, and its exponent.
const WORD_POWER: u64 = 10_000_000_000_000_000_000;
const WORD_DIGITS: usize = 19;
/// 64-bit digits of numbers that are taken apart by dividing by that power.
const FEW_WORDS: usize = 24;

/// Appends the decimal digits of a number, given as 64-bit digits.
pub(super) fn write_digits(digits: &[u64], out: &mut String) {
    let digits = limbs::trim(digits);
    if digits.len() > FEW_WORDS {
        write_decimal(&limbs::to_big(digits), out);
        return;
    }
    let mut buffer = [0; FEW_WORDS];
    let Some(mut rest) = buffer.get_mut(..digits.len()) else {
        return;
    };
    rest.copy_from_slice(digits);
    // A part of the decimal digits is shorter than a 64-bit digit: 24 * 64 < 26 * 63.
    let mut parts = [0; FEW_WORDS + 2];
    let mut count = 0;
    for part in &mut parts {
        *part = limbs::divide_word(rest, WORD_POWER);
        count += 1;
        while let [shorter @ .., 0] = rest {
            rest = shorter;
        }
        if rest.is_empty() {
            break;
        }
    }
    let mut parts = parts.iter().take(count).rev();
    if let Some(&first) = parts.next() {
        write_word(first, 1, out);
    }
    for &part in parts {
        write_word(part, WORD_DIGITS, out);
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

/// Appends the decimal digits of `number`.
pub fn write_decimal(number: &BigUint, out: &mut String) {
    // 10^CHUNK has more than 3 CHUNK bits.
    if number.bits() <= 3 * CHUNK as u64 {
        out.push_str(&number.to_str_radix(10));
        return;
    }
    let mut powers = vec![Power::new(BigUint::from(10u32).pow(CHUNK as u32), CHUNK)];
    while let Some(last) = powers.last() {
        // Now number < 2^(2 bits - 2) <= power^2.
        if number.bits() <= 2 * last.bits - 2 {
            break;
        }
        let square = Power::new(&last.value * &last.value, last.digits * 2);
        powers.push(square);
    }
    write_split(number, &powers, false, out);
}

struct Power {
    value: BigUint,
    /// The exponent.
    digits: usize,
    bits: u64,
    /// About 2^(2 bits) / value.
    reciprocal: BigUint,
}

impl Power {
    fn new(value: BigUint, digits: usize) -> Power {
        Power {
            digits,
            bits: value.bits(),
            reciprocal: reciprocal(&value),
            value,
        }
    }

    /// Quotient and remainder of a number below the square of this power.
    fn divide(&self, number: &BigUint) -> (BigUint, BigUint) {
        let one = BigUint::from(1u32);
        let mut quotient = ((number >> (self.bits - 1)) * &self.reciprocal) >> (self.bits + 1);
        let mut product = &quotient * &self.value;
        // The estimate is off by a few at most.
        while product > *number {
            quotient -= &one;
            product -= &self.value;
        }
        let mut remainder = number - product;
        while remainder >= self.value {
            quotient += &one;
            remainder -= &self.value;
        }
        (quotient, remainder)
    }
}

/// About `2^(2 n) / number`, where n is the number of bits of `number`.
fn reciprocal(number: &BigUint) -> BigUint {
    let bits = number.bits();
    if bits <= SIMPLE_RECIPROCAL_BITS {
        return (BigUint::from(1u32) << (2 * bits)) / number;
    }
    let half = bits / 2 + 4;
    let rough = reciprocal(&(number >> (bits - half)));
    // With the relative error e, 2x - x²n has the error e², and it is never too large.
    let square = (&rough * &rough * number) >> (2 * half);
    let doubled = rough << (bits - half + 1);
    if doubled > square {
        doubled - square
    } else {
        BigUint::zero()
    }
}

/// Writes a number below the square of the last power, with leading zeros if it is `padded`.
fn write_split(number: &BigUint, powers: &[Power], padded: bool, out: &mut String) {
    let Some((power, smaller)) = powers.split_last() else {
        let text = number.to_str_radix(10);
        if padded {
            out.extend(std::iter::repeat_n('0', CHUNK.saturating_sub(text.len())));
        }
        out.push_str(&text);
        return;
    };
    let (high, low) = power.divide(number);
    let leading = !padded && high.is_zero();
    if !leading {
        write_split(&high, smaller, padded, out);
    }
    write_split(&low, smaller, !leading, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_simple_method() {
        for exponent in [
            1u32, 19, 20, 63, 64, 65, 100, 380, 440, 462, 463, 500, 1100, 2048, 2049, 4096, 5000,
            9999, 30_000,
        ] {
            for number in [
                BigUint::from(10u32).pow(exponent),
                BigUint::from(10u32).pow(exponent) - 1u32,
                BigUint::from(7u32).pow(exponent),
                (BigUint::from(1u32) << exponent) - 1u32,
            ] {
                let mut text = String::new();
                write_decimal(&number, &mut text);
                assert_eq!(text, number.to_str_radix(10));
                let mut text = String::new();
                write_digits(&number.to_u64_digits(), &mut text);
                assert_eq!(text, number.to_str_radix(10));
            }
        }
    }

    #[test]
    fn reciprocals_are_close() {
        for exponent in [3000u32, 5000, 11_000] {
            let number = BigUint::from(10u32).pow(exponent);
            let exact = (BigUint::from(1u32) << (2 * number.bits())) / &number;
            let found = reciprocal(&number);
            let error = if found > exact {
                found - exact
            } else {
                exact - found
            };
            assert!(error <= BigUint::from(4u32), "{exponent}: {error}");
        }
    }
}
