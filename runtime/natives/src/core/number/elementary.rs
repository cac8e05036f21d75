//! Elementary functions of floats, interpolation, fixed-point text and random numbers.

use sema_machine::host::arguments::{argument, argument_error};
use std::hash::{BuildHasher, Hasher, RandomState};

use crate::core::number::math::real;
use sema_machine::data::number::{self, elementary};
use sema_machine::host::Host;
use sema_machine::host::condition::{Outcome, eval_error, type_error};
use sema_machine::memory::value::Value;
use sema_machine::natives;

natives! {
    /// The sine of an angle in radians.
    /// (sin 0) => 0.0
    "sin" (angle: Real) -> Float, pure, varies => sin;

    /// The cosine of an angle in radians.
    /// (cos 0) => 1.0
    "cos" (angle: Real) -> Float, pure, varies => cos;

    /// The natural logarithm: -inf for zero, NaN for negative numbers.
    /// (log 1) => 0.0
    /// (log 0) => -inf
    "log" (number: Real) -> Float, pure, varies => log;

    /// The tangent of an angle in radians.
    /// (math/tan 0) => 0.0
    "math/tan" (angle: Real) -> Float, pure, varies => tan;

    /// The angle in radians, from -pi/2 to pi/2, with this sine; NaN beyond -1 and 1.
    /// (math/asin 1) => 1.5707963267948966
    "math/asin" (sine: Real) -> Float, pure, varies => asin;

    /// The angle in radians, from 0 to pi, with this cosine; NaN beyond -1 and 1.
    /// (math/acos -1) => 3.141592653589793
    /// (math/nan? (math/acos 2)) => #t
    "math/acos" (cosine: Real) -> Float, pure, varies => acos;

    /// The angle in radians, from -pi/2 to pi/2, with this tangent.
    /// (math/atan 1) => 0.7853981633974483
    "math/atan" (tangent: Real) -> Float, pure, varies => atan;

    /// The angle in radians, from -pi to pi, of the direction from the origin to the point (x, y). The
    /// first argument is y.
    /// (math/atan2 1 0) => 1.5707963267948966
    /// (math/atan2 0 -1) => 3.141592653589793
    "math/atan2" (y: Real, x: Real) -> Float, pure, varies => atan2;

    /// The hyperbolic sine.
    /// (math/sinh 0) => 0.0
    "math/sinh" (number: Real) -> Float, pure, varies => sinh;

    /// The hyperbolic cosine.
    /// (math/cosh 0) => 1.0
    "math/cosh" (number: Real) -> Float, pure, varies => cosh;

    /// The hyperbolic tangent.
    /// (math/tanh 0) => 0.0
    "math/tanh" (number: Real) -> Float, pure, varies => tanh;

    /// The number e to a power.
    /// (math/exp 0) => 1.0
    "math/exp" (power: Real) -> Float, pure, varies => exp;

    /// The logarithm to base 2.
    /// (math/log2 1024) => 10.0
    "math/log2" (number: Real) -> Float, pure, varies => log2;

    /// The logarithm to base 10.
    /// (math/log10 1000) => 3.0
    "math/log10" (number: Real) -> Float, pure, varies => log10;

    /// An angle given in degrees, in radians.
    /// (math/degrees->radians 180) => 3.141592653589793
    "math/degrees->radians" (degrees: Real) -> Float, pure => degrees_to_radians;

    /// An angle given in radians, in degrees.
    /// (math/radians->degrees pi) => 180.0
    "math/radians->degrees" (radians: Real) -> Float, pure => radians_to_degrees;

    /// Whether a value is an infinite float, positive or negative.
    /// (math/infinite? (- math/infinity)) => #t
    /// (math/infinite? 1e308) => #f
    "math/infinite?" (value: Any) -> Bool, total => is_infinite;

    /// Whether a value is NaN, the float that is no number and not `=` to itself.
    /// (math/nan? math/nan) => #t
    /// (math/nan? "NaN") => #f
    "math/nan?" (value: Any) -> Bool, total => is_nan;

    /// -1 for numbers below zero, 1 for numbers above, 0 otherwise.
    /// (math/sign -2.5) => -1
    /// (math/sign 0.0) => 0
    "math/sign" (number: Number) -> Int, pure => sign;

    /// A number, or the bound that it lies beyond. It is an integer when all three are integers, and a
    /// float otherwise. Takes floats and integers of 64 bits.
    /// (math/clamp 12 0 10) => 10
    /// (math/clamp 0.5 1 2) => 1.0
    "math/clamp" (number: Real, low: Real, high: Real) -> Real, pure => clamp;

    /// The number at a fraction of the way from one number to another. Takes floats and integers of 64
    /// bits.
    /// (math/lerp 10 20 0.25) => 12.5
    "math/lerp" (from: Real, to: Real, fraction: Real) -> Float, pure => lerp;

    /// Moves a number from one range to another, keeping its place between the ends. Takes floats and
    /// integers of 64 bits.
    /// (math/map-range 5 0 10 0 100) => 50.0
    /// (math/map-range 32 32 212 0 100) => 0.0
    "math/map-range" (number: Real, from_low: Real, from_high: Real, to_low: Real, to_high: Real) -> Float, pure => map_range;

    /// A number rounded to decimal places, half away from zero; negative places round before the point.
    /// Takes floats and integers of 64 bits.
    /// (math/round-to 3.14159 2) => 3.14
    /// (math/round-to 1250 -2) => 1300.0
    "math/round-to" (number: Real, places: Int) -> Float, pure, varies => round_to;

    /// The text of a number with exactly so many digits after the point; negative counts are 0. Raises
    /// for more than 100 million digits. Takes floats and integers of 64 bits.
    /// (math/format-fixed 2.5 2) => "2.50"
    /// (math/format-fixed 1/3 2) => error expected number, got rational
    "math/format-fixed" (number: Real, places: Int) -> String, pure => format_fixed;

    /// A random float from 0 up to, and without, 1. The seed comes from the system.
    /// (<= 0 (math/random) 1) => #t
    "math/random" () -> Float => random;

    /// A random integer between two bounds, both included. Raises when `low` is above `high`.
    /// (<= 1 (math/random-int 1 6) 6) => #t
    /// (math/random-int 3 3) => 3
    /// (math/random-int 5 1) => error lo (5) must be <= hi (1)
    "math/random-int" (low: Int, high: Int) -> Int => random_int;
}

macro_rules! float_functions {
    ($($name:ident = $function:expr;)*) => {
        $(fn $name(host: &Host, args: &[Value]) -> Outcome {
            Ok(Value::float($function(real(host, argument(args, 0))?)))
        })*
    };
}

float_functions! {
    sin = elementary::sin;
    cos = elementary::cos;
    tan = elementary::tan;
    asin = elementary::asin;
    acos = elementary::acos;
    atan = elementary::atan;
    sinh = f64::sinh;
    cosh = elementary::cosh;
    tanh = elementary::tanh;
    exp = f64::exp;
    log = f64::ln;
    log2 = f64::log2;
    log10 = elementary::log10;
}

fn atan2(host: &Host, args: &[Value]) -> Outcome {
    let y = real(host, argument(args, 0))?;
    Ok(Value::float(elementary::atan2(
        y,
        real(host, argument(args, 1))?,
    )))
}

/// The argument as a machine number: a float or an integer of 64 bits.
fn machine_number(host: &Host, name: &str, args: &[Value], index: usize) -> Outcome<f64> {
    let value = argument(args, index);
    number::word_float(&host.heap, value)
        .ok_or_else(|| argument_error(host, name, index, "number", value))
}

/// The argument as an integer of 64 bits.
fn machine_integer(host: &Host, name: &str, args: &[Value], index: usize) -> Outcome<i64> {
    let value = argument(args, index);
    (host.heap.as_i64(value)).ok_or_else(|| argument_error(host, name, index, "integer", value))
}

fn degrees_to_radians(host: &Host, args: &[Value]) -> Outcome {
    let degrees = machine_number(host, "math/degrees->radians", args, 0)?;
    Ok(Value::float(degrees.to_radians()))
}

fn radians_to_degrees(host: &Host, args: &[Value]) -> Outcome {
    let radians = machine_number(host, "math/radians->degrees", args, 0)?;
    Ok(Value::float(radians.to_degrees()))
}

fn is_infinite(_: &Host, args: &[Value]) -> Outcome {
    let float = argument(args, 0).as_float();
    Ok(Value::bool(float.is_some_and(f64::is_infinite)))
}

fn is_nan(_: &Host, args: &[Value]) -> Outcome {
    let float = argument(args, 0).as_float();
    Ok(Value::bool(float.is_some_and(f64::is_nan)))
}

fn sign(host: &Host, args: &[Value]) -> Outcome {
    let number = argument(args, 0);
    if !number.kind().is_number() {
        return Err(type_error(host, "number", number));
    }
    Ok(Value::small(number::sign(&host.heap, number)))
}

fn clamp(host: &Host, args: &[Value]) -> Outcome {
    let bounded = |index| machine_number(host, "math/clamp", args, index);
    let (x, low, high) = (bounded(0)?, bounded(1)?, bounded(2)?);
    let word = |index| host.heap.as_i64(argument(args, index));
    if let (Some(x), Some(low), Some(high)) = (word(0), word(1), word(2)) {
        return Ok(host.heap.int(x.max(low).min(high)));
    }
    // A bound that is NaN does not bound; a number that is NaN stays.
    Ok(Value::float(if x.is_nan() {
        x
    } else {
        x.max(low).min(high)
    }))
}

fn lerp(host: &Host, args: &[Value]) -> Outcome {
    let float = |index| machine_number(host, "math/lerp", args, index);
    let (from, to, place) = (float(0)?, float(1)?, float(2)?);
    Ok(Value::float(from + (to - from) * place))
}

fn map_range(host: &Host, args: &[Value]) -> Outcome {
    let float = |index| machine_number(host, "math/map-range", args, index);
    let (x, from_low, from_high) = (float(0)?, float(1)?, float(2)?);
    let (to_low, to_high) = (float(3)?, float(4)?);
    let place = (x - from_low) / (from_high - from_low);
    Ok(Value::float(to_low + place * (to_high - to_low)))
}

/// Rounding to more digits would only add the errors of the multiplication.
const EXACT_DIGITS: i64 = 16;

fn round_to(host: &Host, args: &[Value]) -> Outcome {
    let x = machine_number(host, "math/round-to", args, 0)?;
    let digits = machine_integer(host, "math/round-to", args, 1)?;
    if digits > EXACT_DIGITS || !x.is_finite() {
        return Ok(Value::float(x));
    }
    let factor = 10f64.powi(digits.max(-400) as i32);
    if factor == 0.0 {
        // Every float is nearer to zero than to this power of ten.
        return Ok(Value::float(0f64.copysign(x)));
    }
    let scaled = x * factor;
    Ok(Value::float(if scaled.is_finite() {
        scaled.round() / factor
    } else {
        x
    }))
}

/// Most digits after the point that make sense to ask for.
const MAX_DIGITS: i64 = 100_000_000;
/// More digits than any double has after the point.
const ALL_DIGITS: usize = 1_100;

fn format_fixed(host: &Host, args: &[Value]) -> Outcome {
    let x = machine_number(host, "math/format-fixed", args, 0)?;
    let digits = machine_integer(host, "math/format-fixed", args, 1)?.max(0);
    if digits > MAX_DIGITS {
        return Err(eval_error(format!(
            "math/format-fixed: {digits} digits exceeds the limit of {MAX_DIGITS}"
        )));
    }
    let digits = digits as usize;
    let mut text = format!("{x:.*}", digits.min(ALL_DIGITS));
    if x.is_finite() {
        text.extend(std::iter::repeat_n('0', digits.saturating_sub(ALL_DIGITS)));
    }
    Ok(host.heap.string(&text))
}

/// The next 64 random bits: SplitMix64 (G. Steele, D. Lea, C. Flood, OOPSLA 2014), seeded by the system.
fn random_bits(host: &Host) -> u64 {
    let mut state = host.random_state.get();
    if state == 0 {
        // The standard library seeds its hash tables from the system.
        state = RandomState::new().build_hasher().finish();
    }
    state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    host.random_state.set(state);
    let mut bits = state;
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// A random number below `bound`, without bias (D. Lemire, 2019); 0 stands for 2^64.
pub(crate) fn random_below(host: &Host, bound: u64) -> u64 {
    if bound == 0 {
        return random_bits(host);
    }
    loop {
        let product = u128::from(random_bits(host)) * u128::from(bound);
        if product as u64 >= bound.wrapping_neg() % bound {
            return (product >> 64) as u64;
        }
    }
}

fn random(host: &Host, _: &[Value]) -> Outcome {
    // 53 bits: every result is a multiple of 2^-53.
    Ok(Value::float(
        (random_bits(host) >> 11) as f64 / (1u64 << 53) as f64,
    ))
}

fn random_int(host: &Host, args: &[Value]) -> Outcome {
    let low = machine_integer(host, "math/random-int", args, 0)?;
    let high = machine_integer(host, "math/random-int", args, 1)?;
    if low > high {
        return Err(eval_error(format!(
            "math/random-int: lo ({low}) must be <= hi ({high})"
        )));
    }
    let count = (high.wrapping_sub(low) as u64).wrapping_add(1);
    let offset = random_below(host, count);
    Ok(host.heap.int(low.wrapping_add(offset as i64)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::run;
    use sema_machine::host::output::Output;

    #[test]
    fn elementary_functions() {
        let host = Host::new(Output::memory(), &crate::NATIVES);
        for (expression, result) in [
            ("(log -1)", "NaN"),
            ("(log 0)", "-inf"),
            ("(math/log2 8)", "3.0"),
            ("(math/acos 2)", "NaN"),
            (
                "(sin 1+2i)",
                ":type-error expected real number, got complex",
            ),
            ("(cos nil)", ":type-error expected number, got nil"),
            ("(math/atan2 0 -1)", "3.141592653589793"),
            ("(math/nan? \"x\")", "#f"),
            ("(math/infinite? -inf)", "#t"),
            ("(math/sign -2.5)", "-1"),
            ("(math/sign nan)", "0"),
            ("(math/clamp 5 1 3)", "3"),
            ("(math/clamp 5 1.0 3)", "3.0"),
            (
                "(math/clamp 1/2 0 1)",
                ":type-error math/clamp argument 1 expected number, got rational",
            ),
            ("(math/lerp 0 10 0.5)", "5.0"),
            ("(math/map-range 5 0 10 0 100)", "50.0"),
            ("(math/round-to 1234.567 -2)", "1200.0"),
            ("(math/round-to 2.675 2)", "2.68"),
            ("(math/round-to 7 26)", "7.0"),
            ("(math/round-to -7 -400)", "-0.0"),
            (
                "(math/round-to 1 2.0)",
                ":type-error math/round-to argument 2 expected integer, got float",
            ),
            ("(math/format-fixed 2.5 0)", "\"2\""),
            ("(math/format-fixed 5 2)", "\"5.00\""),
            ("(math/format-fixed 1.5 -1)", "\"2\""),
            ("(math/random-int 3 3)", "3"),
            (
                "(math/random-int 5 1)",
                ":eval math/random-int: lo (5) must be <= hi (1)",
            ),
        ] {
            assert_eq!(run(&host, &[TABLE], expression), result, "{expression}");
        }
    }

    #[test]
    fn fixed_text_may_be_longer_than_the_formatter_allows() {
        let host = Host::new(Output::memory(), &crate::NATIVES);
        let text = run(&host, &[TABLE], "(math/format-fixed 1.5 70000)");
        assert_eq!(text.len(), 70_000 + 4);
        assert!(
            run(&host, &[TABLE], "(math/format-fixed 1 9223372036854775807)").starts_with(":eval")
        );
    }

    #[test]
    fn random_numbers_stay_in_range() {
        let host = Host::new(Output::memory(), &crate::NATIVES);
        let mut seen = [0; 7];
        for _ in 0..7000 {
            seen[random_below(&host, 7) as usize] += 1;
            let float = random(&host, &[]).ok().unwrap().as_float().unwrap();
            assert!((0.0..1.0).contains(&float));
        }
        assert!(
            seen.iter().all(|count| (700..1300).contains(count)),
            "{seen:?}"
        );
        let (low, high) = (host.heap.int(i64::MIN), host.heap.int(i64::MAX));
        assert!(random_int(&host, &[low, high]).is_ok());
    }
}
