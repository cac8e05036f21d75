//! Which timeouts stop a task that computes without waiting.

use std::collections::BTreeSet;
use std::time::Instant;

use super::operation::{Resume, Wait};
use super::promise::{BY_TIMEOUT, CHILDREN, EXPLICIT, TASK, VALUE, is_pending};
use super::timer::timeout_condition;
use super::{Scheduler, TaskId};
use crate::host::Host;
use crate::memory::heap::Heap;
use crate::memory::value::{Kind, Value};

/// Gives the promises of tasks whose results nobody wants any more; `None` when there will be no others.
pub type Unwanted = Box<dyn Fn(&Host) -> Option<Vec<Value>>>;

impl Scheduler {
    /// While a task computes this is asked now and then, too. Tasks that nothing else waits for than what nobody wants are stopped.
    pub fn ask_for_unwanted(&self, ask: Unwanted) {
        self.unwanted.borrow_mut().push(ask);
    }

    /// Cancels the running task, which has this promise, if it works for nobody; whether it does.
    pub(crate) fn stop_unwanted(&self, host: &Host, running: TaskId, promise: Value) -> bool {
        if promise.kind() != Kind::AsyncPromise {
            return false;
        }
        let mut is_unwanted = false;
        self.unwanted.borrow_mut().retain(|ask| {
            let awaited = ask(host);
            let mut all = awaited.iter().flatten();
            is_unwanted |= all.any(|awaited| self.depends_on(&host.heap, *awaited, running));
            awaited.is_some()
        });
        if is_unwanted {
            self.cancel_because(host, promise, EXPLICIT);
        }
        is_unwanted
    }

    /// Wakes those whose timeouts are due and about the running task, which has this promise, and cancels it if
    /// there are any.
    pub(crate) fn stop_by_timeouts(&self, host: &Host, running: TaskId, promise: Value) -> bool {
        if promise.kind() != Kind::AsyncPromise || self.timers.borrow().is_empty() {
            return false;
        }
        let now = Instant::now();
        let due: Vec<u32> = self
            .timers
            .borrow()
            .iter()
            .take_while(|((deadline, _), _)| *deadline <= now)
            .map(|(_, place)| *place)
            .collect();
        let mut stopped = false;
        for place in due {
            let timeout = match self
                .records
                .borrow()
                .get(place as usize)
                .and_then(|record| record.wait.as_ref())
            {
                Some(Wait::Timeout(awaited, limit)) => Some((*awaited, *limit)),
                _ => None,
            };
            if let Some((awaited, limit)) = timeout
                && self.depends_on(&host.heap, awaited, running)
            {
                let resume = Resume::Raise(Box::new(timeout_condition(limit)));
                self.unblock(&host.heap, place, resume, None);
                stopped = true;
            }
        }
        if stopped {
            self.cancel_because(host, promise, BY_TIMEOUT);
        }
        stopped
    }

    /// Whether a promise cannot be settled before the running task waits or ends: it is the task's own, or that of one
    /// that waits for it, or that has started it.
    fn depends_on(&self, heap: &Heap, promise: Value, running: TaskId) -> bool {
        let records = self.records.borrow();
        let mut seen = BTreeSet::new();
        let mut open = vec![promise];
        while let Some(promise) = open.pop() {
            if !is_pending(heap, promise) || !seen.insert(promise.bits()) {
                continue;
            }
            let task = heap.field(promise, TASK).as_fixnum();
            let Some(task) = task.and_then(|task| u64::try_from(task).ok()).map(TaskId) else {
                continue;
            };
            if task == running {
                return true;
            }
            open.extend(heap.list_iter(heap.field(promise, CHILDREN)));
            let record = records
                .get(task.place())
                .filter(|record| record.id == Some(task));
            if let Some(wait) = record.and_then(|record| record.wait.as_ref()) {
                open.extend(wait.promises());
            }
        }
        false
    }

    /// Whether a task has been cancelled.
    pub fn is_cancelled(&self, task: TaskId) -> bool {
        let records = self.records.borrow();
        records
            .get(task.place())
            .is_some_and(|record| record.id == Some(task) && record.cancelled)
    }

    /// Why the task with this promise was cancelled.
    pub(crate) fn reason_of(&self, heap: &Heap, promise: Value) -> Value {
        match promise.kind() {
            Kind::AsyncPromise => heap.field(promise, VALUE),
            _ => Value::NIL,
        }
    }
}
