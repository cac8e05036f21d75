//! The runtime executable: runs the program that is appended to it.

use std::process::ExitCode;

sema_runtime::runtime_note!();

// Musl's own takes ten times as long; see docs/adr/0003.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: sema_runtime::allocator::Allocator = sema_runtime::allocator::Allocator::new();

fn main() -> ExitCode {
    ExitCode::from(sema_runtime::launch::run(std::env::args_os()))
}
