//! Functions of more parameters than registers can take: they get one list and take it apart.
//!
//! Calls of many arguments hand them over in a list anyway.

use std::rc::Rc;

use crate::front::datum::{DatumKind, Span};
use crate::ir::walk::{for_each_child, for_each_child_mut};
use crate::ir::{Expr, ExprKind, Lambda, Unit, VarId, Variable, called};

/// Most parameters of a function that the back ends take.
pub const MOST: usize = 120;

/// Rewrites the functions of a unit.
pub fn run(unit: &mut Unit) {
    // Most programs have none, and nothing of theirs is copied.
    if !unit.body.iter().any(has_wide) {
        return;
    }
    let variables = &mut unit.variables;
    for form in &mut unit.body {
        narrow(form, variables);
    }
}

fn is_wide(lambda: &Lambda) -> bool {
    lambda.parameters.len() + usize::from(lambda.rest.is_some()) > MOST && lambda.optional == 0
}

fn has_wide(expr: &Expr) -> bool {
    let mut found = matches!(&expr.kind, ExprKind::Lambda(lambda) if is_wide(lambda));
    if !found {
        for_each_child(expr, &mut |child| found = found || has_wide(child));
    }
    found
}

fn narrow(expr: &mut Expr, variables: &mut Vec<Variable>) {
    for_each_child_mut(expr, &mut |child| narrow(child, variables));
    if let ExprKind::Lambda(lambda) = &mut expr.kind
        && is_wide(lambda)
    {
        take_list(Rc::make_mut(lambda), variables);
    }
}

/// Makes `(lambda (a b ...) body)` a function of one list.
fn take_list(lambda: &mut Lambda, variables: &mut Vec<Variable>) {
    let span = lambda.span;
    let list = VarId(u32::try_from(variables.len()).unwrap_or(u32::MAX));
    variables.push(Variable {
        name: Rc::from("arguments"),
        assigned: false,
    });
    let all = || Expr::new(ExprKind::Local(list), span);
    let parameters = std::mem::take(&mut lambda.parameters);
    let rest = lambda.rest.replace(list);
    let count = parameters.len();
    let mut bindings: Vec<(VarId, Expr)> = parameters
        .into_iter()
        .enumerate()
        .map(|(index, parameter)| {
            let arguments = vec![all(), integer(index, span)];
            let value = Expr::call_of(called::SEQUENCE_REF, arguments, span);
            (parameter, value)
        })
        .collect();
    if let Some(rest) = rest {
        let arguments = vec![all(), integer(count, span)];
        bindings.push((rest, Expr::call_of(called::SEQUENCE_REST, arguments, span)));
    }
    let constant = |datum| Expr::new(ExprKind::Const(datum), span);
    let mut check = vec![
        all(),
        integer(count, span),
        constant(DatumKind::Bool(rest.is_some())),
    ];
    check.extend(
        lambda
            .name
            .clone()
            .map(|name| constant(DatumKind::Str(name))),
    );
    let check = Expr::call_of(called::CHECK_VALUES, check, span);
    let body = std::mem::replace(&mut lambda.body, all());
    let body = Expr::new(ExprKind::Let(bindings, Box::new(body)), span);
    lambda.body = Expr::new(ExprKind::Seq(vec![check, body]), span);
}

fn integer(value: usize, span: Span) -> Expr {
    let value = i64::try_from(value).unwrap_or(i64::MAX);
    Expr::new(ExprKind::Const(DatumKind::Int(value)), span)
}
