//! Conditions: what natives and the VM raise.
//!
//! The error type is one word, so a native's result is two registers; making one is cold.

use std::borrow::Cow;

use crate::host::Host;
use crate::host::request::Request;
use crate::memory::value::Value;
use crate::platform::errors::with_common_numbers;

/// Result of a native function or of a part of one.
pub type Outcome<T = Value> = Result<T, Box<Signal>>;

// It comes back in two registers.
const _: () = assert!(size_of::<Outcome>() == 16);

/// Why a native function did not return a value.
pub enum Signal {
    /// A condition is raised.
    Raise(Condition),
    /// `throw`, `raise`: any value is raised.
    Throw(Value),
    /// The running task waits; it is resumed with the operation's result.
    Suspend(crate::task::Operation),
    /// The native's result is the result of this call (a tail call out of the native).
    TailCall(Value, Vec<Value>),
    /// The result is that of code that is only known now.
    Dynamic(Request),
    /// The program ends at once with this status.
    Exit(u8),
    /// The instruction that has just called a native means a host function: see [`crate::host::functions`].
    ByNumber,
}

macro_rules! condition_kinds {
    ($($(#[doc = $doc:literal])* $name:ident = $text:literal $code:literal),* $(,)?) => {
        /// The `:type` of a condition.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ConditionKind { $($(#[doc = $doc])* $name),* }
        impl ConditionKind {
            /// All kinds.
            pub const ALL: &[ConditionKind] = &[$(ConditionKind::$name),*];
            /// The keyword's name.
            pub const fn name(self) -> &'static str { match self { $(ConditionKind::$name => $text),* } }
            /// The code in the report of an uncaught condition; never reused.
            pub const fn code(self) -> &'static str { match self { $(ConditionKind::$name => $code),* } }
            /// The kind whose keyword has this name.
            pub fn from_name(name: &str) -> Option<ConditionKind> {
                ConditionKind::ALL.iter().copied().find(|kind| kind.name() == name)
            }
        }
    };
}

condition_kinds! {
    /// General run-time error.
    Eval = "eval" "E0901",
    /// An operand of the wrong type.
    Type = "type-error" "E0902",
    /// Wrong number of arguments.
    Arity = "arity" "E0903",
    /// Unbound variable.
    Unbound = "unbound" "E0904",
    /// Thrown by the program.
    User = "user" "E0905",
    /// Files, processes, network.
    Io = "io" "E0906",
    /// Language models.
    Llm = "llm" "E0907",
    /// Reading source text.
    Reader = "reader" "E0908",
    /// A capability or path that is not allowed.
    PermissionDenied = "permission-denied" "E0909",
    /// A policy refused.
    PolicyDenied = "policy-denied" "E0910",
    /// A defect of the runtime.
    Internal = "internal" "E0911",
    /// The task was cancelled.
    Cancelled = "cancelled" "E0912",
    /// A time limit passed.
    Timeout = "timeout" "E0913",
    /// Something that needs what this runtime does not contain (a compiler, another tier).
    Unsupported = "unsupported" "E0914",
}

/// Value of an extra entry of a condition map.
#[derive(Clone, Debug)]
pub enum Extra {
    /// A string.
    Text(String),
    /// An integer.
    Int(i64),
    /// A keyword.
    Keyword(String),
    /// Any value.
    Value(Value),
}

/// A condition before it becomes a map (when it is caught).
#[derive(Clone, Debug)]
pub struct Condition {
    /// The `:type`.
    pub kind: ConditionKind,
    /// The `:message`.
    pub message: Cow<'static, str>,
    /// Further entries, by keyword name.
    pub extra: Vec<(&'static str, Extra)>,
    /// How to avoid the error; printed when nobody catches it.
    pub hint: Option<Cow<'static, str>>,
}

impl Condition {
    /// A condition without extra entries.
    pub fn new(kind: ConditionKind, message: impl Into<Cow<'static, str>>) -> Condition {
        Condition {
            kind,
            message: message.into(),
            extra: Vec::new(),
            hint: None,
        }
    }

    /// Adds an entry.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: Extra) -> Condition {
        self.extra.push((key, value));
        self
    }

    /// Sets the hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Cow<'static, str>>) -> Condition {
        self.hint = Some(hint.into());
        self
    }

    /// Boxed up as the error of an [`Outcome`].
    #[cold]
    pub fn signal(self) -> Box<Signal> {
        Box::new(Signal::Raise(self))
    }
}

impl From<Condition> for Box<Signal> {
    #[cold]
    fn from(condition: Condition) -> Box<Signal> {
        condition.signal()
    }
}

/// An `:eval` condition.
#[cold]
pub fn eval_error(message: impl Into<Cow<'static, str>>) -> Box<Signal> {
    Condition::new(ConditionKind::Eval, message).signal()
}

/// An `:io` condition.
#[cold]
pub fn io_error(message: impl Into<Cow<'static, str>>) -> Box<Signal> {
    Condition::new(ConditionKind::Io, with_common_numbers(message.into())).signal()
}

/// A `:type-error` condition `expected EXPECTED, got GOT` about `value`.
#[cold]
pub fn type_error(host: &Host, expected: impl Into<String>, value: Value) -> Box<Signal> {
    let expected = expected.into();
    let message = format!(
        "expected {expected}, got {}",
        shown_kind(host, &expected, value)
    );
    type_error_shown(message, expected, type_name(host, value).to_owned())
}

/// What a value is, for a message about one of another kind than `expected`. "expected int, got int" would tell nothing.
pub(super) fn shown_kind(host: &Host, expected: &str, value: Value) -> String {
    let kind = type_name(host, value);
    let is_beyond = kind == "int" && host.heap.as_i64(value).is_none();
    match is_beyond && expected.contains("int") {
        true => format!("{kind} beyond 64 bits"),
        false => kind.to_owned(),
    }
}

/// A `:type-error` condition about a value whose description is given.
#[cold]
pub fn type_error_got(expected: impl Into<String>, got: impl Into<String>) -> Box<Signal> {
    let (expected, got) = (expected.into(), got.into());
    type_error_shown(format!("expected {expected}, got {got}"), expected, got)
}

/// A `:type-error` condition with this message.
#[cold]
fn type_error_shown(message: String, expected: String, got: String) -> Box<Signal> {
    Condition::new(ConditionKind::Type, message)
        .with("expected", Extra::Text(expected))
        .with("got", Extra::Text(got))
        .signal()
}

/// An `:eval` condition `WHAT, got GOT` about a value of another kind than `what` asks for: where the language makes that one
/// of the things that may be wrong with an argument.
#[cold]
pub fn wrong_kind(host: &Host, what: impl std::fmt::Display, value: Value) -> Box<Signal> {
    eval_error(format!("{what}, got {}", type_name(host, value)))
}

/// What a number of arguments from `min` to `max` is called: in messages (`1 or 2 arguments`) and in the
/// field `:expected` of a condition (`1 or 2`). `max` is `None` for "or more".
#[cold]
pub fn arity_texts(min: usize, max: Option<usize>) -> (String, String) {
    let plural = |n: usize| if n == 1 { "argument" } else { "arguments" };
    match max {
        Some(0) => ("no arguments".to_owned(), "0".to_owned()),
        Some(max) if max == min => (format!("{min} {}", plural(min)), min.to_string()),
        Some(max) if max == min + 1 => (
            format!("{min} or {max} arguments"),
            format!("{min} or {max}"),
        ),
        Some(max) => (format!("{min} to {max} arguments"), format!("{min}-{max}")),
        None => (format!("{min} or more arguments"), format!("{min}+")),
    }
}

/// An `:arity` condition; `max` is `None` for "or more".
#[cold]
pub fn arity_error(function: &str, min: usize, max: Option<usize>, got: usize) -> Box<Signal> {
    let (text, expected) = arity_texts(min, max);
    Condition::new(
        ConditionKind::Arity,
        format!("{function} expects {text}, got {got}"),
    )
    .with("function", Extra::Text(function.to_owned()))
    .with("expected", Extra::Text(expected))
    .with("got", Extra::Int(got as i64))
    .signal()
}

/// The name of a value's type in messages (functions are all `native-fn`, records `record`).
pub fn type_name(_host: &Host, value: Value) -> &'static str {
    match value.kind() {
        crate::memory::value::Kind::Closure => "native-fn",
        kind => kind.type_name(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_arguments() {
        let texts = [
            (0, Some(0)),
            (1, Some(1)),
            (2, Some(2)),
            (2, Some(3)),
            (1, Some(4)),
            (1, None),
            (2, None),
        ]
        .map(|(min, max)| arity_texts(min, max));
        let expected = [
            ("no arguments", "0"),
            ("1 argument", "1"),
            ("2 arguments", "2"),
            ("2 or 3 arguments", "2 or 3"),
            ("1 to 4 arguments", "1-4"),
            ("1 or more arguments", "1+"),
            ("2 or more arguments", "2+"),
        ];
        assert_eq!(
            texts,
            expected.map(|(text, field)| (text.to_owned(), field.to_owned()))
        );
    }

    #[test]
    fn every_kind_has_a_code_of_its_own() {
        let mut codes: Vec<_> = ConditionKind::ALL.iter().map(|kind| kind.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), ConditionKind::ALL.len());
        assert!(
            codes
                .iter()
                .all(|code| code.starts_with("E09") && code.len() == 5)
        );
    }
}
