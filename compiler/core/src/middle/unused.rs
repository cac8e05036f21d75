//! Functions that nothing reaches any more.

use crate::hashing::{HashMap, HashSet};

use super::Globals;
use crate::ir::walk::for_each_child;
use crate::ir::{Expr, ExprKind, GlobalId, Unit};

/// Drops the definitions that programs cannot see and that nothing needs.
pub fn run(unit: &mut Unit, globals: &mut Globals) {
    let mut definitions: HashMap<GlobalId, usize> = HashMap::default();
    let mut reached: HashSet<GlobalId> = HashSet::default();
    let mut pending = Vec::new();
    let last = unit.body.len().saturating_sub(1);
    for (index, form) in unit.body.iter().enumerate() {
        match &form.kind {
            // The value of the last form is that of the module.
            ExprKind::DefineGlobal(global, _) if globals.is_private(*global) && index != last => {
                definitions.insert(*global, index);
            }
            _ => mentioned(form, &mut pending),
        }
    }
    while let Some(global) = pending.pop() {
        if reached.insert(global)
            && let Some(form) = definitions
                .get(&global)
                .and_then(|index| unit.body.get(*index))
        {
            mentioned(form, &mut pending);
        }
    }
    unit.body.retain(|form| match &form.kind {
        ExprKind::DefineGlobal(global, _) => {
            !definitions.contains_key(global) || reached.contains(global)
        }
        _ => true,
    });
    let gone = |global: &GlobalId| definitions.contains_key(global) && !reached.contains(global);
    globals.known.retain(|global| !gone(global));
}

fn mentioned(expr: &Expr, found: &mut Vec<GlobalId>) {
    if let ExprKind::Global(global) = &expr.kind {
        found.push(*global);
    }
    for_each_child(expr, &mut |child| mentioned(child, found));
}
