//! Collecting entries and writing them out in canonical order.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Cursor, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::data::{DEFAULT_LEVEL, DataWriter, Stored, UNCOMPRESSED};
use super::output::{self, WriteError};
use super::wasm::Module;
use crate::checksum::checksum;
use crate::executable::has_trailer;
use crate::layout::{
    ARCHIVE_ALIGNMENT, CHUNK_SIZE_RANGE, Compression, DATA_ALIGNMENT, DEFAULT_CHUNK_SIZE,
    EntryKind, HEADER_LENGTH, Header, RECORD_LENGTH, Record, TRAILER_LENGTH, Trailer, u64_at,
};
use crate::path::VfsPath;
use crate::{notices, section, segment, wasm};

/// Collects the entries of an archive and writes it. The output depends on the
/// entries alone, not on the order in which they were added.
///
/// Files added by path are read while the archive is written, a chunk at a
/// time; code is read whole.
#[derive(Clone, Debug)]
pub struct ArchiveBuilder {
    entries: BTreeMap<(VfsPath, EntryKind), Source>,
    chunk_size: u32,
    level: i32,
}

#[derive(Clone, Debug)]
pub(super) enum Source {
    /// Shared by the copies of a builder.
    Bytes(Arc<Vec<u8>>),
    File(PathBuf),
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArchiveSummary {
    /// Entries of all kinds.
    pub entry_count: usize,
    /// Length of the archive.
    pub archive_bytes: u64,
    /// Length of the file, with runtime and trailer if there are any.
    pub file_bytes: u64,
    /// Length of all entries before compression.
    pub original_bytes: u64,
}

impl Default for ArchiveBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl ArchiveBuilder {
    /// An archive without entries.
    #[must_use]
    pub fn new() -> Self {
        Self {
            entries: BTreeMap::new(),
            chunk_size: DEFAULT_CHUNK_SIZE,
            level: DEFAULT_LEVEL,
        }
    }

    /// Sets the size of the chunks long assets are cut into: the nearest power
    /// of two from 1 KiB to 4 MiB. Small chunks make short range reads cheaper
    /// and the archive larger.
    #[must_use]
    pub fn with_chunk_size(mut self, size: u32) -> Self {
        self.chunk_size = size
            .clamp(*CHUNK_SIZE_RANGE.start(), *CHUNK_SIZE_RANGE.end())
            .next_power_of_two();
        self
    }

    /// Sets the zstd level assets are compressed with, 1 to 19 (default 9).
    /// Higher levels make the archive a little smaller and the build much
    /// slower; reading does not change.
    #[must_use]
    pub fn with_compression_level(mut self, level: i32) -> Self {
        self.level = level.clamp(1, 19);
        self
    }

    /// Leaves assets as they are: the archive is written and read faster.
    #[must_use]
    pub fn without_compression(mut self) -> Self {
        self.level = UNCOMPRESSED;
        self
    }

    /// Adds an entry with the given content.
    ///
    /// # Errors
    /// [`WriteError::Duplicate`] or [`WriteError::KindMismatch`].
    pub fn add_bytes(
        &mut self,
        kind: EntryKind,
        path: VfsPath,
        content: impl Into<Vec<u8>>,
    ) -> Result<(), WriteError> {
        self.add(kind, path, Source::Bytes(Arc::new(content.into())))
    }

    /// Adds an entry with the content of `file`, which is read when the archive
    /// is written.
    ///
    /// # Errors
    /// [`WriteError::Duplicate`] or [`WriteError::KindMismatch`].
    pub fn add_file(
        &mut self,
        kind: EntryKind,
        path: VfsPath,
        file: impl Into<PathBuf>,
    ) -> Result<(), WriteError> {
        self.add(kind, path, Source::File(file.into()))
    }

    /// Whether an entry of this kind and path was added.
    #[must_use]
    pub fn contains(&self, kind: EntryKind, path: &VfsPath) -> bool {
        self.entries.contains_key(&(path.clone(), kind))
    }

    /// Number of entries added so far.
    #[must_use]
    pub fn entry_count(&self) -> usize {
        self.entries.len()
    }

    fn add(&mut self, kind: EntryKind, path: VfsPath, source: Source) -> Result<(), WriteError> {
        if path.is_metadata() != (kind == EntryKind::Metadata) {
            return Err(WriteError::KindMismatch { path, kind });
        }
        let key = (path, kind);
        if self.entries.contains_key(&key) {
            return Err(WriteError::Duplicate { path: key.0, kind });
        }
        self.entries.insert(key, source);
        Ok(())
    }

    /// Writes the bare archive to `output`, from its current position on, which
    /// must be a multiple of eight. On failure `output` is left half-written.
    ///
    /// # Errors
    /// [`WriteError`], when `output` or a source file fails.
    pub fn write_to(&self, output: &mut (impl Write + Seek)) -> Result<ArchiveSummary, WriteError> {
        let (_, summary) = self.write_archive(output)?;
        Ok(summary)
    }

    /// The bare archive as bytes.
    ///
    /// # Errors
    /// [`WriteError`], when a source file fails.
    pub fn to_bytes(&self) -> Result<Vec<u8>, WriteError> {
        let mut output = Cursor::new(Vec::new());
        self.write_to(&mut output)?;
        Ok(output.into_inner())
    }

    /// Writes the bare archive to the file `path`, which appears complete or
    /// not at all. Missing parent directories are made.
    ///
    /// # Errors
    /// [`WriteError`]; whatever `path` named before is then untouched.
    pub fn write_file(&self, path: &Path) -> Result<ArchiveSummary, WriteError> {
        output::replace_file(path, false, |output| self.write_to(output))
    }

    /// Writes `runtime`, the archive and a trailer to the file `path` and makes
    /// it executable (mode 0755). It appears complete or not at all, also when
    /// an earlier version of it is running. Missing parent directories are made.
    ///
    /// # Errors
    /// [`WriteError::RuntimeCarriesProgram`] when `runtime` ends in a trailer
    /// already; otherwise like [`ArchiveBuilder::write_file`].
    pub fn write_executable(
        &self,
        runtime: &[u8],
        path: &Path,
    ) -> Result<ArchiveSummary, WriteError> {
        output::replace_file(path, true, |output| self.append_to(runtime, output))
    }

    /// The executable of [`ArchiveBuilder::write_executable`] as bytes.
    ///
    /// # Errors
    /// Those of [`ArchiveBuilder::write_executable`].
    pub fn to_executable_bytes(&self, runtime: &[u8]) -> Result<Vec<u8>, WriteError> {
        let mut output = Cursor::new(Vec::new());
        self.append_to(runtime, &mut output)?;
        Ok(output.into_inner())
    }

    /// Writes what [`ArchiveBuilder::write_executable`] does to `output`, which is empty.
    ///
    /// # Errors
    /// Those of [`ArchiveBuilder::write_executable`].
    pub fn append_to(
        &self,
        runtime: &[u8],
        output: &mut (impl Write + Seek),
    ) -> Result<ArchiveSummary, WriteError> {
        if has_trailer(runtime) {
            return Err(WriteError::RuntimeCarriesProgram);
        }
        // In the archive they survive what the program survives.
        if let Some((block, runtime)) = notices::taken_out(runtime)
            && let Ok(path) = VfsPath::metadata(notices::NAME)
        {
            let mut with_notices = self.clone();
            with_notices.set_metadata(path, block);
            return with_notices.append(Front::new(runtime.into())?, output);
        }
        self.append(Front::new(runtime.into())?, output)
    }

    /// Sets the content of a metadata entry, which is made if there is none.
    pub fn set_metadata(&mut self, path: VfsPath, content: Vec<u8>) {
        let content = Source::Bytes(Arc::new(content));
        self.entries.insert((path, EntryKind::Metadata), content);
    }

    /// Writes what lies in front, the archive and a trailer.
    pub(super) fn append(
        &self,
        mut front: Front,
        output: &mut (impl Write + Seek),
    ) -> Result<ArchiveSummary, WriteError> {
        let archive_offset = front.bytes().len() as u64;
        // What is in front is written when it is known how long the archive is.
        output
            .seek(SeekFrom::Start(archive_offset))
            .map_err(WriteError::Output)?;
        let (header, mut summary) = self.write_archive(output)?;
        summary.file_bytes = archive_offset + summary.archive_bytes + TRAILER_LENGTH as u64;
        front.finish(archive_offset..summary.file_bytes)?;
        let runtime = front.bytes();
        let trailer = Trailer {
            archive_offset,
            archive_length: summary.archive_bytes,
            header_checksum: u64_at(&header, HEADER_LENGTH - 8),
            runtime_checksum: checksum(runtime),
        };
        let mut finish = || {
            output.write_all(&trailer.encode())?;
            output.seek(SeekFrom::Start(0))?;
            output.write_all(runtime)?;
            output.seek(SeekFrom::Start(summary.file_bytes))?;
            Ok(())
        };
        finish().map_err(WriteError::Output)?;
        Ok(summary)
    }

    /// Leaves `output` positioned behind the archive.
    fn write_archive(
        &self,
        output: &mut (impl Write + Seek),
    ) -> Result<([u8; HEADER_LENGTH], ArchiveSummary), WriteError> {
        let base = output.stream_position().map_err(WriteError::Output)?;
        if !base.is_multiple_of(DATA_ALIGNMENT) {
            return Err(WriteError::Output(io::Error::new(
                io::ErrorKind::InvalidInput,
                "an archive must start at a multiple of eight",
            )));
        }
        let paths: String = self.entries.keys().map(|(path, _)| path.as_str()).collect();
        let mut header = Header {
            entry_count: u32::try_from(self.entries.len()).map_err(|_| WriteError::TooMany)?,
            chunk_count: 0,
            archive_length: 0,
            paths_length: u32::try_from(paths.len()).map_err(|_| WriteError::TooMany)?,
            chunk_size: self.chunk_size,
            contents_checksum: 0,
        };
        let data_start = HEADER_LENGTH as u64 + header.contents_length();
        write_zeros(output, data_start).map_err(WriteError::Output)?;

        let stored = self.write_data(output, data_start)?;
        header.archive_length = stored.end;
        let (mut contents, chunk_count) = self.records(&stored.entries)?;
        header.chunk_count = chunk_count;
        contents.extend(paths.as_bytes());
        contents.resize(contents.len().next_multiple_of(DATA_ALIGNMENT as usize), 0);
        header.contents_checksum = checksum(&contents);
        let header = header.encode();

        let mut finish = || {
            output.seek(SeekFrom::Start(base))?;
            output.write_all(&header)?;
            output.write_all(&contents)?;
            output.seek(SeekFrom::Start(base + stored.end))
        };
        finish().map_err(WriteError::Output)?;
        let original_bytes = stored.entries.values().map(|one| one.original_length).sum();
        let summary = ArchiveSummary {
            entry_count: self.entries.len(),
            archive_bytes: stored.end,
            file_bytes: stored.end,
            original_bytes,
        };
        Ok((header, summary))
    }

    /// Writes the content of all entries: code first, beside the table of
    /// contents, and large assets last, so that start-up stays in one place.
    fn write_data(
        &self,
        output: &mut (impl Write + Seek),
        data_start: u64,
    ) -> Result<WrittenData<'_>, WriteError> {
        let mut order: Vec<&(VfsPath, EntryKind)> = self.entries.keys().collect();
        order.sort_by_key(|(path, kind)| (*kind, path));
        let mut writer = DataWriter::new(output, data_start, self.chunk_size, self.level)?;
        let mut entries = BTreeMap::new();
        for key in order {
            if let Some(source) = self.entries.get(key) {
                entries.insert(key, writer.write(key.1, source)?);
            }
        }
        Ok(WrittenData {
            entries,
            end: writer.finish()?,
        })
    }

    /// The records in the order of paths, and the number of chunks.
    fn records(
        &self,
        stored: &BTreeMap<&(VfsPath, EntryKind), Stored>,
    ) -> Result<(Vec<u8>, u32), WriteError> {
        let mut bytes = Vec::with_capacity(stored.len() * RECORD_LENGTH);
        let mut path_offset = 0u32;
        let mut first_chunk = 0u32;
        for ((path, kind), stored) in stored {
            // Paths are at most 4095 bytes long, and their sum was checked.
            let path_length = path.as_str().len() as u16;
            let record = Record {
                path_offset,
                path_length,
                kind: *kind,
                compression: stored.compression,
                data_offset: stored.offset,
                stored_length: stored.stored_length,
                original_length: stored.original_length,
                checksum: stored.checksum,
                chunk_count: stored.chunk_count,
                first_chunk,
            };
            debug_assert!(!kind.is_code() || stored.compression == Compression::None);
            bytes.extend(record.encode());
            path_offset += u32::from(path_length);
            first_chunk = first_chunk
                .checked_add(stored.chunk_count)
                .ok_or(WriteError::TooMany)?;
        }
        Ok((bytes, first_chunk))
    }
}

/// What lies in front of the archive.
pub(super) enum Front {
    /// An executable, or any other file.
    Executable(Vec<u8>),
    /// An executable that had another archive, in this segment if it has one.
    Used(Vec<u8>, Option<segment::Segment>),
    /// A module of WebAssembly.
    Module(Module),
}

impl Front {
    /// The runtime with room for what is known when the archive has been written.
    fn new(runtime: Cow<'_, [u8]>) -> Result<Front, WriteError> {
        if wasm::is_module(&runtime) {
            return Module::new(&runtime).map(Front::Module);
        }
        let mut bytes = section::with_room(runtime);
        let alignment = ARCHIVE_ALIGNMENT as usize;
        bytes.resize(bytes.len().next_multiple_of(alignment), 0);
        Ok(Front::Executable(bytes))
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Front::Executable(bytes) | Front::Used(bytes, _) => bytes,
            Front::Module(module) => &module.bytes,
        }
    }

    /// Fills in where archive and trailer lie in the file.
    fn finish(&mut self, range: Range<u64>) -> Result<(), WriteError> {
        match self {
            Front::Executable(bytes) => {
                segment::add(bytes, range);
                Ok(())
            }
            Front::Used(bytes, old) => {
                if let Some(old) = *old {
                    section::resize(bytes, old, range.end - range.start);
                    segment::resize(bytes, old, range);
                }
                Ok(())
            }
            Front::Module(module) => module.finish(range.end - range.start),
        }
    }
}

struct WrittenData<'a> {
    entries: BTreeMap<&'a (VfsPath, EntryKind), Stored>,
    /// Length of the archive.
    end: u64,
}

pub(super) fn write_zeros(output: &mut impl Write, count: u64) -> io::Result<()> {
    io::copy(&mut io::Read::take(io::repeat(0), count), output).map(|_| ())
}
