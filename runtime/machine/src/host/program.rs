//! Running the program of a machine once more, on a machine and a thread of its own: the workers of a server.

use std::any::Any;
use std::sync::{Arc, Mutex, Weak};

use super::Host;

/// Stack of a thread that runs a program, as the first thread of a process usually has it. Programs that compile while they run need more.
pub const STACK_BYTES: usize = 8 << 20;

/// How a machine has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The program has come to its end.
    Done,
    /// By `exit`, with this status.
    Exit(u8),
    /// By a condition that nothing caught, or it could not be started. That has been reported.
    Failed,
}

/// Plain data that machines of one program share, for as long as one of them holds them.
pub type Common = Mutex<Vec<Weak<dyn Any + Send + Sync>>>;

/// A program that can be run any number of times at once, each time with globals of its own.
pub trait Program: Send + Sync {
    /// What its machines share.
    fn common(&self) -> &Common;

    /// Makes a machine on the calling thread, lets `prepare` look at it, and runs the program to its end. Signals of the process
    /// do not concern this machine.
    fn run(self: Arc<Self>, prepare: &mut dyn FnMut(&Host)) -> Ended;
}
