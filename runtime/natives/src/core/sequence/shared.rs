//! Natives with which the part of the library that is written in Sema checks its arguments.

use sema_machine::data::sequence::{callable, require_values};
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, argument_error};
use sema_machine::host::condition::{Outcome, type_error};
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;

natives! {
    /// A list of the elements of a sequence; the error names a function.
    "%seq->list" (seq: Elements, function: Any) -> List, pure => seq_to_list;

    /// The function itself; it raises if the function cannot be called with so many arguments.
    "%check-callable" (function: Function, count: Any) -> Function, pure => check_callable;

    /// Raises a type error: what was expected, and the value that came.
    "%type-error" (expected: String, value: Any) -> Never => raise_type_error;

    /// Raises a type error for an argument: function, position from 1, what was expected, and the value that came.
    "%argument-error" (function: String, position: Count, expected: String, value: Any) -> Never => raise_argument_error;
}

fn seq_to_list(host: &Host, args: &[Value]) -> Outcome {
    let (value, name) = (argument(args, 0), argument(args, 1));
    if value.kind() == Kind::List {
        return Ok(value);
    }
    let values = require_values(host, value, host.heap.as_str(name).unwrap_or(""))?;
    Ok(host.heap.list(&values))
}

fn check_callable(host: &Host, args: &[Value]) -> Outcome {
    let count = argument(args, 1).as_fixnum().unwrap_or(0);
    callable(host, argument(args, 0), usize::try_from(count).unwrap_or(0))
}

fn raise_type_error(host: &Host, args: &[Value]) -> Outcome {
    let expected = host.heap.as_str(argument(args, 0)).unwrap_or("");
    Err(type_error(host, expected, argument(args, 1)))
}

fn raise_argument_error(host: &Host, args: &[Value]) -> Outcome {
    let text = |index| host.heap.as_str(argument(args, index)).unwrap_or("");
    let position = argument(args, 1).as_fixnum().unwrap_or(0);
    let position = usize::try_from(position).unwrap_or(0);
    Err(argument_error(
        host,
        text(0),
        position.saturating_sub(1),
        text(2),
        argument(args, 3),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::call;

    #[test]
    fn callables_are_told_apart() {
        let host = Host::new(
            sema_machine::host::output::Output::memory(),
            &crate::NATIVES,
        );
        let call = |args: &[Value]| call(&host, "%check-callable", args);
        assert_eq!(call(&[host.keyword("a"), Value::small(1)]), ":a");
        assert_eq!(
            call(&[host.keyword("a"), Value::small(2)]),
            "arity: :a expects 1 argument, got 2"
        );
        assert_eq!(
            call(&[Value::small(5), Value::small(1)]),
            "type-error: expected callable, got int"
        );
    }
}
