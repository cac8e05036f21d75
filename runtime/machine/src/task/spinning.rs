//! How a machine waits for what comes in a moment.
//!
//! To sleep and to be woken takes two threads some microseconds each, and a processor that has gone to rest longer: more than a small
//! request takes as a whole. So a machine looks for news a little longer before it sleeps, and gives way to whoever else wants the
//! processor meanwhile. It does so as long as news come that fast; one that waits for slow peers sleeps at once.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::platform::threads;

/// How long a machine looks, and within what time the last news must have come.
const WINDOW: Duration = Duration::from_micros(100);

/// Machines of the process that other threads work for.
static MACHINES: AtomicUsize = AtomicUsize::new(0);

/// Counts one of them as long as it is.
pub struct Counted {
    /// Processors that the process may use.
    processors: usize,
}

impl Counted {
    pub fn new() -> Counted {
        MACHINES.fetch_add(1, Ordering::Relaxed);
        Counted {
            processors: threads::processors(),
        }
    }

    /// Whether there are processors for the machines and for those who work for them. Else looking only takes their time.
    fn has_room(&self) -> bool {
        2 * MACHINES.load(Ordering::Relaxed) <= self.processors
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        MACHINES.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a machine knows of its last waiting.
#[derive(Default)]
pub struct Spinning {
    /// Whether it was short.
    is_short: Cell<bool>,
}

impl Spinning {
    /// Looks for news from `start` on, if that is worth while, but not beyond `until`.
    pub fn look(
        &self,
        counted: &Counted,
        news: &AtomicBool,
        start: Instant,
        until: Option<Instant>,
    ) {
        if !self.is_short.get() || !counted.has_room() {
            return;
        }
        let end = until.map_or(start + WINDOW, |until| until.min(start + WINDOW));
        while !news.load(Ordering::Acquire) && Instant::now() < end {
            std::thread::yield_now();
        }
    }

    /// The machine goes on; it has waited since `start`.
    pub fn note(&self, start: Instant) {
        self.is_short.set(start.elapsed() < WINDOW);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(processors: usize) -> Counted {
        MACHINES.fetch_add(1, Ordering::Relaxed);
        Counted { processors }
    }

    /// How long it looks for news that do not come.
    fn looked(spinning: &Spinning, processors: usize, until: Option<Instant>) -> Duration {
        let start = Instant::now();
        spinning.look(&counted(processors), &AtomicBool::new(false), start, until);
        start.elapsed()
    }

    #[test]
    fn it_looks_if_the_last_news_came_soon() {
        let spinning = Spinning::default();
        spinning.note(Instant::now());
        assert!(looked(&spinning, usize::MAX, None) >= WINDOW);
        // Whatever else the machine does, one of these is not held up.
        let is_quick = |_| looked(&spinning, usize::MAX, Some(Instant::now())) < WINDOW;
        assert!((0..1000).any(is_quick));
        let is_quick = |_| looked(&spinning, 1, None) < WINDOW;
        assert!((0..1000).any(is_quick), "there is one processor for two");
        spinning.note(Instant::now() - WINDOW);
        let is_quick = |_| looked(&spinning, usize::MAX, None) < WINDOW;
        assert!((0..1000).any(is_quick));
    }

    #[test]
    fn news_are_seen_at_once() {
        let spinning = Spinning::default();
        spinning.note(Instant::now());
        // It would not end: this time does not come.
        let never = Instant::now() + Duration::from_secs(1 << 30);
        spinning.look(&counted(usize::MAX), &AtomicBool::new(true), never, None);
    }
}
