//! Builtins of constants, computed while compiling.
//!
//! Only what is certain to agree with the runtime: integers that stay within 64 bits, floats among
//! themselves, tests. The rest (bignums, ratios, conditions) is left to the runtime.

use sema_format::isa::Op;

use super::classes;
use crate::front::datum::DatumKind;
use crate::ir::{Builtin, Expr, ExprKind};

/// The value of a call of a builtin whose arguments are constants, if it can be told here.
pub fn call(builtin: Builtin, arguments: &[Expr]) -> Option<DatumKind> {
    let mut constants = Vec::with_capacity(arguments.len());
    for argument in arguments {
        let ExprKind::Const(datum) = &argument.kind else {
            return None;
        };
        constants.push(datum);
    }
    match constants[..] {
        [only] if builtin.operation(1) == Some(Op::Not) => Some(DatumKind::Bool(!is_true(only))),
        [only] => {
            let set = classes::of_predicate(builtin)?;
            classes::of_constant(only).decide(set).map(DatumKind::Bool)
        }
        [left, right] => {
            let operation = builtin.operation(2)?;
            binary(operation, left, right).or_else(|| chain(operation, &constants))
        }
        // Further operands follow as they would two by two.
        _ => chain(builtin.operation(2)?, &constants),
    }
}

/// Whether a constant counts as true.
pub fn is_true(datum: &DatumKind) -> bool {
    !matches!(datum, DatumKind::Nil | DatumKind::Bool(false))
}

fn chain(operation: Op, constants: &[&DatumKind]) -> Option<DatumKind> {
    let mut numbers = constants.iter().map(|datum| match datum {
        DatumKind::Int(value) => Some(*value),
        _ => None,
    });
    let first = numbers.next()??;
    if constants.len() < 2 {
        return None;
    }
    let step = match operation {
        Op::Add => i64::checked_add,
        Op::Subtract => i64::checked_sub,
        Op::Multiply => i64::checked_mul,
        _ => return None,
    };
    let mut result = first;
    for number in numbers {
        result = step(result, number?)?;
    }
    Some(DatumKind::Int(result))
}

fn binary(operation: Op, left: &DatumKind, right: &DatumKind) -> Option<DatumKind> {
    let truth = |holds| Some(DatumKind::Bool(holds));
    match (left, right) {
        (DatumKind::Int(x), DatumKind::Int(y)) => match operation {
            Op::Less => truth(x < y),
            Op::LessEqual => truth(x <= y),
            Op::Greater => truth(x > y),
            Op::GreaterEqual => truth(x >= y),
            Op::NumEqual | Op::Equal => truth(x == y),
            Op::Quotient => x.checked_div(*y).map(DatumKind::Int),
            Op::Remainder => x.checked_rem(*y).map(DatumKind::Int),
            Op::Modulo => {
                let remainder = x.checked_rem(*y)?;
                let crosses = remainder != 0 && (remainder ^ y) < 0;
                Some(DatumKind::Int(if crosses {
                    remainder + y
                } else {
                    remainder
                }))
            }
            _ => None,
        },
        (DatumKind::Float(x), DatumKind::Float(y)) => {
            let value = match operation {
                Op::Less => return truth(x < y),
                Op::LessEqual => return truth(x <= y),
                Op::Greater => return truth(x > y),
                Op::GreaterEqual => return truth(x >= y),
                Op::Add => x + y,
                Op::Subtract => x - y,
                Op::Multiply => x * y,
                Op::Divide if *y != 0.0 => x / y,
                _ => return None,
            };
            value.is_finite().then_some(DatumKind::Float(value))
        }
        _ if matches!(operation, Op::Equal | Op::NumEqual) => match (left, right) {
            (DatumKind::Keyword(x), DatumKind::Keyword(y))
            | (DatumKind::Symbol(x), DatumKind::Symbol(y)) => truth(x == y),
            (DatumKind::Char(x), DatumKind::Char(y)) => truth(x == y),
            (DatumKind::Bool(x), DatumKind::Bool(y)) => truth(x == y),
            (DatumKind::Str(x), DatumKind::Str(y)) => truth(x == y),
            (DatumKind::Nil, DatumKind::Nil) => truth(true),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::front::datum::Span;

    fn folded(name: &'static str, numbers: &[i64]) -> Option<i64> {
        let arguments: Vec<Expr> = numbers
            .iter()
            .map(|number| Expr::new(ExprKind::Const(DatumKind::Int(*number)), Span::default()))
            .collect();
        match call(Builtin::find(name)?, &arguments)? {
            DatumKind::Int(value) => Some(value),
            DatumKind::Bool(value) => Some(i64::from(value)),
            _ => None,
        }
    }

    #[test]
    fn integers_fold_as_the_runtime_computes_them() {
        assert_eq!(folded("+", &[1, 2, 3]), Some(6));
        assert_eq!(folded("-", &[1, 2]), Some(-1));
        assert_eq!(folded("-", &[1]), None);
        assert_eq!(folded("mod", &[-7, 3]), Some(2));
        assert_eq!(folded("mod", &[7, -3]), Some(-2));
        assert_eq!(folded("remainder", &[-7, 3]), Some(-1));
        assert_eq!(folded("quotient", &[7, 0]), None);
        assert_eq!(folded("*", &[i64::MAX, 2]), None);
        assert_eq!(folded("<", &[1, 2]), Some(1));
    }
}
