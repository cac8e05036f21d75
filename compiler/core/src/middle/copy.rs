//! Copies of code with variables of their own.

use crate::hashing::HashMap;

use super::rename;
use crate::ir::{Expr, ExprKind, Lambda, VarId, Variable};

/// Gives all variables that an expression binds new numbers; free variables stay.
pub fn refresh(expr: &mut Expr, variables: &mut Vec<Variable>) {
    let mut fresh = HashMap::default();
    bound(expr, &mut fresh, variables);
    apply(expr, &fresh);
}

/// A copy of a function with new variables.
pub fn lambda(lambda: &Lambda, variables: &mut Vec<Variable>) -> Lambda {
    let mut copy = Expr::new(ExprKind::Lambda(lambda.clone().into()), lambda.span);
    refresh(&mut copy, variables);
    match copy.kind {
        ExprKind::Lambda(copy) => match std::rc::Rc::try_unwrap(copy) {
            Ok(copy) => copy,
            Err(shared) => (*shared).clone(),
        },
        _ => lambda.clone(),
    }
}

fn apply(expr: &mut Expr, fresh: &HashMap<VarId, VarId>) {
    rename::variables(expr, &mut |variable| {
        if let Some(new) = fresh.get(variable) {
            *variable = *new;
        }
    });
}

fn bound(expr: &Expr, fresh: &mut HashMap<VarId, VarId>, variables: &mut Vec<Variable>) {
    let mut bind = |variable: VarId| {
        let new = VarId(variables.len() as u32);
        if let Some(old) = variables.get(variable.0 as usize).cloned() {
            variables.push(old);
            fresh.insert(variable, new);
        }
    };
    match &expr.kind {
        ExprKind::Let(bindings, _) | ExprKind::Letrec(bindings, _) => {
            bindings.iter().for_each(|(variable, _)| bind(*variable));
        }
        ExprKind::Loop(label, bindings, _) => {
            bind(*label);
            bindings.iter().for_each(|(variable, _)| bind(*variable));
        }
        ExprKind::Try(_, variable, _) => bind(*variable),
        ExprKind::Lambda(lambda) => {
            let parameters = lambda.parameters.iter().chain(&lambda.rest);
            parameters.for_each(|variable| bind(*variable));
        }
        _ => {}
    }
    crate::ir::walk::for_each_child(expr, &mut |child| bound(child, fresh, variables));
}
