//! Delayed expressions (language specification, 14.1): fields state (nil, #t forced, the running task's
//! number), value or thunk, and the promise others wait for while it runs.

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
    /// A delayed expression.
    "%make-promise" (a: Any) -> Any => make_promise;

    /// Asks to run a delayed expression's body.
    "%promise-enter" (a: Any) -> Any => promise_enter;

    /// The body of a delayed expression.
    "%promise-thunk" (a: Any) -> Any => promise_value;

    /// Stores the value of a delayed expression.
    "%promise-settle" (a: Any, b: Any) -> Any => promise_settle;

    /// Gives up running a delayed expression's body.
    "%promise-abandon" (a: Any) -> Any => promise_abandon;

    /// The value of a forced expression.
    "%promise-value" (a: Any) -> Any => promise_value;

    /// Whether a delayed expression has its value.
    "async/forced?" (promise: Promise) -> Bool => is_forced;
}
