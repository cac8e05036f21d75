//! The native functions, one module and one table per family.

pub mod arguments;
pub mod bytes;
pub mod chars;
pub mod console;
pub mod console_pretty;
pub mod context;
pub mod environment;
pub mod errors;
pub mod file_lines;
pub mod files;
pub mod glob;
pub mod input;
pub mod lists;
pub mod log;
pub mod mutable;
pub mod paths;
pub mod records;
pub mod sequence;
pub mod stream_state;
pub mod streams;
pub mod strings;
pub mod strings_case;
pub mod strings_convert;
pub mod strings_normalize;
pub mod strings_width;
pub mod system;
#[cfg(test)]
pub mod testing;
pub mod time;
pub mod typed_arrays;

use crate::native::Native;

/// The tables of all families in this runtime. A native's number is its table's number in the
/// upper half and its place in the table in the lower.
pub static TABLES: &[&[Native]] = &[
    bytes::TABLE,
    chars::TABLE,
    console::TABLE,
    context::TABLE,
    errors::TABLE,
    file_lines::TABLE,
    files::TABLE,
    log::TABLE,
    paths::TABLE,
    streams::TABLE,
    strings::TABLE,
    strings_case::TABLE,
    strings_convert::TABLE,
    strings_normalize::TABLE,
    strings_width::TABLE,
    system::TABLE,
    time::TABLE,
    typed_arrays::TABLE,
];

/// The number of the native of this name; aliases are followed.
pub fn find(name: &str) -> Option<u32> {
    for (table_number, table) in TABLES.iter().enumerate() {
        if let Some(place) = table.iter().position(|native| native.name == name) {
            return match table[place].alias_of {
                Some(original) => find(original),
                None => Some((table_number as u32) << 16 | place as u32),
            };
        }
    }
    None
}

/// The native with this number, which came from [`find`].
pub fn get(number: u32) -> &'static Native {
    &TABLES[(number >> 16) as usize][(number & 0xFFFF) as usize]
}
