//! Builtins that are single instructions.

use sema_format::isa::Instruction;

use crate::front::datum::DatumKind;
use crate::ir::builtins::predicate;
use crate::ir::{Expr, ExprKind};

/// The instruction for a builtin with this many operands, given the registers.
pub fn instruction(name: &str, a: u8, operands: &[u8]) -> Option<Instruction> {
    let instruction = match (name, operands) {
        ("+", &[b, c]) => Instruction::Add { a, b, c },
        ("-", &[b, c]) => Instruction::Subtract { a, b, c },
        ("*", &[b, c]) => Instruction::Multiply { a, b, c },
        ("/", &[b, c]) => Instruction::Divide { a, b, c },
        ("quotient" | "math/quotient", &[b, c]) => Instruction::Quotient { a, b, c },
        ("remainder" | "math/remainder", &[b, c]) => Instruction::Remainder { a, b, c },
        ("mod" | "modulo", &[b, c]) => Instruction::Modulo { a, b, c },
        ("<", &[b, c]) => Instruction::Less { a, b, c },
        (">", &[b, c]) => Instruction::Greater { a, b, c },
        ("<=", &[b, c]) => Instruction::LessEqual { a, b, c },
        (">=", &[b, c]) => Instruction::GreaterEqual { a, b, c },
        ("=", &[b, c]) => Instruction::NumEqual { a, b, c },
        ("equal?" | "eq?", &[b, c]) => Instruction::Equal { a, b, c },
        ("-", &[b]) => Instruction::Negate { a, b },
        ("sqrt" | "math/sqrt", &[b]) => Instruction::SquareRoot { a, b },
        ("not", &[b]) => Instruction::Not { a, b },
        ("car" | "first", &[b]) => Instruction::First { a, b },
        ("cdr" | "rest", &[b]) => Instruction::Rest { a, b },
        ("cons", &[b, c]) => Instruction::Cons { a, b, c },
        ("nth", &[b, c]) => Instruction::Nth { a, b, c },
        ("length", &[b]) => Instruction::Length { a, b },
        ("get" | "hash-ref", &[b, c]) => Instruction::Get { a, b, c },
        ("mutable-array/get", &[b, c]) => Instruction::ArrayGet { a, b, c },
        ("mutable-cell/get", &[b]) => Instruction::CellGet { a, b },
        (_, &[b]) => Instruction::Test {
            a,
            b,
            c: predicate(name)? as u8,
        },
        _ => return None,
    };
    Some(instruction)
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
pub fn is_instruction(name: &str, operands: usize) -> bool {
    const REGISTERS: [u8; 2] = [0, 0];
    REGISTERS
        .get(..operands)
        .is_some_and(|registers| instruction(name, 0, registers).is_some())
}

/// A constant that fits an operand byte.
pub fn small_index(expr: &Expr) -> Option<u8> {
    match expr.kind {
        ExprKind::Const(DatumKind::Int(value)) => u8::try_from(value).ok(),
        _ => None,
    }
}
