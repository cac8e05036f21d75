//! Filling a template.

use super::pattern::{Bindings, Bound};
use super::{SyntaxRules, symbol};
use crate::front::datum::{Datum, DatumKind, Interner, Span, Symbol};
use crate::front::diagnostic::{Diagnostic, Fallible};
use crate::front::names::{Names, SpecialForm};

/// Fills the templates of one expansion.
pub(super) struct Filler<'a> {
    pub(super) rules: &'a SyntaxRules,
    /// Names bound by the template and their new names.
    pub(super) renamed: &'a [(Symbol, Symbol)],
    pub(super) names: &'a Names,
    pub(super) interner: &'a Interner,
    /// The macro call.
    pub(super) span: Span,
}

impl Filler<'_> {
    pub(super) fn fill(&self, template: &Datum, bindings: &Bindings) -> Fallible<Datum> {
        self.fill_in(template, bindings, false)
    }

    /// In quoted parts pattern variables are replaced, but names bound by the template are data.
    fn fill_in(&self, template: &Datum, bindings: &Bindings, quoted: bool) -> Fallible<Datum> {
        let kind = match &template.kind {
            DatumKind::Symbol(name) => return self.fill_symbol(*name, bindings, quoted),
            DatumKind::List(items) => {
                let quoted = quoted || self.is_quote(items);
                DatumKind::List(self.fill_items(items, bindings, quoted)?.into())
            }
            DatumKind::Vector(items) => {
                DatumKind::Vector(self.fill_items(items, bindings, quoted)?.into())
            }
            DatumKind::Map(entries) => {
                let entries = entries.iter().map(|(key, value)| {
                    let key = self.fill_in(key, bindings, quoted)?;
                    Ok((key, self.fill_in(value, bindings, quoted)?))
                });
                DatumKind::Map(entries.collect::<Fallible<_>>()?)
            }
            atom => atom.clone(),
        };
        Ok(self.datum(kind))
    }

    fn fill_items(
        &self,
        items: &[Datum],
        bindings: &Bindings,
        quoted: bool,
    ) -> Fallible<Vec<Datum>> {
        let mut filled = Vec::new();
        let mut rest = items;
        while let Some((item, after)) = rest.split_first() {
            let ellipses = after
                .iter()
                .take_while(|next| symbol(next) == Some(self.rules.ellipsis))
                .count();
            rest = after.get(ellipses..).unwrap_or_default();
            match ellipses {
                0 => filled.push(self.fill_in(item, bindings, quoted)?),
                1 => self.repeat(item, bindings, quoted, &mut filled)?,
                _ => {
                    let message = "syntax-rules: unsupported nested ellipsis depth in template";
                    return Err(Diagnostic::eval(self.span, message));
                }
            }
        }
        Ok(filled)
    }

    fn repeat(
        &self,
        item: &Datum,
        bindings: &Bindings,
        quoted: bool,
        filled: &mut Vec<Datum>,
    ) -> Fallible<()> {
        let mut names = Vec::new();
        repeated_names(item, bindings, &mut names);
        let mut count = None;
        for name in &names {
            let Some(Bound::Many(values)) = bindings.find(*name) else {
                continue;
            };
            if count.is_some_and(|count| count != values.len()) {
                let message = "syntax-rules: mismatched ellipsis lengths for pattern variables";
                return Err(Diagnostic::eval(self.span, message));
            }
            count = Some(values.len());
        }
        let Some(count) = count else {
            let message = "syntax-rules: ellipsis in template with no matching pattern variable";
            return Err(Diagnostic::eval(self.span, message));
        };
        // Of the others, which may be long, the item mentions none.
        let others = bindings.singles();
        for index in 0..count {
            let mut one = others.clone();
            for name in &names {
                if let Some(Bound::Many(values)) = bindings.find(*name)
                    && let Some(value) = values.get(index)
                {
                    one.add(*name, value.clone());
                }
            }
            filled.push(self.fill_in(item, &one, quoted)?);
        }
        Ok(())
    }

    fn fill_symbol(&self, name: Symbol, bindings: &Bindings, quoted: bool) -> Fallible<Datum> {
        match bindings.find(name) {
            Some(Bound::One(form)) => Ok(form.clone()),
            Some(Bound::Many(_)) => {
                let name = self.interner.resolve(&name);
                let message =
                    format!("syntax-rules: pattern variable '{name}' used without ellipsis");
                Err(Diagnostic::eval(self.span, message))
            }
            None => {
                let renamed = self.renamed.iter().find(|(known, _)| *known == name);
                let name = match renamed {
                    Some((_, new)) if !quoted => *new,
                    _ => name,
                };
                Ok(self.datum(DatumKind::Symbol(name)))
            }
        }
    }

    fn is_quote(&self, items: &[Datum]) -> bool {
        let form = items
            .first()
            .and_then(symbol)
            .and_then(|head| self.names.form(head));
        form == Some(SpecialForm::Quote)
    }

    fn datum(&self, kind: DatumKind) -> Datum {
        Datum {
            kind,
            span: self.span,
        }
    }
}

/// The variables in a template that stand for several forms.
fn repeated_names(template: &Datum, bindings: &Bindings, names: &mut Vec<Symbol>) {
    match &template.kind {
        DatumKind::Symbol(name)
            if matches!(bindings.find(*name), Some(Bound::Many(_))) && !names.contains(name) =>
        {
            names.push(*name);
        }
        DatumKind::List(items) | DatumKind::Vector(items) => {
            for item in items.iter() {
                repeated_names(item, bindings, names);
            }
        }
        DatumKind::Map(entries) => {
            for (key, value) in entries.iter() {
                repeated_names(key, bindings, names);
                repeated_names(value, bindings, names);
            }
        }
        _ => {}
    }
}
