//! One request and its answer, as they go between the engine and the machine.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use hyper::Response;
use hyper::http::{HeaderMap, Method, StatusCode, Uri};
use hyper::upgrade::OnUpgrade;

use super::Server;
use super::files::Conditions;
use super::workers::{Seat, Turn};
use crate::core::system::device::lock;
use crate::net::http::engine::body::Payload;
use crate::net::http::engine::budget::Held;
use crate::net::http::engine::incoming::Incoming;
use crate::net::http::engine::parcel::Giver;
use crate::net::http::engine::round;
use sema_machine::host::Host;
use sema_machine::host::condition::Outcome;
use sema_machine::memory::value::Value;
use sema_machine::task::{Asking, Await, Completer, Pending};

/// A request as plain data.
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path as it was sent, and the query.
    pub target: Uri,
    /// The header fields.
    pub headers: HeaderMap,
    /// What was sent.
    pub body: Body,
    /// The address of who has sent it.
    pub peer: Arc<str>,
}

/// The body of a request.
pub enum Body {
    /// All of it.
    Bytes(Held),
    /// What is still to come.
    Stream(Incoming),
}

/// What a request waits for.
pub struct Responder {
    /// Where the answer goes; dropped without one, the answer is 500.
    pub answer: Giver<Response<Payload>>,
    /// What the request says about files.
    pub conditions: Conditions,
    /// What the request asks a WebSocket to be.
    pub upgrade: Option<Upgrade>,
    /// The task that makes the answer.
    pub handler: Arc<Handler>,
    /// The server that it is for.
    pub server: Arc<Server>,
    /// What the request takes up of its connection.
    pub turn: Turn,
}

/// The task that is at a request, for those who may have to stop it.
#[derive(Debug)]
pub struct Handler {
    task: AtomicU32,
    /// The status with which the request is refused if the task fails: what it has failed by is the client's fault. 0: nothing is.
    refusal: AtomicU16,
    /// Whether it has been stopped: it is not to begin, either.
    is_stopped: AtomicBool,
    /// How far a streamed body has come; odd while its next part is waited for.
    progress: AtomicU32,
}

/// There is none, or it has given its answer.
const NO_TASK: u32 = u32::MAX;

impl Default for Handler {
    fn default() -> Self {
        Handler {
            task: AtomicU32::new(NO_TASK),
            refusal: AtomicU16::new(0),
            is_stopped: AtomicBool::new(false),
            progress: AtomicU32::new(0),
        }
    }
}

impl Handler {
    /// It has this promise.
    pub fn begin(&self, host: &Host, promise: Value) {
        self.task.store(host.keep(promise), Ordering::Relaxed);
    }

    /// It has given its answer: nobody is to stop it any more.
    pub fn end(&self, host: &Host) {
        let kept = self.task.swap(NO_TASK, Ordering::Relaxed);
        if kept != NO_TASK {
            host.release(kept);
        }
    }

    /// The next part of the body is waited for, or not any more. Only who receives the body says so.
    pub fn wait_for_body(&self, waits: bool) {
        let before = self.progress.load(Ordering::Relaxed);
        if before.is_multiple_of(2) == waits {
            self.progress
                .store(before.wrapping_add(1), Ordering::Relaxed);
        }
    }

    /// How far the body has come; odd while the client is waited for.
    pub fn progress(&self) -> u32 {
        self.progress.load(Ordering::Relaxed)
    }

    /// The client does not keep to the rules: what the request is refused with, unless the task makes something of it.
    pub fn blame(&self, status: StatusCode) {
        self.refusal.store(status.as_u16(), Ordering::Relaxed);
    }

    /// What the request is refused with if the task has failed by the client's fault.
    pub fn refusal(&self) -> Option<StatusCode> {
        StatusCode::from_u16(self.refusal.load(Ordering::Relaxed)).ok()
    }

    /// Whether it has been stopped before it could begin.
    pub fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
    }

    /// Its promise, unless it has given its answer.
    pub fn promise(&self, host: &Host) -> Option<Value> {
        let kept = self.task.load(Ordering::Relaxed);
        (kept != NO_TASK).then(|| host.kept(kept))
    }
}

/// A valid request for a WebSocket.
pub struct Upgrade {
    /// What the connection becomes.
    pub connection: OnUpgrade,
    /// The key that the answer confirms.
    pub key: String,
    /// The protocols that the client offers.
    pub protocols: Vec<String>,
}

/// A request and what waits for its answer.
pub type Exchange = (Box<Request>, Box<Responder>);

#[derive(Default)]
struct State {
    exchanges: VecDeque<Exchange>,
    /// Handlers that have taken too long.
    late: Vec<Arc<Handler>>,
    reader: Option<Completer>,
    /// No more will come.
    is_closed: bool,
    /// How many requests the machine has taken.
    taken: u32,
}

/// Requests that wait for the machine.
#[derive(Default)]
pub struct Queue(Mutex<State>);

impl Queue {
    /// Adds a request.
    pub fn put(&self, exchange: Exchange) {
        self.change(|state| state.exchanges.push_back(exchange));
    }

    /// A handler is to be stopped.
    pub fn stop(&self, handler: Arc<Handler>) {
        handler.is_stopped.store(true, Ordering::Relaxed);
        self.change(|state| state.late.push(handler));
    }

    /// Handlers that are to be stopped.
    pub fn late(&self) -> Vec<Arc<Handler>> {
        lock(&self.0).late.clone()
    }

    /// How many requests the machine has taken so far, if others wait for it.
    pub fn backlog(&self) -> Option<u32> {
        let state = lock(&self.0);
        (!state.exchanges.is_empty()).then_some(state.taken)
    }

    /// No more will come.
    pub fn close(&self) {
        self.change(|state| state.is_closed = true);
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let reader = {
            let mut state = lock(&self.0);
            change(&mut state);
            state.reader.take()
        };
        // Not under the lock: whoever is woken would wait for it.
        if let Some(reader) = reader {
            round::tell(reader);
        }
    }
}

/// What a machine that serves is to do next.
pub enum Found {
    /// To answer a request.
    Exchange(Exchange),
    /// To stop a handler.
    Late(Arc<Handler>),
    /// Nothing: no more will come.
    End,
}

/// Waiting for a request.
pub struct Accept<F> {
    /// Where they come from.
    pub seat: Arc<Seat>,
    /// What has been found.
    pub found: Found,
    /// Makes its value.
    pub finish: F,
}

impl<F> Pending for Accept<F>
where
    F: FnOnce(&Host, Found) -> Outcome + Send,
{
    fn advance(&mut self, asking: &Asking<'_>) -> Await {
        let mut state = lock(&self.seat.queue.0);
        self.found = if let Some(late) = state.late.pop() {
            Found::Late(late)
        } else if let Some(exchange) = state.exchanges.pop_front() {
            state.taken = state.taken.wrapping_add(1);
            Found::Exchange(exchange)
        } else {
            Found::End
        };
        if state.is_closed || !matches!(self.found, Found::End) {
            return Await::Done;
        }
        state.reader = Some(asking.completer());
        Await::Completion
    }

    fn finish(self: Box<Self>, host: &Host) -> Outcome {
        let Accept { found, finish, .. } = *self;
        finish(host, found)
    }
}
