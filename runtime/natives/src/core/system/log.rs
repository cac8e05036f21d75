//! Log lines on standard error.

use crate::core::system::console::joined;
use sema_machine::data::print;
use sema_machine::host::Host;
use sema_machine::host::condition::Outcome;
use sema_machine::memory::value::Value;
use sema_machine::natives;

natives! {
    /// Writes a [DEBUG] line to standard error.
    "log/debug" (args: Any, b*: Any) -> Nil => debug;

    /// Writes an [INFO] line to standard error.
    "log/info" (args: Any, b*: Any) -> Nil => info;

    /// Writes a [WARN] line to standard error.
    "log/warn" (args: Any, b*: Any) -> Nil => warn;

    /// Writes an [ERROR] line to standard error.
    "log/error" (args: Any, b*: Any) -> Nil => error;
}

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
