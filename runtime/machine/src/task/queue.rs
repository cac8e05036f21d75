//! Who waits at a promise or channel, in the order of arrival.
//!
//! A field of the object says it in a small integer: negative, nobody; even, twice the place of the only
//! task that waits; odd, one more than twice the number of a queue. Most have one task at most, and then
//! waiting needs no memory.

use std::cell::Cell;
use std::collections::VecDeque;

use super::{NO_QUEUE, Scheduler};
use crate::memory::value::Value;

/// Capacity above which the memory of a queue is not kept for another one.
const LARGEST_SPARE_QUEUE: usize = 64;

/// Who waits.
enum Line {
    Nobody,
    One(u32),
    Queue(usize),
}

impl Line {
    #[inline(always)]
    fn of(field: &Cell<Value>) -> Line {
        let number = field.get().as_fixnum().unwrap_or(-1);
        if number < 0 {
            Line::Nobody
        } else if number & 1 == 0 {
            Line::One((number >> 1) as u32)
        } else {
            Line::Queue((number >> 1) as usize)
        }
    }

    /// Small integers need no write barrier.
    #[inline(always)]
    fn store(&self, field: &Cell<Value>) {
        let value = match *self {
            Line::Nobody => NO_QUEUE,
            Line::One(place) => Value::index((place as usize) << 1),
            Line::Queue(number) => Value::index(number << 1 | 1),
        };
        field.set(value);
    }
}

impl Scheduler {
    /// Appends a task to those that wait at a promise or channel.
    #[inline]
    pub(super) fn enqueue(&self, field: &Cell<Value>, place: u32) {
        match Line::of(field) {
            Line::Nobody => Line::One(place).store(field),
            Line::One(first) => {
                let number = self.new_queue(first, place);
                Line::Queue(number).store(field);
            }
            Line::Queue(number) => {
                if let Some(queue) = self.queues.borrow_mut().get_mut(number) {
                    queue.push_back(place);
                }
            }
        }
    }

    #[inline(never)]
    fn new_queue(&self, first: u32, second: u32) -> usize {
        let mut queues = self.queues.borrow_mut();
        let number = match self.free_queues.borrow_mut().pop() {
            Some(number) => number as usize,
            None => {
                queues.push(VecDeque::new());
                queues.len() - 1
            }
        };
        if let Some(queue) = queues.get_mut(number) {
            queue.push_back(first);
            queue.push_back(second);
        }
        number
    }

    /// Takes the task that has waited longest away from a promise or channel.
    #[inline]
    pub(super) fn dequeue(&self, field: &Cell<Value>) -> Option<u32> {
        match Line::of(field) {
            Line::Nobody => None,
            Line::One(place) => {
                Line::Nobody.store(field);
                Some(place)
            }
            Line::Queue(number) => {
                let mut queues = self.queues.borrow_mut();
                let queue = queues.get_mut(number)?;
                let place = queue.pop_front();
                if queue.is_empty() {
                    self.drop_queue(field, queue, number);
                }
                place
            }
        }
    }

    /// Takes a task away from a promise or channel, wherever in the line it stands.
    pub(super) fn leave(&self, field: &Cell<Value>, place: u32) {
        match Line::of(field) {
            Line::One(waiting) if waiting == place => Line::Nobody.store(field),
            Line::Nobody | Line::One(_) => {}
            Line::Queue(number) => {
                let mut queues = self.queues.borrow_mut();
                if let Some(queue) = queues.get_mut(number) {
                    queue.retain(|waiting| *waiting != place);
                    if queue.is_empty() {
                        self.drop_queue(field, queue, number);
                    }
                }
            }
        }
    }

    fn drop_queue(&self, field: &Cell<Value>, queue: &mut VecDeque<u32>, number: usize) {
        if queue.capacity() > LARGEST_SPARE_QUEUE {
            *queue = VecDeque::new();
        }
        Line::Nobody.store(field);
        self.free_queues.borrow_mut().push(number as u32);
    }
}
