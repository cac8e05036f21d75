//! Whether a connection is in use.
//!
//! What speaks HTTP keeps some kilobytes for each connection, also for those on which nothing is said. A server takes them back
//! from connections that have been quiet for a while, and for that has to know when nothing is under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use sema_machine::platform::peer::Peer;

/// What goes on at a connection.
#[derive(Debug, Default)]
pub struct Pulse {
    /// Counts what was read and written, so that somebody who looks twice sees whether there was anything between.
    beats: AtomicU32,
    /// Requests whose answers are not complete.
    busy: AtomicU32,
    /// Whether something has been read that belongs to no request yet. Whoever sends a head slowly is in a hurry.
    is_expecting: AtomicBool,
    /// Whether something is still to be written.
    is_held_up: AtomicBool,
    /// Whether the peer is to see that the end is none.
    is_broken: AtomicBool,
    /// Whether the peer may still be sending what nobody wants to have.
    lingers: AtomicBool,
    /// Bodies of requests that are not complete, also when their answers are.
    receiving: AtomicU32,
    /// Whether somebody wants to know what the peer does.
    is_asked: AtomicBool,
    /// What it does.
    peer: AtomicU32,
    /// Requests that have begun.
    begun: AtomicU32,
    /// Answers of which something lies ready to be sent.
    ready: AtomicU32,
    /// Counts what the peer has taken of answers.
    taken: AtomicU32,
}

impl Pulse {
    /// Something has been read.
    pub fn read(&self) {
        self.beats.fetch_add(1, Ordering::Relaxed);
        self.is_expecting.store(true, Ordering::Relaxed);
    }

    /// Something has been written, or is to be as soon as it can.
    pub fn wrote(&self, is_held_up: bool) {
        self.beats.fetch_add(1, Ordering::Relaxed);
        self.hold_up(is_held_up);
    }

    /// Whether what has been written has to wait for the peer.
    pub fn hold_up(&self, is_held_up: bool) {
        self.is_held_up.store(is_held_up, Ordering::Relaxed);
    }

    /// How often something was read or written.
    pub fn beats(&self) -> u32 {
        self.beats.load(Ordering::Relaxed)
    }

    /// The peer has taken something of an answer.
    pub fn take(&self) {
        self.beats.fetch_add(1, Ordering::Relaxed);
        self.taken.fetch_add(1, Ordering::Relaxed);
    }

    /// How often the peer has taken something of an answer.
    pub fn taken(&self) -> u32 {
        self.taken.load(Ordering::Relaxed)
    }

    /// Something of an answer lies ready to be sent until what this gives is dropped.
    pub fn offer(self: &Arc<Self>) -> Offer {
        self.ready.fetch_add(1, Ordering::Relaxed);
        Offer(self.clone())
    }

    /// Whether the peer could take something that it does not take.
    pub fn is_stuck(&self) -> bool {
        self.is_held_up.load(Ordering::Relaxed) || self.ready.load(Ordering::Relaxed) > 0
    }

    /// The end of the connection alone would look like the end of the answer: it is to be reset.
    pub fn break_off(&self) {
        self.is_broken.store(true, Ordering::Relaxed);
    }

    /// The end is said while the peer may still be sending: what it sends is to be read, or the system tells it by a reset, which takes away what
    /// it was told before (RFC 9112, 9.6).
    pub fn linger(&self) {
        self.lingers.store(true, Ordering::Relaxed);
    }

    /// Whether that is so.
    pub fn lingers(&self) -> bool {
        self.lingers.load(Ordering::Relaxed)
    }

    /// How many requests have begun.
    pub fn begun(&self) -> u32 {
        self.begun.load(Ordering::Relaxed)
    }

    /// Whether requests are under way.
    pub fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Acquire) > 0
    }

    /// Whether the head of a request has come in part.
    pub fn is_expecting(&self) -> bool {
        self.is_expecting.load(Ordering::Relaxed) && !self.is_busy() && !self.is_receiving()
    }

    /// Whether nothing is under way.
    pub fn is_quiet(&self) -> bool {
        !self.is_busy()
            && !self.is_receiving()
            && !self.is_held_up.load(Ordering::Relaxed)
            && !self.is_expecting.load(Ordering::Relaxed)
    }

    /// Whoever has the connection is to look what the peer does, when it has its turn.
    pub fn ask(&self) {
        self.is_asked.store(true, Ordering::Relaxed);
    }

    /// Notes what the peer does, if somebody has asked.
    pub fn look(&self, peer: impl FnOnce() -> Peer) {
        if self.is_asked.load(Ordering::Relaxed) {
            self.is_asked.store(false, Ordering::Relaxed);
            let peer = match peer() {
                Peer::Speaks => 0,
                Peer::IsDone => 1,
                Peer::IsGone => 2,
            };
            self.peer.store(peer, Ordering::Relaxed);
        }
    }

    /// What the peer did when that was looked at last.
    pub fn peer(&self) -> Peer {
        match self.peer.load(Ordering::Relaxed) {
            0 => Peer::Speaks,
            1 => Peer::IsDone,
            _ => Peer::IsGone,
        }
    }

    fn is_receiving(&self) -> bool {
        self.receiving.load(Ordering::Acquire) > 0
    }

    /// The body of a request is not complete until what this gives is dropped.
    pub fn receive(self: &Arc<Self>) -> Receiving {
        self.receiving.fetch_add(1, Ordering::AcqRel);
        Receiving(self.clone())
    }

    /// Whether the connection is to be reset, not closed.
    pub fn is_broken(&self) -> bool {
        self.is_broken.load(Ordering::Relaxed)
    }

    /// A request is under way until what this gives is dropped.
    pub fn begin(self: &Arc<Self>) -> Busy {
        self.busy.fetch_add(1, Ordering::AcqRel);
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.is_expecting.store(false, Ordering::Relaxed);
        Busy(self.clone())
    }
}

/// A request that is under way on a connection.
#[derive(Debug)]
pub struct Busy(Arc<Pulse>);

impl Busy {
    /// That of the connection.
    pub fn pulse(&self) -> &Arc<Pulse> {
        &self.0
    }
}

/// The body of a request that is not complete.
#[derive(Debug)]
pub struct Receiving(Arc<Pulse>);

impl Receiving {
    /// That of the connection.
    pub fn pulse(&self) -> &Arc<Pulse> {
        &self.0
    }
}

impl Drop for Receiving {
    fn drop(&mut self) {
        self.0.receiving.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Something of an answer that lies ready to be sent.
#[derive(Debug)]
pub struct Offer(Arc<Pulse>);

impl Drop for Offer {
    fn drop(&mut self) {
        self.0.ready.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.is_expecting.store(false, Ordering::Relaxed);
        self.0.busy.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_quiet_between_requests() {
        let pulse = Arc::new(Pulse::default());
        assert!(pulse.is_quiet());
        pulse.read();
        assert!(!pulse.is_quiet(), "half a head");
        let busy = pulse.begin();
        assert!(!pulse.is_quiet(), "a handler");
        pulse.read();
        pulse.wrote(true);
        drop(busy);
        assert!(!pulse.is_quiet(), "half an answer");
        pulse.wrote(false);
        assert!(pulse.is_quiet());
        assert_eq!(pulse.beats(), 4);
        let receiving = pulse.receive();
        pulse.read();
        assert!(!pulse.is_quiet() && !pulse.is_expecting(), "half a body");
        drop(receiving);
        assert!(pulse.is_expecting());
    }

    #[test]
    fn a_peer_that_takes_nothing_is_seen() {
        let pulse = Arc::new(Pulse::default());
        let offer = pulse.offer();
        assert!(pulse.is_stuck());
        pulse.take();
        assert_eq!(pulse.taken(), 1);
        drop(offer);
        assert!(!pulse.is_stuck());
        pulse.wrote(true);
        assert!(pulse.is_stuck());
    }
}
