//! Combined instructions: those that do the work of the next one, too.

use crate::isa::{INSTRUCTIONS, Op, Operand, OperandInfo};

impl Op {
    /// For an instruction that does the work of the next one, too: the instruction that it stands for,
    /// and what follows it in the code. What follows stays complete and in place. So it can be left
    /// alone when the case of the combination does not apply, jumps may lead there, and every
    /// instruction has its own source position.
    pub const fn combined(self) -> Option<(Op, &'static [Op])> {
        Some(match self {
            Op::MultiplyThenAdd => (Op::FloatMultiply, &[Op::FloatAdd]),
            Op::MultiplyThenSubtract => (Op::FloatMultiply, &[Op::FloatSubtract]),
            Op::MultiplyThenMultiply => (Op::FloatMultiply, &[Op::FloatMultiply]),
            Op::AddThenAdd => (Op::FloatAdd, &[Op::FloatAdd]),
            Op::AddThenMultiply => (Op::FloatAdd, &[Op::FloatMultiply]),
            Op::SubtractThenAdd => (Op::FloatSubtract, &[Op::FloatAdd]),
            Op::SubtractThenMultiply => (Op::FloatSubtract, &[Op::FloatMultiply]),
            Op::ElementThenAdd => (Op::ArrayGet, &[Op::FloatAdd]),
            Op::ElementThenSubtract => (Op::ArrayGet, &[Op::FloatSubtract]),
            Op::ElementThenMultiply => (Op::ArrayGet, &[Op::FloatMultiply]),
            Op::ElementThenAddThenSet => (Op::ArrayGet, &[Op::FloatAdd, Op::ArraySet]),
            Op::ElementThenJumpFalse => (Op::ArrayGet, &[Op::JumpFalse]),
            Op::StepThenJumpLess => (Op::AddImm, &[Op::JumpLess]),
            Op::StepThenJumpNotGreater => (Op::AddImm, &[Op::JumpNotGreater]),
            Op::StepThenJumpNotGreaterEqual => (Op::AddImm, &[Op::JumpNotGreaterEqual]),
            Op::StepThenJumpNotEqual => (Op::AddImm, &[Op::JumpNotEqual]),
            Op::StepThenJumpNotGreaterEqualImm => (Op::AddImm, &[Op::JumpNotGreaterEqualImm]),
            Op::StepThenJumpNotEqualImm => (Op::SubtractImm, &[Op::JumpNotEqualImm]),
            Op::RestThenJumpTest => (Op::Rest, &[Op::JumpTest]),
            Op::RestThenJumpNotTest => (Op::Rest, &[Op::JumpNotTest]),
            _ => return None,
        })
    }

    /// Whether the instruction is combined with one that uses up what it computes: no register gets
    /// it. One operand of the second instruction is where it would have gone, and the other one is
    /// field `a` of the first. [`uncombined`] brings back the destination.
    pub const fn is_used_up(self) -> bool {
        matches!(
            self.combined(),
            Some((
                _,
                [Op::FloatAdd | Op::FloatSubtract | Op::FloatMultiply, ..]
            ))
        )
    }

    /// The instruction without what it is combined with.
    pub const fn alone(self) -> Op {
        match self.combined() {
            Some((first, _)) => first,
            None => self,
        }
    }

    /// The instruction that does the work of one and those after it.
    pub fn combination(first: Op, then: &[Op]) -> Option<Op> {
        INSTRUCTIONS
            .iter()
            .map(|info| info.op)
            .find(|op| op.combined() == Some((first, then)))
    }
}

/// The word of an instruction whose result the next one uses up ([`Op::is_used_up`]) with the
/// destination in field `a`, as if it were not combined. The opcode stays.
#[inline(always)]
pub const fn uncombined(first: u32, second: u32) -> u32 {
    let (other, left, right) = (first >> 8 & 0xFF, second >> 16 & 0xFF, second >> 24);
    let result = if left == other { right } else { left };
    first & !0xFF00 | result << 8
}

/// Whether a comparison has one register as both of its operands. It is not combined with what computes them: that would
/// read the second operand before the first is computed.
pub(crate) fn reads_twice(op: Op, word: u32) -> bool {
    let [_, a, b, _] = word.to_le_bytes();
    let reads_b = |operand: &OperandInfo| operand.field == "b" && operand.kind == Operand::Src;
    a == b && op.info().operands.iter().any(reads_b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::Instruction;

    #[test]
    fn what_is_combined_has_the_operands_of_the_first() {
        for info in INSTRUCTIONS {
            let Some((first, then)) = info.op.combined() else {
                continue;
            };
            let fields = |op: Op| -> Vec<_> {
                let operands = op.info().operands.iter();
                // What is used up has an operand of the second where its destination was.
                let skipped = usize::from(info.op.is_used_up());
                operands.skip(skipped).map(|o| (o.field, o.kind)).collect()
            };
            assert_eq!(fields(info.op), fields(first), "{}", info.mnemonic);
            assert_eq!(info.words, first.info().words, "{}", info.mnemonic);
            assert_eq!(Op::combination(first, then), Some(info.op));
            assert_eq!(info.op.alone(), first);
            let (_, but_last) = then.split_last().unwrap();
            assert!(but_last.iter().all(|op| op.info().words == 1));
        }
    }

    #[test]
    fn the_destination_of_what_is_used_up_is_an_operand_of_the_second() {
        for (b, c, other) in [(4, 7, 7), (7, 4, 7)] {
            let first = Instruction::MultiplyThenAdd {
                a: other,
                b: 1,
                c: 2,
            }
            .encode()
            .0;
            let second = Instruction::FloatAdd { a: 3, b, c }.encode().0;
            let alone = Instruction::MultiplyThenAdd { a: 4, b: 1, c: 2 }.encode().0;
            assert_eq!(uncombined(first, second), alone);
        }
    }
}
