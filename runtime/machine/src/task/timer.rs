//! Tasks that wait for a time, for the others to have nothing to do, or in vain.

use std::time::{Duration, Instant};

use super::operation::{Resume, Wait};
use super::{Scheduler, TaskId};
use crate::host::condition::{Condition, ConditionKind, Extra};
use crate::memory::heap::Heap;
use crate::memory::value::Value;

impl Scheduler {
    /// The next deadline.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.timers
            .borrow()
            .first_key_value()
            .map(|((deadline, _), _)| *deadline)
    }

    /// Whether a deadline has passed.
    pub(crate) fn is_timer_due(&self) -> bool {
        self.next_deadline()
            .is_some_and(|deadline| deadline <= Instant::now())
    }

    /// Wakes the tasks whose deadline has passed, in order; whether there were any.
    ///
    /// A timeout waits for those before it to have had their say: what a timer wakes may settle the promise that the
    /// timeout is about. However late the machine looks at its clock, the order of the deadlines decides.
    pub(crate) fn wake_expired(&self, heap: &Heap) -> bool {
        if self.timers.borrow().is_empty() {
            return false;
        }
        let now = Instant::now();
        let mut woken = false;
        loop {
            let place = match self.timers.borrow().first_key_value() {
                Some(((deadline, _), place)) if *deadline <= now => *place,
                _ => return woken,
            };
            let resume = match self
                .records
                .borrow()
                .get(place as usize)
                .and_then(|record| record.wait.as_ref())
            {
                Some(Wait::Timeout(..)) if woken => return true,
                Some(Wait::Timeout(_, limit)) => Resume::Raise(Box::new(timeout_condition(*limit))),
                _ => Resume::Value(Value::NIL),
            };
            woken = true;
            self.unblock(heap, place, resume, None);
        }
    }

    /// Whether a task waits for all others to have nothing to do; the oldest one goes on then.
    pub(crate) fn wake_runner(&self, heap: &Heap) -> bool {
        let records = self.records.borrow();
        let id_of = |place: &u32| records.get(*place as usize).and_then(|record| record.id);
        let runner = self.runners.borrow().iter().copied().min_by_key(id_of);
        drop(records);
        match runner {
            Some(place) => {
                self.unblock(heap, place, Resume::Value(Value::NIL), None);
                true
            }
            None => false,
        }
    }

    /// If the task waits, it goes on with this instead.
    pub(crate) fn interrupt(&self, heap: &Heap, task: TaskId, resume: Resume) {
        self.unblock(heap, task.place() as u32, resume, None);
    }

    /// Nothing can ever wake this task: it goes on with a condition that says so.
    pub(crate) fn break_deadlock(&self, heap: &Heap, task: TaskId) -> bool {
        let message = match self
            .records
            .borrow()
            .get(task.place())
            .and_then(|record| record.wait.as_ref())
        {
            None => return false,
            Some(Wait::Receive(_)) => "channel/recv: channel is empty",
            Some(Wait::Send(..)) => "channel/send: channel is full",
            Some(_) => "async scheduler: all tasks blocked (deadlock detected)",
        };
        self.unblock(
            heap,
            task.place() as u32,
            Resume::Raise(Box::new(Condition::new(ConditionKind::Eval, message))),
            None,
        );
        true
    }
}

/// Milliseconds as a duration; negative is zero, absurdly long is a century.
pub(super) fn duration(milliseconds: f64) -> Duration {
    Duration::from_secs_f64((milliseconds / 1000.0).clamp(0.0, 3.2e9))
}

pub(super) fn timeout_condition(limit: f64) -> Condition {
    let shown = if limit.fract() == 0.0 && limit.abs() < 1e15 {
        format!("{}", limit as i64)
    } else {
        format!("{limit}")
    };
    Condition::new(
        ConditionKind::Timeout,
        format!("async/timeout: operation timed out after {shown} ms"),
    )
    .with("operation", Extra::Text("async/timeout".to_owned()))
    .with("duration-ms", Extra::Int(limit as i64))
}
