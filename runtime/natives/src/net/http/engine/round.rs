//! How the engine wakes the machine.
//!
//! A machine that sleeps is woken by a system call, and is soon done with one request. Where many have come at the same time it would
//! sleep and be woken for each. So the engine's thread puts what the machine is to be told into a list, and wakes a task of its own that
//! tells all of it. That task's turn comes after those that are ready already: what they have to tell costs nothing more.

use std::cell::RefCell;
use std::future::poll_fn;
use std::task::{Context, Poll, Waker};

use sema_machine::task::Completer;

/// As many are told without waiting for the turn, so that the machine has something to do meanwhile.
const MOST: usize = 16;

/// What the machine is to be told.
struct Round<T> {
    news: Vec<T>,
    /// The task that tells it, when it has nothing to do.
    teller: Option<Waker>,
}

impl<T> Default for Round<T> {
    fn default() -> Self {
        Round {
            news: Vec::new(),
            teller: None,
        }
    }
}

impl<T> Round<T> {
    /// Adds to it: what is to be told now, and who is to be woken to tell the rest.
    fn add(&mut self, new: T) -> (Vec<T>, Option<Waker>) {
        self.news.push(new);
        let now = if self.news.len() >= MOST {
            std::mem::take(&mut self.news)
        } else {
            Vec::new()
        };
        (now, self.teller.take())
    }

    /// The teller's turn: what is to be told now.
    fn turn(&mut self, context: &Context<'_>) -> Vec<T> {
        self.teller = Some(context.waker().clone());
        std::mem::take(&mut self.news)
    }
}

thread_local! {
    /// `None` on threads that are no engine's.
    static ROUND: RefCell<Option<Round<Completer>>> = const { RefCell::new(None) };
}

/// Tells the machine that what an operation awaits may have happened: at once, or on an engine's thread before that sleeps.
pub fn tell(completer: Completer) {
    let added = ROUND.with_borrow_mut(|round| match round {
        None => Err(completer),
        Some(round) => Ok(round.add(completer)),
    });
    match added {
        Err(completer) => completer.complete(),
        Ok((now, teller)) => {
            now.iter().for_each(Completer::complete);
            if let Some(teller) = teller {
                teller.wake();
            }
        }
    }
}

/// Tells the machine what it is to be told, as long as the engine of this thread runs.
pub async fn carry_on() {
    poll_fn(|context| {
        let now = ROUND.with_borrow_mut(|round| round.get_or_insert_default().turn(context));
        now.iter().for_each(Completer::complete);
        Poll::<()>::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_in_one_round_is_told_together() {
        let context = Context::from_waker(Waker::noop());
        let mut round = Round::default();
        assert!(round.turn(&context).is_empty());
        let (now, teller) = round.add(1);
        assert!(now.is_empty() && teller.is_some());
        let (now, teller) = round.add(2);
        assert!(now.is_empty() && teller.is_none(), "it is awake already");
        assert_eq!(round.turn(&context), [1, 2]);
        let (_, teller) = round.add(3);
        assert!(
            teller.is_some(),
            "it is woken again when it has had its turn"
        );
    }

    #[test]
    fn the_machine_does_not_wait_for_many() {
        let mut round = Round::default();
        let told: Vec<usize> = (0..2 * MOST + 1).flat_map(|new| round.add(new).0).collect();
        assert!(told.iter().copied().eq(0..2 * MOST));
        assert_eq!(round.turn(&Context::from_waker(Waker::noop())), [2 * MOST]);
    }
}
