//! The file view of a running program: embedded assets first, then the disk.

use std::borrow::Cow;
use std::fmt;
use std::fs;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::OnceLock;

use crate::archive::Archive;
use crate::entry::EntryRef;
use crate::error::VfsError;
use crate::layout::EntryKind;
use crate::names;
use crate::path::normalize_directory;
use crate::reader::Place;

/// Reads files for a program. Without an archive it is the file system alone.
///
/// Compiled modules are not files to a program: it would read bytecode where it
/// expects source. They are reached through [`Archive::resolve`].
#[derive(Clone, Debug, Default)]
pub struct Overlay {
    /// The embedded files.
    pub archive: Option<Archive>,
    /// Their other names, once somebody has asked for a file that is not embedded under its path.
    names: OnceLock<Box<str>>,
}

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum OverlayError {
    /// The file is embedded and its bytes cannot be trusted. The file system is
    /// not asked then: it would hide the damage.
    #[error(transparent)]
    Embedded(#[from] VfsError),
    /// The file is not embedded, and this is the answer of the file system.
    #[error(transparent)]
    FileSystem(#[from] io::Error),
}

impl OverlayError {
    /// Whether an embedded read would not have needed a capability: true when
    /// the error is about an embedded file.
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        matches!(self, Self::Embedded(_))
    }
}

impl Overlay {
    /// An overlay of `archive` over the file system.
    #[must_use]
    pub fn new(archive: Option<Archive>) -> Self {
        Self {
            archive,
            names: OnceLock::new(),
        }
    }

    /// The embedded file `requested` means, by the rule of
    /// [`Archive::resolve`], or by another name of it. Reading it needs no capability.
    #[must_use]
    pub fn embedded(&self, requested: &str, importer: Option<&str>) -> Option<EntryRef<'_>> {
        let archive = self.archive.as_ref()?;
        archive
            .resolve(EntryKind::Asset, requested, importer)
            .or_else(|| match self.names(archive) {
                "" => None,
                names => names::file(archive, names, requested),
            })
    }

    /// The other names of embedded files.
    fn names(&self, archive: &Archive) -> &str {
        self.names.get_or_init(|| names::of(archive))
    }

    /// The content of the file `requested`.
    ///
    /// # Errors
    /// [`OverlayError`], which keeps the answer of the file system as it was.
    pub fn read(
        &self,
        requested: &str,
        importer: Option<&str>,
    ) -> Result<Cow<'_, [u8]>, OverlayError> {
        match self.embedded(requested, importer) {
            Some(entry) => Ok(entry.bytes()?),
            None => Ok(Cow::Owned(fs::read(requested)?)),
        }
    }

    /// Whether `requested` names an embedded file, a directory of such files, or something on disk.
    #[must_use]
    pub fn exists(&self, requested: &str, importer: Option<&str>) -> bool {
        self.embedded(requested, importer).is_some()
            || self.is_embedded_directory(requested)
            || fs::exists(requested).unwrap_or(false)
    }

    /// The embedded file `requested`, to be read part by part.
    #[must_use]
    pub fn open_embedded(&self, requested: &str) -> Option<EmbeddedFile> {
        let entry = self.embedded(requested, None)?;
        Some(EmbeddedFile {
            archive: self.archive.clone()?,
            number: entry.number(),
            length: entry.length(),
            place: Place::default(),
        })
    }

    /// The names of embedded files and directories that lie directly in a directory, sorted. None of them: it holds no
    /// embedded file.
    #[must_use]
    pub fn embedded_names(&self, directory: &str) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        self.each_below(directory, |name| {
            if names.last().is_none_or(|last| last != name) {
                names.push(name.to_owned());
            }
            true
        });
        // A file `a.txt` stands between a file `a` and the files of a directory `a`.
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Whether embedded files lie below this directory.
    #[must_use]
    pub fn is_embedded_directory(&self, requested: &str) -> bool {
        let mut found = false;
        self.each_below(requested, |_| {
            found = true;
            false
        });
        found
    }

    /// Calls `visit` with the first part of the path, told from a directory, of each embedded file below it, until it
    /// gives false.
    fn each_below(&self, directory: &str, mut visit: impl FnMut(&str) -> bool) {
        let Some(archive) = &self.archive else { return };
        let Some(directory) = normalize_directory(directory) else {
            return;
        };
        if each_in(archive, &directory, &mut visit) || directory.is_empty() {
            return;
        }
        let names = self.names(archive);
        if !names.is_empty()
            && let Some(directory) = names::directory(archive, names, &directory)
        {
            each_in(archive, &directory, &mut visit);
        }
    }
}

/// The same for the directory of a normalised path; whether there is an embedded file in it.
fn each_in(archive: &Archive, directory: &str, visit: &mut dyn FnMut(&str) -> bool) -> bool {
    let mut prefix = directory.to_owned();
    if !prefix.is_empty() {
        prefix.push('/');
    }
    let mut any = false;
    for entry in archive.entries_with_prefix(&prefix) {
        let rest = entry.path().get(prefix.len()..).unwrap_or_default();
        let name = rest.split('/').next().unwrap_or_default();
        if entry.kind() == EntryKind::Asset && !name.is_empty() {
            any = true;
            if !visit(name) {
                break;
            }
        }
    }
    any
}

/// An embedded file that is read part by part. Only the parts that are read are decompressed, one chunk is held at a time.
pub struct EmbeddedFile {
    archive: Archive,
    /// The entry.
    number: usize,
    length: u64,
    place: Place,
}

impl EmbeddedFile {
    /// Its length in bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }
}

impl fmt::Debug for EmbeddedFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("EmbeddedFile")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

impl Read for EmbeddedFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let entry = self.archive.entry_at(self.number);
        let entry = entry.ok_or(io::ErrorKind::NotFound)?;
        self.place.read(&entry, buffer)
    }
}

impl Seek for EmbeddedFile {
    fn seek(&mut self, target: SeekFrom) -> io::Result<u64> {
        self.place.seek(self.length, target)
    }
}
