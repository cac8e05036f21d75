//! The values of the evaluator, and data as such and back.

use std::rc::Rc;

use semac_core::front::datum::{Datum, DatumKind, Interner, Span};

use super::Closure;

#[derive(Clone)]
pub enum Value {
    Nil,
    Bool(bool),
    Int(i64),
    Str(Rc<str>),
    Symbol(Rc<str>),
    Keyword(Rc<str>),
    List(Rc<Vec<Value>>),
    Vector(Rc<Vec<Value>>),
    Map(Rc<Vec<(Value, Value)>>),
    Builtin(&'static str),
    Closure(Rc<Closure>),
    Record(Rc<(Value, Vec<Value>)>),
    Macro(Rc<str>),
}

pub fn condition(kind: &str, message: &str) -> Value {
    let key = |name: &str| Value::Keyword(name.into());
    Value::Map(Rc::new(vec![
        (key("type"), key(kind)),
        (key("message"), Value::Str(message.into())),
    ]))
}

pub fn raised(value: Value) -> Value {
    if matches!(&value, Value::Map(_)) && matches!(get(&value, "type"), Value::Keyword(_)) {
        return value;
    }
    let message = text(&value, true);
    let Value::Map(entries) = condition("user", &message) else {
        return value;
    };
    let mut entries = (*entries).clone();
    entries.push((Value::Keyword("value".into()), value));
    Value::Map(Rc::new(entries))
}

pub fn lookup(map: &Value, key: &Value) -> Value {
    let key = text(key, false);
    match map {
        Value::Map(entries) => {
            let mut entries = entries.iter().rev();
            let found = entries.find(|(known, _)| text(known, false) == key);
            found.map_or(Value::Nil, |(_, value)| value.clone())
        }
        _ => Value::Nil,
    }
}

pub fn get(map: &Value, key: &str) -> Value {
    lookup(map, &Value::Keyword(key.into()))
}

pub fn truth(value: &Value) -> bool {
    !matches!(value, Value::Nil | Value::Bool(false))
}

pub fn elements(value: &Value) -> Result<&Vec<Value>, Value> {
    match value {
        Value::List(items) | Value::Vector(items) => Ok(items),
        other => {
            let message = format!("expected list or vector, got {}", text(other, false));
            Err(condition("type-error", &message))
        }
    }
}

pub fn text(value: &Value, display: bool) -> String {
    let all = |items: &[Value]| {
        let items: Vec<String> = items.iter().map(|item| text(item, false)).collect();
        items.join(" ")
    };
    match value {
        Value::Nil => "nil".to_string(),
        Value::Bool(true) => "#t".to_string(),
        Value::Bool(false) => "#f".to_string(),
        Value::Int(value) => value.to_string(),
        Value::Str(text) if display => text.to_string(),
        Value::Str(text) => format!("{text:?}"),
        Value::Symbol(name) => name.to_string(),
        Value::Keyword(name) => format!(":{name}"),
        Value::List(items) => format!("({})", all(items)),
        Value::Vector(items) => format!("[{}]", all(items)),
        Value::Map(entries) => {
            let flat: Vec<Value> = entries
                .iter()
                .flat_map(|(key, value)| [key.clone(), value.clone()])
                .collect();
            format!("{{{}}}", all(&flat))
        }
        Value::Builtin(name) => format!("<native-fn {name}>"),
        Value::Closure(_) => "<native-fn>".to_string(),
        Value::Record(record) => format!("#<record {}>", all(&record.1)),
        Value::Macro(name) => format!("<macro {name}>"),
    }
}

pub fn from_datum(kind: &DatumKind, names: &Interner) -> Value {
    let all = |items: &[Datum]| {
        Rc::new(
            items
                .iter()
                .map(|item| from_datum(&item.kind, names))
                .collect(),
        )
    };
    match kind {
        DatumKind::Nil => Value::Nil,
        DatumKind::Bool(value) => Value::Bool(*value),
        DatumKind::Int(value) => Value::Int(*value),
        DatumKind::Str(text) => Value::Str(text.clone()),
        DatumKind::Symbol(symbol) => Value::Symbol(names.resolve(symbol).into()),
        DatumKind::Keyword(symbol) => Value::Keyword(names.resolve(symbol).into()),
        DatumKind::List(items) => Value::List(all(items)),
        DatumKind::Vector(items) => Value::Vector(all(items)),
        DatumKind::Map(entries) => Value::Map(Rc::new(
            entries
                .iter()
                .map(|(key, value)| (from_datum(&key.kind, names), from_datum(&value.kind, names)))
                .collect(),
        )),
        other => panic!("the test machine has no {other:?}"),
    }
}

pub fn to_datum(value: &Value, span: Span, names: &mut Interner) -> Datum {
    let kind = match value {
        Value::Nil => DatumKind::Nil,
        Value::Bool(value) => DatumKind::Bool(*value),
        Value::Int(value) => DatumKind::Int(*value),
        Value::Str(text) => DatumKind::Str(text.clone()),
        Value::Symbol(name) => DatumKind::Symbol(names.get_or_intern(&**name)),
        Value::Keyword(name) => DatumKind::Keyword(names.get_or_intern(&**name)),
        Value::List(items) => DatumKind::List(
            items
                .iter()
                .map(|item| to_datum(item, span, names))
                .collect(),
        ),
        Value::Vector(items) => DatumKind::Vector(
            items
                .iter()
                .map(|item| to_datum(item, span, names))
                .collect(),
        ),
        Value::Map(entries) => DatumKind::Map(
            entries
                .iter()
                .map(|(key, value)| (to_datum(key, span, names), to_datum(value, span, names)))
                .collect(),
        ),
        _ => DatumKind::Opaque(0),
    };
    Datum { kind, span }
}
