//! One account of a program's memory: what its data take, on the heap and outside of it, and how much they may.
//!
//! Outside of the heap are the names of symbols, what streams and standard input have buffered, and what is noted about
//! tasks. Natives ask ([`crate::host::Host::ask`]) before they make something large.

use std::cell::{Cell, OnceCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::platform::available;

/// What a program may use before anybody asks how much there is.
const UNASKED: usize = 16 << 20;
/// Parts of the available memory that the data may take.
const SHARE: (usize, usize) = (5, 8);
/// A program that has asked for this part of its limit, and uses more than half of it, is to collect its garbage: what it
/// asks for next is refused if it has no room.
const ASKED_PART: usize = 8;

/// The account of one machine.
pub struct Account {
    limit: Cell<usize>,
    /// Whether `limit` is final.
    settled: Cell<bool>,
    /// Bytes of the data that are not on the heap. Shared with them, which may be used by threads.
    outside: OnceCell<Arc<AtomicUsize>>,
    /// Bytes that natives have made, or asked for, since the last full collection.
    asked: Cell<usize>,
    /// Machines of the process that share the memory.
    #[cfg(feature = "many-threads")]
    sharers: Cell<usize>,
}

impl Default for Account {
    fn default() -> Account {
        Account {
            limit: Cell::new(UNASKED),
            settled: Cell::new(false),
            outside: OnceCell::new(),
            asked: Cell::new(0),
            #[cfg(feature = "many-threads")]
            sharers: Cell::new(1),
        }
    }
}

impl Account {
    /// The limit in bytes; a preliminary one before it had to be known.
    pub(crate) fn limit(&self) -> usize {
        self.limit.get()
    }

    pub(crate) fn set_limit(&self, bytes: usize) {
        self.limit.set(bytes);
        self.settled.set(true);
    }

    /// Finds out what the limit is, if that is not known yet; whether it is higher than it has been so far.
    pub(crate) fn settle(&self) -> bool {
        if self.settled.get() {
            return false;
        }
        let before = self.limit();
        let (part, of) = SHARE;
        let available = available::bytes();
        #[cfg(feature = "many-threads")]
        let available = available / self.sharers.get();
        self.set_limit(available / of * part);
        self.limit() > before
    }

    /// So many machines of the process share the memory: none takes more than its part. A limit that is known already stays.
    #[cfg(feature = "many-threads")]
    pub fn share(&self, machines: usize) {
        self.sharers.set(machines.max(1));
    }

    /// Bytes of the data that are not on the heap.
    pub(crate) fn outside(&self) -> usize {
        self.outside
            .get()
            .map_or(0, |bytes| bytes.load(Ordering::Relaxed))
    }

    /// An entry for something outside of the heap, that takes nothing yet.
    pub fn charge(&self) -> Charge {
        Charge {
            account: self.outside.get_or_init(Arc::default).clone(),
            bytes: 0,
        }
    }

    /// So many bytes are made in one piece. Whether garbage should be collected, the program using `used` bytes in all.
    pub(crate) fn spend(&self, bytes: usize, used: usize) -> bool {
        let asked = self.asked.get().saturating_add(bytes);
        self.asked.set(asked);
        if used <= self.limit() / 2 || asked <= self.limit() / ASKED_PART {
            return false;
        }
        !self.settle() || used > self.limit() / 2 && asked > self.limit() / ASKED_PART
    }

    /// All garbage has been collected.
    pub(crate) fn collected(&self) {
        self.asked.set(0);
    }
}

/// What something outside of the heap takes; given back when it is dropped.
pub struct Charge {
    account: Arc<AtomicUsize>,
    bytes: usize,
}

impl Charge {
    /// It takes so many bytes now.
    pub fn set(&mut self, bytes: usize) {
        self.account.fetch_add(bytes, Ordering::Relaxed);
        self.account.fetch_sub(self.bytes, Ordering::Relaxed);
        self.bytes = bytes;
    }

    /// What it takes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charges_are_given_back() {
        let account = Account::default();
        let mut one = account.charge();
        one.set(100);
        let mut two = account.charge();
        two.set(10);
        one.set(50);
        assert_eq!(account.outside(), 60);
        drop(one);
        assert_eq!(account.outside(), 10);
    }

    #[cfg(feature = "many-threads")]
    #[test]
    fn machines_share_the_memory() {
        let (alone, third) = (Account::default(), Account::default());
        third.share(3);
        assert!(alone.settle() && third.settle());
        assert_eq!(third.limit() / 8, alone.limit() / 3 / 8);
    }

    #[test]
    fn much_that_is_made_asks_for_a_collection() {
        let account = Account::default();
        account.set_limit(80);
        assert!(!account.spend(11, 40));
        assert!(account.spend(1, 41));
        account.collected();
        assert!(!account.spend(10, 79));
    }
}
