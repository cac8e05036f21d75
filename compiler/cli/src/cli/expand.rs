//! `semac expand`: a program with its macros expanded.

use std::path::PathBuf;

use clap::Args;

use super::check::NO_OPTIMIZATION;
use super::clock::Clock;
use super::failure::{Failure, print};
use super::program;

/// `semac expand`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  semac expand app.sema         the forms of app.sema as the compiler sees them
  semac expand app.sema --all   and those of all files that it imports and loads

Calls of the macros that the program defines or imports are replaced by what they become; the
macros of the language (->, when-let, ...) stay. Names that a macro made for itself are shown
with two underscores.")]
pub struct Expand {
    /// The program's entry file
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Show all files of the program
    #[arg(long)]
    pub all: bool,
}

pub(super) fn execute(arguments: &Expand) -> Result<u8, Failure> {
    let files = program::expanded(&arguments.file, &NO_OPTIMIZATION, &Clock::new(false))?;
    // The entry is read first.
    let shown = if arguments.all { files.len() } else { 1 };
    let texts = files.iter().take(shown).map(|(name, text)| match shown {
        1 => text.clone(),
        _ => format!(";; file: {name}\n{text}"),
    });
    print(&texts.collect::<Vec<_>>().join("\n"))?;
    Ok(0)
}
