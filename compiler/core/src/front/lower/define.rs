//! `define`, `defun`.

use super::{Lowerer, shape};
use crate::front::datum::{Datum, DatumKind, Span, Symbol};
use crate::front::diagnostic::{Diagnostic, Fallible, type_name};
use crate::ir::{Expr, ExprKind};

impl Lowerer<'_, '_> {
    pub(super) fn define(&mut self, operands: &[Datum], span: Span) -> Fallible<Expr> {
        if let Some(target) = operands.first()
            && matches!(target.kind, DatumKind::Vector(_) | DatumKind::Map(_))
        {
            return self.define_pattern(operands, span);
        }
        let (symbol, value) = self.define_parts(operands, span)?;
        Ok(self.definition(symbol, value, span))
    }

    pub(super) fn defun(&mut self, operands: &[Datum], span: Span) -> Fallible<Expr> {
        let (symbol, value) = self.defun_parts(operands, span)?;
        Ok(self.definition(symbol, value, span))
    }

    /// Defines a name where the form stands: a global at top level, else a variable of the innermost scope.
    pub(super) fn definition(&mut self, symbol: Symbol, value: Expr, span: Span) -> Expr {
        if self.scopes.is_empty() {
            return self.define_global(symbol, value, span);
        }
        let variable = self.definition_target(symbol);
        Expr::new(ExprKind::SetLocal(variable, Box::new(value)), span)
    }

    /// Defines a global.
    pub(super) fn define_global(&mut self, symbol: Symbol, value: Expr, span: Span) -> Expr {
        let id = self.global(symbol, span);
        let conditional = !self.at_top_level_form();
        if !conditional {
            self.warn_of_second_definition(id, span);
        }
        if let Some(global) = self.global_mut(id) {
            if global.definitions == 0 {
                global.span = span;
            }
            global.definitions += 1;
            global.mutable |= conditional || global.definitions > 1;
        }
        Expr::new(ExprKind::DefineGlobal(id, Box::new(value)), span)
    }

    /// The name and the value of a `define` that is not a pattern.
    pub(super) fn define_parts(
        &mut self,
        operands: &[Datum],
        span: Span,
    ) -> Fallible<(Symbol, Expr)> {
        let Some((target, rest)) = operands.split_first() else {
            return Err(Diagnostic::arity(span, "define", 2, None, 0));
        };
        match &target.kind {
            DatumKind::Symbol(symbol) => {
                let [_, value] = shape::exactly("define", operands, span).map_err(|problem| {
                    problem.with_optional_hint(self.hint_for_define(operands))
                })?;
                Ok((*symbol, self.expr(value)))
            }
            DatumKind::List(signature) => {
                let Some((name, parameters)) = signature.split_first() else {
                    return Err(Diagnostic::eval(span, "define: expected a symbol"));
                };
                let symbol = shape::symbol("define", name, span)?;
                if rest.is_empty() {
                    return Err(Diagnostic::eval(
                        span,
                        "define: function body cannot be empty",
                    ));
                }
                let value = self.function("define", Some(symbol), parameters, rest, span)?;
                Ok((symbol, value))
            }
            other => {
                let expected = "symbol, list, vector, or map";
                Err(Diagnostic::wrong_type(span, expected, type_name(other)))
            }
        }
    }

    /// The name and the value of a `defun`.
    pub(super) fn defun_parts(
        &mut self,
        operands: &[Datum],
        span: Span,
    ) -> Fallible<(Symbol, Expr)> {
        let ([name, parameters], body) =
            shape::at_least::<2>("defun", operands, 1, span).map_err(|problem| {
                let name = operands.first();
                let hint = name.and_then(|name| self.hint_for_defun(name, name));
                problem.with_optional_hint(hint)
            })?;
        let hint = |problem: Box<Diagnostic>| {
            problem.with_optional_hint(self.hint_for_defun(name, parameters))
        };
        let symbol = shape::symbol("defun", name, span).map_err(hint)?;
        let list = shape::list("defun", parameters, span).map_err(hint)?;
        let value = self.function("defun", Some(symbol), list, body, span);
        let value = value
            .map_err(|problem| problem.with_optional_hint(self.hint_for_defun(name, parameters)))?;
        Ok((symbol, value))
    }

    fn define_pattern(&mut self, operands: &[Datum], span: Span) -> Fallible<Expr> {
        let [pattern, value] = shape::exactly("define", operands, span)?;
        let value = self.expr(value);
        let variable = self.temporary("value");
        let local = !self.scopes.is_empty();
        // A local definition gives the value of the last name, one at top level nil.
        let last = match self.pattern_names(pattern).last() {
            _ if !local => Expr::nil(span),
            Some(name) => Self::local(self.definition_target(*name), span),
            None => Expr::new(ExprKind::Const(DatumKind::Map([].into())), span),
        };
        let body = self.assign_pattern(pattern, variable, last)?;
        Ok(Expr::new(
            ExprKind::Let(vec![(variable, value)], Box::new(body)),
            span,
        ))
    }
}
