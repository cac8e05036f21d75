//! Readable forms broken over several lines (`pprint`; language specification, 2.4).

use crate::collections::sorted_entries;
use crate::host::Host;
use crate::print;
use crate::value::{Kind, Value};

/// Columns that lines should not exceed.
const COLUMNS: usize = 80;
/// Deeper values are not indented further: the output would grow with the square of the depth.
const DEEPEST_INDENT: usize = 400;

/// What remains to be written.
enum Step {
    /// A value.
    Value(Value),
    /// The key of a map entry: always on one line.
    Key(Value),
    /// The value of a map entry whose key is indented this much.
    EntryValue(Value, usize),
    /// Text that is already final.
    Text(&'static str),
    /// A new line, indented this much.
    Line(usize),
}

/// Text being written, with the column at its end.
#[derive(Default)]
struct Page {
    text: String,
    column: usize,
}

impl Page {
    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.column += text.chars().count();
    }

    fn new_line(&mut self, indent: usize) {
        let indent = indent.min(DEEPEST_INDENT);
        self.text.push('\n');
        self.text.extend(std::iter::repeat_n(' ', indent));
        self.column = indent;
    }
}

/// The brackets and elements of a collection that may be broken over lines. The elements of a map
/// are its keys and values by turns.
fn elements(host: &Host, value: Value) -> Option<(&'static str, &'static str, Vec<Value>)> {
    match value.kind() {
        Kind::List => Some(("(", ")", host.heap.list_iter(value).collect())),
        Kind::Vector => Some(("[", "]", host.heap.values(value).to_vec())),
        Kind::Map | Kind::HashMap => {
            let entries = sorted_entries(host, value);
            Some((
                "{",
                "}",
                entries
                    .into_iter()
                    .flat_map(|(key, value)| [key, value])
                    .collect(),
            ))
        }
        _ => None,
    }
}

/// The readable form on one line, if it has at most `room` characters.
///
/// Gives up as soon as it is too long, so trying it at every level of a deep value stays cheap.
fn flat(host: &Host, value: Value, room: usize) -> Option<String> {
    let mut line = String::new();
    let mut length = 0;
    let mut steps = vec![Step::Value(value)];
    while let Some(step) = steps.pop() {
        let before = line.len();
        match step {
            Step::Text(text) => line.push_str(text),
            Step::Line(_) => line.push(' '),
            Step::Value(value) | Step::Key(value) | Step::EntryValue(value, _) => {
                if least_length(host, value) > room.saturating_sub(length) {
                    return None;
                }
                match elements(host, value) {
                    None => print::write_readable(host, value, &mut line),
                    Some((open, close, elements)) => {
                        line.push_str(open);
                        steps.push(Step::Text(close));
                        for (index, element) in elements.into_iter().enumerate().rev() {
                            steps.push(Step::Value(element));
                            if index > 0 {
                                steps.push(Step::Line(0));
                            }
                        }
                    }
                }
            }
        }
        length += line.get(before..).map_or(0, |added| added.chars().count());
        if length > room {
            return None;
        }
    }
    Some(line)
}

/// A number of characters that the readable form certainly has: looking at it is cheaper than
/// writing a long value only to find that it does not fit.
fn least_length(host: &Host, value: Value) -> usize {
    match value.kind() {
        Kind::String => host.heap.char_len(value),
        Kind::List => host.heap.list_len(value),
        Kind::Vector => host.heap.values(value).len(),
        Kind::Map | Kind::HashMap => crate::collections::len(&host.heap, value),
        _ => 0,
    }
}

/// The readable form, broken over lines where it is too long.
pub fn pretty(host: &Host, value: Value) -> String {
    let mut page = Page::default();
    let mut steps = vec![Step::Value(value)];
    while let Some(step) = steps.pop() {
        match step {
            Step::Text(text) => page.push(text),
            Step::Line(indent) => page.new_line(indent),
            Step::Key(key) => page.push(&print::readable(host, key)),
            Step::EntryValue(value, indent) => {
                let room = COLUMNS.saturating_sub(page.column + 1);
                let line = match elements(host, value) {
                    Some(_) => flat(host, value, room),
                    None => Some(print::readable(host, value)),
                };
                match line {
                    Some(line) => {
                        page.push(" ");
                        page.push(&line);
                    }
                    None => {
                        page.new_line(indent + 2);
                        steps.push(Step::Value(value));
                    }
                }
            }
            Step::Value(value) => {
                let room = COLUMNS.saturating_sub(page.column);
                match (flat(host, value, room), elements(host, value)) {
                    (Some(line), _) => page.push(&line),
                    (None, Some((open, close, elements))) => {
                        page.push(open);
                        steps.push(Step::Text(close));
                        push_elements(&mut steps, value, &elements, page.column);
                    }
                    (None, None) => page.push(&print::readable(host, value)),
                }
            }
        }
    }
    page.text
}

/// Plans the elements of a broken collection, each on a line of its own.
fn push_elements(steps: &mut Vec<Step>, value: Value, elements: &[Value], indent: usize) {
    let per_line = if crate::collections::is_map(value) {
        2
    } else {
        1
    };
    for (index, line) in elements.chunks(per_line).enumerate().rev() {
        match *line {
            [key, value] => steps.extend([Step::EntryValue(value, indent), Step::Key(key)]),
            [element] => steps.push(Step::Value(element)),
            _ => {}
        }
        if index > 0 {
            steps.push(Step::Line(indent));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collections::sorted_map;
    use crate::natives::testing::Bench;

    fn long(bench: &Bench, letters: usize) -> Value {
        bench.text(&"a".repeat(letters))
    }

    #[test]
    fn breaks_only_what_does_not_fit() {
        let bench = Bench::new();
        let heap = &bench.host.heap;
        for (letters, lines) in [(70, 1), (71, 2), (73, 2), (74, 3)] {
            let inner = heap.list(&[Value::EMPTY, long(&bench, letters - 1)]);
            let outer = heap.vector(&[Value::EMPTY, inner]);
            let text = pretty(&bench.host, outer);
            // `[() (() "…")]`: 12 characters around the letters; `(() "…")` alone: 8.
            let expected = match letters - 1 + 12 {
                ..=80 => 1,
                _ if letters - 1 + 8 < 80 => 2,
                _ => 3,
            };
            assert_eq!(text.lines().count(), expected, "{letters} {lines}\n{text}");
        }
    }

    #[test]
    fn map_values_move_to_the_next_line() {
        let bench = Bench::new();
        let heap = &bench.host.heap;
        let value = heap.list(&[Value::EMPTY, long(&bench, 68)]);
        let map = sorted_map::from_entries(&bench.host, &[(bench.host.keyword("k"), value)]);
        let lines: Vec<String> = pretty(&bench.host, map)
            .lines()
            .map(str::to_owned)
            .collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[1].starts_with("   ("), "{lines:?}");
    }

    #[test]
    fn deep_values_need_no_machine_stack() {
        let bench = Bench::new();
        let mut value = Value::EMPTY;
        for _ in 0..2_000 {
            value = bench.host.heap.list(&[value]);
        }
        assert!(pretty(&bench.host, value).len() >= 4_000);
    }
}
