//! What the front end finds wrong with a program.
//!
//! A mistake in code that is only evaluated at run time (`eval` of a constant) must be a condition that the
//! program can catch, so a problem carries the condition's type and fields beside the text for people.

use std::rc::Rc;

use crate::front::datum::{Datum, DatumKind, Interner, Span};

/// Code of the errors of macro transformers.
pub const EXPANSION: &str = "E0301";

/// Code of the warning about files whose paths are computed.
pub const COMPUTED_PATH: &str = "W0402";

/// Code of the warning about places where a program needs a compiler when it runs.
pub const NEEDS_COMPILER: &str = "W0406";

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The program cannot be built.
    Error,
    /// The program can be built; a run may fail here.
    Warning,
}

/// The condition that a problem is when it is met at run time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// `:eval`
    Eval,
    /// `:type-error` with `:expected` and `:got`.
    Type {
        /// What was wanted.
        expected: &'static str,
        /// What was found.
        got: &'static str,
    },
    /// `:arity` with `:function`, `:expected` and `:got`.
    Arity {
        /// The form or function.
        function: String,
        /// As in the condition: `2`, `1-3`, `2+`.
        expected: String,
        /// The number of operands.
        got: usize,
    },
    /// `:unbound` with `:name`.
    Unbound(String),
    /// `:io`
    Io,
    /// `:reader`; its message, which has the position in it.
    Reader(String),
    /// `:user`, raised by a macro transformer; the value in readable form.
    User(String),
}

/// A mistake or a doubtful place in a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Error or warning.
    pub severity: Severity,
    /// Stable code; never reused.
    pub code: &'static str,
    /// The condition it is at run time.
    pub condition: Condition,
    /// Where.
    pub span: Span,
    /// What is wrong, in the words of the language reference.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Other places that matter, each with a label.
    pub related: Vec<(Span, String)>,
}

/// A result whose failure is one problem.
pub type Fallible<T> = Result<T, Box<Problem>>;

impl Problem {
    fn new(
        severity: Severity,
        code: &'static str,
        condition: Condition,
        span: Span,
        message: String,
    ) -> Box<Problem> {
        Box::new(Problem {
            severity,
            code,
            condition,
            span,
            message,
            hint: None,
            related: Vec::new(),
        })
    }

    /// A malformed form.
    pub fn eval(span: Span, message: impl Into<String>) -> Box<Problem> {
        Problem::new(
            Severity::Error,
            "E0201",
            Condition::Eval,
            span,
            message.into(),
        )
    }

    /// A datum of the wrong kind in a form.
    pub fn wrong_type(span: Span, expected: &'static str, got: &'static str) -> Box<Problem> {
        let condition = Condition::Type { expected, got };
        let message = format!("expected {expected}, got {got}");
        Problem::new(Severity::Error, "E0202", condition, span, message)
    }

    /// A form with the wrong number of operands.
    pub fn arity(
        span: Span,
        name: &str,
        minimum: usize,
        maximum: Option<usize>,
        got: usize,
    ) -> Box<Problem> {
        let message = format!("{name} expects {}, got {got}", count_text(minimum, maximum));
        let expected = match maximum {
            None => format!("{minimum}+"),
            Some(maximum) if maximum == minimum => minimum.to_string(),
            Some(maximum) if maximum == minimum + 1 => format!("{minimum} or {maximum}"),
            Some(maximum) => format!("{minimum}-{maximum}"),
        };
        let condition = Condition::Arity {
            function: name.to_string(),
            expected,
            got,
        };
        Problem::new(Severity::Error, "E0203", condition, span, message)
    }

    /// A macro transformer or template that failed.
    pub fn expansion(span: Span, condition: Condition, message: String) -> Box<Problem> {
        Problem::new(Severity::Error, EXPANSION, condition, span, message)
    }

    /// A file that cannot be read.
    pub fn file(span: Span, message: String) -> Box<Problem> {
        Problem::new(Severity::Warning, "W0401", Condition::Io, span, message)
    }

    /// A module or package that cannot be used.
    pub fn module(span: Span, message: String) -> Box<Problem> {
        Problem::new(Severity::Error, "E0402", Condition::Eval, span, message)
    }

    /// A reader error, placed in a file of the program.
    pub fn reader(
        span: Span,
        code: &'static str,
        message: String,
        located: String,
    ) -> Box<Problem> {
        let condition = Condition::Reader(located);
        Problem::new(Severity::Error, code, condition, span, message)
    }

    /// Something that will fail if it is reached.
    pub fn warning(
        span: Span,
        code: &'static str,
        condition: Condition,
        message: String,
    ) -> Box<Problem> {
        Problem::new(Severity::Warning, code, condition, span, message)
    }

    /// Adds a hint.
    #[must_use]
    pub fn with_hint(mut self: Box<Self>, hint: impl Into<String>) -> Box<Problem> {
        self.hint = Some(hint.into());
        self
    }

    /// Turns it into a warning: the program decides at run time.
    #[must_use]
    pub fn as_warning(mut self: Box<Self>) -> Box<Problem> {
        self.severity = Severity::Warning;
        self
    }

    /// The condition map whose `throw` raises this problem at run time.
    pub fn condition_map(&self, interner: &mut Interner) -> DatumKind {
        let mut entries: Vec<(&str, DatumKind)> = Vec::new();
        let text = |text: &str| DatumKind::Str(Rc::from(text));
        let mut kind_name = |name: &str| DatumKind::Keyword(interner.get_or_intern(name));
        match &self.condition {
            Condition::Eval => entries.push(("type", kind_name("eval"))),
            Condition::Io => entries.push(("type", kind_name("io"))),
            Condition::Reader(_) => entries.push(("type", kind_name("reader"))),
            Condition::Type { expected, got } => {
                entries.push(("type", kind_name("type-error")));
                entries.push(("expected", text(expected)));
                entries.push(("got", text(got)));
            }
            Condition::Arity {
                function,
                expected,
                got,
            } => {
                entries.push(("type", kind_name("arity")));
                entries.push(("function", text(function)));
                entries.push(("expected", text(expected)));
                entries.push((
                    "got",
                    DatumKind::Int(i64::try_from(*got).unwrap_or(i64::MAX)),
                ));
            }
            Condition::Unbound(name) => {
                entries.push(("type", kind_name("unbound")));
                entries.push(("name", text(name)));
            }
            Condition::User(value) => {
                entries.push(("type", kind_name("user")));
                entries.push(("value", text(value)));
            }
        }
        let message = match &self.condition {
            Condition::Reader(located) => located,
            _ => &self.message,
        };
        entries.push(("message", text(message)));
        let span = self.span;
        let entries = entries.into_iter().map(|(key, kind)| {
            let key = DatumKind::Keyword(interner.get_or_intern(key));
            (Datum { kind: key, span }, Datum { kind, span })
        });
        DatumKind::Map(entries.collect())
    }
}

/// `2 arguments`, `1 or more arguments` and so on.
pub fn count_text(minimum: usize, maximum: Option<usize>) -> String {
    match maximum {
        None if minimum == 1 => "1 or more arguments".to_string(),
        None => format!("{minimum} or more arguments"),
        Some(0) => "no arguments".to_string(),
        Some(1) if minimum == 1 => "1 argument".to_string(),
        Some(maximum) if maximum == minimum => format!("{maximum} arguments"),
        Some(maximum) if maximum == minimum + 1 => format!("{minimum} or {maximum} arguments"),
        Some(maximum) => format!("{minimum} to {maximum} arguments"),
    }
}

/// The name of a datum's type, as error texts say it.
pub fn type_name(kind: &DatumKind) -> &'static str {
    match kind {
        DatumKind::Nil => "nil",
        DatumKind::Bool(_) => "bool",
        DatumKind::Int(_) | DatumKind::BigInt(_) => "int",
        DatumKind::Ratio(_) => "rational",
        DatumKind::Float(_) => "float",
        DatumKind::Complex(_) => "complex",
        DatumKind::Char(_) => "char",
        DatumKind::Str(_) => "string",
        DatumKind::Symbol(_) => "symbol",
        DatumKind::Keyword(_) => "keyword",
        DatumKind::List(_) => "list",
        DatumKind::Vector(_) => "vector",
        DatumKind::Map(_) => "map",
        DatumKind::Bytes(_) => "bytevector",
        DatumKind::F64Array(_) => "f64-array",
        DatumKind::I64Array(_) => "i64-array",
        DatumKind::Builtin(..) | DatumKind::Opaque(_) => "native-fn",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts() {
        let texts: Vec<_> = [
            (0, Some(0)),
            (1, Some(1)),
            (2, Some(2)),
            (2, Some(3)),
            (1, Some(4)),
            (1, None),
            (2, None),
        ]
        .into_iter()
        .map(|(minimum, maximum)| count_text(minimum, maximum))
        .collect();
        assert_eq!(
            texts,
            [
                "no arguments",
                "1 argument",
                "2 arguments",
                "2 or 3 arguments",
                "1 to 4 arguments",
                "1 or more arguments",
                "2 or more arguments"
            ]
        );
    }
}
