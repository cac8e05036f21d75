//! The compiled form of Sema programs: instruction set, module container, verifier, disassembler.
#![deny(unsafe_code)]

pub mod encode;
pub mod isa;
pub mod model;
pub mod operands;
