//! An entry as a `std::io` stream.

use std::io::{self, BufRead, Read, Seek, SeekFrom};

use crate::entry::{Decoder, EntryRef};
use crate::layout::Compression;

/// Reads an entry from front to back or from anywhere, holding at most one
/// decompressed chunk. Made by [`EntryRef::reader`].
pub struct EntryReader<'a> {
    entry: EntryRef<'a>,
    position: u64,
    decoder: Decoder,
    /// The piece whose content is in the decoder's scratch memory.
    decoded: Option<u32>,
}

impl<'a> EntryReader<'a> {
    pub(crate) fn new(entry: EntryRef<'a>) -> Self {
        Self {
            entry,
            position: 0,
            decoder: Decoder::default(),
            decoded: None,
        }
    }
}

impl BufRead for EntryReader<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.position >= self.entry.length() {
            return Ok(&[]);
        }
        let (number, start) = self.entry.piece_at(self.position);
        if self.decoded == Some(number) {
            return Ok(self.decoder.scratch().get(start..).unwrap_or_default());
        }
        let piece = self.entry.piece(number).map_err(crate::VfsError::into_io)?;
        self.decoded = None;
        let compressed = piece.compression == Compression::Zstd;
        let content = self
            .decoder
            .content(&self.entry, &piece)
            .map_err(crate::VfsError::into_io)?;
        if compressed {
            self.decoded = Some(number);
        }
        Ok(content.get(start..).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.position = self.position.saturating_add(amount as u64);
    }
}

impl Read for EntryReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(buffer.len());
        let (target, source) = (buffer.get_mut(..count), available.get(..count));
        if let (Some(target), Some(source)) = (target, source) {
            target.copy_from_slice(source);
        }
        self.consume(count);
        Ok(count)
    }
}

impl Seek for EntryReader<'_> {
    fn seek(&mut self, target: SeekFrom) -> io::Result<u64> {
        let position = match target {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(distance) => self.entry.length().checked_add_signed(distance),
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
