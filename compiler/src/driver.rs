//! From an entry file to compiled modules: reader, expander, lowering, optimiser, code generator.

use std::path::Path;

use crate::diagnostic::Diagnostic;

/// Where source files come from. The compiler never opens a file itself.
pub trait FileSystem {
    /// The contents of a file.
    ///
    /// # Errors
    /// As the operating system says.
    fn read(&self, path: &Path) -> std::io::Result<Vec<u8>>;
    /// Whether a file or directory exists.
    fn exists(&self, path: &Path) -> bool;
    /// Whether a directory exists.
    fn is_directory(&self, path: &Path) -> bool;
}

/// What to compile and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// Optimisation level, 0 to 2.
    pub optimize: u8,
    /// Root of installed packages, if there is one.
    pub package_root: Option<std::path::PathBuf>,
}

/// A compiled program: the entry module and everything it can reach.
pub struct Program {
    /// Key of the entry module.
    pub entry: String,
    /// The modules, the entry first.
    pub modules: Vec<sema_format::Module>,
    /// What the user should know.
    pub warnings: Vec<Diagnostic>,
}

/// Compiles the program whose entry file is `entry`.
///
/// # Errors
/// Everything that is wrong with it, at least one diagnostic.
pub fn compile_program(_files: &dyn FileSystem, _entry: &Path, _options: &Options) -> Result<Program, Vec<Diagnostic>> {
    Err(Vec::new())
}
