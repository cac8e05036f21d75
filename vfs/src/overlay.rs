//! The file view of a running program: embedded assets first, then the disk.

use std::borrow::Cow;
use std::fs;
use std::io;

use crate::archive::Archive;
use crate::entry::EntryRef;
use crate::error::VfsError;
use crate::layout::EntryKind;

/// Reads files for a program. Without an archive it is the file system alone.
///
/// Compiled modules are not files to a program: it would read bytecode where it
/// expects source. They are reached through [`Archive::resolve`].
#[derive(Clone, Debug, Default)]
pub struct Overlay {
    /// The embedded files.
    pub archive: Option<Archive>,
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
        Self { archive }
    }

    /// The embedded file `requested` means, by the rule of
    /// [`Archive::resolve`]. Reading it needs no capability.
    #[must_use]
    pub fn embedded(&self, requested: &str, importer: Option<&str>) -> Option<EntryRef<'_>> {
        self.archive
            .as_ref()?
            .resolve(EntryKind::Asset, requested, importer)
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

    /// Whether `requested` names an embedded file or something on disk.
    #[must_use]
    pub fn exists(&self, requested: &str, importer: Option<&str>) -> bool {
        self.embedded(requested, importer).is_some() || fs::exists(requested).unwrap_or(false)
    }
}
