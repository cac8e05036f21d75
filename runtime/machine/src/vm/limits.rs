//! The limits of a program's memory: going beyond is a condition that the program can catch, not an end of
//! the process by the system.
//!
//! What the environment does not set follows from the memory that the process may use
//! ([`crate::platform::available`]), which only programs ask for that have become large.

use std::ffi::OsString;

use super::Vm;
use super::dispatch::{Next, Running};
use super::unwind::Payload;
use crate::host::condition::Condition;
use crate::memory::account::Charge;
use crate::memory::value::Value;
use crate::platform::available;

/// The limit of the stacks of all tasks together, in megabytes.
const STACK_VARIABLE: &str = "SEMAC_STACK_MB";
/// The limit of all data, in megabytes.
const HEAP_VARIABLE: &str = "SEMAC_HEAP_MB";

/// What a program may use before anybody asks how much there is.
const UNASKED: usize = 16 << 20;
/// Most bytes of the stacks of all tasks unless the program's environment says otherwise.
const MOST_STACK: usize = 512 << 20;
/// Least limit of the stacks' bytes.
const LEAST_STACK: usize = 64 << 10;
/// Parts of the available memory that the stacks may take.
const STACK_SHARE: (usize, usize) = (1, 4);
/// Parts of the limit of all data that the stacks may take, if only the former is set.
const STACK_PART: usize = 4;
/// The account of the stacks is brought up to date when they differ by so many bytes.
const STACK_STEP: usize = 64 << 10;
/// A program whose live data leave less than this part of the heap's limit free has reached it: it would do
/// nothing but collect.
const FREE_PART: usize = 16;

/// The limits that the environment of a program sets, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Of the stacks of all tasks together: `SEMAC_STACK_MB`.
    pub stack: Option<usize>,
    /// Of all data, the stacks too: `SEMAC_HEAP_MB`.
    pub heap: Option<usize>,
}

/// A variable of the environment has no valid value.
#[derive(Debug, thiserror::Error)]
#[error("{variable} must be a whole number of megabytes from 1 to 1048576, not {value:?}")]
pub struct LimitError {
    variable: &'static str,
    value: OsString,
}

impl Limits {
    /// Reads the variables of the environment.
    ///
    /// # Errors
    /// One of them is not a number of megabytes.
    pub fn from_environment() -> Result<Limits, LimitError> {
        Ok(Limits {
            stack: megabytes(STACK_VARIABLE)?,
            heap: megabytes(HEAP_VARIABLE)?,
        })
    }
}

fn megabytes(variable: &'static str) -> Result<Option<usize>, LimitError> {
    let Some(value) = std::env::var_os(variable) else {
        return Ok(None);
    };
    value
        .to_str()
        .and_then(|text| text.parse::<usize>().ok())
        .filter(|megabytes| (1..=1 << 20).contains(megabytes))
        .and_then(|megabytes| megabytes.checked_mul(1 << 20))
        .map(Some)
        .ok_or(LimitError { variable, value })
}

/// One limit of a machine.
pub(super) struct Limit {
    bytes: usize,
    /// Whether `bytes` is final.
    settled: bool,
    share: (usize, usize),
    most: usize,
}

impl Limit {
    pub(super) const fn of_stacks() -> Limit {
        Limit {
            bytes: UNASKED,
            settled: false,
            share: STACK_SHARE,
            most: MOST_STACK,
        }
    }

    fn set(&mut self, bytes: usize) {
        self.bytes = bytes;
        self.settled = true;
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Finds out what the limit is, if that is not known yet; whether it is higher than it has been so far.
    pub(super) fn settle(&mut self) -> bool {
        if self.settled {
            return false;
        }
        let before = self.bytes;
        let (part, of) = self.share;
        self.set((available::bytes() / of * part).min(self.most));
        self.bytes > before
    }
}

impl Vm {
    /// Limits the stacks of all tasks together, and all data, of which the stacks are a part: a quarter at most if only the
    /// latter has a limit. A call or an allocation that would go beyond raises an `:eval` condition.
    pub fn set_limits(&mut self, limits: Limits) {
        let part = limits
            .heap
            .map(|bytes| (bytes / STACK_PART).min(MOST_STACK));
        if let Some(bytes) = limits.stack.or(part) {
            self.stack_limit.set(bytes.max(LEAST_STACK));
        }
        if let Some(bytes) = limits.heap {
            self.host.heap.account.set_limit(bytes);
        }
    }

    /// Bytes of the stacks of all tasks.
    pub(super) fn stack_bytes(&self) -> usize {
        self.tasks.parked_bytes() + self.task.footprint()
    }

    /// Accounts for the stacks, which count as data.
    pub(super) fn account_for_stacks(&mut self) {
        let bytes = self.stack_bytes();
        let charged = self.stack_charge.as_ref().map_or(0, Charge::bytes);
        if bytes.abs_diff(charged) >= STACK_STEP {
            let account = &self.host.heap.account;
            (self.stack_charge)
                .get_or_insert_with(|| account.charge())
                .set(bytes);
        }
    }

    /// Collects; the condition if the program's data have no room.
    #[cold]
    fn collect_within_limit(&mut self) -> Option<Condition> {
        self.collect(false);
        let account = &self.host.heap.account;
        if self.host.used_bytes() <= account.limit() || account.settle() {
            return None;
        }
        self.collect(true);
        let limit = self.host.heap.account.limit();
        (self.host.used_bytes() > limit - limit / FREE_PART).then(|| self.host.out_of_memory())
    }

    /// Before a task is started that runs this function: the condition if the program's data have no room. The task that starts
    /// it is to get it now: later it would leave behind a task that goes on without it. The function may move.
    pub(super) fn memory_for_task(&mut self, function: Value) -> Result<Value, Condition> {
        self.account_for_stacks();
        if !self.host.heap.is_nearly_full()
            && self.host.used_bytes() <= self.host.heap.account.limit()
        {
            return Ok(function);
        }
        let kept = self.host.keep(function);
        let problem = self.collect_within_limit();
        let function = self.host.kept(kept);
        self.host.release(kept);
        problem.map_or(Ok(function), Err)
    }

    /// Collects, and raises a condition if the program's data have no room.
    #[cold]
    #[inline(never)]
    pub(super) fn collect_or_raise(&mut self) -> Running {
        let Some(condition) = self.collect_within_limit() else {
            return true;
        };
        if self.host.scheduler.goes_on_without_memory() {
            return true;
        }
        match self.raise(Payload::Condition(condition)) {
            Next::Continue => true,
            Next::Stop(event) => self.stop(event),
        }
    }
}
