//! Whether a program can stop its tasks while they compute.

use crate::ir::walk::for_each_child;
use crate::ir::{Expr, ExprKind, Unit};

/// Whether code of the unit, into which the library has been linked, can reach a builtin that stops tasks.
pub fn can_stop_tasks(unit: &Unit) -> bool {
    unit.body.iter().any(mentions_one)
}

fn mentions_one(expr: &Expr) -> bool {
    if let ExprKind::Builtin(builtin) = expr.kind {
        return builtin.facts().stops_tasks;
    }
    let mut found = false;
    for_each_child(expr, &mut |child| {
        found = found || mentions_one(child);
    });
    found
}
