//! Raising conditions, assertions, fresh symbols.

use sema_machine::data::equality::equal;
use sema_machine::data::print;
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, text};
use sema_machine::host::condition::{Outcome, Signal, eval_error};
use sema_machine::memory::value::Value;
use sema_machine::natives;

natives! {
    /// Raises an error with a message.
    "error" (message*: Any) -> Any => error;

    /// Raises any value.
    "raise" (obj: Any) -> Any => raise;

    /// Raises an error unless its argument is true.
    "assert" (condition: Any, message?: String) -> Bool => assert;

    /// Raises an error unless the second value equals the first.
    "assert=" (expected: Any, actual: Any) -> Bool => assert_equal;

    /// A symbol that is used nowhere else.
    "gensym" (prefix?: String) -> Symbol => gensym;
}

fn error(host: &Host, args: &[Value]) -> Outcome {
    // Further arguments are ignored (language specification, Q12).
    Err(eval_error(match args.first() {
        Some(&message) => print::display(host, message),
        None => "error called with no message".to_owned(),
    }))
}

fn raise(_: &Host, args: &[Value]) -> Outcome {
    Err(Box::new(Signal::Throw(argument(args, 0))))
}

fn assert(host: &Host, args: &[Value]) -> Outcome {
    if argument(args, 0).is_truthy() {
        return Ok(Value::TRUE);
    }
    Err(eval_error(match args.get(1) {
        Some(&message) => print::display(host, message),
        None => "assertion failed".to_owned(),
    }))
}

fn assert_equal(host: &Host, args: &[Value]) -> Outcome {
    let (expected, actual) = (argument(args, 0), argument(args, 1));
    if equal(host, expected, actual) {
        return Ok(Value::TRUE);
    }
    Err(eval_error(format!(
        "assertion failed: expected {}, got {}",
        print::readable(host, expected),
        print::readable(host, actual)
    )))
}

fn gensym(host: &Host, args: &[Value]) -> Outcome {
    let prefix = if args.is_empty() {
        "g"
    } else {
        text(host, "gensym", args, 0)?
    };
    Ok(host.symbol(&format!("{prefix}__{}", host.symbols.next_unique())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Bench, eval_message, type_message};

    #[test]
    fn messages() {
        let bench = Bench::new();
        let raised = |name, args: &[Value]| eval_message(bench.error(name, args));
        assert_eq!(raised("error", &[]), "error called with no message");
        assert_eq!(raised("error", &[bench.text("a"), Value::small(1)]), "a");
        assert_eq!(raised("assert", &[Value::FALSE]), "assertion failed");
        assert_eq!(raised("assert", &[Value::NIL, bench.text("msg")]), "msg");
        assert_eq!(bench.call("assert", &[Value::EMPTY]), Value::TRUE);
        assert_eq!(
            bench.call("assert=", &[Value::small(1), Value::small(1)]),
            Value::TRUE
        );
        assert!(
            raised("assert=", &[Value::small(1), Value::small(2)])
                .starts_with("assertion failed: expected 1")
        );
    }

    #[test]
    fn raise_throws_its_argument() {
        let bench = Bench::new();
        let thrown = bench.error("raise", &[Value::small(5)]);
        assert!(matches!(*thrown, Signal::Throw(value) if value == Value::small(5)));
    }

    #[test]
    fn generated_symbols_differ() {
        let bench = Bench::new();
        let first = bench.call("gensym", &[bench.text("foo")]);
        let second = bench.call("gensym", &[bench.text("foo")]);
        assert_ne!(first, second);
        assert!(bench.host.name_of(first).unwrap().starts_with("foo__"));
        let error = bench.error("gensym", &[Value::NIL]);
        assert_eq!(
            type_message(error),
            "gensym argument 1 expected string, got nil"
        );
    }
}
