//! `let`, `letrec` and loops.

use std::rc::Rc;

use super::{Bound, Context, Simplifier};
use crate::front::datum::{DatumKind, Span};
use crate::ir::{Expr, ExprKind, Lambda, VarId};
use crate::middle::classes::Classes;
use crate::middle::frames;
use crate::middle::purity::{self, Placed};

/// What a `let` does, in order.
enum Step {
    /// Binds a variable; neighbours with the same number stand in one `let`.
    Bind(VarId, Expr, u32),
    /// Evaluates something.
    Effect(Expr),
    /// A variable whose value waits in [`Simplifier::bound`] for its use.
    Waiting(VarId),
}

#[derive(Default)]
struct Steps {
    steps: Vec<Step>,
    group: u32,
}

impl Steps {
    fn bind(&mut self, variable: VarId, init: Expr) {
        self.steps.push(Step::Bind(variable, init, self.group));
    }

    fn effect(&mut self, expr: Expr) {
        self.group += 1;
        self.steps.push(Step::Effect(expr));
    }
}

/// A body after `effects`, which stand last first and are taken out.
fn after(effects: &mut Vec<Expr>, body: Expr) -> Expr {
    if effects.is_empty() {
        return body;
    }
    let span = body.span;
    let mut parts = Vec::with_capacity(effects.len() + 1);
    for part in effects.drain(..).rev().chain(std::iter::once(body)) {
        match part.kind {
            ExprKind::Seq(more) => parts.extend(more),
            _ => parts.push(part),
        }
    }
    Expr::new(ExprKind::Seq(parts), span)
}

impl Simplifier<'_> {
    pub(super) fn bind(
        &mut self,
        bindings: Vec<(VarId, Expr)>,
        body: Expr,
        context: Context,
        span: Span,
    ) -> Expr {
        let mut steps = Steps::default();
        for (variable, init) in bindings {
            let assigned = self.census.is_assigned(variable);
            if !assigned && self.census.uses(variable) == 0 {
                let effect = self.expr(init, Context::Effect);
                if !super::is_nil(&effect) {
                    steps.effect(effect);
                }
                continue;
            }
            if !assigned
                && self.census.uses(variable) == 1
                && matches!(init.kind, ExprKind::Lambda(_))
            {
                self.wait(variable, init, &mut steps);
                continue;
            }
            let init = self.expr(init, Context::Value);
            self.initial(variable, init, &mut steps);
        }
        let body = self.expr(body, context);
        self.assemble(steps, body, span)
    }

    fn wait(&mut self, variable: VarId, init: Expr, steps: &mut Steps) {
        self.classes.insert(variable, self.class_of(&init));
        let depth = Some(self.depth);
        self.bound.insert(variable, Bound::Move(init, depth));
        steps.steps.push(Step::Waiting(variable));
    }

    /// Binds a variable to a simplified initial value, in the way that serves its uses best.
    fn initial(&mut self, variable: VarId, init: Expr, steps: &mut Steps) {
        let assigned = self.census.is_assigned(variable);
        match init.kind {
            // What the initial value binds or does first can as well stand in front.
            ExprKind::Let(bindings, inner) => {
                steps.group += 1;
                for (inner_variable, inner_init) in bindings {
                    steps.bind(inner_variable, inner_init);
                }
                steps.group += 1;
                return self.initial(variable, *inner, steps);
            }
            ExprKind::Seq(mut parts) => {
                let last = parts.pop();
                for part in parts {
                    steps.effect(part);
                }
                if let Some(last) = last {
                    self.initial(variable, last, steps);
                }
                return;
            }
            _ => {}
        }
        if !assigned {
            if self.is_copyable(&init, variable) {
                self.census.remove(&init);
                if let ExprKind::Local(other) = init.kind
                    && let Some(Bound::Move(_, depth)) = self.bound.get_mut(&other)
                {
                    // It has as many uses as this variable from now on.
                    *depth = None;
                }
                self.classes.insert(variable, self.class_of(&init));
                self.bound.insert(variable, Bound::Copy(init.kind));
                return;
            }
            let movable = matches!(init.kind, ExprKind::Lambda(_))
                || purity::is_movable(&init, &|v| self.is_stable(v));
            if self.census.uses(variable) == 1 && movable {
                return self.wait(variable, init, steps);
            }
            self.classes.insert(variable, self.class_of(&init));
        }
        steps.bind(variable, init);
    }

    /// Whether every use of the variable can be replaced by its initial value.
    fn is_copyable(&self, init: &Expr, variable: VarId) -> bool {
        match &init.kind {
            ExprKind::Local(other) => self.is_stable(*other),
            ExprKind::Builtin(builtin) => builtin.is_available(),
            ExprKind::Global(global) => self.known.contains(global),
            ExprKind::Const(datum) => match datum {
                DatumKind::Nil
                | DatumKind::Bool(_)
                | DatumKind::Int(_)
                | DatumKind::Float(_)
                | DatumKind::Char(_)
                | DatumKind::Str(_)
                | DatumKind::Symbol(_)
                | DatumKind::Keyword(_) => true,
                DatumKind::List(items) => items.is_empty() || self.census.uses(variable) == 1,
                _ => self.census.uses(variable) == 1,
            },
            _ => false,
        }
    }

    /// The `let` of some steps in front of a simplified body.
    fn assemble(&mut self, steps: Steps, mut body: Expr, span: Span) -> Expr {
        // Bindings that will stand in one `let`, last first.
        let mut open: Vec<(VarId, Expr)> = Vec::new();
        let mut open_group = 0;
        // What is done in front of the body and behind those bindings, last first.
        let mut effects: Vec<Expr> = Vec::new();
        let close = |open: &mut Vec<(VarId, Expr)>, effects: &mut Vec<Expr>, body: Expr| {
            let body = after(effects, body);
            if open.is_empty() {
                return body;
            }
            let mut bindings = std::mem::take(open);
            bindings.reverse();
            Expr::new(ExprKind::Let(bindings, Box::new(body)), span)
        };
        for step in steps.steps.into_iter().rev() {
            match step {
                Step::Effect(effect) => {
                    if !open.is_empty() {
                        body = close(&mut open, &mut effects, body);
                    }
                    effects.push(effect);
                }
                Step::Waiting(variable) => {
                    let Some(Bound::Move(init, _)) = self.bound.remove(&variable) else {
                        continue;
                    };
                    if self.census.uses(variable) == 0 {
                        self.census.remove(&init);
                        continue;
                    }
                    let init = self.expr(init, Context::Value);
                    body = close(&mut open, &mut effects, body);
                    body = Expr::new(ExprKind::Let(vec![(variable, init)], Box::new(body)), span);
                }
                Step::Bind(variable, init, group) => {
                    let assigned = self.census.is_assigned(variable);
                    if !assigned && self.census.uses(variable) == 0 {
                        let init = self.discard(init);
                        if !super::is_nil(&init) {
                            if !open.is_empty() {
                                body = close(&mut open, &mut effects, body);
                            }
                            effects.push(init);
                        }
                        continue;
                    }
                    let mut init = Some(init);
                    if !assigned && self.census.uses(variable) == 1 && open.is_empty() {
                        body = after(&mut effects, body);
                        let placed =
                            purity::place(&mut body, variable, &mut init, &self.census, self.known);
                        if placed == Placed::Done {
                            self.census.unread(variable);
                            continue;
                        }
                    }
                    if group != open_group {
                        body = close(&mut open, &mut effects, body);
                        open_group = group;
                    }
                    if let Some(init) = init {
                        open.push((variable, init));
                    }
                }
            }
        }
        close(&mut open, &mut effects, body)
    }

    pub(super) fn bind_recursive(
        &mut self,
        mut bindings: Vec<(VarId, Expr)>,
        body: Expr,
        context: Context,
        span: Span,
    ) -> Expr {
        let only_functions = bindings.iter().all(|(variable, init)| {
            matches!(init.kind, ExprKind::Lambda(_)) && !self.census.is_assigned(*variable)
        });
        if !only_functions {
            self.unset
                .extend(bindings.iter().map(|(variable, _)| *variable));
            let bindings = bindings
                .into_iter()
                .map(|(variable, init)| (variable, self.expr(init, Context::Value)))
                .collect();
            let body = self.boxed(body, context);
            return Expr::new(ExprKind::Letrec(bindings, body), span);
        }
        if let [(name, init)] = &mut bindings[..]
            && let ExprKind::Lambda(lambda) = &mut init.kind
            && self.becomes_loop(*name, lambda)
        {
            let name = *name;
            let mut lambda = Rc::unwrap_or_clone(lambda.clone());
            let restarts = calls_to_recur(&mut lambda.body, name);
            for _ in 0..restarts {
                self.census.uncall(name);
                self.census.read(name);
            }
            self.bound.insert(name, Bound::Enter(Box::new(lambda)));
            let body = self.expr(body, context);
            if let Some(Bound::Enter(lambda)) = self.bound.remove(&name) {
                self.census.remove(&lambda.body);
            }
            return body;
        }
        for (variable, _) in &bindings {
            self.classes.insert(*variable, Classes::FUNCTION);
        }
        let mut kept = Vec::with_capacity(bindings.len());
        for (variable, init) in bindings {
            kept.push((variable, self.expr(init, Context::Value)));
        }
        let body = self.expr(body, context);
        kept.retain(|(variable, init)| {
            let used = self.census.uses(*variable) > 0;
            if !used {
                self.census.remove(init);
            }
            used
        });
        if kept.is_empty() {
            return body;
        }
        Expr::new(ExprKind::Letrec(kept, Box::new(body)), span)
    }

    /// Whether a local function is called in one place besides tail calls of itself.
    fn becomes_loop(&self, name: VarId, lambda: &Lambda) -> bool {
        let uses = self.census.uses(name);
        lambda.rest.is_none()
            && lambda.optional == 0
            && self.census.calls(name) == uses
            && uses == self.tail_calls(&lambda.body, name, lambda.parameters.len()) + 1
    }

    /// How many calls of `name` with `count` arguments stand in tail position, and did when they were
    /// written: others leave frames.
    fn tail_calls(&self, expr: &Expr, name: VarId, count: usize) -> u32 {
        let last = |expr| self.tail_calls(expr, name, count);
        match &expr.kind {
            ExprKind::If(_, then, other) => last(then) + last(other),
            ExprKind::And(parts) | ExprKind::Or(parts) | ExprKind::Seq(parts) => {
                parts.last().map_or(0, last)
            }
            ExprKind::Let(_, body) | ExprKind::Letrec(_, body) | ExprKind::Loop(_, _, body) => {
                last(body)
            }
            ExprKind::Try(_, _, handler) => last(handler),
            ExprKind::Call(callee, arguments) => u32::from(
                arguments.len() == count
                    && matches!(callee.kind, ExprKind::Local(found) if found == name)
                    && frames::is_tail(expr.span, &self.inlined),
            ),
            _ => 0,
        }
    }

    pub(super) fn enter(
        &mut self,
        label: VarId,
        bindings: Vec<(VarId, Expr)>,
        mut body: Expr,
        context: Context,
        span: Span,
    ) -> Expr {
        let (outer, bindings) = self.invariant(label, bindings, &mut body);
        if !outer.is_empty() {
            let kind = ExprKind::Loop(label, bindings, Box::new(body));
            return self.bind(outer, Expr::new(kind, span), context, span);
        }
        let mut inits = Vec::with_capacity(bindings.len());
        for (variable, init) in bindings {
            inits.push((variable, self.expr(init, Context::Value)));
        }
        self.depth += 1;
        let body = self.expr(body, context);
        self.depth -= 1;
        let kind = if self.census.uses(label) == 0 {
            ExprKind::Let(inits, Box::new(body))
        } else {
            ExprKind::Loop(label, inits, Box::new(body))
        };
        Expr::new(kind, span)
    }

    /// Takes out of a loop the variables that no round changes. Returns them and the others.
    #[allow(clippy::type_complexity, reason = "two lists of bindings")]
    fn invariant(
        &mut self,
        label: VarId,
        bindings: Vec<(VarId, Expr)>,
        body: &mut Expr,
    ) -> (Vec<(VarId, Expr)>, Vec<(VarId, Expr)>) {
        let mut same: Vec<bool> = bindings
            .iter()
            .map(|(variable, _)| !self.census.is_assigned(*variable))
            .collect();
        // Initial values keep their order: only what does nothing may change places.
        let mut passed_effect = false;
        for ((_, init), same) in bindings.iter().zip(&mut same) {
            let simple = match &init.kind {
                ExprKind::Const(_) | ExprKind::Lambda(_) => true,
                ExprKind::Builtin(builtin) => builtin.is_available(),
                ExprKind::Local(variable) => self.is_stable(*variable),
                ExprKind::Global(global) => self.known.contains(global),
                _ => false,
            };
            *same &= simple || !passed_effect;
            passed_effect |= !simple;
        }
        if !same.contains(&true) {
            return (Vec::new(), bindings);
        }
        restarts(body, label, &mut |arguments| {
            for ((argument, (variable, _)), same) in arguments.iter().zip(&bindings).zip(&mut same)
            {
                *same &= matches!(argument.kind, ExprKind::Local(found) if found == *variable);
            }
        });
        if !same.contains(&true) {
            return (Vec::new(), bindings);
        }
        restarts(body, label, &mut |arguments| {
            let mut index = 0;
            arguments.retain(|argument| {
                let dropped = same.get(index).copied().unwrap_or(false);
                index += 1;
                if dropped {
                    self.census.remove(argument);
                }
                !dropped
            });
        });
        let mut outer = Vec::new();
        let mut inner = Vec::new();
        for (binding, same) in bindings.into_iter().zip(same) {
            if same {
                outer.push(binding);
            } else {
                inner.push(binding);
            }
        }
        (outer, inner)
    }
}

/// Shows the parts in tail position of an expression (itself, if it has none) to `visit`.
fn tails(expr: &mut Expr, visit: &mut dyn FnMut(&mut Expr)) {
    match &mut expr.kind {
        ExprKind::If(_, then, other) => {
            tails(then, visit);
            tails(other, visit);
        }
        ExprKind::And(parts) | ExprKind::Or(parts) | ExprKind::Seq(parts) => {
            if let Some(last) = parts.last_mut() {
                tails(last, visit);
            }
        }
        ExprKind::Let(_, body) | ExprKind::Letrec(_, body) | ExprKind::Loop(_, _, body) => {
            tails(body, visit);
        }
        ExprKind::Try(_, _, handler) => tails(handler, visit),
        _ => visit(expr),
    }
}

/// Shows the arguments of every jump to a loop to `visit`.
fn restarts(body: &mut Expr, label: VarId, visit: &mut dyn FnMut(&mut Vec<Expr>)) {
    tails(body, &mut |expr| {
        if let ExprKind::Recur(to, arguments) = &mut expr.kind
            && *to == label
        {
            visit(arguments);
        }
    });
}

/// Turns the calls of `name` in tail position into jumps. Returns how many there were.
fn calls_to_recur(body: &mut Expr, name: VarId) -> u32 {
    let mut count = 0;
    tails(body, &mut |expr| {
        if let ExprKind::Call(callee, arguments) = &mut expr.kind
            && matches!(callee.kind, ExprKind::Local(found) if found == name)
        {
            expr.kind = ExprKind::Recur(name, std::mem::take(arguments));
            count += 1;
        }
    });
    count
}
