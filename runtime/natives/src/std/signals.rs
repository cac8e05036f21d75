//! Signals that a program hears of, at times of its choosing.

use sema_machine::host::Host;
use sema_machine::host::arguments::argument;
use sema_machine::host::condition::{Outcome, eval_error, type_error};
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;
use sema_machine::platform::heard::Signal;

natives! {
    /// Notes a function for a signal, a keyword.
    "%on-signal" (signal: Keyword, callback: Any) -> Nil => on_signal;

    /// The functions noted for the signals that have come since the last call, in the order in which they were noted.
    "%pending-signals" () -> List => pending;
}

/// What a machine has noted.
#[derive(Default)]
struct Noted {
    /// Signals and the numbers of the kept functions.
    callbacks: Vec<(Signal, u32)>,
    /// How often each signal had come when it was looked at.
    seen: Vec<(Signal, u32)>,
}

fn on_signal(host: &Host, args: &[Value]) -> Outcome {
    let keyword = argument(args, 0);
    let name = host
        .name_of(keyword)
        .filter(|_| keyword.kind() == Kind::Keyword);
    let signal = match name {
        None => return Err(type_error(host, "keyword", keyword)),
        Some("winch") => Signal::Resized,
        Some("int") => Signal::Interrupt,
        Some("term") => Signal::Terminate,
        Some(name) => {
            return Err(eval_error(format!(
                "sys/on-signal: unknown signal :{name}; there are :winch, :int and :term"
            )));
        }
    };
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

fn pending(host: &Host, _: &[Value]) -> Outcome {
    let callbacks = host.with_extension(|noted: &mut Noted| {
        let mut come = Vec::new();
        for (signal, seen) in &mut noted.seen {
            let count = signal.count();
            if std::mem::replace(seen, count) != count {
                come.push(*signal);
            }
        }
        let wanted = noted
            .callbacks
            .iter()
            .filter(|(signal, _)| come.contains(signal));
        wanted.map(|(_, callback)| *callback).collect::<Vec<u32>>()
    });
    let callbacks: Vec<Value> = callbacks.iter().map(|number| host.kept(*number)).collect();
    Ok(host.heap.list(&callbacks))
}
