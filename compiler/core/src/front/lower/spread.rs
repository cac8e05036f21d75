//! How many values an expression spreads into arguments.

use crate::front::datum::DatumKind;
use crate::ir::{Expr, ExprKind};

/// How many elements a sequence has, if the code says it.
pub(super) fn length(expr: &Expr) -> Option<usize> {
    match &expr.kind {
        ExprKind::Const(DatumKind::List(items) | DatumKind::Vector(items)) => Some(items.len()),
        ExprKind::Const(DatumKind::Nil) => Some(0),
        ExprKind::Call(callee, arguments) => {
            let ExprKind::Builtin(builtin) = callee.kind else {
                return None;
            };
            match (builtin.name(), &arguments[..]) {
                ("list" | "%list" | "vector" | "%vector", items) => Some(items.len()),
                ("%values->list", [value]) => values(value),
                _ => None,
            }
        }
        _ => None,
    }
}

/// How many values an expression has, if the code says it.
fn values(expr: &Expr) -> Option<usize> {
    match &expr.kind {
        ExprKind::Const(_) => Some(1),
        ExprKind::Call(callee, arguments) => match callee.kind {
            ExprKind::Builtin(builtin) if builtin.name() == "values" => Some(arguments.len()),
            _ => None,
        },
        _ => None,
    }
}
