//! Directories of single tests.

use crate::{outcome, runtime, semac_in};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A directory that is removed with all its content when it is dropped.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

impl Scratch {
    /// A new empty directory.
    #[must_use]
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("semac-test-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("the temporary directory can be written");
        Self { path }
    }

    /// A new directory with these files.
    #[must_use]
    pub fn with(files: &[(&str, &str)]) -> Self {
        let scratch = Self::new();
        for (name, content) in files {
            scratch.write(name, content);
        }
        scratch
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file in it.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file, with its directories.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.file(name);
        let directory = path.parent().expect("it lies in the scratch directory");
        fs::create_dir_all(directory).expect("directories can be made");
        fs::write(&path, content).expect("files can be written");
        path
    }

    /// The names of the files in it, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.path).expect("the directory can be read");
        let mut names: Vec<String> = entries
            .map(|entry| {
                let entry = entry.expect("the directory can be read");
                entry.file_name().to_string_lossy().into_owned()
            })
            .collect();
        names.sort();
        names
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A leftover in the temporary directory is no reason to fail.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// An executable, `app`, of a program of one file, `app.sema`, in a directory of its own.
#[track_caller]
pub fn built(source: &str) -> Scratch {
    let scratch = Scratch::with(&[("app.sema", source)]);
    let mut command = semac_in(scratch.path());
    command
        .args(["build", "app.sema", "--runtime"])
        .arg(runtime());
    outcome(&mut command, b"").succeeded();
    scratch
}
