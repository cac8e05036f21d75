//! Diagnostics as JSON: one shape for all commands.

use serde::Serialize;

use semac_core::front::datum::Span;
use semac_core::front::diagnostic::{Diagnostic, Label, Severity};
use semac_core::front::source::SourceMap;

/// A diagnostic. Lines and columns are counted from one, columns in characters; the end is behind the last one.
#[derive(Debug, Serialize)]
pub struct DiagnosticPart {
    /// `error` or `warning`.
    severity: &'static str,
    code: &'static str,
    message: String,
    /// Where, if that is known.
    #[serde(flatten)]
    place: Option<Place>,
    /// Other places that explain it.
    labels: Vec<LabelPart>,
    notes: Vec<String>,
    hint: Option<String>,
    /// The frames of code that failed while it ran, the innermost first.
    frames: Vec<FramePart>,
}

#[derive(Debug, Serialize)]
pub(super) struct Place {
    pub(super) file: String,
    pub(super) line: u32,
    pub(super) column: u32,
    pub(super) end_line: u32,
    pub(super) end_column: u32,
}

#[derive(Debug, Serialize)]
struct LabelPart {
    #[serde(flatten)]
    place: Place,
    text: String,
}

#[derive(Debug, Serialize)]
struct FramePart {
    function: String,
    file: Option<String>,
    line: Option<u32>,
    column: Option<u32>,
}

/// The place of a span; none if its text is not at hand.
pub(super) fn place(sources: &SourceMap, span: Span) -> Option<Place> {
    let file = sources.file(span.file)?;
    let (start, end) = (file.location(span.start), file.location(span.end));
    Some(Place {
        file: file.name().to_owned(),
        line: start.line,
        column: start.column,
        end_line: end.line,
        end_column: end.column,
    })
}

fn label(sources: &SourceMap, label: &Label) -> Option<LabelPart> {
    Some(LabelPart {
        place: place(sources, label.span)?,
        text: label.text.clone(),
    })
}

/// Diagnostics for scripts, in their order.
pub(super) fn parts(sources: &SourceMap, diagnostics: &[Diagnostic]) -> Vec<DiagnosticPart> {
    let part = |diagnostic: &Diagnostic| DiagnosticPart {
        severity: match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        },
        code: diagnostic.code,
        message: diagnostic.message.clone(),
        place: diagnostic
            .primary
            .as_ref()
            .and_then(|label| place(sources, label.span)),
        labels: diagnostic
            .primary
            .iter()
            .filter(|label| !label.text.is_empty())
            .chain(&diagnostic.secondary)
            .filter_map(|one| label(sources, one))
            .collect(),
        notes: diagnostic.notes.clone(),
        hint: diagnostic.hint.clone(),
        frames: diagnostic
            .frames
            .iter()
            .map(|frame| FramePart {
                function: frame.name.clone(),
                file: frame.position.as_ref().map(|(file, _, _)| file.clone()),
                line: frame.position.as_ref().map(|(_, line, _)| *line),
                column: frame.position.as_ref().map(|(_, _, column)| *column),
            })
            .collect(),
    };
    diagnostics.iter().map(part).collect()
}
