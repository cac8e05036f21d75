//! The end of a unit: names are resolved now that all definitions are known.

use std::rc::Rc;

use crate::hashing::{HashMap, HashSet};

use super::arity::Known;
use super::calls::Callees;
use super::certain::Certain;
use super::dynamic::needs_compiler;
use super::externs::HostFunction;
use super::session::Session;
use super::{Lowerer, options};
use crate::front::datum::{DatumKind, Span};
use crate::front::diagnostic::suggest::unbound_hint;
use crate::front::diagnostic::{Condition, Diagnostic, Severity};
use crate::front::expand::prelude::PRELUDE;
use crate::front::names::SPECIAL_FORMS;
use crate::ir::walk::{for_each_child, for_each_child_mut};
use crate::ir::{Builtin, Expr, ExprKind, Global, GlobalId, Unit, called};

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

/// How a warning ends that is about a file of the run time.
pub(crate) const AT_RUN_TIME: &str = "compiled modules are loaded when the program runs";

/// The code of modules that import each other.
pub(crate) const CYCLE: &str = "W0403";

/// Codes of warnings that are errors about what is reached whenever the program starts.
pub const CERTAIN: [&str; 8] = [
    "W0201", "W0202", "W0209", "W0401", CYCLE, "W0405", "W0407", "W0409",
];

/// What to do about a value of `let` that mentions a name of the same `let`.
const UNSEEN: &str = "the values of 'let' do not see its names: use 'let*' for one after the other, 'letrec' for functions that call \
                      themselves";

/// Makes a warning an error.
fn fails_at_start(mut problem: Box<Diagnostic>) -> Box<Diagnostic> {
    problem.severity = Severity::Error;
    let code = problem.code;
    problem.with_note(format!(
        "this is reached whenever the program starts; `--allow {code}` makes it a warning"
    ))
}

impl Lowerer<'_, '_> {
    /// Resolves the unit's names and warns about what will fail if it is reached. What is reached whenever the module
    /// starts is an error, unless the user allows it. Problems from `mark` on are those of the unit.
    pub(super) fn finish(&mut self, mark: usize) {
        resolve(&mut self.unit);
        let mut known = self.known_functions();
        self.add_imported(&mut known);
        self.publish(&known);
        let lambdas = known
            .iter()
            .filter_map(|(id, known)| Some((*id, known.lambda.clone()?)));
        let certain = Certain::of(&self.unit, &lambdas.collect());
        self.escalate(mark, &certain);
        self.escalate_cycles(&certain);
        let known = if self.dynamic {
            HashMap::default()
        } else {
            known
        };
        let mut found = Vec::new();
        // Code that is only known at run time may define anything.
        if !self.dynamic {
            self.unbound_globals(&certain, &mut found);
        }
        let allowed = |code: &str| self.session.allowed.iter().any(|allowed| allowed == code);
        let mut callees = Callees::of(&self.unit, self.session, &known);
        for form in &self.unit.body {
            visit(form, &mut |expr| {
                callees.note(expr);
                if let Some(mut problem) = callees.problem(expr).or_else(|| impossible_path(expr)) {
                    if !self.dynamic && certain.contains(expr) && !allowed(problem.code) {
                        problem = fails_at_start(problem);
                    }
                    found.push(*problem);
                }
                found.extend(options::unknown(expr, self.session.interner));
                found.extend(asks_compiler(expr));
            });
        }
        self.undefined_exports(&mut found);
        found.sort_by_key(|problem| (problem.span().file, problem.span().start));
        self.session.diagnostics.extend(found);
    }

    /// Makes errors of the warnings about imports, loads and calls of constants that are reached whenever the module starts.
    fn escalate(&mut self, mark: usize, certain: &Certain) {
        let mut reached = HashSet::default();
        for form in &self.unit.body {
            visit(form, &mut |expr| {
                let fails = match &expr.kind {
                    ExprKind::Import(_) | ExprKind::Throw(_) => true,
                    ExprKind::Call(callee, _) => match callee.kind {
                        ExprKind::Builtin(builtin) => {
                            matches!(builtin.name(), "%import-dynamic" | "%load-dynamic")
                        }
                        ExprKind::Const(_) => true,
                        _ => false,
                    },
                    _ => false,
                };
                if fails && certain.contains(expr) {
                    reached.insert(expr.span);
                }
            });
        }
        let allowed = &self.session.allowed;
        let own = self.session.diagnostics.iter_mut().skip(mark);
        for problem in own.filter(|problem| !problem.is_error()) {
            let is_certain = CERTAIN.contains(&problem.code);
            let is_plugin = problem.message.ends_with(AT_RUN_TIME);
            let cycles = &self.session.cycles;
            let is_cycle = || cycles.iter().any(|cycle| cycle.span == problem.span());
            if is_certain
                && !is_plugin
                && !(problem.code == CYCLE && is_cycle())
                && reached.contains(&problem.span())
                && !allowed.iter().any(|allowed| allowed == problem.code)
            {
                *problem = *fails_at_start(Box::new(problem.clone()));
            }
        }
    }

    /// Makes errors of the warnings about modules that import each other if all the imports of such a cycle are reached
    /// whenever their modules start. The module where it begins is the last of them to be known.
    fn escalate_cycles(&mut self, certain: &Certain) {
        let Session {
            cycles,
            starts,
            diagnostics,
            allowed,
            ..
        } = &mut *self.session;
        for form in &self.unit.body {
            visit(form, &mut |expr| {
                if let ExprKind::Import(id) = expr.kind
                    && let Some(import) = self.unit.imports.get(id.0 as usize)
                    && certain.contains(expr)
                {
                    starts.insert((self.unit.name.clone(), import.module.clone()));
                    let here = cycles.iter_mut().filter(|cycle| cycle.span == expr.span);
                    here.for_each(|cycle| cycle.certain = true);
                }
            });
        }
        let closed = cycles.extract_if(.., |cycle| cycle.modules.first() == Some(&self.unit.name));
        for cycle in closed {
            let mut pairs = cycle.modules.windows(2);
            let starts_next = |pair: &[Rc<str>]| match pair {
                [from, to] => starts.contains(&(from.clone(), to.clone())),
                _ => false,
            };
            let fails = cycle.certain && pairs.all(starts_next);
            if !fails || allowed.iter().any(|code| code == CYCLE) {
                continue;
            }
            let found = |problem: &&mut Diagnostic| {
                problem.code == CYCLE && problem.span() == cycle.span && !problem.is_error()
            };
            for problem in diagnostics.iter_mut().filter(found) {
                *problem = *fails_at_start(Box::new(problem.clone()));
            }
        }
    }

    /// The functions among the globals that never change, with their numbers of parameters.
    fn known_functions(&self) -> HashMap<GlobalId, Known> {
        let mut functions = HashMap::default();
        let mut work: Vec<&Expr> = self.unit.body.iter().collect();
        while let Some(form) = work.pop() {
            let (id, value) = match &form.kind {
                ExprKind::DefineGlobal(id, value) => (id, value),
                // The functions of a record type.
                ExprKind::Let(_, body) => {
                    work.push(body);
                    continue;
                }
                ExprKind::Seq(parts) => {
                    work.extend(parts);
                    continue;
                }
                _ => continue,
            };
            let Some(global) = self.unit.globals.get(id.0 as usize) else {
                continue;
            };
            if global.mutable {
                continue;
            }
            let (lambda, calls) = match &value.kind {
                ExprKind::Lambda(lambda) => (lambda, Some(lambda.clone())),
                // A multimethod takes what its dispatch function takes.
                ExprKind::Call(callee, arguments) => match (&callee.kind, &arguments[..]) {
                    (
                        ExprKind::Builtin(called::MAKE_MULTIMETHOD),
                        [
                            _,
                            Expr {
                                kind: ExprKind::Lambda(dispatch),
                                ..
                            },
                            ..,
                        ],
                    ) => (dispatch, None),
                    _ => continue,
                },
                _ => continue,
            };
            let known = Known {
                lambda: calls,
                ..Known::of(lambda, global.name.clone())
            };
            functions.insert(*id, known);
        }
        for (id, global) in (0..).map(GlobalId).zip(&self.unit.globals) {
            if let Some(function) = self.host_function(global) {
                let known = Known {
                    name: global.name.clone(),
                    minimum: usize::from(function.least),
                    maximum: function.most.map(usize::from),
                    lambda: None,
                };
                functions.insert(id, known);
            }
        }
        functions
    }

    /// Adds the functions of other modules that the unit's globals hold.
    fn add_imported(&self, known: &mut HashMap<GlobalId, Known>) {
        if self.unit.imports.is_empty() {
            return;
        }
        // Each import of a name, each definition and each assignment: with more than one of them it is known only when the program
        // runs what came last.
        let mut imported: HashMap<GlobalId, u32> = HashMap::default();
        for (_, id) in self.unit.imports.iter().flat_map(|import| &import.bindings) {
            *imported.entry(*id).or_default() += 1;
        }
        for form in &self.unit.body {
            visit(form, &mut |expr| {
                if let ExprKind::SetGlobal(id, _) | ExprKind::DefineGlobal(id, _) = &expr.kind {
                    *imported.entry(*id).or_default() += 1;
                }
            });
        }
        for import in &self.unit.imports {
            let Some(functions) = self.session.functions.get(&import.module) else {
                continue;
            };
            for (exported, id) in &import.bindings {
                let stays = imported.get(id) == Some(&1);
                if let Some(taken) = functions.get(exported).filter(|_| stays) {
                    known.insert(*id, Known::imported(taken));
                }
            }
        }
    }

    /// Notes the functions of the unit for modules that import it.
    fn publish(&mut self, known: &HashMap<GlobalId, Known>) {
        let functions = known.iter().filter_map(|(id, known)| {
            let global = self.unit.globals.get(id.0 as usize)?;
            Some((global.name.clone(), known.taken()))
        });
        let functions = functions.collect();
        self.session
            .functions
            .insert(self.unit.name.clone(), functions);
    }

    /// The host function that a global is for want of a definition.
    fn host_function(&self, global: &Global) -> Option<&HostFunction> {
        let mut externs = self.session.externs.iter();
        let function = externs.find(|function| *function.name == *global.name)?;
        let bound = global.definitions > 0 || self.is_import_bound(&global.name);
        (!bound).then_some(function)
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

    fn unbound_globals(&self, certain: &Certain, found: &mut Vec<Diagnostic>) {
        let public: Vec<&str> = self.session.builtins.public_names().collect();
        let unbound: Vec<(GlobalId, &Global)> = (0..)
            .map(GlobalId)
            .zip(&self.unit.globals)
            .filter(|(_, global)| {
                let bound = global.definitions > 0 || global.shadows.is_some();
                !bound
                    && !self.is_import_bound(&global.name)
                    && self.host_function(global).is_none()
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
        let mut reached: HashMap<GlobalId, Span> = HashMap::default();
        for form in &self.unit.body {
            visit(form, &mut |expr| {
                if let ExprKind::Global(id) | ExprKind::SetGlobal(id, _) = &expr.kind
                    && certain.contains(expr)
                {
                    reached.entry(*id).or_insert(expr.span);
                }
            });
        }
        let allowed = self.session.allowed.iter().any(|code| code == "W0201");
        for (id, global) in unbound {
            let message = format!("Unbound variable: {}", global.name);
            let condition = Condition::Unbound(global.name.to_string());
            let reached = reached.get(&id).filter(|_| !allowed);
            let span = *reached.unwrap_or(&global.span);
            let mut problem = Diagnostic::warning(span, "W0201", condition, message);
            if reached.is_some() {
                problem = fails_at_start(problem);
            }
            let symbol = self.session.interner.get(&*global.name);
            let hint = if symbol.is_some_and(|symbol| self.unseen.contains(&symbol)) {
                Some(UNSEEN.to_owned())
            } else {
                unbound_hint(&global.name, known.iter().copied())
            };
            found.push(*problem.with_optional_hint(hint));
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

/// A builtin that asks the compiler, whatever it is given.
fn asks_compiler(expr: &Expr) -> Option<Diagnostic> {
    let ExprKind::Builtin(builtin) = expr.kind else {
        return None;
    };
    let name = builtin.name();
    let asks = matches!(name, "sema/check-string" | "sema/check-file");
    asks.then(|| *needs_compiler(format!("{name} asks the compiler"), expr.span))
}

/// Reading a file under a constant path that no file can have.
fn impossible_path(expr: &Expr) -> Option<Box<Diagnostic>> {
    let ExprKind::Call(callee, arguments) = &expr.kind else {
        return None;
    };
    let ExprKind::Builtin(builtin) = callee.kind else {
        return None;
    };
    let name = builtin.name();
    let ExprKind::Const(DatumKind::Str(path)) = &arguments.first()?.kind else {
        return None;
    };
    if !matches!(
        name,
        "file/read" | "file/read-bytes" | "file/read-lines" | "stream/open-input"
    ) {
        return None;
    }
    let problem = if path.is_empty() {
        "the empty path names no file"
    } else if path.contains('\0') {
        "no path contains NUL"
    } else if path.ends_with('/') {
        "a path that ends with '/' names a directory"
    } else if path.split('/').any(|part| part.len() > LONGEST_NAME) {
        "a part of the path is longer than names can be"
    } else {
        return None;
    };
    let message = format!("{name}: {problem}");
    let place = arguments.first().map_or(expr.span, |path| path.span);
    Some(Diagnostic::warning(place, "W0409", Condition::Io, message))
}

/// Longest name of a file in bytes on all systems that programs are built for.
const LONGEST_NAME: usize = 255;
