//! Exact integers of any size, as values.
//!
//! Up to 128 bits (two digits) everything is machine arithmetic without a detour through big integers, so
//! hashes and random number generators that multiply 64-bit numbers stay cheap. Functions here expect
//! exact integers; of anything else they give a meaningless number, never a panic.

use std::cmp::Ordering;

use num_bigint::{BigInt, Sign};

use super::limbs;
use crate::host::condition::{Outcome, Signal, eval_error};
use crate::memory::heap::Heap;
use crate::memory::value::Value;

/// Integers of more bits are refused.
pub const MAX_BITS: u64 = 1 << 27;

/// The error of a result with too many bits.
#[cold]
pub(crate) fn too_large() -> Box<Signal> {
    eval_error(format!("integer exceeds the limit of {MAX_BITS} bits"))
}

/// The integer, if it fits in 128 bits.
#[inline]
pub fn to_i128(heap: &Heap, value: Value) -> Option<i128> {
    if let Some(fixnum) = value.as_fixnum() {
        return Some(i128::from(fixnum));
    }
    let (negative, magnitude) = match heap.int_digits(value)? {
        (negative, &[low]) => (negative, u128::from(low)),
        (negative, &[low, high]) => (negative, u128::from(low) | u128::from(high) << 64),
        _ => return None,
    };
    let positive = i128::try_from(magnitude).ok()?;
    Some(if negative { -positive } else { positive })
}

/// The value of an integer of 128 bits.
#[inline]
pub fn from_i128(heap: &Heap, value: i128) -> Value {
    if let Ok(word) = i64::try_from(value) {
        return heap.int(word);
    }
    let magnitude = value.unsigned_abs();
    let digits = [magnitude as u64, (magnitude >> 64) as u64];
    let used = if digits[1] == 0 { 1 } else { 2 };
    heap.int_from_digits(value < 0, digits.get(..used).unwrap_or(&digits))
}

/// The integer as a big integer.
pub(crate) fn big(heap: &Heap, value: Value) -> BigInt {
    heap.as_bigint(value).unwrap_or_default()
}

/// The sign (true: negative) and the digits of an integer; `word` is where those of a fixnum go.
#[inline]
fn digits<'a>(heap: &'a Heap, value: Value, word: &'a mut [u64; 1]) -> (bool, &'a [u64]) {
    if let Some(digits) = heap.int_digits(value) {
        return digits;
    }
    let fixnum = value.as_fixnum().unwrap_or(0);
    *word = [fixnum.unsigned_abs()];
    (fixnum < 0, limbs::trim(word))
}

/// The sum of two integers of any size, the second one negated if `negate`.
fn add_digits(heap: &Heap, a: Value, b: Value, negate: bool) -> Value {
    let (mut word_a, mut word_b) = ([0], [0]);
    let (negative_a, a) = digits(heap, a, &mut word_a);
    let (negative_b, b) = digits(heap, b, &mut word_b);
    let negative_b = negative_b != negate;
    if negative_a == negative_b {
        return heap.int_computed(negative_a, |sum| limbs::add(a, b, sum));
    }
    if limbs::compare(a, b).is_lt() {
        heap.int_computed(negative_b, |difference| limbs::subtract(b, a, difference))
    } else {
        heap.int_computed(negative_a, |difference| limbs::subtract(a, b, difference))
    }
}

/// Quotient or remainder of two integers of any size, the second of which is not zero.
fn divide_digits(heap: &Heap, a: Value, b: Value, want_remainder: bool) -> Value {
    let (mut word_a, mut word_b) = ([0], [0]);
    let (negative_a, a) = digits(heap, a, &mut word_a);
    let (negative_b, b) = digits(heap, b, &mut word_b);
    let mut other = Vec::new();
    if want_remainder {
        heap.int_computed(negative_a, |remainder| {
            limbs::divide(a, b, &mut other, remainder);
        })
    } else {
        heap.int_computed(negative_a != negative_b, |quotient| {
            limbs::divide(a, b, quotient, &mut other);
        })
    }
}

/// Both integers, if each fits in 128 bits.
#[inline]
fn both(heap: &Heap, a: Value, b: Value) -> Option<(i128, i128)> {
    Some((to_i128(heap, a)?, to_i128(heap, b)?))
}

/// Both integers, if each fits in 64 bits.
#[inline]
fn words(heap: &Heap, a: Value, b: Value) -> Option<(i64, i64)> {
    Some((heap.as_i64(a)?, heap.as_i64(b)?))
}

/// The sum.
pub fn add(heap: &Heap, a: Value, b: Value) -> Value {
    match both(heap, a, b).and_then(|(x, y)| x.checked_add(y)) {
        Some(sum) => from_i128(heap, sum),
        None => add_digits(heap, a, b, false),
    }
}

/// The difference.
pub fn subtract(heap: &Heap, a: Value, b: Value) -> Value {
    match both(heap, a, b).and_then(|(x, y)| x.checked_sub(y)) {
        Some(difference) => from_i128(heap, difference),
        None => add_digits(heap, a, b, true),
    }
}

/// The product.
///
/// # Errors
/// `:eval` when it has more than [`MAX_BITS`] bits.
#[inline]
pub fn multiply(heap: &Heap, a: Value, b: Value) -> Outcome {
    if let Some((x, y)) = words(heap, a, b) {
        return Ok(from_i128(heap, i128::from(x) * i128::from(y)));
    }
    // The product of numbers of m and n bits has m + n or m + n - 1 bits.
    if bits(heap, a) + bits(heap, b) > MAX_BITS + 1 {
        return Err(too_large());
    }
    Ok(product(heap, a, b))
}

/// The product, for comparisons: its size is not limited.
pub(crate) fn product(heap: &Heap, a: Value, b: Value) -> Value {
    match both(heap, a, b).and_then(|(x, y)| x.checked_mul(y)) {
        Some(product) => from_i128(heap, product),
        None => {
            let (mut word_a, mut word_b) = ([0], [0]);
            let (negative_a, a) = digits(heap, a, &mut word_a);
            let (negative_b, b) = digits(heap, b, &mut word_b);
            heap.int_computed(negative_a != negative_b, |product| {
                limbs::multiply(a, b, product);
            })
        }
    }
}

/// The quotient, rounded towards zero; `b` must not be zero.
pub fn quotient(heap: &Heap, a: Value, b: Value) -> Value {
    if let Some(quotient) = words(heap, a, b).and_then(|(x, y)| x.checked_div(y)) {
        return heap.int(quotient);
    }
    match both(heap, a, b).and_then(|(x, y)| x.checked_div(y)) {
        Some(quotient) => from_i128(heap, quotient),
        None if b == Value::small(0) => b,
        None => divide_digits(heap, a, b, false),
    }
}

/// What [`quotient`] leaves, with the sign of `a`; `b` must not be zero.
pub fn remainder(heap: &Heap, a: Value, b: Value) -> Value {
    if let Some(remainder) = words(heap, a, b).and_then(|(x, y)| x.checked_rem(y)) {
        return heap.int(remainder);
    }
    match both(heap, a, b).and_then(|(x, y)| x.checked_rem(y)) {
        Some(remainder) => from_i128(heap, remainder),
        None if b == Value::small(0) => b,
        None => divide_digits(heap, a, b, true),
    }
}

/// The remainder of the division that rounds down, with the sign of `b`; `b` must not be zero.
pub fn modulo(heap: &Heap, a: Value, b: Value) -> Value {
    let remainder = remainder(heap, a, b);
    let sign_of_remainder = sign(heap, remainder);
    if sign_of_remainder == 0 || sign_of_remainder == sign(heap, b) {
        return remainder;
    }
    add(heap, remainder, b)
}

/// The quotient, rounded down; `b` must be positive.
pub(crate) fn divide_floor(heap: &Heap, a: Value, b: Value) -> Value {
    let quotient = quotient(heap, a, b);
    if sign(heap, a) < 0 && sign(heap, remainder(heap, a, b)) != 0 {
        return subtract(heap, quotient, Value::small(1));
    }
    quotient
}

/// -1, 0 or 1.
#[inline]
pub fn sign(heap: &Heap, value: Value) -> i32 {
    match (value.as_fixnum(), heap.aux(value)) {
        (Some(fixnum), _) => fixnum.signum() as i32,
        (None, 0) => 1,
        (None, _) => -1,
    }
}

/// The magnitude.
pub fn absolute(heap: &Heap, value: Value) -> Value {
    if sign(heap, value) < 0 {
        subtract(heap, Value::small(0), value)
    } else {
        value
    }
}

/// Order by value.
pub fn compare(heap: &Heap, a: Value, b: Value) -> Ordering {
    if let (Some(x), Some(y)) = (a.as_fixnum(), b.as_fixnum()) {
        return x.cmp(&y);
    }
    let (sign_a, sign_b) = (sign(heap, a), sign(heap, b));
    if sign_a != sign_b {
        return sign_a.cmp(&sign_b);
    }
    let digits = |value| heap.int_digits(value).map_or(&[][..], |(_, digits)| digits);
    // A fixnum has no digits here: it is nearer to zero than any integer on the heap.
    let (digits_a, digits_b) = (digits(a), digits(b));
    let magnitude = (digits_a.len().cmp(&digits_b.len()))
        .then_with(|| digits_a.iter().rev().cmp(digits_b.iter().rev()));
    if sign_a < 0 {
        magnitude.reverse()
    } else {
        magnitude
    }
}

/// Number of bits of the magnitude; 0 for zero.
pub fn bits(heap: &Heap, value: Value) -> u64 {
    match (value.as_fixnum(), heap.int_digits(value)) {
        (Some(fixnum), _) => 64 - u64::from(fixnum.unsigned_abs().leading_zeros()),
        (None, Some((_, digits))) => {
            let top = digits.last().copied().unwrap_or(0);
            digits.len() as u64 * 64 - u64::from(top.leading_zeros())
        }
        (None, None) => 0,
    }
}

/// Whether the integer is odd.
pub fn is_odd(heap: &Heap, value: Value) -> bool {
    match (value.as_fixnum(), heap.int_digits(value)) {
        (Some(fixnum), _) => fixnum & 1 != 0,
        (None, Some((_, digits))) => digits.first().is_some_and(|digit| digit & 1 != 0),
        (None, None) => false,
    }
}

/// The greatest common divisor, never negative.
pub fn gcd(heap: &Heap, a: Value, b: Value) -> Value {
    if let Some((x, y)) = words(heap, a, b) {
        let divisor = limbs::gcd_words(x.unsigned_abs(), y.unsigned_abs());
        return from_i128(heap, i128::from(divisor));
    }
    let (mut word_a, mut word_b) = ([0], [0]);
    let (_, a) = digits(heap, a, &mut word_a);
    let (_, b) = digits(heap, b, &mut word_b);
    let (larger, smaller) = if limbs::compare(a, b).is_lt() {
        (b, a)
    } else {
        (a, b)
    };
    heap.int_from_digits_untrimmed(false, &limbs::gcd(larger, smaller))
}

/// `value * 2^count`
///
/// # Errors
/// `:eval` when the result has more than [`MAX_BITS`] bits.
pub fn shift_left(heap: &Heap, value: Value, count: u64) -> Outcome {
    if value == Value::small(0) {
        return Ok(value);
    }
    if count > MAX_BITS || bits(heap, value) + count > MAX_BITS {
        return Err(too_large());
    }
    if count < 64
        && let Some(word) = heap.as_i64(value)
    {
        return Ok(from_i128(heap, i128::from(word) << count));
    }
    Ok(heap.bigint(&(big(heap, value) << count)))
}

/// `value / 2^count`, rounded down.
pub fn shift_right(heap: &Heap, value: Value, count: u64) -> Value {
    if count >= bits(heap, value) {
        return Value::small(if sign(heap, value) < 0 { -1 } else { 0 });
    }
    match to_i128(heap, value) {
        Some(word) => from_i128(heap, word >> count.min(127)),
        None => heap.bigint(&(big(heap, value) >> count)),
    }
}

/// The largest integer whose square is not above `value`, which must not be negative.
pub fn square_root(heap: &Heap, value: Value) -> Value {
    match to_i128(heap, value) {
        Some(small) => from_i128(heap, small.unsigned_abs().isqrt().cast_signed()),
        None => heap.bigint(&BigInt::from(big(heap, value).magnitude().sqrt())),
    }
}

/// The nearest double; infinite beyond the range.
pub fn to_float(heap: &Heap, value: Value) -> f64 {
    let Some((negative, digits)) = heap.int_digits(value) else {
        return value.as_fixnum().unwrap_or(0) as f64;
    };
    let (rest, [low, high]) = match digits.split_last_chunk::<2>() {
        Some((rest, top)) => (rest, *top),
        None => (&[][..], [digits.first().copied().unwrap_or(0), 0]),
    };
    let sticky = u128::from(rest.iter().any(|digit| *digit != 0));
    let top = u128::from(high) << 64 | u128::from(low) | sticky;
    let magnitude = scaled_float(top, rest.len() as i64 * 64);
    if negative { -magnitude } else { magnitude }
}

/// The double nearest to `mantissa * 2^exponent`, ties to even. Bits that were cut off the mantissa must
/// have been collected in its lowest bit, and then it must have 55 bits or more.
pub(crate) fn scaled_float(mantissa: u128, exponent: i64) -> f64 {
    if mantissa == 0 {
        return 0.0;
    }
    let length = 128 - i64::from(mantissa.leading_zeros());
    // A subnormal result has fewer than 53 bits.
    let dropped = (length - 53).max(-1074 - exponent).max(0);
    if dropped > 127 {
        return 0.0;
    }
    let kept = mantissa >> dropped;
    let cut = mantissa & ((1 << dropped) - 1);
    let half = 1u128 << dropped >> 1;
    let up = dropped > 0 && (cut > half || (cut == half && kept & 1 == 1));
    (kept + u128::from(up)) as f64 * power_of_two(exponent + dropped)
}

fn power_of_two(exponent: i64) -> f64 {
    match exponent {
        ..-1074 => 0.0,
        -1074..-1022 => f64::from_bits(1 << (exponent + 1074)),
        -1022..1024 => f64::from_bits(((exponent + 1023) as u64) << 52),
        _ => f64::INFINITY,
    }
}

/// The integer part of a finite double.
pub fn from_float(heap: &Heap, float: f64) -> Value {
    if float.abs() < 9.0e18 {
        return heap.int(float as i64);
    }
    let (mantissa, exponent) = decompose(float);
    heap.bigint(&(BigInt::from(mantissa) << exponent.max(0)))
}

/// Mantissa and exponent of a finite double: it is their `mantissa * 2^exponent`.
pub(crate) fn decompose(float: f64) -> (i64, i32) {
    let bits = float.to_bits();
    let exponent = (bits >> 52 & 0x7FF) as i32;
    let fraction = (bits & ((1 << 52) - 1)) as i64;
    let (mantissa, exponent) = match exponent {
        0 => (fraction, -1074),
        _ => (fraction | 1 << 52, exponent - 1075),
    };
    (if float < 0.0 { -mantissa } else { mantissa }, exponent)
}

/// The integer of a sign and a magnitude in ASCII decimal digits, as `int` parses it.
pub fn parse_decimal(heap: &Heap, text: &str) -> Option<Value> {
    if let Some(word) = super::text::short_integer(text) {
        return Some(heap.int(word));
    }
    match super::literal::parse_integer_radix(text, 10).ok()? {
        super::literal::Literal::Int(word) => Some(heap.int(word)),
        super::literal::Literal::Big(big) => Some(heap.bigint(&big)),
        _ => None,
    }
}

/// A bitwise operation in two's complement.
pub fn bitwise(
    heap: &Heap,
    a: Value,
    b: Value,
    small: fn(i128, i128) -> i128,
    large: fn(&BigInt, &BigInt) -> BigInt,
) -> Value {
    match both(heap, a, b) {
        Some((x, y)) => from_i128(heap, small(x, y)),
        None => heap.bigint(&large(&big(heap, a), &big(heap, b))),
    }
}

/// Appends the decimal digits of the integer.
pub fn write_decimal(heap: &Heap, value: Value, out: &mut String) {
    let mut word = [0];
    let (negative, digits) = digits(heap, value, &mut word);
    if negative {
        out.push('-');
    }
    super::decimal::write_digits(digits, out);
}

/// The digits of the integer in a radix from 2 to 36.
pub fn radix_text(heap: &Heap, value: Value, radix: u32) -> String {
    let mut text = String::new();
    if radix == 10 {
        write_decimal(heap, value, &mut text);
        return text;
    }
    let big = big(heap, value);
    if big.sign() == Sign::Minus {
        text.push('-');
    }
    text.push_str(&big.magnitude().to_str_radix(radix.clamp(2, 36)));
    text
}
