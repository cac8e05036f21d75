//! Buffered standard output, and standard error that never overtakes it.

use std::cell::RefCell;
use std::io::{IsTerminal, Write};

use crate::platform::ending;
use crate::platform::habits::Habit;
use crate::platform::{shown_line, standard_output};

/// Bytes kept for an embedder's writer before it gets them.
const BUFFER_BYTES: usize = 16 << 10;

/// Where `println` and friends write. Output is flushed before anything goes to standard error,
/// before the program waits, and when it ends.
pub struct Output {
    /// Empty if it goes to the process's standard output, which is buffered there.
    buffer: RefCell<Vec<u8>>,
    sink: Sink,
}

enum Sink {
    Stdout,
    /// Collects everything (tests, macro expansion).
    Memory,
    /// Writers of an embedder.
    Writers(RefCell<Writers>),
}

/// Where an embedder wants output to go.
struct Writers {
    output: Box<dyn Write>,
    errors: Box<dyn Write>,
    /// What went wrong first.
    failure: Option<std::io::Error>,
}

impl Writers {
    /// Writes all of it, unless something went wrong before.
    fn write(&mut self, bytes: &[u8], is_error: bool) {
        if self.failure.is_some() {
            return;
        }
        let writer = match is_error {
            true => &mut self.errors,
            false => &mut self.output,
        };
        if let Err(error) = writer.write_all(bytes).and_then(|()| writer.flush()) {
            self.failure = Some(error);
        }
    }
}

impl Output {
    /// Output to the process's standard output.
    pub fn stdout() -> Output {
        Output {
            buffer: RefCell::default(),
            sink: Sink::Stdout,
        }
    }

    /// Output kept in memory; see [`Output::take`].
    pub fn memory() -> Output {
        Output {
            buffer: RefCell::default(),
            sink: Sink::Memory,
        }
    }

    /// Output to these writers; what is for standard error goes to `errors`. After one has failed nothing more is
    /// written: see [`Output::take_failure`].
    pub fn writers(output: Box<dyn Write>, errors: Box<dyn Write>) -> Output {
        Output {
            buffer: RefCell::default(),
            sink: Sink::Writers(RefCell::new(Writers {
                output,
                errors,
                failure: None,
            })),
        }
    }

    /// The first error of the writers since the last call.
    pub fn take_failure(&self) -> Option<std::io::Error> {
        match &self.sink {
            Sink::Writers(writers) => writers.borrow_mut().failure.take(),
            _ => None,
        }
    }

    /// Writes to standard output. A closed pipe ends the program quietly, as the specification
    /// asks (Q13).
    pub fn write(&self, bytes: &[u8]) {
        if let Sink::Stdout = self.sink {
            return standard_output::write(bytes);
        }
        let mut buffer = self.buffer.borrow_mut();
        buffer.extend_from_slice(bytes);
        if matches!(self.sink, Sink::Writers(_)) && buffer.len() >= BUFFER_BYTES {
            drop(buffer);
            self.flush();
        }
    }

    /// Hands everything written so far to the system, or to the embedder.
    pub fn flush(&self) {
        match &self.sink {
            Sink::Memory => {}
            Sink::Stdout => standard_output::flush(),
            Sink::Writers(writers) => {
                let bytes = self.take();
                if !bytes.is_empty() {
                    writers.borrow_mut().write(&bytes, false);
                }
            }
        }
    }

    /// Whether it goes to a terminal that is the process's standard output.
    pub fn is_terminal(&self) -> bool {
        matches!(self.sink, Sink::Stdout) && std::io::stdout().is_terminal()
    }

    /// The program is over: ends what it has told the terminal to do, so that what is written now stays to be seen.
    pub fn leave_terminal(&self) {
        if matches!(self.sink, Sink::Stdout) {
            shown_line::take_back();
        }
        if matches!(self.sink, Sink::Stdout) && Habit::is_any() {
            self.flush();
            ending::undo_habits();
        }
    }

    /// Writes to standard error, after what was written to standard output.
    pub fn write_error(&self, bytes: &[u8]) {
        self.flush();
        match &self.sink {
            Sink::Writers(writers) => writers.borrow_mut().write(bytes, true),
            Sink::Stdout | Sink::Memory => standard_output::write_error(bytes),
        }
    }

    /// The same, but if nobody reads standard error now it is left out. At most 4,096 bytes.
    #[cfg(unix)]
    pub fn write_error_without_waiting(&self, bytes: &[u8]) {
        match &self.sink {
            Sink::Writers(_) => self.write_error(bytes),
            Sink::Stdout | Sink::Memory => {
                self.flush();
                standard_output::write_error_without_waiting(bytes);
            }
        }
    }

    /// What a memory output holds, leaving it empty.
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.buffer.borrow_mut())
    }
}
