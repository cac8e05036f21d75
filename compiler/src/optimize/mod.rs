//! The middle end: rewrites of the core language that every back end profits from.

pub mod census;
pub mod check;
pub mod classes;
pub mod copy;
pub mod fold;
pub mod known;
pub mod letrec;
pub mod loops;
pub mod purity;
pub mod rename;
pub mod simplify;
pub mod variables;

use std::collections::HashSet;

use crate::ir::{GlobalId, Unit};

/// Optimises a unit. `known` are the globals that always hold their single definition.
pub fn run(unit: &mut Unit, known: &HashSet<GlobalId>, level: u8) {
    if level == 0 {
        return;
    }
    debug_assert_eq!(check::bound_twice(unit), None);
    letrec::run(unit);
    simplify::run(unit, known);
    if level > 1 {
        simplify::run(unit, known);
    }
    debug_assert_eq!(check::bound_twice(unit), None);
}
