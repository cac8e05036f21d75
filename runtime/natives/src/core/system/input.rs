//! Standard input, shared by the console and the stream natives.

use std::io::{self, IsTerminal};
use std::sync::{Arc, Mutex};

use super::device::{Shared, Source, Wanted, lock, read};
use crate::core::sequence::bytes::decoded;
use sema_machine::host::Host;
use sema_machine::host::condition::Outcome;
use sema_machine::memory::value::Value;

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

/// The string of a line without its end, LF or CRLF; nil if nothing was left to read. Conditions name `function`.
///
/// # Errors
/// The line is not UTF-8.
pub fn line_value(host: &Host, function: &str, line: &[u8]) -> Outcome {
    if line.is_empty() {
        return Ok(Value::NIL);
    }
    decoded(host, function, without_line_end(line))
}

/// A line without its end, LF or CRLF.
#[inline]
pub fn without_line_end(line: &[u8]) -> &[u8] {
    let Some(line) = line.strip_suffix(b"\n") else {
        return line;
    };
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Whether standard input is a terminal.
pub fn is_terminal() -> bool {
    io::stdin().is_terminal()
}
