//! Files as this system has them: how they are opened, what they are besides files and directories, where they really are.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

pub use super::special::Special;

/// What a path names, if it is something special.
pub fn special(path: &Path) -> Option<Special> {
    let kind = fs::metadata(path).ok()?.file_type();
    match () {
        () if kind.is_fifo() => Some(Special::Pipe),
        () if kind.is_socket() => Some(Special::Socket),
        () if kind.is_char_device() => Some(Special::CharacterDevice),
        () if kind.is_block_device() => Some(Special::BlockDevice),
        () => None,
    }
}

/// Opens a file whose reads and writes fail where they would have to wait; a terminal does not become the process's own.
///
/// # Errors
/// The system's answer.
pub fn open_without_waiting(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    options.custom_flags(flags.bits() as i32).open(path)
}

/// From now on, reads and writes of a descriptor fail where they would have to wait.
///
/// # Errors
/// The system's answer.
pub fn never_wait(descriptor: impl AsFd) -> io::Result<()> {
    Ok(rustix::fs::fcntl_setfl(descriptor, OFlags::NONBLOCK)?)
}

/// Which file a path names: device and number.
pub fn identity(path: &Path) -> Option<(u64, u64)> {
    let found = fs::metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}

/// The absolute path of what exists at a path, with all symbolic links resolved.
///
/// # Errors
/// There is nothing, or the system's answer.
pub fn resolve(path: &Path) -> io::Result<PathBuf> {
    fs::canonicalize(path)
}

/// The path with these bytes; `None`: it can be none here.
pub fn path(bytes: &[u8]) -> Option<&Path> {
    Some(Path::new(std::ffi::OsStr::from_bytes(bytes)))
}

/// When a file was changed last, in seconds since 1970.
pub fn modified(metadata: &Metadata) -> i64 {
    metadata.mtime()
}

/// The permissions of a file, as `chmod(2)` counts them.
pub fn permissions(metadata: &Metadata) -> u32 {
    metadata.permissions().mode()
}

/// Files that are made with these options get at most these permissions.
pub fn set_permissions(options: &mut OpenOptions, mode: u32) -> &mut OpenOptions {
    options.mode(mode)
}

/// Makes a symbolic link at `place` that points to `to`.
///
/// # Errors
/// The system's answer.
pub fn link(to: &Path, place: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(to, place)
}

/// How many descriptors the process may have; `None`: nothing limits them.
pub fn most_descriptors() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

/// Where temporary files go unless the environment says otherwise.
pub fn temporary() -> PathBuf {
    std::env::temp_dir()
}
