//! Constants of loops: operands that no instruction can hold are loaded once, before the loop.

use sema_format::isa::Op;

use super::Failure;
use super::function::FunctionBuilder;
use super::primitives::is_instruction;
use crate::front::datum::{DatumKind, Symbol};
use crate::ir::walk::for_each_child;
use crate::ir::{Expr, ExprKind, GlobalId};
use crate::middle::frames;

/// Registers for constants in one function at any time.
const MOST: usize = 8;
/// Registers in use above which variables need the rest.
const ROOM: u32 = 100;

/// A constant that is cheap to compare.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Hoist {
    Int(i64),
    Float(u64),
    Bool(bool),
    Keyword(Symbol),
}

impl Hoist {
    fn of(expr: &Expr) -> Option<Hoist> {
        match &expr.kind {
            ExprKind::Const(DatumKind::Int(value)) => Some(Hoist::Int(*value)),
            ExprKind::Const(DatumKind::Float(value)) => Some(Hoist::Float(value.to_bits())),
            ExprKind::Const(DatumKind::Bool(value)) => Some(Hoist::Bool(*value)),
            ExprKind::Const(DatumKind::Keyword(symbol)) => Some(Hoist::Keyword(*symbol)),
            _ => None,
        }
    }
}

impl FunctionBuilder<'_, '_> {
    /// The register that holds a constant while a loop runs.
    pub fn hoisted(&self, expr: &Expr) -> Option<u8> {
        let constant = Hoist::of(expr)?;
        let found = self.hoists.iter().find(|(known, _)| *known == constant);
        found.map(|(_, register)| *register)
    }

    /// Loads the constants that the parts of a loop use as operands. Gives what
    /// [`FunctionBuilder::unhoist`] wants to know behind the loop.
    pub fn hoist(&mut self, parts: &[&Expr]) -> Result<usize, Failure> {
        let before = self.hoists.len();
        let mut wanted = Vec::new();
        for part in parts {
            operands(part, &mut |constant| {
                if self.hoisted(constant).is_none()
                    && before + wanted.len() < MOST
                    && let Some(key) = Hoist::of(constant)
                    && !wanted.iter().any(|(known, _)| *known == key)
                {
                    wanted.push((key, constant.clone()));
                }
            });
        }
        for (key, constant) in wanted {
            if self.next >= ROOM {
                break;
            }
            let register = self.alloc(constant.span)?;
            if let ExprKind::Const(datum) = &constant.kind {
                self.load_constant(datum, register)?;
            }
            self.hoists.push((key, register));
        }
        Ok(before)
    }

    /// Loads the constants that a function is certain to use more than once.
    pub fn hoist_repeated(&mut self, body: &Expr) -> Result<(), Failure> {
        let mut seen: Vec<(Hoist, usize, Expr)> = Vec::new();
        certain(body, &mut |constant| {
            if let Some(key) = Hoist::of(constant) {
                let room = seen.len() < 4 * MOST;
                match seen.iter_mut().find(|(known, ..)| *known == key) {
                    Some((_, count, _)) => *count += 1,
                    None if room => seen.push((key, 1, constant.clone())),
                    None => {}
                }
            }
        });
        seen.retain(|(key, count, _)| *count > 1 && !self.hoists.iter().any(|(k, _)| k == key));
        for (key, _, constant) in seen {
            if self.next >= ROOM || self.hoists.len() >= MOST {
                break;
            }
            let register = self.alloc(constant.span)?;
            if let ExprKind::Const(datum) = &constant.kind {
                self.load_constant(datum, register)?;
            }
            self.hoists.push((key, register));
        }
        Ok(())
    }

    /// Forgets the constants of a loop.
    pub fn unhoist(&mut self, before: usize) {
        self.hoists.truncate(before);
    }

    /// Whether a function calls itself in tail position, which is a loop.
    pub fn restarts_itself(&self, expr: &Expr, itself: GlobalId) -> bool {
        match &expr.kind {
            ExprKind::Lambda(_) => false,
            ExprKind::Call(callee, _)
                if matches!(callee.kind, ExprKind::Global(global) if global == itself)
                    && frames::is_tail(expr.span, &self.module.unit.inlined) =>
            {
                true
            }
            _ => {
                let mut found = false;
                for_each_child(expr, &mut |child| {
                    found = found || self.restarts_itself(child, itself);
                });
                found
            }
        }
    }
}

/// Shows the constants that instructions take from registers to `visit`.
fn operands(expr: &Expr, visit: &mut dyn FnMut(&Expr)) {
    // Another function loads its own.
    if !matches!(expr.kind, ExprKind::Lambda(_)) {
        own_operands(expr, visit);
        for_each_child(expr, &mut |child| operands(child, visit));
    }
}

/// The same for one call.
fn own_operands(expr: &Expr, visit: &mut dyn FnMut(&Expr)) {
    if let ExprKind::Call(callee, arguments) = &expr.kind
        && let ExprKind::Builtin(builtin) = callee.kind
        && let operation = builtin.operation(arguments.len())
        && (is_instruction(builtin, arguments.len()) || operation == Some(Op::ArraySet))
    {
        for (index, argument) in arguments.iter().enumerate() {
            if !operation.is_some_and(|operation| is_immediate(operation, index, argument)) {
                visit(argument);
            }
        }
    }
}

/// Like [`operands`], of what is evaluated whenever the expression is.
fn certain(expr: &Expr, visit: &mut dyn FnMut(&Expr)) {
    match &expr.kind {
        ExprKind::Lambda(_) | ExprKind::While(..) | ExprKind::Try(..) => {}
        ExprKind::If(first, ..) => certain(first, visit),
        ExprKind::And(parts) | ExprKind::Or(parts) => {
            if let Some(first) = parts.first() {
                certain(first, visit);
            }
        }
        ExprKind::Loop(_, bindings, _) => {
            bindings.iter().for_each(|(_, init)| certain(init, visit));
        }
        _ => {
            own_operands(expr, visit);
            for_each_child(expr, &mut |child| certain(child, visit));
        }
    }
}

/// Whether the instruction for an operation holds this operand, or does without it.
fn is_immediate(operation: Op, index: usize, operand: &Expr) -> bool {
    match (operation, &operand.kind) {
        (Op::Add, ExprKind::Const(DatumKind::Int(value))) => i8::try_from(*value).is_ok(),
        (Op::Subtract, ExprKind::Const(DatumKind::Int(value))) => {
            index == 1 && i8::try_from(*value).is_ok()
        }
        (
            Op::Less | Op::LessEqual | Op::Greater | Op::GreaterEqual,
            ExprKind::Const(DatumKind::Int(value)),
        ) => index == 1 && i16::try_from(*value).is_ok(),
        (Op::NumEqual, ExprKind::Const(DatumKind::Int(value))) => i16::try_from(*value).is_ok(),
        // Conditions compare with any such constant.
        (Op::NumEqual, ExprKind::Const(DatumKind::Keyword(_) | DatumKind::Bool(_)))
        | (Op::Equal, _) => true,
        _ => false,
    }
}
