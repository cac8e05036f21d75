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
    /// Shared with what is not on the heap, which may be used by threads.
    shared: OnceCell<Arc<Shared>>,
    /// Bytes that natives have made, or asked for, since the last full collection.
    asked: Cell<usize>,
}

/// What other threads know of an account.
#[derive(Default)]
struct Shared {
    /// Bytes of the data that are not on the heap.
    outside: AtomicUsize,
    /// The limit, once it is known; 0 before.
    #[cfg(feature = "many-threads")]
    limit: AtomicUsize,
    /// Machines of the process that share the memory; 0 is the same as 1.
    #[cfg(feature = "many-threads")]
    sharers: AtomicUsize,
}

impl Shared {
    #[cfg(feature = "many-threads")]
    fn available(&self) -> usize {
        available::bytes() / self.sharers.load(Ordering::Relaxed).max(1)
    }
}

impl Default for Account {
    fn default() -> Account {
        Account {
            limit: Cell::new(UNASKED),
            settled: Cell::new(false),
            shared: OnceCell::new(),
            asked: Cell::new(0),
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
        #[cfg(feature = "many-threads")]
        if let Some(shared) = self.shared.get() {
            shared.limit.store(bytes, Ordering::Relaxed);
        }
    }

    fn shared(&self) -> &Arc<Shared> {
        self.shared.get_or_init(|| {
            Arc::new(Shared {
                #[cfg(feature = "many-threads")]
                limit: AtomicUsize::new(if self.settled.get() { self.limit() } else { 0 }),
                ..Shared::default()
            })
        })
    }

    /// Finds out what the limit is, if that is not known yet; whether it is higher than it has been so far.
    pub(crate) fn settle(&self) -> bool {
        if self.settled.get() {
            return false;
        }
        let before = self.limit();
        #[cfg(feature = "many-threads")]
        let available = self.shared().available();
        #[cfg(not(feature = "many-threads"))]
        let available = available::bytes();
        self.set_limit(share(available));
        self.limit() > before
    }

    /// So many machines of the process share the memory: none takes more than its part. A limit that is known already stays.
    #[cfg(feature = "many-threads")]
    pub fn share(&self, machines: usize) {
        let shared = self.shared();
        shared.sharers.store(machines, Ordering::Relaxed);
        if !self.settled.get() {
            shared.limit.store(0, Ordering::Relaxed);
        }
    }

    /// The account as other threads may see it.
    #[cfg(feature = "many-threads")]
    pub fn view(&self) -> View {
        View(self.shared().clone())
    }

    /// Bytes of the data that are not on the heap.
    pub(crate) fn outside(&self) -> usize {
        self.shared
            .get()
            .map_or(0, |shared| shared.outside.load(Ordering::Relaxed))
    }

    /// An entry for something outside of the heap, that takes nothing yet.
    pub fn charge(&self) -> Charge {
        Charge {
            account: self.shared().clone(),
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

/// The part of the available memory that the data may take.
fn share(available: usize) -> usize {
    let (part, of) = SHARE;
    available / of * part
}

/// An account as other threads may see it: they know its limit, and charge to it. What is on the heap only the machine knows.
#[cfg(feature = "many-threads")]
#[derive(Clone)]
pub struct View(Arc<Shared>);

#[cfg(feature = "many-threads")]
impl View {
    /// The limit in bytes, which is found out if it is not known yet.
    pub fn limit(&self) -> usize {
        match self.0.limit.load(Ordering::Relaxed) {
            0 => {
                let limit = share(self.0.available());
                self.0.limit.store(limit, Ordering::Relaxed);
                limit
            }
            limit => limit,
        }
    }

    /// An entry for something outside of the heap, that takes nothing yet.
    pub fn charge(&self) -> Charge {
        Charge {
            account: self.0.clone(),
            bytes: 0,
        }
    }
}

/// What something outside of the heap takes; given back when it is dropped.
pub struct Charge {
    account: Arc<Shared>,
    bytes: usize,
}

impl Charge {
    /// It takes so many bytes now.
    pub fn set(&mut self, bytes: usize) {
        let outside = &self.account.outside;
        outside.fetch_add(bytes, Ordering::Relaxed);
        outside.fetch_sub(self.bytes, Ordering::Relaxed);
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
        // Who has looked before does not stay with what it saw.
        let view = third.view();
        assert_eq!(view.limit(), alone.view().limit());
        third.share(3);
        assert_eq!(view.limit() / 8, alone.view().limit() / 3 / 8);
        assert!(alone.settle() && third.settle());
        assert_eq!(third.limit() / 8, alone.limit() / 3 / 8);
        assert_eq!(view.limit(), third.limit());
    }

    #[cfg(feature = "many-threads")]
    #[test]
    fn other_threads_see_the_limit_and_charge() {
        let account = Account::default();
        account.set_limit(80);
        let view = account.view();
        let mut charge = view.charge();
        charge.set(7);
        assert_eq!((view.limit(), account.outside()), (80, 7));
        account.set_limit(90);
        drop(charge);
        assert_eq!((view.limit(), account.outside()), (90, 0));
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
