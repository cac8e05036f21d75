//! Evaluates calls of natives written as text, so that tests of natives are tables of expressions.
//!
//! Calls nest; operands are number literals, float words, strings without escapes, `nil`, `#t`, `#f`,
//! characters `#\x`, keywords, quoted symbols, quoted lists and vectors of such operands.

use sema_machine::data::number;
use sema_machine::host::Host;
use sema_machine::host::condition::Signal;
use sema_machine::host::native::Native;
use sema_machine::memory::value::{Kind, Value};

/// The readable form of the result of an expression, or `:TYPE MESSAGE` of the error it raises.
pub(crate) fn run(host: &Host, tables: &[&[Native]], text: &str) -> String {
    let mut tokens = tokens(text);
    tokens.reverse();
    match evaluate(host, tables, &mut tokens) {
        Ok(value) => show(host, value),
        Err(message) => message,
    }
}

fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '(' | ')' | '[' | ']' => 1,
            '\'' if rest[1..].starts_with('(') => 1,
            '"' => rest[1..].find('"').unwrap() + 2,
            _ => rest.find([' ', ')', ']']).unwrap_or(rest.len()),
        };
        tokens.push(rest[..length].to_owned());
        rest = rest[length..].trim_start();
    }
    tokens
}

fn evaluate(host: &Host, tables: &[&[Native]], tokens: &mut Vec<String>) -> Result<Value, String> {
    let token = tokens.pop().unwrap();
    match token.as_str() {
        "(" => {
            let name = tokens.pop().unwrap();
            let args = operands(host, tables, tokens)?;
            let find = |name: &str| tables.iter().copied().flatten().find(|n| n.name == name);
            let mut native = find(&name).unwrap_or_else(|| panic!("no native {name}"));
            if let Some(original) = native.alias_of {
                native = find(original).unwrap();
            }
            if !native.arity.accepts(args.len()) {
                return Err(":arity".to_owned());
            }
            (native.call)(host, &args).map_err(|signal| match *signal {
                Signal::Raise(condition) => {
                    format!(":{} {}", condition.kind.name(), condition.message)
                }
                _ => ":signal".to_owned(),
            })
        }
        "[" => Ok(host.heap.vector(&operands(host, tables, tokens)?)),
        "'" => {
            tokens.pop();
            Ok(host.heap.list(&operands(host, tables, tokens)?))
        }
        "nil" => Ok(Value::NIL),
        "#t" => Ok(Value::TRUE),
        "#f" => Ok(Value::FALSE),
        atom => Ok(match atom.as_bytes()[0] {
            b'"' => host.heap.string(&atom[1..atom.len() - 1]),
            b':' => host.keyword(&atom[1..]),
            b'\'' => host.symbol(&atom[1..]),
            b'#' => Value::char(atom.chars().nth(2).unwrap()),
            _ => number::text::parse(&host.heap, atom, 10).unwrap_or_else(|| panic!("{atom}?")),
        }),
    }
}

fn operands(
    host: &Host,
    tables: &[&[Native]],
    tokens: &mut Vec<String>,
) -> Result<Vec<Value>, String> {
    let mut values = Vec::new();
    while !matches!(tokens.last().unwrap().as_str(), ")" | "]") {
        values.push(evaluate(host, tables, tokens)?);
    }
    tokens.pop();
    Ok(values)
}

fn show(host: &Host, value: Value) -> String {
    match value.kind() {
        kind if kind.is_number() => {
            let mut text = String::new();
            number::write_number(&host.heap, value, &mut text);
            text
        }
        Kind::Nil => "nil".to_owned(),
        Kind::Bool => if value == Value::TRUE { "#t" } else { "#f" }.to_owned(),
        Kind::String => format!("\"{}\"", host.heap.as_str(value).unwrap()),
        Kind::List => {
            let shown: Vec<String> = host.heap.list_iter(value).map(|v| show(host, v)).collect();
            format!("({})", shown.join(" "))
        }
        kind => format!("<{}>", kind.type_name()),
    }
}
