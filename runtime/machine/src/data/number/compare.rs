//! Equality, order and hashes of numbers.
//!
//! Comparisons across kinds are exact: no operand is rounded to the kind of the other.

use std::cmp::Ordering;

use super::{complex, integer, operands_error, ratio};
use crate::host::Host;
use crate::host::condition::{Outcome, eval_error};
use crate::memory::heap::Heap;
use crate::memory::value::{Kind, Value};

/// `(< a b)`
///
/// # Errors
/// `:type-error` unless both are numbers, `:eval` when one is complex.
pub fn less(host: &Host, a: Value, b: Value) -> Outcome<bool> {
    Ok(ordered(host, a, b)? == Some(Ordering::Less))
}

/// `(> a b)`; the error names the operands as they were written.
///
/// # Errors
/// As for [`less`].
#[cold]
pub fn greater(host: &Host, a: Value, b: Value) -> Outcome<bool> {
    Ok(ordered(host, a, b)? == Some(Ordering::Greater))
}

/// `(>= a b)`; the error names the operands as they were written.
///
/// # Errors
/// As for [`less`].
#[cold]
pub fn greater_equal(host: &Host, a: Value, b: Value) -> Outcome<bool> {
    Ok(matches!(
        ordered(host, a, b)?,
        Some(Ordering::Greater | Ordering::Equal)
    ))
}

/// `(<= a b)`
///
/// # Errors
/// `:type-error` unless both are numbers, `:eval` when one is complex.
pub fn less_equal(host: &Host, a: Value, b: Value) -> Outcome<bool> {
    Ok(matches!(
        ordered(host, a, b)?,
        Some(Ordering::Less | Ordering::Equal)
    ))
}

fn ordered(host: &Host, a: Value, b: Value) -> Outcome<Option<Ordering>> {
    if !a.kind().is_number() || !b.kind().is_number() {
        return Err(operands_error(host, "number", a, b));
    }
    if a.kind() == Kind::Complex || b.kind() == Kind::Complex {
        return Err(eval_error("cannot order complex numbers"));
    }
    Ok(compare_exact(&host.heap, a, b))
}

/// Order by value of two reals of any kinds; `None` if one is NaN or not a real number.
pub fn compare_exact(heap: &Heap, a: Value, b: Value) -> Option<Ordering> {
    match (a.kind(), b.kind()) {
        (Kind::Int, Kind::Int) => Some(integer::compare(heap, a, b)),
        (Kind::Float, Kind::Float) => a.float_unchecked().partial_cmp(&b.float_unchecked()),
        (Kind::Int, Kind::Float) => compare_with_float(heap, a, b.float_unchecked()),
        (Kind::Float, Kind::Int) => {
            compare_with_float(heap, b, a.float_unchecked()).map(Ordering::reverse)
        }
        (Kind::Int | Kind::Ratio, Kind::Int | Kind::Ratio) => Some(ratio::compare(heap, a, b)),
        (Kind::Ratio, Kind::Float) => compare_with_float(heap, a, b.float_unchecked()),
        (Kind::Float, Kind::Ratio) => {
            compare_with_float(heap, b, a.float_unchecked()).map(Ordering::reverse)
        }
        _ => None,
    }
}

/// Compares an exact real with a float.
fn compare_with_float(heap: &Heap, exact: Value, float: f64) -> Option<Ordering> {
    if float.is_nan() {
        return None;
    }
    if float.is_infinite() {
        return Some(if float > 0.0 {
            Ordering::Less
        } else {
            Ordering::Greater
        });
    }
    if let Some(fixnum) = exact.as_fixnum() {
        // A fixnum is a double.
        return (fixnum as f64).partial_cmp(&float);
    }
    Some(ratio::compare(heap, exact, ratio::from_float(heap, float)))
}

/// Numeric equality across kinds; false unless both are numbers.
pub fn same_value(heap: &Heap, a: Value, b: Value) -> bool {
    if a.kind() == Kind::Complex || b.kind() == Kind::Complex {
        if !a.kind().is_number() || !b.kind().is_number() {
            return false;
        }
        let ((a, b), (c, d)) = (complex::parts(heap, a), complex::parts(heap, b));
        return compare_exact(heap, a, c) == Some(Ordering::Equal)
            && compare_exact(heap, b, d) == Some(Ordering::Equal);
    }
    compare_exact(heap, a, b) == Some(Ordering::Equal)
}

/// `(= a b)`: numeric equality of two numbers, `equal?` of anything else.
pub fn num_equal(host: &Host, a: Value, b: Value) -> bool {
    if a.kind().is_number() && b.kind().is_number() {
        same_value(&host.heap, a, b)
    } else {
        crate::data::equality::equal(host, a, b)
    }
}

/// `equal?` of two numbers: same kind and same value; parts of complex numbers likewise.
pub fn equal(heap: &Heap, a: Value, b: Value) -> bool {
    match (a.kind(), b.kind()) {
        (Kind::Complex, Kind::Complex) => {
            let ((a, b), (c, d)) = (complex::parts(heap, a), complex::parts(heap, b));
            // Parts are reals: this is the only step down.
            a.kind() == c.kind()
                && b.kind() == d.kind()
                && compare_exact(heap, a, c) == Some(Ordering::Equal)
                && compare_exact(heap, b, d) == Some(Ordering::Equal)
        }
        (kind_a, kind_b) => kind_a == kind_b && compare_exact(heap, a, b) == Some(Ordering::Equal),
    }
}

/// The place of two numbers of the same kind in the total order of values: NaN last, complex numbers by
/// real and then by imaginary part. Numbers of different kinds are ordered by value, then by kind.
pub fn order(heap: &Heap, a: Value, b: Value) -> Ordering {
    if a.kind() == Kind::Complex || b.kind() == Kind::Complex {
        let ((a, b), (c, d)) = (complex::parts(heap, a), complex::parts(heap, b));
        return order_reals(heap, a, c).then_with(|| order_reals(heap, b, d));
    }
    order_reals(heap, a, b)
}

fn order_reals(heap: &Heap, a: Value, b: Value) -> Ordering {
    let is_nan = |value: Value| value.as_float().is_some_and(f64::is_nan);
    let rank = |value: Value| match value.kind() {
        Kind::Int => 0,
        Kind::Float => 1,
        _ => 2,
    };
    compare_exact(heap, a, b)
        .unwrap_or_else(|| is_nan(a).cmp(&is_nan(b)))
        .then_with(|| rank(a).cmp(&rank(b)))
}

/// A hash that is equal for numbers that are `equal?`.
pub fn hash(heap: &Heap, number: Value) -> u32 {
    let hash = match number.kind() {
        Kind::Ratio | Kind::Complex => heap
            .values(number)
            .iter()
            .fold(number.kind() as u64, |hash, part| {
                mix(hash, hash_real(heap, *part))
            }),
        _ => hash_real(heap, number),
    };
    (hash >> 32) as u32
}

/// Hash of an integer, a float or a ratio.
fn hash_real(heap: &Heap, number: Value) -> u64 {
    let words = |value: Value, seed: u64| match heap.int_digits(value) {
        Some((negative, digits)) => digits
            .iter()
            .fold(mix(seed, u64::from(negative)), |hash, digit| {
                mix(hash, *digit)
            }),
        None => mix(seed, value.bits()),
    };
    match number.kind() {
        // Both zeros are equal.
        Kind::Float if number.float_unchecked() == 0.0 => mix(0, Value::float(0.0).bits()),
        Kind::Ratio => {
            let (numerator, denominator) = ratio::parts(heap, number);
            words(denominator, words(numerator, 1))
        }
        _ => words(number, 0),
    }
}

fn mix(hash: u64, word: u64) -> u64 {
    // Multiplication spreads upwards only; the rotation brings the top bits back down.
    (hash.rotate_left(23) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}
