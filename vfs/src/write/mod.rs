//! Building archives: the cargo feature `write`.

mod builder;
mod data;
mod output;
mod rewrite;
mod wasm;

pub use builder::{ArchiveBuilder, ArchiveSummary};
pub use output::{Outputs, WriteError, followed, replace_file};
pub use rewrite::RewriteError;
