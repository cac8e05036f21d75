//! The files that a project file includes, while somebody changes them.
//!
//! Which files those are costs more to find out than whether one has changed. So it is asked again only when a directory
//! has changed that they may be in. What semac writes there itself is none of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::super::inside::embedding;
use super::{DEPTH_LIMIT, Stamp, Watch, stamp};
use crate::project::{NAME, Project};

/// What a project file puts into the program.
pub(super) struct Included {
    project: Option<Project>,
    entry: PathBuf,
    files: Vec<PathBuf>,
    /// The directories that the files may be in, as they were when somebody looked for the files.
    directories: BTreeMap<PathBuf, Stamp>,
}

impl Included {
    /// That of the project around what is watched. A project file that cannot be used is watched, and includes nothing.
    pub(super) fn of(arguments: &Watch, entry: Option<&Path>) -> Included {
        let directory = arguments.file.clone().unwrap_or_default();
        let project = match entry {
            Some(entry) => Project::of_program(entry),
            None => Project::of_directory(&directory),
        };
        let mut included = Included {
            project: project.ok().flatten(),
            entry: entry.map_or(directory, Path::to_owned),
            files: Vec::new(),
            directories: BTreeMap::new(),
        };
        included.look();
        included
    }

    /// Adds the files as they are now, and the project file.
    pub(super) fn add_to(&mut self, state: &mut BTreeMap<PathBuf, Stamp>) {
        let Some(project) = &self.project else { return };
        let file = project.directory.join(NAME);
        state.insert(file.clone(), stamp(&file));
        let directories = self.directories.iter();
        if directories
            .into_iter()
            .any(|(path, then)| stamp(path) != *then)
        {
            self.look();
        }
        state.extend(self.files.iter().map(|file| (file.clone(), stamp(file))));
    }

    /// Finds out which files there are.
    fn look(&mut self) {
        let Some(project) = &self.project else { return };
        self.directories.clear();
        for include in &project.include {
            let pattern = include.directory_of_pattern();
            let start = match pattern {
                Some(directory) if !include.on_disk().exists() => include.base.join(directory),
                _ => include.on_disk(),
            };
            match start.parent() {
                // What a file lies in tells when it comes and goes.
                Some(parent) if !start.is_dir() && !start.as_os_str().is_empty() => {
                    add_directories(parent, DEPTH_LIMIT, &mut self.directories);
                }
                _ => add_directories(&start, 0, &mut self.directories),
            }
        }
        // Nobody can say which files there are while the project cannot be built: then it is what there was, and the
        // directories tell when that changes.
        if let Ok(embedding) = embedding(project, &self.entry) {
            let assets = embedding.assets.into_iter();
            self.files = assets.map(|asset| asset.file).collect();
        }
    }
}

/// A directory and those below it.
fn add_directories(directory: &Path, depth: usize, found: &mut BTreeMap<PathBuf, Stamp>) {
    let shown = match directory.as_os_str().is_empty() {
        true => Path::new("."),
        false => directory,
    };
    found.insert(shown.to_owned(), stamp(shown));
    if depth == DEPTH_LIMIT {
        return;
    }
    for entry in fs::read_dir(shown).into_iter().flatten().flatten() {
        let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_directory && !entry.file_name().as_encoded_bytes().starts_with(b".") {
            add_directories(&entry.path(), depth + 1, found);
        }
    }
}
