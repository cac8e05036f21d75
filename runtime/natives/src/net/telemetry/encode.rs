//! Requests of the OpenTelemetry protocol (OTLP 1.x): what a collector gets at `/v1/traces`.
//!
//! Numbers of fields are those of `opentelemetry/proto/trace/v1/trace.proto` and its relatives. In JSON identities are
//! hexadecimal and numbers of 64 bits are strings, as that specification wants it.

use crate::std::crypto::hex::digits;
use std::fmt::Write as _;

use super::span::{Attribute, Event, Span, Status};

/// How requests are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Protocol Buffers.
    ProtocolBuffers,
    /// JSON.
    Json,
}

/// What all spans of a program share.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resource(pub Vec<(String, Attribute)>);

/// What has made the spans.
const SCOPE: &str = "semac";
/// A span inside of the program.
const INTERNAL: u64 = 1;
/// A span that asks another service.
const CLIENT: u64 = 3;

impl Encoding {
    /// The media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Encoding::ProtocolBuffers => "application/x-protobuf",
            Encoding::Json => "application/json",
        }
    }

    /// A request with these spans.
    #[must_use]
    pub fn request(self, resource: &Resource, spans: &[Span]) -> Vec<u8> {
        match self {
            Encoding::ProtocolBuffers => request_in_bytes(resource, spans),
            Encoding::Json => request_in_json(resource, spans).into_bytes(),
        }
    }
}

fn kind(span: &Span) -> u64 {
    if span.is_client { CLIENT } else { INTERNAL }
}

fn status_code(status: &Status) -> u64 {
    match status {
        Status::Unset => 0,
        Status::Fine => 1,
        Status::Failed(_) => 2,
    }
}

// --- Protocol Buffers ---

/// A message that is being written.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    fn key(&mut self, field: u64, wire: u64) {
        self.number(field << 3 | wire);
    }

    fn varint(&mut self, field: u64, number: u64) {
        self.key(field, 0);
        self.number(number);
    }

    fn fixed(&mut self, field: u64, number: u64) {
        self.key(field, 1);
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.key(field, 2);
        self.number(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn message(&mut self, field: u64, write: impl FnOnce(&mut Message)) {
        let mut inner = Message::default();
        write(&mut inner);
        self.bytes(field, &inner.0);
    }

    fn attributes(&mut self, field: u64, attributes: &[(String, Attribute)]) {
        for (name, value) in attributes {
            self.message(field, |pair| {
                pair.bytes(1, name.as_bytes());
                pair.message(2, |any| any.value(value));
            });
        }
    }

    fn value(&mut self, value: &Attribute) {
        match value {
            Attribute::Text(text) => self.bytes(1, text.as_bytes()),
            Attribute::Bool(value) => self.varint(2, u64::from(*value)),
            Attribute::Int(number) => self.varint(3, number.cast_unsigned()),
            Attribute::Float(number) => self.fixed(4, number.to_bits()),
            Attribute::List(values) => self.message(5, |list| {
                for value in values {
                    list.message(1, |any| any.value(value));
                }
            }),
        }
    }

    fn span(&mut self, span: &Span) {
        self.bytes(1, &span.trace);
        self.bytes(2, &span.identity);
        if let Some(parent) = &span.parent {
            self.bytes(4, parent);
        }
        self.bytes(5, span.name.as_bytes());
        self.varint(6, kind(span));
        self.fixed(7, span.start);
        self.fixed(8, span.end);
        self.attributes(9, &span.attributes);
        for event in &span.events {
            self.message(11, |inner| inner.event(event));
        }
        if span.status != Status::Unset {
            self.message(15, |inner| {
                if let Status::Failed(message) = &span.status {
                    inner.bytes(2, message.as_bytes());
                }
                inner.varint(3, status_code(&span.status));
            });
        }
    }

    fn event(&mut self, event: &Event) {
        self.fixed(1, event.time);
        self.bytes(2, event.name.as_bytes());
        self.attributes(3, &event.attributes);
    }
}

fn request_in_bytes(resource: &Resource, spans: &[Span]) -> Vec<u8> {
    let mut request = Message::default();
    request.message(1, |of_resource| {
        of_resource.message(1, |inner| inner.attributes(1, &resource.0));
        of_resource.message(2, |of_scope| {
            of_scope.message(1, |scope| scope.bytes(1, SCOPE.as_bytes()));
            for span in spans {
                of_scope.message(2, |inner| inner.span(span));
            }
        });
    });
    request.0
}

// --- JSON ---

fn text(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{0}'..='\u{1f}' => {
                // Writing to a string does not fail.
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out.push('"');
}

fn list<T>(out: &mut String, items: &[T], write: impl Fn(&mut String, &T)) {
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(out, item);
    }
    out.push(']');
}

fn attributes(out: &mut String, attributes: &[(String, Attribute)]) {
    list(out, attributes, |out, (name, value_of)| {
        out.push_str("{\"key\":");
        text(out, name);
        out.push_str(",\"value\":");
        value(out, value_of);
        out.push('}');
    });
}

fn value(out: &mut String, value_of: &Attribute) {
    match value_of {
        Attribute::Text(content) => {
            out.push_str("{\"stringValue\":");
            text(out, content);
        }
        Attribute::Bool(value) => out.push_str(&format!("{{\"boolValue\":{value}")),
        Attribute::Int(number) => out.push_str(&format!("{{\"intValue\":\"{number}\"")),
        Attribute::Float(number) if number.is_finite() => {
            out.push_str(&format!("{{\"doubleValue\":{number}"));
        }
        Attribute::Float(number) => {
            let name = match number {
                number if number.is_nan() => "NaN",
                number if *number > 0.0 => "Infinity",
                _ => "-Infinity",
            };
            out.push_str(&format!("{{\"doubleValue\":\"{name}\""));
        }
        Attribute::List(values) => {
            out.push_str("{\"arrayValue\":{\"values\":");
            list(out, values, value);
            out.push('}');
        }
    }
    out.push('}');
}

fn span_in_json(out: &mut String, span: &Span) {
    out.push_str(&format!(
        "{{\"traceId\":\"{}\",\"spanId\":\"{}\",",
        digits(&span.trace),
        digits(&span.identity)
    ));
    if let Some(parent) = &span.parent {
        out.push_str(&format!("\"parentSpanId\":\"{}\",", digits(parent)));
    }
    out.push_str("\"name\":");
    text(out, &span.name);
    out.push_str(&format!(
        ",\"kind\":{},\"startTimeUnixNano\":\"{}\",\"endTimeUnixNano\":\"{}\",\"attributes\":",
        kind(span),
        span.start,
        span.end
    ));
    attributes(out, &span.attributes);
    out.push_str(",\"events\":");
    list(out, &span.events, |out, event| {
        out.push_str(&format!("{{\"timeUnixNano\":\"{}\",\"name\":", event.time));
        text(out, &event.name);
        out.push_str(",\"attributes\":");
        attributes(out, &event.attributes);
        out.push('}');
    });
    out.push_str(",\"status\":{");
    if let Status::Failed(message) = &span.status {
        out.push_str("\"message\":");
        text(out, message);
        out.push(',');
    }
    out.push_str(&format!("\"code\":{}}}}}", status_code(&span.status)));
}

fn request_in_json(resource: &Resource, spans: &[Span]) -> String {
    let mut out = "{\"resourceSpans\":[{\"resource\":{\"attributes\":".to_owned();
    attributes(&mut out, &resource.0);
    out.push_str("},\"scopeSpans\":[{\"scope\":{\"name\":");
    text(&mut out, SCOPE);
    out.push_str("},\"spans\":");
    list(&mut out, spans, span_in_json);
    out.push_str("}]}]}");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span() -> Span {
        let attributes = vec![
            ("text".to_owned(), Attribute::Text("a\"\n".to_owned())),
            ("int".to_owned(), Attribute::Int(-1)),
            ("float".to_owned(), Attribute::Float(0.5)),
            (
                "list".to_owned(),
                Attribute::List(vec![Attribute::Bool(true)]),
            ),
        ];
        Span {
            name: "chat".to_owned(),
            trace: [0xab; 16],
            identity: [1; 8],
            parent: Some([2; 8]),
            is_client: true,
            start: 5,
            end: 300,
            attributes,
            events: vec![Event {
                name: "e".to_owned(),
                time: 7,
                attributes: Vec::new(),
            }],
            status: Status::Failed("no".to_owned()),
        }
    }

    #[test]
    fn json() {
        let resource = Resource(vec![(
            "service.name".to_owned(),
            Attribute::Text("s".to_owned()),
        )]);
        let bytes = Encoding::Json.request(&resource, &[span()]);
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"s\"}}]},\
             \"scopeSpans\":[{\"scope\":{\"name\":\"semac\"},\"spans\":[{\"traceId\":\"abababababababababababababababab\",\
             \"spanId\":\"0101010101010101\",\"parentSpanId\":\"0202020202020202\",\"name\":\"chat\",\"kind\":3,\
             \"startTimeUnixNano\":\"5\",\"endTimeUnixNano\":\"300\",\"attributes\":[\
             {\"key\":\"text\",\"value\":{\"stringValue\":\"a\\\"\\u000a\"}},{\"key\":\"int\",\"value\":{\"intValue\":\"-1\"}},\
             {\"key\":\"float\",\"value\":{\"doubleValue\":0.5}},\
             {\"key\":\"list\",\"value\":{\"arrayValue\":{\"values\":[{\"boolValue\":true}]}}}],\
             \"events\":[{\"timeUnixNano\":\"7\",\"name\":\"e\",\"attributes\":[]}],\
             \"status\":{\"message\":\"no\",\"code\":2}}]}]}]}"
        );
    }

    #[test]
    fn numbers_of_fields_are_those_of_the_protocol() {
        let mut bare = span();
        bare.attributes = vec![("n".to_owned(), Attribute::Int(300))];
        bare.events.clear();
        bare.status = Status::Fine;
        let bytes = Encoding::ProtocolBuffers.request(&Resource::default(), &[bare]);
        let mut expected = vec![0x0a, 0, 0x0a, 0, 0x12, 0, 0x0a, 7, 0x0a, 5];
        expected.extend(b"semac");
        expected.extend([0x12, 0, 0x0a, 16]);
        expected.extend([0xab; 16]);
        expected.extend([0x12, 8, 1, 1, 1, 1, 1, 1, 1, 1]);
        expected.extend([0x22, 8, 2, 2, 2, 2, 2, 2, 2, 2]);
        expected.extend([0x2a, 4]);
        expected.extend(b"chat");
        expected.extend([
            0x30, 3, 0x39, 5, 0, 0, 0, 0, 0, 0, 0, 0x41, 44, 1, 0, 0, 0, 0, 0, 0,
        ]);
        expected.extend([0x4a, 8, 0x0a, 1, b'n', 0x12, 3, 0x18, 0xac, 2]);
        expected.extend([0x7a, 2, 0x18, 1]);
        // The lengths of what encloses the span follow from it.
        let length = u8::try_from(expected.len() - 17).unwrap();
        expected[16] = length;
        expected[5] = length + 2 + 9;
        expected[1] = length + 2 + 9 + 4;
        assert_eq!(bytes, expected);
    }
}
