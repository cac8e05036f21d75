//! Descriptors that can be read or written: whoever reads or writes waits, and everything else with him.
//!
//! `poll_oneoff` could tell what is ready, but not every host does: under Node a pipe never is, under wasmtime one always is. So
//! every descriptor counts as ready.

use std::time::Instant;

use super::waker::Waker;

pub use super::descriptor::{Descriptor, Interest};

/// Whether the next read or write is to be tried: always.
pub fn is_ready(_descriptor: &Descriptor, _interest: Interest) -> bool {
    true
}

/// Whether there is no descriptor left: the host does not tell.
pub fn are_used_up() -> bool {
    false
}

/// Sleeps until the time is over, unless there are descriptors, which are ready. Without both there is nothing that could happen,
/// and it returns, too: there is no waker.
pub fn wait(
    descriptors: &[(Descriptor, Interest)],
    _waker: Option<&Waker>,
    until: Option<Instant>,
) -> Vec<bool> {
    if let (true, Some(until)) = (descriptors.is_empty(), until) {
        std::thread::sleep(until.saturating_duration_since(Instant::now()));
    }
    vec![true; descriptors.len()]
}
