//! Descriptors that can be waited for, the same on every platform.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

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
