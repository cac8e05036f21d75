//! `semac completions`: what makes shells complete the command line.

use clap::{Args, CommandFactory};

use super::arguments::Arguments;
use super::failure::{Failure, print};

/// `semac completions`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  semac completions bash > /etc/bash_completion.d/semac
  semac completions zsh > ~/.zfunc/_semac
  semac completions fish > ~/.config/fish/completions/semac.fish")]
pub struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

pub(super) fn execute(arguments: &Completions) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut Arguments::command(),
        "semac",
        &mut script,
    );
    print(&String::from_utf8_lossy(&script))?;
    Ok(0)
}
