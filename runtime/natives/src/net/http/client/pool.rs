//! Connections that are kept for the next request to the same server.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response};
use tokio::sync::watch;

use super::life::{Life, Waiting};
use crate::core::system::device::lock;
use crate::net::http::engine::body::Payload;

/// How long an idle connection is kept.
const IDLE_TIME: Duration = Duration::from_secs(30);
/// Most idle connections to one server.
const MOST_IDLE: usize = 32;
/// Requests of one connection of HTTP/2, those included whose bodies are still to be read, from which on another one is opened. Servers allow a hundred
/// or more (RFC 9113, 6.5.2 advises so), and further ones would wait until one of these has ended: streams of events do not.
pub const MOST_SHARING: usize = 100;
/// Most servers of which it is remembered that they do not speak HTTP/2.
const MOST_OLD: usize = 1024;

/// A connection that requests can be sent on.
pub enum Sender {
    /// One after another.
    One(http1::SendRequest<Payload>),
    /// Any number at once.
    Two(http2::SendRequest<Payload>, Arc<Life>),
}

impl Sender {
    /// Waits until it takes a request.
    ///
    /// # Errors
    /// It is closed.
    pub async fn ready(&mut self) -> hyper::Result<()> {
        match self {
            Sender::One(sender) => sender.ready().await,
            Sender::Two(sender, _) => sender.ready().await,
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
            Sender::Two(sender, life) => {
                let waiting = Waiting::new(life);
                let answer = sender.send_request(request).await;
                waiting.ends();
                answer
            }
        }
    }

    /// Whether it speaks HTTP/2.
    pub fn speaks_2(&self) -> bool {
        matches!(self, Sender::Two(..))
    }

    /// It for others as well, if several may use it at the same time.
    fn shared(&self) -> Option<Sender> {
        match self {
            Sender::One(_) => None,
            Sender::Two(sender, life) => Some(Sender::Two(sender.clone(), life.clone())),
        }
    }

    /// Whether as many share it as should.
    fn is_full(&self) -> bool {
        match self {
            Sender::One(_) => false,
            // The pool and the connection know it as well.
            Sender::Two(_, life) => Arc::strong_count(life) >= MOST_SHARING + 2,
        }
    }

    /// Whether no further request should be sent on it.
    fn is_over(&self) -> bool {
        match self {
            Sender::One(sender) => sender.is_closed(),
            Sender::Two(sender, life) => sender.is_closed() || life.is_in_doubt(),
        }
    }
}

/// Which connections a request takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Any.
    Any,
    /// Those that many share: one that was idle may have been closed meanwhile.
    Shared,
}

/// Connections by whom they lead to: idle ones, and those of HTTP/2, on which requests may be under way.
#[derive(Default)]
pub struct Pool {
    kept: Mutex<BTreeMap<String, Vec<(Sender, Instant)>>>,
    opening: Mutex<BTreeMap<String, watch::Receiver<bool>>>,
    /// Servers that speak HTTP/1.1 only.
    old: Mutex<BTreeSet<String>>,
}

/// Who opens a connection that others may be able to use.
pub enum Turn<'p> {
    /// The one who asks.
    Own(Opening<'p>),
    /// Somebody else: it gives whether there is something to share, or ends without having tried to the end.
    Others(watch::Receiver<bool>),
    /// Everybody for themselves.
    Each,
}

/// A connection that is being opened, while others wait.
pub struct Opening<'p> {
    pool: &'p Pool,
    key: String,
    others: watch::Sender<bool>,
}

impl Opening<'_> {
    /// It has been opened, or not.
    pub fn ends<E>(self, how: &Result<Sender, E>) {
        let mut is_shared = false;
        if let Ok(sender) = how {
            is_shared = sender.speaks_2();
            let mut old = lock(&self.pool.old);
            if is_shared {
                old.remove(&self.key);
            } else {
                if old.len() >= MOST_OLD {
                    old.clear();
                }
                old.insert(self.key.clone());
            }
        }
        self.others.send_replace(is_shared);
    }
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        lock(&self.pool.opening).remove(&self.key);
    }
}

/// Whether a connection that is kept can still be used.
fn is_of_use((sender, since): &(Sender, Instant)) -> bool {
    !sender.is_over() && since.elapsed() < IDLE_TIME
}

impl Pool {
    /// A connection for the next request, the one that was used last.
    pub fn take(&self, key: &str, wanted: Wanted) -> Option<Sender> {
        let mut pool = lock(&self.kept);
        let kept = pool.get_mut(key)?;
        kept.retain(is_of_use);
        let place = kept.iter().rposition(|(sender, _)| match sender {
            Sender::One(_) => wanted == Wanted::Any,
            Sender::Two(..) => !sender.is_full(),
        })?;
        let (sender, _) = kept.remove(place);
        let Some(own) = sender.shared() else {
            return Some(sender);
        };
        // Others use it at the same time.
        kept.push((sender, Instant::now()));
        Some(own)
    }

    /// Whose turn it is to open a connection.
    pub fn turn(&self, key: &str) -> Turn<'_> {
        if lock(&self.old).contains(key) {
            return Turn::Each;
        }
        let mut opening = lock(&self.opening);
        if let Some(others) = opening.get(key) {
            return Turn::Others(others.clone());
        }
        let (others, receiver) = watch::channel(false);
        opening.insert(key.to_owned(), receiver);
        Turn::Own(Opening {
            pool: self,
            key: key.to_owned(),
            others,
        })
    }

    /// Keeps a connection; connections that have been idle for too long are closed.
    pub fn put(&self, key: String, sender: Sender) {
        let mut pool = lock(&self.kept);
        pool.retain(|_, idle| {
            idle.retain(is_of_use);
            !idle.is_empty()
        });
        if sender.is_over() {
            return;
        }
        let kept = pool.entry(key).or_default();
        // One of HTTP/2 is enough, as long as it takes more.
        let has_2 = (kept.iter()).any(|(kept, _)| kept.speaks_2() && !kept.is_full());
        if kept.len() < MOST_IDLE && !(has_2 && sender.speaks_2()) {
            kept.push((sender, Instant::now()));
        }
    }

    /// Lets others use a connection at once, if it speaks HTTP/2.
    pub fn share(&self, key: &str, sender: &Sender) {
        if let Some(shared) = sender.shared() {
            self.put(key.to_owned(), shared);
        }
    }
}
