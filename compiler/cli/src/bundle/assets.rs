//! What `--include` means: which files are embedded, and under which paths.
//!
//! A relative argument is embedded under the path as it was written, so that a program finds the
//! file under the name it has beside the sources. `..` would name a place outside of the program's
//! files and is refused. An absolute argument is embedded relative to the directory of the entry
//! file, or to the current directory, whichever contains it, else under its last name.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use sema_format::container::layout::MAGIC;
use sema_machine::launch;
use sema_vfs::{Archive, PathError, VfsPath};

use super::inputs::same_file;

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
    #[error("cannot include '{}': {source}", path.display())]
    Unreadable {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A socket, a device or a pipe.
    #[error("cannot include '{}': it is neither a file nor a directory", path.display())]
    Special {
        /// What it is called.
        path: PathBuf,
    },
    /// A path that archives do not take.
    #[error("cannot include '{}': {source}", path.display())]
    Path {
        /// The argument, or the file below it.
        path: PathBuf,
        /// The broken rule.
        source: PathError,
    },
    /// Two different files for one path.
    #[error("cannot include both '{}' and '{}' as '{path}'", first.display(), second.display())]
    Conflict {
        /// The path in the program.
        path: VfsPath,
        /// The file that was there first.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// Directories nested too deep.
    #[error(
        "cannot include '{}': directories are nested more than {DEPTH_LIMIT} deep, perhaps by a \
         symbolic link that leads back", path.display()
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
                "paths of --include are relative to the current directory; remove the flag if the \
                 file is to be read from disk at run time",
            ),
            Self::Path { path, .. }
                if path
                    .components()
                    .any(|component| component == Component::ParentDir) =>
            {
                Some(
                    "run semac in a directory that contains the sources and the files to include, \
                     or give an absolute path",
                )
            }
            _ => None,
        }
    }
}

/// The files that the `--include` arguments of a program name, sorted by their paths.
///
/// What semac made in earlier builds, executables and modules, is left out of directories; it can be named.
///
/// Each file is opened once, so that an unreadable one is found before anything is compiled.
///
/// # Errors
/// See [`IncludeError`].
pub fn collect(includes: &[PathBuf], entry: &Path) -> Result<Vec<Asset>, IncludeError> {
    let mut collector = Collector::default();
    for include in includes {
        let path = embedded_path(include, entry);
        collector.add(include, &path, 0)?;
    }
    let assets = collector.files.into_iter();
    Ok(assets.map(|(path, file)| Asset { path, file }).collect())
}

#[derive(Default)]
struct Collector {
    files: BTreeMap<VfsPath, PathBuf>,
}

impl Collector {
    fn add(&mut self, file: &Path, path: &Path, depth: usize) -> Result<(), IncludeError> {
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
            let mut names = Vec::new();
            for entry in fs::read_dir(file).map_err(unreadable)? {
                names.push(entry.map_err(unreadable)?.file_name());
            }
            // The order decides which of several errors is reported.
            names.sort();
            for name in names {
                if is_made_by_semac(&file.join(&name)) {
                    continue;
                }
                self.add(&file.join(&name), &path.join(&name), depth + 1)?;
            }
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
        match self.files.get(&path) {
            None => {
                self.files.insert(path, file.to_owned());
            }
            Some(first) if same_file(first, file) => {}
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

/// Whether a file is the product of an earlier build.
fn is_made_by_semac(file: &Path) -> bool {
    let is_program = || {
        let archive = Archive::open_executable(file);
        archive.is_ok_and(|archive| archive.metadata(launch::ENTRY).is_some())
    };
    file.is_file() && (is_module(file) || is_program())
}

/// Whether a file is a compiled module, by its first bytes.
fn is_module(file: &Path) -> bool {
    let mut start = [0; MAGIC.len()];
    let read =
        fs::File::open(file).and_then(|mut file| io::Read::read_exact(&mut file, &mut start));
    read.is_ok() && start == MAGIC
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
mod tests {
    use super::*;

    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Scratch {
            let path =
                std::env::temp_dir().join(format!("semac-assets-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            fs::create_dir_all(&path).unwrap();
            Scratch(path)
        }

        fn file(&self, name: &str) -> PathBuf {
            let path = self.0.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, name).unwrap();
            path
        }

        fn paths(&self, includes: &[&str]) -> Result<Vec<String>, IncludeError> {
            let includes: Vec<PathBuf> = includes.iter().map(|name| self.0.join(name)).collect();
            let assets = collect(&includes, &self.0.join("main.sema"))?;
            Ok(assets
                .iter()
                .map(|one| one.path.as_str().to_owned())
                .collect())
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn directories_are_walked_in_order_and_overlaps_are_fine() {
        let scratch = Scratch::new("walk");
        for name in ["data/b.txt", "data/a/z.txt", "x.csv"] {
            scratch.file(name);
        }
        let paths = scratch.paths(&["x.csv", "data", "data/b.txt"]).unwrap();
        assert_eq!(paths, ["data/a/z.txt", "data/b.txt", "x.csv"]);
    }

    #[test]
    fn absolute_paths_become_relative() {
        let scratch = Scratch::new("absolute");
        let file = scratch.file("data/a.txt");
        let entry = scratch.0.join("main.sema");
        assert_eq!(embedded_path(&file, &entry), Path::new("data/a.txt"));
        let elsewhere = Path::new("/nowhere/main.sema");
        assert_eq!(embedded_path(&file, elsewhere), Path::new("a.txt"));
        assert_eq!(embedded_path(Path::new("a/b"), &entry), Path::new("a/b"));
    }

    #[test]
    fn refusals() {
        let scratch = Scratch::new("refusals");
        let missing = scratch.paths(&["none"]).unwrap_err();
        assert!(
            matches!(missing, IncludeError::Unreadable { .. }),
            "{missing}"
        );
        assert!(missing.hint().is_some());
        scratch.file(".semac/entry");
        let reserved = scratch.paths(&[".semac"]).unwrap_err();
        assert!(reserved.to_string().contains("reserved"), "{reserved}");
        let null = collect(&["/dev/null".into()], Path::new("main.sema")).unwrap_err();
        assert!(matches!(null, IncludeError::Special { .. }), "{null}");
        let parent = collect(&["../../Cargo.toml".into()], Path::new("main.sema")).unwrap_err();
        assert!(parent.to_string().contains("'..'"), "{parent}");
        assert!(parent.hint().is_some());
    }

    #[cfg(unix)]
    #[test]
    fn loops_of_links_end() {
        let scratch = Scratch::new("loop");
        scratch.file("data/a.txt");
        std::os::unix::fs::symlink(scratch.0.join("data"), scratch.0.join("data/again")).unwrap();
        let error = scratch.paths(&["data"]).unwrap_err();
        // Linux gives up on its own after forty links.
        assert!(
            matches!(
                error,
                IncludeError::TooDeep { .. } | IncludeError::Unreadable { .. }
            ),
            "{error}"
        );
    }
}
