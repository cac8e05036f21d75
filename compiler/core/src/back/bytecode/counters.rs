//! Counters: loop variables that start with a number and that every round adds a constant to.
//!
//! Such a sum raises nothing and reads only the counter, so it can be computed when all else for the next
//! round is: in the counter's own register, without a copy of the old value.

use sema_format::isa::Op;

use crate::front::datum::DatumKind;
use crate::ir::walk::for_each_child;
use crate::ir::{Expr, ExprKind, VarId};

/// The counters among the variables of a loop. Last comes the one that a round tests at first: stepping
/// it last brings the step and the test together.
pub(super) fn of(label: VarId, bindings: &[(VarId, Expr)], body: &Expr) -> Vec<VarId> {
    let mut candidates: Vec<Option<VarId>> = bindings
        .iter()
        .map(|(variable, init)| is_number(init).then_some(*variable))
        .collect();
    if candidates.iter().any(Option::is_some) {
        rounds(body, label, &mut |arguments| {
            for (candidate, argument) in candidates.iter_mut().zip(arguments) {
                if candidate.is_some_and(|variable| !counts(argument, variable)) {
                    *candidate = None;
                }
            }
        });
    }
    let mut counters: Vec<VarId> = candidates.into_iter().flatten().collect();
    let tested = tested(body);
    counters.sort_by_key(|counter| Some(*counter) == tested);
    counters
}

/// The variable that a round begins with a comparison of.
fn tested(test: &Expr) -> Option<VarId> {
    match &test.kind {
        ExprKind::If(first, ..) => tested(first),
        ExprKind::And(parts) | ExprKind::Or(parts) | ExprKind::Seq(parts) => tested(parts.first()?),
        _ => match test.operation()? {
            (Op::Not, [inner]) => tested(inner),
            (
                Op::NumEqual | Op::Less | Op::Greater | Op::LessEqual | Op::GreaterEqual,
                [left, _],
            ) => match left.kind {
                ExprKind::Local(variable) => Some(variable),
                _ => None,
            },
            _ => None,
        },
    }
}

/// Shows what every round gives the variables to `visit`. A variable that is assigned is no counter.
fn rounds(expr: &Expr, label: VarId, visit: &mut dyn FnMut(&[Expr])) {
    if let ExprKind::Recur(to, arguments) = &expr.kind
        && *to == label
    {
        visit(arguments);
    }
    if !matches!(expr.kind, ExprKind::Lambda(_)) {
        for_each_child(expr, &mut |child| rounds(child, label, visit));
    }
}

fn is_number(expr: &Expr) -> bool {
    matches!(
        expr.kind,
        ExprKind::Const(DatumKind::Int(_) | DatumKind::Float(_))
    )
}

/// Whether the value is the variable, or the variable and a number added or subtracted.
fn counts(expr: &Expr, variable: VarId) -> bool {
    match expr.operation() {
        Some((Op::Add | Op::Subtract, [left, right])) => {
            left.is_local(variable) && is_number(right)
                || is_number(left) && right.is_local(variable)
        }
        _ => expr.is_local(variable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::front::datum::Span;

    fn e(kind: ExprKind) -> Expr {
        Expr::new(kind, Span::default())
    }

    fn int(value: i64) -> Expr {
        e(ExprKind::Const(DatumKind::Int(value)))
    }

    fn local(number: u32) -> Expr {
        e(ExprKind::Local(VarId(number)))
    }

    fn sum(left: Expr, right: Expr) -> Expr {
        Expr::builtin_call("+", vec![left, right], Span::default())
    }

    #[test]
    fn only_sums_with_constants_count() {
        let bindings = [
            (VarId(1), int(0)),
            (VarId(2), int(0)),
            (VarId(3), local(9)),
            (VarId(4), int(1)),
        ];
        let first = vec![
            sum(local(1), int(1)),
            sum(local(2), local(1)),
            sum(local(3), int(1)),
            local(4),
        ];
        let second = vec![local(1), local(2), local(3), sum(int(2), local(4))];
        let body = e(ExprKind::If(
            Box::new(local(9)),
            Box::new(e(ExprKind::Recur(VarId(0), first))),
            Box::new(e(ExprKind::Recur(VarId(0), second))),
        ));
        assert_eq!(of(VarId(0), &bindings, &body), [VarId(1), VarId(4)]);
        let test = Expr::builtin_call("<", vec![local(1), local(9)], Span::default());
        let body = e(ExprKind::If(
            Box::new(test),
            Box::new(body),
            Box::new(local(9)),
        ));
        assert_eq!(of(VarId(0), &bindings, &body), [VarId(4), VarId(1)]);
    }
}
