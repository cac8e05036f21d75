//! A limit for code that runs at build time: a transformer that never ends must not stop the build for
//! ever.
//!
//! Every function and every loop of such code begins with a call of `%step`, which raises a condition
//! when the steps of the running transformer are used up, and each time after that. So what counts is
//! the work, not the time it takes: a build succeeds on all machines or on none.

use std::rc::Rc;

use crate::ir::walk::for_each_child_mut;
use crate::ir::{Expr, ExprKind, Unit};

/// Steps that one transformer may take unless the user says otherwise: a fraction of a second's worth.
pub const DEFAULT_STEPS: u64 = 10_000_000;

/// How many seconds a transformer may take unless somebody says otherwise.
pub const DEFAULT_SECONDS: u64 = 10;

/// Lets the functions and loops of a unit count their steps.
pub fn count_steps(unit: &mut Unit) {
    for form in &mut unit.body {
        count(form);
    }
}

fn count(expr: &mut Expr) {
    for_each_child_mut(expr, &mut count);
    match &mut expr.kind {
        ExprKind::Lambda(lambda) => begin_with_step(&mut Rc::make_mut(lambda).body),
        ExprKind::Loop(_, _, body) | ExprKind::While(_, body) => begin_with_step(body),
        _ => {}
    }
}

fn begin_with_step(body: &mut Expr) {
    let span = body.span;
    let rest = std::mem::replace(body, Expr::new(ExprKind::Seq(Vec::new()), span));
    let step = Expr::builtin_call("%step", Vec::new(), span);
    body.kind = ExprKind::Seq(vec![step, rest]);
}
