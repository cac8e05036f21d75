//! Connections that are kept for the next request to the same server.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response};

use crate::core::system::device::lock;
use crate::net::http::engine::body::Payload;

/// How long an idle connection is kept.
const IDLE_TIME: Duration = Duration::from_secs(30);
/// Most idle connections to one server.
const MOST_IDLE: usize = 32;

/// A connection that requests can be sent on.
pub enum Sender {
    /// One after another.
    One(http1::SendRequest<Payload>),
    /// Any number at once.
    Two(http2::SendRequest<Payload>),
}

impl Sender {
    /// Waits until it takes a request.
    ///
    /// # Errors
    /// It is closed.
    pub async fn ready(&mut self) -> hyper::Result<()> {
        match self {
            Sender::One(sender) => sender.ready().await,
            Sender::Two(sender) => sender.ready().await,
        }
    }

    /// Sends a request.
    ///
    /// # Errors
    /// There is no answer.
    pub async fn send_request(
        &mut self,
        request: Request<Payload>,
    ) -> hyper::Result<Response<Incoming>> {
        match self {
            Sender::One(sender) => sender.send_request(request).await,
            Sender::Two(sender) => sender.send_request(request).await,
        }
    }

    /// Whether it speaks HTTP/2.
    pub fn speaks_2(&self) -> bool {
        matches!(self, Sender::Two(_))
    }

    fn is_closed(&self) -> bool {
        match self {
            Sender::One(sender) => sender.is_closed(),
            Sender::Two(sender) => sender.is_closed(),
        }
    }
}

/// Connections by whom they lead to: idle ones, and those of HTTP/2, on which requests may be under way.
#[derive(Default)]
pub struct Pool(Mutex<BTreeMap<String, Vec<(Sender, Instant)>>>);

impl Pool {
    /// A connection for the next request, the one that was used last.
    pub fn take(&self, key: &str) -> Option<Sender> {
        let mut pool = lock(&self.0);
        let kept = pool.get_mut(key)?;
        while let Some((sender, since)) = kept.pop() {
            if sender.is_closed() || since.elapsed() >= IDLE_TIME {
                continue;
            }
            if let Sender::Two(shared) = &sender {
                // Others use it at the same time.
                let own = Sender::Two(shared.clone());
                kept.push((sender, Instant::now()));
                return Some(own);
            }
            return Some(sender);
        }
        None
    }

    /// Keeps a connection; connections that have been idle for too long are closed.
    pub fn put(&self, key: String, sender: Sender) {
        let mut pool = lock(&self.0);
        pool.retain(|_, idle| {
            idle.retain(|(sender, since)| !sender.is_closed() && since.elapsed() < IDLE_TIME);
            !idle.is_empty()
        });
        let kept = pool.entry(key).or_default();
        // One of HTTP/2 is enough for all.
        let has_2 = kept.iter().any(|(kept, _)| kept.speaks_2());
        if kept.len() < MOST_IDLE && !(has_2 && sender.speaks_2()) {
            kept.push((sender, Instant::now()));
        }
    }

    /// Lets others use a connection at once, if it speaks HTTP/2.
    pub fn share(&self, key: &str, sender: &Sender) {
        if let Sender::Two(shared) = sender {
            self.put(key.to_owned(), Sender::Two(shared.clone()));
        }
    }
}
