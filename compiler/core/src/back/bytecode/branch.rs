//! Conditions: code that jumps on the truth of an expression instead of computing it.

#![allow(
    clippy::indexing_slicing,
    reason = "a comparison has the number of registers that its instruction takes"
)]

use sema_format::encode::Label;
use sema_format::isa::{Instruction, Op};

use super::Failure;
use super::function::{Dest, FunctionBuilder};
use super::primitives::small_index;
use crate::front::datum::DatumKind;
use crate::ir::{Builtin, Expr, ExprKind, called};

/// Comparison of a register with a register or an immediate.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
}

impl Comparison {
    fn of(operation: Op) -> Option<Comparison> {
        Some(match operation {
            Op::Less => Comparison::Less,
            Op::LessEqual => Comparison::LessEqual,
            Op::Greater => Comparison::Greater,
            Op::GreaterEqual => Comparison::GreaterEqual,
            Op::NumEqual => Comparison::Equal,
            _ => return None,
        })
    }
}

impl FunctionBuilder<'_, '_> {
    /// Jumps to `label` if the truth of `test` is `on`; goes on otherwise.
    pub fn branch(&mut self, test: &Expr, on: bool, label: Label) -> Result<(), Failure> {
        match &test.kind {
            ExprKind::Const(datum) => {
                let truth = !matches!(datum, DatumKind::Nil | DatumKind::Bool(false));
                if truth == on {
                    self.asm.jump(Instruction::Jump { s24: 0 }, label);
                }
                return Ok(());
            }
            ExprKind::And(parts) => return self.branch_sequence(parts, false, on, label),
            ExprKind::Or(parts) => return self.branch_sequence(parts, true, on, label),
            ExprKind::Seq(parts) => {
                if let Some((last, init)) = parts.split_last() {
                    for part in init {
                        self.expr(part, Dest::Effect)?;
                    }
                    return self.branch(last, on, label);
                }
            }
            ExprKind::If(inner, then, other) => {
                return self.branch_conditional(inner, then, other, on, label);
            }
            ExprKind::Call(callee, arguments) => {
                if let ExprKind::Builtin(builtin) = callee.kind
                    && self.branch_builtin(builtin, arguments, test, on, label)?
                {
                    return Ok(());
                }
            }
            _ => {}
        }
        let mark = self.next;
        let register = self.value(test)?;
        self.next = mark;
        self.jump_if(register, on, label);
        Ok(())
    }

    /// Jumps if the truth of a register is `on`.
    pub fn jump_if(&mut self, register: u8, on: bool, label: Label) {
        let instruction = if on {
            Instruction::JumpTrue {
                a: register,
                sbx: 0,
            }
        } else {
            Instruction::JumpFalse {
                a: register,
                sbx: 0,
            }
        };
        self.asm.jump(instruction, label);
    }

    /// `and` (`decided` false) or `or` (`decided` true) as a condition.
    fn branch_sequence(
        &mut self,
        parts: &[Expr],
        decided: bool,
        on: bool,
        label: Label,
    ) -> Result<(), Failure> {
        let Some((last, init)) = parts.split_last() else {
            return Ok(());
        };
        if decided == on {
            for part in parts {
                self.branch(part, on, label)?;
            }
            return Ok(());
        }
        let past = self.asm.new_label();
        for part in init {
            self.branch(part, decided, past)?;
        }
        self.branch(last, on, label)?;
        self.asm.bind(past);
        Ok(())
    }

    fn branch_conditional(
        &mut self,
        inner: &Expr,
        then: &Expr,
        other: &Expr,
        on: bool,
        label: Label,
    ) -> Result<(), Failure> {
        let otherwise = self.asm.new_label();
        let end = self.asm.new_label();
        self.branch(inner, false, otherwise)?;
        self.branch(then, on, label)?;
        if self.asm.falls_through() {
            self.asm.jump(Instruction::Jump { s24: 0 }, end);
        }
        self.asm.bind(otherwise);
        self.branch(other, on, label)?;
        self.asm.bind(end);
        Ok(())
    }

    /// Fused tests; false if the builtin has none.
    fn branch_builtin(
        &mut self,
        builtin: Builtin,
        arguments: &[Expr],
        test: &Expr,
        on: bool,
        label: Label,
    ) -> Result<bool, Failure> {
        let mark = self.next;
        let operation = builtin.operation(arguments.len());
        match arguments {
            [value] if operation == Some(Op::Not) => self.branch(value, !on, label)?,
            [value] => {
                let Some(predicate) = builtin.predicate() else {
                    return Ok(false);
                };
                let a = self.value(value)?;
                self.position(test.span);
                let b = predicate as u8;
                let instruction = if on {
                    Instruction::JumpTest { a, b, sx: 0 }
                } else {
                    Instruction::JumpNotTest { a, b, sx: 0 }
                };
                self.asm.jump(instruction, label);
            }
            [left, right] => {
                if builtin == called::SEQUENCE_OF {
                    let Some(b) = small_index(right) else {
                        return Ok(false);
                    };
                    let a = self.value(left)?;
                    let instruction = if on {
                        Instruction::JumpLength { a, b, sx: 0 }
                    } else {
                        Instruction::JumpNotLength { a, b, sx: 0 }
                    };
                    self.asm.jump(instruction, label);
                } else if let Some(comparison) = operation.and_then(Comparison::of) {
                    self.branch_comparison(comparison, left, right, test, on, label)?;
                } else if operation == Some(Op::Equal) {
                    let (value, constant) = match (atom(left), atom(right)) {
                        (_, Some(constant)) => (left, constant),
                        (Some(constant), _) => (right, constant),
                        _ => return Ok(false),
                    };
                    let Ok(bx) = u16::try_from(self.constant(constant)?) else {
                        return Ok(false);
                    };
                    let a = self.value(value)?;
                    let instruction = if on {
                        Instruction::JumpEqualConst { a, bx, sx: 0 }
                    } else {
                        Instruction::JumpNotEqualConst { a, bx, sx: 0 }
                    };
                    self.asm.jump(instruction, label);
                } else {
                    return Ok(false);
                }
            }
            _ => return Ok(false),
        }
        self.next = mark;
        Ok(true)
    }

    fn branch_comparison(
        &mut self,
        comparison: Comparison,
        left: &Expr,
        right: &Expr,
        test: &Expr,
        on: bool,
        label: Label,
    ) -> Result<(), Failure> {
        let (comparison, value, immediate) = match (immediate(left), immediate(right)) {
            (_, Some(immediate)) => (comparison, left, Some(immediate)),
            // Only `=` never raises: for the others the operands keep their order.
            (Some(immediate), _) if comparison == Comparison::Equal => {
                (comparison, right, Some(immediate))
            }
            _ => (comparison, left, None),
        };
        if let Some(sbx) = immediate {
            let a = self.value(value)?;
            self.position(test.span);
            let sx = 0;
            self.asm.jump(
                match (comparison, on) {
                    (Comparison::Less, true) => Instruction::JumpLessImm { a, sbx, sx },
                    (Comparison::Less, false) => Instruction::JumpNotLessImm { a, sbx, sx },
                    (Comparison::LessEqual, true) => Instruction::JumpLessEqualImm { a, sbx, sx },
                    (Comparison::LessEqual, false) => {
                        Instruction::JumpNotLessEqualImm { a, sbx, sx }
                    }
                    (Comparison::Greater, true) => Instruction::JumpGreaterImm { a, sbx, sx },
                    (Comparison::Greater, false) => Instruction::JumpNotGreaterImm { a, sbx, sx },
                    (Comparison::GreaterEqual, true) => {
                        Instruction::JumpGreaterEqualImm { a, sbx, sx }
                    }
                    (Comparison::GreaterEqual, false) => {
                        Instruction::JumpNotGreaterEqualImm { a, sbx, sx }
                    }
                    (Comparison::Equal, true) => Instruction::JumpEqualImm { a, sbx, sx },
                    (Comparison::Equal, false) => Instruction::JumpNotEqualImm { a, sbx, sx },
                },
                label,
            );
            return Ok(());
        }
        // `=` with a keyword, a string …: equality with a constant that is not a number.
        if comparison == Comparison::Equal
            && let Some((value, constant)) = match (symbolic(left), symbolic(right)) {
                (_, Some(constant)) => Some((left, constant)),
                (Some(constant), _) => Some((right, constant)),
                _ => None,
            }
            && let Ok(bx) = u16::try_from(self.constant(constant)?)
        {
            let a = self.value(value)?;
            let sx = 0;
            let instruction = if on {
                Instruction::JumpEqualConst { a, bx, sx }
            } else {
                Instruction::JumpNotEqualConst { a, bx, sx }
            };
            self.asm.jump(instruction, label);
            return Ok(());
        }
        let registers = self.operands(&[left, right], None)?;
        let (a, b, sx) = (registers[0], registers[1], 0);
        self.position(test.span);
        self.asm.jump(
            match (comparison, on) {
                (Comparison::Less, true) => Instruction::JumpLess { a, b, sx },
                (Comparison::Less, false) => Instruction::JumpNotLess { a, b, sx },
                (Comparison::LessEqual, true) => Instruction::JumpLessEqual { a, b, sx },
                (Comparison::LessEqual, false) => Instruction::JumpNotLessEqual { a, b, sx },
                (Comparison::Greater, true) => Instruction::JumpGreater { a, b, sx },
                (Comparison::Greater, false) => Instruction::JumpNotGreater { a, b, sx },
                (Comparison::GreaterEqual, true) => Instruction::JumpGreaterEqual { a, b, sx },
                (Comparison::GreaterEqual, false) => Instruction::JumpNotGreaterEqual { a, b, sx },
                (Comparison::Equal, true) => Instruction::JumpEqual { a, b, sx },
                (Comparison::Equal, false) => Instruction::JumpNotEqual { a, b, sx },
            },
            label,
        );
        Ok(())
    }
}

/// A small integer constant.
fn immediate(expr: &Expr) -> Option<i16> {
    match expr.kind {
        ExprKind::Const(DatumKind::Int(value)) => i16::try_from(value).ok(),
        _ => None,
    }
}

/// A constant that `equal?` can compare with one instruction.
pub(super) fn atom(expr: &Expr) -> Option<&DatumKind> {
    match &expr.kind {
        ExprKind::Const(datum @ (DatumKind::Int(_) | DatumKind::Nil | DatumKind::Bool(_))) => {
            Some(datum)
        }
        _ => symbolic(expr),
    }
}

/// A constant that is no number and no collection.
pub(super) fn symbolic(expr: &Expr) -> Option<&DatumKind> {
    match &expr.kind {
        ExprKind::Const(
            datum @ (DatumKind::Keyword(_)
            | DatumKind::Symbol(_)
            | DatumKind::Str(_)
            | DatumKind::Char(_)
            | DatumKind::Nil
            | DatumKind::Bool(_)),
        ) => Some(datum),
        _ => None,
    }
}
