//! Builtins of constants, computed while compiling.
//!
//! Only what is certain to agree with the runtime: integers that stay within 64 bits, floats among
//! themselves, tests. The rest (bignums, ratios, conditions) is left to the runtime.

use super::classes;
use crate::front::datum::DatumKind;
use crate::ir::{Expr, ExprKind};

/// The value of a call of a builtin whose arguments are constants, if it can be told here.
pub fn call(name: &str, arguments: &[Expr]) -> Option<DatumKind> {
    let mut constants = Vec::with_capacity(arguments.len());
    for argument in arguments {
        let ExprKind::Const(datum) = &argument.kind else {
            return None;
        };
        constants.push(datum);
    }
    match constants[..] {
        [only] if name == "not" => Some(DatumKind::Bool(!is_true(only))),
        [only] => {
            let set = classes::of_predicate(name)?;
            classes::of_constant(only).decide(set).map(DatumKind::Bool)
        }
        [left, right] => binary(name, left, right).or_else(|| chain(name, &constants)),
        _ => chain(name, &constants),
    }
}

/// Whether a constant counts as true.
pub fn is_true(datum: &DatumKind) -> bool {
    !matches!(datum, DatumKind::Nil | DatumKind::Bool(false))
}

fn chain(name: &str, constants: &[&DatumKind]) -> Option<DatumKind> {
    let mut numbers = constants.iter().map(|datum| match datum {
        DatumKind::Int(value) => Some(*value),
        _ => None,
    });
    let first = numbers.next()??;
    if constants.len() < 2 {
        return None;
    }
    let step = match name {
        "+" => i64::checked_add,
        "-" => i64::checked_sub,
        "*" => i64::checked_mul,
        _ => return None,
    };
    let mut result = first;
    for number in numbers {
        result = step(result, number?)?;
    }
    Some(DatumKind::Int(result))
}

fn binary(name: &str, left: &DatumKind, right: &DatumKind) -> Option<DatumKind> {
    let truth = |holds| Some(DatumKind::Bool(holds));
    match (left, right) {
        (DatumKind::Int(x), DatumKind::Int(y)) => match name {
            "<" => truth(x < y),
            "<=" => truth(x <= y),
            ">" => truth(x > y),
            ">=" => truth(x >= y),
            "=" | "equal?" | "eq?" => truth(x == y),
            "quotient" | "math/quotient" => x.checked_div(*y).map(DatumKind::Int),
            "remainder" | "math/remainder" => x.checked_rem(*y).map(DatumKind::Int),
            "mod" | "modulo" => {
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
            let value = match name {
                "<" => return truth(x < y),
                "<=" => return truth(x <= y),
                ">" => return truth(x > y),
                ">=" => return truth(x >= y),
                "+" => x + y,
                "-" => x - y,
                "*" => x * y,
                "/" if *y != 0.0 => x / y,
                _ => return None,
            };
            value.is_finite().then_some(DatumKind::Float(value))
        }
        _ if matches!(name, "equal?" | "eq?" | "=") => match (left, right) {
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

    fn folded(name: &str, numbers: &[i64]) -> Option<i64> {
        let arguments: Vec<Expr> = numbers
            .iter()
            .map(|number| Expr::new(ExprKind::Const(DatumKind::Int(*number)), Span::default()))
            .collect();
        match call(name, &arguments)? {
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
