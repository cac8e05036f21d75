//! Complex numbers, as objects of two reals of any kind.
//!
//! The sign of a NaN is visible in one place only: the imaginary part prints with it. Values hold no
//! signed NaN, so the object's `aux` word keeps it: 1 for a NaN that an operation made of numbers, which
//! machines give a sign bit.

use super::{Arithmetic, division_by_zero, is_exact_zero, real_operate};
use crate::host::condition::Outcome;
use crate::memory::heap::Heap;
use crate::memory::value::{Kind, Value};

/// Real and imaginary part of a number.
#[inline]
pub fn parts(heap: &Heap, number: Value) -> (Value, Value) {
    match heap.values(number) {
        &[real, imaginary] if number.kind() == Kind::Complex => (real, imaginary),
        _ => (number, Value::small(0)),
    }
}

/// The number with these real parts; a real one if the imaginary part is an exact zero.
pub fn make(heap: &Heap, real: Value, imaginary: Value) -> Value {
    make_signed(heap, real, imaginary, false)
}

fn make_signed(heap: &Heap, real: Value, imaginary: Value, negative_nan: bool) -> Value {
    if is_exact_zero(imaginary) {
        return real;
    }
    heap.object(Kind::Complex, u16::from(negative_nan), &[real, imaginary])
}

/// The number that an operation made of operands of which none was a NaN.
pub fn make_generated(heap: &Heap, real: Value, imaginary: Value) -> Value {
    make_signed(heap, real, imaginary, is_nan(imaginary))
}

/// Whether the imaginary part is a NaN that prints with a minus.
pub fn has_negative_nan(heap: &Heap, number: Value) -> bool {
    number.kind() == Kind::Complex && heap.aux(number) != 0
}

fn is_nan(value: Value) -> bool {
    value.as_float().is_some_and(f64::is_nan)
}

/// Any of the four operations.
///
/// # Errors
/// `:eval` for division by an exact zero and for results that are too large.
pub fn operate(heap: &Heap, operation: Arithmetic, left: Value, right: Value) -> Outcome {
    let ((a, b), (c, d)) = (parts(heap, left), parts(heap, right));
    let add = |x, y| real_operate(heap, Arithmetic::Add, x, y);
    // An exact zero taken from a negative zero leaves a positive one.
    let subtract = |x, y: Value| match is_exact_zero(y) {
        true => real_operate(heap, Arithmetic::Add, x, y),
        false => real_operate(heap, Arithmetic::Subtract, x, y),
    };
    let multiply = |x, y| real_operate(heap, Arithmetic::Multiply, x, y);
    let divide = |x, y| real_operate(heap, Arithmetic::Divide, x, y);
    let (real, imaginary) = match operation {
        Arithmetic::Add => (add(a, c)?, add(b, d)?),
        Arithmetic::Subtract => (subtract(a, c)?, subtract(b, d)?),
        Arithmetic::Multiply => (
            subtract(multiply(a, c)?, multiply(b, d)?)?,
            add(multiply(a, d)?, multiply(b, c)?)?,
        ),
        Arithmetic::Divide => {
            if is_exact_zero(right) {
                return Err(division_by_zero());
            }
            let norm = add(multiply(c, c)?, multiply(d, d)?)?;
            (
                divide(add(multiply(a, c)?, multiply(b, d)?)?, norm)?,
                divide(subtract(multiply(b, c)?, multiply(a, d)?)?, norm)?,
            )
        }
    };
    let negative_nan = is_nan(imaginary)
        && ([left, right]
            .iter()
            .any(|value| has_negative_nan(heap, *value))
            || ![a, b, c, d].into_iter().any(is_nan));
    Ok(make_signed(heap, real, imaginary, negative_nan))
}
