//! What lowered special forms call: literals and templates, destructuring, `match`, macros as
//! values, the values of LLM forms. Programs cannot write these names.

#![allow(
    clippy::indexing_slicing,
    reason = "a call has as many arguments as the declaration says"
)]

use sema_format::isa::{Op, Predicate};
use sema_machine::data::collections::{self, hash_map, sorted_map};
use sema_machine::data::print;
use sema_machine::data::sequence::{element_at, sequence_length};
use sema_machine::host::Host;
use sema_machine::host::condition::{Outcome, arity_error, eval_error, type_error};
use sema_machine::host::declaration::ANY_NUMBER;
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;

// --- literals and templates ---

fn list(host: &Host, arguments: &[Value]) -> Outcome {
    Ok(host.heap.list(arguments))
}

fn vector(host: &Host, arguments: &[Value]) -> Outcome {
    Ok(host.heap.vector(arguments))
}

fn map(host: &Host, arguments: &[Value]) -> Outcome {
    let mut entries = Vec::with_capacity(arguments.len() / 2);
    for pair in arguments.chunks_exact(2) {
        collections::check_key(host, pair[0])?;
        entries.push((pair[0], pair[1]));
    }
    Ok(sorted_map::from_entries(host, &entries))
}

fn map_from_list(host: &Host, arguments: &[Value]) -> Outcome {
    let items: Vec<Value> = host.heap.list_iter(arguments[0]).collect();
    map(host, &items)
}

fn appended(host: &Host, arguments: &[Value]) -> Outcome<Vec<Value>> {
    let mut items = Vec::new();
    for argument in arguments {
        match argument.kind() {
            Kind::List => items.extend(host.heap.list_iter(*argument)),
            Kind::Vector => items.extend_from_slice(host.heap.values(*argument)),
            _ => return Err(type_error(host, "list or vector", *argument)),
        }
    }
    Ok(items)
}

fn append_list(host: &Host, arguments: &[Value]) -> Outcome {
    // The last list can be shared.
    if let Some((last, init)) = arguments.split_last()
        && last.kind() == Kind::List
    {
        return Ok(host.heap.list_with_tail(&appended(host, init)?, *last));
    }
    Ok(host.heap.list(&appended(host, arguments)?))
}

fn append_vector(host: &Host, arguments: &[Value]) -> Outcome {
    Ok(host.heap.vector(&appended(host, arguments)?))
}

fn gensym(host: &Host, arguments: &[Value]) -> Outcome {
    let stem = match host.heap.as_str(arguments[0]) {
        Some(stem) => stem,
        None => host.name_of(arguments[0]).unwrap_or("g"),
    };
    Ok(host.symbol(&format!("{stem}__{}", host.symbols.next_unique())))
}

// --- destructuring ---

fn index(value: Value) -> usize {
    value
        .as_fixnum()
        .and_then(|number| usize::try_from(number).ok())
        .unwrap_or(0)
}

fn check_sequence(host: &Host, arguments: &[Value]) -> Outcome {
    let wanted = index(arguments[1]);
    match sequence_length(host, arguments[0]) {
        None => Err(type_error(host, "list or vector", arguments[0])),
        Some(length) if length == wanted => Ok(Value::NIL),
        Some(length) => Err(eval_error(format!(
            "destructure: expected {wanted} elements, got {length}"
        ))),
    }
}

fn check_sequence_rest(host: &Host, arguments: &[Value]) -> Outcome {
    let wanted = index(arguments[1]);
    match sequence_length(host, arguments[0]) {
        None => Err(type_error(host, "list or vector", arguments[0])),
        Some(length) if length >= wanted => Ok(Value::NIL),
        Some(length) => Err(eval_error(format!(
            "destructure: expected at least {wanted} elements before `&`, got {length}"
        ))),
    }
}

fn check_map(host: &Host, arguments: &[Value]) -> Outcome {
    if collections::is_map(arguments[0]) {
        Ok(Value::NIL)
    } else {
        Err(type_error(host, "map or hashmap", arguments[0]))
    }
}

fn sequence_ref(host: &Host, arguments: &[Value]) -> Outcome {
    Ok(element_at(host, arguments[0], index(arguments[1])).unwrap_or(Value::NIL))
}

fn sequence_rest(host: &Host, arguments: &[Value]) -> Outcome {
    let from = index(arguments[1]);
    Ok(match arguments[0].kind() {
        Kind::Vector => host
            .heap
            .list(host.heap.values(arguments[0]).get(from..).unwrap_or(&[])),
        Kind::List => host
            .heap
            .list_drop(arguments[0], from)
            .unwrap_or(Value::EMPTY),
        _ => Value::EMPTY,
    })
}

fn map_ref(host: &Host, arguments: &[Value]) -> Outcome {
    Ok(collections::get(host, arguments[0], arguments[1]).unwrap_or(Value::NIL))
}

// --- match ---

fn is_sequence_of(host: &Host, arguments: &[Value]) -> Outcome {
    Ok(Value::bool(
        sequence_length(host, arguments[0]) == Some(index(arguments[1])),
    ))
}

/// `%sequence-size`: the length of a sequence, -1 for anything else.
fn sequence_size(host: &Host, arguments: &[Value]) -> Outcome {
    Ok(match sequence_length(host, arguments[0]) {
        Some(length) => Value::index(length),
        None => host.heap.int(-1),
    })
}

fn is_sequence_from(host: &Host, arguments: &[Value]) -> Outcome {
    Ok(Value::bool(
        sequence_length(host, arguments[0]).is_some_and(|length| length >= index(arguments[1])),
    ))
}

fn is_map_like(_: &Host, arguments: &[Value]) -> Outcome {
    Ok(Value::bool(collections::is_map(arguments[0])))
}

fn has_key(host: &Host, arguments: &[Value]) -> Outcome {
    let found = match arguments[0].kind() {
        Kind::Map => sorted_map::get(host, arguments[0], arguments[1]),
        Kind::HashMap => hash_map::get(host, arguments[0], arguments[1]),
        _ => None,
    };
    Ok(Value::bool(found.is_some()))
}

fn match_failed(host: &Host, arguments: &[Value]) -> Outcome {
    Err(eval_error(format!(
        "match: no clause matched value: {}",
        print::shown(host, arguments[0])
    )))
}

// --- values, conditions, macros ---

fn check_values(host: &Host, arguments: &[Value]) -> Outcome {
    let (got, wanted) = (host.heap.list_len(arguments[0]), index(arguments[1]));
    let more = arguments[2].is_truthy();
    if got == wanted || more && got > wanted {
        return Ok(Value::NIL);
    }
    let function = arguments.get(3).and_then(|name| host.heap.as_str(*name));
    Err(arity_error(
        function.unwrap_or("<lambda>"),
        wanted,
        (!more).then_some(wanted),
        got,
    ))
}

fn condition_value(host: &Host, arguments: &[Value]) -> Outcome {
    let condition = arguments[0];
    let keywords = host.condition_keywords();
    let field = |key: Value| collections::get(host, condition, key);
    match field(keywords.kind) {
        Some(kind) if kind == keywords.user => Ok(field(keywords.value).unwrap_or(Value::NIL)),
        _ => Ok(condition),
    }
}

fn make_macro(host: &Host, arguments: &[Value]) -> Outcome {
    Ok(host
        .heap
        .object(Kind::Macro, 0, &[arguments[0], Value::NIL]))
}

// --- text ---

fn text_concat(host: &Host, arguments: &[Value]) -> Outcome {
    let mut text = String::new();
    for piece in host.heap.list_iter(arguments[0]) {
        match (piece.as_char(), host.heap.as_str(piece)) {
            (Some(character), _) => text.push(character),
            (_, Some(part)) => text.push_str(part),
            _ => return Err(type_error(host, "char or string", piece)),
        }
    }
    Ok(host.heap.string(&text))
}

// --- calls ---

fn is_missing(_: &Host, arguments: &[Value]) -> Outcome {
    Ok(Value::bool(arguments[0] == Value::MISSING))
}

/// `%spread`: the arguments of `apply` as one list: the last one is a sequence.
fn spread(host: &Host, arguments: &[Value]) -> Outcome {
    let mut items: Vec<Value> = host.heap.list_iter(arguments[0]).collect();
    if let Some(last) = items.pop() {
        let elements = sema_machine::data::sequence::elements(host, last)?;
        items.extend_from_slice(&elements);
    }
    Ok(host.heap.list(&items))
}

/// `%apply` is an instruction; as a value it cannot be had.
fn apply_list(_: &Host, arguments: &[Value]) -> Outcome {
    Err(Box::new(sema_machine::host::condition::Signal::TailCall(
        arguments[0],
        arguments[1..].to_vec(),
    )))
}

natives! {
    /// Whether a value is the marker of an optional argument that was left out.
    "%missing?" (value: Any) -> Bool, total, borrows, test(Predicate::Missing) => is_missing;

    /// The arguments of `apply` as one list: the elements of the last, a sequence, follow the others.
    "%spread" (arguments: Any) -> List, pure => spread;

    /// Calls a function with arguments and the elements of the last; compiled as an instruction.
    "%apply" (function: Any, argument: Any, more*: Any) -> Any => apply_list;

    /// A list of the arguments.
    "%list" (values*: Any) -> List, total, op(ANY_NUMBER, Op::MakeList) => list;

    /// A vector of the arguments.
    "%vector" (values*: Any) -> Vector, total, op(ANY_NUMBER, Op::MakeVector) => vector;

    /// A map of keys and values in turn. It raises for what cannot be a key.
    "%map" (entries*: Any) -> SortedMap, pure => map;

    /// A map of the elements of a list, keys and values in turn. It raises for what cannot be a key.
    "%map-from-list" (entries: Any) -> SortedMap, pure => map_from_list;

    /// A list of the elements of lists and vectors.
    "%append-list" (seqs*: Sequence) -> List, pure => append_list;

    /// A vector of the elements of lists and vectors.
    "%append-vector" (seqs*: Sequence) -> Vector, pure => append_vector;

    /// The arguments as displayed, joined.
    "%str" (values*: Any) -> String, pure, in_place("%append-owned", 2) => crate::core::text::strings::append;

    /// A symbol that is not used anywhere else, whose name starts with a text or with the name of a symbol.
    "%gensym" (stem: Any) -> Symbol => gensym;

    /// Raises unless a value is a list or vector of a length.
    "%check-sequence" (seq: Sequence, length: Any) -> Nil, pure => check_sequence;

    /// Raises unless a value is a list or vector of a length or more.
    "%check-sequence-rest" (seq: Sequence, length: Any) -> Nil, pure => check_sequence_rest;

    /// Raises unless a value is a map or hash map.
    "%check-map" (map: Map) -> Nil, pure => check_map;

    /// The element of a sequence at an index; nil if there is none.
    "%sequence-ref" (seq: Any, index: Any) -> Any, pure, op(2, Op::Element) => sequence_ref;

    /// A list of the elements of a list or vector from an index on.
    "%sequence-rest" (seq: Any, index: Any) -> List, total => sequence_rest;

    /// The value that a map has for a key; nil if it lacks the key or is no map.
    "%map-ref" (map: Any, key: Any) -> Any, pure => map_ref;

    /// Whether a value is a list or vector of a length.
    "%sequence-of?" (value: Any, length: Any) -> Bool, total => is_sequence_of;

    /// Whether a value is a list or vector of a length or more.
    "%sequence-from?" (value: Any, length: Any) -> Bool, total => is_sequence_from;

    /// The length of a list or vector; -1 for anything else.
    "%sequence-size" (value: Any) -> Int, total => sequence_size;

    /// Whether a value is a map or hash map.
    "%map-like?" (value: Any) -> Bool, total => is_map_like;

    /// Whether a value is a map that has a key.
    "%map-has?" (map: Any, key: Any) -> Bool, pure => has_key;

    /// Raises that no clause of a `match` fits a value.
    "%match-failed" (value: Any) -> Never => match_failed;

    /// Raises unless a list of values has a length, or more elements if the third argument is true; names the function.
    "%check-values" (values: Any, count: Any, more: Any, function?: Any) -> Nil, pure => check_values;

    /// What `guard` binds: the value of a condition of type `:user`, any other condition itself.
    "%condition-value" (condition: Any) -> Any, pure => condition_value;

    /// A macro with a transformer.
    "%make-macro" (transformer: Any) -> Any => make_macro;

    /// The characters and strings of a list, joined.
    "%text-concat" (pieces: Any) -> String, pure => text_concat;
}
