//! Matching a call against a pattern.

use super::{SyntaxRules, symbol};
use crate::front::datum::{Datum, DatumKind, Symbol};
use crate::front::names::Names;

/// What a pattern variable stands for.
#[derive(Clone, Debug)]
pub(super) enum Bound {
    /// One form.
    One(Datum),
    /// One for each repetition of an ellipsis.
    Many(Vec<Bound>),
}

/// The pattern variables of a call.
#[derive(Clone, Debug, Default)]
pub(super) struct Bindings {
    entries: Vec<(Symbol, Bound)>,
}

impl Bindings {
    pub(super) fn find(&self, name: Symbol) -> Option<&Bound> {
        let mut entries = self.entries.iter().rev();
        entries
            .find(|(known, _)| *known == name)
            .map(|(_, bound)| bound)
    }

    pub(super) fn contains(&self, name: Symbol) -> bool {
        self.find(name).is_some()
    }

    /// The bindings of single forms.
    pub(super) fn singles(&self) -> Bindings {
        let singles = self.entries.iter();
        let singles = singles.filter(|(_, bound)| matches!(bound, Bound::One(_)));
        Bindings {
            entries: singles.cloned().collect(),
        }
    }

    /// Binds a name, hiding an earlier binding.
    pub(super) fn add(&mut self, name: Symbol, bound: Bound) {
        self.entries.push((name, bound));
    }
}

impl SyntaxRules {
    /// Whether forms match the elements of a pattern; binds its variables.
    pub(super) fn match_items(
        &self,
        patterns: &[Datum],
        forms: &[Datum],
        names: &Names,
        bindings: &mut Bindings,
    ) -> bool {
        let is_ellipsis = |datum: &Datum| symbol(datum) == Some(self.ellipsis);
        let Some(at) = patterns.iter().position(is_ellipsis).filter(|at| *at > 0) else {
            return patterns.len() == forms.len()
                && self.match_each(patterns, forms, names, bindings);
        };
        let (before, after) = patterns.split_at(at - 1);
        let (repeated, after) = match after {
            [repeated, _, after @ ..] => (repeated, after),
            _ => return false,
        };
        let Some(count) = forms.len().checked_sub(before.len() + after.len()) else {
            return false;
        };
        let (head, rest) = forms.split_at(before.len());
        let (middle, tail) = rest.split_at(count);
        if !self.match_each(before, head, names, bindings) {
            return false;
        }
        let mut variables = Vec::new();
        self.variables(repeated, names, &mut variables);
        let mut repetitions = Vec::new();
        for form in middle {
            let mut one = Bindings::default();
            if !self.match_one(repeated, form, names, &mut one) {
                return false;
            }
            repetitions.push(one);
        }
        for name in variables {
            let values = repetitions.iter().filter_map(|one| one.find(name).cloned());
            bindings.add(name, Bound::Many(values.collect()));
        }
        // At most one ellipsis is allowed at a level, so the tail is matched as it stands.
        tail.len() == after.len() && self.match_each(after, tail, names, bindings)
    }

    fn match_each(
        &self,
        patterns: &[Datum],
        forms: &[Datum],
        names: &Names,
        bindings: &mut Bindings,
    ) -> bool {
        let mut pairs = patterns.iter().zip(forms);
        pairs.all(|(pattern, form)| self.match_one(pattern, form, names, bindings))
    }

    fn match_one(
        &self,
        pattern: &Datum,
        form: &Datum,
        names: &Names,
        bindings: &mut Bindings,
    ) -> bool {
        match (&pattern.kind, &form.kind) {
            (DatumKind::Symbol(name), _) if *name == names.underscore => true,
            (DatumKind::Symbol(name), _) if self.literals.contains(name) => {
                symbol(form) == Some(*name)
            }
            // Dotted tails do not exist in patterns; a dot stands for itself.
            (DatumKind::Symbol(name), _) if *name == names.dot => symbol(form) == Some(*name),
            (DatumKind::Symbol(name), _) => {
                bindings.add(*name, Bound::One(form.clone()));
                true
            }
            (DatumKind::List(patterns), DatumKind::List(forms))
            | (DatumKind::Vector(patterns), DatumKind::Vector(forms)) => {
                self.match_items(patterns, forms, names, bindings)
            }
            _ => same(pattern, form),
        }
    }

    /// The variables of a pattern.
    fn variables(&self, pattern: &Datum, names: &Names, found: &mut Vec<Symbol>) {
        match &pattern.kind {
            DatumKind::Symbol(name) => {
                let is_variable = *name != names.underscore
                    && *name != names.dot
                    && *name != self.ellipsis
                    && !self.literals.contains(name);
                if is_variable && !found.contains(name) {
                    found.push(*name);
                }
            }
            DatumKind::List(items) | DatumKind::Vector(items) => {
                for item in items.iter() {
                    self.variables(item, names, found);
                }
            }
            _ => {}
        }
    }
}

/// Whether two data are `equal?`.
pub(super) fn same(left: &Datum, right: &Datum) -> bool {
    match (&left.kind, &right.kind) {
        (DatumKind::Nil, DatumKind::Nil) => true,
        (DatumKind::Bool(left), DatumKind::Bool(right)) => left == right,
        (DatumKind::Int(left), DatumKind::Int(right)) => left == right,
        (DatumKind::BigInt(left), DatumKind::BigInt(right)) => left == right,
        (DatumKind::Ratio(left), DatumKind::Ratio(right)) => left == right,
        (DatumKind::Float(left), DatumKind::Float(right)) => left == right,
        (DatumKind::Complex(left), DatumKind::Complex(right)) => left == right,
        (DatumKind::Char(left), DatumKind::Char(right)) => left == right,
        (DatumKind::Str(left), DatumKind::Str(right)) => left == right,
        (DatumKind::Symbol(left), DatumKind::Symbol(right))
        | (DatumKind::Keyword(left), DatumKind::Keyword(right)) => left == right,
        (DatumKind::List(left), DatumKind::List(right))
        | (DatumKind::Vector(left), DatumKind::Vector(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right.iter())
                    .all(|(left, right)| same(left, right))
        }
        (DatumKind::Map(left), DatumKind::Map(right)) => {
            // Source order does not matter to equality; literal maps in patterns are small.
            let found = |key: &Datum, value: &Datum| {
                let mut entries = right.iter();
                entries.any(|(other, entry)| same(key, other) && same(value, entry))
            };
            left.len() == right.len() && left.iter().all(|(key, value)| found(key, value))
        }
        (DatumKind::Bytes(left), DatumKind::Bytes(right)) => left == right,
        (DatumKind::F64Array(left), DatumKind::F64Array(right)) => left == right,
        (DatumKind::I64Array(left), DatumKind::I64Array(right)) => left == right,
        (DatumKind::Builtin(left, _), DatumKind::Builtin(right, _)) => left == right,
        (DatumKind::Opaque(left), DatumKind::Opaque(right)) => left == right,
        _ => false,
    }
}
