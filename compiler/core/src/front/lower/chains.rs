//! Chains of conditionals, and how long forms may be that become nested expressions.
//!
//! Passes recurse over expressions. A chain of conditionals is as deep as it is long, so one with many clauses is cut:
//! each part is a function without parameters, which the part before it calls at its end.

use super::Lowerer;
use super::control::if_expr;
use super::lambda::thunk_of;
use crate::front::datum::Span;
use crate::front::diagnostic::{Diagnostic, Fallible};
use crate::ir::{Expr, ExprKind, VarId};

/// Most clauses of one part.
const PART: usize = 1000;

/// Most names that one form binds one after the other: each is visible in what follows, so they are nested.
const MOST_NESTED: usize = 20_000;

/// A test, the value if it is true, and the clause.
pub(super) type Branch = (Expr, Expr, Span);

impl Lowerer<'_, '_> {
    /// The value of the first branch whose test is true.
    pub(super) fn chain(
        &mut self,
        mut branches: Vec<Branch>,
        mut otherwise: Expr,
        span: Span,
    ) -> Expr {
        let mut functions: Vec<(VarId, Expr)> = Vec::new();
        while branches.len() > PART {
            let rest = (branches.len() - 1) / PART * PART;
            let part = nested(branches.split_off(rest), otherwise);
            let function = self.temporary("clauses");
            functions.push((function, thunk_of(part, span)));
            let callee = Box::new(Self::local(function, span));
            otherwise = Expr::new(ExprKind::Call(callee, Vec::new()), span);
        }
        let first = nested(branches, otherwise);
        if functions.is_empty() {
            return first;
        }
        // Each refers to the next one, so that no pass puts one into the other.
        functions.reverse();
        Expr::new(ExprKind::Letrec(functions, Box::new(first)), span)
    }
}

/// Conditionals, each in the else branch of the one before.
fn nested(branches: Vec<Branch>, otherwise: Expr) -> Expr {
    branches
        .into_iter()
        .rev()
        .fold(otherwise, |otherwise, (condition, value, span)| {
            if_expr(condition, value, otherwise, span)
        })
}

/// Refuses forms that bind too many names one after the other.
pub(super) fn check_nested(form: &str, count: usize, span: Span) -> Fallible<()> {
    if count <= MOST_NESTED {
        return Ok(());
    }
    let message = format!("{form}: too many bindings: {count} (limit {MOST_NESTED})");
    Err(Diagnostic::eval(span, message))
}
