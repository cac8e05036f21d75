//! Tier `std`: what text, data, file, process and terminal programs need beyond the core.

pub mod archive;
pub mod check;
pub mod crypto;
pub mod csv;
pub mod datetime;
pub mod diff;
#[cfg(not(target_family = "wasm"))]
pub mod events;
pub mod format;
pub mod html;
pub mod json;
pub mod kv;
pub mod markdown;
mod names;
pub mod new_file;
#[cfg(not(target_family = "wasm"))]
pub mod process;
pub mod read;
pub mod regex;
#[cfg(not(target_family = "wasm"))]
pub mod signals;
pub mod terminal;
pub mod text;
pub mod toml;
pub mod typed_arrays;
