//! Tier `std`: what text, data, file, process and terminal programs need beyond the core.

pub mod archive;
pub mod check;
pub mod crypto;
pub mod csv;
pub mod datetime;
pub mod diff;
pub mod events;
pub mod format;
pub mod html;
pub mod json;
pub mod kv;
pub mod markdown;
mod names;
pub mod new_file;
pub mod process;
pub mod read;
pub mod regex;
pub mod signals;
pub mod terminal;
pub mod text;
pub mod toml;
pub mod typed_arrays;
