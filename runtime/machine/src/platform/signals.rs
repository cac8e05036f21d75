//! The signals that a program gets: those that ask it to end, and that of the timer.
//!
//! | signal | effect |
//! |--------|--------|
//! | `SIGINT` | the program is asked to end ([`requested`]); a second one within [`AGAIN`], or while the first has not been heard, ends it at once |
//! | `SIGTERM`, `SIGHUP` | what has been printed is written, and the signal ends the program |
//! | `SIGALRM` | what has been printed is written; whoever has not heard a request is reminded |
//!
//! The first process of a container gets no signal whose effect is the system's own, so there `SIGTERM` and `SIGHUP` ask the
//! program to end, too, and if it has not heard that after [`PATIENCE`] it is ended.
//!
//! A machine hears a request at the next tail call, jump or complete instruction: the handler puts another function in the
//! place of those that execute what comes then ([`crate::vm`]), so programs have nothing to check. Signals belong to the process,
//! and so does the state here. Nothing is set up for machines of embedders.

#![allow(unsafe_code, reason = "signals are set up by calls of C")]

use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use libc::c_int;

use super::{ending, standard_output};

/// How soon after the first interrupt a second one ends the program.
const AGAIN: Duration = Duration::from_secs(2);
/// Between two reminders of a request.
const REMINDER: Duration = Duration::from_millis(50);
/// How long the first process of a container may take to hear a request.
const PATIENCE: Duration = Duration::from_secs(2);

/// The signal that asks the program to end; 0: none has come.
static REQUESTED: AtomicI32 = AtomicI32::new(0);
/// Whether the program has been told of the request, and is to be told again at the next reminder.
static HEARD: AtomicBool = AtomicBool::new(false);
/// When the request came, in milliseconds.
static REQUESTED_AT: AtomicU64 = AtomicU64::new(0);
/// Reminders since the request.
static REMINDERS: AtomicU32 = AtomicU32::new(0);
/// A signal that ends the program as soon as what has been printed is written; 0: none.
static ENDING: AtomicI32 = AtomicI32::new(0);
/// The thread of the program, to which signals that reach others are passed on; 0: none.
static THREAD: AtomicUsize = AtomicUsize::new(0);
/// Whether the program is the first process of a container.
static IS_FIRST: AtomicBool = AtomicBool::new(false);
/// Whether the handlers of `SIGTERM`, `SIGHUP` and `SIGALRM` are there.
static OUTPUT_NOTED: AtomicBool = AtomicBool::new(false);
/// Makes machines look at [`requested`] soon. Set once, before there are handlers.
static ALERT: AtomicUsize = AtomicUsize::new(0);

type Handler = extern "C" fn(c_int);

/// Installs a handler, unless the signal is to be ignored, as a parent may have said, or the program hears it
/// ([`super::heard`]).
fn install(signal: c_int, handler: Handler) {
    // SAFETY: both structures are valid; the handlers do only what handlers may.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        if libc::sigaction(signal, std::ptr::null(), &raw mut action) != 0
            || !is_replaceable(action.sa_sigaction)
        {
            return;
        }
        action.sa_sigaction = handler as *const () as usize;
        // What waits goes on waiting after the timer's signal, but is to look around after others.
        action.sa_flags = if signal == libc::SIGALRM {
            libc::SA_RESTART
        } else {
            0
        };
        libc::sigemptyset(&raw mut action.sa_mask);
        for other in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGALRM] {
            libc::sigaddset(&raw mut action.sa_mask, other);
        }
        libc::sigaction(signal, &raw const action, std::ptr::null_mut());
    }
}

/// Whether a signal has the effect of the system or a handler of this module.
fn is_replaceable(disposition: libc::sighandler_t) -> bool {
    let own: [Handler; 3] = [ask, end, on_timer];
    disposition == libc::SIG_DFL
        || own
            .iter()
            .any(|handler| *handler as *const () as usize == disposition)
}

/// The program of the process begins, on this thread. `alert` makes it look at [`requested`] soon; it is called
/// in signal handlers, on this thread only.
pub(crate) fn begin_program(alert: extern "C" fn()) {
    ALERT.store(alert as *const () as usize, Ordering::SeqCst);
    // SAFETY: always succeeds.
    THREAD.store(unsafe { libc::pthread_self() } as usize, Ordering::SeqCst);
    install(libc::SIGINT, ask);
    if std::process::id() == 1 {
        IS_FIRST.store(true, Ordering::SeqCst);
        install(libc::SIGALRM, on_timer);
        install(libc::SIGTERM, ask);
        install(libc::SIGHUP, ask);
    }
}

/// Something has been printed that is not yet written: no signal may lose it.
pub(super) fn note_output() {
    if OUTPUT_NOTED.swap(true, Ordering::Relaxed) {
        return;
    }
    install(libc::SIGALRM, on_timer);
    if !IS_FIRST.load(Ordering::Relaxed) {
        install(libc::SIGTERM, end);
        install(libc::SIGHUP, end);
    }
}

/// A signal does again what it did before the program wanted to hear of it. What has been printed meanwhile is not to be lost by it.
pub(super) fn end_hearing() {
    if OUTPUT_NOTED.swap(false, Ordering::Relaxed) {
        note_output();
    }
}

/// Sets the timer; called in handlers, too.
pub(super) fn set_timer(after: Duration) {
    let time = libc::itimerval {
        it_interval: libc::timeval {
            tv_sec: 0,
            tv_usec: 0,
        },
        it_value: libc::timeval {
            tv_sec: 0,
            tv_usec: after.subsec_micros() as _,
        },
    };
    // SAFETY: the structure is valid.
    unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const time, std::ptr::null_mut()) };
}

/// The signal that has asked the program to end.
pub(crate) fn requested() -> Option<c_int> {
    Some(REQUESTED.load(Ordering::Relaxed)).filter(|signal| *signal != 0)
}

/// The same, once for the request and once for each reminder that follows.
pub(crate) fn hear() -> Option<c_int> {
    let signal = requested()?;
    (!HEARD.swap(true, Ordering::SeqCst)).then_some(signal)
}

/// Whether the program is the first process of a container.
pub(crate) fn is_first_process() -> bool {
    IS_FIRST.load(Ordering::Relaxed)
}

fn now() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the structure is valid.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    time.tv_sec as u64 * 1000 + time.tv_nsec as u64 / 1_000_000
}

/// `SIGINT`, and in the first process the others.
extern "C" fn ask(signal: c_int) {
    let since = now().saturating_sub(REQUESTED_AT.load(Ordering::SeqCst));
    let before = REQUESTED.swap(signal, Ordering::SeqCst);
    if before != 0 && (since < AGAIN.as_millis() as u64 || !HEARD.load(Ordering::SeqCst)) {
        standard_output::flush_in_handler();
        exit(signal);
    }
    REQUESTED_AT.store(now(), Ordering::SeqCst);
    REMINDERS.store(0, Ordering::SeqCst);
    HEARD.store(false, Ordering::SeqCst);
    if before == 0 {
        // Reminders need the timer's handler.
        install(libc::SIGALRM, on_timer);
    }
    alert();
    set_timer(REMINDER);
}

/// The process ends with the status of a program that a signal has ended.
fn exit(signal: c_int) -> ! {
    ending::undo_habits();
    ending::undo();
    // SAFETY: always possible, in handlers too.
    unsafe { libc::_exit(128 + signal) }
}

/// Makes the machine look at the request, or what it waits for be interrupted.
fn alert() {
    let alert = ALERT.load(Ordering::SeqCst);
    let thread = THREAD.load(Ordering::SeqCst);
    if alert == 0 {
        return;
    }
    // SAFETY: the thread is that of the program, which lives as long as the process; only `begin_program` has stored the
    // function.
    unsafe {
        if thread != libc::pthread_self() as usize {
            // That thread's handler does it.
            libc::pthread_kill(thread as libc::pthread_t, libc::SIGALRM);
        } else {
            let alert: extern "C" fn() = std::mem::transmute(alert);
            alert();
        }
    }
}

extern "C" fn on_timer(_: c_int) {
    standard_output::flush_in_handler();
    if REQUESTED.load(Ordering::SeqCst) == 0 {
        return;
    }
    // Another thread's reminder has been passed on to that of the program.
    // SAFETY: always succeeds.
    let is_own = unsafe { libc::pthread_self() } as usize == THREAD.load(Ordering::SeqCst);
    let reminders = REMINDERS.fetch_add(1, Ordering::SeqCst) + 1;
    if is_first_process() && !HEARD.load(Ordering::SeqCst) && REMINDER * reminders > PATIENCE {
        exit(REQUESTED.load(Ordering::SeqCst));
    }
    HEARD.store(false, Ordering::SeqCst);
    if is_own {
        set_timer(REMINDER);
    }
    alert();
}

/// `SIGTERM`, `SIGHUP`, and what else ends a process that has something to undo.
pub(super) extern "C" fn end(signal: c_int) {
    ending::undo();
    ENDING.store(signal, Ordering::SeqCst);
    if standard_output::flush_in_handler() {
        end_by(signal);
    }
    // Else whoever holds the output, or waits for its reader, ends the process: `end_if_interrupted`.
}

/// Ends the process if a signal that does so has come while somebody was writing.
pub(super) fn end_if_interrupted() {
    let signal = ENDING.load(Ordering::SeqCst);
    if signal != 0 {
        end_by(signal);
    }
}

/// Ends the process as this signal does where nobody handles it; its parent sees that.
pub(super) fn end_by(signal: c_int) -> ! {
    ending::undo_habits();
    ending::undo();
    // SAFETY: the default action ends the process; it is not delivered while its own handler runs, so it is let
    // through.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, signal);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, std::ptr::null_mut());
        libc::raise(signal);
    }
    // The first process of a container is not ended by signals.
    exit(signal)
}
