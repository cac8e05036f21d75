//! What is evaluated whenever a module starts.
//!
//! A mistake there is no matter of luck: the module fails each time. The walk goes through the forms in order,
//! into the functions that they call, and stops where the program may end by itself. Bodies of `try` are not certain,
//! nor are branches and loops unless the test follows from constants: what counts is the first round. A function that is
//! passed on is entered if the builtin that takes it calls it whatever happens.

use crate::hashing::{HashMap, HashSet};
use std::ptr;
use std::rc::Rc;

use super::finish::visit;
use super::spread::length;
use crate::front::datum::DatumKind;
use crate::ir::{Builtin, Expr, ExprKind, GlobalId, Lambda, Unit, VarId, Variable, called};

/// Builtins that call one of their arguments whatever happens, and its place.
const CALLERS: &[(&str, usize)] = &[
    ("%parameterize", 2),
    ("call-with-values", 0),
    ("otel/with-session", 2),
    ("time", 0),
    ("time/ms", 0),
];

/// Builtins that call their first argument unless the last one is empty.
const FOR_ELEMENTS: &[&str] = &[
    "filter",
    "flat-map",
    "foldl",
    "foldr",
    "for-each",
    "map",
    "map-indexed",
];

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
            variables: &unit.variables,
            functions,
            locals: HashMap::default(),
            values: HashMap::default(),
            found: Certain::default(),
            called: HashSet::default(),
            called_locals: HashSet::default(),
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

/// The value of a variable as far as tests are decided by it.
#[derive(Clone, Copy)]
enum Value {
    Int(i64),
    Truth(bool),
}

struct Walk<'f> {
    variables: &'f [Variable],
    functions: &'f HashMap<GlobalId, Rc<Lambda>>,
    /// Functions that local variables always hold.
    locals: HashMap<VarId, Rc<Lambda>>,
    /// What local variables hold at this point, where that follows from constants.
    values: HashMap<VarId, Value>,
    found: Certain,
    /// Functions whose bodies have been walked.
    called: HashSet<GlobalId>,
    called_locals: HashSet<VarId>,
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
            | ExprKind::Global(_)
            | ExprKind::Import(_) => {}
            // From now on its calls may assign what it mentions.
            ExprKind::Lambda(lambda) => self.forget(&lambda.body),
            ExprKind::SetLocal(id, value) => {
                self.evaluate(value);
                self.values.remove(id);
            }
            ExprKind::SetGlobal(_, value) | ExprKind::DefineGlobal(_, value) => {
                self.evaluate(value);
            }
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
                self.note(expr);
                self.enter(callee, &[]);
            }
            ExprKind::If(test, then, otherwise) => {
                let chosen = self.truth(test);
                self.evaluate(test);
                match chosen {
                    Some(true) => self.evaluate(then),
                    Some(false) => self.evaluate(otherwise),
                    None => {
                        self.perhaps(then);
                        self.perhaps(otherwise);
                    }
                }
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
                for (id, init) in bindings {
                    self.evaluate(init);
                    self.bind(*id, init);
                }
                self.evaluate(body);
            }
            ExprKind::While(test, body) => {
                let first = self.truth(test);
                self.evaluate(test);
                if first == Some(true) {
                    self.evaluate(body);
                }
                self.perhaps(test);
                self.perhaps(body);
                // A loop whose test is a constant ends in another way than by its test.
                self.ended |= first == Some(true) && matches!(test.kind, ExprKind::Const(_));
            }
            ExprKind::Try(body, _, handler) => {
                self.perhaps(body);
                self.perhaps(handler);
            }
        }
        self.note(expr);
    }

    /// Notes what a variable holds.
    fn bind(&mut self, id: VarId, init: &Expr) {
        if let Some(value) = self.value(init) {
            self.values.insert(id, value);
        }
        let stays = (self.variables.get(id.0 as usize)).is_some_and(|variable| !variable.assigned);
        if let ExprKind::Lambda(lambda) = &init.kind
            && stays
        {
            self.locals.insert(id, lambda.clone());
        }
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
        if let ExprKind::Builtin(builtin) = callee.kind {
            if matches!(builtin.name(), "exit" | "error" | "raise") {
                self.ended = true;
            }
            self.enter_argument(builtin, arguments);
        }
        self.enter(callee, arguments);
        // What is handed to a builtin may be called by it.
        arguments.iter().for_each(|part| self.perhaps(part));
    }

    /// The body of a function that is called, at its first call.
    fn enter(&mut self, callee: &Expr, arguments: &[Expr]) {
        let lambda = match &callee.kind {
            ExprKind::Lambda(lambda) => lambda.clone(),
            ExprKind::Global(id) if self.called.insert(*id) => match self.functions.get(id) {
                Some(lambda) => lambda.clone(),
                None => return,
            },
            ExprKind::Local(id) if self.called_locals.insert(*id) => match self.locals.get(id) {
                Some(lambda) => lambda.clone(),
                None => return,
            },
            _ => return,
        };
        for (parameter, argument) in lambda.parameters.iter().zip(arguments) {
            self.bind(*parameter, argument);
        }
        self.evaluate(&lambda.body);
        for parameter in &lambda.parameters {
            self.values.remove(parameter);
        }
    }

    /// The argument of a builtin that is certain to be called by it.
    fn enter_argument(&mut self, builtin: Builtin, arguments: &[Expr]) {
        let name = builtin.name();
        let has_elements = || {
            let sequences = arguments.get(1..).unwrap_or_default();
            let sequences = if name.starts_with("fold") {
                sequences.get(1..).unwrap_or_default()
            } else {
                sequences
            };
            let not_empty = |sequence| length(sequence).is_some_and(|length| length > 0);
            !sequences.is_empty() && sequences.iter().all(not_empty)
        };
        let calls_first =
            builtin == called::APPLY || (FOR_ELEMENTS.contains(&name) && has_elements());
        let place = if calls_first {
            Some(0)
        } else {
            let caller = CALLERS.iter().find(|(caller, _)| *caller == name);
            caller.map(|(_, place)| *place)
        };
        if let Some(callee) = place.and_then(|place| arguments.get(place)) {
            self.enter(callee, &[]);
        }
    }

    /// Forgets the values of variables that an expression may assign.
    fn forget(&mut self, expr: &Expr) {
        if self.values.is_empty() {
            return;
        }
        visit(expr, &mut |part| {
            if let ExprKind::SetLocal(id, _) = &part.kind {
                self.values.remove(id);
            }
        });
    }

    /// Whether an expression is true, if that follows from constants.
    fn truth(&self, expr: &Expr) -> Option<bool> {
        match self.value(expr)? {
            Value::Int(_) => Some(true),
            Value::Truth(truth) => Some(truth),
        }
    }

    fn value(&self, expr: &Expr) -> Option<Value> {
        match &expr.kind {
            ExprKind::Const(DatumKind::Int(number)) => Some(Value::Int(*number)),
            ExprKind::Const(kind) => {
                let is_false = matches!(kind, DatumKind::Nil | DatumKind::Bool(false));
                Some(Value::Truth(!is_false))
            }
            ExprKind::Local(id) => self.values.get(id).copied(),
            ExprKind::If(test, then, otherwise) => {
                let chosen = if self.truth(test)? { then } else { otherwise };
                self.value(chosen)
            }
            ExprKind::Call(callee, arguments) => {
                let ExprKind::Builtin(builtin) = callee.kind else {
                    return None;
                };
                if let [argument] = &arguments[..]
                    && builtin.name() == "not"
                {
                    return Some(Value::Truth(!self.truth(argument)?));
                }
                let [left, right] = &arguments[..] else {
                    return None;
                };
                let (Value::Int(left), Value::Int(right)) = (self.value(left)?, self.value(right)?)
                else {
                    return None;
                };
                Some(match builtin.name() {
                    "<" => Value::Truth(left < right),
                    ">" => Value::Truth(left > right),
                    "<=" => Value::Truth(left <= right),
                    ">=" => Value::Truth(left >= right),
                    "=" => Value::Truth(left == right),
                    "+" => Value::Int(left.checked_add(right)?),
                    "-" => Value::Int(left.checked_sub(right)?),
                    _ => return None,
                })
            }
            _ => None,
        }
    }

    /// What may be evaluated or not: it may end the program or assign variables.
    fn perhaps(&mut self, expr: &Expr) {
        self.forget(expr);
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
