//! What happens when the system has no more memory to give: a message and exit status 1, instead of the
//! standard library's abort with a dump.
//!
//! This is the last resort. Stacks and heaps have limits of their own, whose conditions a program can catch;
//! what gets here is a single request that the system refuses.

use std::alloc::{GlobalAlloc, Layout};
use std::io::Write;

/// An allocator that ends the process, with a message, where `A` would return null.
pub struct OrExit<A>(pub A);

/// Ends the process because `bytes` bytes are not to be had.
#[cold]
#[inline(never)]
pub fn exit(bytes: usize) -> ! {
    // What has been printed goes first, as far as the output takes it.
    super::standard_output::flush_in_handler();
    super::ending::undo_habits();
    // Unbuffered: nothing here allocates. If the message cannot be written, the status still tells.
    let _ = writeln!(
        std::io::stderr(),
        "Error: out of memory: the system refuses {bytes} bytes"
    );
    super::ending::undo();
    std::process::exit(1)
}

#[inline(always)]
fn granted(block: *mut u8, bytes: usize) -> *mut u8 {
    if block.is_null() {
        exit(bytes)
    }
    block
}

// SAFETY: all blocks are the inner allocator's, and the calls are passed on as they come.
unsafe impl<A: GlobalAlloc> GlobalAlloc for OrExit<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        granted(unsafe { self.0.alloc(layout) }, layout.size())
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { self.0.dealloc(block, layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        granted(unsafe { self.0.alloc_zeroed(layout) }, layout.size())
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller's promise.
        granted(unsafe { self.0.realloc(block, layout, new_size) }, new_size)
    }
}
