//! What people are told of builtins that have no name of their own: the form, or the builtin, that uses them.

use std::borrow::Cow;

use super::reach::Step;
use crate::ir::declarations;

/// Internal builtins and the forms that make them.
const FORMS: &[(&str, &str)] = &[
    ("%append-list", "quasiquote"),
    ("%append-vector", "quasiquote"),
    ("%check-map", "let"),
    ("%check-sequence", "let"),
    ("%check-values", "define-values"),
    ("%condition-value", "guard"),
    ("%context-pop-frame", "context/with"),
    ("%context-push-frame", "context/with"),
    ("%eval", "eval"),
    ("%force", "force"),
    ("%import-dynamic", "import"),
    ("%load-dynamic", "load"),
    ("%make-agent", "defagent"),
    ("%make-message", "message"),
    ("%make-multimethod", "defmulti"),
    ("%make-prompt", "prompt"),
    ("%make-record-type", "define-record-type"),
    ("%make-tool", "deftool"),
    ("%match-failed", "match"),
    ("%multimethod-add!", "defmethod"),
    ("%multimethod-dispatch", "defmulti"),
    ("%multimethod-invoke", "defmulti"),
    ("%multimethod-method", "defmulti"),
    ("%open-import", "import"),
    ("%open-load", "load"),
    ("%parameterize", "parameterize"),
    ("%read-all-data", "read/all"),
    ("%read-data", "read-many"),
    ("%read-datum", "read"),
    ("%read-string-datum", "read/string"),
    ("%sort-by-keys", "sort-by"),
    ("%str", "f\"...\""),
    ("%tool-schema", "deftool"),
    ("%values->list", "let-values"),
];

/// Whether a builtin is for the compiler's own use.
fn is_internal(name: &str) -> bool {
    name.starts_with('%')
}

/// What a builtin is called for people.
#[must_use]
pub fn shown(name: &str) -> Cow<'_, str> {
    let Some(inner) = name.strip_prefix('%') else {
        return Cow::Borrowed(name);
    };
    if let Some((_, form)) = FORMS.iter().find(|(internal, _)| *internal == name) {
        return Cow::Borrowed(form);
    }
    let family = inner.split('-').next().unwrap_or(inner);
    let prefix = format!("{family}/");
    if declarations::all().any(|one| one.name.starts_with(&prefix)) {
        return Cow::Owned(format!("{prefix}..."));
    }
    Cow::Borrowed(inner)
}

/// The names of builtins for people, each once.
#[must_use]
pub fn all_shown<'n>(names: impl IntoIterator<Item = &'n str>) -> Vec<String> {
    let mut all: Vec<String> = names
        .into_iter()
        .map(|name| shown(name).into_owned())
        .collect();
    all.sort();
    all.dedup();
    all
}

/// A way to a builtin without the library's inner functions, and what it leads to then: the last name that a program can
/// write.
#[must_use]
pub fn public_way(steps: Vec<Step>, end: &str) -> (Vec<Step>, String) {
    let inner = |step: &Step| step.library && step.function.as_deref().is_some_and(is_internal);
    let first_inner = steps.iter().find(|step| inner(step));
    let first_inner = first_inner.and_then(|step| step.function.clone());
    let mut kept: Vec<Step> = steps.into_iter().filter(|step| !inner(step)).collect();
    if !is_internal(end) {
        return (kept, end.to_owned());
    }
    match kept.pop_if(|step| step.library) {
        Some(Step {
            function: Some(function),
            ..
        }) => (kept, function),
        _ => {
            let name = first_inner.as_deref().unwrap_or(end);
            (kept, shown(name).into_owned())
        }
    }
}
