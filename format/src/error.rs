//! Why a file is refused. The texts are written for whoever has to do something about it.

use crate::container::layout::{FORMAT_VERSION, OLDEST_FORMAT_VERSION, Section};

/// A module file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// The magic number is missing.
    #[error("this is not a compiled Sema module (it does not start with the .semac signature)")]
    NotAModule,
    /// The signature shows that line ends were converted.
    #[error(
        "this .semac file was damaged by a text-mode transfer or line-end conversion: copy it again as binary"
    )]
    TextTransfer,
    /// Another format version.
    #[error(
        "this module has bytecode format {found} (written by {producer}), and this program reads {}: {}",
        window_text(),
        version_advice(*found)
    )]
    Version {
        /// The version of the file.
        found: u16,
        /// The program that wrote the file.
        producer: String,
    },
    /// Header fields that no writer of this version produces.
    #[error("the module's header is damaged: {0}")]
    Header(&'static str),
    /// Fewer or more bytes than the header says.
    #[error(
        "the module should have {expected} bytes and has {found}: it was cut off or appended to"
    )]
    Length {
        /// What the header says.
        expected: u64,
        /// What there is.
        found: u64,
    },
    /// The bytes do not start at a multiple of four.
    #[error("the module is not aligned to 4 bytes in memory")]
    Misaligned,
    /// The content does not have the hash in the header.
    #[error("the module's content does not match its checksum: it was damaged or changed")]
    Checksum,
    /// A broken section table.
    #[error("the module's section table is damaged: {0}")]
    SectionTable(&'static str),
    /// A required section this version does not know.
    #[error(
        "the module needs section {0}, which this program does not know: use the semac release that wrote it, or a newer one"
    )]
    UnknownSection(u16),
    /// Broken content of a section.
    #[error("the module's {section} section is damaged: {problem}")]
    Damaged {
        /// The section.
        section: Section,
        /// What is wrong.
        problem: &'static str,
    },
    /// An index beyond its table.
    #[error("{section} {index} does not exist: there are {count}")]
    Index {
        /// The table.
        section: Section,
        /// The index.
        index: u32,
        /// The number of entries.
        count: u32,
    },
}

impl FormatError {
    #[cold]
    pub(crate) fn damaged(section: Section, problem: &'static str) -> FormatError {
        FormatError::Damaged { section, problem }
    }
}

/// The versions that this release reads.
fn window_text() -> String {
    if OLDEST_FORMAT_VERSION == FORMAT_VERSION {
        return format!("format {FORMAT_VERSION}");
    }
    format!("formats {OLDEST_FORMAT_VERSION} to {FORMAT_VERSION}")
}

fn version_advice(found: u16) -> &'static str {
    if found > FORMAT_VERSION {
        "use a newer semac or runtime, or rebuild the module from source with this one"
    } else {
        "rebuild the module from source with this semac"
    }
}
