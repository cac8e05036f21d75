//! The scheduler's state as natives see it: who is ready, who waits for what.
//!
//! Tasks are cooperative and the order is deterministic (language specification, 15.2): one FIFO
//! queue; promises and channels wake their waiters in the order in which they began to wait;
//! timers by deadline. The stacks themselves belong to the VM.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use crate::error::{Condition, ConditionKind, Extra};
use crate::hash::NameMap;
use crate::heap::Tracer;
use crate::host::Host;
use crate::value::{Kind, Value};

/// Number of a task; never reused within a program.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct TaskId(pub u64);

impl TaskId {
    /// The main program.
    pub const ROOT: TaskId = TaskId(0);
}

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
    /// A value from an empty channel.
    Receive(Value),
    /// Room in a full channel for a value.
    Send(Value, Value),
    /// Let the other tasks run until none can.
    RunOthers,
    /// Collect garbage, then go on with figures about it.
    Collect,
}

/// With what a task that waited goes on.
pub enum Resume {
    /// The operation's result.
    Value(Value),
    /// A value is thrown (condition maps are the conditions they came from).
    Throw(Value),
    /// A condition is raised.
    Raise(Condition),
}

/// What a blocked task waits for.
pub(crate) enum Wait {
    Promise(Value),
    All(Vec<Value>),
    Race(Vec<Value>),
    Timeout(Value, f64),
    Any(Vec<Value>),
    Sleep,
    Receive(Value),
    Send(Value, Value),
    RunOthers,
}

struct Blocked {
    wait: Wait,
    /// Key of its timer, if it has one.
    timer: Option<(Instant, u64)>,
}

/// State of an async promise: field 0.
pub mod promise {
    /// Not settled.
    pub const PENDING: i32 = 0;
    /// Has a value (field 1).
    pub const RESOLVED: i32 = 1;
    /// Has a condition map (field 1).
    pub const REJECTED: i32 = 2;
    /// Was cancelled.
    pub const CANCELLED: i32 = 3;
    /// Field of the state.
    pub const STATE: usize = 0;
    /// Field of the value.
    pub const VALUE: usize = 1;
    /// Field of the promise's number.
    pub const NUMBER: usize = 2;
    /// Field of the number of the task that settles it (-1: none).
    pub const TASK: usize = 3;
}

/// Fields of a channel.
pub mod channel {
    /// Capacity.
    pub const CAPACITY: usize = 0;
    /// Tuple used as a ring.
    pub const BUFFER: usize = 1;
    /// Place of the oldest value.
    pub const HEAD: usize = 2;
    /// Number of values.
    pub const COUNT: usize = 3;
    /// Whether it is closed.
    pub const CLOSED: usize = 4;
    /// The channel's number.
    pub const NUMBER: usize = 5;
}

/// The state of the scheduler that natives see.
#[derive(Default)]
pub struct Scheduler {
    ready: RefCell<VecDeque<(TaskId, Resume)>>,
    blocked: RefCell<NameMap<TaskId, Blocked>>,
    promise_waiters: RefCell<NameMap<u64, Vec<TaskId>>>,
    senders: RefCell<NameMap<u64, VecDeque<TaskId>>>,
    receivers: RefCell<NameMap<u64, VecDeque<TaskId>>>,
    timers: RefCell<BTreeMap<(Instant, u64), TaskId>>,
    next_number: Cell<u64>,
    next_timer: Cell<u64>,
    /// The running task.
    pub(crate) current: Cell<u64>,
    /// Tasks that `async/cancel` has stopped: whatever they wait for next raises.
    cancelled: RefCell<Vec<TaskId>>,
    /// The promises of pending tasks that a task (never the root) has started.
    children: RefCell<NameMap<u64, Vec<Value>>>,
}

impl Scheduler {
    /// A scheduler without tasks whose promises and channels are told apart from those of this one.
    pub(crate) fn nested(&self) -> Scheduler {
        let nested = Scheduler::default();
        nested.next_number.set(self.next_number.get());
        nested
    }

    /// Goes on after [`Scheduler::nested`] is no longer used.
    pub(crate) fn resume_after(&self, nested: &Scheduler) {
        self.next_number.set(nested.next_number.get());
    }

    /// A number for a promise or channel.
    pub fn number(&self) -> u64 {
        let number = self.next_number.get();
        self.next_number.set(number + 1);
        number
    }

    pub(crate) fn push_ready(&self, task: TaskId, resume: Resume) {
        self.ready.borrow_mut().push_back((task, resume));
    }

    pub(crate) fn push_ready_first(&self, task: TaskId, resume: Resume) {
        self.ready.borrow_mut().push_front((task, resume));
    }

    pub(crate) fn pop_ready(&self) -> Option<(TaskId, Resume)> {
        self.ready.borrow_mut().pop_front()
    }

    /// Forgets everything: a new program begins.
    pub(crate) fn reset(&self) {
        self.ready.borrow_mut().clear();
        self.blocked.borrow_mut().clear();
        self.promise_waiters.borrow_mut().clear();
        self.senders.borrow_mut().clear();
        self.receivers.borrow_mut().clear();
        self.timers.borrow_mut().clear();
        self.cancelled.borrow_mut().clear();
        self.children.borrow_mut().clear();
    }

    /// Notes that `parent` started the task of `promise`, so that cancelling one reaches the other.
    pub(crate) fn adopt(&self, heap: &crate::heap::Heap, parent: TaskId, promise: Value) {
        if parent == TaskId::ROOT {
            return;
        }
        let mut children = self.children.borrow_mut();
        let promises = children.entry(parent.0).or_default();
        promises
            .retain(|child| heap.field(*child, promise::STATE) == Value::small(promise::PENDING));
        promises.push(promise);
    }

    /// Makes the task wait. A task that was cancelled cannot wait again: it goes on at once with
    /// the condition.
    pub(crate) fn block(
        &self,
        heap: &crate::heap::Heap,
        task: TaskId,
        wait: Wait,
        delay: Option<f64>,
    ) {
        if self.cancelled.borrow().contains(&task) {
            self.push_ready(task, Resume::Raise(cancelled_condition()));
            return;
        }
        match &wait {
            Wait::Promise(promise) | Wait::Timeout(promise, _) => {
                self.wait_for(heap, *promise, task)
            }
            Wait::All(promises) | Wait::Race(promises) | Wait::Any(promises) => {
                for promise in promises {
                    self.wait_for(heap, *promise, task);
                }
            }
            Wait::Receive(channel) => {
                self.receivers
                    .borrow_mut()
                    .entry(number_of(heap, *channel, channel::NUMBER))
                    .or_default()
                    .push_back(task);
            }
            Wait::Send(channel, _) => {
                self.senders
                    .borrow_mut()
                    .entry(number_of(heap, *channel, channel::NUMBER))
                    .or_default()
                    .push_back(task);
            }
            Wait::Sleep | Wait::RunOthers => {}
        }
        let timer = delay.map(|milliseconds| {
            let key = (
                Instant::now() + duration(milliseconds),
                self.next_timer.get(),
            );
            self.next_timer.set(key.1 + 1);
            self.timers.borrow_mut().insert(key, task);
            key
        });
        self.blocked
            .borrow_mut()
            .insert(task, Blocked { wait, timer });
    }

    fn wait_for(&self, heap: &crate::heap::Heap, promise: Value, task: TaskId) {
        if heap.field(promise, promise::STATE) == Value::small(promise::PENDING) {
            let number = number_of(heap, promise, promise::NUMBER);
            self.promise_waiters
                .borrow_mut()
                .entry(number)
                .or_default()
                .push(task);
        }
    }

    /// Ends a task's waiting.
    fn unblock(&self, task: TaskId, resume: Resume) {
        if let Some(blocked) = self.blocked.borrow_mut().remove(&task) {
            if let Some(timer) = blocked.timer {
                self.timers.borrow_mut().remove(&timer);
            }
            self.push_ready(task, resume);
        }
    }

    /// Settles a pending promise and wakes who waits for it. Settled ones stay as they are.
    pub fn settle(&self, host: &Host, promise: Value, state: i32, value: Value) {
        let heap = &host.heap;
        if heap.field(promise, promise::STATE) != Value::small(promise::PENDING) {
            return;
        }
        heap.set_field(promise, promise::STATE, Value::small(state));
        heap.set_field(promise, promise::VALUE, value);
        let number = number_of(heap, promise, promise::NUMBER);
        let waiters = self
            .promise_waiters
            .borrow_mut()
            .remove(&number)
            .unwrap_or_default();
        for task in waiters {
            let resume = match self
                .blocked
                .borrow()
                .get(&task)
                .map(|blocked| &blocked.wait)
            {
                Some(Wait::Promise(awaited) | Wait::Timeout(awaited, _)) if *awaited == promise => {
                    Some(outcome(heap, promise))
                }
                Some(Wait::Race(_)) => Some(outcome(heap, promise)),
                Some(Wait::Any(_)) => Some(Resume::Value(Value::NIL)),
                Some(Wait::All(promises)) => all_outcome(heap, promises),
                _ => None,
            };
            if let Some(resume) = resume {
                self.unblock(task, resume);
            }
        }
    }

    /// The first task that waits to receive from a channel gets `value`; false if none waits.
    pub fn hand_to_receiver(&self, heap: &crate::heap::Heap, channel: Value, value: Value) -> bool {
        match self.next_waiting(&self.receivers, number_of(heap, channel, channel::NUMBER)) {
            Some(task) => {
                self.unblock(task, Resume::Value(value));
                true
            }
            None => false,
        }
    }

    /// The value of the task that has waited longest to send to a channel; the task goes on.
    pub fn take_from_sender(&self, heap: &crate::heap::Heap, channel: Value) -> Option<Value> {
        let task = self.next_waiting(&self.senders, number_of(heap, channel, channel::NUMBER))?;
        let value = match self
            .blocked
            .borrow()
            .get(&task)
            .map(|blocked| &blocked.wait)
        {
            Some(Wait::Send(_, value)) => *value,
            _ => Value::NIL,
        };
        self.unblock(task, Resume::Value(Value::NIL));
        Some(value)
    }

    fn next_waiting(
        &self,
        queues: &RefCell<NameMap<u64, VecDeque<TaskId>>>,
        number: u64,
    ) -> Option<TaskId> {
        let mut queues = queues.borrow_mut();
        let queue = queues.get_mut(&number)?;
        let blocked = self.blocked.borrow();
        let mut found = None;
        while let Some(task) = queue.pop_front() {
            // Cancelled tasks have left `blocked` but not this queue.
            if blocked.contains_key(&task) {
                found = Some(task);
                break;
            }
        }
        if queue.is_empty() {
            queues.remove(&number);
        }
        found
    }

    /// Wakes everybody who waits at a channel that has been closed.
    pub fn channel_closed(&self, host: &Host, channel: Value) {
        while self.hand_to_receiver(&host.heap, channel, Value::NIL) {}
        let number = number_of(&host.heap, channel, channel::NUMBER);
        while let Some(task) = self.next_waiting(&self.senders, number) {
            let dropped = match self
                .blocked
                .borrow()
                .get(&task)
                .map(|blocked| &blocked.wait)
            {
                Some(Wait::Send(_, value)) => *value,
                _ => Value::NIL,
            };
            self.unblock(task, Resume::Raise(closed_condition(host, dropped)));
        }
    }

    /// Cancels the task behind a pending promise; false if it is settled. The pending tasks that the
    /// task has started are cancelled in any case.
    pub fn cancel(&self, host: &Host, promise: Value) -> bool {
        let cancelled = self.cancel_one(host, promise);
        let mut owners = vec![promise];
        while let Some(owner) = owners.pop() {
            let task = number_of(&host.heap, owner, promise::TASK);
            for child in self.children.borrow_mut().remove(&task).unwrap_or_default() {
                self.cancel_one(host, child);
                owners.push(child);
            }
        }
        cancelled
    }

    fn cancel_one(&self, host: &Host, promise: Value) -> bool {
        let heap = &host.heap;
        if heap.field(promise, promise::STATE) != Value::small(promise::PENDING) {
            return false;
        }
        self.settle(host, promise, promise::CANCELLED, Value::NIL);
        let Some(task) = heap
            .field(promise, promise::TASK)
            .as_fixnum()
            .and_then(|task| u64::try_from(task).ok())
        else {
            return true;
        };
        let task = TaskId(task);
        self.cancelled.borrow_mut().push(task);
        if self.blocked.borrow().contains_key(&task) {
            self.unblock(task, Resume::Raise(cancelled_condition()));
        } else if let Some((_, resume)) = self
            .ready
            .borrow_mut()
            .iter_mut()
            .find(|(ready, _)| *ready == task)
        {
            *resume = Resume::Raise(cancelled_condition());
        }
        true
    }

    /// A task is gone.
    pub(crate) fn forget(&self, task: TaskId) {
        self.cancelled
            .borrow_mut()
            .retain(|cancelled| *cancelled != task);
    }

    /// The next deadline.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.timers
            .borrow()
            .first_key_value()
            .map(|((deadline, _), _)| *deadline)
    }

    /// Wakes the tasks whose deadline has passed, in order.
    pub(crate) fn wake_expired(&self) {
        if self.timers.borrow().is_empty() {
            return;
        }
        let now = Instant::now();
        loop {
            let task = match self.timers.borrow().first_key_value() {
                Some(((deadline, _), task)) if *deadline <= now => *task,
                _ => return,
            };
            let resume = match self
                .blocked
                .borrow()
                .get(&task)
                .map(|blocked| &blocked.wait)
            {
                Some(Wait::Timeout(_, limit)) => Resume::Raise(timeout_condition(*limit)),
                _ => Resume::Value(Value::NIL),
            };
            self.unblock(task, resume);
        }
    }

    /// Whether the task waits for all others to have nothing to do; it goes on then.
    pub(crate) fn wake_runner(&self) -> bool {
        let runner = self
            .blocked
            .borrow()
            .iter()
            .filter(|(_, b)| matches!(b.wait, Wait::RunOthers))
            .map(|(task, _)| *task)
            .min();
        match runner {
            Some(task) => {
                self.unblock(task, Resume::Value(Value::NIL));
                true
            }
            None => false,
        }
    }

    /// Nothing can ever wake this task: it goes on with a condition that says so.
    pub(crate) fn break_deadlock(&self, task: TaskId) -> bool {
        let message = match self
            .blocked
            .borrow()
            .get(&task)
            .map(|blocked| &blocked.wait)
        {
            None => return false,
            Some(Wait::Receive(_)) => "channel/recv: channel is empty",
            Some(Wait::Send(..)) => "channel/send: channel is full",
            Some(_) => "async scheduler: all tasks blocked (deadlock detected)",
        };
        self.unblock(
            task,
            Resume::Raise(Condition::new(ConditionKind::Eval, message)),
        );
        true
    }

    pub(crate) fn trace(&mut self, tracer: &mut Tracer<'_>) {
        for (_, resume) in self.ready.get_mut() {
            match resume {
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
        for promises in self.children.get_mut().values_mut() {
            tracer.values(promises);
        }
        for blocked in self.blocked.get_mut().values_mut() {
            match &mut blocked.wait {
                Wait::Promise(value) | Wait::Timeout(value, _) | Wait::Receive(value) => {
                    tracer.value(value)
                }
                Wait::Send(channel, value) => {
                    tracer.value(channel);
                    tracer.value(value);
                }
                Wait::All(values) | Wait::Race(values) | Wait::Any(values) => tracer.values(values),
                Wait::Sleep | Wait::RunOthers => {}
            }
        }
    }
}

/// Milliseconds as a duration; negative is zero, absurdly long is a century.
fn duration(milliseconds: f64) -> Duration {
    Duration::from_secs_f64((milliseconds / 1000.0).clamp(0.0, 3.2e9))
}

fn number_of(heap: &crate::heap::Heap, object: Value, field: usize) -> u64 {
    heap.field(object, field).as_fixnum().unwrap_or(-1) as u64
}

/// A new async promise, settled by `task` (if it is one).
pub fn new_promise(host: &Host, state: i32, value: Value, task: Option<TaskId>) -> Value {
    let number = Value::index(host.scheduler.number() as usize);
    let task = task.map_or(Value::small(-1), |task| Value::index(task.0 as usize));
    host.heap.object(
        Kind::AsyncPromise,
        0,
        &[Value::small(state), value, number, task],
    )
}

/// With what somebody who waited for this settled promise goes on.
pub(crate) fn outcome(heap: &crate::heap::Heap, promise: Value) -> Resume {
    let value = heap.field(promise, promise::VALUE);
    match heap
        .field(promise, promise::STATE)
        .as_fixnum()
        .map(|state| state as i32)
    {
        Some(promise::REJECTED) => Resume::Throw(value),
        Some(promise::CANCELLED) => Resume::Raise(cancelled_condition()),
        _ => Resume::Value(value),
    }
}

/// With what `async/all` goes on, if it can: the first failure, or all values.
pub(crate) fn all_outcome(heap: &crate::heap::Heap, promises: &[Value]) -> Option<Resume> {
    let state = |promise: &Value| {
        heap.field(*promise, promise::STATE)
            .as_fixnum()
            .unwrap_or(0) as i32
    };
    if let Some(failed) = promises
        .iter()
        .find(|p| matches!(state(p), promise::REJECTED | promise::CANCELLED))
    {
        return Some(outcome(heap, *failed));
    }
    if promises.iter().any(|p| state(p) == promise::PENDING) {
        return None;
    }
    let values: Vec<Value> = promises
        .iter()
        .map(|p| heap.field(*p, promise::VALUE))
        .collect();
    Some(Resume::Value(heap.list(&values)))
}

pub(crate) fn cancelled_condition() -> Condition {
    Condition::new(
        ConditionKind::Cancelled,
        "async/await: awaited task was cancelled",
    )
    .with("reason", Extra::Keyword("explicit".to_owned()))
}

fn timeout_condition(limit: f64) -> Condition {
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

/// A send to a closed channel.
pub fn closed_condition(host: &Host, value: Value) -> Condition {
    let shown = crate::print::readable(host, value);
    Condition::new(
        ConditionKind::Eval,
        format!("channel/send: channel is closed; value {shown} was dropped"),
    )
}
