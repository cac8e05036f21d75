//! Bytes that a task writes while the engine sends them.
//!
//! The machine writes, the engine sends. What is kept between them is bounded: a peer that does not read makes
//! the task wait.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use hyper::body::Bytes;

use super::post::Post;
use super::pulse::{Offer, Pulse};
use super::round;
use super::work::Work;
use crate::core::system::device::lock;
use sema_machine::host::Host;
use sema_machine::host::condition::Outcome;
use sema_machine::memory::value::Value;
use sema_machine::task::{Asking, Await, Completer, Pending};

/// Bytes that are kept for the peer before the writer is made to wait.
const MOST_KEPT: usize = 256 << 10;

#[derive(Default)]
struct State {
    parts: VecDeque<Bytes>,
    bytes: usize,
    /// Whether all has been written.
    is_complete: bool,
    writer_is_gone: bool,
    writer: Vec<Completer>,
    sender: Option<Waker>,
    sender_is_gone: bool,
    /// Whether what was written before the writer went has had its chance to be sent.
    is_flushed: bool,
    /// The connection that it is sent on, if somebody looks after that.
    carrier: Option<Arc<Pulse>>,
    /// What the connection knows of parts that are kept.
    offer: Option<Offer>,
    /// When this is over nobody waits for more.
    until: Option<Work>,
    /// What is to be done when nobody will send any more what is not complete.
    when_gone: Option<Box<dyn FnOnce() + Send>>,
}

impl State {
    /// Tells the connection whether parts are kept.
    fn offer(&mut self) {
        self.offer = match &self.carrier {
            Some(carrier) if !self.parts.is_empty() => {
                self.offer.take().or_else(|| Some(carrier.offer()))
            }
            _ => None,
        };
    }

    fn wake_sender(&mut self, post: &Post) {
        if let Some(sender) = self.sender.take() {
            post.wake(sender);
        }
    }
}

/// Tells those who wait to write, who then want the lock.
fn wake_writers(mut state: MutexGuard<'_, State>) {
    let writers = std::mem::take(&mut state.writer);
    drop(state);
    for writer in writers {
        round::tell(writer);
    }
}

/// The machine's end. Dropped before it is [complete](Writer::complete), it makes the peer see that something is missing.
pub struct Writer {
    shared: Arc<Mutex<State>>,
    post: Arc<Post>,
}

/// The engine's end.
pub struct Outgoing {
    shared: Arc<Mutex<State>>,
}

/// Both ends. What is written wakes the task that sends it by `post`.
pub fn outgoing(post: &Arc<Post>) -> (Writer, Outgoing) {
    let shared = Arc::<Mutex<State>>::default();
    let outgoing = Outgoing {
        shared: shared.clone(),
    };
    let writer = Writer {
        shared,
        post: post.clone(),
    };
    (writer, outgoing)
}

impl Writer {
    /// Writing bytes: it waits while too much is kept, and gives whether anybody still wants them.
    pub fn writing(&self, part: Bytes) -> impl Pending + use<> {
        Write {
            shared: self.shared.clone(),
            post: self.post.clone(),
            part: Some(part),
            is_wanted: false,
        }
    }

    /// Writes bytes, however much is kept.
    #[cfg(test)]
    pub fn put(&self, part: Vec<u8>) {
        let mut state = lock(&self.shared);
        state.bytes += part.len();
        state.parts.push_back(Bytes::from(part));
    }

    /// All has been written.
    pub fn complete(&self) {
        let mut state = lock(&self.shared);
        state.is_complete = true;
        state.wake_sender(&self.post);
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let mut state = lock(&self.shared);
        state.writer_is_gone = true;
        state.wake_sender(&self.post);
    }
}

/// Writing.
struct Write {
    shared: Arc<Mutex<State>>,
    post: Arc<Post>,
    /// `None`: it has been written.
    part: Option<Bytes>,
    is_wanted: bool,
}

impl Pending for Write {
    fn advance(&mut self, asking: &Asking<'_>) -> Await {
        let mut state = lock(&self.shared);
        if state.sender_is_gone {
            return Await::Done;
        }
        if state.bytes >= MOST_KEPT {
            state.writer.push(asking.completer());
            return Await::Completion;
        }
        if let Some(part) = self.part.take().filter(|part| !part.is_empty()) {
            state.bytes += part.len();
            state.parts.push_back(part);
            state.offer();
            state.wake_sender(&self.post);
        }
        self.is_wanted = true;
        Await::Done
    }

    fn finish(self: Box<Self>, _: &Host) -> Outcome {
        Ok(Value::bool(self.is_wanted))
    }
}

/// The writer has gone before all was written.
#[derive(Debug, thiserror::Error)]
#[error("the body was not completed")]
pub struct Incomplete;

impl Outgoing {
    /// What is to be done if it is dropped before it is complete.
    pub fn when_gone(&self, act: impl FnOnce() + Send + 'static) {
        lock(&self.shared).when_gone = Some(Box::new(act));
    }

    /// It ends with what has been written until this is over: there is always more that could come.
    pub fn ends_by(&self, over: impl Future<Output = ()> + Send + 'static) {
        lock(&self.shared).until = Some(Box::pin(over));
    }

    /// It is sent on this connection, which is to know when something lies ready.
    pub fn carried_by(&mut self, connection: &Arc<Pulse>) {
        let mut state = lock(&self.shared);
        state.carrier = Some(connection.clone());
        state.offer();
    }

    /// The next part; `None` at the end.
    pub fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Incomplete>>> {
        let mut state = lock(&self.shared);
        if let Some(part) = state.parts.pop_front() {
            state.bytes -= part.len();
            state.offer();
            wake_writers(state);
            return Poll::Ready(Some(Ok(part)));
        }
        if state.is_complete {
            return Poll::Ready(None);
        }
        if state.writer_is_gone {
            if !state.is_flushed {
                // An error makes the connection drop what it has not sent yet. It sends that when there is nothing more to come.
                state.is_flushed = true;
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            return Poll::Ready(Some(Err(Incomplete)));
        }
        state.sender = Some(context.waker().clone());
        let Some(until) = &mut state.until else {
            return Poll::Pending;
        };
        until.as_mut().poll(context).map(|()| None)
    }

    /// Whether there is nothing left to send.
    pub fn has_ended(&self) -> bool {
        let state = lock(&self.shared);
        state.is_complete && state.parts.is_empty()
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        let mut state = lock(&self.shared);
        state.sender_is_gone = true;
        state.parts.clear();
        state.offer();
        let is_over = state.is_complete || state.writer_is_gone;
        let act = state.when_gone.take().filter(|_| !is_over);
        wake_writers(state);
        if let Some(act) = act {
            act();
        }
    }
}
