//! Calls: functions that are at hand, builtins of known values.

use sema_format::isa::Op;

use super::{Bound, Context, Simplifier, constant, sequence};
use crate::front::datum::{DatumKind, Span};
use crate::ir::{Builtin, Expr, ExprKind, Lambda, VarId, called};
use crate::middle::{classes, classes::Classes, fold, purity};

/// Whether a function can be entered with this many arguments by binding its parameters.
pub(in crate::middle) fn accepts(lambda: &Lambda, count: usize) -> bool {
    let parameters = lambda.parameters.len();
    count == parameters || lambda.rest.is_some() && count > parameters
}

/// What the parameters of a function are bound to by a call that it accepts.
pub(in crate::middle) fn parameters(
    lambda: &Lambda,
    mut arguments: Vec<Expr>,
    span: Span,
) -> Vec<(VarId, Expr)> {
    let further = arguments.split_off(lambda.parameters.len().min(arguments.len()));
    let mut bindings: Vec<(VarId, Expr)> =
        lambda.parameters.iter().copied().zip(arguments).collect();
    if let Some(rest) = lambda.rest {
        let list = if further.is_empty() {
            Expr::new(ExprKind::Const(DatumKind::List([].into())), span)
        } else {
            Expr::call_of(called::LIST, further, span)
        };
        bindings.push((rest, list));
    }
    bindings
}

impl Simplifier<'_> {
    pub(super) fn call(
        &mut self,
        callee: Expr,
        arguments: Vec<Expr>,
        context: Context,
        span: Span,
    ) -> Expr {
        let callee = match callee.kind {
            ExprKind::Local(variable) => match self.function_of(variable, arguments.len()) {
                Some(Bound::Move(function, _)) => function,
                Some(Bound::Enter(mut lambda)) => {
                    if lambda.parameters.len() != arguments.len() {
                        // The call only raises: what the function does is of no consequence.
                        let body = std::mem::replace(&mut lambda.body, Expr::nil(span));
                        self.census.remove(&body);
                        let arguments = self.values(arguments);
                        let function = Expr::new(ExprKind::Lambda((*lambda).into()), span);
                        return Expr::new(ExprKind::Call(Box::new(function), arguments), span);
                    }
                    let body = self.entered(&mut lambda, span);
                    let bindings = lambda.parameters.iter().copied().zip(arguments).collect();
                    return self.enter(variable, bindings, body, context, span);
                }
                Some(Bound::Copy(kind)) => {
                    self.census.uncall(variable);
                    let copied = Expr::new(kind, callee.span);
                    if let ExprKind::Local(other) = copied.kind {
                        self.census.read(other);
                        self.census.called(other);
                    }
                    copied
                }
                None => self.callee(callee),
            },
            _ => callee,
        };
        match callee.kind {
            ExprKind::Lambda(lambda) if accepts(&lambda, arguments.len()) => {
                let mut lambda = std::rc::Rc::unwrap_or_clone(lambda);
                let body = self.entered(&mut lambda, span);
                let bindings = parameters(&lambda, arguments, span);
                self.bind(bindings, body, context, span)
            }
            ExprKind::Builtin(builtin) => self.builtin(builtin, arguments, context, span),
            ExprKind::Local(_) | ExprKind::Global(_) => {
                let arguments = self.values(arguments);
                Expr::new(ExprKind::Call(Box::new(callee), arguments), span)
            }
            _ => {
                let callee = self.expr(callee, Context::Value);
                let arguments = self.values(arguments);
                if !purity::changes_places(&callee, &arguments, self.known) {
                    return Expr::new(ExprKind::Call(Box::new(callee), arguments), span);
                }
                let operator = self.operator();
                let called = Expr::new(ExprKind::Local(operator), callee.span);
                let call = Expr::new(ExprKind::Call(Box::new(called), arguments), span);
                Expr::new(
                    ExprKind::Let(vec![(operator, callee)], Box::new(call)),
                    span,
                )
            }
        }
    }

    /// A variable as what is called.
    fn callee(&mut self, callee: Expr) -> Expr {
        let ExprKind::Local(variable) = callee.kind else {
            return callee;
        };
        match self.bound.get(&variable) {
            Some(Bound::Move(_, Some(depth))) if *depth == self.depth => {
                self.census.uncall(variable);
                match self.bound.remove(&variable) {
                    Some(Bound::Move(expr, _)) => expr,
                    _ => callee,
                }
            }
            _ => callee,
        }
    }

    /// What a call of a variable with this many arguments can become; it has been taken out.
    fn function_of(&mut self, variable: VarId, count: usize) -> Option<Bound> {
        match self.bound.get(&variable)? {
            Bound::Copy(kind) => Some(Bound::Copy(kind.clone())),
            Bound::Move(expr, Some(_)) => {
                let usable =
                    matches!(&expr.kind, ExprKind::Lambda(lambda) if accepts(lambda, count));
                if usable {
                    self.census.uncall(variable);
                    self.bound.remove(&variable)
                } else {
                    None
                }
            }
            Bound::Move(_, None) => None,
            Bound::Enter(_) => {
                self.census.uncall(variable);
                self.bound.remove(&variable)
            }
        }
    }

    fn builtin(
        &mut self,
        builtin: Builtin,
        arguments: Vec<Expr>,
        context: Context,
        span: Span,
    ) -> Expr {
        let total = purity::is_total(builtin, arguments.len());
        if total && context == Context::Effect {
            return self.parts(arguments, Context::Effect, span);
        }
        let is_not = builtin.operation(arguments.len()) == Some(Op::Not);
        let wanted = if is_not {
            Context::Test
        } else {
            Context::Value
        };
        let each = arguments.into_iter();
        let mut arguments: Vec<Expr> = each.map(|argument| self.expr(argument, wanted)).collect();
        if let Some(value) = fold::call(builtin, &arguments) {
            return Expr::new(ExprKind::Const(value), span);
        }
        let evaluated = self.evaluator.and_then(|it| it.call(builtin, &arguments));
        if let Some(value) = evaluated {
            return Expr::new(ExprKind::Const(value), span);
        }
        if let [argument] = &mut arguments[..] {
            if is_not
                && context == Context::Test
                && matches!(argument.operation(), Some((Op::Not, _)))
                && let ExprKind::Call(_, inner) = &mut argument.kind
                && let Some(inner) = inner.pop()
            {
                return inner;
            }
            let stable = match argument.kind {
                ExprKind::Local(variable) => self.is_stable(variable),
                _ => true,
            };
            if stable
                && let Some(set) = classes::of_predicate(builtin)
                && let Some(holds) = self.class_of(argument).decide(set)
            {
                let argument = std::mem::replace(argument, Expr::nil(span));
                let value = constant(holds, span);
                let effects = self.discard(argument);
                return match effects.kind {
                    ExprKind::Const(DatumKind::Nil) => value,
                    _ => sequence(effects, value),
                };
            }
        }
        Expr::call_of(builtin, arguments, span)
    }

    pub(super) fn apply(
        &mut self,
        callee: Expr,
        arguments: Vec<Expr>,
        context: Context,
        span: Span,
    ) -> Expr {
        let callee = self.expr(callee, Context::Value);
        let mut arguments = self.values(arguments);
        // Else another condition would be raised, and a global would be looked at too late.
        let ordered = self.class_of(&callee).decide(Classes::FUNCTION) == Some(true);
        let spread = match arguments.last_mut().map(|last| &mut last.kind) {
            Some(ExprKind::Call(list, elements))
                if matches!(list.kind, ExprKind::Builtin(list)
                    if list.operation(elements.len()) == Some(Op::MakeList)) =>
            {
                Some(std::mem::take(elements))
            }
            Some(ExprKind::Const(DatumKind::List(items))) if items.is_empty() => Some(Vec::new()),
            _ => None,
        };
        match spread {
            Some(elements) if ordered => {
                arguments.pop();
                arguments.extend(elements);
                if let ExprKind::Local(variable) = callee.kind {
                    self.census.called(variable);
                }
                let _ = context;
                Expr::new(ExprKind::Call(Box::new(callee), arguments), span)
            }
            Some(elements) => {
                if let Some(last) = arguments.last_mut() {
                    *last = Expr::call_of(called::LIST, elements, last.span);
                }
                Expr::new(ExprKind::Apply(Box::new(callee), arguments), span)
            }
            None => Expr::new(ExprKind::Apply(Box::new(callee), arguments), span),
        }
    }
}
