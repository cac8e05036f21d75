//! Conversion of numbers, also from and to text, and the parts of ratios and complex numbers.

use crate::core::number::math::{checked_integer, checked_number, checked_real, float_parts, real};
use sema_machine::data::number::ratio::Rounding;
use sema_machine::data::number::text::short_integer;
use sema_machine::data::number::{self, Arithmetic, complex, elementary, integer, ratio};
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, argument_error};
use sema_machine::host::condition::{Outcome, eval_error, type_error};
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;

natives! {
    /// The exact number of the same value: for a float an integer or a ratio. Floats that are not finite
    /// stay floats.
    /// (exact 0.25) => 1/4
    /// (exact 3.0) => 3
    "exact" (number: Number) -> Number, pure => exact;

    /// The exact number of the same value; the same as `exact`.
    /// (inexact->exact 1.5) => 3/2
    "inexact->exact" (number: Number) -> Number, pure => exact;

    /// The float nearest to a number; of a complex number, the nearest float to each part.
    /// (inexact 1/4) => 0.25
    "inexact" (number: Number) -> Number, pure, floats => inexact_number;

    /// The float nearest to a number; the same as `inexact`.
    /// (exact->inexact 3) => 3.0
    "exact->inexact" (number: Number) -> Number, pure, floats => inexact_number;

    /// The integer part of a real number, or the decimal integer that a string holds. Raises for floats
    /// that are not finite or beyond 64 bits, and for strings that hold no integer.
    /// (int 3.9) => 3
    /// (int -7/2) => -3
    /// (int "42") => 42
    "int" (value: NumberOrString) -> Integer, pure => int;

    /// The float nearest to a real number, or the float that a string writes. Raises for complex
    /// numbers and strings that write none.
    /// (float 1/8) => 0.125
    /// (float "2.5") => 2.5
    /// (float "x") => error cannot convert 'x' to float
    "float" (value: NumberOrString) -> Float, pure => float;

    /// The numerator of an exact integer or ratio in lowest terms.
    /// (numerator 6/4) => 3
    /// (numerator 0.5) => error expected rational, got float
    "numerator" (number: Rational) -> Integer, pure => numerator;

    /// The denominator of an exact integer or ratio in lowest terms; it is positive.
    /// (denominator 6/4) => 2
    /// (denominator 5) => 1
    "denominator" (number: Rational) -> Integer, pure => denominator;

    /// The ratio with the smallest denominator that differs from a number by at most a tolerance. It is
    /// a float if one of the two is.
    /// (rationalize 3/10 1/10) => 1/3
    /// (rationalize 0.3 1/10) => 0.3333333333333333
    "rationalize" (number: Real, tolerance: Real) -> Real, pure => rationalize;

    /// The complex number of a real and an imaginary part; the real part alone if the imaginary one is
    /// an exact zero.
    /// (make-rectangular 3 -4) => 3-4i
    /// (make-rectangular 3 0) => 3
    "make-rectangular" (real: Real, imaginary: Real) -> Number, pure => make_rectangular;

    /// The complex number of a magnitude and an angle in radians. Its parts are floats.
    /// (make-polar 2 0) => 2.0+0.0i
    /// (real-part (make-polar 2 (/ pi 3))) => 1.0000000000000002
    "make-polar" (magnitude: Real, angle: Real) -> Number, pure, varies => make_polar;

    /// The real part of a number.
    /// (real-part (make-rectangular 3 -4)) => 3
    "real-part" (number: Number) -> Real, pure => real_part;

    /// The imaginary part of a number; 0 for a real number.
    /// (imag-part (make-rectangular 3 -4)) => -4
    /// (imag-part 2.5) => 0
    "imag-part" (number: Number) -> Real, pure => imag_part;

    /// The angle of a number in the complex plane, in radians: 0 for real numbers, pi for negative
    /// ones.
    /// (angle -2) => 3.141592653589793
    /// (angle (make-rectangular 0 1)) => 1.5707963267948966
    "angle" (number: Number) -> Float, pure, varies => angle;

    /// The text of a number. A radix of 2, 8 or 16 takes exact integers only; any other but 10 raises.
    /// (number->string 1/3) => "1/3"
    /// (number->string 255 16) => "ff"
    /// (number->string 255 7) => error unsupported radix 7
    "number->string" | "number/to-string" (number: Number, radix?: Int) -> String, pure => number_to_string;

    /// The number that a string writes in radix 10 or in the radix 2, 8 or 16, or #f if it is the text
    /// of none. Raises for any other radix.
    /// (string->number "1e3") => 1000.0
    /// (string->number "ff" 16) => 255
    /// (string->number "12px") => #f
    "string->number" | "string/to-number" (text: String, radix?: Int) -> Any, pure => string_to_number;
}

/// Applies a conversion to the parts of a number.
fn by_parts(host: &Host, args: &[Value], convert: impl Fn(Value) -> Value) -> Outcome {
    let number = checked_number(host, argument(args, 0))?;
    if number.kind() != Kind::Complex {
        return Ok(convert(number));
    }
    let (real, imaginary) = complex::parts(&host.heap, number);
    Ok(complex::make(&host.heap, convert(real), convert(imaginary)))
}

fn exact(host: &Host, args: &[Value]) -> Outcome {
    by_parts(host, args, |part| match part.as_float() {
        Some(float) => ratio::from_float(&host.heap, float),
        None => part,
    })
}

pub(crate) fn inexact_number(host: &Host, args: &[Value]) -> Outcome {
    by_parts(host, args, |part| {
        Value::float(number::to_float(&host.heap, part))
    })
}

fn int(host: &Host, args: &[Value]) -> Outcome {
    /// 2^63: the first double above the 64-bit integers.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    let value = argument(args, 0);
    match value.kind() {
        Kind::Int => Ok(value),
        Kind::Ratio => ratio::round(&host.heap, value, Rounding::Truncate),
        Kind::Float => match value.float_unchecked() {
            float if (-LIMIT..LIMIT).contains(&float) => Ok(host.heap.int(float as i64)),
            float => Err(eval_error(format!(
                "int: cannot convert {float} to an integer (not finite or out of i64 range)"
            ))),
        },
        Kind::String => {
            let text = host.heap.as_str(value).unwrap_or_default();
            integer::parse_decimal(&host.heap, text)
                .ok_or_else(|| eval_error(format!("cannot convert '{text}' to int")))
        }
        _ => Err(type_error(host, "number or string", value)),
    }
}

fn float(host: &Host, args: &[Value]) -> Outcome {
    let value = argument(args, 0);
    if let Some(text) = host.heap.as_str(value) {
        return match text.parse() {
            Ok(float) => Ok(Value::float(float)),
            Err(_) => Err(eval_error(format!("cannot convert '{text}' to float"))),
        };
    }
    if !value.kind().is_number() {
        return Err(type_error(host, "number or string", value));
    }
    real(host, value).map(Value::float)
}

fn number_to_string(host: &Host, args: &[Value]) -> Outcome {
    let heap = &host.heap;
    let radix = match args.get(1) {
        Some(radix) => checked_radix(host, "number->string", *radix)?,
        None => 10,
    };
    if radix != 10 {
        let integer = checked_integer(host, argument(args, 0), "exact integer")?;
        return Ok(heap.string(&integer::radix_text(heap, integer, radix)));
    }
    let number = checked_number(host, argument(args, 0))?;
    let mut text = String::new();
    number::write_number(heap, number, &mut text);
    Ok(heap.string(&text))
}

fn string_to_number(host: &Host, args: &[Value]) -> Outcome {
    let value = argument(args, 0);
    let Some(text) = host.heap.as_str(value) else {
        return Err(argument_error(host, "string->number", 0, "string", value));
    };
    let radix = match args.get(1) {
        Some(radix) => checked_radix(host, "string->number", *radix)?,
        None => 10,
    };
    let text = match radix {
        10 => match short_integer(text) {
            Some(word) => return Ok(host.heap.int(word)),
            None => without_comments(text),
        },
        _ => text,
    };
    Ok(number::text::parse(&host.heap, text, radix).unwrap_or(Value::FALSE))
}

/// What stands in a text besides comments, which go from `;` to the end of their line; all of it, if something stands in
/// front of a comment and behind it.
pub(crate) fn without_comments(text: &str) -> &str {
    let mut rest = text;
    let mut found: Option<&str> = None;
    while !rest.is_empty() {
        let (line, others) = rest.split_once('\n').unwrap_or((rest, ""));
        let code = line.split_once(';').map_or(line, |(code, _)| code);
        if !code.trim().is_empty() {
            if found.is_some() {
                return text;
            }
            found = Some(code);
        }
        rest = others;
    }
    found.unwrap_or_default()
}

fn checked_radix(host: &Host, function: &str, value: Value) -> Outcome<u32> {
    match host.heap.as_i64(value) {
        None => Err(type_error(host, "integer", value)),
        Some(2) => Ok(2),
        Some(8) => Ok(8),
        Some(10) => Ok(10),
        Some(16) => Ok(16),
        Some(radix) => Err(eval_error(format!(
            "{function}: unsupported radix {radix} (expected 2, 8, 10, or 16)"
        ))),
    }
}

// --- parts ---

fn exact_parts(host: &Host, args: &[Value]) -> Outcome<(Value, Value)> {
    let number = argument(args, 0);
    match number.kind() {
        Kind::Int | Kind::Ratio => Ok(ratio::parts(&host.heap, number)),
        _ => Err(type_error(host, "rational", number)),
    }
}

fn numerator(host: &Host, args: &[Value]) -> Outcome {
    Ok(exact_parts(host, args)?.0)
}

fn denominator(host: &Host, args: &[Value]) -> Outcome {
    Ok(exact_parts(host, args)?.1)
}

fn rationalize(host: &Host, args: &[Value]) -> Outcome {
    let heap = &host.heap;
    let number = checked_real(host, argument(args, 0), "real")?;
    let tolerance = checked_real(host, argument(args, 1), "real")?;
    let (x, t) = (
        number::to_float(heap, number),
        number::to_float(heap, tolerance),
    );
    if number.is_float() && !x.is_finite() || t.is_nan() {
        return Ok(number);
    }
    if tolerance.is_float() && t.is_infinite() {
        return Ok(Value::float(0.0));
    }
    let to_exact = |value: Value| match value.as_float() {
        Some(float) => ratio::from_float(heap, float),
        None => value,
    };
    let (centre, radius) = (to_exact(number), to_exact(tolerance));
    let radius = match number::sign(heap, radius) {
        -1 => ratio::negate(heap, radius),
        _ => radius,
    };
    let simplest = ratio::simplest_between(
        heap,
        ratio::operate(heap, Arithmetic::Subtract, centre, radius)?,
        ratio::operate(heap, Arithmetic::Add, centre, radius)?,
    )?;
    if number.is_float() || tolerance.is_float() {
        return Ok(Value::float(number::to_float(heap, simplest)));
    }
    Ok(simplest)
}

fn make_rectangular(host: &Host, args: &[Value]) -> Outcome {
    let real = checked_real(host, argument(args, 0), "real")?;
    let imaginary = checked_real(host, argument(args, 1), "real")?;
    Ok(complex::make(&host.heap, real, imaginary))
}

fn make_polar(host: &Host, args: &[Value]) -> Outcome {
    let heap = &host.heap;
    let magnitude = number::to_float(heap, checked_real(host, argument(args, 0), "real")?);
    let angle = number::to_float(heap, checked_real(host, argument(args, 1), "real")?);
    let (real, imaginary) = (
        Value::float(magnitude * elementary::cos(angle)),
        Value::float(magnitude * elementary::sin(angle)),
    );
    Ok(if magnitude.is_nan() || angle.is_nan() {
        complex::make(heap, real, imaginary)
    } else {
        complex::make_generated(heap, real, imaginary)
    })
}

fn real_part(host: &Host, args: &[Value]) -> Outcome {
    let number = checked_number(host, argument(args, 0))?;
    Ok(complex::parts(&host.heap, number).0)
}

fn imag_part(host: &Host, args: &[Value]) -> Outcome {
    let number = checked_number(host, argument(args, 0))?;
    Ok(complex::parts(&host.heap, number).1)
}

fn angle(host: &Host, args: &[Value]) -> Outcome {
    let number = checked_number(host, argument(args, 0))?;
    if number.kind() == Kind::Complex {
        let (real, imaginary) = float_parts(host, number);
        return Ok(Value::float(elementary::atan2(imaginary, real)));
    }
    let negative = number::sign(&host.heap, number) < 0;
    Ok(Value::float(if negative {
        std::f64::consts::PI
    } else {
        0.0
    }))
}
