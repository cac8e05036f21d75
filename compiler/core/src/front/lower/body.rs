//! Bodies: sequences of forms with local definitions.
//!
//! Local definitions behave as `letrec*`: their names are visible in the whole body and hold nil until the
//! definition runs. Most definitions come before any mention of their names; those become bindings of the rest
//! of the body. The others are variables that hold nil at first and are assigned.

use super::chains::check_nested;
use super::control::sequence;
use super::patterns::{Fit, Step, wrap};
use super::{Lowerer, shape};
use crate::front::datum::{Datum, DatumKind, Span, Symbol};
use crate::front::names::SpecialForm;
use crate::ir::{Expr, ExprKind, VarId};

/// A piece of a body.
enum Item {
    /// Evaluated for its effect, or for its value if it is the last.
    Form(Expr),
    /// Bindings of the rest of the body; each sees itself and the others.
    Definitions(Vec<(VarId, Expr)>, Span),
    /// Bindings of the rest of the body that see neither themselves nor the later ones.
    Binding(VarId, Expr, Span),
    /// A value taken apart; the rest of the body sees its parts.
    Parts(Vec<(VarId, Step)>),
}

impl Lowerer<'_, '_> {
    /// Lowers a body in a scope of its own that has the given names.
    pub(super) fn scoped_body(
        &mut self,
        names: Vec<(Symbol, VarId)>,
        forms: &[Datum],
        span: Span,
    ) -> Expr {
        self.open_scope(names);
        let body = self.body(forms, span);
        self.close_scope(body)
    }

    /// Lowers a body in the innermost scope, which must have been opened for it.
    pub(super) fn body(&mut self, forms: &[Datum], span: Span) -> Expr {
        let (forms, names) = self.prepare(forms);
        if let Err(problem) = check_nested("body", names.len(), span) {
            self.report(problem);
            return Expr::nil(span);
        }
        self.declare(&names);
        let body = self.prepared_body(&forms, span);
        self.settle_rest();
        body
    }

    /// Lowers forms whose macro calls have been expanded and whose definitions have been declared.
    pub(super) fn prepared_body(&mut self, forms: &[Datum], span: Span) -> Expr {
        let mut items = Vec::new();
        let mut rest = forms;
        while let Some((form, others)) = rest.split_first() {
            let run = self.definitions_at_start(rest);
            if run.is_empty() {
                rest = others;
                // The last form gives the body's value, so it is an ordinary one.
                if others.is_empty() || !self.pattern_definition(form, &mut items) {
                    items.push(Item::Form(self.expr(form)));
                }
            } else {
                rest = rest.get(run.len()..).unwrap_or_default();
                self.definitions(run, &mut items);
            }
        }
        assemble(items, span)
    }

    /// Lowers `(define PATTERN value)` to bindings of the rest of the body, if nothing has mentioned its names.
    fn pattern_definition(&mut self, form: &Datum, items: &mut Vec<Item>) -> bool {
        let DatumKind::List(parts) = &form.kind else {
            return false;
        };
        let [head, pattern, value] = &parts[..] else {
            return false;
        };
        let is_define = shape::as_symbol(head).and_then(|head| self.session.names.form(head))
            == Some(SpecialForm::Define);
        let is_pattern = matches!(pattern.kind, DatumKind::Vector(_) | DatumKind::Map(_));
        if !is_define || !is_pattern || self.distinct_names("define", pattern).is_err() {
            return false;
        }
        let names = self.pattern_names(pattern);
        if !names.iter().all(|name| self.can_place(*name)) {
            return false;
        }
        let value = self.expr(value);
        // The value may mention the names: they are nil then.
        if !names.iter().all(|name| self.can_place(*name)) {
            let source = self.temporary("value");
            let local = Self::local(source, form.span);
            let assigned = self.assign_pattern(pattern, source, local);
            let assigned = assigned.unwrap_or_else(|problem| self.raise(problem));
            let kind = ExprKind::Let(vec![(source, value)], Box::new(assigned));
            items.push(Item::Form(Expr::new(kind, form.span)));
            return true;
        }
        let source = self.temporary("value");
        let mut steps = Vec::new();
        self.pattern_steps(pattern, source, Fit::Checked("destructure"), &mut steps);
        let mut bound = vec![(source, Step::Temporary(source, value))];
        for step in steps {
            let variable = match &step {
                // It has been seen that there is a place.
                Step::Name(symbol, _) => self.place(*symbol).unwrap_or(source),
                Step::Temporary(variable, _) => *variable,
                Step::Check(_) => source,
            };
            bound.push((variable, step));
        }
        items.push(Item::Parts(bound));
        true
    }

    /// The definitions that `forms` starts with and that can be bindings.
    fn definitions_at_start<'d>(&mut self, forms: &'d [Datum]) -> Vec<(VarId, &'d Datum)> {
        let mut run = Vec::new();
        for form in forms {
            let Some(symbol) = self.defined_name(form) else {
                break;
            };
            let Some(variable) = self.place(symbol) else {
                break;
            };
            run.push((variable, form));
        }
        run
    }

    /// The name that a well-formed definition of one name defines.
    pub(super) fn defined_name(&self, form: &Datum) -> Option<Symbol> {
        let DatumKind::List(items) = &form.kind else {
            return None;
        };
        let (head, operands) = items.split_first()?;
        let target = operands.first()?;
        match self.session.names.form(shape::as_symbol(head)?)? {
            SpecialForm::Define => match &target.kind {
                DatumKind::Symbol(symbol) => (operands.len() == 2).then_some(*symbol),
                DatumKind::List(signature) => shape::as_symbol(signature.first()?),
                _ => None,
            },
            SpecialForm::Defun => shape::as_symbol(target),
            _ => None,
        }
    }

    fn definitions(&mut self, run: Vec<(VarId, &Datum)>, items: &mut Vec<Item>) {
        let mut group: Vec<(VarId, Expr)> = Vec::new();
        let mut group_span = None;
        for (index, (variable, form)) in run.iter().enumerate() {
            let value = self.definition_value(form);
            // Until one of the variables still to come is mentioned, each definition stands for itself.
            let later = run.get(index..).unwrap_or_default();
            let grouped = !group.is_empty()
                || later
                    .iter()
                    .any(|(variable, _)| self.is_mentioned(*variable));
            if grouped {
                group_span.get_or_insert(form.span);
                group.push((*variable, value));
            } else {
                items.push(Item::Binding(*variable, value, form.span));
            }
        }
        if let Some(span) = group_span {
            items.push(Item::Definitions(group, span));
        }
    }

    /// The value part of a definition for which [`Self::defined_name`] gave a name.
    fn definition_value(&mut self, form: &Datum) -> Expr {
        let DatumKind::List(items) = &form.kind else {
            return Expr::nil(form.span);
        };
        let Some((head, operands)) = items.split_first() else {
            return Expr::nil(form.span);
        };
        let is_defun = shape::as_symbol(head).and_then(|head| self.session.names.form(head))
            == Some(SpecialForm::Defun);
        let value = if is_defun {
            self.defun_parts(operands, form.span)
                .map(|(_, value)| value)
        } else {
            self.define_parts(operands, form.span)
                .map(|(_, value)| value)
        };
        value.unwrap_or_else(|problem| {
            self.report(problem);
            Expr::nil(form.span)
        })
    }
}

/// Builds the body from its last piece to its first.
fn assemble(items: Vec<Item>, span: Span) -> Expr {
    // The expressions after the binding being built, in reverse order.
    let mut after: Vec<Expr> = Vec::new();
    for item in items.into_iter().rev() {
        let last = match &item {
            Item::Form(_) | Item::Parts(_) => None,
            Item::Binding(variable, _, span) => Some((*variable, *span)),
            Item::Definitions(bindings, span) => bindings.last().map(|(last, _)| (*last, *span)),
        };
        // The value of a definition at the end of a body is the value defined.
        if let (true, Some((variable, span))) = (after.is_empty(), last) {
            after.push(Lowerer::local(variable, span));
        }
        match item {
            Item::Form(form) => after.push(form),
            Item::Parts(steps) => {
                let rest = rest_of(&mut after, span);
                after.push(wrap(steps, rest));
            }
            Item::Binding(variable, value, span) => {
                let rest = rest_of(&mut after, span);
                let kind = ExprKind::Let(vec![(variable, value)], Box::new(rest));
                after.push(Expr::new(kind, span));
            }
            Item::Definitions(bindings, span) => {
                let rest = rest_of(&mut after, span);
                let kind = ExprKind::Letrec(bindings, Box::new(rest));
                after.push(Expr::new(kind, span));
            }
        }
    }
    rest_of(&mut after, span)
}

fn rest_of(after: &mut Vec<Expr>, span: Span) -> Expr {
    let mut forms = std::mem::take(after);
    forms.reverse();
    sequence(forms, span)
}
