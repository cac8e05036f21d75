//! Loop form: a named `let` that calls itself only in tail position becomes a [`ExprKind::Loop`].
//!
//! `(let name ((v init) …) body)` arrives as a `Letrec` of one lambda whose body is the call of it.
//! If every other use of the name is a call in tail position of the lambda's own body, no closure
//! is needed: the calls are jumps.

use std::rc::Rc;

use crate::ir::walk::{for_each_child, for_each_child_mut};
use crate::ir::{Expr, ExprKind, Lambda, Unit, VarId};

/// Rewrites all loops of a unit.
pub fn run(unit: &mut Unit) {
    for form in &mut unit.body {
        rewrite(form);
    }
}

/// Rewrites the loops in one expression.
pub fn rewrite(expr: &mut Expr) {
    for_each_child_mut(expr, &mut rewrite);
    if let ExprKind::Call(callee, arguments) = &mut expr.kind {
        // ((lambda (v …) body) init …)
        if let ExprKind::Lambda(lambda) = &callee.kind
            && lambda.rest.is_none()
            && lambda.optional == 0
            && lambda.parameters.len() == arguments.len()
        {
            let bindings = lambda
                .parameters
                .iter()
                .copied()
                .zip(std::mem::take(arguments))
                .collect();
            expr.kind = ExprKind::Let(bindings, Box::new(lambda.body.clone()));
            return;
        }
    }
    let ExprKind::Letrec(bindings, body) = &mut expr.kind else {
        return;
    };
    let [
        (
            name,
            Expr {
                kind: ExprKind::Lambda(lambda),
                ..
            },
        ),
    ] = &mut bindings[..]
    else {
        return;
    };
    let ExprKind::Call(callee, inits) = &mut body.kind else {
        return;
    };
    let is_entry = matches!(callee.kind, ExprKind::Local(called) if called == *name)
        && inits.len() == lambda.parameters.len()
        && inits.iter().all(|init| !mentions(init, *name));
    if !is_entry
        || lambda.rest.is_some()
        || lambda.optional > 0
        || !only_tail_calls(&lambda.body, *name, inits.len(), true)
    {
        return;
    }
    let name = *name;
    let inits = std::mem::take(inits);
    let lambda = match Rc::try_unwrap(std::mem::replace(lambda, Rc::new(empty_lambda()))) {
        Ok(lambda) => lambda,
        Err(shared) => (*shared).clone(),
    };
    let mut loop_body = lambda.body;
    calls_to_recur(&mut loop_body, name);
    expr.kind = ExprKind::Loop(
        name,
        lambda.parameters.into_iter().zip(inits).collect(),
        Box::new(loop_body),
    );
}

fn empty_lambda() -> Lambda {
    let span = crate::front::datum::Span::default();
    Lambda {
        name: None,
        parameters: Vec::new(),
        optional: 0,
        rest: None,
        body: Expr::nil(span),
        library: false,
        span,
    }
}

/// Whether a variable occurs in an expression.
pub fn mentions(expr: &Expr, variable: VarId) -> bool {
    match &expr.kind {
        ExprKind::Local(found) => *found == variable,
        ExprKind::SetLocal(found, _) | ExprKind::Recur(found, _) if *found == variable => true,
        _ => {
            let mut found = false;
            for_each_child(expr, &mut |child| {
                found = found || mentions(child, variable)
            });
            found
        }
    }
}

/// Whether `name` occurs only as the callee of calls with `count` arguments in tail position.
fn only_tail_calls(expr: &Expr, name: VarId, count: usize, tail: bool) -> bool {
    let all = |exprs: &[Expr]| exprs.iter().all(|e| only_tail_calls(e, name, count, false));
    let last = |exprs: &[Expr]| match exprs.split_last() {
        Some((last, init)) => all(init) && only_tail_calls(last, name, count, tail),
        None => true,
    };
    match &expr.kind {
        ExprKind::Const(_) | ExprKind::Global(_) | ExprKind::Builtin(_) | ExprKind::Import(_) => {
            true
        }
        ExprKind::Local(found) => *found != name,
        ExprKind::SetLocal(found, value) => {
            *found != name && only_tail_calls(value, name, count, false)
        }
        ExprKind::SetGlobal(_, value)
        | ExprKind::DefineGlobal(_, value)
        | ExprKind::Throw(value) => only_tail_calls(value, name, count, false),
        ExprKind::Lambda(lambda) => !mentions(&lambda.body, name),
        ExprKind::Call(callee, arguments) => match callee.kind {
            ExprKind::Local(found) if found == name => {
                tail && arguments.len() == count && all(arguments)
            }
            _ => only_tail_calls(callee, name, count, false) && all(arguments),
        },
        ExprKind::Apply(callee, arguments) => {
            only_tail_calls(callee, name, count, false) && all(arguments)
        }
        ExprKind::If(test, then, other) => {
            only_tail_calls(test, name, count, false)
                && only_tail_calls(then, name, count, tail)
                && only_tail_calls(other, name, count, tail)
        }
        ExprKind::And(exprs) | ExprKind::Or(exprs) | ExprKind::Seq(exprs) => last(exprs),
        ExprKind::Let(bindings, body) | ExprKind::Letrec(bindings, body) => {
            bindings
                .iter()
                .all(|(_, init)| only_tail_calls(init, name, count, false))
                && only_tail_calls(body, name, count, tail)
        }
        ExprKind::Loop(_, bindings, body) => {
            bindings
                .iter()
                .all(|(_, init)| only_tail_calls(init, name, count, false))
                && only_tail_calls(body, name, count, tail)
        }
        ExprKind::Recur(_, arguments) => all(arguments),
        ExprKind::While(test, body) => {
            only_tail_calls(test, name, count, false) && only_tail_calls(body, name, count, false)
        }
        ExprKind::Try(body, _, handler) => {
            only_tail_calls(body, name, count, false) && only_tail_calls(handler, name, count, tail)
        }
    }
}

fn calls_to_recur(expr: &mut Expr, name: VarId) {
    if let ExprKind::Call(callee, arguments) = &mut expr.kind
        && matches!(callee.kind, ExprKind::Local(found) if found == name)
    {
        expr.kind = ExprKind::Recur(name, std::mem::take(arguments));
        return;
    }
    if !matches!(expr.kind, ExprKind::Lambda(_)) {
        for_each_child_mut(expr, &mut |child| calls_to_recur(child, name));
    }
}
