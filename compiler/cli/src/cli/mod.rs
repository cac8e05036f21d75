//! The commands of `semac`.
//!
//! Data goes to standard output, everything meant for people to standard error. The exit status is
//! 0 for success, 1 for failure and 2 for a wrong command line; `semac run` ends like the program.

pub mod arguments;
mod build;
mod capabilities;
mod check;
mod clock;
mod compile;
mod completions;
mod diagnostics;
mod disasm;
mod doc;
mod expand;
mod explain;
mod extract;
mod failure;
mod image;
mod init;
mod inside;
mod inspect;
mod listing;
mod man;
mod program;
mod progress;
mod run;
mod runnable;
mod sign;
mod symbolize;
mod testing;
mod verify;
mod watch;
mod why;

use std::io::Write;
use std::process::ExitCode;

use arguments::{Arguments, Command};
use failure::Failure;

/// Runs the command that the process's arguments ask for.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = match Arguments::read(std::env::args_os()) {
        Ok(arguments) => arguments,
        Err(said) => {
            // Help is output like any other: who wants it has to get it.
            let written = said.print().and_then(|()| std::io::stdout().flush());
            return match said.exit_code() {
                0 if written.is_err() => ExitCode::FAILURE,
                code => ExitCode::from(u8::try_from(code).unwrap_or(2)),
            };
        }
    };
    failure::set_quiet(arguments.quiet);
    match execute(&arguments.command) {
        Ok(status) => ExitCode::from(status),
        Err(failure) => {
            failure.show();
            ExitCode::from(failure.status())
        }
    }
}

fn execute(command: &Command) -> Result<u8, Failure> {
    match command {
        Command::Build(arguments) => build::execute(arguments),
        Command::Run(arguments) => run::execute(arguments),
        Command::Why(arguments) => answered(arguments.json, why::execute(arguments)),
        Command::Symbolize(arguments) => symbolize::execute(arguments),
        Command::Keygen(arguments) => sign::generate(arguments),
        Command::Sign(arguments) => sign::execute(arguments),
        Command::Doc(arguments) => answered(arguments.json, doc::execute(arguments)),
        Command::Completions(arguments) => completions::execute(arguments),
        Command::Compile(arguments) => compile::execute(arguments),
        Command::Check(arguments) => check::execute(arguments),
        Command::Disasm(arguments) => answered(arguments.json, disasm::execute(arguments)),
        Command::Inspect(arguments) => answered(arguments.json, inspect::execute(arguments)),
        Command::Init(arguments) => init::execute(arguments),
        Command::Test(arguments) => testing::execute(arguments),
        Command::Watch(arguments) => watch::execute(arguments),
        Command::Expand(arguments) => expand::execute(arguments),
        Command::Man(arguments) => man::execute(arguments),
        Command::Explain(arguments) => explain::execute(arguments),
        Command::Extract(arguments) => extract::execute(arguments),
        Command::Verify(arguments) => verify::execute(arguments),
    }
}

/// What a command has come to; for scripts that is JSON, too, if it has failed.
fn answered(json: bool, outcome: Result<u8, Failure>) -> Result<u8, Failure> {
    match outcome {
        Err(mut failure) if json => {
            failure.print_json()?;
            Err(failure)
        }
        outcome => outcome,
    }
}

/// A number of bytes for people.
fn size_text(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.2} MB", bytes as f64 / 1e6),
    }
}

/// A count with its noun.
fn count_text(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_for_people() {
        assert_eq!(size_text(999), "999 B");
        assert_eq!(size_text(1_234), "1.2 kB");
        assert_eq!(size_text(5_678_901), "5.68 MB");
        assert_eq!(count_text(1, "module"), "1 module");
        assert_eq!(count_text(0, "asset"), "0 assets");
    }
}
