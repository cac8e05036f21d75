//! Simplification: one walk that resolves what is known while compiling.
//!
//! Variables that stand for constants, other variables or builtins disappear; functions that are
//! called in one place become part of that place; functions that only restart themselves become
//! loops; tests whose outcome is known go, and so does code that nothing needs. Every variable is
//! bound in one place of a unit, so moving code never confuses names.

mod bindings;
mod calls;
mod conditions;

pub(in crate::middle) use calls::{accepts, parameters};

use crate::hashing::{HashMap, HashSet};
use std::rc::Rc;

use super::census::Census;
use super::classes::Classes;
use super::evaluate::Evaluator;
use super::{frames, purity};
use crate::front::datum::{DatumKind, Span};
use crate::ir::{Expr, ExprKind, GlobalId, InlinedCall, Lambda, Unit, VarId, Variable};

/// What the surroundings want of an expression.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Context {
    /// Its value.
    Value,
    /// Whether its value is true.
    Test,
    /// Its effects.
    Effect,
}

/// What is known of a variable that its binding leaves to the uses.
enum Bound {
    /// Every use is this: a constant, a builtin, another variable, a known global.
    Copy(ExprKind),
    /// The only use may become this expression. Outside of calls, only at the same depth of
    /// functions and loops; not at all if there is no depth.
    Move(Expr, Option<u32>),
    /// The only call from outside may become this loop.
    Enter(Box<Lambda>),
}

struct Simplifier<'u> {
    known: &'u HashSet<GlobalId>,
    evaluator: Option<&'u Evaluator<'u>>,
    variables: Vec<Variable>,
    census: Census,
    bound: HashMap<VarId, Bound>,
    classes: HashMap<VarId, Classes>,
    /// Variables that may be read before they have their value.
    unset: HashSet<VarId>,
    depth: u32,
    inlined: Vec<InlinedCall>,
    /// Whether the function being looked at is library code.
    in_library: bool,
}

/// Simplifies a unit. `known` are the globals that always hold their single definition; `evaluator` computes
/// calls of constants.
pub fn run(unit: &mut Unit, known: &HashSet<GlobalId>, evaluator: Option<&Evaluator<'_>>) {
    let mut simplifier = Simplifier {
        known,
        evaluator,
        census: Census::of(unit),
        variables: std::mem::take(&mut unit.variables),
        bound: HashMap::default(),
        classes: HashMap::default(),
        unset: HashSet::default(),
        depth: 0,
        inlined: std::mem::take(&mut unit.inlined),
        in_library: false,
    };
    let count = unit.body.len();
    for (index, form) in unit.body.iter_mut().enumerate() {
        let context = if index + 1 == count {
            Context::Value
        } else {
            Context::Effect
        };
        let whole = std::mem::replace(form, Expr::nil(form.span));
        *form = simplifier.expr(whole, context);
    }
    unit.inlined = simplifier.inlined;
    unit.variables = simplifier.variables;
}

fn is_nil(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Const(DatumKind::Nil))
}

fn constant(value: bool, span: Span) -> Expr {
    Expr::new(ExprKind::Const(DatumKind::Bool(value)), span)
}

/// `first`, then `second`.
fn sequence(first: Expr, second: Expr) -> Expr {
    let span = second.span;
    let mut parts = match first.kind {
        ExprKind::Seq(parts) => parts,
        _ => vec![first],
    };
    match second.kind {
        ExprKind::Seq(more) => parts.extend(more),
        _ => parts.push(second),
    }
    Expr::new(ExprKind::Seq(parts), span)
}

impl Simplifier<'_> {
    /// A new variable that is called once.
    fn operator(&mut self) -> VarId {
        let variable = VarId(self.variables.len() as u32);
        self.variables.push(Variable {
            name: Rc::from(""),
            assigned: false,
        });
        self.census.add_operator();
        variable
    }

    /// Whether a variable has one value whenever it can be read.
    fn is_stable(&self, variable: VarId) -> bool {
        !self.census.is_assigned(variable) && !self.unset.contains(&variable)
    }

    fn class(&self, variable: VarId) -> Classes {
        self.classes.get(&variable).copied().unwrap_or(Classes::ANY)
    }

    fn class_of(&self, expr: &Expr) -> Classes {
        match &expr.kind {
            ExprKind::Global(global) if self.known.contains(global) => Classes::FUNCTION,
            _ => super::classes::of_expr(expr, &|variable| self.class(variable)),
        }
    }

    fn is_pure(&self, expr: &Expr) -> bool {
        purity::is_pure(expr, self.known)
    }

    /// What remains of an expression that is not needed for its value.
    fn discard(&mut self, expr: Expr) -> Expr {
        if self.is_pure(&expr) {
            self.census.remove(&expr);
            Expr::nil(expr.span)
        } else {
            expr
        }
    }

    fn values(&mut self, exprs: Vec<Expr>) -> Vec<Expr> {
        let each = exprs.into_iter();
        each.map(|expr| self.expr(expr, Context::Value)).collect()
    }

    fn boxed(&mut self, expr: Expr, context: Context) -> Box<Expr> {
        Box::new(self.expr(expr, context))
    }

    fn expr(&mut self, expr: Expr, context: Context) -> Expr {
        let span = expr.span;
        let kind = match expr.kind {
            ExprKind::Const(_) if context == Context::Effect => return Expr::nil(span),
            ExprKind::Const(datum) => ExprKind::Const(datum),
            ExprKind::Local(variable) => return self.local(variable, context, span),
            ExprKind::Builtin(builtin) => match context {
                Context::Test if builtin.is_available() => return constant(true, span),
                Context::Effect if builtin.is_available() => return Expr::nil(span),
                _ => ExprKind::Builtin(builtin),
            },
            ExprKind::Global(global) => {
                if context == Context::Effect && self.known.contains(&global) {
                    return Expr::nil(span);
                }
                ExprKind::Global(global)
            }
            ExprKind::SetLocal(variable, value) => {
                if self.census.uses(variable) == 0 {
                    return self.expr(*value, context);
                }
                ExprKind::SetLocal(variable, self.boxed(*value, Context::Value))
            }
            ExprKind::SetGlobal(global, value) => {
                ExprKind::SetGlobal(global, self.boxed(*value, Context::Value))
            }
            ExprKind::DefineGlobal(global, value) => {
                ExprKind::DefineGlobal(global, self.boxed(*value, Context::Value))
            }
            ExprKind::Lambda(lambda) => return self.lambda(lambda, context, span),
            ExprKind::Call(callee, arguments) => {
                return self.call(*callee, arguments, context, span);
            }
            ExprKind::Apply(callee, arguments) => {
                return self.apply(*callee, arguments, context, span);
            }
            ExprKind::If(test, then, other) => {
                return self.conditional(*test, *then, *other, context, span);
            }
            ExprKind::And(parts) => return self.short_circuit(parts, true, context, span),
            ExprKind::Or(parts) => return self.short_circuit(parts, false, context, span),
            ExprKind::Seq(parts) => return self.parts(parts, context, span),
            ExprKind::Let(bindings, body) => return self.bind(bindings, *body, context, span),
            ExprKind::Letrec(bindings, body) => {
                return self.bind_recursive(bindings, *body, context, span);
            }
            ExprKind::Loop(label, bindings, body) => {
                return self.enter(label, bindings, *body, context, span);
            }
            ExprKind::Recur(label, arguments) => ExprKind::Recur(label, self.values(arguments)),
            ExprKind::While(test, body) => {
                self.depth += 1;
                let test = self.boxed(*test, Context::Test);
                let mark = self.assume(&test, true);
                let body = self.boxed(*body, Context::Effect);
                self.forget(mark);
                self.depth -= 1;
                if matches!(
                    test.kind,
                    ExprKind::Const(DatumKind::Nil | DatumKind::Bool(false))
                ) {
                    self.census.remove(&body);
                    return Expr::nil(span);
                }
                ExprKind::While(test, body)
            }
            ExprKind::Try(body, variable, handler) => {
                let body = self.boxed(*body, context);
                if self.is_pure(&body) {
                    self.census.remove(&handler);
                    return *body;
                }
                ExprKind::Try(body, variable, self.boxed(*handler, context))
            }
            ExprKind::Throw(value) => ExprKind::Throw(self.boxed(*value, Context::Value)),
            ExprKind::Import(import) => ExprKind::Import(import),
        };
        Expr::new(kind, span)
    }

    fn local(&mut self, variable: VarId, context: Context, span: Span) -> Expr {
        match self.bound.get(&variable) {
            Some(Bound::Copy(kind)) => {
                let kind = kind.clone();
                self.census.unread(variable);
                if let ExprKind::Local(other) = kind {
                    self.census.read(other);
                }
                return self.known_value(Expr::new(kind, span), context);
            }
            Some(Bound::Move(_, Some(depth))) if *depth == self.depth => {
                if let Some(Bound::Move(expr, _)) = self.bound.remove(&variable) {
                    self.census.unread(variable);
                    return self.expr(expr, context);
                }
            }
            _ => {}
        }
        self.known_value(Expr::new(ExprKind::Local(variable), span), context)
    }

    /// An expression without parts, as the context wants it.
    fn known_value(&mut self, expr: Expr, context: Context) -> Expr {
        match context {
            Context::Value => expr,
            Context::Effect => self.discard(expr),
            Context::Test => {
                let truth = match expr.kind {
                    ExprKind::Local(variable) if !self.is_stable(variable) => None,
                    _ => self.class_of(&expr).decide(Classes::FALSY.complement()),
                };
                match truth {
                    Some(truth) => {
                        self.census.remove(&expr);
                        constant(truth, expr.span)
                    }
                    None => expr,
                }
            }
        }
    }

    /// The body of a function as it is to stand in the place of a call.
    fn entered(&mut self, lambda: &mut Lambda, site: Span) -> Expr {
        let mut body = std::mem::replace(&mut lambda.body, Expr::nil(site));
        frames::enter(&mut body, lambda, site, self.in_library, &mut self.inlined);
        body
    }

    fn lambda(&mut self, mut lambda: Rc<Lambda>, context: Context, span: Span) -> Expr {
        if context == Context::Effect {
            self.census.remove(&lambda.body);
            return Expr::nil(span);
        }
        let function = Rc::make_mut(&mut lambda);
        let body = std::mem::replace(&mut function.body, Expr::nil(span));
        let in_library = std::mem::replace(&mut self.in_library, function.library);
        self.depth += 1;
        function.body = self.expr(body, Context::Value);
        self.depth -= 1;
        self.in_library = in_library;
        Expr::new(ExprKind::Lambda(lambda), span)
    }

    fn parts(&mut self, parts: Vec<Expr>, context: Context, span: Span) -> Expr {
        let count = parts.len();
        let mut kept: Vec<Expr> = Vec::with_capacity(count);
        let mut ended = false;
        for (index, part) in parts.into_iter().enumerate() {
            if ended {
                self.census.remove(&part);
                continue;
            }
            let last = index + 1 == count;
            let part = self.expr(part, if last { context } else { Context::Effect });
            let parts = match part.kind {
                ExprKind::Seq(parts) => parts,
                _ => vec![part],
            };
            let inner = parts.len();
            for (position, part) in parts.into_iter().enumerate() {
                let is_value = last && position + 1 == inner;
                let part = if is_value { part } else { self.discard(part) };
                if is_value || !is_nil(&part) {
                    ended = ended || purity::never_returns(&part);
                    kept.push(part);
                }
            }
        }
        if context == Context::Effect && kept.len() > 1 && kept.last().is_some_and(is_nil) {
            kept.pop();
        }
        match kept.len() {
            0 => Expr::nil(span),
            1 => kept.remove(0),
            _ => Expr::new(ExprKind::Seq(kept), span),
        }
    }
}
