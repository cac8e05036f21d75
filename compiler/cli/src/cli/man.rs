//! `semac man`: the manual pages, for who packs semac.

use std::path::PathBuf;

use clap::{Args, CommandFactory};

use super::arguments::Arguments;
use super::count_text;
use super::failure::{Failure, remark};
use crate::paths::shown;

/// `semac man`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  semac man -o /usr/local/share/man/man1")]
pub struct Man {
    /// The directory to write the pages to, made if needed
    #[arg(short, long, value_name = "DIR", value_parser = super::arguments::output_path())]
    pub output: PathBuf,
}

pub(super) fn execute(arguments: &Man) -> Result<u8, Failure> {
    let mut command = Arguments::command();
    command.build();
    let mut pages = vec![("semac.1".to_owned(), command.clone())];
    for part in command.get_subcommands() {
        let name = format!("semac-{}", part.get_name());
        // A page of its own has a name of its own.
        let page = part.clone().display_name(name.clone());
        pages.push((
            format!("{name}.1"),
            page.bin_name(name.replacen('-', " ", 1)),
        ));
    }
    for (name, page) in &pages {
        let path = arguments.output.join(name);
        let mut text = Vec::new();
        // No date: equal versions give equal pages.
        clap_mangen::Man::new(page.clone())
            .title(name.trim_end_matches(".1"))
            .date("")
            .source(concat!("semac ", env!("CARGO_PKG_VERSION")))
            .manual("semac manual")
            .render(&mut text)
            .map_err(|source| Failure::File {
                action: "write",
                path: path.clone(),
                source,
            })?;
        crate::bundle::write_module(&path, &text)?;
    }
    remark(&format!(
        "Wrote {} to {}\n",
        count_text(pages.len(), "page"),
        shown(&arguments.output)
    ));
    Ok(0)
}
