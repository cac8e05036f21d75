//! From digits to big integers, faster than quadratic: the text may be long and come from outside.

use num_bigint::BigUint;

use super::{LiteralError, MAX_INTEGER_DIGITS};

/// Digits that are converted by the simple quadratic method.
const CHUNK: usize = 1024;

/// The value of a run of digits of `radix`.
pub(super) fn magnitude(digits: &str, radix: u32) -> Result<BigUint, LiteralError> {
    if digits.len() > MAX_INTEGER_DIGITS {
        return Err(LiteralError::TooLong);
    }
    // Powers of two convert in linear time as they are.
    if digits.len() <= CHUNK || radix.is_power_of_two() {
        return simple_magnitude(digits, radix);
    }
    // powers[k] = radix ^ (CHUNK * 2^k)
    let mut powers = vec![BigUint::from(radix).pow(CHUNK as u32)];
    let mut width = CHUNK;
    while width * 2 < digits.len() {
        width *= 2;
        if let Some(last) = powers.last() {
            powers.push(last * last);
        }
    }
    split_magnitude(digits, radix, &powers)
}

fn split_magnitude(digits: &str, radix: u32, powers: &[BigUint]) -> Result<BigUint, LiteralError> {
    let Some((power, smaller)) = powers.split_last() else {
        return simple_magnitude(digits, radix);
    };
    match digits
        .len()
        .checked_sub(CHUNK << smaller.len())
        .and_then(|at| digits.split_at_checked(at))
    {
        Some((high, low)) if !high.is_empty() => {
            Ok(split_magnitude(high, radix, smaller)? * power
                + split_magnitude(low, radix, smaller)?)
        }
        _ => split_magnitude(digits, radix, smaller),
    }
}

fn simple_magnitude(digits: &str, radix: u32) -> Result<BigUint, LiteralError> {
    BigUint::parse_bytes(digits.as_bytes(), radix)
        .ok_or_else(|| LiteralError::Invalid(digits.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::number::literal::{MAX_RATIO_DIGITS, parse_literal};

    #[test]
    fn splitting_gives_the_same_value() {
        // Sizes around the split points.
        for length in [
            1,
            CHUNK,
            CHUNK + 1,
            2 * CHUNK,
            2 * CHUNK + 1,
            3 * CHUNK - 1,
            5 * CHUNK + 7,
        ] {
            let digits: String = (0..length)
                .map(|index| char::from(b'1' + (index * 7 % 9) as u8))
                .collect();
            assert_eq!(
                magnitude(&digits, 10),
                Ok(digits.parse().unwrap()),
                "{length}"
            );
            let direct = BigUint::parse_bytes(digits.as_bytes(), 12).unwrap();
            assert_eq!(magnitude(&digits, 12), Ok(direct), "{length}");
        }
    }

    #[test]
    fn there_is_a_limit() {
        assert_eq!(
            magnitude(&"9".repeat(MAX_INTEGER_DIGITS + 1), 10),
            Err(LiteralError::TooLong)
        );
        let ratio = format!("1/{}", "9".repeat(MAX_RATIO_DIGITS + 1));
        assert_eq!(parse_literal(&ratio), Err(LiteralError::TooLong));
    }
}
