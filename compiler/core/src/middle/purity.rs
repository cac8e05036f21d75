//! Which expressions can be left out or moved.

use crate::hashing::HashSet;

use super::census::Census;
use crate::ir::{Builtin, Expr, ExprKind, GlobalId};

/// How deep an expression is looked into: what is larger counts as impure.
const DEPTH: u32 = 12;

/// Whether a call of the builtin with so many arguments never raises and has no effect, whatever they are.
pub fn is_total(builtin: Builtin, count: usize) -> bool {
    let facts = builtin.facts();
    facts.total && facts.arity().accepts(count)
}

/// Whether such a call besides gives the same result wherever it stands, given the same arguments.
fn is_stable(builtin: Builtin, count: usize) -> bool {
    is_total(builtin, count) && !builtin.facts().reads_content()
}

/// Whether evaluating the expression does nothing but give a value.
pub fn is_pure(expr: &Expr, known: &HashSet<GlobalId>) -> bool {
    pure_to(expr, known, DEPTH)
}

fn pure_to(expr: &Expr, known: &HashSet<GlobalId>, depth: u32) -> bool {
    let Some(depth) = depth.checked_sub(1) else {
        return false;
    };
    let all = |exprs: &[Expr]| exprs.iter().all(|e| pure_to(e, known, depth));
    match &expr.kind {
        ExprKind::Const(_) | ExprKind::Local(_) | ExprKind::Lambda(_) => true,
        ExprKind::Builtin(builtin) => builtin.is_available(),
        ExprKind::Global(global) => known.contains(global),
        ExprKind::Call(callee, arguments) => match callee.kind {
            ExprKind::Builtin(builtin) => is_total(builtin, arguments.len()) && all(arguments),
            _ => false,
        },
        ExprKind::If(test, then, other) => {
            pure_to(test, known, depth)
                && pure_to(then, known, depth)
                && pure_to(other, known, depth)
        }
        ExprKind::And(parts) | ExprKind::Or(parts) | ExprKind::Seq(parts) => all(parts),
        ExprKind::Let(bindings, body) => {
            bindings.iter().all(|(_, e)| pure_to(e, known, depth)) && pure_to(body, known, depth)
        }
        _ => false,
    }
}

/// Whether the expression gives an equal value wherever it is evaluated while its variables are in
/// scope: a total builtin, which reads nothing that changes, of constants and of variables that `stable`
/// vouches for.
pub fn is_movable(expr: &Expr, stable: &dyn Fn(crate::ir::VarId) -> bool) -> bool {
    match &expr.kind {
        ExprKind::Call(callee, arguments) => {
            matches!(callee.kind, ExprKind::Builtin(builtin) if is_stable(builtin, arguments.len()))
                && arguments.iter().all(|argument| match &argument.kind {
                    ExprKind::Const(_) => true,
                    ExprKind::Local(variable) => stable(*variable),
                    _ => false,
                })
        }
        _ => false,
    }
}

/// Whether a value that is found before the arguments of a call would be found after them as its operator, and that might
/// matter: globals are, as operators.
pub fn changes_places(value: &Expr, arguments: &[Expr], known: &HashSet<GlobalId>) -> bool {
    let is_late = match &value.kind {
        ExprKind::Global(global) => !known.contains(global),
        ExprKind::Import(_) => true,
        _ => false,
    };
    is_late && !arguments.iter().all(|argument| is_pure(argument, known))
}

/// Whether control never goes past the expression.
pub fn never_returns(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Throw(_) => true,
        ExprKind::Let(_, body) | ExprKind::Letrec(_, body) => never_returns(body),
        ExprKind::Seq(parts) => parts.last().is_some_and(never_returns),
        _ => false,
    }
}

/// Where in an expression a value can be put.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Placed {
    /// It has been put there.
    Done,
    /// Nothing in the expression has an effect or notices one.
    Free,
    /// Something is evaluated that must stay behind the value.
    Blocked,
}

/// Puts a value at the only use of a variable if nothing that matters is evaluated before that.
pub fn place(
    expr: &mut Expr,
    variable: crate::ir::VarId,
    value: &mut Option<Expr>,
    census: &Census,
    known: &HashSet<GlobalId>,
) -> Placed {
    if let ExprKind::Call(callee, arguments) = &expr.kind
        && matches!(callee.kind, ExprKind::Local(found) if found == variable)
        && value
            .as_ref()
            .is_some_and(|value| changes_places(value, arguments, known))
    {
        return Placed::Blocked;
    }
    let mut go = |expr: &mut Expr| place(expr, variable, value, census, known);
    match &mut expr.kind {
        ExprKind::Const(_) | ExprKind::Lambda(_) => Placed::Free,
        ExprKind::Builtin(builtin) if builtin.is_available() => Placed::Free,
        ExprKind::Builtin(_) => Placed::Blocked,
        ExprKind::Local(found) if *found == variable => match value.take() {
            Some(value) => {
                *expr = value;
                Placed::Done
            }
            None => Placed::Blocked,
        },
        ExprKind::Local(found) if census.is_assigned(*found) => Placed::Blocked,
        ExprKind::Local(_) => Placed::Free,
        ExprKind::Global(global) if known.contains(global) => Placed::Free,
        ExprKind::Global(_) | ExprKind::Import(_) | ExprKind::While(..) | ExprKind::Try(..) => {
            Placed::Blocked
        }
        ExprKind::SetLocal(_, part)
        | ExprKind::SetGlobal(_, part)
        | ExprKind::DefineGlobal(_, part)
        | ExprKind::Throw(part)
        | ExprKind::If(part, ..) => blocked_after(go(part)),
        ExprKind::And(parts) | ExprKind::Or(parts) => match parts.first_mut() {
            Some(first) => blocked_after(go(first)),
            None => Placed::Blocked,
        },
        ExprKind::Seq(parts) | ExprKind::Recur(_, parts) => in_order(parts.iter_mut(), &mut go),
        ExprKind::Apply(callee, arguments) => blocked_after(in_order(
            std::iter::once(&mut **callee).chain(arguments),
            &mut go,
        )),
        ExprKind::Call(callee, arguments) => {
            let stable = match &callee.kind {
                ExprKind::Builtin(builtin) => is_stable(*builtin, arguments.len()),
                // A global is looked at after the arguments.
                ExprKind::Global(_) => false,
                _ => match go(callee) {
                    Placed::Free => false,
                    placed => return placed,
                },
            };
            match in_order(arguments.iter_mut(), &mut go) {
                Placed::Free if !stable => Placed::Blocked,
                placed => placed,
            }
        }
        ExprKind::Let(bindings, body) => {
            let inits = bindings.iter_mut().map(|(_, init)| init);
            in_order(inits.chain(std::iter::once(&mut **body)), &mut go)
        }
        ExprKind::Letrec(bindings, body) => {
            if bindings
                .iter()
                .all(|(_, e)| matches!(e.kind, ExprKind::Lambda(_)))
            {
                go(body)
            } else {
                Placed::Blocked
            }
        }
        ExprKind::Loop(_, bindings, _) => {
            blocked_after(in_order(bindings.iter_mut().map(|(_, init)| init), &mut go))
        }
    }
}

fn blocked_after(placed: Placed) -> Placed {
    match placed {
        Placed::Done => Placed::Done,
        Placed::Free | Placed::Blocked => Placed::Blocked,
    }
}

fn in_order<'e>(
    exprs: impl Iterator<Item = &'e mut Expr>,
    go: &mut dyn FnMut(&mut Expr) -> Placed,
) -> Placed {
    for expr in exprs {
        match go(expr) {
            Placed::Free => {}
            placed => return placed,
        }
    }
    Placed::Free
}
