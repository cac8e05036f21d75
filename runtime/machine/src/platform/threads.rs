//! Threads, and a pool of them for work that blocks.
//!
//! Nothing exists before the first job. A thread is started for a job that finds none idle, up to a
//! bound; jobs beyond it stand in line. A thread that has been idle for a while ends. Nobody ever waits
//! for a thread: when the pool is dropped, idle ones end, busy ones after their job, and a process ends
//! without them.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Most threads of a pool. What blocks for long (pipes, terminals) does not use threads, so a few are enough
/// to keep a disk busy.
pub const MOST_THREADS: usize = 16;
/// Stack of a thread. Jobs are system calls and conversions.
const STACK_BYTES: usize = 128 << 10;
/// How long a thread without work stays.
const IDLE_TIME: Duration = Duration::from_secs(2);

/// Work for a thread. It must not panic: who makes jobs sees to it.
pub type Job = Box<dyn FnOnce() + Send>;

/// Starts a thread with a stack of so many bytes. One function for all, because each kind of work that the standard library starts
/// a thread for is a kilobyte of code.
///
/// # Errors
/// The system allows no thread.
pub fn start(name: Option<&str>, stack_bytes: usize, job: Job) -> std::io::Result<()> {
    let mut builder = std::thread::Builder::new().stack_size(stack_bytes);
    if let Some(name) = name {
        builder = builder.name(name.to_owned());
    }
    builder.spawn(job).map(drop)
}

/// How many processors the process may use, 1 where that is not known.
pub fn processors() -> usize {
    #[cfg(target_os = "linux")]
    if let Ok(set) = rustix::thread::sched_getaffinity(None) {
        return set.count() as usize;
    }
    1
}

/// A pool of threads.
#[derive(Default)]
pub struct Pool {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
    closed: bool,
}

impl Shared {
    /// Jobs run without the lock, so no panic can leave the state half changed.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a thread does from its start to its end.
    fn run(&self) {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                drop(state);
                job();
                state = self.lock();
                continue;
            }
            if state.closed {
                break;
            }
            state.idle += 1;
            let (woken, timeout) = self
                .work
                .wait_timeout(state, IDLE_TIME)
                .unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.idle -= 1;
            if timeout.timed_out() && state.jobs.is_empty() {
                break;
            }
        }
        state.threads -= 1;
    }
}

impl Pool {
    /// Lets a thread do `job`. If the system allows no thread at all, the caller's does it.
    pub fn submit(&self, job: Job) {
        let mut state = self.shared.lock();
        state.jobs.push_back(job);
        if state.idle >= state.jobs.len() {
            self.shared.work.notify_one();
            return;
        }
        if state.threads >= MOST_THREADS {
            return;
        }
        state.threads += 1;
        drop(state);
        let shared = self.shared.clone();
        let started = start(None, STACK_BYTES, Box::new(move || shared.run()));
        if started.is_err() {
            let mut state = self.shared.lock();
            state.threads -= 1;
            if state.threads == 0 {
                let jobs = std::mem::take(&mut state.jobs);
                drop(state);
                jobs.into_iter().for_each(|job| job());
            }
        }
    }

    /// How many threads there are.
    pub fn threads(&self) -> usize {
        self.shared.lock().threads
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.closed = true;
        state.jobs.clear();
        self.shared.work.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn threads_are_bounded_and_do_all_jobs() {
        let pool = Pool::default();
        assert_eq!(pool.threads(), 0);
        let (done, results) = channel();
        for number in 0..100 {
            let done = done.clone();
            pool.submit(Box::new(move || {
                std::thread::sleep(Duration::from_millis(1));
                let _ = done.send(number);
            }));
            assert!(pool.threads() <= MOST_THREADS);
        }
        let mut numbers: Vec<i32> = (0..100)
            .map(|_| results.recv_timeout(Duration::from_secs(30)).unwrap())
            .collect();
        numbers.sort_unstable();
        assert_eq!(numbers, Vec::from_iter(0..100));
    }

    #[test]
    fn dropping_the_pool_waits_for_nobody() {
        let pool = Pool::default();
        let (begun, begins) = channel();
        let (release, released) = channel::<()>();
        pool.submit(Box::new(move || {
            let _ = begun.send(());
            let _ = released.recv();
        }));
        begins.recv_timeout(Duration::from_secs(30)).unwrap();
        drop(pool);
        drop(release);
    }
}
