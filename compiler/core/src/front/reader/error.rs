//! What can be wrong with source text.

use sema_machine::data::number::literal::LiteralError;
use thiserror::Error;

use crate::front::datum::Span;
use crate::front::source::locate;

/// Data may be nested this deep; atoms count as a level.
pub const NESTING_LIMIT: usize = 256;

/// The highest `%k` in a short lambda.
pub const PLACEHOLDER_LIMIT: usize = 255;

/// A reader error and where it is.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{kind}")]
pub struct ReadError {
    /// What is wrong. Its `Display` is the message of the language.
    pub kind: ReadErrorKind,
    /// The text to point at. Its start is the position that a `:reader` condition reports.
    pub span: Span,
    /// A second place that explains the error.
    pub related: Option<Related>,
}

/// A second place that explains an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Related {
    /// The place.
    pub span: Span,
    /// What is there.
    pub label: &'static str,
}

impl ReadError {
    /// The message of a `:reader` condition, `TEXT at LINE:COLUMN`, for an error found in `text`.
    #[must_use]
    pub fn located_message(&self, text: &str) -> String {
        let location = locate(text, self.span.start);
        format!("{} at {}:{}", self.kind, location.line, location.column)
    }
}

/// A pair of brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bracket {
    /// `( )`
    Round,
    /// `[ ]`
    Square,
    /// `{ }`
    Curly,
}

impl Bracket {
    /// The opening character.
    #[must_use]
    pub fn opener(self) -> char {
        match self {
            Self::Round => '(',
            Self::Square => '[',
            Self::Curly => '{',
        }
    }

    /// The closing character.
    #[must_use]
    pub fn closer(self) -> char {
        match self {
            Self::Round => ')',
            Self::Square => ']',
            Self::Curly => '}',
        }
    }
}

/// The prefix characters that stand for a two-element list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Prefix {
    /// `'x`
    Quote,
    /// `` `x ``
    Quasiquote,
    /// `,x`
    Unquote,
    /// `,@x`
    UnquoteSplicing,
    /// `@x`
    Deref,
}

impl Prefix {
    /// The symbol at the head of the list.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Quote => "quote",
            Self::Quasiquote => "quasiquote",
            Self::Unquote => "unquote",
            Self::UnquoteSplicing => "unquote-splicing",
            Self::Deref => "deref",
        }
    }

    /// How it is written.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Quote => "'",
            Self::Quasiquote => "`",
            Self::Unquote => ",",
            Self::UnquoteSplicing => ",@",
            Self::Deref => "@",
        }
    }
}

/// What is wrong with source text. `Display` gives the wording of the language reference.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[expect(
    missing_docs,
    reason = "the message beside each variant says what it is"
)]
pub enum ReadErrorKind {
    #[error("source text is larger than 4 GiB")]
    TooLarge,
    #[error("unexpected character: '{0}'")]
    UnexpectedCharacter(char),
    #[error("unexpected character after #: '{0}'")]
    UnexpectedAfterHash(char),
    #[error("unexpected end of input after `#`")]
    EndAfterHash,
    #[error(r"unexpected end of input after #\")]
    EndAfterCharacterPrefix,
    #[error("invalid literal: {0}")]
    InvalidLiteral(String),
    #[error("unknown character name: {0}")]
    UnknownCharacterName(String),
    #[error("expected keyword name after ':'")]
    EmptyKeyword,
    #[error("{0}")]
    Number(LiteralError),
    #[error("unterminated string")]
    UnterminatedString,
    #[error("unterminated f-string")]
    UnterminatedFString,
    #[error("unterminated interpolation in f-string")]
    UnterminatedInterpolation,
    #[error("unterminated regex literal")]
    UnterminatedRegex,
    #[error(r"empty hex escape \x;")]
    EmptyHexEscape,
    #[error(r"hex escape \x missing terminating semicolon")]
    OpenHexEscape,
    #[error(r"invalid hex escape \x{0};")]
    HexEscapeOverflow(String),
    #[error(r"\{letter} escape requires exactly {digits} hex digits")]
    ShortUnicodeEscape { letter: char, digits: usize },
    #[error(r"invalid unicode scalar value \{0}")]
    NotAScalarValue(String),
    #[error("empty interpolation in f-string")]
    EmptyInterpolation,
    #[error("f-string interpolation is empty")]
    CommentOnlyInterpolation,
    #[error("f-string interpolation must contain exactly one expression")]
    SeveralInInterpolation,
    #[error("unexpected closing `{}`", .0.closer())]
    UnexpectedCloser(Bracket),
    #[error("mismatched bracket: expected `{}` to close `{}`, found `{}`", .open.closer(), .open.opener(), .found.closer())]
    MismatchedBracket { open: Bracket, found: Bracket },
    #[error("unterminated {0}")]
    Unterminated(&'static str),
    #[error("unexpected `.`")]
    UnexpectedDot,
    #[error("expected `)`, got {0}")]
    ExpectedCloser(String),
    #[error("unexpected end of input")]
    UnexpectedEnd,
    #[error("{} ({}) requires an expression after it", .0.name(), .0.text())]
    MissingOperand(Prefix),
    #[error("map literal must have even number of forms")]
    OddMap,
    #[error("#u8(...): byte value {0} out of range 0..255")]
    ByteOutOfRange(i64),
    #[error("#u8(...): expected integer byte value")]
    ExpectedByte,
    #[error("#f64(...): expected a real number")]
    ExpectedReal,
    #[error("#i64(...): expected an i64 integer")]
    ExpectedInteger,
    #[error("nested short lambdas are not allowed")]
    NestedShortLambda,
    #[error("short lambda placeholder %{0} exceeds the maximum of {PLACEHOLDER_LIMIT}")]
    PlaceholderTooLarge(usize),
    #[error("input nested too deeply (limit {NESTING_LIMIT})")]
    TooDeep,
}

impl ReadErrorKind {
    /// The stable code of the message. Codes are never reused.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnexpectedCharacter(_) => "E0101",
            Self::UnexpectedAfterHash(_) | Self::EndAfterHash => "E0102",
            Self::EndAfterCharacterPrefix | Self::UnknownCharacterName(_) => "E0103",
            Self::InvalidLiteral(_) => "E0104",
            Self::EmptyKeyword => "E0105",
            Self::Number(_) => "E0106",
            Self::UnterminatedString
            | Self::UnterminatedFString
            | Self::UnterminatedInterpolation
            | Self::UnterminatedRegex => "E0107",
            Self::EmptyHexEscape
            | Self::OpenHexEscape
            | Self::HexEscapeOverflow(_)
            | Self::ShortUnicodeEscape { .. }
            | Self::NotAScalarValue(_) => "E0108",
            Self::EmptyInterpolation
            | Self::CommentOnlyInterpolation
            | Self::SeveralInInterpolation => "E0109",
            Self::UnexpectedCloser(_) => "E0110",
            Self::MismatchedBracket { .. } => "E0111",
            Self::Unterminated(_) | Self::UnexpectedEnd => "E0112",
            Self::UnexpectedDot | Self::ExpectedCloser(_) => "E0113",
            Self::MissingOperand(_) => "E0114",
            Self::OddMap => "E0115",
            Self::ByteOutOfRange(_)
            | Self::ExpectedByte
            | Self::ExpectedReal
            | Self::ExpectedInteger => "E0116",
            Self::NestedShortLambda => "E0117",
            Self::PlaceholderTooLarge(_) => "E0118",
            Self::TooDeep => "E0119",
            Self::TooLarge => "E0120",
        }
    }

    /// What to write instead, where that can be said.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::UnexpectedCharacter('“' | '”' | '„') => {
                "strings are written with straight quotes: \"text\""
            }
            Self::UnexpectedCharacter('‘' | '’') => {
                "quoting is written with a straight apostrophe: 'x"
            }
            Self::UnexpectedCharacter('|') => "symbols cannot be quoted with bars",
            Self::UnexpectedCharacter('\u{feff}') => "save the file without a byte order mark",
            Self::UnexpectedCharacter('\u{a0}') => {
                "this is a non-breaking space; use an ordinary one"
            }
            Self::UnexpectedCharacter('\\') => "characters are written #\\a",
            Self::UnexpectedAfterHash(';' | '|') => "comments start with `;` and end with the line",
            Self::UnexpectedAfterHash('!') => {
                "`#!` is a comment only at the very start of the file"
            }
            Self::UnexpectedAfterHash('\'') => "a function is named without a prefix: f",
            Self::UnexpectedAfterHash('T' | 'F') | Self::InvalidLiteral(_) => {
                "booleans are #t and #f, or #true and #false"
            }
            Self::UnexpectedAfterHash('{') => {
                "sets are not part of the language; use a map or a list"
            }
            Self::UnknownCharacterName(_) => {
                "the names are space, newline, tab, return and nul; other characters are written themselves: #\\a"
            }
            Self::EmptyKeyword => "a keyword is a colon and a name: :name",
            Self::Number(LiteralError::Invalid(text))
                if text.starts_with("0x") || text.starts_with("0X") =>
            {
                "hexadecimal numbers are written #x1F"
            }
            Self::Number(LiteralError::Invalid(text)) if text.contains('_') => {
                "digits cannot be grouped"
            }
            Self::Number(LiteralError::Invalid(text)) if text.ends_with('.') => {
                "write a digit after the point: 1.0"
            }
            Self::Number(LiteralError::Invalid(_)) => {
                "a number ends at a space, a bracket or another delimiter; a symbol cannot start with a digit"
            }
            Self::UnterminatedString => "add the closing `\"`",
            Self::UnterminatedFString => "add the closing `\"` of the f-string",
            Self::UnterminatedRegex => "add the closing `\"` of the regex literal",
            Self::UnterminatedInterpolation => "add the `}` that closes the `${`",
            Self::EmptyHexEscape | Self::OpenHexEscape => {
                "a hex escape ends with a semicolon: \\x41;"
            }
            Self::EmptyInterpolation | Self::CommentOnlyInterpolation => {
                "write an expression, as in ${name}, or a literal dollar as \\$"
            }
            Self::SeveralInInterpolation => "put several forms into one: ${(begin a b)}",
            Self::UnexpectedCloser(_) => "nothing is open here that it could close",
            Self::Unterminated("vector") => "add the closing `]`",
            Self::Unterminated("map") => "add the closing `}`",
            Self::Unterminated(_) => "add the closing `)`",
            Self::UnexpectedDot => "a dot stands before the last element of a list: (a . b)",
            Self::ExpectedCloser(_) => "exactly one element follows the dot of a list",
            Self::MissingOperand(Prefix::Quote) => "for example 'name or '(1 2 3)",
            Self::MissingOperand(Prefix::Quasiquote) => "for example `(list ,x)",
            Self::MissingOperand(Prefix::Unquote) => "used inside a quasiquote: `(list ,x)",
            Self::MissingOperand(Prefix::UnquoteSplicing) => {
                "used inside a quasiquote: `(list ,@xs)"
            }
            Self::OddMap => "each key needs a value",
            Self::NestedShortLambda => "write the inner function with fn or lambda",
            Self::PlaceholderTooLarge(_) => "use lambda with named parameters",
            _ => return None,
        })
    }
}
