//! Buffered standard output, and standard error that never overtakes it.

use std::cell::RefCell;
use std::io::{IsTerminal, Write};

use crate::platform::ending;

/// Bytes kept before they are written.
const BUFFER_BYTES: usize = 16 << 10;

/// Where `println` and friends write. Output is flushed before anything goes to standard error,
/// before the program waits, and when it ends.
pub struct Output {
    buffer: RefCell<Vec<u8>>,
    sink: Sink,
}

enum Sink {
    Stdout {
        terminal: std::cell::OnceCell<bool>,
    },
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
            sink: Sink::Stdout {
                terminal: std::cell::OnceCell::new(),
            },
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
    /// asks (Q13); other errors are reported once by `flush` returning them.
    pub fn write(&self, bytes: &[u8]) {
        let mut buffer = self.buffer.borrow_mut();
        buffer.extend_from_slice(bytes);
        let due = match &self.sink {
            Sink::Stdout { terminal } => {
                buffer.len() >= BUFFER_BYTES
                    || bytes.contains(&b'\n')
                        && *terminal.get_or_init(|| std::io::stdout().is_terminal())
            }
            Sink::Memory => false,
            Sink::Writers(_) => buffer.len() >= BUFFER_BYTES,
        };
        if due {
            drop(buffer);
            self.flush();
        }
    }

    /// Hands everything written so far to the system.
    pub fn flush(&self) {
        if matches!(self.sink, Sink::Memory) {
            return;
        }
        let bytes = std::mem::take(&mut *self.buffer.borrow_mut());
        if bytes.is_empty() {
            return;
        }
        if let Sink::Writers(writers) = &self.sink {
            return writers.borrow_mut().write(&bytes, false);
        }
        let mut stdout = std::io::stdout().lock();
        if let Err(error) = stdout.write_all(&bytes).and_then(|()| stdout.flush()) {
            if error.kind() != std::io::ErrorKind::BrokenPipe {
                let _ = writeln!(
                    std::io::stderr(),
                    "Error: I/O error: cannot write to standard output: {error}"
                );
            }
            ending::undo();
            std::process::exit(1);
        }
        let mut reuse = bytes;
        reuse.clear();
        *self.buffer.borrow_mut() = reuse;
    }

    /// Writes to standard error, after what was written to standard output.
    pub fn write_error(&self, bytes: &[u8]) {
        self.flush();
        if let Sink::Writers(writers) = &self.sink {
            return writers.borrow_mut().write(bytes, true);
        }
        // A closed standard error leaves nowhere to report to.
        let _ = std::io::stderr().write_all(bytes);
    }

    /// What a memory output holds, leaving it empty.
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.buffer.borrow_mut())
    }
}
