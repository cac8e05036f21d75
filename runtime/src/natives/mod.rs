//! The native functions, one module and one table per family.

pub mod bits;
pub mod elementary;
pub mod math;
pub mod number_conversion;
pub mod number_predicates;

#[cfg(test)]
pub(crate) mod expression;

use crate::native::Native;

/// The tables of all families in this runtime.
pub static TABLES: &[&[Native]] = &[
    bits::TABLE,
    elementary::TABLE,
    math::TABLE,
    number_conversion::TABLE,
    number_predicates::TABLE,
];
