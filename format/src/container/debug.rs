//! Debug information: line tables and local names.
//!
//! It lies compressed in its own section, decompressed only when an error or a
//! tool needs it, and may be missing. Positions are stored as differences, which
//! are small and compress well.

use serde::{Deserialize, Serialize};

use super::layout::Section;
use super::metadata;
use super::unpack::unpack;
use crate::error::FormatError;
use crate::frames::{self, Place};
use crate::model::{InlinedCall, LineEntry, LocalName};

/// Decompressed data has at most so many bytes, or so many times those of the compressed data,
/// whichever is more. Bounds what a hostile file can make a reader allocate; what would exceed it is
/// stored plainly.
const ALWAYS_PLAUSIBLE: usize = 1 << 20;
/// See [`ALWAYS_PLAUSIBLE`].
const PLAUSIBLE_RATIO: usize = 256;
/// Larger sections are compressed in a third of the time, to a few hundredths more.
#[cfg(feature = "write")]
const THOROUGHLY: usize = 256 << 10;

/// Decoded debug information of a module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Debug {
    files: Vec<String>,
    /// Names of local variables and of inlined functions. Shared, so that decoding copies each once, however often it is used.
    names: Vec<String>,
    functions: Vec<FunctionDebug>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct FunctionDebug {
    lines: Vec<LineEntry>,
    /// The names are indices plus one; 0: no name.
    inlined: Vec<InlinedCall<u32>>,
    /// Index of the name, slot, first word, first word after.
    locals: Vec<[u32; 4]>,
}

/// A frame that a trace shows for a place in a function's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceFrame<'a> {
    /// The inlined function's name and whether it is library code; `None` for the function itself.
    pub inlined: Option<(Option<&'a str>, bool)>,
    /// Where it was executing; `None` if that is not known.
    pub location: Option<Location<'a>>,
}

/// A source position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location<'a> {
    /// Display path of the source file.
    pub file: &'a str,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
}

impl Debug {
    /// Names of the source files.
    pub fn files(&self) -> &[String] {
        &self.files
    }

    /// The line table of a function; empty when there is none.
    pub fn lines(&self, function: u32) -> &[LineEntry] {
        self.functions
            .get(function as usize)
            .map_or(&[], |function| &function.lines)
    }

    /// The inlined calls of a function.
    pub fn inlined(&self, function: u32) -> impl Iterator<Item = InlinedCall> {
        let inlined = self
            .functions
            .get(function as usize)
            .map_or(&[][..], |function| &function.inlined);
        inlined.iter().map(|call| InlinedCall {
            name: self.inlined_name(call).map(str::to_owned),
            library: call.library,
            file: call.file,
            line: call.line,
            column: call.column,
            context: call.context,
        })
    }

    fn inlined_name(&self, call: &InlinedCall<u32>) -> Option<&str> {
        let name = call.name.checked_sub(1)?;
        self.names.get(name as usize).map(String::as_str)
    }

    /// Shows the frames that code at word `pc` of a function stands for to `visit`, innermost first.
    /// `waiting` if that code has called something that runs or has raised.
    pub fn frames(
        &self,
        function: u32,
        pc: u32,
        waiting: bool,
        visit: &mut dyn FnMut(TraceFrame<'_>),
    ) {
        let Some(debug) = self.functions.get(function as usize) else {
            return visit(TraceFrame {
                inlined: None,
                location: None,
            });
        };
        frames::unfold(
            &debug.lines,
            &debug.inlined,
            pc,
            waiting,
            &mut |call, place| {
                visit(TraceFrame {
                    inlined: call.map(|call| (self.inlined_name(call), call.library)),
                    location: place.and_then(|place| self.located(place)),
                });
            },
        );
    }

    fn located(&self, place: Place) -> Option<Location<'_>> {
        Some(Location {
            file: self.files.get(place.file as usize)?,
            line: place.line,
            column: place.column,
        })
    }

    /// The names of a function's local variables.
    pub fn locals(&self, function: u32) -> impl DoubleEndedIterator<Item = LocalName<&str>> {
        let locals = self
            .functions
            .get(function as usize)
            .map_or(&[][..], |function| &function.locals);
        locals.iter().filter_map(|&[name, register, start, end]| {
            Some(LocalName {
                name: self.names.get(name as usize)?.as_str(),
                register,
                start,
                end,
            })
        })
    }

    /// The source position of the instruction at word `pc` of a function.
    pub fn location(&self, function: u32, pc: u32) -> Option<Location<'_>> {
        let entry = frames::entry_at(self.lines(function), pc)?;
        self.located(Place::from(entry))
    }

    /// The name of the variable that a slot holds at word `pc` of a function.
    pub fn local_name(&self, function: u32, register: u32, pc: u32) -> Option<&str> {
        self.locals(function)
            .rev()
            .find(|local| local.register == register && (local.start..local.end).contains(&pc))
            .map(|local| local.name)
    }
}

#[derive(Serialize, Deserialize)]
struct DebugRecord<'a> {
    #[serde(borrow)]
    files: Vec<&'a str>,
    #[serde(borrow)]
    names: Vec<&'a str>,
    functions: Vec<FunctionRecord>,
}

#[derive(Serialize, Deserialize)]
struct FunctionRecord {
    /// Words since the last entry, file, lines since the last entry, column, context.
    lines: Vec<(u32, u32, i32, u32, u32)>,
    /// Name plus one, library code, file, line, column, context.
    inlined: Vec<(u32, bool, u32, u32, u32, u32)>,
    /// Name, register, start, length.
    locals: Vec<(u32, u32, u32, u32)>,
}

/// Decodes the section.
pub(crate) fn decode(section: &[u8]) -> Result<Debug, FormatError> {
    let plain = decompress(section)?;
    let record: DebugRecord<'_> = metadata::decode(&plain, Section::Debug)?;
    let functions = record
        .functions
        .iter()
        .map(|function| {
            Ok(FunctionDebug {
                lines: decode_lines(&function.lines, record.files.len(), function.inlined.len())?,
                inlined: decode_inlined(&function.inlined, record.files.len(), record.names.len())?,
                locals: function
                    .locals
                    .iter()
                    .map(|local| decode_local(*local, record.names.len()))
                    .collect::<Result<_, _>>()?,
            })
        })
        .collect::<Result<_, FormatError>>()?;
    Ok(Debug {
        files: owned(&record.files),
        names: owned(&record.names),
        functions,
    })
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn decode_lines(
    records: &[(u32, u32, i32, u32, u32)],
    files: usize,
    inlined: usize,
) -> Result<Vec<LineEntry>, FormatError> {
    let wrong = || FormatError::damaged(Section::Debug, "a line entry is out of range");
    let (mut pc, mut line) = (0u32, 0u32);
    let mut entries = Vec::with_capacity(records.len());
    for &(words, file, lines, column, context) in records {
        pc = pc.checked_add(words).ok_or_else(wrong)?;
        line = line.wrapping_add_signed(lines);
        if file as usize >= files || !frames::is_context(context, inlined) {
            return Err(wrong());
        }
        entries.push(LineEntry {
            pc,
            file,
            line,
            column,
            context,
        });
    }
    Ok(entries)
}

fn decode_inlined(
    records: &[(u32, bool, u32, u32, u32, u32)],
    files: usize,
    names: usize,
) -> Result<Vec<InlinedCall<u32>>, FormatError> {
    let mut calls = Vec::with_capacity(records.len());
    for (number, &(name, library, file, line, column, context)) in records.iter().enumerate() {
        // Only earlier calls: so nothing can lie in itself.
        if name as usize > names || file as usize >= files || !frames::is_context(context, number) {
            return Err(FormatError::damaged(
                Section::Debug,
                "an inlined call is out of range",
            ));
        }
        calls.push(InlinedCall {
            name,
            library,
            file,
            line,
            column,
            context,
        });
    }
    Ok(calls)
}

fn decode_local(
    (name, register, start, length): (u32, u32, u32, u32),
    names: usize,
) -> Result<[u32; 4], FormatError> {
    start
        .checked_add(length)
        .filter(|_| (name as usize) < names)
        .map(|end| [name, register, start, end])
        .ok_or_else(|| FormatError::damaged(Section::Debug, "a local name is out of range"))
}

fn decompress(section: &[u8]) -> Result<Vec<u8>, FormatError> {
    let wrong = |problem| FormatError::damaged(Section::Debug, problem);
    let Some((length, payload)) = section.split_first_chunk::<4>() else {
        return Err(wrong("it is too short"));
    };
    let length = u32::from_le_bytes(*length) as usize;
    if length == payload.len() {
        return Ok(payload.to_vec());
    }
    if !plausible(length, payload.len()) {
        return Err(wrong("its decompressed length is implausible"));
    }
    unpack(payload, length).ok_or_else(|| wrong("it cannot be decompressed"))
}

fn plausible(plain: usize, packed: usize) -> bool {
    plain <= packed.saturating_mul(PLAUSIBLE_RATIO).max(ALWAYS_PLAUSIBLE)
}

/// Encodes the section; `None` when there is nothing to say.
#[cfg(feature = "write")]
pub(crate) fn encode(module: &crate::model::Module) -> Result<Option<Vec<u8>>, super::WriteError> {
    use super::WriteError;
    use std::collections::HashMap;

    let silent =
        |function: &crate::model::Function| function.lines.is_empty() && function.locals.is_empty();
    if module.functions.iter().all(silent) && module.files.is_empty() {
        return Ok(None);
    }
    let mut names: Vec<&str> = Vec::new();
    let mut numbers: HashMap<&str, u32> = HashMap::new();
    let mut functions = Vec::with_capacity(module.functions.len());
    for (number, function) in module.functions.iter().enumerate() {
        let invalid = |problem| WriteError::Debug {
            function: number,
            problem,
        };
        let (mut pc, mut line) = (0u32, 0u32);
        let mut lines = Vec::with_capacity(function.lines.len());
        for entry in &function.lines {
            if entry.file as usize >= module.files.len() {
                return Err(invalid("a line entry names a missing file"));
            }
            let words = entry
                .pc
                .checked_sub(pc)
                .ok_or_else(|| invalid("line entries are not in ascending order"))?;
            if !frames::is_context(entry.context, function.inlined.len()) {
                return Err(invalid("a line entry names a missing inlined call"));
            }
            lines.push((
                words,
                entry.file,
                entry.line.wrapping_sub(line) as i32,
                entry.column,
                entry.context,
            ));
            (pc, line) = (entry.pc, entry.line);
        }
        let mut number_of = |name| {
            *numbers.entry(name).or_insert_with(|| {
                names.push(name);
                names.len() as u32 - 1
            })
        };
        let mut inlined = Vec::with_capacity(function.inlined.len());
        for (number, call) in function.inlined.iter().enumerate() {
            if call.file as usize >= module.files.len() {
                return Err(invalid("an inlined call names a missing file"));
            }
            if !frames::is_context(call.context, number) {
                return Err(invalid("an inlined call lies in a later one"));
            }
            let name = call.name.as_deref().map_or(0, |name| number_of(name) + 1);
            inlined.push((
                name,
                call.library,
                call.file,
                call.line,
                call.column,
                call.context,
            ));
        }
        let mut locals = Vec::with_capacity(function.locals.len());
        for local in &function.locals {
            let name = number_of(&local.name);
            let length = local
                .end
                .checked_sub(local.start)
                .ok_or_else(|| invalid("a local variable ends before it starts"))?;
            locals.push((name, local.register, local.start, length));
        }
        functions.push(FunctionRecord {
            lines,
            inlined,
            locals,
        });
    }
    let record = DebugRecord {
        files: module.files.iter().map(String::as_str).collect(),
        names,
        functions,
    };
    let plain = metadata::encode(&record)?;
    let length = u32::try_from(plain.len()).map_err(|_| WriteError::TooLarge("debug section"))?;
    let level = if plain.len() < THOROUGHLY { 19 } else { 12 };
    let packed = zstd::bulk::compress(&plain, level).map_err(|_| WriteError::Compression)?;
    let worth_it = packed.len() < plain.len() && plausible(plain.len(), packed.len());
    let mut section = length.to_le_bytes().to_vec();
    section.extend_from_slice(if worth_it { &packed } else { &plain });
    Ok(Some(section))
}
