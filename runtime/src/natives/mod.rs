//! The native functions, one module and one table per family.

pub mod bits;
pub mod elementary;
pub mod math;

use crate::native::Native;

/// The tables of all families in this runtime.
pub static TABLES: &[&[Native]] = &[bits::TABLE, elementary::TABLE, math::TABLE];
