//! The runtime executable: runs the program that is appended to it.

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::indexing_slicing
    )
)]
#![no_main]
#![allow(
    unsafe_code,
    reason = "C's main is an unmangled symbol with raw pointers"
)]

#[cfg(all(
    feature = "net",
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod base_point;

#[cfg(not(target_family = "wasm"))]
use std::ffi::c_char;
use std::ffi::c_int;

use sema_machine::launch;
#[cfg(target_env = "musl")]
use sema_machine::platform::allocator::Allocator;
use sema_machine::platform::exhausted::OrExit;
use sema_machine::platform::process;

sema_machine::runtime_note!(sema_natives::TIER);
sema_machine::no_unwinding!();

// Musl's own takes ten times as long; see docs/adr/0003.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: OrExit<Allocator> = OrExit(Allocator::new());
#[cfg(not(target_env = "musl"))]
#[global_allocator]
static ALLOCATOR: OrExit<std::alloc::System> = OrExit(std::alloc::System);

/// What WASI's start calls: see docs/adr/0031.
#[cfg(target_family = "wasm")]
#[unsafe(no_mangle)]
extern "C" fn __main_void() -> c_int {
    use sema_machine::platform::elf_note::Note;
    // Programs cannot read the custom section that the other one lies in.
    static NOTE: Note = Note::of_this_release(sema_natives::TIER);
    process::start(|arguments| launch::run(arguments.into_iter(), &sema_natives::NATIVES, &NOTE))
}

/// C's main, so that nothing happens at start that no program needs; see docs/adr/0003.
#[cfg(not(target_family = "wasm"))]
#[unsafe(no_mangle)]
extern "C" fn main(count: c_int, values: *const *const c_char) -> c_int {
    // SAFETY: the C library calls this once, at the start, with the arguments of the process.
    unsafe {
        process::start(count, values, |arguments| {
            launch::run(arguments.into_iter(), &sema_natives::NATIVES, &NOTE)
        })
    }
}
