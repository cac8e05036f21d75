//! Whether a program can stop its tasks while they compute.

use crate::ir::builtins::Builtins;
use crate::ir::walk::for_each_child;
use crate::ir::{Builtin, Expr, ExprKind, Unit};

/// Whether code of the unit, into which the library has been linked, can reach a builtin that stops tasks.
pub fn can_stop_tasks(unit: &Unit, builtins: &Builtins) -> bool {
    unit.body.iter().any(|form| mentions_one(form, builtins))
}

fn mentions_one(expr: &Expr, builtins: &Builtins) -> bool {
    if let ExprKind::Builtin(Builtin(name)) = &expr.kind {
        let declaration = builtins.resolve(name).and_then(|entry| entry.declaration);
        return declaration.is_some_and(|declaration| declaration.stops_tasks);
    }
    let mut found = false;
    for_each_child(expr, &mut |child| {
        found = found || mentions_one(child, builtins);
    });
    found
}
