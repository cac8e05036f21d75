//! Bytes that come from a peer while a task reads them.
//!
//! The engine feeds, the machine reads. What is kept between them is bounded: a task that does not read makes
//! the engine stop reading, and so the peer stop sending.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};

use hyper::body::Bytes;
use tokio::sync::Notify;

use crate::core::system::arrivals::Arrivals;
use crate::core::system::device::lock;
use sema_machine::task::Completer;

/// Bytes that are kept for a reader before the peer is made to wait.
const MOST_KEPT: usize = 256 << 10;

#[derive(Default)]
struct State {
    parts: VecDeque<Bytes>,
    bytes: usize,
    /// How it has ended.
    end: Option<Result<(), String>>,
    reader: Option<Completer>,
    reader_is_gone: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// The reader has taken something, or is gone.
    taken: Notify,
}

/// The engine's end.
pub struct Feeder(Arc<Shared>);

/// The machine's end.
pub struct Incoming(Arc<Shared>);

/// Both ends.
pub fn incoming() -> (Feeder, Incoming) {
    let shared = Arc::<Shared>::default();
    (Feeder(shared.clone()), Incoming(shared))
}

impl Feeder {
    /// Gives bytes to the reader, once there is room for them; whether there still is a reader.
    pub async fn give(&self, part: Bytes) -> bool {
        loop {
            let taken = self.0.taken.notified();
            {
                let mut state = lock(&self.0.state);
                if state.reader_is_gone {
                    return false;
                }
                if state.bytes < MOST_KEPT {
                    state.bytes += part.len();
                    state.parts.push_back(part);
                    if let Some(reader) = state.reader.take() {
                        reader.complete();
                    }
                    return true;
                }
            }
            taken.await;
        }
    }

    /// Waits until nobody will read any more.
    pub async fn reader_is_gone(&self) {
        loop {
            let taken = self.0.taken.notified();
            if lock(&self.0.state).reader_is_gone {
                return;
            }
            taken.await;
        }
    }

    /// Nothing more will come, for this reason if it is not the true end.
    pub fn end(self, how: Result<(), String>) {
        self.set_end(how);
    }

    fn set_end(&self, how: Result<(), String>) {
        let mut state = lock(&self.0.state);
        state.end.get_or_insert(how);
        if let Some(reader) = state.reader.take() {
            reader.complete();
        }
    }
}

impl Drop for Feeder {
    fn drop(&mut self) {
        self.set_end(Err("the connection was closed".to_owned()));
    }
}

impl Arrivals for Incoming {
    fn note(&mut self, completer: Completer) {
        lock(&self.0.state).reader = Some(completer);
    }

    fn take(&mut self, room: &mut Vec<u8>) -> io::Result<Option<usize>> {
        let mut state = lock(&self.0.state);
        if let Some(part) = state.parts.pop_front() {
            state.bytes -= part.len();
            room.extend_from_slice(&part);
            self.0.taken.notify_waiters();
            return Ok(Some(part.len()));
        }
        match &state.end {
            None => Ok(None),
            Some(Ok(())) => Ok(Some(0)),
            Some(Err(reason)) => Err(io::Error::other(reason.clone())),
        }
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        state.reader_is_gone = true;
        state.parts.clear();
        state.bytes = 0;
        self.0.taken.notify_waiters();
    }
}
