//! `lambda` and the functions that definitions make.

use std::rc::Rc;

use super::{Lowerer, shape};
use crate::front::datum::{Datum, DatumKind, Span, Symbol};
use crate::front::diagnostic::{Diagnostic, Fallible, type_name};
use crate::ir::{Expr, ExprKind, Lambda, VarId};

impl Lowerer<'_, '_> {
    pub(super) fn lambda_form(&mut self, operands: &[Datum], span: Span) -> Fallible<Expr> {
        let ([parameters], body) = shape::at_least::<1>("lambda", operands, 1, span)?;
        let Some(parameters) = shape::sequence(parameters) else {
            let got = type_name(&parameters.kind);
            let problem = Diagnostic::wrong_type(span, "list or vector", got);
            return Err(problem.with_optional_hint(self.hint_for_lambda(parameters, body)));
        };
        self.function("lambda", None, parameters, body, span)
    }

    /// A function. `form` is the form that error texts name. Only `lambda` takes patterns.
    pub(super) fn function(
        &mut self,
        form: &str,
        name: Option<Symbol>,
        parameters: &[Datum],
        body: &[Datum],
        span: Span,
    ) -> Fallible<Expr> {
        let name = name.map(|name| self.session.text(name));
        let (fixed, rest) = self.split_rest(form, parameters, span)?;
        let patterns_allowed = form == "lambda";
        let mut seen = Vec::new();
        let mut names: Vec<(Symbol, VarId)> = Vec::new();
        let mut variables = Vec::new();
        let mut patterns: Vec<(VarId, &Datum)> = Vec::new();
        for parameter in fixed {
            let variable = match &parameter.kind {
                DatumKind::Symbol(symbol) => {
                    self.distinct(form, *symbol, &mut seen, span)?;
                    let variable = self.named_variable(*symbol);
                    names.push((*symbol, variable));
                    variable
                }
                DatumKind::Vector(_) | DatumKind::Map(_) if patterns_allowed => {
                    for symbol in self.pattern_names(parameter) {
                        self.distinct(form, symbol, &mut seen, span)?;
                    }
                    let variable = self.temporary("argument");
                    patterns.push((variable, parameter));
                    variable
                }
                _ => return Err(self.no_parameter(form, parameter, span)),
            };
            variables.push(variable);
        }
        let rest = match rest {
            Some(rest) => match &rest.kind {
                DatumKind::Symbol(symbol) => {
                    self.distinct(form, *symbol, &mut seen, span)?;
                    let variable = self.named_variable(*symbol);
                    names.push((*symbol, variable));
                    Some(variable)
                }
                DatumKind::Vector(_) | DatumKind::Map(_) if patterns_allowed => {
                    for symbol in self.pattern_names(rest) {
                        self.distinct(form, symbol, &mut seen, span)?;
                    }
                    let variable = self.temporary("rest");
                    patterns.push((variable, rest));
                    Some(variable)
                }
                _ => return Err(self.no_parameter(form, rest, span)),
            },
            None => None,
        };
        self.open_scope(names);
        let body = self.body_with_patterns(&patterns, body, span);
        let body = self.close_scope(body);
        let lambda = Lambda {
            name,
            parameters: variables,
            optional: 0,
            rest,
            body,
            span,
            library: false,
        };
        Ok(Expr::new(ExprKind::Lambda(Rc::new(lambda)), span))
    }

    fn no_parameter(&self, form: &str, parameter: &Datum, span: Span) -> Box<Diagnostic> {
        let hint = self.hint_for_parameter(parameter);
        Diagnostic::eval(span, format!("{form}: expected a symbol")).with_hint(hint)
    }

    /// Splits a parameter list at its dot.
    pub(super) fn split_rest<'d>(
        &self,
        form: &str,
        parameters: &'d [Datum],
        span: Span,
    ) -> Fallible<(&'d [Datum], Option<&'d Datum>)> {
        let dot = self.session.names.dot;
        let at = parameters
            .iter()
            .position(|parameter| shape::as_symbol(parameter) == Some(dot));
        let Some(at) = at else {
            return Ok((parameters, None));
        };
        let (fixed, from_dot) = parameters.split_at(at);
        match from_dot {
            [_, rest] => Ok((fixed, Some(rest))),
            // The reader refuses this; only macros can make it.
            _ => Err(Diagnostic::eval(
                span,
                format!("{form}: exactly one parameter must follow the dot"),
            )),
        }
    }

    /// Refuses a parameter name that was there before.
    pub(super) fn distinct(
        &self,
        form: &str,
        symbol: Symbol,
        seen: &mut Vec<Symbol>,
        span: Span,
    ) -> Fallible<()> {
        if seen.contains(&symbol) {
            let name = self.session.interner.resolve(&symbol);
            let message = format!("{form}: duplicate parameter `{name}`");
            return Err(Diagnostic::eval(span, message));
        }
        seen.push(symbol);
        Ok(())
    }

    /// A function of no arguments around a body.
    pub(super) fn thunk(&mut self, body: &[Datum], span: Span) -> Expr {
        let body = self.scoped_body(Vec::new(), body, span);
        thunk_of(body, span)
    }
}

/// A function of no arguments around an expression.
pub(super) fn thunk_of(body: Expr, span: Span) -> Expr {
    let lambda = Lambda {
        name: None,
        parameters: Vec::new(),
        optional: 0,
        rest: None,
        body,
        span,
        library: false,
    };
    Expr::new(ExprKind::Lambda(Rc::new(lambda)), span)
}
