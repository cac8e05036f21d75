//! Going through the parts of expressions.

use std::rc::Rc;

use super::{Expr, ExprKind};

/// The walk over the parts, by shared and by mutable reference.
macro_rules! walk {
    ($kind:expr, $visit:ident, $iter:ident, |$lambda:ident| $body:expr) => {
        match $kind {
            ExprKind::Const(_)
            | ExprKind::Local(_)
            | ExprKind::Global(_)
            | ExprKind::Builtin(_)
            | ExprKind::Import(_) => {}
            ExprKind::SetLocal(_, value)
            | ExprKind::SetGlobal(_, value)
            | ExprKind::DefineGlobal(_, value)
            | ExprKind::Throw(value) => {
                $visit(value);
            }
            ExprKind::Lambda($lambda) => $visit($body),
            ExprKind::Call(callee, arguments) | ExprKind::Apply(callee, arguments) => {
                $visit(callee);
                arguments.$iter().for_each($visit);
            }
            ExprKind::If(test, then, other) => {
                $visit(test);
                $visit(then);
                $visit(other);
            }
            ExprKind::And(exprs)
            | ExprKind::Or(exprs)
            | ExprKind::Seq(exprs)
            | ExprKind::Recur(_, exprs) => exprs.$iter().for_each($visit),
            ExprKind::Let(bindings, body)
            | ExprKind::Letrec(bindings, body)
            | ExprKind::Loop(_, bindings, body) => {
                bindings.$iter().for_each(|(_, init)| $visit(init));
                $visit(body);
            }
            ExprKind::While(test, body) => {
                $visit(test);
                $visit(body);
            }
            ExprKind::Try(body, _, handler) => {
                $visit(body);
                $visit(handler);
            }
        }
    };
}

/// Calls `visit` with every direct part of an expression, bodies of lambdas included.
pub fn for_each_child(expr: &Expr, visit: &mut dyn FnMut(&Expr)) {
    walk!(&expr.kind, visit, iter, |lambda| &lambda.body)
}

/// Like [`for_each_child`], with leave to change the parts.
pub fn for_each_child_mut(expr: &mut Expr, visit: &mut dyn FnMut(&mut Expr)) {
    walk!(&mut expr.kind, visit, iter_mut, |lambda| &mut Rc::make_mut(
        lambda
    )
    .body)
}
