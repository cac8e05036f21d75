//! Specialisation: a function that takes functions is copied for the ones it is given.
//!
//! `(foldl + 0 xs)` becomes a call of a copy of `foldl` in which the parameter is `+`: its loop adds
//! without a call. Copies are shared by all calls with the same functions. A function written out
//! in a call that captures nothing is made a known function first.
//!
//! One that captures variables becomes a known function that takes them as further arguments, and the copy
//! gets them as further parameters: `(each (fn (x) (visit x depth)) xs)` becomes a call of a copy of
//! `each` with `depth`.

use crate::hashing::{HashMap, HashSet};
use std::rc::Rc;

use super::census::Census;
use super::functions::{self, Function};
use super::{Globals, copy};
use crate::front::datum::Span;
use crate::ir::walk::{for_each_child, for_each_child_mut};
use crate::ir::{Builtin, Expr, ExprKind, Global, GlobalId, Lambda, Unit, VarId, Variable};

/// Copies that one unit gets at most.
const MOST_COPIES: usize = 400;
/// Largest function that is copied.
const LARGEST: usize = 300;
/// Largest function that is copied for one call.
const LARGEST_FOR_ONE: usize = 100;
/// Most variables that a copy gets as further parameters.
const MOST_CAPTURED: usize = 8;
/// Most parameters of a copy.
const MOST_PARAMETERS: usize = 40;

/// What a parameter is replaced by.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Given {
    Builtin(Builtin),
    Global(GlobalId),
}

impl Given {
    fn kind(self) -> ExprKind {
        match self {
            Given::Builtin(builtin) => ExprKind::Builtin(builtin),
            Given::Global(global) => ExprKind::Global(global),
        }
    }
}

type Key = (GlobalId, Vec<(usize, Given)>);

/// Specialises calls everywhere in a unit.
pub fn run(unit: &mut Unit, globals: &mut Globals) {
    let functions = functions::table(unit, &globals.known);
    let census = Census::of(unit);
    let mut unsteady = HashSet::default();
    for form in &unit.body {
        local_functions(form, &mut unsteady);
    }
    let mut specialiser = Specialiser {
        functions,
        census,
        unsteady,
        single: 0,
        globals,
        unit_globals: &mut unit.globals,
        variables: &mut unit.variables,
        copies: HashMap::default(),
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
    census: Census,
    /// Variables that are not handed on: local functions, which other passes want to see called only, and
    /// those that may be read before they have their value.
    unsteady: HashSet<VarId>,
    /// Copies made for one call.
    single: usize,
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
            return self.call_with_closure(global, callee, arguments);
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

    /// A call that gives a function that captures variables.
    fn call_with_closure(
        &mut self,
        global: GlobalId,
        callee: &mut Expr,
        arguments: &mut Vec<Expr>,
    ) {
        let Some(function) = self.functions.get(&global) else {
            return;
        };
        let receiver = function.lambda.clone();
        if function.size >= LARGEST_FOR_ONE
            || self.single >= MOST_COPIES
            || receiver.rest.is_some()
            || receiver.optional > 0
        {
            return;
        }
        let calls = function.calls.iter();
        let found = arguments.iter().zip(calls).zip(&receiver.parameters);
        let found = found
            .enumerate()
            .find_map(|(index, ((argument, calls), parameter))| {
                let ExprKind::Lambda(lambda) = &argument.kind else {
                    return None;
                };
                let only_called = *calls
                    && lambda.rest.is_none()
                    && lambda.optional == 0
                    && Uses {
                        itself: global,
                        parameter: *parameter,
                        index,
                        parameters: receiver.parameters.len(),
                        arguments: lambda.parameters.len(),
                    }
                    .are_calls(&receiver.body);
                let captured = self.captured(lambda).filter(|_| only_called)?;
                let total = captured.len() + receiver.parameters.len().max(lambda.parameters.len());
                (total <= MOST_PARAMETERS).then(|| (index, lambda.clone(), captured))
            });
        let Some((index, lambda, captured)) = found else {
            return;
        };
        self.single += 1;
        let function = self.opened(&lambda, &captured);
        let copy = self.hidden(&receiver, self.globals.library.contains(&global));
        let mut copied = copy::lambda(&receiver, self.variables);
        let parameter = copied.parameters.remove(index);
        let handed = self.fresh(&captured);
        copied.parameters.extend(&handed);
        Closure {
            parameter,
            index,
            function,
            itself: global,
            copy,
            handed,
        }
        .replace(&mut copied.body);
        self.pending.push((copy, copied));
        callee.kind = ExprKind::Global(copy);
        arguments.remove(index);
        let span = callee.span;
        let local = |variable: &VarId| Expr::new(ExprKind::Local(*variable), span);
        arguments.extend(captured.iter().map(local));
    }

    /// The variables that a function captures, if they can be handed to it instead.
    fn captured(&self, lambda: &Lambda) -> Option<Vec<VarId>> {
        let mut captured = Vec::new();
        let mut bound: HashSet<VarId> = lambda.parameters.iter().copied().collect();
        functions::free(&lambda.body, &mut bound, &mut captured);
        let steady = |variable: &VarId| {
            !self.census.is_assigned(*variable) && !self.unsteady.contains(variable)
        };
        (captured.len() <= MOST_CAPTURED && captured.iter().all(steady)).then_some(captured)
    }

    /// New variables with the names of others.
    fn fresh(&mut self, others: &[VarId]) -> Vec<VarId> {
        others
            .iter()
            .map(|other| {
                let name = self.variables.get(other.0 as usize);
                let name = name.map_or_else(|| Rc::from(""), |variable| variable.name.clone());
                self.variables.push(Variable {
                    name,
                    assigned: false,
                });
                VarId(self.variables.len() as u32 - 1)
            })
            .collect()
    }

    /// Makes a known function of one that captures variables, which it takes first.
    fn opened(&mut self, lambda: &Lambda, captured: &[VarId]) -> GlobalId {
        let global = self.hidden(lambda, lambda.library);
        let mut opened = lambda.clone();
        let own = self.fresh(captured);
        let names: HashMap<VarId, VarId> =
            captured.iter().copied().zip(own.iter().copied()).collect();
        rename(&mut opened.body, &names);
        opened.parameters.splice(0..0, own);
        self.pending.push((global, opened));
        global
    }

    /// The function that an argument always is.
    fn given(&mut self, argument: &mut Expr) -> Option<Given> {
        match &argument.kind {
            ExprKind::Builtin(builtin) => builtin.is_native().then_some(Given::Builtin(*builtin)),
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

fn rename(expr: &mut Expr, names: &HashMap<VarId, VarId>) {
    if let ExprKind::Local(variable) = &mut expr.kind
        && let Some(name) = names.get(variable)
    {
        *variable = *name;
    }
    for_each_child_mut(expr, &mut |child| rename(child, names));
}

/// Collects the variables that are bound to functions, or by a `letrec`.
fn local_functions(expr: &Expr, found: &mut HashSet<VarId>) {
    match &expr.kind {
        ExprKind::Let(bindings, _) => {
            let functions = bindings
                .iter()
                .filter(|(_, init)| matches!(init.kind, ExprKind::Lambda(_)));
            found.extend(functions.map(|(variable, _)| *variable));
        }
        ExprKind::Letrec(bindings, _) => {
            found.extend(bindings.iter().map(|(variable, _)| *variable));
        }
        _ => {}
    }
    for_each_child(expr, &mut |child| local_functions(child, found));
}

/// How a function uses one of its parameters.
struct Uses {
    itself: GlobalId,
    parameter: VarId,
    index: usize,
    /// Number of parameters of the function.
    parameters: usize,
    /// Number of arguments that the parameter takes.
    arguments: usize,
}

impl Uses {
    /// Whether all uses are calls with the right number of arguments, or hand it on to the function itself.
    fn are_calls(&self, expr: &Expr) -> bool {
        let is_parameter =
            |expr: &Expr| matches!(expr.kind, ExprKind::Local(v) if v == self.parameter);
        if is_parameter(expr)
            || matches!(expr.kind, ExprKind::SetLocal(v, _) if v == self.parameter)
        {
            return false;
        }
        if let ExprKind::Call(callee, arguments) = &expr.kind {
            if is_parameter(callee) {
                return arguments.len() == self.arguments
                    && arguments.iter().all(|argument| self.are_calls(argument));
            }
            if matches!(callee.kind, ExprKind::Global(global) if global == self.itself)
                && arguments.len() == self.parameters
                && arguments.get(self.index).is_some_and(is_parameter)
            {
                let mut others = arguments.iter().enumerate();
                return others.all(|(at, argument)| at == self.index || self.are_calls(argument));
            }
        }
        let mut all = true;
        for_each_child(expr, &mut |child| all = all && self.are_calls(child));
        all
    }
}

/// What takes the place of a parameter in a copy.
struct Closure {
    parameter: VarId,
    index: usize,
    /// The function that it is.
    function: GlobalId,
    itself: GlobalId,
    copy: GlobalId,
    /// What the function takes first.
    handed: Vec<VarId>,
}

impl Closure {
    fn replace(&self, expr: &mut Expr) {
        for_each_child_mut(expr, &mut |child| self.replace(child));
        let span = expr.span;
        let handed = self.handed.iter();
        let mut handed = handed.map(|variable| Expr::new(ExprKind::Local(*variable), span));
        let ExprKind::Call(callee, arguments) = &mut expr.kind else {
            return;
        };
        let is_parameter =
            |expr: &Expr| matches!(expr.kind, ExprKind::Local(v) if v == self.parameter);
        if is_parameter(callee) {
            callee.kind = ExprKind::Global(self.function);
            arguments.splice(0..0, handed.by_ref());
        } else if matches!(callee.kind, ExprKind::Global(global) if global == self.itself)
            && arguments.get(self.index).is_some_and(is_parameter)
        {
            callee.kind = ExprKind::Global(self.copy);
            arguments.remove(self.index);
            arguments.extend(handed);
        }
    }
}
