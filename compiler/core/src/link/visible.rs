//! Programs whose modules code of run time can see.
//!
//! A path that is computed may name any module of the program, a plugin may import one, and evaluated code
//! reads globals by name. The modules of such programs stay apart, each with all its names.

use crate::ir::walk::for_each_child;
use crate::ir::{Expr, ExprKind, Unit};

/// Whether code of run time can see the modules of a program.
pub(super) fn at_run_time(units: &[Unit]) -> bool {
    units
        .iter()
        .any(|unit| unit.dynamic || unit.body.iter().any(finds_modules))
}

fn finds_modules(expr: &Expr) -> bool {
    if let ExprKind::Builtin(builtin) = expr.kind
        && builtin.facts().finds_modules
    {
        return true;
    }
    let mut found = false;
    for_each_child(expr, &mut |child| found = found || finds_modules(child));
    found
}
