//! Arithmetic, comparison, rounding, conversion and the parts of numbers.

use sema_machine::data::number::ratio::Rounding;
use sema_machine::data::number::{self, Operation, complex, integer, power, ratio};
use sema_machine::host::Host;
use sema_machine::host::condition::{
    Condition, ConditionKind, Extra, Outcome, Signal, eval_error, type_error, type_name,
};
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;

pub use crate::core::number::elementary::CONSTANTS;

natives! {
    /// Sum of numbers, or two strings joined.
    "+" (a*: Any) -> Number, pure => add;

    /// Difference, or the negative of one number.
    "-" (a: Any, b*: Any) -> Number, pure => subtract;

    /// Product of numbers.
    "*" (a*: Any) -> Number, pure => multiply;

    /// Quotient, exact for exact numbers.
    "/" (a: Any, b: Any, c*: Any) -> Number, pure => divide;

    /// Whether numbers are equal in value, other values equal in structure.
    "=" (a: Any, b: Any, c*: Any) -> Bool, pure => equal;

    /// Whether each number is below the next.
    "<" (a: Any, b: Any, c*: Any) -> Bool, pure => less;

    /// Whether each number is above the next.
    ">" (a: Any, b: Any, c*: Any) -> Bool, pure => greater;

    /// Whether no number is above the next.
    "<=" (a: Any, b: Any, c*: Any) -> Bool, pure => less_equal;

    /// Whether no number is below the next.
    ">=" (a: Any, b: Any, c*: Any) -> Bool, pure => greater_equal;

    /// Integer quotient, rounded towards zero.
    "quotient" (n: Integer, d: Integer) -> Integer, pure => quotient;

    /// Integer quotient, rounded towards zero.
    "math/quotient" (n: Integer, d: Integer) -> Integer, pure => quotient;

    /// Integer remainder with the sign of the dividend.
    "remainder" (n: Integer, d: Integer) -> Integer, pure => remainder;

    /// Integer remainder with the sign of the dividend.
    "math/remainder" (n: Integer, d: Integer) -> Integer, pure => remainder;

    /// Remainder with the sign of the divisor, for floats of the dividend.
    "mod" (a: Number, b: Number) -> Number, pure => modulo;

    /// Remainder with the sign of the divisor, for floats of the dividend.
    "modulo" (a: Number, b: Number) -> Number, pure => modulo;

    /// Greatest common divisor of integers.
    "gcd" (ns*: Integer) -> Integer, pure => gcd;

    /// Greatest common divisor of integers.
    "math/gcd" (ns*: Integer) -> Integer, pure => gcd;

    /// Least common multiple of integers.
    "lcm" (ns*: Integer) -> Integer, pure => lcm;

    /// Least common multiple of integers.
    "math/lcm" (ns*: Integer) -> Integer, pure => lcm;

    /// Largest number; a float if one of them is.
    "max" (a: Any, b*: Any) -> Number, pure => max;

    /// Smallest number; a float if one of them is.
    "min" (a: Any, b*: Any) -> Number, pure => min;

    /// Magnitude of a number.
    "abs" (n: Number) -> Number, pure => abs;

    /// Magnitude of a number.
    "magnitude" (z: Number) -> Number, pure => abs;

    /// Integer below.
    "floor" (n: Number) -> Number, pure => floor;

    /// Integer above.
    "ceil" (n: Number) -> Number, pure => ceiling;

    /// Integer above.
    "ceiling" (n: Number) -> Number, pure => ceiling;

    /// Nearest integer, the even one of two.
    "round" (n: Number) -> Number, pure => round;

    /// Integer part.
    "truncate" (n: Number) -> Number, pure => truncate;

    /// Power; exact for an exact base and an integer exponent.
    "expt" (base: Number, exp: Number) -> Number, pure => expt;

    /// Power; exact for an exact base and an integer exponent.
    "pow" (base: Number, exponent: Number) -> Number, pure => expt;

    /// Power; exact for an exact base and an integer exponent.
    "math/pow" (base: Number, exponent: Number) -> Number, pure => expt;

    /// Square root; exact for squares, complex for negative numbers.
    "sqrt" (n: Number) -> Number, pure => sqrt;

    /// List of the integer square root and what remains.
    "exact-integer-sqrt" (n: Integer) -> List, pure => exact_integer_sqrt;
}

/// The argument at `index`; the arity is checked before, so it is there.
pub(crate) fn argument(args: &[Value], index: usize) -> Value {
    args.get(index).copied().unwrap_or(Value::NIL)
}

/// A `:type-error` that names the function and the argument.
#[cold]
pub(crate) fn argument_error(
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

pub(crate) fn checked_number(host: &Host, value: Value) -> Outcome {
    if value.kind().is_number() {
        Ok(value)
    } else {
        Err(type_error(host, "number", value))
    }
}

pub(crate) fn checked_integer(host: &Host, value: Value, expected: &str) -> Outcome {
    if value.kind() == Kind::Int {
        Ok(value)
    } else {
        Err(type_error(host, expected, value))
    }
}

/// The real number that functions called with no other kind report as `expected`.
pub(crate) fn checked_real(host: &Host, value: Value, expected: &str) -> Outcome {
    match value.kind() {
        Kind::Int | Kind::Ratio | Kind::Float => Ok(value),
        _ => Err(type_error(host, expected, value)),
    }
}

/// The double of a real number.
pub(crate) fn real(host: &Host, value: Value) -> Outcome<f64> {
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
                if operation == Operation::Divide && number::is_exact_zero(operand) {
                    // Unlike with two operands, also below a float.
                    return Err(number::division_by_zero());
                }
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
        pairs.all(|(a, b)| number::num_equal(host, *a, *b)),
    ))
}

fn max(host: &Host, args: &[Value]) -> Outcome {
    extreme(host, args, "max", std::cmp::Ordering::Greater)
}

fn min(host: &Host, args: &[Value]) -> Outcome {
    extreme(host, args, "min", std::cmp::Ordering::Less)
}

fn extreme(host: &Host, args: &[Value], name: &str, wanted: std::cmp::Ordering) -> Outcome {
    let mut best = argument(args, 0);
    if args.iter().all(|value| value.is_fixnum()) {
        for value in args.iter().skip(1) {
            if value.fixnum_shifted().cmp(&best.fixnum_shifted()) == wanted {
                best = *value;
            }
        }
        return Ok(best);
    }
    checked_number(host, best)?;
    let heap = &host.heap;
    let mut inexact = !number::is_exact(heap, best);
    for value in args.iter().skip(1) {
        let candidate = checked_number(host, *value)?;
        inexact |= candidate.is_float();
        match number::compare_exact(heap, candidate, best) {
            None => return Err(eval_error(format!("{name}: cannot order these numbers"))),
            Some(order) if order == wanted => best = candidate,
            Some(_) => {}
        }
    }
    if inexact {
        return crate::core::number::number_conversion::inexact_number(host, &[best]);
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
            Ok(Value::float(number::elementary::hypot(real, imaginary)))
        }
        Kind::Float => Ok(Value::float(number.float_unchecked().abs())),
        _ if number::sign(&host.heap, number) < 0 => number::negate(host, number),
        _ => checked_number(host, number),
    }
}

pub(crate) fn float_parts(host: &Host, number: Value) -> (f64, f64) {
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

#[cfg(test)]
mod tests;
