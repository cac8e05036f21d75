//! `when-let` and `if-let`: what counts is whether the value is nil.

use super::{Maker, binding};
use crate::datum::Datum;
use crate::problem::Fallible;

pub(super) fn when_let(maker: &mut Maker<'_, '_>, operands: &[Datum]) -> Fallible<Datum> {
    let Some((bound, body)) = operands.split_first() else {
        return Ok(maker.nil());
    };
    let (target, value) = binding(maker, bound)?;
    let test = maker.call("nil?", [target.clone()]);
    let body = maker.form("unless", std::iter::once(test).chain(body.iter().cloned()));
    Ok(maker.let_form(vec![(target, value)], [body]))
}

pub(super) fn if_let(maker: &mut Maker<'_, '_>, operands: &[Datum]) -> Fallible<Datum> {
    let [bound, then, otherwise] = operands else {
        return Ok(maker.nil());
    };
    let (target, value) = binding(maker, bound)?;
    let test = maker.call("nil?", [target.clone()]);
    let body = maker.form("if", [test, otherwise.clone(), then.clone()]);
    Ok(maker.let_form(vec![(target, value)], [body]))
}
