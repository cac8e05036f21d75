//! What lowered special forms call: literals and templates, destructuring, `match`, macros as
//! values, the values of LLM forms. Programs cannot write these names.

use sema_machine::data::collections::{self, hash_map, sorted_map};
use sema_machine::data::print;
use sema_machine::data::sequence::{element_at, sequence_length};
use sema_machine::host::Host;
use sema_machine::host::condition::{Outcome, arity_error, eval_error, type_error};
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

fn concatenate(host: &Host, arguments: &[Value]) -> Outcome {
    let mut text = String::new();
    for argument in arguments {
        print::write_display(host, *argument, &mut text);
    }
    Ok(host.heap.string(&text))
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
        print::readable(host, arguments[0])
    )))
}

// --- values, conditions, macros ---

fn check_values(host: &Host, arguments: &[Value]) -> Outcome {
    let (got, wanted) = (host.heap.list_len(arguments[0]), index(arguments[1]));
    let more = arguments[2].is_truthy();
    if got == wanted || more && got > wanted {
        return Ok(Value::NIL);
    }
    Err(arity_error(
        "<lambda>",
        wanted,
        (!more).then_some(wanted),
        got,
    ))
}

fn condition_value(host: &Host, arguments: &[Value]) -> Outcome {
    let condition = arguments[0];
    let field = |name: &str| collections::get(host, condition, host.keyword(name));
    match field("type") {
        Some(kind) if kind == host.keyword("user") => Ok(field("value").unwrap_or(Value::NIL)),
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
    /// Whether an optional argument was left out.
    "%missing?" (a: Any) -> Any, pure => is_missing;

    /// The arguments of apply as one list.
    "%spread" (a: Any) -> Any => spread;

    /// apply; compiled as an instruction.
    "%apply" (a: Any, b: Any, c*: Any) -> Any => apply_list;

    /// List of the arguments.
    "%list" (a*: Any) -> Any, pure => list;

    /// Vector of the arguments.
    "%vector" (a*: Any) -> Any, pure => vector;

    /// Map of keys and values in turn.
    "%map" (a*: Any) -> Any => map;

    /// Map of keys and values in turn, from a list.
    "%map-from-list" (a: Any) -> Any => map_from_list;

    /// List of the elements of lists and vectors.
    "%append-list" (a*: Any) -> Any => append_list;

    /// Vector of the elements of lists and vectors.
    "%append-vector" (a*: Any) -> Any => append_vector;

    /// Display forms joined.
    "%str" (a*: Any) -> Any, pure => concatenate;

    /// A new symbol with a stem.
    "%gensym" (a: Any) -> Any => gensym;

    /// Checks for a sequence of a length.
    "%check-sequence" (a: Any, b: Any) -> Any => check_sequence;

    /// Checks for a sequence of at least a length.
    "%check-sequence-rest" (a: Any, b: Any) -> Any => check_sequence_rest;

    /// Checks for a map.
    "%check-map" (a: Any) -> Any => check_map;

    /// Element of a sequence that has it.
    "%sequence-ref" (a: Any, b: Any) -> Any, pure => sequence_ref;

    /// Elements of a sequence from an index on, as a list.
    "%sequence-rest" (a: Any, b: Any) -> Any, pure => sequence_rest;

    /// Value of a key, or nil.
    "%map-ref" (a: Any, b: Any) -> Any, pure => map_ref;

    /// Whether a value is a sequence of a length.
    "%sequence-of?" (a: Any, b: Any) -> Any, pure => is_sequence_of;

    /// Whether a value is a sequence of at least a length.
    "%sequence-from?" (a: Any, b: Any) -> Any, pure => is_sequence_from;

    /// The length of a sequence, -1 for anything else.
    "%sequence-size" (a: Any) -> Any, pure => sequence_size;

    /// Whether a value is a map or hashmap.
    "%map-like?" (a: Any) -> Any, pure => is_map_like;

    /// Whether a map has a key.
    "%map-has?" (a: Any, b: Any) -> Any, pure => has_key;

    /// Raises that no clause of a match fits.
    "%match-failed" (a: Any) -> Any => match_failed;

    /// Checks the number of multiple values.
    "%check-values" (a: Any, b: Any, c: Any) -> Any => check_values;

    /// What a guard binds for a condition.
    "%condition-value" (a: Any) -> Any => condition_value;

    /// A macro as a value.
    "%make-macro" (a: Any) -> Any => make_macro;

    /// Characters and strings of a list, joined.
    "%text-concat" (a: Any) -> Any => text_concat;
}
