//! Reading what frames the content: header and section table.

use super::layout::{self, HEADER_BYTES, MAGIC, Section, header};
use super::read::slice;
use crate::error::FormatError;

/// What the header says.
pub(super) struct Header<'a> {
    pub(super) section_count: u16,
    pub(super) flags: u16,
    pub(super) content_hash: u64,
    pub(super) producer: &'a str,
}

pub(super) fn check_header(bytes: &[u8]) -> Result<Header<'_>, FormatError> {
    check_signature(bytes)?;
    let too_short = || FormatError::Length {
        expected: HEADER_BYTES as u64,
        found: bytes.len() as u64,
    };
    let version = u16::from_le_bytes(field(bytes, header::VERSION).ok_or_else(too_short)?);
    let producer = producer(bytes);
    if !layout::reads_version(version) {
        return Err(FormatError::Version {
            found: version,
            // Untrusted text that ends up on a terminal.
            producer: producer
                .filter(|text| text.chars().all(|character| !character.is_control()))
                .unwrap_or("an unknown program")
                .to_owned(),
        });
    }
    if bytes.len() < HEADER_BYTES {
        return Err(too_short());
    }
    let half = |at| field(bytes, at).map_or(0, u16::from_le_bytes);
    let word = |at| field(bytes, at).map_or(0, u32::from_le_bytes);
    if word(header::CANARY) != layout::CANARY || half(header::RESERVED) != 0 {
        return Err(FormatError::Header("its canary bytes changed"));
    }
    let length = u64::from(word(header::LENGTH));
    if length != bytes.len() as u64 {
        return Err(FormatError::Length {
            expected: length,
            found: bytes.len() as u64,
        });
    }
    let flags = half(header::FLAGS);
    if flags & !layout::KNOWN_FLAGS != 0 {
        return Err(FormatError::Header("it has unknown flags"));
    }
    Ok(Header {
        section_count: half(header::SECTION_COUNT),
        flags,
        content_hash: field(bytes, header::CONTENT_HASH).map_or(0, u64::from_le_bytes),
        producer: producer.ok_or(FormatError::Header("the producer is not text"))?,
    })
}

fn check_signature(bytes: &[u8]) -> Result<(), FormatError> {
    let found = bytes.get(..MAGIC.len()).unwrap_or(bytes);
    if found == MAGIC {
        return Ok(());
    }
    let stem = MAGIC.get(..MAGIC.len() - 2).unwrap_or(&MAGIC);
    if found.starts_with(stem) {
        return Err(FormatError::TextTransfer);
    }
    Err(FormatError::NotAModule)
}

/// The producer in the header; `None` when it is cut off or not text.
fn producer(bytes: &[u8]) -> Option<&str> {
    let room = slice(
        bytes,
        header::PRODUCER as u32,
        header::PRODUCER_BYTES as u32,
    )?;
    let end = room
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(room.len());
    std::str::from_utf8(room.get(..end)?).ok()
}

/// The sections that this version knows, as they lie in the file.
pub(super) struct Sections<'a> {
    bytes: [&'a [u8]; SECTION_SLOTS],
    words: [&'a [u32]; SECTION_SLOTS],
}

/// Section numbers start at 1.
const SECTION_SLOTS: usize = Section::ALL.len() + 1;

impl<'a> Sections<'a> {
    pub(super) fn parse(
        bytes: &'a [u8],
        words: &'a [u32],
        count: u16,
    ) -> Result<Self, FormatError> {
        let table = slice(
            words,
            (HEADER_BYTES / 4) as u32,
            u32::from(count) * layout::SECTION_ENTRY_WORDS as u32,
        )
        .ok_or(FormatError::SectionTable("it is longer than the file"))?;
        let mut sections = Sections {
            bytes: [&[]; SECTION_SLOTS],
            words: [&[]; SECTION_SLOTS],
        };
        let mut last_kind = 0;
        let mut expected = HEADER_BYTES as u64 + size_of_val(table) as u64;
        let (entries, _) = table.as_chunks::<{ layout::SECTION_ENTRY_WORDS }>();
        for &[head, offset, length] in entries {
            let (kind, flags) = (head as u16, (head >> 16) as u16);
            if kind <= last_kind {
                return Err(FormatError::SectionTable("sections are not in order"));
            }
            last_kind = kind;
            if flags & !layout::SECTION_REQUIRED != 0 {
                return Err(FormatError::SectionTable("a section has an unknown flag"));
            }
            if u64::from(offset) != expected {
                return Err(FormatError::SectionTable("sections overlap or leave gaps"));
            }
            let content = slice(bytes, offset, length)
                .ok_or(FormatError::SectionTable("a section exceeds the file"))?;
            expected = (u64::from(offset) + u64::from(length)).next_multiple_of(4);
            match Section::from_number(kind) {
                Some(section) => {
                    if let (Some(slot), Some(word_slot)) = (
                        sections.bytes.get_mut(section as usize),
                        sections.words.get_mut(section as usize),
                    ) {
                        *slot = content;
                        *word_slot = slice(words, offset / 4, length / 4).unwrap_or(&[]);
                    }
                }
                None if flags & layout::SECTION_REQUIRED != 0 => {
                    return Err(FormatError::UnknownSection(kind));
                }
                None => {}
            }
        }
        if expected != bytes.len() as u64 {
            return Err(FormatError::SectionTable("bytes follow the last section"));
        }
        Ok(sections)
    }

    pub(super) fn bytes(&self, section: Section) -> &'a [u8] {
        self.bytes.get(section as usize).copied().unwrap_or(&[])
    }

    pub(super) fn words(&self, section: Section) -> Result<&'a [u32], FormatError> {
        if !self.bytes(section).len().is_multiple_of(4) {
            return Err(FormatError::damaged(section, "its length is not whole"));
        }
        Ok(self.words.get(section as usize).copied().unwrap_or(&[]))
    }

    pub(super) fn entries<const WORDS: usize>(
        &self,
        section: Section,
    ) -> Result<&'a [[u32; WORDS]], FormatError> {
        match self.words(section)?.as_chunks() {
            (entries, []) => Ok(entries),
            _ => Err(FormatError::damaged(section, "its length is not whole")),
        }
    }
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}
