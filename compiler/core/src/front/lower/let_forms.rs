//! `let`, named `let`, `let*`, `letrec`.

use crate::hashing::HashSet;
use std::rc::Rc;

use super::chains::check_nested;
use super::control::sequence;
use super::patterns::{Fit, wrap};
use super::{Lowerer, shape};
use crate::front::datum::{Datum, DatumKind, Span, Symbol};
use crate::front::diagnostic::{Diagnostic, Fallible};
use crate::ir::{Expr, ExprKind, Lambda, VarId};

/// The target and the initial value of a binding.
type Binding<'d> = (&'d Datum, &'d Datum);

impl Lowerer<'_, '_> {
    pub(super) fn let_form(&mut self, operands: &[Datum], span: Span) -> Fallible<Expr> {
        let ([bindings], body) = shape::at_least::<1>("let", operands, 1, span)?;
        if let Some(name) = shape::as_symbol(bindings) {
            return self.named_let(name, body, span);
        }
        let bindings = self.bindings("let", bindings, span)?;
        self.distinct_bindings("let", &bindings, span)?;
        let mut bound = Vec::new();
        let mut names = Vec::new();
        let mut patterns = Vec::new();
        for (target, value) in bindings {
            if let Some(symbol) = shape::as_symbol(target) {
                *self.siblings.entry(symbol).or_default() += 1;
            }
            let value = self.expr(value);
            let variable = self.binding_variable(target, &mut patterns);
            if let Some(symbol) = shape::as_symbol(target) {
                names.push((symbol, variable));
            }
            bound.push((variable, value));
        }
        for (symbol, _) in &names {
            if let Some(count) = self.siblings.get_mut(symbol) {
                *count -= 1;
                if *count == 0 {
                    self.siblings.remove(symbol);
                }
            }
        }
        self.open_scope(names);
        let body = self.body_with_patterns(&patterns, body, span);
        let body = self.close_scope(body);
        Ok(let_expr(bound, body, span))
    }

    /// All bindings share one scope, in which a later name hides an earlier one.
    pub(super) fn let_star(&mut self, operands: &[Datum], span: Span) -> Fallible<Expr> {
        let ([bindings], body) = shape::at_least::<1>("let*", operands, 1, span)?;
        let bindings = self.bindings("let*", bindings, span)?;
        check_nested("let*", bindings.len(), span)?;
        for binding in &bindings {
            self.distinct_bindings("let*", std::slice::from_ref(binding), span)?;
        }
        self.open_scope(Vec::new());
        let mut layers = Vec::new();
        for (target, value) in bindings {
            let value = self.prepared_expr(value);
            let mut patterns = Vec::new();
            let variable = self.binding_variable(target, &mut patterns);
            if let Some(symbol) = shape::as_symbol(target) {
                self.bind(symbol, variable);
            }
            let steps = self.bind_patterns(&patterns, Fit::Checked("destructure"));
            layers.push((variable, value, steps));
        }
        let mut result = self.body(body, span);
        for (variable, value, steps) in layers.into_iter().rev() {
            result = let_expr(vec![(variable, value)], wrap(steps, result), span);
        }
        Ok(self.close_scope(result))
    }

    pub(super) fn letrec(&mut self, operands: &[Datum], span: Span) -> Fallible<Expr> {
        let ([bindings], body) = shape::at_least::<1>("letrec", operands, 1, span)?;
        let bindings = self.bindings("letrec", bindings, span)?;
        self.distinct_bindings("letrec", &bindings, span)?;
        let has_patterns = bindings
            .iter()
            .any(|(target, _)| shape::as_symbol(target).is_none());
        if has_patterns {
            return self.letrec_with_patterns(&bindings, body, span);
        }
        self.open_scope(Vec::new());
        let targets: Vec<_> = bindings
            .iter()
            .filter_map(|(target, value)| Some((shape::as_symbol(target)?, *value)))
            .collect();
        let variables: Vec<VarId> = targets
            .iter()
            .map(|(symbol, _)| {
                let variable = self.named_variable(*symbol);
                self.bind(*symbol, variable);
                variable
            })
            .collect();
        let prepared = self.body_seen_by_values(body);
        let values: Vec<Expr> = targets
            .iter()
            .map(|(_, value)| self.prepared_expr(value))
            .collect();
        let body = self.body_behind_values(&prepared, span);
        let bound: Vec<_> = variables.into_iter().zip(values).collect();
        let result = if bound.is_empty() {
            body
        } else {
            Expr::new(ExprKind::Letrec(bound, Box::new(body)), span)
        };
        Ok(self.close_scope(result))
    }

    /// Prepares the body of a `letrec` before its values are lowered: these see what the body's forms define.
    fn body_seen_by_values(&mut self, body: &[Datum]) -> (Vec<Datum>, Vec<Symbol>) {
        let (forms, names) = self.prepare(body);
        // Names of patterns, and of definitions inside other forms, are not seen.
        let seen: Vec<Symbol> = forms
            .iter()
            .filter_map(|form| self.defined_name(form))
            .collect();
        self.declare(&seen);
        (forms, names)
    }

    /// Lowers such a body.
    fn body_behind_values(&mut self, prepared: &(Vec<Datum>, Vec<Symbol>), span: Span) -> Expr {
        let (forms, names) = prepared;
        self.declare(names);
        let body = self.prepared_body(forms, span);
        self.settle_rest();
        body
    }

    /// Names in patterns are set one by one, so they are variables that hold nil at first.
    fn letrec_with_patterns(
        &mut self,
        bindings: &[Binding<'_>],
        body: &[Datum],
        span: Span,
    ) -> Fallible<Expr> {
        self.open_scope(Vec::new());
        let names: Vec<Symbol> = bindings
            .iter()
            .flat_map(|(target, _)| self.pattern_names(target))
            .collect();
        self.declare(&names);
        let prepared = self.body_seen_by_values(body);
        let mut steps = Vec::new();
        for (target, value) in bindings {
            let value = self.prepared_expr(value);
            if let Some(symbol) = shape::as_symbol(target) {
                steps.push(self.definition(symbol, value, target.span));
                continue;
            }
            let variable = self.temporary("value");
            let parts = self.assign_pattern(target, variable, Expr::nil(span))?;
            steps.push(let_expr(vec![(variable, value)], parts, target.span));
        }
        steps.push(self.body_behind_values(&prepared, span));
        let result = sequence(steps, span);
        Ok(self.close_scope(result))
    }

    fn named_let(&mut self, name: Symbol, operands: &[Datum], span: Span) -> Fallible<Expr> {
        let Some(([bindings], body)) = operands
            .split_first_chunk::<1>()
            .filter(|(_, body)| !body.is_empty())
        else {
            // Without a body the bindings are checked first, as in the reference.
            if let Some(bindings) = operands.first() {
                self.bindings("named let", bindings, span)?;
            }
            let got = operands.len() + 1;
            return Err(Diagnostic::arity(span, "named let", 3, None, got));
        };
        let bindings = self.bindings("named let", bindings, span)?;
        let mut seen = Vec::new();
        for (target, _) in &bindings {
            let symbol = shape::symbol("named let", target, span)?;
            self.distinct("named let", symbol, &mut seen, span)?;
        }
        let values: Vec<Expr> = bindings.iter().map(|(_, value)| self.expr(value)).collect();
        let function = self.named_variable(name);
        self.open_scope(vec![(name, function)]);
        let parameters: Vec<(Symbol, VarId)> = seen
            .into_iter()
            .map(|symbol| (symbol, self.named_variable(symbol)))
            .collect();
        let variables = parameters.iter().map(|(_, variable)| *variable).collect();
        let body = self.scoped_body(parameters, body, span);
        let lambda = Lambda {
            name: Some(self.session.text(name)),
            parameters: variables,
            optional: 0,
            rest: None,
            body,
            span,
            library: false,
        };
        let lambda = Expr::new(ExprKind::Lambda(Rc::new(lambda)), span);
        // The initial values were lowered outside the function's scope; variables are unique, so they may
        // stand inside it.
        let callee = Box::new(Self::local(function, span));
        let call = Expr::new(ExprKind::Call(callee, values), span);
        let result = Expr::new(
            ExprKind::Letrec(vec![(function, lambda)], Box::new(call)),
            span,
        );
        Ok(self.close_scope(result))
    }

    /// The bindings of a `let` form: lists of a target and a value.
    pub(super) fn bindings<'d>(
        &self,
        form: &str,
        bindings: &'d Datum,
        span: Span,
    ) -> Fallible<Vec<Binding<'d>>> {
        let Some(items) = shape::sequence(bindings) else {
            let problem = Diagnostic::eval(span, format!("{form}: expected a list"));
            return Err(problem.with_optional_hint(self.hint_for_bindings(form, bindings)));
        };
        let hint = || self.hint_for_bindings(form, bindings);
        let mut result = Vec::with_capacity(items.len());
        for item in items {
            let parts = shape::list(form, item, span)
                .map_err(|problem| problem.with_optional_hint(hint()))?;
            let [target, value] = parts else {
                let message = format!("{form}: each binding must have 2 elements");
                return Err(Diagnostic::eval(span, message).with_optional_hint(hint()));
            };
            let is_target = matches!(
                target.kind,
                DatumKind::Symbol(_) | DatumKind::Vector(_) | DatumKind::Map(_)
            );
            if !is_target && form != "named let" {
                let message =
                    format!("{form}: binding name must be a symbol, vector, or map pattern");
                return Err(Diagnostic::eval(span, message).with_optional_hint(hint()));
            }
            result.push((target, value));
        }
        Ok(result)
    }

    fn distinct_bindings(&self, form: &str, bindings: &[Binding<'_>], span: Span) -> Fallible<()> {
        let mut seen: HashSet<Symbol> = HashSet::default();
        for (target, _) in bindings {
            let names = match shape::as_symbol(target) {
                Some(symbol) => vec![symbol],
                None => self.pattern_names(target),
            };
            for symbol in names {
                if !seen.insert(symbol) {
                    let name = self.session.interner.resolve(&symbol);
                    let message = format!("{form}: duplicate binding `{name}`");
                    return Err(Diagnostic::eval(span, message));
                }
            }
        }
        Ok(())
    }

    /// A variable for a binding; a pattern is noted with the variable that holds the value to take apart.
    fn binding_variable<'d>(
        &mut self,
        target: &'d Datum,
        patterns: &mut Vec<(VarId, &'d Datum)>,
    ) -> VarId {
        match shape::as_symbol(target) {
            Some(symbol) => self.named_variable(symbol),
            None => {
                let variable = self.temporary("value");
                patterns.push((variable, target));
                variable
            }
        }
    }
}

/// Bindings around a body; the body alone if there are none.
pub(super) fn let_expr(bound: Vec<(VarId, Expr)>, body: Expr, span: Span) -> Expr {
    if bound.is_empty() {
        return body;
    }
    Expr::new(ExprKind::Let(bound, Box::new(body)), span)
}
