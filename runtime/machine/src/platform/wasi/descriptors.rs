//! Descriptors that can be read or written: whoever reads or writes waits, and everything else with him.
//!
//! `poll_oneoff` could tell what is ready, but not every host does: under Node a pipe never is, under wasmtime one always is. So
//! every descriptor counts as ready.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Instant;

use super::waker::Waker;

/// A descriptor that stays open as long as somebody waits for it.
#[derive(Clone, Debug)]
pub enum Descriptor {
    /// Standard input, which belongs to the process.
    StandardInput,
    /// One of somebody's own.
    Shared(Arc<OwnedFd>),
}

impl AsFd for Descriptor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Descriptor::StandardInput => rustix::stdio::stdin(),
            Descriptor::Shared(descriptor) => descriptor.as_fd(),
        }
    }
}

/// What a descriptor is to be ready for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// Bytes have come, or the end.
    Read,
    /// Bytes are accepted, or nobody reads any more.
    Write,
}

/// Whether the next read or write is to be tried: always.
pub fn is_ready(_descriptor: &Descriptor, _interest: Interest) -> bool {
    true
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
