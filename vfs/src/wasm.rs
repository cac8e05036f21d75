//! Modules of WebAssembly, as far as programs are put into them: their sections, and the segment of the archive.
//!
//! A built program is the runtime's module with two more segments of data, which the engine places in memory before the program
//! starts. The first one, at the address that the export [`ARCHIVE_EXPORT`] tells, says where the second one lies and how long it
//! is; the second one is the archive with its trailer, above everything else in memory. The section of data is the last one,
//! so the file ends in the trailer, as executables of other formats do (`docs/vfs.md`).
//!
//! Source: WebAssembly Core Specification, chapter 5, "Binary Format".

use std::ops::Range;

use crate::layout::{END_MAGIC, TRAILER_LENGTH};

/// How modules begin: magic number and version.
pub const MAGIC: [u8; 8] = *b"\0asm\x01\0\0\0";
/// The export, a global, whose value is the address of the place where runtimes look for their archive.
pub const ARCHIVE_EXPORT: &str = "sema_archive";
/// Bytes of that place: address and length of the archive, and room.
#[cfg(any(feature = "write", target_family = "wasm"))]
pub(crate) const PLACE_SIZE: usize = 24;

/// The numbers of sections.
pub(crate) mod section {
    pub(crate) const CUSTOM: u8 = 0;
    #[cfg(feature = "write")]
    pub(crate) const IMPORT: u8 = 2;
    #[cfg(feature = "write")]
    pub(crate) const MEMORY: u8 = 5;
    #[cfg(feature = "write")]
    pub(crate) const GLOBAL: u8 = 6;
    #[cfg(feature = "write")]
    pub(crate) const EXPORT: u8 = 7;
    pub(crate) const DATA: u8 = 11;
    #[cfg(feature = "write")]
    pub(crate) const DATA_COUNT: u8 = 12;
}

/// The instruction that gives a number of 32 bits, and the end of an expression.
pub(crate) const I32_CONST: u8 = 0x41;
pub(crate) const END: u8 = 0x0B;

/// Whether a file is a module.
#[must_use]
pub fn is_module(file: &[u8]) -> bool {
    file.starts_with(&MAGIC)
}

/// Reads a module from front to back; everything is `None` behind its end.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'f> {
    rest: &'f [u8],
}

impl<'f> Reader<'f> {
    pub(crate) fn new(bytes: &'f [u8]) -> Reader<'f> {
        Reader { rest: bytes }
    }

    /// How many bytes are left.
    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn take(&mut self, count: usize) -> Option<&'f [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*byte)
    }

    /// A number of 32 bits in LEB128; of a signed one, the bits.
    pub(crate) fn number(&mut self) -> Option<u32> {
        let mut value = 0u64;
        for place in 0..5 {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7F) << (7 * place);
            if byte & 0x80 == 0 {
                return Some(value as u32);
            }
        }
        None
    }

    pub(crate) fn size(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok()
    }

    /// Bytes behind their number.
    pub(crate) fn bytes(&mut self) -> Option<&'f [u8]> {
        let count = self.size()?;
        self.take(count)
    }
}

/// A section: its number, its content, and where that lies in the file.
pub(crate) struct Section<'f> {
    pub(crate) id: u8,
    pub(crate) content: &'f [u8],
    pub(crate) start: usize,
}

/// The sections of a module in their order; `None` where it does not end with a section.
pub(crate) fn sections(file: &[u8]) -> Option<Vec<Section<'_>>> {
    let mut reader = Reader::new(file.strip_prefix(&MAGIC)?);
    let mut sections = Vec::new();
    while reader.left() > 0 {
        let id = reader.byte()?;
        let content = reader.bytes()?;
        sections.push(Section {
            id,
            content,
            start: file.len() - reader.left() - content.len(),
        });
    }
    Some(sections)
}

/// The content of the custom section of this name.
#[must_use]
pub fn custom_section<'f>(file: &'f [u8], name: &str) -> Option<&'f [u8]> {
    sections(file)?
        .iter()
        .filter(|section| section.id == section::CUSTOM)
        .find_map(|section| {
            let mut reader = Reader::new(section.content);
            (reader.bytes()? == name.as_bytes()).then_some(reader.rest)
        })
}

/// Bytes of a number of 32 bits in LEB128 when all of them are written.
#[cfg(feature = "write")]
pub(crate) const NUMBER: usize = 5;

/// A number in LEB128 with all the bytes it may take. The same for a signed one that is not negative.
#[cfg(feature = "write")]
pub(crate) fn encode(value: u32) -> [u8; NUMBER] {
    let mut rest = value;
    let mut bytes = [0; NUMBER];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = (rest & 0x7F) as u8 | if index + 1 < NUMBER { 0x80 } else { 0 };
        rest >>= 7;
    }
    bytes
}

/// Appends a custom section to a module.
#[cfg(feature = "write")]
pub(crate) fn add_custom_section(module: &mut Vec<u8>, name: &str, content: &[u8]) {
    module.push(section::CUSTOM);
    module.extend(encode((NUMBER + name.len() + content.len()) as u32));
    module.extend(encode(name.len() as u32));
    module.extend(name.as_bytes());
    module.extend(content);
}

/// The content of the custom section of this name, and the module without it.
#[cfg(feature = "write")]
pub(crate) fn without_custom_section(file: &[u8], name: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    let content = custom_section(file, name)?;
    let mut start = MAGIC.len();
    for section in sections(file)? {
        let end = section.start + section.content.len();
        if section.id == section::CUSTOM
            && section.content.as_ptr_range().end == content.as_ptr_range().end
        {
            let rest = [file.get(..start)?, file.get(end..)?].concat();
            return Some((content.to_vec(), rest));
        }
        start = end;
    }
    None
}

/// Where the archive with its trailer lies in the file of a program: the last segment of data that ends in a trailer.
pub(crate) fn archive_segment(file: &[u8]) -> Option<Range<usize>> {
    const ACTIVE: u32 = 0;
    const PASSIVE: u32 = 1;
    let sections = sections(file)?;
    let data = sections
        .iter()
        .find(|section| section.id == section::DATA)?;
    let mut reader = Reader::new(data.content);
    let mut found = None;
    for _ in 0..reader.number()? {
        match reader.number()? {
            ACTIVE => {
                if reader.byte()? != I32_CONST {
                    return None;
                }
                reader.number()?;
                if reader.byte()? != END {
                    return None;
                }
            }
            PASSIVE => {}
            _ => return None,
        }
        let content = reader.bytes()?;
        let end = data.start + data.content.len() - reader.left();
        let is_archive = content.len() >= TRAILER_LENGTH && content.ends_with(&END_MAGIC);
        if is_archive {
            found = Some(end - content.len()..end);
        }
    }
    found
}
