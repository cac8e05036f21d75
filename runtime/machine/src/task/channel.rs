//! Channels: their fields, and who waits at them.

use std::cell::Cell;

use super::Scheduler;
use super::operation::{Resume, Wait};
use crate::host::Host;
use crate::host::condition::{Condition, ConditionKind};
use crate::memory::heap::Heap;
use crate::memory::value::{Kind, Value};

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
/// Which tasks wait to send.
pub const SENDERS: usize = 5;
/// Which tasks wait to receive.
pub const RECEIVERS: usize = 6;
/// How many fields a channel has.
pub const FIELDS: usize = 7;

/// One of the two fields that say which tasks wait at a channel.
fn line(heap: &Heap, channel: Value, field: usize) -> Option<&Cell<Value>> {
    heap.fields_of(Kind::Channel, channel).get(field)
}

impl Scheduler {
    /// The first task in the line that waits to receive gets `value`; false if none waits.
    #[inline]
    pub fn hand_to_receiver(&self, receivers: &Cell<Value>, value: Value) -> bool {
        match self.dequeue(receivers) {
            Some(place) => {
                self.wake_at(place, Resume::Value(value));
                true
            }
            None => false,
        }
    }

    /// The task that has waited longest in this line to send, with its value.
    fn next_sender(&self, senders: &Cell<Value>) -> Option<(u32, Value)> {
        let place = self.dequeue(senders)?;
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

    /// The value of the task that has waited longest in this line to send; the task goes on.
    pub fn take_from_sender(&self, senders: &Cell<Value>) -> Option<Value> {
        let (place, value) = self.next_sender(senders)?;
        self.wake_at(place, Resume::Value(Value::NIL));
        Some(value)
    }

    /// Wakes everybody who waits at a channel that has been closed.
    pub fn channel_closed(&self, host: &Host, channel: Value) {
        if let Some(receivers) = line(&host.heap, channel, RECEIVERS) {
            while self.hand_to_receiver(receivers, Value::NIL) {}
        }
        if let Some(senders) = line(&host.heap, channel, SENDERS) {
            while let Some((place, dropped)) = self.next_sender(senders) {
                let condition = closed_condition(host, dropped);
                self.wake_at(place, Resume::Raise(Box::new(condition)));
            }
        }
    }

    pub(super) fn leave_channel(&self, heap: &Heap, channel: Value, field: usize, place: u32) {
        if let Some(line) = line(heap, channel, field) {
            self.leave(line, place);
        }
    }
}

/// A send to a closed channel.
pub fn closed_condition(host: &Host, value: Value) -> Condition {
    let shown = crate::data::print::shown(host, value);
    Condition::new(
        ConditionKind::Eval,
        format!("channel/send: channel is closed; value {shown} was dropped"),
    )
}
