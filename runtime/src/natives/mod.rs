//! The native functions, one module and one table per family.

pub mod arguments;
pub mod bytes;
pub mod chars;
pub mod strings;
pub mod strings_case;
pub mod strings_convert;
pub mod strings_width;
#[cfg(test)]
pub mod testing;
pub mod typed_arrays;

use crate::native::Native;

/// The tables of all families in this runtime.
pub static TABLES: &[&[Native]] = &[
    bytes::TABLE,
    chars::TABLE,
    strings::TABLE,
    strings_case::TABLE,
    strings_convert::TABLE,
    strings_width::TABLE,
    typed_arrays::TABLE,
];
