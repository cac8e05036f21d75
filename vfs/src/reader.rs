//! An entry as a `std::io` stream.

use std::io::{self, BufRead, Read, Seek, SeekFrom};

use crate::entry::{Decoder, EntryRef};
use crate::layout::Compression;

/// Reads an entry from front to back or from anywhere, holding at most one
/// decompressed chunk. Made by [`EntryRef::reader`].
pub struct EntryReader<'a> {
    entry: EntryRef<'a>,
    place: Place,
}

/// Where a reader stands in an entry, and the chunk that it has decompressed there.
#[derive(Default)]
pub(crate) struct Place {
    position: u64,
    decoder: Decoder,
    /// The piece whose content is in the decoder's scratch memory.
    decoded: Option<u32>,
}

impl Place {
    /// What follows in the chunk in which it stands; nothing at the end.
    pub(crate) fn rest<'s>(&'s mut self, entry: &EntryRef<'s>) -> io::Result<&'s [u8]> {
        if self.position >= entry.length() {
            return Ok(&[]);
        }
        let (number, start) = entry.piece_at(self.position);
        if self.decoded == Some(number) {
            return Ok(self.decoder.scratch().get(start..).unwrap_or_default());
        }
        let piece = entry.piece(number).map_err(crate::VfsError::into_io)?;
        self.decoded = None;
        let compressed = piece.compression == Compression::Zstd;
        let content = self
            .decoder
            .content(entry, &piece)
            .map_err(crate::VfsError::into_io)?;
        if compressed {
            self.decoded = Some(number);
        }
        Ok(content.get(start..).unwrap_or_default())
    }

    /// Reads what fits, of one chunk.
    pub(crate) fn read(&mut self, entry: &EntryRef<'_>, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.rest(entry)?;
        let count = available.len().min(buffer.len());
        let (target, source) = (buffer.get_mut(..count), available.get(..count));
        if let (Some(target), Some(source)) = (target, source) {
            target.copy_from_slice(source);
        }
        self.advance(count);
        Ok(count)
    }

    fn advance(&mut self, count: usize) {
        self.position = self.position.saturating_add(count as u64);
    }

    pub(crate) fn seek(&mut self, length: u64, target: SeekFrom) -> io::Result<u64> {
        let position = match target {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(distance) => length.checked_add_signed(distance),
            SeekFrom::Current(distance) => self.position.checked_add_signed(distance),
        };
        self.position = position.ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidInput,
                "seek to a position before the start of the embedded file",
            )
        })?;
        Ok(self.position)
    }
}

impl<'a> EntryReader<'a> {
    pub(crate) fn new(entry: EntryRef<'a>) -> Self {
        Self {
            entry,
            place: Place::default(),
        }
    }
}

impl BufRead for EntryReader<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.place.rest(&self.entry)
    }

    fn consume(&mut self, amount: usize) {
        self.place.advance(amount);
    }
}

impl Read for EntryReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.place.read(&self.entry, buffer)
    }
}

impl Seek for EntryReader<'_> {
    fn seek(&mut self, target: SeekFrom) -> io::Result<u64> {
        self.place.seek(self.entry.length(), target)
    }
}
