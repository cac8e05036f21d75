//! Files read line by line: what the library's `file/fold-lines`, `file/fold-lines-bytes` and
//! `file/for-each-line` loop over.

use std::fs::File;
use std::io::{ErrorKind, Read};

use crate::core::system::files::{check_regular, failed};
use crate::core::system::input::without_line_end;
use sema_machine::data::bytes::position_of;
use sema_machine::giving_way;
use sema_machine::host::Host;
use sema_machine::host::arguments::{on_foreign, text};
use sema_machine::host::condition::{Outcome, Signal};
use sema_machine::host::native::Capability;
use sema_machine::memory::value::Value;
use sema_machine::natives;

natives! {
    /// Opens a file for reading by lines and gives a handle of it; conditions name `function`.
    "%file-lines-open" (path: Any, function: String) -> Any, needs(Capability::FsRead) => giving_way!(open);

    /// The next line without its end, or nil at the end of the file. Raises if the line is not UTF-8.
    "%file-lines-next" (handle: Any) -> OptionalString => next;

    /// The bytes of the next line without its end, or nil at the end of the file.
    "%file-bytes-next" (handle: Any) -> Any => next_bytes;

    /// Closes the file; the next line is nil from then on.
    "%file-lines-close" (handle: Any) -> Nil => close;
}

/// Bytes that are read at once.
const BLOCK: usize = 64 << 10;
/// Bytes of a line that are read before anybody asks how long it may become.
const LEAST_PART: usize = 1 << 20;

/// A file being read.
struct Lines {
    /// `None` once closed or at the end.
    file: Option<Box<dyn Read>>,
    /// What has been read and not been given away lies between `start` and `end`.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    function: String,
    path: String,
}

fn open(host: &Host, args: &[Value]) -> Outcome {
    let function = text(host, "%file-lines-open", args, 1)?;
    let path = text(host, function, args, 0)?;
    let file: Box<dyn Read> = match host.files.open_embedded(path) {
        Some(file) => Box::new(file),
        None => {
            check_regular(function, path)?;
            Box::new(File::open(path).map_err(|error| failed(function, path, &error))?)
        }
    };
    Ok(host.heap.foreign(Box::new(Lines {
        file: Some(file),
        buffer: Vec::new(),
        start: 0,
        end: 0,
        function: function.to_owned(),
        path: path.to_owned(),
    })))
}

impl Lines {
    /// The next line without its end; `None` at the end of the file.
    #[inline(always)]
    fn next(&mut self, host: &Host) -> Outcome<Option<&[u8]>> {
        let unread = self.buffer.get(self.start..self.end).unwrap_or_default();
        let length = match position_of(unread, b'\n') {
            Some(place) => place + 1,
            None => self.read_line(host)?,
        };
        let start = self.start;
        self.start += length;
        if length == 0 {
            self.close();
            return Ok(None);
        }
        let line = self.buffer.get(start..self.start).unwrap_or_default();
        Ok(Some(without_line_end(line)))
    }

    /// Reads until the unread bytes begin with a whole line, whose end they do not have yet; its length.
    #[inline(never)]
    fn read_line(&mut self, host: &Host) -> Outcome<usize> {
        loop {
            let seen = self.end - self.start;
            if !self.fill(host)? {
                return Ok(seen);
            }
            let unread = self.buffer.get(self.start..self.end).unwrap_or_default();
            let unseen = unread.get(seen..).unwrap_or_default();
            if let Some(place) = position_of(unseen, b'\n') {
                return Ok(seen + place + 1);
            }
        }
    }

    /// Reads more behind what is there, which may be moved; whether there was any.
    fn fill(&mut self, host: &Host) -> Outcome<bool> {
        let Some(file) = &mut self.file else {
            return Ok(false);
        };
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.end < BLOCK && self.buffer.len() > LEAST_PART {
            // A long line has gone.
            self.buffer.truncate(BLOCK);
            self.buffer.shrink_to_fit();
        }
        if self.end == self.buffer.len() {
            let length = (2 * self.end).max(BLOCK);
            if length > LEAST_PART {
                // While it is moved there are both; then there is the string of it.
                host.ask(self.end + length)?;
            }
            self.buffer.resize(length, 0);
        }
        loop {
            let room = self.buffer.get_mut(self.end..).unwrap_or_default();
            match file.read(room) {
                Ok(count) => {
                    self.end += count;
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(failed(&self.function, &self.path, &error)),
            }
        }
    }

    #[inline(never)]
    fn close(&mut self) {
        self.file = None;
        self.buffer = Vec::new();
        self.start = 0;
        self.end = 0;
    }

    /// The next line as a string or nil.
    fn next_text(&mut self, host: &Host) -> Outcome {
        let text = match self.next(host)? {
            None => return Ok(Value::NIL),
            Some(line) => host.heap.utf8_string(line),
        };
        text.map_err(|_| self.not_utf8())
    }

    #[cold]
    #[inline(never)]
    fn not_utf8(&self) -> Box<Signal> {
        let problem = "stream did not contain valid UTF-8";
        failed(&self.function, &self.path, &problem)
    }
}

/// Runs `operation` on the open file that the argument is the handle of.
fn on_lines(host: &Host, args: &[Value], operation: impl FnOnce(&mut Lines) -> Outcome) -> Outcome {
    on_foreign(host, args, "file lines", operation)
}

fn next(host: &Host, args: &[Value]) -> Outcome {
    on_lines(host, args, |lines| lines.next_text(host))
}

fn next_bytes(host: &Host, args: &[Value]) -> Outcome {
    on_lines(host, args, |lines| {
        let line = lines.next(host)?;
        Ok(line.map_or(Value::NIL, |line| host.heap.bytevector(line)))
    })
}

fn close(host: &Host, args: &[Value]) -> Outcome {
    on_lines(host, args, |lines| {
        lines.close();
        Ok(Value::NIL)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Bench, Folder};

    #[test]
    fn lines_one_at_a_time() {
        let bench = Bench::new();
        let folder = Folder::new("lines");
        folder.file("a.txt", "héllo\r\nb\n\nc");
        let args = [
            bench.text(&folder.path("a.txt")),
            bench.text("file/fold-lines"),
        ];
        let handle = bench.call("%file-lines-open", &args);
        let mut lines = Vec::new();
        loop {
            let line = bench.call("%file-lines-next", &[handle]);
            if line.is_nil() {
                break;
            }
            lines.push(bench.string(line));
        }
        assert_eq!(lines, ["héllo", "b", "", "c"]);
        let bytes = bench.call("%file-lines-open", &args);
        let first = bench.call("%file-bytes-next", &[bytes]);
        assert_eq!(
            bench.host.heap.as_bytevector(first),
            Some("héllo".as_bytes())
        );
        bench.call("%file-lines-close", &[bytes]);
        assert_eq!(bench.call("%file-lines-next", &[bytes]), Value::NIL);
    }

    #[test]
    fn lines_across_blocks() {
        let bench = Bench::new();
        let folder = Folder::new("long-lines");
        // Lines whose ends lie around those of blocks, one that is much longer, and a last one without an end.
        let mut lines: Vec<String> = (BLOCK - 3..BLOCK + 3)
            .map(|length| "x".repeat(length))
            .collect();
        lines.extend((0..40_000).map(|number| format!("line {number}")));
        lines.push("é".repeat(LEAST_PART));
        lines.extend((0..20_000).map(|number| format!("{number}")));
        folder.file("a.txt", &lines.join("\n"));
        let args = [
            bench.text(&folder.path("a.txt")),
            bench.text("file/fold-lines"),
        ];
        let handle = bench.call("%file-lines-open", &args);
        for line in &lines {
            assert_eq!(
                &bench.string(bench.call("%file-lines-next", &[handle])),
                line
            );
        }
        assert_eq!(bench.call("%file-lines-next", &[handle]), Value::NIL);
        assert_eq!(bench.call("%file-lines-next", &[handle]), Value::NIL);
    }
}
