//! What code that only happens to run at build time must not do.
//!
//! Macro transformers run while a program is built, and what they use of its definitions. Nobody asked for their
//! effects: each use of a builtin that reaches outside of the build is guarded by a variable of the namespace, which is
//! true only while a transformer runs that may have effects. Evaluated code is not guarded: it has no such builtins.

use crate::hashing::HashSet;

use sema_machine::host::condition::ConditionKind;
use sema_machine::host::native::{Capabilities, Capability};
use sema_natives::NATIVES;

use crate::front::datum::{DatumKind, FileId, Interner, Span};
use crate::front::diagnostic::{Condition, Diagnostic};
use crate::ir::walk::for_each_child_mut;
use crate::ir::{Builtin, Expr, ExprKind, Global, GlobalId, Unit};

/// The variable that guards; no program can write its name.
pub(super) const ALLOWED: &str = " effects allowed";

/// The variable that guards evaluation, which only transformers may do.
pub(super) const EVALUATES: &str = " evaluation allowed";

/// The variable that says which builtin has been refused, and where, since it was nil, whatever the program made of that.
pub(super) const REFUSED: &str = " effect refused";

/// Builtins that take input from whoever runs the compiler, and those that run code which is not guarded.
const OTHERS: &[&str] = &[
    "read-line",
    "read-stdin",
    "*stdin*",
    "%eval",
    "%load-dynamic",
    "%import-dynamic",
];

/// Natives that ask for the capability of processes but only look.
const HARMLESS: &[&str] = &["sys/args", "sys/pid", "sys/which"];

/// What evaluated code of transformers may not do.
pub(super) fn denied() -> Capabilities {
    let mut outside = Capability::ALL.to_vec();
    outside.retain(|capability| !is_harmless(*capability));
    Capabilities::of(&outside)
}

/// Whether a capability only looks.
fn is_harmless(capability: Capability) -> bool {
    matches!(
        capability,
        Capability::None | Capability::FsRead | Capability::EnvRead
    )
}

/// The natives that reach outside of the build, and other builtins that are no functions of the library.
pub(super) fn with_effects() -> HashSet<Builtin> {
    let natives = NATIVES.all().iter().filter(|native| {
        let mut capabilities = native.capabilities.iter();
        capabilities.any(|capability| !is_harmless(*capability)) && !HARMLESS.contains(&native.name)
    });
    let natives = natives.map(|native| native.name);
    let named = natives.chain(OTHERS.iter().copied());
    named.filter_map(Builtin::find).collect()
}

/// Guards the uses of `effects` in a unit.
pub(super) fn guard(unit: &mut Unit, effects: &HashSet<Builtin>, interner: &mut Interner) {
    let mut add = |name: &str| {
        let number = u32::try_from(unit.globals.len()).unwrap_or(u32::MAX);
        unit.globals.push(Global {
            name: name.into(),
            shadows: None,
            definitions: 1,
            mutable: true,
            span: Default::default(),
        });
        GlobalId(number)
    };
    let variables = Variables {
        allowed: add(ALLOWED),
        evaluates: add(EVALUATES),
        refused: add(REFUSED),
    };
    for form in &mut unit.body {
        guard_expr(form, variables, effects, interner);
    }
}

/// What is said of a builtin that is refused.
pub(super) fn refusal(shown: &str, span: Span) -> Box<Diagnostic> {
    Diagnostic::eval(span, format!("'{shown}' is not called at build time"))
        .as_condition(Condition::Other(ConditionKind::PermissionDenied))
}

/// The variables of a unit.
#[derive(Clone, Copy)]
struct Variables {
    allowed: GlobalId,
    evaluates: GlobalId,
    refused: GlobalId,
}

/// What was refused, as text in a variable, and back.
fn note_of(shown: &str, span: Span) -> String {
    format!("{shown}\n{} {} {}", span.file.0, span.start, span.end)
}

/// Name and place of the builtin in such a note.
pub(super) fn noted(note: &str) -> (&str, Span) {
    let (shown, place) = note.split_once('\n').unwrap_or((note, ""));
    let mut numbers = place.split(' ').map(|number| number.parse().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    let span = Span {
        file: FileId(next()),
        start: next(),
        end: next(),
        ..Span::default()
    };
    (shown, span)
}

fn guard_expr(
    expr: &mut Expr,
    variables: Variables,
    effects: &HashSet<Builtin>,
    interner: &mut Interner,
) {
    for_each_child_mut(expr, &mut |child| {
        guard_expr(child, variables, effects, interner);
    });
    let ExprKind::Builtin(builtin) = expr.kind else {
        return;
    };
    if !effects.contains(&builtin) {
        return;
    }
    let span = expr.span;
    let shown = builtin.name().trim_start_matches('%');
    let condition = refusal(shown, span).condition_map(interner);
    let expr_of = |kind| Box::new(Expr::new(kind, span));
    let allowed = match builtin.name() {
        "%eval" => variables.evaluates,
        _ => variables.allowed,
    };
    let note = expr_of(ExprKind::Const(DatumKind::Str(note_of(shown, span).into())));
    let note = Expr::new(ExprKind::SetGlobal(variables.refused, note), span);
    let refuse = Expr::new(ExprKind::Throw(expr_of(ExprKind::Const(condition))), span);
    let allowed = expr_of(ExprKind::Global(allowed));
    let builtin = expr_of(ExprKind::Builtin(builtin));
    expr.kind = ExprKind::If(allowed, builtin, expr_of(ExprKind::Seq(vec![note, refuse])));
}
