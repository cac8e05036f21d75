//! From source text to the core language: reader, macro expander, lowering, the graph of modules.

pub mod diagnostic;
pub mod expand;
pub mod lower;
pub mod modules;
pub mod names;
pub mod positions;
pub mod reader;
pub mod source;

pub use crate::ir::datum;
