//! CSV: tables from and to text, and the records of streams (RFC 4180).

pub mod rows;
#[cfg(test)]
mod tests;

use rows::{Columns, Next, Problem, Rows};
use sema_machine::data::print;
use sema_machine::data::sequence;
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, on_foreign, text};
use sema_machine::host::condition::{Outcome, Signal, eval_error, type_error};
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;

natives! {
    /// The records of a CSV text: a list of lists of strings. Fields may be quoted, a quote in them is doubled. Empty lines are
    /// skipped. Raises with the line if a record is not as long as the first one.
    /// (csv/parse "a,b\n1,\"x, \"\"y\"\"\"\n") => (("a" "b") ("1" "x, \"y\""))
    /// (csv/parse "a,b\n1\n") => error line 2: found record with 1 fields, but the previous record has 2 fields
    "csv/parse" (text: String) -> List, pure => parse;

    /// The records of a CSV text behind the first one, which names the columns: a list of maps from keywords to strings.
    /// (csv/parse-maps "name,age\nAda,36") => ({:age "36" :name "Ada"})
    /// (csv/parse-maps "a,a\n1,2") => error "csv/parse-maps: duplicate header \"a\""
    "csv/parse-maps" (text: String) -> List, pure => parse_maps;

    /// The CSV text of a table, a list of rows, which are lists or vectors. What is not a string is written as `str` does; fields are
    /// quoted where they must be. Raises if the rows are not of one length.
    /// (csv/encode '(("name" "score") ("Ada, Countess" 100))) => "name,score\n\"Ada, Countess\",100\n"
    /// (csv/encode (list ["a" 1] ["b" 2])) => "a,1\nb,2\n"
    "csv/encode" (rows: List) -> String, pure => encode;

    /// A reader of the records in a stream; with `maps`, of the maps behind its header. The name is for messages.
    "%csv-reader" (maps: Bool, separator: Any, function: String) -> Any => reader;

    /// The next record of a reader, or the reader itself if all of its bytes are used.
    "%csv-next" (reader: Any) -> Any => next;

    /// Gives bytes to a reader; none of them mean the end of the stream.
    "%csv-feed" (reader: Any, bytes: Bytes) -> Nil => feed;

    /// Whether the last record has been read.
    "%csv-ended?" (reader: Any) -> Bool => has_ended;
}

fn failed(function: &str, problem: &Problem) -> Box<Signal> {
    eval_error(format!("{function}: {problem}"))
}

fn parse(host: &Host, args: &[Value]) -> Outcome {
    let content = text(host, "csv/parse", args, 0)?;
    parsed(host, content, false).map_err(|problem| failed("csv/parse", &problem))
}

fn parse_maps(host: &Host, args: &[Value]) -> Outcome {
    let content = text(host, "csv/parse-maps", args, 0)?;
    parsed(host, content, true).map_err(|problem| failed("csv/parse-maps", &problem))
}

fn parsed(host: &Host, content: &str, maps: bool) -> Result<Value, Problem> {
    let mut table = Table::new(maps, b',');
    let mut input = content.as_bytes();
    let mut records = Vec::new();
    loop {
        // An empty input is the end, so what is left of it need not be told from that.
        match table.next(host, &mut input)? {
            (Next::Record, record) => records.push(record),
            (Next::End, _) => return Ok(host.heap.list(&records)),
            (Next::Nothing, _) => {}
        }
    }
}

/// Reads the records of a table, as lists or as maps.
struct Table {
    rows: Rows,
    maps: bool,
    columns: Option<Columns>,
    /// Room for the fields of a record; empty between records.
    fields: Vec<Value>,
}

impl Table {
    fn new(maps: bool, separator: u8) -> Table {
        Table {
            rows: Rows::new(separator),
            maps,
            columns: None,
            fields: Vec::new(),
        }
    }

    /// What comes next, and the record if there is one.
    fn next(&mut self, host: &Host, input: &mut &[u8]) -> Result<(Next, Value), Problem> {
        loop {
            let next = self.rows.next(input)?;
            if next != Next::Record {
                return Ok((next, Value::NIL));
            }
            if self.maps && self.columns.is_none() {
                self.columns = Some(Columns::new(host, &self.rows)?);
                continue;
            }
            self.rows.fields(host, &mut self.fields)?;
            let record = match &self.columns {
                None => host.heap.list(&self.fields),
                Some(columns) => columns.map(host, &self.fields),
            };
            self.fields.clear();
            return Ok((next, record));
        }
    }
}

fn encode(host: &Host, args: &[Value]) -> Outcome {
    let rows = argument(args, 0);
    if rows.kind() != Kind::List {
        return Err(type_error(host, "list", rows));
    }
    let mut out = String::new();
    let mut expected = None;
    for row in host.heap.list_iter(rows) {
        if !matches!(row.kind(), Kind::List | Kind::Vector) {
            return Err(type_error(host, "list", row));
        }
        let fields = sequence::list_or_vector(host, row)?;
        let start = out.len();
        let count = fields.len();
        for (index, field) in fields.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            write_field(host, *field, &mut out)?;
            host.ask_for_text(out.len())?;
        }
        if out.len() == start {
            // An empty line would be skipped by readers.
            out.push_str("\"\"");
        }
        out.push('\n');
        let expected = *expected.get_or_insert(count);
        if count != expected {
            return Err(eval_error(format!(
                "csv/encode: found record with {count} fields, but the previous record has {expected} fields"
            )));
        }
    }
    Ok(host.heap.string(&out))
}

/// Appends a field, quoted if it must be.
fn write_field(host: &Host, field: Value, out: &mut String) -> Outcome<()> {
    let start = out.len();
    print::append_display(host, field, out)?;
    let written = out.get(start..).unwrap_or_default();
    if written.contains(['"', ',', '\n', '\r']) {
        let quoted = written.replace('"', "\"\"");
        out.truncate(start);
        out.push('"');
        out.push_str(&quoted);
        out.push('"');
    }
    Ok(())
}

/// A reader of a stream, with the function that messages name.
struct StreamReader {
    table: Table,
    function: String,
    buffer: Vec<u8>,
    start: usize,
    /// Whether the stream has ended, and the last record been read.
    ended: bool,
    done: bool,
}

/// The separator of fields: one ASCII character, as a string or character.
fn separator(host: &Host, function: &str, value: Value) -> Outcome<u8> {
    let found = match (value.as_char(), host.heap.as_str(value)) {
        (Some(character), _) => u8::try_from(character).ok(),
        (_, Some(text)) => match text.as_bytes() {
            [byte] => Some(*byte),
            _ => None,
        },
        _ => None,
    };
    match found.filter(|byte| byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r')) {
        Some(byte) => Ok(byte),
        None => Err(eval_error(format!(
            "{function}: the separator must be one ASCII character other than a quote or line end, got {}",
            print::preview(host, value)
        ))),
    }
}

fn reader(host: &Host, args: &[Value]) -> Outcome {
    let maps = argument(args, 0);
    if maps.as_bool().is_none() {
        return Err(type_error(host, "bool", maps));
    }
    let function = text(host, "%csv-reader", args, 2)?;
    let separator = separator(host, function, argument(args, 1))?;
    Ok(host.heap.foreign(Box::new(StreamReader {
        table: Table::new(maps == Value::TRUE, separator),
        function: function.to_owned(),
        buffer: Vec::new(),
        start: 0,
        ended: false,
        done: false,
    })))
}

/// Runs `operation` on a reader.
fn on_reader<T>(
    host: &Host,
    args: &[Value],
    operation: impl FnOnce(&mut StreamReader) -> Outcome<T>,
) -> Outcome<T> {
    on_foreign(host, args, "CSV reader", operation)
}

impl StreamReader {
    /// The next record, if there is one.
    fn next(&mut self, host: &Host) -> Outcome<Option<Value>> {
        loop {
            let before = self.buffer.get(self.start..).unwrap_or_default();
            if self.done || before.is_empty() && !self.ended {
                return Ok(None);
            }
            let mut input = before;
            let next = self.table.next(host, &mut input);
            self.start = self.buffer.len() - input.len();
            match next.map_err(|problem| failed(&self.function, &problem))? {
                (Next::Record, record) => return Ok(Some(record)),
                (Next::End, _) => self.done = true,
                (Next::Nothing, _) => {}
            }
        }
    }
}

fn next(host: &Host, args: &[Value]) -> Outcome {
    let next = on_reader(host, args, |reader| reader.next(host))?;
    Ok(next.unwrap_or(argument(args, 0)))
}

fn feed(host: &Host, args: &[Value]) -> Outcome {
    let value = argument(args, 1);
    let Some(bytes) = host.heap.as_bytevector(value) else {
        return Err(type_error(host, "bytevector", value));
    };
    on_reader(host, args, |reader| {
        reader.buffer.drain(..reader.start);
        reader.start = 0;
        reader.ended |= bytes.is_empty();
        reader.buffer.extend_from_slice(bytes);
        Ok(Value::NIL)
    })
}

fn has_ended(host: &Host, args: &[Value]) -> Outcome {
    on_reader(host, args, |reader| Ok(Value::bool(reader.done)))
}
