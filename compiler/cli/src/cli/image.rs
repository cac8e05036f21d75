//! Files that semac made: modules, archives and executables, told apart by their first bytes.

use std::borrow::Cow;
use std::fs;
use std::path::Path;

use sema_format::AlignedBytes;
use sema_vfs::{ARCHIVE_MAGIC, Archive, EntryKind, EntryRef, VfsError};

use super::failure::Failure;
use crate::paths::shown;

/// First bytes of executables that runtimes exist for.
const ELF_MAGIC: &[u8] = b"\x7fELF";
/// First bytes of bundles that an installed runtime runs, and of source files that an interpreter runs.
const INTERPRETED: &[u8] = b"#!";
/// First bytes of modules, also of ones whose line ends a text-mode transfer has changed.
const MODULE_MAGIC_START: &[u8] = b"\0SEMAC";

/// A file that semac made.
pub enum Image {
    /// A single module.
    Module(AlignedBytes),
    /// An executable or a bare archive.
    Archive(Archive),
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A `.semac` file, or something that claims to be one.
    Module,
    /// An executable or a bare archive.
    Archive,
    /// Anything else: source text.
    Source,
}

/// Tells what a file is by its first bytes, and by its extension if those say nothing.
pub fn kind_of(path: &Path, start: &[u8]) -> FileKind {
    if start.starts_with(ELF_MAGIC)
        || start.starts_with(&ARCHIVE_MAGIC)
        || start.starts_with(INTERPRETED) && ends_in_archive(path)
        || sema_vfs::wasm::is_module(start)
    {
        FileKind::Archive
    } else if start.starts_with(MODULE_MAGIC_START)
        || path
            .extension()
            .is_some_and(|extension| extension == "semac")
    {
        FileKind::Module
    } else {
        FileKind::Source
    }
}

/// Whether a file that is no executable carries an archive, whole or damaged.
fn ends_in_archive(path: &Path) -> bool {
    !matches!(Archive::open_executable(path), Err(VfsError::NoArchive))
}

impl Image {
    /// Opens a module, an archive or an executable.
    ///
    /// # Errors
    /// It cannot be read, or it is something else, or it is damaged where one must look to open it.
    pub fn open(path: &Path) -> Result<Image, Failure> {
        if let Some(bytes) = read_once(path)? {
            return Image::of_bytes(path, bytes);
        }
        let start = first_bytes(path)?;
        match kind_of(path, &start) {
            FileKind::Archive => Ok(Image::Archive(Archive::open_any(path).map_err(
                |error| Failure::Damaged {
                    path: path.to_owned(),
                    problem: error.to_string(),
                },
            )?)),
            FileKind::Module => {
                let bytes = fs::read(path).map_err(|source| read_failure(path, source))?;
                Ok(Image::Module(AlignedBytes::copy_of(&bytes)))
            }
            FileKind::Source => Err(neither(path)),
        }
    }

    /// The same of a file that has been read.
    ///
    /// # Errors
    /// It is something else, or damaged.
    pub fn of_bytes(path: &Path, bytes: Vec<u8>) -> Result<Image, Failure> {
        let archive = match kind_of_bytes(&bytes) {
            FileKind::Module => return Ok(Image::Module(AlignedBytes::copy_of(&bytes))),
            FileKind::Source => return Err(neither(path)),
            FileKind::Archive => sema_machine::launch::archive_in(bytes),
        };
        let damaged = |error: VfsError| Failure::Damaged {
            path: path.to_owned(),
            problem: error.to_string(),
        };
        Ok(Image::Archive(archive.map_err(damaged)?))
    }
}

/// Tells what was read by its bytes alone.
pub fn kind_of_bytes(bytes: &[u8]) -> FileKind {
    let is_archive = || {
        let read = Archive::from_executable_bytes(bytes.to_vec());
        !matches!(read, Err(VfsError::NoArchive))
    };
    match bytes {
        start if start.starts_with(MODULE_MAGIC_START) => FileKind::Module,
        start if start.starts_with(INTERPRETED) && !is_archive() => FileKind::Source,
        start => kind_of(Path::new(""), start),
    }
}

/// What can be read only once, a pipe for example; `None` if the path is a regular file.
///
/// # Errors
/// [`Failure::File`]
pub fn read_once(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    let metadata = fs::metadata(path).map_err(|source| read_failure(path, source))?;
    if metadata.is_file() || metadata.is_dir() {
        return Ok(None);
    }
    fs::read(path)
        .map(Some)
        .map_err(|source| read_failure(path, source))
}

/// The error that a file is nothing that semac made.
pub fn neither(path: &Path) -> Failure {
    Failure::Other {
        message: format!(
            "'{}' is neither an executable that semac built nor a module",
            shown(&path)
        ),
        hint: "build it first: `semac build FILE` or `semac compile FILE`".to_owned(),
    }
}

/// The first bytes of a file, enough to tell what it is.
///
/// # Errors
/// [`Failure::File`]
pub fn first_bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    use std::io::Read;
    let mut start = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(64).read_to_end(&mut start))
        .map_err(|source| read_failure(path, source))?;
    Ok(start)
}

fn read_failure(path: &Path, source: std::io::Error) -> Failure {
    Failure::File {
        action: "read",
        path: path.to_owned(),
        source,
    }
}

/// The code entries of an archive.
pub fn modules(archive: &Archive) -> impl Iterator<Item = EntryRef<'_>> {
    archive.entries().filter(|entry| entry.kind().is_code())
}

/// Bytes of a module entry, aligned as views need them.
pub fn aligned<'a>(entry: &EntryRef<'a>) -> Result<ModuleBytes<'a>, String> {
    let bytes = entry.mapped().map_err(|error| error.to_string())?;
    Ok(if bytes.as_ptr().addr().is_multiple_of(4) {
        ModuleBytes(Ok(bytes))
    } else {
        ModuleBytes(Err(AlignedBytes::copy_of(bytes)))
    })
}

/// Bytes of a module, borrowed from the mapping or copied to an aligned place.
pub struct ModuleBytes<'a>(Result<&'a [u8], AlignedBytes>);

impl ModuleBytes<'_> {
    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        match &self.0 {
            Ok(bytes) => bytes,
            Err(copy) => copy.as_bytes(),
        }
    }
}

/// Which module an archive starts with.
pub fn entry_module(archive: &Archive) -> Option<Cow<'_, str>> {
    let bytes = archive
        .metadata(sema_machine::launch::ENTRY)?
        .bytes()
        .ok()?;
    Some(match bytes {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
    })
}

/// The assets of an archive.
pub fn assets(archive: &Archive) -> impl Iterator<Item = EntryRef<'_>> {
    archive
        .entries()
        .filter(|entry| entry.kind() == EntryKind::Asset)
}
