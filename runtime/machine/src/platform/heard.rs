//! Signals that a program wants to hear of.

#![allow(
    unsafe_code,
    reason = "dispositions of signals are the system's; this module holds nothing else"
)]

use std::sync::atomic::{AtomicU32, Ordering};

use super::ending::{disposition, install};

/// A signal that a program can hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// The size of the terminal has changed (SIGWINCH).
    Resized,
    /// Somebody has pressed Ctrl-C (SIGINT).
    Interrupt,
    /// The process is asked to end (SIGTERM).
    Terminate,
    /// The terminal is gone (SIGHUP).
    HangUp,
}

/// How often each signal has come since somebody wanted to hear of it. Signals are the process's: each machine that
/// hears of one compares with what it has seen.
static COUNTS: [AtomicU32; 4] = [const { AtomicU32::new(0) }; 4];

impl Signal {
    /// All of them.
    pub const ALL: [Signal; 4] = [
        Signal::Resized,
        Signal::Interrupt,
        Signal::Terminate,
        Signal::HangUp,
    ];

    fn number(self) -> libc::c_int {
        match self {
            Signal::Resized => libc::SIGWINCH,
            Signal::Interrupt => libc::SIGINT,
            Signal::Terminate => libc::SIGTERM,
            Signal::HangUp => libc::SIGHUP,
        }
    }

    fn count_of(self) -> &'static AtomicU32 {
        let [resized, interrupt, terminate, hang_up] = &COUNTS;
        match self {
            Signal::Resized => resized,
            Signal::Interrupt => interrupt,
            Signal::Terminate => terminate,
            Signal::HangUp => hang_up,
        }
    }

    /// From now on the signal is counted, and does nothing else.
    pub fn hear(self) {
        install(self.number(), heard);
    }

    /// From now on the signal is counted, unless it is to be ignored, as `nohup` says of one.
    pub fn hear_unless_ignored(self) {
        if disposition(self.number()) != Some(libc::SIG_IGN) {
            self.hear();
        }
    }

    /// Ends the process as this signal does where nobody handles it.
    pub fn end_process(self) -> ! {
        super::signals::end_by(self.number())
    }

    /// How often it has come since it is heard of.
    #[must_use]
    pub fn count(self) -> u32 {
        self.count_of().load(Ordering::Acquire)
    }
}

extern "C" fn heard(signal: libc::c_int) {
    for known in Signal::ALL {
        if known.number() == signal {
            known.count_of().fetch_add(1, Ordering::AcqRel);
            #[cfg(feature = "many-threads")]
            super::bell::ring();
        }
    }
}

/// While it exists, Ctrl-C and Ctrl-\ at the terminal do nothing to this process, only to others in the foreground.
#[derive(Debug)]
pub struct Deaf([(libc::c_int, libc::sighandler_t); 2]);

extern "C" fn ignore(_: libc::c_int) {}

impl Deaf {
    /// Stops hearing them. A process that is started meanwhile hears them: handlers, unlike ignoring, are not
    /// inherited.
    #[must_use]
    pub fn new() -> Deaf {
        Deaf([libc::SIGINT, libc::SIGQUIT].map(|signal| {
            let handler = ignore as *const () as libc::sighandler_t;
            // SAFETY: the handler does nothing, which is allowed at any time.
            (signal, unsafe { libc::signal(signal, handler) })
        }))
    }
}

impl Default for Deaf {
    fn default() -> Deaf {
        Deaf::new()
    }
}

impl Drop for Deaf {
    fn drop(&mut self) {
        for (signal, handler) in self.0 {
            // SAFETY: the handler was one before.
            unsafe { libc::signal(signal, handler) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_counted() {
        let before = Signal::Resized.count();
        Signal::Resized.hear();
        for _ in 0..2 {
            // SAFETY: the signal has a handler.
            unsafe { libc::raise(libc::SIGWINCH) };
        }
        assert_eq!(Signal::Resized.count() - before, 2);
    }

    #[test]
    fn deafness_ends() {
        let deaf = Deaf::new();
        // SAFETY: the signal has a handler.
        unsafe { libc::raise(libc::SIGQUIT) };
        drop(deaf);
    }
}
