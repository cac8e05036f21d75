//! Something that turns on standard error while the program works, and bars that grow.
//!
//! They are for people who watch: where standard error is no terminal, or a dumb one, only final lines are written.

use std::io::{IsTerminal, stderr};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::is_dumb;
use crate::core::text::strings_width::{fitting, without_escapes};
use crate::table::Table;
use sema_machine::data::collections;
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, integer, text};
use sema_machine::host::condition::{Outcome, type_error};
use sema_machine::memory::value::Value;
use sema_machine::natives;
use sema_machine::platform::{shown_line, terminal, threads};

natives! {
    /// Shows a text with a turning sign before it on standard error, if that is a terminal, and gives a number for
    /// `term/spinner-update` and `term/spinner-stop`. The program goes on meanwhile.
    /// (let ((s (term/spinner-start "loading"))) (term/spinner-stop s)) => nil
    "term/spinner-start" (text: String) -> Int => start;

    /// Shows another text beside a spinner; nothing if it has stopped.
    /// (let ((s (term/spinner-start "a"))) (term/spinner-update s "b") (term/spinner-stop s)) => nil
    /// (term/spinner-update 99 "b") => nil
    "term/spinner-update" (spinner: Int, text: String) -> Nil => update;

    /// Removes a spinner. With a map of `:symbol` and `:text` it leaves a line of them on standard error.
    /// (term/spinner-stop (term/spinner-start "a") {:symbol "✔" :text "done"}) => nil
    "term/spinner-stop" (spinner: Int, final?: Map) -> Nil, options(1, &["symbol", "text"]) => stop;
}

/// The turning sign, frame by frame.
const FRAMES: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
/// How long a frame stays.
const FRAME: Duration = Duration::from_millis(80);
const STACK_BYTES: usize = 64 << 10;

/// What the thread of a spinner shows.
#[derive(Default)]
struct State {
    text: String,
    stopped: bool,
}

/// A spinner, shared with its thread.
#[derive(Default)]
struct Spinner {
    state: Mutex<State>,
    changed: Condvar,
}

impl Spinner {
    /// Nothing panics under the lock.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the thread does.
    fn turn(&self) {
        let mut state = self.lock();
        for frame in FRAMES.iter().cycle() {
            if state.stopped {
                return;
            }
            show_line(&format!("{frame} {}", state.text));
            let (next, _) = self
                .changed
                .wait_timeout(state, FRAME)
                .unwrap_or_else(PoisonError::into_inner);
            state = next;
        }
    }

    /// After this the thread writes nothing any more.
    fn stop(&self) {
        let mut state = self.lock();
        if !state.stopped {
            state.stopped = true;
            shown_line::take_back();
        }
        self.changed.notify_all();
    }
}

/// Whether somebody watches standard error.
pub(super) fn is_watched(host: &Host) -> bool {
    stderr().is_terminal() && !is_dumb(host)
}

/// Shows a text in the line of the cursor in place of what is there. Errors are nobody's: the terminal has vanished.
pub(super) fn show_line(text: &str) {
    let columns = match terminal::size(stderr()) {
        Some((_, columns)) if columns > 0 => usize::from(columns),
        _ => 80,
    };
    // A line that is as wide as the terminal would begin a second one.
    shown_line::show(&fitting(text, columns.saturating_sub(1)));
}

/// A text as one line without commands for the terminal, but with styles if somebody watches.
fn one_line(text: &str, is_watched: bool) -> String {
    let text = if is_watched {
        text.to_owned()
    } else {
        without_escapes(text)
    };
    text.replace(['\n', '\r', '\t'], " ")
}

/// The line that a map of `:symbol` and `:text` asks for.
pub(super) fn final_line(host: &Host, options: Value) -> Outcome<Option<String>> {
    if !collections::is_map(options) {
        return Err(type_error(host, "map", options));
    }
    let mut parts = Vec::new();
    for name in ["symbol", "text"] {
        match collections::get(host, options, host.keyword(name)) {
            None | Some(Value::NIL) => {}
            Some(value) => match host.heap.as_str(value) {
                Some(text) => parts.push(one_line(text, is_watched(host))),
                None => return Err(type_error(host, "string", value)),
            },
        }
    }
    Ok((!parts.is_empty()).then(|| parts.join(" ")))
}

/// The spinners of a machine.
#[derive(Default)]
struct Spinners {
    next: i64,
    running: Table<i64, Arc<Spinner>>,
}

impl Drop for Spinners {
    fn drop(&mut self) {
        for (_, spinner) in self.running.iter() {
            spinner.stop();
        }
    }
}

fn start(host: &Host, args: &[Value]) -> Outcome {
    let text = text(host, "term/spinner-start", args, 0)?;
    let spinner = Arc::new(Spinner::default());
    if is_watched(host) {
        spinner.lock().text = one_line(text, true);
        host.output.flush();
        let turning = spinner.clone();
        // Without a thread to be had nothing turns, which does no harm.
        let _ = threads::start(None, STACK_BYTES, Box::new(move || turning.turn()));
    } else {
        spinner.lock().stopped = true;
    }
    Ok(host
        .heap
        .int(host.with_extension(|spinners: &mut Spinners| {
            let number = spinners.next;
            spinners.next += 1;
            spinners.running.insert(number, spinner);
            number
        })))
}

fn update(host: &Host, args: &[Value]) -> Outcome {
    let number = integer(host, "term/spinner-update", args, 0)?;
    let text = text(host, "term/spinner-update", args, 1)?;
    let spinner =
        host.with_extension(|spinners: &mut Spinners| spinners.running.get(&number).cloned());
    if let Some(spinner) = spinner {
        spinner.lock().text = one_line(text, true);
    }
    Ok(Value::NIL)
}

fn stop(host: &Host, args: &[Value]) -> Outcome {
    let number = integer(host, "term/spinner-stop", args, 0)?;
    let line = match args.len() {
        1 => None,
        _ => final_line(host, argument(args, 1))?,
    };
    let spinner = host.with_extension(|spinners: &mut Spinners| spinners.running.remove(&number));
    let Some(spinner) = spinner else {
        return Ok(Value::NIL);
    };
    spinner.stop();
    if let Some(line) = line {
        host.output.write_error(format!("{line}\n").as_bytes());
    }
    Ok(Value::NIL)
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;
    use sema_machine::memory::value::Value;

    #[test]
    fn spinners_are_numbered_from_zero() {
        let bench = Bench::new();
        for number in 0..2 {
            let spinner = bench.call("term/spinner-start", &[bench.text("a")]);
            assert_eq!(spinner, Value::small(number));
            bench.call("term/spinner-stop", &[spinner]);
        }
    }
}
