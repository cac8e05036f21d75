//! Record types of the top level: their operations become known functions.
//!
//! `define-record-type` makes a type and functions that share it. At the top of a unit that runs once, so
//! the type becomes a global that the program cannot name and each function a definition of its own: calls
//! of them are direct and can be inlined, down to one instruction for a field.

use super::Globals;
use crate::ir::walk::for_each_child_mut;
use crate::ir::{Expr, ExprKind, GlobalId, Unit, VarId, called};

/// Takes the record definitions at the top of a unit apart.
pub fn run(unit: &mut Unit, globals: &mut Globals) {
    let mut body = Vec::with_capacity(unit.body.len());
    for mut form in std::mem::take(&mut unit.body) {
        let Some(variable) = record_type(&form) else {
            body.push(form);
            continue;
        };
        let span = form.span;
        let global = globals.add(&mut unit.globals, "record type", false);
        replace(&mut form, variable, global);
        if let ExprKind::Let(bindings, operations) = form.kind {
            for (_, made) in bindings {
                let define = ExprKind::DefineGlobal(global, Box::new(made));
                body.push(Expr::new(define, span));
            }
            match operations.kind {
                ExprKind::Seq(operations) => body.extend(operations),
                _ => body.push(*operations),
            }
        }
    }
    unit.body = body;
}

/// The variable that holds the type, if the form defines a record type and nothing else.
fn record_type(form: &Expr) -> Option<VarId> {
    let ExprKind::Let(bindings, body) = &form.kind else {
        return None;
    };
    let [(variable, made)] = &bindings[..] else {
        return None;
    };
    let ExprKind::Call(callee, _) = &made.kind else {
        return None;
    };
    let ExprKind::Seq(operations) = &body.kind else {
        return None;
    };
    let plain = operations.iter().all(|operation| match &operation.kind {
        ExprKind::DefineGlobal(_, value) => matches!(value.kind, ExprKind::Lambda(_)),
        ExprKind::Const(_) => true,
        _ => false,
    });
    let makes_type = matches!(callee.kind, ExprKind::Builtin(called::MAKE_RECORD_TYPE));
    (makes_type && plain).then_some(*variable)
}

fn replace(expr: &mut Expr, variable: VarId, global: GlobalId) {
    if matches!(expr.kind, ExprKind::Local(found) if found == variable) {
        expr.kind = ExprKind::Global(global);
    }
    for_each_child_mut(expr, &mut |child| replace(child, variable, global));
}
