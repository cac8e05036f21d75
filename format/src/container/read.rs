//! The reader: a view of a module file that copies nothing.
//!
//! [`ModuleView::parse`] looks at the header and the section table only; its cost
//! does not depend on the module's size. Every accessor checks what it touches
//! and returns an error for what is out of range, on any bytes. What the accessors
//! do not check (that code is well formed, that entries do not overlap) is
//! [`mod@crate::verify`]'s business.

use super::debug::{self, Debug};
use super::frame::{self, Sections};
use super::layout::{self, Section};
use super::metadata;
use crate::error::FormatError;
use crate::model::{Constant, Export, Function, Handler, Import, Module, Part};
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
    pub(super) constants: &'a [u32],
    pub(super) constant_words: &'a [u32],
    pub(super) constant_bytes: &'a [u8],
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
    parts: &'a [[u32; layout::PART_ENTRY_WORDS]],
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

impl<'a> ModuleView<'a> {
    /// Checks header and section table, and that every section has a plausible size.
    ///
    /// The bytes must start at a multiple of four; [`crate::AlignedBytes`] makes such a copy.
    ///
    /// # Errors
    /// Why the file is refused, see [`FormatError`]. Signature and version come first, so that
    /// files of other versions are named as such whatever else is different in them.
    pub fn parse(bytes: &'a [u8]) -> Result<ModuleView<'a>, FormatError> {
        let head = frame::check_header(bytes)?;
        let words = words_of(bytes).ok_or(FormatError::Misaligned)?;
        let sections = Sections::parse(bytes, words, head.section_count);
        let sections = sections.map_err(|error| match error {
            // A section that a damaged number names is not one of a later version.
            FormatError::UnknownSection(_) if layout::content_hash(bytes) != head.content_hash => {
                FormatError::Checksum
            }
            error => error,
        })?;
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
            parts: sections.entries(Section::Parts)?,
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

    /// The modules that are parts of this one: names and functions.
    pub fn parts(
        &self,
    ) -> impl ExactSizeIterator<Item = Result<(&'a str, u32), FormatError>> + use<'a> {
        let view = *self;
        let entries = self.parts.iter();
        entries.map(move |[name, function]| Ok((view.string(*name)?, *function)))
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

    /// An owned copy of everything, for tools and the compiler. Text that the file shares is copied for
    /// each use, so a file made for the purpose can become much larger in memory.
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
                    inlined: debug.inlined(index).collect(),
                    locals: debug
                        .locals(index)
                        .map(|local| local.to_owned_strings())
                        .collect(),
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
            parts: self
                .parts()
                .map(|part| {
                    let (name, function) = part?;
                    let name = name.to_owned();
                    Ok(Part { name, function })
                })
                .collect::<Result<_, FormatError>>()?,
        })
    }

    /// Where strings lie, for the verifier.
    pub(crate) fn string_table(&self) -> (&'a [u32], &'a [u8]) {
        (self.string_offsets, self.string_bytes)
    }
}

pub(super) fn entry<T>(table: &[T], section: Section, index: u32) -> Result<&T, FormatError> {
    table.get(index as usize).ok_or(FormatError::Index {
        section,
        index,
        count: table.len() as u32,
    })
}

pub(super) fn slice<T>(table: &[T], start: u32, length: u32) -> Option<&[T]> {
    let start = start as usize;
    table.get(start..start.checked_add(length as usize)?)
}
