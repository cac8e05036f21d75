//! Integers.

use num_bigint::{BigInt, Sign};

use super::{Heap, object};
use crate::memory::value::{Kind, Value};

/// Digits for whose computation memory is kept.
const KEPT_DIGITS: usize = 64 << 10;

impl Heap {
    /// An exact integer.
    #[inline]
    pub fn int(&self, value: i64) -> Value {
        match Value::fixnum(value) {
            Some(fixnum) => fixnum,
            None => self.int_from_digits(value < 0, &[value.unsigned_abs()]),
        }
    }

    /// An exact integer.
    pub fn bigint(&self, value: &BigInt) -> Value {
        if let Ok(small) = i64::try_from(value) {
            return self.int(small);
        }
        self.int_computed(value.sign() == Sign::Minus, |digits| {
            digits.extend(value.iter_u64_digits());
        })
    }

    /// The integer whose digits `compute` appends to an empty vector, least significant first, perhaps
    /// with leading zeros. The vector is the heap's, so that computing needs no fresh memory.
    pub(crate) fn int_computed(
        &self,
        negative: bool,
        compute: impl FnOnce(&mut Vec<u64>),
    ) -> Value {
        // `compute` may itself come here, and then starts with another vector.
        let mut digits = self.digits.take();
        compute(&mut digits);
        let value = self.int_from_digits_untrimmed(negative, &digits);
        if digits.capacity() <= KEPT_DIGITS {
            digits.clear();
            self.digits.replace(digits);
        }
        value
    }

    /// An integer of any size, of digits that may have leading zeros, least significant first.
    pub(crate) fn int_from_digits_untrimmed(&self, negative: bool, mut digits: &[u64]) -> Value {
        while let [rest @ .., 0] = digits {
            digits = rest;
        }
        let small = match *digits {
            [] => Some(0),
            [digit] if negative => 0i64.checked_sub_unsigned(digit),
            [digit] => i64::try_from(digit).ok(),
            _ => None,
        };
        match small.and_then(Value::fixnum) {
            Some(fixnum) => fixnum,
            None => self.int_from_digits(negative, digits),
        }
    }

    /// An integer outside the fixnum range, of digits without leading zeros, least significant first.
    pub(crate) fn int_from_digits(&self, negative: bool, digits: &[u64]) -> Value {
        let (object, flags) = self.allocate(8 + digits.len() * 8, false);
        // SAFETY: room for the header and the digits was just allocated.
        unsafe {
            *object = object::header(
                Kind::Int,
                flags,
                u16::from(negative),
                Self::length(digits.len()),
            );
            std::ptr::copy_nonoverlapping(digits.as_ptr(), object.add(1), digits.len());
        }
        Value::from_address(object as usize)
    }

    /// Sign (true: negative) and 64-bit digits, least significant first, of an integer that is not
    /// a fixnum.
    pub fn int_digits(&self, value: Value) -> Option<(bool, &[u64])> {
        if !value.is_heap() || object::kind_at(value) != Kind::Int {
            return None;
        }
        Some((self.aux(value) != 0, self.words(value)))
    }

    /// The integer as an `i64`, if it is one and fits.
    #[inline]
    pub fn as_i64(&self, value: Value) -> Option<i64> {
        if let Some(fixnum) = value.as_fixnum() {
            return Some(fixnum);
        }
        match self.int_digits(value)? {
            (false, &[digit]) => i64::try_from(digit).ok(),
            (true, &[digit]) => 0i64.checked_sub_unsigned(digit),
            _ => None,
        }
    }

    /// The integer as a big integer, if it is an integer.
    pub fn as_bigint(&self, value: Value) -> Option<BigInt> {
        if let Some(fixnum) = value.as_fixnum() {
            return Some(BigInt::from(fixnum));
        }
        let (negative, digits) = self.int_digits(value)?;
        let mut halves = Vec::with_capacity(2 * digits.len());
        for &digit in digits {
            halves.push(digit as u32);
            halves.push((digit >> 32) as u32);
        }
        Some(BigInt::new(
            if negative { Sign::Minus } else { Sign::Plus },
            halves,
        ))
    }
}
