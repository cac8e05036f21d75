//! Arithmetic on natural numbers as rows of 64-bit digits, least significant first.
//!
//! The digits of an integer on the heap are used in place. What is linear in the number of digits, or
//! quadratic in few of them, is done here; for more, num-bigint has the asymptotically better methods,
//! beside which converting the operands costs little.
//!
//! Operands may have leading zeros; results are written to a vector and may have some too.

use std::cmp::Ordering;

use num_bigint::BigUint;
use num_integer::Integer;

/// Digits of the shorter factor from which on num-bigint multiplies (Karatsuba, Toom-Cook).
const MANY_FACTOR_DIGITS: usize = 32;
/// Digits of divisor and quotient from which on num-bigint divides (Burnikel and Ziegler).
const MANY_QUOTIENT_DIGITS: usize = 80;

/// Without leading zeros.
pub(super) fn trim(mut digits: &[u64]) -> &[u64] {
    while let [rest @ .., 0] = digits {
        digits = rest;
    }
    digits
}

/// Order by value.
pub(super) fn compare(a: &[u64], b: &[u64]) -> Ordering {
    let (a, b) = (trim(a), trim(b));
    (a.len().cmp(&b.len())).then_with(|| a.iter().rev().cmp(b.iter().rev()))
}

/// Appends `count` zeros and gives them.
fn zeros(out: &mut Vec<u64>, count: usize) -> &mut [u64] {
    let start = out.len();
    out.resize(start + count, 0);
    out.get_mut(start..).unwrap_or_default()
}

/// Sets the digits of `out` to what `step` makes of them and of those of `a` in the same places, as many
/// as `a` has, the lowest first. Four at a time: carries stay in registers, and the runtime is compiled for size.
#[inline(always)]
fn each(out: &mut [u64], a: &[u64], mut step: impl FnMut(u64, u64) -> u64) {
    let (out, _) = out.split_at_mut(a.len().min(out.len()));
    let (quads, singles) = out.as_chunks_mut::<4>();
    let (a_quads, a_singles) = a.as_chunks::<4>();
    for (quad, &[a0, a1, a2, a3]) in quads.iter_mut().zip(a_quads) {
        let [o0, o1, o2, o3] = *quad;
        *quad = [step(o0, a0), step(o1, a1), step(o2, a2), step(o3, a3)];
    }
    for (digit, &a) in singles.iter_mut().zip(a_singles) {
        *digit = step(*digit, a);
    }
}

/// Adds one to a number; whether it overflows.
fn increment(digits: &mut [u64]) -> bool {
    for digit in digits {
        let overflow;
        (*digit, overflow) = digit.overflowing_add(1);
        if !overflow {
            return false;
        }
    }
    true
}

/// Appends the sum.
pub(super) fn add(a: &[u64], b: &[u64], out: &mut Vec<u64>) {
    let (long, short) = if a.len() < b.len() { (b, a) } else { (a, b) };
    let start = out.len();
    out.extend_from_slice(long);
    let sum = out.get_mut(start..).unwrap_or_default();
    let (low, high) = sum.split_at_mut(short.len());
    if add_to(low, short) && increment(high) {
        out.push(1);
    }
}

/// Adds a number of as many digits; whether it overflows.
fn add_to(sum: &mut [u64], b: &[u64]) -> bool {
    let mut carry = false;
    each(sum, b, |x, y| {
        let sum;
        (sum, carry) = x.carrying_add(y, carry);
        sum
    });
    carry
}

/// Appends `a - b`, where `a` is not below `b`.
pub(super) fn subtract(a: &[u64], b: &[u64], out: &mut Vec<u64>) {
    let b = trim(b);
    let start = out.len();
    out.extend_from_slice(a);
    let difference = out.get_mut(start..).unwrap_or_default();
    let (low, high) = difference.split_at_mut(b.len().min(a.len()));
    let mut borrow = false;
    each(low, b, |x, y| {
        let difference;
        (difference, borrow) = x.borrowing_sub(y, borrow);
        difference
    });
    for digit in high {
        if !borrow {
            break;
        }
        (*digit, borrow) = digit.overflowing_sub(1);
    }
}

/// Appends the product with one digit.
fn multiply_word(a: &[u64], word: u64, out: &mut Vec<u64>) {
    let start = out.len();
    // Faster than filling with zeros what is written anyway.
    out.extend_from_slice(a);
    let mut carry = 0;
    each(out.get_mut(start..).unwrap_or_default(), a, |_, x| {
        let low;
        (low, carry) = x.carrying_mul(word, carry);
        low
    });
    out.push(carry);
}

/// Appends the product.
pub(super) fn multiply(a: &[u64], b: &[u64], out: &mut Vec<u64>) {
    let (a, b) = (trim(a), trim(b));
    let (long, short) = if a.len() < b.len() { (b, a) } else { (a, b) };
    if short.len() >= MANY_FACTOR_DIGITS {
        out.extend((to_big(long) * to_big(short)).iter_u64_digits());
        return;
    }
    let Some((&first, others)) = short.split_first() else {
        return;
    };
    let start = out.len();
    multiply_word(long, first, out);
    for (shift, &word) in (1..).zip(others) {
        let mut carry = 0;
        let row = out.get_mut(start + shift..).unwrap_or_default();
        each(row, long, |sum, x| {
            let low;
            (low, carry) = x.carrying_mul_add(word, sum, carry);
            low
        });
        out.push(carry);
    }
}

/// A divisor of one digit with its highest bit set, and its reciprocal.
///
/// N. Möller, T. Granlund, "Improved division by invariant integers", 2011.
#[derive(Clone, Copy)]
struct Divisor {
    digit: u64,
    reciprocal: u64,
}

impl Divisor {
    fn new(digit: u64) -> Divisor {
        let numerator = u128::from(!digit) << 64 | u128::from(u64::MAX);
        Divisor {
            digit,
            reciprocal: (numerator / u128::from(digit.max(1))) as u64,
        }
    }

    /// Quotient and remainder of `high * 2^64 + low`, where `high` is below the divisor.
    #[inline(always)]
    fn divide(self, high: u64, low: u64) -> (u64, u64) {
        let estimate = (u128::from(self.reciprocal) * u128::from(high))
            .wrapping_add(u128::from(high) << 64 | u128::from(low));
        let mut quotient = ((estimate >> 64) as u64).wrapping_add(1);
        let mut remainder = low.wrapping_sub(quotient.wrapping_mul(self.digit));
        if remainder > estimate as u64 {
            quotient = quotient.wrapping_sub(1);
            remainder = remainder.wrapping_add(self.digit);
        }
        if remainder >= self.digit {
            quotient = quotient.wrapping_add(1);
            remainder -= self.digit;
        }
        (quotient, remainder)
    }
}

/// Divides in place by a digit that is not zero, and gives the remainder.
pub(super) fn divide_word(digits: &mut [u64], word: u64) -> u64 {
    let shift = word.leading_zeros() & 63;
    let divisor = Divisor::new(word << shift);
    // The shifted number has one more digit, whose quotient is 0.
    let mut above = digits.last().map_or(0, |&top| high_part(top, shift));
    for index in (0..digits.len()).rev() {
        let below = match index {
            0 => 0,
            _ => digits.get(index - 1).copied().unwrap_or(0),
        };
        if let Some(digit) = digits.get_mut(index) {
            let shifted = *digit << shift | high_part(below, shift);
            (*digit, above) = divisor.divide(above, shifted);
        }
    }
    above >> shift
}

/// The bits that a shift to the left by fewer than 64 moves out of a digit.
#[inline(always)]
fn high_part(digit: u64, shift: u32) -> u64 {
    digit >> 1 >> (63 - shift)
}

/// Appends the quotient to `quotient` and the remainder to `remainder`; `b` is not zero.
pub(super) fn divide(a: &[u64], b: &[u64], quotient: &mut Vec<u64>, remainder: &mut Vec<u64>) {
    let (a, b) = (trim(a), trim(b));
    if compare(a, b).is_lt() {
        remainder.extend_from_slice(a);
        return;
    }
    if let &[word] = b {
        let start = quotient.len();
        quotient.extend_from_slice(a);
        let digits = quotient.get_mut(start..).unwrap_or_default();
        remainder.push(divide_word(digits, word));
        return;
    }
    if b.len() >= MANY_QUOTIENT_DIGITS && a.len() - b.len() >= MANY_QUOTIENT_DIGITS {
        let (whole, rest) = to_big(a).div_rem(&to_big(b));
        quotient.extend(whole.iter_u64_digits());
        remainder.extend(rest.iter_u64_digits());
        return;
    }
    divide_long(a, b, quotient, remainder);
}

/// Long division (D. Knuth, The Art of Computer Programming, 4.3.1, algorithm D) by a number of two
/// digits or more. Only leading digits are shifted so that the divisor's highest bit is set: what is
/// estimated with them does not depend on the others.
fn divide_long(a: &[u64], b: &[u64], quotient: &mut Vec<u64>, remainder: &mut Vec<u64>) {
    let [.., top] = b else { return };
    let shift = top.leading_zeros() & 63;
    let [first, second] = leading(b, shift);
    let divisor = Divisor::new(first);
    let base = remainder.len();
    remainder.reserve(a.len() + 1);
    remainder.extend_from_slice(a);
    remainder.push(0);
    let places = a.len() - b.len() + 1;
    let quotient = zeros(quotient, places);
    for (place, slot) in quotient.iter_mut().enumerate().rev() {
        let Some(rest) = remainder.get_mut(base + place..base + place + b.len() + 1) else {
            return;
        };
        *slot = estimate(leading(rest, shift), divisor, second);
        if *slot != 0 && subtract_multiple(rest, b, *slot) {
            *slot -= 1;
            let (low, high) = rest.split_at_mut(b.len().min(rest.len()));
            // A carry out of the highest digit and the borrow cancel out.
            if add_to(low, b) {
                increment(high);
            }
        }
    }
    remainder.truncate(base + b.len());
}

/// The leading digits of a number after a shift to the left that does not make it longer.
#[inline(always)]
fn leading<const COUNT: usize>(digits: &[u64], shift: u32) -> [u64; COUNT] {
    let mut from = digits.iter().rev().copied();
    let mut next = from.next().unwrap_or(0);
    std::array::from_fn(|_| {
        let digit = next;
        next = from.next().unwrap_or(0);
        digit << shift | high_part(next, shift)
    })
}

/// A digit of a quotient, at most one too large, from the three leading digits of what is left and the
/// two of the divisor.
#[inline]
fn estimate([top, middle, third]: [u64; 3], divisor: Divisor, second: u64) -> u64 {
    let (mut estimate, mut left) = if top >= divisor.digit {
        // It is the largest digit, or less.
        (u64::MAX, middle.checked_add(divisor.digit))
    } else {
        let (estimate, left) = divisor.divide(top, middle);
        (estimate, Some(left))
    };
    while let Some(rest) = left
        && u128::from(estimate) * u128::from(second) > (u128::from(rest) << 64 | u128::from(third))
    {
        estimate -= 1;
        left = rest.checked_add(divisor.digit);
    }
    estimate
}

/// Subtracts `factor` times `b` from `rest`, which has one digit more; whether that is below zero.
#[inline]
fn subtract_multiple(rest: &mut [u64], b: &[u64], factor: u64) -> bool {
    let (low, high) = rest.split_at_mut(b.len().min(rest.len()));
    let (mut carry, mut borrow) = (0, false);
    each(low, b, |digit, x| {
        let (product, difference);
        (product, carry) = x.carrying_mul(factor, carry);
        (difference, borrow) = digit.borrowing_sub(product, borrow);
        difference
    });
    if let [last] = high {
        (*last, borrow) = last.borrowing_sub(carry, borrow);
    }
    borrow
}

/// The greatest common divisor of two numbers, of which `a` is not below `b`.
///
/// D. Lehmer, "Euclid's Algorithm for Large Numbers", 1938: steps of Euclid's algorithm are done on
/// the leading 64 bits as long as they tell the quotients for sure (G. Collins' condition, as in T.
/// Jebelean, "A Double-Digit Lehmer-Euclid Algorithm", 1995), and then on all digits at once.
pub(super) fn gcd(a: &[u64], b: &[u64]) -> Vec<u64> {
    let (mut a, mut b) = (trim(a).to_vec(), trim(b).to_vec());
    let (mut quotient, mut remainder) = (Vec::new(), Vec::new());
    while !b.is_empty() {
        if let (&[x], &[y]) = (&a[..], &b[..]) {
            return vec![gcd_words(x, y)];
        }
        match leading_steps(&a, &b) {
            Some(steps) => {
                steps.apply(&mut a, &mut b);
            }
            None => {
                quotient.clear();
                remainder.clear();
                divide(&a, &b, &mut quotient, &mut remainder);
                std::mem::swap(&mut a, &mut b);
                std::mem::swap(&mut b, &mut remainder);
            }
        }
        for digits in [&mut a, &mut b] {
            digits.truncate(trim(digits).len());
        }
    }
    a
}

/// The greatest common divisor of two digits.
pub(super) fn gcd_words(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Several steps of Euclid's algorithm: they turn (a, b) into (u0 a - v0 b, v1 b - u1 a), or into the
/// negatives of both. All are below 2^32.
struct Steps {
    u0: u64,
    u1: u64,
    v0: u64,
    v1: u64,
    negated: bool,
}

/// The steps that the leading bits are enough for, if there are any.
fn leading_steps(a: &[u64], b: &[u64]) -> Option<Steps> {
    let [.., below_a, top_a] = *a else {
        return None;
    };
    let shift = top_a.leading_zeros() & 63;
    let mut x = top_a << shift | high_part(below_a, shift);
    let mut y = match (a.len() - b.len(), b) {
        (0, &[.., below, top]) => top << shift | high_part(below, shift),
        (1, &[.., top]) => high_part(top, shift),
        _ => return None,
    };
    let (mut u0, mut u1, mut u2) = (0, 1, 0);
    let (mut v0, mut v1, mut v2) = (0, 0, 1);
    let mut negated = true;
    // Nothing overflows: a cofactor times the remainder before it is at most the first x.
    while y >= v2 && x - y >= v1 + v2 {
        let quotient = x / y;
        (x, y) = (y, x % y);
        (u0, u1, u2) = (u1, u2, u1 + quotient * u2);
        (v0, v1, v2) = (v1, v2, v1 + quotient * v2);
        negated = !negated;
    }
    (v0 != 0).then_some(Steps {
        u0,
        u1,
        v0,
        v1,
        negated,
    })
}

impl Steps {
    fn apply(&self, a: &mut [u64], b: &mut Vec<u64>) {
        b.resize(a.len(), 0);
        // Products are below 2^96, so the sums fit.
        let product = |factor: u64, digit: u64| (u128::from(factor) * u128::from(digit)) as i128;
        let (mut carry_a, mut carry_b) = (0i128, 0i128);
        for (a, b) in a.iter_mut().zip(b.iter_mut()) {
            let mut new_a = product(self.u0, *a) - product(self.v0, *b);
            let mut new_b = product(self.v1, *b) - product(self.u1, *a);
            if self.negated {
                (new_a, new_b) = (-new_a, -new_b);
            }
            carry_a += new_a;
            carry_b += new_b;
            *a = carry_a as u64;
            *b = carry_b as u64;
            carry_a >>= 64;
            carry_b >>= 64;
        }
    }
}

/// As a number of num-bigint.
pub(super) fn to_big(digits: &[u64]) -> BigUint {
    let mut halves = Vec::with_capacity(2 * digits.len());
    for &digit in digits {
        halves.push(digit as u32);
        halves.push((digit >> 32) as u32);
    }
    BigUint::new(halves)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::collections::tests::Random;

    /// Numbers of many sizes whose digits are often extreme: that is where estimates go wrong.
    fn number(random: &mut Random, digits: i64) -> Vec<u64> {
        (0..digits)
            .map(|_| match random.below(6) {
                0 => 0,
                1 => u64::MAX,
                2 => 1 << 63,
                3 => u64::MAX - random.below(3) as u64,
                _ => (random.below(1 << 40) as u64) << 24 ^ random.below(1 << 40) as u64,
            })
            .collect()
    }

    #[test]
    fn agrees_with_num_bigint() {
        let mut random = Random(0x9E37_79B9_7F4A_7C15);
        for round in 0..4000 {
            let limit = match round {
                0..4 => 2500,
                _ if round % 50 == 0 => 150,
                _ => 8,
            };
            let (m, n) = (random.below(limit), random.below(limit));
            let (a, b) = (number(&mut random, m), number(&mut random, n));
            let (big_a, big_b) = (to_big(&a), to_big(&b));
            let mut out = vec![7];
            add(&a, &b, &mut out);
            assert_eq!(to_big(&out[1..]), &big_a + &big_b);
            out.truncate(1);
            multiply(&a, &b, &mut out);
            assert_eq!(to_big(&out[1..]), &big_a * &big_b);
            assert_eq!(compare(&a, &b), big_a.cmp(&big_b));
            let (larger, smaller) = if big_a < big_b { (&b, &a) } else { (&a, &b) };
            let mut out = Vec::new();
            subtract(larger, smaller, &mut out);
            assert_eq!(to_big(&out), to_big(larger) - to_big(smaller));
            assert_eq!(to_big(&gcd(larger, smaller)), big_a.gcd(&big_b));
            if !trim(&b).is_empty() {
                let (mut quotient, mut remainder) = (Vec::new(), Vec::new());
                divide(&a, &b, &mut quotient, &mut remainder);
                assert_eq!(to_big(&quotient), &big_a / &big_b, "{a:x?} {b:x?}");
                assert_eq!(to_big(&remainder), &big_a % &big_b, "{a:x?} {b:x?}");
            }
        }
    }

    #[test]
    fn common_divisors_of_neighbours_and_multiples() {
        let mut random = Random(88_172_645_463_325_252);
        for _ in 0..300 {
            let size = random.below(20) + 1;
            let common = number(&mut random, size);
            let (mut a, mut b) = (common.clone(), Vec::new());
            // Consecutive Fibonacci multiples take the most steps.
            for _ in 0..random.below(200) {
                let mut sum = Vec::new();
                add(&a, &b, &mut sum);
                b = std::mem::replace(&mut a, sum);
            }
            assert_eq!(trim(&gcd(&a, &b)), trim(&common));
        }
    }
}
