//! `delay`, `force`, `async`, `await`.

use super::{Lowerer, shape};
use crate::front::datum::{Datum, Span};
use crate::front::diagnostic::Fallible;
use crate::ir::Expr;

impl Lowerer<'_, '_> {
    pub(super) fn delay(&mut self, operands: &[Datum], span: Span) -> Fallible<Expr> {
        shape::count("delay", operands, 1, Some(1), span)?;
        let thunk = self.thunk(operands, span);
        Ok(Self::call_builtin("%make-promise", vec![thunk], span))
    }

    pub(super) fn force(&mut self, operands: &[Datum], span: Span) -> Fallible<Expr> {
        let [promise] = shape::exactly("force", operands, span)?;
        let promise = self.expr(promise);
        Ok(Self::call_builtin("%force", vec![promise], span))
    }

    pub(super) fn async_form(&mut self, operands: &[Datum], span: Span) -> Fallible<Expr> {
        shape::count("async", operands, 1, None, span)?;
        let thunk = self.thunk(operands, span);
        Ok(Self::call_builtin("async/spawn", vec![thunk], span))
    }

    pub(super) fn await_form(&mut self, operands: &[Datum], span: Span) -> Fallible<Expr> {
        let [promise] = shape::exactly("await", operands, span)?;
        let promise = self.expr(promise);
        Ok(Self::call_builtin("async/await", vec![promise], span))
    }
}
