//! Conditions: what natives and the VM raise.
//!
//! The error type is one word, so a native's result is two registers; making one is cold.

use std::borrow::Cow;

use crate::host::Host;
use crate::host::request::Request;
use crate::memory::value::Value;

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
}

macro_rules! condition_kinds {
    ($($(#[doc = $doc:literal])* $name:ident = $text:literal),* $(,)?) => {
        /// The `:type` of a condition.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ConditionKind { $($(#[doc = $doc])* $name),* }
        impl ConditionKind {
            /// All kinds.
            pub const ALL: &[ConditionKind] = &[$(ConditionKind::$name),*];
            /// The keyword's name.
            pub const fn name(self) -> &'static str { match self { $(ConditionKind::$name => $text),* } }
            /// The kind whose keyword has this name.
            pub fn from_name(name: &str) -> Option<ConditionKind> {
                ConditionKind::ALL.iter().copied().find(|kind| kind.name() == name)
            }
        }
    };
}

condition_kinds! {
    /// General run-time error.
    Eval = "eval",
    /// An operand of the wrong type.
    Type = "type-error",
    /// Wrong number of arguments.
    Arity = "arity",
    /// Unbound variable.
    Unbound = "unbound",
    /// Thrown by the program.
    User = "user",
    /// Files, processes, network.
    Io = "io",
    /// Language models.
    Llm = "llm",
    /// Reading source text.
    Reader = "reader",
    /// A capability or path that is not allowed.
    PermissionDenied = "permission-denied",
    /// A policy refused.
    PolicyDenied = "policy-denied",
    /// A defect of the runtime.
    Internal = "internal",
    /// The task was cancelled.
    Cancelled = "cancelled",
    /// A time limit passed.
    Timeout = "timeout",
    /// Something that needs what this runtime does not contain (a compiler, another tier).
    Unsupported = "unsupported",
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
    Condition::new(ConditionKind::Io, message).signal()
}

/// A `:type-error` condition `expected EXPECTED, got GOT` about `value`.
#[cold]
pub fn type_error(host: &Host, expected: impl Into<String>, value: Value) -> Box<Signal> {
    type_error_got(expected, type_name(host, value))
}

/// A `:type-error` condition about a value whose description is given.
#[cold]
pub fn type_error_got(expected: impl Into<String>, got: impl Into<String>) -> Box<Signal> {
    let (expected, got) = (expected.into(), got.into());
    Condition::new(
        ConditionKind::Type,
        format!("expected {expected}, got {got}"),
    )
    .with("expected", Extra::Text(expected))
    .with("got", Extra::Text(got))
    .signal()
}

/// An `:arity` condition; `max` is `None` for "or more".
#[cold]
pub fn arity_error(function: &str, min: usize, max: Option<usize>, got: usize) -> Box<Signal> {
    let plural = |n: usize| if n == 1 { "argument" } else { "arguments" };
    let (text, expected) = match max {
        Some(0) => ("no arguments".to_owned(), "0".to_owned()),
        Some(max) if max == min => (format!("{min} {}", plural(min)), min.to_string()),
        Some(max) if max == min + 1 => (
            format!("{min} or {max} arguments"),
            format!("{min} or {max}"),
        ),
        Some(max) => (format!("{min} to {max} arguments"), format!("{min}-{max}")),
        None => (format!("{min} or more arguments"), format!("{min}+")),
    };
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
