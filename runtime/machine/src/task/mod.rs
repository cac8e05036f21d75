//! The scheduler's state as natives see it: who is ready, who waits for what.
//!
//! Tasks are cooperative and the order is deterministic (language specification, 15.2): one FIFO
//! queue; promises and channels wake their waiters in the order in which they began to wait;
//! timers by deadline. The stacks themselves belong to the VM.
//!
//! Tasks have numbers with which tables are indexed, and promises and channels hold the numbers of
//! who waits for them (see [`queue`]), so switching tasks hashes nothing.

mod again;
mod blocking;
pub mod channel;
mod completion;
mod external;
mod operation;
pub mod promise;
mod queue;
mod spinning;
mod stop;
mod timer;

pub use again::{tried_again, with_descriptors};
pub use blocking::Cancelled;
pub use channel::closed_condition;
pub use completion::Completer;
pub(crate) use completion::{Outside, Patience};
pub use external::{Asking, Await, Pending, Started};
pub use operation::Wait;
pub use operation::{Operation, Resume, after_others};
use promise::EXPLICIT;
pub(crate) use promise::cancelled_condition;
pub use promise::new_promise;
pub use promise::outcome;
pub(crate) use promise::{all_outcome, is_pending};
use timer::duration;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use crate::memory::heap::{Heap, Tracer};
use crate::memory::value::Value;

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

/// A field that says who waits, when nobody does.
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
    /// What tasks wait for outside of the machine.
    pub(crate) outside: Outside,
    /// Who knows of tasks that nobody wants.
    unwanted: RefCell<Vec<stop::Unwanted>>,
    /// Tasks that go on when memory is short.
    steadfast: RefCell<Vec<u64>>,
    /// The running task.
    pub(crate) current: Cell<u64>,
    /// Whether a nested call is running, which must not wait.
    pub(crate) alone: Cell<bool>,
}

impl Scheduler {
    /// Bytes that are noted about a task: its record, and its place in a line.
    pub(crate) const BYTES_OF_TASK: usize = size_of::<Record>() + 32;

    /// The task that runs.
    pub fn current_task(&self) -> TaskId {
        TaskId(self.current.get())
    }

    /// Whether the running task goes on from now on when a collection finds that memory is short. It is to make little: the others, which have made much,
    /// get the condition.
    pub fn go_on_without_memory(&self, does: bool) {
        let current = self.current.get();
        let mut steadfast = self.steadfast.borrow_mut();
        steadfast.retain(|task| *task != current);
        if does {
            steadfast.push(current);
        }
    }

    /// Whether the running task does.
    pub(crate) fn goes_on_without_memory(&self) -> bool {
        self.steadfast.borrow().contains(&self.current.get())
    }

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
        self.steadfast.borrow_mut().clear();
        self.outside.cancel_all();
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
    #[inline(always)]
    fn touch_record(&self, record: &mut Record, place: usize) {
        if !record.fresh {
            record.fresh = true;
            self.fresh.borrow_mut().push(place as u32);
        }
    }

    /// Changes a task's record and notes it as touched.
    #[inline]
    fn change<T>(&self, place: usize, change: impl FnOnce(&mut Record) -> T) -> Option<T> {
        let mut records = self.records.borrow_mut();
        let record = records.get_mut(place)?;
        self.touch_record(record, place);
        Some(change(record))
    }

    #[inline(never)]
    pub(crate) fn push_ready(&self, task: TaskId, resume: Resume) {
        self.change(task.place(), |record| record.resume = Some(resume));
        self.ready.borrow_mut().push_back(task.place() as u32);
    }

    #[inline(never)]
    pub(crate) fn push_ready_first(&self, task: TaskId, resume: Resume) {
        self.change(task.place(), |record| record.resume = Some(resume));
        self.ready.borrow_mut().push_front(task.place() as u32);
    }

    /// Whether no task is ready.
    pub(crate) fn is_idle(&self) -> bool {
        self.ready.borrow().is_empty()
    }

    /// Whether another task could run if the running one stood back. One that was cancelled must
    /// not: it cannot wait any more.
    pub fn others_could_run(&self) -> bool {
        if self.ready.borrow().is_empty()
            && self.timers.borrow().is_empty()
            && self.outside.is_empty()
        {
            return false;
        }
        let current = TaskId(self.current.get()).place();
        let records = self.records.borrow();
        !records.get(current).is_some_and(|record| record.cancelled)
    }

    #[inline(always)]
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

    /// Makes the task wait. A task that was cancelled cannot wait again: it goes on at once with
    /// the condition.
    #[inline(never)]
    pub(crate) fn block(&self, heap: &Heap, task: TaskId, wait: Wait, delay: Option<f64>) {
        let place = task.place();
        let mut records = self.records.borrow_mut();
        let Some(record) = records.get_mut(place) else {
            return;
        };
        if record.cancelled {
            drop(records);
            self.push_ready(task, Resume::Raise(Box::new(cancelled_condition(EXPLICIT))));
            return;
        }
        self.touch_record(record, place);
        let wait = record.wait.insert(wait);
        for promise in wait.promises() {
            if is_pending(heap, *promise)
                && let Some(waiters) = promise::waiters(heap, *promise)
            {
                self.enqueue(waiters, place as u32);
            }
        }
        if matches!(wait, Wait::RunOthers) {
            self.runners.borrow_mut().push(place as u32);
        }
        record.timer = delay.map(|milliseconds| {
            let key = (
                Instant::now() + duration(milliseconds),
                self.next_timer.get(),
            );
            self.next_timer.set(key.1 + 1);
            self.timers.borrow_mut().insert(key, place as u32);
            key
        });
    }

    /// Makes the running task wait at a channel, in one of its lines. The caller then suspends it with
    /// [`Operation::Blocked`].
    #[inline(never)]
    pub fn block_at(&self, line: &Cell<Value>, wait: Wait) {
        if self.alone.get() {
            return;
        }
        let task = TaskId(self.current.get());
        let blocked = self.change(task.place(), |record| {
            if record.cancelled {
                return false;
            }
            record.wait = Some(wait);
            true
        });
        if blocked == Some(true) {
            self.enqueue(line, task.place() as u32);
        } else {
            self.push_ready(task, Resume::Raise(Box::new(cancelled_condition(EXPLICIT))));
        }
    }

    /// Ends the waiting of a task that has left the line of its channel.
    #[inline]
    fn wake_at(&self, place: u32, resume: Resume) {
        let woken = self.change(place as usize, |record| {
            let waits = matches!(record.wait, Some(Wait::Receive(_) | Wait::Send(..)));
            if waits {
                record.wait = None;
                record.resume = Some(resume);
            }
            waits
        });
        if woken == Some(true) {
            self.ready.borrow_mut().push_back(place);
        }
    }

    /// Ends a task's waiting. It leaves those who wait at what it waited for, except at the promise
    /// `left`, which it has left already.
    #[inline(never)]
    fn unblock(&self, heap: &Heap, place: u32, resume: Resume, left: Option<Value>) {
        let ended = self.change(place as usize, |record| {
            let wait = record.wait.take()?;
            record.resume = Some(resume);
            Some((wait, record.timer.take()))
        });
        let Some((wait, timer)) = ended.flatten() else {
            return;
        };
        self.ready.borrow_mut().push_back(place);
        if let Some(timer) = timer {
            self.timers.borrow_mut().remove(&timer);
        }
        for promise in wait.promises().iter().filter(|p| left != Some(**p)) {
            if let Some(waiters) = promise::waiters(heap, *promise) {
                self.leave(waiters, place);
            }
        }
        match wait {
            Wait::Receive(channel) => self.leave_channel(heap, channel, channel::RECEIVERS, place),
            Wait::Send(channel, _) => self.leave_channel(heap, channel, channel::SENDERS, place),
            Wait::External(number) => self.outside.cancel(number),
            Wait::RunOthers => self.runners.borrow_mut().retain(|runner| *runner != place),
            _ => {}
        }
    }

    // --- collection ---

    /// Shows the values of the tasks that may hold young ones, or of all, and gives their places.
    pub(crate) fn trace(&mut self, tracer: &mut Tracer<'_>) -> Vec<u32> {
        let traced: Vec<u32> = if tracer.only_young() {
            std::mem::take(self.fresh.get_mut())
        } else {
            (0..self.places() as u32).collect()
        };
        for &place in &traced {
            self.trace_at(place as usize, tracer);
        }
        traced
    }

    /// How many places for tasks there are.
    pub(crate) fn places(&mut self) -> usize {
        self.records.get_mut().len()
    }

    /// Shows the values that are known of the task at this place.
    pub(crate) fn trace_at(&mut self, place: usize, tracer: &mut Tracer<'_>) {
        if let Some(record) = self.records.get_mut().get_mut(place) {
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
}
