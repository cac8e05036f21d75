//! The native functions, one module and one table per family.

pub mod bits;
pub mod elementary;
pub mod forms;
mod index;
pub mod lists;
pub mod maps;
pub mod math;
pub mod mutable;
pub mod number_conversion;
pub mod number_predicates;
pub mod predicates;
pub mod records;
pub mod sequence;
pub mod tasks;
pub mod vectors;

#[cfg(test)]
pub(crate) mod expression;

use crate::native::Native;
pub use index::{find, get};

/// The tables of all families in this runtime.
pub static TABLES: &[&[Native]] = &[
    bits::TABLE,
    elementary::TABLE,
    forms::TABLE,
    lists::TABLE,
    lists::combine::TABLE,
    lists::select::TABLE,
    lists::statistics::TABLE,
    maps::TABLE,
    math::TABLE,
    mutable::TABLE,
    number_conversion::TABLE,
    number_predicates::TABLE,
    predicates::TABLE,
    records::TABLE,
    sequence::TABLE,
    tasks::TABLE,
    vectors::TABLE,
];
