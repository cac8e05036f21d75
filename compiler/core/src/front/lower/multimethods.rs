//! `defmulti` and `defmethod`.

use super::{Lowerer, shape};
use crate::front::datum::{Datum, DatumKind, Span};
use crate::front::diagnostic::Fallible;
use crate::ir::{Expr, ExprKind, called};

impl Lowerer<'_, '_> {
    pub(super) fn defmulti(&mut self, operands: &[Datum], span: Span) -> Fallible<Expr> {
        let [name, dispatch] = shape::exactly("defmulti", operands, span)?;
        let symbol = shape::symbol("defmulti", name, span)?;
        let dispatch = self.expr(dispatch);
        let text = DatumKind::Str(self.session.text(symbol));
        // A multimethod is called through this function, which is given the multimethod and the arguments.
        let invoke = ExprKind::Builtin(called::INVOKE);
        let arguments = vec![
            Expr::new(ExprKind::Const(text), name.span),
            dispatch,
            Expr::new(invoke, span),
        ];
        let value = Self::call_builtin("%make-multimethod", arguments, span);
        Ok(self.definition(symbol, value, span))
    }

    pub(super) fn defmethod(&mut self, operands: &[Datum], span: Span) -> Fallible<Expr> {
        let [name, value, function] = shape::exactly("defmethod", operands, span)?;
        let symbol = shape::symbol("defmethod", name, span)?;
        self.warn_of_second_method(symbol, value, span);
        let arguments = vec![self.expr(name), self.expr(value), self.expr(function)];
        Ok(Self::call_builtin("%multimethod-add!", arguments, span))
    }
}
