//! Bytes that come and go through descriptors that may make their reader or writer wait: standard input, pipes,
//! terminals, devices. Files are read through the same, they never wait.
//!
//! Operations on one descriptor stand in line: what comes goes to the task that has asked first.

mod line;
mod sink;

use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::filter::{Filter, Filtering};
use rustix::buffer::spare_capacity;
use rustix::io::Errno;
use sema_machine::data::bytes::position_of;
use sema_machine::host::Host;
use sema_machine::host::condition::Outcome;
use sema_machine::memory::account::Charge;
use sema_machine::platform::descriptors::{Descriptor, Interest, is_ready};
use sema_machine::platform::files::{self, Special};
use sema_machine::task::{Asking, Await, Pending};
use sema_vfs::EmbeddedFile;

pub use line::Line;
pub use sink::{Sink, open_sink, write};

/// Bytes that are asked for at once: for small pieces, and for lines and much.
const SMALL_PART: usize = 8 << 10;
const LARGE_PART: usize = 64 << 10;
/// Bytes of a buffer that count.
const LARGE_BUFFER: usize = 1 << 20;
/// Bytes that one operation reads or writes before other tasks have their turn.
const TURN: usize = 1 << 20;
/// Bytes that are kept before they are written.
const BUFFERED: usize = 8 << 10;
/// How often a pipe that nobody reads yet is tried.
const NO_READER: Duration = Duration::from_millis(10);

/// Something that operations of several tasks share.
pub type Shared<T> = Arc<Mutex<T>>;

/// Locks what operations share. All of them run on the machine's thread, one after the other.
pub fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What makes two names or descriptors those of one file: device and number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileIdentity(u64, u64);

/// Which file a descriptor is about.
pub fn identity(descriptor: impl AsFd) -> Option<FileIdentity> {
    let found = rustix::fs::fstat(descriptor).ok()?;
    Some(FileIdentity(found.st_dev as u64, found.st_ino as u64))
}

/// Which file a path names.
pub fn identity_of(path: &str) -> Option<FileIdentity> {
    let (device, number) = files::identity(Path::new(path))?;
    Some(FileIdentity(device, number))
}

/// What a reader asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// At least one byte and at most so many.
    Some(usize),
    /// So many, fewer only at the end.
    Whole(usize),
    /// A line with its end.
    Line,
    /// As many whole lines as there are in so many bytes, but at least one.
    #[cfg(feature = "net")]
    Lines(usize),
    /// Everything, but at most so many.
    Rest(usize),
}

/// How far a read or write has come.
pub enum Step<T> {
    /// It is done.
    Done(io::Result<T>),
    /// It has to wait.
    Wait(Await),
}

/// Something to read.
pub struct Source {
    /// `None`: only what is buffered.
    descriptor: Option<Descriptor>,
    /// A file of the bundle, which has no descriptor.
    embedded: Option<Box<EmbeddedFile>>,
    /// What another thread brings.
    #[cfg(feature = "net")]
    pub(super) arrivals: Option<Box<dyn super::arrivals::Arrivals>>,
    /// Whether a read may have to wait.
    pub(super) may_wait: bool,
    pub(super) buffer: Vec<u8>,
    start: usize,
    /// Bytes from `start` that are known to hold no line feed.
    scanned: usize,
    at_end: bool,
    met_end: bool,
    pub(super) filtering: Option<Box<Filtering>>,
    /// What a large buffer takes.
    charge: Option<Charge>,
    /// Who reads.
    pub line: Line,
}

impl Source {
    fn new(descriptor: Option<Descriptor>, may_wait: bool, buffer: Vec<u8>) -> Source {
        Source {
            descriptor,
            embedded: None,
            #[cfg(feature = "net")]
            arrivals: None,
            may_wait,
            buffer,
            start: 0,
            scanned: 0,
            at_end: false,
            met_end: false,
            filtering: None,
            charge: None,
            line: Line::default(),
        }
    }

    /// What a filter makes of the rest of another source, which has nothing left then.
    pub fn filtered(of: &mut Source, filter: Box<dyn Filter>) -> Source {
        let unread = of.buffer.split_off(of.start.min(of.buffer.len()));
        of.buffer.clear();
        of.start = 0;
        of.scanned = 0;
        let descriptor = of.descriptor.take();
        let mut source = Source::new(descriptor, of.may_wait, Vec::new());
        source.embedded = of.embedded.take();
        #[cfg(feature = "net")]
        {
            source.arrivals = of.arrivals.take();
        }
        let filtering = Filtering::new(filter, unread, of.filtering.take());
        source.filtering = Some(Box::new(filtering));
        source
    }

    /// The process's standard input.
    pub fn standard_input() -> Source {
        let input = Descriptor::StandardInput;
        let is_file = rustix::fs::fstat(&input).is_ok_and(|metadata| {
            rustix::fs::FileType::from_raw_mode(metadata.st_mode)
                == rustix::fs::FileType::RegularFile
        });
        Source::new(Some(input), !is_file, Vec::new())
    }

    /// The end of a pipe that is read.
    pub fn pipe(end: OwnedFd) -> Source {
        Source::new(Some(Descriptor::Shared(Arc::new(end))), true, Vec::new())
    }

    /// Given bytes.
    pub fn memory(bytes: Vec<u8>) -> Source {
        Source::new(None, false, bytes)
    }

    /// A file of the bundle.
    pub fn embedded(file: EmbeddedFile) -> Source {
        let mut source = Source::new(None, false, Vec::new());
        source.embedded = Some(Box::new(file));
        source
    }

    /// Opens a file. A pipe need not have a writer yet: reading waits for one.
    ///
    /// # Errors
    /// The system's answer.
    pub fn open(path: &str) -> io::Result<Source> {
        let file = files::open_without_waiting(OpenOptions::new().read(true), Path::new(path))?;
        let may_wait = !file.metadata()?.is_file();
        let descriptor = Descriptor::Shared(Arc::new(OwnedFd::from(file)));
        Ok(Source::new(Some(descriptor), may_wait, Vec::new()))
    }

    /// Whether it is a file that never makes its reader wait.
    pub fn is_file(&self) -> bool {
        !self.may_wait
    }

    /// Which file it reads.
    pub fn identity(&self) -> Option<FileIdentity> {
        self.descriptor.as_ref().and_then(identity)
    }

    /// Whether a read has met the end.
    pub fn met_end(&self) -> bool {
        self.met_end
    }

    /// Whether bytes can certainly be read at once.
    pub fn is_available(&self) -> bool {
        self.start < self.buffer.len()
    }

    /// The next line with its end, if it is buffered and no operation waits for it: most lines are, and need no operation then.
    pub fn next_line(&mut self) -> Option<&[u8]> {
        if !self.line.is_empty() {
            return None;
        }
        let line = self.start..self.start + self.whole_line()?;
        self.start = line.end;
        self.scanned = 0;
        self.at_end = false;
        self.buffer.get(line)
    }

    fn take(&mut self, wanted: Wanted) -> Option<Vec<u8>> {
        let unread = self.buffer.get(self.start..).unwrap_or_default();
        let count = match wanted {
            Wanted::Some(0) => 0,
            Wanted::Some(most) if !unread.is_empty() => most.min(unread.len()),
            Wanted::Whole(count) | Wanted::Rest(count) if unread.len() >= count => count,
            Wanted::Line => self.end_of_line()?,
            #[cfg(feature = "net")]
            Wanted::Lines(most) => {
                let last = unread.iter().take(most).rposition(|byte| *byte == b'\n');
                match last {
                    Some(end) => end + 1,
                    None => self.end_of_line()?,
                }
            }
            _ => self.end_of(unread.len())?,
        };
        self.scanned = 0;
        let taken = if self.start == 0 && count == self.buffer.len() {
            std::mem::take(&mut self.buffer)
        } else {
            let end = self.start + count;
            let taken = self
                .buffer
                .get(self.start..end)
                .unwrap_or_default()
                .to_vec();
            self.start = end;
            taken
        };
        if self.start >= self.buffer.len() {
            self.buffer.clear();
            self.start = 0;
        }
        self.met_end |= match wanted {
            Wanted::Some(most) => taken.is_empty() && most > 0,
            Wanted::Whole(count) | Wanted::Rest(count) => taken.len() < count,
            Wanted::Line => taken.last() != Some(&b'\n'),
            #[cfg(feature = "net")]
            Wanted::Lines(_) => taken.last() != Some(&b'\n'),
        };
        // A terminal may go on after an end.
        self.at_end = false;
        Some(taken)
    }

    /// Where the first line ends; `None` if that is not known yet.
    fn end_of_line(&mut self) -> Option<usize> {
        let whole = self.whole_line();
        whole.or_else(|| self.end_of(self.buffer.len().saturating_sub(self.start)))
    }

    /// The same; `None`, too, if its end has not come. Nothing is looked at twice.
    fn whole_line(&mut self) -> Option<usize> {
        let unread = self.buffer.get(self.start..).unwrap_or_default();
        let unseen = unread.get(self.scanned..).unwrap_or_default();
        match position_of(unseen, b'\n') {
            Some(end) => Some(self.scanned + end + 1),
            None => {
                self.scanned = unread.len();
                None
            }
        }
    }

    fn end_of(&self, unread: usize) -> Option<usize> {
        self.at_end.then_some(unread)
    }

    /// Makes room for more in the buffer.
    pub(super) fn compact(&mut self) {
        // What is moved is less than what has been read since it was moved last.
        if self.start >= self.buffer.len() - self.start.min(self.buffer.len()) {
            self.buffer.drain(..self.start.min(self.buffer.len()));
            self.start = 0;
        }
    }

    /// Gives the filter its next piece, if there is one; how much it was.
    fn feed(&mut self) -> io::Result<usize> {
        let Some(filtering) = &mut self.filtering else {
            return Ok(0);
        };
        let count = filtering.feed(&mut self.buffer)?;
        self.compact();
        Ok(count)
    }

    /// The descriptor has nothing more.
    fn end(&mut self) -> io::Result<()> {
        let more = match &mut self.filtering {
            Some(filtering) => filtering.finish(&mut self.buffer)?,
            None => false,
        };
        self.at_end = !more;
        Ok(())
    }

    /// Reads more into the buffer, or for the filter; how much.
    fn fill(&mut self, descriptor: &Descriptor, wanted: Wanted) -> rustix::io::Result<usize> {
        if let Some(filtering) = &mut self.filtering {
            let room = filtering.room(LARGE_PART);
            return rustix::io::read(descriptor, spare_capacity(room));
        }
        self.compact();
        let part = match wanted {
            Wanted::Whole(count) | Wanted::Rest(count) if count > SMALL_PART => LARGE_PART,
            Wanted::Line => LARGE_PART,
            _ => SMALL_PART,
        };
        self.buffer.reserve(part);
        rustix::io::read(descriptor, spare_capacity(&mut self.buffer))
    }

    /// Reads more of a file of the bundle, as [`Source::fill`] does of a descriptor; `None`: it reads none.
    fn fill_embedded(&mut self) -> Option<io::Result<usize>> {
        let mut file = self.embedded.take()?;
        let room = match &mut self.filtering {
            Some(filtering) => filtering.room(LARGE_PART),
            None => {
                self.compact();
                &mut self.buffer
            }
        };
        let end = room.len();
        room.resize(end + LARGE_PART, 0);
        let part = room.get_mut(end..).unwrap_or_default();
        let count = io::Read::read(&mut file, part);
        room.truncate(end + count.as_ref().map_or(0, |count| *count));
        self.embedded = Some(file);
        Some(count)
    }

    /// Reads what has come into the buffer, without waiting, until that holds `most` bytes or, roughly, a turn's worth
    /// has come; whether there may be more at once. At the end the descriptor is closed.
    ///
    /// # Errors
    /// The system's answer, and the filter's.
    pub fn drain(&mut self, most: usize) -> io::Result<bool> {
        let mut total = 0;
        while self.buffer.len() - self.start < most {
            let Some(descriptor) = self.descriptor.clone() else {
                return Ok(false);
            };
            if !is_ready(&descriptor, Interest::Read) {
                return Ok(false);
            }
            if total >= TURN {
                return Ok(true);
            }
            match self.fill(&descriptor, Wanted::Rest(usize::MAX)) {
                Ok(0) => self.descriptor = None,
                Ok(count) => total += count,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(false)
    }

    /// Everything that is buffered.
    pub fn take_buffered(&mut self) -> Vec<u8> {
        let count = self.buffer.len() - self.start;
        self.take(Wanted::Some(count)).unwrap_or_default()
    }

    /// Puts bytes back that were taken and not used.
    pub fn put_back(&mut self, bytes: &[u8]) {
        self.buffer
            .splice(self.start..self.start, bytes.iter().copied());
        self.scanned = 0;
    }

    /// What is buffered, which stays so.
    pub fn peek(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// Forgets some of what is buffered.
    pub fn skip(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.buffer.len());
        self.scanned = 0;
    }

    /// Somebody has read and met the end.
    pub fn meet_end(&mut self) {
        self.met_end = true;
    }

    /// How many bytes are buffered.
    pub fn buffered(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// What is read; `None` at the end of what has a descriptor, and for given bytes.
    pub fn descriptor(&self) -> Option<Descriptor> {
        self.descriptor.clone()
    }

    /// Whether more may be read: the buffer may have to be moved to grow, and a value is made of it in the end.
    pub(super) fn has_room(&mut self, host: &Host) -> bool {
        if self.buffer.capacity() < LARGE_BUFFER {
            if self.charge.take().is_some() {
                self.buffer.shrink_to(LARGE_PART);
            }
            return true;
        }
        let charge = self
            .charge
            .get_or_insert_with(|| host.heap.account.charge());
        charge.set(self.buffer.capacity());
        let unread = self.buffer.len() - self.start.min(self.buffer.len());
        let grows = self.buffer.len() + LARGE_PART > self.buffer.capacity();
        let wanted = unread + if grows { 2 * self.buffer.len() } else { 0 };
        if host.ask(wanted).is_ok() {
            return true;
        }
        // What nobody can take is lost, or the next attempt would fail, too.
        self.buffer = Vec::new();
        self.start = 0;
        self.scanned = 0;
        self.charge = None;
        false
    }

    /// Reads what is wanted as far as that is possible without waiting.
    pub fn read(&mut self, host: &Host, wanted: Wanted) -> Step<Vec<u8>> {
        let mut total = 0;
        loop {
            if let Some(bytes) = self.take(wanted) {
                return Step::Done(Ok(bytes));
            }
            if total >= TURN && host.scheduler.others_could_run() {
                return Step::Wait(Await::Turn);
            }
            match self.feed() {
                Ok(0) => {}
                Ok(count) => {
                    total += count;
                    continue;
                }
                Err(error) => return Step::Done(Err(error)),
            }
            #[cfg(feature = "net")]
            match self.arrive(host) {
                None => {}
                Some(Ok(Some(count))) => {
                    total += count;
                    continue;
                }
                Some(Ok(None)) => return Step::Wait(Await::Completion),
                Some(Err(error)) => return Step::Done(Err(error)),
            }
            let Some(descriptor) = self.descriptor.clone() else {
                if self.embedded.is_some() && !self.has_room(host) {
                    return Step::Done(Err(io::ErrorKind::OutOfMemory.into()));
                }
                let ended = match self.fill_embedded() {
                    None | Some(Ok(0)) => self.end(),
                    Some(Ok(count)) => {
                        total += count;
                        continue;
                    }
                    Some(Err(error)) => Err(error),
                };
                match ended {
                    Ok(()) => continue,
                    Err(error) => return Step::Done(Err(error)),
                }
            };
            if matches!(descriptor, Descriptor::StandardInput) {
                // A prompt is seen before its answer is waited for.
                host.output.flush();
            }
            if self.may_wait && !is_ready(&descriptor, Interest::Read) {
                return Step::Wait(Await::Ready(descriptor, Interest::Read));
            }
            if !self.has_room(host) {
                return Step::Done(Err(io::ErrorKind::OutOfMemory.into()));
            }
            match self.fill(&descriptor, wanted) {
                Ok(0) => {
                    if let Err(error) = self.end() {
                        return Step::Done(Err(error));
                    }
                }
                Ok(count) => total += count,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    return Step::Wait(Await::Ready(descriptor, Interest::Read));
                }
                Err(error) => return Step::Done(Err(error.into())),
            }
        }
    }
}

/// Whether something exists under this path that may make a reader or writer wait.
pub fn may_wait(path: &str) -> bool {
    files::special(Path::new(path)).is_some_and(|special| special != Special::Socket)
}

/// Reading.
struct Read<F> {
    source: Shared<Source>,
    wanted: Wanted,
    number: u64,
    result: Option<io::Result<Vec<u8>>>,
    finish: Option<F>,
}

impl<F> Pending for Read<F>
where
    F: FnOnce(&Host, io::Result<Vec<u8>>) -> Outcome + Send,
{
    fn advance(&mut self, asking: &Asking<'_>) -> Await {
        self.number = asking.number;
        let mut source = lock(&self.source);
        if !source.line.enter(asking) {
            return Await::Completion;
        }
        #[cfg(feature = "net")]
        source.note(asking);
        match source.read(asking.host, self.wanted) {
            Step::Wait(awaits) => awaits,
            Step::Done(result) => {
                source.line.leave(self.number);
                self.result = Some(result);
                Await::Done
            }
        }
    }

    fn finish(mut self: Box<Self>, host: &Host) -> Outcome {
        let result = self.result.take().unwrap_or_else(|| Ok(Vec::new()));
        if let Err(error) = &result
            && error.kind() == io::ErrorKind::OutOfMemory
        {
            return Err(host.out_of_memory().signal());
        }
        match self.finish.take() {
            Some(finish) => finish(host, result),
            None => Ok(sema_machine::memory::value::Value::NIL),
        }
    }
}

impl<F> Drop for Read<F> {
    fn drop(&mut self) {
        lock(&self.source).line.leave(self.number);
    }
}

/// Reads from a source that tasks share; `finish` makes a value of the bytes.
///
/// # Errors
/// Those of `finish`, and the signal to wait.
pub fn read<F>(host: &Host, source: &Shared<Source>, wanted: Wanted, finish: F) -> Outcome
where
    F: FnOnce(&Host, io::Result<Vec<u8>>) -> Outcome + Send + 'static,
{
    host.wait_for(Read {
        source: source.clone(),
        wanted,
        number: 0,
        result: None,
        finish: Some(finish),
    })
}
