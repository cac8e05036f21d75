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

fn decode(host: &Host, args: &[Value]) -> Outcome {
    let content = text(host, "toml/decode", args, 0)?;
    let table = DeTable::parse(content)
        .map_err(|error| eval_error(format!("toml/decode: parse error: {error}")))?;
    table_value(host, table.get_ref()).map_err(|problem| {
        eval_error(format!(
            "toml/decode: parse error: {}",
            problem.excerpt(content)
        ))
    })
}

/// A number that is too large for its kind, and where it stands.
struct LargeNumber {
    what: &'static str,
    place: Range<usize>,
}

impl LargeNumber {
    /// The message, in the form of those of the parser.
    fn excerpt(&self, content: &str) -> String {
        let before = content.get(..self.place.start).unwrap_or_default();
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = content.get(start..).unwrap_or_default();
        let line = line.lines().next().unwrap_or_default();
        let number = (before.matches('\n').count() + 1).to_string();
        let column = before.get(start..).unwrap_or_default().chars().count();
        let margin = " ".repeat(number.len());
        let marks = "^".repeat(self.place.len());
        let what = self.what;
        format!(
            "TOML parse error at line {number}, column {}\n{margin} |\n{number} | {line}\n{margin} | {:column$}{marks}\n{what}\n",
            column + 1,
            "",
        )
    }
}

/// The map of a table. The parser limits how deep tables are.
fn table_value(host: &Host, table: &DeTable<'_>) -> Result<Value, LargeNumber> {
    let entries: Vec<(Value, Value)> = (table.iter())
        .map(|(key, value)| Ok((host.keyword(key.get_ref()), value_of(host, value)?)))
        .collect::<Result<_, _>>()?;
    Ok(sorted_map::from_entries(host, &entries))
}

fn value_of(host: &Host, value: &Spanned<DeValue<'_>>) -> Result<Value, LargeNumber> {
    let large = |what| LargeNumber {
        what,
        place: value.span(),
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
        Err(problem) => Err(eval_error(format!("toml/encode: {problem}"))),
    }
}
