//! Calls that fail whatever the arguments are: of what is no function, or with a number of arguments that the function
//! does not take.

use super::arity::Known;
use super::session::Session;
use super::spread::length;
use crate::front::datum::{DatumKind, Interner};
use crate::front::diagnostic::{Condition, Diagnostic, type_name};
use crate::hashing::HashMap;
use crate::ir::builtins::Builtins;
use crate::ir::{Expr, ExprKind, GlobalId, Unit, VarId, called};
use sema_machine::host::declaration::Kind;
use sema_natives::core::values::Constant;

/// What is known of the variables of a unit.
pub(super) struct Callees<'u> {
    unit: &'u Unit,
    builtins: &'u Builtins,
    interner: &'u Interner,
    /// Functions that globals always hold.
    globals: &'u HashMap<GlobalId, Known>,
    /// Types of the values, which are no functions, that globals always hold.
    values: HashMap<GlobalId, &'static str>,
    locals: HashMap<VarId, Known>,
    local_values: HashMap<VarId, &'static str>,
    /// How many values locals hold that stand for the several values of an expression.
    lengths: HashMap<VarId, usize>,
}

impl<'u> Callees<'u> {
    pub(super) fn of(
        unit: &'u Unit,
        session: &'u Session<'_>,
        globals: &'u HashMap<GlobalId, Known>,
    ) -> Callees<'u> {
        let mut values = HashMap::default();
        for form in unit.body.iter().filter(|_| !unit.dynamic) {
            if let ExprKind::DefineGlobal(id, value) = &form.kind
                && let Some(kind) = type_of(value)
                && (unit.globals.get(id.0 as usize))
                    .is_some_and(|global| !global.mutable && global.definitions == 1)
            {
                values.insert(*id, kind);
            }
        }
        Callees {
            unit,
            builtins: session.builtins,
            interner: session.interner,
            globals,
            values,
            locals: HashMap::default(),
            local_values: HashMap::default(),
            lengths: HashMap::default(),
        }
    }

    /// Notes what the expression binds to variables that never get another value. It is to be called for the whole before
    /// its parts.
    pub(super) fn note(&mut self, expr: &Expr) {
        let (ExprKind::Let(bindings, _) | ExprKind::Letrec(bindings, _)) = &expr.kind else {
            return;
        };
        for (id, value) in bindings {
            let variable = self.unit.variables.get(id.0 as usize);
            if variable.is_none_or(|variable| variable.assigned) {
                continue;
            }
            if let ExprKind::Lambda(lambda) = &value.kind {
                self.locals.insert(*id, Known::local(lambda));
            } else if let Some(kind) = type_of(value) {
                self.local_values.insert(*id, kind);
            }
            if let Some(length) = length(value) {
                self.lengths.insert(*id, length);
            }
        }
    }

    /// The problem of a call, if it has one.
    pub(super) fn problem(&self, expr: &Expr) -> Option<Box<Diagnostic>> {
        let (callee, arguments) = match &expr.kind {
            ExprKind::Call(callee, arguments) | ExprKind::Apply(callee, arguments) => {
                (&**callee, &arguments[..])
            }
            _ => return None,
        };
        if let ExprKind::Apply(..) = expr.kind {
            return self.failure(expr, callee, self.spread(arguments), &[]);
        }
        if let ExprKind::Builtin(builtin) = callee.kind {
            if let (called::APPLY, [callee, arguments @ ..]) = (builtin, arguments)
                && let [_, ..] = arguments
            {
                return self.failure(expr, callee, self.spread(arguments), &[]);
            }
            if builtin == called::CHECK_VALUES {
                return self.wrong_values(expr, arguments);
            }
        }
        self.failure(expr, callee, Some(arguments.len()), arguments)
    }

    /// How many arguments there are if the last one is a sequence of them.
    fn spread(&self, arguments: &[Expr]) -> Option<usize> {
        let (last, first) = arguments.split_last()?;
        let last = match last.kind {
            ExprKind::Local(id) => *self.lengths.get(&id)?,
            _ => length(last)?,
        };
        Some(first.len() + last)
    }

    /// `define-values` with a wrong number of values.
    fn wrong_values(&self, expr: &Expr, arguments: &[Expr]) -> Option<Box<Diagnostic>> {
        let [list, count, has_rest] = arguments else {
            return None;
        };
        let ExprKind::Local(list) = list.kind else {
            return None;
        };
        let got = *self.lengths.get(&list)?;
        let (ExprKind::Const(DatumKind::Int(count)), ExprKind::Const(DatumKind::Bool(has_rest))) =
            (&count.kind, &has_rest.kind)
        else {
            return None;
        };
        let minimum = usize::try_from(*count).ok()?;
        let maximum = (!has_rest).then_some(minimum);
        wrong_count(expr, "<lambda>", (minimum, maximum), got)
    }

    /// Why a call fails of which it is known, perhaps, how many arguments it has.
    fn failure(
        &self,
        expr: &Expr,
        callee: &Expr,
        got: Option<usize>,
        arguments: &[Expr],
    ) -> Option<Box<Diagnostic>> {
        let literal;
        let known = match &callee.kind {
            ExprKind::Builtin(builtin) => {
                let name = builtin.name();
                if let Some(value) = builtin.constant() {
                    let kind = match value {
                        Constant::Float(_) => "float",
                        Constant::Stream(_) => "stream",
                    };
                    return Some(self.not_callable(expr, name, kind, arguments));
                }
                if name.starts_with('%') {
                    return None;
                }
                let arity = self.builtins.resolve(name)?.arity?;
                let takes = (usize::from(arity.min), arity.max.map(usize::from));
                return wrong_count(expr, name, takes, got?);
            }
            ExprKind::Const(DatumKind::Keyword(name)) => {
                let name = format!(":{}", self.interner.resolve(name));
                return wrong_count(expr, &name, (1, Some(2)), got?);
            }
            ExprKind::Global(id) => {
                if let Some(kind) = self.values.get(id) {
                    let global = self.unit.globals.get(id.0 as usize)?;
                    let name = &*global.name;
                    let mut problem = self.not_callable(expr, name, kind, arguments);
                    if self.builtins.resolve(name).is_some() {
                        problem.hint = Some(format!(
                            "the program defines '{name}', which hides the builtin"
                        ));
                    }
                    return Some(problem);
                }
                self.globals.get(id)?
            }
            ExprKind::Local(id) => {
                if let Some(kind) = self.local_values.get(id) {
                    let name = self.unit.variables.get(id.0 as usize)?.name.clone();
                    return Some(self.not_callable(expr, &name, kind, arguments));
                }
                self.locals.get(id)?
            }
            ExprKind::Lambda(lambda) => {
                literal = Known::local(lambda);
                &literal
            }
            _ => return None,
        };
        wrong_count(expr, &known.name, (known.minimum, known.maximum), got?)
    }

    /// A value is called that has a name.
    fn not_callable(
        &self,
        expr: &Expr,
        name: &str,
        kind: &str,
        arguments: &[Expr],
    ) -> Box<Diagnostic> {
        let message = format!("not callable: {name} ({kind})");
        let hint = match (kind, arguments) {
            (_, []) => format!("'{name}' is no function: its value is had without parentheses"),
            ("map", [_]) => format!("what lies under a key is had with (get {name} key)"),
            ("list" | "vector" | "string", [_]) => {
                format!("an element is had with (nth {name} index)")
            }
            (_, [operator, ..]) => match &operator.kind {
                ExprKind::Builtin(operator) if is_operator(operator.name()) => {
                    format!("operators stand in front: ({} {name} ...)", operator.name())
                }
                _ => format!(
                    "'{name}' is no function: a list of values is made with (list {name} ...)"
                ),
            },
        };
        Diagnostic::warning(expr.span, "W0209", Condition::Eval, message).with_hint(hint)
    }
}

fn is_operator(name: &str) -> bool {
    matches!(name, "+" | "-" | "*" | "/" | "=" | "<" | ">" | "<=" | ">=")
}

fn wrong_count(
    expr: &Expr,
    name: &str,
    (minimum, maximum): (usize, Option<usize>),
    got: usize,
) -> Option<Box<Diagnostic>> {
    if got >= minimum && maximum.is_none_or(|maximum| got <= maximum) {
        return None;
    }
    let mut problem = Diagnostic::arity(expr.span, name, minimum, maximum, got).as_warning();
    problem.code = "W0202";
    Some(problem)
}

/// The type of an expression's value if it is no function, as conditions name it.
fn type_of(expr: &Expr) -> Option<&'static str> {
    match &expr.kind {
        ExprKind::Const(DatumKind::Keyword(_) | DatumKind::Builtin(..) | DatumKind::Opaque(_)) => {
            None
        }
        ExprKind::Const(kind) => Some(type_name(kind)),
        ExprKind::Call(callee, _) => match callee.kind {
            ExprKind::Builtin(builtin) => match builtin.facts().result {
                Kind::Nil => Some("nil"),
                Kind::Bool => Some("bool"),
                Kind::Int | Kind::Count | Kind::Integer => Some("int"),
                Kind::Float => Some("float"),
                Kind::Char => Some("char"),
                Kind::String => Some("string"),
                Kind::Symbol => Some("symbol"),
                Kind::List | Kind::Pair => Some("list"),
                Kind::Vector => Some("vector"),
                Kind::Map | Kind::SortedMap => Some("map"),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}
