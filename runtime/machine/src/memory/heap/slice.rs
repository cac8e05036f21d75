//! Vectors that share the elements of another one.
//!
//! `(rest vector)` would copy all elements but one, and walking a vector by it would take quadratic time. A long rest
//! is a slice instead: an object of the kind of vectors that names the vector its elements lie in, the first of
//! them and their number. Its header says so, and gives the length 0: what looks for elements behind the header
//! finds none, and goes the way of everything unusual. So instructions on ordinary vectors pay nothing.
//!
//! A slice keeps all of the other vector alive. So it has at least one of [`SHARE`] of its elements: a shorter rest is
//! copied. A walk to the end copies each element a constant number of times.

use super::object::{SLICE, SLICE_FIELDS, is_slice};
use super::{Heap, object};
use crate::memory::value::{Kind, Value};

/// A slice has at least this part of the elements that it keeps alive.
const SHARE: usize = 8;

/// Shorter rests are copied.
const LEAST: usize = 16;

impl Heap {
    /// The vector of the elements of a vector from `start` on.
    pub fn vector_rest(&self, vector: Value, start: usize) -> Value {
        let elements = self.values(vector);
        let rest = elements.get(start..).unwrap_or_default();
        let (base, before) = match self.slice(vector) {
            Some((base, first, _)) => (base, first),
            None => (vector, 0),
        };
        if rest.len() < LEAST || rest.len() < self.values(base).len() / SHARE {
            return self.vector(rest);
        }
        let fields = [base, Value::index(before + start), Value::index(rest.len())];
        let slice = self.object(Kind::Vector, SLICE, &fields);
        // SAFETY: the object was just made; only the length of its header changes, to that of slices.
        unsafe { *(slice.address() as *mut u64) &= u64::from(u32::MAX) };
        slice
    }

    /// The elements of a slice; of everything else none.
    #[cold]
    pub(super) fn shared_values(&self, value: Value) -> &[Value] {
        let Some((base, first, length)) = self.slice(value) else {
            return &[];
        };
        debug_assert!(self.slice(base).is_none());
        let elements = self.values(base);
        elements.get(first..first + length).unwrap_or_default()
    }

    /// The vector that a slice shares, the number of its first element there, and its length.
    fn slice(&self, value: Value) -> Option<(Value, usize, usize)> {
        if !value.is_heap() || !is_slice(object::header_at(value)) {
            return None;
        }
        // SAFETY: such a header is followed by these fields.
        let fields: &[Value] = unsafe {
            std::slice::from_raw_parts((value.address() + 8) as *const Value, SLICE_FIELDS)
        };
        let [base, first, length] = fields else {
            return None;
        };
        let number = |value: &Value| usize::try_from(value.as_fixnum()?).ok();
        Some((*base, number(first)?, number(length)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: i32) -> Vec<Value> {
        (0..count).map(Value::small).collect()
    }

    #[test]
    fn rests_have_the_elements_of_the_vector() {
        let heap = Heap::new();
        for count in [0, 1, 2, 15, 16, 17, 100, 1000] {
            let all = numbers(count);
            let mut vector = heap.vector(&all);
            for start in 0..all.len() {
                assert_eq!(heap.values(vector), &all[start..]);
                assert_eq!(heap.as_vector(vector), Some(&all[start..]));
                vector = heap.vector_rest(vector, 1);
            }
            assert!(heap.values(vector).is_empty());
            assert!(heap.values(heap.vector_rest(vector, 7)).is_empty());
        }
    }

    #[test]
    fn a_slice_keeps_a_bounded_part_and_refers_to_no_slice() {
        let heap = Heap::new();
        let mut vector = heap.vector(&numbers(10_000));
        let mut slices = 0;
        while !heap.values(vector).is_empty() {
            if let Some((base, _, length)) = heap.slice(vector) {
                slices += 1;
                assert!(heap.slice(base).is_none());
                assert!(length >= heap.values(base).len() / SHARE);
            }
            vector = heap.vector_rest(vector, 3);
        }
        assert!(slices > 3_000, "{slices}");
    }
}
