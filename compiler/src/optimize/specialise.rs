//! Specialisation: a function that takes functions is copied for the ones it is given.
//!
//! `(foldl + 0 xs)` becomes a call of a copy of `foldl` in which the parameter is `+`: its loop adds
//! without a call. Copies are shared by all calls with the same functions. A function written out
//! in a call that captures nothing is made a known function first.

use std::collections::HashMap;
use std::rc::Rc;

use super::functions::{self, Function};
use super::{Globals, copy};
use crate::builtins::is_function;
use crate::datum::Span;
use crate::ir::walk::for_each_child_mut;
use crate::ir::{Builtin, Expr, ExprKind, Global, GlobalId, Lambda, Unit, VarId, Variable};

/// Copies that one unit gets at most.
const MOST_COPIES: usize = 400;
/// Largest function that is copied.
const LARGEST: usize = 300;

/// What a parameter is replaced by.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Given {
    Builtin(&'static str),
    Global(GlobalId),
}

impl Given {
    fn kind(self) -> ExprKind {
        match self {
            Given::Builtin(name) => ExprKind::Builtin(Builtin(name)),
            Given::Global(global) => ExprKind::Global(global),
        }
    }
}

type Key = (GlobalId, Vec<(usize, Given)>);

/// Specialises calls everywhere in a unit.
pub fn run(unit: &mut Unit, globals: &mut Globals) {
    let functions = functions::table(unit, &globals.known);
    let mut specialiser = Specialiser {
        functions,
        globals,
        unit_globals: &mut unit.globals,
        variables: &mut unit.variables,
        copies: HashMap::new(),
        pending: Vec::new(),
    };
    for form in &mut unit.body {
        specialiser.expr(form);
    }
    let mut definitions = Vec::new();
    while let Some((global, mut lambda)) = specialiser.pending.pop() {
        specialiser.expr(&mut lambda.body);
        let span = lambda.span;
        let value = Expr::new(ExprKind::Lambda(Rc::new(lambda)), span);
        let kind = ExprKind::DefineGlobal(global, Box::new(value));
        definitions.push(Expr::new(kind, Span::default()));
    }
    unit.body.splice(0..0, definitions);
}

struct Specialiser<'a> {
    functions: HashMap<GlobalId, Function>,
    globals: &'a mut Globals,
    unit_globals: &'a mut Vec<Global>,
    variables: &'a mut Vec<Variable>,
    copies: HashMap<Key, GlobalId>,
    /// Functions whose definitions are to be added.
    pending: Vec<(GlobalId, Lambda)>,
}

impl Specialiser<'_> {
    fn expr(&mut self, expr: &mut Expr) {
        if let ExprKind::Call(callee, arguments) = &mut expr.kind
            && let ExprKind::Global(global) = callee.kind
        {
            self.call(global, callee, arguments);
        }
        for_each_child_mut(expr, &mut |child| self.expr(child));
    }

    fn call(&mut self, global: GlobalId, callee: &mut Expr, arguments: &mut Vec<Expr>) {
        let Some(function) = self.functions.get(&global) else {
            return;
        };
        let lambda = function.lambda.clone();
        if function.size >= LARGEST
            || self.copies.len() >= MOST_COPIES
            || arguments.len() < lambda.parameters.len()
            || arguments.len() > lambda.parameters.len() && lambda.rest.is_none()
        {
            return;
        }
        let calls = function.calls.clone();
        let mut given = Vec::new();
        for (index, (argument, calls)) in arguments.iter_mut().zip(calls).enumerate() {
            if calls && let Some(function) = self.given(argument) {
                given.push((index, function));
            }
        }
        if given.is_empty() {
            return;
        }
        let key = (global, given);
        let copy = match self.copies.get(&key) {
            Some(copy) => *copy,
            None => self.copy(&lambda, &key),
        };
        callee.kind = ExprKind::Global(copy);
        let mut index = 0;
        arguments.retain(|_| {
            index += 1;
            !key.1.iter().any(|(position, _)| *position == index - 1)
        });
    }

    /// The function that an argument always is.
    fn given(&mut self, argument: &mut Expr) -> Option<Given> {
        match &argument.kind {
            ExprKind::Builtin(Builtin(name)) => is_function(name).then_some(Given::Builtin(name)),
            ExprKind::Global(global) => self
                .globals
                .known
                .contains(global)
                .then_some(Given::Global(*global)),
            ExprKind::Lambda(lambda) if functions::is_closed(argument) => {
                let lambda = (**lambda).clone();
                let global = self.hidden(&lambda, lambda.library);
                self.pending.push((global, lambda));
                argument.kind = ExprKind::Global(global);
                Some(Given::Global(global))
            }
            _ => None,
        }
    }

    /// A global for a function that the program does not see.
    fn hidden(&mut self, lambda: &Lambda, library: bool) -> GlobalId {
        self.globals.add(
            self.unit_globals,
            lambda.name.as_deref().unwrap_or("lambda"),
            library,
        )
    }

    fn copy(&mut self, lambda: &Lambda, key: &Key) -> GlobalId {
        let library = self.globals.library.contains(&key.0);
        let global = self.hidden(lambda, library);
        self.copies.insert(key.clone(), global);
        let mut copied = copy::lambda(lambda, self.variables);
        let replaced: HashMap<VarId, Given> = key
            .1
            .iter()
            .filter_map(|(index, given)| Some((*copied.parameters.get(*index)?, *given)))
            .collect();
        copied.parameters.retain(|p| !replaced.contains_key(p));
        copied.optional = 0;
        replace(&mut copied.body, &replaced);
        self.pending.push((global, copied));
        global
    }
}

fn replace(expr: &mut Expr, replaced: &HashMap<VarId, Given>) {
    if let ExprKind::Local(variable) = &expr.kind
        && let Some(given) = replaced.get(variable)
    {
        expr.kind = given.kind();
    }
    for_each_child_mut(expr, &mut |child| replace(child, replaced));
}
