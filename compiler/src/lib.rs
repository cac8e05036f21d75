//! semac: the ahead-of-time compiler for Sema.
pub mod builtins;
pub mod datum;
pub mod expand;
pub mod ir;
pub mod lower;
pub mod modules;
pub mod names;
pub mod problem;
pub mod reader;
pub mod source;
