//! Where the code of each module runs.
//!
//! A module runs once, when the program first reaches an import of it. If the first import that the program
//! can reach is a top-level form, of the entry or of a module for which the same holds, it is reached
//! exactly once, and the module's code can stand there. Modules whose import may be reached earlier or
//! never, and those that import each other, become parts: functions that run when an import is reached.

use super::World;
use crate::ir::walk::for_each_child;
use crate::ir::{Expr, ExprKind, ImportId};

/// Where the code of a module runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Where the program begins.
    Entry,
    /// At this top-level form of this unit, which is the entry or stands in its place itself.
    Form(usize, usize),
    /// Whenever an import is reached first.
    Part,
}

/// The places of all units and what their imports mean.
pub(super) struct Places {
    /// By number of the unit.
    pub(super) units: Vec<Place>,
    /// For each unit, the number of the unit that each of its imports means.
    pub(super) imports: Vec<Vec<usize>>,
}

/// Decides the place of each unit; `None` if an import means something that is not part of the program.
pub(super) fn places(world: &World) -> Option<Places> {
    let imports = world.imports()?;
    let mut walk = Walk {
        world,
        circular: circular(&imports),
        imports: &imports,
        places: vec![None; world.units.len()],
    };
    let entry = world.entry();
    *walk.places.get_mut(entry)? = Some(Place::Entry);
    walk.unit(entry, true);
    let places = walk.places.into_iter();
    // What nothing imports never runs.
    let units = places.map(|place| place.unwrap_or(Place::Part)).collect();
    Some(Places { units, imports })
}

/// Which units import themselves, directly or not.
fn circular(imports: &[Vec<usize>]) -> Vec<bool> {
    let reaches_itself = |start: usize| {
        let mut seen = vec![false; imports.len()];
        let mut pending = imports.get(start).cloned().unwrap_or_default();
        while let Some(unit) = pending.pop() {
            if unit == start {
                return true;
            }
            if let Some(seen) = seen.get_mut(unit)
                && !std::mem::replace(seen, true)
            {
                pending.extend(imports.get(unit).into_iter().flatten());
            }
        }
        false
    };
    (0..imports.len()).map(reaches_itself).collect()
}

/// Goes through the code in the order in which it can run first.
struct Walk<'w> {
    world: &'w World,
    circular: Vec<bool>,
    imports: &'w [Vec<usize>],
    places: Vec<Option<Place>>,
}

impl Walk<'_> {
    /// Goes through a unit; `in_place` if its code runs exactly once and nothing before it is left out.
    fn unit(&mut self, number: usize, in_place: bool) {
        let world = self.world;
        let Some(unit) = world.units.get(number) else {
            return;
        };
        for (index, form) in unit.body.iter().enumerate() {
            match form.kind {
                ExprKind::Import(import) if in_place => {
                    self.import(number, import, Some(Place::Form(number, index)));
                }
                _ => self.nested(number, form),
            }
        }
    }

    fn nested(&mut self, unit: usize, expr: &Expr) {
        if let ExprKind::Import(import) = expr.kind {
            self.import(unit, import, None);
        }
        for_each_child(expr, &mut |child| self.nested(unit, child));
    }

    /// An import that is reached for certain if it has a place, else perhaps, and perhaps earlier than what
    /// follows.
    fn import(&mut self, unit: usize, import: ImportId, place: Option<Place>) {
        let imports = self.imports.get(unit);
        let target = imports.and_then(|all| all.get(import.0 as usize).copied());
        let Some(target) = target else {
            return;
        };
        let is_circular = self.circular.get(target).copied().unwrap_or(true);
        let Some(found @ None) = self.places.get_mut(target) else {
            return;
        };
        let place = place.filter(|_| !is_circular).unwrap_or(Place::Part);
        *found = Some(place);
        self.unit(target, place != Place::Part);
    }
}
