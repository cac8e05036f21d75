//! Opening an archive and looking entries up in its table of contents.

use std::fmt;
use std::fs::{self, File};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering as MemoryOrdering};
use std::sync::{Arc, OnceLock};

use crate::backing::Backing;
use crate::checksum::checksum;
use crate::contents::{CONTENTS, path_of, paths, records, validate};
use crate::digests::Digests;
use crate::entry::EntryRef;
use crate::error::VfsError;
use crate::executable::{locate, locate_in_segment, runtime_checksum};
use crate::layout::{ARCHIVE_MAGIC, DATA_ALIGNMENT, EntryKind, HEADER_LENGTH, Header, Record};
use crate::mapping;
use crate::path;
use crate::wasm;

/// An open archive. Clones share the mapping; threads may share an archive.
#[derive(Clone)]
pub struct Archive {
    inner: Arc<Inner>,
}

struct Inner {
    backing: Backing,
    /// Where the archive lies in the backing bytes.
    range: Range<usize>,
    header: Header,
    /// One bit per entry, then one per chunk: its checksum was found right.
    checked: Box<[AtomicU64]>,
    /// What the pieces must be besides, if somebody has vouched for them.
    digests: OnceLock<Digests>,
}

impl Archive {
    /// Opens the archive at the end of the executable `path`.
    ///
    /// # Errors
    /// [`VfsError::NoArchive`] when nothing is appended, [`VfsError::Damaged`]
    /// and the other refusals when something is and cannot be trusted,
    /// [`VfsError::Io`] when the file cannot be opened or mapped.
    pub fn open_executable(path: &Path) -> Result<Self, VfsError> {
        Self::from_executable(map_file(path)?)
    }

    /// Opens the archive at the end of the running executable.
    ///
    /// Where the kernel has mapped the archive together with the program, no file is
    /// opened. Else this reads `/proc/self/exe`, which also works after the file was
    /// renamed or deleted; without a `/proc` (bare chroots) it falls back on the
    /// name the program was started with, if that is a path.
    ///
    /// # Errors
    /// Those of [`Archive::open_executable`].
    pub fn open_current_executable() -> Result<Self, VfsError> {
        #[cfg(any(target_os = "linux", target_family = "wasm"))]
        if let Some(bytes) = mapping::own_segment()
            // What is wrong, if something is, can be told best by the whole file.
            && let Ok(range) = locate_in_segment(bytes)
        {
            return Self::open(Backing::Segment(bytes), range);
        }
        let mut refusal = None;
        for candidate in current_executables() {
            match map_file(&candidate) {
                Ok(backing) => return Self::from_executable(backing),
                Err(error) => refusal = refusal.or(Some(error)),
            }
        }
        Err(refusal.unwrap_or(VfsError::NoArchive))
    }

    /// Maps the bare archive `path`. The file must not be written to or cut
    /// short while the archive is open (replacing it by renaming is fine); where
    /// that is not known, use [`Archive::read_file`].
    ///
    /// # Errors
    /// [`VfsError::NotAnArchive`], the other refusals, or [`VfsError::Io`].
    pub fn open_file(path: &Path) -> Result<Self, VfsError> {
        Self::from_backing(map_file(path)?)
    }

    /// Reads the bare archive `path` into memory: like [`Archive::open_file`],
    /// but later changes of the file do not matter, and opening costs in
    /// proportion to its length.
    ///
    /// # Errors
    /// Those of [`Archive::open_file`].
    pub fn read_file(path: &Path) -> Result<Self, VfsError> {
        let bytes = fs::read(path).map_err(|source| VfsError::Io {
            action: "read",
            path: path.to_owned(),
            source,
        })?;
        Self::from_bytes(bytes)
    }

    /// Maps `path`, an executable or a bare archive, whichever it is.
    ///
    /// # Errors
    /// Those of [`Archive::open_executable`] and [`Archive::open_file`].
    pub fn open_any(path: &Path) -> Result<Self, VfsError> {
        let backing = map_file(path)?;
        if backing.bytes().starts_with(&ARCHIVE_MAGIC) {
            Self::from_backing(backing)
        } else {
            Self::from_executable(backing)
        }
    }

    /// Opens a bare archive held in memory.
    ///
    /// # Errors
    /// The refusals of [`Archive::open_file`].
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, VfsError> {
        Self::from_backing(Backing::owned(bytes))
    }

    /// Opens the archive at the end of an executable held in memory.
    ///
    /// # Errors
    /// The refusals of [`Archive::open_executable`].
    pub fn from_executable_bytes(bytes: Vec<u8>) -> Result<Self, VfsError> {
        Self::from_executable(Backing::owned(bytes))
    }

    fn from_executable(backing: Backing) -> Result<Self, VfsError> {
        let range = locate(backing.bytes())?;
        // Tools that write modules of WebAssembly anew align nothing in the file.
        if wasm::is_module(backing.bytes()) && !(range.start as u64).is_multiple_of(DATA_ALIGNMENT)
        {
            let bytes = backing.bytes().get(range).unwrap_or_default();
            return Self::from_bytes(bytes.to_vec());
        }
        if !(range.start as u64).is_multiple_of(DATA_ALIGNMENT) {
            return Err(VfsError::damaged(
                "trailer of the executable",
                format!(
                    "it places the archive at byte {}, not a multiple of {DATA_ALIGNMENT}",
                    range.start
                ),
            ));
        }
        Self::open(backing, range)
    }

    fn from_backing(backing: Backing) -> Result<Self, VfsError> {
        let range = 0..backing.bytes().len();
        Self::open(backing, range)
    }

    fn open(backing: Backing, range: Range<usize>) -> Result<Self, VfsError> {
        let archive = backing.bytes().get(range.clone()).unwrap_or_default();
        let header = Header::decode(archive)?;
        let contents = usize::try_from(header.contents_length())
            .ok()
            .and_then(|length| archive.get(HEADER_LENGTH..)?.get(..length))
            .ok_or_else(|| {
                VfsError::damaged(
                    CONTENTS,
                    format!(
                        "it needs {} bytes, the archive has {}",
                        header.contents_length(),
                        archive.len()
                    ),
                )
            })?;
        let found = checksum(contents);
        if found != header.contents_checksum {
            return Err(VfsError::checksum(
                CONTENTS,
                found,
                header.contents_checksum,
            ));
        }
        validate(archive, &header)?;
        let bits = header.entry_count as usize + header.chunk_count as usize;
        let checked = (0..bits.div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        Ok(Self {
            inner: Arc::new(Inner {
                backing,
                range,
                header,
                checked,
                digests: OnceLock::new(),
            }),
        })
    }

    /// Number of entries.
    #[must_use]
    pub fn entry_count(&self) -> usize {
        self.inner.header.entry_count as usize
    }

    /// Length of the archive in bytes, without runtime and trailer.
    #[must_use]
    pub fn byte_length(&self) -> u64 {
        self.inner.header.archive_length
    }

    /// Size of the chunks long assets are cut into.
    #[must_use]
    pub fn chunk_size(&self) -> u32 {
        self.inner.header.chunk_size
    }

    /// All entries, sorted by path and kind.
    #[must_use]
    pub fn entries(&self) -> Entries<'_> {
        Entries {
            archive: self,
            numbers: 0..self.entry_count(),
        }
    }

    /// The entries whose paths begin with `prefix`, sorted by path and kind.
    pub fn entries_with_prefix<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = EntryRef<'a>> {
        let first = self.lower_bound(|path, _| path < prefix.as_bytes());
        let entries = Entries {
            archive: self,
            numbers: first..self.entry_count(),
        };
        entries.take_while(move |entry| entry.path().starts_with(prefix))
    }

    /// The entry stored under exactly `path`; if there are several, the one
    /// whose kind comes first in [`EntryKind`].
    #[must_use]
    pub fn entry(&self, path: &str) -> Option<EntryRef<'_>> {
        let number = self.lower_bound(|other, _| other < path.as_bytes());
        self.entry_at(number)
            .filter(|entry| self.path_bytes(entry.record()) == path.as_bytes())
    }

    /// The entry of this kind stored under exactly `path`.
    #[must_use]
    pub fn find(&self, kind: EntryKind, path: &str) -> Option<EntryRef<'_>> {
        let wanted = (path.as_bytes(), kind);
        let number = self.lower_bound(|path, kind| (path, kind) < wanted);
        self.entry_at(number).filter(|entry| {
            entry.kind() == kind && self.path_bytes(entry.record()) == path.as_bytes()
        })
    }

    /// The metadata entry `.semac/name`.
    #[must_use]
    pub fn metadata(&self, name: &str) -> Option<EntryRef<'_>> {
        self.find(
            EntryKind::Metadata,
            &format!("{}/{name}", path::METADATA_DIRECTORY),
        )
    }

    /// The entry a program means by `requested`: the path as written, then
    /// lexically normalised, then relative to the directory of the embedded
    /// file `importer`. A path that leaves the root on its way never matches.
    #[must_use]
    pub fn resolve(
        &self,
        kind: EntryKind,
        requested: &str,
        importer: Option<&str>,
    ) -> Option<EntryRef<'_>> {
        self.find(kind, requested)
            .or_else(|| self.find(kind, &path::normalize(requested)?))
            .or_else(|| self.find(kind, &path::normalize_relative(importer?, requested)?))
    }

    /// Reads everything and reports the first fault: every checksum, every
    /// compressed chunk, that no two entries share bytes, and that there is nothing between them.
    ///
    /// # Errors
    /// The fault that was found.
    pub fn verify(&self) -> Result<(), VfsError> {
        if !matches!(self.inner.backing, Backing::Segment(_))
            && let Some((expected, runtime)) =
                runtime_checksum(self.inner.backing.bytes(), self.inner.range.start)
        {
            let found = checksum(runtime);
            if found != expected {
                return Err(VfsError::checksum(
                    "runtime in front of the archive",
                    found,
                    expected,
                ));
            }
        }
        let mut ranges: Vec<(u64, u64, EntryRef<'_>)> = Vec::with_capacity(self.entry_count());
        for entry in self.entries() {
            entry.verify()?;
            let record = entry.record();
            if record.stored_length > 0 {
                ranges.push((record.data_offset, record.stored_length, entry));
            }
        }
        ranges.sort_by_key(|(offset, length, _)| (*offset, *length));
        for (left, right) in ranges.iter().zip(ranges.iter().skip(1)) {
            // In bounds of the archive, so the sum cannot overflow.
            if left.0 + left.1 > right.0 {
                return Err(VfsError::EntryDamaged {
                    path: right.2.path().to_owned(),
                    problem: format!("it shares bytes with '{}'", left.2.path()),
                });
            }
        }
        let starts = ranges.iter().skip(1).map(|(start, ..)| *start);
        let starts = starts.chain(std::iter::once(self.bytes().len() as u64));
        for ((offset, length, entry), next) in ranges.iter().zip(starts) {
            let range = usize::try_from(offset + length)
                .ok()
                .zip(usize::try_from(next).ok());
            let padding = range.and_then(|(from, to)| self.bytes().get(from..to));
            if padding.is_none_or(|padding| padding.iter().any(|&byte| byte != 0)) {
                return Err(VfsError::EntryDamaged {
                    path: entry.path().to_owned(),
                    problem: "the padding behind it is not zero".to_owned(),
                });
            }
        }
        Ok(())
    }

    /// The table of contents: records, paths and padding.
    #[must_use]
    pub fn contents(&self) -> &[u8] {
        let length = usize::try_from(self.inner.header.contents_length()).unwrap_or(0);
        let rest = self.bytes().get(HEADER_LENGTH..).unwrap_or_default();
        rest.get(..length).unwrap_or_default()
    }

    /// The bytes of the file in front of the archive: the runtime; none of a bare archive. `None` if the archive is not open
    /// as a file.
    #[must_use]
    pub fn front(&self) -> Option<&[u8]> {
        match &self.inner.backing {
            Backing::Segment(_) => None,
            file => file.bytes().get(..self.inner.range.start),
        }
    }

    /// Number of pieces that are checked one by one: entries, then chunks.
    #[must_use]
    pub fn piece_count(&self) -> usize {
        self.entry_count() + self.inner.header.chunk_count as usize
    }

    /// From now on all pieces must have these digests, also those that were read before. Only the first call counts.
    pub fn vouch(&self, digests: Digests) {
        if self.inner.digests.set(digests).is_ok() {
            for word in &self.inner.checked {
                word.store(0, MemoryOrdering::Relaxed);
            }
        }
    }

    /// Whether somebody has vouched for the pieces.
    #[must_use]
    pub fn is_vouched(&self) -> bool {
        self.digests().is_some()
    }

    pub(crate) fn digests(&self) -> Option<&Digests> {
        self.inner.digests.get()
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.inner
            .backing
            .bytes()
            .get(self.inner.range.clone())
            .unwrap_or_default()
    }

    pub(crate) fn path_bytes(&self, record: &Record) -> &[u8] {
        path_of(paths(self.bytes(), &self.inner.header), record).unwrap_or_default()
    }

    pub(crate) fn entry_at(&self, number: usize) -> Option<EntryRef<'_>> {
        let bytes = records(self.bytes(), &self.inner.header).get(number)?;
        Some(EntryRef::new(self, number, Record::decode(bytes)?))
    }

    pub(crate) fn is_checked(&self, bit: usize) -> bool {
        self.inner
            .checked
            .get(bit / 64)
            .is_some_and(|word| word.load(MemoryOrdering::Relaxed) & (1 << (bit % 64)) != 0)
    }

    pub(crate) fn mark_checked(&self, bit: usize) {
        if let Some(word) = self.inner.checked.get(bit / 64) {
            word.fetch_or(1 << (bit % 64), MemoryOrdering::Relaxed);
        }
    }

    /// Number of the first entry for which `before` is false.
    fn lower_bound(&self, before: impl Fn(&[u8], EntryKind) -> bool) -> usize {
        let archive = self.bytes();
        let paths = paths(archive, &self.inner.header);
        records(archive, &self.inner.header).partition_point(|bytes| {
            Record::decode(bytes).is_some_and(|record| {
                path_of(paths, &record).is_some_and(|path| before(path, record.kind))
            })
        })
    }
}

impl fmt::Debug for Archive {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Archive")
            .field("header", &self.inner.header)
            .finish_non_exhaustive()
    }
}

/// Iterator over the entries of an archive, made by [`Archive::entries`].
#[derive(Debug)]
pub struct Entries<'a> {
    archive: &'a Archive,
    numbers: Range<usize>,
}

impl<'a> Iterator for Entries<'a> {
    type Item = EntryRef<'a>;

    fn next(&mut self) -> Option<EntryRef<'a>> {
        self.archive.entry_at(self.numbers.next()?)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.numbers.size_hint()
    }
}

impl ExactSizeIterator for Entries<'_> {}

fn map_file(path: &Path) -> Result<Backing, VfsError> {
    let refused = |action| {
        move |source| VfsError::Io {
            action,
            path: path.to_owned(),
            source,
        }
    };
    let file = File::open(path).map_err(refused("open"))?;
    let length = file.metadata().map_err(refused("get the size of"))?.len();
    if length == 0 {
        return Ok(Backing::owned(Vec::new()));
    }
    mapping::map(&file, length).map_err(refused("map"))
}

/// Where the running executable may be found, best first. Lazily: asking the
/// system costs more than trying the first.
fn current_executables() -> impl Iterator<Item = PathBuf> {
    // A module of WebAssembly knows its name at most, and its archive is in memory if there is one.
    let sources: &[fn() -> Option<PathBuf>] = if cfg!(target_family = "wasm") {
        &[]
    } else {
        EXECUTABLES
    };
    sources.iter().filter_map(|source| source())
}

/// Ways to find the running executable.
const EXECUTABLES: &[fn() -> Option<PathBuf>] = &[
    || cfg!(target_os = "linux").then(|| PathBuf::from("/proc/self/exe")),
    || std::env::current_exe().ok(),
    || {
        let name = PathBuf::from(std::env::args_os().next()?);
        (name.components().count() > 1).then_some(name)
    },
];
