//! The native functions, one module and one table per family.

pub mod bits;
pub mod elementary;
mod index;
pub mod lists;
pub mod math;
pub mod mutable;
pub mod records;
pub mod sequence;
pub mod tasks;

use crate::native::Native;
pub use index::{find, get};

/// The tables of all families in this runtime.
pub static TABLES: &[&[Native]] = &[bits::TABLE, elementary::TABLE, math::TABLE, tasks::TABLE];
