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
    /// The runtime is a module of WebAssembly that takes no program, or not this one.
    #[error("the program cannot be put into the WebAssembly module of the runtime: {0}")]
    Module(&'static str),
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
/// `executable` files may be executed
/// by whom the umask allows to read them.
///
/// # Errors
/// Those of `write`, and [`WriteError::OutputFile`]; `path` is then untouched.
pub fn replace_file<T>(
    path: &Path,
    executable: bool,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<T, WriteError>,
) -> Result<T, WriteError> {
    let mut outputs = Outputs::default();
    let result = outputs.write(path, executable, write)?;
    outputs.put_in_place()?;
    Ok(result)
}

/// Files that appear together: each is written beside its place, and all come to their places when all are complete. What does
/// not get there is removed.
#[derive(Default)]
pub struct Outputs(Vec<Staged>);

/// A complete file that is not at its place yet.
struct Staged {
    temporary: Temporary,
    file: File,
    target: PathBuf,
    /// What the user calls it.
    path: PathBuf,
    made: Made,
}

impl Outputs {
    /// Writes one more file, see [`replace_file`].
    ///
    /// # Errors
    /// Those of `write`, and [`WriteError::OutputFile`].
    pub fn write<T>(
        &mut self,
        path: &Path,
        executable: bool,
        write: impl FnOnce(&mut BufWriter<File>) -> Result<T, WriteError>,
    ) -> Result<T, WriteError> {
        let (staged, result) = stage(path, executable, write)?;
        self.0.push(staged);
        Ok(result)
    }

    /// Gives all files their places.
    ///
    /// # Errors
    /// [`WriteError::OutputFile`]: the file that cannot get there and those that were written after it do not appear.
    pub fn put_in_place(mut self) -> Result<(), WriteError> {
        // What may fail comes first, for all of them.
        for staged in &mut self.0 {
            let named = staged.temporary.name(&staged.file);
            named.map_err(failure("write", &staged.path))?;
        }
        self.0.reverse();
        while let Some(staged) = self.0.pop() {
            let Staged {
                temporary,
                file,
                target,
                path,
                made,
            } = staged;
            let put = temporary.persist(file, &target);
            put.map_err(failure("write", &path))?;
            made.keep();
        }
        Ok(())
    }
}

impl Drop for Outputs {
    fn drop(&mut self) {
        // A directory that was made for the first of them can go when the others have gone.
        while self.0.pop().is_some() {}
    }
}

fn stage<T>(
    path: &Path,
    executable: bool,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<T, WriteError>,
) -> Result<(Staged, T), WriteError> {
    let target = final_target(path)?;
    let directory = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let made = Made::directories(directory)?;
    let (temporary, file) = Temporary::create(directory, &target, executable)?;
    let mut output = BufWriter::with_capacity(BUFFER_SIZE, file);
    let result = match write(&mut output) {
        // The user knows the file by its own name, not by the temporary one.
        Err(WriteError::Output(source)) => return Err(failure("write", path)(source)),
        other => other?,
    };
    let file = output
        .into_inner()
        .map_err(|error| failure("write", path)(error.into_error()))?;
    let staged = Staged {
        temporary,
        file,
        target,
        path: path.to_owned(),
        made,
    };
    Ok((staged, result))
}

/// Directories that were made for a file, and go again if the file does not come about.
struct Made(Vec<PathBuf>);

impl Made {
    /// Makes a directory and those above it, as far as they are not there.
    fn directories(directory: &Path) -> Result<Made, WriteError> {
        let above = directory.ancestors();
        let missing = above.take_while(|path| !path.as_os_str().is_empty() && !path.exists());
        let made = Made(missing.map(Path::to_owned).collect());
        fs::create_dir_all(directory).map_err(failure("make the directory", directory))?;
        Ok(made)
    }

    fn keep(mut self) {
        self.0.clear();
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        for directory in &self.0 {
            // One that somebody else has filled meanwhile stays.
            let _ = fs::remove_dir(directory);
        }
    }
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
            Ok(followed(path.to_owned()))
        }
        Err(error) => Err(failure("write", path)(error)),
    }
}

/// Where a file is written that is called `output`: what links lead to, whether it is there already or not.
#[must_use]
pub fn followed(output: PathBuf) -> PathBuf {
    /// Most links on the way, as in the kernel.
    const MOST_LINKS: usize = 40;
    let mut place = output.clone();
    // Behind the links of /proc may be what has no path.
    if fs::metadata(&output).is_ok_and(|metadata| !metadata.is_file()) {
        return output;
    }
    for _ in 0..MOST_LINKS {
        match fs::read_link(&place) {
            Ok(target) => place = place.parent().unwrap_or(Path::new("")).join(target),
            Err(_) => return place,
        }
    }
    output
}

/// The permissions of a new file, from which the system takes those of the umask.
fn mode(executable: bool) -> u32 {
    if executable { 0o777 } else { 0o666 }
}

#[cfg(unix)]
fn with_mode(options: &mut OpenOptions, executable: bool) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(mode(executable))
}

#[cfg(not(unix))]
fn with_mode(options: &mut OpenOptions, _executable: bool) -> &mut OpenOptions {
    options
}

fn failure(action: &'static str, path: &Path) -> impl Fn(io::Error) -> WriteError {
    move |source| WriteError::OutputFile {
        action,
        path: path.to_owned(),
        source,
    }
}

/// A file without its final name: without any name where the system can do that, so that nothing
/// remains of a build that is killed; else with one of its own, and removed when it is dropped.
struct Temporary {
    /// Where it lies, if it has a name.
    path: Option<PathBuf>,
    directory: PathBuf,
}

impl Temporary {
    fn create(
        directory: &Path,
        target: &Path,
        executable: bool,
    ) -> Result<(Self, File), WriteError> {
        if let Some(file) = nameless(directory, executable) {
            let temporary = Temporary {
                path: None,
                directory: directory.to_owned(),
            };
            return Ok((temporary, file));
        }
        let open = |path: &Path| {
            let mut options = OpenOptions::new();
            let options = with_mode(&mut options, executable);
            options.write(true).create_new(true).open(path)
        };
        let (path, file) = with_free_name(directory, open).map_err(failure("write", target))?;
        let temporary = Temporary {
            path: Some(path),
            directory: directory.to_owned(),
        };
        Ok((temporary, file))
    }

    /// Gives the file a name of its own. That of another file can only be taken by renaming.
    fn name(&mut self, file: &File) -> io::Result<()> {
        if self.path.is_none() {
            let link = |path: &Path| give_name(file, path);
            self.path = Some(with_free_name(&self.directory, link)?.0);
        }
        Ok(())
    }

    /// Gives the file its place.
    fn persist(mut self, file: File, target: &Path) -> io::Result<()> {
        self.name(&file)?;
        // Some file systems report a full disk only here.
        drop(file);
        if let Some(path) = &self.path {
            fs::rename(path, target)?;
        }
        self.path = None;
        Ok(())
    }
}

/// Does `make` for a name that no file in `directory` has.
fn with_free_name<T>(
    directory: &Path,
    make: impl Fn(&Path) -> io::Result<T>,
) -> io::Result<(PathBuf, T)> {
    // Not derived from the name of the target alone, which may already be as long as names can be.
    let process = std::process::id();
    for attempt in 0..NAME_ATTEMPTS {
        let path = directory.join(format!(".semac-{process}-{attempt}.tmp"));
        match make(&path) {
            Ok(made) => return Ok((path, made)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::new(
        io::ErrorKind::AlreadyExists,
        "too many temporary files lie in its directory; remove '.semac-*.tmp'",
    ))
}

/// A file in `directory` that has no name, if system and file system have such files.
#[cfg(target_os = "linux")]
fn nameless(directory: &Path, executable: bool) -> Option<File> {
    use rustix::fs::{Mode, OFlags};
    // Names are given by way of /proc, which some containers lack.
    if !Path::new("/proc/self/fd").exists() {
        return None;
    }
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    let mode = Mode::from_raw_mode(mode(executable));
    rustix::fs::open(directory, flags, mode)
        .ok()
        .map(File::from)
}

#[cfg(target_os = "linux")]
fn give_name(file: &File, path: &Path) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD};
    use std::os::fd::AsRawFd;
    let open = format!("/proc/self/fd/{}", file.as_raw_fd());
    rustix::fs::linkat(CWD, open, CWD, path, AtFlags::SYMLINK_FOLLOW)?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn nameless(_directory: &Path, _executable: bool) -> Option<File> {
    None
}

#[cfg(not(target_os = "linux"))]
fn give_name(_file: &File, _path: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // Nothing can be done about a failure here; the error that led to
            // this is already on its way to the user.
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_outputs() {
        let directory = std::env::temp_dir().join(format!("semac-outputs-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let link = |target: &str, name: &str| {
            std::os::unix::fs::symlink(target, directory.join(name)).unwrap();
        };
        link("made", "one");
        link("one", "two");
        link("round", "round");
        for (name, place) in [
            ("made", "made"),
            ("one", "made"),
            ("two", "made"),
            ("round", "round"),
        ] {
            assert_eq!(
                followed(directory.join(name)),
                directory.join(place),
                "{name}"
            );
        }
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
