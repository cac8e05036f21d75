//! The layout of `pprint`: collections that do not fit on a line are broken.

use super::{write_limited, write_readable};
use crate::data::collections::elements::{self, Elements};
use crate::host::Host;
use crate::memory::value::{Kind, Value};

/// Columns of a line.
const WIDTH: usize = 80;
/// How much further than its key a value on a line of its own is indented.
const VALUE_INDENT: usize = 2;

/// A broken collection that is being written.
struct Broken<'h> {
    parts: Elements<'h>,
    is_map: bool,
    close: char,
    /// Column of the elements.
    indent: usize,
    first: bool,
}

struct Pretty<'h> {
    host: &'h Host,
    out: String,
    stack: Vec<Broken<'h>>,
}

/// The readable form of a value, its collections broken so that they fit 80 columns: elements each on
/// a line of their own, one column past the bracket; entries of maps likewise, a value that is a
/// collection and does not fit behind its key on the next line, indented by two more.
pub fn pretty(host: &Host, value: Value) -> String {
    let mut writer = Pretty {
        host,
        out: String::new(),
        stack: Vec::new(),
    };
    writer.write(value, 0);
    while let Some(top) = writer.stack.last_mut() {
        let indent = top.indent;
        let Some(part) = top.parts.next() else {
            writer.out.push(top.close);
            writer.stack.pop();
            continue;
        };
        let value = if top.is_map { top.parts.next() } else { None };
        if !std::mem::take(&mut top.first) {
            writer.new_line(indent);
        }
        match value {
            Some(value) => writer.write_entry(part, value, indent),
            None => writer.write(part, indent),
        }
    }
    writer.out
}

/// The brackets of a collection that can be broken.
fn brackets(value: Value) -> Option<(char, char)> {
    match value.kind() {
        Kind::List => Some(('(', ')')),
        Kind::Vector => Some(('[', ']')),
        Kind::Map | Kind::HashMap => Some(('{', '}')),
        _ => None,
    }
}

impl Pretty<'_> {
    fn new_line(&mut self, indent: usize) {
        self.out.push('\n');
        self.out.extend(std::iter::repeat_n(' ', indent));
    }

    /// Writes a value whose first character comes at `column`, or opens it to be broken.
    fn write(&mut self, value: Value, column: usize) {
        let Some((open, close)) = brackets(value) else {
            write_readable(self.host, value, &mut self.out);
            return;
        };
        if self.write_if_it_fits(value, column) {
            return;
        }
        self.out.push(open);
        if let Some(parts) = elements::ordered(self.host, value) {
            self.stack.push(Broken {
                parts,
                is_map: open == '{',
                close,
                indent: column + 1,
                first: true,
            });
        }
    }

    fn write_entry(&mut self, key: Value, value: Value, indent: usize) {
        let start = self.out.len();
        write_readable(self.host, key, &mut self.out);
        let key_width = width(self.out.get(start..).unwrap_or_default());
        let end = self.out.len();
        self.out.push(' ');
        if brackets(value).is_none() {
            write_readable(self.host, value, &mut self.out);
        } else if !self.write_if_it_fits(value, indent + key_width + 1) {
            self.out.truncate(end);
            self.new_line(indent + VALUE_INDENT);
            self.write(value, indent + VALUE_INDENT);
        }
    }

    /// Writes a value on the current line if it ends within the line.
    fn write_if_it_fits(&mut self, value: Value, column: usize) -> bool {
        let start = self.out.len();
        let room = WIDTH.saturating_sub(column);
        // A character has four bytes at most.
        let complete = write_limited(self.host, value, &mut self.out, start + 4 * room);
        if complete && width(self.out.get(start..).unwrap_or_default()) <= room {
            return true;
        }
        self.out.truncate(start);
        false
    }
}

fn width(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::collections::sorted_map;
    use crate::host::output::Output;

    #[test]
    fn breaks_what_does_not_fit() {
        let host = Host::new(Output::memory(), &crate::host::natives::Natives::NONE);
        let heap = &host.heap;
        let symbol = |length: usize| host.symbol(&"x".repeat(length));
        let a = host.symbol("a");
        let pair = |length| heap.list(&[a, symbol(length)]);
        let x = |length: usize| "x".repeat(length);
        assert_eq!(pretty(&host, pair(76)), format!("(a {})", x(76)));
        assert_eq!(pretty(&host, pair(77)), format!("(a\n {})", x(77)));
        assert_eq!(
            pretty(&host, heap.vector(&[pair(75), a])),
            format!("[(a {})\n a]", x(75))
        );
        let map = |value| {
            let entries = [(host.symbol("k"), value), (host.symbol("z"), symbol(80))];
            sorted_map::from_entries(&host, &entries)
        };
        assert_eq!(
            pretty(&host, map(pair(73))),
            format!("{{k (a {})\n z {}}}", x(73), x(80))
        );
        assert_eq!(
            pretty(&host, map(pair(74))),
            format!("{{k\n   (a\n    {})\n z {}}}", x(74), x(80))
        );
        assert_eq!(pretty(&host, heap.string("a\n")), "\"a\\n\"");
        assert_eq!(
            pretty(&host, heap.list(&[Value::EMPTY, symbol(90)])),
            format!("(()\n {})", x(90))
        );
    }

    #[test]
    fn depth_is_no_limit() {
        let host = Host::new(Output::memory(), &crate::host::natives::Natives::NONE);
        let deep = (0..100_000).fold(Value::EMPTY, |inner, _| host.heap.list(&[inner]));
        assert_eq!(pretty(&host, deep).len(), 200_002);
    }
}
