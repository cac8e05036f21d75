//! Signals that a program wants to hear of.

#![allow(
    unsafe_code,
    reason = "dispositions of signals are the system's; this module holds nothing else"
)]

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

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

/// Who wants to hear of a signal.
struct Hearers {
    count: u32,
    /// What the signal did before.
    before: Option<libc::sigaction>,
}

static HEARERS: Mutex<[Hearers; 4]> = Mutex::new(
    [const {
        Hearers {
            count: 0,
            before: None,
        }
    }; 4],
);

/// While it exists a signal is counted, and does nothing else.
#[derive(Debug)]
pub struct Hearing(Signal);

impl Hearing {
    /// The signal.
    #[must_use]
    pub fn signal(&self) -> Signal {
        self.0
    }
}

impl Drop for Hearing {
    fn drop(&mut self) {
        let mut hearers = HEARERS.lock().unwrap_or_else(PoisonError::into_inner);
        let Hearers { count, before } = self.0.of(&mut hearers);
        *count -= 1;
        if *count == 0
            && let Some(before) = before.take()
        {
            // SAFETY: the structure was filled in by the system.
            unsafe { libc::sigaction(self.0.number(), &raw const before, std::ptr::null_mut()) };
            super::signals::end_hearing();
        }
    }
}

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
        self.begin();
    }

    /// The same for as long as what this gives exists; nothing if the signal is to be ignored, as `nohup` says of one.
    #[must_use]
    pub fn hear_for_now(self) -> Option<Hearing> {
        let is_ignored = disposition(self.number()) == Some(libc::SIG_IGN);
        (!is_ignored).then(|| {
            self.begin();
            Hearing(self)
        })
    }

    /// From now on the signal is counted, unless it is to be ignored, as `nohup` says of one.
    pub fn hear_unless_ignored(self) {
        if disposition(self.number()) != Some(libc::SIG_IGN) {
            self.hear();
        }
    }

    fn begin(self) {
        let mut hearers = HEARERS.lock().unwrap_or_else(PoisonError::into_inner);
        let Hearers { count, before } = self.of(&mut hearers);
        if *count == 0 {
            *before = install(self.number(), heard);
        }
        *count += 1;
    }

    fn of<T>(self, all: &mut [T; 4]) -> &mut T {
        let [resized, interrupt, terminate, hang_up] = all;
        match self {
            Signal::Resized => resized,
            Signal::Interrupt => interrupt,
            Signal::Terminate => terminate,
            Signal::HangUp => hang_up,
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
    fn a_signal_does_again_what_it_did_when_nobody_hears_it() {
        let number = libc::SIGHUP;
        let hearings = [(); 2].map(|()| Signal::HangUp.hear_for_now().unwrap());
        let before = Signal::HangUp.count();
        let [first, second] = hearings;
        drop(first);
        // SAFETY: the signal has a handler.
        unsafe { libc::raise(number) };
        assert_eq!(Signal::HangUp.count() - before, 1);
        drop(second);
        assert_eq!(disposition(number), Some(libc::SIG_DFL));
        // SAFETY: the signal has a disposition of the system.
        unsafe { libc::signal(number, libc::SIG_IGN) };
        assert!(Signal::HangUp.hear_for_now().is_none());
        // SAFETY: as above.
        unsafe { libc::signal(number, libc::SIG_DFL) };
    }

    #[test]
    fn deafness_ends() {
        let deaf = Deaf::new();
        // SAFETY: the signal has a handler.
        unsafe { libc::raise(libc::SIGQUIT) };
        drop(deaf);
    }
}
