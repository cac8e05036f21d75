//! Objects that hold values, and the write barrier.

use std::cell::Cell;

use super::object::{LARGE, OLD, REMEMBERED};
use super::{Heap, NURSERY_BYTES, object};
use crate::memory::value::kind::Shape;
use crate::memory::value::{Kind, Value};

impl Heap {
    /// An object of a kind that holds values.
    #[inline]
    pub fn object(&self, kind: Kind, aux: u16, fields: &[Value]) -> Value {
        debug_assert_eq!(kind.shape(), Shape::Values);
        let (object, flags) = self.allocate(8 + fields.len() * 8, true);
        // SAFETY: room for the header and the fields was just allocated.
        unsafe {
            *object = object::header(kind, flags, aux, Self::length(fields.len()));
            std::ptr::copy_nonoverlapping(fields.as_ptr(), object.add(1).cast(), fields.len());
        }
        Value::from_address(object as usize)
    }

    /// An object of a kind that holds values: those of all parts, one after the other.
    #[inline(always)]
    pub fn object_spliced<const PARTS: usize>(
        &self,
        kind: Kind,
        aux: u16,
        parts: [&[Value]; PARTS],
    ) -> Value {
        debug_assert_eq!(kind.shape(), Shape::Values);
        let length = parts.iter().map(|part| part.len()).sum();
        let (object, flags) = self.allocate(8 + length * 8, true);
        // SAFETY: room for the header and the values of all parts was just allocated.
        unsafe {
            *object = object::header(kind, flags, aux, Self::length(length));
            let mut to = object.add(1).cast::<Value>();
            for part in parts {
                std::ptr::copy_nonoverlapping(part.as_ptr(), to, part.len());
                to = to.add(part.len());
            }
        }
        Value::from_address(object as usize)
    }

    /// A copy of an object whose kind holds values, with another value in one field. The object itself
    /// if it has no such field.
    #[inline(always)]
    pub(crate) fn object_with(&self, original: Value, index: usize, value: Value) -> Value {
        let fields = self.values(original);
        if index >= fields.len() {
            return original;
        }
        let (copy, flags) = self.allocate(8 + fields.len() * 8, true);
        let header = object::header_at(original) & !object::FLAGS | flags;
        // SAFETY: room for the header and as many fields was just allocated, and the index is in range.
        // Nobody has seen the copy yet, so that the store needs no barrier (see `object_changed`).
        unsafe {
            *copy = header;
            let to = copy.add(1).cast::<Value>();
            std::ptr::copy_nonoverlapping(fields.as_ptr(), to, fields.len());
            *to.add(index) = value;
        }
        Value::from_address(copy as usize)
    }

    /// A copy of an object whose kind holds values, with other values in some fields. Fields that it
    /// does not have are ignored.
    #[inline(always)]
    pub(crate) fn object_changed<const CHANGES: usize>(
        &self,
        original: Value,
        changes: [(usize, Value); CHANGES],
    ) -> Value {
        let fields = self.values(original);
        let (kind, aux) = (original.kind(), self.aux(original));
        let copy = self.object(kind, aux, fields);
        for (index, value) in changes {
            if index < fields.len() {
                // SAFETY: the copy has as many fields as the original. Nobody has seen it yet, and
                // what it refers to needs no barrier: it is young, or remembered by `allocate`.
                unsafe { *((copy.address() + 8 + 8 * index) as *mut Value) = value };
            }
        }
        copy
    }

    /// An object of a kind that holds values, all of them `fill`.
    pub fn object_filled(&self, kind: Kind, aux: u16, length: usize, fill: Value) -> Value {
        debug_assert_eq!(kind.shape(), Shape::Values);
        let (object, flags) = self.allocate(8 + length * 8, true);
        // SAFETY: room for the header and the fields was just allocated.
        unsafe {
            *object = object::header(kind, flags, aux, Self::length(length));
            for index in 0..length {
                *object.add(1 + index) = fill.bits();
            }
        }
        Value::from_address(object as usize)
    }

    /// A vector.
    #[inline]
    pub fn vector(&self, elements: &[Value]) -> Value {
        self.object(Kind::Vector, 0, elements)
    }

    /// The fields of an object whose kind holds values (never a list).
    #[inline(always)]
    pub fn fields(&self, value: Value) -> &[Cell<Value>] {
        if !value.is_heap() {
            return &[];
        }
        let header = object::header_at(value);
        if object::kind_of(header).shape() != Shape::Values {
            return &[];
        }
        // SAFETY: the shape says that the header is followed by `length` values; mutation goes
        // through `Cell`, and no collection can run while `self` is borrowed.
        unsafe {
            std::slice::from_raw_parts(
                (value.address() + 8) as *const Cell<Value>,
                object::length_of(header),
            )
        }
    }

    /// The same of an object that must be of this kind, which holds values; others have none.
    #[inline(always)]
    pub fn fields_of(&self, kind: Kind, value: Value) -> &[Cell<Value>] {
        debug_assert_eq!(kind.shape(), Shape::Values);
        if !object::is_kind(value, kind) {
            return &[];
        }
        let length = object::length_of(object::header_at(value));
        // SAFETY: as in `fields`.
        unsafe { std::slice::from_raw_parts((value.address() + 8) as *const Cell<Value>, length) }
    }

    /// One field; nil when there is none.
    #[inline(always)]
    pub fn field(&self, value: Value, index: usize) -> Value {
        self.fields(value).get(index).map_or(Value::NIL, Cell::get)
    }

    /// The fields of an object that is never mutated, or the elements of a slice (vector, map node, record, ratio …).
    #[inline(always)]
    pub fn values(&self, value: Value) -> &[Value] {
        let cells = self.fields(value);
        if cells.is_empty() {
            return self.shared_values(value);
        }
        // SAFETY: `Cell<Value>` has the layout of `Value`; objects of these kinds are written only
        // while they are built, before anyone sees a slice of them.
        unsafe { &*(std::ptr::from_ref(cells) as *const [Value]) }
    }

    /// The same for nodes of maps, which are never slices.
    pub(crate) fn node(&self, value: Value) -> &[Value] {
        debug_assert!(!value.is_heap() || !object::is_slice(object::header_at(value)));
        let cells = self.fields(value);
        // SAFETY: as in `values`.
        unsafe { &*(std::ptr::from_ref(cells) as *const [Value]) }
    }

    /// The same of an object that must be of this kind, which holds values; others have none.
    #[inline(always)]
    pub fn values_of(&self, kind: Kind, value: Value) -> &[Value] {
        debug_assert_eq!(kind.shape(), Shape::Values);
        if !object::is_kind(value, kind) {
            return &[];
        }
        let length = object::length_of(object::header_at(value));
        // SAFETY: as in `fields`, of a kind that is never mutated.
        unsafe { std::slice::from_raw_parts((value.address() + 8) as *const Value, length) }
    }

    /// The elements of a vector.
    #[inline]
    pub fn as_vector(&self, value: Value) -> Option<&[Value]> {
        if value.kind() == Kind::Vector {
            Some(self.values(value))
        } else {
            None
        }
    }

    /// A number that a closure keeps, for hashes: addresses change. It is given at the first question; those of
    /// different closures are equal now and then.
    pub(crate) fn identity(&self, closure: Value) -> u16 {
        debug_assert_eq!(closure.kind(), Kind::Closure);
        match self.aux(closure) {
            0 => {
                let number = self.last_identity.get().checked_add(1).unwrap_or_else(|| {
                    self.identities_repeat.set(true);
                    1
                });
                self.last_identity.set(number);
                object::set_aux(closure, number);
                number
            }
            number => number,
        }
    }

    /// The number of a closure that no other one has; `None` once there have been too many for that.
    pub(crate) fn unique_identity(&self, closure: Value) -> Option<u16> {
        let number = self.identity(closure);
        (!self.identities_repeat.get()).then_some(number)
    }

    /// Leaves out numbers of closures, so that few are left.
    #[cfg(test)]
    pub(crate) fn leave_identities(&self, left: u16) {
        self.last_identity.set(u16::MAX - left);
    }

    /// The 16 bits of an object that its kind may use as it likes.
    #[inline(always)]
    pub fn aux(&self, value: Value) -> u16 {
        if value.is_heap() {
            object::aux_of(object::header_at(value))
        } else {
            0
        }
    }

    /// Stores into a field of an object (with the write barrier). Out of range: no effect.
    #[inline(always)]
    pub fn set_field(&self, object: Value, index: usize, value: Value) {
        if let Some(cell) = self.fields(object).get(index) {
            cell.set(value);
            self.remember(object, index, value);
        }
    }

    pub(super) fn in_nursery(&self, address: usize) -> bool {
        address.wrapping_sub(self.nursery as usize) < NURSERY_BYTES
    }

    /// Write barrier: a field of `object` now refers to `value`.
    #[inline(always)]
    fn remember(&self, object: Value, index: usize, value: Value) {
        if value.is_heap() && self.needs_barrier(object) {
            self.remember_slow(object, index, value);
        }
    }

    /// Whether a store of a reference into `object` must be noted.
    #[inline(always)]
    pub(crate) fn needs_barrier(&self, object: Value) -> bool {
        let flags = object::header_at(object) & (OLD | REMEMBERED | LARGE);
        flags == OLD || flags & LARGE != 0
    }

    #[cold]
    #[inline(never)]
    fn remember_slow(&self, object: Value, index: usize, value: Value) {
        // The next collection must see references to young objects, and, while marking is going on,
        // all new ones.
        if !self.in_nursery(value.address()) && !self.marking.active {
            return;
        }
        let address = object.address() as *mut u64;
        // SAFETY: `object` is a live old object that has the field; its first word is its header.
        unsafe {
            let header = *address;
            if header & LARGE != 0 {
                *object::card(address, header, index) = 1;
            }
            if header & REMEMBERED == 0 {
                *address = header | REMEMBERED;
                self.remembered.borrow_mut().push(address);
            }
        }
    }
}
