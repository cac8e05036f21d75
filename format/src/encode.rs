//! The assembler of the code generator: instructions and labels in, words out.
//!
//! Jumps name labels, which may be bound later. Short conditional jumps (16-bit
//! offset) that turn out too far are replaced by the inverted branch over a `jump`
//! with its 24-bit offset. Because that moves what follows, no final position
//! exists before [`Assembler::finish`]: handlers, line entries and local names are
//! given by labels or by the place where they are announced.
//!
//! ```
//! use sema_format::encode::Assembler;
//! use sema_format::isa::Instruction;
//! let mut assembler = Assembler::new();
//! let end = assembler.new_label();
//! assembler.jump(Instruction::JumpFalse { a: 0, sbx: 0 }, end);
//! assembler.emit(Instruction::LoadInt { a: 0, sbx: 1 });
//! assembler.bind(end);
//! assembler.emit(Instruction::Return { a: 0 });
//! assert_eq!(assembler.finish().unwrap().code.len(), 3);
//! ```

use crate::isa::{CAPTURE_FROM_CLOSURE, Instruction, Op};
use crate::model::{Function, Handler, LineEntry, LocalName};
use crate::operands::{Field, jump_field};

/// A place in the code, bound or not yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Label(u32);

/// Where a closure gets a captured variable from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capture {
    /// A register of the frame that makes the closure.
    Register(u32),
    /// A captured variable of the closure that is running.
    Captured(u32),
}

/// Why code cannot be assembled. All of these are limits of the encoding or mistakes of the
/// code generator; none is the fault of a program's text as such.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssembleError {
    /// A label was used and never bound.
    #[error("label {} is used but not bound", .0.0)]
    Unbound(Label),
    /// A label was bound twice.
    #[error("label {} is bound twice", .0.0)]
    BoundTwice(Label),
    /// The function is too large for its jumps.
    #[error("a jump of {offset} words does not fit `{mnemonic}`: the function is too large")]
    TooFar {
        /// The jump.
        mnemonic: &'static str,
        /// The offset it needs.
        offset: i64,
    },
    /// An instruction without a jump operand was given a label, or one with it was not.
    #[error("`{0}` was emitted in the wrong way")]
    Misused(&'static str),
    /// More captured variables than the encoding has room for.
    #[error("a closure captures {0} variables; at most 65535 are possible")]
    TooManyCaptures(usize),
}

/// The assembled parts of a function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assembled {
    /// The instruction words.
    pub code: Vec<u32>,
    /// The exception handlers in the order in which they were added.
    pub handlers: Vec<Handler>,
    /// Source positions.
    pub lines: Vec<LineEntry>,
    /// Names of local variables.
    pub locals: Vec<LocalName>,
}

impl Assembled {
    /// Moves the parts into `function`.
    pub fn install(self, function: &mut Function) {
        function.code = self.code;
        function.handlers = self.handlers;
        function.lines = self.lines;
        function.locals = self.locals;
    }
}

/// Collects the code of one function.
#[derive(Clone, Debug, Default)]
pub struct Assembler {
    items: Vec<Item>,
    /// Capture words of all closures, in order.
    captures: Vec<u32>,
    /// For each label the item it precedes.
    labels: Vec<Option<u32>>,
    handlers: Vec<(Label, Label, Label, u8)>,
    /// Item, and position whose `pc` is not known yet.
    lines: Vec<(u32, LineEntry)>,
    locals: Vec<(String, u32, Label, Label)>,
    words: u32,
    /// The item that the label bound last precedes.
    last_bound: Option<u32>,
    error: Option<AssembleError>,
}

/// One instruction before its position is known.
#[derive(Clone, Copy, Debug)]
struct Item {
    op: Op,
    first: u32,
    second: u32,
    target: Option<Label>,
    captures: u16,
    /// Whether it has become an inverted branch over a `jump`.
    long: bool,
}

impl Item {
    fn words(&self) -> u32 {
        self.op.info().words + u32::from(self.captures) + u32::from(self.long)
    }
}

impl Assembler {
    /// An assembler without code.
    pub fn new() -> Assembler {
        Assembler::default()
    }

    /// Appends an instruction that neither jumps nor has words after it.
    pub fn emit(&mut self, instruction: Instruction) {
        let op = instruction.op();
        if jump_field(op).is_some() || op == Op::Closure {
            self.fail(AssembleError::Misused(op.info().mnemonic));
        }
        self.push(instruction, None, 0);
    }

    /// Appends an instruction with a jump operand; its offset is filled in later, whatever it is now.
    pub fn jump(&mut self, instruction: Instruction, target: Label) {
        let op = instruction.op();
        if jump_field(op).is_none() {
            self.fail(AssembleError::Misused(op.info().mnemonic));
        }
        self.push(instruction, Some(target), 0);
    }

    /// Appends `closure` with its capture words.
    pub fn closure(&mut self, destination: u8, function: u32, captures: &[Capture]) {
        let Ok(count) = u16::try_from(captures.len()) else {
            return self.fail(AssembleError::TooManyCaptures(captures.len()));
        };
        self.captures
            .extend(captures.iter().map(|capture| match *capture {
                Capture::Register(register) => register & !CAPTURE_FROM_CLOSURE,
                Capture::Captured(index) => index | CAPTURE_FROM_CLOSURE,
            }));
        let instruction = Instruction::Closure {
            a: destination,
            bx: count,
            x: function,
        };
        self.push(instruction, None, count);
    }

    /// A label that is not bound yet.
    pub fn new_label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() as u32 - 1)
    }

    /// Binds a label to the next instruction, or to the end of the code.
    pub fn bind(&mut self, label: Label) {
        let position = self.items.len() as u32;
        self.last_bound = Some(position);
        match self.labels.get_mut(label.0 as usize) {
            Some(slot @ None) => *slot = Some(position),
            Some(Some(_)) => self.fail(AssembleError::BoundTwice(label)),
            None => self.fail(AssembleError::Unbound(label)),
        }
    }

    /// A label bound to the next instruction.
    pub fn here(&mut self) -> Label {
        self.last_bound = Some(self.items.len() as u32);
        self.labels.push(Some(self.items.len() as u32));
        Label(self.labels.len() as u32 - 1)
    }

    /// Covers the code between two labels with a handler. Inner handlers must be added before
    /// the ones around them. A range that turns out empty is dropped.
    pub fn handler(&mut self, start: Label, end: Label, target: Label, register: u8) {
        self.handlers.push((start, end, target, register));
    }

    /// Announces the source position of the next instructions, code of the function itself.
    pub fn position(&mut self, file: u32, line: u32, column: u32) {
        self.position_in(file, line, column, 0);
    }

    /// Announces the source position and the context ([`LineEntry::context`]) of the next
    /// instructions.
    pub fn position_in(&mut self, file: u32, line: u32, column: u32, context: u32) {
        let item = self.items.len() as u32;
        let entry = LineEntry {
            pc: 0,
            file,
            line,
            column,
            context,
        };
        if let Some(last) = self.lines.last_mut() {
            if last.1 == entry {
                return;
            }
            if last.0 == item {
                last.1 = entry;
                return;
            }
        }
        self.lines.push((item, entry));
    }

    /// Names the variable in a slot between two labels.
    pub fn local(&mut self, name: String, register: u32, start: Label, end: Label) {
        self.locals.push((name, register, start, end));
    }

    /// How many words there are so far; long jumps may still add to it.
    pub fn pc(&self) -> u32 {
        self.words
    }

    /// Whether control can reach the next instruction: from the last one, or by a jump to a label
    /// that is bound here.
    pub fn falls_through(&self) -> bool {
        use crate::isa::Flow;
        self.last_bound == Some(self.items.len() as u32)
            || self
                .items
                .last()
                .is_none_or(|item| !matches!(item.op.info().flow, Flow::Jump | Flow::Exit))
    }

    /// Resolves all labels.
    ///
    /// # Errors
    /// The first mistake, see [`AssembleError`].
    pub fn finish(mut self) -> Result<Assembled, AssembleError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let positions = self.relax()?;
        let place = |label: Label| -> Result<u32, AssembleError> {
            self.labels
                .get(label.0 as usize)
                .copied()
                .flatten()
                .and_then(|item| positions.get(item as usize).copied())
                .ok_or(AssembleError::Unbound(label))
        };

        let mut code = Vec::with_capacity(self.words as usize);
        let mut captures = self.captures.iter().copied();
        for item in &self.items {
            let mut item = *item;
            if let Some(target) = item.target {
                let target = i64::from(place(target)?);
                if item.long {
                    item.invert();
                    put_offset(&mut item, 1)?;
                    code.push(item.first);
                    item.first = Op::Jump as u32;
                    item.op = Op::Jump;
                }
                let after = code.len() as i64 + i64::from(item.op.info().words);
                put_offset(&mut item, target - after)?;
            }
            code.push(item.first);
            if item.op.info().words > 1 {
                code.push(item.second);
            }
            code.extend(captures.by_ref().take(usize::from(item.captures)));
        }

        let mut handlers = Vec::with_capacity(self.handlers.len());
        for &(start, end, target, register) in &self.handlers {
            let handler = Handler {
                start: place(start)?,
                end: place(end)?,
                target: place(target)?,
                register,
            };
            if handler.start < handler.end {
                handlers.push(handler);
            }
        }
        let lines = self
            .lines
            .iter()
            .filter(|entry| (entry.0 as usize) < self.items.len())
            .filter_map(|&(item, entry)| {
                let pc = *positions.get(item as usize)?;
                Some(LineEntry { pc, ..entry })
            })
            .collect();
        let mut locals = Vec::with_capacity(self.locals.len());
        for (name, register, start, end) in &self.locals {
            locals.push(LocalName {
                name: name.clone(),
                register: *register,
                start: place(*start)?,
                end: place(*end)?,
            });
        }
        Ok(Assembled {
            code,
            handlers,
            lines,
            locals,
        })
    }

    fn push(&mut self, instruction: Instruction, target: Option<Label>, captures: u16) {
        let (first, second) = instruction.encode();
        let item = Item {
            op: instruction.op(),
            first,
            second: second.unwrap_or(0),
            target,
            captures,
            long: false,
        };
        self.words += item.words();
        self.items.push(item);
    }

    fn fail(&mut self, error: AssembleError) {
        self.error.get_or_insert(error);
    }

    /// Makes jumps long until all fit; returns the position of each item and of the end.
    /// Ends because a long jump never becomes short again.
    fn relax(&mut self) -> Result<Vec<u32>, AssembleError> {
        loop {
            let mut positions = Vec::with_capacity(self.items.len() + 1);
            let mut position = 0;
            for item in &self.items {
                positions.push(position);
                position += item.words();
            }
            positions.push(position);
            self.words = position;

            let mut changed = false;
            for (index, item) in self.items.iter_mut().enumerate() {
                let Some(label) = item.target else { continue };
                if item.long || jump_field(item.op) != Some(Field::SignedBx) {
                    continue;
                }
                let target = self
                    .labels
                    .get(label.0 as usize)
                    .copied()
                    .flatten()
                    .and_then(|target| positions.get(target as usize))
                    .ok_or(AssembleError::Unbound(label))?;
                let after = positions.get(index).map_or(0, |at| at + item.words());
                let (low, high) = Field::SignedBx.range();
                if !(low..=high).contains(&(i64::from(*target) - i64::from(after))) {
                    item.long = true;
                    changed = true;
                }
            }
            if !changed {
                return Ok(positions);
            }
        }
    }
}

impl Item {
    /// Turns the short branch into its opposite.
    fn invert(&mut self) {
        let opposite = match self.op {
            Op::JumpFalse => Op::JumpTrue,
            Op::JumpTrue => Op::JumpFalse,
            other => other,
        };
        debug_assert_ne!(opposite, self.op, "every short branch has an opposite");
        self.first = self.first & !0xff | opposite as u32;
        self.op = opposite;
    }
}

fn put_offset(item: &mut Item, offset: i64) -> Result<(), AssembleError> {
    let mnemonic = item.op.info().mnemonic;
    let field = jump_field(item.op).ok_or(AssembleError::Misused(mnemonic))?;
    if field.write(&mut item.first, &mut item.second, offset) {
        Ok(())
    } else {
        Err(AssembleError::TooFar { mnemonic, offset })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::INSTRUCTIONS;

    #[test]
    fn every_short_branch_has_an_opposite() {
        for info in INSTRUCTIONS {
            if jump_field(info.op) == Some(Field::SignedBx) {
                let mut item = Item {
                    op: info.op,
                    first: info.op as u32,
                    second: 0,
                    target: None,
                    captures: 0,
                    long: true,
                };
                item.invert();
                assert_ne!(item.op, info.op, "{}", info.mnemonic);
                item.invert();
                assert_eq!(item.op, info.op, "{}", info.mnemonic);
            }
        }
    }

    #[test]
    fn forward_and_backward_jumps() {
        let mut assembler = Assembler::new();
        let top = assembler.here();
        let out = assembler.new_label();
        assembler.jump(
            Instruction::JumpNotLessImm {
                a: 0,
                sbx: 10,
                sx: 0,
            },
            out,
        );
        assembler.emit(Instruction::AddImm { a: 0, b: 0, sc: 1 });
        assembler.jump(Instruction::Loop { s24: 0 }, top);
        assembler.bind(out);
        assembler.emit(Instruction::Return { a: 0 });
        let code = assembler.finish().unwrap().code;
        assert_eq!(code[1], 2);
        assert_eq!(
            Instruction::decode(code[3], None),
            Some(Instruction::Loop { s24: -4 })
        );
    }

    #[test]
    fn far_branches_are_inverted_over_a_jump() {
        for padding in [32_765u32, 32_766, 32_767, 32_768, 40_000] {
            let mut assembler = Assembler::new();
            let end = assembler.new_label();
            assembler.jump(Instruction::JumpTrue { a: 7, sbx: 0 }, end);
            let protected = assembler.here();
            for _ in 0..padding {
                assembler.position(0, 1, 1);
                assembler.emit(Instruction::Move { a: 0, b: 1 });
            }
            assembler.bind(end);
            assembler.handler(protected, end, end, 2);
            assembler.emit(Instruction::Return { a: 0 });
            let done = assembler.finish().unwrap();
            let long = padding > 32_767;
            let start = if long { 2 } else { 1 };
            assert_eq!(done.code.len() as u32, padding + start + 1);
            assert_eq!(done.handlers[0].start, start);
            assert_eq!(done.handlers[0].end, start + padding);
            assert_eq!(done.lines[0].pc, start);
            if long {
                assert_eq!(
                    Instruction::decode(done.code[0], None),
                    Some(Instruction::JumpFalse { a: 7, sbx: 1 })
                );
                assert_eq!(
                    Instruction::decode(done.code[1], None),
                    Some(Instruction::Jump {
                        s24: padding as i32
                    })
                );
            }
        }
    }

    #[test]
    fn far_backward_branches() {
        let mut assembler = Assembler::new();
        let top = assembler.here();
        for _ in 0..40_000 {
            assembler.emit(Instruction::Move { a: 0, b: 1 });
        }
        assembler.jump(Instruction::JumpFalse { a: 1, sbx: 0 }, top);
        assembler.emit(Instruction::Return { a: 0 });
        let code = assembler.finish().unwrap().code;
        assert_eq!(
            Instruction::decode(code[40_001], None),
            Some(Instruction::Jump { s24: -40_002 })
        );
    }

    #[test]
    fn closures_carry_their_capture_words() {
        let mut assembler = Assembler::new();
        assembler.closure(4, 9, &[Capture::Register(3), Capture::Captured(1)]);
        assembler.emit(Instruction::Return { a: 4 });
        let code = assembler.finish().unwrap().code;
        assert_eq!(code[1..4], [9, 3, CAPTURE_FROM_CLOSURE | 1]);
    }

    #[test]
    fn mistakes_are_reported() {
        let mut unbound = Assembler::new();
        let label = unbound.new_label();
        unbound.jump(Instruction::Jump { s24: 0 }, label);
        assert_eq!(unbound.finish(), Err(AssembleError::Unbound(label)));

        let mut twice = Assembler::new();
        let label = twice.here();
        twice.bind(label);
        assert_eq!(twice.finish(), Err(AssembleError::BoundTwice(label)));

        let mut misused = Assembler::new();
        misused.emit(Instruction::Jump { s24: 0 });
        assert_eq!(misused.finish(), Err(AssembleError::Misused("jump")));
    }

    #[test]
    fn equal_positions_share_an_entry() {
        let mut assembler = Assembler::new();
        assembler.position(0, 1, 1);
        assembler.position(0, 2, 1);
        assembler.emit(Instruction::Move { a: 0, b: 1 });
        assembler.position(0, 2, 1);
        assembler.emit(Instruction::Return { a: 0 });
        assembler.position(0, 3, 1);
        let lines = assembler.finish().unwrap().lines;
        assert_eq!(lines.len(), 1);
        assert_eq!((lines[0].pc, lines[0].line), (0, 2));
    }
}
