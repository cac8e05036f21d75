//! Calls of known multimethods: the dispatch function is called directly, and so is the method it leads to.
//!
//! Called as a value, a multimethod collects its arguments in a list for any number of them. Where the
//! global is known to hold a multimethod whose dispatch function is known too, the call becomes one of a
//! function of that many parameters, which can be inlined. The methods are still looked up in the
//! multimethod: they may be added anywhere and at any time.

use crate::hashing::{HashMap, HashSet};
use std::rc::Rc;

use super::{Globals, frames, functions};
use crate::front::datum::DatumKind;
use crate::ir::walk::for_each_child_mut;
use crate::ir::{Expr, ExprKind, GlobalId, Lambda, Unit, VarId, Variable, called};

/// Most arguments of a call that becomes direct.
const MOST_ARGUMENTS: usize = 8;

/// Makes calls of the multimethods `known` direct.
pub fn run(unit: &mut Unit, globals: &mut Globals, known: &HashSet<GlobalId>) {
    if known.is_empty() {
        return;
    }
    let arities = arities(unit, globals);
    let mut definitions = Vec::new();
    let mut direct: HashMap<GlobalId, (GlobalId, usize)> = HashMap::default();
    for form in &mut unit.body {
        let span = form.span;
        let ExprKind::DefineGlobal(multimethod, value) = &mut form.kind else {
            continue;
        };
        let multimethod = *multimethod;
        let ExprKind::Call(_, arguments) = &mut value.kind else {
            continue;
        };
        let ([_, dispatch, _], true) = (&mut arguments[..], known.contains(&multimethod)) else {
            continue;
        };
        let count = match &dispatch.kind {
            ExprKind::Const(DatumKind::Keyword(_)) => 1,
            ExprKind::Global(function) => match arities.get(function) {
                Some(count) => *count,
                None => continue,
            },
            ExprKind::Lambda(lambda) if is_fixed(lambda) && functions::is_closed(dispatch) => {
                let count = lambda.parameters.len();
                let function = globals.add(&mut unit.globals, "dispatch", lambda.library);
                let value = Expr::new(ExprKind::Lambda(lambda.clone()), lambda.span);
                let kind = ExprKind::DefineGlobal(function, Box::new(value));
                definitions.push(Expr::new(kind, span));
                dispatch.kind = ExprKind::Global(function);
                count
            }
            _ => continue,
        };
        if count > MOST_ARGUMENTS {
            continue;
        }
        let mut parameters = Vec::with_capacity(count);
        for _ in 0..count {
            parameters.push(VarId(unit.variables.len() as u32));
            unit.variables.push(Variable {
                name: "argument".into(),
                assigned: false,
            });
        }
        let given = || -> Vec<Expr> {
            let each = parameters.iter();
            each.map(|p| Expr::new(ExprKind::Local(*p), span)).collect()
        };
        let dispatched = ExprKind::Call(Box::new(dispatch.clone()), given());
        let arguments = vec![
            Expr::new(ExprKind::Global(multimethod), span),
            Expr::new(dispatched, span),
        ];
        let method = Expr::call_of(called::MULTIMETHOD_METHOD, arguments, span);
        let body = Expr::new(ExprKind::Call(Box::new(method), given()), span);
        let mut value = Expr::new(
            ExprKind::Lambda(Rc::new(Lambda {
                name: Some(called::MULTIMETHOD_INVOKE.into()),
                parameters: parameters.clone(),
                optional: 0,
                rest: None,
                body,
                span,
                library: true,
            })),
            span,
        );
        frames::mark_expr(&mut value);
        let invoke = globals.add(&mut unit.globals, "invoke", true);
        let kind = ExprKind::DefineGlobal(invoke, Box::new(value));
        definitions.push(Expr::new(kind, span));
        direct.insert(multimethod, (invoke, count));
    }
    for form in &mut unit.body {
        redirect(form, &direct);
    }
    unit.body.splice(0..0, definitions);
}

fn is_fixed(lambda: &Lambda) -> bool {
    lambda.rest.is_none() && lambda.optional == 0
}

/// How many arguments the known functions take that take a fixed number.
fn arities(unit: &Unit, globals: &Globals) -> HashMap<GlobalId, usize> {
    let mut arities = HashMap::default();
    for form in &unit.body {
        if let ExprKind::DefineGlobal(global, value) = &form.kind
            && let ExprKind::Lambda(lambda) = &value.kind
            && is_fixed(lambda)
            && globals.known.contains(global)
        {
            arities.insert(*global, lambda.parameters.len());
        }
    }
    arities
}

fn redirect(expr: &mut Expr, direct: &HashMap<GlobalId, (GlobalId, usize)>) {
    if let ExprKind::Call(callee, arguments) = &mut expr.kind
        && let ExprKind::Global(global) = &mut callee.kind
        && let Some((invoke, count)) = direct.get(global)
        && arguments.len() == *count
    {
        *global = *invoke;
    }
    for_each_child_mut(expr, &mut |child| redirect(child, direct));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::front::datum::Span;

    #[test]
    fn other_numbers_of_arguments_stay() {
        let span = Span::default();
        let call = |count: usize| {
            let callee = Box::new(Expr::new(ExprKind::Global(GlobalId(0)), span));
            let arguments = (0..count).map(|_| Expr::nil(span)).collect();
            Expr::new(ExprKind::Call(callee, arguments), span)
        };
        let direct = HashMap::from_iter([(GlobalId(0), (GlobalId(7), 2))]);
        for (count, expected) in [(1, 0), (2, 7), (3, 0)] {
            let mut expr = call(count);
            redirect(&mut expr, &direct);
            let ExprKind::Call(callee, _) = expr.kind else {
                panic!()
            };
            assert!(matches!(callee.kind, ExprKind::Global(GlobalId(g)) if g == expected));
        }
    }
}
