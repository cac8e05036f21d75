//! The compiled form of Sema programs: instruction set, module container, verifier, disassembler.
pub mod isa;
