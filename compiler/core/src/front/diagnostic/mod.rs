//! Diagnostics: what the compiler has to say about a program, as data.
//!
//! Every part of the compiler makes [`Diagnostic`] values and hands them to a [`Diagnostics`] collection; only
//! [`render`] turns them into text. A diagnostic has a stable code (`E…` errors, `W…` warnings; E01xx is the
//! reader), a message in the wording of the language, a place, and one hint what to do.

pub mod render;
pub mod suggest;

use crate::front::datum::Span;
use crate::front::reader::ReadError;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// The program cannot be built.
    Error,
    /// The program can be built and probably does not do what was meant.
    Warning,
}

/// A place in the source and what is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What is there; may be empty.
    pub text: String,
}

/// One thing to say about a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Stable code, such as `E0101`.
    pub code: &'static str,
    /// What is wrong, in one line.
    pub message: String,
    /// Where, if that is known.
    pub primary: Option<Label>,
    /// Other places that explain it.
    pub secondary: Vec<Label>,
    /// Facts that explain it.
    pub notes: Vec<String>,
    /// What to do.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// A new error without a place.
    #[must_use]
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, message.into())
    }

    /// A new warning without a place.
    #[must_use]
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, message.into())
    }

    fn new(severity: Severity, code: &'static str, message: String) -> Self {
        Self {
            severity,
            code,
            message,
            primary: None,
            secondary: Vec::new(),
            notes: Vec::new(),
            hint: None,
        }
    }

    /// Sets the place.
    #[must_use]
    pub fn at(self, span: Span) -> Self {
        self.at_labelled(span, "")
    }

    /// Sets the place and says what is there.
    #[must_use]
    pub fn at_labelled(mut self, span: Span, text: impl Into<String>) -> Self {
        self.primary = Some(Label {
            span,
            text: text.into(),
        });
        self
    }

    /// Adds another place.
    #[must_use]
    pub fn with_secondary(mut self, span: Span, text: impl Into<String>) -> Self {
        self.secondary.push(Label {
            span,
            text: text.into(),
        });
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Sets what to do.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<&ReadError> for Diagnostic {
    fn from(error: &ReadError) -> Self {
        let mut diagnostic = Self::error(error.kind.code(), error.kind.to_string()).at(error.span);
        if let Some(related) = &error.related {
            diagnostic = diagnostic.with_secondary(related.span, related.label);
        }
        diagnostic.hint = error.kind.hint().map(str::to_owned);
        diagnostic
    }
}

/// Collects the diagnostics of one compilation, in the order in which they were found.
#[derive(Debug, Default)]
pub struct Diagnostics {
    items: Vec<Diagnostic>,
    errors: usize,
}

impl Diagnostics {
    /// An empty collection.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a diagnostic. The same one twice (as when a macro is expanded again) is kept once.
    pub fn emit(&mut self, diagnostic: Diagnostic) {
        if self.items.contains(&diagnostic) {
            return;
        }
        self.errors += usize::from(diagnostic.severity == Severity::Error);
        self.items.push(diagnostic);
    }

    /// Adds the errors of the reader.
    pub fn emit_read_errors(&mut self, errors: &[ReadError]) {
        errors.iter().for_each(|error| self.emit(error.into()));
    }

    /// The diagnostics in the order in which they were found.
    #[must_use]
    pub fn items(&self) -> &[Diagnostic] {
        &self.items
    }

    /// How many of them are errors.
    #[must_use]
    pub fn error_count(&self) -> usize {
        self.errors
    }

    /// Must the build stop?
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// Is there nothing to say?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collection_counts_errors_and_drops_repetitions() {
        let mut diagnostics = Diagnostics::new();
        diagnostics.emit(Diagnostic::warning("W0001", "odd"));
        assert!(!diagnostics.has_errors() && !diagnostics.is_empty());
        for _ in 0..2 {
            diagnostics.emit(
                Diagnostic::error("E0001", "wrong")
                    .at(Span::default())
                    .with_hint("do"),
            );
        }
        assert_eq!(
            (diagnostics.items().len(), diagnostics.error_count()),
            (2, 1)
        );
    }
}
