//! Tier `std`: what text, data, file, process and terminal programs need beyond the core.

pub mod check;
pub mod json;
pub mod regex;
pub mod typed_arrays;
