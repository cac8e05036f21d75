//! Waiting for descriptors that can be read or written, with a limit of time.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::signals;
use super::waker::Waker;

pub use super::descriptor::{Descriptor, Interest};

impl Interest {
    fn flags(self) -> PollFlags {
        match self {
            Interest::Read => PollFlags::IN,
            Interest::Write => PollFlags::OUT,
        }
    }
}

/// Whether the next read or write will not wait. Errors count as ready: the read or write meets them.
pub fn is_ready(descriptor: &Descriptor, interest: Interest) -> bool {
    let mut polled = [PollFd::new(descriptor, interest.flags())];
    loop {
        match poll(&mut polled, Some(&Timespec::default())) {
            Ok(0) => return false,
            Ok(_) => return true,
            Err(Errno::INTR) => {}
            // What cannot be waited for does not make anybody wait.
            Err(_) => return true,
        }
    }
}

/// Whether the process, or the system, has no descriptor left.
pub fn are_used_up() -> bool {
    // There is always one of standard error.
    let copied = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stderr(), 0);
    matches!(copied, Err(Errno::MFILE | Errno::NFILE))
}

/// Waits until one of the descriptors is ready, `waker` is woken or the time is over (`None`: without end);
/// which descriptors are ready. Without descriptors and waker it waits for the time alone.
pub fn wait(
    descriptors: &[(Descriptor, Interest)],
    waker: Option<&Waker>,
    until: Option<Instant>,
) -> Vec<bool> {
    let mut polled: Vec<PollFd<'_>> = descriptors
        .iter()
        .map(|(descriptor, interest)| PollFd::new(descriptor, interest.flags()))
        .collect();
    if let Some(waker) = waker {
        polled.push(PollFd::from_borrowed_fd(waker.as_fd(), PollFlags::IN));
    }
    loop {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        match poll(&mut polled, left.map(timespec).as_ref()) {
            Err(Errno::INTR) if signals::requested().is_none() => {}
            // The program is to end: it looks at that between two waits.
            Err(Errno::INTR) => return vec![false; descriptors.len()],
            // The system has no memory for it: better a moment's sleep than none.
            Err(_) => {
                std::thread::sleep(left.unwrap_or(RETRY).min(RETRY));
                return vec![true; descriptors.len()];
            }
            Ok(_) => break,
        }
    }
    polled
        .iter()
        .take(descriptors.len())
        .map(|polled| !polled.revents().is_empty())
        .collect()
}

/// How long to sleep when the system cannot wait.
const RETRY: Duration = Duration::from_millis(1);

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: duration.subsec_nanos().into(),
    }
}
