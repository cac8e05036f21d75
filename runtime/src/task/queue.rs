//! Queues of waiting tasks. Promises and channels hold the numbers of theirs.

use std::collections::VecDeque;

use super::{NO_QUEUE, Scheduler};
use crate::heap::Heap;
use crate::value::Value;

/// Capacity above which the memory of a queue is not kept for another one.
const LARGEST_SPARE_QUEUE: usize = 64;

fn queue_number(heap: &Heap, object: Value, field: usize) -> Option<usize> {
    usize::try_from(heap.field(object, field).as_fixnum()?).ok()
}

impl Scheduler {
    /// Appends a task to the queue whose number is in a field of a promise or channel.
    pub(super) fn enqueue(&self, heap: &Heap, object: Value, field: usize, place: u32) {
        let mut queues = self.queues.borrow_mut();
        let number = match queue_number(heap, object, field) {
            Some(number) => number,
            None => {
                let number = match self.free_queues.borrow_mut().pop() {
                    Some(number) => number as usize,
                    None => {
                        queues.push(VecDeque::new());
                        queues.len() - 1
                    }
                };
                heap.set_field(object, field, Value::index(number));
                number
            }
        };
        if let Some(queue) = queues.get_mut(number) {
            queue.push_back(place);
        }
    }

    /// Takes the task that has waited longest out of a queue.
    pub(super) fn dequeue(&self, heap: &Heap, object: Value, field: usize) -> Option<u32> {
        let number = queue_number(heap, object, field)?;
        let mut queues = self.queues.borrow_mut();
        let queue = queues.get_mut(number)?;
        let place = queue.pop_front();
        if queue.is_empty() {
            self.drop_queue(heap, object, field, queue, number);
        }
        place
    }

    /// Takes a task out of a queue, wherever in it it stands.
    pub(super) fn leave(&self, heap: &Heap, object: Value, field: usize, place: u32) {
        let Some(number) = queue_number(heap, object, field) else {
            return;
        };
        let mut queues = self.queues.borrow_mut();
        if let Some(queue) = queues.get_mut(number) {
            queue.retain(|waiting| *waiting != place);
            if queue.is_empty() {
                self.drop_queue(heap, object, field, queue, number);
            }
        }
    }

    fn drop_queue(
        &self,
        heap: &Heap,
        object: Value,
        field: usize,
        queue: &mut VecDeque<u32>,
        number: usize,
    ) {
        if queue.capacity() > LARGEST_SPARE_QUEUE {
            *queue = VecDeque::new();
        }
        heap.set_field(object, field, NO_QUEUE);
        self.free_queues.borrow_mut().push(number as u32);
    }
}
