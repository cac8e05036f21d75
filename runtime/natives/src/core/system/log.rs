//! Log lines on standard error.

use crate::core::system::console::joined;
use sema_machine::data::print;
use sema_machine::host::Host;
use sema_machine::host::condition::Outcome;
use sema_machine::host::native::{Native, at_least, native};
use sema_machine::memory::value::Value;

/// The natives that log.
pub static TABLE: &[Native] = &[
    native(
        "log/debug",
        at_least(1),
        debug,
        "Writes a [DEBUG] line to standard error.",
    ),
    native(
        "log/info",
        at_least(1),
        info,
        "Writes an [INFO] line to standard error.",
    ),
    native(
        "log/warn",
        at_least(1),
        warn,
        "Writes a [WARN] line to standard error.",
    ),
    native(
        "log/error",
        at_least(1),
        error,
        "Writes an [ERROR] line to standard error.",
    ),
];

fn log(host: &Host, level: &str, args: &[Value]) -> Outcome {
    let line = format!("[{level}] {}\n", joined(host, args, print::write_display));
    host.output.write_error(line.as_bytes());
    Ok(Value::NIL)
}

fn debug(host: &Host, args: &[Value]) -> Outcome {
    log(host, "DEBUG", args)
}

fn info(host: &Host, args: &[Value]) -> Outcome {
    log(host, "INFO", args)
}

fn warn(host: &Host, args: &[Value]) -> Outcome {
    log(host, "WARN", args)
}

fn error(host: &Host, args: &[Value]) -> Outcome {
    log(host, "ERROR", args)
}
