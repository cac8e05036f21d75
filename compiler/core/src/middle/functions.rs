//! The known functions of a unit as the passes that copy code see them.

use crate::hashing::{HashMap, HashSet};
use std::rc::Rc;

use crate::ir::walk::for_each_child;
use crate::ir::{Expr, ExprKind, GlobalId, Lambda, Unit, VarId};

/// Functions larger than this are not looked at: nothing copies them.
const LARGEST: usize = 400;

/// One known function.
#[derive(Clone)]
pub struct Function {
    /// Its definition when the table was made.
    pub lambda: Rc<Lambda>,
    /// How large its body is; at most [`LARGEST`].
    pub size: usize,
    /// How large it is together with the functions it hands its functions to.
    pub expanded: usize,
    /// Whether it only computes: it makes no functions, has no loops and calls nothing but builtins.
    pub leaf: bool,
    /// Whether it mentions itself.
    pub recursive: bool,
    /// For each parameter, whether the function calls it or hands it to one that does.
    pub calls: Vec<bool>,
    /// For each parameter, whether it is assigned: then it is not the argument.
    pub changes: Vec<bool>,
    /// For each parameter, whether the function itself calls it.
    pub direct: Vec<bool>,
}

/// Makes the table of the known functions of a unit.
pub fn table(unit: &Unit, known: &HashSet<GlobalId>) -> HashMap<GlobalId, Function> {
    let mut functions = HashMap::default();
    for form in &unit.body {
        if let ExprKind::DefineGlobal(global, value) = &form.kind
            && let ExprKind::Lambda(lambda) = &value.kind
            && known.contains(global)
        {
            functions.insert(*global, describe(*global, lambda));
        }
    }
    hand_on(&mut functions);
    let expanded: Vec<(GlobalId, usize)> = functions
        .iter()
        .map(|(global, function)| (*global, expanded(function, &functions, 6)))
        .collect();
    for (global, expanded) in expanded {
        if let Some(function) = functions.get_mut(&global) {
            function.expanded = expanded;
        }
    }
    functions
}

fn describe(global: GlobalId, lambda: &Rc<Lambda>) -> Function {
    let mut function = Function {
        lambda: lambda.clone(),
        size: size(&lambda.body, LARGEST),
        expanded: LARGEST,
        leaf: true,
        recursive: false,
        calls: vec![false; lambda.parameters.len()],
        changes: vec![false; lambda.parameters.len()],
        direct: Vec::new(),
    };
    if function.size < LARGEST {
        let positions: HashMap<VarId, usize> = lambda
            .parameters
            .iter()
            .enumerate()
            .map(|(position, parameter)| (*parameter, position))
            .collect();
        inspect(&lambda.body, global, &positions, &mut function);
    }
    for (calls, changes) in function.calls.iter_mut().zip(&function.changes) {
        *calls &= !changes;
    }
    function.direct = function.calls.clone();
    function
}

fn inspect(
    expr: &Expr,
    itself: GlobalId,
    positions: &HashMap<VarId, usize>,
    function: &mut Function,
) {
    match &expr.kind {
        ExprKind::Global(global) if *global == itself => function.recursive = true,
        ExprKind::Lambda(_) | ExprKind::Loop(..) | ExprKind::While(..) | ExprKind::Letrec(..) => {
            function.leaf = false;
        }
        ExprKind::Call(callee, _) => {
            function.leaf &= matches!(callee.kind, ExprKind::Builtin(_));
            if let ExprKind::Local(variable) = &callee.kind
                && let Some(calls) = positions
                    .get(variable)
                    .and_then(|position| function.calls.get_mut(*position))
            {
                *calls = true;
            }
        }
        ExprKind::SetLocal(variable, _) => {
            if let Some(changes) = positions
                .get(variable)
                .and_then(|position| function.changes.get_mut(*position))
            {
                *changes = true;
            }
        }
        _ => {}
    }
    for_each_child(expr, &mut |child| {
        inspect(child, itself, positions, function)
    });
}

/// Finds the parameters that are handed on to functions that call them.
fn hand_on(functions: &mut HashMap<GlobalId, Function>) {
    // Each round finds those one call further away.
    for _ in 0..6 {
        let mut found = Vec::new();
        for (global, function) in &*functions {
            if function.size < LARGEST && function.calls.contains(&false) {
                handed(&function.lambda.body, functions, &mut |variable| {
                    let position = function
                        .lambda
                        .parameters
                        .iter()
                        .position(|p| *p == variable);
                    if let Some(position) = position
                        && function.calls.get(position) == Some(&false)
                        && function.changes.get(position) == Some(&false)
                    {
                        found.push((*global, position));
                    }
                });
            }
        }
        if found.is_empty() {
            return;
        }
        for (global, position) in found {
            let function = functions.get_mut(&global);
            if let Some(calls) = function.and_then(|f| f.calls.get_mut(position)) {
                *calls = true;
            }
        }
    }
}

/// The size of a function with all those that its functions are handed to put in their places.
fn expanded(function: &Function, functions: &HashMap<GlobalId, Function>, depth: u32) -> usize {
    let Some(depth) = depth.checked_sub(1) else {
        return LARGEST;
    };
    let mut total = function.size;
    if function.recursive || total >= LARGEST || !function.calls.contains(&true) {
        return total;
    }
    let mut receivers = Vec::new();
    receiving(
        &function.lambda,
        &function.lambda.body,
        functions,
        &mut receivers,
    );
    for receiver in receivers {
        if total < LARGEST {
            total += expanded(receiver, functions, depth);
        }
    }
    total.min(LARGEST)
}

/// Collects the functions to which a function hands its parameters to be called.
fn receiving<'f>(
    lambda: &Lambda,
    expr: &Expr,
    functions: &'f HashMap<GlobalId, Function>,
    found: &mut Vec<&'f Function>,
) {
    if let ExprKind::Call(callee, arguments) = &expr.kind
        && let ExprKind::Global(global) = callee.kind
        && let Some(function) = functions.get(&global)
        && arguments
            .iter()
            .zip(&function.calls)
            .any(|(argument, calls)| {
                *calls
                    && matches!(argument.kind, ExprKind::Local(v) if lambda.parameters.contains(&v))
            })
    {
        found.push(function);
    }
    for_each_child(expr, &mut |child| {
        receiving(lambda, child, functions, found)
    });
}

fn handed(expr: &Expr, functions: &HashMap<GlobalId, Function>, found: &mut dyn FnMut(VarId)) {
    if let ExprKind::Call(callee, arguments) = &expr.kind
        && let ExprKind::Global(global) = callee.kind
        && let Some(function) = functions.get(&global)
    {
        for (argument, calls) in arguments.iter().zip(&function.calls) {
            if let ExprKind::Local(variable) = argument.kind
                && *calls
            {
                found(variable);
            }
        }
    }
    for_each_child(expr, &mut |child| handed(child, functions, found));
}

/// How many parts an expression has, counted up to a limit.
pub fn size(expr: &Expr, limit: usize) -> usize {
    let mut count = 1;
    for_each_child(expr, &mut |child| {
        if count < limit {
            count += size(child, limit - count);
        }
    });
    count.min(limit)
}

/// Whether an expression uses no variables but those that it binds.
pub fn is_closed(expr: &Expr) -> bool {
    let mut found = Vec::new();
    free(expr, &mut HashSet::default(), &mut found);
    found.is_empty()
}

/// Collects the variables that an expression uses and does not bind, each once. `bound` are those that are
/// bound around it.
pub fn free(expr: &Expr, bound: &mut HashSet<VarId>, found: &mut Vec<VarId>) {
    match &expr.kind {
        ExprKind::Local(variable)
        | ExprKind::SetLocal(variable, _)
        | ExprKind::Recur(variable, _)
            if !bound.contains(variable) && !found.contains(variable) =>
        {
            found.push(*variable);
        }
        ExprKind::Let(bindings, _) | ExprKind::Letrec(bindings, _) => {
            bound.extend(bindings.iter().map(|(variable, _)| *variable));
        }
        ExprKind::Loop(label, bindings, _) => {
            bound.insert(*label);
            bound.extend(bindings.iter().map(|(variable, _)| *variable));
        }
        ExprKind::Try(_, variable, _) => {
            bound.insert(*variable);
        }
        ExprKind::Lambda(lambda) => {
            bound.extend(lambda.parameters.iter().chain(&lambda.rest));
        }
        _ => {}
    }
    for_each_child(expr, &mut |child| free(child, bound, found));
}
