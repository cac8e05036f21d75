//! What is behind a stream.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::sync::{Arc, Mutex};

use crate::core::system::descriptors::{InUse, Open};
use crate::core::system::device::{self, Shared, Sink, Wanted, identity, lock};
use crate::core::system::filter::Filter;
use crate::core::system::input;
use sema_machine::data::bytes::position_of;
use sema_machine::host::Host;
use sema_machine::memory::account::Charge;
use sema_vfs::EmbeddedFile;

/// Where the bytes come from or go to.
enum Source {
    /// A text to read.
    Text,
    /// Bytes to read and write.
    Buffer,
    /// A file, pipe or device to read.
    Input(Shared<device::Source>),
    /// A file to write.
    Output(Output),
    /// A pipe or device to write.
    Device(Shared<Sink>),
    /// Another stream, to be written through a filter.
    Filtered(Filtered),
    StandardInput,
    StandardOutput,
    StandardError,
    /// Something else that `stream/close` lets go of.
    #[cfg(feature = "net")]
    Held(Arc<dyn std::any::Any + Send + Sync>),
}

/// A filter of what is written, and where it goes.
struct Filtered {
    filter: Box<dyn Filter>,
    to: Shared<State>,
    finished: bool,
}

impl Filtered {
    /// What the filter has kept back; nothing more will come.
    fn finish(&mut self) -> io::Result<Vec<u8>> {
        let mut rest = Vec::new();
        if !self.finished {
            self.finished = true;
            self.filter.finish(&mut rest)?;
        }
        Ok(rest)
    }
}

impl Drop for Filtered {
    /// A stream that was not closed is complete all the same, as files are.
    fn drop(&mut self) {
        let Ok(rest) = self.finish() else { return };
        let mut to = lock(&self.to);
        if let Ok(rest) = to.encode(&rest).map(Cow::into_owned) {
            to.write_quietly(&rest);
        }
    }
}

/// A file that is being written.
struct Output {
    file: BufWriter<File>,
    /// Whether what it held is still there: a stream of this program was reading it when it was opened.
    keeps: bool,
}

impl Output {
    /// What the file held gives way to what is written.
    fn empty(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.keeps) {
            self.file.get_ref().set_len(0)?;
        }
        Ok(())
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // Nobody is left to tell of a failure.
        let _ = self.empty();
    }
}

/// The state of a stream.
pub struct State {
    source: Source,
    /// What a text or byte buffer holds, and how much of it has been read.
    content: Vec<u8>,
    position: usize,
    closed: bool,
    /// What large content takes.
    charge: Option<Charge>,
    /// Its descriptor, if it is not one of the standard ones.
    in_use: Option<InUse>,
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
    /// The program's data exceed their limit.
    #[error("out of memory: the data exceed their limit (SEMAC_HEAP_MB)")]
    OutOfMemory,
    /// The system's answer.
    #[error(transparent)]
    System(#[from] io::Error),
}

/// Bytes of content that count.
const LEAST_CHARGE: usize = 64 << 10;
/// Most bytes a buffer may hold.
const LARGEST_BUFFER: usize = 1 << 30;

impl State {
    fn new(source: Source, content: &[u8]) -> State {
        State {
            source,
            content: content.to_vec(),
            position: 0,
            closed: false,
            charge: None,
            in_use: None,
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
    pub fn open_input(host: &Host, path: &str) -> io::Result<State> {
        let source = Arc::new(Mutex::new(device::Source::open(path)?));
        host.with_extension::<Open, _>(|open| open.add(&source));
        Ok(State::new(Source::Input(source), &[]).counted(host))
    }

    /// A file to write. What it held is lost: at once, or with the first write or its end if a stream of the program
    /// is reading it, so that copying a file to itself does not lose it.
    ///
    /// # Errors
    /// The system's answer.
    pub fn open_output(host: &Host, path: &str) -> io::Result<State> {
        let keeps = device::identity_of(path)
            .is_some_and(|file| host.with_extension::<Open, _>(|open| open.is_read(file)));
        let mut options = File::options();
        options.write(true).create(true).truncate(!keeps);
        let file = BufWriter::new(options.open(path)?);
        Ok(State::new(Source::Output(Output { file, keeps }), &[]).counted(host))
    }

    /// Whether it writes the file that `source` reads and has not begun to; then it keeps what the file holds.
    pub fn keeps_what_is_read(&mut self, source: &device::Source) -> bool {
        match &mut self.source {
            Source::Output(output)
                if output.keeps && identity(output.file.get_ref()) == source.identity() =>
            {
                output.keeps = false;
                true
            }
            _ => false,
        }
    }

    /// An embedded file.
    pub fn embedded(file: EmbeddedFile) -> State {
        State::shared_input(Arc::new(Mutex::new(device::Source::embedded(file))))
    }

    /// What another thread brings.
    #[cfg(feature = "net")]
    pub fn arriving(arrivals: Box<dyn super::arrivals::Arrivals>) -> State {
        State::shared_input(Arc::new(Mutex::new(device::Source::arriving(arrivals))))
    }

    /// What is no stream but is closed as one.
    #[cfg(feature = "net")]
    pub fn connection(held: Arc<dyn std::any::Any + Send + Sync>) -> State {
        State::new(Source::Held(held), &[])
    }

    /// What is closed as a stream, until then.
    #[cfg(feature = "net")]
    pub fn held(&self) -> Option<Arc<dyn std::any::Any + Send + Sync>> {
        match &self.source {
            Source::Held(held) => Some(held.clone()),
            _ => None,
        }
    }

    /// What others may read as well: the output of a process.
    pub fn shared_input(source: Shared<device::Source>) -> State {
        State::new(Source::Input(source), &[])
    }

    /// A pipe or device to write.
    pub fn device(host: &Host, sink: Sink) -> State {
        State::new(Source::Device(Arc::new(Mutex::new(sink))), &[]).counted(host)
    }

    /// With its descriptor counted, and garbage collected before there are none left.
    fn counted(mut self, host: &Host) -> State {
        let (in_use, collect) = host.with_extension::<Open, _>(Open::begin);
        self.in_use = Some(in_use);
        if collect {
            host.heap.request_full_collection();
        }
        self
    }

    /// What a filter makes of the rest of a stream, which has nothing left then.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn filtered_input(
        of: &Shared<State>,
        host: &Host,
        filter: Box<dyn Filter>,
    ) -> Result<State, StreamError> {
        let source = lock(of).reader(host)?;
        let source = match source {
            Some(source) => device::Source::filtered(&mut lock(&source), filter),
            None => {
                let rest = lock(of).take(Wanted::Rest(usize::MAX));
                device::Source::filtered(&mut device::Source::memory(rest), filter)
            }
        };
        Ok(State::new(Source::Input(Arc::new(Mutex::new(source))), &[]))
    }

    /// A stream that writes through a filter to another.
    ///
    /// # Errors
    /// Why that one cannot be written.
    pub fn filtered_output(
        to: Shared<State>,
        filter: Box<dyn Filter>,
    ) -> Result<State, StreamError> {
        lock(&to).check_writable()?;
        let filtered = Filtered {
            filter,
            to,
            finished: false,
        };
        Ok(State::new(Source::Filtered(filtered), &[]))
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
            Source::Output(_) | Source::Device(_) => "file-output",
            Source::Filtered(_) => "filter",
            Source::StandardInput => "stdin",
            Source::StandardOutput => "stdout",
            Source::StandardError => "stderr",
            #[cfg(feature = "net")]
            Source::Held(_) => "connection",
        }
    }

    /// Whether it reads or writes a file, or reads standard input: what may take a while.
    pub fn uses_system(&self) -> bool {
        if let Source::Filtered(filtered) = &self.source {
            return lock(&filtered.to).uses_system();
        }
        matches!(
            self.source,
            Source::Input(_) | Source::Output(_) | Source::Device(_) | Source::StandardInput
        )
    }

    /// Whether it reads a file, pipe or device.
    pub fn is_file(&self) -> bool {
        matches!(self.source, Source::Input(_))
    }

    /// What it reads through the system, if it does.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn reader(&self, host: &Host) -> Result<Option<Shared<device::Source>>, StreamError> {
        self.check_readable()?;
        Ok(match &self.source {
            Source::Input(source) => Some(source.clone()),
            Source::StandardInput => Some(input::source(host)),
            _ => None,
        })
    }

    /// Uses the next line that it reads through the system, if that line is there already.
    pub fn next_line<T>(&self, host: &Host, use_line: impl FnOnce(&[u8]) -> T) -> Option<T> {
        match &self.source {
            _ if self.closed => None,
            Source::Input(source) => lock(source).next_line().map(use_line),
            Source::StandardInput => lock(&input::source(host)).next_line().map(use_line),
            _ => None,
        }
    }

    /// What it writes to that may make its writer wait, if it does.
    pub fn sink(&self) -> Option<Shared<Sink>> {
        match &self.source {
            Source::Device(sink) => Some(sink.clone()),
            Source::Filtered(filtered) => lock(&filtered.to).sink(),
            _ => None,
        }
    }

    /// What is to be written in place of `bytes`: what a filter makes of them.
    ///
    /// # Errors
    /// That of the filter.
    pub fn encode<'b>(&mut self, bytes: &'b [u8]) -> Result<Cow<'b, [u8]>, StreamError> {
        let Source::Filtered(filtered) = &mut self.source else {
            return Ok(Cow::Borrowed(bytes));
        };
        let mut encoded = Vec::new();
        filtered.filter.push(bytes, &mut encoded)?;
        let encoded = lock(&filtered.to).encode(&encoded)?.into_owned();
        Ok(Cow::Owned(encoded))
    }

    /// Writes what is left over when nobody is there any more to tell.
    fn write_quietly(&mut self, bytes: &[u8]) {
        match &mut self.source {
            Source::Output(output) => {
                drop(output.empty().and_then(|()| output.file.write_all(bytes)));
            }
            Source::Device(sink) => lock(sink).put(bytes),
            Source::Filtered(filtered) => lock(&filtered.to).write_quietly(bytes),
            Source::Buffer if !self.closed => self.content.extend_from_slice(bytes),
            _ => {}
        }
    }

    /// What `stream/read` wants when it is to read `count` bytes: of files all of them, else what has come.
    pub fn wanted(&self, count: usize) -> Wanted {
        match &self.source {
            Source::Input(source) if lock(source).is_file() => Wanted::Whole(count),
            _ => Wanted::Some(count),
        }
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
            Source::Output(_)
            | Source::Device(_)
            | Source::Filtered(_)
            | Source::StandardOutput
            | Source::StandardError => {
                let (name, kind) = self.subject();
                Err(StreamError::WriteOnly(name, kind))
            }
            #[cfg(feature = "net")]
            Source::Held(_) => {
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
            #[cfg(feature = "net")]
            Source::Held(_) => {
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
    pub fn take(&mut self, wanted: Wanted) -> Vec<u8> {
        let unread = self.unread();
        let count = match wanted {
            Wanted::Some(count) | Wanted::Whole(count) | Wanted::Rest(count) => count,
            #[cfg(feature = "net")]
            Wanted::Lines(most) => {
                let last = unread.iter().take(most).rposition(|&byte| byte == b'\n');
                last.map_or_else(|| end_of_line(unread), |end| end + 1)
            }
            Wanted::Line => end_of_line(unread),
        };
        let taken = unread
            .get(..count.min(unread.len()))
            .unwrap_or_default()
            .to_vec();
        self.position += taken.len();
        taken
    }

    /// Writes bytes that have been [encoded](State::encode), unless it has a [`State::sink`].
    ///
    /// # Errors
    /// When the stream cannot be written.
    pub fn write(&mut self, host: &Host, bytes: &[u8]) -> Result<(), StreamError> {
        self.check_writable()?;
        match &mut self.source {
            Source::Output(output) => {
                output.empty()?;
                output.file.write_all(bytes)?;
            }
            Source::Device(sink) => lock(sink).put(bytes),
            Source::Filtered(filtered) => lock(&filtered.to).write(host, bytes)?,
            Source::StandardOutput => host.output.write(bytes),
            Source::StandardError => host.output.write_error(bytes),
            _ => {
                if self.content.len() + bytes.len() > LARGEST_BUFFER {
                    return Err(StreamError::TooLong(LARGEST_BUFFER));
                }
                if bytes.len() > self.content.capacity() - self.content.len() {
                    self.grow(host, bytes.len())?;
                }
                self.content.extend_from_slice(bytes);
            }
        }
        Ok(())
    }

    /// Makes room for more content, if the program may use so much.
    fn grow(&mut self, host: &Host, bytes: usize) -> Result<(), StreamError> {
        let needed = (self.content.len() + bytes).max(2 * self.content.capacity());
        // While it is moved there are both.
        if host.ask(needed).is_err() {
            return Err(StreamError::OutOfMemory);
        }
        self.content.reserve_exact(needed - self.content.len());
        if needed > LEAST_CHARGE {
            let charge = self
                .charge
                .get_or_insert_with(|| host.heap.account.charge());
            charge.set(needed);
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
            Source::Output(output) => {
                output.empty()?;
                output.file.flush()?;
            }
            Source::Filtered(filtered) => {
                let mut rest = Vec::new();
                filtered.filter.flush(&mut rest)?;
                let mut to = lock(&filtered.to);
                let encoded = to.encode(&rest)?;
                to.write(host, &encoded)?;
                to.flush(host)?;
            }
            Source::StandardOutput => host.output.flush(),
            _ => {}
        }
        Ok(())
    }

    /// Writes what a filter has kept back, and closes what it writes to.
    fn finish_filter(&mut self, host: &Host) -> Result<(), StreamError> {
        let Source::Filtered(filtered) = &mut self.source else {
            return self.flush(host);
        };
        let rest = filtered.finish()?;
        let mut to = lock(&filtered.to);
        let encoded = to.encode(&rest)?;
        to.write(host, &encoded)?;
        match to.source {
            Source::StandardOutput | Source::StandardError => to.flush(host),
            _ => to.close(host),
        }
    }

    /// Closes the stream; closing it again does nothing.
    ///
    /// # Errors
    /// When what was written cannot be handed to the system; the stream is closed all the same.
    pub fn close(&mut self, host: &Host) -> Result<(), StreamError> {
        if self.closed {
            return Ok(());
        }
        let flushed = self.finish_filter(host);
        self.closed = true;
        // Gives memory and files back. A byte buffer keeps its content for `stream/to-bytes`; the
        // type's name is kept in the stream object.
        if !matches!(self.source, Source::Buffer) {
            // A process has its output, too; it is to see that nobody reads it any more.
            if let Source::Input(shared) = &self.source {
                *lock(shared) = device::Source::memory(Vec::new());
            }
            self.content = Vec::new();
            self.charge = None;
            self.in_use = None;
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
            Source::Input(source) => lock(source).is_available(),
            _ => false,
        }
    }
}

/// How long the first line is, with its end.
fn end_of_line(unread: &[u8]) -> usize {
    let end = position_of(unread, b'\n');
    end.map_or(unread.len(), |end| end + 1)
}
