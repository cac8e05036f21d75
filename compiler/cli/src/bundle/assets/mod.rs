//! What `--include` means: which files are embedded, and under which paths.
//!
//! A relative argument is embedded under the path as it was written, so that a program finds the
//! file under the name it has beside the sources. `..` would name a place outside of the program's
//! files and is refused. An absolute argument is embedded relative to the directory of the entry
//! file, or to the current directory, whichever contains it, else under its last name. `PATH=PLACE` names the
//! place itself. A path that does not exist and has wildcards is a pattern. A file or directory without a place of its own is
//! found under its last name, too, as long as no other one has it.

mod embedding;
mod image;
mod include;
mod pattern;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use sema_format::container::layout::MAGIC;
use sema_machine::launch;
use sema_vfs::{ARCHIVE_MAGIC, Archive, PathError, VfsPath};

use super::inputs::{Identity, same_file};
use crate::paths::shown;
pub use embedding::{Embedding, ServeError};
pub use image::{MAKER as IMAGE_MAKER, is_image_of_semac};
pub use include::Include;
use pattern::Pattern;
pub use pattern::{Excludes, PatternError};

/// Directories are followed this deep; a loop of symbolic links ends here at the latest.
const DEPTH_LIMIT: usize = 64;

/// A file to embed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    /// The path the program reads it under.
    pub path: VfsPath,
    /// The file.
    pub file: PathBuf,
}

/// An `--include` that cannot be honoured.
#[derive(Debug, thiserror::Error)]
pub enum IncludeError {
    /// Missing or unreadable.
    #[error("cannot include '{}': {source}", shown(&path))]
    Unreadable {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A socket, a device or a pipe.
    #[error("cannot include '{}': it is neither a file nor a directory", shown(&path))]
    Special {
        /// What it is called.
        path: PathBuf,
    },
    /// A path that archives do not take.
    #[error("cannot include '{}': {source}", shown(&path))]
    Path {
        /// The argument, or the file below it.
        path: PathBuf,
        /// The broken rule.
        source: PathError,
    },
    /// Two different files for one path.
    #[error("cannot include both '{}' and '{}' as '{path}'", shown(&first), shown(&second))]
    Conflict {
        /// The path in the program.
        path: VfsPath,
        /// The file that was there first.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// One path would be a file and a directory.
    #[error(
        "cannot include '{}' as '{path}' and '{}' as '{below}': '{path}' would be a file and a directory",
        shown(&first), shown(&second)
    )]
    Nested {
        /// The path of the file.
        path: VfsPath,
        /// The file.
        first: PathBuf,
        /// The path below it.
        below: VfsPath,
        /// The other file.
        second: PathBuf,
    },
    /// Nothing is there to include.
    #[error("'{argument}' includes nothing: {why}")]
    Empty {
        /// The argument.
        argument: String,
        /// What is there instead of files.
        why: &'static str,
    },
    /// What a project file says cannot be honoured.
    #[error("{place}: {error}")]
    Said {
        /// Where it says that.
        place: String,
        /// What is wrong.
        error: Box<IncludeError>,
    },
    /// See [`PatternError`].
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// Directories nested too deep.
    #[error(
        "cannot include '{}': directories are nested more than {DEPTH_LIMIT} deep, perhaps by a \
         symbolic link that leads back", shown(&path)
    )]
    TooDeep {
        /// The directory where it was given up.
        path: PathBuf,
    },
}

impl IncludeError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unreadable { source, .. } if source.kind() == io::ErrorKind::NotFound => Some(
                "paths of --include are relative to the current directory, those of sema.toml to the file; leave it \
                 out if the file is to be read from disk at run time",
            ),
            Self::Said { error, .. } => error.hint(),
            Self::Empty { .. } => Some("correct the path or the pattern, or leave it out"),
            Self::Path { path, .. }
                if path
                    .components()
                    .any(|component| component == Component::ParentDir) =>
            {
                Some(
                    "say where it goes in the program, `--include ../data=data`, or run semac in a directory that \
                     contains the sources and the files to include",
                )
            }
            _ => None,
        }
    }
}

/// The files that the `--include` arguments of a program name, sorted by their paths. Those of `includes` come before those
/// of `defaults`, which a project file gives: where both put a file at one place, the first is taken.
///
/// What semac made in earlier builds, executables, modules, images, debug files and bills of materials, is left out of directories and
/// patterns; it can be named.
///
/// Each file is opened once, so that an unreadable one is found before anything is compiled. What semac made and was left out comes
/// second.
///
/// # Errors
/// See [`IncludeError`].
pub fn collect(
    includes: &[Include],
    defaults: &[Include],
    excludes: &Excludes,
    entry: &Path,
) -> Result<(Vec<Asset>, Vec<PathBuf>), IncludeError> {
    let mut collector = Collector {
        files: BTreeMap::new(),
        settled: BTreeMap::new(),
        excludes,
        found: 0,
        left_out: 0,
        made: Vec::new(),
        entered: Vec::new(),
    };
    for include in includes {
        collector.include(include, entry)?;
    }
    collector.settled = collector.files.clone();
    for include in defaults {
        collector
            .include(include, entry)
            .map_err(|error| match &include.said {
                Some(place) => IncludeError::Said {
                    place: place.clone(),
                    error: Box::new(error),
                },
                None => error,
            })?;
    }
    collector.refuse_nested()?;
    let assets = collector.files.into_iter();
    let assets: Vec<Asset> = assets.map(|(path, file)| Asset { path, file }).collect();
    // What another argument names is in all the same.
    let mut made = collector.made;
    made.retain(|made| !assets.iter().any(|asset| asset.file == *made));
    Ok((assets, made))
}

struct Collector<'e> {
    files: BTreeMap<VfsPath, PathBuf>,
    /// Places that are not taken again.
    settled: BTreeMap<VfsPath, PathBuf>,
    excludes: &'e Excludes,
    /// How many files the current argument has named so far, and how many were left out.
    found: usize,
    left_out: usize,
    /// The files that were left out because semac made them.
    made: Vec<PathBuf>,
    /// The directories on the way to where it is now: links that lead back to one of them are not followed.
    entered: Vec<Option<Identity>>,
}

impl Collector<'_> {
    fn include(&mut self, include: &Include, entry: &Path) -> Result<(), IncludeError> {
        self.found = 0;
        self.left_out = 0;
        let made = self.made.len();
        let disk = include.on_disk();
        let pattern = match fs::symlink_metadata(&disk) {
            Ok(_) => None,
            Err(_) => include.directory_of_pattern(),
        };
        let is_pattern = pattern.is_some();
        match pattern {
            None => {
                let place = place_of(include, &include.path, &disk, entry);
                self.add(&disk, &place, 0)?;
            }
            Some(directory) => {
                let pattern = Pattern::new(&include.path.to_string_lossy())?;
                let place = match &include.place {
                    Some(place) => PathBuf::from(place),
                    None => embedded_path(&directory, entry),
                };
                let start = include.base.join(&directory);
                self.search(&pattern, &start, &directory, &place, 0)?;
            }
        }
        if self.found > 0 {
            return Ok(());
        }
        Err(IncludeError::Empty {
            argument: include.argument.to_string_lossy().into_owned(),
            why: match (self.left_out, is_pattern) {
                (1.., _) => "all that is there is left out by --exclude",
                (0, true) if self.made.len() > made => {
                    "what matches was made by semac, and goes in only under its own name"
                }
                (0, true) => "no file matches the pattern",
                (0, false) => "the directory has no files that semac did not make",
            },
        })
    }

    /// Adds what matches the pattern below a directory; `name` is what the pattern calls it.
    fn search(
        &mut self,
        pattern: &Pattern,
        directory: &Path,
        name: &Path,
        place: &Path,
        depth: usize,
    ) -> Result<(), IncludeError> {
        if depth == DEPTH_LIMIT {
            let path = directory.to_owned();
            return Err(IncludeError::TooDeep { path });
        }
        let searched = if directory.as_os_str().is_empty() {
            Path::new(".")
        } else {
            directory
        };
        if !searched.is_dir() || !self.enter(searched) {
            return Ok(());
        }
        for entry in sorted_names(searched)? {
            let (file, name) = (directory.join(&entry), name.join(&entry));
            let place = place.join(&entry);
            if self.is_left_out(&place) {
                continue;
            }
            if pattern.matches(&name) {
                if !self.is_made_by_semac(&file) {
                    self.add(&file, &place, depth + 1)?;
                }
            } else if file.is_dir() {
                self.search(pattern, &file, &name, &place, depth + 1)?;
            }
        }
        self.entered.pop();
        Ok(())
    }

    /// Goes into a directory, unless it is one of those that lead to it.
    fn enter(&mut self, directory: &Path) -> bool {
        // What cannot be looked at is reported by who reads it.
        let identity = Identity::of(directory).ok();
        if identity.is_some() && self.entered.contains(&identity) {
            return false;
        }
        self.entered.push(identity);
        true
    }

    /// Whether a place in the program is excluded. Then nobody looks at what is there.
    fn is_left_out(&mut self, place: &Path) -> bool {
        let parts = place.components();
        let plain: PathBuf = parts.filter(|part| *part != Component::CurDir).collect();
        let is_excluded = self.excludes.contains(&plain);
        self.left_out += usize::from(is_excluded);
        is_excluded
    }

    /// Whether a file is the product of an earlier build, which is noted.
    fn is_made_by_semac(&mut self, file: &Path) -> bool {
        let is_made = is_made_by_semac(file);
        if is_made && !self.made.iter().any(|made| made == file) {
            self.made.push(file.to_owned());
        }
        is_made
    }

    /// Refuses places that would be a file and a directory.
    fn refuse_nested(&self) -> Result<(), IncludeError> {
        for (below, second) in &self.files {
            let above = Path::new(below.as_str()).ancestors().skip(1);
            let above = above.filter_map(|path| VfsPath::from_relative(path).ok());
            for path in above {
                if let Some(first) = self.files.get(&path) {
                    return Err(IncludeError::Nested {
                        path,
                        first: first.clone(),
                        below: below.clone(),
                        second: second.clone(),
                    });
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, file: &Path, path: &Path, depth: usize) -> Result<(), IncludeError> {
        if self.is_left_out(path) {
            return Ok(());
        }
        let unreadable = |source| IncludeError::Unreadable {
            path: file.to_owned(),
            source,
        };
        let metadata = fs::metadata(file).map_err(unreadable)?;
        if metadata.is_dir() {
            if depth == DEPTH_LIMIT {
                return Err(IncludeError::TooDeep {
                    path: file.to_owned(),
                });
            }
            if !self.enter(file) {
                return Ok(());
            }
            for name in sorted_names(file)? {
                let (file, path) = (file.join(&name), path.join(&name));
                if !self.is_left_out(&path) && !self.is_made_by_semac(&file) {
                    self.add(&file, &path, depth + 1)?;
                }
            }
            self.entered.pop();
            return Ok(());
        }
        if !metadata.is_file() {
            return Err(IncludeError::Special {
                path: file.to_owned(),
            });
        }
        let path = VfsPath::from_relative(path).map_err(|source| IncludeError::Path {
            path: file.to_owned(),
            source,
        })?;
        fs::File::open(file).map_err(unreadable)?;
        self.found += 1;
        match self.files.get(&path) {
            None => {
                self.files.insert(path, file.to_owned());
            }
            Some(first) if same_file(first, file) => {}
            Some(_) if self.settled.contains_key(&path) => {}
            Some(first) => {
                return Err(IncludeError::Conflict {
                    path,
                    first: first.clone(),
                    second: file.to_owned(),
                });
            }
        }
        Ok(())
    }
}

/// What a directory holds. The order decides which of several errors is reported.
fn sorted_names(directory: &Path) -> Result<Vec<OsString>, IncludeError> {
    let unreadable = |source| IncludeError::Unreadable {
        path: directory.to_owned(),
        source,
    };
    let mut names = Vec::new();
    for entry in fs::read_dir(directory).map_err(unreadable)? {
        names.push(entry.map_err(unreadable)?.file_name());
    }
    names.sort();
    Ok(names)
}

/// Where a file or a directory goes in the program, before it is checked.
fn place_of(include: &Include, path: &Path, disk: &Path, entry: &Path) -> PathBuf {
    match (&include.place, path.file_name()) {
        (None, _) => embedded_path(path, entry),
        (Some(place), Some(name)) if place.ends_with('/') && disk.is_file() => {
            Path::new(place).join(name)
        }
        (Some(place), _) => PathBuf::from(place),
    }
}

/// Whether a file is the product of an earlier build.
fn is_made_by_semac(file: &Path) -> bool {
    let is_program = || {
        let archive = Archive::open_executable(file);
        archive.is_ok_and(|archive| archive.metadata(launch::ENTRY).is_some())
    };
    // Modules, files with debug information and bundles.
    let has_magic = || starts_with(file, &MAGIC) || starts_with(file, &ARCHIVE_MAGIC);
    file.is_file()
        && (has_magic() || is_program() || is_bill_of_materials(file) || is_image_of_semac(file))
}

fn starts_with(file: &Path, start: &[u8]) -> bool {
    let mut found = vec![0; start.len()];
    let read =
        fs::File::open(file).and_then(|mut file| io::Read::read_exact(&mut file, &mut found));
    read.is_ok() && found == start
}

/// Whether a file is a bill of materials that semac wrote: it says so.
fn is_bill_of_materials(file: &Path) -> bool {
    starts_with(file, b"{\n  \"bomFormat\": \"CycloneDX\"")
        && fs::read_to_string(file).is_ok_and(|text| text.contains("\"name\": \"semac\""))
}

/// Where an argument goes in the program, before it is checked.
fn embedded_path(include: &Path, entry: &Path) -> PathBuf {
    if include.is_relative() {
        return include.to_owned();
    }
    let roots = [
        entry
            .parent()
            .and_then(|directory| absolute(directory).ok()),
        std::env::current_dir().ok(),
    ];
    let below = roots
        .iter()
        .flatten()
        .find_map(|root| include.strip_prefix(root).ok())
        .filter(|rest| !rest.as_os_str().is_empty());
    below
        .or_else(|| include.file_name().map(Path::new))
        .unwrap_or(include)
        .to_owned()
}

fn absolute(directory: &Path) -> io::Result<PathBuf> {
    if directory.as_os_str().is_empty() {
        std::env::current_dir()
    } else {
        std::path::absolute(directory)
    }
}

#[cfg(test)]
mod tests;
