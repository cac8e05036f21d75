//! Known functions: globals that are defined once, as a function, before anything can call them.
//!
//! A call of such a global needs no look-up and no check. It is only right if the definition has
//! run whenever the call does, see [`super::early`].

use crate::hashing::{HashMap, HashSet};

use super::early::early;
use crate::ir::walk::for_each_child;
use crate::ir::{Expr, ExprKind, GlobalId, Unit, called};

/// The globals that are known functions.
pub fn functions(unit: &Unit) -> HashSet<GlobalId> {
    constants(unit, &|value| matches!(value.kind, ExprKind::Lambda(_)))
}

/// The globals that are known multimethods: whatever reads them finds the one their definition made.
pub fn multimethods(unit: &Unit) -> HashSet<GlobalId> {
    constants(unit, &|value| is_multimethod(value))
}

pub(super) fn is_multimethod(value: &Expr) -> bool {
    matches!(&value.kind, ExprKind::Call(callee, _)
        if matches!(callee.kind, ExprKind::Builtin(called::MAKE_MULTIMETHOD)))
}

/// The globals with one definition, of a kind that `wanted` accepts, that has run whenever they are read.
fn constants(unit: &Unit, wanted: &dyn Fn(&Expr) -> bool) -> HashSet<GlobalId> {
    let mut defined_at: HashMap<GlobalId, (usize, &Expr)> = HashMap::default();
    let mut excluded: HashSet<GlobalId> = unit
        .imports
        .iter()
        .flat_map(|i| i.bindings.iter().map(|(_, g)| *g))
        .collect();
    for (position, form) in unit.body.iter().enumerate() {
        match &form.kind {
            ExprKind::DefineGlobal(global, value) => {
                let is_constant =
                    matches!(value.kind, ExprKind::Lambda(_)) || is_multimethod(value);
                if is_constant && !defined_at.contains_key(global) {
                    defined_at.insert(*global, (position, value));
                } else {
                    excluded.insert(*global);
                }
                assigned(value, &mut excluded);
            }
            _ => assigned(form, &mut excluded),
        }
    }
    for (number, global) in unit.globals.iter().enumerate() {
        if global.shadows.is_some() || global.definitions > 1 {
            excluded.insert(GlobalId(number as u32));
        }
    }
    let positions = defined_at.iter();
    let positions = positions.map(|(global, (position, _))| (*global, *position));
    let early = early(&unit.body, &positions.collect());
    defined_at
        .into_iter()
        .filter(|(_, (_, value))| wanted(value))
        .map(|(global, _)| global)
        .filter(|global| !excluded.contains(global) && !early.contains(global))
        .collect()
}

/// Globals that code assigns, or defines anywhere but at the top of the unit.
fn assigned(expr: &Expr, found: &mut HashSet<GlobalId>) {
    if let ExprKind::SetGlobal(global, _) | ExprKind::DefineGlobal(global, _) = &expr.kind {
        found.insert(*global);
    }
    for_each_child(expr, &mut |child| assigned(child, found));
}
