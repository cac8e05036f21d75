//! `if`, `and`, `or`, and what a test tells about the variables in it.

use super::{Context, Simplifier, constant, is_nil, sequence};
use sema_format::isa::Op;

use crate::front::datum::{DatumKind, Span};
use crate::ir::{Expr, ExprKind, VarId, called};
use crate::middle::classes::{self, Classes};
use crate::middle::fold::is_true;
use crate::middle::purity;

/// What was known before an assumption, to be restored behind it.
pub(super) type Mark = Vec<(VarId, Option<Classes>)>;

impl Simplifier<'_> {
    /// Takes it as given that a test came out like this.
    pub(super) fn assume(&mut self, test: &Expr, truth: bool) -> Mark {
        let mut mark = Mark::new();
        self.assume_into(test, truth, &mut mark);
        mark
    }

    fn assume_into(&mut self, test: &Expr, truth: bool, mark: &mut Mark) {
        match &test.kind {
            ExprKind::Local(variable) => {
                self.narrow(*variable, Classes::FALSY.complement(), truth, mark);
            }
            ExprKind::Call(callee, arguments) => {
                if let (ExprKind::Builtin(builtin), [argument]) = (&callee.kind, &arguments[..]) {
                    if builtin.operation(1) == Some(Op::Not) {
                        self.assume_into(argument, !truth, mark);
                    } else if let ExprKind::Local(variable) = argument.kind
                        && let Some(set) = classes::of_predicate(*builtin)
                    {
                        self.narrow(variable, set, truth, mark);
                    }
                }
            }
            ExprKind::And(parts) if truth => {
                parts
                    .iter()
                    .for_each(|part| self.assume_into(part, true, mark));
            }
            ExprKind::Or(parts) if !truth => {
                parts
                    .iter()
                    .for_each(|part| self.assume_into(part, false, mark));
            }
            _ => {}
        }
    }

    fn narrow(&mut self, variable: VarId, set: Classes, truth: bool, mark: &mut Mark) {
        if !self.is_stable(variable) {
            return;
        }
        let set = if truth { set } else { set.complement() };
        let before = self.classes.get(&variable).copied();
        let now = before.unwrap_or(Classes::ANY).and(set);
        self.classes.insert(variable, now);
        mark.push((variable, before));
    }

    /// Takes assumptions back.
    pub(super) fn forget(&mut self, mark: Mark) {
        for (variable, before) in mark.into_iter().rev() {
            match before {
                Some(classes) => self.classes.insert(variable, classes),
                None => self.classes.remove(&variable),
            };
        }
    }

    pub(super) fn conditional(
        &mut self,
        test: Expr,
        then: Expr,
        other: Expr,
        context: Context,
        span: Span,
    ) -> Expr {
        let test = self.expr(test, Context::Test);
        match test.kind {
            // What the test binds or does first can as well stand in front.
            ExprKind::Let(bindings, inner) => {
                let rest = self.decided(*inner, then, other, context, span);
                Expr::new(ExprKind::Let(bindings, Box::new(rest)), span)
            }
            ExprKind::Seq(mut parts) => match parts.pop() {
                Some(last) => {
                    let rest = self.decided(last, then, other, context, span);
                    parts
                        .into_iter()
                        .rev()
                        .fold(rest, |rest, part| sequence(part, rest))
                }
                None => Expr::nil(span),
            },
            _ => self.decided(test, then, other, context, span),
        }
    }

    /// A conditional whose test is simple.
    fn decided(
        &mut self,
        mut test: Expr,
        mut then: Expr,
        mut other: Expr,
        context: Context,
        span: Span,
    ) -> Expr {
        while matches!(test.operation(), Some((Op::Not, _)))
            && let ExprKind::Call(_, arguments) = &mut test.kind
            && let Some(inner) = arguments.pop()
        {
            test = inner;
            std::mem::swap(&mut then, &mut other);
        }
        if let ExprKind::Const(datum) = &test.kind {
            let (chosen, gone) = if is_true(datum) {
                (then, other)
            } else {
                (other, then)
            };
            self.census.remove(&gone);
            return self.expr(chosen, context);
        }
        if purity::never_returns(&test) {
            self.census.remove(&then);
            self.census.remove(&other);
            return test;
        }
        let mark = self.assume(&test, true);
        let then = self.expr(then, context);
        self.forget(mark);
        let mark = self.assume(&test, false);
        let other = self.expr(other, context);
        self.forget(mark);
        self.joined(test, then, other, context, span)
    }

    /// A conditional of simplified parts.
    fn joined(
        &mut self,
        test: Expr,
        then: Expr,
        other: Expr,
        context: Context,
        span: Span,
    ) -> Expr {
        let truth = |expr: &Expr| match &expr.kind {
            ExprKind::Const(DatumKind::Bool(value)) => Some(*value),
            ExprKind::Const(DatumKind::Nil) if context == Context::Test => Some(false),
            ExprKind::Const(datum) if context == Context::Test => Some(is_true(datum)),
            _ => None,
        };
        match (context, truth(&then), truth(&other)) {
            (Context::Effect, ..) if is_nil(&then) && is_nil(&other) => return self.discard(test),
            (Context::Test, Some(true), Some(false)) => return test,
            (Context::Value, Some(true), Some(false))
                if self.class_of(&test).decide(Classes::BOOL) == Some(true) =>
            {
                return test;
            }
            (Context::Test | Context::Value, Some(false), Some(true)) => {
                return Expr::call_of(called::NOT, vec![test], span);
            }
            (Context::Test, _, Some(false)) => return joined_parts(test, then, true, span),
            (Context::Test, Some(true), _) => return joined_parts(test, other, false, span),
            _ => {}
        }
        let kind = ExprKind::If(Box::new(test), Box::new(then), Box::new(other));
        Expr::new(kind, span)
    }

    /// `and` (`go_on` true) and `or` (`go_on` false): parts are evaluated while they are as `go_on`
    /// says.
    pub(super) fn short_circuit(
        &mut self,
        parts: Vec<Expr>,
        go_on: bool,
        context: Context,
        span: Span,
    ) -> Expr {
        let count = parts.len();
        let mut kept: Vec<Expr> = Vec::with_capacity(count);
        let mut mark = Mark::new();
        let mut ended = false;
        for (index, part) in parts.into_iter().enumerate() {
            if ended {
                self.census.remove(&part);
                continue;
            }
            let last = index + 1 == count;
            let wanted = match (last, context) {
                (true, context) => context,
                (false, Context::Value) => Context::Value,
                (false, _) => Context::Test,
            };
            let part = self.expr(part, wanted);
            let truth = self.class_of(&part).decide(Classes::FALSY.complement());
            let reliable = match part.kind {
                ExprKind::Local(variable) => self.is_stable(variable),
                _ => true,
            };
            match truth {
                Some(truth) if reliable && !last => {
                    if truth != go_on {
                        ended = true;
                    } else if self.is_pure(&part) {
                        self.census.remove(&part);
                        continue;
                    }
                }
                // The last part of a condition that decides nothing.
                Some(truth)
                    if last
                        && reliable
                        && truth == go_on
                        && context == Context::Test
                        && !kept.is_empty()
                        && self.is_pure(&part) =>
                {
                    self.census.remove(&part);
                    continue;
                }
                _ => {}
            }
            ended = ended || purity::never_returns(&part);
            if !last && !ended {
                self.assume_into(&part, go_on, &mut mark);
            }
            match (part.kind, go_on) {
                (ExprKind::And(inner), true) | (ExprKind::Or(inner), false) => kept.extend(inner),
                (kind, _) => kept.push(Expr::new(kind, part.span)),
            }
        }
        self.forget(mark);
        if context == Context::Effect && kept.len() > 1 && kept.last().is_some_and(is_nil) {
            kept.pop();
        }
        match kept.len() {
            0 => constant(go_on, span),
            1 => kept.remove(0),
            _ if go_on => Expr::new(ExprKind::And(kept), span),
            _ => Expr::new(ExprKind::Or(kept), span),
        }
    }
}

/// `(and first second)` or `(or first second)`, flat.
fn joined_parts(first: Expr, second: Expr, and: bool, span: Span) -> Expr {
    let mut parts = Vec::new();
    for part in [first, second] {
        match (part.kind, and) {
            (ExprKind::And(inner), true) | (ExprKind::Or(inner), false) => parts.extend(inner),
            (kind, _) => parts.push(Expr::new(kind, part.span)),
        }
    }
    let kind = if and {
        ExprKind::And(parts)
    } else {
        ExprKind::Or(parts)
    };
    Expr::new(kind, span)
}
