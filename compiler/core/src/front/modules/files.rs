//! How the front end reaches source files. It opens none itself.

use std::collections::BTreeMap;

/// A file could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileError {
    /// What the system said, as in `No such file or directory (os error 2)`.
    pub message: String,
}

/// Source files by path. Paths are absolute, with `/` between parts.
pub trait Files {
    /// The text of a file.
    ///
    /// # Errors
    /// What the system says; text that is not UTF-8 is an error too.
    fn read(&self, path: &str) -> Result<String, FileError>;

    /// The one path by which a file is known: links followed, `.` and `..` resolved. `None` if there is no such
    /// file.
    fn canonical(&self, path: &str) -> Option<String>;

    /// Whether there is a directory of this path.
    fn is_directory(&self, path: &str) -> bool;

    /// Why a file cannot be had that has no canonical path.
    fn why_missing(&self, _path: &str) -> String {
        "No such file or directory (os error 2)".to_owned()
    }
}

/// Files that exist only in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryFiles {
    texts: BTreeMap<String, String>,
}

impl MemoryFiles {
    /// No files.
    #[must_use]
    pub fn new() -> MemoryFiles {
        MemoryFiles::default()
    }

    /// Adds a file.
    pub fn add(&mut self, path: impl Into<String>, text: impl Into<String>) {
        self.texts.insert(path.into(), text.into());
    }
}

impl Files for MemoryFiles {
    fn read(&self, path: &str) -> Result<String, FileError> {
        let missing = || FileError {
            message: "No such file or directory (os error 2)".to_string(),
        };
        self.texts.get(path).cloned().ok_or_else(missing)
    }

    fn canonical(&self, path: &str) -> Option<String> {
        let path = super::paths::normal(path);
        self.texts.contains_key(&path).then_some(path)
    }

    fn is_directory(&self, path: &str) -> bool {
        let prefix = format!("{path}/");
        self.texts.keys().any(|known| known.starts_with(&prefix))
    }
}
