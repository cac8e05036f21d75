//! Listings of functions and modules.
//!
//! Works on any bytes that parse, verified or not: what cannot be decoded is shown
//! as a word, what cannot be resolved as its number. Text from the file is escaped,
//! because it may end up on a terminal.

use std::fmt::{self, Write};

use crate::container::{ConstantView, Debug, FunctionEntry, ModuleView};
use crate::decode::{Located, decode_at};
use crate::error::FormatError;
use crate::isa::{CAPTURE_FROM_CLOSURE, Operand, Predicate, special};
use crate::model::Import;

/// Characters of a string that a comment shows.
const SHOWN_CHARACTERS: usize = 48;
/// Bytes of a large integer that a comment shows.
const SHOWN_BYTES: usize = 16;
/// Elements of a collection that a comment shows.
const SHOWN_ELEMENTS: usize = 6;
/// Levels of nested collections that a comment shows.
const SHOWN_LEVELS: usize = 3;

/// Lists a whole module: its interface, its constants and the code of all functions.
///
/// # Errors
/// When a table is damaged so that it cannot be listed.
pub fn module(view: &ModuleView<'_>) -> Result<String, FormatError> {
    let mut out = Listing::default();
    let name = view.name().unwrap_or("");
    out.line(format_args!(
        "module {}  format {}, {}, {} bytes, content {:016x}",
        name.escape_debug(),
        crate::FORMAT_VERSION,
        view.producer().escape_debug(),
        view.bytes().len(),
        view.content_hash(),
    ));
    interface(view, &mut out)?;
    if view.constant_count() > 0 {
        out.line(format_args!("\nconstants"));
    }
    for index in 0..view.constant_count() {
        out.line(format_args!("  c{index}  {}", constant_text(view, index)));
    }
    let imports = view.imports()?;
    let debug = view.debug()?;
    for index in 0..view.function_count() {
        out.line(format_args!(""));
        list_function(view, index, &imports, debug.as_ref(), &mut out)?;
    }
    Ok(out.text)
}

/// Lists one function. `debug` adds source lines and names of variables.
///
/// # Errors
/// When there is no such function or its code is out of range.
pub fn function(
    view: &ModuleView<'_>,
    index: u32,
    debug: Option<&Debug>,
) -> Result<String, FormatError> {
    let mut out = Listing::default();
    list_function(view, index, &view.imports()?, debug, &mut out)?;
    Ok(out.text)
}

/// One instruction without names: for messages about code that may be wrong.
pub fn instruction_text(code: &[u32], pc: u32) -> String {
    match decode_at(code, pc) {
        Ok(instruction) => {
            let operands = operands_text(&instruction);
            format!("{} {operands}", instruction.op.info().mnemonic)
                .trim_end()
                .to_owned()
        }
        Err(_) => match code.get(pc as usize) {
            Some(word) => format!(".word {word:#010x}"),
            None => "nothing".to_owned(),
        },
    }
}

fn interface(view: &ModuleView<'_>, out: &mut Listing) -> Result<(), FormatError> {
    for (index, name) in view.natives().enumerate() {
        out.line(format_args!("native n{index}  {}", name?.escape_debug()));
    }
    for name in view.capabilities() {
        out.line(format_args!("capability  {}", name?.escape_debug()));
    }
    for index in 0..view.global_count() {
        let name = view.global_name(index)?.escape_debug();
        out.line(format_args!("global g{index}  {name}"));
    }
    for (index, import) in view.imports()?.iter().enumerate() {
        let bindings: Vec<String> = import
            .bindings
            .iter()
            .map(|(name, global)| format!(" {}=g{global}", name.escape_debug()))
            .collect();
        out.line(format_args!(
            "import i{index}  {} -> {}{}{}",
            import.path.escape_debug(),
            import.resolved.escape_debug(),
            if import.whole { " all" } else { "" },
            bindings.concat(),
        ));
    }
    for part in view.parts() {
        let (name, function) = part?;
        out.line(format_args!("part f{function}  {}", name.escape_debug()));
    }
    for export in view.exports()? {
        let arity = match export.arity {
            Some(arity) => match arity.maximum {
                Some(maximum) if maximum == arity.minimum => format!(" /{maximum}"),
                Some(maximum) => format!(" /{}..{maximum}", arity.minimum),
                None => format!(" /{}..", arity.minimum),
            },
            None => String::new(),
        };
        out.line(format_args!(
            "export {}  {:?}{arity} g{}",
            export.name.escape_debug(),
            export.kind,
            export.global,
        ));
    }
    Ok(())
}

fn list_function(
    view: &ModuleView<'_>,
    index: u32,
    imports: &[Import<&str>],
    debug: Option<&Debug>,
    out: &mut Listing,
) -> Result<(), FormatError> {
    let entry = view.function(index)?;
    let code = view.function_code(&entry)?;
    let name = view.function_name(&entry)?.unwrap_or("(anonymous)");
    out.line(format_args!(
        "function f{index} {}  registers {}, parameters {}{}",
        name.escape_debug(),
        entry.registers,
        parameters_text(&entry),
        attributes_text(&entry),
    ));
    let mut shown_line = None;
    let mut pc = 0;
    while (pc as usize) < code.len() {
        let location = debug.and_then(|debug| debug.location(index, pc));
        if let Some(location) = location {
            let line = (location.file, location.line);
            if shown_line != Some(line) {
                shown_line = Some(line);
                out.line(format_args!(
                    "        ; {}:{}",
                    line.0.escape_debug(),
                    line.1
                ));
            }
        }
        let (mnemonic, operands, comment, next) = match decode_at(code, pc) {
            Ok(instruction) => (
                instruction.op.info().mnemonic,
                operands_text(&instruction),
                comment(view, imports, &instruction),
                instruction.next_pc(),
            ),
            Err(error) => (
                ".word",
                format!("{:#010x}", code.get(pc as usize).copied().unwrap_or(0)),
                error.to_string(),
                pc.saturating_add(1),
            ),
        };
        if comment.is_empty() {
            out.line(format_args!("  {pc:>5}  {mnemonic:<15} {operands}"));
        } else {
            out.line(format_args!(
                "  {pc:>5}  {mnemonic:<15} {operands:<22} ; {comment}"
            ));
        }
        pc = next;
    }
    for handler in view.handlers(&entry)? {
        out.line(format_args!(
            "  handler {}..{} -> {} r{}",
            handler.start, handler.end, handler.target, handler.register
        ));
    }
    for local in debug.into_iter().flat_map(|debug| debug.locals(index)) {
        out.line(format_args!(
            "  local r{} {}  {}..{}",
            local.register,
            local.name.escape_debug(),
            local.start,
            local.end
        ));
    }
    Ok(())
}

fn parameters_text(entry: &FunctionEntry) -> String {
    let mut text = entry.required.to_string();
    if entry.parameters > entry.required {
        let _ = write!(text, "..{}", entry.parameters);
    }
    if entry.rest {
        text.push_str(" and rest");
    }
    text
}

fn attributes_text(entry: &FunctionEntry) -> String {
    let mut text = String::new();
    if entry.captures > 0 {
        let _ = write!(text, ", captures {}", entry.captures);
    }
    if entry.library {
        text.push_str(", library");
    }
    text
}

fn operands_text(instruction: &Located<'_>) -> String {
    let mut parts: Vec<String> = instruction
        .operands()
        .map(|(_, kind, value)| match kind {
            Operand::Dst | Operand::Src | Operand::CallBase | Operand::RangeStart => {
                format!("r{value}")
            }
            Operand::SlotSrc | Operand::SlotDst => format!("s{value}"),
            Operand::Const => format!("c{value}"),
            Operand::Global => format!("g{value}"),
            Operand::Function => format!("f{value}"),
            Operand::Native => format!("n{value}"),
            Operand::Import => format!("i{value}"),
            Operand::Capture => format!("^{value}"),
            Operand::Count | Operand::CaptureCount | Operand::Imm => value.to_string(),
            Operand::Special => special_text(value),
            Operand::Predicate => u8::try_from(value)
                .ok()
                .and_then(Predicate::from_byte)
                .map_or_else(
                    || format!("predicate {value}"),
                    |test| test.name().to_owned(),
                ),
            Operand::Jump => format!("-> {}", instruction.jump_target().unwrap_or(value)),
        })
        .collect();
    parts.extend(
        instruction
            .captures()
            .iter()
            .map(|word| match word & CAPTURE_FROM_CLOSURE {
                0 => format!("r{word}"),
                _ => format!("^{}", word & !CAPTURE_FROM_CLOSURE),
            }),
    );
    parts.join(", ")
}

fn special_text(value: i64) -> String {
    match u8::try_from(value) {
        Ok(special::NIL) => "nil".to_owned(),
        Ok(special::FALSE) => "#f".to_owned(),
        Ok(special::TRUE) => "#t".to_owned(),
        Ok(special::EMPTY_LIST) => "()".to_owned(),
        Ok(special::MISSING) => "missing".to_owned(),
        _ => format!("special {value}"),
    }
}

/// What the operands that are indices stand for.
fn comment(view: &ModuleView<'_>, imports: &[Import<&str>], instruction: &Located<'_>) -> String {
    let parts: Vec<String> = instruction
        .operands()
        .filter_map(|(_, kind, value)| {
            let index = value as u32;
            let name = match kind {
                Operand::Const => return Some(constant_text(view, index)),
                Operand::Global => view.global_name(index).ok()?,
                Operand::Native => view.native_name(index).ok()?,
                Operand::Function => {
                    let entry = view.function(index).ok()?;
                    view.function_name(&entry).ok()??
                }
                Operand::Import => {
                    return imports
                        .get(index as usize)
                        .map(|import| import.resolved.escape_debug().to_string());
                }
                _ => return None,
            };
            Some(name.escape_debug().to_string())
        })
        .collect();
    parts.join(" ")
}

/// A constant as the language writes it, shortened.
fn constant_text(view: &ModuleView<'_>, index: u32) -> String {
    let mut text = String::new();
    match write_constant(view, index, SHOWN_LEVELS, &mut text) {
        Ok(()) => text,
        Err(fmt::Error) => format!("c{index}"),
    }
}

fn write_constant(
    view: &ModuleView<'_>,
    index: u32,
    levels: usize,
    out: &mut String,
) -> fmt::Result {
    let Ok(constant) = view.constant(index) else {
        return write!(out, "damaged constant {index}");
    };
    if levels == 0 {
        return out.write_str("...");
    }
    let part = |child: u32, out: &mut String| write_constant(view, child, levels - 1, out);
    match constant {
        ConstantView::Nil => out.write_str("nil"),
        ConstantView::Bool(true) => out.write_str("#t"),
        ConstantView::Bool(false) => out.write_str("#f"),
        ConstantView::EmptyList => out.write_str("()"),
        ConstantView::Int(value) => write!(out, "{value}"),
        ConstantView::BigInt {
            negative,
            magnitude,
        } => {
            out.write_str(if negative { "-#x" } else { "#x" })?;
            let digits = magnitude.iter().rev();
            let mut digits = digits.skip_while(|byte| **byte == 0);
            for byte in digits.by_ref().take(SHOWN_BYTES) {
                write!(out, "{byte:02x}")?;
            }
            out.write_str(if digits.next().is_some() { "..." } else { "" })
        }
        ConstantView::Ratio {
            numerator,
            denominator,
        } => {
            part(numerator, out)?;
            out.write_str("/")?;
            part(denominator, out)
        }
        ConstantView::Float(value) => write!(out, "{value:?}"),
        ConstantView::Complex { real, imaginary } => {
            part(real, out)?;
            out.write_str(" + i ")?;
            part(imaginary, out)
        }
        ConstantView::Char(value) if value.is_ascii_graphic() => write!(out, "#\\{value}"),
        ConstantView::Char(value) => write!(out, "#\\x{:x}", u32::from(value)),
        ConstantView::Str(text) => {
            let shown: String = text.chars().take(SHOWN_CHARACTERS).collect();
            let more = if shown.len() < text.len() { "..." } else { "" };
            write!(out, "\"{}\"{more}", shown.escape_debug())
        }
        ConstantView::Symbol(name) => write!(out, "'{}", name.escape_debug()),
        ConstantView::Keyword(name) => write!(out, ":{}", name.escape_debug()),
        ConstantView::List(items) => write_elements(items.iter().copied(), ["(", ")"], out, part),
        ConstantView::Vector(items) => write_elements(items.iter().copied(), ["[", "]"], out, part),
        ConstantView::Map(pairs) => {
            write_elements(pairs.iter().flatten().copied(), ["{", "}"], out, part)
        }
        ConstantView::Bytes(bytes) => write!(out, "{} bytes", bytes.len()),
        ConstantView::F64Array(values) => write!(out, "{} floats", values.len()),
        ConstantView::I64Array(values) => write!(out, "{} integers", values.len()),
    }
}

fn write_elements(
    mut items: impl Iterator<Item = u32>,
    [open, close]: [&str; 2],
    out: &mut String,
    part: impl Fn(u32, &mut String) -> fmt::Result,
) -> fmt::Result {
    out.write_str(open)?;
    for (number, item) in items.by_ref().take(SHOWN_ELEMENTS).enumerate() {
        if number > 0 {
            out.write_str(" ")?;
        }
        part(item, out)?;
    }
    if items.next().is_some() {
        out.write_str(" ...")?;
    }
    out.write_str(close)
}

/// Lines of text without trailing blanks.
#[derive(Default)]
struct Listing {
    text: String,
}

impl Listing {
    fn line(&mut self, line: fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = self.text.write_fmt(line);
        self.text.truncate(self.text.trim_end_matches(' ').len());
        self.text.push('\n');
    }
}
