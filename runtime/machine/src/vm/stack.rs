//! The stacks of a task: values (windows of frames) and frames.
//!
//! Both are growable and owned by raw pointers, because the dispatch loop keeps pointers into them
//! in machine registers. Value slots up to `limit` hold valid values at all times: they are set to nil
//! before they are first used, and each collection clears what lies above the running window, so a
//! slot that becomes part of a window later never holds a stale reference, and a function that reads
//! a register before it wrote to it (none of ours does) finds a value. Memory above that has not been touched, so a stack that has room for a deep recursion
//! costs nothing until the recursion comes, and what it used goes back to the system afterwards.

use std::alloc::{Layout, alloc, dealloc, realloc};

use super::module::Func;
use crate::memory::heap::pages;
use crate::memory::value::Value;

/// A suspended caller.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub(crate) struct Frame {
    /// Where it goes on.
    pub pc: *const u32,
    /// Its function.
    pub func: *const Func,
    /// Distance in bytes from its window to the callee's.
    distance: u32,
    /// What the callee was.
    pub kind: FrameKind,
}

// A call writes two addresses and a word.
const _: () = assert!(size_of::<Frame>() == 2 * size_of::<usize>() + 8);

impl Frame {
    /// A frame; `slots` is the distance from its window to the callee's.
    pub(crate) fn new(pc: *const u32, func: *const Func, slots: usize, kind: FrameKind) -> Frame {
        Frame {
            pc,
            func,
            distance: (slots * size_of::<Value>()) as u32,
            kind,
        }
    }

    /// Writes the frame of an ordinary call; `distance` is in bytes.
    ///
    /// # Safety
    /// There is room at `place`.
    #[inline(always)]
    pub(crate) unsafe fn push_call(
        place: *mut Frame,
        pc: *const u32,
        func: *const Func,
        distance: u32,
    ) {
        const { assert!(FrameKind::Call as u32 == 0 && cfg!(target_endian = "little")) };
        // SAFETY: by the caller. Distance and kind lie side by side: one store writes both.
        unsafe {
            (&raw mut (*place).pc).write(pc);
            (&raw mut (*place).func).write(func);
            (&raw mut (*place).distance)
                .cast::<u64>()
                .write(u64::from(distance));
        }
    }

    /// How many slots its window lies below the callee's.
    pub(crate) fn slots(&self) -> usize {
        self.distance as usize / size_of::<Value>()
    }

    /// The address of its window, given that of the callee's.
    ///
    /// # Safety
    /// The callee's window is at `base`.
    #[inline(always)]
    pub(crate) unsafe fn base_below(&self, base: *mut Value) -> *mut Value {
        // SAFETY: by the caller.
        unsafe { base.byte_sub(self.distance as usize) }
    }
}

/// What returning from a frame's callee means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub(crate) enum FrameKind {
    /// An ordinary call.
    Call,
    /// The dispatch loop stops: the bottom frame of a task, or the frame that carries the mark (see
    /// [`super::task::Task::pass_mark`]).
    Bottom,
    /// The main function of a module: unwinding through it makes the module unloaded again.
    ModuleMain,
}

/// Slots that a call may use beyond its window without checking (callee, a few arguments).
pub(crate) const HEADROOM: usize = 16;
/// Slots by which the checked limit moves ahead of the running window.
const STEP: usize = 4096;
/// Slots above which clearing gives the memory back to the system instead of writing to it.
const RELEASE: usize = 64 << 10;
/// Bytes that a collection gives back to the system at most: that takes time, too.
const RELEASE_BYTES: usize = 16 << 20;
/// Slots that a stack may grow by without a collection, which looks at all of them.
const MOST_UNSEEN: usize = 64 << 10;

fn layout<T>(count: usize) -> Layout {
    match Layout::array::<T>(count) {
        Ok(layout) => layout,
        Err(_) => std::alloc::handle_alloc_error(Layout::new::<T>()),
    }
}

/// Memory for `T`s that moves when it grows.
struct Growable<T> {
    start: *mut T,
    capacity: usize,
}

impl<T> Growable<T> {
    fn new(capacity: usize) -> Growable<T> {
        // SAFETY: the layout has a non-zero size.
        let start = unsafe { alloc(layout::<T>(capacity)) }.cast::<T>();
        if start.is_null() {
            std::alloc::handle_alloc_error(layout::<T>(capacity));
        }
        Growable { start, capacity }
    }

    fn grow(&mut self, capacity: usize) {
        // SAFETY: `start` came from this allocator with this layout; the new size is not zero.
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

/// Sets slots to nil.
///
/// # Safety
/// The slots must be memory that may be written to.
unsafe fn clear(start: *mut Value, count: usize) {
    // SAFETY: says the caller; values are copied without looking at what was there.
    unsafe {
        for slot in 0..count {
            start.add(slot).write(Value::NIL);
        }
    }
}

/// The value stack of a task.
pub(crate) struct ValueStack {
    memory: Growable<Value>,
    /// Slots that may have been written since the last collection.
    limit: usize,
    /// Slots that hold values; at least `limit`.
    initialised: usize,
    /// Slots that may take memory; at least `initialised`.
    resident: usize,
}

impl ValueStack {
    /// A stack with room for some slots, at least [`HEADROOM`].
    pub(crate) fn new(slots: usize) -> ValueStack {
        let mut stack = ValueStack {
            memory: Growable::new(slots.max(HEADROOM)),
            limit: 0,
            initialised: 0,
            resident: 0,
        };
        stack.set_limit(slots.min(STEP));
        stack
    }

    fn set_limit(&mut self, limit: usize) {
        if limit > self.initialised {
            // SAFETY: callers pass limits within the capacity.
            unsafe {
                clear(
                    self.memory.start.add(self.initialised),
                    limit - self.initialised,
                );
            }
            self.initialised = limit;
            self.resident = self.resident.max(limit);
        }
        self.limit = limit;
    }

    pub(crate) fn capacity(&self) -> usize {
        self.memory.capacity
    }

    /// Slots that may take memory.
    pub(crate) fn resident(&self) -> usize {
        self.resident
    }

    pub(crate) fn start(&self) -> *mut Value {
        self.memory.start
    }

    /// A window may end at most here without asking [`ValueStack::reserve`].
    pub(crate) fn limit(&self) -> *mut Value {
        // SAFETY: `limit` is at most the capacity.
        unsafe { self.memory.start.add(self.limit - HEADROOM) }
    }

    /// Makes sure that a window may end at slot `end`. The memory may move.
    pub(crate) fn reserve(&mut self, end: usize) {
        let needed = end + HEADROOM;
        if needed > self.memory.capacity {
            self.memory.grow(needed * 2);
        }
        // The limit never falls here: slots below it may have been written.
        self.set_limit((needed + STEP).min(self.memory.capacity).max(self.limit));
    }

    /// Whether much more than the slots up to `end` may have been written since the last collection.
    pub(crate) fn has_far_above(&self, end: usize) -> bool {
        self.limit.saturating_sub(end) > RELEASE
    }

    /// Whether many slots from `clean` on may have been written since the last collection.
    pub(crate) fn is_long_from(&self, clean: usize) -> bool {
        self.limit.saturating_sub(clean) > MOST_UNSEEN
    }

    /// The slots in use, up to `end`; everything above is cleared.
    pub(crate) fn used(&mut self, end: usize) -> &mut [Value] {
        let end = end.min(self.limit);
        if self.has_far_above(end) {
            // From here on what is above counts as not initialised.
            self.limit = end + STEP;
            self.initialised = end + STEP;
        }
        if self.resident - self.initialised > RELEASE {
            self.release();
        }
        // SAFETY: `end` and `limit` lie within the initialised part of the memory.
        unsafe {
            clear(self.memory.start.add(end), self.limit - end);
            self.set_limit((end + STEP).min(self.memory.capacity));
            std::slice::from_raw_parts_mut(self.memory.start, end)
        }
    }

    /// Slots `from..to`, of those in use.
    pub(crate) fn part(&mut self, from: usize, to: usize) -> &mut [Value] {
        let to = to.min(self.limit);
        let from = from.min(to);
        // SAFETY: `limit` slots are initialised.
        unsafe { std::slice::from_raw_parts_mut(self.memory.start.add(from), to - from) }
    }

    /// Gives back the memory of slots that are not initialised, or part of it, from the top down.
    fn release(&mut self) {
        let least = self
            .resident
            .saturating_sub(RELEASE_BYTES / size_of::<Value>());
        let from = least.max(self.initialised);
        // SAFETY: these slots belong to this stack, and nobody needs what they hold.
        unsafe {
            pages::release(
                self.memory.start.add(from).cast(),
                (self.resident - from) * size_of::<Value>(),
            );
        }
        self.resident = from;
    }
}

/// The frame stack of a task.
pub(crate) struct FrameStack {
    memory: Growable<Frame>,
    /// Frames that may take memory and are to be released; 0: it is not known that any should be.
    resident: usize,
}

impl FrameStack {
    pub(crate) fn new(frames: usize) -> FrameStack {
        FrameStack {
            memory: Growable::new(frames),
            resident: 0,
        }
    }

    pub(crate) fn start(&self) -> *mut Frame {
        self.memory.start
    }

    pub(crate) fn limit(&self) -> *mut Frame {
        // SAFETY: one past the last frame.
        unsafe { self.memory.start.add(self.memory.capacity) }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.memory.capacity
    }

    pub(crate) fn grow(&mut self) {
        self.memory.grow(self.memory.capacity * 2);
    }

    /// Notes that many frames have been popped.
    pub(crate) fn have_been_many(&mut self) {
        self.resident = self.memory.capacity;
    }

    /// Gives the memory of popped frames back to the system, those from number `used` on, or part of
    /// it, from the top down.
    pub(crate) fn release(&mut self, used: usize) {
        if self.resident.saturating_sub(used) * size_of::<Frame>() <= RELEASE * size_of::<Value>() {
            return;
        }
        let least = self.resident - (RELEASE_BYTES / size_of::<Frame>()).min(self.resident);
        let from = least.max(used);
        // SAFETY: the frames above the running one hold nothing.
        unsafe {
            pages::release(
                self.memory.start.add(from).cast(),
                (self.resident - from) * size_of::<Frame>(),
            );
        }
        self.resident = from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(stack: &mut ValueStack, from: usize, to: usize) {
        stack.reserve(to);
        for index in from..to {
            // SAFETY: reserved.
            unsafe { *stack.start().add(index) = Value::TRUE };
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "takes hours under Miri")]
    fn slots_are_nil_until_written_and_after_a_collection() {
        let mut stack = ValueStack::new(64);
        fill(&mut stack, 0, 300_000);
        assert_eq!(stack.used(1000).len(), 1000);
        stack.reserve(300_000);
        for index in 0..300_000 {
            // SAFETY: reserved.
            let value = unsafe { *stack.start().add(index) };
            assert_eq!(value == Value::TRUE, index < 1000, "{index}");
        }
        fill(&mut stack, 1000, 2000);
        assert_eq!(stack.used(2000).len(), 2000);
        stack.reserve(300_000);
        // SAFETY: reserved.
        assert!((2000..300_000).all(|index| unsafe { *stack.start().add(index) } == Value::NIL));
    }
}
