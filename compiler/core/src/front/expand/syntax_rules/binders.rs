//! Which names does a template bind?

use super::symbol;
use crate::front::datum::{Datum, DatumKind, Symbol};
use crate::front::names::{Names, SpecialForm};

/// Collects the names bound by binding forms anywhere in a template. Pattern variables may be among them.
pub(super) fn collect(template: &Datum, names: &Names, found: &mut Vec<Symbol>) {
    match &template.kind {
        DatumKind::List(items) => {
            let head = items.first().and_then(symbol);
            if head == Some(names.catch) {
                found.extend(items.get(1).and_then(symbol));
            }
            match head.and_then(|head| names.form(head)) {
                Some(SpecialForm::Quote) => return,
                Some(form) => collect_form(form, items, names, found),
                None => {}
            }
            for item in items.iter() {
                collect(item, names, found);
            }
        }
        DatumKind::Vector(items) => {
            for item in items.iter() {
                collect(item, names, found);
            }
        }
        DatumKind::Map(entries) => {
            for (key, value) in entries.iter() {
                collect(key, names, found);
                collect(value, names, found);
            }
        }
        _ => {}
    }
}

fn collect_form(form: SpecialForm, items: &[Datum], names: &Names, found: &mut Vec<Symbol>) {
    let operand = |index: usize| items.get(index);
    match form {
        SpecialForm::Let | SpecialForm::LetStar | SpecialForm::Letrec | SpecialForm::Do => {
            let named = operand(1).and_then(symbol);
            found.extend(named);
            bindings(operand(if named.is_some() { 2 } else { 1 }), names, found);
        }
        SpecialForm::LetValues | SpecialForm::LetStarValues => {
            bindings(operand(1), names, found);
        }
        SpecialForm::Lambda => pattern(operand(1), names, found),
        SpecialForm::Define | SpecialForm::DefineValues => pattern(operand(1), names, found),
        SpecialForm::Defun => {
            pattern(operand(1), names, found);
            pattern(operand(2), names, found);
        }
        SpecialForm::Match | SpecialForm::MatchStar => {
            for clause in items.iter().skip(2) {
                if let DatumKind::List(parts) | DatumKind::Vector(parts) = &clause.kind {
                    match_pattern(parts.first(), names, found);
                }
            }
        }
        _ => {}
    }
}

/// The targets of `((target value)…)`.
fn bindings(datum: Option<&Datum>, names: &Names, found: &mut Vec<Symbol>) {
    let Some(DatumKind::List(items) | DatumKind::Vector(items)) = datum.map(|datum| &datum.kind)
    else {
        return;
    };
    for item in items.iter() {
        if let DatumKind::List(parts) = &item.kind {
            pattern(parts.first(), names, found);
        }
    }
}

/// The names in a name, a parameter list or a pattern.
fn pattern(datum: Option<&Datum>, names: &Names, found: &mut Vec<Symbol>) {
    match datum.map(|datum| &datum.kind) {
        Some(DatumKind::Symbol(name)) => found.push(*name),
        Some(DatumKind::List(items) | DatumKind::Vector(items)) => {
            for item in items.iter() {
                pattern(Some(item), names, found);
            }
        }
        // The names after `:keys` are also the keys that are looked up, so they are kept.
        Some(DatumKind::Map(entries)) => {
            for (_, value) in entries.iter().filter(|(key, _)| !is_keys(key, names)) {
                pattern(Some(value), names, found);
            }
        }
        _ => {}
    }
}

fn is_keys(key: &Datum, names: &Names) -> bool {
    matches!(key.kind, DatumKind::Keyword(word) if word == names.keys)
}

/// As [`pattern`], but a list in a pattern of `match` is data.
fn match_pattern(datum: Option<&Datum>, names: &Names, found: &mut Vec<Symbol>) {
    match datum.map(|datum| &datum.kind) {
        Some(DatumKind::Symbol(name)) => found.push(*name),
        Some(DatumKind::Vector(items)) => {
            for item in items.iter() {
                match_pattern(Some(item), names, found);
            }
        }
        Some(DatumKind::Map(entries)) => {
            for (_, value) in entries.iter().filter(|(key, _)| !is_keys(key, names)) {
                match_pattern(Some(value), names, found);
            }
        }
        _ => {}
    }
}
