//! Powers and square roots.

use super::{
    Arithmetic, complex, elementary, integer, is_exact, is_exact_zero, ratio, sign, to_float,
};
use crate::host::Host;
use crate::host::condition::{Outcome, eval_error, type_error};
use crate::memory::heap::Heap;
use crate::memory::value::{Kind, Value};

/// `(expt base exponent)`: exact for an exact base and an integer exponent, else a float.
///
/// # Errors
/// `:type-error` unless both are numbers; `:eval` for an exact zero to a negative power and for results
/// that are too large.
pub fn expt(host: &Host, base: Value, exponent: Value) -> Outcome {
    let heap = &host.heap;
    for value in [base, exponent] {
        if !value.kind().is_number() {
            return Err(type_error(host, "number", value));
        }
    }
    if exponent.kind() != Kind::Int || !is_exact(heap, base) {
        return Ok(Value::float(
            to_float(heap, base).powf(to_float(heap, exponent)),
        ));
    }
    let negative = sign(heap, exponent) < 0;
    if negative && is_exact_zero(base) {
        return Err(eval_error("expt: 0 raised to a negative power"));
    }
    let magnitude = integer::absolute(heap, exponent);
    if base.kind() != Kind::Complex {
        let (numerator, denominator) = ratio::parts(heap, base);
        let numerator = integer_power(heap, numerator, magnitude)?;
        let denominator = integer_power(heap, denominator, magnitude)?;
        return Ok(if negative {
            ratio::make(heap, denominator, numerator)
        } else {
            ratio::make(heap, numerator, denominator)
        });
    }
    let power = complex_power(heap, base, magnitude)?;
    if negative {
        complex::operate(heap, Arithmetic::Divide, Value::small(1), power)
    } else {
        Ok(power)
    }
}

/// An exact integer to an exact power that is not negative.
fn integer_power(heap: &Heap, base: Value, exponent: Value) -> Outcome {
    let odd = integer::is_odd(heap, exponent);
    match (base.as_fixnum(), exponent.as_fixnum()) {
        (Some(1), _) | (_, Some(0)) => return Ok(Value::small(1)),
        (Some(-1), _) => return Ok(Value::small(if odd { -1 } else { 1 })),
        (Some(0), _) => return Ok(base),
        _ => {}
    }
    let Some(exponent) = exponent
        .as_fixnum()
        .and_then(|word| u32::try_from(word).ok())
    else {
        return Err(integer::too_large());
    };
    // The power has more than (bits - 1) * exponent bits.
    if (integer::bits(heap, base) - 1).saturating_mul(u64::from(exponent)) >= integer::MAX_BITS {
        return Err(integer::too_large());
    }
    match integer::to_i128(heap, base).and_then(|word| word.checked_pow(exponent)) {
        Some(power) => Ok(integer::from_i128(heap, power)),
        None => Ok(heap.bigint(&integer::big(heap, base).pow(exponent))),
    }
}

/// An exact complex number to an exact power that is not negative.
fn complex_power(heap: &Heap, base: Value, exponent: Value) -> Outcome {
    let Some(mut rest) = exponent
        .as_fixnum()
        .and_then(|word| u64::try_from(word).ok())
    else {
        return Err(integer::too_large());
    };
    let (real, imaginary) = complex::parts(heap, base);
    let ((a, b), (c, d)) = (ratio::parts(heap, real), ratio::parts(heap, imaginary));
    let unit = is_exact_zero(a) && integer::bits(heap, c) == 1 && d == Value::small(1);
    let height = [a, b, c, d]
        .map(|part| integer::bits(heap, part))
        .into_iter()
        .max();
    // Every base but a unit gains half a bit or more with each factor.
    if !unit
        && (height.unwrap_or(0).saturating_sub(1).max(1)).saturating_mul(rest)
            > 2 * integer::MAX_BITS
    {
        return Err(integer::too_large());
    }
    let (mut power, mut square) = (Value::small(1), base);
    loop {
        if rest & 1 == 1 {
            power = complex::operate(heap, Arithmetic::Multiply, power, square)?;
        }
        rest >>= 1;
        if rest == 0 {
            return Ok(power);
        }
        square = complex::operate(heap, Arithmetic::Multiply, square, square)?;
    }
}

/// `(sqrt number)`: exact for squares of exact numbers, complex for negative ones.
///
/// # Errors
/// `:type-error` when it is no number.
pub fn square_root(host: &Host, number: Value) -> Outcome {
    let heap = &host.heap;
    match number.kind() {
        Kind::Int | Kind::Ratio | Kind::Float if sign(heap, number) < 0 => {
            let positive = super::negate(host, number)?;
            Ok(complex::make(
                heap,
                Value::small(0),
                real_root(heap, positive),
            ))
        }
        Kind::Int | Kind::Ratio | Kind::Float => Ok(real_root(heap, number)),
        Kind::Complex => {
            let (real, imaginary) = complex::parts(heap, number);
            let (real, imaginary) = (to_float(heap, real), to_float(heap, imaginary));
            let modulus = elementary::hypot(real, imaginary).sqrt();
            let angle = elementary::atan2(imaginary, real) / 2.0;
            Ok(complex::make(
                heap,
                Value::float(modulus * elementary::cos(angle)),
                Value::float(modulus * elementary::sin(angle)),
            ))
        }
        _ => Err(type_error(host, "number", number)),
    }
}

/// The root of a real number that is not negative.
fn real_root(heap: &Heap, number: Value) -> Value {
    if number.kind() != Kind::Float {
        let (numerator, denominator) = ratio::parts(heap, number);
        if let (Some(above), Some(below)) =
            (exact_root(heap, numerator), exact_root(heap, denominator))
        {
            return ratio::make(heap, above, below);
        }
    }
    Value::float(to_float(heap, number).sqrt())
}

/// The root of a square.
fn exact_root(heap: &Heap, value: Value) -> Option<Value> {
    let root = integer::square_root(heap, value);
    let square = integer::product(heap, root, root);
    (integer::compare(heap, square, value).is_eq()).then_some(root)
}
