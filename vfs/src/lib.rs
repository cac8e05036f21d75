//! The virtual file system of built programs: an archive of modules and
//! assets, appended to a runtime executable or standing alone, that is read in
//! place from a memory mapping.
//!
//! What it guarantees:
//!
//! - Opening reads the trailer, the header and the table of contents, nothing
//!   else. Pages of entries that are not read are not touched.
//! - Every byte that is handed out was compared with a checksum the first time
//!   it was asked for; the table of contents is checked when it is opened.
//! - Any bytes may be given to the reader. It answers with a [`VfsError`]; it
//!   never panics, never reads outside the archive, and never allocates more
//!   than the checked lengths allow.
//! - The writer's output is a function of its entries, not of their order, the
//!   clock or the machine, and it appears under its name complete or not at all.
//!
//! Code modules are stored uncompressed at offsets divisible by eight, so that
//! they can be executed from the mapping. Assets are compressed where that
//! pays, in independent chunks, so that a range can be read alone.
//!
//! The byte layout is described in `docs/vfs.md`.

#![deny(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::indexing_slicing
    )
)]

mod archive;
mod backing;
mod checksum;
mod contents;
#[cfg_attr(target_family = "wasm", path = "decompress_wasm.rs")]
mod decompress;
mod digests;
mod entry;
mod error;
mod executable;
mod layout;
#[cfg_attr(target_family = "wasm", path = "mapping_wasm.rs")]
mod mapping;
mod names;
mod notices;
mod overlay;
mod path;
mod reader;
#[cfg(feature = "write")]
mod section;
mod segment;
pub mod wasm;
mod whole;
#[cfg(feature = "write")]
mod write;

pub use archive::{Archive, Entries};
pub use checksum::checksum;
pub use digests::Digests;
pub use entry::{DECOMPRESSED_LIMIT, EntryRef, SharedBytes};
pub use error::VfsError;
pub use layout::{ARCHIVE_MAGIC, Compression, DEFAULT_CHUNK_SIZE, EntryKind, FORMAT_VERSION};
pub use names::NAMES;
#[cfg(feature = "write")]
pub use names::names_metadata;
pub use notices::notices_in;
#[cfg(feature = "write")]
pub use notices::with_notices;
pub use overlay::{EmbeddedFile, Overlay, OverlayError};
pub use path::{METADATA_DIRECTORY, PathError, VfsPath, normalize, normalize_relative};
pub use reader::EntryReader;
pub use whole::is_whole;
#[cfg(feature = "write")]
pub use write::{
    ArchiveBuilder, ArchiveSummary, Outputs, RewriteError, WriteError, followed, replace_file,
};
