//! `->`, `->>`, `as->`, `some->`.

use super::Maker;
use crate::front::datum::{Datum, DatumKind};
use crate::front::diagnostic::Fallible;

pub(super) fn first(maker: &mut Maker<'_, '_>, operands: &[Datum]) -> Fallible<Datum> {
    Ok(thread(maker, operands, insert_first))
}

pub(super) fn last(maker: &mut Maker<'_, '_>, operands: &[Datum]) -> Fallible<Datum> {
    Ok(thread(maker, operands, insert_last))
}

pub(super) fn named(maker: &mut Maker<'_, '_>, operands: &[Datum]) -> Fallible<Datum> {
    let [value, name, forms @ ..] = operands else {
        return Ok(maker.nil());
    };
    let Some((result, earlier)) = forms.split_last() else {
        return Ok(value.clone());
    };
    let mut values = vec![value.clone()];
    values.extend(earlier.iter().cloned());
    let nested = values
        .into_iter()
        .rev()
        .fold(result.clone(), |body, value| {
            maker.let_form(vec![(name.clone(), value)], [body])
        });
    Ok(nested)
}

/// Stops at nil; `#f` goes on.
pub(super) fn some(maker: &mut Maker<'_, '_>, operands: &[Datum]) -> Fallible<Datum> {
    let Some((value, forms)) = operands.split_first() else {
        return Ok(maker.nil());
    };
    let Some((result, earlier)) = forms.split_last() else {
        return Ok(value.clone());
    };
    // Built from the last step to the first; each step names the value it starts from.
    let mut variable = maker.fresh("value");
    let mut body = insert_first(maker, result, variable.clone());
    for form in earlier.iter().rev() {
        let before = maker.fresh("value");
        let step = insert_first(maker, form, before.clone());
        body = stop_at_nil(maker, variable, step, body);
        variable = before;
    }
    Ok(stop_at_nil(maker, variable, value.clone(), body))
}

fn stop_at_nil(maker: &mut Maker<'_, '_>, variable: Datum, value: Datum, body: Datum) -> Datum {
    let test = maker.call("nil?", [variable.clone()]);
    let nil = maker.nil();
    let body = maker.form("if", [test, nil, body]);
    maker.let_form(vec![(variable, value)], [body])
}

fn thread(
    maker: &mut Maker<'_, '_>,
    operands: &[Datum],
    insert: fn(&Maker<'_, '_>, &Datum, Datum) -> Datum,
) -> Datum {
    let Some((value, forms)) = operands.split_first() else {
        return maker.nil();
    };
    forms
        .iter()
        .fold(value.clone(), |value, form| insert(maker, form, value))
}

fn insert_first(maker: &Maker<'_, '_>, form: &Datum, value: Datum) -> Datum {
    let (head, rest) = parts(maker, form);
    let mut items = vec![head, value];
    items.extend(rest);
    Datum {
        kind: DatumKind::List(items.into()),
        span: form.span,
    }
}

fn insert_last(maker: &Maker<'_, '_>, form: &Datum, value: Datum) -> Datum {
    let (head, rest) = parts(maker, form);
    let mut items = vec![head];
    items.extend(rest);
    items.push(value);
    Datum {
        kind: DatumKind::List(items.into()),
        span: form.span,
    }
}

/// The operator and the operands of a step; a step that is not a list is an operator.
fn parts(maker: &Maker<'_, '_>, form: &Datum) -> (Datum, Vec<Datum>) {
    match &form.kind {
        DatumKind::List(items) => match items.split_first() {
            Some((head, rest)) => (head.clone(), rest.to_vec()),
            None => (maker.nil(), Vec::new()),
        },
        _ => (form.clone(), Vec::new()),
    }
}
