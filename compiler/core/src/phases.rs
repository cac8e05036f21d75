//! The phases of a compilation, for those who want to know where the time goes.
//!
//! The compiler itself reads no clock: it tells an observer what it begins.

/// Is told which phase begins; the one before it ends there. A phase may begin many times.
pub trait Observer: Sync {
    /// The phase with this name begins.
    fn begin(&self, phase: &'static str);
}

/// Nobody wants to know.
pub struct Unobserved;

impl Observer for Unobserved {
    fn begin(&self, _: &'static str) {}
}

/// Loading the part of the library that is written in Sema.
pub const START: &str = "start";
/// Reading source files.
pub const READ: &str = "read";
/// Expanding macros.
pub const EXPAND: &str = "expand";
/// From forms to the core language.
pub const LOWER: &str = "lower";
/// Adding the functions of the library that a module uses.
pub const LINK: &str = "link";
/// Generating bytecode.
pub const GENERATE: &str = "generate";
/// Laying modules out as files and compressing their debug information.
pub const ENCODE: &str = "encode";
/// Compressing assets and writing the output.
pub const WRITE: &str = "write";
