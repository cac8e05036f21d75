//! The runtime executable: runs the program that is appended to it.

#![no_main]
#![allow(
    unsafe_code,
    reason = "C's main is an unmangled symbol with raw pointers"
)]

use std::ffi::{c_char, c_int};

#[cfg(target_env = "musl")]
use sema_runtime::allocator::Allocator;
use sema_runtime::exhausted::OrExit;
use sema_runtime::{launch, process};

sema_runtime::runtime_note!();

// Musl's own takes ten times as long; see docs/adr/0003.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: OrExit<Allocator> = OrExit(Allocator::new());
#[cfg(not(target_env = "musl"))]
#[global_allocator]
static ALLOCATOR: OrExit<std::alloc::System> = OrExit(std::alloc::System);

/// C's main, so that nothing happens at start that no program needs; see docs/adr/0003.
#[unsafe(no_mangle)]
extern "C" fn main(count: c_int, values: *const *const c_char) -> c_int {
    // SAFETY: the C library calls this once, at the start, with the arguments of the process.
    unsafe {
        process::start(count, values, |arguments| {
            launch::run(arguments.into_iter())
        })
    }
}
