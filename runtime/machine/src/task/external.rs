//! Operations that wait for something outside of the machine: what a native says to wait, and how.
//!
//! A native that may have to wait makes a [`Pending`] and gives it to [`Host::wait_for`]. A pending operation is plain
//! Rust data: it holds no values, so a collection has nothing to see and threads nothing to share. The machine asks it to
//! [`advance`](Pending::advance); it goes as far as it can without waiting and answers what it waits for
//! next ([`Await`]). When that has happened it is asked again, and when it is done [`Pending::finish`] turns its result
//! into a value. All this happens on the machine's thread. Meanwhile other tasks run.
//!
//! What can be waited for:
//!
//! - a descriptor that can be read or written, or any of several: pipes, terminals, sockets; costs no thread;
//! - a [`Completer`]'s call from any other thread: that of the pool, or of an engine with an event loop of its own.
//!   It may be called any number of times, also when nobody waits: it only says "ask again". So a source that yields many
//!   results (a socket's messages, rows of a database) is a shared queue; its receiving builtin is a pending operation that
//!   takes one result out of the queue, or leaves its completer there and awaits [`Await::Completion`];
//! - a time; or only the other tasks' turn, for work that is done in parts.
//!
//! A task that is cancelled, and the end of the program, [`cancel`](Pending::cancel) and drop the operation: what it
//! holds is given back by its own `Drop`s. Whether it has done something by then is its own matter: an operation that
//! others share (standard input) leaves what it has not delivered for the next one.
//!
//! # One builtin that waits is one function
//!
//! ```
//! use sema_machine::host::Host;
//! use sema_machine::host::arguments::text;
//! use sema_machine::host::condition::{Outcome, io_error};
//! use sema_machine::host::native::{Native, exactly, native};
//! use sema_machine::memory::value::Value;
//!
//! /// `(host/addresses name)`: the addresses of a host; asking may take seconds.
//! fn addresses(host: &Host, args: &[Value]) -> Outcome {
//!     let name = text(host, "host/addresses", args, 0)?.to_owned();
//!     host.blocking(
//!         // On a thread of the pool: plain data in, plain data out.
//!         move |_| {
//!             use std::net::ToSocketAddrs;
//!             let found = (name.as_str(), 0).to_socket_addrs();
//!             found.map(|found| found.map(|address| address.ip().to_string()).collect::<Vec<_>>())
//!         },
//!         // On the machine's thread: values.
//!         |host, found| {
//!             let found = found.map_err(|error| io_error(format!("host/addresses: {error}")))?;
//!             let texts: Vec<Value> = found.iter().map(|text| host.heap.string(text)).collect();
//!             Ok(host.heap.list(&texts))
//!         },
//!     )
//! }
//!
//! static TABLE: &[Native] = &[native("host/addresses", exactly(1), addresses, "Addresses of a host.")];
//! # assert_eq!(TABLE.len(), 1);
//! ```

use std::time::Instant;

use super::completion::Completer;
use super::operation::{Operation, Resume};
use crate::host::Host;
use crate::host::condition::{Condition, ConditionKind, Outcome, Signal};
use crate::platform::descriptors::{Descriptor, Interest};
use crate::platform::threads::Job;

/// What an operation waits for next.
#[derive(Debug)]
pub enum Await {
    /// Nothing: it is done.
    Done,
    /// A [`Completer`] that it has given away.
    Completion,
    /// A descriptor that is ready.
    Ready(Descriptor, Interest),
    /// Any of some descriptors, or a time.
    AnyOf(Vec<(Descriptor, Interest)>, Option<Instant>),
    /// A time.
    Time(Instant),
    /// The tasks that are ready to have their turn.
    Turn,
}

/// An operation on something outside of the machine.
pub trait Pending: Send {
    /// Goes as far as possible without waiting. Asked at the start and when what it awaited has happened, but it may be
    /// asked at any time: it looks for itself.
    fn advance(&mut self, asking: &Asking<'_>) -> Await;

    /// Nobody wants the result any more; the operation is dropped afterwards.
    fn cancel(&mut self) {}

    /// The result as a value or a condition. It is done; or it may ask to wait for another operation.
    ///
    /// # Errors
    /// A condition, or the signal to wait.
    fn finish(self: Box<Self>, host: &Host) -> Outcome;
}

/// Who asks an operation to advance.
pub struct Asking<'h> {
    /// The machine's host.
    pub host: &'h Host,
    /// The operation's number, by which it is woken; later ones are higher.
    pub number: u64,
}

impl Asking<'_> {
    /// What makes the machine ask this operation again. The first use makes the queue of completions.
    #[must_use]
    pub fn completer(&self) -> Completer {
        self.host.scheduler.outside.completer(self.number)
    }

    /// Lets a thread of the pool do a job. The first use makes the pool.
    pub fn submit(&self, job: Job) {
        self.host.scheduler.outside.submit(job);
    }
}

/// An operation that has been started and is not done.
pub struct Started {
    pub(super) number: u64,
    pub(super) pending: Box<dyn Pending>,
    pub(super) awaits: Await,
}

impl Host {
    /// Starts an operation. What it can do without waiting it has done when this returns; still, other tasks go first
    /// (language specification, 15.2, rule 3).
    ///
    /// # Errors
    /// The operation's condition, or the signal to wait.
    pub fn wait_for(&self, pending: impl Pending + 'static) -> Outcome {
        let number = self.scheduler.outside.next_number();
        let mut pending = Box::new(pending);
        match pending.advance(&Asking { host: self, number }) {
            Await::Done => super::after_others(self, pending.finish(self)),
            awaits => self.suspend(Operation::External(Box::new(Started {
                number,
                pending,
                awaits,
            }))),
        }
    }
}

/// With what a task goes on whose operation is finished, or what it waits for next.
pub(super) fn resume_of(outcome: Outcome) -> Result<Resume, Box<Started>> {
    let signal = match outcome {
        Ok(value) => return Ok(Resume::Value(value)),
        Err(signal) => signal,
    };
    Ok(match *signal {
        Signal::Raise(condition) => Resume::Raise(Box::new(condition)),
        Signal::Throw(value) => Resume::Throw(value),
        Signal::Suspend(Operation::GiveWay(resume)) => resume,
        Signal::Suspend(Operation::External(started)) => return Err(started),
        _ => Resume::Raise(Box::new(Condition::new(
            ConditionKind::Internal,
            "an operation that has waited can only wait again for another one",
        ))),
    })
}
