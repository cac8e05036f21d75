//! The writer, the mirror image of [`super::read`].
//!
//! The bytes depend on the module and the options only: strings are numbered in the
//! order in which the sections mention them, and nothing iterates over a hash map.

use std::collections::HashMap;

use super::layout::{self, HEADER_BYTES, MAGIC, Section, header};
use super::{debug, metadata};
use crate::model::{Constant, Function, MAX_PACKED, Module};
use crate::words::bytes_of;

/// What to write besides what running needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteOptions {
    /// The program that writes, with its version; at most 32 bytes of printable text.
    pub producer: String,
    /// Line tables, local names and positions of exports.
    pub debug: bool,
    /// Documentation of exports.
    pub docs: bool,
}

impl Default for WriteOptions {
    fn default() -> WriteOptions {
        WriteOptions {
            producer: concat!("semac ", env!("CARGO_PKG_VERSION")).to_owned(),
            debug: true,
            docs: true,
        }
    }
}

/// Why a module cannot be written: it exceeds the format, or the compiler made a mistake.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A limit of the format.
    #[error("the module is too large for the format: {0}")]
    TooLarge(&'static str),
    /// The producer does not fit the header.
    #[error("the producer must be at most 32 bytes of printable text: {0:?}")]
    Producer(String),
    /// A constant that refers to a constant that does not precede it.
    #[error("constant {constant} refers to constant {child}, which does not precede it")]
    ConstantOrder {
        /// The compound constant.
        constant: usize,
        /// What it refers to.
        child: u32,
    },
    /// Wrong debug information.
    #[error("debug information of function {function}: {problem}")]
    Debug {
        /// The function.
        function: usize,
        /// What is wrong.
        problem: &'static str,
    },
    /// Metadata could not be encoded.
    #[error("metadata cannot be encoded: {0}")]
    Metadata(#[from] bincode::error::EncodeError),
    /// The compressor failed.
    #[error("debug information cannot be compressed")]
    Compression,
}

/// Writes a module file.
///
/// # Errors
/// See [`WriteError`]. That the code is valid is not checked here: [`crate::verify::verify`] does.
pub fn write(module: &Module, options: &WriteOptions) -> Result<Vec<u8>, WriteError> {
    let printable = |text: &str| text.chars().all(|character| !character.is_control());
    if options.producer.len() > header::PRODUCER_BYTES || !printable(&options.producer) {
        return Err(WriteError::Producer(options.producer.clone()));
    }
    let mut strings = Strings::default();
    strings.number(&module.name)?;

    let (constants, constant_data) = write_constants(&module.constants, &mut strings)?;
    let functions = write_functions(&module.functions, &mut strings)?;
    let code: Vec<u32> = module
        .functions
        .iter()
        .flat_map(|function| &function.code)
        .copied()
        .collect();
    let handlers: Vec<u32> = module
        .functions
        .iter()
        .flat_map(|function| &function.handlers)
        .flat_map(|handler| {
            [
                handler.start,
                handler.end,
                handler.target,
                u32::from(handler.register),
            ]
        })
        .collect();
    let globals = strings.numbers(&module.globals)?;
    let natives = strings.numbers(&module.natives)?;
    let capabilities = strings.numbers(&module.capabilities)?;
    let imports = module
        .imports
        .iter()
        .map(|import| metadata::ImportRecord::intern(import, |text| strings.number(text)))
        .collect::<Result<Vec<_>, _>>()?;
    let exports = module
        .exports
        .iter()
        .map(|export| {
            metadata::ExportRecord::intern(export, options.debug, options.docs, |text| {
                strings.number(text)
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    let mut parts = Vec::with_capacity(module.parts.len() * layout::PART_ENTRY_WORDS);
    for part in &module.parts {
        parts.extend([strings.number(&part.name)?, part.function]);
    }
    let debug = match options.debug {
        true => debug::encode(module)?.unwrap_or_default(),
        false => Vec::new(),
    };
    let records = |empty: bool, bytes: Result<Vec<u8>, _>| match empty {
        true => Ok(Vec::new()),
        false => bytes,
    };
    let sections = [
        (
            Section::StringOffsets,
            bytes_of(&strings.offsets()?).to_vec(),
        ),
        (Section::StringBytes, strings.blob),
        (Section::Constants, bytes_of(&constants).to_vec()),
        (Section::ConstantData, bytes_of(&constant_data).to_vec()),
        (Section::Functions, bytes_of(&functions).to_vec()),
        (Section::Code, bytes_of(&code).to_vec()),
        (Section::Handlers, bytes_of(&handlers).to_vec()),
        (Section::Globals, bytes_of(&globals).to_vec()),
        (Section::Natives, bytes_of(&natives).to_vec()),
        (Section::Capabilities, bytes_of(&capabilities).to_vec()),
        (
            Section::Imports,
            records(imports.is_empty(), metadata::encode(&imports))?,
        ),
        (
            Section::Exports,
            records(exports.is_empty(), metadata::encode(&exports))?,
        ),
        (Section::Macros, module.macros.clone()),
        (Section::Debug, debug),
        (Section::Parts, bytes_of(&parts).to_vec()),
    ];
    let flags = if options.debug {
        0
    } else {
        layout::FLAG_STRIPPED
    };
    assemble(&options.producer, flags, &sections)
}

/// Lays out header, section table and the sections that are not empty.
fn assemble(
    producer: &str,
    flags: u16,
    sections: &[(Section, Vec<u8>)],
) -> Result<Vec<u8>, WriteError> {
    let too_large = |_| WriteError::TooLarge("4 GiB");
    let present: Vec<_> = sections
        .iter()
        .filter(|(_, bytes)| !bytes.is_empty())
        .collect();
    let table_bytes = present.len() * layout::SECTION_ENTRY_WORDS * 4;
    let mut table = Vec::with_capacity(table_bytes);
    let mut content = Vec::new();
    for (section, bytes) in present.iter().copied() {
        let offset = HEADER_BYTES + table_bytes + content.len();
        let section_flags = if section.required() {
            layout::SECTION_REQUIRED
        } else {
            0
        };
        table.extend_from_slice(&(*section as u16).to_le_bytes());
        table.extend_from_slice(&section_flags.to_le_bytes());
        table.extend_from_slice(&u32::try_from(offset).map_err(too_large)?.to_le_bytes());
        table.extend_from_slice(&u32::try_from(bytes.len()).map_err(too_large)?.to_le_bytes());
        content.extend_from_slice(bytes);
        content.resize(content.len().next_multiple_of(4), 0);
    }

    let length = u32::try_from(HEADER_BYTES + table.len() + content.len()).map_err(too_large)?;
    let mut hashed = Vec::with_capacity(length as usize);
    hashed.extend_from_slice(&length.to_le_bytes());
    hashed.extend_from_slice(&(present.len() as u16).to_le_bytes());
    hashed.extend_from_slice(&flags.to_le_bytes());
    hashed.extend_from_slice(producer.as_bytes());
    hashed.resize(HEADER_BYTES - header::HASHED_FROM, 0);
    hashed.extend_from_slice(&table);
    hashed.extend_from_slice(&content);

    let mut file = Vec::with_capacity(length as usize);
    file.extend_from_slice(&MAGIC);
    file.extend_from_slice(&layout::FORMAT_VERSION.to_le_bytes());
    file.extend_from_slice(&[0; 2]);
    file.extend_from_slice(&layout::CANARY.to_le_bytes());
    file.extend_from_slice(&layout::hash(&hashed).to_le_bytes());
    file.extend_from_slice(&hashed);
    Ok(file)
}

/// Numbers strings in order of first use.
#[derive(Default)]
struct Strings {
    blob: Vec<u8>,
    starts: Vec<u32>,
    numbers: HashMap<String, u32>,
}

impl Strings {
    fn number(&mut self, text: &str) -> Result<u32, WriteError> {
        if let Some(number) = self.numbers.get(text) {
            return Ok(*number);
        }
        let number = self.starts.len() as u32;
        if number > MAX_PACKED {
            return Err(WriteError::TooLarge("more than 2^24 strings"));
        }
        self.starts.push(self.end()?);
        self.blob.extend_from_slice(text.as_bytes());
        self.numbers.insert(text.to_owned(), number);
        Ok(number)
    }

    fn numbers(&mut self, texts: &[String]) -> Result<Vec<u32>, WriteError> {
        texts.iter().map(|text| self.number(text)).collect()
    }

    fn offsets(&self) -> Result<Vec<u32>, WriteError> {
        let mut offsets = self.starts.clone();
        offsets.push(self.end()?);
        Ok(offsets)
    }

    fn end(&self) -> Result<u32, WriteError> {
        u32::try_from(self.blob.len()).map_err(|_| WriteError::TooLarge("4 GiB of strings"))
    }
}

/// The packed constants and their records.
fn write_constants(
    constants: &[Constant],
    strings: &mut Strings,
) -> Result<(Vec<u32>, Vec<u32>), WriteError> {
    use layout::constant as kind;
    let mut packed = Vec::with_capacity(constants.len());
    let mut data = Vec::new();
    for (index, constant) in constants.iter().enumerate() {
        check_children(index, constant)?;
        // Filled in where the constant has no record.
        let mut value = u32::try_from(data.len())
            .ok()
            .filter(|offset| *offset <= MAX_PACKED);
        let kind = match constant {
            Constant::Nil => {
                value = Some(0);
                kind::NIL
            }
            Constant::Bool(truth) => {
                value = Some(u32::from(*truth));
                kind::BOOL
            }
            Constant::EmptyList => {
                value = Some(0);
                kind::EMPTY_LIST
            }
            Constant::Int(number) if (-0x80_0000..0x80_0000).contains(number) => {
                value = Some(*number as u32 & MAX_PACKED);
                kind::SMALL_INT
            }
            Constant::Int(number) => {
                data.extend(pair(number.cast_unsigned()));
                kind::INT
            }
            Constant::BigInt {
                negative,
                magnitude,
            } => {
                let length = length_word(magnitude.len())?;
                data.push(length | u32::from(*negative) << 31);
                extend_bytes(&mut data, magnitude);
                kind::BIG_INT
            }
            Constant::Ratio {
                numerator,
                denominator,
            } => {
                data.extend([*numerator, *denominator]);
                kind::RATIO
            }
            Constant::Float(bits) => {
                data.extend(pair(*bits));
                kind::FLOAT
            }
            Constant::Complex { real, imaginary } => {
                data.extend([*real, *imaginary]);
                kind::COMPLEX
            }
            Constant::Char(character) => {
                value = Some(u32::from(*character));
                kind::CHAR
            }
            Constant::Str(text) => {
                value = Some(strings.number(text)?);
                kind::STR
            }
            Constant::Symbol(text) => {
                value = Some(strings.number(text)?);
                kind::SYMBOL
            }
            Constant::Keyword(text) => {
                value = Some(strings.number(text)?);
                kind::KEYWORD
            }
            Constant::List(items) => {
                data.push(length_word(items.len())?);
                data.extend_from_slice(items);
                kind::LIST
            }
            Constant::Vector(items) => {
                data.push(length_word(items.len())?);
                data.extend_from_slice(items);
                kind::VECTOR
            }
            Constant::Map(pairs) => {
                data.push(length_word(pairs.len())?);
                data.extend(pairs.iter().flat_map(|(key, value)| [*key, *value]));
                kind::MAP
            }
            Constant::Bytes(bytes) => {
                data.push(length_word(bytes.len())?);
                extend_bytes(&mut data, bytes);
                kind::BYTES
            }
            Constant::F64Array(values) => {
                data.push(length_word(values.len())?);
                data.extend(values.iter().flat_map(|bits| pair(*bits)));
                kind::F64_ARRAY
            }
            Constant::I64Array(values) => {
                data.push(length_word(values.len())?);
                data.extend(values.iter().flat_map(|value| pair(value.cast_unsigned())));
                kind::I64_ARRAY
            }
        };
        let value = value.ok_or(WriteError::TooLarge("64 MiB of constants"))?;
        packed.push(value << 8 | u32::from(kind));
    }
    Ok((packed, data))
}

fn check_children(index: usize, constant: &Constant) -> Result<(), WriteError> {
    let check = |child: u32| match (child as usize) < index {
        true => Ok(()),
        false => Err(WriteError::ConstantOrder {
            constant: index,
            child,
        }),
    };
    match constant {
        Constant::Ratio {
            numerator: first,
            denominator: second,
        }
        | Constant::Complex {
            real: first,
            imaginary: second,
        } => check(*first).and(check(*second)),
        Constant::List(items) | Constant::Vector(items) => {
            items.iter().try_for_each(|item| check(*item))
        }
        Constant::Map(pairs) => pairs
            .iter()
            .try_for_each(|(key, value)| check(*key).and(check(*value))),
        _ => Ok(()),
    }
}

fn write_functions(functions: &[Function], strings: &mut Strings) -> Result<Vec<u32>, WriteError> {
    let mut entries = Vec::with_capacity(functions.len() * layout::FUNCTION_ENTRY_WORDS);
    let (mut code, mut handlers) = (0u32, 0u32);
    for function in functions {
        let name = match &function.name {
            Some(name) => strings.number(name)? + 1,
            None => 0,
        };
        let code_words = length_word(function.code.len())?;
        let handler_count = length_word(function.handlers.len())?;
        let mut flags = 0;
        if function.rest {
            flags |= layout::function::FLAG_REST;
        }
        if function.library {
            flags |= layout::function::FLAG_LIBRARY;
        }
        let entry: [u32; layout::FUNCTION_ENTRY_WORDS] = [
            code,
            code_words,
            name,
            function.registers,
            u32::from(function.required) | u32::from(function.parameters) << 16,
            u32::from(function.captures) | u32::from(flags) << 16,
            handlers,
            handler_count,
        ];
        entries.extend(entry);
        let too_large = WriteError::TooLarge("2^32 words of code");
        code = code.checked_add(code_words).ok_or(too_large)?;
        handlers = handlers.saturating_add(handler_count);
    }
    Ok(entries)
}

fn length_word(length: usize) -> Result<u32, WriteError> {
    u32::try_from(length)
        .ok()
        .filter(|length| *length < 1 << 31)
        .ok_or(WriteError::TooLarge("2^31 elements in one piece"))
}

fn pair(bits: u64) -> [u32; 2] {
    [bits as u32, (bits >> 32) as u32]
}

/// Appends bytes, padded with zeros to whole words.
fn extend_bytes(data: &mut Vec<u32>, bytes: &[u8]) {
    data.extend(bytes.chunks(4).map(|chunk| {
        chunk
            .iter()
            .rev()
            .fold(0, |word, byte| word << 8 | u32::from(*byte))
    }));
}
