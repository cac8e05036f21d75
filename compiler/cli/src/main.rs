//! The `semac` command.

use std::alloc::System;
use std::process::ExitCode;

use sema_machine::platform::exhausted::OrExit;

#[global_allocator]
static ALLOCATOR: OrExit<System> = OrExit(System);

fn main() -> ExitCode {
    semac::cli::main()
}
