//! The project file, `sema.toml`: what `semac build` is to build when the command line does not say.
//!
//! ```toml
//! [build]
//! entry = "src/main.sema"
//! include = ["data/*.csv", "logo.svg=images/logo.svg"]
//! exclude = ["*.bak"]
//! output = "dist/report"
//! tier = "std"
//! capabilities = ["fs-read"]
//! target = ["x86_64-linux", "arm64"]
//! ```
//!
//! Paths are relative to the file. Other tables belong to other programs, those of packages for example.

mod read;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use sema_machine::platform::tier::Tier;
use semac_core::front::diagnostic::Diagnostic;
use semac_core::front::source::SourceMap;

use crate::bundle::{Grant, Include};
use crate::paths::shown;

/// What the project file is called.
pub const NAME: &str = "sema.toml";

/// Code of what is wrong with a project file.
pub const WRONG_PROJECT: &str = "E0003";

/// A project file that says something about building.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Project {
    /// The directory that it lies in; empty for the current one.
    pub directory: PathBuf,
    /// The program.
    pub entry: Option<PathBuf>,
    /// Where the file says which program it is: `sema.toml:2:9`.
    pub entry_place: String,
    /// What to embed.
    pub include: Vec<Include>,
    /// What to leave out.
    pub exclude: Vec<String>,
    /// The executable to write.
    pub output: Option<PathBuf>,
    /// The tier of the runtime.
    pub tier: Option<Tier>,
    /// All that the program may need; without it, whatever it does need.
    pub capabilities: Option<Vec<Grant>>,
    /// The platforms.
    pub target: Vec<String>,
}

/// Why a project file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// It cannot be read.
    #[error("cannot read '{}': {source}", shown(&path))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It has mistakes, with the text that they are in.
    #[error("the project file has mistakes")]
    Wrong(SourceMap, Vec<Diagnostic>),
}

impl Project {
    /// The project file of a directory; `None` if there is none, or if it says nothing about building.
    ///
    /// # Errors
    /// See [`ProjectError`].
    pub fn of_directory(directory: &Path) -> Result<Option<Project>, ProjectError> {
        let directory = match directory == Path::new(".") {
            true => Path::new(""),
            false => directory,
        };
        let path = directory.join(NAME);
        let metadata = match std::fs::metadata(&path) {
            // A directory on the way up that nobody may look into.
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => return Ok(None),
            metadata => metadata,
        };
        let read = metadata.and_then(|metadata| match metadata.is_file() {
            true => std::fs::read_to_string(&path),
            // A pipe would be waited for.
            false => Err(std::io::Error::other("it is no regular file")),
        });
        let text = match read {
            Ok(text) => text,
            // A link that leads nowhere is there: what it was to say, of capabilities for example, would be lost.
            Err(error)
                if error.kind() == std::io::ErrorKind::NotFound
                    && std::fs::symlink_metadata(&path).is_err() =>
            {
                return Ok(None);
            }
            Err(source) => return Err(ProjectError::Unreadable { path, source }),
        };
        read::read(&path, text, directory)
    }

    /// The project file beside a program, if it is about that program: names it as its entry, or none; or one further up that names
    /// it.
    ///
    /// # Errors
    /// See [`ProjectError`].
    pub fn of_program(entry: &Path) -> Result<Option<Project>, ProjectError> {
        for (depth, directory) in directories_of(entry).iter().enumerate() {
            let project = Project::of_directory(directory)?;
            let project = project.filter(|project| match &project.entry {
                Some(own) => crate::bundle::same_file(own, entry),
                None => depth == 0,
            });
            if project.is_some() {
                return Ok(project);
            }
        }
        Ok(None)
    }

    /// Its paths, told from the current directory.
    fn path(&self, path: &str) -> PathBuf {
        self.directory.join(path)
    }

    fn include(&self, argument: &str, place: String) -> Include {
        Include {
            said: Some(place),
            ..Include::parse(OsStr::new(argument), &self.directory)
        }
    }
}

/// The directory of a file and those above it, told as the file is: those above the current directory with `..`.
pub fn directories_of(file: &Path) -> Vec<PathBuf> {
    let mut directories: Vec<PathBuf> = file.ancestors().skip(1).map(Path::to_owned).collect();
    if file.is_relative() {
        let above = std::env::current_dir().unwrap_or_default();
        let mut up = PathBuf::new();
        for _ in above.ancestors().skip(1) {
            up.push("..");
            directories.push(up.clone());
        }
    }
    directories
}
