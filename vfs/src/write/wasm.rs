//! Putting an archive into a module of WebAssembly.

use super::output::WriteError;
use crate::layout::ARCHIVE_ALIGNMENT;
use crate::wasm::{
    ARCHIVE_EXPORT, END, I32_CONST, MAGIC, NUMBER, PLACE_SIZE, Reader, Section, encode, section,
    sections,
};

/// Bytes of a page of memory.
const PAGE: u64 = 1 << 16;
/// Most pages of memory that a program may need before it starts: a gigabyte is left for what it computes.
const MOST_PAGES: u64 = 3 << 14;
/// A runtime that ends where its archive begins. What depends on the length of the archive is filled in later, in place.
pub(super) struct Module {
    pub(super) bytes: Vec<u8>,
    /// Pages of memory that the runtime begins with: the archive follows them.
    pages: u32,
    /// Where the number of pages stands.
    pages_at: usize,
    /// Where the size of the section of data stands.
    section_size_at: usize,
    /// Where the length of the archive stands that the runtime looks at.
    length_at: usize,
    /// Where the size of the archive's segment stands.
    segment_size_at: usize,
}

/// Why a module takes no archive.
fn refused(problem: &'static str) -> WriteError {
    WriteError::Module(problem)
}

impl Module {
    /// Makes room in a runtime.
    ///
    /// # Errors
    /// [`WriteError::Module`]: it is no module of a runtime.
    pub(super) fn new(runtime: &[u8]) -> Result<Module, WriteError> {
        let sections = sections(runtime).ok_or_else(|| refused("it ends inside of a section"))?;
        let place = place(&sections)
            .ok_or_else(|| refused("it does not export the place for an archive"))?;
        let mut module = Module {
            bytes: MAGIC.to_vec(),
            pages: 0,
            pages_at: 0,
            section_size_at: 0,
            length_at: 0,
            segment_size_at: 0,
        };
        for section in &sections {
            match section.id {
                section::DATA => {}
                section::DATA_COUNT => {
                    let count = Reader::new(section.content).number();
                    module.section(section::DATA_COUNT, NUMBER);
                    module.number(more_segments(count)?);
                }
                section::MEMORY => module.memory(section.content)?,
                _ => {
                    module.section(section.id, section.content.len());
                    module.bytes.extend(section.content);
                }
            }
        }
        if module.pages == 0 {
            return Err(refused("it has no memory of its own"));
        }
        let data = sections.iter().find(|section| section.id == section::DATA);
        module.data(place, data.map_or(&[0], |section| section.content))?;
        Ok(module)
    }

    /// The head of a section.
    fn section(&mut self, id: u8, size: usize) {
        self.bytes.push(id);
        // Sections come from a module, or are as small.
        self.number(size as u32);
    }

    /// A number with all its bytes, and where they are.
    fn number(&mut self, value: u32) -> usize {
        let at = self.bytes.len();
        self.bytes.extend(encode(value));
        at
    }

    /// The section of memory, with a number of pages that can be changed.
    fn memory(&mut self, content: &[u8]) -> Result<(), WriteError> {
        let mut reader = Reader::new(content);
        let head = [reader.number(), reader.byte().map(u32::from)];
        let ([Some(1), Some(flags)], Some(pages)) = (head, reader.number()) else {
            return Err(refused("it has not one memory"));
        };
        // A memory that is bounded or shared could not grow as programs need it.
        if flags != 0 {
            return Err(refused("its memory is bounded"));
        }
        self.section(section::MEMORY, 2 + NUMBER);
        self.bytes.extend([1, 0]);
        self.pages = pages;
        self.pages_at = self.number(pages);
        Ok(())
    }

    /// The section of data, up to the first byte of the archive, whose address is the end of the runtime's memory.
    fn data(&mut self, place: u32, content: &[u8]) -> Result<(), WriteError> {
        let mut reader = Reader::new(content);
        let count = more_segments(reader.number())?;
        let address = u32::try_from(u64::from(self.pages) * PAGE)
            .map_err(|_| refused("it leaves no memory for an archive"))?;
        self.bytes.push(section::DATA);
        self.section_size_at = self.number(0);
        self.number(count);
        self.bytes
            .extend(reader.take(reader.left()).unwrap_or_default());
        self.segment(place);
        // The head of the archive's segment follows, then the archive.
        const NUMBERS: usize = 8;
        let size_at = self.number(0);
        let head = SEGMENT_HEAD + NUMBER;
        let end = self.bytes.len() + NUMBERS + head;
        let padding = end.next_multiple_of(ARCHIVE_ALIGNMENT as usize) - end;
        debug_assert!(NUMBERS + padding <= PLACE_SIZE);
        self.fill(size_at, (NUMBERS + padding) as u32);
        self.bytes.extend(address.to_le_bytes());
        self.length_at = self.bytes.len();
        self.bytes.extend(0u32.to_le_bytes());
        self.bytes.resize(self.bytes.len() + padding, 0);
        self.segment(address);
        self.segment_size_at = self.number(0);
        Ok(())
    }

    /// The head of a segment that is placed at an address, but for its size.
    fn segment(&mut self, address: u32) {
        const ACTIVE: u8 = 0;
        self.bytes.extend([ACTIVE, I32_CONST]);
        self.number(address);
        self.bytes.push(END);
    }

    fn fill(&mut self, at: usize, value: u32) {
        if let Some(place) = self.bytes.get_mut(at..at + NUMBER) {
            place.copy_from_slice(&encode(value));
        }
    }

    /// Fills in what depends on the length of the archive and its trailer.
    ///
    /// # Errors
    /// [`WriteError::Module`]: it is too long for the memory of a module.
    pub(super) fn finish(&mut self, length: u64) -> Result<(), WriteError> {
        let pages = u64::from(self.pages) + length.div_ceil(PAGE);
        let section = (self.bytes.len() - self.section_size_at - NUMBER) as u64 + length;
        let (Some(pages), Ok(length), Ok(section)) = (
            u32::try_from(pages).ok().filter(|_| pages <= MOST_PAGES),
            u32::try_from(length),
            u32::try_from(section),
        ) else {
            return Err(refused(
                "the program and its assets have more than 3 GB, and the memory of a module 4 GB",
            ));
        };
        self.fill(self.pages_at, pages);
        self.fill(self.section_size_at, section);
        self.fill(self.segment_size_at, length);
        if let Some(place) = self.bytes.get_mut(self.length_at..self.length_at + 4) {
            place.copy_from_slice(&length.to_le_bytes());
        }
        Ok(())
    }
}

/// Bytes of the head of a segment in front of its size: kind, instruction, address, end.
const SEGMENT_HEAD: usize = 3 + NUMBER;

/// How many segments there are with those of the archive.
fn more_segments(count: Option<u32>) -> Result<u32, WriteError> {
    count
        .and_then(|count| count.checked_add(2))
        .ok_or_else(|| refused("its data cannot be counted"))
}

/// The address of the place where the runtime looks for its archive: the value of an exported global.
fn place(sections: &[Section<'_>]) -> Option<u32> {
    const GLOBAL: u8 = 3;
    let content = |id| {
        let section = sections.iter().find(|section| section.id == id)?;
        Some(Reader::new(section.content))
    };
    // Imported globals would have the first numbers; runtimes import functions only.
    if let Some(mut imports) = content(section::IMPORT) {
        for _ in 0..imports.number()? {
            imports.bytes()?;
            imports.bytes()?;
            if imports.byte()? != 0 {
                return None;
            }
            imports.number()?;
        }
    }
    let mut exports = content(section::EXPORT)?;
    let mut found = None;
    for _ in 0..exports.number()? {
        let name = exports.bytes()?;
        let kind = exports.byte()?;
        let number = exports.number()?;
        if name == ARCHIVE_EXPORT.as_bytes() && kind == GLOBAL {
            found = Some(number);
        }
    }
    let found = found?;
    let mut globals = content(section::GLOBAL)?;
    let mut value = None;
    for number in 0..globals.number()? {
        // Type and mutability, then an expression.
        globals.take(2)?;
        if globals.byte()? != I32_CONST {
            return None;
        }
        let constant = globals.number()?;
        if globals.byte()? != END {
            return None;
        }
        if number == found {
            value = Some(constant);
        }
    }
    value
}
