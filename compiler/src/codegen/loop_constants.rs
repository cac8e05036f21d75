//! Constants that a loop's instructions take from registers: loaded once, before the loop.

use super::Failure;
use super::function::FunctionBuilder;
use crate::datum::DatumKind;
use crate::ir::walk::for_each_child;
use crate::ir::{Builtin, Expr, ExprKind};

/// Constants that one loop keeps at most.
const MOST: usize = 8;
/// Registers in use from which on loops keep no constants.
const REGISTERS: u32 = 96;

/// A constant that no instruction takes as an immediate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LoopConstant {
    /// An exact integer of 64 bits.
    Int(i64),
    /// The bits, which tell zeros apart.
    Float(u64),
    /// A truth value.
    Bool(bool),
}

impl LoopConstant {
    fn of(datum: &DatumKind) -> Option<LoopConstant> {
        match datum {
            DatumKind::Int(value) => Some(LoopConstant::Int(*value)),
            DatumKind::Float(value) => Some(LoopConstant::Float(value.to_bits())),
            DatumKind::Bool(value) => Some(LoopConstant::Bool(*value)),
            _ => None,
        }
    }
}

impl FunctionBuilder<'_, '_> {
    /// The register that holds a constant in the loops around here.
    pub fn loop_constant(&self, datum: &DatumKind) -> Option<u8> {
        let wanted = LoopConstant::of(datum)?;
        self.loop_constants
            .iter()
            .find(|(constant, _)| *constant == wanted)
            .map(|(_, register)| *register)
    }

    /// Loads the constants of a loop with these parts into registers, which stay in use.
    pub fn load_loop_constants(&mut self, parts: &[&Expr]) -> Result<(), Failure> {
        let mut found = Vec::new();
        for part in parts {
            collect(part, &mut found);
        }
        found.retain(|datum| self.loop_constant(datum).is_none());
        for datum in found.iter().take(MOST) {
            if self.next >= REGISTERS {
                break;
            }
            if let Some(constant) = LoopConstant::of(datum) {
                let register = self.alloc(self.span)?;
                self.load_constant(datum, register)?;
                self.loop_constants.push((constant, register));
            }
        }
        Ok(())
    }
}

/// The constants that instructions of this code load into registers, each once.
fn collect(expr: &Expr, found: &mut Vec<DatumKind>) {
    match &expr.kind {
        ExprKind::Lambda(_) => return,
        ExprKind::Call(callee, arguments) => {
            if let ExprKind::Builtin(Builtin(name)) = callee.kind {
                let takes = operands(name, arguments.len());
                for argument in arguments {
                    if let ExprKind::Const(datum) = &argument.kind
                        && takes(datum)
                        && !found
                            .iter()
                            .any(|known| LoopConstant::of(known) == LoopConstant::of(datum))
                    {
                        found.push(datum.clone());
                    }
                }
            }
        }
        _ => {}
    }
    for_each_child(expr, &mut |child| collect(child, found));
}

/// Which constant operands of a builtin are loaded into registers.
fn operands(name: &str, count: usize) -> fn(&DatumKind) -> bool {
    match (name, count) {
        ("*" | "/", 2..=8)
        | ("quotient" | "math/quotient" | "remainder" | "math/remainder" | "mod" | "modulo", 2)
        | ("mutable-array/get" | "nth", 2) => {
            |datum| matches!(datum, DatumKind::Int(_) | DatumKind::Float(_))
        }
        ("mutable-array/set!", 3) => |datum| LoopConstant::of(datum).is_some(),
        ("+" | "-", 2..=8) | ("<" | "<=" | ">" | ">=" | "=", 2) => {
            |datum| matches!(datum, DatumKind::Float(_))
        }
        _ => |_| false,
    }
}
