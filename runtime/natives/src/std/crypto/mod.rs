//! Hashes, encodings of bytes as text, and numbers that nobody can guess.

pub mod base64;
pub mod hash;
pub mod hex;
pub mod random;
pub mod stream;

use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, argument_error};
use sema_machine::host::condition::Outcome;
use sema_machine::memory::value::Value;

/// The bytes of a byte vector, or of a string in UTF-8.
fn bytes_or_text<'h>(
    host: &'h Host,
    function: &str,
    args: &[Value],
    index: usize,
) -> Outcome<&'h [u8]> {
    let value = argument(args, index);
    if let Some(text) = host.heap.as_str(value) {
        return Ok(text.as_bytes());
    }
    match host.heap.as_bytevector(value) {
        Some(bytes) => Ok(bytes),
        None => Err(argument_error(
            host,
            function,
            index,
            "string or bytevector",
            value,
        )),
    }
}
