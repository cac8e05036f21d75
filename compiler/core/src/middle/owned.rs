//! Maps and texts that are changed in place because nothing else refers to them (docs/adr/0009-owned-maps.md).
//! What is said of maps holds for texts, to which `str` and `string/append` add at the end.
//!
//! `(loop (rest words) (assoc counts word 1))` makes a map from one that nobody looks at afterwards. Such an
//! operation becomes one that may change its operand, and the variable `counts` an *owner*: its
//! value may be a map that will be changed. So whatever an owner's value is used for must be one of these:
//!
//! - it is read, by a builtin that keeps no reference to it;
//! - it goes into the next such operation or into another owner, and the variable is not read again
//!   (not on any path that control can take from there, the handlers of conditions included);
//! - it is sealed first (`%sealed`): from then on it is an ordinary map.
//!
//! Variables that closures see are no owners, and functions get and give ordinary maps, except when they call
//! themselves with owners as parameters. Whether the operation may change its operand is decided when it runs, by what is in the map:
//! so the first round of a loop may begin with any map.
//!
//! The walk goes against the order of evaluation and carries the variables that are read later.

use crate::hashing::{HashMap, HashSet};
use std::collections::BTreeSet;
use std::rc::Rc;

use super::Globals;
use crate::ir::walk::{for_each_child, for_each_child_mut};
use crate::ir::{Builtin, Expr, ExprKind, GlobalId, Unit, VarId, called};

/// Operands of an operation that may change its map at most.
const MOST_OPERANDS: usize = 9;

/// The operation that does the same and may change its first operand.
fn owned(builtin: Builtin, operands: usize) -> Option<Builtin> {
    let (name, least) = builtin.facts().in_place?;
    (usize::from(least)..=MOST_OPERANDS)
        .contains(&operands)
        .then(|| Builtin::find(name))?
}

/// Whether a builtin only reads its first operand: its result neither is nor contains it.
fn only_reads(builtin: Builtin) -> bool {
    builtin.facts().borrows || builtin.predicate().is_some()
}

/// Finds owners everywhere in a unit and makes use of them.
pub fn run(unit: &mut Unit, globals: &Globals) {
    let assigned: HashSet<VarId> = (0..)
        .map(VarId)
        .zip(&unit.variables)
        .filter(|(_, variable)| variable.assigned)
        .map(|(id, _)| id)
        .collect();
    for form in &mut unit.body {
        let itself = match &form.kind {
            ExprKind::DefineGlobal(global, _) if globals.known.contains(global) => Some(*global),
            _ => None,
        };
        if mentions_operation(form) {
            functions(form, itself, &assigned);
            body(form, None, &assigned);
        }
    }
}

fn mentions_operation(expr: &Expr) -> bool {
    let mut found = match &expr.kind {
        ExprKind::Call(callee, arguments) => operation(callee, arguments.len()).is_some(),
        _ => false,
    };
    for_each_child(expr, &mut |child| {
        found = found || mentions_operation(child)
    });
    found
}

fn operation(callee: &Expr, operands: usize) -> Option<Builtin> {
    match callee.kind {
        ExprKind::Builtin(builtin) => owned(builtin, operands),
        _ => None,
    }
}

/// Rewrites the functions in an expression; `itself` is the global that always holds the value of the form.
fn functions(expr: &mut Expr, itself: Option<GlobalId>, assigned: &HashSet<VarId>) {
    let is_definition = matches!(expr.kind, ExprKind::DefineGlobal(..));
    if let ExprKind::Lambda(lambda) = &mut expr.kind {
        let lambda = Rc::make_mut(lambda);
        let itself = itself
            .filter(|_| lambda.rest.is_none() && lambda.optional == 0)
            .map(|global| (global, lambda.parameters.clone()));
        functions(&mut lambda.body, None, assigned);
        body(&mut lambda.body, itself, assigned);
        return;
    }
    let itself = itself.filter(|_| is_definition);
    for_each_child_mut(expr, &mut |child| functions(child, itself, assigned));
}

/// Rewrites the body of one function, not those of functions inside.
fn body(expr: &mut Expr, itself: Option<(GlobalId, Vec<VarId>)>, assigned: &HashSet<VarId>) {
    let mut found = Found {
        assigned,
        itself: itself.as_ref().map(|(global, _)| *global),
        calls_itself: false,
        variables: HashSet::default(),
        captured: HashSet::default(),
    };
    found.expr(expr, false);
    if let Some((_, parameters)) = &itself
        && found.calls_itself
    {
        found.variables.extend(parameters);
    }
    let mut variables = found.variables;
    variables.retain(|variable| !found.captured.contains(variable));
    if variables.is_empty() {
        return;
    }
    let mut walk = Walk {
        variables,
        rewriting: false,
        itself,
        labels: HashMap::default(),
        pinned: Vec::new(),
        facts: Facts::default(),
    };
    walk.expr(expr, Flow::Plain, &mut Live::new());
    walk.variables = walk.facts.owners();
    if !walk.variables.is_empty() {
        walk.rewriting = true;
        walk.expr(expr, Flow::Plain, &mut Live::new());
    }
}

/// The variables of one function that might be owners.
struct Found<'a> {
    assigned: &'a HashSet<VarId>,
    itself: Option<GlobalId>,
    calls_itself: bool,
    /// Those whose values follow each other.
    variables: HashSet<VarId>,
    captured: HashSet<VarId>,
}

impl Found<'_> {
    fn expr(&mut self, expr: &Expr, in_loop: bool) {
        match &expr.kind {
            ExprKind::Lambda(lambda) => return mentions(&lambda.body, &mut self.captured),
            ExprKind::Let(bindings, _) => {
                let may_own = |v: &VarId| in_loop || self.assigned.contains(v);
                let found = bindings.iter().map(|(v, _)| *v).filter(may_own);
                self.variables.extend(found);
            }
            ExprKind::Loop(_, bindings, body) => {
                self.variables.extend(bindings.iter().map(|(v, _)| *v));
                for (_, init) in bindings {
                    self.expr(init, in_loop);
                }
                return self.expr(body, true);
            }
            ExprKind::Call(callee, _) => {
                self.calls_itself |=
                    matches!(callee.kind, ExprKind::Global(global) if Some(global) == self.itself);
            }
            _ => {}
        }
        for_each_child(expr, &mut |child| self.expr(child, in_loop));
    }
}

/// Adds the variables that an expression reads or assigns.
fn mentions(expr: &Expr, found: &mut HashSet<VarId>) {
    if let ExprKind::Local(variable) | ExprKind::SetLocal(variable, _) = &expr.kind {
        found.insert(*variable);
    }
    for_each_child(expr, &mut |child| mentions(child, found));
}

/// Adds the variables that an expression binds.
fn bound_in(expr: &Expr, found: &mut HashSet<VarId>) {
    if let ExprKind::Let(bindings, _) | ExprKind::Loop(_, bindings, _) = &expr.kind {
        found.extend(bindings.iter().map(|(variable, _)| *variable));
    }
    for_each_child(expr, &mut |child| bound_in(child, found));
}

/// The variables that are read later.
type Live = BTreeSet<VarId>;

/// Where the value of an expression goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    /// Anywhere: it must be an ordinary map.
    Plain,
    /// Nowhere; at most it is tested whether it is true.
    Unused,
    /// Into this variable, and nowhere else.
    Into(VarId),
    /// Into an operation that may change it.
    Operation,
}

/// How values go from variable to variable.
#[derive(Default)]
struct Facts {
    /// What goes into an operation and is not read again.
    consumed: HashSet<VarId>,
    /// What gets results of operations.
    produced: HashSet<VarId>,
    /// Values that move from one variable to another.
    moves: Vec<(VarId, VarId)>,
}

impl Facts {
    /// The variables through which a value goes from one operation to the next.
    fn owners(&mut self) -> HashSet<VarId> {
        loop {
            let before = self.consumed.len() + self.produced.len();
            for (from, to) in &self.moves {
                if self.consumed.contains(to) {
                    self.consumed.insert(*from);
                }
                if self.produced.contains(from) {
                    self.produced.insert(*to);
                }
            }
            if before == self.consumed.len() + self.produced.len() {
                break;
            }
        }
        &self.consumed & &self.produced
    }
}

struct Walk {
    /// The owners; while facts are gathered, the variables that might be.
    variables: HashSet<VarId>,
    rewriting: bool,
    /// The function, if it is a known one that calls itself, and its parameters.
    itself: Option<(GlobalId, Vec<VarId>)>,
    /// For each loop around: its variables, and what is read in later rounds or behind it.
    labels: HashMap<VarId, (Vec<VarId>, Live)>,
    /// Variables that are read later whatever happens in between: operands that wait for others, and what the
    /// handlers of conditions read.
    pinned: Vec<VarId>,
    facts: Facts,
}

impl Walk {
    /// Goes through an expression: `live` is what is read after it, and then what is read from its beginning on.
    fn expr(&mut self, expr: &mut Expr, flow: Flow, live: &mut Live) {
        let span = expr.span;
        match &mut expr.kind {
            ExprKind::Const(_)
            | ExprKind::Global(_)
            | ExprKind::Builtin(_)
            | ExprKind::Import(_)
            | ExprKind::Lambda(_) => {}
            ExprKind::Local(variable) => {
                let variable = *variable;
                if !self.variables.contains(&variable) {
                    return;
                }
                if !self.give(variable, flow, live) && self.rewriting {
                    let value = Expr::new(ExprKind::Local(variable), span);
                    *expr = Expr::call_of(called::SEALED, vec![value], span);
                }
                live.insert(variable);
            }
            ExprKind::SetLocal(variable, value) => {
                let flow = match flow {
                    Flow::Unused => self.flow_into(*variable),
                    _ => Flow::Plain,
                };
                live.remove(variable);
                self.expr(value, flow, live);
            }
            ExprKind::SetGlobal(_, value)
            | ExprKind::DefineGlobal(_, value)
            | ExprKind::Throw(value) => self.expr(value, Flow::Plain, live),
            ExprKind::Call(callee, arguments) => self.call(callee, arguments, flow, live),
            ExprKind::Apply(callee, arguments) => self.plain_call(callee, arguments, live),
            ExprKind::If(test, then, other) => {
                let mut other_live = live.clone();
                self.expr(then, flow, live);
                self.expr(other, flow, &mut other_live);
                live.extend(other_live);
                self.expr(test, Flow::Unused, live);
            }
            ExprKind::And(_) | ExprKind::Or(_) | ExprKind::Seq(_) => {
                self.parts(&mut expr.kind, flow, live);
            }
            ExprKind::Let(bindings, body) => {
                self.expr(body, flow, live);
                self.bindings(bindings, live);
            }
            ExprKind::Letrec(bindings, body) => {
                self.expr(body, flow, live);
                for (_, init) in bindings.iter_mut().rev() {
                    self.expr(init, Flow::Plain, live);
                }
            }
            ExprKind::While(test, body) => {
                let mut read = HashSet::default();
                mentions(test, &mut read);
                mentions(body, &mut read);
                live.extend(read.intersection(&self.variables));
                self.expr(body, Flow::Unused, live);
                self.expr(test, Flow::Unused, live);
                live.extend(read.intersection(&self.variables));
            }
            ExprKind::Try(body, variable, handler) => {
                let mut handler_live = live.clone();
                self.expr(handler, flow, &mut handler_live);
                handler_live.remove(variable);
                let pinned = self.pinned.len();
                self.pinned.extend(&handler_live);
                self.expr(body, flow, live);
                self.pinned.truncate(pinned);
                live.extend(handler_live);
            }
            ExprKind::Loop(label, bindings, body) => {
                let (mut read, mut fresh) = (HashSet::default(), HashSet::default());
                mentions(body, &mut read);
                bound_in(body, &mut fresh);
                fresh.extend(bindings.iter().map(|(variable, _)| *variable));
                read.retain(|v| self.variables.contains(v) && !fresh.contains(v));
                let mut later = live.clone();
                later.extend(&read);
                let variables = bindings.iter().map(|(variable, _)| *variable).collect();
                self.labels.insert(*label, (variables, later));
                self.expr(body, flow, live);
                live.extend(&read);
                self.bindings(bindings, live);
            }
            ExprKind::Recur(label, arguments) => {
                let Some((variables, later)) = self.labels.get(label).cloned() else {
                    return;
                };
                live.extend(later);
                self.give_to_variables(&variables, arguments, live);
            }
        }
    }

    /// The flow into a variable.
    fn flow_into(&self, variable: VarId) -> Flow {
        if self.variables.contains(&variable) {
            Flow::Into(variable)
        } else {
            Flow::Plain
        }
    }

    /// Whether the value of a variable may go there without being sealed.
    fn give(&mut self, variable: VarId, flow: Flow, live: &Live) -> bool {
        let is_last = !live.contains(&variable) && !self.pinned.contains(&variable);
        match flow {
            Flow::Unused => true,
            Flow::Into(to) if is_last => {
                self.facts.moves.push((variable, to));
                true
            }
            Flow::Operation if is_last => {
                self.facts.consumed.insert(variable);
                true
            }
            _ => false,
        }
    }

    fn bindings(&mut self, bindings: &mut [(VarId, Expr)], live: &mut Live) {
        for (variable, _) in bindings.iter() {
            live.remove(variable);
        }
        for (variable, init) in bindings.iter_mut().rev() {
            let flow = self.flow_into(*variable);
            self.expr(init, flow, live);
        }
    }

    fn give_to_variables(&mut self, variables: &[VarId], arguments: &mut [Expr], live: &mut Live) {
        for (variable, argument) in variables.iter().zip(arguments.iter_mut()).rev() {
            let flow = self.flow_into(*variable);
            self.expr(argument, flow, live);
        }
    }

    fn parts(&mut self, kind: &mut ExprKind, flow: Flow, live: &mut Live) {
        let (parts, early, first_flow) = match kind {
            // A part that ends it is false, and so no map.
            ExprKind::And(parts) => (parts, true, Flow::Unused),
            ExprKind::Or(parts) => (parts, true, flow),
            ExprKind::Seq(parts) => (parts, false, Flow::Unused),
            _ => return,
        };
        let after = live.clone();
        let last = parts.len().saturating_sub(1);
        for (index, part) in parts.iter_mut().enumerate().rev() {
            if index == last {
                self.expr(part, flow, live);
                continue;
            }
            if early {
                live.extend(&after);
            }
            self.expr(part, first_flow, live);
        }
    }

    fn call(&mut self, callee: &mut Expr, arguments: &mut [Expr], flow: Flow, live: &mut Live) {
        if let Flow::Into(_) | Flow::Operation = flow
            && let Some(owned) = operation(callee, arguments.len())
            && let Some((map, others)) = arguments.split_first_mut()
        {
            if let Flow::Into(variable) = flow {
                self.facts.produced.insert(variable);
            }
            if self.rewriting {
                callee.kind = ExprKind::Builtin(owned);
            }
            return self.operation(map, others, live);
        }
        match (&callee.kind, &mut *arguments) {
            (ExprKind::Builtin(builtin), [map, others @ ..]) if only_reads(*builtin) => {
                if let ExprKind::Local(variable) = map.kind
                    && self.variables.contains(&variable)
                {
                    self.others(variable, others, live);
                    live.insert(variable);
                    return;
                }
                self.plain_call(callee, arguments, live);
            }
            (ExprKind::Global(global), _) => match self.itself.clone() {
                Some((itself, parameters))
                    if itself == *global && parameters.len() == arguments.len() =>
                {
                    self.give_to_variables(&parameters, arguments, live);
                }
                _ => self.plain_call(callee, arguments, live),
            },
            _ => self.plain_call(callee, arguments, live),
        }
    }

    /// An operation that may change its first operand.
    fn operation(&mut self, map: &mut Expr, others: &mut [Expr], live: &mut Live) {
        if let ExprKind::Local(variable) = map.kind
            && self.variables.contains(&variable)
        {
            // The variable is looked at when the call happens, behind what computes the others.
            let mut after = live.clone();
            self.others(variable, others, live);
            self.expr(map, Flow::Operation, &mut after);
            live.insert(variable);
            return;
        }
        for other in others.iter_mut().rev() {
            self.expr(other, Flow::Plain, live);
        }
        self.expr(map, Flow::Operation, live);
    }

    /// Operands behind a variable that is looked at when all have been computed.
    fn others(&mut self, variable: VarId, others: &mut [Expr], live: &mut Live) {
        self.pinned.push(variable);
        for other in others.iter_mut().rev() {
            self.expr(other, Flow::Plain, live);
        }
        self.pinned.pop();
    }

    /// A call that may keep its operands.
    fn plain_call(&mut self, callee: &mut Expr, arguments: &mut [Expr], live: &mut Live) {
        // The callee is computed before the arguments or behind them.
        let mut read = HashSet::default();
        mentions(callee, &mut read);
        for argument in arguments.iter() {
            mentions(argument, &mut read);
        }
        let pinned = self.pinned.len();
        self.pinned.extend(&read);
        self.expr(callee, Flow::Plain, live);
        self.pinned.truncate(pinned);
        let callee_live = live.clone();
        for argument in arguments.iter_mut().rev() {
            self.expr(argument, Flow::Plain, live);
        }
        live.extend(callee_live);
    }
}
