//! Maps to TOML documents.

use std::borrow::Cow;
use std::fmt::Write;

use crate::std::names::sort_entries;
use sema_machine::data::collections;
use sema_machine::data::print;
use sema_machine::host::Host;
use sema_machine::host::condition::type_name;
use sema_machine::memory::value::{Kind, Value};
use toml_writer::{ToTomlKey, ToTomlValue, TomlKeyBuilder, TomlStringBuilder};

/// Collections inside of each other at most: what readers of TOML take.
const DEEPEST: usize = 80;

/// Why a value cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The document is no map.
    #[error("top-level value must be a map")]
    NoMap,
    /// A value that TOML does not have.
    #[error("cannot encode {0}")]
    Kind(&'static str),
    /// An integer of more than 64 bits.
    #[error("integer out of range: {0}")]
    Range(String),
    /// Keys of one map that are the same as text.
    #[error("distinct map keys stringify to \"{0}\"")]
    SameKeys(String),
    /// Too many collections inside of each other.
    #[error("cannot encode values nested deeper than {DEEPEST}")]
    TooDeep,
    /// The text would take more memory than the program has left.
    #[error("out of memory")]
    Memory,
}

/// The document of a map.
///
/// # Errors
/// Why it has none.
pub fn encode(host: &Host, map: Value) -> Result<String, Problem> {
    let mut writer = Writer {
        host,
        out: String::new(),
        path: Vec::new(),
    };
    if !collections::is_map(map) {
        // What TOML has nowhere is named as such.
        writer.value(map, 0)?;
        return Err(Problem::NoMap);
    }
    writer.table(map)?;
    Ok(writer.out)
}

/// What an entry of a table is written as.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Behind its key.
    Inline,
    /// As a table with a header.
    Table,
    /// Each element as a table with a header.
    Tables,
}

struct Writer<'h> {
    host: &'h Host,
    out: String,
    /// The keys of the open tables, as they are written.
    path: Vec<String>,
}

impl<'h> Writer<'h> {
    /// The entries of a map in the order of their keys.
    fn entries(&self, map: Value) -> Result<Vec<(Cow<'h, str>, Value)>, Problem> {
        let host = self.host;
        let mut entries: Vec<(Cow<'h, str>, Value)> = collections::iter(&host.heap, map)
            .map(|(key, value)| {
                let name = host.heap.as_str(key).or_else(|| host.name_of(key));
                let name = match name {
                    Some(name) => Cow::Borrowed(name),
                    None => Cow::Owned(print::readable(host, key)),
                };
                (name, value)
            })
            .collect();
        match sort_entries(&mut entries) {
            Some(name) => Err(Problem::SameKeys(name.to_owned())),
            None => Ok(entries),
        }
    }

    /// The elements of a list or vector.
    fn elements(&self, value: Value) -> Vec<Value> {
        match value.kind() {
            Kind::List => self.host.heap.list_iter(value).collect(),
            _ => self.host.heap.values(value).to_vec(),
        }
    }

    fn form(&self, value: Value) -> Form {
        match value.kind() {
            Kind::Map | Kind::HashMap => Form::Table,
            Kind::List | Kind::Vector => {
                let elements = self.elements(value);
                let tables = !elements.is_empty()
                    && (elements.iter()).all(|element| collections::is_map(*element));
                if tables { Form::Tables } else { Form::Inline }
            }
            _ => Form::Inline,
        }
    }

    /// Writes the entries of a table whose header is written.
    fn table(&mut self, map: Value) -> Result<(), Problem> {
        let entries = self.entries(map)?;
        for (key, value) in &entries {
            if self.form(*value) == Form::Inline {
                self.out.push_str(&written_key(key));
                self.out.push_str(" = ");
                self.value(*value, self.path.len() + 1)?;
                self.out.push('\n');
            }
        }
        for (key, value) in &entries {
            match self.form(*value) {
                Form::Inline => {}
                Form::Table => {
                    self.enter(key)?;
                    // A header is not needed where a table only holds tables.
                    let inner = self.entries(*value)?;
                    let has_own = (inner.iter()).any(|entry| self.form(entry.1) == Form::Inline);
                    if has_own || inner.is_empty() {
                        self.header("[", "]");
                    }
                    self.table(*value)?;
                    self.path.pop();
                }
                Form::Tables => {
                    self.enter(key)?;
                    for element in self.elements(*value) {
                        self.header("[[", "]]");
                        self.table(element)?;
                    }
                    self.path.pop();
                }
            }
        }
        Ok(())
    }

    fn enter(&mut self, key: &str) -> Result<(), Problem> {
        if self.path.len() >= DEEPEST {
            return Err(Problem::TooDeep);
        }
        self.path.push(written_key(key));
        Ok(())
    }

    fn header(&mut self, open: &str, close: &str) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        self.out.push_str(open);
        self.out.push_str(&self.path.join("."));
        self.out.push_str(close);
        self.out.push('\n');
    }

    /// Writes a value behind its key.
    fn value(&mut self, value: Value, depth: usize) -> Result<(), Problem> {
        if depth > DEEPEST {
            return Err(Problem::TooDeep);
        }
        let host = self.host;
        let room = host.ask_for_text(self.out.len());
        room.map_err(|_| Problem::Memory)?;
        match value.kind() {
            Kind::Bool => self.out.push_str(if value == Value::TRUE {
                "true"
            } else {
                "false"
            }),
            Kind::Int => match host.heap.as_i64(value) {
                Some(integer) => {
                    // Writing to a string cannot fail.
                    let _ = write!(self.out, "{integer}");
                }
                None => return Err(Problem::Range(print::preview(host, value))),
            },
            Kind::Float => {
                let float = value.float_unchecked();
                self.out.push_str(&float.to_toml_value());
            }
            Kind::String => {
                let text = host.heap.as_str(value).unwrap_or_default();
                self.string(text);
            }
            Kind::Keyword | Kind::Symbol => self.string(host.name_of(value).unwrap_or_default()),
            Kind::List | Kind::Vector => {
                self.out.push('[');
                for (index, element) in self.elements(value).into_iter().enumerate() {
                    if index > 0 {
                        self.out.push_str(", ");
                    }
                    self.value(element, depth + 1)?;
                }
                self.out.push(']');
            }
            Kind::Map | Kind::HashMap => {
                let entries = self.entries(value)?;
                for (index, (key, value)) in entries.iter().enumerate() {
                    self.out.push_str(if index == 0 { "{ " } else { ", " });
                    self.out.push_str(&written_key(key));
                    self.out.push_str(" = ");
                    self.value(*value, depth + 1)?;
                }
                self.out
                    .push_str(if entries.is_empty() { "{}" } else { " }" });
            }
            _ => return Err(Problem::Kind(type_name(host, value))),
        }
        Ok(())
    }

    fn string(&mut self, text: &str) {
        let written = TomlStringBuilder::new(text).as_default().to_toml_value();
        self.out.push_str(&written);
    }
}

fn written_key(key: &str) -> String {
    TomlKeyBuilder::new(key).as_default().to_toml_key()
}
