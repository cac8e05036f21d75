//! The invariant that all passes rely on and keep: every variable is bound in one place.

use crate::hashing::HashSet;

use crate::ir::walk::for_each_child;
use crate::ir::{Expr, ExprKind, Unit, VarId};

/// A variable that is bound in two places, if there is one.
pub fn bound_twice(unit: &Unit) -> Option<VarId> {
    let mut seen = HashSet::default();
    let mut twice = None;
    for form in &unit.body {
        walk(form, &mut |variable| {
            if !seen.insert(variable) {
                twice = Some(variable);
            }
        });
    }
    twice
}

fn walk(expr: &Expr, bind: &mut dyn FnMut(VarId)) {
    match &expr.kind {
        ExprKind::Let(bindings, _) | ExprKind::Letrec(bindings, _) => {
            bindings.iter().for_each(|(variable, _)| bind(*variable));
        }
        ExprKind::Loop(label, bindings, _) => {
            bind(*label);
            bindings.iter().for_each(|(variable, _)| bind(*variable));
        }
        ExprKind::Try(_, variable, _) => bind(*variable),
        ExprKind::Lambda(lambda) => {
            lambda
                .parameters
                .iter()
                .chain(&lambda.rest)
                .for_each(|variable| bind(*variable));
        }
        _ => {}
    }
    for_each_child(expr, &mut |child| walk(child, bind));
}
