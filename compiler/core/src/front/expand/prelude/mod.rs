//! The macros that every program has.

mod binding;
mod control;
mod functions;
mod loops;
mod resources;
mod threading;
mod workflow;

use super::make::Maker;
use crate::front::datum::{Datum, DatumKind};
use crate::front::diagnostic::{Diagnostic, Fallible, type_name};

/// A macro of the prelude.
pub(crate) struct PreludeMacro {
    pub(crate) name: &'static str,
    /// At least this many operands.
    pub(crate) minimum: usize,
    /// At most this many.
    pub(crate) maximum: Option<usize>,
    pub(crate) expand: fn(&mut Maker<'_, '_>, &[Datum]) -> Fallible<Datum>,
}

impl std::fmt::Debug for PreludeMacro {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name)
    }
}

const fn at_least(
    name: &'static str,
    minimum: usize,
    expand: fn(&mut Maker<'_, '_>, &[Datum]) -> Fallible<Datum>,
) -> PreludeMacro {
    PreludeMacro {
        name,
        minimum,
        maximum: None,
        expand,
    }
}

const fn between(
    name: &'static str,
    minimum: usize,
    maximum: usize,
    expand: fn(&mut Maker<'_, '_>, &[Datum]) -> Fallible<Datum>,
) -> PreludeMacro {
    PreludeMacro {
        name,
        minimum,
        maximum: Some(maximum),
        expand,
    }
}

/// All macros of the prelude.
pub(crate) static PRELUDE: &[PreludeMacro] = &[
    at_least("->", 1, threading::first),
    at_least("->>", 1, threading::last),
    at_least("as->", 2, threading::named),
    at_least("some->", 1, threading::some),
    at_least("when-let", 1, binding::when_let),
    between("if-let", 3, 3, binding::if_let),
    at_least("dotimes", 1, loops::dotimes),
    at_least("for-range", 1, loops::for_range),
    at_least("guard", 1, control::guard),
    at_least("parameterize", 1, control::parameterize),
    at_least("with-stream", 1, resources::with_stream),
    at_least("with-open", 1, resources::with_stream),
    at_least("with-span", 2, resources::with_span),
    at_least("with-session", 2, resources::with_session),
    at_least("term/with-alt-screen", 0, resources::alt_screen),
    at_least("term/with-mouse", 0, resources::mouse),
    at_least("term/with-bracketed-paste", 0, resources::bracketed_paste),
    at_least("term/with-focus-events", 0, resources::focus_events),
    at_least("term/with-kitty-keys", 0, resources::kitty_keys),
    at_least("io/with-raw-mode", 0, resources::raw_mode),
    between("async/map", 2, 2, functions::async_map),
    between("async/pool-map", 3, 3, functions::async_pool_map),
    between("async/spawn-all", 1, 1, functions::async_spawn_all),
    at_least("parallel", 1, functions::parallel),
    at_least("parallel-settled", 1, functions::parallel_settled),
    at_least("pipeline", 1, functions::pipeline),
    at_least("pipeline-settled", 1, functions::pipeline_settled),
    between("with-retry", 2, 2, functions::with_retry),
    between("settled/ok?", 1, 1, functions::settled_ok),
    between("settled/err?", 1, 1, functions::settled_err),
    between("settled-partition", 1, 1, functions::settled_partition),
    between("ws/listen", 2, 2, functions::ws_listen),
    at_least("defworkflow", 3, workflow::defworkflow),
    between("phase", 1, 1, workflow::phase),
    at_least("step", 1, workflow::step),
    between("approval", 2, 2, workflow::approval),
    between("checkpoint", 1, 2, workflow::checkpoint),
    between("defpolicy", 2, 2, workflow::defpolicy),
    at_least("policy/without", 0, workflow::policy_without),
    between("workflow/run-form", 1, 1, workflow::run_form),
];

/// The public builtins that expansions use.
pub(crate) static USED_BUILTINS: &[&str] = &[
    "+",
    "<=",
    "=",
    ">",
    ">=",
    "and",
    "assoc",
    "async/map",
    "async/pool-map",
    "async/spawn-all",
    "car",
    "error",
    "foldl",
    "io/tty-raw!",
    "io/tty-restore!",
    "list",
    "list?",
    "nil?",
    "not",
    "null?",
    "otel/span",
    "otel/with-session",
    "parallel",
    "parallel-settled",
    "pipeline",
    "pipeline-settled",
    "settled-partition",
    "settled/err?",
    "settled/ok?",
    "stream/close",
    "term/disable-bracketed-paste",
    "term/disable-focus-events",
    "term/disable-kitty-keys!",
    "term/disable-mouse",
    "term/enable-bracketed-paste",
    "term/enable-focus-events",
    "term/enable-kitty-keys!",
    "term/enable-mouse",
    "term/enter-alt-screen",
    "term/hide-cursor",
    "term/leave-alt-screen",
    "term/show-cursor",
    "with-retry",
    "workflow/approval",
    "workflow/checkpoint",
    "workflow/phase",
    "workflow/policy-without",
    "workflow/run",
    "ws/listen",
];

/// The elements of an operand that must be a list or vector.
fn sequence<'d>(maker: &Maker<'_, '_>, operand: &'d Datum) -> Fallible<&'d [Datum]> {
    match &operand.kind {
        DatumKind::List(items) | DatumKind::Vector(items) => Ok(items),
        other => {
            let got = type_name(other);
            Err(Diagnostic::wrong_type(maker.span, "list or vector", got))
        }
    }
}

/// The first two elements of a binding; nil for what is missing.
fn binding(maker: &Maker<'_, '_>, operand: &Datum) -> Fallible<(Datum, Datum)> {
    let items = sequence(maker, operand)?;
    let item = |index: usize| items.get(index).cloned().unwrap_or_else(|| maker.nil());
    Ok((item(0), item(1)))
}
