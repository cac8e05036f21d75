//! Lambda lifting: local functions that are only called become known functions.
//!
//! What such a function uses of its surroundings is handed to it as further arguments, so that no
//! closure is made and every call is direct; calls of itself in tail position become loops. A
//! function stays where it is if it is used as a value, if it shares a variable that changes, or if
//! it would need too many arguments.

use crate::hashing::{HashMap, HashSet};
use std::collections::BTreeSet;
use std::rc::Rc;

use super::Globals;
use super::census::Census;
use crate::front::datum::Span;
use crate::ir::walk::{for_each_child, for_each_child_mut};
use crate::ir::{Expr, ExprKind, Global, GlobalId, Lambda, Unit, VarId, Variable};

/// Most variables that are handed to a lifted function.
const MOST_HANDED: usize = 10;
/// Most parameters of a lifted function.
const MOST_PARAMETERS: usize = 40;

/// Lifts the local functions of a unit.
pub fn run(unit: &mut Unit, globals: &mut Globals) {
    let census = Census::of(unit);
    let mut definitions = Vec::new();
    for form in &mut unit.body {
        let mut found = Found::new(&census);
        found.collect(form);
        let library = std::mem::take(&mut found.library);
        let handed = found.handed();
        if handed.is_empty() {
            continue;
        }
        let mut lifter = Lifter {
            handed,
            library,
            lifted: HashMap::default(),
            globals,
            unit_globals: &mut unit.globals,
            variables: &mut unit.variables,
            definitions: &mut definitions,
        };
        lifter.expr(form, &HashMap::default());
    }
    unit.body.splice(0..0, definitions);
}

/// A local function that might be lifted.
struct Candidate {
    parameters: usize,
    /// Variables of its surroundings that it uses, other candidates included.
    free: BTreeSet<VarId>,
}

/// What one form contains.
struct Found<'c> {
    census: &'c Census,
    candidates: HashMap<VarId, Candidate>,
    /// Variables that may be read before they have their value.
    unset: HashSet<VarId>,
    /// For each enclosing candidate, the variables bound in it so far and those used.
    open: Vec<(HashSet<VarId>, BTreeSet<VarId>)>,
    refused: HashSet<VarId>,
    /// Candidates that are library code.
    library: HashSet<VarId>,
}

impl<'c> Found<'c> {
    fn new(census: &'c Census) -> Found<'c> {
        Found {
            census,
            candidates: HashMap::default(),
            unset: HashSet::default(),
            open: Vec::new(),
            refused: HashSet::default(),
            library: HashSet::default(),
        }
    }

    fn collect(&mut self, form: &Expr) {
        self.declare(form);
        if !self.candidates.is_empty() {
            self.expr(form);
        }
    }

    /// Finds the functions that are only called.
    fn declare(&mut self, expr: &Expr) {
        if let ExprKind::Let(bindings, _) | ExprKind::Letrec(bindings, _) = &expr.kind {
            let recursive = matches!(expr.kind, ExprKind::Letrec(..));
            let functions = bindings
                .iter()
                .all(|(_, init)| matches!(init.kind, ExprKind::Lambda(_)));
            if recursive && !functions {
                self.unset
                    .extend(bindings.iter().map(|(variable, _)| *variable));
            } else {
                for (variable, init) in bindings {
                    if let ExprKind::Lambda(lambda) = &init.kind
                        && lambda.rest.is_none()
                        && lambda.optional == 0
                        && !self.census.is_assigned(*variable)
                        && self.census.uses(*variable) > 0
                        && self.census.calls(*variable) == self.census.uses(*variable)
                    {
                        let candidate = Candidate {
                            parameters: lambda.parameters.len(),
                            free: BTreeSet::new(),
                        };
                        self.candidates.insert(*variable, candidate);
                        if lambda.library {
                            self.library.insert(*variable);
                        }
                    }
                }
            }
        }
        for_each_child(expr, &mut |child| self.declare(child));
    }

    fn bind(&mut self, variable: VarId) {
        if let Some((bound, _)) = self.open.last_mut() {
            bound.insert(variable);
        }
    }

    fn used(&mut self, variable: VarId) {
        if let Some((_, used)) = self.open.last_mut() {
            used.insert(variable);
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Local(variable) | ExprKind::SetLocal(variable, _) => self.used(*variable),
            ExprKind::Call(callee, arguments) => {
                if let ExprKind::Local(variable) = callee.kind
                    && let Some(candidate) = self.candidates.get(&variable)
                    && candidate.parameters != arguments.len()
                {
                    self.refused.insert(variable);
                }
            }
            ExprKind::Let(bindings, body) | ExprKind::Letrec(bindings, body) => {
                for (variable, _) in bindings {
                    self.bind(*variable);
                }
                for (variable, init) in bindings {
                    match &init.kind {
                        ExprKind::Lambda(lambda) if self.candidates.contains_key(variable) => {
                            self.function(*variable, lambda);
                        }
                        _ => self.expr(init),
                    }
                }
                return self.expr(body);
            }
            ExprKind::Loop(_, bindings, _) => {
                for (variable, _) in bindings {
                    self.bind(*variable);
                }
            }
            ExprKind::Try(_, variable, _) => self.bind(*variable),
            ExprKind::Lambda(lambda) => {
                for variable in lambda.parameters.iter().chain(&lambda.rest) {
                    self.bind(*variable);
                }
            }
            _ => {}
        }
        for_each_child(expr, &mut |child| self.expr(child));
    }

    fn function(&mut self, name: VarId, lambda: &Lambda) {
        let bound = lambda.parameters.iter().copied().collect();
        self.open.push((bound, BTreeSet::new()));
        self.expr(&lambda.body);
        let Some((bound, used)) = self.open.pop() else {
            return;
        };
        let free: BTreeSet<VarId> = used
            .into_iter()
            .filter(|variable| !bound.contains(variable))
            .collect();
        if let Some((_, outer)) = self.open.last_mut() {
            outer.extend(&free);
        }
        if let Some(candidate) = self.candidates.get_mut(&name) {
            candidate.free = free;
        }
    }

    /// The functions to lift, with the variables they are to be handed.
    fn handed(mut self) -> HashMap<VarId, Vec<VarId>> {
        let unfit = |free: &BTreeSet<VarId>| {
            free.iter()
                .any(|v| self.census.is_assigned(*v) || self.unset.contains(v))
        };
        let refused: Vec<VarId> = self
            .candidates
            .iter()
            .filter(|(name, candidate)| self.refused.contains(name) || unfit(&candidate.free))
            .map(|(name, _)| *name)
            .collect();
        for name in refused {
            self.candidates.remove(&name);
        }
        loop {
            let needed = self.needed();
            let before = self.candidates.len();
            self.candidates.retain(|name, candidate| {
                needed.get(name).is_some_and(|needed| {
                    needed.len() <= MOST_HANDED
                        && needed.len() + candidate.parameters <= MOST_PARAMETERS
                })
            });
            if self.candidates.len() == before {
                let each = needed.into_iter();
                return each
                    .map(|(name, needed)| (name, needed.into_iter().collect()))
                    .collect();
            }
        }
    }

    /// For each candidate, the variables that it and the candidates it calls need.
    fn needed(&self) -> HashMap<VarId, BTreeSet<VarId>> {
        let mut needed: HashMap<VarId, BTreeSet<VarId>> = HashMap::default();
        let mut callers: HashMap<VarId, Vec<VarId>> = HashMap::default();
        let mut pending: Vec<(VarId, VarId)> = Vec::new();
        for (name, candidate) in &self.candidates {
            needed.insert(*name, BTreeSet::new());
            for variable in &candidate.free {
                if self.candidates.contains_key(variable) {
                    callers.entry(*variable).or_default().push(*name);
                } else {
                    pending.push((*name, *variable));
                }
            }
        }
        while let Some((name, variable)) = pending.pop() {
            let Some(set) = needed.get_mut(&name) else {
                continue;
            };
            // More than can be handed is as good as any number.
            if set.len() > MOST_HANDED || !set.insert(variable) {
                continue;
            }
            for caller in callers.get(&name).into_iter().flatten() {
                // A function that contains the callee may bind the variable itself.
                pending.push((*caller, variable));
            }
        }
        needed
    }
}

struct Lifter<'a> {
    /// The functions to lift and the variables they are handed.
    handed: HashMap<VarId, Vec<VarId>>,
    /// Those that are library code.
    library: HashSet<VarId>,
    /// The globals of those whose binding or call has been seen.
    lifted: HashMap<VarId, GlobalId>,
    globals: &'a mut Globals,
    unit_globals: &'a mut Vec<Global>,
    variables: &'a mut Vec<Variable>,
    definitions: &'a mut Vec<Expr>,
}

impl Lifter<'_> {
    fn global(&mut self, name: VarId) -> GlobalId {
        if let Some(&global) = self.lifted.get(&name) {
            return global;
        }
        let text = match self.variables.get(name.0 as usize) {
            Some(variable) => variable.name.clone(),
            None => Rc::from("lambda"),
        };
        let library = self.library.contains(&name);
        let global = self.globals.add(self.unit_globals, &text, library);
        self.lifted.insert(name, global);
        global
    }

    /// Rewrites an expression in a function whose handed variables have the given new names.
    fn expr(&mut self, expr: &mut Expr, names: &HashMap<VarId, VarId>) {
        match &mut expr.kind {
            ExprKind::Local(variable) | ExprKind::SetLocal(variable, _) => {
                if let Some(new) = names.get(variable) {
                    *variable = *new;
                }
            }
            ExprKind::Call(callee, arguments) => {
                if let ExprKind::Local(variable) = callee.kind
                    && let Some(handed) = self.handed.get(&variable)
                {
                    let span = callee.span;
                    let each = handed.iter().map(|handed| {
                        let handed = names.get(handed).copied().unwrap_or(*handed);
                        Expr::new(ExprKind::Local(handed), span)
                    });
                    arguments.extend(each);
                    callee.kind = ExprKind::Global(self.global(variable));
                }
            }
            ExprKind::Let(bindings, body) | ExprKind::Letrec(bindings, body) => {
                let mut kept = Vec::with_capacity(bindings.len());
                for (variable, mut init) in std::mem::take(bindings) {
                    if self.handed.contains_key(&variable)
                        && let ExprKind::Lambda(lambda) = init.kind
                    {
                        self.lift(variable, lambda);
                    } else {
                        self.expr(&mut init, names);
                        kept.push((variable, init));
                    }
                }
                self.expr(body, names);
                if kept.is_empty() {
                    *expr = std::mem::replace(&mut **body, Expr::nil(expr.span));
                } else {
                    *bindings = kept;
                }
                return;
            }
            _ => {}
        }
        for_each_child_mut(expr, &mut |child| self.expr(child, names));
    }

    fn lift(&mut self, name: VarId, lambda: Rc<Lambda>) {
        let global = self.global(name);
        let mut lambda = Rc::unwrap_or_clone(lambda);
        let mut names = HashMap::default();
        for handed in self.handed.get(&name).into_iter().flatten() {
            let parameter = VarId(self.variables.len() as u32);
            if let Some(variable) = self.variables.get(handed.0 as usize).cloned() {
                self.variables.push(variable);
            }
            names.insert(*handed, parameter);
            lambda.parameters.push(parameter);
        }
        self.expr(&mut lambda.body, &names);
        let value = Expr::new(ExprKind::Lambda(Rc::new(lambda)), Span::default());
        let kind = ExprKind::DefineGlobal(global, Box::new(value));
        self.definitions.push(Expr::new(kind, Span::default()));
    }
}
