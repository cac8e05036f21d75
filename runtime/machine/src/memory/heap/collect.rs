//! Collection: a copying minor collection, and the steps of marking and sweeping that follow it.
//!
//! All walks use explicit stacks, so depth of data costs no machine stack. Of a list's chunk only
//! the cells from the first one that is reachable are traced: the dead head of a consumed list
//! keeps nothing alive. The chunk's `front` records how far that went.

use std::time::Instant;

use super::mark;
use super::object::{self, CELL_BYTES, CHUNK_HEADER_BYTES, FORWARDED, LARGE, REMEMBERED};
use super::verify::Verifier;
use super::{Heap, NURSERY_BYTES};
use crate::memory::value::{Kind, Value};

/// Blocks that are swept after a minor collection.
const SWEEP_STEP: usize = 64;
/// Under stress, the words that have been traced by a marking, divided by this, are the collections
/// before the next one begins: so a large heap does not make tests take for ever.
const STRESS_PACE: u64 = 16;

/// Under stress, words that a step of marking traces: few, so that markings are long.
const STRESS_STEP: usize = 128;

/// Whatever holds values outside the heap: the VM's stacks, globals, tasks.
pub trait Roots {
    /// Shows every value that is held to `tracer`, which may change it.
    fn trace(&mut self, tracer: &mut Tracer<'_>);

    /// While marking goes on, right after a minor collection: shows about `most` more of the values that
    /// [`Roots::trace`] left out when marking began ([`Tracer::begins_marking`]); whether nothing
    /// is left.
    fn trace_more(&mut self, _tracer: &mut Tracer<'_>, _most: usize) -> bool {
        true
    }
}

/// Visits values during a collection.
pub struct Tracer<'h> {
    heap: &'h mut Heap,
    purpose: Purpose,
    objects: Vec<*mut u64>,
    /// Cells `from..to` of a chunk still to be traced.
    cells: Vec<(*mut u64, usize, usize)>,
    /// Objects moved out of the nursery.
    promoted: u64,
}

enum Purpose {
    /// To move what survives out of the nursery.
    Evacuate,
    /// To mark the roots.
    Mark,
    Verify(Verifier),
}

impl Heap {
    /// Collects the nursery, and goes on with collecting the old generation if that has begun or is
    /// due. With `full`, everything that is unreachable now is collected.
    pub fn collect(&mut self, roots: &mut dyn Roots, full: bool) {
        let start = Instant::now();
        let full = self.full_wanted.replace(false) || full;
        let young = if full { self.young_objects() } else { 0 };
        let freed_before = self.old.get_mut().freed_objects;
        let before = self.old.get_mut().live_bytes
            - self.direct_bytes.get().min(self.old.get_mut().live_bytes);
        let promoted = self.minor(roots);
        let left_out = self.left_out_is_garbage();
        self.direct_bytes.set(0);
        let grown = self.old.get_mut().live_bytes.saturating_sub(before);
        if full {
            if self.marking.active {
                self.finish_marking(roots);
            }
            self.mark_roots(roots);
            self.finish_marking(roots);
            self.old.get_mut().finish_sweep();
            self.old.get_mut().sweep(usize::MAX);
            self.account.collected();
            let freed = self.old.get_mut().freed_objects - freed_before;
            self.stats.collected_objects =
                freed + young.saturating_sub(promoted + u64::from(left_out));
        } else if self.marking.active {
            // Faster than the old generation grows, so that marking ends.
            let least = if self.stress {
                STRESS_STEP
            } else {
                mark::LEAST_STEP
            };
            if self.mark_more(roots, least + grown / 8 * mark::PACE) {
                self.finish_marking(roots);
            }
        } else if self.old.get_mut().sweep(SWEEP_STEP)
            && (self.old.get_mut().live_bytes >= self.next_major || self.stress_marks())
        {
            self.mark_roots(roots);
        }
        // While marking goes on a pause costs several times what survives of the nursery: if that is much,
        // rather two short pauses than a long one.
        let crowded = self.marking.active && grown > NURSERY_BYTES / 8;
        self.reset_nursery(if crowded { NURSERY_BYTES / 2 } else { 0 });
        let pause = start.elapsed().as_nanos() as u64;
        self.stats.longest_pause = self.stats.longest_pause.max(pause);
        self.stats.total_pause += pause;
    }

    fn stress_marks(&self) -> bool {
        self.stress && self.stats.minor_collections >= self.next_stress
    }

    /// Collects the nursery; how many objects have left it for the old generation.
    fn minor(&mut self, roots: &mut dyn Roots) -> u64 {
        self.stats.minor_collections += 1;
        Tracer::new(self, Purpose::Evacuate).evacuate_all(roots)
    }

    /// The number of objects in the nursery.
    fn young_objects(&self) -> u64 {
        let mut next = self.nursery as usize;
        let mut count = 0;
        while next < self.bump.get() {
            // SAFETY: from the start of the nursery up to `bump` there is one object after the other,
            // and each begins with a header that tells its size.
            next += object::object_bytes(unsafe { *(next as *const u64) });
            count += 1;
        }
        debug_assert_eq!(next, self.bump.get());
        count
    }

    /// Begins marking.
    fn mark_roots(&mut self, roots: &mut dyn Roots) {
        self.begin_marking();
        roots.trace(&mut Tracer::new(self, Purpose::Mark));
    }

    /// Marks about `words` words, first of the roots that have been left out; whether nothing is left.
    fn mark_more(&mut self, roots: &mut dyn Roots, words: usize) -> bool {
        let before = self.marking.traced;
        if self.marking.roots_left {
            let all = roots.trace_more(&mut Tracer::new(self, Purpose::Mark), words);
            self.marking.roots_left = !all;
            self.marking.roots += self.marking.traced - before;
        }
        let done = self.marking.traced - before;
        !self.marking.roots_left && self.mark_step(words.saturating_sub(done))
    }

    /// Completes marking. The nursery is empty.
    fn finish_marking(&mut self, roots: &mut dyn Roots) {
        while !self.mark_more(roots, usize::MAX) {}
        if self.stress {
            self.check(roots, true);
            let pace = self.marking.traced as u64 / STRESS_PACE;
            self.next_stress = self.stats.minor_collections + pace;
        }
        self.end_marking();
    }

    /// Checks everything that is reachable. The nursery is empty.
    ///
    /// # Panics
    /// Something is wrong.
    pub fn verify(&mut self, roots: &mut dyn Roots) {
        self.check(roots, false);
    }

    /// The same; with `marked`, it must also be marked.
    fn check(&mut self, roots: &mut dyn Roots, marked: bool) {
        let verifier = Verifier::new(self, marked);
        let mut tracer = Tracer::new(self, Purpose::Verify(verifier));
        roots.trace(&mut tracer);
        if let Purpose::Verify(verifier) = tracer.purpose {
            verifier.run();
        }
    }
}

impl<'h> Tracer<'h> {
    fn new(heap: &'h mut Heap, purpose: Purpose) -> Tracer<'h> {
        Tracer {
            heap,
            purpose,
            objects: Vec::new(),
            cells: Vec::new(),
            promoted: 0,
        }
    }

    /// Whether only references to young objects matter: whatever has not changed since the last
    /// collection need not be shown.
    pub fn only_young(&self) -> bool {
        matches!(self.purpose, Purpose::Evacuate)
    }

    /// Whether marking begins: what has not changed since the last collection, and is much, may be left
    /// out, and shown later ([`Roots::trace_more`]).
    pub fn begins_marking(&self) -> bool {
        matches!(self.purpose, Purpose::Mark)
    }

    /// Traces one value that is held outside the heap, and updates it if its object moves.
    #[inline]
    pub fn value(&mut self, value: &mut Value) {
        match &mut self.purpose {
            Purpose::Evacuate => self.moved(value),
            Purpose::Mark => {
                self.heap.marking.traced += 1;
                self.heap.mark_value(*value);
            }
            Purpose::Verify(verifier) => verifier.root(*value),
        }
    }

    /// Traces a slice of values.
    pub fn values(&mut self, values: &mut [Value]) {
        for value in values {
            self.value(value);
        }
    }

    /// In a minor collection: a reference in a root, or in an object that is new or was changed.
    #[inline]
    fn moved(&mut self, value: &mut Value) {
        if !value.is_heap() {
            return;
        }
        if self.heap.in_nursery(value.address()) {
            *value = self.evacuate(*value);
        } else if self.heap.marking.active {
            self.heap.mark_value(*value);
        }
    }

    fn evacuate_all(mut self, roots: &mut dyn Roots) -> u64 {
        roots.trace(&mut self);
        let remembered = std::mem::take(self.heap.remembered.get_mut());
        for object in remembered {
            // SAFETY: the remembered set lists live or just allocated old objects: what a marking
            // frees was found unreachable right after a minor collection, which empties the set.
            let header = unsafe { *object };
            // SAFETY: as above.
            unsafe { *object = header & !REMEMBERED };
            if mark::is_chunk(header) {
                self.cells.push((
                    object,
                    object::chunk_front(header),
                    object::chunk_capacity(header),
                ));
            } else if header & LARGE != 0 {
                if self.heap.marking.active {
                    // It may be new, and then marking does not come to it. SAFETY: only objects that hold values, and chunks,
                    // are remembered.
                    unsafe { self.heap.tell_of_closure(object) };
                }
                // SAFETY: as above.
                for (from, to) in unsafe { mark::take_cards(object) } {
                    // SAFETY: these are fields of the object.
                    unsafe { self.fields(object, from, to) };
                }
            } else {
                self.objects.push(object);
            }
        }
        self.drain();
        self.heap.sweep_young_foreign();
        self.promoted
    }

    /// Traces some fields of an object.
    ///
    /// # Safety
    /// `object` is an old object that holds values, `to` at most its length.
    unsafe fn fields(&mut self, object: *mut u64, from: usize, to: usize) {
        for index in from..to {
            // SAFETY: by the caller.
            unsafe { self.moved(&mut *object.add(1 + index).cast::<Value>()) };
        }
    }

    fn drain(&mut self) {
        loop {
            if let Some(object) = self.objects.pop() {
                // SAFETY: only objects with values after their header are pushed.
                unsafe {
                    if self.heap.marking.active {
                        self.heap.tell_of_closure(object);
                    }
                    let fields = object::value_fields(*object);
                    self.fields(object, fields.start, fields.end);
                }
            } else if let Some((chunk, from, to)) = self.cells.pop() {
                // SAFETY: `from..to` are initialised cells of this chunk; the link follows them.
                unsafe {
                    for index in from..to {
                        let element = chunk.byte_add(CHUNK_HEADER_BYTES + index * CELL_BYTES + 8);
                        self.moved(&mut *element.cast::<Value>());
                    }
                    let capacity = object::chunk_capacity(*chunk);
                    if to == capacity {
                        let link = chunk.byte_add(CHUNK_HEADER_BYTES + capacity * CELL_BYTES);
                        self.moved(&mut *link.add(1).cast::<Value>());
                        if let Some(mut jump) = object::link_jump(*link) {
                            self.moved(&mut jump);
                            *link = object::link_header(Some(jump), object::link_rank(*link));
                        }
                    }
                }
            } else {
                return;
            }
        }
    }

    /// Moves the young object that `value` refers to, unless it has moved, and gives its new place.
    fn evacuate(&mut self, value: Value) -> Value {
        let from = value.address() as *mut u64;
        // SAFETY: `value` refers to an object or list cell in the nursery.
        let header = unsafe { *from };
        if is_cell(header) {
            return self.evacuate_cell(value.address(), header);
        }
        if header & FORWARDED != 0 {
            return Value::from_address((header >> 16) as usize);
        }
        let bytes = object::object_bytes(header);
        self.promoted += 1;
        let (to, flags) = self.heap.old.get_mut().allocate(bytes);
        // SAFETY: `to` has room for the object; the old one gives way to its forwarding address.
        unsafe {
            std::ptr::copy_nonoverlapping(from.cast::<u8>(), to.cast::<u8>(), bytes);
            *to = header | flags;
            *from = (to as u64) << 16 | FORWARDED | (header & 0xFF);
        }
        if object::holds_values(header) {
            self.objects.push(to);
        }
        Value::from_address(to as usize)
    }

    fn evacuate_cell(&mut self, cell: usize, header: u64) -> Value {
        let index = object::cell_index(header);
        let chunk = object::chunk_of(cell, header) as *mut u64;
        // SAFETY: the cell's chunk is in the nursery; it is copied whole the first time, and then
        // its header holds the new address and the first cell's element (copied already) its front.
        unsafe {
            let chunk_header = *chunk;
            let (to, new_index) = if chunk_header & FORWARDED != 0 {
                (
                    (chunk_header >> 16) as *mut u64,
                    index - *chunk.add(2) as usize,
                )
            } else {
                self.promoted += 1;
                let front = object::chunk_front(chunk_header);
                let capacity = object::chunk_capacity(chunk_header) - front;
                let (to, flags) = self
                    .heap
                    .old
                    .get_mut()
                    .allocate(object::chunk_bytes(capacity));
                std::ptr::copy_nonoverlapping(
                    chunk
                        .byte_add(CHUNK_HEADER_BYTES + front * CELL_BYTES)
                        .cast::<u8>(),
                    to.byte_add(CHUNK_HEADER_BYTES).cast::<u8>(),
                    (capacity + 1) * CELL_BYTES,
                );
                for position in 0..capacity {
                    *to.byte_add(CHUNK_HEADER_BYTES + position * CELL_BYTES) -= (front as u64) << 8;
                }
                *to = object::chunk_header(flags, capacity, capacity);
                *chunk = (to as u64) << 16 | FORWARDED | Kind::ListChunk as u64;
                *chunk.add(2) = front as u64;
                (to, index - front)
            };
            self.trace_cells_from(to, new_index);
            Value::from_address(to as usize + CHUNK_HEADER_BYTES + new_index * CELL_BYTES)
        }
    }

    /// Schedules the cells from `index` up to those already scheduled.
    ///
    /// # Safety
    /// `chunk` is a chunk outside the nursery and `index` one of its cells.
    unsafe fn trace_cells_from(&mut self, chunk: *mut u64, index: usize) {
        // SAFETY: by the caller.
        let header = unsafe { *chunk };
        let front = object::chunk_front(header);
        if index < front {
            self.cells.push((chunk, index, front));
            // SAFETY: by the caller.
            unsafe { *chunk = object::with_front(header, index) };
        }
    }
}

/// Whether this is a list cell's header (whose bits 8..32 are an index, not flags).
pub(super) fn is_cell(header: u64) -> bool {
    header as u8 == Kind::List as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Held(Vec<Value>);
    impl Roots for Held {
        fn trace(&mut self, tracer: &mut Tracer<'_>) {
            tracer.values(&mut self.0);
        }
    }

    #[test]
    fn survivors_keep_their_contents() {
        let mut heap = Heap::new();
        let mut held = Held(Vec::new());
        for round in 0..50 {
            let text = heap.string(&format!("round {round}"));
            let list = (0..100).fold(Value::EMPTY, |list, i| heap.cons(Value::small(i), list));
            let shared = heap.list_drop(list, 60).unwrap();
            let vector = heap.vector(&[text, list, shared]);
            held.0.push(vector);
            held.0.push(heap.list_drop(list, 30).unwrap());
            heap.collect(&mut held, round % 7 == 0);
            heap.verify(&mut held);
            for (i, pair) in held.0.chunks(2).enumerate() {
                let fields = heap.values(pair[0]);
                assert_eq!(heap.as_str(fields[0]), Some(format!("round {i}").as_str()));
                assert_eq!(
                    heap.list_iter(fields[1])
                        .map(|v| v.as_fixnum().unwrap())
                        .collect::<Vec<_>>(),
                    (0..100).rev().collect::<Vec<_>>()
                );
                assert_eq!(heap.list_len(fields[2]), 40);
                assert_eq!(
                    heap.list_drop(fields[1], 30),
                    Some(pair[1]),
                    "sharing is kept"
                );
            }
        }
    }

    #[test]
    fn garbage_is_returned() {
        let mut heap = Heap::new();
        let mut held = Held(vec![Value::NIL]);
        for _ in 0..200 {
            held.0[0] = heap.list(&vec![Value::TRUE; 10_000]);
            heap.collect(&mut held, false);
        }
        assert!(heap.stats().old_bytes < 20 << 20, "{:?}", heap.stats());
    }

    #[test]
    fn a_full_collection_counts_what_it_frees() {
        let mut heap = Heap::new();
        let mut held = Held(Vec::new());
        let make = |heap: &Heap, held: &mut Held, kept: usize| {
            for index in 0..30 {
                let text = heap.string("some text");
                let parts = [
                    heap.list(&[text]),
                    heap.vector(&[text, Value::TRUE]),
                    heap.f64_array(&[1.0; 9]),
                    heap.bytevector(&[1; 9000]),
                    heap.object_filled(Kind::MutableArray, 0, 2000, text),
                ];
                if index < kept {
                    held.0.push(heap.list(&parts));
                }
            }
        };
        make(&heap, &mut held, 10);
        heap.collect(&mut held, true);
        assert_eq!(heap.stats().collected_objects, 20 * 6);
        let live = heap.stats().old_bytes;
        // Garbage of both generations.
        held.0.truncate(4);
        make(&heap, &mut held, 6);
        heap.collect(&mut held, true);
        assert_eq!(heap.stats().collected_objects, 6 * 7 + 24 * 6);
        assert_eq!(heap.stats().old_bytes, live, "as much as before is live");
        heap.collect(&mut held, true);
        assert_eq!(heap.stats().collected_objects, 0);
    }

    #[test]
    #[cfg_attr(miri, ignore = "takes hours under Miri")]
    fn the_old_generation_stays_below_twice_what_is_live() {
        let mut heap = Heap::new();
        let mut held = Held(vec![Value::NIL; 40_000]);
        let mut most = 0;
        for round in 0..600_000 {
            // Vectors of 512 bytes, replaced in turn: 20 MB are live, and all garbage is old.
            let slot = round * 7919 % held.0.len();
            held.0[slot] = heap.vector(&[Value::TRUE; 62]);
            if heap.wants_collection() {
                heap.collect(&mut held, false);
                most = most.max(heap.old.borrow().reserved_bytes());
            }
        }
        heap.collect(&mut held, true);
        let live = heap.stats().old_bytes;
        assert!(live > 20 << 20 && most < 2 * live, "{most} of {live}");
        assert!(heap.stats().major_collections > 5);
    }

    #[test]
    #[cfg_attr(miri, ignore = "takes hours under Miri")]
    fn a_large_closure_made_while_marking_goes_on_is_told_of() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static FOUND: AtomicUsize = AtomicUsize::new(0);

        let mut heap = Heap::new();
        heap.watch_closures(|_| {
            FOUND.fetch_add(1, Ordering::Relaxed);
        });
        let mut held = Held(vec![Value::NIL; 40_000]);
        let mut next = 0;
        let mut step = |heap: &mut Heap, held: &mut Held| {
            next += 1;
            held.0[next % 40_000] = heap.vector(&[Value::TRUE; 62]);
            if heap.wants_collection() {
                heap.collect(held, false);
            }
        };
        while !heap.marking.active {
            step(&mut heap, &mut held);
        }
        let markings = heap.stats().major_collections;
        let closure = heap.object_filled(Kind::Closure, 0, 600, Value::TRUE);
        held.0.push(closure);
        while heap.stats().major_collections == markings {
            step(&mut heap, &mut held);
        }
        assert_eq!(FOUND.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn the_barrier_keeps_young_values_of_old_objects() {
        let mut heap = Heap::new();
        let mut held = Held(vec![heap.object(Kind::Box, 0, &[Value::NIL])]);
        heap.collect(&mut held, false);
        let text = heap.string("young");
        heap.set_field(held.0[0], 0, text);
        heap.collect(&mut held, false);
        heap.collect(&mut held, true);
        assert_eq!(heap.as_str(heap.field(held.0[0], 0)), Some("young"));
    }

    #[test]
    fn foreign_data_is_dropped_once_unreachable() {
        let mut heap = Heap::new();
        let kept = std::rc::Rc::new(());
        let mut held = Held(vec![heap.foreign(Box::new(kept.clone()))]);
        heap.collect(&mut held, true);
        assert_eq!(std::rc::Rc::strong_count(&kept), 2);
        held.0.clear();
        heap.collect(&mut held, true);
        assert_eq!(std::rc::Rc::strong_count(&kept), 1);
    }
}
