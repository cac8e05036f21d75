//! One request and its answer, as they go between the engine and the machine.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use hyper::Response;
use hyper::body::Bytes;
use hyper::http::{HeaderMap, Method, Uri};
use hyper::upgrade::OnUpgrade;

use super::files::Conditions;
use super::workers::Seat;
use crate::core::system::device::lock;
use crate::net::http::engine::body::Payload;
use crate::net::http::engine::incoming::Incoming;
use crate::net::http::engine::parcel::Giver;
use crate::net::http::engine::round;
use sema_machine::host::Host;
use sema_machine::host::condition::Outcome;
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
    Bytes(Bytes),
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
    reader: Option<Completer>,
    /// No more will come.
    is_closed: bool,
}

/// Requests that wait for the machine.
#[derive(Default)]
pub struct Queue(Mutex<State>);

impl Queue {
    /// Adds a request.
    pub fn put(&self, exchange: Exchange) {
        self.change(|state| state.exchanges.push_back(exchange));
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

/// Waiting for a request.
pub struct Accept<F> {
    /// Where they come from.
    pub seat: Arc<Seat>,
    /// The request; `None` at the end.
    pub found: Option<Exchange>,
    /// Makes its value.
    pub finish: F,
}

impl<F> Pending for Accept<F>
where
    F: FnOnce(&Host, Option<Exchange>) -> Outcome + Send,
{
    fn advance(&mut self, asking: &Asking<'_>) -> Await {
        let mut state = lock(&self.seat.queue.0);
        self.found = state.exchanges.pop_front();
        if self.found.is_some() || state.is_closed {
            return Await::Done;
        }
        state.reader = Some(asking.completer());
        Await::Completion
    }

    fn finish(mut self: Box<Self>, host: &Host) -> Outcome {
        let found = self.found.take();
        (self.finish)(host, found)
    }
}
