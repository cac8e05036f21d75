//! Handles: values that stay in the machine while somebody outside refers to them.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use sema_machine::host::Host;
use sema_machine::memory::value::Value;

use crate::Error;

/// A value in a machine: a function, a record, anything. It stays alive until the last clone of the handle is
/// dropped, and can be given back to the runtime that it came from, as long as that runs the same program.
///
/// Handles may be dropped in any thread.
#[derive(Clone)]
pub struct Handle(Arc<Root>);

/// One root of a machine.
struct Root {
    number: u32,
    released: Released,
}

/// The numbers that are not needed any more. It also says whose they are.
type Released = Arc<Mutex<Vec<u32>>>;

impl Drop for Root {
    fn drop(&mut self) {
        let mut released = self.released.lock().unwrap_or_else(PoisonError::into_inner);
        released.push(self.number);
    }
}

impl PartialEq for Handle {
    fn eq(&self, other: &Handle) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Handle({})", self.0.number)
    }
}

/// The handles of one machine.
#[derive(Clone, Default)]
pub(crate) struct Handles {
    released: Released,
}

impl Handles {
    /// Lets the machine forget what nobody refers to any more.
    pub(crate) fn sweep(&self, host: &Host) {
        let mut released = self.released.lock().unwrap_or_else(PoisonError::into_inner);
        for number in released.drain(..) {
            host.release(number);
        }
    }

    /// A handle of a value.
    pub(crate) fn add(&self, host: &Host, value: Value) -> Handle {
        self.sweep(host);
        Handle(Arc::new(Root {
            number: host.keep(value),
            released: self.released.clone(),
        }))
    }

    /// The value of a handle.
    pub(crate) fn value(&self, host: &Host, handle: &Handle) -> Result<Value, Error> {
        if !Arc::ptr_eq(&handle.0.released, &self.released) {
            return Err(Error::ForeignHandle);
        }
        Ok(host.kept(handle.0.number))
    }
}
