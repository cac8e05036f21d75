//! The compiled form of Sema programs: instruction set, module container, verifier, disassembler.
//!
//! - [`isa`] declares the instructions once; [`operands`] reads and writes their fields; [`combined`]
//!   knows which do the work of two.
//! - [`model`] is a module in memory; [`encode`] assembles its code.
//! - [`container`] writes a module to a file and views a file without copying.
//! - [`mod@verify`] proves that a file is well formed; [`disasm`] lists one that need not be.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::indexing_slicing
    )
)]
#![deny(unsafe_code)]

pub mod combined;
pub mod container;
pub mod decode;
pub mod disasm;
#[cfg(feature = "write")]
pub mod docs;
pub mod encode;
mod error;
pub mod frames;
pub mod isa;
pub mod model;
pub mod operands;
pub mod verify;
mod words;

pub use container::layout::{FORMAT_VERSION, OLDEST_FORMAT_VERSION};
pub use container::{ConstantView, Debug, FunctionEntry, Location, ModuleView, TraceFrame};
#[cfg(feature = "write")]
pub use container::{WriteError, WriteOptions, write};
pub use error::FormatError;
pub use model::Module;
pub use verify::{VerifyError, verify};
pub use words::AlignedBytes;
