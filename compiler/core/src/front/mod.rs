//! From source text to the core language: reader, macro expander, lowering, the graph of modules.

pub mod datum;
pub mod diagnostic;
pub mod expand;
pub mod lower;
pub mod modules;
pub mod names;
pub mod problem;
pub mod reader;
pub mod source;
