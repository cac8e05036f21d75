//! Records, multiple values and multimethods: what the forms that define them compile to.

use sema_format::isa::Op;
use sema_machine::data::collections::{self, key, sorted_map};
use sema_machine::data::print;
use sema_machine::data::record::{checked_record, field, has_type, make_record};
use sema_machine::host::Host;
use sema_machine::host::arguments::argument;
use sema_machine::host::condition::{Outcome, eval_error, type_error};
use sema_machine::host::declaration::ANY_NUMBER;
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;

/// Fields of a multimethod object.
const METHOD_NAME: usize = 0;
const DISPATCH: usize = 1;
const METHODS: usize = 2;
const DEFAULT: usize = 3;

natives! {
    /// Several values at once, for forms that take them apart. A single one is itself.
    /// (call-with-values (fn () (values 1 2)) +) => 3
    /// (values 5) => 5
    "values" (values*: Any) -> Any => values;

    /// A list of the values that were given at once, or of the one value.
    "%values->list" (values: Any) -> List, pure => values_to_list;

    /// A new record type, different from all others, with a name and names of fields, all text or symbols.
    "%make-record-type" (name: Any, fields*: Any) -> Any => make_record_type;

    /// A record of a type with these fields.
    "%record" (record_type: Any, fields*: Any) -> Record, pure, op(ANY_NUMBER, Op::MakeRecord) => record;

    /// Whether a value is a record of a type.
    "%record?" (record_type: Any, value: Any) -> Bool, total, op(2, Op::RecordTest) => is_record_of;

    /// The field at an index of a record of a type; the third argument is the name of the field.
    "%record-ref" (record_type: Any, index: Any, field: Any, record: Any) -> Any, pure, op(4, Op::RecordRef) => record_ref;

    /// A multimethod with a name, a function that gives the dispatch value, and the function that is called in its place.
    "%make-multimethod" (name: Any, dispatch: Any, invoker: Any) -> Any => make_multimethod;

    /// Adds or replaces the method of a multimethod for a dispatch value, or the default one for `:default`.
    "%multimethod-add!" (multimethod: Any, value: Any, method: Any) -> Nil => multimethod_add;

    /// The function of a multimethod that gives the dispatch value.
    "%multimethod-dispatch" (multimethod: Any) -> Any, pure => multimethod_dispatch;

    /// The method of a multimethod for a dispatch value, or the default one. It raises if there is neither.
    "%multimethod-method" (multimethod: Any, value: Any) -> Any => multimethod_method;
}

/// What this module keeps per VM.
#[derive(Default)]
struct Declarations {
    /// Record types made so far: each gets a number, by which records of different types are ordered.
    record_types: i32,
    /// The record type of bundles of values; it lives in the permanent space.
    multiple_values: Option<Value>,
}

fn next_serial(host: &Host) -> Value {
    host.with_extension(|declarations: &mut Declarations| {
        declarations.record_types = declarations.record_types.wrapping_add(1);
        Value::small(declarations.record_types)
    })
}

/// Makes a record type: each one is different from all others.
pub fn new_record_type(host: &Host, name: Value, fields: &[Value]) -> Value {
    let heap = &host.heap;
    heap.object(
        Kind::RecordType,
        0,
        &[name, heap.vector(fields), next_serial(host)],
    )
}

// --- multiple values ---

fn values_type(host: &Host) -> Value {
    let known = host.with_extension(|declarations: &mut Declarations| declarations.multiple_values);
    if let Some(record_type) = known {
        return record_type;
    }
    let name = host.symbol("%multiple-values%");
    // Nothing refers to the type while there is no bundle, so it must not be collected.
    let record_type = host.heap.permanently(|_| new_record_type(host, name, &[]));
    host.with_extension(|declarations: &mut Declarations| {
        declarations.multiple_values = Some(record_type);
    });
    record_type
}

fn values(host: &Host, args: &[Value]) -> Outcome {
    if let [value] = args {
        return Ok(*value);
    }
    Ok(make_record(host, values_type(host), args))
}

fn values_to_list(host: &Host, args: &[Value]) -> Outcome {
    let heap = &host.heap;
    let value = argument(args, 0);
    if value.kind() == Kind::Record
        && let Some((record_type, values)) = heap.values(value).split_first()
        && *record_type == values_type(host)
    {
        return Ok(heap.list(values));
    }
    Ok(heap.list(&[value]))
}

// --- records ---

/// The symbol that a text or symbol names.
fn name_symbol(host: &Host, value: Value) -> Outcome {
    match host.heap.as_str(value) {
        Some(name) => Ok(host.symbol(name)),
        None if value.as_symbol().is_some() => Ok(value),
        None => Err(type_error(host, "symbol", value)),
    }
}

fn make_record_type(host: &Host, args: &[Value]) -> Outcome {
    let name = name_symbol(host, argument(args, 0))?;
    let fields = args
        .iter()
        .skip(1)
        .map(|&field| name_symbol(host, field))
        .collect::<Outcome<Vec<Value>>>()?;
    Ok(new_record_type(host, name, &fields))
}

fn record(host: &Host, args: &[Value]) -> Outcome {
    checked_record(host, argument(args, 0), args.get(1..).unwrap_or_default())
}

fn is_record_of(host: &Host, args: &[Value]) -> Outcome {
    Ok(Value::bool(has_type(
        host,
        argument(args, 1),
        argument(args, 0),
    )))
}

fn record_ref(host: &Host, args: &[Value]) -> Outcome {
    let index = argument(args, 1).as_fixnum().unwrap_or(0);
    let index = usize::try_from(index).unwrap_or(0);
    field(host, argument(args, 3), argument(args, 0), index)
}

// --- multimethods ---

fn make_multimethod(host: &Host, args: &[Value]) -> Outcome {
    let heap = &host.heap;
    let methods = sorted_map::empty(heap);
    let fields = [
        argument(args, 0),
        argument(args, 1),
        methods,
        Value::UNBOUND,
        argument(args, 2),
    ];
    Ok(heap.object(Kind::Multimethod, 0, &fields))
}

fn multimethod_add(host: &Host, args: &[Value]) -> Outcome {
    let heap = &host.heap;
    let (multimethod, value, method) = (argument(args, 0), argument(args, 1), argument(args, 2));
    if multimethod.kind() != Kind::Multimethod {
        return Err(eval_error("defmethod: first argument is not a multimethod"));
    }
    if value == host.keyword("default") {
        heap.set_field(multimethod, DEFAULT, method);
        return Ok(Value::NIL);
    }
    key::check(host, value)?;
    let methods = heap.field(multimethod, METHODS);
    let methods = sorted_map::insert(host, methods, value, method);
    heap.set_field(multimethod, METHODS, methods);
    Ok(Value::NIL)
}

fn check_multimethod(host: &Host, value: Value) -> Outcome<()> {
    if value.kind() == Kind::Multimethod {
        Ok(())
    } else {
        Err(type_error(host, "multimethod", value))
    }
}

fn multimethod_dispatch(host: &Host, args: &[Value]) -> Outcome {
    check_multimethod(host, argument(args, 0))?;
    Ok(host.heap.field(argument(args, 0), DISPATCH))
}

fn multimethod_method(host: &Host, args: &[Value]) -> Outcome {
    let heap = &host.heap;
    let (multimethod, value) = (argument(args, 0), argument(args, 1));
    check_multimethod(host, multimethod)?;
    if let Some(method) = collections::get(host, heap.field(multimethod, METHODS), value) {
        return Ok(method);
    }
    let default = heap.field(multimethod, DEFAULT);
    if default != Value::UNBOUND {
        return Ok(default);
    }
    Err(eval_error(format!(
        "no method in multimethod '{}' for dispatch value: {}",
        print::display(host, heap.field(multimethod, METHOD_NAME)),
        print::shown(host, value)
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Scene;
    use crate::testing::{call, call_value};

    #[test]
    fn records_know_their_type() {
        let scene = Scene::new();
        let host = &scene.host;
        let heap = &host.heap;
        let make = |name, args: &[Value]| call_value(host, name, args).ok().unwrap();
        let (name, x, y) = (heap.string("point"), heap.string("x"), host.symbol("y"));
        let point = make("%make-record-type", &[name, x, y]);
        let other = make("%make-record-type", &[name, x, y]);
        let n = Value::small;
        let record = make("%record", &[point, n(1), n(2)]);
        let same = make("%record", &[point, n(1), n(2)]);
        let foreign = make("%record", &[other, n(1), n(2)]);
        assert_eq!(
            call(host, "%record-ref", &[point, n(1), Value::NIL, record]),
            "2"
        );
        assert_eq!(
            call(host, "%record-ref", &[point, n(1), Value::NIL, foreign]),
            "type-error: expected point, got record"
        );
        assert_eq!(call(host, "%record?", &[point, foreign]), "#f");
        assert_eq!(call(host, "type", &[record]), ":point");
        assert_eq!(call(host, "equal?", &[record, same]), "#t");
        assert_eq!(call(host, "equal?", &[record, foreign]), "#f");
        let list = heap.list(&[record, same, foreign]);
        assert_eq!(
            call(host, "list/unique", &[list]),
            "(#<record point 1 2> #<record point 1 2>)"
        );
    }

    #[test]
    fn bundles_of_values_survive_collections() {
        let mut scene = Scene::new();
        let args = [Value::small(1), Value::small(2)];
        let bundle = call_value(&scene.host, "values", &args).ok().unwrap();
        scene.roots.push(bundle);
        scene.collect(true);
        let host = &scene.host;
        let bundle = scene.roots[0];
        assert_eq!(
            sema_machine::data::print::shown(host, bundle),
            "#<record %multiple-values% 1 2>"
        );
        assert_eq!(call(host, "%values->list", &[bundle]), "(1 2)");
        assert_eq!(call(host, "%values->list", &[Value::NIL]), "(nil)");
        assert_eq!(call(host, "values", &[Value::NIL]), "nil");
        let empty = call_value(host, "values", &[]).ok().unwrap();
        assert_eq!(call(host, "%values->list", &[empty]), "()");
    }

    #[test]
    fn multimethods_find_their_methods() {
        let mut scene = Scene::new();
        let host = &scene.host;
        let name = host.symbol("area");
        let method = host.heap.string("circle's");
        let multimethod = call_value(host, "%make-multimethod", &[name, Value::NIL, Value::NIL]);
        let multimethod = multimethod.ok().unwrap();
        let circle = host.keyword("circle");
        call(host, "%multimethod-add!", &[multimethod, circle, method]);
        scene.roots.push(multimethod);
        scene.collect(false);
        let (host, multimethod) = (&scene.host, scene.roots[0]);
        let circle = host.keyword("circle");
        let square = host.keyword("square");
        let method_for = |value| call(host, "%multimethod-method", &[multimethod, value]);
        assert_eq!(method_for(circle), "\"circle's\"");
        assert_eq!(
            method_for(square),
            "eval: no method in multimethod 'area' for dispatch value: :square"
        );
        let default = host.keyword("default");
        call(
            host,
            "%multimethod-add!",
            &[multimethod, default, Value::TRUE],
        );
        assert_eq!(method_for(square), "#t");
    }
}
