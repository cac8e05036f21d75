//! One task: its stacks and what is needed to go on.
//!
//! A minor collection moves everything that survives out of the nursery. So slots of frames that
//! have not run since then hold no young values, and need not be traced again. To know which frames
//! those are, a collection marks a frame near the top: the frame's kind becomes
//! [`FrameKind::Bottom`], which makes the dispatch loop stop when its callee returns. Then the mark
//! moves on to a frame further down. A collection traces the slots above the mark only, so however
//! deep a recursion is, collections in it cost what the part that ran costs. (The technique is known
//! as stack barriers: R. Jones, A. Hosking, E. Moss, "The Garbage Collection Handbook", 2012, 11.5.)
//!
//! The marking of the old generation uses the same marks: slots below a mark have not changed since the
//! last collection, so they may be shown to it in parts, from the mark downwards, while the program
//! goes on above. Slots that the program returns into meanwhile are no longer below the mark, and the
//! next minor collection marks what they hold.
//!
//! A frame is marked whenever the stack grows, too, so that the marked frames are never far.

use super::dispatch::Registers;
use super::module::Func;
use super::stack::{Frame, FrameKind, FrameStack, HEADROOM, ValueStack};
use crate::memory::heap::Tracer;
use crate::memory::value::Value;
use crate::task::TaskId;

/// Slots and frames that a task's stacks begin with; the root's are larger.
const TASK_SLOTS: usize = 32;
const TASK_FRAMES: usize = 6;
const ROOT_SLOTS: usize = 512;
const ROOT_FRAMES: usize = 64;

/// Frames between the running one and the mark, when it is set by a collection.
const MARK_DISTANCE: usize = 16;
/// Frames that the mark moves down each time it is reached.
const MARK_STEP: usize = 48;

/// A marked frame.
#[derive(Clone, Copy)]
struct Mark {
    /// Number of the frame, from the bottom.
    frame: usize,
    /// Its kind.
    kind: FrameKind,
    /// Slots, from the bottom, that are known to hold no young values as long as the mark is there.
    clean: usize,
}

/// One task.
pub(crate) struct Task {
    pub id: TaskId,
    pub promise: Value,
    values: ValueStack,
    frames: FrameStack,
    pub registers: Registers,
    pub value_limit: *mut Value,
    pub frame_limit: *mut Frame,
    /// Slot (from the start of the stack) that gets the result of what the task waits for.
    pub resume_slot: usize,
    /// The task's `context/*` state, while it is not running.
    pub context: Value,
    /// Bytes of its stacks in use when it was parked.
    pub parked_bytes: usize,
    /// Innermost last.
    marks: Vec<Mark>,
    /// While the old generation is being marked: slots from the bottom that marking has yet to see. They
    /// are clean.
    unmarked: usize,
}

impl Task {
    /// Bytes of a task with the smallest stacks.
    pub(crate) const LEAST_BYTES: usize =
        size_of::<Task>() + TASK_SLOTS * size_of::<Value>() + TASK_FRAMES * size_of::<Frame>();

    pub(crate) fn new(id: TaskId, promise: Value) -> Task {
        let (slots, frames) = if id == TaskId::ROOT {
            (ROOT_SLOTS, ROOT_FRAMES)
        } else {
            (TASK_SLOTS, TASK_FRAMES)
        };
        let values = ValueStack::new(slots);
        let frames = FrameStack::new(frames);
        Task {
            id,
            promise,
            registers: Registers {
                pc: std::ptr::null(),
                base: values.start(),
                func: std::ptr::null(),
                frame: frames.start(),
            },
            value_limit: values.limit(),
            frame_limit: frames.limit(),
            values,
            frames,
            resume_slot: 0,
            context: Value::NIL,
            parked_bytes: 0,
            marks: Vec::new(),
            unmarked: 0,
        }
    }

    /// Makes the task begin with a call of `function` with the elements of the list `arguments`.
    pub(crate) fn begin(&mut self, boot: &Func, function: Value, arguments: Value) {
        let base = self.values.start();
        // SAFETY: fresh stacks have room for the boot function's window and one frame.
        unsafe {
            *base = Value::NIL;
            *base.add(1) = function;
            *base.add(2) = arguments;
            *self.frames.start() =
                Frame::new(std::ptr::null(), std::ptr::null(), 0, FrameKind::Bottom);
            self.registers = Registers {
                pc: boot.code,
                base: base.add(1),
                func: boot,
                frame: self.frames.start().add(1),
            };
        }
        self.resume_slot = 0;
        self.marks.clear();
        self.unmarked = 0;
    }

    /// Puts the result of what the task waited for where its code expects it.
    pub(crate) fn write_result(&mut self, value: Value) {
        // SAFETY: the slot lies in the window of the function that suspended.
        unsafe { *self.values.start().add(self.resume_slot) = value };
    }

    /// Whether its stacks are worth keeping for another task.
    pub(crate) fn is_small(&self) -> bool {
        self.values.capacity() <= 16 * TASK_SLOTS && self.frames.capacity() <= 16 * TASK_FRAMES
    }

    /// Without references to anything.
    pub(crate) fn emptied(mut self: Box<Self>) -> Box<Self> {
        self.promise = Value::NIL;
        self.context = Value::NIL;
        self.registers.func = std::ptr::null();
        self.values.used(0);
        self.value_limit = self.values.limit();
        self.marks.clear();
        self.unmarked = 0;
        self
    }

    /// Distance of a register of the running window from the start of the stack.
    pub(crate) fn offset_of(&self, register: usize) -> usize {
        (self.registers.base as usize - self.values.start() as usize) / size_of::<Value>()
            + register
    }

    fn frame_count(&self) -> usize {
        self.number_of(self.registers.frame)
    }

    fn number_of(&self, frame: *const Frame) -> usize {
        (frame as usize - self.frames.start() as usize) / size_of::<Frame>()
    }

    /// Whether this is the task's first frame, at which walks end.
    pub(crate) fn is_bottom(&self, frame: *const Frame) -> bool {
        std::ptr::eq(frame, self.frames.start())
    }

    /// Shows the functions that it runs; some may be null.
    pub(crate) fn functions(&self, visit: &mut dyn FnMut(*const Func)) {
        visit(self.registers.func);
        if self.registers.func.is_null() {
            return;
        }
        for number in 0..self.frame_count() {
            // SAFETY: frames below the running one are in use.
            visit(unsafe { (*self.frames.start().add(number)).func });
        }
    }

    /// Bytes of its stacks that are in use when the running window has `slots` slots.
    fn bytes_in_use(&self, slots: usize) -> usize {
        (self.offset_of(slots) + HEADROOM) * size_of::<Value>()
            + self.frame_count() * size_of::<Frame>()
    }

    /// Bytes that it takes with its stacks, as far as they have been used.
    pub(crate) fn footprint(&self) -> usize {
        let values = self.values.resident() * size_of::<Value>();
        let frames = self.frame_count().max(TASK_FRAMES) * size_of::<Frame>();
        size_of::<Task>() + values + frames
    }

    /// Slots of the running window.
    fn window(&self) -> usize {
        if self.registers.func.is_null() {
            return 0;
        }
        // SAFETY: functions live as long as the VM.
        unsafe { (*self.registers.func).registers as usize }
    }

    /// Makes `count` slots from the running window's base usable; false if the stacks would then
    /// take more than `most` bytes.
    pub(crate) fn reserve(&mut self, count: usize, most: usize) -> bool {
        if self.bytes_in_use(count) > most {
            return false;
        }
        let offset = self.offset_of(0);
        self.values.reserve(offset + count);
        // SAFETY: the window keeps its offset in the (perhaps moved) memory.
        self.registers.base = unsafe { self.values.start().add(offset) };
        self.value_limit = self.values.limit();
        self.set_mark(0, false);
        true
    }

    pub(crate) fn grow_frames(&mut self) {
        let used = self.frame_count();
        self.frames.grow();
        // SAFETY: the frame pointer keeps its offset in the (perhaps moved) memory.
        self.registers.frame = unsafe { self.frames.start().add(used) };
        self.frame_limit = self.frames.limit();
    }

    /// Slots from the bottom that hold no young values. Only the lowest mark has any: a collection
    /// takes off all others, and those that come later, higher up, when the stack grows, know nothing.
    fn clean(&self) -> usize {
        self.marks.first().map_or(0, |mark| mark.clean)
    }

    /// Whether the stack has grown by so much since the last collection that there should be another
    /// one, so that none has too much to look at.
    pub(crate) fn has_grown_much(&self) -> bool {
        self.values.is_long_from(self.clean())
    }

    /// Shows the values that the task holds: when only young ones matter, those of slots that are not
    /// clean; the same when marking begins, and the others are left for [`Task::trace_more`].
    pub(crate) fn trace(&mut self, tracer: &mut Tracer<'_>) {
        tracer.value(&mut self.promise);
        tracer.value(&mut self.context);
        if self.registers.func.is_null() {
            return;
        }
        let clean = self.clean();
        let from = if tracer.only_young() {
            // These have been popped, or are seen now.
            self.unmarked = self.unmarked.min(clean);
            clean
        } else if tracer.begins_marking() {
            self.unmarked = clean;
            clean
        } else {
            0
        };
        let used = self.offset_of(self.window());
        let deep = self.values.has_far_above(used);
        for value in self.values.used(used).iter_mut().skip(from) {
            if value.bits() != 0 {
                tracer.value(value);
            }
        }
        self.value_limit = self.values.limit();
        if deep {
            self.frames.have_been_many();
        }
        self.frames.release(self.frame_count());
        if tracer.only_young() {
            while self.take_mark().is_some() {}
            self.set_mark(MARK_DISTANCE, true);
        }
    }

    /// Shows up to `most` values that have been left out when marking began, from the top down; how many.
    /// A minor collection of what has run has just been made.
    pub(crate) fn trace_more(&mut self, tracer: &mut Tracer<'_>, most: usize) -> usize {
        let to = self.unmarked;
        let from = to.saturating_sub(most);
        for value in self.values.part(from, to) {
            if value.bits() != 0 {
                tracer.value(value);
            }
        }
        self.unmarked = from;
        to - from
    }

    // --- marks ---

    /// Marks the frame that lies `distance` frames below the topmost one, unless there is none or a
    /// mark above it. `clean`: the slots below it hold no young values.
    fn set_mark(&mut self, distance: usize, clean: bool) {
        let count = self.frame_count();
        let last = self.marks.last().map_or(0, |mark| mark.frame);
        let Some(number) = count
            .checked_sub(distance + 1)
            .filter(|number| *number > last)
        else {
            return;
        };
        let frames = self.frames.start();
        let mut base = self.offset_of(0);
        // SAFETY: all these frames are in use. The window of a frame's callee begins so many slots
        // above the frame's own, which is that of the callee of the frame below.
        unsafe {
            for above in number + 1..count {
                base -= (*frames.add(above)).slots();
            }
            let frame = frames.add(number);
            self.marks.push(Mark {
                frame: number,
                kind: (*frame).kind,
                // The slot below the callee's window gets its result.
                clean: if clean { base - 1 } else { 0 },
            });
            (*frame).kind = FrameKind::Bottom;
        }
    }

    /// Removes the innermost mark; its frame is what it was.
    fn take_mark(&mut self) -> Option<Mark> {
        let mark = self.marks.pop()?;
        // SAFETY: frames with a mark are in use until the mark is taken off.
        unsafe { (*self.frames.start().add(mark.frame)).kind = mark.kind };
        Some(mark)
    }

    /// After the dispatch loop has stopped at a frame: whether that was a marked one, to which the
    /// callee has returned, so that the task goes on (and the mark moves down); otherwise the task
    /// is finished.
    pub(crate) fn pass_mark(&mut self) -> bool {
        let number = self.frame_count();
        let Some(mark) = self
            .marks
            .last()
            .copied()
            .filter(|mark| mark.frame == number)
        else {
            return false;
        };
        self.take_mark();
        // SAFETY: the frame pointer stands at the frame that was left.
        let frame = unsafe { *self.registers.frame };
        self.registers = Registers {
            pc: frame.pc,
            func: frame.func,
            // SAFETY: the running window is that of the frame's callee.
            base: unsafe { frame.base_below(self.registers.base) },
            frame: self.registers.frame,
        };
        self.set_mark(MARK_STEP, mark.clean > 0);
        true
    }

    /// Before unwinding leaves this frame: takes the mark off it; `None` if it had none, else
    /// whether the slots below hold no young values.
    pub(crate) fn unwind_mark(&mut self, frame: *const Frame) -> Option<bool> {
        let number = self.number_of(frame);
        self.marks.last().filter(|mark| mark.frame == number)?;
        self.take_mark().map(|mark| mark.clean > 0)
    }

    /// After unwinding has taken marks off frames, the last of them `clean` or not: marks a frame
    /// further down.
    pub(crate) fn lower_mark(&mut self, clean: bool) {
        self.set_mark(MARK_STEP, clean);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(task: &mut Task, slots: usize) {
        task.reserve(64, usize::MAX);
        if task.registers.frame == task.frame_limit {
            task.grow_frames();
        }
        // SAFETY: there is room for a frame and a window.
        unsafe {
            *task.registers.frame =
                Frame::new(std::ptr::null(), std::ptr::null(), slots, FrameKind::Call);
            task.registers.frame = task.registers.frame.add(1);
            task.registers.base = task.registers.base.add(slots);
        }
    }

    /// What the dispatch loop does at `return`.
    fn pop(task: &mut Task) -> bool {
        // SAFETY: there is a frame.
        unsafe {
            task.registers.frame = task.registers.frame.sub(1);
            let frame = *task.registers.frame;
            if frame.kind == FrameKind::Bottom {
                return task.pass_mark();
            }
            task.registers.base = frame.base_below(task.registers.base);
        }
        true
    }

    #[test]
    #[cfg_attr(miri, ignore = "takes hours under Miri")]
    fn marks_move_down_with_the_stack() {
        let mut task = Task::new(TaskId::ROOT, Value::NIL);
        push(&mut task, 1);
        // SAFETY: the first frame.
        unsafe { (*task.frames.start()).kind = FrameKind::Bottom };
        for depth in 1..10_000usize {
            push(&mut task, 3 + depth % 5);
        }
        while task.take_mark().is_some() {}
        task.set_mark(MARK_DISTANCE, true);
        let mut stops = 0;
        for _ in 1..10_000u32 {
            let clean = task.marks.last().map(|mark| mark.clean);
            assert!(clean.is_none_or(|clean| clean > 0 && clean < task.offset_of(0)));
            let marks = task.marks.len();
            let before = task.marks.last().map(|mark| mark.frame);
            assert!(pop(&mut task));
            stops += usize::from(task.marks.last().map(|mark| mark.frame) != before);
            assert!(task.marks.len() <= marks);
        }
        assert_eq!(task.offset_of(0), 1);
        assert!((150..300).contains(&stops), "{stops}");
        assert!(!pop(&mut task), "the bottom ends the task");
    }
}
