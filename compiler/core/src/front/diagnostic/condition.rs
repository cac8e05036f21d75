//! The condition that a diagnostic is when its code is met at run time.

use std::borrow::Cow;
use std::rc::Rc;

use sema_machine::host::condition::{self as machine, ConditionKind, Extra};

use super::Diagnostic;
use crate::front::datum::{Datum, DatumKind, Interner};

/// The type and the fields of a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// `:eval`
    Eval,
    /// `:type-error` with `:expected` and `:got`.
    Type {
        /// What was wanted.
        expected: Cow<'static, str>,
        /// What was found.
        got: Cow<'static, str>,
    },
    /// `:arity` with `:function`, `:expected` and `:got`.
    Arity {
        /// The form or function.
        function: String,
        /// As in the condition: `2`, `1-3`, `2+`.
        expected: String,
        /// The number of operands.
        got: i64,
    },
    /// `:unbound` with `:name`.
    Unbound(String),
    /// `:io`
    Io,
    /// `:reader`; its message, which has the position in it.
    Reader(String),
    /// `:user`, raised by a macro transformer; the value in readable form.
    User(String),
    /// Another type, without fields.
    Other(ConditionKind),
}

/// The value of a field.
enum Field<'c> {
    Text(&'c str),
    Int(i64),
}

impl Condition {
    /// Its type.
    #[must_use]
    pub fn kind(&self) -> ConditionKind {
        match self {
            Condition::Eval => ConditionKind::Eval,
            Condition::Type { .. } => ConditionKind::Type,
            Condition::Arity { .. } => ConditionKind::Arity,
            Condition::Unbound(_) => ConditionKind::Unbound,
            Condition::Io => ConditionKind::Io,
            Condition::Reader(_) => ConditionKind::Reader,
            Condition::User(_) => ConditionKind::User,
            Condition::Other(kind) => *kind,
        }
    }

    /// Its fields beside type and message, by the names of their keywords.
    fn fields(&self) -> Vec<(&'static str, Field<'_>)> {
        match self {
            Condition::Type { expected, got } => {
                vec![
                    ("expected", Field::Text(expected)),
                    ("got", Field::Text(got)),
                ]
            }
            Condition::Arity {
                function,
                expected,
                got,
            } => vec![
                ("function", Field::Text(function)),
                ("expected", Field::Text(expected)),
                ("got", Field::Int(*got)),
            ],
            Condition::Unbound(name) => vec![("name", Field::Text(name))],
            Condition::User(value) => vec![("value", Field::Text(value))],
            Condition::Eval | Condition::Io | Condition::Reader(_) | Condition::Other(_) => {
                Vec::new()
            }
        }
    }
}

impl Diagnostic {
    /// The message of the condition that it is at run time.
    fn condition_message(&self) -> &str {
        match &self.condition {
            Condition::Reader(located) => located,
            _ => &self.message,
        }
    }

    /// The condition map whose `throw` raises it at run time.
    pub fn condition_map(&self, interner: &mut Interner) -> DatumKind {
        let span = self.span();
        let keyword =
            |interner: &mut Interner, name: &str| DatumKind::Keyword(interner.get_or_intern(name));
        let text = |text: &str| DatumKind::Str(Rc::from(text));
        let mut entries = vec![("type", keyword(interner, self.condition.kind().name()))];
        let fields = self.condition.fields().into_iter();
        entries.extend(fields.map(|(key, field)| match field {
            Field::Text(field) => (key, text(field)),
            Field::Int(number) => (key, DatumKind::Int(number)),
        }));
        entries.push(("message", text(self.condition_message())));
        let entries = entries.into_iter().map(|(key, kind)| {
            let key = keyword(interner, key);
            (Datum { kind: key, span }, Datum { kind, span })
        });
        DatumKind::Map(entries.collect())
    }

    /// The condition that it is when the code is compiled while the program runs.
    #[must_use]
    pub fn machine_condition(&self) -> machine::Condition {
        let message = self.condition_message().to_owned();
        let fields = self.condition.fields().into_iter();
        let fields = fields.map(|(key, field)| match field {
            Field::Text(text) => (key, Extra::Text(text.to_owned())),
            Field::Int(number) => (key, Extra::Int(number)),
        });
        machine::Condition {
            kind: self.condition.kind(),
            message: message.into(),
            extra: fields.collect(),
            hint: self.hint.clone().map(Cow::Owned),
        }
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
