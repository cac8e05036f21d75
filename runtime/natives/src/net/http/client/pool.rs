//! Connections that are kept for the next request to the same server.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use hyper::client::conn::http1::SendRequest;

use crate::core::system::device::lock;
use crate::net::http::engine::body::Payload;

/// How long an idle connection is kept.
const IDLE_TIME: Duration = Duration::from_secs(30);
/// Most idle connections to one server.
const MOST_IDLE: usize = 32;

/// A connection that requests can be sent on.
pub type Sender = SendRequest<Payload>;

/// Idle connections by whom they lead to.
#[derive(Default)]
pub struct Pool(Mutex<BTreeMap<String, Vec<(Sender, Instant)>>>);

impl Pool {
    /// An idle connection, the one that was used last.
    pub fn take(&self, key: &str) -> Option<Sender> {
        let mut pool = lock(&self.0);
        let idle = pool.get_mut(key)?;
        while let Some((sender, since)) = idle.pop() {
            if !sender.is_closed() && since.elapsed() < IDLE_TIME {
                return Some(sender);
            }
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
        let idle = pool.entry(key).or_default();
        if idle.len() < MOST_IDLE {
            idle.push((sender, Instant::now()));
        }
    }
}
