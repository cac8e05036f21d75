//! `match` and `match*`.
//!
//! A clause becomes one condition, which tests the value and evaluates the guard, and a body. The names of a
//! pattern are selections from the tested value, so a clause with a guard binds them twice: for the guard inside
//! the condition and for the body. (So the guard cannot change what the body sees, as in the reference.)

use super::control::sequence;
use super::let_forms::let_expr;
use super::patterns::{Fit, integer, wrap};
use super::{Lowerer, shape};
use crate::front::datum::{Datum, DatumKind, Span};
use crate::front::diagnostic::{Condition, Diagnostic, Fallible};
use crate::ir::{Expr, ExprKind, VarId};

impl Lowerer<'_, '_> {
    pub(super) fn match_form(
        &mut self,
        form: &str,
        operands: &[Datum],
        span: Span,
    ) -> Fallible<Expr> {
        let ([subject], clauses) = shape::at_least::<1>(form, operands, 1, span)?;
        for clause in clauses {
            let Some(items) = shape::sequence(clause) else {
                let message = "match: each clause must be a list or vector";
                return Err(Diagnostic::eval(clause.span, message));
            };
            if items.is_empty() {
                let message = "match: clause must not be empty";
                return Err(Diagnostic::eval(clause.span, message));
            }
        }
        let subject = self.expr(subject);
        let value = self.temporary("subject");
        let mut branches = Vec::new();
        let mut certain = false;
        for clause in clauses {
            let items = shape::sequence(clause).unwrap_or_default();
            let Some((pattern, rest)) = items.split_first() else {
                continue;
            };
            let (guard, body) = match rest {
                [when, guard, body @ ..]
                    if shape::as_symbol(when) == Some(self.session.names.when) =>
                {
                    (Some(guard), body)
                }
                body => (None, body),
            };
            if certain {
                let message = "match: this clause is never reached";
                let condition = Condition::Eval;
                self.report(Diagnostic::warning(
                    clause.span,
                    "W0203",
                    condition,
                    message,
                ));
            }
            let mut tests = Vec::new();
            self.pattern_tests(pattern, value, &mut tests);
            certain |= tests.is_empty() && guard.is_none();
            if let Some(guard) = guard {
                let guard = std::slice::from_ref(guard);
                tests.push(self.clause_body(pattern, value, guard, clause.span));
            }
            let body = self.clause_body(pattern, value, body, clause.span);
            branches.push((all(tests, pattern.span), body, clause.span));
        }
        // A clause that always fits takes the place of what follows.
        if certain {
            let is_certain = |(test, _, _): &(Expr, Expr, Span)| is_true(test);
            let at = branches.iter().position(is_certain);
            branches.truncate(at.map_or(branches.len(), |at| at + 1));
            let last = branches.pop().map(|(_, body, _)| body);
            let last = last.unwrap_or_else(|| Expr::nil(span));
            let body = self.chain(branches, last, span);
            return Ok(let_expr(vec![(value, subject)], body, span));
        }
        let otherwise = if form == "match" {
            Self::call_builtin("%match-failed", vec![Self::local(value, span)], span)
        } else {
            Expr::nil(span)
        };
        let body = self.chain(branches, otherwise, span);
        Ok(let_expr(vec![(value, subject)], body, span))
    }

    /// A body in a scope with the names of a pattern that fits.
    fn clause_body(&mut self, pattern: &Datum, value: VarId, body: &[Datum], span: Span) -> Expr {
        self.open_scope(Vec::new());
        let steps = self.bind_patterns(&[(value, pattern)], Fit::Known);
        let body = self.body(body, span);
        self.close_scope(wrap(steps, body))
    }

    /// Conditions, to be tested in order, under which a pattern fits the value of a variable.
    fn pattern_tests(&mut self, pattern: &Datum, value: VarId, tests: &mut Vec<Expr>) {
        let span = pattern.span;
        match &pattern.kind {
            DatumKind::Symbol(_) => {}
            DatumKind::Vector(items) => self.sequence_tests(items, value, span, tests),
            DatumKind::Map(entries) => self.map_tests(entries, value, span, tests),
            // A quoted datum, any other list as it stands, a literal.
            _ => {
                let literal = self.quoted(pattern).unwrap_or(pattern);
                let literal = Expr::new(ExprKind::Const(literal.kind.clone()), span);
                let arguments = vec![Self::local(value, span), literal];
                tests.push(Self::call_builtin("equal?", arguments, span));
            }
        }
    }

    fn sequence_tests(&mut self, items: &[Datum], value: VarId, span: Span, tests: &mut Vec<Expr>) {
        let (fixed, rest) = match self.split_sequence("match", items, span) {
            Ok(parts) => parts,
            Err(problem) => {
                tests.push(self.raise(problem));
                return;
            }
        };
        let test = match rest {
            None => "%sequence-of?",
            Some(_) => "%sequence-from?",
        };
        let count = integer(fixed.len(), span);
        let arguments = vec![Self::local(value, span), count.clone()];
        tests.push(Self::call_builtin(test, arguments, span));
        for (index, item) in fixed.iter().enumerate() {
            let arguments = vec![Self::local(value, item.span), integer(index, item.span)];
            let element = Self::call_builtin("%sequence-ref", arguments, item.span);
            self.part_tests(item, element, tests);
        }
        if let Some(rest) = rest {
            let arguments = vec![Self::local(value, rest.span), count];
            let tail = Self::call_builtin("%sequence-rest", arguments, rest.span);
            self.part_tests(rest, tail, tests);
        }
    }

    fn map_tests(
        &mut self,
        entries: &[(Datum, Datum)],
        value: VarId,
        span: Span,
        tests: &mut Vec<Expr>,
    ) {
        let subject = vec![Self::local(value, span)];
        tests.push(Self::call_builtin("%map-like?", subject, span));
        for (key, pattern) in entries {
            if self.is_keys(key) {
                // Missing keys are nil, so `:keys` cannot fail; it can be malformed.
                if let Err(problem) = self.keys_entry("match", pattern) {
                    tests.push(self.raise(problem));
                }
                continue;
            }
            let key = self.pattern_key(key);
            let constant = Expr::new(ExprKind::Const(key.clone()), span);
            let arguments = vec![Self::local(value, span), constant];
            tests.push(Self::call_builtin("%map-has?", arguments, span));
            let entry = self.map_ref(value, key, pattern.span);
            self.part_tests(pattern, entry, tests);
        }
    }

    /// Tests of a part of the value. The part gets a variable of its own only if there is something to test.
    fn part_tests(&mut self, pattern: &Datum, part: Expr, tests: &mut Vec<Expr>) {
        let variable = self.temporary("part");
        let mut inner = Vec::new();
        self.pattern_tests(pattern, variable, &mut inner);
        if !inner.is_empty() {
            let inner = all(inner, pattern.span);
            tests.push(let_expr(vec![(variable, part)], inner, pattern.span));
        }
    }
}

fn is_true(test: &Expr) -> bool {
    matches!(test.kind, ExprKind::Const(DatumKind::Bool(true)))
}

/// Whether all tests are true.
fn all(mut tests: Vec<Expr>, span: Span) -> Expr {
    match tests.len() {
        0 => Expr::new(ExprKind::Const(DatumKind::Bool(true)), span),
        1 => sequence(std::mem::take(&mut tests), span),
        _ => Expr::new(ExprKind::And(tests), span),
    }
}
