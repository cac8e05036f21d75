//! The module graph: which files a program consists of and how they refer to each other.

pub mod files;
pub(crate) mod loader;
mod lock;
pub mod os_path;
mod packages;
pub(crate) mod paths;
mod program;

pub use files::{FileError, Files, MemoryFiles};
pub use packages::PackageRoot;
pub use program::{Module, Options, Program, lower_files};
