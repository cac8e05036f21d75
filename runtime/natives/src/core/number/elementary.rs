//! Elementary functions of floats, interpolation, fixed-point text and random numbers.

use std::hash::{BuildHasher, Hasher, RandomState};

use crate::core::number::math::{argument, argument_error, real};
use sema_machine::data::number::{self, elementary};
use sema_machine::host::Host;
use sema_machine::host::condition::{Outcome, eval_error, type_error};
use sema_machine::memory::value::Value;
use sema_machine::natives;

/// The values that have names.
pub static CONSTANTS: &[(&str, f64)] = &[
    ("e", std::f64::consts::E),
    ("pi", std::f64::consts::PI),
    ("math/infinity", f64::INFINITY),
    ("math/nan", f64::NAN),
];

natives! {
    /// Sine.
    "sin" (x: Number) -> Float, pure => sin;

    /// Cosine.
    "cos" (x: Number) -> Float, pure => cos;

    /// Natural logarithm.
    "log" (x: Number) -> Float, pure => log;

    /// Tangent.
    "math/tan" (x: Number) -> Float, pure => tan;

    /// Arcsine.
    "math/asin" (x: Number) -> Float, pure => asin;

    /// Arccosine.
    "math/acos" (x: Number) -> Float, pure => acos;

    /// Arctangent.
    "math/atan" (x: Number) -> Float, pure => atan;

    /// Angle of the point with these y and x.
    "math/atan2" (y: Number, x: Number) -> Float, pure => atan2;

    /// Hyperbolic sine.
    "math/sinh" (x: Number) -> Float, pure => sinh;

    /// Hyperbolic cosine.
    "math/cosh" (x: Number) -> Float, pure => cosh;

    /// Hyperbolic tangent.
    "math/tanh" (x: Number) -> Float, pure => tanh;

    /// Power of e.
    "math/exp" (x: Number) -> Float, pure => exp;

    /// Logarithm to base 2.
    "math/log2" (x: Number) -> Float, pure => log2;

    /// Logarithm to base 10.
    "math/log10" (x: Number) -> Float, pure => log10;

    /// Angle in radians.
    "math/degrees->radians" (degrees: Number) -> Float, pure => degrees_to_radians;

    /// Angle in degrees.
    "math/radians->degrees" (radians: Number) -> Float, pure => radians_to_degrees;

    /// Whether a value is an infinite float.
    "math/infinite?" (x: Any) -> Bool, pure => is_infinite;

    /// Whether a value is the float that is no number.
    "math/nan?" (x: Any) -> Bool, pure => is_nan;

    /// -1, 0 or 1.
    "math/sign" (n: Number) -> Number, pure => sign;

    /// Number moved between two bounds.
    "math/clamp" (x: Number, lo: Number, hi: Number) -> Number, pure => clamp;

    /// Point between two numbers.
    "math/lerp" (a: Number, b: Number, t: Number) -> Number, pure => lerp;

    /// Number of one range moved to another.
    "math/map-range" (value: Number, in_min: Number, in_max: Number, out_min: Number, out_max: Number) -> Number, pure => map_range;

    /// Number rounded to decimal places.
    "math/round-to" (n: Number, places: Int) -> Float, pure => round_to;

    /// Text of a number with fixed decimal places.
    "math/format-fixed" (n: Number, places: Int) -> String, pure => format_fixed;

    /// Random float from 0 to below 1.
    "math/random" () -> Float => random;

    /// Random integer between two bounds, both included.
    "math/random-int" (lo: Int, hi: Int) -> Int => random_int;
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
