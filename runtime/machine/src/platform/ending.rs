//! What a process must undo before it ends, however it ends: the terminal's mode, what the terminal was told to do, and
//! the processes that were started.
//!
//! A signal that ends the process runs code in whatever state the process is, on whatever thread. So what is to be
//! undone stands here, in memory that a signal handler may read, and not in a machine: the terminal and the
//! processes are the process's, not a machine's. This is the one place of the runtime with state of that kind
//! (architecture, invariant 3); it is empty, and no handler exists, until something is to be undone.

#![allow(
    unsafe_code,
    reason = "signal handlers and what they read; this module holds nothing else"
)]

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use super::habits::Habit;

/// The signals that end a process and can be caught, but for those that tell of a defect.
const DEADLY: [libc::c_int; 5] = [
    libc::SIGHUP,
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGTERM,
    libc::SIGABRT,
];

/// The mode that the terminal of standard input is to have in the end.
struct SavedMode {
    is_set: AtomicBool,
    mode: UnsafeCell<MaybeUninit<libc::termios>>,
}

// SAFETY: the mode is only written while `is_set` is false and the lock of `MODE_LOCK` is held, and only read while
// `is_set` is true.
unsafe impl Sync for SavedMode {}

static MODE: SavedMode = SavedMode {
    is_set: AtomicBool::new(false),
    mode: UnsafeCell::new(MaybeUninit::uninit()),
};
static MODE_LOCK: Mutex<()> = Mutex::new(());

/// Most groups of processes that are ended together with this process. Groups beyond them outlive a signal.
const GROUPS: usize = 1024;
/// Leaders of the groups of processes; 0 is a free place.
static STARTED: [AtomicI32; GROUPS] = [const { AtomicI32::new(0) }; GROUPS];

/// Undoes everything. May be called at any time, in a signal handler, too.
pub fn undo() {
    if MODE.is_set.load(Ordering::Acquire) && !is_in_background() {
        // SAFETY: the mode is set and does not change while it is.
        unsafe { libc::tcsetattr(0, libc::TCSANOW, (*MODE.mode.get()).as_ptr()) };
    }
    for place in &STARTED {
        let leader = place.load(Ordering::Acquire);
        if leader > 1 {
            // SAFETY: a system call without pointers.
            unsafe { libc::kill(-leader, libc::SIGKILL) };
        }
    }
}

/// Ends what the terminal was told to do. May be called at any time, in a signal handler, too.
pub fn undo_habits() {
    let line = super::shown_line::end();
    if !line.is_empty() {
        // SAFETY: the bytes live forever. If they cannot be written the terminal is gone.
        unsafe { libc::write(2, line.as_ptr().cast(), line.len()) };
    }
    for command in Habit::take_ends() {
        // SAFETY: the bytes live forever. If they cannot be written the terminal is gone.
        unsafe { libc::write(1, command.as_ptr().cast(), command.len()) };
    }
}

/// Whether others have the terminal of standard input now. Who sets its mode all the same is stopped by the system.
#[must_use]
pub fn is_in_background() -> bool {
    // SAFETY: system calls without pointers. A terminal that is not that of the session has no group, which is an error.
    let (foreground, own) = unsafe { (libc::tcgetpgrp(0), libc::getpgrp()) };
    foreground > 0 && foreground != own
}

/// Asks a process (or, if it is negative, a group of processes) to end, with SIGTERM.
pub fn ask_to_end(process: i32) {
    // 0 would mean our own group, and -1 every process there is.
    if process.unsigned_abs() > 1 {
        // SAFETY: a system call without pointers. A process that is gone is an error that does not matter.
        unsafe { libc::kill(process, libc::SIGTERM) };
    }
}

/// Asks a process that is about to be started to end, with SIGTERM, when the calling thread has ended, whatever ended it: SIGKILL
/// gives this process no time to do so itself. Only Linux can do that.
#[cfg(target_os = "linux")]
pub fn end_with_us(command: &mut std::process::Command) {
    use std::os::unix::process::CommandExt;
    let parent = std::process::id();
    let in_child = move || {
        // SAFETY: system calls without pointers.
        let (done, has_parent) = unsafe {
            let done = libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM, 0, 0, 0);
            (done, libc::getppid().unsigned_abs() == parent)
        };
        match done {
            0 if has_parent => Ok(()),
            // It has ended in between, and nobody will say so.
            0 => Err(std::io::ErrorKind::Interrupted.into()),
            _ => Err(std::io::Error::last_os_error()),
        }
    };
    // SAFETY: what runs between fork and exec are two system calls; nothing is allocated.
    unsafe { command.pre_exec(in_child) };
}

/// Elsewhere the process goes on.
#[cfg(not(target_os = "linux"))]
pub fn end_with_us(_command: &mut std::process::Command) {}

/// What a signal does now.
pub(super) fn disposition(signal: libc::c_int) -> Option<libc::sighandler_t> {
    let mut current = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: nothing is changed, and what is pointed to is large enough.
    let done = unsafe { libc::sigaction(signal, std::ptr::null(), current.as_mut_ptr()) };
    // SAFETY: it was filled in.
    (done == 0).then(|| unsafe { current.assume_init() }.sa_sigaction)
}

/// Sees to it that [`undo`] runs when a signal ends the process. Signals that are ignored or handled stay so.
pub(super) fn catch_deadly_signals() {
    for signal in DEADLY {
        if disposition(signal) == Some(libc::SIG_DFL) {
            install(signal, super::signals::end);
        }
    }
}

/// Sees to it that the system keeps how a process that we start ends until somebody asks. Who has started us may have
/// said that nobody ever will.
pub fn keep_ends_of_processes() {
    if disposition(libc::SIGCHLD) == Some(libc::SIG_IGN) {
        // SAFETY: a system call without pointers; what the signal does now is nothing, as before.
        unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
    }
}

/// Makes `handler` handle a signal; what has done so before. System calls that it interrupts are begun again, where that is possible.
pub(super) fn install(
    signal: libc::c_int,
    handler: extern "C" fn(libc::c_int),
) -> Option<libc::sigaction> {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    let mut before = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: the structures are plain data, of which zeros are a valid value, and live until the call is over.
    unsafe {
        let fields = action.as_mut_ptr();
        (*fields).sa_sigaction = handler as *const () as libc::sighandler_t;
        (*fields).sa_flags = libc::SA_RESTART;
        libc::sigemptyset(&raw mut (*fields).sa_mask);
        let done = libc::sigaction(signal, action.as_ptr(), before.as_mut_ptr());
        (done == 0).then(|| before.assume_init())
    }
}

/// Notes the mode that the terminal of standard input has now, as the one to have in the end. `false`: one is noted
/// already.
///
/// # Errors
/// Standard input is no terminal.
pub fn note_terminal_mode() -> std::io::Result<bool> {
    let _only = MODE_LOCK
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut mode = MaybeUninit::<libc::termios>::zeroed();
    // SAFETY: what is pointed to is large enough.
    if unsafe { libc::tcgetattr(0, mode.as_mut_ptr()) } != 0 {
        return Err(std::io::Error::last_os_error());
    }
    if MODE.is_set.load(Ordering::Acquire) {
        return Ok(false);
    }
    // SAFETY: nobody reads the mode while it is not set, and the lock is held.
    unsafe { *MODE.mode.get() = mode };
    MODE.is_set.store(true, Ordering::Release);
    catch_deadly_signals();
    Ok(true)
}

/// Gives the terminal the noted mode back, which is then no longer noted.
pub fn restore_terminal_mode() {
    if MODE.is_set.load(Ordering::Acquire) {
        if !is_in_background() {
            // SAFETY: the mode is set and does not change while it is.
            unsafe { libc::tcsetattr(0, libc::TCSADRAIN, (*MODE.mode.get()).as_ptr()) };
        }
        MODE.is_set.store(false, Ordering::Release);
    }
}

/// A group of processes that this process has started, which ends when this process does. Dropping it forgets the
/// group.
#[derive(Debug)]
pub struct Group {
    leader: i32,
    place: Option<usize>,
}

impl Group {
    /// The group that a process leads.
    #[must_use]
    pub fn new(leader: i32) -> Group {
        let free = |place: &AtomicI32| {
            place
                .compare_exchange(0, leader, Ordering::AcqRel, Ordering::Relaxed)
                .is_ok()
        };
        let place = STARTED.iter().position(free);
        catch_deadly_signals();
        Group { leader, place }
    }

    /// Ends all processes of the group at once.
    pub fn kill(&self) {
        // 0 would mean our own group, and -1 every process there is.
        if self.leader > 1 {
            // SAFETY: a system call without pointers. A group that is gone is an error that does not matter.
            unsafe { libc::kill(-self.leader, libc::SIGKILL) };
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(place) = self.place.and_then(|place| STARTED.get(place)) {
            place.store(0, Ordering::Release);
        }
    }
}
