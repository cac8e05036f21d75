//! Shared tests: what the clauses of a `match` ask again and again is asked once.
//!
//! Each clause with a vector pattern tests the length of the value and most look at its first element.
//! Where several clauses do, the length becomes a number that is compared, and the first element a
//! variable. Sequences never change, so asking early gives the same answer.

use sema_format::isa::Op;

use super::census::Census;
use crate::front::datum::{DatumKind, Span};
use crate::ir::walk::{for_each_child, for_each_child_mut};
use crate::ir::{Builtin, Expr, ExprKind, Unit, VarId, Variable, called};

/// Constants that are compared with one value and make a table worth it; fewer are asked one by one.
pub const ENOUGH_KEYS: usize = 4;

/// Clauses that ask the same question before it is shared.
const ENOUGH: usize = 2;

/// Shares the tests in all of a unit.
pub fn run(unit: &mut Unit) {
    let census = Census::of(unit);
    let mut sharing = Sharing {
        census: &census,
        variables: &mut unit.variables,
    };
    for form in &mut unit.body {
        sharing.expr(form);
    }
}

struct Sharing<'a> {
    census: &'a Census,
    variables: &'a mut Vec<Variable>,
}

impl Sharing<'_> {
    fn expr(&mut self, expr: &mut Expr) {
        if let ExprKind::Let(bindings, body) = &mut expr.kind
            && let [(subject, _)] = bindings[..]
            && !self.census.is_assigned(subject)
        {
            let mut asked = Asked::default();
            spine(body, &mut |test| asked.count(test, subject));
            if asked.length >= ENOUGH {
                self.share(body, subject, asked.first >= ENOUGH);
            }
        }
        for_each_child_mut(expr, &mut |child| self.expr(child));
    }

    fn variable(&mut self, name: &str) -> VarId {
        self.variables.push(Variable {
            name: name.into(),
            assigned: false,
        });
        VarId(self.variables.len() as u32 - 1)
    }

    fn share(&mut self, body: &mut Expr, subject: VarId, first: bool) {
        let span = body.span;
        let local = |variable| Expr::new(ExprKind::Local(variable), span);
        let size = self.variable("size");
        let first = first.then(|| self.variable("element"));
        replace(body, subject, size, first);
        if let Some(first) = first {
            ask_first(body, size, first);
        }
        let mut inner = std::mem::replace(body, Expr::nil(span));
        if let Some(first) = first {
            let index = Expr::new(ExprKind::Const(DatumKind::Int(0)), span);
            let has_one = compare(Op::GreaterEqual, size, 1, span);
            let element = Expr::call_of(called::SEQUENCE_REF, vec![local(subject), index], span);
            let kind = ExprKind::If(
                Box::new(has_one),
                Box::new(element),
                Box::new(Expr::nil(span)),
            );
            let value = Expr::new(kind, span);
            inner = Expr::new(ExprKind::Let(vec![(first, value)], Box::new(inner)), span);
        }
        let value = Expr::call_of(called::SEQUENCE_SIZE, vec![local(subject)], span);
        body.kind = ExprKind::Let(vec![(size, value)], Box::new(inner));
    }
}

/// How often the conditions of a chain ask something of a variable.
#[derive(Default)]
struct Asked {
    length: usize,
    first: usize,
}

impl Asked {
    fn count(&mut self, expr: &Expr, subject: VarId) {
        match question(expr, subject) {
            Some((called::SEQUENCE_OF | called::SEQUENCE_FROM, _)) => self.length += 1,
            Some((called::SEQUENCE_REF, 0)) => self.first += 1,
            _ => for_each_child(expr, &mut |child| self.count(child, subject)),
        }
    }
}

/// Shows the conditions of a chain of `if`s to `visit`.
fn spine(expr: &Expr, visit: &mut dyn FnMut(&Expr)) {
    let mut expr = expr;
    while let ExprKind::If(test, _, other) = &expr.kind {
        visit(test);
        expr = other;
    }
}

/// A call of a builtin with a variable and a constant number.
fn question(expr: &Expr, subject: VarId) -> Option<(Builtin, i64)> {
    if let ExprKind::Call(callee, arguments) = &expr.kind
        && let ExprKind::Builtin(builtin) = callee.kind
        && let [value, number] = &arguments[..]
        && matches!(value.kind, ExprKind::Local(variable) if variable == subject)
        && let ExprKind::Const(DatumKind::Int(number)) = number.kind
    {
        return Some((builtin, number));
    }
    None
}

fn compare(test: Op, size: VarId, number: i64, span: Span) -> Expr {
    let arguments = vec![
        Expr::new(ExprKind::Local(size), span),
        Expr::new(ExprKind::Const(DatumKind::Int(number)), span),
    ];
    match Builtin::of_operation(test) {
        Some(builtin) => Expr::call_of(builtin, arguments, span),
        None => Expr::nil(span),
    }
}

/// Makes clauses look at the first element before they look at the length, if so many do that the first
/// elements decide between them. Both are values that are there already.
fn ask_first(chain: &mut Expr, size: VarId, first: VarId) {
    let mut found = Vec::new();
    let mut expr = chain;
    while let ExprKind::If(test, _, other) = &mut expr.kind {
        if let ExprKind::And(parts) = &mut test.kind
            && let [length, element, ..] = &parts[..]
            && is_comparison_of(length, size)
            && is_literal(element, first)
        {
            found.push(parts);
        }
        expr = other;
    }
    if found.len() >= ENOUGH_KEYS {
        found.into_iter().for_each(|parts| parts.swap(0, 1));
    }
}

fn is_comparison_of(expr: &Expr, size: VarId) -> bool {
    matches!(expr.operation(), Some((Op::NumEqual | Op::GreaterEqual, [value, ..])) if value.is_local(size))
}

/// Whether the expression compares a variable, perhaps by another name, with a constant.
fn is_literal(expr: &Expr, variable: VarId) -> bool {
    match &expr.kind {
        ExprKind::Let(bindings, body) => match &bindings[..] {
            [(name, value)] => value.is_local(variable) && is_literal(body, *name),
            _ => false,
        },
        _ => matches!(expr.operation(), Some((Op::Equal, [value, constant]))
            if value.is_local(variable) && matches!(constant.kind, ExprKind::Const(_))),
    }
}

/// Replaces the questions by their answers. Functions stay as they are: they would capture more.
fn replace(expr: &mut Expr, subject: VarId, size: VarId, first: Option<VarId>) {
    let span = expr.span;
    match (question(expr, subject), first) {
        (Some((called::SEQUENCE_OF, count)), _) => *expr = compare(Op::NumEqual, size, count, span),
        (Some((called::SEQUENCE_FROM, count)), _) => {
            *expr = compare(Op::GreaterEqual, size, count, span)
        }
        (Some((called::SEQUENCE_REF, 0)), Some(first)) => expr.kind = ExprKind::Local(first),
        _ if matches!(expr.kind, ExprKind::Lambda(_)) => {}
        _ => for_each_child_mut(expr, &mut |child| replace(child, subject, size, first)),
    }
}
