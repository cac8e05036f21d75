//! Inlining: calls of functions that are at hand become their bodies.
//!
//! Small functions are inlined wherever they are called. Functions that take functions are inlined
//! where they get one that is written out, so that their loops contain its body. What is copied has
//! variables of its own; code of the library takes the position of the call.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::census::Census;
use super::functions::{self, Function, size};
use super::simplify::{accepts, parameters};
use super::{Globals, copy};
use crate::ir::walk::for_each_child_mut;
use crate::ir::{Expr, ExprKind, GlobalId, Lambda, Unit, VarId, Variable};

/// Largest body that is copied to every call.
const SMALL: usize = 14;
/// The same for functions of the library, whose frames nobody sees.
const SMALL_LIBRARY: usize = 20;
/// Largest function that is copied to a call that gives it a function, with those that it hands the
/// function to.
const HIGHER_ORDER: usize = 90;

/// Inlines calls everywhere in a unit. Returns whether there was anything to inline.
pub fn run(unit: &mut Unit, globals: &Globals) -> bool {
    let functions = functions::table(unit, &globals.known);
    let census = Census::of(unit);
    let mut inliner = Inliner {
        functions: &functions,
        library: &globals.library,
        census: &census,
        variables: &mut unit.variables,
        local: HashMap::new(),
        current: None,
        changed: false,
    };
    for form in &mut unit.body {
        inliner.current = match &form.kind {
            ExprKind::DefineGlobal(global, _) => Some(*global),
            _ => None,
        };
        inliner.local.clear();
        inliner.expr(form);
    }
    inliner.changed
}

struct Inliner<'a> {
    functions: &'a HashMap<GlobalId, Function>,
    library: &'a HashSet<GlobalId>,
    census: &'a Census,
    variables: &'a mut Vec<Variable>,
    /// Small local functions that are only called.
    local: HashMap<VarId, Rc<Lambda>>,
    /// The global that is being defined.
    current: Option<GlobalId>,
    changed: bool,
}

impl Inliner<'_> {
    fn expr(&mut self, expr: &mut Expr) {
        if let ExprKind::Let(bindings, _) = &expr.kind {
            for (variable, init) in bindings {
                if let ExprKind::Lambda(lambda) = &init.kind
                    && !self.census.is_assigned(*variable)
                    && self.census.calls(*variable) == self.census.uses(*variable)
                    && size(&lambda.body, SMALL + 1) <= SMALL
                {
                    self.local.insert(*variable, lambda.clone());
                }
            }
        }
        for_each_child_mut(expr, &mut |child| self.expr(child));
        let span = expr.span;
        let ExprKind::Call(callee, arguments) = &mut expr.kind else {
            return;
        };
        let copied = match &callee.kind {
            ExprKind::Global(global) => self.global(*global, arguments, span),
            ExprKind::Local(variable) => match self.local.get(variable) {
                Some(lambda) if accepts(lambda, arguments.len()) => {
                    Some(copy::lambda(lambda, None, self.variables))
                }
                _ => None,
            },
            _ => None,
        };
        if let Some(lambda) = copied {
            let bindings = parameters(&lambda, std::mem::take(arguments), span);
            expr.kind = if bindings.is_empty() {
                lambda.body.kind
            } else {
                ExprKind::Let(bindings, Box::new(lambda.body))
            };
            self.changed = true;
        }
    }

    /// The copy of a known function that replaces a call, if it should.
    fn global(
        &mut self,
        global: GlobalId,
        arguments: &[Expr],
        span: crate::datum::Span,
    ) -> Option<Lambda> {
        let function = self.functions.get(&global)?;
        if self.current == Some(global)
            || function.recursive
            || !accepts(&function.lambda, arguments.len())
        {
            return None;
        }
        let in_library = self.current.is_some_and(|g| self.library.contains(&g));
        let from_library = self.library.contains(&global);
        // Frames of library functions are not shown: code of the program stays out of them.
        if in_library && !from_library {
            return None;
        }
        let small = match from_library {
            true => function.size <= SMALL_LIBRARY,
            false => function.size <= SMALL && !function.raises,
        };
        let parameters = if function.expanded <= HIGHER_ORDER {
            &function.calls
        } else {
            &function.direct
        };
        if !small
            && !(function.size <= HIGHER_ORDER && self.is_given_function(parameters, arguments))
        {
            return None;
        }
        let span = (from_library && !in_library).then_some(span);
        Some(copy::lambda(&function.lambda, span, self.variables))
    }

    /// Whether a call gives one of the parameters marked a function that can be inlined.
    fn is_given_function(&self, parameters: &[bool], arguments: &[Expr]) -> bool {
        arguments.iter().zip(parameters).any(|(argument, calls)| {
            *calls
                && match &argument.kind {
                    ExprKind::Lambda(_) => true,
                    ExprKind::Global(global) => {
                        !self.library.contains(global)
                            && self.functions.get(global).is_some_and(|given| {
                                given.size <= SMALL && !given.raises && !given.recursive
                            })
                    }
                    _ => false,
                }
        })
    }
}
