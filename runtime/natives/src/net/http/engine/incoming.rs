//! Bytes that come from a peer while a task reads them.
//!
//! The engine feeds, the machine reads. What is kept between them is bounded: a task that does not read makes
//! the engine stop reading, and so the peer stop sending.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};

use hyper::body::Bytes;
use tokio::sync::Notify;

use super::round;
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

fn tell(reader: Option<Completer>) {
    if let Some(reader) = reader {
        round::tell(reader);
    }
}

impl Feeder {
    /// Gives bytes to the reader, once there is room for them; whether there still is a reader.
    pub async fn give(&self, mut part: Bytes) -> bool {
        // For the reader no bytes are the end.
        if part.is_empty() {
            return true;
        }
        loop {
            let taken = self.0.taken.notified();
            match self.try_give(part) {
                Ok(is_given) => return is_given,
                Err(refused) => part = refused,
            }
            taken.await;
        }
    }

    /// Gives bytes to the reader, if there is room for them; whether there is a reader.
    fn try_give(&self, part: Bytes) -> Result<bool, Bytes> {
        let reader = {
            let mut state = lock(&self.0.state);
            if state.reader_is_gone {
                return Ok(false);
            }
            if state.bytes >= MOST_KEPT {
                return Err(part);
            }
            state.bytes += part.len();
            state.parts.push_back(part);
            state.reader.take()
        };
        // Not under the lock: whoever is woken would wait for it.
        tell(reader);
        Ok(true)
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
        let reader = {
            let mut state = lock(&self.0.state);
            state.end.get_or_insert(how);
            state.reader.take()
        };
        tell(reader);
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
        if !state.parts.is_empty() {
            let bytes = std::mem::take(&mut state.bytes);
            room.reserve(bytes);
            for part in state.parts.drain(..) {
                room.extend_from_slice(&part);
            }
            drop(state);
            self.0.taken.notify_waiters();
            return Ok(Some(bytes));
        }
        match &state.end {
            None => Ok(None),
            Some(Ok(())) => Ok(Some(0)),
            Some(Err(reason)) => {
                let kind = io::ErrorKind::ConnectionAborted;
                Err(io::Error::new(kind, reason.clone()))
            }
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
