//! semac: the ahead-of-time compiler for Sema.

pub mod codegen;
pub mod datum;
pub mod diagnostic;
pub mod ir;
pub mod optimize;
pub mod reader;
pub mod source;
