//! Strings and characters.

pub mod chars;
pub(crate) mod positions;
pub mod strings;
pub mod strings_case;
pub mod strings_convert;
pub mod strings_normalize;
pub mod strings_search;
pub mod strings_width;
