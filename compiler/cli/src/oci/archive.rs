//! The archive of an image: files, among them blobs that are called by the digests of their bytes.

use std::collections::BTreeSet;
use std::io::{self, Write};

use sema_natives::std::crypto::hex::digits;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// A blob of the archive.
#[derive(Clone, Debug)]
pub(super) struct Blob {
    /// SHA-256 of the bytes in hexadecimal digits.
    pub digest: String,
    /// Length in bytes.
    pub size: u64,
}

impl Blob {
    /// Where it lies in the archive.
    pub(super) fn path(&self) -> String {
        format!("blobs/sha256/{}", self.digest)
    }
}

/// SHA-256 in hexadecimal digits.
pub(crate) fn digest(bytes: &[u8]) -> String {
    digits(&Sha256::digest(bytes))
}

/// A tar archive without times and owners.
pub(super) struct Tar<W: Write> {
    builder: tar::Builder<W>,
    size: u64,
}

/// The unit of tar archives in bytes.
const BLOCK: u64 = 512;

impl<W: Write> Tar<W> {
    pub(super) fn new(output: W) -> Tar<W> {
        Tar {
            builder: tar::Builder::new(output),
            size: 0,
        }
    }

    fn header(kind: tar::EntryType, mode: u32, size: u64) -> tar::Header {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(size);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header
    }

    pub(super) fn directory(&mut self, path: &str, mode: u32) -> io::Result<()> {
        let mut header = Self::header(tar::EntryType::Directory, mode, 0);
        self.size += BLOCK;
        self.builder.append_data(&mut header, path, io::empty())
    }

    pub(super) fn file(&mut self, path: &str, mode: u32, bytes: &[u8]) -> io::Result<()> {
        let size = bytes.len() as u64;
        let mut header = Self::header(tar::EntryType::Regular, mode, size);
        self.size += BLOCK + size.next_multiple_of(BLOCK);
        self.builder.append_data(&mut header, path, bytes)
    }

    /// Ends the archive. What it was written to, and its size in bytes.
    pub(super) fn finish(self) -> io::Result<(W, u64)> {
        let output = self.builder.into_inner()?;
        Ok((output, self.size + 2 * BLOCK))
    }
}

/// The archive.
pub(super) struct Archive<W: Write> {
    tar: Tar<W>,
    blobs: BTreeSet<String>,
}

impl<W: Write> Archive<W> {
    pub(super) fn new(output: W) -> Archive<W> {
        Archive {
            tar: Tar::new(output),
            blobs: BTreeSet::new(),
        }
    }

    /// Adds a blob, unless the same bytes are there.
    pub(super) fn blob(&mut self, bytes: Vec<u8>) -> io::Result<Blob> {
        if self.blobs.is_empty() {
            self.tar.directory("blobs/", 0o755)?;
            self.tar.directory("blobs/sha256/", 0o755)?;
        }
        let blob = Blob {
            digest: digest(&bytes),
            size: bytes.len() as u64,
        };
        if self.blobs.insert(blob.digest.clone()) {
            self.tar.file(&blob.path(), 0o644, &bytes)?;
        }
        Ok(blob)
    }

    pub(super) fn json_blob(&mut self, value: &impl Serialize) -> io::Result<Blob> {
        self.blob(serde_json::to_vec(value)?)
    }

    pub(super) fn json(&mut self, path: &str, value: &impl Serialize) -> io::Result<()> {
        self.tar.file(path, 0o644, &serde_json::to_vec(value)?)
    }

    /// Ends the archive; its size in bytes.
    pub(super) fn finish(self) -> io::Result<u64> {
        let (mut output, size) = self.tar.finish()?;
        output.flush()?;
        Ok(size)
    }
}
