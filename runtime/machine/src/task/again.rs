//! Builtins that are tried again after garbage has been collected: streams that nobody holds use up descriptors until
//! then.

use super::external::{Asking, Await, Pending};
use crate::host::Host;
use crate::host::condition::{ConditionKind, Outcome, Signal};
use crate::memory::value::Value;
use crate::platform::descriptors;

/// A native function.
type Function = fn(&Host, &[Value]) -> Outcome;

/// Calls a native function that opens something. If that fails and the process has no descriptors left, the function is called once
/// more after a full collection.
///
/// # Errors
/// The function's condition, or the signal to wait.
pub fn tried_again(host: &Host, arguments: &[Value], function: Function) -> Outcome {
    match function(host, arguments) {
        Err(signal) if is_failure(&signal) && descriptors::are_used_up() => {
            after_collection(host, arguments, function)
        }
        outcome => outcome,
    }
}

/// The same for a function that opens something later: a collection comes first if the process has no descriptors left.
///
/// # Errors
/// The function's condition, or the signal to wait.
pub fn with_descriptors(host: &Host, arguments: &[Value], function: Function) -> Outcome {
    if descriptors::are_used_up() {
        return after_collection(host, arguments, function);
    }
    tried_again(host, arguments, function)
}

fn after_collection(host: &Host, arguments: &[Value], function: Function) -> Outcome {
    let arguments = host.keep(host.heap.list(arguments));
    // The machine collects before a task waits.
    host.heap.request_full_collection();
    host.wait_for(Again {
        function,
        arguments,
        waited: false,
    })
}

fn is_failure(signal: &Signal) -> bool {
    use ConditionKind::{Eval, Io};
    matches!(signal, Signal::Raise(condition) if matches!(condition.kind, Eval | Io))
}

struct Again {
    function: Function,
    /// The number of the kept list of arguments.
    arguments: u32,
    waited: bool,
}

impl Pending for Again {
    fn advance(&mut self, _: &Asking<'_>) -> Await {
        if std::mem::replace(&mut self.waited, true) {
            return Await::Done;
        }
        Await::Turn
    }

    fn finish(self: Box<Self>, host: &Host) -> Outcome {
        let arguments: Vec<Value> = host.heap.list_iter(host.kept(self.arguments)).collect();
        host.release(self.arguments);
        (self.function)(host, &arguments)
    }
}
