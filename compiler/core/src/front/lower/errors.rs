//! `throw` and `try`.

use super::control::sequence;
use super::{Lowerer, shape};
use crate::front::datum::{Datum, DatumKind, Span};
use crate::front::diagnostic::{Diagnostic, Fallible};
use crate::ir::{Expr, ExprKind};

impl Lowerer<'_, '_> {
    pub(super) fn throw(&mut self, operands: &[Datum], span: Span) -> Fallible<Expr> {
        let [value] = shape::exactly("throw", operands, span)?;
        let value = self.expr(value);
        Ok(Expr::new(ExprKind::Throw(Box::new(value)), span))
    }

    pub(super) fn try_form(&mut self, operands: &[Datum], span: Span) -> Fallible<Expr> {
        let Some((last, body)) = operands.split_last() else {
            return Err(Diagnostic::arity(span, "try", 1, None, 0));
        };
        let hint = |problem: Box<Diagnostic>| problem.with_hint(self.hint_for_try(last));
        let clause = shape::list("try", last, span).map_err(hint)?;
        let is_catch = clause
            .first()
            .is_some_and(|head| shape::as_symbol(head) == Some(self.session.names.catch));
        if !is_catch {
            let message = "try: last argument must be (catch var handler...)";
            return Err(hint(Diagnostic::eval(span, message)));
        }
        let [_, name, handler @ ..] = clause else {
            return Err(Diagnostic::eval(
                span,
                "try: catch needs (catch var handler...)",
            ));
        };
        if handler.is_empty() {
            return Err(Diagnostic::eval(
                span,
                "try: catch needs (catch var handler...)",
            ));
        }
        let symbol = shape::symbol("try catch", name, span)
            .map_err(|problem| problem.with_optional_hint(self.hint_for_catch(name)))?;
        let body = self.exprs(body);
        let body = Box::new(sequence(body, span));
        let variable = self.named_variable(symbol);
        let handler = self.scoped_body(vec![(symbol, variable)], handler, last.span);
        Ok(Expr::new(
            ExprKind::Try(body, variable, Box::new(handler)),
            span,
        ))
    }

    /// Code that raises a problem at run time.
    pub(super) fn raise(&mut self, problem: Box<Diagnostic>) -> Expr {
        let span = problem.span();
        let condition = problem.condition_map(self.session.interner);
        let condition = Expr::new(ExprKind::Const(condition), span);
        Expr::new(ExprKind::Throw(Box::new(condition)), span)
    }

    /// Runs `lower`; problems become code that raises the first of them when it is reached.
    pub(super) fn deferred(
        &mut self,
        lower: impl FnOnce(&mut Self) -> Fallible<Expr>,
        span: Span,
    ) -> Expr {
        let mark = self.session.diagnostics.len();
        let result = lower(self);
        let found = self.session.diagnostics.split_off(mark);
        let (errors, warnings): (Vec<_>, Vec<_>) =
            found.into_iter().partition(Diagnostic::is_error);
        self.session.diagnostics.extend(warnings);
        let first = errors.into_iter().next().map(Box::new);
        match (first, result) {
            (Some(problem), _) | (None, Err(problem)) => {
                let mut raised = self.raise(problem);
                raised.span = span;
                raised
            }
            (None, Ok(expr)) => expr,
        }
    }

    /// The datum of `(quote DATUM)`.
    pub(super) fn quoted<'d>(&self, datum: &'d Datum) -> Option<&'d Datum> {
        let DatumKind::List(items) = &datum.kind else {
            return None;
        };
        match &items[..] {
            [head, quoted] if shape::as_symbol(head) == Some(self.session.names.quote) => {
                Some(quoted)
            }
            _ => None,
        }
    }
}
