//! Waiting: timers and what happens outside of the machine.
//!
//! Both are looked at when no task is ready, so that work that needs no waiting goes before a timer of no time; and after
//! a number of turns, so that busy tasks stop neither the clock nor the world. If nothing is ready and nothing has
//! happened, the machine's thread sleeps.

use std::time::{Duration, Instant};

use super::Vm;
use super::unwind::{Payload, Raised};
use crate::host::condition::{Condition, ConditionKind};
use crate::task::{Patience, Resume, TaskId};

/// After how many turns of tasks timers are looked at. All patiences are one less than a power of two.
pub(super) const PATIENCE: u64 = 4095;
/// The same while tasks wait for something outside: looking there costs a system call.
pub(super) const PATIENCE_OUTSIDE: u64 = 255;

/// When a program has run long enough.
#[derive(Clone, Copy)]
pub(super) struct Deadline {
    at: Instant,
    /// How long it might run.
    limit: Duration,
}

impl Vm {
    /// Limits the time that the program takes from now on; `None`: it may run for ever. When the time is over, the
    /// program ends with a `:timeout` condition that no handler sees. Tasks that compute are reached only where their
    /// code counts its steps, and natives that do not wait are not interrupted.
    pub fn set_time_limit(&mut self, limit: Option<Duration>) {
        self.deadline = limit.and_then(|limit| {
            let at = Instant::now().checked_add(limit)?;
            Some(Deadline { at, limit })
        });
    }

    /// How the program ends if its time is over. `running`: there is a task on the machine, whose trace it gets.
    pub(super) fn out_of_time(&mut self, running: bool) -> Option<Box<Raised>> {
        let Deadline { at, limit } = self.deadline?;
        if Instant::now() < at {
            return None;
        }
        let milliseconds = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        let condition = Condition::new(
            ConditionKind::Timeout,
            format!("the program has taken all the time it may take: {milliseconds} ms"),
        );
        let trace = if running { self.trace() } else { Vec::new() };
        Some(Box::new(Raised {
            payload: Payload::Condition(condition),
            trace,
        }))
    }

    /// Between two turns of busy tasks: how the program ends, if it has to.
    #[cold]
    #[inline(never)]
    pub(super) fn look_around(&mut self) -> Option<Box<Raised>> {
        let scheduler = &self.host.scheduler;
        if scheduler.outside.is_empty() {
            self.patience = PATIENCE;
        } else {
            scheduler.collect_outside(&self.host, Patience::None);
        }
        scheduler.wake_expired(&self.host.heap);
        self.out_of_time(false)
    }

    /// No task is ready: wakes those whose timers are due; whether there are any. After the end of the root task what
    /// happens outside does not count any more.
    pub(super) fn wake_idle(&mut self, root_ended: bool) -> bool {
        let scheduler = &self.host.scheduler;
        // What has come by now goes before timeouts that are due. Without timers that are due, `wait` looks.
        if !root_ended
            && !scheduler.outside.is_empty()
            && scheduler.is_timer_due()
            && scheduler.collect_outside(&self.host, Patience::None)
        {
            return true;
        }
        scheduler.wake_expired(&self.host.heap)
    }

    /// Nothing is ready while the root waits: sleeps until something happens, or ends a deadlock.
    pub(super) fn wait(&mut self) {
        let scheduler = &self.host.scheduler;
        let timer = scheduler.next_deadline();
        if timer.is_some() || !scheduler.outside.is_empty() {
            self.host.output.flush();
            let end = self.deadline.map(|deadline| deadline.at);
            let until = [timer, end].into_iter().flatten().min();
            scheduler.collect_outside(&self.host, Patience::Until(until));
        } else if !scheduler.wake_runner(&self.host.heap)
            && !scheduler.break_deadlock(&self.host.heap, TaskId::ROOT)
        {
            // The root is neither ready nor blocked: only a defect of the scheduler gets here, and
            // going on with a condition is better than waiting for ever.
            scheduler.push_ready(
                TaskId::ROOT,
                Resume::Raise(Box::new(Condition::new(
                    ConditionKind::Internal,
                    "the root task was lost",
                ))),
            );
        }
    }
}
