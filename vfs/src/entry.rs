//! Reading one entry.
//!
//! An entry is a row of pieces: one, or one per chunk. Every way of reading
//! goes through [`EntryRef::piece`], which compares the checksum the first time
//! a piece is asked for and then remembers that it was right.

use std::borrow::Cow;
use std::fmt;
use std::ops::{Deref, Range};

use crate::archive::Archive;
use crate::checksum::checksum;
use crate::decompress::Decompressor;
use crate::error::{VfsError, checksum_problem};
use crate::layout::{CHUNK_LENGTH, Chunk, Compression, EntryKind, Record};
use crate::reader::EntryReader;

/// The most bytes one read of a compressed entry allocates unless told
/// otherwise: 1 GiB. A bound on what a hostile archive can demand.
pub const DECOMPRESSED_LIMIT: u64 = 1 << 30;

/// An entry of an open archive.
#[derive(Clone, Copy)]
pub struct EntryRef<'a> {
    archive: &'a Archive,
    number: usize,
    record: Record,
}

/// A checked piece of an entry as it is stored.
pub(crate) struct Piece<'a> {
    pub(crate) stored: &'a [u8],
    pub(crate) compression: Compression,
    pub(crate) length: usize,
}

impl<'a> EntryRef<'a> {
    pub(crate) fn new(archive: &'a Archive, number: usize, record: Record) -> Self {
        Self {
            archive,
            number,
            record,
        }
    }

    pub(crate) fn record(&self) -> &Record {
        &self.record
    }

    /// Path of the entry.
    #[must_use]
    pub fn path(&self) -> &'a str {
        std::str::from_utf8(self.archive.path_bytes(&self.record)).unwrap_or_default()
    }

    /// Kind of the entry.
    #[must_use]
    pub fn kind(&self) -> EntryKind {
        self.record.kind
    }

    /// How it is stored.
    #[must_use]
    pub fn compression(&self) -> Compression {
        self.record.compression
    }

    /// Length of its content.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.record.original_length
    }

    /// Bytes it takes in the archive, its chunk table included.
    #[must_use]
    pub fn stored_length(&self) -> u64 {
        self.record.stored_length
    }

    /// Where it starts, counted from the start of the archive.
    #[must_use]
    pub fn data_offset(&self) -> u64 {
        self.record.data_offset
    }

    /// Number of chunks; 0 when it is stored in one piece.
    #[must_use]
    pub fn chunk_count(&self) -> u32 {
        self.record.chunk_count
    }

    /// Checksum of the stored bytes, or of the chunk table, which in turn holds
    /// those of the chunks: equal checksums mean equal content.
    #[must_use]
    pub fn checksum(&self) -> u64 {
        self.record.checksum
    }

    /// The content as a slice of the mapping, without copying. Works for every
    /// entry that is not compressed; code always is such an entry, and its
    /// slice is aligned to eight bytes.
    ///
    /// # Errors
    /// [`VfsError::NotInPlace`] or [`VfsError::EntryDamaged`].
    pub fn mapped(&self) -> Result<&'a [u8], VfsError> {
        self.mapped_range(0..self.record.original_length)
    }

    /// Like [`EntryRef::mapped`], as a handle that keeps the archive open.
    ///
    /// # Errors
    /// Those of [`EntryRef::mapped`].
    pub fn shared(&self) -> Result<SharedBytes, VfsError> {
        let length = self.mapped()?.len();
        // The slice exists, so its place in the archive fits `usize`.
        let start = self.record.data_offset as usize;
        Ok(SharedBytes {
            archive: self.archive.clone(),
            range: start..start + length,
        })
    }

    /// The whole content: borrowed from the mapping, or decompressed.
    ///
    /// # Errors
    /// [`VfsError::EntryDamaged`], [`VfsError::TooLarge`] beyond
    /// [`DECOMPRESSED_LIMIT`], [`VfsError::OutOfMemory`].
    pub fn bytes(&self) -> Result<Cow<'a, [u8]>, VfsError> {
        self.bytes_within(DECOMPRESSED_LIMIT)
    }

    /// Like [`EntryRef::bytes`] with another limit on what is allocated.
    ///
    /// # Errors
    /// Those of [`EntryRef::bytes`].
    pub fn bytes_within(&self, limit: u64) -> Result<Cow<'a, [u8]>, VfsError> {
        self.range_within(0..self.record.original_length, limit)
    }

    /// A part of the content. Only the chunks it lies in are read.
    ///
    /// # Errors
    /// [`VfsError::RangeOutside`] and those of [`EntryRef::bytes`].
    pub fn read_range(&self, range: Range<u64>) -> Result<Cow<'a, [u8]>, VfsError> {
        if range.start > range.end || range.end > self.record.original_length {
            return Err(VfsError::RangeOutside {
                path: self.path().to_owned(),
                start: range.start,
                end: range.end,
                length: self.record.original_length,
            });
        }
        self.range_within(range, DECOMPRESSED_LIMIT)
    }

    /// Copies content from `offset` on into `buffer` and says how much: all the
    /// buffer takes, less only at the end of the content.
    ///
    /// # Errors
    /// [`VfsError::EntryDamaged`].
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, VfsError> {
        let rest = self.record.original_length.saturating_sub(offset);
        let count = usize::try_from(rest).map_or(buffer.len(), |rest| rest.min(buffer.len()));
        let Some(mut target) = buffer.get_mut(..count) else {
            return Ok(0);
        };
        let mut decoder = Decoder::default();
        let mut position = offset;
        while !target.is_empty() {
            let (number, start) = self.piece_at(position);
            let piece = self.piece(number)?;
            let taken = (piece.length - start).min(target.len());
            let (part, rest) = std::mem::take(&mut target).split_at_mut(taken);
            if piece.compression == Compression::Zstd && taken == piece.length {
                decoder.decode(self, &piece, part)?;
            } else {
                let content = decoder.content(self, &piece)?;
                part.copy_from_slice(content.get(start..start + taken).unwrap_or_default());
            }
            target = rest;
            position += taken as u64;
        }
        Ok(count)
    }

    /// A reader with a position, which holds one chunk at a time in memory.
    #[must_use]
    pub fn reader(&self) -> EntryReader<'a> {
        EntryReader::new(*self)
    }

    /// Reads everything, keeping nothing.
    ///
    /// # Errors
    /// [`VfsError::EntryDamaged`] with the first fault.
    pub fn verify(&self) -> Result<(), VfsError> {
        let mut decoder = Decoder::default();
        for number in 0..self.piece_count() {
            decoder.content(self, &self.piece(number)?)?;
        }
        Ok(())
    }

    /// Its number: which piece of the archive it is, if it is one piece; else which its table of chunks is.
    #[must_use]
    pub fn number(&self) -> usize {
        self.number
    }

    /// The numbers of its pieces.
    pub fn piece_numbers(&self) -> impl Iterator<Item = usize> {
        let first = self.archive.entry_count() + self.record.first_chunk as usize;
        std::iter::once(self.number).chain(first..first + self.record.chunk_count as usize)
    }

    /// Shows the bytes of its pieces as they are stored to `visit`, with their numbers: those that digests are made of.
    ///
    /// # Errors
    /// [`VfsError::EntryDamaged`].
    pub fn each_piece(&self, visit: &mut dyn FnMut(usize, &[u8])) -> Result<(), VfsError> {
        if self.record.chunk_count == 0 {
            visit(self.number, self.piece(0)?.stored);
            return Ok(());
        }
        let stored = self.stored()?;
        let table = self.record.chunk_count as usize * CHUNK_LENGTH;
        let start = stored.len().saturating_sub(table);
        visit(self.number, stored.get(start..).unwrap_or_default());
        for number in 0..self.record.chunk_count {
            let bit = self.archive.entry_count() + (self.record.first_chunk + number) as usize;
            visit(bit, self.piece(number)?.stored);
        }
        Ok(())
    }

    /// The piece that holds byte `position`, and where in it.
    pub(crate) fn piece_at(&self, position: u64) -> (u32, usize) {
        if self.record.chunk_count == 0 {
            return (0, usize::try_from(position).unwrap_or(usize::MAX));
        }
        let size = u64::from(self.archive.chunk_size());
        // Both fit: positions are below the original length, and so the
        // quotient is below the chunk count; chunk sizes fit 32 bits.
        ((position / size) as u32, (position % size) as usize)
    }

    /// Piece `number`, its checksum checked.
    pub(crate) fn piece(&self, number: u32) -> Result<Piece<'a>, VfsError> {
        if self.record.chunk_count == 0 {
            let stored = self.stored()?;
            self.check_once(self.number, stored, self.record.checksum)?;
            return Ok(Piece {
                stored,
                compression: self.record.compression,
                length: self.to_length(self.record.original_length)?,
            });
        }
        let (data, chunk) = self.chunk(number)?;
        let size = u64::from(self.archive.chunk_size());
        let start = u64::from(number) * size;
        let length = self.record.original_length.saturating_sub(start).min(size);
        let stored = usize::try_from(chunk.offset)
            .ok()
            .and_then(|offset| data.get(offset..)?.get(..chunk.stored_length as usize))
            .filter(|stored| match chunk.compression {
                Compression::None => stored.len() as u64 == length,
                Compression::Zstd => true,
            })
            // An entry that says it is not compressed is read in place, so
            // its chunks must lie one after the other.
            .filter(|_| {
                self.record.compression == Compression::Zstd
                    || (chunk.compression == Compression::None && chunk.offset == start)
            })
            .ok_or_else(|| {
                self.damaged(format!(
                    "chunk {number} has {} bytes at {}, which cannot hold {length} bytes",
                    chunk.stored_length, chunk.offset
                ))
            })?;
        let bit = self.archive.entry_count() + (self.record.first_chunk + number) as usize;
        self.check_once(bit, stored, chunk.checksum)?;
        Ok(Piece {
            stored,
            compression: chunk.compression,
            length: self.to_length(length)?,
        })
    }

    /// The bytes of all chunks, and the line of the chunk table for `number`.
    fn chunk(&self, number: u32) -> Result<(&'a [u8], Chunk), VfsError> {
        let stored = self.stored()?;
        let table_length = self.record.chunk_count as usize * CHUNK_LENGTH;
        let (data, table) = stored
            .len()
            .checked_sub(table_length)
            .and_then(|at| stored.split_at_checked(at))
            .ok_or_else(|| self.damaged("it is shorter than its chunk table"))?;
        self.check_once(self.number, table, self.record.checksum)?;
        let (lines, _) = table.as_chunks::<CHUNK_LENGTH>();
        let chunk = lines
            .get(number as usize)
            .and_then(Chunk::decode)
            .ok_or_else(|| self.damaged(format!("its chunk table has no valid line {number}")))?;
        Ok((data, chunk))
    }

    fn piece_count(&self) -> u32 {
        self.record.chunk_count.max(1)
    }

    fn stored(&self) -> Result<&'a [u8], VfsError> {
        let archive: &'a [u8] = self.archive.bytes();
        usize::try_from(self.record.data_offset)
            .ok()
            .zip(usize::try_from(self.record.stored_length).ok())
            .and_then(|(offset, length)| archive.get(offset..)?.get(..length))
            .ok_or_else(|| self.damaged("its bytes lie outside the archive"))
    }

    fn check_once(&self, bit: usize, bytes: &[u8], expected: u64) -> Result<(), VfsError> {
        if self.archive.is_checked(bit) {
            return Ok(());
        }
        let found = checksum(bytes);
        if found != expected {
            return Err(self.damaged(checksum_problem(found, expected)));
        }
        if let Some(digests) = self.archive.digests()
            && !digests.fit(bit, bytes)
        {
            return Err(self.damaged("it is not what was signed"));
        }
        self.archive.mark_checked(bit);
        Ok(())
    }

    fn mapped_range(&self, range: Range<u64>) -> Result<&'a [u8], VfsError> {
        if self.record.compression != Compression::None {
            return Err(VfsError::NotInPlace {
                path: self.path().to_owned(),
            });
        }
        let (first, _) = self.piece_at(range.start);
        let (last, _) = self.piece_at(range.end.saturating_sub(1).max(range.start));
        for number in first..=last.min(self.piece_count() - 1) {
            self.piece(number)?;
        }
        let start = self.to_length(range.start)?;
        let end = self.to_length(range.end)?;
        self.stored()?
            .get(start..end)
            .ok_or_else(|| self.damaged("its bytes lie outside the archive"))
    }

    /// `range` must lie inside the content.
    fn range_within(&self, range: Range<u64>, limit: u64) -> Result<Cow<'a, [u8]>, VfsError> {
        if self.record.compression == Compression::None {
            return self.mapped_range(range).map(Cow::Borrowed);
        }
        let length = range.end - range.start;
        if length > limit {
            return Err(VfsError::TooLarge {
                path: self.path().to_owned(),
                length,
                limit,
            });
        }
        let capacity = self.to_length(length)?;
        let mut content = self.allocate(capacity)?;
        let mut decoder = Decoder::default();
        let mut position = range.start;
        // Memory is filled piece by piece, so that lengths which turn out to
        // be lies cost address space at most.
        while content.len() < capacity {
            let (number, start) = self.piece_at(position);
            let piece = self.piece(number)?;
            let taken = (piece.length - start).min(capacity - content.len());
            if piece.compression == Compression::Zstd && taken == piece.length {
                let end = content.len();
                content.resize(end + taken, 0);
                let part = content.get_mut(end..).unwrap_or_default();
                decoder.decode(self, &piece, part)?;
            } else {
                let part = decoder.content(self, &piece)?.get(start..start + taken);
                content.extend_from_slice(part.unwrap_or_default());
            }
            position += taken as u64;
        }
        Ok(Cow::Owned(content))
    }

    pub(crate) fn allocate(&self, length: usize) -> Result<Vec<u8>, VfsError> {
        let mut bytes = Vec::new();
        match bytes.try_reserve_exact(length) {
            Ok(()) => Ok(bytes),
            Err(_) => Err(self.out_of_memory(length as u64)),
        }
    }

    fn to_length(self, length: u64) -> Result<usize, VfsError> {
        usize::try_from(length).map_err(|_| self.out_of_memory(length))
    }

    #[cold]
    fn out_of_memory(&self, length: u64) -> VfsError {
        VfsError::OutOfMemory {
            path: self.path().to_owned(),
            length,
        }
    }

    #[cold]
    fn damaged(&self, problem: impl Into<String>) -> VfsError {
        VfsError::EntryDamaged {
            path: self.path().to_owned(),
            problem: problem.into(),
        }
    }
}

impl fmt::Debug for EntryRef<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("EntryRef")
            .field("path", &self.path())
            .field("record", &self.record)
            .finish()
    }
}

/// The zstd decoder, made when the first compressed piece comes along and used
/// for those that follow.
#[derive(Default)]
pub(crate) struct Decoder {
    context: Option<Decompressor>,
    scratch: Vec<u8>,
}

impl Decoder {
    /// Decompresses all of `piece` into `target`, which has its exact length.
    fn decode(
        &mut self,
        entry: &EntryRef<'_>,
        piece: &Piece<'_>,
        target: &mut [u8],
    ) -> Result<(), VfsError> {
        let context = match &mut self.context {
            Some(context) => context,
            none => none.insert(
                Decompressor::new().ok_or_else(|| entry.out_of_memory(piece.length as u64))?,
            ),
        };
        match context.decompress(target, piece.stored) {
            Some(length) if length == target.len() => Ok(()),
            Some(length) => Err(entry.damaged(format!(
                "it decompresses to {length} bytes, expected {}",
                target.len()
            ))),
            None => Err(entry.damaged(format!("it is no zstd frame of {} bytes", target.len()))),
        }
    }

    /// The content of `piece`: in place, or decompressed into scratch memory.
    pub(crate) fn content<'s>(
        &'s mut self,
        entry: &EntryRef<'_>,
        piece: &Piece<'s>,
    ) -> Result<&'s [u8], VfsError> {
        if piece.compression == Compression::None {
            return Ok(piece.stored);
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        if scratch.capacity() < piece.length {
            scratch = entry.allocate(piece.length)?;
        }
        scratch.resize(piece.length, 0);
        self.decode(entry, piece, &mut scratch)?;
        self.scratch = scratch;
        Ok(&self.scratch)
    }

    /// What [`Decoder::content`] decompressed last.
    pub(crate) fn scratch(&self) -> &[u8] {
        &self.scratch
    }
}

/// Content in the mapping, together with the archive that keeps it there.
#[derive(Clone)]
pub struct SharedBytes {
    archive: Archive,
    range: Range<usize>,
}

impl Deref for SharedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.archive
            .bytes()
            .get(self.range.clone())
            .unwrap_or_default()
    }
}

impl AsRef<[u8]> for SharedBytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for SharedBytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SharedBytes({} bytes)", self.range.len())
    }
}
