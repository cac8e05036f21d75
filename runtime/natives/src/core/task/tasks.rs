//! Tasks, promises, timers (language specification, 14.1 and 15).

#![allow(
    clippy::indexing_slicing,
    reason = "a call has as many arguments as the declaration says"
)]

use sema_machine::data::print;
use sema_machine::host::Host;
use sema_machine::host::arguments::{integer, list_or_vector};
use sema_machine::host::condition::{ConditionKind, Outcome, Signal, eval_error, type_error};
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;
use sema_machine::task::{Operation, Resume, new_promise, outcome, promise};

/// Longest wait: a day.
const LONGEST_MS: f64 = 86_400_000.0;

/// A `:type-error` that shows the value too.
pub(crate) fn wrong_kind(host: &Host, expected: &str, value: Value) -> Box<Signal> {
    let mut signal = type_error(host, expected, value);
    if let Signal::Raise(condition) = &mut *signal {
        condition.message =
            format!("{} ({})", condition.message, print::preview(host, value)).into();
    }
    signal
}

fn expect_promise(host: &Host, value: Value) -> Outcome<Value> {
    if value.kind() == Kind::AsyncPromise {
        return Ok(value);
    }
    Err(wrong_kind(host, "async-promise", value))
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
    // One that takes arguments fails when its task starts: the promise says so.
    host.suspend(Operation::Spawn(arguments[0]))
}

fn await_one(host: &Host, arguments: &[Value]) -> Outcome {
    match arguments[0].kind() {
        Kind::AsyncPromise => host.suspend(Operation::Await(arguments[0])),
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
        host.suspend(Operation::All(promises))
    }
}

fn race(host: &Host, arguments: &[Value]) -> Outcome {
    let promises = promises(host, arguments[0])?;
    if promises.is_empty() {
        return Err(eval_error("async/race: requires at least one promise"));
    }
    host.suspend(Operation::Race(promises))
}

fn timeout(host: &Host, arguments: &[Value]) -> Outcome {
    let limit = milliseconds(host, "async/timeout", arguments[0])?;
    host.suspend(Operation::Timeout(
        expect_promise(host, arguments[1])?,
        limit,
    ))
}

/// A duration argument: a non-negative number of at most a day.
fn milliseconds(host: &Host, name: &str, value: Value) -> Outcome<f64> {
    let amount = match (value.as_float(), host.heap.as_i64(value)) {
        (Some(amount), _) => amount,
        (_, Some(amount)) => amount as f64,
        _ => {
            return Err(sema_machine::host::condition::type_error(
                host, "number", value,
            ));
        }
    };
    if amount.is_nan() || amount < 0.0 {
        return Err(eval_error(format!("{name}: duration must be non-negative")));
    }
    if amount > LONGEST_MS {
        return Err(eval_error(format!(
            "{name}: duration {} ms exceeds maximum {LONGEST_MS} ms (1 day)",
            sema_machine::data::print::readable(host, value)
        )));
    }
    Ok(amount)
}

fn async_sleep(host: &Host, arguments: &[Value]) -> Outcome {
    host.suspend(Operation::Sleep(milliseconds(
        host,
        "async/sleep",
        arguments[0],
    )?))
}

fn sleep(host: &Host, arguments: &[Value]) -> Outcome {
    let amount = integer(host, "sleep", arguments, 0)?;
    host.suspend(Operation::Sleep((amount.max(0) as f64).min(LONGEST_MS)))
}

fn run(host: &Host, _: &[Value]) -> Outcome {
    host.suspend(Operation::RunOthers)
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
        return Err(sema_machine::host::condition::type_error(
            host,
            "string",
            arguments[0],
        ));
    };
    let map = sema_machine::data::collections::sorted_map::from_entries(
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

natives! {
    /// Starts a task that calls a function without arguments, and gives the promise of its value. The
    /// task runs when the others wait. Raises unless it is a function of the program.
    /// (await (async/spawn (fn () (* 6 7)))) => 42
    "async/spawn" (thunk: Function) -> Promise => spawn;

    /// Waits for a promise and gives its value, or raises the condition that the task failed with. Any
    /// other value is given as it is.
    /// (async/await (async/resolved 5)) => 5
    /// (async/await (async/rejected "no luck")) => error no luck
    /// (async/await :ready) => :ready
    "async/await" (promise: Any) -> Any => await_one;

    /// Waits for all promises and gives the list of their values in the same order. Raises as soon as
    /// one fails.
    /// (async/all (list (async/spawn (fn () 1)) (async/resolved 2))) => (1 2)
    "async/all" (promises: Sequence) -> List => all;

    /// Waits for the promise that is settled first and gives its value or raises its condition; the
    /// other tasks run on. Raises if there is no promise.
    /// (async/race (list (async/spawn (fn () (async/sleep 20) :slow)) (async/spawn (fn () :quick)))) => :quick
    "async/race" (promises: Sequence) -> Any => race;

    /// Waits for a promise, but not longer than some milliseconds: then it raises, and the task runs on.
    /// (async/timeout 1000 (async/spawn (fn () :done))) => :done
    /// (async/timeout 1 (async/spawn (fn () (async/sleep 50)))) => error 1 ms
    "async/timeout" (milliseconds: Real, promise: Promise) -> Any, stops_tasks() => timeout;

    /// Waits some milliseconds while other tasks run. Raises if they are negative or more than a day.
    /// (async/sleep 0.5) => nil
    /// (async/sleep -1) => error duration must be non-negative
    "async/sleep" (milliseconds: Real) -> Nil => async_sleep;

    /// Waits some whole milliseconds while other tasks run; not at all if they are negative, and a day
    /// at most.
    /// (sleep 1) => nil
    "sleep" (milliseconds: Int) -> Nil => sleep;

    /// Lets the other tasks run until none of them can go on.
    /// (let ((p (async/spawn (fn () 1)))) (async/run) (async/pending? p)) => #f
    "async/run" () -> Nil => run;

    /// Asks for the end of a task; #t if it was still running and had not been asked before.
    /// (async/cancel (async/spawn (fn () (async/sleep 1000)))) => #t
    /// (async/cancel (async/resolved 1)) => #f
    "async/cancel" (promise: Promise) -> Bool, stops_tasks() => cancel;

    /// Whether a value is the promise of a task. A delay is none.
    /// (async/promise? (async/resolved 1)) => #t
    /// (async/promise? (delay 1)) => #f
    "async/promise?" (value: Any) -> Bool, total => is_promise;

    /// Whether a promise has neither a value nor a condition yet.
    /// (async/pending? (async/spawn (fn () 1))) => #t
    "async/pending?" (promise: Promise) -> Bool, reads => is_pending;

    /// Whether a promise has a value.
    /// (async/resolved? (async/resolved 1)) => #t
    "async/resolved?" (promise: Promise) -> Bool, reads => is_resolved;

    /// Whether the task of a promise failed with a condition; being cancelled does not count.
    /// (async/rejected? (async/rejected "no luck")) => #t
    "async/rejected?" (promise: Promise) -> Bool, reads => is_rejected;

    /// Whether the task of a promise was cancelled.
    /// (let ((p (async/spawn (fn () (async/sleep 1000))))) (async/cancel p) (async/cancelled? p)) => #t
    "async/cancelled?" (promise: Promise) -> Bool, reads => is_cancelled;

    /// A promise that has the value already.
    /// (async/await (async/resolved "now")) => "now"
    "async/resolved" (value: Any) -> Promise => resolved;

    /// A promise that has failed already, with a condition of this message.
    /// (async/await (async/rejected "out of order")) => error out of order
    "async/rejected" (message: String) -> Promise => rejected;

    /// The value of a settled promise, or its condition raised; never waits.
    "%settled-value" (promise: Promise) -> Any => settled_value;
}
