//! Signals that a program hears of, at times of its choosing.

use std::collections::VecDeque;

use sema_machine::host::Host;
use sema_machine::host::arguments::argument;
use sema_machine::host::condition::{Outcome, eval_error, type_error};
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;
use sema_machine::platform::heard::Signal;

natives! {
    /// Raises if there is no such signal to note functions for.
    "%check-signal" (signal: Any) -> Nil, posix => check_signal;

    /// Notes a function for a signal, a keyword.
    "%on-signal" (signal: Keyword, callback: Any) -> Nil, posix => on_signal;

    /// The next of the functions that are to be called, nil if there is none. With #t those come behind it that are noted for the
    /// signals that have come since such a call, in the order in which they were noted.
    "%pending-signal" (look: Any) -> Any, posix => pending;
}

/// What a machine has noted.
#[derive(Default)]
struct Noted {
    /// Signals and the numbers of the kept functions.
    callbacks: Vec<(Signal, u32)>,
    /// How often each signal had come when it was looked at.
    seen: Vec<(Signal, u32)>,
    /// The numbers of the functions that are to be called. If one raises, those behind it are called the next time.
    due: VecDeque<u32>,
}

impl Noted {
    /// Notes what is to be called for signals that have come. Each function is due once at most.
    fn look(&mut self) {
        let mut come = Vec::new();
        for (signal, seen) in &mut self.seen {
            let count = signal.count();
            if std::mem::replace(seen, count) != count {
                come.push(*signal);
            }
        }
        for (signal, callback) in &self.callbacks {
            if come.contains(signal) && !self.due.contains(callback) {
                self.due.push_back(*callback);
            }
        }
    }
}

fn signal_of(host: &Host, keyword: Value) -> Outcome<Signal> {
    let name = host
        .name_of(keyword)
        .filter(|_| keyword.kind() == Kind::Keyword);
    match name {
        None => Err(type_error(host, "keyword", keyword)),
        Some("winch") => Ok(Signal::Resized),
        Some("int") => Ok(Signal::Interrupt),
        Some("term") => Ok(Signal::Terminate),
        Some(name) => Err(eval_error(format!(
            "sys/on-signal: unknown signal :{name}; use :winch, :int, or :term"
        ))),
    }
}

fn check_signal(host: &Host, args: &[Value]) -> Outcome {
    signal_of(host, argument(args, 0)).map(|_| Value::NIL)
}

fn on_signal(host: &Host, args: &[Value]) -> Outcome {
    let signal = signal_of(host, argument(args, 0))?;
    let callback = host.keep(argument(args, 1));
    host.with_extension(|noted: &mut Noted| {
        if !noted.seen.iter().any(|(seen, _)| *seen == signal) {
            signal.hear();
            noted.seen.push((signal, signal.count()));
        }
        noted.callbacks.push((signal, callback));
    });
    Ok(Value::NIL)
}

fn pending(host: &Host, args: &[Value]) -> Outcome {
    let looks = argument(args, 0).is_truthy();
    let callback = host.with_extension(|noted: &mut Noted| {
        if looks {
            noted.look();
        }
        noted.due.pop_front()
    });
    Ok(callback.map_or(Value::NIL, |number| host.kept(number)))
}
