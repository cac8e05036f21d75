//! `when-let` and `if-let`: what counts is whether the value is nil. A pattern raises if the value does not fit, nil
//! included, so after it there is nothing to test.

use super::{Maker, binding};
use crate::front::datum::{Datum, DatumKind};
use crate::front::diagnostic::Fallible;

pub(super) fn when_let(maker: &mut Maker<'_, '_>, operands: &[Datum]) -> Fallible<Datum> {
    let Some((bound, body)) = operands.split_first() else {
        return Ok(maker.nil());
    };
    let (target, value) = binding(maker, bound)?;
    let test = is_nil(maker, &target);
    let test = maker.call("not", [test]);
    let body = maker.form("when", std::iter::once(test).chain(body.iter().cloned()));
    Ok(maker.let_form(vec![(target, value)], [body]))
}

pub(super) fn if_let(maker: &mut Maker<'_, '_>, operands: &[Datum]) -> Fallible<Datum> {
    let [bound, then, otherwise] = operands else {
        return Ok(maker.nil());
    };
    let (target, value) = binding(maker, bound)?;
    let test = is_nil(maker, &target);
    let body = maker.form("if", [test, otherwise.clone(), then.clone()]);
    Ok(maker.let_form(vec![(target, value)], [body]))
}

fn is_nil(maker: &mut Maker<'_, '_>, target: &Datum) -> Datum {
    match target.kind {
        DatumKind::Symbol(_) => maker.call("nil?", [target.clone()]),
        _ => maker.datum(DatumKind::Bool(false)),
    }
}
