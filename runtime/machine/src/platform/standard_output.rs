//! The standard output of the process: buffered, and yet seen in time.
//!
//! What is written while nothing has been written for [`DELAY`] goes to the system at once; what follows is gathered,
//! for at most that time. A timer sees to it, whatever the program does meanwhile: its signal handler writes what has
//! been gathered, as far as nobody has to wait for that. A program that prints little, or waits, never sets the timer.
//!
//! There is one standard output, as there is one set of signal handlers, so this is state of the process and not of a
//! machine; machines of embedders write elsewhere. The handler can come at any point, so it takes the lock
//! only if that is free; else it leaves a note, which whoever holds the lock finds when it gives it back.

#![allow(
    unsafe_code,
    reason = "the timer and the end by a broken pipe are calls of C"
)]

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::{ending, shown_line, signals};

/// Bytes that are gathered at most.
const CAPACITY: usize = 16 << 10;
/// How old what has been gathered may become.
const DELAY: Duration = Duration::from_millis(50);
/// Bytes that a pipe takes without making its writer wait when it says that it can be written.
const PIPE_PART: usize = 4096;

static GATHERED: Mutex<Gathered> = Mutex::new(Gathered {
    bytes: Vec::new(),
    written_at: None,
    timer: false,
    terminal: None,
});
/// Held while a text goes to standard error. Handlers of signals write nothing there.
#[cfg(feature = "many-threads")]
static ERRORS: Mutex<()> = Mutex::new(());
/// Whether a handler has found the lock taken.
static MISSED: AtomicBool = AtomicBool::new(false);

struct Gathered {
    /// What has been gathered. Handlers take from it without allocating.
    bytes: Vec<u8>,
    /// When something was written last.
    written_at: Option<Instant>,
    /// Whether the timer has been set and has not come yet.
    timer: bool,
    terminal: Option<bool>,
}

impl Gathered {
    fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.bytes.len() + bytes.len() > CAPACITY {
            self.flush()?;
        }
        if bytes.len() > CAPACITY {
            self.take_line_back();
            return write_all(rustix::stdio::stdout(), bytes);
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// Writes what has been gathered if it is time, or sees to it that it will be.
    ///
    /// `last`: what has just been gathered. Only at a terminal it is looked through for the end of a line.
    fn write_in_time(&mut self, last: &[u8]) -> io::Result<()> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        let is_terminal = *self
            .terminal
            .get_or_insert_with(|| io::stdout().is_terminal());
        if is_terminal && last.contains(&b'\n') {
            return self.flush();
        }
        if self.timer {
            return Ok(());
        }
        let now = Instant::now();
        match self.written_at {
            Some(at) if now.saturating_duration_since(at) < DELAY => {
                self.timer = true;
                signals::note_output();
                signals::set_timer(DELAY);
                Ok(())
            }
            _ => {
                self.written_at = Some(now);
                self.flush()
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.bytes.is_empty() {
            self.take_line_back();
        }
        let result = write_all(rustix::stdio::stdout(), &self.bytes);
        self.bytes.clear();
        result
    }

    /// What is written to a terminal begins where a line was that goes on changing.
    fn take_line_back(&mut self) {
        let terminal = &mut self.terminal;
        if shown_line::is_shown() && *terminal.get_or_insert_with(|| io::stdout().is_terminal()) {
            shown_line::take_back();
        }
    }

    /// Writes what nobody has to wait for. Called by signal handlers: nothing here allocates or locks.
    fn write_ready(&mut self) -> rustix::io::Result<()> {
        let mut start = 0;
        let mut result = Ok(());
        while let Some(rest) = self.bytes.get(start..)
            && !rest.is_empty()
            && can_be_written(Some(&Timespec::default()))
        {
            let part = rest.get(..PIPE_PART).unwrap_or(rest);
            match rustix::io::write(rustix::stdio::stdout(), part) {
                Ok(count) => start += count,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                Err(error) => {
                    result = Err(error);
                    break;
                }
            }
        }
        self.bytes.copy_within(start.., 0);
        self.bytes.truncate(self.bytes.len() - start);
        result
    }
}

/// Whether standard output takes bytes, now or within the time.
fn can_be_written(time: Option<&Timespec>) -> bool {
    let mut polled = [PollFd::from_borrowed_fd(
        rustix::stdio::stdout(),
        PollFlags::OUT,
    )];
    !matches!(poll(&mut polled, time), Ok(0) | Err(_))
}

/// Writes all bytes. Non-blocking mode belongs to whoever shares the descriptor, perhaps the parent: it is waited for.
fn write_all(to: impl rustix::fd::AsFd, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(&to, bytes) {
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(Errno::INTR) => signals::end_if_interrupted(),
            Err(Errno::AGAIN) => {
                let mut polled = [PollFd::new(&to, PollFlags::OUT)];
                // Whatever the answer is, the next write tells.
                let _ = poll(&mut polled, None);
                signals::end_if_interrupted();
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn lock() -> MutexGuard<'static, Gathered> {
    GATHERED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does something with what has been gathered, and then what a signal wanted to do meanwhile. A failure ends the
/// process: nobody reads, or nobody can.
fn with(act: impl FnOnce(&mut Gathered) -> io::Result<()>) {
    let mut gathered = lock();
    let mut result = act(&mut gathered);
    drop(gathered);
    while result.is_ok() && MISSED.swap(false, Ordering::SeqCst) {
        gathered = lock();
        gathered.timer = false;
        result = gathered.flush();
        drop(gathered);
        signals::end_if_interrupted();
    }
    if let Err(error) = result {
        fail(&error);
    }
}

/// Writes to standard output, now or soon.
pub fn write(bytes: &[u8]) {
    with(|gathered| {
        gathered.take(bytes)?;
        gathered.write_in_time(bytes)
    });
}

/// Hands everything written so far to the system.
pub fn flush() {
    with(Gathered::flush);
}

/// Writes to standard error, which nothing gathers. If it is closed there is nowhere to report that to.
pub fn write_error(bytes: &[u8]) {
    // What one thread has to say may take several writes.
    #[cfg(feature = "many-threads")]
    let _only = ERRORS.lock().unwrap_or_else(PoisonError::into_inner);
    put_error(bytes);
}

fn put_error(bytes: &[u8]) {
    let _ = match shown_line::end() {
        "" => write_all(rustix::stdio::stderr(), bytes),
        // In one piece: the line may be shown again at any time.
        end => write_all(rustix::stdio::stderr(), &[end.as_bytes(), bytes].concat()),
    };
}

/// Writes to standard error if that takes something now; whether it did. Of a pipe that is so if it takes 4,096 bytes: no more should be
/// written.
pub fn write_error_without_waiting(bytes: &[u8]) -> bool {
    // Who holds it may be waiting for a reader, and who takes it now is the only one to fill what is free.
    #[cfg(feature = "many-threads")]
    let _only = match ERRORS.try_lock() {
        Ok(only) => only,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => return false,
    };
    let mut polled = [PollFd::from_borrowed_fd(
        rustix::stdio::stderr(),
        PollFlags::OUT,
    )];
    let takes = !matches!(
        poll(&mut polled, Some(&Timespec::default())),
        Ok(0) | Err(_)
    );
    if takes {
        put_error(bytes);
    }
    takes
}

/// In a signal handler: writes what can be written without waiting; whether nothing is left.
pub(super) fn flush_in_handler() -> bool {
    let mut gathered = match GATHERED.try_lock() {
        Ok(gathered) => gathered,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => {
            MISSED.store(true, Ordering::SeqCst);
            return false;
        }
    };
    gathered.timer = false;
    match gathered.write_ready() {
        Err(Errno::PIPE) => signals::end_by(libc::SIGPIPE),
        // The next write meets the error again and reports it.
        Err(_) => return true,
        Ok(()) => {}
    }
    if !gathered.bytes.is_empty() {
        gathered.timer = true;
        signals::set_timer(DELAY);
    }
    gathered.bytes.is_empty()
}

/// Standard output cannot be written. A pipe that nobody reads ends a program as it ends others: quietly, by its signal.
#[cold]
fn fail(error: &io::Error) -> ! {
    if error.kind() == io::ErrorKind::BrokenPipe {
        signals::end_by(libc::SIGPIPE);
    }
    let _ = writeln!(
        io::stderr(),
        "Error: I/O error: cannot write to standard output: {error}"
    );
    ending::undo();
    std::process::exit(1)
}
