//! A descriptor that becomes readable again with every signal that the program hears of ([`super::heard`]), for loops that wait
//! for descriptors only.
//!
//! There is one for the process, as there is one set of signal handlers. It is made when somebody first asks for it,
//! never read, and never closed: whoever waits for edges (`EPOLLET`) gets one with each signal, however many wait.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, PoisonError};

use super::waker::Waker;

/// No descriptor has been made.
const NONE: i32 = -1;

/// The number that handlers write to.
static NUMBER: AtomicI32 = AtomicI32::new(NONE);
static BELL: Mutex<Option<Waker>> = Mutex::new(None);

/// A descriptor of one's own for the bell. Signals that came before it was asked for the first time do not ring.
///
/// # Errors
/// The process has no descriptor left.
pub fn bell() -> io::Result<OwnedFd> {
    let mut bell = BELL.lock().unwrap_or_else(PoisonError::into_inner);
    let waker = match &mut *bell {
        Some(waker) => waker,
        None => bell.insert(Waker::new()?),
    };
    let own = waker.as_fd().try_clone_to_owned()?;
    NUMBER.store(waker.writing().as_raw_fd(), Ordering::Release);
    Ok(own)
}

/// In a signal handler: rings.
pub(super) fn ring() {
    let number = NUMBER.load(Ordering::Acquire);
    if number == NONE {
        return;
    }
    // SAFETY: the descriptor is never closed.
    let bell = unsafe { BorrowedFd::borrow_raw(number) };
    // A counter that is full is readable, too.
    let _ = rustix::io::write(bell, &1u64.to_ne_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::descriptors::{Descriptor, Interest, is_ready};
    use crate::platform::heard::Signal;
    use std::sync::Arc;

    #[test]
    fn a_signal_rings() {
        Signal::Resized.hear();
        let own = Descriptor::Shared(Arc::new(bell().unwrap()));
        // SAFETY: the signal has a handler.
        unsafe { libc::raise(libc::SIGWINCH) };
        assert!(is_ready(&own, Interest::Read));
    }
}
