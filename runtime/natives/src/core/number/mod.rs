//! Numbers.

pub mod bits;
pub mod elementary;
pub mod math;
pub mod number_conversion;
pub mod number_predicates;
