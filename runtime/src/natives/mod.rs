//! The native functions, one module and one table per family.

pub mod bits;
pub mod elementary;
pub mod lists;
pub mod maps;
pub mod math;
pub mod mutable;
pub mod predicates;
pub mod records;
pub mod sequence;
pub mod vectors;

use crate::native::Native;

/// The tables of all families in this runtime.
pub static TABLES: &[&[Native]] = &[
    bits::TABLE,
    elementary::TABLE,
    lists::TABLE,
    lists::combine::TABLE,
    lists::select::TABLE,
    lists::statistics::TABLE,
    maps::TABLE,
    math::TABLE,
    mutable::TABLE,
    predicates::TABLE,
    records::TABLE,
    sequence::TABLE,
    vectors::TABLE,
];
