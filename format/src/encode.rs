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

#![allow(
    clippy::indexing_slicing,
    reason = "`index` is the place of an item, and above 0"
)]

use crate::combined::reads_twice;
use crate::isa::{CAPTURE_FROM_CLOSURE, Instruction, Op};
use crate::model::{Function, Handler, LineEntry, LocalName};
use crate::operands::{Field, jump_field};

mod rounds;

/// A place in the code, bound or not yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Label(u32);

/// Instructions up to its first branch that are repeated at the end of a loop.
const MOST_REPEATED: usize = 3;

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
    /// Items that count rounds of loops, with the heads of those.
    rounds: Vec<(u32, Label)>,
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
    /// Whether it has turned out not to be needed.
    dropped: bool,
}

impl Item {
    fn words(&self) -> u32 {
        if self.dropped {
            return 0;
        }
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

    /// Appends a copy of register `b` to `a`; two in a row become one instruction.
    pub fn copy(&mut self, a: u8, b: u8) {
        let here = Some(self.items.len() as u32);
        if self.last_bound != here
            && let Some(last) = self.items.last_mut()
            && let Some(Instruction::Move { a: a0, b: b0 }) = Instruction::decode(last.first, None)
        {
            let (first, second) = Instruction::Move2 {
                a: a0,
                b: b0,
                c: a,
                x: u32::from(b),
            }
            .encode();
            (last.op, last.first) = (Op::Move2, first);
            last.second = second.unwrap_or(0);
            self.words += 1;
            return;
        }
        self.emit(Instruction::Move { a, b });
    }

    /// Appends an instruction whose operands from register `temporaries` on are used up by it: if the
    /// last instruction computes one of them, the two may be combined ([`Op::combined`]).
    pub fn emit_using_up(&mut self, instruction: Instruction, temporaries: u32) {
        if let [.., before, last] = &mut self.items[..] {
            let [_, a, b, c] = instruction.encode().0.to_le_bytes();
            let [_, result, ..] = last.first.to_le_bytes();
            // Nobody reads it later: it is a temporary, or this instruction overwrites it.
            let used_up = u32::from(result) >= temporaries || result == a;
            if instruction.op() == Op::ArraySet {
                let [_, _, array, index] = before.first.to_le_bytes();
                if before.op == Op::ElementThenAdd
                    && u32::from(result) >= temporaries
                    && (array, index, result) == (a, b, c)
                {
                    before.combine(Op::ElementThenAddThenSet);
                }
            } else if before.op.combined().is_none()
                && used_up
                && (result == b) != (result == c)
                && let Some(combination) = Op::combination(last.op, &[instruction.op()])
            {
                let other = if result == b { c } else { b };
                last.combine(combination);
                last.first = last.first & !0xff00 | u32::from(other) << 8;
            }
        }
        self.emit(instruction);
    }

    /// Combines instructions with tests of what they compute, wherever one follows the other.
    fn combine_tests(&mut self) {
        for index in 1..self.items.len() {
            if let [first, second] = &mut self.items[index - 1..=index]
                && !second.long
                && first.first.to_le_bytes()[1] == second.first.to_le_bytes()[1]
                && second.target.is_some()
                && !reads_twice(second.op, second.first)
                && let Some(combination) = Op::combination(first.op, &[second.op])
            {
                first.combine(combination);
            }
        }
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

    /// Ends a round of the loop that begins at `head`, which is bound: goes on with the next one.
    ///
    /// Where the loop begins with its test, the test is repeated here and decides between the body
    /// and the way out, so that a round costs one branch ("loop inversion"; A. Aho et al.,
    /// "Compilers", 2nd edition, 2007, 9.1 has it with loop-invariant code motion). Otherwise this
    /// is a jump back.
    pub fn repeat(&mut self, head: Label) {
        let start = self.labels.get(head.0 as usize).copied().flatten();
        let test = start.and_then(|start| Some((start, self.test_of_loop(start)?)));
        let Some((start, test)) = test else {
            return self.jump(Instruction::Loop { s24: 0 }, head);
        };
        let Some(&Item {
            target: Some(out), ..
        }) = self.items.get(test)
        else {
            return self.jump(Instruction::Loop { s24: 0 }, head);
        };
        for place in start as usize..=test {
            self.repeat_position(place as u32);
            let Some(&item) = self.items.get(place) else {
                continue;
            };
            self.words += item.words();
            self.items.push(item);
        }
        let past_test = self.labels.len() as u32;
        self.labels.push(Some(test as u32 + 1));
        let past_test = Label(past_test);
        let bound = self.labels.get(out.0 as usize).is_some_and(Option::is_some);
        if bound {
            // The branch leads to code inside of the loop: so does the copy.
            return self.jump(Instruction::Jump { s24: 0 }, past_test);
        }
        // The branch leaves the loop, so the opposite one stays in it.
        if let Some(copy) = self.items.last_mut() {
            copy.invert();
            copy.target = Some(past_test);
        }
        self.jump(Instruction::Jump { s24: 0 }, out);
    }

    /// The item of the branch with which the loop at `start` begins, after a few simple instructions.
    fn test_of_loop(&self, start: u32) -> Option<usize> {
        use crate::isa::Flow;
        let items = self.items.get(start as usize..)?;
        let length = items
            .iter()
            .take(MOST_REPEATED)
            .position(|item| item.op.info().flow != Flow::Next || item.op == Op::Closure)?;
        let branches = items.get(length)?.op.info().flow == Flow::Branch;
        branches.then_some(start as usize + length)
    }

    /// Announces the source position of an item again.
    fn repeat_position(&mut self, item: u32) {
        let after = self.lines.partition_point(|entry| entry.0 <= item);
        if let Some(&(_, entry)) = after.checked_sub(1).and_then(|at| self.lines.get(at)) {
            self.position_in(entry.file, entry.line, entry.column, entry.context);
        }
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
        self.drop_counted_rounds();
        let positions = self.relax()?;
        self.combine_tests();
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
            if item.dropped {
                continue;
            }
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
            dropped: false,
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
    /// Turns the instruction into one that does the work of the next one, too.
    fn combine(&mut self, combination: Op) {
        self.first = self.first & !0xff | combination as u32;
        self.op = combination;
    }

    /// Turns the branch into its opposite.
    fn invert(&mut self) {
        let opposite = opposite(self.op);
        debug_assert_ne!(opposite, self.op, "every branch has an opposite");
        self.first = self.first & !0xff | opposite as u32;
        self.op = opposite;
    }
}

/// The branch with the same operands that jumps when this one does not.
fn opposite(op: Op) -> Op {
    match op {
        Op::JumpFalse => Op::JumpTrue,
        Op::JumpTrue => Op::JumpFalse,
        Op::JumpLess => Op::JumpNotLess,
        Op::JumpNotLess => Op::JumpLess,
        Op::JumpLessEqual => Op::JumpNotLessEqual,
        Op::JumpNotLessEqual => Op::JumpLessEqual,
        Op::JumpGreater => Op::JumpNotGreater,
        Op::JumpNotGreater => Op::JumpGreater,
        Op::JumpGreaterEqual => Op::JumpNotGreaterEqual,
        Op::JumpNotGreaterEqual => Op::JumpGreaterEqual,
        Op::JumpEqual => Op::JumpNotEqual,
        Op::JumpNotEqual => Op::JumpEqual,
        Op::JumpLessImm => Op::JumpNotLessImm,
        Op::JumpNotLessImm => Op::JumpLessImm,
        Op::JumpLessEqualImm => Op::JumpNotLessEqualImm,
        Op::JumpNotLessEqualImm => Op::JumpLessEqualImm,
        Op::JumpGreaterImm => Op::JumpNotGreaterImm,
        Op::JumpNotGreaterImm => Op::JumpGreaterImm,
        Op::JumpGreaterEqualImm => Op::JumpNotGreaterEqualImm,
        Op::JumpNotGreaterEqualImm => Op::JumpGreaterEqualImm,
        Op::JumpEqualImm => Op::JumpNotEqualImm,
        Op::JumpNotEqualImm => Op::JumpEqualImm,
        Op::JumpEqualConst => Op::JumpNotEqualConst,
        Op::JumpNotEqualConst => Op::JumpEqualConst,
        Op::JumpTest => Op::JumpNotTest,
        Op::JumpNotTest => Op::JumpTest,
        Op::JumpLength => Op::JumpNotLength,
        Op::JumpNotLength => Op::JumpLength,
        other => other,
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
mod tests;
