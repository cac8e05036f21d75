//! Diagnostics: what there is to say about a program, as data.
//!
//! Every part of the compiler makes [`Diagnostic`] values, from the reader to the report of a condition that
//! nobody caught under `semac run`; only [`render`] turns them into text. A diagnostic has a stable code, a
//! message in the wording of the language, a place, and one hint what to do.
//!
//! | codes | about |
//! |-------|-------|
//! | E00xx | the compiler's surroundings |
//! | E01xx | the reader |
//! | E02xx, W02xx | forms and names |
//! | E03xx | macros |
//! | E04xx, W04xx | modules and files |
//! | E05xx | limits of the module format |
//! | E09xx | conditions that a running program did not catch |

mod condition;
pub mod foreign;
pub mod render;
pub mod suggest;
mod uncaught;

use sema_machine::host::condition::arity_texts;
use sema_machine::vm::FrameInfo;

use crate::front::datum::Span;
use crate::front::reader::ReadError;
pub use condition::{Condition, type_name};
pub use uncaught::span_of;

/// Code of the errors of macro transformers.
pub const EXPANSION: &str = "E0301";

/// Code of the warning about files whose paths are computed.
pub const COMPUTED_PATH: &str = "W0402";

/// Code of the warning about places where a program needs a compiler when it runs.
pub const NEEDS_COMPILER: &str = "W0406";

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// The program cannot be built.
    Error,
    /// The program can be built; a run may fail here, or does not do what was meant.
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
///
/// A mistake in code that is only evaluated at run time (`eval` of a constant) must be a condition that the
/// program can catch, so a diagnostic carries the condition's type and fields beside the text for people.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Stable code, such as `E0101`; never reused.
    pub code: &'static str,
    /// The condition it is at run time.
    pub condition: Condition,
    /// What is wrong, in one line, in the words of the language reference.
    pub message: String,
    /// Where, if that is known.
    pub primary: Option<Label>,
    /// Other places that explain it.
    pub secondary: Vec<Label>,
    /// Facts that explain it.
    pub notes: Vec<String>,
    /// What to do.
    pub hint: Option<String>,
    /// The frames of code that failed while it ran, the innermost first.
    pub frames: Vec<FrameInfo>,
}

/// A result whose failure is one diagnostic.
pub type Fallible<T> = Result<T, Box<Diagnostic>>;

impl Diagnostic {
    fn new(severity: Severity, code: &'static str, message: impl Into<String>) -> Box<Self> {
        Box::new(Self {
            severity,
            code,
            condition: Condition::Eval,
            message: message.into(),
            primary: None,
            secondary: Vec::new(),
            notes: Vec::new(),
            hint: None,
            frames: Vec::new(),
        })
    }

    /// A new error without a place.
    #[must_use]
    pub fn error(code: &'static str, message: impl Into<String>) -> Box<Self> {
        Self::new(Severity::Error, code, message)
    }

    /// Something at this place that will fail if it is reached.
    #[must_use]
    pub fn warning(
        span: Span,
        code: &'static str,
        condition: Condition,
        message: impl Into<String>,
    ) -> Box<Self> {
        Self::new(Severity::Warning, code, message)
            .as_condition(condition)
            .at(span)
    }

    /// A malformed form.
    pub fn eval(span: Span, message: impl Into<String>) -> Box<Self> {
        Self::error("E0201", message).at(span)
    }

    /// A datum of the wrong kind in a form.
    pub fn wrong_type(span: Span, expected: &'static str, got: &'static str) -> Box<Self> {
        let condition = Condition::Type {
            expected: expected.into(),
            got: got.into(),
        };
        Self::error("E0202", format!("expected {expected}, got {got}"))
            .as_condition(condition)
            .at(span)
    }

    /// A form with the wrong number of operands.
    pub fn arity(
        span: Span,
        name: &str,
        minimum: usize,
        maximum: Option<usize>,
        got: usize,
    ) -> Box<Self> {
        let (text, expected) = arity_texts(minimum, maximum);
        let condition = Condition::Arity {
            function: name.to_owned(),
            expected,
            got: i64::try_from(got).unwrap_or(i64::MAX),
        };
        Self::error("E0203", format!("{name} expects {text}, got {got}"))
            .as_condition(condition)
            .at(span)
    }

    /// A file that cannot be read.
    pub fn file(span: Span, message: String) -> Box<Self> {
        Self::warning(span, "W0401", Condition::Io, message)
    }

    /// A module or package that cannot be used.
    pub fn module(span: Span, message: String) -> Box<Self> {
        Self::error("E0402", message).at(span)
    }

    /// An error of the reader; `text` is what was read.
    pub fn reader(error: &ReadError, text: &str) -> Box<Self> {
        let condition = Condition::Reader(error.located_message(text));
        let diagnostic = Self::error(error.kind.code(), error.kind.to_string())
            .as_condition(condition)
            .at(error.span);
        let diagnostic = match &error.related {
            Some(related) => diagnostic.with_secondary(related.span, related.label),
            None => diagnostic,
        };
        diagnostic.with_optional_hint(error.kind.hint())
    }

    /// Sets the place; none if it is the span of nothing.
    #[must_use]
    pub fn at(self: Box<Self>, span: Span) -> Box<Self> {
        self.at_labelled(span, "")
    }

    /// Sets the place and says what is there.
    #[must_use]
    pub fn at_labelled(mut self: Box<Self>, span: Span, text: impl Into<String>) -> Box<Self> {
        let text = text.into();
        self.primary = (span != Span::default()).then_some(Label { span, text });
        self
    }

    /// Sets the condition it is at run time; `:eval` if nothing is said.
    #[must_use]
    pub fn as_condition(mut self: Box<Self>, condition: Condition) -> Box<Self> {
        self.condition = condition;
        self
    }

    /// Turns it into a warning: the program decides at run time.
    #[must_use]
    pub fn as_warning(mut self: Box<Self>) -> Box<Self> {
        self.severity = Severity::Warning;
        self
    }

    /// Adds another place.
    #[must_use]
    pub fn with_secondary(mut self: Box<Self>, span: Span, text: impl Into<String>) -> Box<Self> {
        let text = text.into();
        self.secondary.push(Label { span, text });
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn with_note(mut self: Box<Self>, note: impl Into<String>) -> Box<Self> {
        self.notes.push(note.into());
        self
    }

    /// Sets what to do.
    #[must_use]
    pub fn with_hint(self: Box<Self>, hint: impl Into<String>) -> Box<Self> {
        self.with_optional_hint(Some(hint))
    }

    /// Sets what to do, if anything is known.
    #[must_use]
    pub fn with_optional_hint(mut self: Box<Self>, hint: Option<impl Into<String>>) -> Box<Self> {
        self.hint = hint.map(Into::into).or(self.hint);
        self
    }

    /// The place; the span of nothing if there is none.
    #[must_use]
    pub fn span(&self) -> Span {
        self.primary
            .as_ref()
            .map_or(Span::default(), |label| label.span)
    }

    /// Whether it keeps the program from being built.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}
