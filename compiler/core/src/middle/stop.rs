//! Whether a program can stop its tasks while they compute.

use crate::ir::walk::for_each_child;
use crate::ir::{Builtin, Expr, ExprKind, Unit};

/// Builtins that stop tasks.
const STOPPING: &[&str] = &["async/cancel", "async/timeout"];

/// Whether code of the unit, into which the library has been linked, can reach a builtin that stops tasks.
pub fn can_stop_tasks(unit: &Unit) -> bool {
    unit.body.iter().any(mentions_stopping)
}

fn mentions_stopping(expr: &Expr) -> bool {
    if let ExprKind::Builtin(Builtin(name)) = &expr.kind {
        return STOPPING.contains(name);
    }
    let mut found = false;
    for_each_child(expr, &mut |child| found = found || mentions_stopping(child));
    found
}
