//! The numeric tower: exact integers, exact ratios, doubles and complex numbers
//! (language specification, section 4).
//!
//! The VM calls the functions here when its fast paths for fixnums and floats do not apply. Exact
//! arithmetic is built from the integer operations of [`integer`], which use machine arithmetic up to
//! 128 bits and big integers beyond; ratios and complex numbers are written on values directly, so that
//! no generic number library is instantiated for them.
//!
//! Results are always in their simplest exact kind: a ratio has a denominator above one, a complex
//! number an imaginary part that is not an exact zero.

pub mod compare;
pub mod complex;
mod decimal;
pub mod elementary;
pub mod float_text;
pub mod integer;
mod limbs;
pub mod literal;
pub mod power;
pub mod ratio;
pub mod text;

pub use compare::{
    compare_exact, equal, greater, greater_equal, hash, less, less_equal, num_equal, order,
    same_value,
};
pub use text::{from_literal, write_number};

use crate::host::Host;
use crate::host::condition::{
    Condition, ConditionKind, Outcome, Signal, eval_error, type_error_got,
};
use crate::host::condition::{type_error, type_name};
use crate::memory::heap::Heap;
use crate::memory::value::{Kind, Value};

/// One of the four operations of arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// Sum.
    Add,
    /// Difference.
    Subtract,
    /// Product.
    Multiply,
    /// Quotient, exact for exact operands.
    Divide,
}

/// `(+ a b)`; two strings are joined.
///
/// # Errors
/// `:type-error` unless both are numbers or both are strings; `:eval` when the result is too large.
pub fn add(host: &Host, a: Value, b: Value) -> Outcome {
    operate(host, Arithmetic::Add, a, b)
}

/// A step of `+` with three operands or more, which does not join strings.
///
/// # Errors
/// `:type-error` unless both are numbers; `:eval` when the result is too large.
pub fn add_numbers(host: &Host, a: Value, b: Value) -> Outcome {
    operate_in_chain(host, Arithmetic::Add, a, b)
}

/// A step of `(- a b c ...)`.
///
/// # Errors
/// `:type-error`, which names the wrong operand alone, unless both are numbers; `:eval` when the result is
/// too large.
pub fn subtract_numbers(host: &Host, a: Value, b: Value) -> Outcome {
    operate_in_chain(host, Arithmetic::Subtract, a, b)
}

/// A step of `(* a b c ...)`.
///
/// # Errors
/// As [`subtract_numbers`].
pub fn multiply_numbers(host: &Host, a: Value, b: Value) -> Outcome {
    operate_in_chain(host, Arithmetic::Multiply, a, b)
}

/// A step of an operation on three and more operands.
fn operate_in_chain(host: &Host, operation: Arithmetic, a: Value, b: Value) -> Outcome {
    for value in [a, b] {
        if !value.kind().is_number() {
            return Err(type_error(host, "number", value));
        }
    }
    operate(host, operation, a, b)
}

/// `(- a b)`
///
/// # Errors
/// `:type-error` unless both are numbers; `:eval` when the result is too large.
pub fn subtract(host: &Host, a: Value, b: Value) -> Outcome {
    operate(host, Arithmetic::Subtract, a, b)
}

/// `(* a b)`
///
/// # Errors
/// `:type-error` unless both are numbers; `:eval` when the result is too large.
pub fn multiply(host: &Host, a: Value, b: Value) -> Outcome {
    operate(host, Arithmetic::Multiply, a, b)
}

/// `(/ a b)`
///
/// # Errors
/// `:type-error` unless both are numbers; `:eval` for an exact zero divisor of an exact number.
pub fn divide(host: &Host, a: Value, b: Value) -> Outcome {
    operate(host, Arithmetic::Divide, a, b)
}

/// `(quotient a b)`: rounds towards zero.
///
/// # Errors
/// `:type-error` unless both are exact integers; `:eval` when `b` is zero.
pub fn quotient(host: &Host, a: Value, b: Value) -> Outcome {
    integers(host, a, b)?;
    if is_exact_zero(b) {
        return Err(eval_error("quotient: division by zero"));
    }
    Ok(integer::quotient(&host.heap, a, b))
}

/// `(remainder a b)`: has the sign of `a`.
///
/// # Errors
/// `:type-error` unless both are exact integers; `:eval` when `b` is zero.
pub fn remainder(host: &Host, a: Value, b: Value) -> Outcome {
    integers(host, a, b)?;
    if is_exact_zero(b) {
        return Err(eval_error("remainder: division by zero"));
    }
    Ok(integer::remainder(&host.heap, a, b))
}

/// `(mod a b)`: of integers it has the sign of `b`, of floats that of `a`.
///
/// # Errors
/// `:type-error` unless both are exact integers, or both are floats or integers of 64 bits;
/// `:eval` when `b` is an exact zero and `a` an exact integer.
pub fn modulo(host: &Host, a: Value, b: Value) -> Outcome {
    if (a.is_float() || b.is_float())
        && let (Some(x), Some(y)) = (word_float(&host.heap, a), word_float(&host.heap, b))
    {
        return Ok(Value::float(x % y));
    }
    integers(host, a, b)?;
    if is_exact_zero(b) {
        return Err(eval_error("modulo by zero"));
    }
    Ok(integer::modulo(&host.heap, a, b))
}

/// Any of the four operations on values of any kind.
///
/// # Errors
/// Those of [`add`], [`subtract`], [`multiply`] and [`divide`].
pub fn operate(host: &Host, operation: Arithmetic, a: Value, b: Value) -> Outcome {
    let (kind_a, kind_b) = (a.kind(), b.kind());
    if kind_a.is_number() && kind_b.is_number() {
        return if kind_a == Kind::Complex || kind_b == Kind::Complex {
            complex::operate(&host.heap, operation, a, b)
        } else {
            real_operate(&host.heap, operation, a, b)
        };
    }
    if operation == Arithmetic::Add
        && host.heap.is_string(a)
        && let Some(more) = host.heap.as_str(b)
    {
        return super::text::append(host, "+", a, more);
    }
    let expected = match operation {
        Arithmetic::Add => "number or string",
        _ => "number",
    };
    Err(operands_error(host, expected, a, b))
}

/// Any of the four operations on reals.
pub(crate) fn real_operate(heap: &Heap, operation: Arithmetic, a: Value, b: Value) -> Outcome {
    if a.is_float() || b.is_float() {
        let (x, y) = (to_float(heap, a), to_float(heap, b));
        return Ok(Value::float(match operation {
            Arithmetic::Add => x + y,
            Arithmetic::Subtract => x - y,
            Arithmetic::Multiply => x * y,
            Arithmetic::Divide => x / y,
        }));
    }
    if a.kind() == Kind::Int && b.kind() == Kind::Int {
        return match operation {
            Arithmetic::Add => Ok(integer::add(heap, a, b)),
            Arithmetic::Subtract => Ok(integer::subtract(heap, a, b)),
            Arithmetic::Multiply => integer::multiply(heap, a, b),
            Arithmetic::Divide if is_exact_zero(b) => Err(division_by_zero()),
            Arithmetic::Divide => Ok(ratio::make(heap, a, b)),
        };
    }
    ratio::operate(heap, operation, a, b)
}

/// Whether a value is the exact integer zero.
#[inline]
pub fn is_exact_zero(value: Value) -> bool {
    value == Value::small(0)
}

/// Whether a number is exact; complex numbers are when both parts are.
pub fn is_exact(heap: &Heap, number: Value) -> bool {
    match number.kind() {
        Kind::Int | Kind::Ratio => true,
        Kind::Complex => heap.values(number).iter().all(|part| !part.is_float()),
        _ => false,
    }
}

/// The double nearest to a real number; NaN for complex numbers and what is no number.
pub fn to_float(heap: &Heap, number: Value) -> f64 {
    match number.kind() {
        Kind::Float => number.float_unchecked(),
        Kind::Int => integer::to_float(heap, number),
        Kind::Ratio => ratio::to_float(heap, number),
        _ => f64::NAN,
    }
}

/// The double of a float or an integer of 64 bits: what functions on machine numbers accept.
pub fn word_float(heap: &Heap, value: Value) -> Option<f64> {
    value
        .as_float()
        .or_else(|| heap.as_i64(value).map(|word| word as f64))
}

/// The sign of a real number: -1, 0 or 1; 0 for NaN.
pub fn sign(heap: &Heap, number: Value) -> i32 {
    match number.kind() {
        Kind::Int => integer::sign(heap, number),
        Kind::Ratio => integer::sign(heap, heap.field(number, 0)),
        Kind::Float => {
            let float = number.float_unchecked();
            i32::from(float > 0.0) - i32::from(float < 0.0)
        }
        _ => 0,
    }
}

/// `0 - number`, except that the sign of a float zero changes.
///
/// # Errors
/// `:type-error` when it is no number.
pub fn negate(host: &Host, number: Value) -> Outcome {
    let heap = &host.heap;
    Ok(match number.kind() {
        Kind::Float => Value::float(-number.float_unchecked()),
        Kind::Int => integer::subtract(heap, Value::small(0), number),
        Kind::Ratio => ratio::negate(heap, number),
        Kind::Complex => complex::make(
            heap,
            negate(host, heap.field(number, 0))?,
            negate(host, heap.field(number, 1))?,
        ),
        _ => return Err(type_error(host, "number", number)),
    })
}

/// The error of a call with two operands of which at least one has the wrong type.
#[cold]
pub(crate) fn operands_error(host: &Host, expected: &str, a: Value, b: Value) -> Box<Signal> {
    type_error_got(
        expected,
        format!("{} and {}", type_name(host, a), type_name(host, b)),
    )
}

/// The condition of a division by exact zero.
#[cold]
pub fn division_by_zero() -> Box<Signal> {
    Condition::new(ConditionKind::Eval, "division by zero")
        .hint("/: guard with (if (zero? d) ... (/ n d))")
        .signal()
}

/// Checks that both are exact integers.
fn integers(host: &Host, a: Value, b: Value) -> Outcome<()> {
    for value in [a, b] {
        if value.kind() != Kind::Int {
            return Err(type_error(host, "integer", value));
        }
    }
    Ok(())
}

#[cfg(test)]
mod properties;
