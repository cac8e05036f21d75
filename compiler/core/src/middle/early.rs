//! Code that may run before a global has its value.
//!
//! A program may call a function whose definition stands further down, and then an `:unbound` condition is
//! due. So the top-level forms are followed in order: whatever a form can reach through the functions of the
//! unit must not read a global that gets its value later.

use crate::hashing::{HashMap, HashSet};

use super::known::is_multimethod;
use crate::ir::walk::for_each_child;
use crate::ir::{Expr, ExprKind, GlobalId};

/// The globals among `given` that may be read before their form has run: for each global, the position of
/// the top-level form after which it has its value.
pub fn early(body: &[Expr], given: &HashMap<GlobalId, usize>) -> HashSet<GlobalId> {
    // A global can be defined again: its name may mean any of the functions.
    let mut functions: HashMap<GlobalId, Vec<&Expr>> = HashMap::default();
    for form in body {
        if let ExprKind::DefineGlobal(global, value) = &form.kind
            && (matches!(value.kind, ExprKind::Lambda(_)) || is_multimethod(value))
        {
            functions.entry(*global).or_default().push(value);
        }
    }
    let mut early = HashSet::default();
    let mut visited: HashSet<GlobalId> = HashSet::default();
    for (position, form) in body.iter().enumerate() {
        if !runs_code(form) {
            continue;
        }
        // Depth first through everything this form mentions.
        let mut pending = Vec::new();
        mentioned(form, &mut pending);
        while let Some(global) = pending.pop() {
            if given.get(&global).is_some_and(|given| *given > position) {
                early.insert(global);
            }
            if visited.insert(global) {
                for value in functions.get(&global).into_iter().flatten() {
                    mentioned(value, &mut pending);
                }
            }
        }
    }
    early
}

fn runs_code(form: &Expr) -> bool {
    match &form.kind {
        ExprKind::DefineGlobal(_, value) => {
            !matches!(value.kind, ExprKind::Lambda(_) | ExprKind::Const(_))
        }
        ExprKind::Const(_) => false,
        _ => true,
    }
}

fn mentioned(expr: &Expr, found: &mut Vec<GlobalId>) {
    if let ExprKind::Global(global) = &expr.kind {
        found.push(*global);
    }
    for_each_child(expr, &mut |child| mentioned(child, found));
}
