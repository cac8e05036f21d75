//! Bars that grow with what is done.

use std::time::{Duration, Instant};

use super::spinner::{final_line, is_watched, show_line};
use crate::core::text::strings_width::{columns, without_escapes};
use crate::table::Table;
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, argument_error, integer, real, text};
use sema_machine::host::condition::{Outcome, Signal, eval_error};
use sema_machine::memory::value::Value;
use sema_machine::natives;
use sema_machine::platform::shown_line;

natives! {
    /// Shows a bar on standard error, if that is a terminal, for work of a size, with a text before it, and gives a number for
    /// `term/progress-update` and `term/progress-stop`.
    /// (let ((p (term/progress-start 10 "copying"))) (term/progress-update p 5) (term/progress-stop p)) => nil
    "term/progress-start" (size: Real, text?: String) -> Int => start;

    /// Says how much of the work is done, and perhaps another text. The bar shows it with the time that is left.
    /// (let ((p (term/progress-start 10))) (term/progress-update p 3 "three") (term/progress-stop p)) => nil
    /// (term/progress-update 99 1) => error term/progress-update: no such progress bar 99
    "term/progress-update" (bar: Int, done: Real, text?: String) -> Nil => update;

    /// Removes a bar. With a map of `:symbol` and `:text` it leaves a line of them on standard error.
    /// (term/progress-stop (term/progress-start 1) {:symbol "✔" :text "copied"}) => nil
    "term/progress-stop" (bar: Int, final?: Map) -> Nil, options(1, &["symbol", "text"]) => stop;
}

/// How often a bar is drawn at most.
const EVERY: Duration = Duration::from_millis(50);
/// Columns of the bar itself.
const WIDTH: usize = 24;
/// The parts of a cell, from an eighth to all of it.
const EIGHTHS: [&str; 8] = ["▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"];

/// Work that goes on.
#[derive(Clone)]
struct Bar {
    size: f64,
    done: f64,
    text: String,
    started: Instant,
    drawn: Option<Instant>,
}

/// The bars of a machine.
#[derive(Default)]
struct Bars {
    last: i64,
    bars: Table<i64, Bar>,
}

impl Drop for Bars {
    fn drop(&mut self) {
        if self.bars.iter().any(|(_, bar)| bar.drawn.is_some()) {
            shown_line::take_back();
        }
    }
}

/// The line of a bar after so much time.
fn line(bar: &Bar, elapsed: Duration) -> String {
    let part = if bar.size > 0.0 {
        (bar.done / bar.size).clamp(0.0, 1.0)
    } else {
        1.0
    };
    let eighths = (part * (WIDTH * 8) as f64) as usize;
    let mut cells = "█".repeat(eighths / 8);
    if let Some(cell) = (eighths % 8).checked_sub(1).and_then(|at| EIGHTHS.get(at)) {
        cells.push_str(cell);
    }
    cells.push_str(&" ".repeat(WIDTH.saturating_sub(columns(&cells))));
    let percent = (part * 100.0) as u32;
    let mut line = format!("|{cells}| {percent:3} %");
    if !bar.text.is_empty() {
        line = format!("{} {line}", bar.text);
    }
    // Before that, nobody can tell.
    if part > 0.01 && part < 1.0 && elapsed > Duration::from_secs(1) {
        let left = (elapsed.as_secs_f64() * (1.0 - part) / part) as u64;
        line.push_str(&format!("  {}:{:02} left", left / 60, left % 60));
    }
    line
}

/// Draws a bar, unless it was drawn a moment ago and is not full.
fn draw(host: &Host, bar: &mut Bar) {
    let is_full = bar.done >= bar.size;
    let recently = bar.drawn.is_some_and(|drawn| drawn.elapsed() < EVERY);
    if is_watched(host) && (is_full || !recently) {
        bar.drawn = Some(Instant::now());
        host.output.flush();
        show_line(&line(bar, bar.started.elapsed()));
    }
}

fn amount(host: &Host, function: &str, args: &[Value], index: usize) -> Outcome<f64> {
    let value = argument(args, index);
    let number =
        real(host, value).ok_or_else(|| argument_error(host, function, index, "number", value))?;
    if !number.is_finite() || number < 0.0 {
        return Err(eval_error(format!(
            "{function}: expected a number that is not negative, got {number}"
        )));
    }
    Ok(number)
}

fn label(host: &Host, function: &str, args: &[Value], index: usize) -> Outcome<Option<String>> {
    if args.len() <= index {
        return Ok(None);
    }
    let text = text(host, function, args, index)?;
    Ok(Some(without_escapes(text).replace(['\n', '\r', '\t'], " ")))
}

fn unknown(function: &str, number: i64) -> Box<Signal> {
    eval_error(format!("{function}: no such progress bar {number}"))
}

fn start(host: &Host, args: &[Value]) -> Outcome {
    let mut bar = Bar {
        size: amount(host, "term/progress-start", args, 0)?,
        done: 0.0,
        text: label(host, "term/progress-start", args, 1)?.unwrap_or_default(),
        started: Instant::now(),
        drawn: None,
    };
    draw(host, &mut bar);
    Ok(host.heap.int(host.with_extension(|bars: &mut Bars| {
        bars.last += 1;
        bars.bars.insert(bars.last, bar);
        bars.last
    })))
}

fn update(host: &Host, args: &[Value]) -> Outcome {
    let number = integer(host, "term/progress-update", args, 0)?;
    let done = amount(host, "term/progress-update", args, 1)?;
    let text = label(host, "term/progress-update", args, 2)?;
    let bar = host.with_extension(|bars: &mut Bars| bars.bars.remove(&number));
    let mut bar = bar.ok_or_else(|| unknown("term/progress-update", number))?;
    bar.done = done;
    bar.text = text.unwrap_or(bar.text);
    draw(host, &mut bar);
    host.with_extension(|bars: &mut Bars| bars.bars.insert(number, bar));
    Ok(Value::NIL)
}

fn stop(host: &Host, args: &[Value]) -> Outcome {
    let number = integer(host, "term/progress-stop", args, 0)?;
    let line = match args.len() {
        1 => None,
        _ => final_line(host, argument(args, 1))?,
    };
    let bar = host.with_extension(|bars: &mut Bars| bars.bars.remove(&number));
    let bar = bar.ok_or_else(|| unknown("term/progress-stop", number))?;
    if bar.drawn.is_some() {
        shown_line::take_back();
    }
    if let Some(line) = line {
        host.output.write_error(format!("{line}\n").as_bytes());
    }
    Ok(Value::NIL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let bar = |done: f64, size: f64, text: &str| Bar {
            size,
            done,
            text: text.to_owned(),
            started: Instant::now(),
            drawn: None,
        };
        let second = Duration::from_secs(2);
        let half = line(&bar(5.0, 10.0, "x"), second);
        assert_eq!(
            half,
            format!("x |{}{}|  50 %  0:02 left", "█".repeat(12), " ".repeat(12))
        );
        assert_eq!(columns(&line(&bar(1.0, 7.0, ""), Duration::ZERO)), 32);
        assert!(line(&bar(99.0, 10.0, ""), second).ends_with("| 100 %"));
        assert!(line(&bar(0.0, 0.0, ""), second).ends_with("| 100 %"));
    }
}
