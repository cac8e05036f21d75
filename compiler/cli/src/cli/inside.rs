//! What the project file around a program puts into it, for commands that build nothing.

use std::path::Path;

use sema_vfs::Overlay;

use super::failure::Failure;
use crate::bundle::{Embedding, Excludes, Grant, IncludeError};
use crate::project::{Project, directories_of};

/// The project around a program, as far as the program notices it.
#[derive(Default)]
pub(super) struct Inside {
    /// The files that a build would embed.
    pub embedding: Embedding,
    /// All that the program may need, if that is said.
    pub capabilities: Option<Vec<Grant>>,
}

impl Inside {
    /// What the project file says about the program with this entry.
    ///
    /// # Errors
    /// The project file has mistakes, or names files to embed that are not there.
    pub(super) fn of(entry: &Path) -> Result<Inside, Failure> {
        // What is no regular file has no project around it.
        if !entry.is_file() {
            return Ok(Inside::default());
        }
        match Project::of_program(entry)? {
            Some(project) => Ok(Inside {
                embedding: embedding(&project, entry)?,
                capabilities: project.capabilities,
            }),
            None => Ok(Inside::default()),
        }
    }

    /// What a file with tests finds: the files of the project that it lies in. It may need more than the program does.
    ///
    /// # Errors
    /// As [`Inside::of`].
    pub(super) fn of_test(file: &Path) -> Result<Inside, Failure> {
        for directory in directories_of(file) {
            if let Some(project) = Project::of_directory(&directory)? {
                let embedding = embedding(&project, file)?;
                return Ok(Inside {
                    embedding,
                    capabilities: None,
                });
            }
        }
        Ok(Inside::default())
    }

    /// The files as the built program would see them.
    ///
    /// # Errors
    /// They cannot be read.
    pub(super) fn files(&self) -> Result<Overlay, Failure> {
        self.embedding.served().map_err(|error| Failure::Other {
            message: error.to_string(),
            hint: "the files that `include` in sema.toml names are part of the program".to_owned(),
        })
    }
}

/// The files that a project embeds.
///
/// # Errors
/// They are not there, or cannot be embedded.
pub(super) fn embedding(project: &Project, entry: &Path) -> Result<Embedding, Failure> {
    let excludes = Excludes::new(project.exclude.iter().map(String::as_str));
    let excludes = excludes.map_err(IncludeError::from)?;
    Ok(Embedding::new(&[], &project.include, &excludes, entry)?)
}
