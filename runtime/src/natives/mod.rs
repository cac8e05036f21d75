//! The native functions, one module and one table per family.

pub mod arguments;
pub mod bits;
pub mod bytes;
pub mod channels;
pub mod chars;
pub mod console;
pub mod context;
pub mod delays;
pub mod dynamic;
pub mod elementary;
pub mod environment;
pub mod errors;
pub mod file_lines;
pub mod files;
pub mod forms;
pub mod glob;
mod index;
pub mod input;
pub mod lists;
pub mod llm_values;
pub mod log;
pub mod maps;
pub mod math;
pub mod memory;
pub mod mutable;
pub mod number_conversion;
pub mod number_predicates;
pub mod paths;
pub mod predicates;
pub mod records;
pub mod sequence;
pub mod stream_state;
pub mod streams;
pub mod strings;
pub mod strings_case;
pub mod strings_convert;
pub mod strings_normalize;
pub mod strings_search;
pub mod strings_width;
pub mod system;
pub mod tasks;
pub mod time;
pub mod typed_arrays;
pub mod vectors;

#[cfg(test)]
pub(crate) mod expression;
#[cfg(test)]
pub mod testing;

use crate::native::Native;
pub use index::{find, get};

/// The tables of all families in this runtime.
pub static TABLES: &[&[Native]] = &[
    bits::TABLE,
    bytes::TABLE,
    channels::TABLE,
    chars::TABLE,
    console::TABLE,
    context::TABLE,
    delays::TABLE,
    dynamic::TABLE,
    elementary::TABLE,
    errors::TABLE,
    file_lines::TABLE,
    files::TABLE,
    forms::TABLE,
    lists::TABLE,
    lists::combine::TABLE,
    lists::select::TABLE,
    lists::statistics::TABLE,
    llm_values::TABLE,
    llm_values::conversations::TABLE,
    llm_values::tools::TABLE,
    log::TABLE,
    maps::TABLE,
    math::TABLE,
    memory::TABLE,
    mutable::TABLE,
    number_conversion::TABLE,
    number_predicates::TABLE,
    paths::TABLE,
    predicates::TABLE,
    records::TABLE,
    sequence::TABLE,
    streams::TABLE,
    strings::TABLE,
    strings_case::TABLE,
    strings_convert::TABLE,
    strings_normalize::TABLE,
    strings_search::TABLE,
    strings_width::TABLE,
    system::TABLE,
    tasks::TABLE,
    time::TABLE,
    typed_arrays::TABLE,
    vectors::TABLE,
];
