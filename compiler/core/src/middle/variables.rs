//! Which variables a function captures and which variables must live in boxes.
//!
//! A closure copies the variables it captures. That is enough for a variable that has its last value when
//! the first closure with it is made: it is assigned only by the function that binds it, before that. Others
//! that change are shared in boxes.

#![allow(
    clippy::indexing_slicing,
    reason = "an owner is a place in the stack of functions"
)]

use crate::hashing::{HashMap, HashSet};
use std::rc::Rc;

use crate::ir::walk::for_each_child;
use crate::ir::{Expr, ExprKind, Lambda, VarId};

/// Captured variables of a closure that can be set after it has been made.
const PATCHABLE: usize = 256;

/// What code generation needs to know about the variables of some code.
#[derive(Default)]
pub struct Variables {
    /// For each lambda (by address), the variables of enclosing functions it uses, in order of
    /// first use.
    captures: HashMap<*const Lambda, Rc<[VarId]>>,
    captured: HashSet<VarId>,
    assigned: HashSet<VarId>,
    mentioned: HashSet<VarId>,
    mentioned_again: HashSet<VarId>,
    /// Assigned when a closure may have a copy, or by a closure.
    late: HashSet<VarId>,
    /// Captured by a closure that exists before the variable has its value.
    early: HashSet<VarId>,
}

impl Variables {
    /// Analyses an expression of the top level of a function without parameters.
    pub fn analyse(exprs: &[Expr]) -> Variables {
        let mut walk = Walk {
            result: Variables::default(),
            owner: HashMap::default(),
            functions: vec![Function::default()],
        };
        for expr in exprs {
            walk.expr(expr);
        }
        walk.result
    }

    /// Analyses one function that captures nothing.
    pub fn analyse_function(lambda: &Rc<Lambda>) -> Variables {
        let mut walk = Walk {
            result: Variables::default(),
            owner: HashMap::default(),
            functions: vec![Function::default()],
        };
        walk.lambda(lambda);
        walk.result
    }

    /// The variables that a lambda captures.
    pub fn captures(&self, lambda: &Rc<Lambda>) -> Rc<[VarId]> {
        self.captures
            .get(&Rc::as_ptr(lambda))
            .cloned()
            .unwrap_or_default()
    }

    /// Whether the variable is shared between functions and changes.
    pub fn is_boxed(&self, variable: VarId) -> bool {
        self.captured.contains(&variable)
            && (self.late.contains(&variable) || self.early.contains(&variable))
    }

    /// Whether the variable changes after its binding.
    pub fn is_assigned(&self, variable: VarId) -> bool {
        self.assigned.contains(&variable)
    }

    /// Whether the code mentions the variable once at most.
    pub fn is_mentioned_once(&self, variable: VarId) -> bool {
        !self.mentioned_again.contains(&variable)
    }

    /// Whether some closure captures the variable.
    pub fn is_captured(&self, variable: VarId) -> bool {
        self.captured.contains(&variable)
    }
}

struct Walk {
    result: Variables,
    /// Where a variable is bound.
    owner: HashMap<VarId, Owner>,
    /// The enclosing functions.
    functions: Vec<Function>,
}

/// The place of a binding: depths of the function and, in it, of the loop.
#[derive(Clone, Copy)]
struct Owner {
    function: usize,
    loops: usize,
}

/// A function that is being walked through.
#[derive(Default)]
struct Function {
    captures: Vec<VarId>,
    /// Its variables that closures made so far have copies of.
    copied: HashSet<VarId>,
    /// The enclosing loops.
    loops: Vec<Round>,
}

/// What happens in a round of a loop to variables bound outside of it: the next round does it again.
#[derive(Default)]
struct Round {
    copied: HashSet<VarId>,
    assigned: HashSet<VarId>,
}

impl Walk {
    fn bind(&mut self, variable: VarId) {
        if let Some(function) = self.functions.last() {
            let owner = Owner {
                function: self.functions.len() - 1,
                loops: function.loops.len(),
            };
            self.owner.insert(variable, owner);
        }
    }

    fn assign(&mut self, variable: VarId) {
        self.result.assigned.insert(variable);
        let own = self.functions.len() - 1;
        let bound_here = self
            .owner
            .get(&variable)
            .is_some_and(|owner| owner.function == own);
        let Some(function) = self.functions.last_mut().filter(|_| bound_here) else {
            self.result.late.insert(variable);
            return;
        };
        if function.copied.contains(&variable) {
            self.result.late.insert(variable);
        } else if let Some(round) = function.loops.last_mut() {
            round.assigned.insert(variable);
        }
    }

    /// A closure with copies of these variables is made.
    fn copy(&mut self, captures: &[VarId]) {
        if let Some(function) = self.functions.last_mut() {
            for &variable in captures {
                function.copied.insert(variable);
                if let Some(round) = function.loops.last_mut() {
                    round.copied.insert(variable);
                }
            }
        }
    }

    fn enter_loop(&mut self) {
        if let Some(function) = self.functions.last_mut() {
            function.loops.push(Round::default());
        }
    }

    fn leave_loop(&mut self) {
        let Some(function) = self.functions.last_mut() else {
            return;
        };
        let Some(round) = function.loops.pop() else {
            return;
        };
        let depth = function.loops.len();
        let owner = &self.owner;
        let outside = |variable: &&VarId| {
            owner
                .get(variable)
                .is_some_and(|owner| owner.loops <= depth)
        };
        let repeated = round.assigned.intersection(&round.copied);
        self.result.late.extend(repeated.filter(outside));
        // The loop around it does so too.
        if let Some(around) = function.loops.last_mut() {
            around.copied.extend(round.copied);
            around.assigned.extend(round.assigned);
        }
    }

    fn reference(&mut self, variable: VarId) {
        let Some(&owner) = self.owner.get(&variable) else {
            return;
        };
        if !self.result.mentioned.insert(variable) {
            self.result.mentioned_again.insert(variable);
        }
        for function in &mut self.functions[owner.function + 1..] {
            self.result.captured.insert(variable);
            if !function.captures.contains(&variable) {
                function.captures.push(variable);
            }
        }
    }

    fn lambda(&mut self, lambda: &Rc<Lambda>) {
        self.functions.push(Function::default());
        for parameter in lambda.parameters.iter().chain(&lambda.rest) {
            self.bind(*parameter);
        }
        self.expr(&lambda.body);
        if let Some(function) = self.functions.pop() {
            self.copy(&function.captures);
            self.result
                .captures
                .insert(Rc::as_ptr(lambda), function.captures.into());
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Local(variable) => self.reference(*variable),
            ExprKind::SetLocal(variable, value) => {
                self.expr(value);
                self.assign(*variable);
                self.reference(*variable);
            }
            ExprKind::Lambda(lambda) => self.lambda(lambda),
            ExprKind::Let(bindings, body) => {
                for (_, init) in bindings {
                    self.expr(init);
                }
                for (variable, _) in bindings {
                    self.bind(*variable);
                }
                self.expr(body);
            }
            ExprKind::Loop(_, bindings, body) => {
                for (_, init) in bindings {
                    self.expr(init);
                }
                self.enter_loop();
                for (variable, _) in bindings {
                    self.bind(*variable);
                }
                self.expr(body);
                self.leave_loop();
            }
            ExprKind::While(test, body) => {
                self.enter_loop();
                self.expr(test);
                self.expr(body);
                self.leave_loop();
            }
            ExprKind::Letrec(bindings, body) => {
                for (variable, _) in bindings {
                    self.bind(*variable);
                }
                self.letrec_inits(bindings);
                self.expr(body);
            }
            ExprKind::Try(body, variable, handler) => {
                self.expr(body);
                self.bind(*variable);
                self.expr(handler);
            }
            _ => {
                // `for_each_child` visits bodies of lambdas too, but those are handled above.
                let mut children: Vec<&Expr> = Vec::new();
                collect_children(expr, &mut children);
                for child in children {
                    self.expr(child);
                }
            }
        }
    }

    /// A run of lambdas can be patched to see each other; a variable that something captures or
    /// reads before code other than making closures has run needs a box.
    fn letrec_inits(&mut self, bindings: &[(VarId, Expr)]) {
        let numbers: HashMap<VarId, usize> = bindings
            .iter()
            .enumerate()
            .map(|(number, (variable, _))| (*variable, number))
            .collect();
        // For each binding, the end of the run of lambdas that starts with it.
        let mut run_ends = vec![0; bindings.len()];
        let mut end = bindings.len();
        for (number, (_, init)) in bindings.iter().enumerate().rev() {
            if !matches!(init.kind, ExprKind::Lambda(_)) {
                end = number;
            }
            if let Some(run_end) = run_ends.get_mut(number) {
                *run_end = end;
            }
        }
        for ((number, (_, init)), run_end) in bindings.iter().enumerate().zip(run_ends) {
            self.expr(init);
            if let ExprKind::Lambda(lambda) = &init.kind {
                // Patching names a captured variable with one byte.
                let captures = self.result.captures(lambda);
                let beyond = captures.get(PATCHABLE..).unwrap_or_default();
                let later = |v: &&VarId| numbers.get(v).is_some_and(|other| *other >= number);
                self.result.early.extend(beyond.iter().filter(later));
            }
            captured(init, &mut |variable| {
                if numbers
                    .get(&variable)
                    .is_some_and(|other| *other >= run_end)
                {
                    self.result.early.insert(variable);
                }
            });
        }
    }
}

/// Shows every use of a variable in lambdas inside the expression to `visit`.
fn captured(expr: &Expr, visit: &mut dyn FnMut(VarId)) {
    match &expr.kind {
        ExprKind::Lambda(lambda) => mentioned(&lambda.body, visit),
        _ => for_each_child(expr, &mut |child| captured(child, visit)),
    }
}

fn mentioned(expr: &Expr, visit: &mut dyn FnMut(VarId)) {
    if let ExprKind::Local(variable) | ExprKind::SetLocal(variable, _) = &expr.kind {
        visit(*variable);
    }
    for_each_child(expr, &mut |child| mentioned(child, visit));
}

fn collect_children<'a>(expr: &'a Expr, out: &mut Vec<&'a Expr>) {
    match &expr.kind {
        ExprKind::SetGlobal(_, value)
        | ExprKind::DefineGlobal(_, value)
        | ExprKind::Throw(value) => out.push(value),
        ExprKind::Call(callee, arguments) | ExprKind::Apply(callee, arguments) => {
            out.push(callee);
            out.extend(arguments);
        }
        ExprKind::If(test, then, other) => out.extend([&**test, then, other]),
        ExprKind::And(exprs)
        | ExprKind::Or(exprs)
        | ExprKind::Seq(exprs)
        | ExprKind::Recur(_, exprs) => out.extend(exprs),
        _ => {}
    }
}
