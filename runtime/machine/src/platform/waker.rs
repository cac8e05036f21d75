//! A descriptor with which other threads wake one that sleeps.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;

/// Wakes a thread that sleeps in [`super::descriptors::wait`].
///
/// On Linux it is an eventfd: one descriptor, 8 bytes in the kernel; elsewhere a pipe.
#[derive(Debug)]
pub struct Waker {
    read: OwnedFd,
    #[cfg(not(target_os = "linux"))]
    write: OwnedFd,
}

impl Waker {
    /// A new one.
    ///
    /// # Errors
    /// The process has no descriptor left.
    #[cfg(target_os = "linux")]
    pub fn new() -> std::io::Result<Waker> {
        use rustix::event::{EventfdFlags, eventfd};
        let read = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Waker { read })
    }

    /// A new one.
    ///
    /// # Errors
    /// The process has no descriptors left.
    #[cfg(not(target_os = "linux"))]
    pub fn new() -> std::io::Result<Waker> {
        use rustix::fs::{OFlags, fcntl_setfl};
        let (read, write) = rustix::pipe::pipe()?;
        fcntl_setfl(&read, OFlags::NONBLOCK)?;
        fcntl_setfl(&write, OFlags::NONBLOCK)?;
        Ok(Waker { read, write })
    }

    pub(super) fn writing(&self) -> BorrowedFd<'_> {
        #[cfg(target_os = "linux")]
        return self.read.as_fd();
        #[cfg(not(target_os = "linux"))]
        return self.write.as_fd();
    }

    /// Wakes the sleeper, now or when it wants to sleep next.
    pub fn wake(&self) {
        // A counter or pipe that is full wakes, too.
        while rustix::io::write(self.writing(), &1u64.to_ne_bytes()) == Err(Errno::INTR) {}
    }

    /// Forgets that it was woken.
    pub fn clear(&self) {
        let mut bytes = [0; 64];
        while matches!(
            rustix::io::read(&self.read, &mut bytes),
            Ok(64) | Err(Errno::INTR)
        ) {}
    }
}

impl AsFd for Waker {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.read.as_fd()
    }
}
