//! `while` and `do`.
//!
//! The loop variables of one evaluation of `do` are shared by all its iterations. Names defined in a loop body
//! are new in each iteration, unless the loop's test, which is evaluated outside the body, mentions them.

use super::control::{if_expr, sequence};
use super::let_forms::let_expr;
use super::{Lowerer, shape};
use crate::front::datum::{Datum, DatumKind, Span, Symbol};
use crate::front::diagnostic::{Diagnostic, Fallible};
use crate::ir::{Expr, ExprKind, VarId};

impl Lowerer<'_, '_> {
    pub(super) fn while_form(&mut self, operands: &[Datum], span: Span) -> Fallible<Expr> {
        let ([test], body) = shape::at_least::<1>("while", operands, 1, span)?;
        self.open_scope(Vec::new());
        let (tests, mut shared) = self.prepare(std::slice::from_ref(test));
        let (body, defined) = self.prepare(body);
        shared.extend(
            defined
                .iter()
                .filter(|symbol| tests.iter().any(|test| mentions(test, **symbol))),
        );
        self.declare(&shared);
        let test = sequence(self.exprs(&tests), span);
        let fresh: Vec<Symbol> = defined
            .into_iter()
            .filter(|symbol| !shared.contains(symbol))
            .collect();
        let body = self.loop_body(&fresh, &body, span, &[]);
        self.settle_rest();
        let result = Expr::new(ExprKind::While(Box::new(test), Box::new(body)), span);
        Ok(self.close_scope(result))
    }

    pub(super) fn do_form(&mut self, operands: &[Datum], span: Span) -> Fallible<Expr> {
        let ([bindings, exit], body) = shape::at_least::<2>("do", operands, 0, span)?;
        let mut specs: Vec<(Symbol, &Datum, Option<&Datum>)> = Vec::new();
        for binding in shape::list("do", bindings, span)? {
            let (name, init, step) = match shape::list("do", binding, span)? {
                [name, init] => (name, init, None),
                [name, init, step] => (name, init, Some(step)),
                _ => {
                    let message = "do: binding must be (var init) or (var init step)";
                    return Err(Diagnostic::eval(span, message));
                }
            };
            specs.push((shape::symbol("do", name, span)?, init, step));
        }
        let Some((test, results)) = shape::list("do", exit, span)?.split_first() else {
            return Err(Diagnostic::eval(span, "do: test clause must not be empty"));
        };
        let mut bound = Vec::new();
        let mut names = Vec::new();
        for (symbol, init, _) in &specs {
            let init = self.expr(init);
            let variable = self.named_variable(*symbol);
            names.push((*symbol, variable));
            bound.push((variable, init));
        }
        let steps: Vec<(VarId, &Datum)> = names
            .iter()
            .zip(&specs)
            .filter_map(|((_, variable), (_, _, step))| Some((*variable, (*step)?)))
            .collect();
        self.open_scope(names);
        let (tests, shared) = self.prepare(std::slice::from_ref(test));
        self.declare(&shared);
        let (results, shared) = self.prepare(results);
        self.declare(&shared);
        let test = sequence(self.exprs(&tests), test.span);
        let constant = |value| Expr::new(ExprKind::Const(DatumKind::Bool(value)), span);
        let condition = if_expr(test, constant(false), constant(true), span);
        let (body, defined) = self.prepare(body);
        let body = self.loop_body(&defined, &body, span, &steps);
        let results = sequence(self.exprs(&results), span);
        self.settle_rest();
        let repeat = Expr::new(ExprKind::While(Box::new(condition), Box::new(body)), span);
        let result = self.close_scope(sequence(vec![repeat, results], span));
        Ok(let_expr(bound, result, span))
    }

    /// A loop body in a scope of its own, with the steps of a `do`, which may mention the body's definitions.
    fn loop_body(
        &mut self,
        defined: &[Symbol],
        body: &[Datum],
        span: Span,
        steps: &[(VarId, &Datum)],
    ) -> Expr {
        self.open_scope(Vec::new());
        self.declare(defined);
        for symbol in defined {
            if steps.iter().any(|(_, step)| mentions(step, *symbol)) {
                let variable = self.definition_target(*symbol);
                self.settle(variable);
            }
        }
        let mut parts = Vec::new();
        if !body.is_empty() {
            parts.push(self.prepared_body(body, span));
        }
        parts.extend(self.steps(steps, span));
        self.settle_rest();
        let result = sequence(parts, span);
        self.close_scope(result)
    }

    /// All steps are evaluated before the first variable is set.
    fn steps(&mut self, steps: &[(VarId, &Datum)], span: Span) -> Option<Expr> {
        let values: Vec<(VarId, Expr)> = steps
            .iter()
            .map(|(variable, step)| {
                self.assign(*variable);
                (*variable, self.prepared_expr(step))
            })
            .collect();
        if values.len() <= 1 {
            let (variable, value) = values.into_iter().next()?;
            return Some(Expr::new(
                ExprKind::SetLocal(variable, Box::new(value)),
                span,
            ));
        }
        let mut bound = Vec::new();
        let mut sets = Vec::new();
        for (variable, value) in values {
            let temporary = self.temporary("step");
            bound.push((temporary, value));
            let value = Box::new(Self::local(temporary, span));
            sets.push(Expr::new(ExprKind::SetLocal(variable, value), span));
        }
        Some(let_expr(bound, sequence(sets, span), span))
    }
}

/// Whether a symbol occurs anywhere in a datum.
pub(super) fn mentions(datum: &Datum, symbol: Symbol) -> bool {
    let mut work = vec![datum];
    while let Some(datum) = work.pop() {
        match &datum.kind {
            DatumKind::Symbol(found) if *found == symbol => return true,
            DatumKind::List(items) | DatumKind::Vector(items) => work.extend(items.iter()),
            DatumKind::Map(entries) => {
                work.extend(entries.iter().flat_map(|(key, value)| [key, value]));
            }
            _ => {}
        }
    }
    false
}
