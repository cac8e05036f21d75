//! The runtime executable: runs the program that is appended to it.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(sema_runtime::launch::run(std::env::args_os()))
}
