//! Standard input, shared by the console and the stream natives.

use std::io::{self, IsTerminal};
use std::sync::{Arc, Mutex};

use super::device::{Shared, Source, Wanted, lock, read};
use sema_machine::host::Host;
use sema_machine::host::condition::Outcome;

/// The state of standard input, an extension of the host.
pub struct Input {
    source: Shared<Source>,
}

impl Default for Input {
    fn default() -> Input {
        Input {
            source: Arc::new(Mutex::new(Source::standard_input())),
        }
    }
}

impl Input {
    /// Input that consists of `bytes`.
    pub fn memory(bytes: Vec<u8>) -> Input {
        Input {
            source: Arc::new(Mutex::new(Source::memory(bytes))),
        }
    }
}

/// The standard input of `host`.
pub fn source(host: &Host) -> Shared<Source> {
    host.with_extension::<Input, _>(|input| input.source.clone())
}

/// Whether a read of standard input has met its end.
pub fn met_end(host: &Host) -> bool {
    lock(&source(host)).met_end()
}

/// Reads standard input. Output is flushed before, so that a prompt is seen.
///
/// # Errors
/// Those of `finish`, and the signal to wait.
pub fn read_input<F>(host: &Host, wanted: Wanted, finish: F) -> Outcome
where
    F: FnOnce(&Host, io::Result<Vec<u8>>) -> Outcome + Send + 'static,
{
    read(host, &source(host), wanted, finish)
}

/// A line without its end, LF or CRLF; `None` if nothing was left to read.
pub fn line_of(mut line: Vec<u8>) -> Option<Vec<u8>> {
    if line.is_empty() {
        return None;
    }
    trim_line_end(&mut line);
    Some(line)
}

/// Removes the line end, LF or CRLF, of a line.
pub fn trim_line_end(line: &mut Vec<u8>) {
    if line.last() == Some(&b'\n') {
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
    }
}

/// Whether standard input is a terminal.
pub fn is_terminal() -> bool {
    io::stdin().is_terminal()
}
