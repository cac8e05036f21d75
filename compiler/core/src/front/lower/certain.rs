//! What is evaluated whenever a module starts.
//!
//! A mistake there is no matter of luck: the module fails each time. The walk goes through the forms in order,
//! into the functions that they call by name, and stops where the program may end by itself. Branches, bodies of
//! `try`, of loops and of functions that are only passed on are not certain.

use crate::hashing::{HashMap, HashSet};
use std::ptr;
use std::rc::Rc;

use super::finish::visit;
use crate::ir::{Expr, ExprKind, GlobalId, Lambda, Unit};

/// The expressions that are evaluated whenever the module starts.
#[derive(Default)]
pub(super) struct Certain {
    /// By address: parts of an expansion have no places of their own.
    expressions: HashSet<*const Expr>,
}

impl Certain {
    /// Those of a unit, in which globals that never change hold `functions`.
    pub(super) fn of(unit: &Unit, functions: &HashMap<GlobalId, Rc<Lambda>>) -> Certain {
        let mut walk = Walk {
            functions,
            found: Certain::default(),
            called: HashSet::default(),
            ending: HashMap::default(),
            ended: false,
        };
        for form in &unit.body {
            walk.evaluate(form);
        }
        walk.found
    }

    /// Whether an expression is evaluated whenever the module starts.
    pub(super) fn contains(&self, expr: &Expr) -> bool {
        self.expressions.contains(&ptr::from_ref(expr))
    }
}

struct Walk<'f> {
    functions: &'f HashMap<GlobalId, Rc<Lambda>>,
    found: Certain,
    /// Functions whose bodies have been walked.
    called: HashSet<GlobalId>,
    /// Whether functions may end the program.
    ending: HashMap<GlobalId, bool>,
    /// Whether what follows may not be reached.
    ended: bool,
}

impl Walk<'_> {
    fn evaluate(&mut self, expr: &Expr) {
        if self.ended {
            return;
        }
        match &expr.kind {
            ExprKind::Const(_)
            | ExprKind::Local(_)
            | ExprKind::Builtin(_)
            | ExprKind::Lambda(_)
            | ExprKind::Global(_)
            | ExprKind::Import(_) => {}
            ExprKind::SetLocal(_, value)
            | ExprKind::SetGlobal(_, value)
            | ExprKind::DefineGlobal(_, value) => self.evaluate(value),
            ExprKind::Throw(value) => {
                self.evaluate(value);
                self.note(expr);
                self.ended = true;
            }
            ExprKind::Call(callee, arguments) => {
                self.call(expr, callee, arguments);
                return;
            }
            ExprKind::Apply(callee, arguments) => {
                self.evaluate(callee);
                self.evaluate_all(arguments);
            }
            ExprKind::If(test, then, otherwise) => {
                self.evaluate(test);
                self.perhaps(then);
                self.perhaps(otherwise);
            }
            ExprKind::And(parts) | ExprKind::Or(parts) => {
                if let Some((first, rest)) = parts.split_first() {
                    self.evaluate(first);
                    rest.iter().for_each(|part| self.perhaps(part));
                }
            }
            ExprKind::Seq(parts) | ExprKind::Recur(_, parts) => self.evaluate_all(parts),
            ExprKind::Let(bindings, body)
            | ExprKind::Letrec(bindings, body)
            | ExprKind::Loop(_, bindings, body) => {
                bindings.iter().for_each(|(_, init)| self.evaluate(init));
                self.evaluate(body);
            }
            ExprKind::While(test, body) => {
                self.evaluate(test);
                self.perhaps(body);
                // A loop whose test is a constant ends in another way than by its test.
                self.ended |= matches!(test.kind, ExprKind::Const(_));
            }
            ExprKind::Try(body, _, handler) => {
                self.perhaps(body);
                self.perhaps(handler);
            }
        }
        self.note(expr);
    }

    fn note(&mut self, expr: &Expr) {
        self.found.expressions.insert(ptr::from_ref(expr));
    }

    fn evaluate_all(&mut self, parts: &[Expr]) {
        parts.iter().for_each(|part| self.evaluate(part));
    }

    /// The arguments, then the function: a global name is looked up after them.
    fn call(&mut self, expr: &Expr, callee: &Expr, arguments: &[Expr]) {
        if !matches!(callee.kind, ExprKind::Global(_)) {
            self.evaluate(callee);
        }
        self.evaluate_all(arguments);
        self.evaluate(callee);
        if self.ended {
            return;
        }
        self.note(expr);
        match &callee.kind {
            ExprKind::Builtin(builtin) if matches!(builtin.name(), "exit" | "error" | "raise") => {
                self.ended = true;
            }
            ExprKind::Lambda(lambda) => self.evaluate(&lambda.body),
            ExprKind::Global(id) if self.called.insert(*id) => {
                if let Some(lambda) = self.functions.get(id) {
                    self.evaluate(&lambda.body);
                }
            }
            _ => {}
        }
        // What is handed to a builtin may be called by it.
        arguments.iter().for_each(|part| self.perhaps(part));
    }

    /// What may be evaluated or not: it may end the program.
    fn perhaps(&mut self, expr: &Expr) {
        self.ended |= self.may_end(expr);
    }

    fn may_end(&mut self, expr: &Expr) -> bool {
        let mut ends = false;
        let mut mentioned = Vec::new();
        visit(expr, &mut |part| match &part.kind {
            ExprKind::Builtin(builtin) if builtin.name() == "exit" => ends = true,
            ExprKind::Global(id) => mentioned.push(*id),
            _ => {}
        });
        ends || mentioned.into_iter().any(|id| self.function_may_end(id))
    }

    fn function_may_end(&mut self, id: GlobalId) -> bool {
        if let Some(known) = self.ending.get(&id) {
            return *known;
        }
        // Recursion adds nothing.
        self.ending.insert(id, false);
        let ends = match self.functions.get(&id) {
            Some(lambda) => {
                let lambda = lambda.clone();
                self.may_end(&lambda.body)
            }
            None => false,
        };
        self.ending.insert(id, ends);
        ends
    }
}
