//! The byte layout: fixed-width little-endian structs, encoder and decoder side
//! by side. `docs/vfs.md` holds the same offsets as tables.
//!
//! ```text
//! [runtime executable, padded to 16]   only in executables
//! header          64 bytes
//! records         48 bytes each, sorted by (path, kind)
//! paths           UTF-8, in record order, no separators; padded to 8
//! entry data      each entry starts at a multiple of 8
//! [trailer        64 bytes]            only in executables
//! ```
//!
//! The table of contents is in front, beside the code modules, so that start-up
//! touches one run of pages there and the page of the trailer.

use crate::checksum::checksum;
use crate::error::VfsError;

/// The first eight bytes of an archive.
pub const ARCHIVE_MAGIC: [u8; 8] = *b"SEMAVFS\n";
/// The first eight bytes of the trailer of an executable.
pub(crate) const TRAILER_MAGIC: [u8; 8] = *b"SEMATAIL";
/// The last eight bytes of the trailer, and so of the executable.
pub(crate) const END_MAGIC: [u8; 8] = *b"SEMAEND\n";

/// The version of archive and trailer. Raised when old readers must refuse.
/// 1: first version.
pub const FORMAT_VERSION: u16 = 1;

/// Assets longer than this are cut into chunks of this many bytes.
pub const DEFAULT_CHUNK_SIZE: u32 = 256 * 1024;
/// The chunk sizes a reader accepts: powers of two in this range. The upper
/// bound limits what one damaged or hostile frame can make a reader allocate.
pub(crate) const CHUNK_SIZE_RANGE: std::ops::RangeInclusive<u32> = 1024..=4 * 1024 * 1024;

/// Every entry starts at a multiple of this.
pub(crate) const DATA_ALIGNMENT: u64 = 8;
/// An archive inside an executable starts at a multiple of this.
pub(crate) const ARCHIVE_ALIGNMENT: u64 = 16;

pub(crate) const HEADER_LENGTH: usize = 64;
pub(crate) const RECORD_LENGTH: usize = 48;
pub(crate) const CHUNK_LENGTH: usize = 24;
pub(crate) const TRAILER_LENGTH: usize = 64;

/// What an entry is for. The same path may exist once per kind: `lib/a.sema`
/// may be a compiled module and, by `--include`, a file the program reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum EntryKind {
    /// Compiled code of a file of the program.
    Module = 1,
    /// Compiled code of a package, under its package specification.
    PackageModule = 2,
    /// Build information, under the reserved directory `.semac/`.
    Metadata = 3,
    /// A file the program reads.
    Asset = 4,
}

impl EntryKind {
    /// Name for listings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Module => "module",
            Self::PackageModule => "package-module",
            Self::Metadata => "metadata",
            Self::Asset => "asset",
        }
    }

    /// Whether entries of this kind are code that runs from the mapping, and so
    /// are stored in one uncompressed piece.
    #[must_use]
    pub fn is_code(self) -> bool {
        matches!(self, Self::Module | Self::PackageModule)
    }

    fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Module),
            2 => Some(Self::PackageModule),
            3 => Some(Self::Metadata),
            4 => Some(Self::Asset),
            _ => None,
        }
    }
}

/// How an entry or a chunk is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Compression {
    /// As it is.
    None = 0,
    /// Zstandard frames (RFC 8878). An entry says so when any chunk of it does.
    Zstd = 1,
}

impl Compression {
    /// Name for listings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Zstd => "zstd",
        }
    }

    fn from_number(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::None),
            1 => Some(Self::Zstd),
            _ => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) entry_count: u32,
    /// Chunks of all entries together.
    pub(crate) chunk_count: u32,
    /// From the first byte of the header to the end of the last entry, padded.
    pub(crate) archive_length: u64,
    /// Length of the path text, without its padding.
    pub(crate) paths_length: u32,
    pub(crate) chunk_size: u32,
    /// Of records and paths, padding included.
    pub(crate) contents_checksum: u64,
}

impl Header {
    #[cfg(feature = "write")]
    pub(crate) fn encode(&self) -> [u8; HEADER_LENGTH] {
        let mut bytes = Vec::with_capacity(HEADER_LENGTH);
        bytes.extend(ARCHIVE_MAGIC);
        bytes.extend(FORMAT_VERSION.to_le_bytes());
        bytes.extend(0u16.to_le_bytes());
        bytes.extend((HEADER_LENGTH as u32).to_le_bytes());
        bytes.extend(self.entry_count.to_le_bytes());
        bytes.extend(self.chunk_count.to_le_bytes());
        bytes.extend(self.archive_length.to_le_bytes());
        bytes.extend(self.paths_length.to_le_bytes());
        bytes.extend(self.chunk_size.to_le_bytes());
        bytes.extend(self.contents_checksum.to_le_bytes());
        bytes.extend(0u64.to_le_bytes());
        let sum = checksum(&bytes);
        bytes.extend(sum.to_le_bytes());
        fixed(&bytes)
    }

    /// Reads the header at the start of `archive`, whose length is what the
    /// file holds.
    pub(crate) fn decode(archive: &[u8]) -> Result<Self, VfsError> {
        const PART: &str = "archive header";
        if array::<8>(archive, 0) != Some(ARCHIVE_MAGIC) {
            return Err(VfsError::NotAnArchive {
                found: archive.iter().take(8).copied().collect(),
                expected: ARCHIVE_MAGIC,
            });
        }
        let bytes: &[u8; HEADER_LENGTH] =
            archive.first_chunk().ok_or_else(|| short(PART, archive))?;
        check_version(PART, bytes)?;
        check_sum(PART, bytes, HEADER_LENGTH - 8)?;
        check_flags(PART, bytes, HEADER_LENGTH)?;
        if u64_at(bytes, 48) != 0 {
            return Err(VfsError::damaged(PART, "its reserved field is not zero"));
        }
        let header = Self {
            entry_count: u32_at(bytes, 16),
            chunk_count: u32_at(bytes, 20),
            archive_length: u64_at(bytes, 24),
            paths_length: u32_at(bytes, 32),
            chunk_size: u32_at(bytes, 36),
            contents_checksum: u64_at(bytes, 40),
        };
        if header.archive_length != archive.len() as u64 {
            return Err(VfsError::damaged(
                PART,
                format!(
                    "it announces {} bytes, the file has {}",
                    header.archive_length,
                    archive.len()
                ),
            ));
        }
        if !header.chunk_size.is_power_of_two() || !CHUNK_SIZE_RANGE.contains(&header.chunk_size) {
            return Err(VfsError::damaged(
                PART,
                format!("its chunk size is {}", header.chunk_size),
            ));
        }
        Ok(header)
    }

    /// Length of records and paths with padding. Cannot overflow: the factors
    /// are 32 bits wide.
    pub(crate) fn contents_length(&self) -> u64 {
        (u64::from(self.entry_count) * RECORD_LENGTH as u64 + u64::from(self.paths_length))
            .next_multiple_of(DATA_ALIGNMENT)
    }
}

/// One line of the table of contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// Where the path starts in the path text.
    pub(crate) path_offset: u32,
    pub(crate) path_length: u16,
    pub(crate) kind: EntryKind,
    pub(crate) compression: Compression,
    /// From the first byte of the archive header.
    pub(crate) data_offset: u64,
    /// Chunks and chunk table, when there are any.
    pub(crate) stored_length: u64,
    pub(crate) original_length: u64,
    /// Of the stored bytes; of the chunk table when the entry is chunked.
    pub(crate) checksum: u64,
    /// 0: stored in one piece.
    pub(crate) chunk_count: u32,
    /// Number of the first chunk, counted through the whole archive.
    pub(crate) first_chunk: u32,
}

impl Record {
    #[cfg(feature = "write")]
    pub(crate) fn encode(&self) -> [u8; RECORD_LENGTH] {
        let mut bytes = Vec::with_capacity(RECORD_LENGTH);
        bytes.extend(self.path_offset.to_le_bytes());
        bytes.extend(self.path_length.to_le_bytes());
        bytes.push(self.kind as u8);
        bytes.push(self.compression as u8);
        bytes.extend(self.data_offset.to_le_bytes());
        bytes.extend(self.stored_length.to_le_bytes());
        bytes.extend(self.original_length.to_le_bytes());
        bytes.extend(self.checksum.to_le_bytes());
        bytes.extend(self.chunk_count.to_le_bytes());
        bytes.extend(self.first_chunk.to_le_bytes());
        fixed(&bytes)
    }

    /// `None` when kind or compression are unknown.
    pub(crate) fn decode(bytes: &[u8; RECORD_LENGTH]) -> Option<Self> {
        let [_, _, _, _, _, _, kind, compression, ..] = *bytes;
        Some(Self {
            path_offset: u32_at(bytes, 0),
            path_length: u16_at(bytes, 4),
            kind: EntryKind::from_byte(kind)?,
            compression: Compression::from_number(u32::from(compression))?,
            data_offset: u64_at(bytes, 8),
            stored_length: u64_at(bytes, 16),
            original_length: u64_at(bytes, 24),
            checksum: u64_at(bytes, 32),
            chunk_count: u32_at(bytes, 40),
            first_chunk: u32_at(bytes, 44),
        })
    }
}

/// One line of the chunk table of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// From the first byte of the entry.
    pub(crate) offset: u64,
    pub(crate) stored_length: u32,
    pub(crate) compression: Compression,
    /// Of the stored bytes.
    pub(crate) checksum: u64,
}

impl Chunk {
    #[cfg(feature = "write")]
    pub(crate) fn encode(&self) -> [u8; CHUNK_LENGTH] {
        let mut bytes = Vec::with_capacity(CHUNK_LENGTH);
        bytes.extend(self.offset.to_le_bytes());
        bytes.extend(self.stored_length.to_le_bytes());
        bytes.extend((self.compression as u32).to_le_bytes());
        bytes.extend(self.checksum.to_le_bytes());
        fixed(&bytes)
    }

    /// `None` when the compression is unknown.
    pub(crate) fn decode(bytes: &[u8; CHUNK_LENGTH]) -> Option<Self> {
        Some(Self {
            offset: u64_at(bytes, 0),
            stored_length: u32_at(bytes, 8),
            compression: Compression::from_number(u32_at(bytes, 12))?,
            checksum: u64_at(bytes, 16),
        })
    }
}

/// The last bytes of an executable that carries a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trailer {
    /// From the start of the file.
    pub(crate) archive_offset: u64,
    pub(crate) archive_length: u64,
    /// The checksum at the end of the archive header: ties the two together.
    pub(crate) header_checksum: u64,
    /// The checksum of everything in front of the archive: the runtime. 0: it was not computed.
    pub(crate) runtime_checksum: u64,
}

impl Trailer {
    #[cfg(feature = "write")]
    pub(crate) fn encode(&self) -> [u8; TRAILER_LENGTH] {
        let mut bytes = Vec::with_capacity(TRAILER_LENGTH);
        bytes.extend(TRAILER_MAGIC);
        bytes.extend(FORMAT_VERSION.to_le_bytes());
        bytes.extend(0u16.to_le_bytes());
        bytes.extend((TRAILER_LENGTH as u32).to_le_bytes());
        bytes.extend(self.archive_offset.to_le_bytes());
        bytes.extend(self.archive_length.to_le_bytes());
        bytes.extend(self.header_checksum.to_le_bytes());
        bytes.extend(self.runtime_checksum.to_le_bytes());
        let sum = checksum(&bytes);
        bytes.extend(sum.to_le_bytes());
        bytes.extend(END_MAGIC);
        fixed(&bytes)
    }

    /// Reads the trailer. Call only when one of the two magic numbers is there.
    pub(crate) fn decode(bytes: &[u8; TRAILER_LENGTH]) -> Result<Self, VfsError> {
        const PART: &str = "trailer of the executable";
        if array::<8>(bytes, 0) != Some(TRAILER_MAGIC) || array::<8>(bytes, 56) != Some(END_MAGIC) {
            return Err(VfsError::damaged(
                PART,
                "only one of its two magic numbers is there",
            ));
        }
        check_version(PART, bytes)?;
        check_sum(PART, bytes, 48)?;
        check_flags(PART, bytes, TRAILER_LENGTH)?;
        Ok(Self {
            archive_offset: u64_at(bytes, 16),
            archive_length: u64_at(bytes, 24),
            header_checksum: u64_at(bytes, 32),
            runtime_checksum: u64_at(bytes, 40),
        })
    }
}

fn check_version(part: &'static str, bytes: &[u8]) -> Result<(), VfsError> {
    match u16_at(bytes, 8) {
        FORMAT_VERSION => Ok(()),
        found => Err(VfsError::UnsupportedVersion {
            part,
            found,
            supported: FORMAT_VERSION,
        }),
    }
}

fn check_flags(part: &'static str, bytes: &[u8], length: usize) -> Result<(), VfsError> {
    let found = u16_at(bytes, 10);
    if found != 0 {
        return Err(VfsError::UnsupportedFlags { part, found });
    }
    let announced = u32_at(bytes, 12);
    if announced as usize != length {
        return Err(VfsError::damaged(
            part,
            format!("it gives its own length as {announced}, expected {length}"),
        ));
    }
    Ok(())
}

/// Compares the checksum stored at `at` with that of everything before it.
fn check_sum(part: &'static str, bytes: &[u8], at: usize) -> Result<(), VfsError> {
    let expected = u64_at(bytes, at);
    let found = checksum(bytes.get(..at).unwrap_or_default());
    if found != expected {
        return Err(VfsError::checksum(part, found, expected));
    }
    Ok(())
}

fn short(part: &'static str, bytes: &[u8]) -> VfsError {
    VfsError::damaged(part, format!("the file ends after {} bytes", bytes.len()))
}

pub(crate) fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

// The callers hold arrays of known length and pass constant offsets inside
// them, so the fallback to zero is never taken (see `offsets_are_inside`).
fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(array(bytes, at).unwrap_or_default())
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array(bytes, at).unwrap_or_default())
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array(bytes, at).unwrap_or_default())
}

#[cfg(feature = "write")]
fn fixed<const N: usize>(bytes: &[u8]) -> [u8; N] {
    debug_assert_eq!(bytes.len(), N);
    bytes.first_chunk().copied().unwrap_or([0; N])
}

#[cfg(all(test, feature = "write"))]
mod tests {
    use super::*;

    #[test]
    fn structs_round_trip() {
        let record = Record {
            path_offset: 1,
            path_length: 2,
            kind: EntryKind::Asset,
            compression: Compression::Zstd,
            data_offset: 3,
            stored_length: 4,
            original_length: 5,
            checksum: u64::MAX - 6,
            chunk_count: 7,
            first_chunk: u32::MAX - 8,
        };
        assert_eq!(Record::decode(&record.encode()), Some(record));

        let chunk = Chunk {
            offset: u64::MAX - 1,
            stored_length: u32::MAX - 2,
            compression: Compression::Zstd,
            checksum: u64::MAX - 3,
        };
        assert_eq!(Chunk::decode(&chunk.encode()), Some(chunk));

        let trailer = Trailer {
            archive_offset: u64::MAX - 1,
            archive_length: u64::MAX - 2,
            header_checksum: u64::MAX - 3,
            runtime_checksum: u64::MAX - 4,
        };
        assert_eq!(Trailer::decode(&trailer.encode()).unwrap(), trailer);
    }

    #[test]
    fn offsets_are_inside() {
        let header = Header {
            entry_count: u32::MAX - 1,
            chunk_count: u32::MAX - 2,
            archive_length: HEADER_LENGTH as u64,
            paths_length: u32::MAX - 4,
            chunk_size: DEFAULT_CHUNK_SIZE,
            contents_checksum: u64::MAX - 5,
        };
        let bytes = header.encode();
        assert_eq!(Header::decode(&bytes).unwrap(), header);
        assert_eq!(&bytes[..8], b"SEMAVFS\n");
        assert_eq!(&bytes[8..16], [1, 0, 0, 0, 64, 0, 0, 0]);
        assert_eq!(&bytes[36..40], [0, 0, 4, 0]);
    }

    #[test]
    fn versions_and_flags_are_refused_by_name() {
        let mut bytes = Trailer {
            archive_offset: 0,
            archive_length: 0,
            header_checksum: 0,
            runtime_checksum: 0,
        }
        .encode();
        bytes[8] = 9;
        let message = Trailer::decode(&bytes).unwrap_err().to_string();
        assert!(
            message.contains("format version 9") && message.contains("reads version 1"),
            "{message}"
        );
        bytes[8] = 1;
        bytes[10] = 2;
        let sum = checksum(&bytes[..48]).to_le_bytes();
        bytes[48..56].copy_from_slice(&sum);
        assert!(matches!(
            Trailer::decode(&bytes),
            Err(VfsError::UnsupportedFlags { found: 2, .. })
        ));
    }
}
