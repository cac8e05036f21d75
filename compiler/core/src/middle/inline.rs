//! Inlining: calls of functions that are at hand become their bodies.
//!
//! Small functions are inlined wherever they are called. Functions that take functions are inlined
//! where they get one that is written out, so that their loops contain its body. What is copied has
//! variables of its own, and traces go on to show the frame that the call would have made.

use crate::hashing::{HashMap, HashSet};
use std::rc::Rc;

use super::census::Census;
use super::functions::{self, Function, size};
use super::simplify::{accepts, parameters};
use super::{Globals, copy, frames};
use crate::ir::walk::for_each_child_mut;
use crate::ir::{Expr, ExprKind, GlobalId, InlinedCall, Lambda, Unit, VarId, Variable};

/// Largest body that is copied to every call.
const SMALL: usize = 14;
/// The same for functions of the library, whose frames nobody sees.
const SMALL_LIBRARY: usize = 20;
/// The same in loops, for functions that only compute: there the call itself costs most.
const SMALL_IN_LOOP: usize = 40;
/// Largest function that is copied to a call that gives it a function, with those that it hands the
/// function to.
const HIGHER_ORDER: usize = 90;

/// Inlines calls everywhere in a unit. Returns whether there was anything to inline.
pub fn run(unit: &mut Unit, globals: &Globals) -> bool {
    let mut functions = functions::table(unit, &globals.known);
    // What nothing copies can be rewritten in place.
    functions.retain(|_, function| {
        let small = function.size <= SMALL_LIBRARY.max(SMALL)
            || function.leaf && function.size <= SMALL_IN_LOOP;
        !function.recursive
            && (small || function.size <= HIGHER_ORDER && function.calls.contains(&true))
    });
    let census = Census::of(unit);
    let mut inliner = Inliner {
        functions: &functions,
        library: &globals.library,
        census: &census,
        variables: &mut unit.variables,
        inlined: &mut unit.inlined,
        local: HashMap::default(),
        current: None,
        in_loop: false,
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
    inlined: &'a mut Vec<InlinedCall>,
    /// Small local functions that are only called.
    local: HashMap<VarId, Rc<Lambda>>,
    /// The global that is being defined.
    current: Option<GlobalId>,
    /// Whether the code being looked at is in a loop.
    in_loop: bool,
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
        let in_loop = self.in_loop;
        self.in_loop |= matches!(expr.kind, ExprKind::Loop(..) | ExprKind::While(..));
        for_each_child_mut(expr, &mut |child| self.expr(child));
        self.in_loop = in_loop;
        let span = expr.span;
        let ExprKind::Call(callee, arguments) = &mut expr.kind else {
            return;
        };
        let copied = match &callee.kind {
            ExprKind::Global(global) => self.global(*global, arguments),
            ExprKind::Local(variable) => match self.local.get(variable) {
                Some(lambda) if accepts(lambda, arguments.len()) => {
                    Some(copy::lambda(lambda, self.variables))
                }
                _ => None,
            },
            _ => None,
        };
        if let Some(mut lambda) = copied {
            let in_library = self.in_library();
            let mut body = std::mem::replace(&mut lambda.body, Expr::nil(span));
            frames::enter(&mut body, &lambda, span, in_library, self.inlined);
            lambda.body = body;
            let bindings = parameters(&lambda, std::mem::take(arguments), span);
            // The body keeps its place: it stands for itself, also if nothing is bound around it.
            if bindings.is_empty() {
                *expr = lambda.body;
            } else {
                expr.kind = ExprKind::Let(bindings, Box::new(lambda.body));
            }
            self.changed = true;
        }
    }

    /// The copy of a known function that replaces a call, if it should.
    fn global(&mut self, global: GlobalId, arguments: &[Expr]) -> Option<Lambda> {
        let function = self.functions.get(&global)?;
        if self.current == Some(global)
            || function.recursive
            || !accepts(&function.lambda, arguments.len())
        {
            return None;
        }
        let in_library = self.in_library();
        let from_library = self.library.contains(&global);
        // Frames of library functions are not shown: code of the program stays out of them.
        if in_library && !from_library {
            return None;
        }
        let most = match from_library {
            _ if self.in_loop && function.leaf => SMALL_IN_LOOP,
            true => SMALL_LIBRARY,
            false => SMALL,
        };
        let small = function.size <= most;
        let parameters = if function.expanded <= HIGHER_ORDER {
            &function.calls
        } else {
            &function.direct
        };
        let takes_function =
            function.size <= HIGHER_ORDER && self.is_given_function(parameters, arguments);
        if !small && !takes_function {
            return None;
        }
        Some(copy::lambda(&function.lambda, self.variables))
    }

    /// Whether the code that is being looked at belongs to a function of the library.
    fn in_library(&self) -> bool {
        self.current.is_some_and(|g| self.library.contains(&g))
    }

    /// Whether a call gives one of the parameters marked a function that can be inlined.
    fn is_given_function(&self, parameters: &[bool], arguments: &[Expr]) -> bool {
        arguments.iter().zip(parameters).any(|(argument, calls)| {
            *calls
                && match &argument.kind {
                    ExprKind::Lambda(_) => true,
                    ExprKind::Global(global) => {
                        !self.library.contains(global)
                            && self
                                .functions
                                .get(global)
                                .is_some_and(|given| given.size <= SMALL && !given.recursive)
                    }
                    _ => false,
                }
        })
    }
}
