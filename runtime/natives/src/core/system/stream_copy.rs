//! Copying one stream to another, each of which may make its user wait.

use super::device::{self, Shared, Sink, Step, Wanted, lock};
use super::stream_state::{State, StreamError};
use super::streams::failed;
use super::streams::too_much;
use sema_machine::host::Host;
use sema_machine::host::condition::{Outcome, Signal};
use sema_machine::memory::value::Value;
use sema_machine::task::{Asking, Await, Pending};

/// Bytes that are moved at once.
const BLOCK: usize = 8 << 10;
/// Bytes after which other tasks have their turn.
const TURN: usize = 1 << 20;

/// `stream/copy`: copies what remains of a stream to another, up to a limit.
pub struct Copy {
    from: Shared<State>,
    to: Shared<State>,
    /// Where the bytes come from, if not from memory.
    source: Option<Shared<device::Source>>,
    /// Where they go, if that may take a while.
    sink: Option<Shared<Sink>>,
    limit: usize,
    copied: usize,
    /// What has been read and not written.
    part: Vec<u8>,
    number: u64,
    result: Result<(), Failure>,
}

/// Why copying ended early.
enum Failure {
    Read(StreamError),
    Write(StreamError),
    TooMuch,
}

impl Copy {
    /// A copy that has not begun.
    pub fn new(
        from: Shared<State>,
        to: Shared<State>,
        source: Option<Shared<device::Source>>,
        sink: Option<Shared<Sink>>,
        limit: usize,
    ) -> Copy {
        Copy {
            from,
            to,
            source,
            sink,
            limit,
            copied: 0,
            part: Vec::new(),
            number: 0,
            result: Ok(()),
        }
    }

    /// Copies between streams in memory.
    ///
    /// # Errors
    /// The copy's condition.
    pub fn at_once(mut self, host: &Host) -> Outcome {
        while !matches!(self.advance(&Asking { host, number: 0 }), Await::Done) {}
        Box::new(self).finish(host)
    }

    /// Writes the part that has been read; what to wait for, if that takes a while.
    fn write(&mut self, asking: &Asking<'_>) -> Result<Option<Await>, Failure> {
        let Some(sink) = &self.sink else {
            let part = std::mem::take(&mut self.part);
            // A copy of nothing does not ask whether the target can be written.
            if part.is_empty() {
                return Ok(None);
            }
            let mut to = lock(&self.to);
            let written = to
                .check_writable()
                .and_then(|()| to.encode(&part))
                .and_then(|part| to.write(asking.host, &part));
            return written.map(|()| None).map_err(Failure::Write);
        };
        let mut sink = lock(sink);
        if !sink.line.enter(asking) {
            return Ok(Some(Await::Completion));
        }
        let part = std::mem::take(&mut self.part);
        if !part.is_empty() {
            let part = lock(&self.to).encode(&part).map_err(Failure::Write)?;
            sink.put(&part);
        }
        match sink.write(asking.host, false) {
            Step::Wait(awaits) => Ok(Some(awaits)),
            Step::Done(Ok(())) => Ok(None),
            Step::Done(Err(error)) => Err(Failure::Write(error.into())),
        }
    }

    /// Reads the next part; what to wait for, if that takes a while.
    fn read(&mut self, asking: &Asking<'_>) -> Result<Option<Await>, Failure> {
        // One byte more than is allowed tells that there is too much; what lies behind it stays.
        let wanted = (self.limit - self.copied).saturating_add(1).min(BLOCK);
        let wanted = Wanted::Some(wanted);
        let Some(source) = &self.source else {
            let mut from = lock(&self.from);
            from.check_readable().map_err(Failure::Read)?;
            self.part = from.take(wanted);
            return Ok(None);
        };
        let mut source = lock(source);
        if !source.line.enter(asking) {
            return Ok(Some(Await::Completion));
        }
        #[cfg(feature = "net")]
        source.note(asking);
        match source.read(asking.host, wanted) {
            Step::Wait(awaits) => Ok(Some(awaits)),
            Step::Done(Ok(part)) => {
                self.part = part;
                Ok(None)
            }
            Step::Done(Err(error)) => Err(Failure::Read(error.into())),
        }
    }

    fn go_on(&mut self, asking: &Asking<'_>) -> Result<Await, Failure> {
        let from = self.copied;
        loop {
            if let Some(awaits) = self.write(asking)? {
                return Ok(awaits);
            }
            if self.copied - from >= TURN && asking.host.scheduler.others_could_run() {
                return Ok(Await::Turn);
            }
            if let Some(awaits) = self.read(asking)? {
                return Ok(awaits);
            }
            if self.part.is_empty() {
                return Ok(Await::Done);
            }
            // A buffer that is copied to itself grows as fast as it is read, up to any limit.
            let is_endless = std::sync::Arc::ptr_eq(&self.from, &self.to);
            if self.part.len() > self.limit - self.copied || is_endless {
                return Err(Failure::TooMuch);
            }
            self.copied += self.part.len();
        }
    }

    fn failure(&self, failure: &Failure) -> Box<Signal> {
        match failure {
            Failure::Read(error) => failed("stream/read", error),
            Failure::Write(error) => failed("stream/write", error),
            Failure::TooMuch => too_much("stream/copy", lock(&self.from).is_file(), self.limit),
        }
    }
}

impl Pending for Copy {
    fn advance(&mut self, asking: &Asking<'_>) -> Await {
        self.number = asking.number;
        match self.go_on(asking) {
            Ok(awaits) => awaits,
            Err(failure) => {
                self.result = Err(failure);
                Await::Done
            }
        }
    }

    fn finish(self: Box<Self>, _: &Host) -> Outcome {
        match &self.result {
            Ok(()) => Ok(Value::index(self.copied)),
            Err(failure) => Err(self.failure(failure)),
        }
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        if let Some(source) = &self.source {
            lock(source).line.leave(self.number);
        }
        if let Some(sink) = &self.sink {
            lock(sink).line.leave(self.number);
        }
    }
}
