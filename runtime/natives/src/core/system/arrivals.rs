//! Bytes that another thread brings: the body of a message from the network.

use std::io;

use super::device::Source;
use sema_machine::host::Host;
use sema_machine::task::{Asking, Completer};

/// Where another thread puts bytes.
pub trait Arrivals: Send {
    /// Notes whom to tell when something comes.
    fn note(&mut self, completer: Completer);

    /// Appends what has come to `room`; how much, 0 at the end, `None` if nothing has come yet.
    ///
    /// # Errors
    /// Why there will be no more although it is not the end.
    fn take(&mut self, room: &mut Vec<u8>) -> io::Result<Option<usize>>;
}

impl Source {
    /// What another thread brings.
    pub fn arriving(arrivals: Box<dyn Arrivals>) -> Source {
        let mut source = Source::memory(Vec::new());
        source.may_wait = true;
        source.arrivals = Some(arrivals);
        source
    }

    /// Notes who reads: to be told when something comes.
    pub fn note(&mut self, asking: &Asking<'_>) {
        if let Some(arrivals) = &mut self.arrivals {
            arrivals.note(asking.completer());
        }
    }

    /// Takes in what has come: how much, `Ok(None)` if nothing has come yet. `None` if nothing will come any more.
    pub(super) fn arrive(&mut self, host: &Host) -> Option<io::Result<Option<usize>>> {
        self.arrivals.as_ref()?;
        if !self.has_room(host) {
            return Some(Err(io::ErrorKind::OutOfMemory.into()));
        }
        self.compact();
        let room = match &mut self.filtering {
            Some(filtering) => filtering.room(0),
            None => &mut self.buffer,
        };
        let taken = self.arrivals.as_mut()?.take(room);
        if matches!(taken, Ok(Some(0))) {
            self.arrivals = None;
            return None;
        }
        Some(taken)
    }
}
