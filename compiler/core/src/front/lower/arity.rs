//! Calls of known functions with a number of arguments that they do not take.

use std::rc::Rc;

use crate::front::diagnostic::Diagnostic;
use crate::hashing::HashMap;
use crate::ir::builtins::Builtins;
use crate::ir::{Expr, ExprKind, GlobalId, Lambda, VarId, Variable};

/// A function that a variable always holds.
pub(super) struct Known {
    pub name: Rc<str>,
    pub minimum: usize,
    pub maximum: Option<usize>,
    /// What calls of it run, if that is all.
    pub lambda: Option<Rc<Lambda>>,
}

/// How many arguments a function of another module takes.
#[derive(Clone)]
pub(crate) struct Taken {
    name: Rc<str>,
    minimum: usize,
    maximum: Option<usize>,
}

impl Known {
    /// What other modules need to know of the function.
    pub fn taken(&self) -> Taken {
        Taken {
            name: self.name.clone(),
            minimum: self.minimum,
            maximum: self.maximum,
        }
    }

    /// A function of another module.
    pub fn imported(taken: &Taken) -> Known {
        Known {
            name: taken.name.clone(),
            minimum: taken.minimum,
            maximum: taken.maximum,
            lambda: None,
        }
    }

    /// The function as it is known under a name.
    pub fn of(lambda: &Rc<Lambda>, name: Rc<str>) -> Known {
        Known {
            name,
            minimum: lambda.parameters.len() - lambda.optional,
            maximum: lambda.rest.is_none().then_some(lambda.parameters.len()),
            lambda: Some(lambda.clone()),
        }
    }

    /// The function as conditions of the run time name it.
    fn local(lambda: &Rc<Lambda>) -> Known {
        let name = lambda.name.clone().unwrap_or_else(|| "<lambda>".into());
        Known::of(lambda, name)
    }
}

/// Notes the functions that the expression binds to variables which never get another value. It is to be called for the
/// whole before its parts.
pub(super) fn note_functions(
    expr: &Expr,
    variables: &[Variable],
    functions: &mut HashMap<VarId, Known>,
) {
    let (ExprKind::Let(bindings, _) | ExprKind::Letrec(bindings, _)) = &expr.kind else {
        return;
    };
    for (id, value) in bindings {
        let stays = (variables.get(id.0 as usize)).is_some_and(|variable| !variable.assigned);
        if let ExprKind::Lambda(lambda) = &value.kind
            && stays
        {
            functions.insert(*id, Known::local(lambda));
        }
    }
}

/// The problem of a call, if it has one.
pub(super) fn wrong_count(
    expr: &Expr,
    builtins: &Builtins,
    globals: &HashMap<GlobalId, Known>,
    locals: &HashMap<VarId, Known>,
) -> Option<Box<Diagnostic>> {
    let ExprKind::Call(callee, arguments) = &expr.kind else {
        return None;
    };
    let literal;
    let (name, minimum, maximum) = match &callee.kind {
        ExprKind::Builtin(builtin) if !builtin.name().starts_with('%') => {
            let name = builtin.name();
            let arity = builtins.resolve(name)?.arity?;
            (name, usize::from(arity.min), arity.max.map(usize::from))
        }
        _ => {
            let known = match &callee.kind {
                ExprKind::Global(id) => globals.get(id)?,
                ExprKind::Local(id) => locals.get(id)?,
                ExprKind::Lambda(lambda) => {
                    literal = Known::local(lambda);
                    &literal
                }
                _ => return None,
            };
            (&*known.name, known.minimum, known.maximum)
        }
    };
    let got = arguments.len();
    if got >= minimum && maximum.is_none_or(|maximum| got <= maximum) {
        return None;
    }
    let mut problem = Diagnostic::arity(expr.span, name, minimum, maximum, got).as_warning();
    problem.code = "W0202";
    Some(problem)
}
