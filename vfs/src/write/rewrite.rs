//! Archives and executables that get other entries after they were built.

use crate::archive::Archive;
use crate::error::VfsError;
use crate::executable::locate;
use crate::layout::{EntryKind, TRAILER_LENGTH};
use crate::path::VfsPath;
use crate::{segment, wasm};

use super::builder::{ArchiveBuilder, Front};
use super::output::WriteError;

/// Why a file cannot be rewritten.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RewriteError {
    /// The archive is damaged.
    #[error(transparent)]
    Archive(#[from] VfsError),
    /// The new one cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Something lies behind the archive.
    #[error(
        "strip, objcopy or another tool has written behind the program, and a signature makes what is in front of that longer; \
         sign first and strip then (the signature stays good), or build it again"
    )]
    Followed,
    /// It is a module of WebAssembly.
    #[error("it is a module of WebAssembly, whose parts are fixed when it is built")]
    Module,
}

impl ArchiveBuilder {
    /// The entries of an archive, to be changed.
    ///
    /// # Errors
    /// The archive is damaged.
    pub fn from_archive(archive: &Archive) -> Result<ArchiveBuilder, RewriteError> {
        let mut builder = ArchiveBuilder::new().with_chunk_size(archive.chunk_size());
        for entry in archive.entries() {
            let path = match entry.kind() {
                EntryKind::Metadata => {
                    VfsPath::metadata(entry.path().split_once('/').map_or("", |(_, name)| name))
                }
                _ => VfsPath::new(entry.path()),
            };
            let path = path.map_err(|error| VfsError::EntryDamaged {
                path: entry.path().to_owned(),
                problem: error.to_string(),
            })?;
            let content = entry.bytes_within(u64::MAX)?.into_owned();
            builder.add_bytes(entry.kind(), path, content)?;
        }
        Ok(builder)
    }

    /// The executable `file` with this archive in place of its own.
    ///
    /// # Errors
    /// It has none, or something lies behind it.
    pub fn to_rewritten_executable(&self, file: &[u8]) -> Result<Vec<u8>, RewriteError> {
        if wasm::is_module(file) {
            return Err(RewriteError::Module);
        }
        let range = locate(file)?;
        if range.end.checked_add(TRAILER_LENGTH) != Some(file.len()) {
            return Err(RewriteError::Followed);
        }
        let front = file.get(..range.start).unwrap_or_default().to_vec();
        let old = segment::find(file);
        let mut output = std::io::Cursor::new(Vec::new());
        self.append(Front::Used(front, old), &mut output)?;
        Ok(output.into_inner())
    }
}
