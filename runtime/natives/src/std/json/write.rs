//! Values to JSON text.

use std::borrow::Cow;
use std::fmt::Write;

use crate::std::names::sort_entries;
use sema_machine::data::collections;
use sema_machine::data::number::text::write_number;
use sema_machine::data::print;
use sema_machine::host::Host;
use sema_machine::host::condition::type_name;
use sema_machine::memory::value::{Kind, Value};

use super::read::DEEPEST;
use super::text::plain_length;

/// Room that a text is given at first, in bytes: many answers of servers are no longer.
const FIRST_ROOM: usize = 128;
/// From this magnitude on a float is written with an exponent.
const EXPONENT_FROM: f64 = 1e16;
/// Below this magnitude, too.
const EXPONENT_BELOW: f64 = 1e-5;
/// Above this all floats are whole numbers that `i64` may not hold.
const LARGEST_WHOLE: f64 = 1e15;

/// Why a value cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A number that JSON does not have.
    #[error("cannot encode NaN/Infinity as JSON")]
    NotFinite,
    /// A value that JSON does not have.
    #[error("cannot encode {0} as JSON")]
    Kind(&'static str),
    /// Keys of one map that are the same as text.
    #[error("cannot encode map as JSON: distinct keys stringify to \"{0}\"")]
    SameKeys(String),
    /// Too many collections inside of each other.
    #[error("cannot encode values nested deeper than {DEEPEST} as JSON")]
    TooDeep,
    /// The text would take more memory than the program has left.
    #[error("out of memory")]
    Memory,
}

/// The text of a value, on one line or with an indentation of two spaces.
///
/// # Errors
/// Why it has none.
pub fn encode(host: &Host, value: Value, pretty: bool) -> Result<String, Problem> {
    let mut writer = Writer {
        host,
        out: String::with_capacity(FIRST_ROOM),
        pretty,
        depth: 0,
    };
    writer.value(value)?;
    Ok(writer.out)
}

struct Writer<'h> {
    host: &'h Host,
    out: String,
    pretty: bool,
    depth: usize,
}

impl<'h> Writer<'h> {
    /// Whether the text may be longer by so many bytes.
    fn has_room(&self, bytes: usize) -> Result<(), Problem> {
        let all = self.out.len().saturating_add(bytes);
        self.host.ask_for_text(all).map_err(|_| Problem::Memory)
    }

    fn value(&mut self, value: Value) -> Result<(), Problem> {
        let heap = &self.host.heap;
        self.has_room(match value.kind() {
            Kind::String => heap.as_str(value).unwrap_or_default().len(),
            _ => 0,
        })?;
        match value.kind() {
            Kind::Nil => self.out.push_str("null"),
            Kind::Bool if value == Value::TRUE => self.out.push_str("true"),
            Kind::Bool => self.out.push_str("false"),
            Kind::Int => write_number(heap, value, &mut self.out),
            Kind::Float => write_float(&mut self.out, value.float_unchecked())?,
            Kind::Ratio | Kind::Complex => {
                self.out.push('"');
                write_number(heap, value, &mut self.out);
                self.out.push('"');
            }
            Kind::String => self.string(heap.as_str(value).unwrap_or_default()),
            Kind::Keyword | Kind::Symbol => {
                self.string(self.host.name_of(value).unwrap_or_default());
            }
            Kind::List => {
                self.enter('[')?;
                for (index, element) in heap.list_iter(value).enumerate() {
                    self.part(index);
                    self.value(element)?;
                }
                self.leave(']', value == Value::EMPTY);
            }
            Kind::Vector => {
                let elements = heap.values(value);
                self.enter('[')?;
                for (index, element) in elements.iter().enumerate() {
                    self.part(index);
                    self.value(*element)?;
                }
                self.leave(']', elements.is_empty());
            }
            Kind::Map | Kind::HashMap => self.map(value)?,
            _ => return Err(Problem::Kind(type_name(self.host, value))),
        }
        Ok(())
    }

    fn map(&mut self, map: Value) -> Result<(), Problem> {
        let heap = &self.host.heap;
        self.enter('{')?;
        if self.is_in_order(map) {
            for (index, (key, value)) in collections::iter(heap, map).enumerate() {
                self.part(index);
                self.entry(&self.key_text(key), value)?;
            }
        } else {
            let mut entries: Vec<(Cow<'h, str>, Value)> = collections::iter(heap, map)
                .map(|(key, value)| (self.key_text(key), value))
                .collect();
            if let Some(name) = sort_entries(&mut entries) {
                return Err(Problem::SameKeys(name.to_owned()));
            }
            for (index, (key, value)) in entries.iter().enumerate() {
                self.part(index);
                self.entry(key, *value)?;
            }
        }
        self.leave('}', collections::len(heap, map) == 0);
        Ok(())
    }

    fn entry(&mut self, key: &str, value: Value) -> Result<(), Problem> {
        self.string(key);
        self.out.push_str(if self.pretty { ": " } else { ":" });
        self.value(value)
    }

    /// Whether the order of the entries is that of their texts, which are distinct then.
    fn is_in_order(&self, map: Value) -> bool {
        if map.kind() != Kind::Map {
            return false;
        }
        let mut kinds = collections::iter(&self.host.heap, map).map(|(key, _)| key.kind());
        match kinds.next() {
            None => true,
            Some(first @ (Kind::Keyword | Kind::String | Kind::Symbol)) => {
                kinds.all(|kind| kind == first)
            }
            Some(_) => false,
        }
    }

    fn key_text(&self, key: Value) -> Cow<'h, str> {
        let host = self.host;
        match host.heap.as_str(key).or_else(|| host.name_of(key)) {
            Some(text) => Cow::Borrowed(text),
            None => Cow::Owned(print::readable(host, key)),
        }
    }

    fn enter(&mut self, open: char) -> Result<(), Problem> {
        if self.depth >= DEEPEST {
            return Err(Problem::TooDeep);
        }
        self.depth += 1;
        self.out.push(open);
        Ok(())
    }

    /// What stands before a part.
    fn part(&mut self, index: usize) {
        if index > 0 {
            self.out.push(',');
        }
        if self.pretty {
            self.line();
        }
    }

    fn leave(&mut self, close: char, is_empty: bool) {
        self.depth -= 1;
        if self.pretty && !is_empty {
            self.line();
        }
        self.out.push(close);
    }

    fn line(&mut self) {
        self.out.push('\n');
        for _ in 0..self.depth {
            self.out.push_str("  ");
        }
    }

    fn string(&mut self, text: &str) {
        let out = &mut self.out;
        out.push('"');
        let mut start = 0;
        loop {
            let rest = text.as_bytes().get(start..).unwrap_or_default();
            let end = start + plain_length(rest);
            out.push_str(text.get(start..end).unwrap_or_default());
            let Some(&special) = text.as_bytes().get(end) else {
                break;
            };
            match special {
                b'"' => out.push_str("\\\""),
                b'\\' => out.push_str("\\\\"),
                b'\n' => out.push_str("\\n"),
                b'\r' => out.push_str("\\r"),
                b'\t' => out.push_str("\\t"),
                8 => out.push_str("\\b"),
                12 => out.push_str("\\f"),
                other => {
                    // Writing to a string cannot fail.
                    let _ = write!(out, "\\u{other:04x}");
                }
            }
            start = end + 1;
        }
        out.push('"');
    }
}

/// Writes the shortest digits that read back to the same float, always as a float.
fn write_float(out: &mut String, float: f64) -> Result<(), Problem> {
    if !float.is_finite() {
        return Err(Problem::NotFinite);
    }
    let magnitude = float.abs();
    // Writing to a string cannot fail.
    let _ = if magnitude != 0.0 && !(EXPONENT_BELOW..EXPONENT_FROM).contains(&magnitude) {
        let start = out.len();
        let written = write!(out, "{float:e}");
        if magnitude >= EXPONENT_FROM
            && let Some(sign_at) = out.get(start..).and_then(|text| text.find('e'))
        {
            out.insert(start + sign_at + 1, '+');
        }
        written
    } else if magnitude < LARGEST_WHOLE && float.fract() == 0.0 && float.is_sign_positive() {
        write!(out, "{}.0", float as i64)
    } else if float.fract() == 0.0 {
        write!(out, "{float:.1}")
    } else {
        write!(out, "{float}")
    };
    Ok(())
}
