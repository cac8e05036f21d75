//! `let-values`, `let*-values`, `define-values`.
//!
//! Formals are the parameters of an anonymous function that is applied to the values, so a wrong number of
//! values is that function's arity error.

use std::rc::Rc;

use super::let_forms::let_expr;
use super::patterns::integer;
use super::{Lowerer, shape};
use crate::front::datum::{Datum, DatumKind, Span, Symbol};
use crate::front::diagnostic::{Diagnostic, Fallible};
use crate::ir::{Expr, ExprKind, Lambda, VarId};

/// Formals with their expressions, and the body.
type ValueClauses<'d> = (Vec<(Formals, &'d Datum)>, &'d [Datum]);

/// The fixed names and the rest name of formals.
struct Formals {
    fixed: Vec<Symbol>,
    rest: Option<Symbol>,
}

impl Lowerer<'_, '_> {
    /// All values are computed in the outer scope before the names are bound.
    pub(super) fn let_values(&mut self, operands: &[Datum], span: Span) -> Fallible<Expr> {
        let (clauses, body) = self.value_clauses("let-values", operands, span)?;
        // The expressions see nothing of each other; the functions that take the values nest.
        let lists: Vec<(VarId, Expr)> = clauses
            .iter()
            .map(|(_, value)| {
                let list = self.value_list(value);
                (self.temporary("values"), list)
            })
            .collect();
        self.open_scope(Vec::new());
        let mut layers = Vec::new();
        for ((formals, _), (list, _)) in clauses.iter().zip(&lists) {
            let (parameters, rest) = self.bind_formals(formals);
            layers.push((parameters, rest, *list));
        }
        let mut result = self.body(body, span);
        for (parameters, rest, list) in layers.into_iter().rev() {
            let list = Self::local(list, span);
            result = receive(parameters, rest, list, result, span);
        }
        let result = self.close_scope(result);
        Ok(let_expr(lists, result, span))
    }

    pub(super) fn let_star_values(&mut self, operands: &[Datum], span: Span) -> Fallible<Expr> {
        let (clauses, body) = self.value_clauses("let*-values", operands, span)?;
        self.open_scope(Vec::new());
        let mut layers = Vec::new();
        for (formals, value) in &clauses {
            let value = self.prepared_expr(value);
            let list = Self::call_builtin("%values->list", vec![value], span);
            let (parameters, rest) = self.bind_formals(formals);
            layers.push((parameters, rest, list));
        }
        let mut result = self.body(body, span);
        for (parameters, rest, list) in layers.into_iter().rev() {
            result = receive(parameters, rest, list, result, span);
        }
        Ok(self.close_scope(result))
    }

    pub(super) fn define_values(&mut self, operands: &[Datum], span: Span) -> Fallible<Expr> {
        let [formals, value] = shape::exactly("define-values", operands, span)?;
        let formals = self.formals("define-values", formals, span)?;
        let list = self.value_list(value);
        let variable = self.temporary("values");
        let mut steps = vec![Self::call_builtin(
            "%check-values",
            vec![
                Self::local(variable, span),
                integer(formals.fixed.len(), span),
                Expr::new(
                    ExprKind::Const(DatumKind::Bool(formals.rest.is_some())),
                    span,
                ),
            ],
            span,
        )];
        let mut last = Expr::nil(span);
        for (index, symbol) in formals.fixed.iter().enumerate() {
            let arguments = vec![Self::local(variable, span), integer(index, span)];
            let element = Self::call_builtin("%sequence-ref", arguments, span);
            last = self.definition(*symbol, element, span);
            steps.push(last.clone());
        }
        if let Some(symbol) = formals.rest {
            let arguments = vec![
                Self::local(variable, span),
                integer(formals.fixed.len(), span),
            ];
            let tail = Self::call_builtin("%sequence-rest", arguments, span);
            last = self.definition(symbol, tail, span);
            steps.push(last.clone());
        }
        // As for `define`: a local definition gives the value, one at top level nil.
        if matches!(last.kind, ExprKind::DefineGlobal(..)) {
            steps.push(Expr::nil(span));
        }
        let body = super::control::sequence(steps, span);
        Ok(let_expr(vec![(variable, list)], body, span))
    }

    fn value_list(&mut self, value: &Datum) -> Expr {
        let span = value.span;
        let value = self.expr(value);
        Self::call_builtin("%values->list", vec![value], span)
    }

    fn value_clauses<'d>(
        &self,
        form: &str,
        operands: &'d [Datum],
        span: Span,
    ) -> Fallible<ValueClauses<'d>> {
        let ([clauses], body) = shape::at_least::<1>(form, operands, 1, span)?;
        let Some(clauses) = shape::sequence(clauses) else {
            return Err(Diagnostic::eval(span, format!("{form}: expected a list")));
        };
        let mut result = Vec::new();
        for clause in clauses {
            let [formals, value] = shape::list(form, clause, span)? else {
                let message = format!("{form}: each binding must have 2 elements");
                return Err(Diagnostic::eval(span, message));
            };
            result.push((self.formals(form, formals, span)?, value));
        }
        Ok((result, body))
    }

    fn formals(&self, form: &str, formals: &Datum, span: Span) -> Fallible<Formals> {
        if let Some(symbol) = shape::as_symbol(formals) {
            return Ok(Formals {
                fixed: Vec::new(),
                rest: Some(symbol),
            });
        }
        let items = shape::list(form, formals, span)?;
        let (fixed, rest) = self.split_rest(form, items, span)?;
        let mut seen = Vec::new();
        for item in fixed.iter().chain(rest) {
            let symbol = shape::symbol(form, item, span)?;
            self.distinct(form, symbol, &mut seen, span)?;
        }
        let rest = rest.and_then(|_| seen.pop());
        Ok(Formals { fixed: seen, rest })
    }

    /// Binds the names of formals in the innermost scope.
    fn bind_formals(&mut self, formals: &Formals) -> (Vec<VarId>, Option<VarId>) {
        let mut bind = |symbol: Symbol| {
            let variable = self.named_variable(symbol);
            self.bind(symbol, variable);
            variable
        };
        let fixed = formals.fixed.iter().map(|symbol| bind(*symbol)).collect();
        (fixed, formals.rest.map(&mut bind))
    }
}

/// Binds parameters to the elements of a list around a body.
fn receive(
    parameters: Vec<VarId>,
    rest: Option<VarId>,
    list: Expr,
    body: Expr,
    span: Span,
) -> Expr {
    // A name for the whole list needs no call.
    if let (Some(rest), true) = (rest, parameters.is_empty()) {
        return let_expr(vec![(rest, list)], body, span);
    }
    let lambda = Lambda {
        name: None,
        parameters,
        optional: 0,
        rest,
        body,
        span,
        library: false,
    };
    let function = Expr::new(ExprKind::Lambda(Rc::new(lambda)), span);
    Expr::new(ExprKind::Apply(Box::new(function), vec![list]), span)
}
