//! Exact ratios, as objects of two integers: reduced, the denominator above one.

use std::cmp::Ordering;

use super::{Arithmetic, division_by_zero, integer, is_exact_zero};
use crate::host::condition::Outcome;
use crate::memory::heap::Heap;
use crate::memory::value::{Kind, Value};

/// How a ratio becomes an integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// Down.
    Floor,
    /// Up.
    Ceiling,
    /// To the nearest, ties to even.
    Nearest,
    /// Towards zero.
    Truncate,
}

const ONE: Value = Value::small(1);

/// The reduced ratio of two integers, the second of which is not zero.
pub fn make(heap: &Heap, numerator: Value, denominator: Value) -> Value {
    let divisor = integer::gcd(heap, numerator, denominator);
    let divide = |value| match divisor == ONE {
        true => value,
        false => integer::quotient(heap, value, divisor),
    };
    make_reduced(heap, divide(numerator), divide(denominator))
}

/// The ratio of two integers without a common divisor, the second of which is not zero.
fn make_reduced(heap: &Heap, numerator: Value, denominator: Value) -> Value {
    let (mut numerator, mut denominator) = (numerator, denominator);
    if integer::sign(heap, denominator) < 0 {
        numerator = integer::subtract(heap, Value::small(0), numerator);
        denominator = integer::subtract(heap, Value::small(0), denominator);
    }
    if denominator == ONE {
        return numerator;
    }
    heap.object(Kind::Ratio, 0, &[numerator, denominator])
}

/// Numerator and denominator of an exact number.
#[inline]
pub fn parts(heap: &Heap, exact: Value) -> (Value, Value) {
    match heap.values(exact) {
        &[numerator, denominator] if exact.kind() == Kind::Ratio => (numerator, denominator),
        _ => (exact, ONE),
    }
}

/// Any of the four operations on exact reals.
///
/// The common divisors are taken out of the operands first, where they are small: D. Knuth, The Art of
/// Computer Programming, 4.5.1.
///
/// # Errors
/// `:eval` for division by zero and for results that are too large.
pub fn operate(heap: &Heap, operation: Arithmetic, a: Value, b: Value) -> Outcome {
    let ((a, b), (mut c, mut d)) = (parts(heap, a), parts(heap, b));
    match operation {
        Arithmetic::Add | Arithmetic::Subtract => {
            let common = integer::gcd(heap, b, d);
            let (b_rest, d_rest) = (
                integer::quotient(heap, b, common),
                integer::quotient(heap, d, common),
            );
            let left = integer::multiply(heap, a, d_rest)?;
            let right = integer::multiply(heap, c, b_rest)?;
            let sum = match operation {
                Arithmetic::Add => integer::add(heap, left, right),
                _ => integer::subtract(heap, left, right),
            };
            let divisor = integer::gcd(heap, sum, common);
            let denominator = integer::multiply(heap, b_rest, integer::quotient(heap, d, divisor))?;
            Ok(make_reduced(
                heap,
                integer::quotient(heap, sum, divisor),
                denominator,
            ))
        }
        Arithmetic::Multiply | Arithmetic::Divide => {
            if operation == Arithmetic::Divide {
                if is_exact_zero(c) {
                    return Err(division_by_zero());
                }
                (c, d) = (d, c);
            }
            let (left, right) = (integer::gcd(heap, a, d), integer::gcd(heap, c, b));
            let numerator = integer::multiply(
                heap,
                integer::quotient(heap, a, left),
                integer::quotient(heap, c, right),
            )?;
            let denominator = integer::multiply(
                heap,
                integer::quotient(heap, b, right),
                integer::quotient(heap, d, left),
            )?;
            Ok(make_reduced(heap, numerator, denominator))
        }
    }
}

/// The negative.
pub fn negate(heap: &Heap, exact: Value) -> Value {
    let (numerator, denominator) = parts(heap, exact);
    make_reduced(
        heap,
        integer::subtract(heap, Value::small(0), numerator),
        denominator,
    )
}

/// Order by value.
pub fn compare(heap: &Heap, a: Value, b: Value) -> Ordering {
    let ((a, b), (c, d)) = (parts(heap, a), parts(heap, b));
    let (sign_a, sign_c) = (integer::sign(heap, a), integer::sign(heap, c));
    if sign_a != sign_c {
        return sign_a.cmp(&sign_c);
    }
    integer::compare(
        heap,
        integer::product(heap, a, d),
        integer::product(heap, c, b),
    )
}

/// The integer next to an exact number.
///
/// # Errors
/// `:eval` when the numerator is as large as integers get.
pub fn round(heap: &Heap, exact: Value, rounding: Rounding) -> Outcome {
    let (numerator, denominator) = parts(heap, exact);
    Ok(match rounding {
        Rounding::Truncate => integer::quotient(heap, numerator, denominator),
        Rounding::Floor => integer::divide_floor(heap, numerator, denominator),
        Rounding::Ceiling => {
            let negative = integer::subtract(heap, Value::small(0), numerator);
            let floor = integer::divide_floor(heap, negative, denominator);
            integer::subtract(heap, Value::small(0), floor)
        }
        Rounding::Nearest => {
            // floor((2n + d) / 2d), one less when that is odd and the division exact: a tie.
            let doubled = integer::shift_left(heap, denominator, 1)?;
            let shifted = integer::add(heap, integer::shift_left(heap, numerator, 1)?, denominator);
            let floor = integer::divide_floor(heap, shifted, doubled);
            let tie = is_exact_zero(integer::remainder(heap, shifted, doubled));
            if tie && integer::is_odd(heap, floor) {
                integer::subtract(heap, floor, ONE)
            } else {
                floor
            }
        }
    })
}

/// The nearest double.
pub fn to_float(heap: &Heap, exact: Value) -> f64 {
    let (numerator, denominator) = parts(heap, exact);
    // A fixnum is a double, and the quotient of two doubles is rounded correctly.
    if let (Some(n), Some(d)) = (numerator.as_fixnum(), denominator.as_fixnum()) {
        return n as f64 / d as f64;
    }
    let (numerator, denominator) = (
        integer::big(heap, numerator),
        integer::big(heap, denominator),
    );
    let (mut above, mut below) = (
        numerator.magnitude().clone(),
        denominator.magnitude().clone(),
    );
    // Scale so that the quotient has 70 or 71 bits: enough to round it once.
    let shift = 70 - (above.bits() as i64 - below.bits() as i64);
    if shift > 0 {
        above <<= shift;
    } else {
        below <<= -shift;
    }
    let quotient = &above / &below;
    let sticky = u128::from(&quotient * &below != above);
    let magnitude = integer::scaled_float(
        u128::try_from(quotient).unwrap_or(u128::MAX) | sticky,
        -shift,
    );
    match numerator.sign() {
        num_bigint::Sign::Minus => -magnitude,
        _ => magnitude,
    }
}

/// The exact value of a finite double; other doubles are returned unchanged.
pub fn from_float(heap: &Heap, float: f64) -> Value {
    if !float.is_finite() {
        return Value::float(float);
    }
    if float.fract() == 0.0 {
        return integer::from_float(heap, float);
    }
    // The exponent is negative here, and the mantissa is odd after the shift.
    let (mantissa, exponent) = integer::decompose(float);
    let zeros = mantissa.trailing_zeros();
    let places = (-exponent).max(0) as u32 - zeros.min(exponent.unsigned_abs());
    match integer::shift_left(heap, ONE, u64::from(places)) {
        Ok(denominator) => make_reduced(heap, heap.int(mantissa >> zeros), denominator),
        Err(_) => Value::float(float),
    }
}

/// The exact number with the smallest denominator between two exact numbers.
///
/// # Errors
/// `:eval` when numbers get too large.
pub fn simplest_between(heap: &Heap, low: Value, high: Value) -> Outcome {
    let (sign_low, sign_high) = (
        integer::sign(heap, parts(heap, low).0),
        integer::sign(heap, parts(heap, high).0),
    );
    if sign_low <= 0 && sign_high >= 0 {
        return Ok(Value::small(0));
    }
    if sign_high < 0 {
        let positive = simplest_positive(heap, negate(heap, high), negate(heap, low))?;
        return Ok(negate(heap, positive));
    }
    simplest_positive(heap, low, high)
}

/// Follows the continued fractions of both ends as long as they agree.
fn simplest_positive(heap: &Heap, mut low: Value, mut high: Value) -> Outcome {
    let mut terms = Vec::new();
    let mut simplest = loop {
        let floor = round(heap, low, Rounding::Floor)?;
        if floor == low || compare(heap, floor, low) == Ordering::Equal {
            break floor;
        }
        let next = integer::add(heap, floor, ONE);
        if compare(heap, next, high) != Ordering::Greater {
            break next;
        }
        terms.push(floor);
        let rest = |end| operate(heap, Arithmetic::Subtract, end, floor);
        let (rest_low, rest_high) = (rest(low)?, rest(high)?);
        low = operate(heap, Arithmetic::Divide, ONE, rest_high)?;
        high = operate(heap, Arithmetic::Divide, ONE, rest_low)?;
    };
    for term in terms.into_iter().rev() {
        let inverse = operate(heap, Arithmetic::Divide, ONE, simplest)?;
        simplest = operate(heap, Arithmetic::Add, term, inverse)?;
    }
    Ok(simplest)
}
