//! What natives that take sequences share: reading lists, vectors and mutable arrays alike, checking
//! counts, and the texts of their errors.

use std::borrow::Cow;

use crate::collections::elements::{self, Elements, mutable_values};
use crate::error::{
    Condition, ConditionKind, Extra, Outcome, Signal, arity_error, eval_error, type_error,
    type_error_got, type_name,
};
use crate::host::Host;
use crate::native::{Native, exactly, native};
use crate::value::{Kind, Value};

/// Most elements that one call may make.
pub const MOST_ELEMENTS: usize = 100_000_000;

/// Natives that the library part written in Sema uses.
pub static TABLE: &[Native] = &[
    native(
        "%seq->list",
        exactly(2),
        seq_to_list,
        "List of a sequence's elements, for the named function.",
    ),
    native(
        "%check-callable",
        exactly(2),
        check_callable,
        "The function, which is about to be called with so many arguments.",
    ),
    native(
        "%type-error",
        exactly(2),
        raise_type_error,
        "Raises that a value is not what was expected.",
    ),
    native(
        "%argument-error",
        exactly(4),
        raise_argument_error,
        "Raises that an argument of a function is not what was expected.",
    ),
];

/// The elements of a list, vector or mutable array, which are those of the moment of the call.
pub fn seq_values(host: &Host, value: Value) -> Option<Cow<'_, [Value]>> {
    let heap = &host.heap;
    match value.kind() {
        Kind::List => Some(Cow::Owned(heap.list_iter(value).collect())),
        Kind::Vector => Some(Cow::Borrowed(heap.values(value))),
        // The buffer may be written to while the result is in use.
        Kind::MutableArray => Some(Cow::Owned(mutable_values(heap, value).to_vec())),
        _ => None,
    }
}

/// Iterates over a list, vector or mutable array without copying it.
pub fn seq_iter(host: &Host, value: Value) -> Option<Elements<'_>> {
    match value.kind() {
        Kind::List | Kind::Vector | Kind::MutableArray => elements::unordered(&host.heap, value),
        _ => None,
    }
}

/// Number of elements of a list, vector or mutable array.
pub fn seq_len(host: &Host, value: Value) -> Option<usize> {
    let heap = &host.heap;
    match value.kind() {
        Kind::List => Some(heap.list_len(value)),
        Kind::Vector => Some(heap.values(value).len()),
        Kind::MutableArray => Some(mutable_values(heap, value).len()),
        _ => None,
    }
}

/// The elements of what `apply` spreads.
///
/// # Errors
/// A type error unless it is a list, vector or mutable array.
pub fn elements(host: &Host, value: Value) -> Outcome<Cow<'_, [Value]>> {
    require_values(host, value, "apply")
}

/// The elements of the sequence that `function` got.
///
/// # Errors
/// A type error unless it is a list, vector or mutable array.
pub fn require_values<'h>(
    host: &'h Host,
    value: Value,
    function: &str,
) -> Outcome<Cow<'h, [Value]>> {
    seq_values(host, value).ok_or_else(|| not_a_sequence(host, value, function))
}

/// As [`require_values`], without copying.
///
/// # Errors
/// A type error unless it is a list, vector or mutable array.
pub fn require_iter<'h>(host: &'h Host, value: Value, function: &str) -> Outcome<Elements<'h>> {
    seq_iter(host, value).ok_or_else(|| not_a_sequence(host, value, function))
}

/// The elements of a list or vector, for the functions that take nothing else.
///
/// # Errors
/// A type error unless it is a list or vector.
pub fn list_or_vector(host: &Host, value: Value) -> Outcome<Cow<'_, [Value]>> {
    match value.kind() {
        Kind::List | Kind::Vector => Ok(seq_values(host, value).unwrap_or_default()),
        _ => Err(type_error(host, "list or vector", value)),
    }
}

#[cold]
pub(crate) fn not_a_sequence(host: &Host, value: Value, function: &str) -> Box<Signal> {
    let got = format!("{} in {function}", type_name(host, value));
    type_error_got("list, vector, or mutable-array", got)
}

/// A count, size or index.
///
/// # Errors
/// A type error unless it is an exact integer of machine size; an `:eval` error if it is negative.
pub fn count_argument(host: &Host, function: &str, value: Value) -> Outcome<usize> {
    let number = host
        .heap
        .as_i64(value)
        .ok_or_else(|| type_error(host, "int", value))?;
    usize::try_from(number).map_err(|_| {
        eval_error(format!(
            "{function}: expected a non-negative integer, got {number}"
        ))
    })
}

/// The integer that `function` got as its argument number `position`.
///
/// # Errors
/// A type error unless it is an exact integer of machine size.
pub fn int_argument(host: &Host, function: &str, position: usize, value: Value) -> Outcome<i64> {
    host.heap
        .as_i64(value)
        .ok_or_else(|| argument_error(host, function, position, "integer", value))
}

/// Refuses to make more elements than allowed.
///
/// # Errors
/// An `:eval` error beyond [`MOST_ELEMENTS`].
pub fn check_size(function: &str, elements: usize) -> Outcome<()> {
    if elements <= MOST_ELEMENTS {
        return Ok(());
    }
    Err(eval_error(format!(
        "{function}: {elements} elements exceeds the limit of {MOST_ELEMENTS}"
    )))
}

/// A type error about the argument number `position` (from 1) of `function`.
#[cold]
pub fn argument_error(
    host: &Host,
    function: &str,
    position: usize,
    expected: &str,
    value: Value,
) -> Box<Signal> {
    let got = type_name(host, value);
    Condition::new(
        ConditionKind::Type,
        format!("{function} argument {position} expected {expected}, got {got}"),
    )
    .with("function", Extra::Text(function.to_owned()))
    .with("argument", Extra::Int(position as i64))
    .with("expected", Extra::Text(expected.to_owned()))
    .with("got", Extra::Text(got.to_owned()))
    .signal()
}

/// The argument with this index; natives are only called with as many as they declare.
#[inline(always)]
pub(crate) fn arg(arguments: &[Value], index: usize) -> Value {
    arguments.get(index).copied().unwrap_or(Value::NIL)
}

fn seq_to_list(host: &Host, args: &[Value]) -> Outcome {
    let (value, name) = (arg(args, 0), arg(args, 1));
    if value.kind() == Kind::List {
        return Ok(value);
    }
    let values = require_values(host, value, host.heap.as_str(name).unwrap_or(""))?;
    Ok(host.heap.list(&values))
}

fn check_callable(host: &Host, args: &[Value]) -> Outcome {
    let count = arg(args, 1).as_fixnum().unwrap_or(0);
    callable(host, arg(args, 0), usize::try_from(count).unwrap_or(0))
}

/// A function that a library function is about to call with `count` arguments.
///
/// # Errors
/// It cannot be called, or it is a keyword, which takes a map only (and, from user code, a default).
pub fn callable(host: &Host, function: Value, count: usize) -> Outcome {
    match function.kind() {
        Kind::Closure | Kind::Native | Kind::Multimethod => Ok(function),
        Kind::Keyword if count == 1 => Ok(function),
        Kind::Keyword => {
            let name = crate::print::readable(host, function);
            Err(arity_error(&name, 1, Some(1), count))
        }
        _ => Err(type_error(host, "callable", function)),
    }
}

fn raise_type_error(host: &Host, args: &[Value]) -> Outcome {
    let expected = host.heap.as_str(arg(args, 0)).unwrap_or("");
    Err(type_error(host, expected, arg(args, 1)))
}

fn raise_argument_error(host: &Host, args: &[Value]) -> Outcome {
    let text = |index| host.heap.as_str(arg(args, index)).unwrap_or("");
    let position = arg(args, 1).as_fixnum().unwrap_or(0);
    let position = usize::try_from(position).unwrap_or(0);
    Err(argument_error(
        host,
        text(0),
        position,
        text(2),
        arg(args, 3),
    ))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::print;

    /// The condition's type and message, or the readable form of the result.
    pub(crate) fn shown(host: &Host, outcome: Outcome) -> String {
        match outcome {
            Ok(value) => print::readable(host, value),
            Err(signal) => match *signal {
                Signal::Raise(condition) => {
                    format!("{}: {}", condition.kind.name(), condition.message)
                }
                _ => "another signal".to_owned(),
            },
        }
    }

    /// Calls the native with this name, following aliases, as a program would.
    pub(crate) fn call(host: &Host, name: &str, args: &[Value]) -> String {
        shown(host, call_value(host, name, args))
    }

    pub(crate) fn call_value(host: &Host, name: &str, args: &[Value]) -> Outcome {
        let find = |name: &str| {
            (crate::natives::TABLES.iter())
                .flat_map(|table| table.iter())
                .find(|native| native.name == name)
                .unwrap()
        };
        let mut native = find(name);
        if let Some(original) = native.alias_of {
            native = find(original);
        }
        assert!(native.arity.accepts(args.len()), "{name}");
        (native.call)(host, args)
    }

    #[test]
    fn callables_are_told_apart() {
        let host = Host::new(crate::output::Output::memory());
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
