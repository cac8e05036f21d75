//! Reading operands and what they name.

use crate::memory::heap::{Heap, object};
use crate::memory::value::{Kind, Value};
use crate::vm::module::Func;

/// The first word of an instruction, where its operands are read.
pub(super) trait Word: Copy {
    /// One of its bytes, the opcode being byte 0.
    fn byte<const INDEX: usize>(self) -> u8;
    /// Its upper half.
    fn upper_half(self) -> u16;
    /// Its upper three bytes, with a sign.
    fn upper_bytes(self) -> i32;
}

/// A word that has been loaded.
impl Word for u32 {
    #[inline(always)]
    fn byte<const INDEX: usize>(self) -> u8 {
        (self >> (8 * INDEX)) as u8
    }

    #[inline(always)]
    fn upper_half(self) -> u16 {
        (self >> 16) as u16
    }

    #[inline(always)]
    fn upper_bytes(self) -> i32 {
        self as i32 >> 8
    }
}

/// A word where it lies in the code. Loading single bytes takes one instruction each, taking a word apart
/// two or three, and on x86-64 a register of which there are few.
#[derive(Clone, Copy)]
pub(super) struct InCode(*const u32);

impl Word for InCode {
    #[inline(always)]
    fn byte<const INDEX: usize>(self) -> u8 {
        // SAFETY: by `in_code` this is the word after an instruction's first one; words are little-endian.
        unsafe { *self.0.cast::<u8>().sub(4 - INDEX) }
    }

    #[inline(always)]
    fn upper_half(self) -> u16 {
        // SAFETY: as above; two bytes from an even address.
        unsafe { *self.0.cast::<u16>().sub(1) }
    }

    #[inline(always)]
    fn upper_bytes(self) -> i32 {
        // SAFETY: as above.
        unsafe { self.0.sub(1).read() as i32 >> 8 }
    }
}

/// The first word of the instruction behind which `pc` stands.
///
/// # Safety
/// As for [`super::Handler`].
#[inline(always)]
pub(super) unsafe fn in_code(pc: *const u32) -> InCode {
    InCode(pc)
}

/// Field `a`.
#[inline(always)]
pub(super) fn a(word: impl Word) -> usize {
    word.byte::<1>().into()
}

/// Field `b`.
#[inline(always)]
pub(super) fn b(word: impl Word) -> usize {
    word.byte::<2>().into()
}

/// Field `c`.
#[inline(always)]
pub(super) fn c(word: impl Word) -> usize {
    word.byte::<3>().into()
}

/// Field `sc`.
#[inline(always)]
pub(super) fn sc(word: impl Word) -> i64 {
    i64::from(word.byte::<3>() as i8)
}

/// Field `bx`.
#[inline(always)]
pub(super) fn bx(word: impl Word) -> usize {
    word.upper_half().into()
}

/// Field `sbx`.
#[inline(always)]
pub(super) fn sbx(word: impl Word) -> i64 {
    i64::from(word.upper_half() as i16)
}

/// Field `s24`.
#[inline(always)]
pub(super) fn s24(word: impl Word) -> isize {
    word.upper_bytes() as isize
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
