//! Tasks, promises, channels, timers (language specification, 14.1 and 15).

use crate::error::{ConditionKind, Outcome, Signal, arity_error, eval_error, preview, type_error};
use crate::host::Host;
use crate::native::{Native, between, exactly, native};
use crate::natives::arguments::{integer, list_or_vector};
use crate::task::{
    NO_QUEUE, Operation, Resume, TaskId, channel, closed_condition, new_promise, outcome, promise,
};
use crate::value::{Kind, Value};
use crate::vm::closure_function;

/// Longest wait: a day.
const LONGEST_MS: f64 = 86_400_000.0;
/// Most values that a channel can hold.
const LARGEST_CAPACITY: i64 = 1 << 24;
/// Slots of a channel's first buffer; it grows up to the capacity.
const FIRST_BUFFER: usize = 8;

fn suspend(operation: Operation) -> Outcome {
    Err(Box::new(Signal::Suspend(operation)))
}

/// A `:type-error` that shows the value too.
fn wrong_kind(host: &Host, expected: &str, value: Value) -> Box<Signal> {
    let mut signal = type_error(host, expected, value);
    if let Signal::Raise(condition) = &mut *signal {
        condition.message = format!("{} ({})", condition.message, preview(host, value)).into();
    }
    signal
}

fn expect_promise(host: &Host, value: Value) -> Outcome<Value> {
    if value.kind() == Kind::AsyncPromise {
        return Ok(value);
    }
    Err(wrong_kind(host, "async-promise", value))
}

fn expect_channel(host: &Host, value: Value) -> Outcome<Value> {
    if value.kind() == Kind::Channel {
        return Ok(value);
    }
    Err(wrong_kind(host, "channel", value))
}

fn state(host: &Host, value: Value) -> i32 {
    host.heap
        .field(value, promise::STATE)
        .as_fixnum()
        .unwrap_or(0) as i32
}

// --- tasks and async promises ---

fn spawn(host: &Host, arguments: &[Value]) -> Outcome {
    if arguments[0].kind() != Kind::Closure {
        return Err(eval_error(
            "async/spawn: argument must be a function (compiled VM closure)",
        ));
    }
    if let Some(function) = closure_function(host, arguments[0])
        && function.required > 0
    {
        let required = usize::from(function.required);
        let most = (!function.rest).then_some(usize::from(function.parameters));
        return Err(arity_error(function.name(), required, most, 0));
    }
    suspend(Operation::Spawn(arguments[0]))
}

fn await_one(_: &Host, arguments: &[Value]) -> Outcome {
    match arguments[0].kind() {
        Kind::AsyncPromise => suspend(Operation::Await(arguments[0])),
        _ => Ok(arguments[0]),
    }
}

fn promises(host: &Host, value: Value) -> Outcome<Vec<Value>> {
    let elements = list_or_vector(host, value)?;
    for element in elements.iter() {
        expect_promise(host, *element)?;
    }
    Ok(elements.into_owned())
}

fn all(host: &Host, arguments: &[Value]) -> Outcome {
    let promises = promises(host, arguments[0])?;
    if promises.is_empty() {
        Ok(Value::EMPTY)
    } else {
        suspend(Operation::All(promises))
    }
}

fn race(host: &Host, arguments: &[Value]) -> Outcome {
    let promises = promises(host, arguments[0])?;
    if promises.is_empty() {
        return Err(eval_error("async/race: requires at least one promise"));
    }
    suspend(Operation::Race(promises))
}

fn timeout(host: &Host, arguments: &[Value]) -> Outcome {
    let limit = milliseconds(host, "async/timeout", arguments[0])?;
    suspend(Operation::Timeout(
        expect_promise(host, arguments[1])?,
        limit,
    ))
}

/// A duration argument: a non-negative number of at most a day.
fn milliseconds(host: &Host, name: &str, value: Value) -> Outcome<f64> {
    let amount = match (value.as_float(), host.heap.as_i64(value)) {
        (Some(amount), _) => amount,
        (_, Some(amount)) => amount as f64,
        _ => return Err(crate::error::type_error(host, "number", value)),
    };
    if amount.is_nan() || amount < 0.0 {
        return Err(eval_error(format!("{name}: duration must be non-negative")));
    }
    if amount > LONGEST_MS {
        return Err(eval_error(format!(
            "{name}: duration {} ms exceeds maximum {LONGEST_MS} ms (1 day)",
            crate::print::readable(host, value)
        )));
    }
    Ok(amount)
}

fn async_sleep(host: &Host, arguments: &[Value]) -> Outcome {
    suspend(Operation::Sleep(milliseconds(
        host,
        "async/sleep",
        arguments[0],
    )?))
}

fn sleep(host: &Host, arguments: &[Value]) -> Outcome {
    let amount = integer(host, "sleep", arguments, 0)?;
    suspend(Operation::Sleep((amount.max(0) as f64).min(LONGEST_MS)))
}

fn run(_: &Host, _: &[Value]) -> Outcome {
    suspend(Operation::RunOthers)
}

fn cancel(host: &Host, arguments: &[Value]) -> Outcome {
    let promise = expect_promise(host, arguments[0])?;
    Ok(Value::bool(host.scheduler.cancel(host, promise)))
}

fn is_promise(_: &Host, arguments: &[Value]) -> Outcome {
    Ok(Value::bool(arguments[0].kind() == Kind::AsyncPromise))
}

fn is_pending(host: &Host, arguments: &[Value]) -> Outcome {
    Ok(Value::bool(
        state(host, expect_promise(host, arguments[0])?) == promise::PENDING,
    ))
}

fn is_resolved(host: &Host, arguments: &[Value]) -> Outcome {
    Ok(Value::bool(
        state(host, expect_promise(host, arguments[0])?) == promise::RESOLVED,
    ))
}

fn is_rejected(host: &Host, arguments: &[Value]) -> Outcome {
    Ok(Value::bool(
        state(host, expect_promise(host, arguments[0])?) == promise::REJECTED,
    ))
}

fn is_cancelled(host: &Host, arguments: &[Value]) -> Outcome {
    Ok(Value::bool(
        state(host, expect_promise(host, arguments[0])?) == promise::CANCELLED,
    ))
}

fn resolved(host: &Host, arguments: &[Value]) -> Outcome {
    Ok(new_promise(host, promise::RESOLVED, arguments[0], None))
}

fn rejected(host: &Host, arguments: &[Value]) -> Outcome {
    let Some(message) = host.heap.as_str(arguments[0]) else {
        return Err(crate::error::type_error(host, "string", arguments[0]));
    };
    let map = crate::collections::sorted_map::from_entries(
        host,
        &[
            (
                host.keyword("type"),
                host.keyword(ConditionKind::Eval.name()),
            ),
            (host.keyword("message"), host.heap.string(message)),
            (host.keyword("stack-trace"), Value::EMPTY),
        ],
    );
    Ok(new_promise(host, promise::REJECTED, map, None))
}

/// `%settled-value`: the outcome of a settled promise, at once.
fn settled_value(host: &Host, arguments: &[Value]) -> Outcome {
    match outcome(&host.heap, expect_promise(host, arguments[0])?) {
        Resume::Value(value) => Ok(value),
        Resume::Throw(value) => Err(Box::new(Signal::Throw(value))),
        Resume::Raise(condition) => Err(condition.signal()),
    }
}

// --- delayed expressions: fields state (nil, #t forced, the running task's number), value or
// thunk, and the promise others wait for while it runs ---

const DELAY_STATE: usize = 0;
const DELAY_VALUE: usize = 1;
const DELAY_LATCH: usize = 2;

fn make_promise(host: &Host, arguments: &[Value]) -> Outcome {
    Ok(host
        .heap
        .object(Kind::Promise, 0, &[Value::NIL, arguments[0], Value::NIL]))
}

fn expect_delay(host: &Host, value: Value) -> Outcome<Value> {
    if value.kind() == Kind::Promise {
        Ok(value)
    } else {
        Err(crate::error::type_error(host, "thunk", value))
    }
}

/// `%promise-enter`: #t if the caller must run the body, #f if there is a value, nil if another
/// task gave up and the caller should ask again.
fn promise_enter(host: &Host, arguments: &[Value]) -> Outcome {
    let delay = expect_delay(host, arguments[0])?;
    let current = Value::index(host.scheduler.current.get() as usize);
    match host.heap.field(delay, DELAY_STATE) {
        Value::TRUE => Ok(Value::FALSE),
        Value::NIL => {
            let latch = new_promise(host, promise::PENDING, Value::NIL, None);
            host.heap.set_field(delay, DELAY_STATE, current);
            host.heap.set_field(delay, DELAY_LATCH, latch);
            Ok(Value::TRUE)
        }
        running if running == current => Err(eval_error(
            "force: promise forced recursively from inside its own body",
        )),
        _ => suspend(Operation::Await(host.heap.field(delay, DELAY_LATCH))),
    }
}

fn leave(host: &Host, delay: Value, state: Value, verdict: Value) {
    let latch = host.heap.field(delay, DELAY_LATCH);
    host.heap.set_field(delay, DELAY_STATE, state);
    host.heap.set_field(delay, DELAY_LATCH, Value::NIL);
    if latch.kind() == Kind::AsyncPromise {
        host.scheduler
            .settle(host, latch, promise::RESOLVED, verdict);
    }
}

fn promise_settle(host: &Host, arguments: &[Value]) -> Outcome {
    let delay = expect_delay(host, arguments[0])?;
    host.heap.set_field(delay, DELAY_VALUE, arguments[1]);
    leave(host, delay, Value::TRUE, Value::FALSE);
    Ok(arguments[1])
}

fn promise_abandon(host: &Host, arguments: &[Value]) -> Outcome {
    let delay = expect_delay(host, arguments[0])?;
    leave(host, delay, Value::NIL, Value::NIL);
    Ok(Value::NIL)
}

fn promise_value(host: &Host, arguments: &[Value]) -> Outcome {
    Ok(host
        .heap
        .field(expect_delay(host, arguments[0])?, DELAY_VALUE))
}

fn is_forced(host: &Host, arguments: &[Value]) -> Outcome {
    if arguments[0].kind() != Kind::Promise {
        return Err(crate::error::type_error(host, "promise", arguments[0]));
    }
    Ok(Value::bool(
        host.heap.field(arguments[0], DELAY_STATE) == Value::TRUE,
    ))
}

// --- channels ---

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

// --- the heap ---

fn gc_stats(host: &Host, _: &[Value]) -> Outcome {
    let stats = host.heap.stats();
    let entry = |name: &str, number: u64| (host.keyword(name), host.heap.int(number as i64));
    Ok(crate::collections::sorted_map::from_entries(
        host,
        &[
            entry("minor-collections", stats.minor_collections),
            entry("major-collections", stats.major_collections),
            entry("old-bytes", stats.old_bytes as u64),
            entry("young-bytes", stats.young_bytes as u64),
            entry("longest-pause-ns", stats.longest_pause),
            entry("total-pause-ns", stats.total_pause),
        ],
    ))
}

/// The collection itself happens at the safepoint after this call.
fn gc_collect(_: &Host, _: &[Value]) -> Outcome {
    suspend(Operation::Collect)
}

fn interner_stats(host: &Host, _: &[Value]) -> Outcome {
    let count = Value::index(host.symbols.len());
    Ok(crate::collections::sorted_map::from_entries(
        host,
        &[(host.keyword("count"), count)],
    ))
}

/// Number of the task that runs, for natives that keep state per task.
#[must_use]
pub fn current_task(host: &Host) -> TaskId {
    TaskId(host.scheduler.current.get())
}

/// The table of this family.
pub static TABLE: &[Native] = &[
    native(
        "async/spawn",
        exactly(1),
        spawn,
        "Starts a task that calls a function without arguments; gives its promise.",
    ),
    native(
        "async/await",
        exactly(1),
        await_one,
        "Waits for a promise; other values are returned as they are.",
    ),
    native(
        "async/all",
        exactly(1),
        all,
        "Waits for all promises; the list of their values.",
    ),
    native(
        "async/race",
        exactly(1),
        race,
        "Waits for the first settled promise.",
    ),
    native(
        "async/timeout",
        exactly(2),
        timeout,
        "Waits for a promise, but not longer than some milliseconds.",
    ),
    native(
        "async/sleep",
        exactly(1),
        async_sleep,
        "Waits some milliseconds while other tasks run.",
    ),
    native(
        "sleep",
        exactly(1),
        sleep,
        "Waits some whole milliseconds while other tasks run.",
    ),
    native(
        "async/run",
        exactly(0),
        run,
        "Lets the other tasks run until none can.",
    ),
    native(
        "async/cancel",
        exactly(1),
        cancel,
        "Cancels a task; #t if it was still pending.",
    ),
    native(
        "async/promise?",
        exactly(1),
        is_promise,
        "Whether a value is the promise of a task.",
    ),
    native(
        "async/pending?",
        exactly(1),
        is_pending,
        "Whether a promise is not settled.",
    ),
    native(
        "async/resolved?",
        exactly(1),
        is_resolved,
        "Whether a promise has a value.",
    ),
    native(
        "async/rejected?",
        exactly(1),
        is_rejected,
        "Whether a promise was settled by a condition.",
    ),
    native(
        "async/cancelled?",
        exactly(1),
        is_cancelled,
        "Whether a promise was cancelled.",
    ),
    native(
        "async/resolved",
        exactly(1),
        resolved,
        "A promise that has this value.",
    ),
    native(
        "async/rejected",
        exactly(1),
        rejected,
        "A promise that failed with this message.",
    ),
    native(
        "%settled-value",
        exactly(1),
        settled_value,
        "The outcome of a settled promise, without waiting.",
    ),
    native(
        "%make-promise",
        exactly(1),
        make_promise,
        "A delayed expression.",
    ),
    native(
        "%promise-enter",
        exactly(1),
        promise_enter,
        "Asks to run a delayed expression's body.",
    ),
    native(
        "%promise-thunk",
        exactly(1),
        promise_value,
        "The body of a delayed expression.",
    ),
    native(
        "%promise-settle",
        exactly(2),
        promise_settle,
        "Stores the value of a delayed expression.",
    ),
    native(
        "%promise-abandon",
        exactly(1),
        promise_abandon,
        "Gives up running a delayed expression's body.",
    ),
    native(
        "%promise-value",
        exactly(1),
        promise_value,
        "The value of a forced expression.",
    ),
    native(
        "async/forced?",
        exactly(1),
        is_forced,
        "Whether a delayed expression has its value.",
    ),
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
    native("gc/stats", exactly(0), gc_stats, "Figures about the heap."),
    native(
        "gc/collect",
        exactly(0),
        gc_collect,
        "Collects garbage now; figures about it.",
    ),
    native(
        "sys/interner-stats",
        exactly(0),
        interner_stats,
        "How many names are interned.",
    ),
];
