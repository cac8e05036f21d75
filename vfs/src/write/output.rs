//! Output files that appear complete or not at all, and the writer's errors.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use crate::layout::EntryKind;
use crate::path::VfsPath;

/// Names tried for the temporary file before giving up.
const NAME_ATTEMPTS: u32 = 100;
const BUFFER_SIZE: usize = 128 * 1024;

/// A refusal or failure of the writer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// Two entries of one kind and path.
    #[error("'{path}' was already added as {}; embed it once", kind.name())]
    Duplicate {
        /// The path.
        path: VfsPath,
        /// Its kind.
        kind: EntryKind,
    },
    /// Metadata outside `.semac/`, or something else inside.
    #[error("'{path}' cannot be stored as {}: metadata lives in '.semac/', all else outside", kind.name())]
    KindMismatch {
        /// The path.
        path: VfsPath,
        /// Its kind.
        kind: EntryKind,
    },
    /// More entries, path text or chunks than the format counts.
    #[error("too many embedded files: the format counts entries, chunks and path bytes to 2^32")]
    TooMany,
    /// The runtime is a built program.
    #[error("the runtime already carries a program; give the bare runtime executable")]
    RuntimeCarriesProgram,
    /// A file to embed cannot be read.
    #[error("cannot embed '{}': {source}", path.display())]
    Source {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The output cannot be written.
    #[error("cannot write the archive: {0}")]
    Output(#[source] io::Error),
    /// The output file cannot be made.
    #[error("cannot {action} '{}': {source}", path.display())]
    OutputFile {
        /// The attempted action, as a verb.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Lets `write` fill a temporary file beside `path` and renames it to `path`
/// when all went well; otherwise removes it. Missing parent directories are made;
/// `executable` files get the mode 0755.
///
/// # Errors
/// Those of `write`, and [`WriteError::OutputFile`]; `path` is then untouched.
pub fn replace_file<T>(
    path: &Path,
    executable: bool,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<T, WriteError>,
) -> Result<T, WriteError> {
    let target = final_target(path)?;
    let directory = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(directory).map_err(failure("make the directory", directory))?;
    let (temporary, file) = Temporary::create(directory, &target)?;
    let mut output = BufWriter::with_capacity(BUFFER_SIZE, file);
    let result = match write(&mut output) {
        // The user knows the file by its own name, not by the temporary one.
        Err(WriteError::Output(source)) => return Err(failure("write", path)(source)),
        other => other?,
    };
    let file = output
        .into_inner()
        .map_err(|error| failure("write", path)(error.into_error()))?;
    if executable {
        make_executable(&file).map_err(failure("make executable", path))?;
    }
    // Some file systems report a full disk only here.
    drop(file);
    temporary.persist(&target).map_err(failure("write", path))?;
    Ok(result)
}

/// Follows a symbolic link, as compilers do, and refuses to replace anything
/// but a regular file: renaming onto `/dev/null` would be a disaster.
fn final_target(path: &Path) -> Result<PathBuf, WriteError> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => {
            fs::canonicalize(path).map_err(failure("write", path))
        }
        Ok(metadata) => {
            let problem = if metadata.is_dir() {
                "it is a directory; give the name of a file"
            } else {
                "it is not a regular file; give another name"
            };
            Err(failure("write", path)(io::Error::new(
                io::ErrorKind::AlreadyExists,
                problem,
            )))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound && path.file_name().is_some() => {
            Ok(path.to_owned())
        }
        Err(error) => Err(failure("write", path)(error)),
    }
}

#[cfg(unix)]
fn make_executable(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn make_executable(_file: &File) -> io::Result<()> {
    Ok(())
}

fn failure(action: &'static str, path: &Path) -> impl Fn(io::Error) -> WriteError {
    move |source| WriteError::OutputFile {
        action,
        path: path.to_owned(),
        source,
    }
}

/// A file that is removed when it is dropped before it got its final name.
struct Temporary {
    path: PathBuf,
    persisted: bool,
}

impl Temporary {
    fn create(directory: &Path, target: &Path) -> Result<(Self, File), WriteError> {
        // Not derived from the name of the target alone, which may already be
        // as long as names can be.
        let process = std::process::id();
        for attempt in 0..NAME_ATTEMPTS {
            let path = directory.join(format!(".semac-{process}-{attempt}.tmp"));
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => {
                    let persisted = false;
                    return Ok((Self { path, persisted }, file));
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(failure("write", target)(error)),
            }
        }
        Err(failure("write", target)(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "too many temporary files lie in its directory; remove '.semac-*.tmp'",
        )))
    }

    fn persist(mut self, target: &Path) -> io::Result<()> {
        fs::rename(&self.path, target)?;
        self.persisted = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.persisted {
            // Nothing can be done about a failure here; the error that led to
            // this is already on its way to the user.
            let _ = fs::remove_file(&self.path);
        }
    }
}
