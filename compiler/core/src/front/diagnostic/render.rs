//! Turns diagnostics into text. The only module that knows the crate which draws source excerpts.
//!
//! ```text
//! Error: unterminated list
//!  --> main.sema:3:1
//!   |
//! 3 | (define (f x)
//!   | ^
//!   |
//!   = hint: add the closing `)`
//!   = code: E0112
//! ```
//!
//! The frames of code that failed while it ran follow. Where there is no source to show, the text is
//! that of the runtime's own reports ([`sema_machine::vm::Uncaught::render`]).

use std::borrow::Cow;
use std::io::IsTerminal;
use std::ops::Range;

use annotate_snippets::renderer::DEFAULT_TERM_WIDTH;
use annotate_snippets::{
    Annotation, AnnotationKind, Group, Level, Origin, Renderer as Drawer, Snippet,
};

use sema_machine::vm::{FrameInfo, write_fact, write_frames, write_place};

use super::{Diagnostic, EXPANSION, Label, Severity, span_of};
use crate::front::datum::FileId;
use crate::front::source::{SourceFile, SourceMap};

/// Draws diagnostics.
#[derive(Clone, Debug)]
pub struct Renderer {
    drawer: Drawer,
}

impl Renderer {
    /// A renderer with or without ANSI colours.
    #[must_use]
    pub fn new(colour: bool) -> Self {
        let drawer = if colour {
            Drawer::styled()
        } else {
            Drawer::plain()
        };
        Self {
            drawer: drawer.term_width(DEFAULT_TERM_WIDTH),
        }
    }

    /// The text of a diagnostic, ending in a line feed.
    #[must_use]
    pub fn render(&self, sources: &SourceMap, diagnostic: &Diagnostic) -> String {
        let level = match diagnostic.severity {
            Severity::Error => Level::ERROR.with_name("Error"),
            Severity::Warning => Level::WARNING.with_name("Warning"),
        };
        let title = Group::with_title(level.primary_title(diagnostic.message.as_str()));
        let snippets = snippets(sources, diagnostic);
        let mut text = if snippets.is_empty() {
            self.without_excerpt(title, diagnostic)
        } else {
            self.with_excerpts(title, snippets, diagnostic)
        };
        write_frames(&mut text, shown_frames(sources, diagnostic));
        text
    }

    fn with_excerpts<'a>(
        &self,
        mut group: Group<'a>,
        excerpts: Vec<Excerpt<'a>>,
        diagnostic: &'a Diagnostic,
    ) -> String {
        for excerpt in excerpts {
            if let Some(origin) = excerpt.origin {
                group = group.element(origin);
            }
            group = group.element(excerpt.snippet);
        }
        if let Some(hint) = &diagnostic.hint {
            group = group.element(Level::HELP.with_name("hint").message(hint.as_str()));
        }
        for note in &diagnostic.notes {
            group = group.element(Level::NOTE.with_name("note").message(note.as_str()));
        }
        group = group.element(Level::INFO.with_name("code").message(diagnostic.code));
        let mut text = self.drawer.render(&[group]);
        text.push('\n');
        text
    }

    /// The same as the runtime writes it, which has no excerpts.
    fn without_excerpt(&self, title: Group<'_>, diagnostic: &Diagnostic) -> String {
        let mut text = self.drawer.render(&[title]);
        text.push('\n');
        let place = diagnostic.frames.first();
        if let Some(place) = place.and_then(|frame| frame.position.as_ref()) {
            write_place(&mut text, place);
        }
        if let Some(hint) = &diagnostic.hint {
            write_fact(&mut text, "hint", hint);
        }
        for note in &diagnostic.notes {
            write_fact(&mut text, "note", note);
        }
        write_fact(&mut text, "code", diagnostic.code);
        text
    }

    /// The texts of several diagnostics, separated by empty lines.
    #[must_use]
    pub fn render_all(&self, sources: &SourceMap, diagnostics: &[Diagnostic]) -> String {
        diagnostics
            .iter()
            .map(|diagnostic| self.render(sources, diagnostic))
            .collect::<Vec<_>>()
            .join("\n")
    }
}

/// Should text on standard error be coloured: is it a terminal, and is `NO_COLOR` unset or empty?
///
/// For command line shells; the compiler itself does not look at its surroundings.
#[must_use]
pub fn standard_error_takes_colour() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && std::io::stderr().is_terminal()
}

/// The frames of code that failed. A macro with one frame needs none: the excerpt shows its place.
fn shown_frames<'d>(sources: &SourceMap, diagnostic: &'d Diagnostic) -> &'d [FrameInfo] {
    match &diagnostic.frames[..] {
        [only] if diagnostic.code == EXPANSION && span_of(only, sources).is_some() => &[],
        frames => frames,
    }
}

/// Bytes between two labels of a file that one excerpt shows. What lies between is read whenever it is drawn.
const MOST_BETWEEN: u32 = 4096;

/// One excerpt per file and place in it, that of the primary label first.
fn snippets<'a>(sources: &'a SourceMap, diagnostic: &'a Diagnostic) -> Vec<Excerpt<'a>> {
    let primary = diagnostic
        .primary
        .iter()
        .map(|label| (AnnotationKind::Primary, label));
    let secondary = diagnostic
        .secondary
        .iter()
        .map(|label| (AnnotationKind::Context, label));
    let labels: Vec<_> = primary.chain(secondary).collect();
    let mut places: Vec<(FileId, Vec<(AnnotationKind, &Label)>)> = Vec::new();
    for (kind, label) in labels {
        let span = label.span;
        let is_near = |(_, other): &(AnnotationKind, &Label)| {
            other.span.start.abs_diff(span.start) <= MOST_BETWEEN
        };
        let place = places
            .iter_mut()
            .find(|(file, others)| *file == span.file && others.iter().any(is_near));
        match place {
            Some((_, others)) => others.push((kind, label)),
            None => places.push((span.file, vec![(kind, label)])),
        }
    }
    let excerpts = places.into_iter();
    excerpts
        .filter_map(|(file, labels)| Some(excerpt(sources.file(file)?, labels.into_iter())))
        .collect()
}

/// Lines of a source and the labels in them.
struct Excerpt<'a> {
    /// The place, if the lines do not say it because their beginning is left out.
    origin: Option<Origin<'a>>,
    snippet: Snippet<'a, Annotation<'a>>,
}

/// Bytes of a line before and behind labels that an excerpt shows. All of it would be measured whenever it is drawn.
const MOST_AROUND: usize = 400;

/// What stands for the beginning of a line that is left out.
const LEFT_OUT: &str = "...";

fn excerpt<'a>(
    file: &'a SourceFile,
    labels: impl Iterator<Item = (AnnotationKind, &'a Label)>,
) -> Excerpt<'a> {
    let marks: Vec<_> = labels
        .map(|(kind, label)| (kind, first_line(file, label), label))
        .collect();
    let first = marks
        .iter()
        .map(|(_, range, _)| range.start)
        .min()
        .unwrap_or(0);
    let last = marks
        .iter()
        .map(|(_, range, _)| range.end)
        .max()
        .unwrap_or(0);
    // Only the lines between the labels, which are near, are handed over: a large file costs nothing.
    let text = file.text();
    let start = text
        .get(..first)
        .and_then(|before| before.rfind('\n'))
        .map_or(0, |at| at + 1);
    let end = text
        .get(last..)
        .and_then(|after| after.find('\n'))
        .map_or(text.len(), |at| last + at);
    // A carriage return before the line feed would be drawn.
    let end = if text.get(last..end).is_some_and(|rest| rest.ends_with('\r')) {
        end - 1
    } else {
        end
    };
    let line = file.location(u32::try_from(start).unwrap_or(u32::MAX)).line;
    let end = text.floor_char_boundary(end.min(last + MOST_AROUND));
    let from = text.floor_char_boundary(start.max(first.saturating_sub(MOST_AROUND)));
    let is_cut = from > start;
    let shift = |at: usize| at - from + if is_cut { LEFT_OUT.len() } else { 0 };
    let lines = text.get(from..end).unwrap_or_default();
    let shown = match is_cut {
        true => Cow::Owned(format!("{LEFT_OUT}{lines}")),
        false => Cow::Borrowed(lines),
    };
    let place = marks
        .iter()
        .find(|(kind, ..)| matches!(kind, AnnotationKind::Primary));
    let place = place
        .or(marks.first())
        .map_or(first, |(_, range, _)| range.start);
    let annotations = marks.into_iter().map(|(kind, range, label)| {
        let annotation = kind.span(shift(range.start)..shift(range.end));
        if label.text.is_empty() {
            annotation
        } else {
            annotation.label(label.text.as_str())
        }
    });
    let snippet = Snippet::source(shown)
        .line_start(line as usize)
        .annotations(annotations);
    if !is_cut {
        let snippet = snippet.path(file.name());
        return Excerpt {
            origin: None,
            snippet,
        };
    }
    let place = file.location(u32::try_from(place).unwrap_or(u32::MAX));
    let origin = Origin::path(file.name())
        .line(place.line as usize)
        .char_column(place.column as usize);
    Excerpt {
        origin: Some(origin),
        snippet,
    }
}

/// The part of a label's span that is in its first line: a form may be long, its start says enough. The
/// result lies within the text and on character boundaries, whatever the span.
fn first_line(file: &SourceFile, label: &Label) -> Range<usize> {
    let text = file.text();
    let start = text.floor_char_boundary(label.span.start as usize);
    let end = text.floor_char_boundary(label.span.end as usize).max(start);
    let span = text.get(start..end).unwrap_or_default();
    let line = span.split(['\r', '\n']).next().unwrap_or_default();
    start..start + line.len()
}
