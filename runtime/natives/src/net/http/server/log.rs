//! The report of requests on standard error.

use std::sync::atomic::{AtomicUsize, Ordering};

use sema_machine::platform::standard_output;

/// Writes lines as long as somebody reads them. The engine's thread must not wait for that.
#[derive(Debug, Default)]
pub struct Log {
    /// Lines that nobody wanted to have.
    lost: AtomicUsize,
}

impl Log {
    /// Writes a line, which ends with its end.
    pub fn write(&self, line: &str) {
        let lost = self.lost.load(Ordering::Relaxed);
        let note = match lost {
            0 => String::new(),
            lost => format!("http/serve: {lost} lines of the access log are lost\n"),
        };
        // In one piece: other threads write there as well.
        if standard_output::write_error_without_waiting(format!("{note}{line}").as_bytes()) {
            self.lost.fetch_sub(lost, Ordering::Relaxed);
        } else {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}
