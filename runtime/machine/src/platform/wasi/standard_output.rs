//! The standard output of the program: buffered, and yet seen in time, as far as that goes without a timer.
//!
//! What is written while nothing has been written for [`DELAY`] goes to the host at once; what follows is gathered until the
//! next write after that time, until the program waits or ends, or until it is much. So a program that computes for long after
//! it has printed may keep what it printed last; nothing could interrupt it.

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Bytes that are gathered at most.
const CAPACITY: usize = 16 << 10;
/// How old what has been gathered may become, when it is written to again.
const DELAY: Duration = Duration::from_millis(50);
/// The status of a program whose output nobody reads: what shells give for the signal that would have ended it.
const NOBODY_READS: i32 = 128 + 13;

static GATHERED: Mutex<Gathered> = Mutex::new(Gathered {
    bytes: Vec::new(),
    written_at: None,
    terminal: None,
});

struct Gathered {
    bytes: Vec<u8>,
    /// When something was written last.
    written_at: Option<Instant>,
    terminal: Option<bool>,
}

impl Gathered {
    fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.bytes.len() + bytes.len() > CAPACITY {
            self.flush()?;
        }
        if bytes.len() > CAPACITY {
            return write_all(rustix::stdio::stdout(), bytes);
        }
        self.bytes.extend_from_slice(bytes);
        let is_terminal = *self
            .terminal
            .get_or_insert_with(|| io::stdout().is_terminal());
        if is_terminal && bytes.contains(&b'\n') {
            return self.flush();
        }
        let now = Instant::now();
        match self.written_at {
            Some(at) if now.saturating_duration_since(at) < DELAY => Ok(()),
            _ => {
                self.written_at = Some(now);
                self.flush()
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = write_all(rustix::stdio::stdout(), &self.bytes);
        self.bytes.clear();
        result
    }
}

fn write_all(to: impl rustix::fd::AsFd, mut bytes: &[u8]) -> io::Result<()> {
    use rustix::io::Errno;
    while !bytes.is_empty() {
        match rustix::io::write(&to, bytes) {
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            // Non-blocking mode belongs to whoever shares the descriptor: its reader is waited for.
            Err(Errno::AGAIN) => std::thread::sleep(Duration::from_millis(1)),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn lock() -> MutexGuard<'static, Gathered> {
    GATHERED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A failure ends the program: nobody reads, or nobody can.
fn end_on_failure(result: io::Result<()>) {
    if let Err(error) = result {
        fail(&error);
    }
}

/// Writes to standard output, now or soon.
pub fn write(bytes: &[u8]) {
    end_on_failure(lock().take(bytes));
}

/// Hands everything written so far to the host.
pub fn flush() {
    end_on_failure(lock().flush());
}

/// Writes to standard error, which nothing gathers. If it is closed there is nowhere to report that to.
pub fn write_error(bytes: &[u8]) {
    super::shown_line::take_back();
    let _ = write_all(rustix::stdio::stderr(), bytes);
}

/// Where memory is exhausted: writes what has been gathered, unless somebody is at it; whether nothing is left.
pub(super) fn flush_in_handler() -> bool {
    match GATHERED.try_lock() {
        Ok(mut gathered) => gathered.flush().is_ok(),
        Err(_) => false,
    }
}

#[cold]
fn fail(error: &io::Error) -> ! {
    if error.kind() == io::ErrorKind::BrokenPipe {
        std::process::exit(NOBODY_READS);
    }
    let _ = writeln!(
        io::stderr(),
        "Error: I/O error: cannot write to standard output: {error}"
    );
    std::process::exit(1)
}
