//! JSON: values from and to text, and the values of streams.

pub mod pull;
pub mod read;
mod scalars;
#[cfg(test)]
mod tests;
mod text;
pub mod write;

use pull::{Layout, Next, Pull};
use read::{Keys, Problem, Reader};
use sema_machine::data::collections;
use sema_machine::data::print;
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, on_foreign, text};
use sema_machine::host::condition::{Outcome, Signal, eval_error, type_error};
use sema_machine::memory::value::Value;
use sema_machine::natives;

natives! {
    /// The text of a value as JSON, on one line, the keys of each object in the order of their bytes. Keywords and symbols are
    /// written by their names, ratios and complex numbers as strings. Raises for what JSON does not have: functions, records,
    /// characters, byte vectors, NaN and the infinities.
    /// (json/encode {:name "Ada" :tags [1 2.5 nil]}) => "{\"name\":\"Ada\",\"tags\":[1,2.5,null]}"
    /// (json/encode println) => error cannot encode native-fn as JSON
    "json/encode" (value: Any) -> String, pure => encode;

    /// As `json/encode`, on several lines with an indentation of two spaces.
    /// (json/encode-pretty {:a [1]}) => "{\n  \"a\": [\n    1\n  ]\n}"
    "json/encode-pretty" (value: Any) -> String, pure => encode_pretty;

    /// The value of a JSON text: maps with keyword keys for objects, lists for arrays, nil for null. Integers are exact, whatever
    /// their size; numbers with a point or an exponent are floats. Of equal keys the last one counts. Raises with line and column
    /// if the text is malformed.
    /// (json/decode "{\"a\": [1, 2.5, null, true]}") => {:a (1 2.5 nil #t)}
    /// (json/decode "[1 2]") => error parse error at line 1 column 4: expected `,` or `]`
    "json/decode" (text: String) -> Any, pure => decode;

    /// As `json/decode`, with options: `:keys` says whether the keys of objects become `:keyword`s or `:string`s. Keywords are never
    /// forgotten, so strings are for data whose keys are not known before.
    /// (json/decode-with "{\"a b\": {\"c\": 1}}" {:keys :string}) => {"a b" {"c" 1}}
    /// (json/decode-with "{}" {:keys 1}) => error keys must be :keyword or :string, got 1
    "json/decode-with" (text: String, options: Map) -> Any, pure, options(1, &["keys"]) => decode_with;

    /// A reader of the values in a stream: `:lines`, one on each line, or `:values`, the elements of one array or values one
    /// after the other. The name is for messages.
    "%json-reader" (layout: Keyword, keys: Any, function: String) -> Any => reader;

    /// The next value of a reader, or the reader itself if all of its bytes are used.
    "%json-next" (reader: Any) -> Any => next;

    /// Gives bytes to a reader; none of them mean the end of the stream.
    "%json-feed" (reader: Any, bytes: Bytes) -> Nil => feed;

    /// Whether the end of the stream has come.
    "%json-ended?" (reader: Any) -> Bool => has_ended;
}

fn encode(host: &Host, args: &[Value]) -> Outcome {
    encoded(host, "json/encode", args, false)
}

fn encode_pretty(host: &Host, args: &[Value]) -> Outcome {
    encoded(host, "json/encode-pretty", args, true)
}

fn encoded(host: &Host, function: &str, args: &[Value], pretty: bool) -> Outcome {
    match write::encode(host, argument(args, 0), pretty) {
        Ok(text) => Ok(host.heap.string(&text)),
        Err(write::Problem::Memory) => Err(host.out_of_memory().signal()),
        Err(problem) => Err(eval_error(format!("{function}: {problem}"))),
    }
}

fn decode(host: &Host, args: &[Value]) -> Outcome {
    let text = text(host, "json/decode", args, 0)?;
    Reader::new(Keys::Keywords)
        .document(host, text)
        .map_err(|problem| refused(host, "json/decode", text, problem))
}

fn decode_with(host: &Host, args: &[Value]) -> Outcome {
    const FUNCTION: &str = "json/decode-with";
    let text = text(host, FUNCTION, args, 0)?;
    let options = argument(args, 1);
    if !collections::is_map(options) {
        return Err(type_error(host, "map", options));
    }
    let keys = match collections::get(host, options, host.keyword("keys")) {
        Some(keys) => keys_option(host, FUNCTION, keys)?,
        None => Keys::Keywords,
    };
    Reader::new(keys)
        .document(host, text)
        .map_err(|problem| refused(host, FUNCTION, text, problem))
}

/// What keys become: `:keyword` or `:string`.
fn keys_option(host: &Host, function: &str, keys: Value) -> Outcome<Keys> {
    match host.name_of(keys).filter(|_| keys.as_keyword().is_some()) {
        Some("keyword") => Ok(Keys::Keywords),
        Some("string") => Ok(Keys::Strings),
        _ => Err(eval_error(format!(
            "{function}: keys must be :keyword or :string, got {}",
            print::preview(host, keys)
        ))),
    }
}

/// The condition of a text that is malformed, or whose value has no room.
fn refused(host: &Host, function: &str, text: &str, problem: Problem) -> Box<Signal> {
    if problem.what == read::What::Memory {
        return host.out_of_memory().signal();
    }
    malformed(function, text, problem)
}

/// The condition of a malformed text.
fn malformed(function: &str, text: &str, problem: Problem) -> Box<Signal> {
    let (line, column) = position(text, problem.at);
    eval_error(format!(
        "{function}: parse error at line {line} column {column}: {}",
        problem.what
    ))
}

/// Line and column, from 1, of the character at a byte. At the end of the text the last character counts.
pub(super) fn position(text: &str, at: usize) -> (usize, usize) {
    let end = (at + 1).min(text.len());
    let end = (end..=text.len())
        .find(|end| text.is_char_boundary(*end))
        .unwrap_or(end);
    let before = text.get(..end).unwrap_or(text);
    let line = before.rsplit('\n').next().unwrap_or_default();
    let lines = before.bytes().filter(|byte| *byte == b'\n').count();
    (lines + 1, line.chars().count())
}

/// A reader of a stream, with the function that messages name.
struct StreamReader {
    pull: Pull,
    function: String,
}

fn reader(host: &Host, args: &[Value]) -> Outcome {
    let layout = match host.name_of(argument(args, 0)) {
        Some("lines") => Layout::Lines,
        _ => Layout::Values,
    };
    let function = text(host, "%json-reader", args, 2)?;
    let keys = keys_option(host, function, argument(args, 1))?;
    Ok(host.heap.foreign(Box::new(StreamReader {
        pull: Pull::new(layout, keys),
        function: function.to_owned(),
    })))
}

/// Runs `operation` on a reader.
fn on_reader<T>(
    host: &Host,
    args: &[Value],
    operation: impl FnOnce(&mut StreamReader) -> Outcome<T>,
) -> Outcome<T> {
    on_foreign(host, args, "JSON reader", operation)
}

fn next(host: &Host, args: &[Value]) -> Outcome {
    let next = on_reader(host, args, |reader| {
        let next = reader.pull.next(host);
        next.map_err(|trouble| eval_error(format!("{}: {trouble}", reader.function)))
    })?;
    Ok(match next {
        Next::Value(value) => value,
        Next::Nothing => argument(args, 0),
    })
}

fn feed(host: &Host, args: &[Value]) -> Outcome {
    let value = argument(args, 1);
    let Some(bytes) = host.heap.as_bytevector(value) else {
        return Err(type_error(host, "bytevector", value));
    };
    on_reader(host, args, |reader| {
        reader.pull.feed(bytes);
        Ok(Value::NIL)
    })
}

fn has_ended(host: &Host, args: &[Value]) -> Outcome {
    on_reader(host, args, |reader| {
        Ok(Value::bool(reader.pull.has_ended()))
    })
}
