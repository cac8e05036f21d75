//! The line in which operations on one descriptor stand.

use std::collections::VecDeque;

use sema_machine::task::{Asking, Completer};

/// The operations that wait for each other.
#[derive(Default)]
pub struct Line(VecDeque<(u64, Option<Completer>)>);

impl Line {
    /// Takes the operation into the line; whether it is the first.
    pub fn enter(&mut self, asking: &Asking<'_>) -> bool {
        let number = asking.number;
        match self.0.front() {
            None => self.0.push_back((number, None)),
            Some((first, _)) if *first == number => {}
            Some(_) => {
                if !self.0.iter().any(|(waiting, _)| *waiting == number) {
                    self.0.push_back((number, Some(asking.completer())));
                }
                return false;
            }
        }
        true
    }

    /// Whether nobody stands in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The operation is done or gives up; the next one is asked.
    pub fn leave(&mut self, number: u64) {
        let was_first = self.0.front().is_some_and(|(first, _)| *first == number);
        self.0.retain(|(waiting, _)| *waiting != number);
        if let (true, Some((_, Some(completer)))) = (was_first, self.0.front()) {
            completer.complete();
        }
    }
}
