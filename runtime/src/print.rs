//! Readable and display forms of values (language specification, 2.2 and 2.3).

use crate::host::Host;
use crate::value::Value;

/// The readable form.
pub fn readable(host: &Host, value: Value) -> String {
    let mut text = String::new();
    write_readable(host, value, &mut text);
    text
}

/// The display form: a top-level string is raw.
pub fn display(host: &Host, value: Value) -> String {
    let mut text = String::new();
    write_display(host, value, &mut text);
    text
}

/// Appends the display form.
pub fn write_display(host: &Host, value: Value, out: &mut String) {
    match host.heap.as_str(value) {
        Some(text) => out.push_str(text),
        None => write_readable(host, value, out),
    }
}

/// Appends the readable form.
pub fn write_readable(_host: &Host, value: Value, out: &mut String) {
    out.push_str(&format!("{value:?}"));
}
