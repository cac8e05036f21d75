//! Taking `letrec`s apart: a binding that nothing before it sees needs no recursion.

use crate::hashing::HashMap;

use crate::ir::walk::{for_each_child, for_each_child_mut};
use crate::ir::{Expr, ExprKind, Unit, VarId};

/// Splits all `letrec`s of a unit into the smallest ones that keep the order.
pub fn run(unit: &mut Unit) {
    for form in &mut unit.body {
        rewrite(form);
    }
}

fn rewrite(expr: &mut Expr) {
    for_each_child_mut(expr, &mut rewrite);
    let ExprKind::Letrec(bindings, body) = &mut expr.kind else {
        return;
    };
    let span = expr.span;
    let mut result = std::mem::replace(&mut **body, Expr::nil(span));
    let bindings = early_values(std::mem::take(bindings));
    let numbers: HashMap<VarId, usize> = bindings
        .iter()
        .enumerate()
        .map(|(number, (variable, _))| (*variable, number))
        .collect();
    let last_mentioned: Vec<Option<usize>> = bindings
        .iter()
        .map(|(_, init)| {
            let mut last = None;
            mentioned(init, &numbers, &mut |number| last = last.max(Some(number)));
            last
        })
        .collect();
    // Groups end where nothing so far looks ahead.
    let mut groups: Vec<(Vec<(VarId, Expr)>, bool)> = Vec::new();
    let mut group = Vec::new();
    let mut reach = None;
    for (number, binding) in bindings.into_iter().enumerate() {
        let own = last_mentioned.get(number).copied().flatten();
        let recursive = !group.is_empty() || own.is_some_and(|own| own >= number);
        reach = reach.max(own);
        group.push(binding);
        if reach.is_none_or(|reach| reach <= number) {
            groups.push((std::mem::take(&mut group), recursive));
        }
    }
    if !group.is_empty() {
        groups.push((group, true));
    }
    for (group, recursive) in groups.into_iter().rev() {
        let body = Box::new(result);
        let kind = if recursive {
            ExprKind::Letrec(group, body)
        } else {
            ExprKind::Let(group, body)
        };
        result = Expr::new(kind, span);
    }
    *expr = result;
}

/// Puts values that do not depend on the group in front of its functions: making a function does
/// nothing that they could notice.
fn early_values(bindings: Vec<(VarId, Expr)>) -> Vec<(VarId, Expr)> {
    let numbers: HashMap<VarId, usize> = bindings
        .iter()
        .enumerate()
        .map(|(number, (variable, _))| (*variable, number))
        .collect();
    let mut moved = vec![false; bindings.len()];
    for (number, (_, init)) in bindings.iter().enumerate() {
        if matches!(init.kind, ExprKind::Lambda(_)) {
            continue;
        }
        let mut depends = false;
        mentioned(init, &numbers, &mut |other| {
            depends = depends || !moved.get(other).copied().unwrap_or(false);
        });
        if depends {
            // What follows must stay behind it.
            break;
        }
        if let Some(moved) = moved.get_mut(number) {
            *moved = true;
        }
    }
    let mut early = Vec::with_capacity(bindings.len());
    let mut late = Vec::new();
    for (binding, moved) in bindings.into_iter().zip(moved) {
        if moved {
            early.push(binding);
        } else {
            late.push(binding);
        }
    }
    early.extend(late);
    early
}

fn mentioned(expr: &Expr, numbers: &HashMap<VarId, usize>, found: &mut dyn FnMut(usize)) {
    if let ExprKind::Local(variable) | ExprKind::SetLocal(variable, _) = &expr.kind
        && let Some(number) = numbers.get(variable)
    {
        found(*number);
    }
    for_each_child(expr, &mut |child| mentioned(child, numbers, found));
}
