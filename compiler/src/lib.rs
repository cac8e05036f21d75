//! semac: the ahead-of-time compiler for Sema.

pub mod bundle;
pub mod cli;
pub mod codegen;
pub mod datum;
pub mod diagnostic;
pub mod driver;
pub mod ir;
pub mod optimize;
pub mod reader;
pub mod source;
