//! Destructuring in binding position: a value that does not fit raises.
//!
//! A pattern becomes a list of steps. Mistakes in a pattern are conditions raised when the step is reached, as
//! in the reference; only the form around the pattern is checked statically.

use super::control::sequence;
use super::{Lowerer, shape};
use crate::front::datum::{Datum, DatumKind, Span, Symbol};
use crate::front::diagnostic::{Diagnostic, Fallible, type_name};
use crate::ir::{Expr, ExprKind, VarId};

/// One step of taking a value apart.
pub(super) enum Step {
    /// A name gets a value.
    Name(Symbol, Expr),
    /// An intermediate value.
    Temporary(VarId, Expr),
    /// Evaluated because it may raise.
    Check(Expr),
}

/// Whether the steps check that the value fits. `match` has tested that before.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// Raise if it does not fit.
    Checked(&'static str),
    /// It fits.
    Known,
}

impl Lowerer<'_, '_> {
    /// The names that a pattern binds, in order.
    pub(super) fn pattern_names(&self, pattern: &Datum) -> Vec<Symbol> {
        let mut names = Vec::new();
        self.collect_pattern_names(pattern, &mut names);
        names
    }

    fn collect_pattern_names(&self, pattern: &Datum, names: &mut Vec<Symbol>) {
        let words = &self.session.names;
        match &pattern.kind {
            DatumKind::Symbol(symbol)
                if *symbol != words.underscore && *symbol != words.ampersand =>
            {
                names.push(*symbol);
            }
            DatumKind::Vector(items) => {
                for item in items.iter() {
                    self.collect_pattern_names(item, names);
                }
            }
            DatumKind::Map(entries) => {
                for (key, value) in entries.iter() {
                    if matches!(key.kind, DatumKind::Keyword(word) if word == words.keys) {
                        let keys = shape::sequence(value).unwrap_or_default();
                        names.extend(keys.iter().filter_map(shape::as_symbol));
                    } else {
                        self.collect_pattern_names(value, names);
                    }
                }
            }
            _ => {}
        }
    }

    /// The steps that take apart the value of a variable.
    pub(super) fn pattern_steps(
        &mut self,
        pattern: &Datum,
        source: VarId,
        fit: Fit,
        steps: &mut Vec<Step>,
    ) {
        match &pattern.kind {
            DatumKind::Symbol(symbol) if *symbol == self.session.names.underscore => {}
            DatumKind::Symbol(symbol) => {
                steps.push(Step::Name(*symbol, Self::local(source, pattern.span)));
            }
            DatumKind::Vector(items) => {
                self.sequence_steps(items, source, fit, pattern.span, steps);
            }
            DatumKind::Map(entries) => self.map_steps(entries, source, fit, pattern.span, steps),
            other => {
                let Fit::Checked(form) = fit else {
                    return;
                };
                let got = type_name(other);
                let message =
                    format!("{form}: invalid pattern, expected symbol, vector, or map, got {got}");
                steps.push(Step::Check(
                    self.raise(Diagnostic::eval(pattern.span, message)),
                ));
            }
        }
    }

    /// The fixed patterns and the rest pattern of a vector pattern.
    pub(super) fn split_sequence<'d>(
        &self,
        form: &str,
        items: &'d [Datum],
        span: Span,
    ) -> Fallible<(&'d [Datum], Option<&'d Datum>)> {
        let ampersand = self.session.names.ampersand;
        let at = items
            .iter()
            .position(|item| shape::as_symbol(item) == Some(ampersand));
        let Some(at) = at else {
            return Ok((items, None));
        };
        let (fixed, from_ampersand) = items.split_at(at);
        match from_ampersand {
            [_, rest] => Ok((fixed, Some(rest))),
            [_] | [] => Err(Diagnostic::eval(
                span,
                format!("{form}: `&` must be followed by a rest pattern"),
            )),
            _ => Err(Diagnostic::eval(
                span,
                format!("{form}: only one pattern allowed after `&`"),
            )),
        }
    }

    /// The names of a `:keys` entry.
    pub(super) fn keys_entry(&self, form: &str, value: &Datum) -> Fallible<Vec<Symbol>> {
        let Some(items) = shape::sequence(value) else {
            let message = format!("{form}: :keys must be followed by a vector or list of symbols");
            return Err(Diagnostic::eval(value.span, message));
        };
        let symbols = items.iter().map(|item| {
            shape::as_symbol(item).ok_or_else(|| {
                Diagnostic::eval(item.span, format!("{form}: :keys entries must be symbols"))
            })
        });
        symbols.collect()
    }

    fn sequence_steps(
        &mut self,
        items: &[Datum],
        source: VarId,
        fit: Fit,
        span: Span,
        steps: &mut Vec<Step>,
    ) {
        let form = match fit {
            Fit::Checked(form) => form,
            Fit::Known => "match",
        };
        let (fixed, rest) = match self.split_sequence(form, items, span) {
            Ok(parts) => parts,
            Err(problem) => {
                steps.push(Step::Check(self.raise(problem)));
                return;
            }
        };
        let count = integer(fixed.len(), span);
        if let Fit::Checked(_) = fit {
            let check = match rest {
                None => "%check-sequence",
                Some(_) => "%check-sequence-rest",
            };
            let arguments = vec![Self::local(source, span), count.clone()];
            steps.push(Step::Check(Self::call_builtin(check, arguments, span)));
        }
        for (index, item) in fixed.iter().enumerate() {
            let element = Self::call_builtin(
                "%sequence-ref",
                vec![Self::local(source, item.span), integer(index, item.span)],
                item.span,
            );
            self.part(item, element, fit, steps);
        }
        if let Some(rest) = rest {
            let arguments = vec![Self::local(source, rest.span), count];
            let tail = Self::call_builtin("%sequence-rest", arguments, rest.span);
            self.part(rest, tail, fit, steps);
        }
    }

    fn map_steps(
        &mut self,
        entries: &[(Datum, Datum)],
        source: VarId,
        fit: Fit,
        span: Span,
        steps: &mut Vec<Step>,
    ) {
        let form = match fit {
            Fit::Checked(form) => form,
            Fit::Known => "match",
        };
        if let Fit::Checked(_) = fit {
            let arguments = vec![Self::local(source, span)];
            steps.push(Step::Check(Self::call_builtin(
                "%check-map",
                arguments,
                span,
            )));
        }
        for (key, pattern) in entries {
            if self.is_keys(key) {
                match self.keys_entry(form, pattern) {
                    Ok(symbols) => {
                        for symbol in symbols {
                            let key = DatumKind::Keyword(symbol);
                            let value = self.map_ref(source, key, pattern.span);
                            if symbol != self.session.names.underscore {
                                steps.push(Step::Name(symbol, value));
                            }
                        }
                    }
                    Err(problem) => steps.push(Step::Check(self.raise(problem))),
                }
            } else {
                let key = self.pattern_key(key);
                let value = self.map_ref(source, key, pattern.span);
                self.part(pattern, value, fit, steps);
            }
        }
    }

    /// A key of a map pattern, looked up as it stands; a quoted datum is looked up as that datum.
    pub(super) fn pattern_key(&self, key: &Datum) -> DatumKind {
        self.quoted(key).unwrap_or(key).kind.clone()
    }

    /// Whether a key of a map pattern is `:keys`.
    pub(super) fn is_keys(&self, key: &Datum) -> bool {
        matches!(key.kind, DatumKind::Keyword(word) if word == self.session.names.keys)
    }

    /// The value under a key, nil if there is none.
    pub(super) fn map_ref(&self, source: VarId, key: DatumKind, span: Span) -> Expr {
        let key = Expr::new(ExprKind::Const(key), span);
        Self::call_builtin("%map-ref", vec![Self::local(source, span), key], span)
    }

    fn part(&mut self, pattern: &Datum, value: Expr, fit: Fit, steps: &mut Vec<Step>) {
        match &pattern.kind {
            DatumKind::Symbol(symbol) if *symbol == self.session.names.underscore => {}
            DatumKind::Symbol(symbol) => steps.push(Step::Name(*symbol, value)),
            DatumKind::Vector(_) | DatumKind::Map(_) => {
                let variable = self.temporary("part");
                steps.push(Step::Temporary(variable, value));
                self.pattern_steps(pattern, variable, fit, steps);
            }
            _ => {
                let variable = self.temporary("part");
                self.pattern_steps(pattern, variable, fit, steps);
            }
        }
    }

    /// Binds the names of patterns in the innermost scope; [`wrap`] puts the steps around a body.
    pub(super) fn bind_patterns(
        &mut self,
        patterns: &[(VarId, &Datum)],
        fit: Fit,
    ) -> Vec<(VarId, Step)> {
        let mut bound = Vec::new();
        for (source, pattern) in patterns {
            let mut steps = Vec::new();
            self.pattern_steps(pattern, *source, fit, &mut steps);
            for step in steps {
                let variable = match &step {
                    Step::Name(symbol, _) => {
                        let variable = self.named_variable(*symbol);
                        self.bind(*symbol, variable);
                        variable
                    }
                    Step::Temporary(variable, _) => *variable,
                    Step::Check(_) => *source,
                };
                bound.push((variable, step));
            }
        }
        bound
    }

    /// Lowers a body in the innermost scope after binding patterns in it.
    pub(super) fn body_with_patterns(
        &mut self,
        patterns: &[(VarId, &Datum)],
        body: &[Datum],
        span: Span,
    ) -> Expr {
        let steps = self.bind_patterns(patterns, Fit::Checked("destructure"));
        let body = self.body(body, span);
        wrap(steps, body)
    }

    /// Takes apart a value and defines the names where the form stands; `last` follows.
    pub(super) fn assign_pattern(
        &mut self,
        pattern: &Datum,
        source: VarId,
        last: Expr,
    ) -> Fallible<Expr> {
        self.distinct_names("define", pattern)?;
        let mut steps = Vec::new();
        self.pattern_steps(pattern, source, Fit::Checked("destructure"), &mut steps);
        let assigned = steps
            .into_iter()
            .map(|step| match step {
                Step::Name(symbol, value) => {
                    let span = value.span;
                    (source, Step::Check(self.definition(symbol, value, span)))
                }
                Step::Temporary(variable, value) => (variable, Step::Temporary(variable, value)),
                check => (source, check),
            })
            .collect();
        Ok(wrap(assigned, last))
    }

    /// Refuses a pattern that binds a name twice.
    pub(super) fn distinct_names(&self, form: &str, pattern: &Datum) -> Fallible<()> {
        let mut seen = Vec::new();
        for symbol in self.pattern_names(pattern) {
            self.distinct(form, symbol, &mut seen, pattern.span)?;
        }
        Ok(())
    }
}

/// Puts steps around a body. Each step comes with the variable it binds, if it binds one.
pub(super) fn wrap(steps: Vec<(VarId, Step)>, body: Expr) -> Expr {
    let mut pending = vec![body];
    for (variable, step) in steps.into_iter().rev() {
        match step {
            Step::Check(check) => pending.push(check),
            Step::Name(_, value) | Step::Temporary(_, value) => {
                pending.reverse();
                let span = value.span;
                let rest = sequence(std::mem::take(&mut pending), span);
                let kind = ExprKind::Let(vec![(variable, value)], Box::new(rest));
                pending.push(Expr::new(kind, span));
            }
        }
    }
    pending.reverse();
    let span = pending.first().map(|first| first.span).unwrap_or_default();
    sequence(pending, span)
}

/// A constant count or index.
pub(super) fn integer(value: usize, span: Span) -> Expr {
    let value = i64::try_from(value).unwrap_or(i64::MAX);
    Expr::new(ExprKind::Const(DatumKind::Int(value)), span)
}
