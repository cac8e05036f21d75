//! Small blocks that a thread keeps for itself.
//!
//! A machine and its network thread allocate all the time, and each frees what the other one has made. Under one lock its
//! cache line goes from processor to processor with nearly every block. So each of them has magazines, as Bonwick and Adams
//! call them (Magazines and Vmem, USENIX 2001, section 3): of each size the one that is in use and perhaps a full one. Only whole
//! magazines go through the [allocator](super::Allocator), so its lock is taken once for [`ROUNDS`] blocks.
//!
//! Threads have them only if they ask: those that come and go would take their blocks with them.

use std::alloc::{Layout, dealloc};
use std::cell::Cell;
use std::ptr::null_mut;

use super::{GRAIN, bytes_of, class_of};

/// Blocks of a full magazine.
pub(super) const ROUNDS: usize = 16;
/// The largest blocks that are kept: a thread keeps at most twice [`ROUNDS`] of each size, 220 KB of all together.
const LARGEST: usize = 1 << 10;
/// How many sizes there are magazines for.
pub(super) const CLASSES: usize = class_of(LARGEST) + 1;

thread_local! {
    /// What this thread has; null: nothing.
    static OWN: Cell<*mut Magazines> = const { Cell::new(null_mut()) };
}

type Magazines = [Magazine; CLASSES];

/// The blocks of one size. Each block holds the address of the next.
#[derive(Clone, Copy)]
pub(super) struct Magazine {
    /// What is taken from and given to.
    used: *mut u8,
    length: usize,
    /// None or as many as fit, so that taking and giving in turns does not need the lock each time.
    full: *mut u8,
}

const EMPTY: Magazine = Magazine {
    used: null_mut(),
    length: 0,
    full: null_mut(),
};

impl Magazine {
    /// A block; null if there is none.
    pub(super) fn take(&mut self) -> *mut u8 {
        if self.used.is_null() {
            if self.full.is_null() {
                return null_mut();
            }
            *self = Magazine {
                used: self.full,
                length: ROUNDS,
                full: null_mut(),
            };
        }
        let block = self.used;
        // SAFETY: a block that is kept holds, since `give`, the address of the next one.
        self.used = unsafe { *block.cast::<*mut u8>() };
        self.length -= 1;
        block
    }

    /// Keeps a block. The blocks that there is no room for any more, as many as fit into a magazine; null: there is.
    ///
    /// # Safety
    /// The block has this size, and no owner any more.
    pub(super) unsafe fn give(&mut self, block: *mut u8) -> *mut u8 {
        let mut surplus = null_mut();
        if self.length == ROUNDS {
            surplus = std::mem::replace(&mut self.full, self.used);
            (self.used, self.length) = (null_mut(), 0);
        }
        // SAFETY: nobody else uses the block, which is aligned to the grain and not smaller.
        unsafe { *block.cast::<*mut u8>() = self.used };
        self.used = block;
        self.length += 1;
        surplus
    }

    /// Takes over a full magazine. This one is empty.
    pub(super) fn load(&mut self, full: *mut u8) {
        self.full = full;
    }
}

/// The magazine of this thread for a size, if it has any.
pub(super) fn own<'a>(class: usize) -> Option<&'a mut Magazine> {
    // SAFETY: null, or what `begin` has made and only this thread knows of. The reference lives as long as one call of the
    // allocator, which does not call itself.
    unsafe { OWN.get().as_mut()?.get_mut(class) }
}

/// Lets this thread keep blocks from now on, until it calls [`end`] or the process ends.
pub fn begin() {
    if cfg!(target_env = "musl") && OWN.get().is_null() {
        keep();
    }
}

/// [`begin`], also where the allocator is not the process's.
pub(super) fn keep() {
    OWN.set(Box::into_raw(Box::new([EMPTY; CLASSES])));
}

/// Leaves what this thread keeps to nobody: it is not the process's allocator's.
#[cfg(test)]
pub(super) fn forget() {
    // SAFETY: `keep` has made it.
    drop(unsafe { Box::from_raw(OWN.replace(null_mut())) });
}

/// Gives back what this thread keeps. It does so before it ends.
pub fn end() {
    let own = OWN.replace(null_mut());
    if own.is_null() {
        return;
    }
    // SAFETY: `begin` has made it, and nobody knows of it any more.
    let mut own = unsafe { Box::from_raw(own) };
    for (class, magazine) in own.iter_mut().enumerate() {
        let Ok(layout) = Layout::from_size_align(bytes_of(class), GRAIN) else {
            continue;
        };
        loop {
            let block = magazine.take();
            if block.is_null() {
                break;
            }
            // SAFETY: the block came from the allocator, with a layout of this class.
            unsafe { dealloc(block, layout) };
        }
    }
}
