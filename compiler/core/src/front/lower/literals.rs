//! `quote`, vector and map literals, f-strings.

use super::{Lowerer, shape};
use crate::front::datum::{Datum, DatumKind, Span};
use crate::front::diagnostic::Fallible;
use crate::ir::{Expr, ExprKind};

/// Longer constructor calls are made in parts: instructions have room for this many operands.
const PART: usize = 60;

impl Lowerer<'_, '_> {
    pub(super) fn quote(&mut self, operands: &[Datum], span: Span) -> Fallible<Expr> {
        let [datum] = shape::exactly("quote", operands, span)?;
        Ok(self.constant(&datum.kind, span))
    }

    /// A datum as a value.
    pub(super) fn constant(&self, datum: &DatumKind, span: Span) -> Expr {
        let builtin = match datum {
            DatumKind::Builtin(name, _) => self.session.builtins.resolve(name),
            _ => None,
        };
        let kind = match builtin {
            Some(entry) => ExprKind::Builtin(entry.builtin),
            None => ExprKind::Const(datum.clone()),
        };
        Expr::new(kind, span)
    }

    pub(super) fn vector_literal(&mut self, datum: &Datum, items: &[Datum]) -> Expr {
        if items.iter().all(is_constant) {
            return Expr::new(ExprKind::Const(datum.kind.clone()), datum.span);
        }
        let elements = self.exprs(items);
        make("%vector", "%append-vector", elements, datum.span)
    }

    pub(super) fn map_literal(&mut self, datum: &Datum, entries: &[(Datum, Datum)]) -> Expr {
        if entries
            .iter()
            .all(|(key, value)| is_constant_key(key) && is_constant(value))
        {
            return Expr::new(ExprKind::Const(datum.kind.clone()), datum.span);
        }
        let mut elements = Vec::with_capacity(entries.len() * 2);
        for (key, value) in entries {
            elements.push(self.expr(key));
            elements.push(self.expr(value));
        }
        make_map(elements, datum.span)
    }

    pub(super) fn f_string(&mut self, operands: &[Datum], span: Span) -> Expr {
        let parts = self.exprs(operands);
        if parts.len() <= PART {
            return Self::call_builtin("%str", parts, span);
        }
        let parts = chunks(parts)
            .map(|part| Self::call_builtin("%str", part, span))
            .collect();
        Self::call_builtin("%str", parts, span)
    }
}

/// Whether evaluating the datum gives the datum itself, the same each time. One of very many parts, counting those that are
/// shared each time, is no constant.
pub(super) fn is_constant(datum: &Datum) -> bool {
    fn within(datum: &Datum, parts: &mut u32) -> bool {
        let Some(rest) = parts.checked_sub(1) else {
            return false;
        };
        *parts = rest;
        match &datum.kind {
            DatumKind::Symbol(_) | DatumKind::List(_) | DatumKind::Builtin(..) => false,
            DatumKind::Vector(items) => items.iter().all(|item| within(item, parts)),
            DatumKind::Map(entries) => entries
                .iter()
                .all(|(key, value)| is_constant_key(key) && within(value, parts)),
            _ => true,
        }
    }
    within(datum, &mut { super::MOST_PARTS })
}

/// Whether the datum is a constant that can certainly be a key: others are left to the run time, which refuses
/// keys that are not equal to themselves.
pub(super) fn is_constant_key(datum: &Datum) -> bool {
    match &datum.kind {
        DatumKind::Float(value) => !value.is_nan(),
        DatumKind::Nil
        | DatumKind::Bool(_)
        | DatumKind::Int(_)
        | DatumKind::BigInt(_)
        | DatumKind::Ratio(_)
        | DatumKind::Char(_)
        | DatumKind::Str(_)
        | DatumKind::Keyword(_) => true,
        DatumKind::Vector(items) => items.iter().all(is_constant_key),
        _ => false,
    }
}

/// A call of a sequence constructor.
pub(super) fn make(
    constructor: &'static str,
    append: &'static str,
    elements: Vec<Expr>,
    span: Span,
) -> Expr {
    if elements.len() <= PART {
        return Expr::builtin_call(constructor, elements, span);
    }
    let parts: Vec<Expr> = chunks(elements)
        .map(|part| Expr::builtin_call("%list", part, span))
        .collect();
    append_call(append, parts, span)
}

/// A call that joins sequences, in parts if there are many.
pub(super) fn append_call(append: &'static str, mut parts: Vec<Expr>, span: Span) -> Expr {
    while parts.len() > PART {
        parts = chunks(parts)
            .map(|part| Expr::builtin_call("%append-list", part, span))
            .collect();
    }
    Expr::builtin_call(append, parts, span)
}

/// A call of the map constructor from keys and values in turn.
pub(super) fn make_map(elements: Vec<Expr>, span: Span) -> Expr {
    if elements.len() <= PART {
        return Expr::builtin_call("%map", elements, span);
    }
    let flat = make("%list", "%append-list", elements, span);
    Expr::builtin_call("%map-from-list", vec![flat], span)
}

fn chunks(elements: Vec<Expr>) -> impl Iterator<Item = Vec<Expr>> {
    let mut elements = elements.into_iter();
    std::iter::from_fn(move || {
        let part: Vec<Expr> = elements.by_ref().take(PART).collect();
        (!part.is_empty()).then_some(part)
    })
}
