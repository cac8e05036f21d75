//! TOML: documents from and to text.

#[cfg(test)]
mod tests;
mod write;

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
    table_value(host, table.get_ref()).map_err(|LargeInteger(at)| {
        let before = content.get(..at).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        let (lines, column) = (before.matches('\n').count(), line.chars().count());
        eval_error(format!(
            "toml/decode: parse error: TOML parse error at line {}, column {}: integer out of range",
            lines + 1,
            column + 1
        ))
    })
}

/// An integer of more than 64 bits, which TOML does not have, and the byte at which it begins.
struct LargeInteger(usize);

/// The map of a table. The parser limits how deep tables are.
fn table_value(host: &Host, table: &DeTable<'_>) -> Result<Value, LargeInteger> {
    let entries: Vec<(Value, Value)> = (table.iter())
        .map(|(key, value)| Ok((host.keyword(key.get_ref()), value_of(host, value)?)))
        .collect::<Result<_, _>>()?;
    Ok(sorted_map::from_entries(host, &entries))
}

fn value_of(host: &Host, value: &Spanned<DeValue<'_>>) -> Result<Value, LargeInteger> {
    Ok(match value.get_ref() {
        DeValue::String(text) => host.heap.string(text),
        DeValue::Integer(integer) => match i64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(integer) => host.heap.int(integer),
            Err(_) => return Err(LargeInteger(value.span().start)),
        },
        DeValue::Float(float) => Value::float(float.as_str().parse().unwrap_or(f64::NAN)),
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
