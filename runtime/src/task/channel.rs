//! Channels: their fields, and who waits at them.

use super::Scheduler;
use super::operation::{Resume, Wait};
use crate::error::{Condition, ConditionKind};
use crate::heap::Heap;
use crate::host::Host;
use crate::value::Value;

/// Capacity.
pub const CAPACITY: usize = 0;
/// Tuple used as a ring.
pub const BUFFER: usize = 1;
/// Place of the oldest value.
pub const HEAD: usize = 2;
/// Number of values.
pub const COUNT: usize = 3;
/// Whether it is closed.
pub const CLOSED: usize = 4;
/// Number of the queue of tasks that wait to send (-1: none).
pub const SENDERS: usize = 5;
/// Number of the queue of tasks that wait to receive (-1: none).
pub const RECEIVERS: usize = 6;

impl Scheduler {
    /// The first task that waits to receive from a channel gets `value`; false if none waits.
    pub fn hand_to_receiver(&self, heap: &Heap, channel: Value, value: Value) -> bool {
        match self.dequeue(heap, channel, RECEIVERS) {
            Some(place) => {
                self.unblock(heap, place, Resume::Value(value), Some(channel));
                true
            }
            None => false,
        }
    }

    /// The task that has waited longest to send to a channel, with its value.
    fn next_sender(&self, heap: &Heap, channel: Value) -> Option<(u32, Value)> {
        let place = self.dequeue(heap, channel, SENDERS)?;
        let value = match self
            .records
            .borrow()
            .get(place as usize)
            .and_then(|record| record.wait.as_ref())
        {
            Some(Wait::Send(_, value)) => *value,
            _ => Value::NIL,
        };
        Some((place, value))
    }

    /// The value of the task that has waited longest to send to a channel; the task goes on.
    pub fn take_from_sender(&self, heap: &Heap, channel: Value) -> Option<Value> {
        let (place, value) = self.next_sender(heap, channel)?;
        self.unblock(heap, place, Resume::Value(Value::NIL), Some(channel));
        Some(value)
    }

    /// Wakes everybody who waits at a channel that has been closed.
    pub fn channel_closed(&self, host: &Host, channel: Value) {
        while self.hand_to_receiver(&host.heap, channel, Value::NIL) {}
        while let Some((place, dropped)) = self.next_sender(&host.heap, channel) {
            let condition = closed_condition(host, dropped);
            self.unblock(
                &host.heap,
                place,
                Resume::Raise(Box::new(condition)),
                Some(channel),
            );
        }
    }
}

/// A send to a closed channel.
pub fn closed_condition(host: &Host, value: Value) -> Condition {
    let shown = crate::print::readable(host, value);
    Condition::new(
        ConditionKind::Eval,
        format!("channel/send: channel is closed; value {shown} was dropped"),
    )
}
