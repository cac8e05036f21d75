//! The `semac` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    semac::cli::main()
}
