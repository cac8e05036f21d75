//! The table of prices of models goes into programs that ask what calls cost.

use crate::front::datum::{DatumKind, Interner};
use crate::ir::walk::for_each_child;
use crate::ir::{Expr, ExprKind, Unit};

/// The builtins that tell, or limit, what calls cost.
const ASKING: [&str; 8] = [
    "conversation/cost",
    "conversation/stats",
    "llm/budget-remaining",
    "llm/last-usage",
    "llm/pricing-status",
    "llm/session-usage",
    "llm/set-budget",
    "llm/with-budget",
];

/// What usages call their cost.
const COST: &str = "cost-usd";

/// Makes the table known to a program that asks for it; its last unit is the entry.
pub fn add(units: &mut [Unit], interner: &Interner) {
    let asks = units
        .iter()
        .flat_map(|unit| &unit.body)
        .any(|form| asks(form, interner));
    if !asks {
        return;
    }
    if let Some(entry) = units.last_mut() {
        let span = entry.body.first().map(|form| form.span).unwrap_or_default();
        let begin = Expr::builtin_call("%use-known-prices", Vec::new(), span);
        entry.body.insert(0, begin);
    }
}

fn asks(expr: &Expr, interner: &Interner) -> bool {
    let mut found = match &expr.kind {
        ExprKind::Builtin(builtin) => ASKING.contains(&builtin.name()),
        ExprKind::Const(DatumKind::Keyword(name)) => interner.resolve(name) == COST,
        _ => false,
    };
    for_each_child(expr, &mut |child| found = found || asks(child, interner));
    found
}
