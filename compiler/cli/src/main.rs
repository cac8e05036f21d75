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

use std::alloc::System;
use std::process::ExitCode;

use sema_machine::platform::exhausted::OrExit;

#[global_allocator]
static ALLOCATOR: OrExit<System> = OrExit(System);

fn main() -> ExitCode {
    semac::cli::main()
}
