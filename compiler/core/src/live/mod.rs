//! The compiler on a running machine: macros at build time, code at run time.

pub mod dynamic;
mod effects;
pub mod machine;
pub mod namespace;
pub mod values;
