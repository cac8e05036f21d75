//! The stacks of a task: values (register windows) and frames.
//!
//! Both are plain growable memory addressed by raw pointers, because the dispatch loop keeps
//! pointers into them in machine registers. Value slots hold valid values at all times: fresh
//! memory is zero (which the tracer ignores), and each collection clears what lies above the
//! running window, so a slot that becomes part of a window later never holds a stale reference.

use std::alloc::{Layout, alloc_zeroed, dealloc, realloc};

use super::module::Func;
use crate::value::Value;

/// A suspended caller.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Frame {
    /// Where it goes on.
    pub pc: *const u32,
    /// Its function.
    pub func: *const Func,
    /// Distance in slots from its window to the callee's.
    pub delta: u32,
    /// What the callee was.
    pub kind: FrameKind,
}

/// What returning from a frame's callee means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub(crate) enum FrameKind {
    /// An ordinary call.
    Call,
    /// The bottom of a task: returning ends it.
    Bottom,
    /// The main function of a module: unwinding through it makes the module unloaded again.
    ModuleMain,
}

/// Slots that a call may use beyond its window without checking (callee, a few arguments).
pub(crate) const HEADROOM: usize = 16;
/// Slots by which the checked limit moves ahead of the running window.
const STEP: usize = 4096;

fn layout<T>(count: usize) -> Layout {
    match Layout::array::<T>(count) {
        Ok(layout) => layout,
        Err(_) => std::alloc::handle_alloc_error(Layout::new::<T>()),
    }
}

/// Memory for `T`s that moves when it grows. `T` must be valid when all bytes are zero.
struct Growable<T> {
    start: *mut T,
    capacity: usize,
}

impl<T> Growable<T> {
    fn new(capacity: usize) -> Growable<T> {
        // SAFETY: the layout has a non-zero size.
        let start = unsafe { alloc_zeroed(layout::<T>(capacity)) }.cast::<T>();
        if start.is_null() {
            std::alloc::handle_alloc_error(layout::<T>(capacity));
        }
        Growable { start, capacity }
    }

    fn grow(&mut self, capacity: usize) {
        // SAFETY: `start` came from this allocator with this layout; the new tail is zeroed.
        unsafe {
            let grown = realloc(
                self.start.cast(),
                layout::<T>(self.capacity),
                layout::<T>(capacity).size(),
            )
            .cast::<T>();
            if grown.is_null() {
                std::alloc::handle_alloc_error(layout::<T>(capacity));
            }
            std::ptr::write_bytes(grown.add(self.capacity), 0, capacity - self.capacity);
            self.start = grown;
        }
        self.capacity = capacity;
    }
}

impl<T> Drop for Growable<T> {
    fn drop(&mut self) {
        // SAFETY: `start` came from this allocator with this layout.
        unsafe { dealloc(self.start.cast(), layout::<T>(self.capacity)) };
    }
}

/// The value stack of a task.
pub(crate) struct ValueStack {
    memory: Growable<Value>,
    /// Slots that may have been written since the last collection.
    limit: usize,
}

impl ValueStack {
    pub(crate) fn new(slots: usize) -> ValueStack {
        ValueStack {
            memory: Growable::new(slots),
            limit: slots.min(STEP),
        }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.memory.capacity
    }

    pub(crate) fn start(&self) -> *mut Value {
        self.memory.start
    }

    /// A window may end at most here without asking [`ValueStack::reserve`].
    pub(crate) fn limit(&self) -> *mut Value {
        // SAFETY: `limit` is at most the capacity.
        unsafe { self.memory.start.add(self.limit - HEADROOM) }
    }

    /// Makes sure that a window may end at slot `end`; false if that would take more than
    /// `most` slots. The memory may move.
    pub(crate) fn reserve(&mut self, end: usize, most: usize) -> bool {
        let needed = end + HEADROOM;
        if needed > most {
            return false;
        }
        if needed > self.memory.capacity {
            self.memory.grow((needed * 2).min(most.max(needed)));
        }
        self.limit = (needed + STEP).min(self.memory.capacity);
        true
    }

    /// The slots in use, up to `end`; everything above is cleared.
    pub(crate) fn used(&mut self, end: usize) -> &mut [Value] {
        let end = end.min(self.memory.capacity);
        // SAFETY: `end` and `limit` lie within the memory, which is initialised (zeroed).
        unsafe {
            if self.limit > end {
                std::ptr::write_bytes(self.memory.start.add(end), 0, self.limit - end);
            }
            self.limit = (end + STEP).min(self.memory.capacity);
            std::slice::from_raw_parts_mut(self.memory.start, end)
        }
    }
}

/// The frame stack of a task.
pub(crate) struct FrameStack {
    memory: Growable<Frame>,
}

impl FrameStack {
    pub(crate) fn new(frames: usize) -> FrameStack {
        FrameStack {
            memory: Growable::new(frames),
        }
    }

    pub(crate) fn start(&self) -> *mut Frame {
        self.memory.start
    }

    pub(crate) fn limit(&self) -> *mut Frame {
        // SAFETY: one past the last frame.
        unsafe { self.memory.start.add(self.memory.capacity) }
    }

    pub(crate) fn grow(&mut self) {
        self.memory.grow(self.memory.capacity * 2);
    }
}
