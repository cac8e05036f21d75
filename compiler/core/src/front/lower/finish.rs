//! The end of a unit: names are resolved now that all definitions are known.

use std::collections::HashMap;
use std::rc::Rc;

use super::Lowerer;
use crate::front::diagnostic::suggest::unbound_hint;
use crate::front::diagnostic::{Condition, Diagnostic};
use crate::front::expand::prelude::PRELUDE;
use crate::front::names::SPECIAL_FORMS;
use crate::ir::builtins::Builtins;
use crate::ir::walk::{for_each_child, for_each_child_mut};
use crate::ir::{Builtin, Expr, ExprKind, Global, GlobalId, Unit};

/// Makes every builtin that the unit never assigns a [`ExprKind::Builtin`] and drops the globals that nothing
/// mentions any more.
pub(crate) fn resolve(unit: &mut Unit) {
    let untouched: Vec<Option<Builtin>> = unit
        .globals
        .iter()
        .map(|global| match global.shadows {
            Some(builtin) if global.definitions == 0 && !global.mutable => Some(builtin),
            _ => None,
        })
        .collect();
    let mut used = vec![false; unit.globals.len()];
    let mut mark = |id: GlobalId| {
        if let Some(used) = used.get_mut(id.0 as usize) {
            *used = true;
        }
    };
    for form in &mut unit.body {
        visit_mut(form, &mut |expr| {
            if let ExprKind::Global(id) = expr.kind
                && let Some(Some(builtin)) = untouched.get(id.0 as usize)
            {
                expr.kind = ExprKind::Builtin(*builtin);
            }
            if let ExprKind::Global(id)
            | ExprKind::SetGlobal(id, _)
            | ExprKind::DefineGlobal(id, _) = &expr.kind
            {
                mark(*id);
            }
        });
    }
    for (_, id) in unit.imports.iter().flat_map(|import| &import.bindings) {
        mark(*id);
    }
    let mut next = 0;
    let renumbered: Vec<GlobalId> = used
        .iter()
        .map(|used| {
            let id = GlobalId(next);
            next += u32::from(*used);
            id
        })
        .collect();
    let renumber = |id: &mut GlobalId| {
        if let Some(new) = renumbered.get(id.0 as usize) {
            *id = *new;
        }
    };
    for form in &mut unit.body {
        visit_mut(form, &mut |expr| {
            if let ExprKind::Global(id)
            | ExprKind::SetGlobal(id, _)
            | ExprKind::DefineGlobal(id, _) = &mut expr.kind
            {
                renumber(id);
            }
        });
    }
    for import in &mut unit.imports {
        for (_, id) in &mut import.bindings {
            renumber(id);
        }
    }
    let mut used = used.iter();
    unit.globals.retain(|_| *used.next().unwrap_or(&true));
}

/// Visits an expression and all its parts, the whole before its parts.
pub(crate) fn visit_mut(expr: &mut Expr, visit: &mut dyn FnMut(&mut Expr)) {
    visit(expr);
    for_each_child_mut(expr, &mut |child| visit_mut(child, visit));
}

/// Visits an expression and all its parts without changing them, the whole before its parts.
pub(crate) fn visit(expr: &Expr, visitor: &mut dyn FnMut(&Expr)) {
    visitor(expr);
    for_each_child(expr, &mut |child| visit(child, visitor));
}

impl Lowerer<'_, '_> {
    /// Resolves the unit's names and warns about what will fail if it is reached.
    pub(super) fn finish(&mut self) {
        resolve(&mut self.unit);
        let mut found = Vec::new();
        // Code that is only known at run time may define anything.
        if !self.dynamic {
            self.unbound_globals(&mut found);
        }
        let functions = self.known_functions();
        for form in &self.unit.body {
            visit(form, &mut |expr| {
                found.extend(
                    wrong_count(expr, self.session.builtins, &functions).map(|problem| *problem),
                );
            });
        }
        self.undefined_exports(&mut found);
        self.look_up_unbound_first();
        found.sort_by_key(|problem| (problem.span().file, problem.span().start));
        self.session.diagnostics.extend(found);
    }

    /// The functions among the globals that never change, with their numbers of parameters.
    fn known_functions(&self) -> HashMap<GlobalId, (Rc<str>, usize, Option<usize>)> {
        let mut functions = HashMap::new();
        for form in &self.unit.body {
            let ExprKind::DefineGlobal(id, value) = &form.kind else {
                continue;
            };
            let Some(global) = self.unit.globals.get(id.0 as usize) else {
                continue;
            };
            if let ExprKind::Lambda(lambda) = &value.kind
                && !global.mutable
                && !self.dynamic
            {
                let minimum = lambda.parameters.len() - lambda.optional;
                let maximum = lambda.rest.is_none().then_some(lambda.parameters.len());
                functions.insert(*id, (global.name.clone(), minimum, maximum));
            }
        }
        functions
    }

    fn undefined_exports(&self, found: &mut Vec<Diagnostic>) {
        for (name, span) in self.unit.exports.iter().flatten() {
            let defined = self.unit.globals.iter().any(|global| {
                global.name == *name && (global.definitions > 0 || self.is_import_bound(name))
            });
            let is_macro = || {
                let symbol = self.session.interner.get(&**name);
                symbol.is_some_and(|symbol| self.macros.find(symbol).is_some())
            };
            if !defined && !is_macro() && !self.dynamic {
                let message = format!("module: `{name}` is exported and never defined");
                found.push(*Diagnostic::warning(
                    *span,
                    "W0404",
                    Condition::Eval,
                    message,
                ));
            }
        }
    }

    fn unbound_globals(&self, found: &mut Vec<Diagnostic>) {
        let public: Vec<&str> = self.session.builtins.public_names().collect();
        let unbound: Vec<&Global> = self
            .unit
            .globals
            .iter()
            .filter(|global| {
                let bound = global.definitions > 0 || global.shadows.is_some();
                !bound && !self.is_import_bound(&global.name)
            })
            .collect();
        if unbound.is_empty() {
            return;
        }
        let defined = self
            .unit
            .globals
            .iter()
            .filter(|global| global.definitions > 0 || self.is_import_bound(&global.name));
        let known: Vec<&str> = defined
            .map(|global| &*global.name)
            .chain(public)
            .chain(SPECIAL_FORMS.iter().map(|(name, _)| *name))
            .chain(PRELUDE.iter().map(|item| item.name))
            .collect();
        for global in unbound {
            let message = format!("Unbound variable: {}", global.name);
            let condition = Condition::Unbound(global.name.to_string());
            let problem = Diagnostic::warning(global.span, "W0201", condition, message);
            found.push(*match unbound_hint(&global.name, known.iter().copied()) {
                Some(hint) => problem.with_hint(hint),
                None => problem,
            });
        }
    }

    pub(super) fn is_import_bound(&self, name: &str) -> bool {
        let mut bindings = self.unit.imports.iter().flat_map(|import| &import.bindings);
        bindings.any(|(_, id)| {
            let global = self.unit.globals.get(id.0 as usize);
            global.is_some_and(|global| &*global.name == name)
        })
    }
}

/// A call of a known function with a number of arguments that it does not take.
fn wrong_count(
    expr: &Expr,
    builtins: &Builtins,
    functions: &HashMap<GlobalId, (Rc<str>, usize, Option<usize>)>,
) -> Option<Box<Diagnostic>> {
    let ExprKind::Call(callee, arguments) = &expr.kind else {
        return None;
    };
    let (name, minimum, maximum) = match &callee.kind {
        ExprKind::Builtin(Builtin(name)) if !name.starts_with('%') => {
            let arity = builtins.resolve(name)?.arity?;
            (*name, usize::from(arity.min), arity.max.map(usize::from))
        }
        ExprKind::Global(id) => {
            let (name, minimum, maximum) = functions.get(id)?;
            (&**name, *minimum, *maximum)
        }
        _ => return None,
    };
    let got = arguments.len();
    if got >= minimum && maximum.is_none_or(|maximum| got <= maximum) {
        return None;
    }
    let mut problem = Diagnostic::arity(expr.span, name, minimum, maximum, got).as_warning();
    problem.code = "W0202";
    Some(problem)
}
