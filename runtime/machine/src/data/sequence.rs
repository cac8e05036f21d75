//! What natives that take sequences share: reading lists, vectors and mutable arrays alike, checking
//! counts, and the texts of their errors.

use std::borrow::Cow;

use crate::data::collections;
use crate::data::collections::elements::{self, Elements, mutable_values};
use crate::host::Host;
use crate::host::arguments::argument_error;
use crate::host::condition::{
    Outcome, Signal, arity_error, eval_error, type_error, type_error_got, type_name,
};
use crate::memory::value::{Kind, Value};

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
        Kind::List => {
            // The elements are copied, and most often a list is made of them again.
            host.ask(host.heap.list_len(value).saturating_mul(BYTES_OF_ELEMENT))?;
            Ok(seq_values(host, value).unwrap_or_default())
        }
        Kind::Vector => Ok(seq_values(host, value).unwrap_or_default()),
        _ => Err(type_error(host, "list or vector", value)),
    }
}

/// Bytes of an element of a list that is copied, and of the list that is made of the copies.
const BYTES_OF_ELEMENT: usize = 3 * size_of::<Value>();

/// A type error: `function` wants a list, vector or mutable array.
#[cold]
pub fn not_a_sequence(host: &Host, value: Value, function: &str) -> Box<Signal> {
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

/// The integer that `function` got as the argument at `index`, which counts from 0.
///
/// # Errors
/// A type error unless it is an exact integer of machine size.
pub fn int_argument(host: &Host, function: &str, index: usize, value: Value) -> Outcome<i64> {
    host.heap
        .as_i64(value)
        .ok_or_else(|| argument_error(host, function, index, "integer", value))
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
            let name = crate::data::print::shown(host, function);
            Err(arity_error(&name, 1, Some(1), count))
        }
        _ => Err(type_error(host, "callable", function)),
    }
}

/// `(first sequence)`: its first element, nil if there is none.
///
/// # Errors
/// A type error unless it is a list or vector.
#[cold]
pub fn first(host: &Host, value: Value) -> Outcome {
    let heap = &host.heap;
    match value.kind() {
        Kind::List if value != Value::EMPTY => Ok(heap.first_unchecked(value)),
        Kind::List => Ok(Value::NIL),
        Kind::Vector => Ok(heap.values(value).first().copied().unwrap_or(Value::NIL)),
        _ => Err(type_error(host, "list or vector", value)),
    }
}

/// `(rest sequence)`: the elements after the first, in a sequence of the same kind.
///
/// # Errors
/// A type error unless it is a list or vector.
#[cold]
pub fn rest(host: &Host, value: Value) -> Outcome {
    let heap = &host.heap;
    match value.kind() {
        Kind::List if value != Value::EMPTY => Ok(heap.rest_unchecked(value)),
        Kind::List => Ok(Value::EMPTY),
        Kind::Vector => Ok(heap.vector_rest(value, 1)),
        _ => Err(type_error(host, "list or vector", value)),
    }
}

/// `(cons first rest)`: nil stands for the empty list; onto anything else but a list it makes a list of two.
pub fn cons(host: &Host, first: Value, rest: Value) -> Value {
    match rest.kind() {
        Kind::List => host.heap.cons(first, rest),
        Kind::Nil => host.heap.list(&[first]),
        _ => host.heap.list(&[first, rest]),
    }
}

/// `(nth sequence index)`
///
/// # Errors
/// A type error for other arguments, an `:eval` error for an index that is negative or past the end.
pub fn nth(host: &Host, sequence: Value, index: Value) -> Outcome {
    let Some(length) = seq_len(host, sequence) else {
        return Err(type_error(host, "list or vector", sequence));
    };
    let Some(number) = host.heap.as_i64(index) else {
        return Err(type_error(host, "int", index));
    };
    let Ok(index) = usize::try_from(number) else {
        return Err(eval_error(format!(
            "nth: index must be non-negative, got {number}"
        )));
    };
    element_at(host, sequence, index)
        .ok_or_else(|| eval_error(format!("index {index} out of bounds (length {length})")))
}

/// The element of a list, vector or mutable array at an index; `None` past the end.
pub fn element_at(host: &Host, sequence: Value, index: usize) -> Option<Value> {
    let heap = &host.heap;
    match sequence.kind() {
        Kind::List => heap.list_nth(sequence, index),
        Kind::Vector => heap.values(sequence).get(index).copied(),
        Kind::MutableArray => mutable_values(heap, sequence).get(index).copied(),
        _ => None,
    }
}

/// Number of elements of a list or a vector.
pub fn sequence_length(host: &Host, value: Value) -> Option<usize> {
    match value.kind() {
        Kind::List => Some(host.heap.list_len(value)),
        Kind::Vector => Some(host.heap.values(value).len()),
        _ => None,
    }
}

/// `(length value)`
///
/// # Errors
/// A type error for a value that has no length.
pub fn length(host: &Host, value: Value) -> Outcome {
    let heap = &host.heap;
    let length = match value.kind() {
        Kind::Bytevector => heap.as_bytevector(value).map(<[u8]>::len),
        Kind::F64Array => heap.as_f64_array(value).map(<[f64]>::len),
        Kind::I64Array => heap.as_i64_array(value).map(<[i64]>::len),
        Kind::MutableArray => seq_len(host, value),
        _ => counted(host, value),
    };
    let kinds = "list, vector, string, map, hashmap, bytevector, typed array, or mutable-array";
    length
        .map(Value::index)
        .ok_or_else(|| type_error(host, kinds, value))
}

/// The length of what both `length` and `count` take.
pub fn counted(host: &Host, value: Value) -> Option<usize> {
    let heap = &host.heap;
    Some(match value.kind() {
        Kind::List => heap.list_len(value),
        Kind::Vector => heap.values(value).len(),
        Kind::String => heap.char_len(value),
        Kind::Map | Kind::HashMap => collections::len(heap, value),
        _ => return None,
    })
}
