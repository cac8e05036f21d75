//! Where the output of a program goes.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

/// A writer that the machines share which a runtime makes one after the other.
pub(crate) struct Shared<W: ?Sized>(Rc<RefCell<W>>);

impl<W: ?Sized> Clone for Shared<W> {
    fn clone(&self) -> Shared<W> {
        Shared(self.0.clone())
    }
}

impl<W> Shared<W> {
    pub(crate) fn new(writer: W) -> Shared<W> {
        Shared(Rc::new(RefCell::new(writer)))
    }
}

impl Shared<dyn Write> {
    pub(crate) fn boxed(writer: impl Write + 'static) -> Shared<dyn Write> {
        Shared(Rc::new(RefCell::new(writer)))
    }
}

impl Shared<Vec<u8>> {
    /// What has been written, which is forgotten.
    pub(crate) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.borrow_mut())
    }
}

impl<W: Write + ?Sized> Write for Shared<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.borrow_mut().flush()
    }
}

/// Standard output or standard error of a runtime.
#[derive(Clone)]
pub(crate) enum Target {
    /// That of the process.
    Process,
    /// Memory.
    Captured(Shared<Vec<u8>>),
    /// A writer of the embedder.
    Writer(Shared<dyn Write>),
}

impl Target {
    /// The writer; `process` is that of the process.
    pub(crate) fn writer(&self, process: impl Write + 'static) -> Box<dyn Write> {
        match self {
            Target::Process => Box::new(process),
            Target::Captured(memory) => Box::new(memory.clone()),
            Target::Writer(writer) => Box::new(writer.clone()),
        }
    }

    /// What has been captured.
    pub(crate) fn take(&self) -> Vec<u8> {
        match self {
            Target::Captured(memory) => memory.take(),
            _ => Vec::new(),
        }
    }
}
