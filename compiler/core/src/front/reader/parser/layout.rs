//! What the indentation says about where collections end: signs of missing closers.
//!
//! A collection has ended where a form begins a line no farther right than the collection itself. That says little
//! of one that does not begin its line: its parts may hang below the line. It is taken for such unless it holds
//! names or other collections, or an earlier line of it stood farther right.

use super::super::error::Bracket;
use crate::front::datum::Span;

/// Forms whose first operand holds names, or the one behind their own name.
const NAMES_FIRST: &[&str] = &[
    "define",
    "define-values",
    "do",
    "dotimes",
    "fn",
    "for-range",
    "guard",
    "lambda",
    "let",
    "let*",
    "let*-values",
    "let-values",
    "letrec",
    "letrec*",
    "parameterize",
    "with-open",
    "with-stream",
];

/// Forms whose second operand does.
const NAMES_SECOND: &[&str] = &["defmacro", "defn", "defun", "let"];

/// Whether an operand of a form holds names; `after_names` says that the operands before it are symbols.
pub(super) fn has_names_at(form: &str, place: usize, after_names: bool) -> bool {
    let forms = match place {
        1 => NAMES_FIRST,
        2 => NAMES_SECOND,
        _ => return false,
    };
    after_names && forms.contains(&form)
}

/// A collection that is being read.
#[derive(Clone, Copy)]
pub(super) struct Open {
    pub(super) bracket: Bracket,
    pub(super) span: Span,
    /// Where its elements begin among those of all collections.
    pub(super) base: usize,
    /// How far from the start of its line it is.
    column: usize,
    /// Whether it begins its line.
    begins_line: bool,
    /// Whether its parts stand farther right than itself.
    aligned: bool,
    /// Whether it is among the suspects.
    suspected: bool,
}

/// The collections being read, outermost first, and those that have ended by their indentation.
#[derive(Default)]
pub(super) struct Layout {
    open: Vec<Open>,
    /// With the form that begins where they have ended.
    suspects: Vec<(Open, Span)>,
    /// The last place that was looked at, and where its line begins.
    place: usize,
    line: usize,
}

impl Layout {
    /// That of a part of the same text.
    pub(super) fn of_part(&self) -> Layout {
        Layout {
            place: self.place,
            line: self.line,
            ..Layout::default()
        }
    }

    /// A form at top level begins.
    pub(super) fn begin_form(&mut self) {
        self.suspects.clear();
    }

    /// A collection begins that holds names, or not; its elements will begin at `base`.
    pub(super) fn enter(
        &mut self,
        text: &str,
        span: Span,
        bracket: Bracket,
        base: usize,
        holds_names: bool,
    ) {
        let (column, begins_line) = self.place_in_line(text, span.start);
        let behind = text.get(span.end as usize..).unwrap_or_default();
        let hangs = behind
            .trim_start_matches([' ', '\t', '\r'])
            .starts_with('\n');
        let holds_collections = behind.starts_with(['(', '[']);
        self.open.push(Open {
            bracket,
            span,
            base,
            column,
            begins_line,
            aligned: !hangs && (holds_names || holds_collections),
            suspected: false,
        });
    }

    /// The innermost collection ends.
    pub(super) fn leave(&mut self) {
        self.open.pop();
    }

    pub(super) fn innermost(&self) -> Option<&Open> {
        self.open.last()
    }

    /// Whether a collection around the innermost one is closed by such a bracket.
    pub(super) fn outer_is(&self, bracket: Bracket) -> bool {
        let outer = self.open.split_last();
        outer.is_some_and(|(_, outer)| outer.iter().any(|open| open.bracket == bracket))
    }

    /// A form begins: notes the collections that should have ended before it.
    pub(super) fn form_begins(&mut self, text: &str, span: Span, is_collection: bool) {
        if self.open.is_empty() {
            return;
        }
        let (column, begins_line) = self.place_in_line(text, span.start);
        if !begins_line {
            return;
        }
        for open in &mut self.open {
            if column > open.column {
                open.aligned = true;
                continue;
            }
            // Lines of numbers and names in long data begin anywhere.
            let ended = open.aligned || (open.begins_line && is_collection);
            if ended && !open.suspected {
                open.suspected = true;
                self.suspects.push((*open, span));
            }
        }
    }

    /// A collection with such a bracket that was closed later than its indentation says.
    pub(super) fn closed_late(&self, bracket: Bracket) -> Option<Span> {
        let is_open = |span: Span| self.open.iter().any(|open| open.span == span);
        let mut suspects = self.suspects.iter();
        let found = suspects.find(|(one, _)| one.bracket == bracket && !is_open(one.span))?;
        Some(found.0.span)
    }

    /// The collections that have ended by their indentation, at most as many as are open.
    pub(super) fn suspects(&mut self) -> Vec<(Open, Span)> {
        let mut suspects = std::mem::take(&mut self.suspects);
        suspects.truncate(self.open.len());
        suspects
    }

    /// How far from the start of its line a place is, and whether there is nothing but space before it. Places come one
    /// after the other.
    fn place_in_line(&mut self, text: &str, start: u32) -> (usize, bool) {
        let start = start as usize;
        let passed = text.get(self.place..start).unwrap_or_default();
        if let Some(newline) = passed.rfind('\n') {
            self.line = self.place + newline + 1;
        }
        self.place = start;
        let line = text.get(self.line..start).unwrap_or_default();
        let mut backwards = line.bytes().rev();
        let begins_line = backwards.all(|byte| matches!(byte, b' ' | b'\t'));
        (line.len(), begins_line)
    }
}
