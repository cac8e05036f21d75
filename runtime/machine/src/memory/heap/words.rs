//! Objects that hold words or bytes: typed arrays, byte vectors, what strings are made of.

use std::cell::Cell;

use super::{Heap, object};
use crate::memory::value::kind::Shape;
use crate::memory::value::{Kind, Value};

impl Heap {
    pub(super) fn words(&self, value: Value) -> &[u64] {
        let header = object::header_at(value);
        debug_assert_eq!(object::kind_of(header).shape(), Shape::Words);
        // SAFETY: objects of this shape hold `length` words after the header.
        unsafe {
            std::slice::from_raw_parts(
                (value.address() + 8) as *const u64,
                object::length_of(header),
            )
        }
    }

    pub(super) fn alloc_words(
        &self,
        kind: Kind,
        length: usize,
        words: impl Iterator<Item = u64>,
    ) -> Value {
        let (object, flags) = self.allocate(8 + length * 8, false);
        // SAFETY: room for the header and `length` words was just allocated.
        unsafe {
            *object = object::header(kind, flags, 0, Self::length(length));
            for index in 0..length {
                *object.add(1 + index) = 0;
            }
            for (index, word) in words.take(length).enumerate() {
                *object.add(1 + index) = word;
            }
        }
        Value::from_address(object as usize)
    }

    /// An array of floats.
    pub fn f64_array(&self, elements: &[f64]) -> Value {
        self.alloc_words(
            Kind::F64Array,
            elements.len(),
            elements.iter().map(|x| x.to_bits()),
        )
    }

    /// The elements of an array of floats.
    pub fn as_f64_array(&self, value: Value) -> Option<&[f64]> {
        if value.kind() != Kind::F64Array {
            return None;
        }
        let words = self.words(value);
        // SAFETY: `u64` and `f64` have the same size and alignment, and every bit pattern is valid.
        Some(unsafe { &*(std::ptr::from_ref(words) as *const [f64]) })
    }

    /// An array of 64-bit integers.
    pub fn i64_array(&self, elements: &[i64]) -> Value {
        self.alloc_words(
            Kind::I64Array,
            elements.len(),
            elements.iter().map(|x| *x as u64),
        )
    }

    /// The elements of an array of 64-bit integers.
    pub fn as_i64_array(&self, value: Value) -> Option<&[i64]> {
        if value.kind() != Kind::I64Array {
            return None;
        }
        let words = self.words(value);
        // SAFETY: `u64` and `i64` have the same size and alignment, and every bit pattern is valid.
        Some(unsafe { &*(std::ptr::from_ref(words) as *const [i64]) })
    }

    /// An object of the shape `Bytes`; `extra` is the word in front of the bytes.
    pub(crate) fn alloc_bytes(&self, kind: Kind, aux: u16, extra: u64, bytes: &[u8]) -> Value {
        let (object, flags) = self.allocate(16 + bytes.len().next_multiple_of(8), false);
        // SAFETY: room for the header, the extra word and the padded bytes was just allocated.
        unsafe {
            *object = object::header(kind, flags, aux, Self::length(bytes.len()));
            *object.add(1) = extra;
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), object.add(2).cast(), bytes.len());
        }
        Value::from_address(object as usize)
    }

    pub(crate) fn raw_bytes(&self, value: Value) -> &[u8] {
        let header = object::header_at(value);
        debug_assert_eq!(object::kind_of(header).shape(), Shape::Bytes);
        // SAFETY: objects of this shape hold one word and then `length` bytes after the header.
        unsafe {
            std::slice::from_raw_parts(
                (value.address() + 16) as *const u8,
                object::length_of(header),
            )
        }
    }

    pub(crate) fn extra_word(&self, value: Value) -> &Cell<u64> {
        debug_assert_eq!(object::kind_at(value).shape(), Shape::Bytes);
        // SAFETY: objects of this shape hold an extra word after the header.
        unsafe { &*((value.address() + 8) as *const Cell<u64>) }
    }

    /// A byte vector.
    pub fn bytevector(&self, bytes: &[u8]) -> Value {
        self.alloc_bytes(Kind::Bytevector, 0, 0, bytes)
    }

    /// The bytes of a byte vector.
    pub fn as_bytevector(&self, value: Value) -> Option<&[u8]> {
        if value.kind() == Kind::Bytevector {
            Some(self.raw_bytes(value))
        } else {
            None
        }
    }
}
