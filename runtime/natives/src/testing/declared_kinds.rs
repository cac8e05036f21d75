//! Whether natives take what they declare: an argument of another kind is refused.

use ::std::collections::BTreeMap;

use sema_machine::data::print;
use sema_machine::host::Host;
use sema_machine::host::condition::Signal;
use sema_machine::host::declaration::{Declaration, Kind, Mode, Parameter};
use sema_machine::host::native::Capability;
use sema_machine::memory::value::Value;

use crate::testing::Scene;
use crate::{DECLARATIONS, NATIVES};

/// A value that a parameter of this kind takes; `None` if none can be made here.
fn fitting(host: &Host, kind: Kind) -> Option<Value> {
    let heap = &host.heap;
    Some(match kind {
        Kind::Any
        | Kind::Int
        | Kind::Count
        | Kind::Integer
        | Kind::Rational
        | Kind::Real
        | Kind::Number
        | Kind::NumberOrString => Value::small(1),
        Kind::Nil => Value::NIL,
        Kind::Bool => Value::bool(true),
        Kind::Float => Value::float(1.5),
        Kind::Char => Value::char('a'),
        Kind::String => heap.string("a"),
        Kind::Keyword => host.keyword("a"),
        Kind::Symbol | Kind::Name => host.symbol("a"),
        Kind::List | Kind::Pair | Kind::Sequence | Kind::Elements => heap.list(&[Value::small(1)]),
        Kind::Vector => heap.vector(&[Value::small(1)]),
        Kind::Map | Kind::SortedMap => sema_machine::data::collections::sorted_map::empty(heap),
        Kind::Bytes => heap.bytevector(&[1]),
        Kind::F64Array => heap.f64_array(&[1.0]),
        Kind::I64Array => heap.i64_array(&[1]),
        _ => return None,
    })
}

/// Values that do not fit the kind.
fn unfitting(host: &Host, kind: Kind) -> Vec<Value> {
    let number = matches!(
        kind,
        Kind::Int
            | Kind::Count
            | Kind::Integer
            | Kind::Rational
            | Kind::Real
            | Kind::Float
            | Kind::Number
            | Kind::NumberOrString
    );
    let mut values = vec![Value::char('x')];
    if kind == Kind::Char {
        values.clear();
    }
    if !number {
        values.push(Value::small(7));
    }
    if !matches!(kind, Kind::String | Kind::NumberOrString) {
        values.push(host.heap.string("text"));
    }
    if !matches!(kind, Kind::Keyword | Kind::Name | Kind::Function) {
        values.push(host.keyword("word"));
    }
    values
}

/// The outcome of a call with one argument that does not fit: a complaint, or nothing.
fn complaint(declaration: &Declaration, at: usize) -> Option<String> {
    let scene = Scene::new();
    let host = &scene.host;
    let parameter: &Parameter = declaration.parameters.get(at)?;
    let native = NATIVES.get(NATIVES.find(declaration.name)?);
    for wrong in unfitting(host, parameter.kind) {
        let mut arguments = Vec::new();
        for (index, other) in declaration.parameters.iter().enumerate() {
            if index == at {
                arguments.push(wrong);
            } else if other.mode == Mode::Required || index < at {
                arguments.push(fitting(host, other.kind)?);
            }
        }
        let refused = match (native.call)(host, &arguments) {
            Ok(_) => false,
            Err(signal) => matches!(*signal, Signal::Raise(_)),
        };
        if !refused {
            let shown: Vec<String> = (arguments.iter())
                .map(|argument| print::readable(host, *argument))
                .collect();
            return Some(format!(
                "({} {}): `{}` is declared {:?}, and takes this",
                declaration.name,
                shown.join(" "),
                parameter.name,
                parameter.kind
            ));
        }
    }
    None
}

#[test]
fn arguments_of_other_kinds_are_refused() {
    let mut wrong: BTreeMap<&str, String> = BTreeMap::new();
    for declaration in DECLARATIONS.iter().copied().flatten() {
        let harmless = declaration.capabilities == [Capability::None; 2];
        if !harmless || declaration.result == Kind::Never {
            continue;
        }
        for (at, parameter) in declaration.parameters.iter().enumerate() {
            if parameter.kind != Kind::Any
                && let Some(complaint) = complaint(declaration, at)
            {
                wrong.insert(declaration.name, complaint);
            }
        }
    }
    let lines: Vec<String> = wrong.into_values().collect();
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}
