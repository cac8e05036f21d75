//! Async promises: their fields, who waits for them, cancelling.

use std::cell::Cell;

use super::operation::{Resume, Wait};
use super::{NO_QUEUE, Scheduler, TaskId};
use crate::host::Host;
use crate::host::condition::{Condition, ConditionKind, Extra};
use crate::memory::heap::Heap;
use crate::memory::value::{Kind, Value};

/// Not settled.
pub const PENDING: i32 = 0;
/// Has a value (field 1).
pub const RESOLVED: i32 = 1;
/// Has a condition map (field 1).
pub const REJECTED: i32 = 2;
/// Was cancelled.
pub const CANCELLED: i32 = 3;
/// Value of the promise of a task that `async/cancel` has cancelled.
pub(super) const EXPLICIT: Value = Value::NIL;
/// And of one that a timeout has.
pub(super) const BY_TIMEOUT: Value = Value::TRUE;
/// Field of the state.
pub const STATE: usize = 0;
/// Field of the value.
pub const VALUE: usize = 1;
/// Field of the number of the task that settles it (-1: none).
pub const TASK: usize = 2;
/// Field that says which tasks wait.
pub const WAITERS: usize = 3;
/// Field of the list of the promises of the tasks that the task has started.
pub const CHILDREN: usize = 4;

/// Children of a task above which those that are settled are dropped from its list.
const FIRST_PRUNING: usize = 16;

impl Scheduler {
    /// Notes that the task of the promise `parent` started that of `child`, so that cancelling one
    /// reaches the other.
    pub(crate) fn adopt(&self, host: &Host, parent: Value, child: Value) {
        let heap = &host.heap;
        if parent.kind() != Kind::AsyncPromise {
            return;
        }
        let mut children = heap.field(parent, CHILDREN);
        let count = heap.list_len(children);
        if count >= FIRST_PRUNING && count.is_power_of_two() {
            let pending: Vec<Value> = heap
                .list_iter(children)
                .filter(|child| is_pending(heap, *child))
                .collect();
            children = heap.list(&pending);
        }
        heap.set_field(parent, CHILDREN, heap.cons(child, children));
    }

    /// Settles a pending promise and wakes who waits for it. Settled ones stay as they are.
    pub fn settle(&self, host: &Host, promise: Value, state: i32, value: Value) {
        let heap = &host.heap;
        if !is_pending(heap, promise) {
            return;
        }
        heap.set_field(promise, STATE, Value::small(state));
        heap.set_field(promise, VALUE, value);
        let failed = matches!(state, REJECTED | CANCELLED);
        while let Some(place) = waiters(heap, promise).and_then(|waiters| self.dequeue(waiters)) {
            let resume = match self
                .records
                .borrow_mut()
                .get_mut(place as usize)
                .and_then(|record| record.wait.as_mut())
            {
                Some(Wait::Promise(_) | Wait::Timeout(..) | Wait::Race(_)) => {
                    Some(outcome(heap, promise))
                }
                Some(Wait::Any(_)) => Some(Resume::Value(Value::NIL)),
                Some(Wait::All(..)) if failed => Some(outcome(heap, promise)),
                Some(Wait::All(promises, pending)) => {
                    *pending = pending.saturating_sub(1);
                    (*pending == 0).then(|| all_values(heap, promises))
                }
                _ => None,
            };
            if let Some(resume) = resume {
                self.unblock(heap, place, resume, Some(promise));
            }
        }
    }

    /// Cancels the task behind a pending promise; false if it is settled. The pending tasks that the
    /// task has started are cancelled in any case.
    pub fn cancel(&self, host: &Host, promise: Value) -> bool {
        self.cancel_because(host, promise, EXPLICIT)
    }

    pub(super) fn cancel_because(&self, host: &Host, promise: Value, reason: Value) -> bool {
        let cancelled = self.cancel_one(host, promise, reason);
        let mut owners = vec![promise];
        while let Some(owner) = owners.pop() {
            let children = host.heap.field(owner, CHILDREN);
            host.heap.set_field(owner, CHILDREN, Value::EMPTY);
            // The list has the youngest first.
            let mut children: Vec<Value> = host.heap.list_iter(children).collect();
            children.reverse();
            for child in children {
                self.cancel_one(host, child, reason);
                owners.push(child);
            }
        }
        cancelled
    }

    fn cancel_one(&self, host: &Host, promise: Value, reason: Value) -> bool {
        let heap = &host.heap;
        if !is_pending(heap, promise) {
            return false;
        }
        self.settle(host, promise, CANCELLED, reason);
        let Some(task) = heap
            .field(promise, TASK)
            .as_fixnum()
            .and_then(|task| u64::try_from(task).ok())
            .map(TaskId)
        else {
            return true;
        };
        let waits = self.change(task.place(), |record| {
            if record.id != Some(task) {
                return false;
            }
            record.cancelled = true;
            if let Some(resume) = &mut record.resume {
                *resume = Resume::Raise(Box::new(cancelled_condition(reason)));
            }
            record.wait.is_some()
        });
        if waits == Some(true) {
            self.unblock(
                heap,
                task.place() as u32,
                Resume::Raise(Box::new(cancelled_condition(reason))),
                None,
            );
        }
        true
    }
}

/// The field that says which tasks wait for a promise.
pub(super) fn waiters(heap: &Heap, promise: Value) -> Option<&Cell<Value>> {
    heap.fields_of(Kind::AsyncPromise, promise).get(WAITERS)
}

/// Whether this is an async promise that has not been settled.
pub(crate) fn is_pending(heap: &Heap, value: Value) -> bool {
    value.kind() == Kind::AsyncPromise && heap.field(value, STATE) == Value::small(PENDING)
}

/// A new async promise, settled by `task` (if it is one).
pub fn new_promise(host: &Host, state: i32, value: Value, task: Option<TaskId>) -> Value {
    let task = task.map_or(Value::small(-1), |task| Value::index(task.0 as usize));
    host.heap.object(
        Kind::AsyncPromise,
        0,
        &[Value::small(state), value, task, NO_QUEUE, Value::EMPTY],
    )
}

/// With what somebody who waited for this settled promise goes on.
pub fn outcome(heap: &Heap, promise: Value) -> Resume {
    let value = heap.field(promise, VALUE);
    match heap
        .field(promise, STATE)
        .as_fixnum()
        .map(|state| state as i32)
    {
        Some(REJECTED) => Resume::Throw(value),
        Some(CANCELLED) => Resume::Raise(Box::new(cancelled_condition(value))),
        _ => Resume::Value(value),
    }
}

/// With what `async/all` goes on: at once with the first failure or all values, or how many promises
/// it has to wait for.
pub(crate) fn all_outcome(heap: &Heap, promises: &[Value]) -> Result<Resume, usize> {
    let mut pending = 0;
    for promise in promises {
        match heap.field(*promise, STATE).as_fixnum() {
            Some(state) if state == i64::from(PENDING) => pending += 1,
            Some(state) if state != i64::from(RESOLVED) => {
                return Ok(outcome(heap, *promise));
            }
            _ => {}
        }
    }
    if pending == 0 {
        Ok(all_values(heap, promises))
    } else {
        Err(pending)
    }
}

/// The list of the values of promises, all resolved.
fn all_values(heap: &Heap, promises: &[Value]) -> Resume {
    let values: Vec<Value> = promises.iter().map(|p| heap.field(*p, VALUE)).collect();
    Resume::Value(heap.list(&values))
}

/// The condition of a cancelled task, for the value of its promise.
pub(crate) fn cancelled_condition(reason: Value) -> Condition {
    let reason = if reason == BY_TIMEOUT {
        "timeout"
    } else {
        "explicit"
    };
    Condition::new(
        ConditionKind::Cancelled,
        "async/await: awaited task was cancelled",
    )
    .with("reason", Extra::Keyword(reason.to_owned()))
}
