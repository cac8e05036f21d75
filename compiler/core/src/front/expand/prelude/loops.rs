//! `dotimes` and `for-range`.

use super::{Maker, sequence};
use crate::front::datum::{Datum, DatumKind};
use crate::front::diagnostic::{Diagnostic, Fallible};

pub(super) fn dotimes(maker: &mut Maker<'_, '_>, operands: &[Datum]) -> Fallible<Datum> {
    let Some((spec, body)) = operands.split_first() else {
        return Ok(maker.nil());
    };
    let [variable, count] = sequence(maker, spec)? else {
        let message = "dotimes: expected (variable count)";
        return Err(Diagnostic::eval(maker.span, message));
    };
    // The count is evaluated before each iteration, as in the reference.
    let test = maker.call(">=", [variable.clone(), count.clone()]);
    let (zero, one) = (maker.integer(0), maker.integer(1));
    Ok(counting(maker, variable, zero, one, test, body))
}

pub(super) fn for_range(maker: &mut Maker<'_, '_>, operands: &[Datum]) -> Fallible<Datum> {
    let Some((spec, body)) = operands.split_first() else {
        return Ok(maker.nil());
    };
    let (variable, from, to, step) = match sequence(maker, spec)? {
        [variable, from, to] => (variable, from, to, maker.integer(1)),
        [variable, from, to, step] => (variable, from, to, step.clone()),
        _ => {
            let message = "for-range: expected (variable start end [step])";
            return Err(Diagnostic::eval(maker.span, message));
        }
    };
    let (start, end) = (maker.fresh("start"), maker.fresh("end"));
    let bounds = vec![(start.clone(), from.clone()), (end.clone(), to.clone())];
    let passed =
        |maker: &mut Maker<'_, '_>, test: &str| maker.call(test, [variable.clone(), end.clone()]);
    if let DatumKind::Int(literal) = step.kind
        && literal != 0
    {
        let test = passed(maker, if literal > 0 { ">=" } else { "<=" });
        let repeat = counting(maker, variable, start, step, test, body);
        return Ok(maker.let_form(bounds, [repeat]));
    }
    let by = maker.fresh("step");
    let (up, down) = (passed(maker, ">="), passed(maker, "<="));
    let zero = maker.integer(0);
    let is_up = maker.call(">", [by.clone(), zero.clone()]);
    let test = maker.form("if", [is_up, up, down]);
    let repeat = counting(maker, variable, start, by.clone(), test, body);
    let is_zero = maker.call("=", [by.clone(), zero]);
    let message = maker.string("for-range: step must not be zero");
    let error = maker.call("error", [message]);
    let checked = maker.form("if", [is_zero, error, repeat]);
    let mut bounds = bounds;
    bounds.push((by, step));
    Ok(maker.let_form(bounds, [checked]))
}

/// `(do ((variable from (+ variable step))) (test) body…)`
fn counting(
    maker: &mut Maker<'_, '_>,
    variable: &Datum,
    from: Datum,
    step: Datum,
    test: Datum,
    body: &[Datum],
) -> Datum {
    let next = maker.call("+", [variable.clone(), step]);
    let binding = maker.list(vec![variable.clone(), from, next]);
    let bindings = maker.list(vec![binding]);
    let exit = maker.list(vec![test]);
    maker.form(
        "do",
        [bindings, exit].into_iter().chain(body.iter().cloned()),
    )
}
