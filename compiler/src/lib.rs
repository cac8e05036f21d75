//! semac: the ahead-of-time compiler for Sema.

pub mod backend;
pub mod builtins;
pub mod bundle;
pub mod cli;
pub mod codegen;
pub mod datum;
pub mod diagnostic;
pub mod driver;
pub mod dynamic;
pub mod expand;
pub mod ir;
pub mod library;
pub mod lower;
pub mod machine;
pub mod modules;
pub mod names;
pub mod namespace;
pub mod optimize;
pub mod phases;
pub mod problem;
pub mod reader;
pub mod source;
pub mod values;
