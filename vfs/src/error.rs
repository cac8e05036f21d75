//! What can go wrong while reading an archive.

use std::io;
use std::path::PathBuf;

/// A refusal of the reader. Messages name what was found, what was expected and
/// what to do; the caller adds which file it was about, where the error does
/// not know it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VfsError {
    /// The operating system refused to open, size or map a file.
    #[error("cannot {action} '{}': {source}", path.display())]
    Io {
        /// The attempted action, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The answer of the operating system.
        source: io::Error,
    },
    /// An executable that ends where its own image ends.
    #[error(
        "this executable carries no program: it is a runtime alone, or nothing that `semac build` made, or what was \
         appended to it has been removed; build it again"
    )]
    NoArchive,
    /// A file that starts with something else than an archive does.
    #[error(
        "not a Sema archive: it starts with the bytes {found:02x?}, expected {expected:02x?}; \
         give a file that `semac` made"
    )]
    NotAnArchive {
        /// The first bytes of the file, at most eight.
        found: Vec<u8>,
        /// The magic number of archives.
        expected: [u8; 8],
    },
    /// A format version this reader does not know.
    #[error(
        "the {part} has format version {found}, this build reads version {supported}; build the \
         program again with the matching semac"
    )]
    UnsupportedVersion {
        /// Header or trailer.
        part: &'static str,
        /// The version in the file.
        found: u16,
        /// The version this reader understands.
        supported: u16,
    },
    /// Feature flags this reader does not know.
    #[error(
        "the {part} has the feature flags {found:#06x}, this build knows none; build the program \
         again with the matching semac"
    )]
    UnsupportedFlags {
        /// Header or trailer.
        part: &'static str,
        /// The flags in the file.
        found: u16,
    },
    /// The trailer, the header or the table of contents contradicts itself.
    #[error("the {part} is damaged: {problem}; copy or build the file again")]
    Damaged {
        /// The part of the file.
        part: &'static str,
        /// Found and expected.
        problem: String,
    },
    /// The bytes of one entry are not those that were written.
    #[error("the embedded file '{path}' is damaged: {problem}; copy or build the program again")]
    EntryDamaged {
        /// Path of the entry.
        path: String,
        /// Found and expected.
        problem: String,
    },
    /// A compressed entry was asked for as a slice of the mapping.
    #[error(
        "the embedded file '{path}' is compressed and cannot be used in place; read it instead"
    )]
    NotInPlace {
        /// Path of the entry.
        path: String,
    },
    /// A compressed entry is larger than one read may allocate.
    #[error(
        "the embedded file '{path}' has {length} bytes, one read may allocate {limit}; read it in \
         ranges"
    )]
    TooLarge {
        /// Path of the entry.
        path: String,
        /// Its length.
        length: u64,
        /// The limit that was in force.
        limit: u64,
    },
    /// A range that is not inside the entry.
    #[error(
        "bytes {start} to {end} are not inside the embedded file '{path}', which has {length} bytes"
    )]
    RangeOutside {
        /// Path of the entry.
        path: String,
        /// First byte asked for.
        start: u64,
        /// End of the range (exclusive).
        end: u64,
        /// Length of the entry.
        length: u64,
    },
    /// Memory for a read could not be had.
    #[error("no memory for {length} bytes of the embedded file '{path}'; read it in ranges")]
    OutOfMemory {
        /// Path of the entry.
        path: String,
        /// Bytes asked for.
        length: u64,
    },
}

impl VfsError {
    #[cold]
    pub(crate) fn damaged(part: &'static str, problem: impl Into<String>) -> Self {
        Self::Damaged {
            part,
            problem: problem.into(),
        }
    }

    #[cold]
    pub(crate) fn checksum(part: &'static str, found: u64, expected: u64) -> Self {
        Self::damaged(part, checksum_problem(found, expected))
    }

    /// Turns the error into one of `std::io`, for `Read` and friends.
    #[must_use]
    pub fn into_io(self) -> io::Error {
        match self {
            Self::Io { source, .. } => source,
            other => io::Error::new(io::ErrorKind::InvalidData, other),
        }
    }
}

#[cold]
pub(crate) fn checksum_problem(found: u64, expected: u64) -> String {
    format!("its checksum is {found:016x}, expected {expected:016x}")
}
