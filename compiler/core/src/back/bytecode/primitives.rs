//! Builtins that are single instructions.

use sema_format::isa::{Instruction, Op};

use crate::front::datum::DatumKind;
use crate::ir::{Builtin, Expr, ExprKind};

/// The instruction for a builtin with this many operands, given the registers.
pub fn instruction(builtin: Builtin, a: u8, operands: &[u8]) -> Option<Instruction> {
    if let Some(operation) = builtin.operation(operands.len()) {
        return of_registers(operation, a, operands);
    }
    let predicate = builtin.predicate()?;
    match *operands {
        [b] => {
            let c = predicate as u8;
            Some(Instruction::Test { a, b, c })
        }
        _ => None,
    }
}

/// The instruction if it takes nothing but registers and has a result; others are made where they are used.
fn of_registers(operation: Op, a: u8, operands: &[u8]) -> Option<Instruction> {
    let instruction = match (operation, operands) {
        (Op::Add, &[b, c]) => Instruction::Add { a, b, c },
        (Op::Subtract, &[b, c]) => Instruction::Subtract { a, b, c },
        (Op::Multiply, &[b, c]) => Instruction::Multiply { a, b, c },
        (Op::Divide, &[b, c]) => Instruction::Divide { a, b, c },
        (Op::Quotient, &[b, c]) => Instruction::Quotient { a, b, c },
        (Op::Remainder, &[b, c]) => Instruction::Remainder { a, b, c },
        (Op::Modulo, &[b, c]) => Instruction::Modulo { a, b, c },
        (Op::Less, &[b, c]) => Instruction::Less { a, b, c },
        (Op::Greater, &[b, c]) => Instruction::Greater { a, b, c },
        (Op::LessEqual, &[b, c]) => Instruction::LessEqual { a, b, c },
        (Op::GreaterEqual, &[b, c]) => Instruction::GreaterEqual { a, b, c },
        (Op::NumEqual, &[b, c]) => Instruction::NumEqual { a, b, c },
        (Op::Equal, &[b, c]) => Instruction::Equal { a, b, c },
        (Op::Negate, &[b]) => Instruction::Negate { a, b },
        (Op::SquareRoot, &[b]) => Instruction::SquareRoot { a, b },
        (Op::Not, &[b]) => Instruction::Not { a, b },
        (Op::First, &[b]) => Instruction::First { a, b },
        (Op::Rest, &[b]) => Instruction::Rest { a, b },
        (Op::Cons, &[b, c]) => Instruction::Cons { a, b, c },
        (Op::Nth, &[b, c]) => Instruction::Nth { a, b, c },
        (Op::Length, &[b]) => Instruction::Length { a, b },
        (Op::Get, &[b, c]) => Instruction::Get { a, b, c },
        (Op::ArrayGet, &[b, c]) => Instruction::ArrayGet { a, b, c },
        (Op::CellGet, &[b]) => Instruction::CellGet { a, b },
        _ => return None,
    };
    Some(instruction)
}

/// The instruction for a step of an operation on three and more numbers, by that for two.
pub fn in_chain(operation: Op, a: u8, b: u8, c: u8) -> Option<Instruction> {
    match operation {
        Op::Add => Some(Instruction::AddNumbers { a, b, c }),
        Op::Subtract => Some(Instruction::SubtractNumbers { a, b, c }),
        Op::Multiply => Some(Instruction::MultiplyNumbers { a, b, c }),
        _ => None,
    }
}

/// The instruction that does the same and tries floats first, if there is one.
pub fn float_first(instruction: Instruction) -> Instruction {
    match instruction {
        Instruction::Add { a, b, c } => Instruction::FloatAdd { a, b, c },
        Instruction::Subtract { a, b, c } => Instruction::FloatSubtract { a, b, c },
        Instruction::Multiply { a, b, c } => Instruction::FloatMultiply { a, b, c },
        // `div` always does.
        other => other,
    }
}

/// Whether a builtin with this many operands is a single instruction.
pub fn is_instruction(builtin: Builtin, operands: usize) -> bool {
    const REGISTERS: [u8; 2] = [0, 0];
    REGISTERS
        .get(..operands)
        .is_some_and(|registers| instruction(builtin, 0, registers).is_some())
}

/// A constant that fits an operand byte.
pub fn small_index(expr: &Expr) -> Option<u8> {
    match expr.kind {
        ExprKind::Const(DatumKind::Int(value)) => u8::try_from(value).ok(),
        _ => None,
    }
}
