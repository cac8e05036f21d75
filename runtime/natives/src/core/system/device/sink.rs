//! Where bytes go.

use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

#[cfg(feature = "net")]
use rustix::fs::FileType;
use rustix::io::Errno;
use sema_machine::host::Host;
use sema_machine::host::condition::Outcome;
use sema_machine::platform::descriptors::{Descriptor, Interest};
use sema_machine::platform::files::{self, Special};
use sema_machine::task::{Asking, Await, Pending};

use super::{BUFFERED, Line, NO_READER, Shared, Step, TURN, lock};

/// Something to write that may make its writer wait: a pipe, a terminal, a device.
pub struct Sink {
    descriptor: Descriptor,
    buffer: Vec<u8>,
    written: usize,
    /// Who writes.
    pub line: Line,
}

impl Sink {
    /// The end of a pipe that is written.
    ///
    /// # Errors
    /// The system's answer.
    pub fn pipe(end: OwnedFd) -> io::Result<Sink> {
        files::never_wait(&end)?;
        Ok(Sink {
            descriptor: Descriptor::Shared(Arc::new(end)),
            buffer: Vec::new(),
            written: 0,
            line: Line::default(),
        })
    }

    /// What was standard output. Only what is no terminal or file is made not to block: others share those.
    ///
    /// # Errors
    /// The system's answer.
    #[cfg(feature = "net")]
    pub fn standard(end: OwnedFd) -> io::Result<Sink> {
        let kind = FileType::from_raw_mode(rustix::fs::fstat(&end)?.st_mode);
        if matches!(kind, FileType::Fifo | FileType::Socket) {
            return Sink::pipe(end);
        }
        Ok(Sink {
            descriptor: Descriptor::Shared(Arc::new(end)),
            buffer: Vec::new(),
            written: 0,
            line: Line::default(),
        })
    }

    /// What is written.
    pub fn descriptor(&self) -> Descriptor {
        self.descriptor.clone()
    }

    /// Takes bytes to write.
    pub fn put(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Writes what has been put, all of it or until little is left, as far as that is possible without waiting.
    pub fn write(&mut self, host: &Host, all: bool) -> Step<()> {
        let mut total = 0;
        loop {
            let rest = self.buffer.get(self.written..).unwrap_or_default();
            if rest.is_empty() || !all && rest.len() < BUFFERED {
                self.buffer.drain(..self.written);
                self.written = 0;
                return Step::Done(Ok(()));
            }
            if total >= TURN && host.scheduler.others_could_run() {
                return Step::Wait(Await::Turn);
            }
            match rustix::io::write(&self.descriptor, rest) {
                Ok(count) => {
                    self.written += count;
                    total += count;
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    return Step::Wait(Await::Ready(self.descriptor.clone(), Interest::Write));
                }
                Err(error) => {
                    self.buffer.clear();
                    self.written = 0;
                    return Step::Done(Err(error.into()));
                }
            }
        }
    }
}

impl Drop for Sink {
    /// What is buffered is written if that is possible without waiting.
    fn drop(&mut self) {
        while let Some(rest) = self
            .buffer
            .get(self.written..)
            .filter(|rest| !rest.is_empty())
        {
            match rustix::io::write(self.descriptor.as_fd(), rest) {
                Ok(count) => self.written += count,
                Err(Errno::INTR) => {}
                // Nobody is left to tell.
                Err(_) => return,
            }
        }
    }
}

/// Writing.
struct Write<F> {
    sink: Shared<Sink>,
    /// What to write; taken when its turn has come.
    bytes: Option<Vec<u8>>,
    all: bool,
    number: u64,
    result: io::Result<()>,
    finish: Option<F>,
}

impl<F> Pending for Write<F>
where
    F: FnOnce(&Host, io::Result<()>) -> Outcome + Send,
{
    fn advance(&mut self, asking: &Asking<'_>) -> Await {
        self.number = asking.number;
        let mut sink = lock(&self.sink);
        if !sink.line.enter(asking) {
            return Await::Completion;
        }
        if let Some(bytes) = self.bytes.take() {
            sink.put(&bytes);
        }
        match sink.write(asking.host, self.all) {
            Step::Wait(awaits) => awaits,
            Step::Done(result) => {
                sink.line.leave(self.number);
                self.result = result;
                Await::Done
            }
        }
    }

    fn finish(mut self: Box<Self>, host: &Host) -> Outcome {
        let result = std::mem::replace(&mut self.result, Ok(()));
        match self.finish.take() {
            Some(finish) => finish(host, result),
            None => Ok(sema_machine::memory::value::Value::NIL),
        }
    }
}

impl<F> Drop for Write<F> {
    fn drop(&mut self) {
        lock(&self.sink).line.leave(self.number);
    }
}

/// Puts bytes into a sink that tasks share and writes it, all of it or until little is left.
///
/// # Errors
/// Those of `finish`, and the signal to wait.
pub fn write<F>(host: &Host, sink: &Shared<Sink>, bytes: Vec<u8>, all: bool, finish: F) -> Outcome
where
    F: FnOnce(&Host, io::Result<()>) -> Outcome + Send + 'static,
{
    host.wait_for(Write {
        sink: sink.clone(),
        bytes: Some(bytes),
        all,
        number: 0,
        result: Ok(()),
        finish: Some(finish),
    })
}

/// Opening to write. A pipe has to have a reader.
struct OpenSink<F> {
    path: String,
    result: Option<io::Result<Sink>>,
    finish: F,
}

impl<F> Pending for OpenSink<F>
where
    F: FnOnce(&Host, io::Result<Sink>) -> Outcome + Send,
{
    fn advance(&mut self, _: &Asking<'_>) -> Await {
        let path = Path::new(&self.path);
        let opened = files::open_without_waiting(OpenOptions::new().write(true), path);
        let is_pipe = || files::special(path) == Some(Special::Pipe);
        self.result = Some(match opened {
            Err(error) if error.raw_os_error() == Some(Errno::NXIO.raw_os_error()) && is_pipe() => {
                return Await::Time(Instant::now() + NO_READER);
            }
            opened => opened.map(|file| Sink {
                descriptor: Descriptor::Shared(Arc::new(OwnedFd::from(file))),
                buffer: Vec::new(),
                written: 0,
                line: Line::default(),
            }),
        });
        Await::Done
    }

    fn finish(self: Box<Self>, host: &Host) -> Outcome {
        let missing = || Err(io::Error::from(io::ErrorKind::NotFound));
        (self.finish)(host, self.result.unwrap_or_else(missing))
    }
}

/// Opens what may make its writer wait.
///
/// # Errors
/// Those of `finish`, and the signal to wait.
pub fn open_sink<F>(host: &Host, path: &str, finish: F) -> Outcome
where
    F: FnOnce(&Host, io::Result<Sink>) -> Outcome + Send + 'static,
{
    host.wait_for(OpenSink {
        path: path.to_owned(),
        result: None,
        finish,
    })
}
