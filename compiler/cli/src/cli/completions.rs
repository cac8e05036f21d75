//! `semac completions`: what makes shells complete the command line.

use clap::CommandFactory;

use super::arguments::{Arguments, Completions};
use super::failure::{Failure, print};

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
