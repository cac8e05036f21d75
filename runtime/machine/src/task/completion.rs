//! The operations that wait for something outside, and the queue by which other threads tell that it has happened.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::external::{Asking, Await, Pending, Started, resume_of};
use super::operation::{Resume, Wait};
use super::promise::{EXPLICIT, cancelled_condition};
use super::spinning::{Counted, Spinning};
use super::{Scheduler, TaskId};
use crate::host::Host;
use crate::platform::descriptors::{self, Descriptor, Interest};
use crate::platform::threads::{Job, Pool};
use crate::platform::waker::Waker;

/// How often the queue is looked at while the machine sleeps, if the process has no descriptor left for a waker.
const WITHOUT_WAKER: Duration = Duration::from_millis(2);

/// Numbers of operations that other threads want to be asked again.
struct Queue {
    state: Mutex<QueueState>,
    /// Whether `numbers` has any; looked at without the lock.
    told: AtomicBool,
    counted: Counted,
    waker: Option<Waker>,
}

#[derive(Default)]
struct QueueState {
    numbers: Vec<u64>,
    /// Whether the machine's thread sleeps, or is about to.
    asleep: bool,
}

impl Queue {
    /// Nothing that can panic runs under the lock.
    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes the machine ask an operation again; for any thread.
#[derive(Clone)]
pub struct Completer {
    queue: Arc<Queue>,
    number: u64,
}

impl Completer {
    /// What the operation awaited may have happened. If it is gone by now, nothing happens.
    pub fn complete(&self) {
        let mut state = self.queue.lock();
        state.numbers.push(self.number);
        self.queue.told.store(true, Ordering::Release);
        let wake = std::mem::take(&mut state.asleep);
        drop(state);
        if let (true, Some(waker)) = (wake, &self.queue.waker) {
            waker.wake();
        }
    }
}

/// How long the machine may sleep when nothing has happened yet.
#[derive(Clone, Copy)]
pub(crate) enum Patience {
    /// Not at all.
    None,
    /// Until this time, or without end.
    Until(Option<Instant>),
}

/// An operation that a task waits for.
struct Waiting {
    place: u32,
    pending: Box<dyn Pending>,
    awaits: Await,
}

/// All operations on the outside. Empty, it is nothing: no thread, no descriptor, no memory.
#[derive(Default)]
pub(crate) struct Outside {
    waiting: RefCell<BTreeMap<u64, Waiting>>,
    last_number: Cell<u64>,
    queue: OnceCell<Arc<Queue>>,
    pool: OnceCell<Pool>,
    spinning: Spinning,
}

impl Outside {
    pub(super) fn next_number(&self) -> u64 {
        self.last_number.set(self.last_number.get() + 1);
        self.last_number.get()
    }

    pub(super) fn completer(&self, number: u64) -> Completer {
        let queue = self.queue.get_or_init(|| {
            Arc::new(Queue {
                state: Mutex::default(),
                told: AtomicBool::new(false),
                counted: Counted::new(),
                waker: Waker::new().ok(),
            })
        });
        Completer {
            queue: queue.clone(),
            number,
        }
    }

    pub(super) fn submit(&self, job: Job) {
        self.pool.get_or_init(Pool::default).submit(job);
    }

    /// Whether no task waits for anything outside.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.borrow().is_empty()
    }

    /// Nobody waits for this operation any more.
    pub(super) fn cancel(&self, number: u64) {
        let waiting = self.waiting.borrow_mut().remove(&number);
        if let Some(mut waiting) = waiting {
            waiting.pending.cancel();
        }
    }

    /// Nobody waits for anything any more.
    pub(crate) fn cancel_all(&self) {
        let waiting = self.waiting.take();
        for mut waiting in waiting.into_values() {
            waiting.pending.cancel();
        }
    }

    /// Whether an operation can go on without sleeping, and until when the machine may sleep.
    fn sleep_limit(&self, patience: Patience) -> Option<Option<Instant>> {
        let Patience::Until(mut until) = patience else {
            return None;
        };
        let now = Instant::now();
        for waiting in self.waiting.borrow().values() {
            match waiting.awaits {
                Await::Turn | Await::Done => return None,
                Await::Time(time) | Await::AnyOf(_, Some(time)) => {
                    if time <= now {
                        return None;
                    }
                    until = Some(until.map_or(time, |until| until.min(time)));
                }
                Await::Completion | Await::Ready(..) | Await::AnyOf(_, None) => {}
            }
        }
        Some(until)
    }

    /// Sleeps as long as `patience` allows and nothing happens; the operations that can go on, completed
    /// ones first, then by age.
    fn due(&self, patience: Patience) -> Vec<u64> {
        let sleep = self.sleep_limit(patience);
        // In the order of their operations, each of which may have several.
        let mut wanted: Vec<(Descriptor, Interest)> = Vec::new();
        for waiting in self.waiting.borrow().values() {
            match &waiting.awaits {
                Await::Ready(descriptor, interest) => wanted.push((descriptor.clone(), *interest)),
                Await::AnyOf(descriptors, _) => wanted.extend_from_slice(descriptors),
                _ => {}
            }
        }
        let ready = self.sleep(&wanted, sleep);
        let mut due = match self.queue.get() {
            Some(queue) => {
                let mut state = queue.lock();
                queue.told.store(false, Ordering::Relaxed);
                std::mem::take(&mut state.numbers)
            }
            None => Vec::new(),
        };
        let now = Instant::now();
        let mut ready = ready.into_iter();
        for (number, waiting) in self.waiting.borrow().iter() {
            let happened = match &waiting.awaits {
                Await::Ready(..) => ready.next().unwrap_or(false),
                Await::AnyOf(descriptors, until) => {
                    let mut any = until.is_some_and(|until| until <= now);
                    for _ in descriptors {
                        any |= ready.next().unwrap_or(false);
                    }
                    any
                }
                Await::Time(time) => *time <= now,
                Await::Turn | Await::Done => true,
                Await::Completion => false,
            };
            if happened {
                due.push(*number);
            }
        }
        due
    }

    /// Which of these descriptors are ready, now or after a sleep that a completion or a time ends.
    fn sleep(
        &self,
        wanted: &[(Descriptor, Interest)],
        sleep: Option<Option<Instant>>,
    ) -> Vec<bool> {
        let now = Instant::now();
        let queue = self.queue.get();
        let mut until = sleep.unwrap_or(Some(now));
        let mut waker = None;
        if let (Some(queue), Some(until), true) = (queue, sleep, wanted.is_empty()) {
            let (counted, news) = (&queue.counted, &queue.told);
            self.spinning.look(counted, news, now, until);
        }
        if let (Some(queue), Some(_)) = (queue, sleep) {
            let mut state = queue.lock();
            if state.numbers.is_empty() {
                state.asleep = true;
                waker = queue.waker.as_ref();
                if waker.is_none() {
                    let soon = now + WITHOUT_WAKER;
                    until = Some(until.map_or(soon, |until| until.min(soon)));
                }
            } else {
                until = Some(now);
            }
        }
        if wanted.is_empty() && until.is_some_and(|until| until <= now) {
            return Vec::new();
        }
        let ready = descriptors::wait(wanted, waker, until);
        if sleep.is_some() {
            self.spinning.note(now);
        }
        if let (Some(queue), Some(waker)) = (queue, waker) {
            // Taken away already: somebody has woken this thread, or is about to.
            let woken = !std::mem::take(&mut queue.lock().asleep);
            if woken {
                waker.clear();
            }
        }
        ready
    }

    /// Sleeps until the operation with this number has been completed.
    fn sleep_for(&self, number: u64) {
        let Some(queue) = self.queue.get() else {
            return;
        };
        loop {
            let mut state = queue.lock();
            if let Some(at) = state.numbers.iter().position(|found| *found == number) {
                state.numbers.remove(at);
                return;
            }
            state.asleep = true;
            drop(state);
            let until = match queue.waker {
                Some(_) => None,
                None => Some(Instant::now() + WITHOUT_WAKER),
            };
            descriptors::wait(&[], queue.waker.as_ref(), until);
            let woken = !std::mem::take(&mut queue.lock().asleep);
            if let (true, Some(waker)) = (woken, &queue.waker) {
                waker.clear();
            }
        }
    }
}

impl Scheduler {
    /// Makes a task wait for an operation. One that was cancelled cannot wait again.
    #[expect(
        clippy::boxed_local,
        reason = "signals carry it boxed, and it may stay so"
    )]
    pub(crate) fn block_outside(&self, task: TaskId, mut started: Box<Started>) {
        let place = task.place();
        if self.change(place, |record| record.cancelled) == Some(true) {
            started.pending.cancel();
            self.push_ready(task, Resume::Raise(Box::new(cancelled_condition(EXPLICIT))));
            return;
        }
        self.wait_outside(place as u32, *started);
    }

    fn wait_outside(&self, place: u32, started: Started) {
        let Started {
            number,
            pending,
            awaits,
        } = started;
        let waiting = Waiting {
            place,
            pending,
            awaits,
        };
        self.outside.waiting.borrow_mut().insert(number, waiting);
        self.change(place as usize, |record| {
            record.wait = Some(Wait::External(number));
        });
    }

    /// Lets operations go on for which something has happened outside; whether a task is ready now.
    pub(crate) fn collect_outside(&self, host: &Host, patience: Patience) -> bool {
        let mut woken = false;
        for number in self.outside.due(patience) {
            woken |= self.advance_outside(host, number);
        }
        woken
    }

    fn advance_outside(&self, host: &Host, number: u64) -> bool {
        let Some(mut waiting) = self.outside.waiting.borrow_mut().remove(&number) else {
            return false;
        };
        waiting.awaits = waiting.pending.advance(&Asking { host, number });
        if !matches!(waiting.awaits, Await::Done) {
            self.outside.waiting.borrow_mut().insert(number, waiting);
            return false;
        }
        match resume_of(waiting.pending.finish(host)) {
            Ok(resume) => {
                self.unblock(&host.heap, waiting.place, resume, None);
                true
            }
            Err(next) => {
                self.wait_outside(waiting.place, *next);
                false
            }
        }
    }

    /// Does an operation to its end where no other task may run.
    #[expect(
        clippy::boxed_local,
        reason = "signals carry it boxed, and it may stay so"
    )]
    pub fn do_alone(&self, host: &Host, mut started: Box<Started>) -> Resume {
        loop {
            match &started.awaits {
                Await::Done | Await::Turn => {}
                Await::Completion => self.outside.sleep_for(started.number),
                Await::Ready(descriptor, interest) => {
                    descriptors::wait(&[(descriptor.clone(), *interest)], None, None);
                }
                Await::AnyOf(descriptors, until) => {
                    descriptors::wait(descriptors, None, *until);
                }
                Await::Time(time) => {
                    std::thread::sleep(time.saturating_duration_since(Instant::now()));
                }
            }
            let number = started.number;
            started.awaits = started.pending.advance(&Asking { host, number });
            if matches!(started.awaits, Await::Done) {
                match resume_of(started.pending.finish(host)) {
                    Ok(resume) => return resume,
                    Err(next) => started = next,
                }
            }
        }
    }
}
