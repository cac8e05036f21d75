//! Texts that are put together.

use crate::host::Host;
use crate::host::condition::{Outcome, eval_error};
use crate::memory::heap::text::LEAST_SHARED;
use crate::memory::value::Value;

/// Text longer than this cannot be a string: lengths are 32 bits.
pub const LONGEST_TEXT: usize = (1 << 31) - 1;

/// Refuses a text of so many bytes that no string could hold.
///
/// # Errors
/// An `:eval` condition that names `function`.
pub fn check_length(function: &str, bytes: usize) -> Outcome<()> {
    if bytes <= LONGEST_TEXT {
        return Ok(());
    }
    Err(eval_error(format!(
        "{function}: a string of {bytes} bytes exceeds the limit of {LONGEST_TEXT}"
    )))
}

/// Whether a string is so long that it is most likely built piece by piece: see [`crate::memory::heap::text`].
#[must_use]
pub fn is_built(host: &Host, value: Value) -> bool {
    let text = host.heap.as_str(value);
    text.is_some_and(|text| text.len() >= LEAST_SHARED)
}

/// The string of `start`, which is one, and `more`.
///
/// # Errors
/// It would be too long, or the program may not use the memory for it.
pub fn append(host: &Host, function: &str, start: Value, more: &str) -> Outcome {
    let text = host.heap.as_str(start).unwrap_or_default();
    let length = text.len() + more.len();
    check_length(function, length)?;
    if text.len() >= LEAST_SHARED {
        host.ask(host.heap.bytes_to_append(start, length))?;
        return Ok(host.heap.append_string(start, more));
    }
    // The text is made first, then the string.
    host.ask(2 * length)?;
    Ok(host.heap.string(&[text, more].concat()))
}
