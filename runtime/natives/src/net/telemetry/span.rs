//! A span as plain data.

use sema_machine::data::{collections, print};
use sema_machine::host::Host;
use sema_machine::memory::value::{Kind, Value};

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// What it is.
    pub name: String,
    /// The trace that it belongs to.
    pub trace: [u8; 16],
    /// Its own identity.
    pub identity: [u8; 8],
    /// The span that it lies in.
    pub parent: Option<[u8; 8]>,
    /// Whether another service was asked.
    pub is_client: bool,
    /// When it began, in nanoseconds since 1970.
    pub start: u64,
    /// When it ended.
    pub end: u64,
    /// What is known of it.
    pub attributes: Vec<(String, Attribute)>,
    /// What happened meanwhile.
    pub events: Vec<Event>,
    /// How it went.
    pub status: Status,
}

/// Something that happened at a moment of a span.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// What it is.
    pub name: String,
    /// When, in nanoseconds since 1970.
    pub time: u64,
    /// What is known of it.
    pub attributes: Vec<(String, Attribute)>,
}

/// How a span went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Nothing was said.
    Unset,
    /// Well.
    Fine,
    /// Not well, and why.
    Failed(String),
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// A text.
    Text(String),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// Several values.
    List(Vec<Attribute>),
}

/// The span that a map describes; `None` if it lacks what each span has.
pub fn of(host: &Host, map: Value) -> Option<Span> {
    let entry = |name: &str| entry(host, map, name);
    let text = |name: &str| entry(name).and_then(|value| host.heap.as_str(value));
    let time = |name: &str| {
        let value = host.heap.as_i64(entry(name)?)?;
        u64::try_from(value).ok()
    };
    let status = entry("status").unwrap_or(Value::NIL);
    let status_text = |name: &str| {
        let value = self::entry(host, status, name)?;
        host.heap.as_str(value)
    };
    Some(Span {
        name: text("name")?.to_owned(),
        trace: identity(text("traceId")?)?,
        identity: identity(text("spanId")?)?,
        parent: text("parentSpanId").and_then(identity),
        is_client: entry("kind").and_then(|kind| host.heap.as_str(kind)) == Some("client"),
        start: time("startTimeUnixNano")?,
        end: time("endTimeUnixNano")?,
        attributes: attributes(host, entry("attributes").unwrap_or(Value::NIL)),
        events: events(host, entry("events").unwrap_or(Value::NIL)),
        status: match status_text("code") {
            Some("ok") => Status::Fine,
            Some("error") => Status::Failed(status_text("message").unwrap_or_default().to_owned()),
            _ => Status::Unset,
        },
    })
}

/// An entry of a map that is there and not nil.
fn entry(host: &Host, map: Value, name: &str) -> Option<Value> {
    if !collections::is_map(map) {
        return None;
    }
    collections::get_keyword(host, map, host.keyword(name)).filter(|value| !value.is_nil())
}

/// The bytes that hexadecimal digits mean.
fn identity<const N: usize>(digits: &str) -> Option<[u8; N]> {
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(bytes)
}

fn events(host: &Host, list: Value) -> Vec<Event> {
    if list.kind() != Kind::List {
        return Vec::new();
    }
    let events = host.heap.list_iter(list).filter_map(|event| {
        let time = host.heap.as_i64(entry(host, event, "timeUnixNano")?)?;
        Some(Event {
            name: host.heap.as_str(entry(host, event, "name")?)?.to_owned(),
            time: u64::try_from(time).ok()?,
            attributes: attributes(host, entry(host, event, "attributes").unwrap_or(Value::NIL)),
        })
    });
    events.collect()
}

/// The attributes that a map holds. Keys are strings or keywords.
pub fn attributes(host: &Host, map: Value) -> Vec<(String, Attribute)> {
    if !collections::is_map(map) {
        return Vec::new();
    }
    let entries = collections::sorted_entries(host, map).into_iter();
    let attributes = entries.filter_map(|(key, value)| {
        let name = match key.kind() {
            Kind::Keyword => host.name_of(key)?,
            _ => host.heap.as_str(key)?,
        };
        Some((name.to_owned(), attribute(host, value)))
    });
    attributes.collect()
}

fn attribute(host: &Host, value: Value) -> Attribute {
    if let Some(text) = host.heap.as_str(value) {
        return Attribute::Text(text.to_owned());
    }
    if let Some(number) = host.heap.as_i64(value) {
        return Attribute::Int(number);
    }
    match value.kind() {
        Kind::Bool => Attribute::Bool(value == Value::TRUE),
        Kind::List => {
            let elements = host.heap.list_iter(value);
            Attribute::List(elements.map(|element| simple(host, element)).collect())
        }
        _ => simple(host, value),
    }
}

/// An attribute that is no list.
fn simple(host: &Host, value: Value) -> Attribute {
    if let Some(text) = host.heap.as_str(value) {
        return Attribute::Text(text.to_owned());
    }
    if let Some(number) = host.heap.as_i64(value) {
        return Attribute::Int(number);
    }
    match value.as_float() {
        Some(number) => Attribute::Float(number),
        None if value.kind() == Kind::Bool => Attribute::Bool(value == Value::TRUE),
        None => Attribute::Text(print::display(host, value)),
    }
}
