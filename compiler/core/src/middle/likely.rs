//! What numbers are likely to be: integers or floats.
//!
//! Arithmetic decides at run time which kind of number it has, and the code generator chooses what is
//! tried first. For that a guess is enough: a wrong one costs a few machine instructions, and no
//! meaning depends on it. So facts are collected without looking at the order in which things happen:
//! whatever a variable may be bound to, assigned or passed says something about it, and where nothing
//! does, arithmetic with a float makes a float likely. The facts of a unit depend on each other and
//! are collected until nothing new turns up.

use crate::hashing::HashMap;

use sema_format::isa::Op;
use sema_machine::host::declaration::Kind;

use crate::front::datum::DatumKind;
use crate::ir::walk::for_each_child;
use crate::ir::{Builtin, Expr, ExprKind, GlobalId, Lambda, Unit, VarId};

/// Times that a unit is looked through at most.
const MOST_ROUNDS: usize = 8;
/// How deep [`Likely::of`] looks into an expression.
const DEPTH: usize = 6;

/// What speaks for a value being of some kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Signs(u8);

impl Signs {
    const INTEGER: Signs = Signs(1);
    const FLOAT: Signs = Signs(2);
    const OTHER: Signs = Signs(4);

    fn or(self, other: Signs) -> Signs {
        Signs(self.0 | other.0)
    }

    /// Whether it is likely to be a float. A sum that begins with an exact zero is one soon.
    fn is_float(self) -> bool {
        self.0 & (Signs::FLOAT.0 | Signs::OTHER.0) == Signs::FLOAT.0
    }
}

/// The guesses about the values of a unit.
#[derive(Default)]
pub struct Likely {
    variables: HashMap<VarId, Signs>,
    globals: HashMap<GlobalId, Signs>,
    /// Results of known functions.
    results: HashMap<GlobalId, Signs>,
    /// Elements of all mutable arrays together.
    elements: Signs,
}

impl Likely {
    /// Collects what there is to know about a unit.
    pub fn collect<'u>(
        unit: &'u Unit,
        known: &mut dyn Iterator<Item = (GlobalId, &'u Lambda)>,
    ) -> Likely {
        let mut collector = Collector {
            known: known.collect(),
            loops: HashMap::default(),
            likely: Likely::default(),
            changed: true,
        };
        for _ in 0..MOST_ROUNDS {
            if !std::mem::take(&mut collector.changed) {
                break;
            }
            for form in &unit.body {
                collector.expr(form);
            }
        }
        collector.likely
    }

    /// Whether arithmetic with these operands should try floats first.
    pub fn computes_floats(&self, left: &Expr, right: &Expr) -> bool {
        let (left, right) = (self.of(left, DEPTH), self.of(right, DEPTH));
        (left.is_float() && right != Signs::INTEGER) || (right.is_float() && left != Signs::INTEGER)
    }

    /// The signs of an expression, which has been looked at before.
    fn of(&self, expr: &Expr, depth: usize) -> Signs {
        let Some(depth) = depth.checked_sub(1) else {
            return Signs::default();
        };
        match &expr.kind {
            ExprKind::Const(datum) => of_constant(datum),
            ExprKind::Local(variable) => self.variables.get(variable).copied().unwrap_or_default(),
            ExprKind::Global(global) => self.globals.get(global).copied().unwrap_or_default(),
            ExprKind::Let(_, body) | ExprKind::Letrec(_, body) | ExprKind::Loop(_, _, body) => {
                self.of(body, depth)
            }
            ExprKind::Seq(parts) => match parts.last() {
                Some(last) => self.of(last, depth),
                None => Signs::OTHER,
            },
            ExprKind::If(_, then, other) => self.of(then, depth).or(self.of(other, depth)),
            ExprKind::SetLocal(_, value) => self.of(value, depth),
            ExprKind::Call(callee, arguments) => match (&callee.kind, &arguments[..]) {
                (ExprKind::Global(global), _) => {
                    self.results.get(global).copied().unwrap_or_default()
                }
                (ExprKind::Builtin(builtin), arguments) => {
                    let signs: Vec<Signs> = arguments
                        .iter()
                        .map(|argument| self.of(argument, depth))
                        .collect();
                    self.of_builtin(*builtin, &signs)
                }
                _ => Signs::default(),
            },
            _ => Signs::default(),
        }
    }

    /// The signs of a builtin's result, given those of the arguments.
    fn of_builtin(&self, builtin: Builtin, arguments: &[Signs]) -> Signs {
        let facts = builtin.facts();
        let operation = facts.operation(2);
        if operation == Some(Op::ArrayGet) {
            return self.elements;
        }
        match facts.result {
            _ if facts.floats => Signs::FLOAT,
            Kind::Float => Signs::FLOAT,
            Kind::Int | Kind::Count | Kind::Integer => Signs::INTEGER,
            // Numbers made of numbers are like these.
            Kind::Number | Kind::Real | Kind::NumberOrString if facts.pure => {
                if arguments.iter().any(|signs| signs.is_float()) {
                    Signs::FLOAT
                } else if operation != Some(Op::Divide)
                    && arguments.iter().all(|signs| *signs == Signs::INTEGER)
                {
                    Signs::INTEGER
                } else {
                    Signs::default()
                }
            }
            _ => Signs::default(),
        }
    }
}

fn of_constant(datum: &DatumKind) -> Signs {
    match datum {
        DatumKind::Int(_) => Signs::INTEGER,
        DatumKind::Float(_) => Signs::FLOAT,
        _ => Signs::OTHER,
    }
}

struct Collector<'u> {
    known: HashMap<GlobalId, &'u Lambda>,
    /// The variables of the loops that are being looked at, by label.
    loops: HashMap<VarId, Vec<VarId>>,
    likely: Likely,
    changed: bool,
}

impl<'u> Collector<'u> {
    fn note(&mut self, variable: VarId, signs: Signs) {
        let known = self.likely.variables.entry(variable).or_default();
        self.changed |= *known != known.or(signs);
        *known = known.or(signs);
    }

    fn note_element(&mut self, signs: Signs) {
        let elements = self.likely.elements;
        self.changed |= elements != elements.or(signs);
        self.likely.elements = elements.or(signs);
    }

    /// Looks at an expression and its parts.
    fn expr(&mut self, expr: &'u Expr) -> Signs {
        match &expr.kind {
            ExprKind::Const(_) | ExprKind::Local(_) | ExprKind::Global(_) => {
                self.likely.of(expr, 1)
            }
            ExprKind::Let(bindings, body) | ExprKind::Letrec(bindings, body) => {
                self.bindings(bindings);
                self.expr(body)
            }
            ExprKind::Loop(label, bindings, body) => {
                self.bindings(bindings);
                let variables = bindings.iter().map(|(variable, _)| *variable).collect();
                self.loops.insert(*label, variables);
                self.expr(body)
            }
            ExprKind::Recur(label, arguments) => {
                let variables = self.loops.get(label).cloned().unwrap_or_default();
                self.passed(&variables, arguments);
                Signs::default()
            }
            ExprKind::SetLocal(variable, value) => {
                let signs = self.expr(value);
                self.note(*variable, signs);
                signs
            }
            ExprKind::DefineGlobal(global, value) | ExprKind::SetGlobal(global, value) => {
                let signs = match (&value.kind, self.known.contains_key(global)) {
                    (ExprKind::Lambda(lambda), true) => {
                        let result = self.expr(&lambda.body);
                        self.note_global(*global, result, true);
                        Signs::OTHER
                    }
                    _ => self.expr(value),
                };
                self.note_global(*global, signs, false);
                Signs::OTHER
            }
            ExprKind::Lambda(lambda) => {
                self.expr(&lambda.body);
                Signs::OTHER
            }
            ExprKind::Seq(parts) => {
                let mut last = Signs::OTHER;
                for part in parts {
                    last = self.expr(part);
                }
                last
            }
            ExprKind::If(test, then, other) => {
                self.expr(test);
                self.expr(then).or(self.expr(other))
            }
            ExprKind::Call(callee, arguments) => self.call(callee, arguments),
            _ => {
                let mut parts = Vec::new();
                children(expr, &mut parts);
                for part in parts {
                    self.expr(part);
                }
                Signs::default()
            }
        }
    }

    fn bindings(&mut self, bindings: &'u [(VarId, Expr)]) {
        for (variable, init) in bindings {
            let signs = self.expr(init);
            self.note(*variable, signs);
        }
    }

    /// Arguments that become the values of variables.
    fn passed(&mut self, variables: &[VarId], arguments: &'u [Expr]) {
        for (index, argument) in arguments.iter().enumerate() {
            let signs = self.expr(argument);
            if let Some(variable) = variables.get(index) {
                self.note(*variable, signs);
            }
        }
    }

    fn note_global(&mut self, global: GlobalId, signs: Signs, result: bool) {
        let likely = &mut self.likely;
        let map = match result {
            true => &mut likely.results,
            false => &mut likely.globals,
        };
        let known = map.entry(global).or_default();
        self.changed |= *known != known.or(signs);
        *known = known.or(signs);
    }

    fn call(&mut self, callee: &'u Expr, arguments: &'u [Expr]) -> Signs {
        match callee.kind {
            ExprKind::Global(global) => {
                let parameters = match self.known.get(&global) {
                    Some(lambda) => lambda.parameters.clone(),
                    None => Vec::new(),
                };
                self.passed(&parameters, arguments);
                self.likely
                    .results
                    .get(&global)
                    .copied()
                    .unwrap_or_default()
            }
            ExprKind::Builtin(builtin) => {
                let signs: Vec<Signs> = arguments.iter().map(|part| self.expr(part)).collect();
                let facts = builtin.facts();
                if let Some(element) = facts
                    .stores
                    .and_then(|stored| signs.get(usize::from(stored)))
                {
                    self.note_element(*element);
                }
                let makes_floats = match facts.operation(2) {
                    Some(Op::Add | Op::Subtract | Op::Multiply | Op::Divide) => {
                        signs.iter().any(|signs| signs.is_float())
                    }
                    _ => facts.operation(1) == Some(Op::SquareRoot),
                };
                if makes_floats {
                    for (argument, signs) in arguments.iter().zip(&signs) {
                        if let ExprKind::Local(variable) = argument.kind
                            && *signs == Signs::default()
                        {
                            self.note(variable, Signs::FLOAT);
                        }
                    }
                }
                self.likely.of_builtin(builtin, &signs)
            }
            _ => {
                self.expr(callee);
                self.passed(&[], arguments);
                Signs::default()
            }
        }
    }
}

/// The direct parts of an expression, with its lifetime.
fn children<'u>(expr: &'u Expr, parts: &mut Vec<&'u Expr>) {
    match &expr.kind {
        ExprKind::And(exprs) | ExprKind::Or(exprs) => parts.extend(exprs),
        ExprKind::While(first, second) | ExprKind::Try(first, _, second) => {
            parts.extend([&**first, &**second])
        }
        ExprKind::Throw(value) => parts.push(value),
        ExprKind::Apply(callee, arguments) => {
            parts.push(callee);
            parts.extend(arguments);
        }
        _ => {
            let mut any = false;
            for_each_child(expr, &mut |_| any = true);
            debug_assert!(!any, "all other expressions are treated by themselves");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::front::datum::Span;

    fn e(kind: ExprKind) -> Expr {
        Expr::new(kind, Span::default())
    }

    fn local(number: u32) -> Expr {
        e(ExprKind::Local(VarId(number)))
    }

    fn int(value: i64) -> Expr {
        e(ExprKind::Const(DatumKind::Int(value)))
    }

    fn float(value: f64) -> Expr {
        e(ExprKind::Const(DatumKind::Float(value)))
    }

    fn call(name: &'static str, arguments: Vec<Expr>) -> Expr {
        Expr::builtin_call(name, arguments, Span::default())
    }

    fn collected(body: Vec<Expr>) -> Likely {
        let unit = Unit {
            body,
            ..Unit::default()
        };
        Likely::collect(&unit, &mut std::iter::empty())
    }

    #[test]
    fn a_sum_of_floats_that_begins_with_an_exact_zero() {
        let round = e(ExprKind::Recur(
            VarId(0),
            vec![
                call("+", vec![local(1), int(1)]),
                call("+", vec![local(2), call("*", vec![local(1), float(0.5)])]),
            ],
        ));
        let bindings = vec![(VarId(1), int(0)), (VarId(2), int(0))];
        let likely = collected(vec![e(ExprKind::Loop(VarId(0), bindings, Box::new(round)))]);
        assert!(likely.computes_floats(&local(2), &local(2)));
        assert!(!likely.computes_floats(&local(1), &local(1)));
        // One of each is what the general instruction is for.
        assert!(!likely.computes_floats(&local(1), &local(2)));
    }

    #[test]
    fn what_is_computed_with_a_float_is_likely_to_be_one() {
        let likely = collected(vec![
            call("*", vec![local(1), call("sqrt", vec![local(2)])]),
            call("+", vec![local(3), local(4)]),
        ]);
        assert!(likely.computes_floats(&local(1), &local(2)));
        assert!(likely.computes_floats(&local(1), &local(3)));
        assert!(!likely.computes_floats(&local(3), &local(4)));
    }

    #[test]
    fn elements_of_arrays_are_looked_at_together() {
        let element = || call("mutable-array/get", vec![local(9), int(0)]);
        let make = |value| call("mutable-array/new", vec![int(3), value]);
        let likely = collected(vec![make(float(0.0))]);
        assert!(likely.computes_floats(&element(), &element()));
        let likely = collected(vec![
            make(float(0.0)),
            make(e(ExprKind::Const(DatumKind::Nil))),
        ]);
        assert!(!likely.computes_floats(&element(), &element()));
    }
}
