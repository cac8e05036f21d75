//! A line of standard error that goes on changing: a spinner, a bar. What else is written to the terminal takes its place.
//!
//! There is one terminal, so this is state of the process, as what `habits` knows.

use std::io::{Write, stderr};
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the cursor is behind such a line.
static IS_SHOWN: AtomicBool = AtomicBool::new(false);

/// Empties the line of the cursor.
const CLEAR: &str = "\r\x1b[2K";

/// Shows a text in the line of the cursor in place of what is there. Errors are nobody's: the terminal has vanished.
pub fn show(line: &str) {
    if !IS_SHOWN.swap(true, Ordering::AcqRel) {
        super::ending::catch_deadly_signals();
    }
    let _ = write!(stderr(), "{CLEAR}{line}");
}

/// Whether there is a line to take back.
pub fn is_shown() -> bool {
    IS_SHOWN.load(Ordering::Acquire)
}

/// What must be written before other text: nothing if no line is shown. From now on none is.
pub(super) fn end() -> &'static str {
    match IS_SHOWN.swap(false, Ordering::AcqRel) {
        true => CLEAR,
        false => "",
    }
}

/// Takes the line back, if one is shown.
pub fn take_back() {
    let end = end();
    if !end.is_empty() {
        let _ = write!(stderr(), "{end}");
    }
}
