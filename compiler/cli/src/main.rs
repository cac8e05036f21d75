//! The `semac` command.

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

use std::process::ExitCode;

use mimalloc::MiMalloc;
use sema_machine::platform::exhausted::OrExit;

// A compilation is millions of small objects: with the C library's own allocator a program of 1,000 modules takes a third more.
#[global_allocator]
static ALLOCATOR: OrExit<MiMalloc> = OrExit(MiMalloc);

fn main() -> ExitCode {
    semac::cli::main()
}
