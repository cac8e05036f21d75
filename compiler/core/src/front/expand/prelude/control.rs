//! `guard` and `parameterize`.

use super::{Maker, binding, sequence};
use crate::front::datum::{Datum, DatumKind};
use crate::front::diagnostic::Fallible;

/// `(guard (name clause…) body…)`: without a fitting clause the condition is raised again, unchanged.
pub(super) fn guard(maker: &mut Maker<'_, '_>, operands: &[Datum]) -> Fallible<Datum> {
    let Some((spec, body)) = operands.split_first() else {
        return Ok(maker.nil());
    };
    let items = sequence(maker, spec)?;
    let (name, clauses) = match items.split_first() {
        Some((name, clauses)) => (name.clone(), clauses),
        None => (maker.nil(), &[][..]),
    };
    let condition = maker.fresh("condition");
    let has_else = clauses.last().is_some_and(|clause| {
        match &clause.kind {
        DatumKind::List(items) => items.first().is_some_and(|head| {
            matches!(head.kind, DatumKind::Symbol(word) if word == maker.session.names.r#else)
        }),
        _ => false,
    }
    });
    let mut clauses = clauses.to_vec();
    if !has_else {
        let raise = maker.form("throw", [condition.clone()]);
        clauses.push(maker.form("else", [raise]));
    }
    let choose = maker.form("cond", clauses);
    let value = maker.call("%condition-value", [condition.clone()]);
    let handler = maker.let_form(vec![(name, value)], [choose]);
    let handler = maker.form("catch", [condition, handler]);
    let body = maker.form("begin", body.iter().cloned());
    Ok(maker.form("try", [body, handler]))
}

pub(super) fn parameterize(maker: &mut Maker<'_, '_>, operands: &[Datum]) -> Fallible<Datum> {
    let Some((spec, body)) = operands.split_first() else {
        return Ok(maker.nil());
    };
    let mut parameters = Vec::new();
    let mut values = Vec::new();
    for bound in sequence(maker, spec)? {
        let (parameter, value) = binding(maker, bound)?;
        parameters.push(parameter);
        values.push(value);
    }
    let parameters = maker.call("%list", parameters);
    let values = maker.call("%list", values);
    let body = maker.thunk(body);
    Ok(maker.call("%parameterize", [parameters, values, body]))
}
