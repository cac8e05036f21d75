//! Tier `std`: what text, data, file, process and terminal programs need beyond the core.

pub mod archive;
pub mod check;
pub mod csv;
pub mod diff;
pub mod html;
pub mod crypto;
pub mod datetime;
pub mod events;
pub mod format;
pub mod json;
pub mod markdown;
pub mod regex;
pub mod text;
pub mod toml;
pub mod process;
pub mod regex;
pub mod signals;
pub mod terminal;
pub mod typed_arrays;
