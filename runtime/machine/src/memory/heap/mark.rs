//! Marking the old generation, in steps.
//!
//! Marking begins in the pause of a minor collection with the roots, and goes on by a bounded number
//! of words after each minor collection that follows. It is an incremental-update scheme (E. W.
//! Dijkstra et al., "On-the-Fly Garbage Collection", 1978) that uses what the generations need
//! anyway: while marking is active, objects that enter the old generation are marked and traced
//! by the minor collection that brings them, the write barrier lists every old object that is
//! written to, and each minor collection marks what the changed roots and the listed objects refer
//! to. So when nothing is left to trace at the end of a minor collection, everything reachable
//! is marked. Frames of stacks that have not run since marking began still hold what they held then,
//! so they need not be looked at again.
//!
//! Roots that are many, the slots of deep stacks and the tasks that are parked, are not all marked in
//! that first pause. They are marked in parts, too, before anything else
//! ([`super::Roots::trace_more`]). Why nothing is missed: at the end of every minor collection while
//! marking is active, each root either has been marked since marking began and has not changed since,
//! or is among those that are left out. For a minor collection looks at all roots that may have
//! changed since the one before, and marks what they hold; so a root that is not looked at has not
//! changed, and what held of it after the minor collection before still holds. What a program reads from a root
//! that is left out it can only store in a root that has changed, in a new object, or in an old
//! one through the barrier, which are all looked at. When no root is left out and nothing is left to
//! trace, everything reachable is marked.

use super::Heap;
use super::object::{self, CARD_FIELDS, CELL_BYTES, CHUNK_HEADER_BYTES, MARKED};
use super::old;
use super::pages;
use crate::memory::value::kind::Shape;
use crate::memory::value::{Kind, Value};

/// Words that a step traces at least.
pub(super) const LEAST_STEP: usize = 32 << 10;
/// Bytes that are traced for each byte by which the old generation grows.
pub(super) const PACE: usize = 8;
/// How much the old generation grows between two markings, in sixteenths of what the first one found.
/// With the growth while a marking goes on, 1 / PACE, once before it and once during the next one, the
/// old generation holds at most 1 + 2 / PACE + 5 / 16 times what is live.
const GROWTH_SIXTEENTHS: usize = 5;
/// Words of one object that are traced at a time.
const PART: usize = 4096;

/// References that are on their way from being found to being looked at: a power of two.
const AHEAD: usize = 16;

/// What is known of the marking that is going on.
pub(super) struct Marking {
    pub(super) active: bool,
    /// Whether there may be roots that have been left out when it began.
    pub(super) roots_left: bool,
    /// Marked objects whose fields from the given one on are still to be traced.
    objects: Vec<(*mut u64, usize)>,
    /// Cells `from..to` of marked chunks still to be traced.
    cells: Vec<(*mut u64, usize, usize)>,
    /// References found while tracing, each in the place of the one found [`AHEAD`] before it, which is
    /// looked at then: the memory has had time to come (C. Cher, A. Hosking, T. Vijaykumar, "Software
    /// Prefetching for Mark-Sweep Garbage Collection", 2004).
    soon: [Value; AHEAD],
    found: usize,
    /// Words traced so far.
    pub(super) traced: usize,
    /// Those of them that were roots left out at first.
    pub(super) roots: usize,
}

impl Default for Marking {
    fn default() -> Marking {
        Marking {
            active: false,
            roots_left: false,
            objects: Vec::new(),
            cells: Vec::new(),
            soon: [Value::NIL; AHEAD],
            found: 0,
            traced: 0,
            roots: 0,
        }
    }
}

impl Heap {
    /// Begins to mark. The caller shows the roots to [`Heap::mark_value`].
    pub(super) fn begin_marking(&mut self) {
        let old = self.old.get_mut();
        old.finish_sweep();
        old.new_flags = MARKED;
        old.marked_bytes = 0;
        old.new_bytes = 0;
        self.marking.active = true;
        self.marking.roots_left = true;
        self.marking.traced = 0;
        self.marking.roots = 0;
    }

    /// Traces about `words` words; whether nothing is left to trace.
    #[inline(never)]
    pub(super) fn mark_step(&mut self, words: usize) -> bool {
        let end = self.marking.traced.saturating_add(words);
        while self.marking.traced < end {
            if let Some((object, from)) = self.marking.objects.pop() {
                // SAFETY: only marked objects with values after their header are listed; they live
                // in the old generation, which is not swept while marking is active.
                unsafe {
                    if from == 0 {
                        self.tell_of_closure(object);
                    }
                    let fields = object::value_fields(*object);
                    let from = from.max(fields.start);
                    let to = fields.end.min(from + PART);
                    if to < fields.end {
                        self.marking.objects.push((object, to));
                    }
                    for index in from..to {
                        self.mark_soon(*object.add(1 + index).cast::<Value>());
                    }
                    self.marking.traced += to - from + 1;
                }
            } else if let Some((chunk, from, to)) = self.marking.cells.pop() {
                // SAFETY: `from..to` are initialised cells of this chunk; the link follows the last.
                unsafe {
                    let part = to.min(from + PART);
                    if part < to {
                        self.marking.cells.push((chunk, part, to));
                    }
                    for index in from..part {
                        let element = chunk.byte_add(CHUNK_HEADER_BYTES + index * CELL_BYTES + 8);
                        self.mark_soon(*element.cast::<Value>());
                    }
                    if part == object::chunk_capacity(*chunk) {
                        let link = chunk.byte_add(CHUNK_HEADER_BYTES + part * CELL_BYTES + 8);
                        self.mark_soon(*link.cast::<Value>());
                    }
                    self.marking.traced += 2 * (part - from) + 1;
                }
            } else if !self.mark_rest() {
                return true;
            }
        }
        false
    }

    /// From now on `found` is told the first field of each closure that marking finds, and of those that enter the old
    /// generation while it goes on: when a marking has ended, of all closures that there are.
    pub(crate) fn watch_closures(&mut self, found: fn(Value)) {
        self.closure_found = Some(found);
    }

    /// An object that holds values is about to be traced.
    ///
    /// # Safety
    /// It is one.
    #[inline(always)]
    pub(super) unsafe fn tell_of_closure(&self, object: *const u64) {
        if let Some(found) = self.closure_found {
            // SAFETY: by the caller; closures have a field at least.
            unsafe {
                if object::kind_of(*object) == Kind::Closure {
                    found(*object.add(1).cast::<Value>());
                }
            }
        }
    }

    /// Marks what a value found in an object refers to, a little later.
    #[inline(always)]
    fn mark_soon(&mut self, value: Value) {
        if value.is_heap() {
            pages::prefetch(value.address());
            let place = self.marking.found % AHEAD;
            self.marking.found = self.marking.found.wrapping_add(1);
            if let Some(slot) = self.marking.soon.get_mut(place) {
                let due = std::mem::replace(slot, value);
                self.mark_value(due);
            }
        }
    }

    /// Marks what the references found last refer to; whether there were any.
    fn mark_rest(&mut self) -> bool {
        let rest = std::mem::replace(&mut self.marking.soon, [Value::NIL; AHEAD]);
        for value in rest {
            self.mark_value(value);
        }
        rest.iter().any(|value| value.is_heap())
    }

    /// Everything reachable is marked: drops the Rust data of the rest, and lets it be swept.
    pub(super) fn end_marking(&mut self) {
        self.marking.active = false;
        self.marking.objects = Vec::new();
        self.marking.cells = Vec::new();
        self.sweep_old_foreign();
        let old = self.old.get_mut();
        // What has come since marking began counts as live, but most of it may be garbage by now: so the
        // room to grow follows from what was found by tracing.
        // Deep stacks count, as the next marking has to look at them again.
        let found = old.marked_bytes.saturating_sub(old.new_bytes) + 8 * self.marking.roots;
        old.begin_sweep();
        self.next_major = (old.live_bytes + found / 16 * GROWTH_SIXTEENTHS).max(super::FIRST_MAJOR);
        self.stats.major_collections += 1;
    }

    /// Marks the object that a value refers to, which is not in the nursery.
    #[inline]
    pub(super) fn mark_value(&mut self, value: Value) {
        if !value.is_heap() {
            return;
        }
        debug_assert!(!self.in_nursery(value.address()));
        let object = value.address() as *mut u64;
        // SAFETY: `value` is a live reference to an object or list cell outside the nursery.
        unsafe {
            let header = *object;
            if super::collect::is_cell(header) {
                let chunk = object::chunk_of(value.address(), header) as *mut u64;
                self.mark_cells(chunk, object::cell_index(header));
            } else if header & MARKED == 0 {
                *object = header | MARKED;
                self.count_marked(object::object_bytes(header), header);
                if object::holds_values(header) {
                    self.marking.objects.push((object, 0));
                }
            }
        }
    }

    /// Marks a chunk and schedules its cells from `index` up to those that have been.
    ///
    /// # Safety
    /// `chunk` is a live chunk outside the nursery and `index` one of its cells.
    unsafe fn mark_cells(&mut self, chunk: *mut u64, index: usize) {
        // SAFETY: by the caller.
        unsafe {
            let mut header = *chunk;
            if header & MARKED == 0 {
                let capacity = object::chunk_capacity(header);
                self.count_marked(object::chunk_bytes(capacity), header);
                let flags = header & object::FLAGS | MARKED;
                header = object::chunk_header(flags, capacity, capacity);
                *chunk = header;
            }
            let front = object::chunk_front(header);
            if index < front {
                self.marking.cells.push((chunk, index, front));
                *chunk = object::with_front(header, index);
            }
        }
    }

    fn count_marked(&mut self, bytes: usize, header: u64) {
        let traced = matches!(
            object::kind_of(header).shape(),
            Shape::Values | Shape::Chunk
        );
        let cards = if traced { old::card_bytes(bytes) } else { 0 };
        self.old.get_mut().marked_bytes += old::bytes_taken(bytes + cards);
    }
}

/// The fields of a large object whose cards are set, which are cleared: ranges of field numbers.
///
/// # Safety
/// `object` is a large object that holds values.
pub(super) unsafe fn take_cards(object: *mut u64) -> Vec<(usize, usize)> {
    // SAFETY: by the caller.
    unsafe {
        let header = *object;
        let length = object::length_of(header);
        let mut ranges = Vec::new();
        for from in (0..length).step_by(CARD_FIELDS) {
            let card = object::card(object, header, from);
            if *card != 0 {
                *card = 0;
                ranges.push((from, length.min(from + CARD_FIELDS)));
            }
        }
        ranges
    }
}

/// Whether this kind of object is a list's chunk.
pub(super) fn is_chunk(header: u64) -> bool {
    object::kind_of(header) == Kind::ListChunk
}
