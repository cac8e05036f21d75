//! Renaming of local variables.

use std::rc::Rc;

use crate::ir::walk::for_each_child_mut;
use crate::ir::{Expr, ExprKind, VarId};

/// Shows every occurrence of a local variable, binding or use, to `rename`.
pub fn variables(expr: &mut Expr, rename: &mut dyn FnMut(&mut VarId)) {
    match &mut expr.kind {
        ExprKind::Local(variable)
        | ExprKind::SetLocal(variable, _)
        | ExprKind::Try(_, variable, _)
        | ExprKind::Recur(variable, _) => {
            rename(variable);
        }
        ExprKind::Let(bindings, _) | ExprKind::Letrec(bindings, _) => {
            for (variable, _) in bindings {
                rename(variable);
            }
        }
        ExprKind::Loop(label, bindings, _) => {
            rename(label);
            for (variable, _) in bindings {
                rename(variable);
            }
        }
        ExprKind::Lambda(lambda) => {
            let lambda = Rc::make_mut(lambda);
            for variable in lambda.parameters.iter_mut().chain(&mut lambda.rest) {
                rename(variable);
            }
        }
        _ => {}
    }
    for_each_child_mut(expr, &mut |child| variables(child, rename));
}
