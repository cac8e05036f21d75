//! Reading operands and what they name.

use crate::heap::{Heap, object};
use crate::value::{Kind, Value};
use crate::vm::module::Func;

/// Field `a`.
#[inline(always)]
pub(super) fn a(word: u32) -> usize {
    (word >> 8) as usize & 0xFF
}

/// Field `b`.
#[inline(always)]
pub(super) fn b(word: u32) -> usize {
    (word >> 16) as usize & 0xFF
}

/// Field `c`.
#[inline(always)]
pub(super) fn c(word: u32) -> usize {
    (word >> 24) as usize
}

/// Field `bx`.
#[inline(always)]
pub(super) fn bx(word: u32) -> usize {
    (word >> 16) as usize
}

/// Field `sbx`.
#[inline(always)]
pub(super) fn sbx(word: u32) -> i64 {
    i64::from(word as i32 >> 16)
}

/// # Safety
/// As for [`super::Handler`].
#[inline(always)]
pub(super) unsafe fn register(base: *mut Value, index: usize) -> Value {
    // SAFETY: by the caller.
    unsafe { *base.add(index) }
}

/// # Safety
/// As for [`super::Handler`].
#[inline(always)]
pub(super) unsafe fn set(base: *mut Value, index: usize, value: Value) {
    // SAFETY: by the caller.
    unsafe { *base.add(index) = value }
}

/// # Safety
/// As for [`super::Handler`].
#[inline(always)]
pub(super) unsafe fn constant(func: *const Func, index: usize) -> Value {
    // SAFETY: by the caller.
    unsafe { *(*func).constants.add(index) }
}

/// What a global holds: any value, or none yet.
///
/// # Safety
/// As for [`super::Handler`].
#[inline(always)]
pub(super) unsafe fn global(func: *const Func, index: u32) -> Value {
    // SAFETY: by the caller.
    unsafe { *(*func).globals.get().add(index as usize) }
}

/// Field `index` of an object that holds values.
///
/// # Safety
/// `object` refers to an object of such a kind that has this field.
#[inline(always)]
pub(super) unsafe fn field(object: Value, index: usize) -> Value {
    // SAFETY: by the caller; the fields follow the header.
    unsafe { *((object.address() + 8) as *const Value).add(index) }
}

/// A captured variable of the closure that runs in the window at `base`.
///
/// # Safety
/// As for [`super::Handler`].
#[inline(always)]
pub(super) unsafe fn capture(base: *mut Value, index: usize) -> Value {
    // SAFETY: the slot below a window holds the running closure, which has as many captures as
    // its function declares, behind field 0; the verifier checked `index` against that.
    unsafe { field(*base.sub(1), index + 1) }
}

/// Changes what a box holds. The verifier does not prove that a register holds a box: nothing else
/// is changed.
#[inline(always)]
pub(super) fn set_boxed(heap: &Heap, place: Value, value: Value) {
    if object::is_kind(place, Kind::Box) {
        heap.set_field(place, 0, value);
    }
}

/// What a box holds.
#[inline(always)]
pub(super) fn unboxed(value: Value) -> Value {
    if object::is_kind(value, Kind::Box) {
        // SAFETY: a box has one field.
        return unsafe { field(value, 0) };
    }
    Value::NIL
}
