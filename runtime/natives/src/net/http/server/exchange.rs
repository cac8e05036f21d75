//! One request and its answer, as they go between the engine and the machine.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use hyper::Response;
use hyper::body::Bytes;
use hyper::upgrade::OnUpgrade;
use tokio::sync::oneshot;

use super::files::Conditions;
use super::workers::Seat;
use crate::core::system::device::lock;
use crate::net::http::engine::body::Payload;
use crate::net::http::engine::incoming::Incoming;
use sema_machine::host::Host;
use sema_machine::host::condition::Outcome;
use sema_machine::task::{Asking, Await, Completer, Pending};

/// A request as plain data.
pub struct Request {
    /// The method, in lower case.
    pub method: String,
    /// The path as it was sent, without the query.
    pub path: String,
    /// The query, without the question mark.
    pub query: String,
    /// Names in lower case and values of the header fields.
    pub headers: Vec<(String, Vec<u8>)>,
    /// What was sent.
    pub body: Body,
    /// Who has sent it.
    pub peer: SocketAddr,
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
    pub answer: oneshot::Sender<Response<Payload>>,
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
pub type Exchange = (Request, Responder);

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
        let mut state = lock(&self.0);
        state.exchanges.push_back(exchange);
        if let Some(reader) = state.reader.take() {
            reader.complete();
        }
    }

    /// No more will come.
    pub fn close(&self) {
        let mut state = lock(&self.0);
        state.is_closed = true;
        if let Some(reader) = state.reader.take() {
            reader.complete();
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
