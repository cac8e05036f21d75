//! Arithmetic, comparison, rounding and the parts of numbers.

use crate::error::{
    Condition, ConditionKind, Extra, Outcome, Signal, eval_error, type_error, type_name,
};
use crate::host::Host;
use crate::native::{Native, alias, at_least, between, exactly, native};
use crate::number::ratio::Rounding;
use crate::number::{self, Operation, complex, integer, power, ratio};
use crate::value::{Kind, Value};

pub use super::elementary::CONSTANTS;

/// The natives.
pub static TABLE: &[Native] = &[
    native(
        "+",
        at_least(0),
        add,
        "Sum of numbers, or two strings joined.",
    )
    .pure(),
    native(
        "-",
        at_least(1),
        subtract,
        "Difference, or the negative of one number.",
    )
    .pure(),
    native("*", at_least(0), multiply, "Product of numbers.").pure(),
    native(
        "/",
        at_least(2),
        divide,
        "Quotient, exact for exact numbers.",
    )
    .pure(),
    native(
        "=",
        at_least(2),
        equal,
        "Whether numbers are equal in value, other values equal in structure.",
    )
    .pure(),
    native(
        "<",
        at_least(2),
        less,
        "Whether each number is below the next.",
    )
    .pure(),
    native(
        ">",
        at_least(2),
        greater,
        "Whether each number is above the next.",
    )
    .pure(),
    native(
        "<=",
        at_least(2),
        less_equal,
        "Whether no number is above the next.",
    )
    .pure(),
    native(
        ">=",
        at_least(2),
        greater_equal,
        "Whether no number is below the next.",
    )
    .pure(),
    native(
        "quotient",
        exactly(2),
        quotient,
        "Integer quotient, rounded towards zero.",
    )
    .pure(),
    native(
        "math/quotient",
        exactly(2),
        quotient,
        "Integer quotient, rounded towards zero.",
    )
    .pure(),
    native(
        "remainder",
        exactly(2),
        remainder,
        "Integer remainder with the sign of the dividend.",
    )
    .pure(),
    native(
        "math/remainder",
        exactly(2),
        remainder,
        "Integer remainder with the sign of the dividend.",
    )
    .pure(),
    native(
        "mod",
        exactly(2),
        modulo,
        "Remainder with the sign of the divisor, for floats of the dividend.",
    )
    .pure(),
    native(
        "modulo",
        exactly(2),
        modulo,
        "Remainder with the sign of the divisor, for floats of the dividend.",
    )
    .pure(),
    native(
        "gcd",
        at_least(0),
        gcd,
        "Greatest common divisor of integers.",
    )
    .pure(),
    native(
        "math/gcd",
        at_least(0),
        gcd,
        "Greatest common divisor of integers.",
    )
    .pure(),
    native(
        "lcm",
        at_least(0),
        lcm,
        "Least common multiple of integers.",
    )
    .pure(),
    native(
        "math/lcm",
        at_least(0),
        lcm,
        "Least common multiple of integers.",
    )
    .pure(),
    native(
        "max",
        at_least(1),
        max,
        "Largest number; a float if one of them is.",
    )
    .pure(),
    native(
        "min",
        at_least(1),
        min,
        "Smallest number; a float if one of them is.",
    )
    .pure(),
    native("abs", exactly(1), abs, "Magnitude of a number.").pure(),
    native("magnitude", exactly(1), abs, "Magnitude of a number.").pure(),
    native("floor", exactly(1), floor, "Integer below.").pure(),
    native("ceil", exactly(1), ceiling, "Integer above.").pure(),
    native("ceiling", exactly(1), ceiling, "Integer above.").pure(),
    native(
        "round",
        exactly(1),
        round,
        "Nearest integer, the even one of two.",
    )
    .pure(),
    native("truncate", exactly(1), truncate, "Integer part.").pure(),
    native(
        "expt",
        exactly(2),
        expt,
        "Power; exact for an exact base and an integer exponent.",
    )
    .pure(),
    native(
        "pow",
        exactly(2),
        expt,
        "Power; exact for an exact base and an integer exponent.",
    )
    .pure(),
    native(
        "math/pow",
        exactly(2),
        expt,
        "Power; exact for an exact base and an integer exponent.",
    )
    .pure(),
    native(
        "sqrt",
        exactly(1),
        sqrt,
        "Square root; exact for squares, complex for negative numbers.",
    )
    .pure(),
    native(
        "exact-integer-sqrt",
        exactly(1),
        exact_integer_sqrt,
        "List of the integer square root and what remains.",
    )
    .pure(),
    native(
        "exact",
        exactly(1),
        exact,
        "The exact number of the same value.",
    )
    .pure(),
    native(
        "inexact->exact",
        exactly(1),
        exact,
        "The exact number of the same value.",
    )
    .pure(),
    native("inexact", exactly(1), inexact, "The nearest float.").pure(),
    native("exact->inexact", exactly(1), inexact, "The nearest float.").pure(),
    native(
        "int",
        exactly(1),
        int,
        "Integer part of a number, or the integer a string holds.",
    )
    .pure(),
    native(
        "float",
        exactly(1),
        float,
        "Float of a number, or the one a string holds.",
    )
    .pure(),
    native(
        "numerator",
        exactly(1),
        numerator,
        "Numerator of an exact number.",
    )
    .pure(),
    native(
        "denominator",
        exactly(1),
        denominator,
        "Denominator of an exact number.",
    )
    .pure(),
    native(
        "rationalize",
        exactly(2),
        rationalize,
        "Simplest ratio within a tolerance of a number.",
    )
    .pure(),
    native(
        "make-rectangular",
        exactly(2),
        make_rectangular,
        "Complex number of a real and an imaginary part.",
    )
    .pure(),
    native(
        "make-polar",
        exactly(2),
        make_polar,
        "Complex number of a magnitude and an angle.",
    )
    .pure(),
    native("real-part", exactly(1), real_part, "Real part of a number.").pure(),
    native(
        "imag-part",
        exactly(1),
        imag_part,
        "Imaginary part of a number.",
    )
    .pure(),
    native(
        "angle",
        exactly(1),
        angle,
        "Angle of a complex number in radians.",
    )
    .pure(),
    native(
        "number->string",
        between(1, 2),
        number_to_string,
        "Text of a number; integers in radix 2, 8, 10 or 16.",
    )
    .pure(),
    native(
        "string->number",
        between(1, 2),
        string_to_number,
        "Number that a string holds, or #f.",
    )
    .pure(),
    alias("number/to-string", "number->string"),
    alias("string/to-number", "string->number"),
    native(
        "number?",
        exactly(1),
        is_number,
        "Whether a value is a number.",
    )
    .pure(),
    native(
        "complex?",
        exactly(1),
        is_number,
        "Whether a value is a number; all numbers are complex.",
    )
    .pure(),
    native(
        "real?",
        exactly(1),
        is_real,
        "Whether a value is a number that is not complex.",
    )
    .pure(),
    native(
        "rational?",
        exactly(1),
        is_rational,
        "Whether a value is an exact integer or ratio.",
    )
    .pure(),
    native(
        "integer?",
        exactly(1),
        is_integer,
        "Whether a value is a number without a fraction.",
    )
    .pure(),
    native(
        "exact-integer?",
        exactly(1),
        is_exact_integer,
        "Whether a value is an exact integer.",
    )
    .pure(),
    native(
        "float?",
        exactly(1),
        is_float,
        "Whether a value is a float.",
    )
    .pure(),
    native(
        "exact?",
        exactly(1),
        is_exact,
        "Whether a value is an exact number.",
    )
    .pure(),
    native(
        "inexact?",
        exactly(1),
        is_inexact,
        "Whether a value is a number that is not exact.",
    )
    .pure(),
    native("even?", exactly(1), is_even, "Whether an integer is even.").pure(),
    native("odd?", exactly(1), is_odd, "Whether an integer is odd.").pure(),
    native("zero?", exactly(1), is_zero, "Whether a number is zero.").pure(),
    native(
        "positive?",
        exactly(1),
        is_positive,
        "Whether a number is above zero.",
    )
    .pure(),
    native(
        "negative?",
        exactly(1),
        is_negative,
        "Whether a number is below zero.",
    )
    .pure(),
];

/// The argument at `index`; the arity is checked before, so it is there.
pub(super) fn argument(args: &[Value], index: usize) -> Value {
    args.get(index).copied().unwrap_or(Value::NIL)
}

/// A `:type-error` that names the function and the argument.
#[cold]
pub(super) fn argument_error(
    host: &Host,
    function: &str,
    index: usize,
    expected: &str,
    value: Value,
) -> Box<Signal> {
    let got = type_name(host, value);
    let number = index + 1;
    Condition::new(
        ConditionKind::Type,
        format!("{function} argument {number} expected {expected}, got {got}"),
    )
    .with("function", Extra::Text(function.to_owned()))
    .with("argument", Extra::Int(number as i64))
    .with("expected", Extra::Text(expected.to_owned()))
    .with("got", Extra::Text(got.to_owned()))
    .signal()
}

fn checked_number(host: &Host, value: Value) -> Outcome {
    if value.kind().is_number() {
        Ok(value)
    } else {
        Err(type_error(host, "number", value))
    }
}

fn checked_integer(host: &Host, value: Value, expected: &str) -> Outcome {
    if value.kind() == Kind::Int {
        Ok(value)
    } else {
        Err(type_error(host, expected, value))
    }
}

/// The real number that functions called with no other kind report as `expected`.
fn checked_real(host: &Host, value: Value, expected: &str) -> Outcome {
    match value.kind() {
        Kind::Int | Kind::Ratio | Kind::Float => Ok(value),
        _ => Err(type_error(host, expected, value)),
    }
}

/// The double of a real number.
pub(super) fn real(host: &Host, value: Value) -> Outcome<f64> {
    let number = checked_number(host, value)?;
    Ok(number::to_float(
        &host.heap,
        checked_real(host, number, "real number")?,
    ))
}

// --- arithmetic ---

/// Combines all arguments from the left. Two operands name both types in an error, more only the wrong one.
fn fold(host: &Host, operation: Operation, args: &[Value]) -> Outcome {
    match *args {
        [] => Ok(Value::small(i32::from(operation == Operation::Multiply))),
        [only] => checked_number(host, only),
        [a, b] => number::operate(host, operation, a, b),
        [first, ref rest @ ..] => {
            let mut result = checked_number(host, first)?;
            for value in rest {
                let operand = checked_number(host, *value)?;
                result = number::operate(host, operation, result, operand)?;
            }
            Ok(result)
        }
    }
}

fn add(host: &Host, args: &[Value]) -> Outcome {
    fold(host, Operation::Add, args)
}

fn subtract(host: &Host, args: &[Value]) -> Outcome {
    match *args {
        [only] => number::negate(host, only),
        _ => fold(host, Operation::Subtract, args),
    }
}

fn multiply(host: &Host, args: &[Value]) -> Outcome {
    fold(host, Operation::Multiply, args)
}

fn divide(host: &Host, args: &[Value]) -> Outcome {
    fold(host, Operation::Divide, args)
}

fn quotient(host: &Host, args: &[Value]) -> Outcome {
    number::quotient(host, argument(args, 0), argument(args, 1))
}

fn remainder(host: &Host, args: &[Value]) -> Outcome {
    number::remainder(host, argument(args, 0), argument(args, 1))
}

fn modulo(host: &Host, args: &[Value]) -> Outcome {
    number::modulo(host, argument(args, 0), argument(args, 1))
}

fn gcd(host: &Host, args: &[Value]) -> Outcome {
    args.iter().try_fold(Value::small(0), |divisor, value| {
        let operand = checked_integer(host, *value, "integer")?;
        Ok(integer::gcd(&host.heap, divisor, operand))
    })
}

fn lcm(host: &Host, args: &[Value]) -> Outcome {
    let heap = &host.heap;
    args.iter().try_fold(Value::small(1), |multiple, value| {
        let operand = checked_integer(host, *value, "integer")?;
        let divisor = integer::gcd(heap, multiple, operand);
        if number::is_exact_zero(divisor) {
            return Ok(divisor);
        }
        let factor = integer::absolute(heap, integer::quotient(heap, operand, divisor));
        integer::multiply(heap, multiple, factor)
    })
}

// --- comparison ---

/// Whether `holds` for every pair of neighbours; the rest is not looked at after the first that does not.
fn chain(host: &Host, args: &[Value], holds: impl Fn(Value, Value) -> Outcome<bool>) -> Outcome {
    let more = args.len() > 2;
    if more && let Some(first) = args.first() {
        checked_number(host, *first)?;
    }
    for (a, b) in args.iter().zip(args.iter().skip(1)) {
        if more {
            checked_number(host, *b)?;
        }
        if !holds(*a, *b)? {
            return Ok(Value::FALSE);
        }
    }
    Ok(Value::TRUE)
}

fn less(host: &Host, args: &[Value]) -> Outcome {
    chain(host, args, |a, b| number::less(host, a, b))
}

fn greater(host: &Host, args: &[Value]) -> Outcome {
    chain(host, args, |a, b| number::less(host, b, a))
}

fn less_equal(host: &Host, args: &[Value]) -> Outcome {
    chain(host, args, |a, b| number::less_equal(host, a, b))
}

fn greater_equal(host: &Host, args: &[Value]) -> Outcome {
    chain(host, args, |a, b| number::less_equal(host, b, a))
}

fn equal(host: &Host, args: &[Value]) -> Outcome {
    let mut pairs = args.iter().zip(args.iter().skip(1));
    Ok(Value::bool(
        pairs.all(|(a, b)| number::language_equal(host, *a, *b)),
    ))
}

fn max(host: &Host, args: &[Value]) -> Outcome {
    extreme(host, args, "max", std::cmp::Ordering::Greater)
}

fn min(host: &Host, args: &[Value]) -> Outcome {
    extreme(host, args, "min", std::cmp::Ordering::Less)
}

fn extreme(host: &Host, args: &[Value], name: &str, wanted: std::cmp::Ordering) -> Outcome {
    let mut best = checked_number(host, argument(args, 0))?;
    let mut inexact = best.is_float();
    for value in args.iter().skip(1) {
        let candidate = checked_number(host, *value)?;
        inexact |= candidate.is_float();
        match number::compare_exact(&host.heap, candidate, best) {
            None => return Err(eval_error(format!("{name}: cannot order these numbers"))),
            Some(order) if order == wanted => best = candidate,
            Some(_) => {}
        }
    }
    if inexact {
        best = Value::float(number::to_float(&host.heap, best));
    }
    Ok(best)
}

// --- rounding and magnitude ---

fn rounded(host: &Host, args: &[Value], rounding: Rounding, of_float: fn(f64) -> f64) -> Outcome {
    let number = checked_number(host, argument(args, 0))?;
    match number.kind() {
        Kind::Float => Ok(Value::float(of_float(number.float_unchecked()))),
        Kind::Ratio => ratio::round(&host.heap, number, rounding),
        _ => checked_real(host, number, "real number"),
    }
}

fn floor(host: &Host, args: &[Value]) -> Outcome {
    rounded(host, args, Rounding::Floor, f64::floor)
}

fn ceiling(host: &Host, args: &[Value]) -> Outcome {
    rounded(host, args, Rounding::Ceiling, f64::ceil)
}

fn round(host: &Host, args: &[Value]) -> Outcome {
    rounded(host, args, Rounding::Nearest, f64::round_ties_even)
}

fn truncate(host: &Host, args: &[Value]) -> Outcome {
    rounded(host, args, Rounding::Truncate, f64::trunc)
}

fn abs(host: &Host, args: &[Value]) -> Outcome {
    let number = argument(args, 0);
    match number.kind() {
        Kind::Complex => {
            let (real, imaginary) = float_parts(host, number);
            Ok(Value::float(real.hypot(imaginary)))
        }
        Kind::Float => Ok(Value::float(number.float_unchecked().abs())),
        _ if number::sign(&host.heap, number) < 0 => number::negate(host, number),
        _ => checked_number(host, number),
    }
}

fn float_parts(host: &Host, number: Value) -> (f64, f64) {
    let (real, imaginary) = complex::parts(&host.heap, number);
    (
        number::to_float(&host.heap, real),
        number::to_float(&host.heap, imaginary),
    )
}

fn expt(host: &Host, args: &[Value]) -> Outcome {
    power::expt(host, argument(args, 0), argument(args, 1))
}

fn sqrt(host: &Host, args: &[Value]) -> Outcome {
    power::square_root(host, argument(args, 0))
}

fn exact_integer_sqrt(host: &Host, args: &[Value]) -> Outcome {
    let heap = &host.heap;
    let square = checked_integer(host, argument(args, 0), "exact integer")?;
    if integer::sign(heap, square) < 0 {
        return Err(eval_error(
            "exact-integer-sqrt: argument must be non-negative",
        ));
    }
    let root = integer::square_root(heap, square);
    let rest = integer::subtract(heap, square, integer::multiply(heap, root, root)?);
    Ok(heap.list(&[root, rest]))
}

// --- conversion ---

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

fn inexact(host: &Host, args: &[Value]) -> Outcome {
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
    let number = checked_number(host, argument(args, 0))?;
    if radix != 10 {
        let integer = checked_integer(host, number, "exact integer")?;
        return Ok(heap.string(&integer::radix_text(heap, integer, radix)));
    }
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
        Value::float(magnitude * angle.cos()),
        Value::float(magnitude * angle.sin()),
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
        return Ok(Value::float(imaginary.atan2(real)));
    }
    let negative = number::sign(&host.heap, number) < 0;
    Ok(Value::float(if negative {
        std::f64::consts::PI
    } else {
        0.0
    }))
}

// --- predicates ---

fn is_number(_: &Host, args: &[Value]) -> Outcome {
    Ok(Value::bool(argument(args, 0).kind().is_number()))
}

fn is_real(_: &Host, args: &[Value]) -> Outcome {
    let kind = argument(args, 0).kind();
    Ok(Value::bool(kind.is_number() && kind != Kind::Complex))
}

fn is_rational(_: &Host, args: &[Value]) -> Outcome {
    let kind = argument(args, 0).kind();
    Ok(Value::bool(matches!(kind, Kind::Int | Kind::Ratio)))
}

fn is_integer(_: &Host, args: &[Value]) -> Outcome {
    let value = argument(args, 0);
    let integral = value.as_float().is_some_and(|float| float.fract() == 0.0);
    Ok(Value::bool(integral || value.kind() == Kind::Int))
}

fn is_exact_integer(_: &Host, args: &[Value]) -> Outcome {
    Ok(Value::bool(argument(args, 0).kind() == Kind::Int))
}

fn is_float(_: &Host, args: &[Value]) -> Outcome {
    Ok(Value::bool(argument(args, 0).is_float()))
}

fn is_exact(host: &Host, args: &[Value]) -> Outcome {
    Ok(Value::bool(number::is_exact(&host.heap, argument(args, 0))))
}

fn is_inexact(host: &Host, args: &[Value]) -> Outcome {
    let value = argument(args, 0);
    let number = value.kind().is_number();
    Ok(Value::bool(number && !number::is_exact(&host.heap, value)))
}

fn is_odd(host: &Host, args: &[Value]) -> Outcome {
    let integer = checked_integer(host, argument(args, 0), "integer")?;
    Ok(Value::bool(integer::is_odd(&host.heap, integer)))
}

fn is_even(host: &Host, args: &[Value]) -> Outcome {
    let integer = checked_integer(host, argument(args, 0), "integer")?;
    Ok(Value::bool(!integer::is_odd(&host.heap, integer)))
}

fn is_zero(host: &Host, args: &[Value]) -> Outcome {
    let number = checked_number(host, argument(args, 0))?;
    Ok(Value::bool(number::num_equal(
        &host.heap,
        number,
        Value::small(0),
    )))
}

fn is_positive(host: &Host, args: &[Value]) -> Outcome {
    let number = checked_number(host, argument(args, 0))?;
    Ok(Value::bool(number::sign(&host.heap, number) > 0))
}

fn is_negative(host: &Host, args: &[Value]) -> Outcome {
    let number = checked_number(host, argument(args, 0))?;
    Ok(Value::bool(number::sign(&host.heap, number) < 0))
}
