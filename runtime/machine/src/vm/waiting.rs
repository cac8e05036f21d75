//! Waiting: timers and what happens outside of the machine.
//!
//! Both are looked at when no task is ready, so that work that needs no waiting goes before a timer of no time; and after
//! a number of turns, so that busy tasks stop neither the clock nor the world. If nothing is ready and nothing has
//! happened, the machine's thread sleeps.

use super::Vm;
use crate::host::condition::{Condition, ConditionKind};
use crate::task::{Patience, Resume, TaskId};

/// After how many turns of tasks timers are looked at. All patiences are one less than a power of two.
pub(super) const PATIENCE: u64 = 4095;
/// The same while tasks wait for something outside: looking there costs a system call.
pub(super) const PATIENCE_OUTSIDE: u64 = 255;

impl Vm {
    /// Between two turns of busy tasks.
    #[cold]
    #[inline(never)]
    pub(super) fn look_around(&mut self) {
        let scheduler = &self.host.scheduler;
        if scheduler.outside.is_empty() {
            self.patience = PATIENCE;
        } else {
            scheduler.collect_outside(&self.host, Patience::None);
        }
        scheduler.wake_expired(&self.host.heap);
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
        let deadline = scheduler.next_deadline();
        if deadline.is_some() || !scheduler.outside.is_empty() {
            self.host.output.flush();
            scheduler.collect_outside(&self.host, Patience::Until(deadline));
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
