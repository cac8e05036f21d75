//! Channels (language specification, 15).

use super::tasks::{suspend, wrong_kind};
use crate::error::{Outcome, eval_error};
use crate::host::Host;
use crate::native::{Native, between, exactly, native};
use crate::natives::arguments::integer;
use crate::task::{NO_QUEUE, Operation, channel, closed_condition};
use crate::value::{Kind, Value};

/// Most values that a channel can hold.
const LARGEST_CAPACITY: i64 = 1 << 24;
/// Slots of a channel's first buffer; it grows up to the capacity.
const FIRST_BUFFER: usize = 8;

fn expect_channel(host: &Host, value: Value) -> Outcome<Value> {
    if value.kind() == Kind::Channel {
        return Ok(value);
    }
    Err(wrong_kind(host, "channel", value))
}

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

fn count(host: &Host, channel: Value) -> usize {
    host.heap
        .field(channel, channel::COUNT)
        .as_fixnum()
        .unwrap_or(0) as usize
}

fn is_full_now(host: &Host, channel: Value) -> bool {
    count(host, channel) as i64
        >= host
            .heap
            .as_i64(host.heap.field(channel, channel::CAPACITY))
            .unwrap_or(1)
}

fn is_closed_now(host: &Host, channel: Value) -> bool {
    host.heap.field(channel, channel::CLOSED) == Value::TRUE
}

/// Appends to the buffer, which has room up to the capacity.
fn put(host: &Host, channel: Value, value: Value) {
    let heap = &host.heap;
    let mut buffer = heap.field(channel, channel::BUFFER);
    let slots = heap.fields(buffer).len();
    let mut head = heap.field(channel, channel::HEAD).as_fixnum().unwrap_or(0) as usize;
    let used = count(host, channel);
    if used == slots {
        let larger = heap.object_filled(Kind::Tuple, 0, slots * 2, Value::NIL);
        for index in 0..used {
            heap.set_field(larger, index, heap.field(buffer, (head + index) % slots));
        }
        heap.set_field(channel, channel::BUFFER, larger);
        heap.set_field(channel, channel::HEAD, Value::small(0));
        (buffer, head) = (larger, 0);
    }
    let slots = heap.fields(buffer).len().max(1);
    heap.set_field(buffer, (head + used) % slots, value);
    heap.set_field(channel, channel::COUNT, Value::index(used + 1));
}

/// Takes the oldest value from the buffer, and lets the longest-waiting sender put its own.
fn take(host: &Host, channel: Value) -> Option<Value> {
    let heap = &host.heap;
    let used = count(host, channel);
    if used == 0 {
        return None;
    }
    let buffer = heap.field(channel, channel::BUFFER);
    let slots = heap.fields(buffer).len().max(1);
    let head = heap.field(channel, channel::HEAD).as_fixnum().unwrap_or(0) as usize;
    let value = heap.field(buffer, head);
    heap.set_field(buffer, head, Value::NIL);
    heap.set_field(channel, channel::HEAD, Value::index((head + 1) % slots));
    heap.set_field(channel, channel::COUNT, Value::index(used - 1));
    if let Some(waiting) = host.scheduler.take_from_sender(heap, channel) {
        put(host, channel, waiting);
    }
    Some(value)
}

fn channel_send(host: &Host, arguments: &[Value]) -> Outcome {
    let channel = expect_channel(host, arguments[0])?;
    let value = arguments[1];
    if is_closed_now(host, channel) {
        return Err(closed_condition(host, value).signal());
    }
    if host.scheduler.hand_to_receiver(&host.heap, channel, value) {
        return Ok(Value::NIL);
    }
    if is_full_now(host, channel) {
        return suspend(Operation::Send(channel, value));
    }
    put(host, channel, value);
    Ok(Value::NIL)
}

fn channel_receive(host: &Host, arguments: &[Value]) -> Outcome {
    let channel = expect_channel(host, arguments[0])?;
    match take(host, channel) {
        Some(value) => Ok(value),
        None if is_closed_now(host, channel) => Ok(Value::NIL),
        None => suspend(Operation::Receive(channel)),
    }
}

fn channel_try_receive(host: &Host, arguments: &[Value]) -> Outcome {
    Ok(take(host, expect_channel(host, arguments[0])?).unwrap_or(Value::NIL))
}

fn channel_close(host: &Host, arguments: &[Value]) -> Outcome {
    let channel = expect_channel(host, arguments[0])?;
    if !is_closed_now(host, channel) {
        host.heap.set_field(channel, channel::CLOSED, Value::TRUE);
        host.scheduler.channel_closed(host, channel);
    }
    Ok(Value::NIL)
}

fn channel_count(host: &Host, arguments: &[Value]) -> Outcome {
    Ok(Value::index(count(
        host,
        expect_channel(host, arguments[0])?,
    )))
}

fn channel_is_empty(host: &Host, arguments: &[Value]) -> Outcome {
    Ok(Value::bool(
        count(host, expect_channel(host, arguments[0])?) == 0,
    ))
}

fn channel_is_full(host: &Host, arguments: &[Value]) -> Outcome {
    Ok(Value::bool(is_full_now(
        host,
        expect_channel(host, arguments[0])?,
    )))
}

fn channel_is_closed(host: &Host, arguments: &[Value]) -> Outcome {
    Ok(Value::bool(is_closed_now(
        host,
        expect_channel(host, arguments[0])?,
    )))
}

fn is_channel(_: &Host, arguments: &[Value]) -> Outcome {
    Ok(Value::bool(arguments[0].kind() == Kind::Channel))
}

/// The table of this family.
pub static TABLE: &[Native] = &[
    native(
        "channel/new",
        between(0, 1),
        channel_new,
        "A channel that buffers some values, one by default.",
    ),
    native(
        "channel/send",
        exactly(2),
        channel_send,
        "Sends a value, waiting while the channel is full.",
    ),
    native(
        "channel/recv",
        exactly(1),
        channel_receive,
        "Receives a value, waiting while the channel is empty; nil once it is closed and drained.",
    ),
    native(
        "channel/try-recv",
        exactly(1),
        channel_try_receive,
        "A buffered value, or nil.",
    ),
    native(
        "channel/close",
        exactly(1),
        channel_close,
        "Closes a channel and wakes who waits to receive.",
    ),
    native(
        "channel/count",
        exactly(1),
        channel_count,
        "Number of buffered values.",
    ),
    native(
        "channel/empty?",
        exactly(1),
        channel_is_empty,
        "Whether nothing is buffered.",
    ),
    native(
        "channel/full?",
        exactly(1),
        channel_is_full,
        "Whether the buffer is at capacity.",
    ),
    native(
        "channel/closed?",
        exactly(1),
        channel_is_closed,
        "Whether the channel has been closed.",
    ),
    native(
        "channel?",
        exactly(1),
        is_channel,
        "Whether a value is a channel.",
    ),
];
