//! The workflow layer.

use super::Maker;
use crate::front::datum::{Datum, DatumKind};
use crate::front::diagnostic::{Diagnostic, Fallible};

pub(super) fn defworkflow(maker: &mut Maker<'_, '_>, operands: &[Datum]) -> Fallible<Datum> {
    let [name, description, options, body @ ..] = operands else {
        return Ok(maker.nil());
    };
    let name = name_text(maker, name)?;
    let body = maker.thunk(body);
    Ok(maker.call(
        "workflow/run",
        [name, description.clone(), options.clone(), body],
    ))
}

pub(super) fn phase(maker: &mut Maker<'_, '_>, operands: &[Datum]) -> Fallible<Datum> {
    Ok(maker.call("workflow/phase", operands.iter().cloned()))
}

pub(super) fn step(maker: &mut Maker<'_, '_>, operands: &[Datum]) -> Fallible<Datum> {
    if operands.len() > 2 {
        return Err(Diagnostic::arity(
            maker.span,
            "step",
            1,
            Some(2),
            operands.len(),
        ));
    }
    Ok(maker.call("%workflow-step", operands.iter().cloned()))
}

pub(super) fn approval(maker: &mut Maker<'_, '_>, operands: &[Datum]) -> Fallible<Datum> {
    Ok(maker.call("workflow/approval", operands.iter().cloned()))
}

pub(super) fn checkpoint(maker: &mut Maker<'_, '_>, operands: &[Datum]) -> Fallible<Datum> {
    let Some((key, value)) = operands.split_first() else {
        return Ok(maker.nil());
    };
    let mut arguments = vec![key.clone()];
    if !value.is_empty() {
        arguments.push(maker.thunk(value));
    }
    Ok(maker.call("workflow/checkpoint", arguments))
}

pub(super) fn defpolicy(maker: &mut Maker<'_, '_>, operands: &[Datum]) -> Fallible<Datum> {
    let [name, policy] = operands else {
        return Ok(maker.nil());
    };
    let text = name_text(maker, name)?;
    let (name_key, version_key) = (
        maker.keyword("__policy-name"),
        maker.keyword("__policy-version"),
    );
    let named = maker.call("assoc", [policy.clone(), name_key, text]);
    let version = maker.integer(1);
    let versioned = maker.call("assoc", [named, version_key, version]);
    Ok(maker.form("define", [name.clone(), versioned]))
}

pub(super) fn policy_without(maker: &mut Maker<'_, '_>, operands: &[Datum]) -> Fallible<Datum> {
    match operands {
        [
            reason @ Datum {
                kind: DatumKind::Str(_),
                ..
            },
            body @ ..,
        ] if !body.is_empty() => {
            let body = maker.thunk(body);
            Ok(maker.call("workflow/policy-without", [reason.clone(), body]))
        }
        _ => {
            let message =
                "policy/without requires a literal reason string and at least one body form";
            Err(Diagnostic::eval(maker.span, message))
        }
    }
}

/// A form, or a list of forms to be evaluated in order.
pub(super) fn run_form(maker: &mut Maker<'_, '_>, operands: &[Datum]) -> Fallible<Datum> {
    let [value] = operands else {
        return Ok(maker.nil());
    };
    let form = maker.fresh("form");
    let is_list = maker.call("list?", [form.clone()]);
    let is_empty = maker.call("null?", [form.clone()]);
    let is_not_empty = maker.call("not", [is_empty]);
    let head = maker.call("car", [form.clone()]);
    let is_list_of_forms = maker.call("list?", [head]);
    let test = maker.form("and", [is_list, is_not_empty, is_list_of_forms]);
    let (previous, each) = (maker.fresh("previous"), maker.fresh("each"));
    let parameters = maker.list(vec![previous, each.clone()]);
    let run = maker.form("eval", [each]);
    let function = maker.form("lambda", [parameters, run]);
    let nil = maker.nil();
    let all = maker.call("foldl", [function, nil, form.clone()]);
    let one = maker.form("eval", [form.clone()]);
    let body = maker.form("if", [test, all, one]);
    Ok(maker.let_form(vec![(form, value.clone())], [body]))
}

fn name_text(maker: &Maker<'_, '_>, name: &Datum) -> Fallible<Datum> {
    match name.kind {
        DatumKind::Symbol(symbol) => {
            let text = maker.session.text(symbol);
            Ok(maker.datum(DatumKind::Str(text)))
        }
        _ => Err(Diagnostic::eval(name.span, "expected a symbol")),
    }
}
