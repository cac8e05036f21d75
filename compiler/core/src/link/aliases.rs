//! Imported names that mean nothing but a global of the module they come from.
//!
//! An import copies values: afterwards both modules may change their variables without the other noticing.
//! Almost always neither does. If the exported global gets its only value when its module runs, and the
//! importing module never changes its own and cannot read it before the import, the two are one.

use crate::hashing::{HashMap, HashSet};

use super::{Name, World, exports};
use crate::ir::walk::for_each_child;
use crate::ir::{Expr, ExprKind, GlobalId, Import, Unit};
use crate::middle::early::early;

/// What the linker knows of the globals of all units.
#[derive(Default)]
pub(super) struct Aliases {
    /// The global that an imported one means.
    targets: HashMap<Name, Name>,
    /// Globals that get their only value when their module runs.
    constant: HashSet<Name>,
    /// Globals that have a value when their module has run.
    definite: HashSet<Name>,
}

impl Aliases {
    /// The global that a global means: another one, or itself.
    pub(super) fn meaning(&self, name: Name) -> Name {
        self.targets.get(&name).copied().unwrap_or(name)
    }

    /// Whether a global means another one.
    pub(super) fn is_alias(&self, name: Name) -> bool {
        self.targets.contains_key(&name)
    }

    /// Whether a global has a value when its module has run.
    pub(super) fn is_definite(&self, name: Name) -> bool {
        self.is_alias(name) || self.definite.contains(&name)
    }
}

/// Finds the imported names of all units that mean a global of another unit.
pub(super) fn find(world: &World) -> Aliases {
    let mut aliases = Aliases::default();
    let numbers = world.numbers();
    let exports = exports(&world.units);
    // Those that are imported come first, as far as there is no cycle.
    for (number, unit) in world.units.iter().enumerate() {
        let assigned = Assigned::of(unit);
        let once = assigned.once.iter().map(|global| (number, *global));
        aliases.constant.extend(once);
        let always = assigned.always.iter().map(|global| (number, *global));
        aliases.definite.extend(always);
        let exported = |import: &Import, name: &str| {
            let source = *numbers.get(&import.module)?;
            Some((source, *exports.get(source)?.get(name)?))
        };
        let mut imported: HashMap<GlobalId, Imported> = HashMap::default();
        each_import(unit, &mut |import, form| {
            for (name, global) in &import.bindings {
                let source = exported(import, name);
                if form.is_some() && source.is_some_and(|source| aliases.is_definite(source)) {
                    aliases.definite.insert((number, *global));
                }
                let target = source.map(|source| aliases.meaning(source));
                let target = target.filter(|target| aliases.constant.contains(target));
                imported
                    .entry(*global)
                    .and_modify(|known| known.add(target, form))
                    .or_insert(Imported { target, form });
            }
        });
        imported.retain(|global, _| !assigned.all.contains(global));
        let positions = imported.iter();
        let positions = positions.filter_map(|(global, imported)| Some((*global, imported.form?)));
        let positions = positions.collect();
        let early = early(&unit.body, &positions);
        for (global, imported) in imported {
            if let Some(target) = imported.target
                && positions.contains_key(&global)
                && !early.contains(&global)
            {
                aliases.targets.insert((number, global), target);
            }
        }
    }
    aliases
}

/// What the imports of a unit give to one of its globals.
struct Imported {
    /// The constant that all of them give.
    target: Option<Name>,
    /// The first top-level form that is one of them.
    form: Option<usize>,
}

impl Imported {
    fn add(&mut self, target: Option<Name>, form: Option<usize>) {
        if self.target != target {
            self.target = None;
        }
        self.form = self.form.or(form);
    }
}

/// Shows all imports of a unit to `visit`, in order, with the position of those that are top-level forms.
fn each_import(unit: &Unit, visit: &mut dyn FnMut(&Import, Option<usize>)) {
    for (position, form) in unit.body.iter().enumerate() {
        if let ExprKind::Import(import) = form.kind {
            if let Some(import) = unit.imports.get(import.0 as usize) {
                visit(import, Some(position));
            }
        } else {
            nested_imports(unit, form, visit);
        }
    }
}

fn nested_imports(unit: &Unit, expr: &Expr, visit: &mut dyn FnMut(&Import, Option<usize>)) {
    if let ExprKind::Import(import) = expr.kind
        && let Some(import) = unit.imports.get(import.0 as usize)
    {
        visit(import, None);
    }
    for_each_child(expr, &mut |child| nested_imports(unit, child, visit));
}

/// Which globals the code of a unit gives values.
#[derive(Default)]
struct Assigned {
    /// All of them.
    all: HashSet<GlobalId>,
    /// Those with a definition that runs whenever the unit does.
    always: HashSet<GlobalId>,
    /// Those of them without any other definition or assignment.
    once: HashSet<GlobalId>,
}

impl Assigned {
    fn of(unit: &Unit) -> Assigned {
        let mut assigned = Assigned::default();
        let mut counts: HashMap<GlobalId, usize> = HashMap::default();
        for form in &unit.body {
            defined_always(form, &mut |global| {
                assigned.always.insert(global);
            });
            count(form, &mut counts);
        }
        for import in &unit.imports {
            for (_, global) in &import.bindings {
                *counts.entry(*global).or_default() += 1;
            }
        }
        let always = assigned.always.iter().copied();
        assigned.once = always
            .filter(|global| counts.get(global) == Some(&1))
            .collect();
        for form in &unit.body {
            all(form, &mut assigned.all);
        }
        assigned
    }
}

/// Shows the globals to `found` that a form defines whenever it runs.
fn defined_always(form: &Expr, found: &mut dyn FnMut(GlobalId)) {
    match &form.kind {
        ExprKind::DefineGlobal(global, _) => found(*global),
        ExprKind::Let(_, body) | ExprKind::Letrec(_, body) => defined_always(body, found),
        ExprKind::Seq(parts) => parts.iter().for_each(|part| defined_always(part, found)),
        _ => {}
    }
}

fn count(expr: &Expr, counts: &mut HashMap<GlobalId, usize>) {
    if let ExprKind::DefineGlobal(global, _) | ExprKind::SetGlobal(global, _) = &expr.kind {
        *counts.entry(*global).or_default() += 1;
    }
    for_each_child(expr, &mut |child| count(child, counts));
}

fn all(expr: &Expr, found: &mut HashSet<GlobalId>) {
    if let ExprKind::DefineGlobal(global, _) | ExprKind::SetGlobal(global, _) = &expr.kind {
        found.insert(*global);
    }
    for_each_child(expr, &mut |child| all(child, found));
}
