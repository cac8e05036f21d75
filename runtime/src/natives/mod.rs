//! The native functions, one module and one table per family.

use crate::native::Native;

/// The tables of all families in this runtime.
pub static TABLES: &[&[Native]] = &[];
