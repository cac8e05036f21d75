//! The scheduler's state as natives see it: who is ready, who waits for what.
//!
//! Tasks are cooperative and the order is deterministic (language specification, 15.2): one FIFO
//! queue; promises and channels wake their waiters in the order in which they began to wait;
//! timers by deadline. The stacks themselves belong to the VM.
//!
//! Tasks have numbers with which tables are indexed, and promises and channels hold the numbers of
//! the queues of who waits for them, so switching tasks hashes nothing.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use crate::error::{Condition, ConditionKind, Extra, Outcome, Signal};
use crate::heap::{Heap, Tracer};
use crate::host::Host;
use crate::value::{Kind, Value};

/// Number of a task; never reused within a program. The low bits are its place in tables, which
/// another task may have later.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct TaskId(pub u64);

/// Bits of a task's number that are its place.
const PLACE_BITS: u32 = 24;

impl TaskId {
    /// The main program.
    pub const ROOT: TaskId = TaskId(0);

    pub(crate) fn place(self) -> usize {
        (self.0 & ((1 << PLACE_BITS) - 1)) as usize
    }
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
    /// Let the tasks that are ready run first: the operation is done, and this is its outcome.
    GiveWay(Resume),
}

/// The outcome of an operation on files or standard input: other tasks run before the one that asked
/// for it goes on (language specification, 15.2, rule 3).
///
/// The operation itself is done at once, which no program can tell from one done meanwhile.
///
/// # Errors
/// The signal to suspend, unless no other task could run.
#[inline(never)]
pub fn after_others(host: &Host, outcome: Outcome) -> Outcome {
    if !host.scheduler.others_could_run() {
        return outcome;
    }
    let resume = match outcome {
        Ok(value) => Resume::Value(value),
        Err(signal) => match *signal {
            Signal::Raise(condition) => Resume::Raise(Box::new(condition)),
            Signal::Throw(value) => Resume::Throw(value),
            other => return Err(Box::new(other)),
        },
    };
    Err(Box::new(Signal::Suspend(Operation::GiveWay(resume))))
}

/// A native function whose outcome comes [`after_others`].
macro_rules! giving_way {
    ($function:path) => {{
        fn give_way(
            host: &$crate::host::Host,
            arguments: &[$crate::value::Value],
        ) -> $crate::error::Outcome {
            $crate::task::after_others(host, $function(host, arguments))
        }
        give_way
    }};
}
pub(crate) use giving_way;

/// With what a task that waited goes on.
pub enum Resume {
    /// The operation's result.
    Value(Value),
    /// A value is thrown (condition maps are the conditions they came from).
    Throw(Value),
    /// A condition is raised. It is boxed, as it is large and rare: what is moved at every switch of
    /// tasks stays small.
    Raise(Box<Condition>),
}

/// What a blocked task waits for.
pub(crate) enum Wait {
    Promise(Value),
    /// The promises, and how many of them are pending.
    All(Vec<Value>, usize),
    Race(Vec<Value>),
    Timeout(Value, f64),
    Any(Vec<Value>),
    Sleep,
    Receive(Value),
    Send(Value, Value),
    RunOthers,
}

impl Wait {
    /// The queues in which the task stands.
    fn places(&self) -> (&[Value], usize) {
        match self {
            Wait::Promise(promise) | Wait::Timeout(promise, _) => {
                (std::slice::from_ref(promise), promise::WAITERS)
            }
            Wait::All(promises, _) | Wait::Race(promises) | Wait::Any(promises) => {
                (promises, promise::WAITERS)
            }
            Wait::Receive(channel) => (std::slice::from_ref(channel), channel::RECEIVERS),
            Wait::Send(channel, _) => (std::slice::from_ref(channel), channel::SENDERS),
            Wait::Sleep | Wait::RunOthers => (&[], 0),
        }
    }

    fn trace(&mut self, tracer: &mut Tracer<'_>) {
        match self {
            Wait::Promise(value) | Wait::Timeout(value, _) | Wait::Receive(value) => {
                tracer.value(value)
            }
            Wait::Send(channel, value) => {
                tracer.value(channel);
                tracer.value(value);
            }
            Wait::All(values, _) | Wait::Race(values) | Wait::Any(values) => tracer.values(values),
            Wait::Sleep | Wait::RunOthers => {}
        }
    }
}

impl Resume {
    fn trace(&mut self, tracer: &mut Tracer<'_>) {
        match self {
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
    /// Field of the number of the task that settles it (-1: none).
    pub const TASK: usize = 2;
    /// Field of the number of the queue of waiting tasks (-1: none).
    pub const WAITERS: usize = 3;
    /// Field of the list of the promises of the tasks that the task has started.
    pub const CHILDREN: usize = 4;
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
    /// Number of the queue of tasks that wait to send (-1: none).
    pub const SENDERS: usize = 5;
    /// Number of the queue of tasks that wait to receive (-1: none).
    pub const RECEIVERS: usize = 6;
}

/// A field that holds the number of a queue, when there is none.
pub const NO_QUEUE: Value = Value::small(-1);

/// What the scheduler knows of one task.
#[derive(Default)]
struct Record {
    /// The task's number; `None`: the place is free.
    id: Option<TaskId>,
    wait: Option<Wait>,
    /// Key of its timer, if it waits with one.
    timer: Option<(Instant, u64)>,
    /// With what it goes on, if it is ready.
    resume: Option<Resume>,
    /// Whether `async/cancel` has stopped it: whatever it waits for next raises.
    cancelled: bool,
    /// Whether it is on the list of tasks that may hold young values.
    fresh: bool,
}

/// The state of the scheduler that natives see.
#[derive(Default)]
pub struct Scheduler {
    ready: RefCell<VecDeque<u32>>,
    records: RefCell<Vec<Record>>,
    free: RefCell<Vec<u32>>,
    started: Cell<u64>,
    queues: RefCell<Vec<VecDeque<u32>>>,
    free_queues: RefCell<Vec<u32>>,
    timers: RefCell<BTreeMap<(Instant, u64), u32>>,
    next_timer: Cell<u64>,
    /// Tasks that wait for the others to have nothing to do.
    runners: RefCell<Vec<u32>>,
    /// Tasks that may hold values younger than the last collection.
    fresh: RefCell<Vec<u32>>,
    /// The running task.
    pub(crate) current: Cell<u64>,
}

/// Children of a task above which those that are settled are dropped from its list.
const FIRST_PRUNING: usize = 16;

impl Scheduler {
    /// Forgets everything: a new program begins. Its root task has the number that is given.
    pub(crate) fn reset(&self) -> TaskId {
        self.ready.borrow_mut().clear();
        self.records.borrow_mut().clear();
        self.free.borrow_mut().clear();
        self.queues.borrow_mut().clear();
        self.free_queues.borrow_mut().clear();
        self.timers.borrow_mut().clear();
        self.runners.borrow_mut().clear();
        self.fresh.borrow_mut().clear();
        self.started.set(0);
        self.records.borrow_mut().push(Record {
            id: Some(TaskId::ROOT),
            ..Record::default()
        });
        TaskId::ROOT
    }

    /// A new task, neither ready nor waiting; `None` if there are too many.
    pub(crate) fn add(&self) -> Option<TaskId> {
        let mut records = self.records.borrow_mut();
        let place = match self.free.borrow_mut().pop() {
            Some(place) => place as usize,
            None if records.len() < 1 << PLACE_BITS => {
                records.push(Record::default());
                records.len() - 1
            }
            None => return None,
        };
        self.started.set(self.started.get() + 1);
        let id = TaskId(self.started.get() << PLACE_BITS | place as u64);
        let record = records.get_mut(place)?;
        record.id = Some(id);
        record.cancelled = false;
        Some(id)
    }

    /// A task is gone.
    pub(crate) fn forget(&self, task: TaskId) {
        if let Some(record) = self.records.borrow_mut().get_mut(task.place()) {
            record.id = None;
            record.resume = None;
        }
        self.free.borrow_mut().push(task.place() as u32);
    }

    /// Notes that a task may hold values younger than the last collection.
    pub(crate) fn touch(&self, task: TaskId) {
        if let Some(record) = self.records.borrow_mut().get_mut(task.place()) {
            self.touch_record(record, task.place());
        }
    }

    fn touch_record(&self, record: &mut Record, place: usize) {
        if !record.fresh {
            record.fresh = true;
            self.fresh.borrow_mut().push(place as u32);
        }
    }

    /// Changes a task's record and notes it as touched.
    fn change<T>(&self, place: usize, change: impl FnOnce(&mut Record) -> T) -> Option<T> {
        let mut records = self.records.borrow_mut();
        let record = records.get_mut(place)?;
        self.touch_record(record, place);
        Some(change(record))
    }

    pub(crate) fn push_ready(&self, task: TaskId, resume: Resume) {
        self.change(task.place(), |record| record.resume = Some(resume));
        self.ready.borrow_mut().push_back(task.place() as u32);
    }

    pub(crate) fn push_ready_first(&self, task: TaskId, resume: Resume) {
        self.change(task.place(), |record| record.resume = Some(resume));
        self.ready.borrow_mut().push_front(task.place() as u32);
    }

    /// Whether another task could run if the running one stood back. One that was cancelled must
    /// not: it cannot wait any more.
    fn others_could_run(&self) -> bool {
        if self.ready.borrow().is_empty() && self.timers.borrow().is_empty() {
            return false;
        }
        let current = TaskId(self.current.get()).place();
        let records = self.records.borrow();
        !records.get(current).is_some_and(|record| record.cancelled)
    }

    pub(crate) fn pop_ready(&self) -> Option<(TaskId, Resume)> {
        loop {
            let place = self.ready.borrow_mut().pop_front()? as usize;
            let mut records = self.records.borrow_mut();
            if let Some(record) = records.get_mut(place)
                && let (Some(id), Some(resume)) = (record.id, record.resume.take())
            {
                return Some((id, resume));
            }
        }
    }

    /// Notes that the task of the promise `parent` started that of `child`, so that cancelling one
    /// reaches the other.
    pub(crate) fn adopt(&self, host: &Host, parent: Value, child: Value) {
        let heap = &host.heap;
        if parent.kind() != Kind::AsyncPromise {
            return;
        }
        let mut children = heap.field(parent, promise::CHILDREN);
        let count = heap.list_len(children);
        if count >= FIRST_PRUNING && count.is_power_of_two() {
            let pending: Vec<Value> = heap
                .list_iter(children)
                .filter(|child| is_pending(heap, *child))
                .collect();
            children = heap.list(&pending);
        }
        heap.set_field(parent, promise::CHILDREN, heap.cons(child, children));
    }

    /// Makes the task wait. A task that was cancelled cannot wait again: it goes on at once with
    /// the condition.
    pub(crate) fn block(&self, heap: &Heap, task: TaskId, wait: Wait, delay: Option<f64>) {
        let place = task.place();
        let cancelled = self.change(place, |record| record.cancelled);
        if cancelled == Some(true) {
            self.push_ready(task, Resume::Raise(Box::new(cancelled_condition())));
            return;
        }
        let (objects, field) = wait.places();
        for object in objects {
            if field != promise::WAITERS
                || object.kind() != Kind::AsyncPromise
                || is_pending(heap, *object)
            {
                self.enqueue(heap, *object, field, place as u32);
            }
        }
        if matches!(wait, Wait::RunOthers) {
            self.runners.borrow_mut().push(place as u32);
        }
        let timer = delay.map(|milliseconds| {
            let key = (
                Instant::now() + duration(milliseconds),
                self.next_timer.get(),
            );
            self.next_timer.set(key.1 + 1);
            self.timers.borrow_mut().insert(key, place as u32);
            key
        });
        self.change(place, |record| {
            record.wait = Some(wait);
            record.timer = timer;
        });
    }

    // --- queues of waiting tasks ---

    /// Appends a task to the queue whose number is in a field of a promise or channel.
    fn enqueue(&self, heap: &Heap, object: Value, field: usize, place: u32) {
        let mut queues = self.queues.borrow_mut();
        let number = match queue_number(heap, object, field) {
            Some(number) => number,
            None => {
                let number = match self.free_queues.borrow_mut().pop() {
                    Some(number) => number as usize,
                    None => {
                        queues.push(VecDeque::new());
                        queues.len() - 1
                    }
                };
                heap.set_field(object, field, Value::index(number));
                number
            }
        };
        if let Some(queue) = queues.get_mut(number) {
            queue.push_back(place);
        }
    }

    /// Takes the task that has waited longest out of a queue.
    fn dequeue(&self, heap: &Heap, object: Value, field: usize) -> Option<u32> {
        let number = queue_number(heap, object, field)?;
        let mut queues = self.queues.borrow_mut();
        let queue = queues.get_mut(number)?;
        let place = queue.pop_front();
        if queue.is_empty() {
            self.drop_queue(heap, object, field, queue, number);
        }
        place
    }

    /// Takes a task out of a queue, wherever in it it stands.
    fn leave(&self, heap: &Heap, object: Value, field: usize, place: u32) {
        let Some(number) = queue_number(heap, object, field) else {
            return;
        };
        let mut queues = self.queues.borrow_mut();
        if let Some(queue) = queues.get_mut(number) {
            queue.retain(|waiting| *waiting != place);
            if queue.is_empty() {
                self.drop_queue(heap, object, field, queue, number);
            }
        }
    }

    fn drop_queue(
        &self,
        heap: &Heap,
        object: Value,
        field: usize,
        queue: &mut VecDeque<u32>,
        number: usize,
    ) {
        if queue.capacity() > LARGEST_SPARE_QUEUE {
            *queue = VecDeque::new();
        }
        heap.set_field(object, field, NO_QUEUE);
        self.free_queues.borrow_mut().push(number as u32);
    }

    /// Ends a task's waiting. It leaves the queues in which it stands, except that of `left`, which it
    /// has left already.
    fn unblock(&self, heap: &Heap, place: u32, resume: Resume, left: Option<Value>) {
        let ended = self.change(place as usize, |record| {
            let wait = record.wait.take()?;
            record.resume = Some(resume);
            Some((wait, record.timer.take()))
        });
        let Some((wait, timer)) = ended.flatten() else {
            return;
        };
        if let Some(timer) = timer {
            self.timers.borrow_mut().remove(&timer);
        }
        let (objects, field) = wait.places();
        for object in objects.iter().filter(|object| left != Some(**object)) {
            self.leave(heap, *object, field, place);
        }
        if matches!(wait, Wait::RunOthers) {
            self.runners.borrow_mut().retain(|runner| *runner != place);
        }
        self.ready.borrow_mut().push_back(place);
    }

    /// Settles a pending promise and wakes who waits for it. Settled ones stay as they are.
    pub fn settle(&self, host: &Host, promise: Value, state: i32, value: Value) {
        let heap = &host.heap;
        if !is_pending(heap, promise) {
            return;
        }
        heap.set_field(promise, promise::STATE, Value::small(state));
        heap.set_field(promise, promise::VALUE, value);
        let failed = matches!(state, promise::REJECTED | promise::CANCELLED);
        while let Some(place) = self.dequeue(heap, promise, promise::WAITERS) {
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

    /// The first task that waits to receive from a channel gets `value`; false if none waits.
    pub fn hand_to_receiver(&self, heap: &Heap, channel: Value, value: Value) -> bool {
        match self.dequeue(heap, channel, channel::RECEIVERS) {
            Some(place) => {
                self.unblock(heap, place, Resume::Value(value), Some(channel));
                true
            }
            None => false,
        }
    }

    /// The task that has waited longest to send to a channel, with its value.
    fn next_sender(&self, heap: &Heap, channel: Value) -> Option<(u32, Value)> {
        let place = self.dequeue(heap, channel, channel::SENDERS)?;
        let value = match self
            .records
            .borrow()
            .get(place as usize)
            .and_then(|record| record.wait.as_ref())
        {
            Some(Wait::Send(_, value)) => *value,
            _ => Value::NIL,
        };
        Some((place, value))
    }

    /// The value of the task that has waited longest to send to a channel; the task goes on.
    pub fn take_from_sender(&self, heap: &Heap, channel: Value) -> Option<Value> {
        let (place, value) = self.next_sender(heap, channel)?;
        self.unblock(heap, place, Resume::Value(Value::NIL), Some(channel));
        Some(value)
    }

    /// Wakes everybody who waits at a channel that has been closed.
    pub fn channel_closed(&self, host: &Host, channel: Value) {
        while self.hand_to_receiver(&host.heap, channel, Value::NIL) {}
        while let Some((place, dropped)) = self.next_sender(&host.heap, channel) {
            let condition = closed_condition(host, dropped);
            self.unblock(
                &host.heap,
                place,
                Resume::Raise(Box::new(condition)),
                Some(channel),
            );
        }
    }

    /// Cancels the task behind a pending promise; false if it is settled. The pending tasks that the
    /// task has started are cancelled in any case.
    pub fn cancel(&self, host: &Host, promise: Value) -> bool {
        let cancelled = self.cancel_one(host, promise);
        let mut owners = vec![promise];
        while let Some(owner) = owners.pop() {
            let children = host.heap.field(owner, promise::CHILDREN);
            host.heap.set_field(owner, promise::CHILDREN, Value::EMPTY);
            // The list has the youngest first.
            let mut children: Vec<Value> = host.heap.list_iter(children).collect();
            children.reverse();
            for child in children {
                self.cancel_one(host, child);
                owners.push(child);
            }
        }
        cancelled
    }

    fn cancel_one(&self, host: &Host, promise: Value) -> bool {
        let heap = &host.heap;
        if !is_pending(heap, promise) {
            return false;
        }
        self.settle(host, promise, promise::CANCELLED, Value::NIL);
        let Some(task) = heap
            .field(promise, promise::TASK)
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
                *resume = Resume::Raise(Box::new(cancelled_condition()));
            }
            record.wait.is_some()
        });
        if waits == Some(true) {
            self.unblock(
                heap,
                task.place() as u32,
                Resume::Raise(Box::new(cancelled_condition())),
                None,
            );
        }
        true
    }

    /// The next deadline.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.timers
            .borrow()
            .first_key_value()
            .map(|((deadline, _), _)| *deadline)
    }

    /// Wakes the tasks whose deadline has passed, in order; whether there were any.
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
            woken = true;
            let resume = match self
                .records
                .borrow()
                .get(place as usize)
                .and_then(|record| record.wait.as_ref())
            {
                Some(Wait::Timeout(_, limit)) => Resume::Raise(Box::new(timeout_condition(*limit))),
                _ => Resume::Value(Value::NIL),
            };
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

    // --- collection ---

    /// Shows the values of the tasks that may hold young ones, or of all, and gives their places.
    pub(crate) fn trace(&mut self, tracer: &mut Tracer<'_>) -> Vec<u32> {
        let records = self.records.get_mut();
        let traced: Vec<u32> = if tracer.only_young() {
            std::mem::take(self.fresh.get_mut())
        } else {
            (0..records.len() as u32).collect()
        };
        for &place in &traced {
            if let Some(record) = records.get_mut(place as usize) {
                if let Some(wait) = &mut record.wait {
                    wait.trace(tracer);
                }
                if let Some(resume) = &mut record.resume {
                    resume.trace(tracer);
                }
                if tracer.only_young() {
                    record.fresh = false;
                }
            }
        }
        traced
    }
}

/// Capacity above which the memory of a queue is not kept for another one.
const LARGEST_SPARE_QUEUE: usize = 64;

fn queue_number(heap: &Heap, object: Value, field: usize) -> Option<usize> {
    usize::try_from(heap.field(object, field).as_fixnum()?).ok()
}

/// Whether this is an async promise that has not been settled.
pub(crate) fn is_pending(heap: &Heap, value: Value) -> bool {
    value.kind() == Kind::AsyncPromise
        && heap.field(value, promise::STATE) == Value::small(promise::PENDING)
}

/// Milliseconds as a duration; negative is zero, absurdly long is a century.
fn duration(milliseconds: f64) -> Duration {
    Duration::from_secs_f64((milliseconds / 1000.0).clamp(0.0, 3.2e9))
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
pub(crate) fn outcome(heap: &Heap, promise: Value) -> Resume {
    let value = heap.field(promise, promise::VALUE);
    match heap
        .field(promise, promise::STATE)
        .as_fixnum()
        .map(|state| state as i32)
    {
        Some(promise::REJECTED) => Resume::Throw(value),
        Some(promise::CANCELLED) => Resume::Raise(Box::new(cancelled_condition())),
        _ => Resume::Value(value),
    }
}

/// With what `async/all` goes on: at once with the first failure or all values, or how many promises
/// it has to wait for.
pub(crate) fn all_outcome(heap: &Heap, promises: &[Value]) -> Result<Resume, usize> {
    let mut pending = 0;
    for promise in promises {
        match heap.field(*promise, promise::STATE).as_fixnum() {
            Some(state) if state == i64::from(promise::PENDING) => pending += 1,
            Some(state) if state != i64::from(promise::RESOLVED) => {
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
    let values: Vec<Value> = promises
        .iter()
        .map(|p| heap.field(*p, promise::VALUE))
        .collect();
    Resume::Value(heap.list(&values))
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
