//! Steps: how a task that computes without end is stopped.
//!
//! Programs that can stop tasks count their steps: at calls, and once in every round of a loop (`count` and the calls
//! that count, see the instruction table). All that costs is a counter; when it has run down, [`Vm::continue_counting`]
//! looks at the clock, at cancellations and at the limit of steps, and either grants more steps or raises a condition
//! in the running task. It never gives the machine to another task: between two waits a task runs undisturbed.
//!
//! - A stretch of [`TURN`] steps is never disturbed: a task that ends soon ends, however short a timeout is.
//! - If a timeout is due and the running task is what it is about (the task of its promise, or one for which that
//!   task waits or that it has started), the one that waits goes on with its timeout, and the running task is cancelled.
//! - A cancelled task that goes on to compute, because it has caught the condition, gets it again and again, as it would if
//!   it waited; in the end it gets one that no handler sees.

use super::dispatch::{Next, Running};
use super::unwind::Payload;
use super::{Event, Vm};
use crate::host::condition::{Condition, ConditionKind};
use crate::task::cancelled_condition;

/// Steps of a turn that nothing disturbs. The language promises 100,000.
const TURN: u64 = 1 << 17;
/// Steps between two looks at the clock after that: a fraction of a millisecond.
const SLICE: u64 = 1 << 14;
/// How often a cancelled task gets the condition before it is ended.
const MOST_CANCELLATIONS: u32 = 16;

/// The steps that the running task may take.
#[derive(Default)]
pub(super) struct Steps {
    /// Of those granted. Handlers count it down; when there are none left they ask for more.
    pub left: u64,
    /// Steps that may be taken in all, besides those that have been granted; `None`: any number.
    limit: Option<u64>,
    /// The turn in which steps were granted last.
    turn: u64,
    /// How often this turn's task has been given the condition that it is cancelled.
    cancellations: u32,
}

impl Steps {
    fn grant(&mut self, steps: u64) {
        let steps = self.limit.map_or(steps, |limit| limit.min(steps));
        self.limit = self.limit.map(|limit| limit - steps);
        self.left = steps;
    }

    /// Of the limit, how many are left.
    fn rest(&self) -> Option<u64> {
        self.limit.map(|limit| limit + self.left)
    }
}

impl Vm {
    /// Limits the steps of the program (calls, and rounds of loops) from now on. When they are used up, every further
    /// step raises an `:eval` condition, so no handler can go on for long. Only code that was compiled to count its
    /// steps is limited.
    pub fn set_step_limit(&mut self, limit: Option<u64>) {
        self.steps.limit = limit;
        self.steps.left = 0;
    }

    /// How many steps of the limit are left, if there is a limit.
    #[must_use]
    pub fn steps_left(&self) -> Option<u64> {
        self.steps.rest()
    }

    /// The steps that were granted have been taken; the program counter of the saved registers stands behind the first
    /// word of the instruction that counts. Whether the task goes on, with that instruction or in a handler.
    pub(super) fn continue_counting(&mut self) -> Running {
        self.steps.left = 0;
        match self.stop_running() {
            None => {
                let pc = self.task.registers.pc;
                self.task.registers.pc = pc.wrapping_sub(1);
                true
            }
            Some(Next::Continue) => self.safepoint(),
            Some(Next::Stop(event)) => self.stop(event),
        }
    }

    /// Stops the running task if it has to be; else grants more steps.
    fn stop_running(&mut self) -> Option<Next> {
        if self.steps.limit == Some(0) {
            let condition = Condition::new(
                ConditionKind::Eval,
                "the program has taken all the steps it may take: it may never end",
            );
            return Some(self.raise(Payload::Condition(condition)));
        }
        if self.interrupted.is_empty()
            && let Some(raised) = self.out_of_time(true)
        {
            return Some(Next::Stop(Event::Stopped(raised)));
        }
        if self.steps.turn != self.switches {
            self.steps.turn = self.switches;
            self.steps.cancellations = 0;
            self.steps.grant(TURN);
            return None;
        }
        if !self.interrupted.is_empty() {
            self.steps.grant(TURN);
            return None;
        }
        let scheduler = &self.host.scheduler;
        let timed_out = scheduler.stop_by_timeouts(&self.host, self.task.id, self.task.promise);
        let is_unwanted =
            timed_out || scheduler.stop_unwanted(&self.host, self.task.id, self.task.promise);
        if !is_unwanted && !scheduler.is_cancelled(self.task.id) {
            self.steps.grant(SLICE);
            return None;
        }
        self.steps.grant(TURN);
        self.steps.cancellations += 1;
        let reason = scheduler.reason_of(&self.host.heap, self.task.promise);
        let payload = Payload::Condition(cancelled_condition(reason));
        Some(if self.steps.cancellations > MOST_CANCELLATIONS {
            self.raise_past_handlers(payload)
        } else {
            self.raise(payload)
        })
    }
}
