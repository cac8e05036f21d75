//! The full proof that a module is well formed.
//!
//! A file is hostile until this has passed. It proves what the VM's unchecked fast
//! paths rely on, for every function: known opcodes, no instruction across the
//! function's end, registers and call windows inside the register window, existing
//! constants, globals, functions, natives, imports and captures, jumps and handlers
//! that hit instruction starts, known calls with the exact frame, closures with
//! the exact captures, combined instructions before the one they are combined with, and
//! no way to fall off the end.
//!
//! It does not prove what depends on values: that a register holds a box, that a
//! closure has the captured variable that `patch_capture` sets, or that a register was
//! written before it is read. The VM checks the first two and keeps stale slots harmless.
//!
//! The time is linear in the file's size: tables that could name the same bytes many
//! times must list them once and in order.

mod error;

use crate::container::layout::{self, Section};
use crate::container::{ConstantView, FunctionEntry, ModuleView};
use crate::decode::{Located, decode_at};
use crate::disasm;
use crate::error::FormatError;
use crate::isa::{CAPTURE_FROM_CLOSURE, Op, Operand, Predicate, special};
use crate::model::MAX_REGISTERS;
use crate::operands::Field;

pub use error::{Rule, VerifyError};

/// Proves that `view` is well formed.
///
/// # Errors
/// The first violation.
pub fn verify(view: &ModuleView<'_>) -> Result<(), VerifyError> {
    verify_with(view, |_, _| true)
}

/// Like [`verify`], and asks `accepts_arity` about each native call: the native's index and the
/// number of arguments. `calln` does not check arities when it runs, so a host must check them
/// before it runs a foreign module.
///
/// # Errors
/// The first violation.
pub fn verify_with(
    view: &ModuleView<'_>,
    accepts_arity: impl FnMut(u32, u32) -> bool,
) -> Result<(), VerifyError> {
    verify_strings(view)?;
    verify_constants(view)?;
    verify_names(view)?;
    verify_interface(view)?;
    let mut verifier = Verifier {
        view,
        counts: Counts {
            constants: view.constant_count(),
            globals: view.global_count(),
            functions: view.function_count(),
            natives: view.native_count(),
            imports: view.imports()?.len() as u32,
        },
        starts: Vec::new(),
        accepts_arity,
    };
    verifier.functions()
}

fn verify_strings(view: &ModuleView<'_>) -> Result<(), VerifyError> {
    let (offsets, bytes) = view.string_table();
    let damaged = |problem| FormatError::damaged(Section::StringOffsets, problem);
    let text = std::str::from_utf8(bytes)
        .map_err(|_| FormatError::damaged(Section::StringBytes, "it is not UTF-8"))?;
    let (Some(&first), Some(&last)) = (offsets.first(), offsets.last()) else {
        return Err(damaged("it is empty").into());
    };
    if view.string_count() == 0 || first != 0 || last as usize != bytes.len() {
        return Err(damaged("the offsets do not cover the text").into());
    }
    if !offsets.is_sorted() {
        return Err(damaged("the offsets are not in order").into());
    }
    if !offsets.iter().all(|at| text.is_char_boundary(*at as usize)) {
        return Err(damaged("an offset is inside a character").into());
    }
    Ok(())
}

fn verify_constants(view: &ModuleView<'_>) -> Result<(), VerifyError> {
    let mut next = 0;
    for index in 0..view.constant_count() {
        let (constant, record) = view.constant_record(index)?;
        let invalid = |problem| VerifyError::Constant { index, problem };
        if !record.is_empty() {
            if record.start != next {
                return Err(invalid("its record does not follow the one before it"));
            }
            next = record.end;
        }
        if let Some(problem) = number_problem(view, constant)? {
            return Err(invalid(problem));
        }
    }
    if next != view.constant_data_words() {
        let problem = "words follow the last record";
        return Err(FormatError::damaged(Section::ConstantData, problem).into());
    }
    Ok(())
}

/// What is wrong with a number that is made of other constants or of bytes.
fn number_problem(
    view: &ModuleView<'_>,
    constant: ConstantView<'_>,
) -> Result<Option<&'static str>, FormatError> {
    let problem = match constant {
        ConstantView::Ratio {
            numerator,
            denominator,
        } => {
            let valid = is_integer(view.constant(numerator)?)
                && is_positive_integer(view.constant(denominator)?);
            (!valid).then_some("a ratio is not an integer over an integer above zero")
        }
        ConstantView::Complex { real, imaginary } => {
            let valid = is_real(view.constant(real)?) && is_real(view.constant(imaginary)?);
            (!valid).then_some("a part is not a real number")
        }
        ConstantView::BigInt { magnitude, .. } => {
            let valid = magnitude.last().is_some_and(|top| *top != 0);
            (!valid).then_some("the magnitude has leading zeros")
        }
        _ => None,
    };
    Ok(problem)
}

fn is_integer(constant: ConstantView<'_>) -> bool {
    matches!(constant, ConstantView::Int(_) | ConstantView::BigInt { .. })
}

fn is_positive_integer(constant: ConstantView<'_>) -> bool {
    match constant {
        ConstantView::Int(value) => value > 0,
        ConstantView::BigInt { negative, .. } => !negative,
        _ => false,
    }
}

fn is_real(constant: ConstantView<'_>) -> bool {
    is_integer(constant)
        || matches!(
            constant,
            ConstantView::Ratio { .. } | ConstantView::Float(_)
        )
}

fn verify_names(view: &ModuleView<'_>) -> Result<(), VerifyError> {
    for index in 0..view.global_count() {
        view.global_name(index)?;
    }
    for name in view.natives().chain(view.capabilities()) {
        name?;
    }
    Ok(())
}

fn verify_interface(view: &ModuleView<'_>) -> Result<(), VerifyError> {
    let globals = view.global_count();
    let invalid = |section, name: &str, problem| VerifyError::Interface {
        section,
        name: name.escape_debug().to_string(),
        problem,
    };
    for import in view.imports()? {
        if import.bindings.iter().any(|(_, global)| *global >= globals) {
            let problem = "it binds a global that does not exist";
            return Err(invalid(Section::Imports, import.path, problem));
        }
    }
    for part in view.parts() {
        let (name, function) = part?;
        let Ok(entry) = view.function(function) else {
            let problem = "its function does not exist";
            return Err(invalid(Section::Parts, name, problem));
        };
        if entry.parameters != 0 || entry.required != 0 || entry.rest || entry.captures != 0 {
            let problem = "its function takes arguments or captures variables";
            return Err(invalid(Section::Parts, name, problem));
        }
    }
    for export in view.exports()? {
        if export.global >= globals {
            let problem = "its global does not exist";
            return Err(invalid(Section::Exports, export.name, problem));
        }
        let impossible = |arity: crate::model::Arity| {
            arity.maximum.is_some_and(|maximum| maximum < arity.minimum)
        };
        if export.arity.is_some_and(impossible) {
            let problem = "it takes fewer arguments than it requires";
            return Err(invalid(Section::Exports, export.name, problem));
        }
    }
    Ok(())
}

/// Sizes of the tables that operands index.
#[derive(Clone, Copy)]
struct Counts {
    constants: u32,
    globals: u32,
    functions: u32,
    natives: u32,
    imports: u32,
}

struct Verifier<'v, 'a, F> {
    view: &'v ModuleView<'a>,
    counts: Counts,
    /// Bit set of the instruction starts of the function at hand.
    starts: Vec<u64>,
    accepts_arity: F,
}

impl<F: FnMut(u32, u32) -> bool> Verifier<'_, '_, F> {
    fn functions(&mut self) -> Result<(), VerifyError> {
        if self.counts.functions == 0 {
            return Err(VerifyError::Function {
                function: 0,
                name: None,
                rule: Rule::NoMain,
            });
        }
        let (mut code, mut handlers) = (0, 0);
        for index in 0..self.counts.functions {
            let entry = self.view.function(index)?;
            let name = self.view.function_name(&entry)?;
            let refuse = |rule| VerifyError::Function {
                function: index,
                name: name.map(str::to_owned),
                rule,
            };
            if entry.code_start != code {
                return Err(refuse(Rule::CodePlacement));
            }
            if entry.handler_start != handlers {
                return Err(refuse(Rule::HandlerPlacement));
            }
            code = code.saturating_add(entry.code_words);
            handlers = handlers.saturating_add(entry.handler_count);
            let words = self.view.function_code(&entry)?;

            check_signature(index, &entry).map_err(refuse)?;
            self.instructions(&entry, words)
                .map_err(|(pc, rule)| VerifyError::Instruction {
                    function: index,
                    name: name.map(str::to_owned),
                    pc,
                    instruction: disasm::instruction_text(words, pc),
                    rule,
                })?;
            self.handlers(&entry, words.len()).map_err(refuse)?;
        }
        if code as usize != self.view.code().len() {
            return Err(
                FormatError::damaged(Section::Code, "words follow the last function").into(),
            );
        }
        if handlers as usize != self.view.handler_entries().len() {
            let problem = "entries follow those of the last function";
            return Err(FormatError::damaged(Section::Handlers, problem).into());
        }
        Ok(())
    }

    fn instructions(&mut self, entry: &FunctionEntry, code: &[u32]) -> Result<(), (u32, Rule)> {
        self.starts.clear();
        self.starts.resize(code.len() / 64 + 1, 0);
        let mut pc = 0;
        while (pc as usize) < code.len() {
            let instruction = decode_at(code, pc).map_err(|error| (pc, error.into()))?;
            self.mark(pc);
            let next = instruction.next_pc();
            if next as usize == code.len() && instruction.falls_through() {
                return Err((pc, Rule::FallsOff));
            }
            if let Some((_, then)) = instruction.op.combined() {
                // All but the last of them are single words.
                for (place, op) in (next as usize..).zip(then) {
                    if code.get(place).map(|word| *word as u8) != Some(*op as u8) {
                        return Err((pc, Rule::Combined(op.info().mnemonic)));
                    }
                }
            }
            pc = next;
        }
        let mut pc = 0;
        while (pc as usize) < code.len() {
            let instruction = decode_at(code, pc).map_err(|error| (pc, error.into()))?;
            for (_, kind, value) in instruction.operands() {
                self.operand(entry, &instruction, kind, value)
                    .map_err(|rule| (pc, rule))?;
            }
            self.special_rules(entry, &instruction)
                .map_err(|rule| (pc, rule))?;
            if instruction.op == Op::Switch {
                let after = code.get(instruction.next_pc() as usize..);
                self.switch(&instruction, after.unwrap_or_default())
                    .map_err(|rule| (pc, rule))?;
            }
            pc = instruction.next_pc();
        }
        Ok(())
    }

    /// What the kind of an operand demands.
    fn operand(
        &self,
        entry: &FunctionEntry,
        instruction: &Located<'_>,
        kind: Operand,
        value: i64,
    ) -> Result<(), Rule> {
        let registers = entry.registers;
        // Every kind but immediates and jumps is unsigned in all its fields.
        let number = value as u32;
        match kind {
            Operand::Dst | Operand::Src | Operand::SlotSrc | Operand::SlotDst => {
                check_register(number, registers)
            }
            Operand::CallBase => {
                // The window is the callee's slot and its arguments.
                let arguments = instruction.field(Field::B) as u32;
                check_range(number, arguments + 1, registers)
            }
            Operand::RangeStart => {
                check_range(number, instruction.field(Field::C) as u32, registers)
            }
            Operand::Const => check_index(Section::Constants, number, self.counts.constants),
            Operand::Global => check_index(Section::Globals, number, self.counts.globals),
            Operand::Function => check_index(Section::Functions, number, self.counts.functions),
            Operand::Native => check_index(Section::Natives, number, self.counts.natives),
            Operand::Import => check_index(Section::Imports, number, self.counts.imports),
            Operand::Capture => check_capture(number, entry),
            Operand::Special if number >= u32::from(special::COUNT) => Err(Rule::Special(number)),
            Operand::Predicate if Predicate::from_byte(number as u8).is_none() => {
                Err(Rule::Predicate(number))
            }
            Operand::Jump => self.jump(instruction),
            // Counts are checked with the base they belong to, capture counts with the function.
            Operand::Count
            | Operand::CaptureCount
            | Operand::Imm
            | Operand::Special
            | Operand::Predicate => Ok(()),
        }
    }

    /// What single instructions demand beyond the kinds of their operands.
    fn special_rules(
        &mut self,
        entry: &FunctionEntry,
        instruction: &Located<'_>,
    ) -> Result<(), Rule> {
        let second = instruction.field(Field::X) as u32;
        match instruction.op {
            Op::CallKnown | Op::TailCallKnown | Op::CountedCallKnown | Op::CountedTailCallKnown => {
                let target = self.target(second)?;
                let expected = u32::from(target.parameters) + u32::from(target.rest);
                let given = instruction.field(Field::B) as u32;
                if target.captures != 0 {
                    Err(Rule::KnownCaptures(second))
                } else if given != expected {
                    Err(Rule::KnownArguments {
                        function: second,
                        expected,
                        given,
                    })
                } else {
                    Ok(())
                }
            }
            Op::Closure => {
                let expected = u32::from(self.target(second)?.captures);
                let given = instruction.field(Field::Bx) as u32;
                if expected != given {
                    return Err(Rule::CaptureCount {
                        function: second,
                        expected,
                        given,
                    });
                }
                instruction.captures().iter().try_for_each(|word| {
                    match word & CAPTURE_FROM_CLOSURE {
                        0 => check_register(*word, entry.registers),
                        _ => check_capture(word & !CAPTURE_FROM_CLOSURE, entry),
                    }
                })
            }
            Op::CallNative => {
                let arguments = instruction.field(Field::C) as u32;
                if (self.accepts_arity)(second, arguments) {
                    Ok(())
                } else {
                    Err(Rule::NativeArguments {
                        native: second,
                        arguments,
                    })
                }
            }
            Op::JumpEqualConst | Op::JumpNotEqualConst => {
                let constant = instruction.field(Field::Bx) as u32;
                if self.comparable(constant) {
                    Ok(())
                } else {
                    Err(Rule::ComparedConstant(constant))
                }
            }
            Op::GetKeyword
                if self.view.constant_kind(second) != Some(layout::constant::KEYWORD) =>
            {
                Err(Rule::Keyword(second))
            }
            Op::Apply | Op::TailApply if instruction.field(Field::B) == 0 => {
                Err(Rule::NothingToSpread)
            }
            Op::Loop if instruction.field(Field::Signed24) >= 0 => Err(Rule::LoopForward),
            _ => Ok(()),
        }
    }

    /// A `switch` needs values to compare and a `jump` for each in the code after it.
    fn switch(&self, instruction: &Located<'_>, after: &[u32]) -> Result<(), Rule> {
        let constant = instruction.field(Field::Bx) as u32;
        let Ok(ConstantView::Vector(values)) = self.view.constant(constant) else {
            return Err(Rule::SwitchConstant(constant));
        };
        if !values.iter().all(|value| self.comparable(*value)) {
            return Err(Rule::SwitchConstant(constant));
        }
        // A `jump` is one word, so these words are instructions.
        let jumps = after
            .iter()
            .take_while(|word| **word as u8 == Op::Jump as u8);
        if after.len() <= values.len() || jumps.take(values.len()).count() < values.len() {
            return Err(Rule::SwitchJumps(values.len() as u32));
        }
        Ok(())
    }

    fn handlers(&self, entry: &FunctionEntry, words: usize) -> Result<(), Rule> {
        let start = entry.handler_start as usize;
        let entries = self
            .view
            .handler_entries()
            .get(start..start.saturating_add(entry.handler_count as usize))
            .ok_or(Rule::HandlerPlacement)?;
        for (index, &[start, end, target, register]) in entries.iter().enumerate() {
            let index = index as u32;
            let whole = self.is_start(start) && (self.is_start(end) || end as usize == words);
            if start >= end || !whole {
                return Err(Rule::HandlerRange(index));
            }
            if !self.is_start(target) {
                return Err(Rule::HandlerTarget(index));
            }
            if register >= entry.registers || register > u32::from(u8::MAX) {
                return Err(Rule::HandlerRegister {
                    index,
                    register,
                    registers: entry.registers,
                });
            }
        }
        Ok(())
    }

    fn jump(&self, instruction: &Located<'_>) -> Result<(), Rule> {
        let target = instruction.jump_target().unwrap_or(-1);
        match u32::try_from(target) {
            Ok(word) if self.is_start(word) => Ok(()),
            _ => Err(Rule::JumpTarget(target)),
        }
    }

    fn target(&self, function: u32) -> Result<FunctionEntry, Rule> {
        self.view.function(function).map_err(|_| Rule::Index {
            section: Section::Functions,
            index: function,
            count: self.counts.functions,
        })
    }

    /// Whether comparing with the constant needs no recursion and follows `equal?`.
    fn comparable(&self, constant: u32) -> bool {
        use layout::constant as kind;
        let not_nan = |index| !matches!(self.view.constant(index), Ok(ConstantView::Float(value)) if value.is_nan());
        match self.view.constant_kind(constant) {
            Some(
                kind::EMPTY_LIST
                | kind::LIST
                | kind::VECTOR
                | kind::MAP
                | kind::BYTES
                | kind::F64_ARRAY
                | kind::I64_ARRAY,
            )
            | None => false,
            Some(kind::FLOAT) => not_nan(constant),
            Some(kind::COMPLEX) => match self.view.constant(constant) {
                Ok(ConstantView::Complex { real, imaginary }) => {
                    not_nan(real) && not_nan(imaginary)
                }
                _ => false,
            },
            Some(_) => true,
        }
    }

    fn mark(&mut self, pc: u32) {
        if let Some(bits) = self.starts.get_mut(pc as usize / 64) {
            *bits |= 1 << (pc % 64);
        }
    }

    fn is_start(&self, pc: u32) -> bool {
        self.starts
            .get(pc as usize / 64)
            .is_some_and(|bits| bits >> (pc % 64) & 1 != 0)
    }
}

fn check_signature(index: u32, entry: &FunctionEntry) -> Result<(), Rule> {
    let frame = u32::from(entry.parameters) + u32::from(entry.rest);
    if index == 0 && (frame != 0 || entry.captures != 0) {
        return Err(Rule::MainSignature);
    }
    if entry.required > entry.parameters {
        return Err(Rule::Required {
            required: entry.required,
            parameters: entry.parameters,
        });
    }
    if frame > entry.registers {
        return Err(Rule::Parameters {
            parameters: frame,
            registers: entry.registers,
        });
    }
    if entry.registers > MAX_REGISTERS {
        return Err(Rule::Window(entry.registers));
    }
    if entry.code_words == 0 {
        return Err(Rule::NoCode);
    }
    Ok(())
}

fn check_register(register: u32, registers: u32) -> Result<(), Rule> {
    if register < registers {
        return Ok(());
    }
    Err(Rule::Register {
        register,
        registers,
    })
}

/// `start` and `count` come from byte fields, so their sum cannot overflow.
fn check_range(start: u32, count: u32, registers: u32) -> Result<(), Rule> {
    if start + count <= registers {
        return Ok(());
    }
    Err(Rule::Range {
        start,
        end: (start + count).saturating_sub(1),
        registers,
    })
}

fn check_index(section: Section, index: u32, count: u32) -> Result<(), Rule> {
    if index < count {
        return Ok(());
    }
    Err(Rule::Index {
        section,
        index,
        count,
    })
}

fn check_capture(index: u32, entry: &FunctionEntry) -> Result<(), Rule> {
    let count = u32::from(entry.captures);
    if index < count {
        return Ok(());
    }
    Err(Rule::Capture { index, count })
}
