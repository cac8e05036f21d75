//! `set!`.

use super::{Lowerer, shape};
use crate::front::datum::{Datum, Span};
use crate::front::diagnostic::Fallible;
use crate::ir::{Expr, ExprKind};

impl Lowerer<'_, '_> {
    pub(super) fn set(&mut self, operands: &[Datum], span: Span) -> Fallible<Expr> {
        let [name, value] = shape::exactly("set!", operands, span)?;
        let symbol = shape::symbol("set!", name, span)
            .map_err(|problem| problem.with_optional_hint(self.hint_for_set(name)))?;
        let value = Box::new(self.expr(value));
        if let Some(variable) = self.lookup(symbol) {
            self.assign(variable);
            return Ok(Expr::new(ExprKind::SetLocal(variable, value), span));
        }
        let id = self.global(symbol, name.span);
        if let Some(global) = self.global_mut(id) {
            global.mutable = true;
        }
        Ok(Expr::new(ExprKind::SetGlobal(id, value), span))
    }
}
