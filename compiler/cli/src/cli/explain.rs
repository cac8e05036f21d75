//! `semac explain`: what a code means, from docs/codes.md.

use clap::Args;
use semac_core::front::diagnostic::suggest::nearest_name;

use super::failure::{Failure, print};
use crate::codes::sections;

/// `semac explain`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  semac explain E0112      what it means, a program that gets it and one that does not
  semac explain            all codes, one a line")]
pub struct Explain {
    /// A code, as messages end with it [default: list all]
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
}

pub(super) fn execute(arguments: &Explain) -> Result<u8, Failure> {
    let Some(asked) = &arguments.code else {
        let list: String = sections()
            .map(|(code, title, _)| format!("{code}  {title}\n"))
            .collect();
        print(&list)?;
        return Ok(0);
    };
    let wanted = asked.to_ascii_uppercase();
    match sections().find(|(code, _, _)| *code == wanted) {
        Some((code, title, text)) => {
            print(&format!("{code}: {title}\n\n{text}\n"))?;
            Ok(0)
        }
        None => Err(Failure::Other {
            message: format!("there is no code '{asked}'"),
            hint: match nearest_name(&wanted, sections().map(|(code, _, _)| code)) {
                Some(near) => format!("did you mean {near}? `semac explain` lists all codes"),
                None => "`semac explain` lists all codes".to_owned(),
            },
        }),
    }
}
