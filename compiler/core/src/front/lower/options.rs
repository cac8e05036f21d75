//! Keys of options that a builtin does not know.

use crate::front::diagnostic::suggest::nearest_name;
use crate::front::diagnostic::{Condition, Diagnostic};
use crate::ir::{Expr, ExprKind};
use sema_machine::host::declaration::Mode;

use crate::front::datum::{Datum, DatumKind, Interner, Span, Symbol};

/// Warnings about the keys of a literal map of options that the called builtin would pass over.
pub(super) fn unknown(expr: &Expr, interner: &Interner) -> Vec<Diagnostic> {
    let ExprKind::Call(callee, arguments) = &expr.kind else {
        return Vec::new();
    };
    let ExprKind::Builtin(builtin) = callee.kind else {
        return Vec::new();
    };
    let facts = builtin.facts();
    let Some((position, known)) = facts.options else {
        return Vec::new();
    };
    let position = usize::from(position);
    let is_rest = facts
        .parameters
        .get(position)
        .is_some_and(|parameter| parameter.mode == Mode::Rest);
    let options = if is_rest {
        arguments.get(position..).unwrap_or_default().last()
    } else {
        arguments.get(position)
    };
    let keys = options.map(keywords).unwrap_or_default();
    let unknown = keys.into_iter().filter_map(|(key, span)| {
        let name = interner.resolve(&key);
        if known.contains(&name) {
            return None;
        }
        let message = format!("{}: there is no option :{name}", facts.name);
        let hint = match nearest_name(name, known.iter().copied()) {
            Some(near) => format!("did you mean :{near}?"),
            None => format!("the options are {}", listed(known)),
        };
        let problem = Diagnostic::warning(span, "W0206", Condition::Eval, message);
        Some(*problem.with_hint(hint))
    });
    unknown.collect()
}

fn listed(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!(":{name}")).collect();
    names.join(", ")
}

/// The keywords among the keys of a map that stands in the program.
fn keywords(map: &Expr) -> Vec<(Symbol, Span)> {
    let of_datum = |datum: &Datum| match datum.kind {
        DatumKind::Keyword(symbol) => Some((symbol, datum.span)),
        _ => None,
    };
    match &map.kind {
        ExprKind::Const(DatumKind::Map(entries)) => entries
            .iter()
            .filter_map(|(key, _)| of_datum(key))
            .collect(),
        ExprKind::Call(callee, elements) => match callee.kind {
            ExprKind::Builtin(builtin) if matches!(builtin.name(), "%map" | "hash-map") => {
                let keys = elements.iter().step_by(2);
                let keywords = keys.filter_map(|key| match key.kind {
                    ExprKind::Const(DatumKind::Keyword(symbol)) => Some((symbol, key.span)),
                    _ => None,
                });
                keywords.collect()
            }
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}
