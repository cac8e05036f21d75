//! Conditions that running code did not catch, as diagnostics: of a program under `semac run`, and of
//! macro transformers.

use sema_machine::host::condition::{ConditionKind, Extra};
use sema_machine::vm::{FrameInfo, Uncaught};

use sema_natives::NATIVES;

use super::{Condition, Diagnostic};
use crate::front::datum::{Datum, DatumKind, FileId, Span, new_interner};
use crate::front::reader::read_many_limited;
use crate::front::source::SourceMap;
use crate::ir::library;

impl Diagnostic {
    /// The report of a condition that nothing caught. Its place is that of the innermost frame, if `sources`
    /// has the text.
    #[must_use]
    pub fn uncaught(uncaught: &Uncaught, sources: &SourceMap) -> Box<Diagnostic> {
        let mut frames = uncaught.frames.clone();
        let place = frames.first().and_then(|frame| span_of(frame, sources));
        for (name, _, _) in frames
            .iter_mut()
            .filter_map(|frame| frame.position.as_mut())
        {
            if let Some((_, file)) = sources
                .files()
                .find(|(_, file)| file.program_name() == name)
            {
                *name = file.name().into();
            }
        }
        let mut diagnostic = Diagnostic::error(uncaught.condition.kind.code(), uncaught.text())
            .as_condition(condition_of(uncaught))
            .at(place.unwrap_or_default())
            .with_optional_hint(uncaught.condition.hint.clone());
        if uncaught.condition.message.starts_with(NOT_CALLABLE) {
            let hint = place.and_then(|place| hint_for_callee(place, sources));
            diagnostic = diagnostic.with_optional_hint(hint);
        }
        diagnostic.frames = frames;
        diagnostic
    }
}

/// How the message begins when something is called that is no function.
const NOT_CALLABLE: &str = "not callable: ";

/// Why the operator of the call at a place is no function, as far as its text tells.
fn hint_for_callee(place: Span, sources: &SourceMap) -> Option<String> {
    let text = sources.file(place.file)?.text();
    let form = text.get(place.start as usize..place.end as usize)?;
    let mut interner = new_interner();
    let forms = read_many_limited(&mut interner, place.file, form, 1).ok()?;
    let DatumKind::List(items) = &forms.first()?.kind else {
        return None;
    };
    let operator = |datum: &Datum| match datum.kind {
        DatumKind::Symbol(symbol) => {
            let name = interner.resolve(&symbol);
            matches!(name, "+" | "-" | "*" | "/" | "=" | "<" | ">" | "<=" | ">=").then_some(name)
        }
        _ => None,
    };
    if let [_, middle, _] = &items[..]
        && let Some(sign) = operator(middle)
    {
        return Some(format!("operators stand in front: ({sign} ...)"));
    }
    match &items.first()?.kind {
        DatumKind::Symbol(symbol) => {
            let name = interner.resolve(symbol);
            let is_builtin = NATIVES.find(name).is_some() || library::ENTRIES.iter().any(|(entry, ..)| *entry == name);
            is_builtin.then(|| {
                format!("`{name}` is a variable here and hides the builtin of this name: give it another one")
            })
        }
        DatumKind::List(_) => Some(
            "the form behind the parenthesis gives a value that is no function: are there parentheses too many?".to_owned(),
        ),
        _ => None,
    }
}

fn condition_of(uncaught: &Uncaught) -> Condition {
    let field = |name| {
        let mut fields = uncaught.condition.extra.iter();
        fields.find_map(|(key, value)| (*key == name).then_some(value))
    };
    let text = |name| match field(name) {
        Some(Extra::Text(text)) => text.clone(),
        _ => String::new(),
    };
    match uncaught.condition.kind {
        ConditionKind::Eval => Condition::Eval,
        ConditionKind::Io => Condition::Io,
        ConditionKind::Type => Condition::Type {
            expected: text("expected").into(),
            got: text("got").into(),
        },
        ConditionKind::Arity => Condition::Arity {
            function: text("function"),
            expected: text("expected"),
            got: match field("got") {
                Some(Extra::Int(number)) => *number,
                _ => 0,
            },
        },
        ConditionKind::Unbound => Condition::Unbound(text("name")),
        ConditionKind::Reader => Condition::Reader(uncaught.condition.message.to_string()),
        ConditionKind::User => Condition::User(uncaught.condition.message.to_string()),
        other => Condition::Other(other),
    }
}

/// Where the form of a frame stands.
#[must_use]
pub fn span_of(frame: &FrameInfo, sources: &SourceMap) -> Option<Span> {
    let (name, line, column) = frame.position.as_ref()?;
    let (id, file) = sources
        .files()
        .find(|(_, file)| file.program_name() == name || file.name() == name)?;
    let start = file.offset(*line, *column)?;
    let rest = file.text().get(start as usize..)?;
    Some(Span {
        file: id,
        start,
        end: start.saturating_add(form_length(id, rest)),
        ..Span::default()
    })
}

/// The length of the form with which a text begins.
fn form_length(file: FileId, text: &str) -> u32 {
    let form = read_many_limited(&mut new_interner(), file, text, 1);
    let form = form
        .ok()
        .and_then(|forms| forms.first().map(|form| form.span));
    form.filter(|span| span.start == 0)
        .map_or(1, |span| span.end)
}
