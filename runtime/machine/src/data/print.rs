//! Readable and display forms of values (language specification, 2.2 and 2.3).
//!
//! Nested values are written with an explicit stack, so depth is no limit, and writing can stop at a
//! given length, which is how [`pretty`] finds out whether something fits on a line.

mod pretty;

pub use pretty::pretty;

use std::fmt::Write;

use crate::data::collections::{
    self,
    elements::{self, Elements},
};
use crate::data::number::{self, float_text};
use crate::host::Host;
use crate::host::condition::Outcome;
use crate::memory::value::{Kind, Value};

/// Characters of a message that its readable form shows.
const MESSAGE_PREVIEW: usize = 40;

/// Bytes of a value that a message shows.
const LONGEST_SHOWN: usize = 1000;

/// Bytes of a readable form that are written without a look at the memory that the program may use.
const UNASKED: usize = 16 << 10;

/// What functions without a name are called in messages.
const ANONYMOUS: &str = "<lambda>";

/// The readable form.
pub fn readable(host: &Host, value: Value) -> String {
    let mut text = String::new();
    write_readable(host, value, &mut text);
    text
}

/// The display form: a top-level string is raw.
pub fn display(host: &Host, value: Value) -> String {
    let mut text = String::new();
    write_display(host, value, &mut text);
    text
}

/// Appends the display form.
pub fn write_display(host: &Host, value: Value, out: &mut String) {
    match host.heap.as_str(value) {
        Some(text) => out.push_str(text),
        None => write_readable(host, value, out),
    }
}

/// Appends the readable form.
pub fn write_readable(host: &Host, value: Value, out: &mut String) {
    write_limited(host, value, out, usize::MAX);
}

/// Appends the display form, if the program may use the memory for it.
///
/// # Errors
/// It may not.
pub fn append_display(host: &Host, value: Value, out: &mut String) -> Outcome<()> {
    match host.heap.as_str(value) {
        Some(text) => {
            if text.len() > out.capacity() - out.len() {
                host.ask(2 * (out.len() + text.len()))?;
            }
            out.push_str(text);
            Ok(())
        }
        None => append_readable(host, value, out),
    }
}

/// Appends the readable form, if the program may use the memory for it. Values whose parts are shared have forms
/// without end.
///
/// # Errors
/// It may not.
pub fn append_readable(host: &Host, value: Value, out: &mut String) -> Outcome<()> {
    let start = out.len();
    if write_limited(host, value, out, start + UNASKED) {
        return Ok(());
    }
    out.truncate(start);
    append_long(host, value, out)
}

/// As [`append_readable`], for what is long.
#[cold]
#[inline(never)]
fn append_long(host: &Host, value: Value, out: &mut String) -> Outcome<()> {
    let start = out.len();
    loop {
        let most = host.room_for_text();
        if write_limited(host, value, out, most) {
            return Ok(());
        }
        // The limit may not have been known, or there may have been garbage.
        out.truncate(start);
        host.ask(2 * most)?;
        if host.room_for_text() <= most {
            return Err(host.out_of_memory().signal());
        }
    }
}

/// The readable form for a message, cut if it is long: its cost does not depend on the size of the value, which may
/// be endless work if parts are shared.
pub fn shown(host: &Host, value: Value) -> String {
    let mut text = String::new();
    write_limited(host, value, &mut text, LONGEST_SHOWN);
    if text.len() > LONGEST_SHOWN {
        text.truncate(text.floor_char_boundary(LONGEST_SHOWN));
        text.push('…');
    }
    text
}

/// A value as a message: a string as it is, others as [`shown`].
pub fn shown_message(host: &Host, value: Value) -> String {
    match host.heap.as_str(value) {
        Some(text) => text.to_owned(),
        None => shown(host, value),
    }
}

/// The readable form of a value, shortened for a message.
pub fn preview(host: &Host, value: Value) -> String {
    let mut text = String::new();
    // Forty characters are at most so many bytes.
    write_limited(host, value, &mut text, 160);
    if text.len() <= 40 {
        return text;
    }
    let mut short: String = text.chars().take(39).collect();
    short.push('…');
    short
}

/// The name that a procedure prints with, if it has one.
pub fn function_name(host: &Host, value: Value) -> Option<&str> {
    match value.as_native() {
        Some(number) => Some(host.native_name(number)),
        None => (host.closure_facts(value))
            .map(|facts| facts.name)
            .filter(|name| *name != ANONYMOUS),
    }
}

/// A compound value that is being written.
struct Open<'h> {
    parts: Elements<'h>,
    close: char,
    first: bool,
}

/// Appends the readable form, and stops soon after `out` has become longer than `limit` bytes.
/// Whether all of it has been written.
fn write_limited(host: &Host, value: Value, out: &mut String, limit: usize) -> bool {
    let mut left_out = false;
    let Some(open) = write_start(host, value, out, limit, &mut left_out) else {
        return !left_out && out.len() <= limit;
    };
    let mut stack = vec![open];
    while let Some(top) = stack.last_mut() {
        if out.len() > limit {
            return false;
        }
        let Some(part) = top.parts.next() else {
            out.push(top.close);
            stack.pop();
            continue;
        };
        if !std::mem::take(&mut top.first) {
            out.push(' ');
        }
        stack.extend(write_start(host, part, out, limit, &mut left_out));
    }
    !left_out && out.len() <= limit
}

/// Writes a value without parts, or the start of a compound one whose parts are then to follow.
///
/// With a limit, of what is certain to be too long no more is written than that, in whatever order.
fn write_start<'h>(
    host: &'h Host,
    value: Value,
    out: &mut String,
    limit: usize,
    left_out: &mut bool,
) -> Option<Open<'h>> {
    let (start, close) = match value.kind() {
        Kind::List => ('(', ')'),
        Kind::Vector => ('[', ']'),
        Kind::Map | Kind::HashMap => ('{', '}'),
        Kind::Record => return Some(write_record_start(host, value, out)),
        _ => {
            *left_out |= !write_atom(host, value, out, limit);
            return None;
        }
    };
    out.push(start);
    let parts = if value.kind() == Kind::HashMap && collections::len(&host.heap, value) > limit {
        elements::unordered(&host.heap, value)?
    } else {
        elements::ordered(host, value)?
    };
    Some(Open {
        parts,
        close,
        first: true,
    })
}

fn write_record_start<'h>(host: &'h Host, record: Value, out: &mut String) -> Open<'h> {
    let fields = host.heap.values(record);
    let (record_type, fields) = match fields.split_first() {
        Some((record_type, fields)) => (*record_type, fields),
        None => (Value::NIL, fields),
    };
    out.push_str("#<record ");
    out.push_str(host.name_of(host.heap.field(record_type, 0)).unwrap_or(""));
    Open {
        parts: Elements::Slice(fields.iter()),
        close: '>',
        first: false,
    }
}

/// Whether it has been written, and not only what stands for an integer that is too long.
fn write_atom(host: &Host, value: Value, out: &mut String, limit: usize) -> bool {
    let heap = &host.heap;
    // One element or character more than may be shown is at least one byte too much.
    let most = limit.saturating_add(1);
    match value.kind() {
        Kind::Nil => out.push_str("nil"),
        Kind::Bool => out.push_str(if value == Value::TRUE { "#t" } else { "#f" }),
        Kind::Int
            if heap
                .int_digits(value)
                .is_some_and(|(_, words)| words.len() > most / 16) =>
        {
            // Finding the digits takes long.
            let _ = write!(out, "<integer of more than {limit} digits>");
            return false;
        }
        Kind::Int | Kind::Float | Kind::Ratio | Kind::Complex => {
            number::write_number(heap, value, out);
        }
        Kind::Char => write_char(value.as_char().unwrap_or('\u{FFFD}'), out),
        Kind::String => {
            let text = heap.as_str(value).unwrap_or("");
            let end = text.floor_char_boundary(most.min(text.len()));
            write_quoted(text.get(..end).unwrap_or(text), out);
        }
        Kind::Symbol => out.push_str(host.name_of(value).unwrap_or("")),
        Kind::Keyword => {
            out.push(':');
            out.push_str(host.name_of(value).unwrap_or(""));
        }
        Kind::Bytevector => {
            let bytes = heap.as_bytevector(value).unwrap_or_default();
            write_array(
                "#u8(",
                bytes.get(..most).unwrap_or(bytes),
                out,
                |byte, out| write!(out, "{byte}"),
            );
        }
        Kind::I64Array => {
            let integers = heap.as_i64_array(value).unwrap_or_default();
            write_array(
                "#i64(",
                integers.get(..most).unwrap_or(integers),
                out,
                |int, out| write!(out, "{int}"),
            );
        }
        Kind::F64Array => {
            let floats = heap.as_f64_array(value).unwrap_or_default();
            write_array(
                "#f64(",
                floats.get(..most).unwrap_or(floats),
                out,
                |float, out| float_text::write_array_float(out, *float),
            );
        }
        _ => write_opaque(host, value, out),
    }
    true
}

/// The `<…>` forms.
fn write_opaque(host: &Host, value: Value, out: &mut String) {
    let heap = &host.heap;
    let field = |index| heap.field(value, index);
    let name = |index| name_text(host, field(index));
    let kind = value.kind();
    // Writing to a string cannot fail.
    let _ = match kind {
        Kind::Native | Kind::Closure => {
            let name = function_name(host, value);
            write!(out, "<native-fn {}>", name.unwrap_or("<vm-closure>"))
        }
        Kind::Promise if field(0) == Value::TRUE => write!(out, "<promise (forced)>"),
        Kind::MutableArray => {
            let length = field(0).as_fixnum().unwrap_or(0);
            write!(out, "<mutable-array {length}>")
        }
        Kind::Stream => write!(out, "<stream:{}>", name(0)),
        Kind::Prompt | Kind::Conversation => {
            let messages = heap.list_iter(field(0)).len();
            write!(out, "<{} {messages} messages>", kind.type_name())
        }
        Kind::Message => {
            let text = name(1);
            let (shown, rest) = match text.char_indices().nth(MESSAGE_PREVIEW) {
                Some((end, _)) => (text.get(..end).unwrap_or(text), "..."),
                None => (text, ""),
            };
            write!(out, "<message {} \"{shown}{rest}\">", name(0))
        }
        Kind::Macro | Kind::Multimethod | Kind::Tool | Kind::Agent | Kind::RecordType => {
            write!(out, "<{} {}>", kind.type_name(), name(0))
        }
        _ => write!(out, "<{}>", kind.type_name()),
    };
}

/// The text of a string, or the name of a symbol or keyword.
fn name_text(host: &Host, value: Value) -> &str {
    host.heap
        .as_str(value)
        .or_else(|| host.name_of(value))
        .unwrap_or("")
}

fn write_array<T>(
    start: &str,
    items: &[T],
    out: &mut String,
    write_item: impl Fn(&T, &mut String) -> std::fmt::Result,
) {
    out.push_str(start);
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(' ');
        }
        // Writing to a string cannot fail.
        let _ = write_item(item, out);
    }
    out.push(')');
}

fn write_char(character: char, out: &mut String) {
    out.push_str("#\\");
    match character {
        ' ' => out.push_str("space"),
        '\n' => out.push_str("newline"),
        '\t' => out.push_str("tab"),
        '\r' => out.push_str("return"),
        '\0' => out.push_str("nul"),
        other => out.push(other),
    }
}

fn write_quoted(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.find(['"', '\\', '\n', '\t', '\r']) {
        let (plain, from) = rest.split_at(at);
        out.push_str(plain);
        let mut characters = from.chars();
        out.push_str(match characters.next() {
            Some('"') => "\\\"",
            Some('\\') => "\\\\",
            Some('\n') => "\\n",
            Some('\t') => "\\t",
            _ => "\\r",
        });
        rest = characters.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::collections::{hash_map, sorted_map};
    use crate::host::output::Output;

    #[test]
    fn long_forms_are_whole() {
        let host = Host::new(Output::memory(), &crate::host::natives::Natives::NONE);
        let heap = &host.heap;
        let digits = "7".repeat(UNASKED + 100);
        let number = heap.bigint(&digits.parse().unwrap());
        let text = heap.string(&digits);
        for (value, expected) in [
            (number, digits.clone()),
            (text, format!("\"{digits}\"")),
            (
                heap.list(&[number, text]),
                format!("({digits} \"{digits}\")"),
            ),
            (
                heap.bytevector(&[7; UNASKED]),
                format!("#u8({})", ["7"; UNASKED].join(" ")),
            ),
        ] {
            let mut written = "before ".to_owned();
            assert!(append_readable(&host, value, &mut written).is_ok());
            assert_eq!(written, format!("before {expected}"));
        }
    }

    #[test]
    fn what_messages_show_has_a_bounded_cost() {
        let host = Host::new(Output::memory(), &crate::host::natives::Natives::NONE);
        let heap = &host.heap;
        let shared = (0..200).fold(Value::small(1), |value, _| heap.list(&[value, value]));
        let numbers: Vec<Value> = (0..100_000).map(Value::small).collect();
        let entries: Vec<(Value, Value)> = numbers.iter().map(|&n| (n, n)).collect();
        let text = heap.string(&"é".repeat(100_000));
        let long = [
            shared,
            heap.list(&numbers),
            hash_map::from_entries(&host, entries),
            text,
            heap.list(&[text]),
            heap.bytevector(&[7; 100_000]),
            heap.bigint(&(num_bigint::BigInt::from(1) << 1_000_000)),
        ];
        for value in long {
            let shown = shown(&host, value);
            assert!(shown.len() < LONGEST_SHOWN + 100, "{}", shown.len());
        }
        let short = heap.list(&numbers[..3]);
        assert_eq!(shown(&host, short), "(0 1 2)");
        assert_eq!(shown_message(&host, text).len(), 200_000);
    }

    #[test]
    fn atoms_have_the_forms_of_the_specification() {
        let host = Host::new(Output::memory(), &crate::host::natives::Natives::NONE);
        let heap = &host.heap;
        let object = |kind, fields: &[Value]| heap.object(kind, 0, fields);
        let long = heap.string(&"a".repeat(50));
        let array = object(
            Kind::MutableArray,
            &[
                Value::small(2),
                heap.object(Kind::Tuple, 0, &[Value::NIL; 4]),
            ],
        );
        let messages = heap.list(&[Value::NIL, Value::NIL]);
        for (value, text) in [
            (Value::NIL, "nil"),
            (Value::TRUE, "#t"),
            (Value::small(-5), "-5"),
            (heap.int(i64::MAX), "9223372036854775807"),
            (Value::float(1.0), "1.0"),
            (Value::float(f64::NAN), "NaN"),
            (
                object(Kind::Ratio, &[Value::small(-1), Value::small(2)]),
                "-1/2",
            ),
            (Value::char('\n'), "#\\newline"),
            (Value::char('é'), "#\\é"),
            (
                heap.string("a\"b\\c\nd\te\r\u{1}"),
                "\"a\\\"b\\\\c\\nd\\te\\r\u{1}\"",
            ),
            (host.symbol("odd name"), "odd name"),
            (host.keyword("k"), ":k"),
            (heap.bytevector(&[1, 255]), "#u8(1 255)"),
            (
                heap.f64_array(&[1.0, 2.5, 1e22, -0.0]),
                "#f64(1 2.5 10000000000000000000000 -0)",
            ),
            (heap.i64_array(&[]), "#i64()"),
            (
                object(Kind::Promise, &[Value::FALSE, Value::NIL]),
                "<promise>",
            ),
            (
                object(Kind::Promise, &[Value::TRUE, Value::NIL]),
                "<promise (forced)>",
            ),
            (
                object(Kind::Closure, &[Value::small(0)]),
                "<native-fn <vm-closure>>",
            ),
            (array, "<mutable-array 2>"),
            (object(Kind::MutableCell, &[Value::NIL]), "<mutable-cell>"),
            (
                object(Kind::Stream, &[heap.string("stdout")]),
                "<stream:stdout>",
            ),
            (object(Kind::Prompt, &[messages]), "<prompt 2 messages>"),
            (
                object(Kind::Multimethod, &[host.symbol("area")]),
                "<multimethod area>",
            ),
            (
                object(Kind::Message, &[host.keyword("user"), long]),
                "<message user \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...\">",
            ),
        ] {
            assert_eq!(readable(&host, value), text);
        }
        assert_eq!(display(&host, heap.string("a\"")), "a\"");
    }

    #[test]
    fn compound_values() {
        let host = Host::new(Output::memory(), &crate::host::natives::Natives::NONE);
        let heap = &host.heap;
        let record_type = heap.object(
            Kind::RecordType,
            0,
            &[host.symbol("point"), Value::NIL, Value::small(0)],
        );
        let record = heap.object(
            Kind::Record,
            0,
            &[record_type, Value::small(1), heap.string("x")],
        );
        let entries = [(Value::small(3), record), (Value::small(1), Value::EMPTY)];
        let map = sorted_map::from_entries(&host, &entries);
        let hashed = hash_map::from_entries(&host, entries);
        let value = heap.vector(&[map, hashed, heap.list(&[Value::NIL, heap.vector(&[])])]);
        assert_eq!(
            readable(&host, value),
            "[{1 () 3 #<record point 1 \"x\">} {1 () 3 #<record point 1 \"x\">} (nil [])]"
        );
    }

    #[test]
    fn depth_is_no_limit() {
        let host = Host::new(Output::memory(), &crate::host::natives::Natives::NONE);
        let deep = (0..200_000).fold(Value::EMPTY, |inner, _| host.heap.list(&[inner]));
        assert_eq!(readable(&host, deep).len(), 400_002);
    }
}
