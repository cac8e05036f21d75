//! Collection: a copying minor collection, and mark and sweep of the old generation.
//!
//! Both walk with explicit stacks, so depth of data costs no machine stack. Of a list's chunk only
//! the cells from the first one that is reachable are traced: the dead head of a consumed list
//! keeps nothing alive. The chunk's `front` records how far that went.

use std::time::Instant;

use super::object::{self, CELL_BYTES, CHUNK_HEADER_BYTES, FORWARDED, MARKED, REMEMBERED};
use super::{Heap, NURSERY_BYTES};
use crate::value::kind::Shape;
use crate::value::{Kind, Value};

/// Under stress, every so many collections are full ones.
const STRESS_MAJOR: u64 = 64;

/// Whatever holds values outside the heap: the VM's stacks, globals, tasks.
pub trait Roots {
    /// Shows every value that is held to `tracer`, which may change it.
    fn trace(&mut self, tracer: &mut Tracer<'_>);
}

/// Visits values during a collection.
pub struct Tracer<'h> {
    heap: &'h mut Heap,
    major: bool,
    objects: Vec<*mut u64>,
    /// Cells `from..to` of a chunk still to be traced.
    cells: Vec<(*mut u64, usize, usize)>,
}

impl Heap {
    /// Collects the nursery, and the old generation if it has grown enough or `full` is set.
    pub fn collect(&mut self, roots: &mut dyn Roots, full: bool) {
        let start = Instant::now();
        let mut tracer = Tracer {
            heap: self,
            major: false,
            objects: Vec::new(),
            cells: Vec::new(),
        };
        tracer.minor(roots);
        self.stats.minor_collections += 1;
        if full
            || self.stress && self.stats.minor_collections.is_multiple_of(STRESS_MAJOR)
            || self.old.borrow().live_bytes >= self.next_major
        {
            let mut tracer = Tracer {
                heap: self,
                major: true,
                objects: Vec::new(),
                cells: Vec::new(),
            };
            tracer.mark(roots);
            self.stats.major_collections += 1;
            let live = self.old.borrow().live_bytes;
            self.next_major = (live + live / 2).max(super::FIRST_MAJOR);
        }
        self.reset_nursery();
        let pause = start.elapsed().as_nanos() as u64;
        self.stats.longest_pause = self.stats.longest_pause.max(pause);
    }

    fn in_nursery(&self, address: usize) -> bool {
        address.wrapping_sub(self.nursery as usize) < NURSERY_BYTES
    }

    /// Drops the Rust data of foreign objects for which `address` gives no new address.
    fn sweep_foreign(&mut self, address: impl Fn(&Heap, Value) -> Option<Value>) {
        let mut owners = std::mem::take(&mut self.foreign.get_mut().owners);
        owners.retain_mut(|(owner, slot)| match address(self, *owner) {
            Some(moved) => {
                *owner = moved;
                true
            }
            None => {
                let table = self.foreign.get_mut();
                if let Some(data) = table.slots.get_mut(*slot as usize) {
                    *data = None;
                }
                table.free.push(*slot);
                false
            }
        });
        self.foreign.get_mut().owners = owners;
    }
}

impl Tracer<'_> {
    /// Whether only references to young objects matter: whatever has not changed since the last
    /// collection need not be shown.
    pub fn only_young(&self) -> bool {
        !self.major
    }

    /// Traces one value that is held outside the heap, and updates it if its object moves.
    #[inline]
    pub fn value(&mut self, value: &mut Value) {
        if !value.is_heap() {
            return;
        }
        if self.major {
            self.mark_value(*value);
        } else if self.heap.in_nursery(value.address()) {
            *value = self.evacuate(*value);
        }
    }

    /// Traces a slice of values.
    pub fn values(&mut self, values: &mut [Value]) {
        for value in values {
            self.value(value);
        }
    }

    fn minor(&mut self, roots: &mut dyn Roots) {
        roots.trace(self);
        let remembered = std::mem::take(self.heap.remembered.get_mut());
        for object in remembered {
            // SAFETY: the remembered set lists live or just allocated old objects; those freed by
            // a major collection were taken off it, because that empties the set first.
            let header = unsafe { *object };
            // SAFETY: as above.
            unsafe { *object = header & !REMEMBERED };
            if object::kind_of(header) == Kind::ListChunk {
                self.cells.push((
                    object,
                    object::chunk_front(header),
                    object::chunk_capacity(header),
                ));
            } else {
                self.objects.push(object);
            }
        }
        self.drain();
        self.heap.sweep_foreign(|heap, owner| {
            if !heap.in_nursery(owner.address()) {
                return Some(owner);
            }
            // SAFETY: the nursery is still intact; a foreign object's first word is its header.
            let header = unsafe { *(owner.address() as *const u64) };
            (header & FORWARDED != 0).then(|| Value::from_address((header >> 16) as usize))
        });
    }

    fn mark(&mut self, roots: &mut dyn Roots) {
        roots.trace(self);
        self.drain();
        self.heap.sweep_foreign(|_, owner| {
            // SAFETY: the sweep has not run yet, so the owner's header is intact.
            let header = unsafe { *(owner.address() as *const u64) };
            (header & MARKED != 0).then_some(owner)
        });
        self.heap.old.get_mut().sweep();
    }

    fn drain(&mut self) {
        loop {
            if let Some(object) = self.objects.pop() {
                // SAFETY: only objects with values after their header are pushed.
                unsafe {
                    let length = object::length_of(*object);
                    for index in 1..=length {
                        self.value(&mut *object.add(index).cast::<Value>());
                    }
                }
            } else if let Some((chunk, from, to)) = self.cells.pop() {
                // SAFETY: `from..to` are initialised cells of this chunk; the link follows them.
                unsafe {
                    for index in from..to {
                        let element = chunk.byte_add(CHUNK_HEADER_BYTES + index * CELL_BYTES + 8);
                        self.value(&mut *element.cast::<Value>());
                    }
                    let capacity = object::chunk_capacity(*chunk);
                    if to == capacity {
                        let link = chunk.byte_add(CHUNK_HEADER_BYTES + capacity * CELL_BYTES + 8);
                        self.value(&mut *link.cast::<Value>());
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
        let (to, flags) = self.heap.old.get_mut().allocate(bytes);
        // SAFETY: `to` has room for the object; the old one gives way to its forwarding address.
        unsafe {
            std::ptr::copy_nonoverlapping(from.cast::<u8>(), to.cast::<u8>(), bytes);
            *to = header | flags;
            *from = (to as u64) << 16 | FORWARDED | (header & 0xFF);
        }
        if object::kind_of(header).shape() == Shape::Values {
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
            unsafe { *chunk = header & !(0xFF_FFFF << 40) | (index as u64) << 40 };
        }
    }

    fn mark_value(&mut self, value: Value) {
        let object = value.address() as *mut u64;
        // SAFETY: after a minor collection every reachable object lives outside the nursery.
        unsafe {
            let header = *object;
            if is_cell(header) {
                let chunk = object::chunk_of(value.address(), header) as *mut u64;
                let chunk_header = *chunk;
                if chunk_header & MARKED == 0 {
                    let capacity = object::chunk_capacity(chunk_header);
                    let flags = chunk_header & object::FLAGS | MARKED;
                    *chunk = object::chunk_header(flags, capacity, capacity);
                }
                self.trace_cells_from(chunk, object::cell_index(header));
            } else if header & MARKED == 0 {
                *object = header | MARKED;
                if object::kind_of(header).shape() == Shape::Values {
                    self.objects.push(object);
                }
            }
        }
    }
}

/// Whether this is a list cell's header (whose bits 8..32 are an index, not flags).
fn is_cell(header: u64) -> bool {
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
