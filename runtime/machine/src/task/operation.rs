//! What tasks wait for, and with what they go on.

use super::external::Started;
use crate::host::Host;
use crate::host::condition::{Condition, Extra, Outcome, Signal};
use crate::memory::heap::Tracer;
use crate::memory::value::Value;

/// What a suspended native waits for.
pub enum Operation {
    /// Start a task that calls this closure; the result is its promise.
    Spawn(Value),
    /// The value of a promise.
    Await(Value),
    /// The values of all promises, as a list.
    All(Vec<Value>),
    /// The first settled of some promises.
    Race(Vec<Value>),
    /// A promise, but not longer than this many milliseconds.
    Timeout(Value, f64),
    /// Until some promise of these is settled or this many milliseconds have passed; nil.
    Any(Vec<Value>, Option<f64>),
    /// This many milliseconds.
    Sleep(f64),
    /// The native has noted already what the task waits for.
    Blocked,
    /// Let the other tasks run until none can.
    RunOthers,
    /// Collect garbage, then go on with figures about it.
    Collect,
    /// Something outside of the machine.
    External(Box<Started>),
    /// Let the tasks that are ready run first: the operation is done, and this is its outcome.
    GiveWay(Resume),
}

/// The outcome of an operation on files or standard input: other tasks run before the one that asked
/// for it goes on (language specification, 15.2, rule 3).
///
/// The operation itself is done at once, which no program can tell from one done meanwhile.
///
/// # Errors
/// The signal to suspend, unless no other task could run.
#[inline(never)]
pub fn after_others(host: &Host, outcome: Outcome) -> Outcome {
    if !host.scheduler.others_could_run() {
        return outcome;
    }
    let resume = match outcome {
        Ok(value) => Resume::Value(value),
        Err(signal) => match *signal {
            Signal::Raise(condition) => Resume::Raise(Box::new(condition)),
            Signal::Throw(value) => Resume::Throw(value),
            other => return Err(Box::new(other)),
        },
    };
    host.suspend(Operation::GiveWay(resume))
}

/// A native function that opens something, perhaps later: see [`with_descriptors`](super::with_descriptors).
#[macro_export]
macro_rules! with_descriptors {
    ($function:path) => {{
        fn with_descriptors(
            host: &$crate::host::Host,
            arguments: &[$crate::memory::value::Value],
        ) -> $crate::host::condition::Outcome {
            $crate::task::with_descriptors(host, arguments, $function)
        }
        with_descriptors
    }};
}

/// A native function that works on files, whose outcome comes [`after_others`]. It is [called again](super::tried_again) if there
/// are no descriptors left.
#[macro_export]
macro_rules! giving_way {
    ($function:path) => {{
        fn give_way(
            host: &$crate::host::Host,
            arguments: &[$crate::memory::value::Value],
        ) -> $crate::host::condition::Outcome {
            let outcome = $crate::task::tried_again(host, arguments, $function);
            $crate::task::after_others(host, outcome)
        }
        give_way
    }};
}

/// With what a task that waited goes on.
pub enum Resume {
    /// The operation's result.
    Value(Value),
    /// A value is thrown (condition maps are the conditions they came from).
    Throw(Value),
    /// A condition is raised. It is boxed, as it is large and rare: what is moved at every switch of
    /// tasks stays small.
    Raise(Box<Condition>),
}

/// What a blocked task waits for.
pub enum Wait {
    /// For a promise.
    Promise(Value),
    /// The promises, and how many of them are pending.
    All(Vec<Value>, usize),
    /// For the first settled of some promises.
    Race(Vec<Value>),
    /// For a promise, at most so many milliseconds.
    Timeout(Value, f64),
    /// For any of some promises.
    Any(Vec<Value>),
    /// For its timer.
    Sleep,
    /// For a value from a channel.
    Receive(Value),
    /// For room in a channel, with the value to send.
    Send(Value, Value),
    /// For the operation outside of the machine that has this number.
    External(u64),
    /// For the other tasks to have nothing to do.
    RunOthers,
}

impl Wait {
    /// The promises at which the task waits.
    pub(super) fn promises(&self) -> &[Value] {
        match self {
            Wait::Promise(promise) | Wait::Timeout(promise, _) => std::slice::from_ref(promise),
            Wait::All(promises, _) | Wait::Race(promises) | Wait::Any(promises) => promises,
            Wait::Receive(_)
            | Wait::Send(..)
            | Wait::Sleep
            | Wait::External(_)
            | Wait::RunOthers => &[],
        }
    }

    pub(super) fn trace(&mut self, tracer: &mut Tracer<'_>) {
        match self {
            Wait::Promise(value) | Wait::Timeout(value, _) | Wait::Receive(value) => {
                tracer.value(value)
            }
            Wait::Send(channel, value) => {
                tracer.value(channel);
                tracer.value(value);
            }
            Wait::All(values, _) | Wait::Race(values) | Wait::Any(values) => tracer.values(values),
            Wait::Sleep | Wait::External(_) | Wait::RunOthers => {}
        }
    }
}

impl Resume {
    pub(super) fn trace(&mut self, tracer: &mut Tracer<'_>) {
        match self {
            Resume::Value(value) | Resume::Throw(value) => tracer.value(value),
            Resume::Raise(condition) => {
                for (_, extra) in &mut condition.extra {
                    if let Extra::Value(value) = extra {
                        tracer.value(value);
                    }
                }
            }
        }
    }
}
