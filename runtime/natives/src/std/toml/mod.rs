//! TOML: documents from and to text.

#[cfg(test)]
mod tests;
mod write;

use std::ops::Range;

use sema_machine::data::collections::sorted_map;
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, text};
use sema_machine::host::condition::{Outcome, eval_error};
use sema_machine::memory::value::Value;
use sema_machine::natives;
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use toml_parser::lexer::TokenKind;

natives! {
    /// The map of a TOML document: maps with keyword keys for tables, lists for arrays, strings for dates and times. Raises with line
    /// and column if it is malformed.
    /// (toml/decode "[server]\nhost = \"localhost\"\nports = [80, 443]\n") => {:server {:host "localhost" :ports (80 443)}}
    /// (toml/decode "a = 1\na = 2") => error TOML parse error at line 2, column 1
    "toml/decode" (text: String) -> SortedMap, pure => decode;

    /// The TOML document of a map, its keys in the order of their bytes, simple values before tables. Keywords and symbols are
    /// written by their names. Raises for what TOML does not have: nil, ratios, functions.
    /// (toml/encode {:name "sema" :server {:port 8080}}) => "name = \"sema\"\n\n[server]\nport = 8080\n"
    /// (toml/encode {:a nil}) => error cannot encode nil
    "toml/encode" (map: Map) -> String, pure => encode;
}

/// Longest line, in characters, that a message shows.
const SHOWN: usize = 200;

fn decode(host: &Host, args: &[Value]) -> Outcome {
    let content = text(host, "toml/decode", args, 0)?;
    let refused = |problem: Problem| {
        eval_error(format!(
            "toml/decode: parse error: {}",
            problem.explained(content)
        ))
    };
    let table = DeTable::parse(content).map_err(|error| {
        refused(Problem {
            what: error.message().to_owned(),
            place: error.span().or_else(|| key_of_many_parts(content)),
        })
    })?;
    table_value(host, table.get_ref()).map_err(refused)
}

/// Parts of a key that the parser takes at most.
const MOST_PARTS: usize = 80;

/// The first key that has more parts: the parser refuses it without saying where it is.
fn key_of_many_parts(content: &str) -> Option<Range<usize>> {
    let (mut start, mut parts) = (0, 0);
    let mut goes_on = false;
    for token in toml_parser::Source::new(content).lex() {
        match token.kind() {
            TokenKind::Whitespace => {}
            TokenKind::Dot => goes_on = true,
            TokenKind::Atom | TokenKind::BasicString | TokenKind::LiteralString => {
                if !std::mem::take(&mut goes_on) {
                    start = token.span().start();
                    parts = 0;
                }
                parts += 1;
                if parts > MOST_PARTS {
                    return Some(start..token.span().end());
                }
            }
            _ => {
                goes_on = false;
                parts = 0;
            }
        }
    }
    None
}

/// What is wrong with a document, and where, if that is known.
struct Problem {
    what: String,
    place: Option<Range<usize>>,
}

impl Problem {
    /// The message, with the line that it is about unless that is long.
    fn explained(&self, content: &str) -> String {
        let what = &self.what;
        let Some(place) = &self.place else {
            return format!("TOML parse error: {what}");
        };
        let before = content.get(..place.start).unwrap_or(content);
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = content.get(start..).unwrap_or_default();
        let line = line.lines().next().unwrap_or_default();
        let number = (before.matches('\n').count() + 1).to_string();
        let column = before.get(start..).unwrap_or_default().chars().count();
        let shown_column = column + 1;
        let head = format!("TOML parse error at line {number}, column {shown_column}\n");
        let length = line.chars().count();
        if length > SHOWN {
            return format!("{head}{what}\n");
        }
        let margin = " ".repeat(number.len());
        // What goes on in the next lines is not marked.
        let marked = content.get(place.clone()).unwrap_or_default();
        let marked = marked.lines().next().unwrap_or_default().chars().count();
        let marks = "^".repeat(marked.max(1));
        format!(
            "{head}{margin} |\n{number} | {line}\n{margin} | {:column$}{marks}\n{what}\n",
            "",
        )
    }
}

/// The map of a table. The parser limits how deep tables are.
fn table_value(host: &Host, table: &DeTable<'_>) -> Result<Value, Problem> {
    let entries: Vec<(Value, Value)> = (table.iter())
        .map(|(key, value)| Ok((host.keyword(key.get_ref()), value_of(host, value)?)))
        .collect::<Result<_, _>>()?;
    Ok(sorted_map::from_entries(host, &entries))
}

fn value_of(host: &Host, value: &Spanned<DeValue<'_>>) -> Result<Value, Problem> {
    let large = |what: &str| Problem {
        what: what.to_owned(),
        place: Some(value.span()),
    };
    Ok(match value.get_ref() {
        DeValue::String(text) => host.heap.string(text),
        DeValue::Integer(integer) => match i64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(integer) => host.heap.int(integer),
            Err(_) => return Err(large("integer out of range")),
        },
        DeValue::Float(float) => {
            let text = float.as_str();
            let number: f64 = text.parse().unwrap_or(f64::NAN);
            if number.is_infinite() && !text.ends_with("inf") {
                return Err(large("floating-point number overflowed"));
            }
            Value::float(number)
        }
        DeValue::Boolean(value) => Value::bool(*value),
        DeValue::Datetime(time) => host.heap.string(&time.to_string()),
        DeValue::Array(elements) => {
            let elements: Vec<Value> = (elements.iter())
                .map(|element| value_of(host, element))
                .collect::<Result<_, _>>()?;
            host.heap.list(&elements)
        }
        DeValue::Table(table) => table_value(host, table)?,
    })
}

fn encode(host: &Host, args: &[Value]) -> Outcome {
    match write::encode(host, argument(args, 0)) {
        Ok(document) => Ok(host.heap.string(&document)),
        Err(write::Problem::Memory) => Err(host.out_of_memory().signal()),
        Err(problem) => Err(eval_error(format!("toml/encode: {problem}"))),
    }
}
