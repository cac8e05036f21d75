//! Conversion of numbers, also from and to text, and the parts of ratios and complex numbers.

use crate::core::number::math::{
    argument, argument_error, checked_integer, checked_number, checked_real, float_parts, real,
};
use sema_machine::data::number::ratio::Rounding;
use sema_machine::data::number::{self, Operation, complex, elementary, integer, ratio};
use sema_machine::host::Host;
use sema_machine::host::condition::{Outcome, eval_error, type_error};
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;

natives! {
    /// The exact number of the same value.
    "exact" (x: Number) -> Number, pure => exact;

    /// The exact number of the same value.
    "inexact->exact" (x: Number) -> Number, pure => exact;

    /// The nearest float.
    "inexact" (x: Number) -> Number, pure => inexact_number;

    /// The nearest float.
    "exact->inexact" (x: Number) -> Number, pure => inexact_number;

    /// Integer part of a number, or the integer a string holds.
    "int" (x: Any) -> Int, pure => int;

    /// Float of a number, or the one a string holds.
    "float" (x: Any) -> Float, pure => float;

    /// Numerator of an exact number.
    "numerator" (x: Number) -> Integer, pure => numerator;

    /// Denominator of an exact number.
    "denominator" (x: Number) -> Integer, pure => denominator;

    /// Simplest ratio within a tolerance of a number.
    "rationalize" (x: Number, tol: Number) -> Number, pure => rationalize;

    /// Complex number of a real and an imaginary part.
    "make-rectangular" (real: Number, imag: Number) -> Number, pure => make_rectangular;

    /// Complex number of a magnitude and an angle.
    "make-polar" (magnitude: Number, angle: Number) -> Number, pure => make_polar;

    /// Real part of a number.
    "real-part" (z: Number) -> Number, pure => real_part;

    /// Imaginary part of a number.
    "imag-part" (z: Number) -> Number, pure => imag_part;

    /// Angle of a complex number in radians.
    "angle" (z: Number) -> Number, pure => angle;

    /// Text of a number; integers in radix 2, 8, 10 or 16.
    "number->string" | "number/to-string" (n: Number, radix?: Integer) -> String, pure => number_to_string;

    /// Number that a string holds, or #f.
    "string->number" | "string/to-number" (s: String, radix?: Integer) -> Any, pure => string_to_number;
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
    Ok(number::text::parse(&host.heap, text, radix).unwrap_or(Value::FALSE))
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
        ratio::operate(heap, Operation::Subtract, centre, radius)?,
        ratio::operate(heap, Operation::Add, centre, radius)?,
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
