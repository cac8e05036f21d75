//! Arithmetic, comparison, rounding, conversion and the parts of numbers.

use sema_format::isa::Op;
use sema_machine::data::number::ratio::Rounding;
use sema_machine::data::number::{self, Arithmetic, complex, integer, power, ratio};
use sema_machine::host::Host;
use sema_machine::host::arguments::argument;
use sema_machine::host::condition::{Outcome, eval_error, type_error};
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;

natives! {
    /// The sum of numbers, 0 of none, exact if all are; two strings are joined.
    /// (+ 1 2 3) => 6
    /// (+ 1/2 0.25) => 0.75
    /// (+ "ab" "c") => "abc"
    "+" (operands*: NumberOrString) -> NumberOrString, pure, op(2, Op::Add) => add;

    /// A number less all further ones; the negative of a single number.
    /// (- 10 1 2) => 7
    /// (- 5) => -5
    "-" (number: Number, others*: Number) -> Number, pure, op(2, Op::Subtract), op(1, Op::Negate) => subtract;

    /// The product of numbers, 1 of none, exact if all are.
    /// (* 2 3 4) => 24
    /// (*) => 1
    "*" (numbers*: Number) -> Number, pure, op(2, Op::Multiply) => multiply;

    /// A number divided by all further ones: an integer or ratio for exact numbers. An exact zero
    /// raises as divisor of an exact number, and as one of several divisors.
    /// (/ 6 4) => 3/2
    /// (/ 1.0 4) => 0.25
    /// (/ 1 0) => error division by zero
    "/" (number: Number, divisor: Number, divisors*: Number) -> Number, pure, op(2, Op::Divide) => divide;

    /// Whether each value equals the next: numbers by value, exact or not, other values as with
    /// `equal?`.
    /// (= 1 1.0) => #t
    /// (= 2 2 3) => #f
    /// (= "a" "a") => #t
    "=" (left: Any, right: Any, others*: Any) -> Bool, pure, op(2, Op::NumEqual), reads => equal;

    /// Whether each number is below the next. What follows a pair that is not so is not looked at.
    /// (< 1 3/2 2.5) => #t
    /// (< 1 1) => #f
    "<" (left: Number, right: Number, others*: Any) -> Bool, pure, op(2, Op::Less) => less;

    /// Whether each number is above the next. What follows a pair that is not so is not looked at.
    /// (> 3 2 1) => #t
    /// (> "b" "a") => error expected number, got string
    ">" (left: Number, right: Number, others*: Any) -> Bool, pure, op(2, Op::Greater) => greater;

    /// Whether no number is above the next. What follows a pair that is not so is not looked at.
    /// (<= 1 1 2) => #t
    "<=" (left: Number, right: Number, others*: Any) -> Bool, pure, op(2, Op::LessEqual) => less_equal;

    /// Whether no number is below the next. What follows a pair that is not so is not looked at.
    /// (>= 3 3 1) => #t
    ">=" (left: Number, right: Number, others*: Any) -> Bool, pure, op(2, Op::GreaterEqual) => greater_equal;

    /// The quotient of two integers, rounded towards zero. Raises for a divisor of zero.
    /// (quotient 17 5) => 3
    /// (quotient -17 5) => -3
    "quotient" (number: Integer, divisor: Integer) -> Integer, pure, op(2, Op::Quotient) => quotient;

    /// The quotient of two integers, rounded towards zero; the same as `quotient`.
    /// (math/quotient 17 5) => 3
    "math/quotient" (number: Integer, divisor: Integer) -> Integer, pure, op(2, Op::Quotient) => quotient;

    /// What remains of the division of two integers by `quotient`; it has the sign of the first. Raises
    /// for a divisor of zero.
    /// (remainder 17 5) => 2
    /// (remainder -17 5) => -2
    "remainder" (number: Integer, divisor: Integer) -> Integer, pure, op(2, Op::Remainder) => remainder;

    /// What remains of the division of two integers; the same as `remainder`.
    /// (math/remainder -17 5) => -2
    "math/remainder" (number: Integer, divisor: Integer) -> Integer, pure, op(2, Op::Remainder) => remainder;

    /// What remains of a division of integers, with the sign of the divisor, or of floats, with the
    /// sign of the first. Ratios are refused; an exact zero by which an integer is divided raises.
    /// (mod -7 3) => 2
    /// (mod -7.5 3) => -1.5
    "mod" (number: Real, divisor: Real) -> Real, pure, op(2, Op::Modulo) => modulo;

    /// What remains of a division; the same as `mod`.
    /// (modulo -7 3) => 2
    "modulo" (number: Real, divisor: Real) -> Real, pure, op(2, Op::Modulo) => modulo;

    /// The greatest common divisor of integers, which is not negative; 0 of none.
    /// (gcd 12 -18) => 6
    /// (gcd) => 0
    "gcd" (numbers*: Integer) -> Integer, pure => gcd;

    /// The greatest common divisor of integers; the same as `gcd`.
    /// (math/gcd 12 18 27) => 3
    "math/gcd" (numbers*: Integer) -> Integer, pure => gcd;

    /// The least common multiple of integers, which is not negative; 1 of none.
    /// (lcm 4 6) => 12
    /// (lcm 4 0) => 0
    "lcm" (numbers*: Integer) -> Integer, pure => lcm;

    /// The least common multiple of integers; the same as `lcm`.
    /// (math/lcm 2 3 4) => 12
    "math/lcm" (numbers*: Integer) -> Integer, pure => lcm;

    /// The largest of some numbers; a float if one of them is. Raises when two have no order: NaN and
    /// complex numbers have none.
    /// (max 3 1/2 7) => 7
    /// (max 3 1.5) => 3.0
    "max" (number: Number, others*: Number) -> Number, pure => max;

    /// The smallest of some numbers; a float if one of them is. Raises when two have no order: NaN and
    /// complex numbers have none.
    /// (min 3 1/2 7) => 1/2
    /// (min 3 4.5) => 3.0
    "min" (number: Number, others*: Number) -> Number, pure => min;

    /// The distance of a number from zero; for a complex number a float.
    /// (abs -7/2) => 7/2
    /// (abs -1.5) => 1.5
    "abs" (number: Number) -> Real, pure, varies => abs;

    /// The distance of a number from zero; the same as `abs`.
    /// (magnitude (make-rectangular 3 4)) => 5.0
    /// (magnitude -2) => 2
    "magnitude" (number: Number) -> Real, pure, varies => abs;

    /// The greatest integer not above a number; a float stays a float.
    /// (floor -3/2) => -2
    /// (floor 2.7) => 2.0
    "floor" (number: Real) -> Real, pure => floor;

    /// The smallest integer not below a number; a float stays a float.
    /// (ceil 7/2) => 4
    /// (ceil 2.1) => 3.0
    "ceil" (number: Real) -> Real, pure => ceiling;

    /// The smallest integer not below a number; the same as `ceil`.
    /// (ceiling 2.1) => 3.0
    "ceiling" (number: Real) -> Real, pure => ceiling;

    /// The nearest integer, of two the even one; a float stays a float.
    /// (round 2.5) => 2.0
    /// (round 7/2) => 4
    "round" (number: Real) -> Real, pure => round;

    /// The integer part of a number, rounded towards zero; a float stays a float.
    /// (truncate -2.7) => -2.0
    /// (truncate 7/2) => 3
    "truncate" (number: Real) -> Real, pure => truncate;

    /// A number to a power: exact for an exact base and an integer exponent. Raises for an exact zero
    /// to a negative power and for results that are too large.
    /// (expt 2 100) => 1267650600228229401496703205376
    /// (expt 2 -2) => 1/4
    /// (expt 2 0.5) => 1.4142135623730951
    "expt" (base: Number, exponent: Number) -> Number, pure, varies => expt;

    /// A number to a power; the same as `expt`.
    /// (pow 3 4) => 81
    "pow" (base: Number, exponent: Number) -> Number, pure, varies => expt;

    /// A number to a power; the same as `expt`.
    /// (math/pow 3 4) => 81
    "math/pow" (base: Number, exponent: Number) -> Number, pure, varies, floats => expt;

    /// The square root: exact for exact squares, a float for other real numbers, complex for negative
    /// ones.
    /// (sqrt 9/4) => 3/2
    /// (sqrt 2) => 1.4142135623730951
    /// (sqrt -4) => 0+2i
    "sqrt" (number: Number) -> Number, pure, op(1, Op::SquareRoot), varies, floats => sqrt;

    /// The list of the largest integer whose square is not above an integer, and of what remains.
    /// Raises for negative integers.
    /// (exact-integer-sqrt 17) => (4 1)
    /// (exact-integer-sqrt -1) => error argument must be non-negative
    "exact-integer-sqrt" (number: Integer) -> Pair, pure => exact_integer_sqrt;
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
fn fold(host: &Host, operation: Arithmetic, args: &[Value]) -> Outcome {
    match *args {
        [] => Ok(Value::small(i32::from(operation == Arithmetic::Multiply))),
        [only] => checked_number(host, only),
        [a, b] => number::operate(host, operation, a, b),
        [first, ref rest @ ..] => {
            let mut result = checked_number(host, first)?;
            for value in rest {
                let operand = checked_number(host, *value)?;
                if operation == Arithmetic::Divide && number::is_exact_zero(operand) {
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
    fold(host, Arithmetic::Add, args)
}

fn subtract(host: &Host, args: &[Value]) -> Outcome {
    match *args {
        [only] => number::negate(host, only),
        _ => fold(host, Arithmetic::Subtract, args),
    }
}

fn multiply(host: &Host, args: &[Value]) -> Outcome {
    fold(host, Arithmetic::Multiply, args)
}

fn divide(host: &Host, args: &[Value]) -> Outcome {
    fold(host, Arithmetic::Divide, args)
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
    chain(host, args, |a, b| number::greater(host, a, b))
}

fn less_equal(host: &Host, args: &[Value]) -> Outcome {
    chain(host, args, |a, b| number::less_equal(host, a, b))
}

fn greater_equal(host: &Host, args: &[Value]) -> Outcome {
    chain(host, args, |a, b| number::greater_equal(host, a, b))
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
