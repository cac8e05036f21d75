//! `if`, `cond`, `case`, `when`, `unless`, `and`, `or`, `begin`.

use super::{Lowerer, shape};
use crate::front::datum::{Datum, DatumKind, Span};
use crate::front::diagnostic::{Condition, Diagnostic, Fallible};
use crate::ir::{Expr, ExprKind};

impl Lowerer<'_, '_> {
    pub(super) fn if_form(&mut self, operands: &[Datum], span: Span) -> Fallible<Expr> {
        shape::count("if", operands, 2, Some(3), span)?;
        let mut parts = self.exprs(operands).into_iter();
        let mut next = || parts.next().unwrap_or_else(|| Expr::nil(span));
        let (condition, then, otherwise) = (next(), next(), next());
        Ok(if_expr(condition, then, otherwise, span))
    }

    pub(super) fn cond(&mut self, clauses: &[Datum], span: Span) -> Fallible<Expr> {
        let mut branches = Vec::new();
        let mut otherwise = Expr::nil(span);
        let mut always: Option<Span> = None;
        for clause in clauses {
            if let Some(always) = always.take() {
                self.warn_of_unreachable(clause.span, always);
            }
            let items = shape::list("cond", clause, span)?;
            let Some((test, body)) = items.split_first() else {
                return Err(Diagnostic::eval(span, "cond: clause must not be empty"));
            };
            // A clause without a body gives `#t`, not the value of its test.
            let is_else = shape::as_symbol(test) == Some(self.session.names.r#else);
            if is_else || is_true(test) {
                always = Some(clause.span);
            }
            let condition = (!is_else).then(|| self.expr(test));
            let value = if body.is_empty() {
                Expr::new(ExprKind::Const(DatumKind::Bool(true)), clause.span)
            } else {
                self.begin(body, clause.span)
            };
            match condition {
                Some(condition) => branches.push((condition, value, clause.span)),
                None => {
                    otherwise = value;
                    break;
                }
            }
        }
        if let (Some(always), Some(next)) = (always, clauses.get(branches.len() + 1)) {
            self.warn_of_unreachable(next.span, always);
        }
        Ok(chain(branches, otherwise))
    }

    fn warn_of_unreachable(&mut self, clause: Span, always: Span) {
        // What a macro made has one place.
        if clause == always {
            return;
        }
        let message = "cond: this clause is never reached";
        let problem = Diagnostic::warning(clause, "W0205", Condition::Eval, message)
            .with_secondary(always, "this one always applies");
        self.report(problem);
    }

    /// Clauses are tested with the builtin `=`, so `1.0` matches `1`.
    pub(super) fn case(&mut self, operands: &[Datum], span: Span) -> Fallible<Expr> {
        let ([key], clauses) = shape::at_least::<1>("case", operands, 1, span)?;
        let key_value = self.expr(key);
        let variable = self.temporary("key");
        let mut branches = Vec::new();
        let mut otherwise = Expr::nil(span);
        for clause in clauses {
            let items = shape::list("case", clause, span)?;
            let Some((head, body)) = items.split_first() else {
                return Err(Diagnostic::eval(span, "case: clause must not be empty"));
            };
            if shape::as_symbol(head) == Some(self.session.names.r#else) {
                otherwise = self.scoped_body(Vec::new(), body, clause.span);
                break;
            }
            let data = shape::list("case", head, span)?;
            let tests: Vec<Expr> = data
                .iter()
                .map(|datum| {
                    let constant = Expr::new(ExprKind::Const(datum.kind.clone()), datum.span);
                    let key = Self::local(variable, datum.span);
                    Self::call_builtin("=", vec![key, constant], datum.span)
                })
                .collect();
            let value = self.scoped_body(Vec::new(), body, clause.span);
            branches.push((any(tests, head.span), value, clause.span));
        }
        let body = chain(branches, otherwise);
        Ok(Expr::new(
            ExprKind::Let(vec![(variable, key_value)], Box::new(body)),
            span,
        ))
    }

    pub(super) fn when_unless(
        &mut self,
        name: &str,
        wanted: bool,
        operands: &[Datum],
        span: Span,
    ) -> Fallible<Expr> {
        let ([condition], body) = shape::at_least::<1>(name, operands, 1, span)?;
        let condition = self.expr(condition);
        let body = self.begin(body, span);
        let nil = Expr::nil(span);
        Ok(if wanted {
            if_expr(condition, body, nil, span)
        } else {
            if_expr(condition, nil, body, span)
        })
    }

    pub(super) fn and_or(&mut self, all: bool, operands: &[Datum], span: Span) -> Expr {
        let mut parts = self.exprs(operands);
        if parts.len() <= 1 {
            let empty = Expr::new(ExprKind::Const(DatumKind::Bool(all)), span);
            return parts.pop().unwrap_or(empty);
        }
        let kind = if all {
            ExprKind::And(parts)
        } else {
            ExprKind::Or(parts)
        };
        Expr::new(kind, span)
    }

    /// Forms in order, in the current scope.
    pub(super) fn begin(&mut self, forms: &[Datum], span: Span) -> Expr {
        let parts = self.exprs(forms);
        sequence(parts, span)
    }
}

/// Whether a test is a constant that is true.
fn is_true(test: &Datum) -> bool {
    match &test.kind {
        DatumKind::Bool(value) => *value,
        DatumKind::Keyword(_) | DatumKind::Int(_) | DatumKind::Str(_) => true,
        _ => false,
    }
}

/// A conditional.
pub(super) fn if_expr(condition: Expr, then: Expr, otherwise: Expr, span: Span) -> Expr {
    let kind = ExprKind::If(Box::new(condition), Box::new(then), Box::new(otherwise));
    Expr::new(kind, span)
}

/// A chain of conditionals from (condition, value, span).
pub(super) fn chain(branches: Vec<(Expr, Expr, Span)>, otherwise: Expr) -> Expr {
    branches
        .into_iter()
        .rev()
        .fold(otherwise, |otherwise, (condition, value, span)| {
            if_expr(condition, value, otherwise, span)
        })
}

/// Expressions in order; nil if there are none.
pub(super) fn sequence(mut parts: Vec<Expr>, span: Span) -> Expr {
    match parts.len() {
        0 => Expr::nil(span),
        1 => parts.pop().unwrap_or_else(|| Expr::nil(span)),
        _ => Expr::new(ExprKind::Seq(parts), span),
    }
}

/// Whether one of the tests is true; `#f` if there are none.
fn any(mut tests: Vec<Expr>, span: Span) -> Expr {
    match tests.len() {
        0 => Expr::new(ExprKind::Const(DatumKind::Bool(false)), span),
        1 => tests.pop().unwrap_or_else(|| Expr::nil(span)),
        _ => Expr::new(ExprKind::Or(tests), span),
    }
}
