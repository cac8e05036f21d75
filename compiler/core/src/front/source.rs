//! The source files of one compilation: their names, texts and line tables.

use std::borrow::Cow;
use std::sync::OnceLock;

use crate::front::datum::{FileId, Span};

/// A place in a source file, as people count: from one, in Unicode scalar values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// Line, from one.
    pub line: u32,
    /// Column, from one.
    pub column: u32,
}

/// One source file.
#[derive(Debug)]
pub struct SourceFile {
    name: String,
    program_name: String,
    text: Cow<'static, str>,
    /// Offsets of line starts; made on first use, as only errors and debug tables need it.
    lines: OnceLock<Vec<u32>>,
    /// How many characters begin before each block of the text; made on first use.
    blocks: OnceLock<Vec<u32>>,
}

impl SourceFile {
    /// The name to show in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name that debug information of compiled programs holds.
    #[must_use]
    pub fn program_name(&self) -> &str {
        &self.program_name
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Line and column of a byte offset. An offset past the end means the end, one inside a character
    /// means that character.
    #[must_use]
    pub fn location(&self, offset: u32) -> Location {
        let starts = self.line_starts();
        let line = starts
            .partition_point(|&start| start <= offset)
            .saturating_sub(1);
        let start = starts.get(line).map_or(0, |&start| start as usize);
        let end = self.text.floor_char_boundary(offset as usize);
        let column = self.characters_before(end) - self.characters_before(start.min(end));
        Location {
            line: count(line + 1),
            column: count(column + 1),
        }
    }

    /// How many characters begin before a byte offset: those before its block, and those in it. So a long line
    /// costs no more than a short one.
    fn characters_before(&self, offset: usize) -> usize {
        let bytes = self.text.as_bytes();
        let blocks = self.blocks.get_or_init(|| {
            let mut sum = 0;
            let counts = bytes.chunks(BLOCK_BYTES).map(|block| {
                let before = count(sum);
                sum += characters(block);
                before
            });
            counts.collect()
        });
        let block = offset / BLOCK_BYTES;
        let in_block = bytes.get(block * BLOCK_BYTES..offset).unwrap_or_default();
        match blocks.get(block) {
            Some(before) => *before as usize + characters(in_block),
            // The offset is the end of a text that fills its blocks.
            None => characters(bytes.get(..offset).unwrap_or_default()),
        }
    }

    /// The byte offset of a place; none if the text does not reach so far.
    #[must_use]
    pub fn offset(&self, line: u32, column: u32) -> Option<u32> {
        let start = *self.line_starts().get(line.checked_sub(1)? as usize)?;
        let mut characters = self.line_text(line)?.char_indices();
        let (at, _) = characters.nth(column.checked_sub(1)? as usize)?;
        start.checked_add(count(at))
    }

    /// The text of a line (from one), without its end of line.
    #[must_use]
    pub fn line_text(&self, line: u32) -> Option<&str> {
        let starts = self.line_starts();
        let index = line.checked_sub(1)? as usize;
        let start = *starts.get(index)? as usize;
        let end = starts
            .get(index + 1)
            .map_or(self.text.len(), |&next| next as usize);
        let text = self.text.get(start..end)?;
        let text = text.strip_suffix('\n').unwrap_or(text);
        Some(text.strip_suffix('\r').unwrap_or(text))
    }

    /// The number of lines; an empty file has one.
    #[must_use]
    pub fn line_count(&self) -> u32 {
        count(self.line_starts().len())
    }

    fn line_starts(&self) -> &[u32] {
        self.lines.get_or_init(|| {
            let after_breaks = self
                .text
                .bytes()
                .enumerate()
                .filter(|&(_, byte)| byte == b'\n');
            std::iter::once(0)
                .chain(after_breaks.map(|(at, _)| count(at + 1)))
                .collect()
        })
    }
}

/// Size of the blocks whose characters are counted once.
const BLOCK_BYTES: usize = 256;

/// How many characters begin in these bytes of a text.
fn characters(bytes: &[u8]) -> usize {
    let starts = bytes.iter().filter(|byte| (**byte as i8) >= -0x40);
    starts.count()
}

/// The map of a compilation whose texts are not at hand.
pub static NO_SOURCES: SourceMap = SourceMap::new();

/// All source files of one compilation; [`FileId`] is the index.
#[derive(Debug, Default)]
pub struct SourceMap {
    files: Vec<SourceFile>,
}

impl SourceMap {
    /// A map without files.
    #[must_use]
    pub const fn new() -> Self {
        Self { files: Vec::new() }
    }

    /// How many files there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.files.len()
    }

    /// Adds a file under the name that messages show.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<Cow<'static, str>>) -> FileId {
        let name = name.into();
        self.add_with_names(name.clone(), name, text)
    }

    /// Adds a file that has one name in messages of the compiler and another one inside of programs.
    pub fn add_with_names(
        &mut self,
        name: impl Into<String>,
        program_name: impl Into<String>,
        text: impl Into<Cow<'static, str>>,
    ) -> FileId {
        let file = FileId(count(self.files.len()));
        self.files.push(SourceFile {
            name: name.into(),
            program_name: program_name.into(),
            text: text.into(),
            lines: OnceLock::new(),
            blocks: OnceLock::new(),
        });
        file
    }

    /// Changes the names that files have inside of programs.
    pub fn rename_in_program(&mut self, rename: impl Fn(&str) -> String) {
        for file in &mut self.files {
            file.program_name = rename(&file.program_name);
        }
    }

    /// A file, if the id came from this map.
    #[must_use]
    pub fn file(&self, file: FileId) -> Option<&SourceFile> {
        self.files.get(file.0 as usize)
    }

    /// The files in the order in which they were added.
    pub fn files(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        self.files
            .iter()
            .enumerate()
            .map(|(index, file)| (FileId(count(index)), file))
    }

    /// The display name of a file; empty for an unknown one.
    #[must_use]
    pub fn name(&self, file: FileId) -> &str {
        self.file(file).map_or("", SourceFile::name)
    }

    /// The text of a file; empty for an unknown one.
    #[must_use]
    pub fn text(&self, file: FileId) -> &str {
        self.file(file).map_or("", SourceFile::text)
    }

    /// Where a span starts.
    #[must_use]
    pub fn location(&self, span: Span) -> Option<Location> {
        self.file(span.file).map(|file| file.location(span.start))
    }

    /// The text that a span covers.
    #[must_use]
    pub fn snippet(&self, span: Span) -> Option<&str> {
        self.file(span.file)?
            .text
            .get(span.start as usize..span.end as usize)
    }
}

/// Line and column of a byte offset in a text that is in no source map.
#[must_use]
pub fn locate(text: &str, offset: u32) -> Location {
    let mut location = Location { line: 1, column: 1 };
    for (at, character) in text.char_indices() {
        if at + character.len_utf8() > offset as usize {
            break;
        }
        if character == '\n' {
            location = Location {
                line: location.line.saturating_add(1),
                column: 1,
            };
        } else {
            location.column = location.column.saturating_add(1);
        }
    }
    location
}

/// Source texts are limited to 4 GiB by the reader, so counts fit; a larger one saturates.
fn count(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: u32, column: u32) -> Location {
        Location { line, column }
    }

    #[test]
    fn columns_count_scalar_values() {
        let text = "aé✓\n💥b\r\n";
        let mut sources = SourceMap::new();
        let id = sources.add("main.sema", text);
        let file = sources.file(id).unwrap();
        for (offset, expected) in [
            (0, at(1, 1)),
            (1, at(1, 2)),
            (2, at(1, 2)),
            (3, at(1, 3)),
            (6, at(1, 4)),
            (7, at(2, 1)),
            (11, at(2, 2)),
            (14, at(3, 1)),
            (99, at(3, 1)),
        ] {
            assert_eq!(file.location(offset), expected, "{offset}");
            assert_eq!(locate(text, offset), expected, "{offset}");
        }
    }

    #[test]
    fn columns_of_long_lines() {
        let mut text = String::new();
        for round in 0..400 {
            text.push_str(["ab", "é✓", "💥", "\n"][if round % 97 == 96 { 3 } else { round % 3 }]);
        }
        let mut sources = SourceMap::new();
        let id = sources.add("x", text.clone());
        let file = sources.file(id).unwrap();
        for offset in 0..count(text.len() + 2) {
            assert_eq!(file.location(offset), locate(&text, offset), "{offset}");
        }
    }

    #[test]
    fn lines() {
        let mut sources = SourceMap::new();
        let id = sources.add("x", "one\r\ntwo\n\nfour");
        let file = sources.file(id).unwrap();
        let lines: Vec<_> = (0..7).map(|line| file.line_text(line)).collect();
        assert_eq!(
            lines,
            [
                None,
                Some("one"),
                Some("two"),
                Some(""),
                Some("four"),
                None,
                None
            ]
        );
        assert_eq!(file.line_count(), 4);
        assert_eq!(
            sources.snippet(Span {
                file: id,
                start: 5,
                end: 8,
                ..Span::default()
            }),
            Some("two")
        );
        assert_eq!(
            sources.location(Span {
                file: FileId(9),
                start: 0,
                end: 0,
                ..Span::default()
            }),
            None
        );
    }
}
