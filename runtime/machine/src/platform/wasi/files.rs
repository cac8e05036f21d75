//! Files as WASI has them: what the host has opened for the program, without permissions and without real paths.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::path::{Component, Path, PathBuf};

use rustix::fs::FileType;

pub use super::special::Special;

/// What a path names, if it is something special.
pub fn special(path: &Path) -> Option<Special> {
    let found = rustix::fs::stat(path).ok()?;
    match FileType::from_raw_mode(found.st_mode) {
        FileType::RegularFile | FileType::Directory | FileType::Symlink => None,
        FileType::CharacterDevice => Some(Special::CharacterDevice),
        FileType::BlockDevice => Some(Special::BlockDevice),
        // WASI does not tell pipes and sockets from others.
        _ => Some(Special::Pipe),
    }
}

/// Opens a file. Reads and writes that would have to wait make the program wait.
///
/// # Errors
/// The host's answer.
pub fn open_without_waiting(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    options.open(path)
}

/// Nothing changes: reads and writes that would have to wait make the program wait.
///
/// # Errors
/// None.
pub fn never_wait(_descriptor: impl AsFd) -> io::Result<()> {
    Ok(())
}

/// Which file a path names: device and number.
pub fn identity(path: &Path) -> Option<(u64, u64)> {
    let found = rustix::fs::stat(path).ok()?;
    Some((found.st_dev, found.st_ino))
}

/// Most symbolic links that a path may lead through.
const MOST_LINKS: usize = 40;

/// The absolute path of what exists at a path, with all symbolic links resolved, in the names that the host has given.
///
/// # Errors
/// There is nothing, or the host's answer.
pub fn resolve(path: &Path) -> io::Result<PathBuf> {
    fs::metadata(path)?;
    let mut rest = std::env::current_dir()?.join(path);
    'links: for _ in 0..MOST_LINKS {
        let mut found = PathBuf::from("/");
        let mut components = rest.components();
        while let Some(component) = components.next() {
            match component {
                Component::Normal(name) => {
                    let next = found.join(name);
                    // The directories that the host has opened can be used, but not asked for by their names.
                    if next.is_symlink() {
                        rest = found.join(fs::read_link(&next)?).join(components.as_path());
                        continue 'links;
                    }
                    found = next;
                }
                Component::ParentDir => {
                    found.pop();
                }
                Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
            }
        }
        return Ok(found);
    }
    Err(rustix::io::Errno::LOOP.into())
}

/// The path with these bytes; `None`: it can be none here, because it is no text.
pub fn path(bytes: &[u8]) -> Option<&Path> {
    Some(Path::new(std::str::from_utf8(bytes).ok()?))
}

/// When a file was changed last, in seconds since 1970.
pub fn modified(metadata: &Metadata) -> i64 {
    let since = metadata
        .modified()
        .ok()
        .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(0))
}

/// The permissions of a file: WASI has none, so everybody may read, and the owner write.
pub fn permissions(_metadata: &Metadata) -> u32 {
    0o644
}

/// WASI has no permissions.
pub fn set_permissions(options: &mut OpenOptions, _mode: u32) -> &mut OpenOptions {
    options
}

/// Makes a symbolic link at `place` that points to `to`.
///
/// # Errors
/// The host's answer.
pub fn link(to: &Path, place: &Path) -> io::Result<()> {
    Ok(rustix::fs::symlink(to, place)?)
}

/// How many descriptors the program may have: the host does not tell.
pub fn most_descriptors() -> Option<u64> {
    None
}

/// Where temporary files go unless the environment says otherwise.
pub fn temporary() -> PathBuf {
    PathBuf::from("/tmp")
}
