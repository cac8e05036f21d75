//! Checked access to the arguments of natives, with the error texts that all families share.

use std::borrow::Cow;

use crate::host::Host;
use crate::host::condition::{
    Condition, ConditionKind, Extra, Outcome, Signal, eval_error, type_error,
};
use crate::memory::value::{Kind, Value};

/// Most elements (or bytes of text) that one call may make.
pub const ELEMENT_LIMIT: usize = 100_000_000;

/// Bytes of an element of a list, and of the value from which it is made.
const BYTES_OF_ELEMENT: usize = 24;

/// The argument at `index`; nil when it was left out.
#[inline]
pub fn argument(args: &[Value], index: usize) -> Value {
    args.get(index).copied().unwrap_or(Value::NIL)
}

/// A `:type-error` that names the function and the argument, whose `index` counts from 0: `F argument N expected E, got G`.
#[cold]
pub fn argument_error(
    host: &Host,
    function: &str,
    index: usize,
    expected: &str,
    value: Value,
) -> Box<Signal> {
    let got = crate::host::condition::type_name(host, value);
    let shown = crate::host::condition::shown_kind(host, expected, value);
    let position = index + 1;
    Condition::new(
        ConditionKind::Type,
        format!("{function} argument {position} expected {expected}, got {shown}"),
    )
    .with("function", Extra::Text(function.to_owned()))
    .with("argument", Extra::Int(position as i64))
    .with("expected", Extra::Text(expected.to_owned()))
    .with("got", Extra::Text(got.to_owned()))
    .signal()
}

/// The error for a result of `elements` elements when that is more than [`ELEMENT_LIMIT`], or more than the program may
/// use: the elements are computed first, then the list or string.
pub fn check_limit(host: &Host, function: &str, elements: usize) -> Outcome<()> {
    check_count(function, elements as u64)?;
    host.ask(elements.saturating_mul(BYTES_OF_ELEMENT))
}

/// The error for so many elements, one after the other, when they are more than [`ELEMENT_LIMIT`].
pub fn check_count(function: &str, elements: u64) -> Outcome<()> {
    if elements > ELEMENT_LIMIT as u64 {
        return Err(eval_error(format!(
            "{function}: {elements} elements exceeds the limit of {ELEMENT_LIMIT}"
        )));
    }
    Ok(())
}

/// Runs `operation` on the data behind the handle that the first argument is; `expected` is what messages call it.
///
/// # Errors
/// It is no such handle; those of the operation.
pub fn on_foreign<T: 'static, R>(
    host: &Host,
    args: &[Value],
    expected: &'static str,
    operation: impl FnOnce(&mut T) -> Outcome<R>,
) -> Outcome<R> {
    let handle = argument(args, 0);
    (host.heap.with_foreign(handle, operation))
        .unwrap_or_else(|| Err(type_error(host, expected, handle)))
}

/// A string argument.
#[inline]
pub fn text<'h>(host: &'h Host, function: &str, args: &[Value], index: usize) -> Outcome<&'h str> {
    let value = argument(args, index);
    match host.heap.as_str(value) {
        Some(text) => Ok(text),
        None => Err(argument_error(host, function, index, "string", value)),
    }
}

/// The bytes of an argument: those of a byte vector, or of a string in UTF-8.
///
/// # Errors
/// It is neither.
pub fn bytes_of<'h>(
    host: &'h Host,
    function: &str,
    args: &[Value],
    index: usize,
) -> Outcome<&'h [u8]> {
    match host.heap.as_bytevector(argument(args, index)) {
        Some(bytes) => Ok(bytes),
        None => Ok(text(host, function, args, index)?.as_bytes()),
    }
}

/// A character argument.
#[inline]
pub fn character(host: &Host, args: &[Value], index: usize) -> Outcome<char> {
    let value = argument(args, index);
    value
        .as_char()
        .ok_or_else(|| type_error(host, "char", value))
}

/// An exact integer argument of 64 bits.
#[inline]
pub fn integer(host: &Host, function: &str, args: &[Value], index: usize) -> Outcome<i64> {
    let value = argument(args, index);
    match host.heap.as_i64(value) {
        Some(number) => Ok(number),
        None => Err(argument_error(host, function, index, "integer", value)),
    }
}

/// A count: an exact integer that is not negative.
pub fn count(host: &Host, function: &str, args: &[Value], index: usize) -> Outcome<usize> {
    let value = argument(args, index);
    let Some(number) = host.heap.as_i64(value) else {
        return Err(argument_error(host, function, index, "int", value));
    };
    if number < 0 {
        return Err(eval_error(format!(
            "{function}: expected a non-negative integer, got {number}"
        )));
    }
    // What does not fit where addresses have 32 bits is more than there can be of anything.
    Ok(usize::try_from(number).unwrap_or(usize::MAX))
}

/// The optional count at `index`, or `default`.
pub fn count_or(
    host: &Host,
    function: &str,
    args: &[Value],
    index: usize,
    default: usize,
) -> Outcome<usize> {
    if args.len() > index {
        count(host, function, args, index)
    } else {
        Ok(default)
    }
}

/// The double of an int or a float; other numbers are refused.
pub fn real(host: &Host, value: Value) -> Option<f64> {
    if let Some(float) = value.as_float() {
        return Some(float);
    }
    if let Some(small) = value.as_fixnum() {
        return Some(small as f64);
    }
    num_traits::ToPrimitive::to_f64(&host.heap.as_bigint(value)?)
}

/// The elements of a list or vector.
pub fn list_or_vector<'h>(host: &'h Host, value: Value) -> Outcome<Cow<'h, [Value]>> {
    match value.kind() {
        Kind::List => Ok(Cow::Owned(host.heap.list_iter(value).collect())),
        Kind::Vector => Ok(Cow::Borrowed(host.heap.values(value))),
        _ => Err(type_error(host, "list or vector", value)),
    }
}

/// A list argument: vectors are refused.
pub fn list_only(host: &Host, function: &str, args: &[Value], index: usize) -> Outcome<Vec<Value>> {
    let value = argument(args, index);
    if value.kind() != Kind::List {
        return Err(argument_error(host, function, index, "list", value));
    }
    Ok(host.heap.list_iter(value).collect())
}
