//! One unit out of all units of a program.

use crate::hashing::{HashMap, HashSet};
use std::rc::Rc;

use super::aliases::Aliases;
use super::order::{Place, Places};
use super::{Name, Output, World, exports};
use crate::front::datum::{Interner, Span};
use crate::front::diagnostic::Diagnostic;
use crate::ir::walk::for_each_child_mut;
use crate::ir::{
    Builtin, Expr, ExprKind, Global, GlobalId, Import, ImportId, Lambda, Part, Unit, VarId,
    Variable,
};
use crate::middle::{frames, known, rename};

/// Merges the units. Their code runs in the same order as before; each imported name is its module's global
/// or gets a copy of its value, as `aliases` say.
pub(super) fn merge(
    world: World,
    places: &Places,
    aliases: &Aliases,
    interner: &mut Interner,
) -> Unit {
    let entry = world.entry();
    let mut merged = Unit {
        exports: Some(Vec::new()),
        ..Unit::default()
    };
    let mut merger = Merger {
        places,
        aliases,
        interner,
        exports: exports(&world.units),
        numbers: HashMap::default(),
        exported: HashMap::default(),
        runners: HashMap::default(),
        bodies: Vec::new(),
        imports: Vec::new(),
        keys: world.units.iter().map(|unit| unit.name.clone()).collect(),
        entry_import: None,
        unit: &mut merged,
    };
    merger.globals(&world, entry);
    if let Some(unit) = world.units.get(entry)
        && (world.output == Output::Library || unit.exports.is_some())
    {
        merger.export(unit, entry);
    }
    for number in (0..world.units.len()).filter(|number| *number != entry) {
        merger.globals(&world, number);
    }
    let mut hoisted = Vec::new();
    for (number, unit) in world.units.into_iter().enumerate() {
        let (unit, definitions) = merger.renumbered(number, unit);
        hoisted.extend(definitions.into_iter().map(|form| (number, form)));
        merger.imports.push(unit.imports);
        merger.bodies.push(unit.body);
        if number == entry {
            merger.unit.name = unit.name;
        }
    }
    let mut body = Vec::with_capacity(hoisted.len());
    for (number, mut form) in hoisted {
        merger.nested(number, &mut form);
        body.push(form);
    }
    body.append(&mut merger.parts());
    merger.in_place(entry, 0, &mut body);
    merged.body = body;
    merged
}

struct Merger<'m> {
    places: &'m Places,
    aliases: &'m Aliases,
    interner: &'m mut Interner,
    /// The globals that each unit exports, as the unit numbers them.
    exports: Vec<HashMap<Rc<str>, GlobalId>>,
    /// The numbers of the units' globals in the merged unit; those of aliases are missing.
    numbers: HashMap<Name, GlobalId>,
    /// For aliases that the entry exports, the globals that hold copies of their values.
    exported: HashMap<Name, GlobalId>,
    /// The functions that run parts, by number of the unit.
    runners: HashMap<usize, GlobalId>,
    /// The code of each unit that has not found its place yet, with new numbers.
    bodies: Vec<Vec<Expr>>,
    imports: Vec<Vec<Import>>,
    keys: Vec<Rc<str>>,
    /// The import of the merged unit by which it refers to itself.
    entry_import: Option<ImportId>,
    unit: &'m mut Unit,
}

impl Merger<'_> {
    /// Gives the globals of a unit places in the merged one.
    fn globals(&mut self, world: &World, number: usize) {
        let Some(unit) = world.units.get(number) else {
            return;
        };
        for (id, global) in (0..).map(GlobalId).zip(&unit.globals) {
            if !self.aliases.is_alias((number, id)) {
                let new = self.add(global.clone());
                self.numbers.insert((number, id), new);
            }
        }
        if self.places.units.get(number) == Some(&Place::Part) {
            let runner = self.add(Global {
                // A space keeps the name apart from all that programs can write.
                name: Rc::from(format!(" run {}", unit.name)),
                shadows: None,
                definitions: 1,
                mutable: false,
                span: Span::default(),
            });
            self.runners.insert(number, runner);
        }
    }

    fn add(&mut self, global: Global) -> GlobalId {
        let id = GlobalId(self.unit.globals.len() as u32);
        self.unit.globals.push(global);
        id
    }

    /// Exports what the entry does. Its globals are the first of the merged unit, so that their names are
    /// found.
    fn export(&mut self, unit: &Unit, number: usize) {
        let mut listed = Vec::new();
        for (name, id, span) in unit.all_exports() {
            if self.aliases.is_alias((number, id))
                && let Some(global) = unit.globals.get(id.0 as usize)
            {
                let copy = self.add(global.clone());
                self.exported.insert((number, id), copy);
            }
            listed.push((name, span));
        }
        self.unit.exports = Some(listed);
    }

    /// The number of a unit's global in the merged unit.
    fn number(&self, name: Name) -> Option<GlobalId> {
        self.numbers.get(&self.aliases.meaning(name)).copied()
    }

    /// Gives the variables and globals of a unit's code their new numbers; their imports keep the numbers of
    /// the unit. The definitions that a part can do without are taken out of its code.
    fn renumbered(&mut self, number: usize, mut unit: Unit) -> (Unit, Vec<Expr>) {
        let is_part = self.places.units.get(number) == Some(&Place::Part);
        let known = match is_part {
            true => known::functions(&unit),
            false => HashSet::default(),
        };
        let base = self.unit.variables.len() as u32;
        self.unit.variables.append(&mut unit.variables);
        let mut hoisted = Vec::new();
        let mut body = Vec::with_capacity(unit.body.len());
        if is_part {
            self.shadowed(number, &unit, &mut body);
        }
        for mut form in std::mem::take(&mut unit.body) {
            // A known function is there from the beginning: nothing can tell.
            let is_known =
                matches!(form.kind, ExprKind::DefineGlobal(global, _) if known.contains(&global));
            rename::variables(&mut form, &mut |variable| variable.0 += base);
            self.rename_globals(number, &mut form);
            if is_known {
                hoisted.push(form);
            } else {
                body.push(form);
            }
        }
        unit.body = body;
        (unit, hoisted)
    }

    /// Gives the globals of a part that are builtins at first their values each time it begins to run.
    fn shadowed(&mut self, number: usize, unit: &Unit, body: &mut Vec<Expr>) {
        for (id, global) in (0..).map(GlobalId).zip(&unit.globals) {
            let Some(builtin) = global.shadows else {
                continue;
            };
            let new = self.numbers.get(&(number, id));
            if let Some(global) = new.and_then(|new| self.unit.globals.get_mut(new.0 as usize)) {
                global.shadows = None;
                global.mutable = true;
                let value = Expr::new(ExprKind::Builtin(builtin), Span::default());
                let kind = ExprKind::DefineGlobal(id, Box::new(value));
                let mut define = Expr::new(kind, Span::default());
                self.rename_globals(number, &mut define);
                body.push(define);
            }
        }
    }

    fn rename_globals(&self, number: usize, expr: &mut Expr) {
        if let ExprKind::Global(global)
        | ExprKind::SetGlobal(global, _)
        | ExprKind::DefineGlobal(global, _) = &mut expr.kind
            && let Some(new) = self.number((number, *global))
        {
            *global = new;
        }
        for_each_child_mut(expr, &mut |child| self.rename_globals(number, child));
    }

    /// The definitions of the functions that run parts.
    fn parts(&mut self) -> Vec<Expr> {
        let mut definitions = Vec::new();
        for number in 0..self.bodies.len() {
            let (Some(runner), Some(key)) = (
                self.runners.get(&number).copied(),
                self.keys.get(number).cloned(),
            ) else {
                continue;
            };
            let mut forms = self.bodies.get_mut(number).map(std::mem::take);
            for form in forms.iter_mut().flatten() {
                self.nested(number, form);
            }
            let mut forms = forms.unwrap_or_default();
            if forms.is_empty() {
                forms.push(Expr::nil(Span::default()));
            }
            let span = Span::default();
            let lambda = Lambda {
                name: None,
                parameters: Vec::new(),
                optional: 0,
                rest: None,
                body: Expr::new(ExprKind::Seq(forms), span),
                span,
                library: false,
            };
            let value = Expr::new(ExprKind::Lambda(Rc::new(lambda)), span);
            let kind = ExprKind::DefineGlobal(runner, Box::new(value));
            definitions.push(Expr::new(kind, span));
            self.unit.parts.push(Part {
                name: key,
                function: runner,
            });
        }
        definitions
    }

    /// Adds the code of a unit that runs where the merged unit runs. `context`: of the import in whose place
    /// it stands.
    fn in_place(&mut self, number: usize, context: u32, body: &mut Vec<Expr>) {
        let forms = self.bodies.get_mut(number).map(std::mem::take);
        let mut last_is_import = true;
        for (position, mut form) in forms.into_iter().flatten().enumerate() {
            if context != 0 {
                frames::place(&mut form, context);
            }
            last_is_import = matches!(form.kind, ExprKind::Import(_));
            let ExprKind::Import(import) = form.kind else {
                self.nested(number, &mut form);
                body.push(form);
                continue;
            };
            let target = self.target(number, import);
            match target.and_then(|target| Some((target, *self.places.units.get(target)?))) {
                Some((target, place)) if place == Place::Form(number, position) => {
                    let context = frames::module(form.span, &mut self.unit.inlined);
                    self.in_place(target, context, body);
                    self.bind(number, import, form.span, body);
                }
                _ => self.import(number, import, form.span, body),
            }
        }
        // The value of an import.
        if last_is_import && context == 0 {
            body.push(Expr::nil(Span::default()));
        }
    }

    /// Replaces the imports in an expression that is not one itself at the top level.
    fn nested(&mut self, number: usize, expr: &mut Expr) {
        if let ExprKind::Import(import) = expr.kind {
            let mut steps = Vec::new();
            self.import(number, import, expr.span, &mut steps);
            steps.push(Expr::nil(expr.span));
            expr.kind = ExprKind::Seq(steps);
            return;
        }
        for_each_child_mut(expr, &mut |child| self.nested(number, child));
    }

    fn target(&self, number: usize, import: ImportId) -> Option<usize> {
        let imports = self.places.imports.get(number)?;
        imports.get(import.0 as usize).copied()
    }

    /// What an import does besides: runs the module if that may be left to do, and binds names.
    fn import(&mut self, number: usize, import: ImportId, span: Span, steps: &mut Vec<Expr>) {
        let Some(target) = self.target(number, import) else {
            return;
        };
        match self.places.units.get(target) {
            Some(Place::Part) => {
                if let Some(runner) = self.runners.get(&target) {
                    let runner = Expr::new(ExprKind::Global(*runner), span);
                    steps.push(Expr::call_of(Builtin::RUN_PART, vec![runner], span));
                }
            }
            // It runs already, which is an error until it has ended.
            Some(Place::Entry) => {
                let id = self.entry_import(target);
                steps.push(Expr::new(ExprKind::Import(id), span));
            }
            Some(Place::Form(..)) | None => {}
        }
        self.bind(number, import, span, steps);
    }

    fn entry_import(&mut self, entry: usize) -> ImportId {
        if let Some(id) = self.entry_import {
            return id;
        }
        let key = self.keys.get(entry).cloned().unwrap_or_default();
        let id = ImportId(self.unit.imports.len() as u32);
        self.unit.imports.push(Import {
            path: key.clone(),
            module: key,
            names: None,
            bindings: Vec::new(),
            span: Span::default(),
        });
        self.entry_import = Some(id);
        id
    }

    /// Copies the values of exported globals to those that an import binds.
    fn bind(&mut self, number: usize, import: ImportId, span: Span, steps: &mut Vec<Expr>) {
        let Some(target) = self.target(number, import) else {
            return;
        };
        let imports = self.imports.get(number);
        let Some(import) = imports.and_then(|all| all.get(import.0 as usize).cloned()) else {
            return;
        };
        let exports = self.exports.get(target);
        let exported = |name: &str| exports.and_then(|exports| exports.get(name).copied());
        let mut names = import.names.iter().flatten();
        if let Some(name) = names.find(|name| exported(name).is_none()) {
            let message = format!("import: module does not export '{name}'");
            let diagnostic = Diagnostic::eval(span, message);
            let condition = ExprKind::Const(diagnostic.condition_map(self.interner));
            let condition = Box::new(Expr::new(condition, span));
            steps.push(Expr::new(ExprKind::Throw(condition), span));
            return;
        }
        for (name, global) in &import.bindings {
            let Some(source) = exported(name).map(|global| (target, global)) else {
                continue;
            };
            let receiver = match self.aliases.is_alias((number, *global)) {
                true => self.exported.get(&(number, *global)).copied(),
                false => self.number((number, *global)),
            };
            let (Some(receiver), Some(from)) = (receiver, self.number(source)) else {
                continue;
            };
            let value = Box::new(Expr::new(ExprKind::Global(from), span));
            let copy = Expr::new(ExprKind::DefineGlobal(receiver, value), span);
            if self.aliases.is_definite(source) {
                steps.push(copy);
                continue;
            }
            // What has no value is not bound.
            let unbound = VarId(self.unit.variables.len() as u32);
            self.unit.variables.push(Variable {
                name: Rc::from("unbound"),
                assigned: false,
            });
            let nothing = Box::new(Expr::nil(span));
            let kind = ExprKind::Try(Box::new(copy), unbound, nothing);
            steps.push(Expr::new(kind, span));
        }
    }
}
