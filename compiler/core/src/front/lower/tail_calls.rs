//! Calls of names that nothing defines.
//!
//! The operator of a call is looked up after the arguments if it is a global, but before them if the
//! call is in tail position. It can only be told apart when the lookup fails, so only calls of names
//! that nothing defines are rewritten; in others the order of evaluation is free for optimisation.

use std::rc::Rc;

use super::Lowerer;
use super::finish::visit_mut;
use crate::ir::{Expr, ExprKind, GlobalId, VarId};

impl Lowerer<'_, '_> {
    /// Lets tail calls of globals without definition look them up first.
    pub(super) fn look_up_unbound_first(&mut self) {
        let unbound: Vec<bool> = self
            .unit
            .globals
            .iter()
            .map(|global| {
                let bound = global.definitions > 0 || global.shadows.is_some();
                !bound && !self.is_import_bound(&global.name)
            })
            .collect();
        if self.dynamic || !unbound.contains(&true) {
            return;
        }
        let is_unbound = |id: &GlobalId| unbound.get(id.0 as usize) == Some(&true);
        let mut body = std::mem::take(&mut self.unit.body);
        let mut temporary = || self.temporary("operator");
        for form in &mut body {
            visit_mut(form, &mut |expr| {
                if let ExprKind::Lambda(lambda) = &mut expr.kind {
                    let body = &mut Rc::make_mut(lambda).body;
                    rewrite_tail(body, &is_unbound, &mut temporary);
                }
            });
        }
        self.unit.body = body;
    }
}

fn rewrite_tail(
    expr: &mut Expr,
    is_unbound: &dyn Fn(&GlobalId) -> bool,
    temporary: &mut dyn FnMut() -> VarId,
) {
    match &mut expr.kind {
        ExprKind::If(_, then, other) => {
            rewrite_tail(then, is_unbound, temporary);
            rewrite_tail(other, is_unbound, temporary);
        }
        ExprKind::Let(_, body) | ExprKind::Letrec(_, body) | ExprKind::Try(_, _, body) => {
            rewrite_tail(body, is_unbound, temporary);
        }
        ExprKind::And(parts) | ExprKind::Or(parts) | ExprKind::Seq(parts) => {
            if let Some(last) = parts.last_mut() {
                rewrite_tail(last, is_unbound, temporary);
            }
        }
        ExprKind::Call(callee, _) if matches!(&callee.kind, ExprKind::Global(id) if is_unbound(id)) =>
        {
            let span = expr.span;
            let variable = temporary();
            let local = Expr::new(ExprKind::Local(variable), callee.span);
            let operator = std::mem::replace(&mut **callee, local);
            let call = std::mem::replace(expr, Expr::nil(span));
            expr.kind = ExprKind::Let(vec![(variable, operator)], Box::new(call));
        }
        _ => {}
    }
}
