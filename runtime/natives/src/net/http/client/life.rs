//! Whether a connection that many requests share still lives.
//!
//! A peer that has vanished says nothing. Pings find that out in time ([`PING`]); requests that have waited in vain before do not
//! wait for them: a connection on which nothing was heard meanwhile gets no further request.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::connect::Connection;
use crate::core::system::device::lock;

/// How long nothing may be heard on a connection that requests wait on before the peer is asked for a sign, and how long that
/// may take.
pub const PING: Duration = Duration::from_secs(10);
/// How long requests that have given up must have waited without hearing anything.
const IN_VAIN: Duration = Duration::from_secs(1);

/// What is known of a connection.
#[derive(Default)]
pub struct Life {
    /// How often something was read.
    heard: AtomicUsize,
    /// How long requests have waited in vain, all together, since so often something was read.
    in_vain: Mutex<(usize, Duration)>,
}

impl Life {
    /// Whether requests have waited in vain and nothing was heard since.
    pub fn is_in_doubt(&self) -> bool {
        let (since, waited) = *lock(&self.in_vain);
        since == self.heard.load(Ordering::Relaxed) && waited >= IN_VAIN
    }
}

/// A request that waits for its answer. Dropped before that has come, it has waited in vain.
pub struct Waiting<'l> {
    life: &'l Life,
    heard: usize,
    since: Instant,
    is_answered: bool,
}

impl<'l> Waiting<'l> {
    /// It begins.
    pub fn new(life: &'l Life) -> Waiting<'l> {
        Waiting {
            life,
            heard: life.heard.load(Ordering::Relaxed),
            since: Instant::now(),
            is_answered: false,
        }
    }

    /// There is an answer, or an error.
    pub fn ends(mut self) {
        self.is_answered = true;
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.is_answered || self.life.heard.load(Ordering::Relaxed) != self.heard {
            return;
        }
        let mut in_vain = lock(&self.life.in_vain);
        if in_vain.0 != self.heard {
            *in_vain = (self.heard, Duration::ZERO);
        }
        in_vain.1 = in_vain.1.saturating_add(self.since.elapsed());
    }
}

/// A connection that notes when something is heard.
pub struct Heard {
    io: Connection,
    life: Arc<Life>,
}

impl Heard {
    /// Notes it there.
    pub fn new(io: Connection, life: &Arc<Life>) -> Heard {
        let life = life.clone();
        Heard { io, life }
    }
}

impl AsyncRead for Heard {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = room.filled().len();
        let read = Pin::new(&mut self.io).poll_read(context, room);
        if room.filled().len() > before {
            self.life.heard.fetch_add(1, Ordering::Relaxed);
        }
        read
    }
}

impl AsyncWrite for Heard {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_waited_in_vain_is_counted_until_something_is_heard() {
        let life = Arc::<Life>::default();
        let waited = |seconds| {
            let mut waiting = Waiting::new(&life);
            waiting.since = Instant::now()
                .checked_sub(Duration::from_secs(seconds))
                .unwrap();
            waiting
        };
        waited(9).ends();
        drop(waited(0));
        assert!(!life.is_in_doubt());
        drop(waited(1));
        assert!(life.is_in_doubt());
        life.heard.fetch_add(1, Ordering::Relaxed);
        assert!(!life.is_in_doubt());
        let hears = waited(9);
        life.heard.fetch_add(1, Ordering::Relaxed);
        drop(hears);
        assert!(!life.is_in_doubt());
        drop(waited(0));
        assert!(!life.is_in_doubt());
        drop(waited(1));
        assert!(life.is_in_doubt());
    }
}
