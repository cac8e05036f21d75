//! How much of the program's memory the engine may hold: bodies and messages that peers send and no task has yet, and those that
//! are still to be sent.
//!
//! The engine asks ([`Budget::reserve`]) before it keeps something, and gives back by dropping what it got. All of it counts as
//! data of the program, and is at most half of what those may take, as values are made of it that are as large.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hyper::body::Bytes;
use sema_machine::host::Host;
use sema_machine::host::condition::{Condition, ConditionKind, Outcome};
use sema_machine::memory::account::{Charge, View};

/// From how many bytes on what waits for a peer is counted until the peer has taken it.
const LARGE: usize = 64 << 10;
/// Nobody needs to know the limit before so much is held.
const UNASKED: usize = 1 << 20;
/// The part of what the program's data may take.
const PART: usize = 2;

/// What the engine of a machine holds, and how much it may.
pub struct Budget {
    account: View,
    held: AtomicUsize,
}

/// The engine holds as much as it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("out of memory: what is on its way from and to others exceeds {} MB", .0 >> 20)]
pub struct OverBudget(usize);

impl OverBudget {
    /// What the program gets for it. `name` is what was under way.
    pub fn condition(&self, name: &str) -> Condition {
        Condition::new(ConditionKind::Eval, format!("{name}: {self}")).hint(
            "half of the memory for data is for what is on its way (SEMAC_HEAP_MB); as a stream it needs little",
        )
    }
}

impl Budget {
    /// The budget for the engine of a machine, an extension of the host.
    pub fn of(host: &Host) -> Arc<Budget> {
        host.with_extension(|budget: &mut Option<Arc<Budget>>| {
            let made = || {
                Arc::new(Budget {
                    account: host.heap.account.view(),
                    held: AtomicUsize::new(0),
                })
            };
            budget.get_or_insert_with(made).clone()
        })
    }

    /// Room for so many bytes, until what this gives is dropped.
    ///
    /// # Errors
    /// There is none.
    pub fn reserve(self: &Arc<Self>, bytes: usize) -> Result<Reservation, OverBudget> {
        let mut reservation = self.nothing();
        reservation.resize(bytes)?;
        Ok(reservation)
    }

    /// Room for so many bytes that are to wait for a peer; none is needed for few.
    ///
    /// # Errors
    /// There is none. `function` sends them.
    pub fn room_to_send(host: &Host, bytes: usize, function: &str) -> Outcome<Option<Reservation>> {
        if bytes < LARGE {
            return Ok(None);
        }
        let room = Budget::of(host).reserve(bytes);
        room.map(Some)
            .map_err(|over| over.condition(function).signal())
    }

    /// A reservation for no bytes yet.
    pub fn nothing(self: &Arc<Self>) -> Reservation {
        Reservation {
            charge: self.account.charge(),
            budget: self.clone(),
        }
    }

    /// Counts so many bytes more.
    fn take(&self, more: usize) -> Result<(), OverBudget> {
        let add = |most: usize| {
            let sum = |held: usize| held.checked_add(more).filter(|&sum| sum <= most);
            let added = self
                .held
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, sum);
            added.is_ok()
        };
        if add(UNASKED) {
            return Ok(());
        }
        let most = (self.account.limit() / PART).max(UNASKED);
        if add(most) {
            return Ok(());
        }
        Err(OverBudget(most))
    }
}

/// Room for bytes. Dropping it gives them back.
pub struct Reservation {
    budget: Arc<Budget>,
    charge: Charge,
}

impl Reservation {
    /// For how many bytes.
    pub fn bytes(&self) -> usize {
        self.charge.bytes()
    }

    /// Makes it one for so many bytes.
    ///
    /// # Errors
    /// There is no room for them; it stays as it was.
    pub fn resize(&mut self, bytes: usize) -> Result<(), OverBudget> {
        match bytes.checked_sub(self.bytes()) {
            Some(more) => self.budget.take(more)?,
            None => self.shrink_to(bytes),
        }
        self.charge.set(bytes);
        Ok(())
    }

    /// Makes it one for at most so many bytes.
    pub fn shrink_to(&mut self, bytes: usize) {
        if let Some(less) = self.bytes().checked_sub(bytes) {
            self.budget.held.fetch_sub(less, Ordering::Relaxed);
            self.charge.set(bytes);
        }
    }
}

/// Bytes with what is reserved for them.
struct Kept {
    bytes: Bytes,
    _reservation: Reservation,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Reservation {
    /// Is there for these bytes until nobody has a part of them any more: the library of HTTP keeps what it has not sent yet.
    pub fn keep(self, bytes: Bytes) -> Bytes {
        Bytes::from_owner(Kept {
            bytes,
            _reservation: self,
        })
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.shrink_to(0);
    }
}

/// Bytes that are reserved.
pub struct Held {
    bytes: Bytes,
    reservation: Reservation,
}

impl Held {
    /// The bytes alone, which may be kept elsewhere, and what is reserved for them.
    pub fn into_parts(self) -> (Bytes, Reservation) {
        (self.bytes, self.reservation)
    }
}

impl Deref for Held {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Bytes that come part by part, reserved before they are kept.
pub struct Gathering {
    /// The only part so far: most bodies have one, which is not copied.
    first: Option<Bytes>,
    whole: Vec<u8>,
    /// How many there will be, if somebody has said that.
    expected: usize,
    reservation: Reservation,
}

impl Gathering {
    /// None yet. Who sends them may have said how many there will be: no more are reserved then.
    pub fn new(budget: &Arc<Budget>, expected: Option<u64>) -> Gathering {
        Gathering {
            first: None,
            whole: Vec::new(),
            expected: expected
                .and_then(|expected| usize::try_from(expected).ok())
                .unwrap_or(usize::MAX),
            reservation: budget.nothing(),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.whole.len() + self.first.as_ref().map_or(0, Bytes::len)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a part.
    ///
    /// # Errors
    /// There is no room for it.
    pub fn push(&mut self, part: Bytes) -> Result<(), OverBudget> {
        if self.is_empty() {
            self.reservation.resize(part.len())?;
            self.first = Some(part);
            return Ok(());
        }
        self.append(&part)
    }

    /// Adds a copy of a part.
    ///
    /// # Errors
    /// There is no room for it.
    pub fn append(&mut self, part: &[u8]) -> Result<(), OverBudget> {
        let needed = self.len().saturating_add(part.len());
        let room = self.whole.capacity();
        if needed > room {
            let wanted = needed.max(room + room / 2);
            // Not more than there will be, if that is true.
            let wanted = if needed <= self.expected {
                wanted.min(self.expected)
            } else {
                wanted
            };
            self.reservation.resize(wanted)?;
            self.whole.reserve_exact(wanted - self.whole.len());
        }
        if let Some(first) = self.first.take() {
            self.whole.extend_from_slice(&first);
        }
        self.whole.extend_from_slice(part);
        Ok(())
    }

    /// All of them.
    pub fn finish(mut self) -> Held {
        let bytes = match self.first {
            Some(first) => first,
            None => {
                self.whole.shrink_to_fit();
                self.reservation.shrink_to(self.whole.len());
                self.whole.into()
            }
        };
        Held {
            bytes,
            reservation: self.reservation,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Bench;

    fn budget(bench: &Bench) -> (Arc<Budget>, usize) {
        let budget = Budget::of(&bench.host);
        let most = budget.account.limit() / PART;
        (budget, most)
    }

    #[test]
    fn what_is_held_is_bounded_and_given_back() {
        let bench = Bench::new();
        let (budget, most) = budget(&bench);
        let mut one = budget.reserve(most - 10).unwrap();
        assert_eq!(budget.reserve(11).err(), Some(OverBudget(most)));
        let other = budget.reserve(10).unwrap();
        assert_eq!(one.resize(most), Err(OverBudget(most)));
        assert_eq!(one.bytes(), most - 10, "it stays as it was");
        drop(other);
        one.resize(most).unwrap();
        one.resize(3).unwrap();
        assert_eq!(budget.held.load(Ordering::Relaxed), 3);
        drop(one);
        assert_eq!(budget.held.load(Ordering::Relaxed), 0);
        assert!(budget.reserve(usize::MAX).is_err());
        assert_eq!(budget.held.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn parts_are_reserved_before_they_are_kept() {
        let bench = Bench::new();
        let (budget, most) = budget(&bench);
        let held = || budget.held.load(Ordering::Relaxed);
        let mut one = Gathering::new(&budget, None);
        assert!(one.is_empty());
        one.push(Bytes::from_static(b"one")).unwrap();
        assert_eq!(held(), 3);
        let one = one.finish();
        assert_eq!((&*one, held()), (&b"one"[..], 3));
        let mut many = Gathering::new(&budget, Some(100));
        for _ in 0..10 {
            many.push(Bytes::from_static(b"0123456789")).unwrap();
        }
        assert_eq!((many.len(), held()), (100, 103), "as many as were said");
        many.append(b"more").unwrap();
        let many = many.finish();
        assert_eq!((many.len(), held()), (104, 107));
        let (bytes, reservation) = many.into_parts();
        drop(reservation);
        assert_eq!((bytes.len(), held()), (104, 3));
        let all = budget.reserve(most - 3).unwrap();
        let mut refused = Gathering::new(&budget, None);
        assert_eq!(
            refused.push(Bytes::from_static(b"x")),
            Err(OverBudget(most))
        );
        assert_eq!(refused.append(b"x"), Err(OverBudget(most)));
        assert!(refused.is_empty());
        drop((all, one));
        assert_eq!(held(), 0);
    }
}
