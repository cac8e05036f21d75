//! `if`, `cond`, `case`, `when`, `unless`, `and`, `or`, `begin`.

use super::clauses::Clauses;
use super::{Lowerer, shape};
use crate::front::datum::{Datum, DatumKind, Span};
use crate::front::diagnostic::{Diagnostic, Fallible};
use crate::ir::{Expr, ExprKind};

impl Lowerer<'_, '_> {
    pub(super) fn if_form(&mut self, operands: &[Datum], span: Span) -> Fallible<Expr> {
        shape::count("if", operands, 2, Some(3), span).map_err(|problem| {
            let many = "a branch is one form: several become one with (begin ...); 'cond' takes several tests";
            problem.with_optional_hint((operands.len() > 3).then_some(many))
        })?;
        let mut parts = self.exprs(operands).into_iter();
        let mut next = || parts.next().unwrap_or_else(|| Expr::nil(span));
        let (condition, then, otherwise) = (next(), next(), next());
        Ok(if_expr(condition, then, otherwise, span))
    }

    pub(super) fn cond(&mut self, clauses: &[Datum], span: Span) -> Fallible<Expr> {
        let mut branches = Vec::new();
        let mut otherwise = Expr::nil(span);
        let mut before = Clauses::default();
        for (index, clause) in clauses.iter().enumerate() {
            self.check_reached("cond", clause.span, &mut before);
            let items = shape::list("cond", clause, span).map_err(|problem| {
                problem.with_hint(self.hint_for_clause("cond", clause, clauses.get(index + 1)))
            })?;
            let Some((test, body)) = items.split_first() else {
                return Err(Diagnostic::eval(span, "cond: clause must not be empty"));
            };
            // A clause without a body gives `#t`, not the value of its test.
            let is_else = shape::as_symbol(test) == Some(self.session.names.r#else);
            if is_else || is_true(test) {
                before.applies_always(clause.span);
            } else {
                self.check_test(test, clause.span, &mut before);
                self.warn_of_function_as_test(test, body, clause.span);
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
        if let Some(next) = clauses.get(branches.len() + 1) {
            self.check_reached("cond", next.span, &mut before);
        }
        Ok(self.chain(branches, otherwise, span))
    }

    /// Clauses are tested with the builtin `=`, so `1.0` matches `1`.
    pub(super) fn case(&mut self, operands: &[Datum], span: Span) -> Fallible<Expr> {
        let ([key], clauses) = shape::at_least::<1>("case", operands, 1, span)?;
        let key_value = self.expr(key);
        let variable = self.temporary("key");
        let mut branches = Vec::new();
        let mut otherwise = Expr::nil(span);
        let mut before = Clauses::default();
        for (index, clause) in clauses.iter().enumerate() {
            self.check_reached("case", clause.span, &mut before);
            let hint = |problem: Box<Diagnostic>| {
                problem.with_hint(self.hint_for_clause("case", clause, clauses.get(index + 1)))
            };
            let items = shape::list("case", clause, span).map_err(hint)?;
            let Some((head, body)) = items.split_first() else {
                return Err(Diagnostic::eval(span, "case: clause must not be empty"));
            };
            if shape::as_symbol(head) == Some(self.session.names.r#else) {
                otherwise = self.scoped_body(Vec::new(), body, clause.span);
                before.applies_always(clause.span);
                break;
            }
            let data = shape::list("case", head, span).map_err(|problem| {
                problem.with_hint("the values of a clause stand in a list: ((1 2) ...)")
            })?;
            for datum in data {
                self.check_constant(datum, &mut before);
            }
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
        if let Some(next) = clauses.get(branches.len() + 1) {
            self.check_reached("case", next.span, &mut before);
        }
        let body = self.chain(branches, otherwise, span);
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
    let is_false = matches!(test.kind, DatumKind::Nil | DatumKind::Bool(false));
    !is_false && super::literals::is_constant(test)
}

/// A conditional.
pub(super) fn if_expr(condition: Expr, then: Expr, otherwise: Expr, span: Span) -> Expr {
    let kind = ExprKind::If(Box::new(condition), Box::new(then), Box::new(otherwise));
    Expr::new(kind, span)
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
