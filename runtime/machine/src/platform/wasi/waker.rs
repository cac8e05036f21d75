//! Waking a thread that sleeps: there is one thread, so nobody could wake it.

use std::convert::Infallible;

/// Wakes a thread that sleeps in [`super::descriptors::wait`]. There is none.
#[derive(Debug)]
pub struct Waker(Infallible);

impl Waker {
    /// A new one.
    ///
    /// # Errors
    /// Always: there are no threads.
    pub fn new() -> std::io::Result<Waker> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    /// Wakes the sleeper.
    pub fn wake(&self) {
        match self.0 {}
    }

    /// Forgets that it was woken.
    pub fn clear(&self) {
        match self.0 {}
    }
}
