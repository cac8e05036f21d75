//! Raw mode: every key comes to the program at once, and is not shown.
//!
//! However the program ends, the terminal gets the mode back that it had: here when the machine ends, in
//! `platform::ending` when a signal ends the process.

use std::io::{IsTerminal, stdin};

use rustix::termios::{OptionalActions, OutputModes, Termios, tcgetattr, tcsetattr};

use crate::table::Table;
use sema_machine::host::Host;
use sema_machine::host::arguments::integer;
use sema_machine::host::condition::{Outcome, io_error};
use sema_machine::memory::value::Value;
use sema_machine::natives;
use sema_machine::platform::ending;

natives! {
    /// Switches the terminal of standard input to raw mode: keys come at once and are not shown, Ctrl-C is a key as others. Gives
    /// a number for `io/tty-restore!`; nil if standard input is no terminal. However the program ends, the terminal's
    /// mode is restored. `io/with-raw-mode` does both around a body.
    /// (io/tty-raw!) => nil
    "io/tty-raw!" () -> Any, posix => raw;

    /// Switches the terminal back to the mode that it had at the `io/tty-raw!` that has given this number. It does nothing
    /// with another number, so that it may be called twice.
    /// (io/tty-restore! 7) => nil
    "io/tty-restore!" (token: Int) -> Nil, posix => restore;
}

/// The modes that the terminal had before, by token.
#[derive(Default)]
struct Modes {
    last: i64,
    saved: Table<i64, Termios>,
}

impl Drop for Modes {
    fn drop(&mut self) {
        if !self.saved.is_empty() {
            ending::restore_terminal_mode();
        }
    }
}

fn raw(host: &Host, _: &[Value]) -> Outcome {
    if !stdin().is_terminal() {
        return Ok(Value::NIL);
    }
    let failed = |error: std::io::Error| io_error(format!("io/tty-raw!: {error}"));
    let before = tcgetattr(stdin()).map_err(|error| failed(error.into()))?;
    ending::note_terminal_mode().map_err(failed)?;
    let mut raw = before.clone();
    raw.make_raw();
    // A line feed goes to the start of the next line, as programs print it.
    raw.output_modes |= OutputModes::OPOST | OutputModes::ONLCR;
    tcsetattr(stdin(), OptionalActions::Drain, &raw).map_err(|error| failed(error.into()))?;
    Ok(host.heap.int(host.with_extension(|modes: &mut Modes| {
        modes.last += 1;
        modes.saved.insert(modes.last, before);
        modes.last
    })))
}

fn restore(host: &Host, args: &[Value]) -> Outcome {
    let token = integer(host, "io/tty-restore!", args, 0)?;
    let (mode, is_last) = host.with_extension(|modes: &mut Modes| {
        let mode = modes.saved.remove(&token);
        (mode, modes.saved.is_empty())
    });
    let Some(mode) = mode else {
        return Ok(Value::NIL);
    };
    if is_last {
        ending::restore_terminal_mode();
        return Ok(Value::NIL);
    }
    // A terminal that has vanished has no mode to restore.
    let _ = tcsetattr(stdin(), OptionalActions::Drain, &mode);
    Ok(Value::NIL)
}

/// A mode to come back to.
pub(crate) struct Return(Option<Termios>);

/// Gives the terminal the mode that it had before raw mode, if it is in raw mode, until the result is dropped.
pub(crate) fn cooked_for_a_while(host: &Host) -> Return {
    let first = host.with_extension(|modes: &mut Modes| {
        modes.saved.iter().next().map(|(_, mode)| mode.clone())
    });
    let Some(cooked) = first else {
        return Return(None);
    };
    let now = tcgetattr(stdin()).ok();
    let _ = tcsetattr(stdin(), OptionalActions::Drain, &cooked);
    Return(now)
}

impl Drop for Return {
    fn drop(&mut self) {
        if let Some(mode) = &self.0 {
            let _ = tcsetattr(stdin(), OptionalActions::Drain, mode);
        }
    }
}
