//! Files read line by line: what the library's `file/fold-lines`, `file/fold-lines-bytes` and
//! `file/for-each-line` loop over.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};

use crate::core::system::files::{check_regular, failed};
use crate::core::system::input::trim_line_end;
use sema_machine::giving_way;
use sema_machine::host::Host;
use sema_machine::host::arguments::{on_foreign, text};
use sema_machine::host::condition::Outcome;
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

/// Bytes of a line that are read before anybody asks how long it may become.
const LEAST_PART: usize = 1 << 20;

/// A file being read.
struct Lines {
    /// `None` once closed or at the end.
    reader: Option<BufReader<Box<dyn Read>>>,
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
        reader: Some(BufReader::new(file)),
        function: function.to_owned(),
        path: path.to_owned(),
    })))
}

impl Lines {
    /// The next line without its end; `None` at the end of the file.
    fn next(&mut self, host: &Host) -> Outcome<Option<Vec<u8>>> {
        let Some(reader) = &mut self.reader else {
            return Ok(None);
        };
        let mut line = Vec::new();
        loop {
            let most = host.room_for_text().max(LEAST_PART) - line.len().min(LEAST_PART);
            let read = (reader.by_ref().take(most as u64))
                .read_until(b'\n', &mut line)
                .map_err(|error| failed(&self.function, &self.path, &error))?;
            if read < most || line.last() == Some(&b'\n') {
                break;
            }
            host.ask(3 * line.len())?;
        }
        if line.is_empty() {
            self.reader = None;
            return Ok(None);
        }
        trim_line_end(&mut line);
        Ok(Some(line))
    }

    /// The next line as a string or nil.
    fn next_text(&mut self, host: &Host) -> Outcome {
        let Some(line) = self.next(host)? else {
            return Ok(Value::NIL);
        };
        match std::str::from_utf8(&line) {
            Ok(line) => Ok(host.heap.string(line)),
            Err(_) => Err(failed(
                &self.function,
                &self.path,
                &"stream did not contain valid UTF-8",
            )),
        }
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
        Ok(line.map_or(Value::NIL, |line| host.heap.bytevector(&line)))
    })
}

fn close(host: &Host, args: &[Value]) -> Outcome {
    on_lines(host, args, |lines| {
        lines.reader = None;
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
}
