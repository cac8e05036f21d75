//! What is behind a stream.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};

use crate::core::system::input::{trim_line_end, with_input};
use sema_machine::host::Host;

/// Where the bytes come from or go to.
enum Source {
    /// A text to read.
    Text,
    /// Bytes to read and write.
    Buffer,
    Input(BufReader<File>),
    Output(BufWriter<File>),
    StandardInput,
    StandardOutput,
    StandardError,
}

/// The state of a stream.
pub struct State {
    source: Source,
    /// What a text or byte buffer holds, and how much of it has been read.
    content: Vec<u8>,
    position: usize,
    closed: bool,
}

/// Why an operation on a stream failed.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// It was closed.
    #[error("stream is closed")]
    Closed,
    /// It cannot be written.
    #[error("{0} is read-only{1}")]
    ReadOnly(&'static str, String),
    /// It cannot be read.
    #[error("{0} is write-only{1}")]
    WriteOnly(&'static str, String),
    /// It is not a byte buffer.
    #[error("expected byte-buffer stream, got {0} stream")]
    NoBuffer(&'static str),
    /// It would become longer than a byte vector can be.
    #[error("buffer exceeds the limit of {0} bytes")]
    TooLong(usize),
    /// The system's answer.
    #[error(transparent)]
    System(#[from] io::Error),
}

/// Most bytes a buffer may hold.
const LARGEST_BUFFER: usize = 1 << 30;

impl State {
    fn new(source: Source, content: &[u8]) -> State {
        State {
            source,
            content: content.to_vec(),
            position: 0,
            closed: false,
        }
    }

    /// A text to read.
    pub fn string(text: &str) -> State {
        State::new(Source::Text, text.as_bytes())
    }

    /// A byte buffer that holds `content`.
    pub fn byte_buffer(content: &[u8]) -> State {
        State::new(Source::Buffer, content)
    }

    /// A file to read.
    ///
    /// # Errors
    /// The system's answer.
    pub fn open_input(path: &str) -> io::Result<State> {
        let file = File::open(path)?;
        Ok(State::new(Source::Input(BufReader::new(file)), &[]))
    }

    /// A file to write; what it held is lost.
    ///
    /// # Errors
    /// The system's answer.
    pub fn open_output(path: &str) -> io::Result<State> {
        let file = File::create(path)?;
        Ok(State::new(Source::Output(BufWriter::new(file)), &[]))
    }

    /// One of the standard streams, by number.
    pub fn standard(descriptor: i64) -> Option<State> {
        let source = match descriptor {
            0 => Source::StandardInput,
            1 => Source::StandardOutput,
            2 => Source::StandardError,
            _ => return None,
        };
        Some(State::new(source, &[]))
    }

    /// The text that names the type.
    pub fn type_name(&self) -> &'static str {
        match self.source {
            Source::Text => "string",
            Source::Buffer => "byte-buffer",
            Source::Input(_) => "file-input",
            Source::Output(_) => "file-output",
            Source::StandardInput => "stdin",
            Source::StandardOutput => "stdout",
            Source::StandardError => "stderr",
        }
    }

    /// Whether it reads or writes a file, or reads standard input: what may take a while.
    pub fn uses_system(&self) -> bool {
        matches!(
            self.source,
            Source::Input(_) | Source::Output(_) | Source::StandardInput
        )
    }

    /// Whether it reads a file.
    pub fn is_file(&self) -> bool {
        matches!(self.source, Source::Input(_))
    }

    /// How messages call the stream: the standard ones by their names, others with their type.
    fn subject(&self) -> (&'static str, String) {
        match self.source {
            Source::StandardInput => ("*stdin*", String::new()),
            Source::StandardOutput => ("*stdout*", String::new()),
            Source::StandardError => ("*stderr*", String::new()),
            _ => ("stream", format!(" ({} stream)", self.type_name())),
        }
    }

    /// Whether the stream can be read.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn check_readable(&self) -> Result<(), StreamError> {
        if self.closed {
            return Err(StreamError::Closed);
        }
        match self.source {
            Source::Output(_) | Source::StandardOutput | Source::StandardError => {
                let (name, kind) = self.subject();
                Err(StreamError::WriteOnly(name, kind))
            }
            _ => Ok(()),
        }
    }

    /// Whether the stream can be written.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn check_writable(&self) -> Result<(), StreamError> {
        if self.closed {
            return Err(StreamError::Closed);
        }
        match self.source {
            Source::Text | Source::Input(_) | Source::StandardInput => {
                let (name, kind) = self.subject();
                Err(StreamError::ReadOnly(name, kind))
            }
            _ => Ok(()),
        }
    }

    /// What a buffer or text still has to read.
    fn unread(&self) -> &[u8] {
        self.content.get(self.position..).unwrap_or_default()
    }

    /// The next bytes in memory.
    fn take(&mut self, count: usize) -> Vec<u8> {
        let unread = self.unread();
        let taken = unread
            .get(..count.min(unread.len()))
            .unwrap_or_default()
            .to_vec();
        self.position += taken.len();
        taken
    }

    /// Up to `count` bytes; fewer only at the end (or, on standard input, when no more have come).
    ///
    /// # Errors
    /// When the stream cannot be read.
    pub fn read(&mut self, host: &Host, count: usize) -> Result<Vec<u8>, StreamError> {
        self.check_readable()?;
        Ok(match &mut self.source {
            Source::Input(file) => {
                let mut bytes = Vec::new();
                file.take(count as u64).read_to_end(&mut bytes)?;
                bytes
            }
            Source::StandardInput => with_input(host, |input| input.some(count))?,
            _ => self.take(count),
        })
    }

    /// The next line without its end; `None` at the end.
    ///
    /// # Errors
    /// When the stream cannot be read.
    pub fn read_line(&mut self, host: &Host) -> Result<Option<Vec<u8>>, StreamError> {
        self.check_readable()?;
        let mut line = match &mut self.source {
            Source::StandardInput => return Ok(with_input(host, |input| input.line())?),
            Source::Input(file) => {
                let mut line = Vec::new();
                file.read_until(b'\n', &mut line)?;
                line
            }
            _ => {
                let unread = self.unread();
                let end = unread.iter().position(|&byte| byte == b'\n');
                let length = end.map_or(unread.len(), |end| end + 1);
                self.take(length)
            }
        };
        if line.is_empty() {
            return Ok(None);
        }
        trim_line_end(&mut line);
        Ok(Some(line))
    }

    /// Everything up to the end, but not more than `limit` bytes.
    ///
    /// # Errors
    /// When the stream cannot be read.
    pub fn read_rest(&mut self, host: &Host, limit: usize) -> Result<Vec<u8>, StreamError> {
        match self.source {
            Source::StandardInput => {
                self.check_readable()?;
                Ok(with_input(host, |input| input.rest(limit as u64))?)
            }
            _ => self.read(host, limit),
        }
    }

    /// Writes bytes.
    ///
    /// # Errors
    /// When the stream cannot be written.
    pub fn write(&mut self, host: &Host, bytes: &[u8]) -> Result<(), StreamError> {
        self.check_writable()?;
        match &mut self.source {
            Source::Output(file) => file.write_all(bytes)?,
            Source::StandardOutput => host.output.write(bytes),
            Source::StandardError => host.output.write_error(bytes),
            _ => {
                if self.content.len() + bytes.len() > LARGEST_BUFFER {
                    return Err(StreamError::TooLong(LARGEST_BUFFER));
                }
                self.content.extend_from_slice(bytes);
            }
        }
        Ok(())
    }

    /// Hands what was written to the system.
    ///
    /// # Errors
    /// When the stream is closed, and the system's answer.
    pub fn flush(&mut self, host: &Host) -> Result<(), StreamError> {
        if self.closed {
            return Err(StreamError::Closed);
        }
        match &mut self.source {
            Source::Output(file) => file.flush()?,
            Source::StandardOutput => host.output.flush(),
            _ => {}
        }
        Ok(())
    }

    /// Closes the stream; closing it again does nothing.
    ///
    /// # Errors
    /// When what was written cannot be handed to the system; the stream is closed all the same.
    pub fn close(&mut self, host: &Host) -> Result<(), StreamError> {
        if self.closed {
            return Ok(());
        }
        let flushed = self.flush(host);
        self.closed = true;
        // Gives memory and files back. A byte buffer keeps its content for `stream/to-bytes`; the
        // type's name is kept in the stream object.
        if !matches!(self.source, Source::Buffer) {
            self.content = Vec::new();
            self.position = 0;
            self.source = Source::Text;
        }
        flushed
    }

    /// Everything a byte buffer holds, read or not.
    ///
    /// # Errors
    /// When it is no byte buffer.
    pub fn buffer_content(&self) -> Result<Vec<u8>, StreamError> {
        match self.source {
            Source::Buffer => Ok(self.content.clone()),
            _ => Err(StreamError::NoBuffer(self.type_name())),
        }
    }

    /// Whether bytes can certainly be read at once.
    pub fn is_available(&self) -> bool {
        match &self.source {
            _ if self.closed => false,
            Source::Text | Source::Buffer => !self.unread().is_empty(),
            Source::Input(file) => !file.buffer().is_empty(),
            _ => false,
        }
    }
}
