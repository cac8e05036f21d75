//! Text of floating-point numbers: the shortest decimal digits that read back to the same double, and all
//! digits of integral values.
//!
//! The digits come from the standard library, whose `Display` and `LowerExp` for `f64` are exact and
//! shortest (Grisu with a Dragon fallback). Only the choice between positional and scientific form is
//! made here, so no float printing crate ends up in a user's executable.

use std::fmt::{self, Write};

/// From this magnitude on a float is written in scientific form.
const SCIENTIFIC_FROM: f64 = 1e21;

/// Below this magnitude a float that is not zero is written in scientific form.
const SCIENTIFIC_BELOW: f64 = 1e-7;

/// Writes the readable form of `value`: `1.0`, `0.1`, `1e21`, `-0.0`, `inf`, `NaN`.
///
/// # Errors
/// Only those of `out`.
pub fn write_float(out: &mut impl Write, value: f64) -> fmt::Result {
    if !value.is_finite() {
        // `Display` writes `NaN`, `inf` and `-inf`, which is also our form.
        return write!(out, "{value}");
    }
    let magnitude = value.abs();
    if magnitude >= SCIENTIFIC_FROM || (magnitude > 0.0 && magnitude < SCIENTIFIC_BELOW) {
        return write!(out, "{value:e}");
    }
    if value.fract() == 0.0 {
        // Integral values show all their digits, not only those needed to tell them apart.
        return write!(out, "{value:.1}");
    }
    write!(out, "{value}")
}

/// Writes `value` as an element of an `#f64(…)` array: always positional, without a forced `.0`.
///
/// # Errors
/// Only those of `out`.
pub fn write_array_float(out: &mut impl Write, value: f64) -> fmt::Result {
    write!(out, "{value}")
}

/// The readable form of `value` as a new string.
#[must_use]
pub fn float_text(value: f64) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write_float(&mut text, value);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positional_form() {
        for (value, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (0.1, "0.1"),
            (100.0, "100.0"),
            (1e20, "100000000000000000000.0"),
            (1e-7, "0.0000001"),
            (1.234_567_8e-6, "0.0000012345678"),
            (1e16, "10000000000000000.0"),
            (123_456_789.123, "123456789.123"),
            (123_456_789_012_345_680_000.0, "123456789012345683968.0"),
            (9_223_372_036_854_775_807.0, "9223372036854775808.0"),
            (-2.5, "-2.5"),
        ] {
            assert_eq!(float_text(value), text);
        }
    }

    #[test]
    fn scientific_form() {
        for (value, text) in [
            (1e21, "1e21"),
            (6.022e23, "6.022e23"),
            (5e-324, "5e-324"),
            (9.999_999e-8, "9.999999e-8"),
            (f64::MAX, "1.7976931348623157e308"),
            (-1e-10, "-1e-10"),
        ] {
            assert_eq!(float_text(value), text);
        }
    }

    #[test]
    fn special_values() {
        assert_eq!(float_text(f64::NAN), "NaN");
        assert_eq!(float_text(-f64::NAN), "NaN");
        assert_eq!(float_text(f64::INFINITY), "inf");
        assert_eq!(float_text(f64::NEG_INFINITY), "-inf");
    }

    #[test]
    fn array_elements_stay_positional() {
        let mut text = String::new();
        for value in [1.0, 2.5, 1e22, -0.0, f64::INFINITY] {
            write_array_float(&mut text, value).unwrap();
            text.push(' ');
        }
        assert_eq!(text, "1 2.5 10000000000000000000000 -0 inf ");
    }

    #[test]
    fn every_text_reads_back_to_the_same_bits() {
        // A linear congruential walk over bit patterns: fixed, so a failure can be repeated.
        let mut bits = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..20_000 {
            bits = bits
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let value = f64::from_bits(bits);
            if value.is_finite() {
                let read: f64 = float_text(value).parse().unwrap();
                assert_eq!(read.to_bits(), value.to_bits(), "{value:e}");
            }
        }
    }
}
