//! The native functions, one module and one table per family.

mod index;

use crate::native::Native;
pub use index::{find, get};

/// The tables of all families in this runtime.
pub static TABLES: &[&[Native]] = &[];

pub mod lists;
pub mod mutable;
pub mod records;
pub mod sequence;
