//! Loops over ranges that count instead of walking a list.
//!
//! `(foldl f 0 (range n))` is a loop over the list of the numbers by now. If that does nothing with the list but ask
//! whether it is empty, take its first element and go on with the rest, it needs no list: the variable becomes a counter.

use sema_format::isa::{Op, Predicate};

use super::functions;
use crate::front::datum::DatumKind;
use crate::ir::walk::{for_each_child, for_each_child_mut};
use crate::ir::{Builtin, Expr, ExprKind, Unit, VarId, Variable};

use super::loops::mentions;

/// Elements of a range whose end needs no check: the least of what runtimes allow.
const MOST_ELEMENTS: i64 = 1_000_000;

/// Rewrites all loops of a unit.
pub fn run(unit: &mut Unit) {
    let variables = &mut unit.variables;
    for form in &mut unit.body {
        rewrite(form, variables);
    }
}

fn rewrite(expr: &mut Expr, variables: &mut Vec<Variable>) {
    // Further ranges of the loop are found when the loop is met inside what takes its place.
    count(expr, variables);
    for_each_child_mut(expr, &mut |child| rewrite(child, variables));
}

/// Turns one variable of a loop into a counter, if it has such a variable.
fn count(expr: &mut Expr, variables: &mut Vec<Variable>) {
    let span = expr.span;
    let ExprKind::Loop(label, bindings, body) = &mut expr.kind else {
        return;
    };
    let is_range = |(variable, init): &(VarId, Expr)| {
        range_of(init).is_some() && only_walks(body, *variable, *label, bindings)
    };
    let Some(index) = bindings.iter().position(is_range) else {
        return;
    };
    // The end is computed before the loop.
    let before = bindings.get(..index).unwrap_or_default();
    if !before.iter().all(|(_, init)| is_constant(init, variables)) {
        return;
    }
    let Some((variable, init)) = bindings.get_mut(index) else {
        return;
    };
    let (variable, range_span) = (*variable, init.span);
    let Some((arguments, end_of)) = range_of(init) else {
        return;
    };
    *init = match &arguments[..] {
        [start, _] => start.clone(),
        _ => Expr::new(ExprKind::Const(DatumKind::Int(0)), range_span),
    };
    if let [end] = &arguments[..]
        && let ExprKind::Const(DatumKind::Int(..=MOST_ELEMENTS)) = end.kind
    {
        return to_counter(body, variable, end);
    }
    let end = VarId(variables.len() as u32);
    variables.push(Variable {
        name: "end".into(),
        assigned: false,
    });
    let end_value = Expr::call_of(end_of, arguments, range_span);
    to_counter(body, variable, &Expr::new(ExprKind::Local(end), span));
    let looping = std::mem::replace(expr, Expr::nil(span));
    expr.kind = ExprKind::Let(vec![(end, end_value)], Box::new(looping));
}

/// The arguments of `(range end)` and `(range start end)` where the start can be computed twice, and the
/// builtin that gives the end.
fn range_of(init: &Expr) -> Option<(Vec<Expr>, Builtin)> {
    let ExprKind::Call(callee, arguments) = &init.kind else {
        return None;
    };
    let ExprKind::Builtin(builtin) = callee.kind else {
        return None;
    };
    let end = builtin.facts().counts?;
    let is_simple = match &arguments[..] {
        [_] => true,
        [start, _] => matches!(start.kind, ExprKind::Const(_)),
        _ => false,
    };
    is_simple.then(|| Some((arguments.clone(), Builtin::find(end)?)))?
}

/// Whether the value of an expression is the same whenever it is computed, and nothing notices when.
fn is_constant(init: &Expr, variables: &[Variable]) -> bool {
    match &init.kind {
        ExprKind::Const(_) | ExprKind::Builtin(_) => true,
        ExprKind::Local(variable) => variables
            .get(variable.0 as usize)
            .is_some_and(|variable| !variable.assigned),
        ExprKind::Lambda(_) => functions::is_closed(init),
        _ => false,
    }
}

/// What a walk does to its list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Asks whether it is empty.
    Test,
    /// Takes the first element.
    First,
    /// Goes on with the rest.
    Rest,
}

/// What is done to the variable in one expression.
fn step(expr: &Expr, variable: VarId) -> Option<Step> {
    let ExprKind::Call(callee, arguments) = &expr.kind else {
        return None;
    };
    let (ExprKind::Builtin(builtin), [argument]) = (&callee.kind, &arguments[..]) else {
        return None;
    };
    if !argument.is_local(variable) {
        return None;
    }
    match builtin.operation(1) {
        Some(Op::First) => Some(Step::First),
        Some(Op::Rest) => Some(Step::Rest),
        _ => (builtin.predicate() == Some(Predicate::Null)).then_some(Step::Test),
    }
}

/// Whether the loop leaves once the variable is empty, and otherwise takes the first element and goes on with the rest.
fn only_walks(body: &Expr, variable: VarId, label: VarId, bindings: &[(VarId, Expr)]) -> bool {
    let ExprKind::If(test, then, other) = &body.kind else {
        return false;
    };
    let is_test = |part: &Expr| step(part, variable) == Some(Step::Test);
    let tested = match &test.kind {
        ExprKind::Or(parts) => {
            parts.iter().any(is_test)
                && (parts.iter()).all(|part| is_test(part) || !mentions(part, variable))
        }
        _ => is_test(test),
    };
    let index = bindings.iter().position(|(v, _)| *v == variable);
    tested && !mentions(then, variable) && index.is_some_and(|i| walks(other, variable, label, i))
}

fn walks(expr: &Expr, variable: VarId, label: VarId, index: usize) -> bool {
    match &expr.kind {
        ExprKind::Local(found) | ExprKind::SetLocal(found, _) if *found == variable => false,
        ExprKind::Lambda(lambda) => !mentions(&lambda.body, variable),
        ExprKind::Recur(to, arguments) if *to == label => {
            (arguments.iter().enumerate()).all(|(position, argument)| {
                if position == index {
                    step(argument, variable) == Some(Step::Rest)
                } else {
                    walks(argument, variable, label, index)
                }
            })
        }
        _ => match step(expr, variable) {
            Some(step) => step == Step::First,
            None => {
                let mut all = true;
                for_each_child(expr, &mut |child| {
                    all = all && walks(child, variable, label, index);
                });
                all
            }
        },
    }
}

fn to_counter(expr: &mut Expr, variable: VarId, end: &Expr) {
    let Some(step) = step(expr, variable) else {
        return for_each_child_mut(expr, &mut |child| to_counter(child, variable, end));
    };
    let span = expr.span;
    let counter = Expr::new(ExprKind::Local(variable), span);
    let (operation, operand) = match step {
        Step::First => {
            *expr = counter;
            return;
        }
        Step::Test => (Op::GreaterEqual, end.clone()),
        Step::Rest => (Op::Add, Expr::new(ExprKind::Const(DatumKind::Int(1)), span)),
    };
    if let Some(builtin) = Builtin::of_operation(operation) {
        *expr = Expr::call_of(builtin, vec![counter, operand], span);
    }
}
