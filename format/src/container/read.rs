//! The reader: a view of a module file that copies nothing.
//!
//! [`ModuleView::parse`] looks at the header and the section table only; its cost
//! does not depend on the module's size. Every accessor checks what it touches
//! and returns an error for what is out of range, on any bytes. What the accessors
//! do not check (that code is well formed, that entries do not overlap) is
//! [`crate::verify`]'s business.

use super::debug::{self, Debug};
use super::layout::{self, FORMAT_VERSION, HEADER_BYTES, MAGIC, Section, header};
use super::metadata;
use crate::error::FormatError;
use crate::model::{Constant, Export, Function, Handler, Import, Module};
use crate::words::words_of;

/// A parsed module file. All data is borrowed from the bytes.
#[derive(Clone, Copy, Debug)]
pub struct ModuleView<'a> {
    producer: &'a str,
    content_hash: u64,
    flags: u16,
    bytes: &'a [u8],
    string_offsets: &'a [u32],
    string_bytes: &'a [u8],
    constants: &'a [u32],
    constant_words: &'a [u32],
    constant_bytes: &'a [u8],
    functions: &'a [[u32; layout::FUNCTION_ENTRY_WORDS]],
    code: &'a [u32],
    handlers: &'a [[u32; layout::HANDLER_ENTRY_WORDS]],
    globals: &'a [u32],
    natives: &'a [u32],
    capabilities: &'a [u32],
    imports: &'a [u8],
    exports: &'a [u8],
    macros: &'a [u8],
    debug: &'a [u8],
}

/// The fixed part of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FunctionEntry {
    /// First word in [`ModuleView::code`].
    pub code_start: u32,
    /// Number of code words.
    pub code_words: u32,
    /// Size of the register window.
    pub registers: u32,
    /// How many arguments a call must have at least.
    pub required: u16,
    /// Fixed parameters, optional ones included.
    pub parameters: u16,
    /// How many variables a closure captures.
    pub captures: u16,
    /// Whether the register after the parameters receives a list of all further arguments.
    pub rest: bool,
    /// Whether traces hide it.
    pub library: bool,
    /// First handler in the module's handler table.
    pub handler_start: u32,
    /// Number of handlers.
    pub handler_count: u32,
    /// Index of the name's string plus one.
    name: u32,
}

/// A constant in the file. Indices refer to earlier constants.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(missing_docs, reason = "the variants are those of `Constant`")]
pub enum ConstantView<'a> {
    Nil,
    Bool(bool),
    EmptyList,
    Int(i64),
    /// Magnitude least significant byte first.
    BigInt {
        negative: bool,
        magnitude: &'a [u8],
    },
    Ratio {
        numerator: u32,
        denominator: u32,
    },
    Float(f64),
    Complex {
        real: u32,
        imaginary: u32,
    },
    Char(char),
    Str(&'a str),
    Symbol(&'a str),
    Keyword(&'a str),
    List(&'a [u32]),
    Vector(&'a [u32]),
    /// Pairs of key and value.
    Map(&'a [[u32; 2]]),
    Bytes(&'a [u8]),
    F64Array(LongWords<'a>),
    I64Array(LongWords<'a>),
}

/// 64-bit numbers at a 4-byte alignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongWords<'a>(&'a [[u32; 2]]);

impl<'a> LongWords<'a> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As floats.
    pub fn floats(self) -> impl ExactSizeIterator<Item = f64> + 'a {
        self.bits().map(f64::from_bits)
    }

    /// As integers.
    pub fn integers(self) -> impl ExactSizeIterator<Item = i64> + 'a {
        self.bits().map(u64::cast_signed)
    }

    /// As bits.
    pub fn bits(self) -> impl ExactSizeIterator<Item = u64> + 'a {
        self.0.iter().map(|pair| long(*pair))
    }
}

impl<'a> ModuleView<'a> {
    /// Checks header and section table, and that every section has a plausible size.
    ///
    /// The bytes must start at a multiple of four; [`crate::AlignedBytes`] makes such a copy.
    ///
    /// # Errors
    /// Why the file is refused, see [`FormatError`]. Signature and version come first, so that
    /// files of other versions are named as such whatever else is different in them.
    pub fn parse(bytes: &'a [u8]) -> Result<ModuleView<'a>, FormatError> {
        let head = check_header(bytes)?;
        let words = words_of(bytes).ok_or(FormatError::Misaligned)?;
        let sections = Sections::parse(bytes, words, head.section_count)?;
        Ok(ModuleView {
            producer: head.producer,
            content_hash: head.content_hash,
            flags: head.flags,
            bytes,
            string_offsets: sections.words(Section::StringOffsets)?,
            string_bytes: sections.bytes(Section::StringBytes),
            constants: sections.words(Section::Constants)?,
            constant_words: sections.words(Section::ConstantData)?,
            constant_bytes: sections.bytes(Section::ConstantData),
            functions: sections.entries(Section::Functions)?,
            code: sections.words(Section::Code)?,
            handlers: sections.entries(Section::Handlers)?,
            globals: sections.words(Section::Globals)?,
            natives: sections.words(Section::Natives)?,
            capabilities: sections.words(Section::Capabilities)?,
            imports: sections.bytes(Section::Imports),
            exports: sections.bytes(Section::Exports),
            macros: sections.bytes(Section::Macros),
            debug: sections.bytes(Section::Debug),
        })
    }

    /// The program that wrote the file.
    pub fn producer(&self) -> &'a str {
        self.producer
    }

    /// The content hash that the header claims.
    pub fn content_hash(&self) -> u64 {
        self.content_hash
    }

    /// Whether debug information was left out on purpose.
    pub fn stripped(&self) -> bool {
        self.flags & layout::FLAG_STRIPPED != 0
    }

    /// The bytes that were parsed.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Reads all bytes and compares their hash with the header's.
    ///
    /// # Errors
    /// [`FormatError::Checksum`] when they differ. An equal hash says that the file is undamaged,
    /// not that it is harmless.
    pub fn check_content(&self) -> Result<(), FormatError> {
        if layout::content_hash(self.bytes) == self.content_hash {
            Ok(())
        } else {
            Err(FormatError::Checksum)
        }
    }

    /// The module's display path.
    ///
    /// # Errors
    /// When there is no string 0.
    pub fn name(&self) -> Result<&'a str, FormatError> {
        self.string(0)
    }

    /// Number of strings.
    pub fn string_count(&self) -> u32 {
        self.string_offsets.len().saturating_sub(1) as u32
    }

    /// A string.
    ///
    /// # Errors
    /// When there is no such string or its bytes are not UTF-8.
    pub fn string(&self, index: u32) -> Result<&'a str, FormatError> {
        let at = index as usize;
        let (Some(&start), Some(&end)) = (
            self.string_offsets.get(at),
            self.string_offsets.get(at.saturating_add(1)),
        ) else {
            return Err(FormatError::Index {
                section: Section::StringOffsets,
                index,
                count: self.string_count(),
            });
        };
        let damaged = |problem| FormatError::damaged(Section::StringBytes, problem);
        let bytes = self
            .string_bytes
            .get(start as usize..end as usize)
            .ok_or_else(|| damaged("an offset is out of range"))?;
        std::str::from_utf8(bytes).map_err(|_| damaged("a string is not UTF-8"))
    }

    /// Number of constants.
    pub fn constant_count(&self) -> u32 {
        self.constants.len() as u32
    }

    /// A constant. Children of compound constants have smaller indices.
    ///
    /// # Errors
    /// When there is no such constant, or its record is damaged.
    pub fn constant(&self, index: u32) -> Result<ConstantView<'a>, FormatError> {
        self.constant_record(index).map(|(constant, _)| constant)
    }

    /// A constant and the words of its record in the constant data, if it has one.
    pub(crate) fn constant_record(
        &self,
        index: u32,
    ) -> Result<(ConstantView<'a>, std::ops::Range<usize>), FormatError> {
        use layout::constant as kind;
        let word = *entry(self.constants, Section::Constants, index)?;
        let value = word >> 8;
        let mut record = Record {
            view: self,
            constant: index,
            start: value as usize,
            next: value as usize,
        };
        let damaged = |problem| FormatError::damaged(Section::Constants, problem);
        let immediate = match word as u8 {
            kind::NIL => Some(ConstantView::Nil),
            kind::BOOL => Some(ConstantView::Bool(value != 0)),
            kind::EMPTY_LIST => Some(ConstantView::EmptyList),
            kind::SMALL_INT => Some(ConstantView::Int(i64::from(word as i32 >> 8))),
            kind::CHAR => Some(ConstantView::Char(
                char::from_u32(value).ok_or_else(|| damaged("a character is not valid"))?,
            )),
            kind::STR => Some(ConstantView::Str(self.string(value)?)),
            kind::SYMBOL => Some(ConstantView::Symbol(self.string(value)?)),
            kind::KEYWORD => Some(ConstantView::Keyword(self.string(value)?)),
            _ => None,
        };
        if let Some(constant) = immediate {
            return Ok((constant, 0..0));
        }
        let constant = match word as u8 {
            kind::INT => ConstantView::Int(record.long()?.cast_signed()),
            kind::BIG_INT => {
                let head = record.word()?;
                ConstantView::BigInt {
                    negative: head >> 31 != 0,
                    magnitude: record.bytes(head & 0x7fff_ffff)?,
                }
            }
            kind::RATIO => {
                let [numerator, denominator] = record.children_pair()?;
                ConstantView::Ratio {
                    numerator,
                    denominator,
                }
            }
            kind::FLOAT => ConstantView::Float(f64::from_bits(record.long()?)),
            kind::COMPLEX => {
                let [real, imaginary] = record.children_pair()?;
                ConstantView::Complex { real, imaginary }
            }
            kind::LIST => ConstantView::List(record.counted_children(1)?),
            kind::VECTOR => ConstantView::Vector(record.counted_children(1)?),
            kind::MAP => ConstantView::Map(record.counted_children(2)?.as_chunks().0),
            kind::BYTES => {
                let length = record.word()?;
                ConstantView::Bytes(record.bytes(length)?)
            }
            kind::F64_ARRAY => ConstantView::F64Array(record.counted_longs()?),
            kind::I64_ARRAY => ConstantView::I64Array(record.counted_longs()?),
            _ => return Err(damaged("an entry has an unknown kind")),
        };
        Ok((constant, record.start..record.next))
    }

    /// The kind of a constant, see [`layout::constant`]; costs nothing even where the constant is long.
    pub(crate) fn constant_kind(&self, index: u32) -> Option<u8> {
        self.constants.get(index as usize).map(|word| *word as u8)
    }

    /// Number of words of constant data.
    pub(crate) fn constant_data_words(&self) -> usize {
        self.constant_words.len()
    }

    /// Number of functions.
    pub fn function_count(&self) -> u32 {
        self.functions.len() as u32
    }

    /// A function's entry.
    ///
    /// # Errors
    /// When there is no such function.
    pub fn function(&self, index: u32) -> Result<FunctionEntry, FormatError> {
        let entry = entry(self.functions, Section::Functions, index)?;
        let [
            code_start,
            code_words,
            name,
            registers,
            parameters,
            captures,
            handler_start,
            handler_count,
        ] = *entry;
        let flags = (captures >> 16) as u16;
        if flags & !layout::function::KNOWN_FLAGS != 0 {
            return Err(FormatError::damaged(
                Section::Functions,
                "a function has an unknown flag",
            ));
        }
        Ok(FunctionEntry {
            code_start,
            code_words,
            registers,
            required: parameters as u16,
            parameters: (parameters >> 16) as u16,
            captures: captures as u16,
            rest: flags & layout::function::FLAG_REST != 0,
            library: flags & layout::function::FLAG_LIBRARY != 0,
            handler_start,
            handler_count,
            name,
        })
    }

    /// The name of a function.
    ///
    /// # Errors
    /// When the name's string does not exist.
    pub fn function_name(&self, function: &FunctionEntry) -> Result<Option<&'a str>, FormatError> {
        match function.name.checked_sub(1) {
            Some(string) => self.string(string).map(Some),
            None => Ok(None),
        }
    }

    /// The code words of a function.
    ///
    /// # Errors
    /// When they lie outside the code section.
    pub fn function_code(&self, function: &FunctionEntry) -> Result<&'a [u32], FormatError> {
        slice(self.code, function.code_start, function.code_words).ok_or_else(|| {
            FormatError::damaged(Section::Functions, "a function's code is out of range")
        })
    }

    /// The handlers of a function; the first one that covers an instruction gets the exception.
    ///
    /// # Errors
    /// When they lie outside the handler section.
    pub fn handlers(
        &self,
        function: &FunctionEntry,
    ) -> Result<impl ExactSizeIterator<Item = Handler> + use<'a>, FormatError> {
        let entries = slice(
            self.handlers,
            function.handler_start,
            function.handler_count,
        )
        .ok_or_else(|| {
            FormatError::damaged(Section::Functions, "a function's handlers are out of range")
        })?;
        Ok(entries
            .iter()
            .map(|&[start, end, target, register]| Handler {
                start,
                end,
                target,
                // A larger number cannot be verified, see `handler_count` there.
                register: register as u8,
            }))
    }

    /// The raw handler table.
    pub(crate) fn handler_entries(&self) -> &'a [[u32; layout::HANDLER_ENTRY_WORDS]] {
        self.handlers
    }

    /// The code of all functions.
    pub fn code(&self) -> &'a [u32] {
        self.code
    }

    /// Number of globals.
    pub fn global_count(&self) -> u32 {
        self.globals.len() as u32
    }

    /// The name of a global.
    ///
    /// # Errors
    /// When there is no such global.
    pub fn global_name(&self, index: u32) -> Result<&'a str, FormatError> {
        self.string(*entry(self.globals, Section::Globals, index)?)
    }

    /// Number of natives.
    pub fn native_count(&self) -> u32 {
        self.natives.len() as u32
    }

    /// The name of a native.
    ///
    /// # Errors
    /// When there is no such native.
    pub fn native_name(&self, index: u32) -> Result<&'a str, FormatError> {
        self.string(*entry(self.natives, Section::Natives, index)?)
    }

    /// The names of all natives that the code uses, in index order.
    pub fn natives(&self) -> impl ExactSizeIterator<Item = Result<&'a str, FormatError>> + use<'a> {
        let view = *self;
        self.natives.iter().map(move |string| view.string(*string))
    }

    /// The names of the capabilities that the code needs.
    pub fn capabilities(
        &self,
    ) -> impl ExactSizeIterator<Item = Result<&'a str, FormatError>> + use<'a> {
        let view = *self;
        self.capabilities
            .iter()
            .map(move |string| view.string(*string))
    }

    /// The imports. Decoded anew on each call.
    ///
    /// # Errors
    /// When the section is damaged.
    pub fn imports(&self) -> Result<Vec<Import<&'a str>>, FormatError> {
        if self.imports.is_empty() {
            return Ok(Vec::new());
        }
        let records: Vec<metadata::ImportRecord> =
            metadata::decode(self.imports, Section::Imports)?;
        records
            .into_iter()
            .map(|record| record.resolve(|index| self.string(index)))
            .collect()
    }

    /// The exports. Decoded anew on each call.
    ///
    /// # Errors
    /// When the section is damaged.
    pub fn exports(&self) -> Result<Vec<Export<&'a str>>, FormatError> {
        if self.exports.is_empty() {
            return Ok(Vec::new());
        }
        let records: Vec<metadata::ExportRecord> =
            metadata::decode(self.exports, Section::Exports)?;
        records
            .into_iter()
            .map(|record| record.resolve(|index| self.string(index)))
            .collect()
    }

    /// The exported macros in the compiler's own form; empty when there are none.
    pub fn macros(&self) -> &'a [u8] {
        self.macros
    }

    /// Decompresses the debug information, if the file has any.
    ///
    /// # Errors
    /// When the section is damaged.
    pub fn debug(&self) -> Result<Option<Debug>, FormatError> {
        if self.debug.is_empty() {
            return Ok(None);
        }
        debug::decode(self.debug).map(Some)
    }

    /// An owned copy of everything, for tools and the compiler.
    ///
    /// # Errors
    /// When any part is damaged.
    pub fn to_module(&self) -> Result<Module, FormatError> {
        let debug = self.debug()?.unwrap_or_default();
        let functions = (0..self.function_count())
            .map(|index| {
                let entry = self.function(index)?;
                Ok(Function {
                    name: self.function_name(&entry)?.map(str::to_owned),
                    code: self.function_code(&entry)?.to_vec(),
                    registers: entry.registers,
                    required: entry.required,
                    parameters: entry.parameters,
                    rest: entry.rest,
                    captures: entry.captures,
                    handlers: self.handlers(&entry)?.collect(),
                    lines: debug.lines(index).to_vec(),
                    locals: debug.locals(index).to_vec(),
                    library: entry.library,
                })
            })
            .collect::<Result<_, FormatError>>()?;
        Ok(Module {
            name: self.name()?.to_owned(),
            constants: (0..self.constant_count())
                .map(|index| self.constant(index).map(Constant::from))
                .collect::<Result<_, _>>()?,
            functions,
            globals: (0..self.global_count())
                .map(|index| self.global_name(index).map(str::to_owned))
                .collect::<Result<_, _>>()?,
            imports: self
                .imports()?
                .iter()
                .map(Import::to_owned_strings)
                .collect(),
            exports: self
                .exports()?
                .iter()
                .map(Export::to_owned_strings)
                .collect(),
            natives: self
                .natives()
                .map(|name| name.map(str::to_owned))
                .collect::<Result<_, _>>()?,
            capabilities: self
                .capabilities()
                .map(|name| name.map(str::to_owned))
                .collect::<Result<_, _>>()?,
            macros: self.macros.to_vec(),
            files: debug.files().to_vec(),
        })
    }

    /// Where strings lie, for the verifier.
    pub(crate) fn string_table(&self) -> (&'a [u32], &'a [u8]) {
        (self.string_offsets, self.string_bytes)
    }
}

impl From<ConstantView<'_>> for Constant {
    fn from(view: ConstantView<'_>) -> Constant {
        match view {
            ConstantView::Nil => Constant::Nil,
            ConstantView::Bool(value) => Constant::Bool(value),
            ConstantView::EmptyList => Constant::EmptyList,
            ConstantView::Int(value) => Constant::Int(value),
            ConstantView::BigInt {
                negative,
                magnitude,
            } => Constant::BigInt {
                negative,
                magnitude: magnitude.to_vec(),
            },
            ConstantView::Ratio {
                numerator,
                denominator,
            } => Constant::Ratio {
                numerator,
                denominator,
            },
            ConstantView::Float(value) => Constant::float(value),
            ConstantView::Complex { real, imaginary } => Constant::Complex { real, imaginary },
            ConstantView::Char(value) => Constant::Char(value),
            ConstantView::Str(text) => Constant::Str(text.to_owned()),
            ConstantView::Symbol(text) => Constant::Symbol(text.to_owned()),
            ConstantView::Keyword(text) => Constant::Keyword(text.to_owned()),
            ConstantView::List(items) => Constant::List(items.to_vec()),
            ConstantView::Vector(items) => Constant::Vector(items.to_vec()),
            ConstantView::Map(pairs) => {
                Constant::Map(pairs.iter().map(|[key, value]| (*key, *value)).collect())
            }
            ConstantView::Bytes(bytes) => Constant::Bytes(bytes.to_vec()),
            ConstantView::F64Array(values) => Constant::F64Array(values.bits().collect()),
            ConstantView::I64Array(values) => Constant::I64Array(values.integers().collect()),
        }
    }
}

/// What the header says.
struct Header<'a> {
    section_count: u16,
    flags: u16,
    content_hash: u64,
    producer: &'a str,
}

fn check_header(bytes: &[u8]) -> Result<Header<'_>, FormatError> {
    check_signature(bytes)?;
    let too_short = || FormatError::Length {
        expected: HEADER_BYTES as u64,
        found: bytes.len() as u64,
    };
    let version = u16::from_le_bytes(field(bytes, header::VERSION).ok_or_else(too_short)?);
    let producer = producer(bytes);
    if version != FORMAT_VERSION {
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
struct Sections<'a> {
    bytes: [&'a [u8]; SECTION_SLOTS],
    words: [&'a [u32]; SECTION_SLOTS],
}

/// Section numbers start at 1.
const SECTION_SLOTS: usize = Section::ALL.len() + 1;

impl<'a> Sections<'a> {
    fn parse(bytes: &'a [u8], words: &'a [u32], count: u16) -> Result<Self, FormatError> {
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

    fn bytes(&self, section: Section) -> &'a [u8] {
        self.bytes.get(section as usize).copied().unwrap_or(&[])
    }

    fn words(&self, section: Section) -> Result<&'a [u32], FormatError> {
        if !self.bytes(section).len().is_multiple_of(4) {
            return Err(FormatError::damaged(section, "its length is not whole"));
        }
        Ok(self.words.get(section as usize).copied().unwrap_or(&[]))
    }

    fn entries<const WORDS: usize>(
        &self,
        section: Section,
    ) -> Result<&'a [[u32; WORDS]], FormatError> {
        match self.words(section)?.as_chunks() {
            (entries, []) => Ok(entries),
            _ => Err(FormatError::damaged(section, "its length is not whole")),
        }
    }
}

/// Reads one record of the constant data.
struct Record<'v, 'a> {
    view: &'v ModuleView<'a>,
    constant: u32,
    start: usize,
    next: usize,
}

impl<'a> Record<'_, 'a> {
    fn words(&mut self, count: usize) -> Result<&'a [u32], FormatError> {
        let end = self.next.checked_add(count);
        let words = end.and_then(|end| self.view.constant_words.get(self.next..end));
        let words = words.ok_or_else(|| {
            FormatError::damaged(Section::ConstantData, "a record is out of range")
        })?;
        self.next += count;
        Ok(words)
    }

    fn array<const N: usize>(&mut self) -> Result<[u32; N], FormatError> {
        let words = self.words(N)?;
        // The slice has N words; the fallback only satisfies the type.
        Ok(words.first_chunk().copied().unwrap_or([0; N]))
    }

    fn word(&mut self) -> Result<u32, FormatError> {
        self.array().map(|[word]| word)
    }

    fn long(&mut self) -> Result<u64, FormatError> {
        self.array().map(long)
    }

    fn bytes(&mut self, length: u32) -> Result<&'a [u8], FormatError> {
        let length = length as usize;
        let start = self.next.saturating_mul(4);
        self.words(length.div_ceil(4))?;
        let end = start.saturating_add(length);
        self.view
            .constant_bytes
            .get(start..end)
            .ok_or_else(|| FormatError::damaged(Section::ConstantData, "a record is out of range"))
    }

    fn children_pair(&mut self) -> Result<[u32; 2], FormatError> {
        let pair = self.array()?;
        self.check_children(&pair)?;
        Ok(pair)
    }

    fn counted_children(&mut self, each: usize) -> Result<&'a [u32], FormatError> {
        let count = self.word()? as usize;
        let children = self.words(count.saturating_mul(each))?;
        self.check_children(children)?;
        Ok(children)
    }

    fn counted_longs(&mut self) -> Result<LongWords<'a>, FormatError> {
        let count = self.word()? as usize;
        Ok(LongWords(
            self.words(count.saturating_mul(2))?.as_chunks().0,
        ))
    }

    fn check_children(&self, children: &[u32]) -> Result<(), FormatError> {
        if children.iter().all(|child| *child < self.constant) {
            return Ok(());
        }
        Err(FormatError::damaged(
            Section::Constants,
            "a constant refers to itself or a later one",
        ))
    }
}

fn long([low, high]: [u32; 2]) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

fn entry<T>(table: &[T], section: Section, index: u32) -> Result<&T, FormatError> {
    table.get(index as usize).ok_or_else(|| FormatError::Index {
        section,
        index,
        count: table.len() as u32,
    })
}

fn slice<T>(table: &[T], start: u32, length: u32) -> Option<&[T]> {
    let start = start as usize;
    table.get(start..start.checked_add(length as usize)?)
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}
