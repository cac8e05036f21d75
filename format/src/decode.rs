//! Walking encoded code: the part that the verifier and the disassembler share.

use crate::isa::Operand;
use crate::isa::{Flow, Op};
use crate::operands::{Field, jump_field, operands};

/// An instruction where it lies.
#[derive(Clone, Copy, Debug)]
pub struct Located<'a> {
    /// Its first word, from the start of the function.
    pub pc: u32,
    /// The opcode.
    pub op: Op,
    /// All its words, capture words included.
    pub words: &'a [u32],
}

/// Why there is no instruction at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// No instruction has this opcode.
    #[error("{0:#04x} is not an opcode")]
    UnknownOpcode(u8),
    /// The code ends inside the instruction.
    #[error("the instruction crosses the end of the function")]
    CutOff,
}

/// The instruction at word `pc` of a function.
///
/// # Errors
/// See [`DecodeError`].
pub fn decode_at(code: &[u32], pc: u32) -> Result<Located<'_>, DecodeError> {
    let rest = code.get(pc as usize..).unwrap_or(&[]);
    let first = *rest.first().ok_or(DecodeError::CutOff)?;
    let op = Op::from_byte(first as u8).ok_or(DecodeError::UnknownOpcode(first as u8))?;
    let captures = match op {
        Op::Closure => first >> 16,
        _ => 0,
    };
    let words = rest
        .get(..(op.info().words + captures) as usize)
        .ok_or(DecodeError::CutOff)?;
    Ok(Located { pc, op, words })
}

impl<'a> Located<'a> {
    /// The value of a field.
    pub fn field(&self, field: Field) -> i64 {
        let word = |index: usize| self.words.get(index).copied().unwrap_or(0);
        field.read(word(0), word(1))
    }

    /// The operands in print order.
    pub fn operands(&self) -> impl Iterator<Item = (Field, Operand, i64)> + '_ {
        operands(self.op).map(|(field, kind)| (field, kind, self.field(field)))
    }

    /// The capture words of `closure`; empty for all others.
    pub fn captures(&self) -> &'a [u32] {
        self.words
            .get(self.op.info().words as usize..)
            .unwrap_or(&[])
    }

    /// The word after it.
    pub fn next_pc(&self) -> u32 {
        self.pc.saturating_add(self.words.len() as u32)
    }

    /// Where it jumps to, if it can jump; may lie outside the function.
    pub fn jump_target(&self) -> Option<i64> {
        jump_field(self.op).map(|field| i64::from(self.next_pc()) + self.field(field))
    }

    /// Whether control can go on to the next instruction.
    pub fn falls_through(&self) -> bool {
        matches!(self.op.info().flow, Flow::Next | Flow::Branch)
    }
}
