//! Standard input, shared by the console and the stream natives.

use std::io::{self, BufRead, Cursor, IsTerminal, Read};

use sema_machine::host::Host;

/// Where standard input comes from.
enum Source {
    /// The process's own, whose buffer all virtual machines of the process share.
    Process,
    /// Given text.
    Memory(Cursor<Vec<u8>>),
}

/// The state of standard input, an extension of the host.
pub struct Input {
    source: Source,
    met_end: bool,
}

impl Default for Input {
    fn default() -> Input {
        Input {
            source: Source::Process,
            met_end: false,
        }
    }
}

impl Input {
    /// Input that consists of `bytes`.
    pub fn memory(bytes: Vec<u8>) -> Input {
        Input {
            source: Source::Memory(Cursor::new(bytes)),
            met_end: false,
        }
    }

    /// Whether a read has met the end.
    pub fn met_end(&self) -> bool {
        self.met_end
    }

    fn with_reader<T>(
        &mut self,
        read: impl FnOnce(&mut dyn BufRead) -> io::Result<T>,
    ) -> io::Result<T> {
        match &mut self.source {
            Source::Process => read(&mut io::stdin().lock()),
            Source::Memory(cursor) => read(cursor),
        }
    }

    /// The next line without its end (LF or CRLF); `None` at the end of input.
    ///
    /// # Errors
    /// What the system reports.
    pub fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        self.with_reader(|reader| reader.read_until(b'\n', &mut line))?;
        self.met_end |= line.last() != Some(&b'\n');
        if line.is_empty() {
            return Ok(None);
        }
        trim_line_end(&mut line);
        Ok(Some(line))
    }

    /// Everything up to the end, but not more than `limit` bytes.
    ///
    /// # Errors
    /// What the system reports.
    pub fn rest(&mut self, limit: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.with_reader(|reader| reader.take(limit).read_to_end(&mut bytes))?;
        self.met_end |= (bytes.len() as u64) < limit;
        Ok(bytes)
    }

    /// At least one byte and up to `count`; none at the end.
    ///
    /// # Errors
    /// What the system reports.
    pub fn some(&mut self, count: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        let read = self.with_reader(|reader| reader.read(&mut bytes))?;
        bytes.truncate(read);
        self.met_end |= read == 0 && count > 0;
        Ok(bytes)
    }
}

/// Removes the line end, LF or CRLF, of a line.
pub fn trim_line_end(line: &mut Vec<u8>) {
    if line.last() == Some(&b'\n') {
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
    }
}

/// Runs `read` on the standard input of `host`. Output is flushed before, so that a prompt is seen.
pub fn with_input<T>(host: &Host, read: impl FnOnce(&mut Input) -> T) -> T {
    host.output.flush();
    host.with_extension::<Input, T>(read)
}

/// Whether standard input is a terminal.
pub fn is_terminal() -> bool {
    io::stdin().is_terminal()
}
