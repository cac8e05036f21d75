//! Delayed expressions (language specification, 14.1): fields state (nil, #t forced, the running task's
//! number), value or thunk, and the promise others wait for while it runs.

#![allow(
    clippy::indexing_slicing,
    reason = "a call has as many arguments as the declaration says"
)]

use sema_machine::host::Host;
use sema_machine::host::condition::{Outcome, eval_error};
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;
use sema_machine::task::{Operation, new_promise, promise};

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
        Err(sema_machine::host::condition::type_error(
            host, "thunk", value,
        ))
    }
}

/// `%promise-enter`: #t if the caller must run the body, #f if there is a value, nil if another
/// task gave up and the caller should ask again.
fn promise_enter(host: &Host, arguments: &[Value]) -> Outcome {
    let delay = expect_delay(host, arguments[0])?;
    let current = Value::index(host.scheduler.current_task().0 as usize);
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
        _ => host.suspend(Operation::Await(host.heap.field(delay, DELAY_LATCH))),
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
        return Err(sema_machine::host::condition::type_error(
            host,
            "promise",
            arguments[0],
        ));
    }
    Ok(Value::bool(
        host.heap.field(arguments[0], DELAY_STATE) == Value::TRUE,
    ))
}

natives! {
    /// A delay whose value the function without parameters computes when it is forced.
    "%make-promise" (body: Any) -> Delay => make_promise;

    /// Whether the caller must run the body of a delay: #t if so, #f if there is a value. Waits while
    /// another task runs it; nil if that task gave up. Raises if this task runs it already.
    "%promise-enter" (delay: Delay) -> Any => promise_enter;

    /// The function that computes the value of a delay.
    "%promise-thunk" (delay: Delay) -> Any => promise_value;

    /// Stores the value of a delay, wakes the tasks that wait for it, and gives the value.
    "%promise-settle" (delay: Delay, value: Any) -> Any => promise_settle;

    /// Says that running the body of a delay failed, and wakes the tasks that wait for it.
    "%promise-abandon" (delay: Delay) -> Nil => promise_abandon;

    /// The value of a delay that has been forced.
    "%promise-value" (delay: Delay) -> Any => promise_value;

    /// Whether a delay has been forced, so that its value is known.
    /// (let ((d (delay (+ 1 2)))) (list (async/forced? d) (force d) (async/forced? d))) => (#f 3 #t)
    "async/forced?" (delay: Delay) -> Bool, reads => is_forced;
}
