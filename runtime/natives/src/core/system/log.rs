//! Log lines on standard error.

use crate::core::system::console::joined;
use sema_machine::data::print;
use sema_machine::host::Host;
use sema_machine::host::condition::Outcome;
use sema_machine::memory::value::Value;
use sema_machine::natives;

natives! {
    /// Writes a line that begins with `[DEBUG]` to standard error: the display forms of the values with
    /// a space between them.
    /// (log/debug "size" 3) => nil
    "log/debug" (value: Any, more*: Any) -> Nil => debug;

    /// Writes a line that begins with `[INFO]` to standard error: the display forms of the values with a
    /// space between them.
    /// (log/info "ready") => nil
    "log/info" (value: Any, more*: Any) -> Nil => info;

    /// Writes a line that begins with `[WARN]` to standard error: the display forms of the values with a
    /// space between them.
    /// (log/warn "slow:" 2.5) => nil
    "log/warn" (value: Any, more*: Any) -> Nil => warn;

    /// Writes a line that begins with `[ERROR]` to standard error: the display forms of the values with
    /// a space between them. It raises nothing.
    /// (log/error "lost") => nil
    "log/error" (value: Any, more*: Any) -> Nil => error;
}

fn log(host: &Host, level: &str, args: &[Value]) -> Outcome {
    let text = joined(host, args, print::append_display)?;
    let line = format!("[{level}] {text}\n");
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
