//! Operands of encoded instructions, addressed through the table.
//!
//! The instruction table names fields by text. This module turns those names into
//! [`Field`]s once, at compile time, so that whatever walks encoded code (assembler,
//! verifier, disassembler) reads and writes operands without matching on opcodes.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "evaluated when the crate is compiled"
)]

use crate::isa::{INSTRUCTIONS, Op, OpInfo, Operand};

/// A place in an instruction's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Second byte.
    A,
    /// Third byte.
    B,
    /// Fourth byte.
    C,
    /// Fourth byte, signed.
    SignedC,
    /// Upper half.
    Bx,
    /// Upper half, signed.
    SignedBx,
    /// Upper three bytes, signed.
    Signed24,
    /// Second word.
    X,
    /// Second word, signed.
    SignedX,
}

/// The most operands an instruction has.
pub const MAX_OPERANDS: usize = 4;

/// Operands of one instruction, in print order; unused entries come last.
pub type Layout = [Option<(Field, Operand)>; MAX_OPERANDS];

/// Operand layouts, indexed by opcode like [`INSTRUCTIONS`].
pub static LAYOUTS: [Layout; INSTRUCTIONS.len()] = layouts();

/// The operands of `op`.
pub fn operands(op: Op) -> impl Iterator<Item = (Field, Operand)> {
    let layout: &'static [Option<(Field, Operand)>] = match LAYOUTS.get(op as usize) {
        Some(layout) => layout,
        None => &[],
    };
    layout.iter().map_while(|entry| *entry)
}

/// The field that holds the jump offset of `op`, if it has one.
pub fn jump_field(op: Op) -> Option<Field> {
    operands(op)
        .find(|(_, kind)| *kind == Operand::Jump)
        .map(|(field, _)| field)
}

impl Field {
    /// Reads the field from the first and second word.
    pub fn read(self, first: u32, second: u32) -> i64 {
        match self {
            Field::A => i64::from(first >> 8 & 0xff),
            Field::B => i64::from(first >> 16 & 0xff),
            Field::C => i64::from(first >> 24),
            Field::SignedC => i64::from((first >> 24) as u8 as i8),
            Field::Bx => i64::from(first >> 16),
            Field::SignedBx => i64::from((first >> 16) as u16 as i16),
            Field::Signed24 => i64::from(first as i32 >> 8),
            Field::X => i64::from(second),
            Field::SignedX => i64::from(second as i32),
        }
    }

    /// Replaces the field; `false` when the value does not fit, and then nothing changes.
    #[must_use]
    pub fn write(self, first: &mut u32, second: &mut u32, value: i64) -> bool {
        let (low, high) = self.range();
        if value < low || value > high {
            return false;
        }
        let bits = value as u32;
        match self {
            Field::A => *first = *first & !0xff00 | bits << 8,
            Field::B => *first = *first & !0xff_0000 | bits << 16,
            Field::C | Field::SignedC => *first = *first & 0xff_ffff | bits << 24,
            Field::Bx | Field::SignedBx => *first = *first & 0xffff | bits << 16,
            Field::Signed24 => *first = *first & 0xff | bits << 8,
            Field::X | Field::SignedX => *second = bits,
        }
        true
    }

    /// The smallest and the largest value.
    pub const fn range(self) -> (i64, i64) {
        match self {
            Field::A | Field::B | Field::C => (0, 0xff),
            Field::SignedC => (-0x80, 0x7f),
            Field::Bx => (0, 0xffff),
            Field::SignedBx => (-0x8000, 0x7fff),
            Field::Signed24 => (-0x80_0000, 0x7f_ffff),
            Field::X => (0, 0xffff_ffff),
            Field::SignedX => (-0x8000_0000, 0x7fff_ffff),
        }
    }
}

/// Evaluated at compile time only, where an unknown field name or too many operands stop the build.
const fn layouts() -> [Layout; INSTRUCTIONS.len()] {
    let mut table = [[None; MAX_OPERANDS]; INSTRUCTIONS.len()];
    let mut index = 0;
    while index < INSTRUCTIONS.len() {
        table[index] = layout(&INSTRUCTIONS[index]);
        index += 1;
    }
    table
}

const fn layout(info: &OpInfo) -> Layout {
    let mut entries = [None; MAX_OPERANDS];
    let mut index = 0;
    while index < info.operands.len() {
        let operand = &info.operands[index];
        entries[index] = Some((field_named(operand.field.as_bytes()), operand.kind));
        index += 1;
    }
    entries
}

const fn field_named(name: &[u8]) -> Field {
    match name {
        b"a" => Field::A,
        b"b" => Field::B,
        b"c" => Field::C,
        b"sc" => Field::SignedC,
        b"bx" => Field::Bx,
        b"sbx" => Field::SignedBx,
        b"s24" => Field::Signed24,
        b"x" => Field::X,
        b"sx" => Field::SignedX,
        _ => panic!("unknown field name in the instruction table"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::Instruction;

    #[test]
    fn fields_agree_with_the_encoder() {
        let (first, second) = Instruction::JumpLessImm {
            a: 3,
            sbx: -2,
            sx: -70_000,
        }
        .encode();
        let second = second.unwrap();
        let values: Vec<i64> = operands(Op::JumpLessImm)
            .map(|(field, _)| field.read(first, second))
            .collect();
        assert_eq!(values, [3, -2, -70_000]);
    }

    #[test]
    fn written_values_are_read_back_and_others_refused() {
        let fields = [
            Field::A,
            Field::B,
            Field::C,
            Field::SignedC,
            Field::Bx,
            Field::SignedBx,
            Field::Signed24,
            Field::X,
            Field::SignedX,
        ];
        for field in fields {
            let (low, high) = field.range();
            for value in [low, high, 1] {
                for fill in [0u32, u32::MAX] {
                    let (mut first, mut second) = (fill, fill);
                    assert!(field.write(&mut first, &mut second, value));
                    assert_eq!(field.read(first, second), value, "{field:?}");
                    assert_eq!(first & 0xff, fill & 0xff, "the opcode stays");
                }
            }
            let (mut first, mut second) = (7, 7);
            assert!(!field.write(&mut first, &mut second, low - 1));
            assert!(!field.write(&mut first, &mut second, high + 1));
            assert_eq!((first, second), (7, 7));
        }
    }
}
