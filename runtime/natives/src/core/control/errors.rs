//! Raising conditions, assertions, fresh symbols.

use sema_machine::data::equality::equal;
use sema_machine::data::print;
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, text};
use sema_machine::host::condition::{Outcome, Signal, eval_error};
use sema_machine::memory::value::Value;
use sema_machine::natives;

natives! {
    /// Raises a condition of type `:eval` whose message is the first argument as displayed. The other arguments are ignored.
    /// (error "disk full") => error disk full
    /// (try (error "disk full") (catch e (:type e))) => :eval
    "error" (message?: Any, irritants*: Any) -> Never => error;

    /// Raises any value. `catch` binds a condition of type `:user` with the value under `:value`.
    /// (try (raise {:code 7}) (catch e (:value e))) => {:code 7}
    "raise" (value: Any) -> Never => raise;

    /// #t if a value is true; otherwise it raises, with a message if one is given.
    /// (assert (< 1 2)) => #t
    /// (assert (> 1 2) "order") => error order
    /// (assert nil) => error assertion failed
    "assert" (test: Any, message?: Any) -> Bool, pure => assert;

    /// #t if the actual value is equal to the expected one; otherwise it raises with both in the message.
    /// (assert= 3 (+ 1 2)) => #t
    /// (assert= 1 2) => error assertion failed: expected 1, got 2
    "assert=" (expected: Any, actual: Any) -> Bool, pure => assert_equal;

    /// A symbol that is not used anywhere else; its name starts with a prefix ("g").
    /// (symbol? (gensym)) => #t
    /// (equal? (gensym "tmp") (gensym "tmp")) => #f
    "gensym" (prefix?: String) -> Symbol => gensym;
}

fn error(host: &Host, args: &[Value]) -> Outcome {
    // Further arguments are ignored (language specification, Q12).
    Err(eval_error(match args.first() {
        Some(&message) => print::shown_message(host, message),
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
        Some(&message) => print::shown_message(host, message),
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
        print::shown(host, expected),
        print::shown(host, actual)
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
