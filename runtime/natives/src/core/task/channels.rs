//! Channels (language specification, 15).

#![allow(
    clippy::indexing_slicing,
    reason = "a channel has all its fields; calls have as many arguments as the declaration says"
)]

use std::cell::Cell;

use crate::core::task::tasks::wrong_kind;
use sema_machine::host::Host;
use sema_machine::host::arguments::integer;
use sema_machine::host::condition::{Outcome, eval_error};
use sema_machine::memory::heap::Heap;
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;
use sema_machine::task::{NO_QUEUE, Wait, channel, closed_condition};

/// Most values that a channel can hold.
const LARGEST_CAPACITY: i64 = 1 << 24;
/// Slots of a channel's first buffer; it grows up to the capacity.
const FIRST_BUFFER: usize = 8;

fn channel_new(host: &Host, arguments: &[Value]) -> Outcome {
    let capacity = match arguments {
        [] => 1,
        _ => integer(host, "channel/new", arguments, 0)?,
    };
    if capacity < 1 {
        return Err(eval_error("channel/new: capacity must be at least 1"));
    }
    if capacity > LARGEST_CAPACITY {
        return Err(eval_error(format!(
            "channel/new: capacity {capacity} exceeds maximum {LARGEST_CAPACITY}"
        )));
    }
    let slots = usize::try_from(capacity)
        .unwrap_or(usize::MAX)
        .min(FIRST_BUFFER);
    let buffer = host.heap.object_filled(Kind::Tuple, 0, slots, Value::NIL);
    let fields = [
        host.heap.int(capacity),
        buffer,
        Value::small(0),
        Value::small(0),
        Value::FALSE,
        NO_QUEUE,
        NO_QUEUE,
    ];
    Ok(host.heap.object(Kind::Channel, 0, &fields))
}

/// The fields of a channel.
struct Fields<'h> {
    heap: &'h Heap,
    channel: Value,
    fields: &'h [Cell<Value>; channel::FIELDS],
}

impl<'h> Fields<'h> {
    /// Those of an argument that must be a channel.
    #[inline(always)]
    fn of(host: &'h Host, value: Value) -> Outcome<Fields<'h>> {
        let heap = &host.heap;
        match heap.fields_of(Kind::Channel, value).first_chunk() {
            Some(fields) => Ok(Fields {
                heap,
                channel: value,
                fields,
            }),
            None => Err(wrong_kind(host, "channel", value)),
        }
    }

    #[inline(always)]
    fn number(&self, field: usize) -> usize {
        self.fields[field].get().as_fixnum().unwrap_or(0) as usize
    }

    /// A number needs no write barrier.
    #[inline(always)]
    fn set_number(&self, field: usize, number: usize) {
        self.fields[field].set(Value::index(number));
    }

    fn count(&self) -> usize {
        self.number(channel::COUNT)
    }

    fn is_full(&self) -> bool {
        self.count() >= self.number(channel::CAPACITY)
    }

    fn is_closed(&self) -> bool {
        self.fields[channel::CLOSED].get() == Value::TRUE
    }

    /// Appends to the buffer, which has room up to the capacity.
    #[inline]
    fn put(&self, value: Value) {
        let used = self.count();
        let mut buffer = self.fields[channel::BUFFER].get();
        let mut slots = self.heap.fields(buffer).len();
        if used == slots {
            buffer = self.enlarge(buffer);
            slots = self.heap.fields(buffer).len();
        }
        let place = wrapped(self.number(channel::HEAD) + used, slots);
        self.heap.set_field(buffer, place, value);
        self.set_number(channel::COUNT, used + 1);
    }

    /// Gives the channel a larger buffer than this one, which is full.
    #[cold]
    fn enlarge(&self, buffer: Value) -> Value {
        let heap = self.heap;
        let head = self.number(channel::HEAD);
        // Nothing is stored in the buffer while these slices are in use.
        let values = heap.values_of(Kind::Tuple, buffer);
        let (late, early) = values.split_at(head.min(values.len()));
        let free = vec![Value::NIL; late.len() + early.len()];
        let larger = heap.object_spliced(Kind::Tuple, 0, [early, late, &free]);
        heap.set_field(self.channel, channel::BUFFER, larger);
        self.set_number(channel::HEAD, 0);
        larger
    }

    /// Takes the oldest value from the buffer, and lets the longest-waiting sender put its own.
    #[inline]
    fn take(&self, host: &Host) -> Option<Value> {
        let used = self.count();
        if used == 0 {
            return None;
        }
        let slots = self.heap.fields(self.fields[channel::BUFFER].get());
        let head = self.number(channel::HEAD);
        // Nil needs no write barrier.
        let value = slots.get(head)?.replace(Value::NIL);
        self.set_number(channel::HEAD, wrapped(head + 1, slots.len()));
        self.set_number(channel::COUNT, used - 1);
        if self.fields[channel::SENDERS].get() != NO_QUEUE
            && let Some(waiting) = host
                .scheduler
                .take_from_sender(&self.fields[channel::SENDERS])
        {
            self.put(waiting);
        }
        Some(value)
    }
}

/// A place of a ring with this many slots, counted from its start, at most twice around.
#[inline(always)]
fn wrapped(place: usize, slots: usize) -> usize {
    if place >= slots { place - slots } else { place }
}

fn channel_send(host: &Host, arguments: &[Value]) -> Outcome {
    let channel = Fields::of(host, arguments[0])?;
    let value = arguments[1];
    if channel.is_closed() {
        return Err(closed_condition(host, value).signal());
    }
    if channel.fields[channel::RECEIVERS].get() != NO_QUEUE
        && host
            .scheduler
            .hand_to_receiver(&channel.fields[channel::RECEIVERS], value)
    {
        return Ok(Value::NIL);
    }
    if channel.is_full() {
        let wait = Wait::Send(arguments[0], value);
        host.scheduler
            .block_at(&channel.fields[channel::SENDERS], wait);
        return host.suspend_blocked();
    }
    channel.put(value);
    Ok(Value::NIL)
}

fn channel_receive(host: &Host, arguments: &[Value]) -> Outcome {
    let channel = Fields::of(host, arguments[0])?;
    match channel.take(host) {
        Some(value) => Ok(value),
        None if channel.is_closed() => Ok(Value::NIL),
        None => {
            let wait = Wait::Receive(arguments[0]);
            host.scheduler
                .block_at(&channel.fields[channel::RECEIVERS], wait);
            host.suspend_blocked()
        }
    }
}

fn channel_try_receive(host: &Host, arguments: &[Value]) -> Outcome {
    if Fields::of(host, arguments[0])?.count() == 0 {
        return Ok(Value::NIL);
    }
    channel_receive(host, arguments)
}

fn channel_close(host: &Host, arguments: &[Value]) -> Outcome {
    let channel = Fields::of(host, arguments[0])?;
    if !channel.is_closed() {
        channel.fields[channel::CLOSED].set(Value::TRUE);
        host.scheduler.channel_closed(host, arguments[0]);
    }
    Ok(Value::NIL)
}

fn channel_count(host: &Host, arguments: &[Value]) -> Outcome {
    Ok(Value::index(Fields::of(host, arguments[0])?.count()))
}

fn channel_is_empty(host: &Host, arguments: &[Value]) -> Outcome {
    Ok(Value::bool(Fields::of(host, arguments[0])?.count() == 0))
}

fn channel_is_full(host: &Host, arguments: &[Value]) -> Outcome {
    Ok(Value::bool(Fields::of(host, arguments[0])?.is_full()))
}

fn channel_is_closed(host: &Host, arguments: &[Value]) -> Outcome {
    Ok(Value::bool(Fields::of(host, arguments[0])?.is_closed()))
}

fn is_channel(_: &Host, arguments: &[Value]) -> Outcome {
    Ok(Value::bool(arguments[0].kind() == Kind::Channel))
}

natives! {
    /// A channel that buffers up to `capacity` values, one unless it is given. Raises if it is less than
    /// 1 or more than 16777216.
    /// (channel/count (channel/new 8)) => 0
    /// (channel/new 0) => error capacity must be at least 1
    "channel/new" (capacity?: Count) -> Channel => channel_new;

    /// Sends a value; waits while the buffer is full. Raises if the channel is closed.
    /// (let ((c (channel/new))) (channel/send c :hello) (channel/recv c)) => :hello
    "channel/send" (channel: Channel, value: Any) -> Nil => channel_send;

    /// The oldest value of the channel; waits while there is none. It is nil once the channel is closed
    /// and empty.
    /// (let ((c (channel/new))) (async/spawn (fn () (channel/send c 5))) (channel/recv c)) => 5
    /// (let ((c (channel/new))) (channel/close c) (channel/recv c)) => nil
    "channel/recv" (channel: Channel) -> Any => channel_receive;

    /// The oldest value of the channel, or nil if there is none at the moment.
    /// (channel/try-recv (channel/new)) => nil
    "channel/try-recv" (channel: Channel) -> Any => channel_try_receive;

    /// Closes a channel: what is buffered can still be received, nothing can be sent. Tasks that wait to
    /// receive get nil. Closing twice is no error.
    /// (let ((c (channel/new))) (channel/close c) (channel/send c 1)) => error closed
    "channel/close" (channel: Channel) -> Nil => channel_close;

    /// How many values the channel buffers.
    /// (let ((c (channel/new 4))) (channel/send c :a) (channel/send c :b) (channel/count c)) => 2
    "channel/count" (channel: Channel) -> Count, reads => channel_count;

    /// Whether the channel buffers nothing.
    /// (channel/empty? (channel/new)) => #t
    "channel/empty?" (channel: Channel) -> Bool, reads => channel_is_empty;

    /// Whether the channel buffers as many values as it can.
    /// (let ((c (channel/new 1))) (channel/send c :a) (channel/full? c)) => #t
    "channel/full?" (channel: Channel) -> Bool, reads => channel_is_full;

    /// Whether the channel has been closed.
    /// (channel/closed? (channel/new)) => #f
    "channel/closed?" (channel: Channel) -> Bool, reads => channel_is_closed;

    /// Whether a value is a channel.
    /// (channel? (channel/new)) => #t
    /// (channel? '()) => #f
    "channel?" (value: Any) -> Bool, total => is_channel;
}
