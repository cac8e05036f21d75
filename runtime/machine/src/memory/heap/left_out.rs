//! The object that a collection does not count as garbage: what tells a program about one collection is not what the
//! program wants to know of the next.

use super::Heap;
use super::object::FORWARDED;
use crate::memory::value::Value;

impl Heap {
    /// The next collection does not count this object, which has just been made, as garbage that it found.
    pub(crate) fn leave_out(&self, value: Value) {
        self.left_out.set(Some(value));
    }

    /// Whether the object that is left out has stayed behind in the nursery, which has just been evacuated.
    pub(super) fn left_out_is_garbage(&self) -> bool {
        let Some(value) = self.left_out.take() else {
            return false;
        };
        let place = value.address();
        if place < self.nursery as usize || place >= self.bump.get() {
            return false;
        }
        // SAFETY: the object was new when it was left out, no collection has ended since, and the nursery, in which it
        // lies, is given back only at the end of this one.
        let header = unsafe { *(place as *const u64) };
        header & FORWARDED == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::heap::{Roots, Tracer};

    struct Held(Vec<Value>);

    impl Roots for Held {
        fn trace(&mut self, tracer: &mut Tracer<'_>) {
            tracer.values(&mut self.0);
        }
    }

    #[test]
    fn what_is_left_out_does_not_count_as_garbage() {
        let mut heap = Heap::new();
        let mut held = Held(Vec::new());
        let found = |heap: &mut Heap, held: &mut Held| {
            heap.collect(held, true);
            heap.stats().collected_objects
        };
        heap.leave_out(heap.string("told"));
        assert_eq!(found(&mut heap, &mut held), 0);
        heap.string("garbage");
        heap.leave_out(heap.string("told"));
        assert_eq!(found(&mut heap, &mut held), 1);
        // What is still used was never garbage.
        let told = heap.string("told");
        heap.leave_out(told);
        held.0.push(told);
        heap.string("garbage");
        assert_eq!(found(&mut heap, &mut held), 1);
        assert_eq!(found(&mut heap, &mut held), 0);
    }
}
