//! Splits source text into tokens. One token at a time; a bad token is reported and skipped.

use std::rc::Rc;

use num_bigint::BigInt;
use sema_machine::data::number::literal::{
    Literal, LiteralError, LiteralReal, float_word, parse_literal,
};

use super::characters::{is_whitespace, number_end, starts_number, starts_symbol, symbol_end};
use super::error::{Bracket, Prefix, ReadErrorKind};
use super::interpolation::interpolation_end;
use super::report::{Phase, Report};
use super::string_text::{Terminator, scan_text};
use crate::front::datum::{DatumKind, FileId, Interner, Real, Span};

/// A token and its byte range.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) start: u32,
    pub(super) end: u32,
}

/// What a token is.
#[derive(Clone, Debug)]
pub(super) enum TokenKind {
    Open(Bracket),
    Close(Bracket),
    /// `#(`
    ShortLambda,
    /// `#u8(`
    Bytes,
    /// `#f64(`
    F64Array,
    /// `#i64(`
    I64Array,
    Prefix(Prefix),
    Dot,
    Atom(DatumKind),
    Regex(Rc<str>),
    FString(Vec<Piece>),
    /// A token that was reported as wrong; stands for any datum.
    Invalid,
    End,
}

/// A part of an f-string.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    /// Literal text, escapes processed, and where it stands.
    Text(Rc<str>, u32, u32),
    /// The byte range of an expression.
    Code(u32, u32),
}

impl TokenKind {
    /// The name that `expected ..., got NAME` uses.
    pub(super) fn name(&self) -> String {
        let name = match self {
            Self::Open(bracket) => return format!("`{}`", bracket.opener()),
            Self::Close(bracket) => return format!("`{}`", bracket.closer()),
            Self::Prefix(prefix) => return format!("`{}`", prefix.text()),
            Self::ShortLambda => "`#(`",
            Self::Bytes => "`#u8(`",
            Self::F64Array => "`#f64(`",
            Self::I64Array => "`#i64(`",
            Self::Dot => "`.`",
            Self::FString(_) => "`f-string`",
            Self::Regex(_) => "`regex`",
            Self::End => "end of input",
            Self::Atom(DatumKind::Bool(_)) => "`boolean`",
            Self::Atom(DatumKind::Int(_) | DatumKind::BigInt(_)) => "`integer`",
            Self::Atom(DatumKind::Ratio(_)) => "`rational`",
            Self::Atom(DatumKind::Float(_)) => "`float`",
            Self::Atom(DatumKind::Complex(_)) => "`complex`",
            Self::Atom(DatumKind::Char(_)) => "`character`",
            Self::Atom(DatumKind::Str(_)) => "`string`",
            Self::Atom(DatumKind::Keyword(_)) => "`keyword`",
            Self::Atom(_) | Self::Invalid => "`symbol`",
        };
        name.to_owned()
    }
}

/// Cuts a range of a source text into tokens.
///
/// Positions are offsets into the whole text, so that the expressions inside f-strings are read in place.
pub(super) struct Lexer<'a> {
    /// The text up to where this lexer stops.
    text: &'a str,
    at: usize,
    file: FileId,
    /// The first string that probably lacks its closing quote: it runs over the end of a line, and the quote
    /// that ends it has a word directly after it, as an opening quote has.
    suspect: Option<Span>,
    /// Is it known that no `|#` follows? Keeps the search for one from being repeated.
    no_comment_end: bool,
}

impl<'a> Lexer<'a> {
    /// A lexer for a whole file, whose first line is a comment if it starts with `#!`.
    ///
    /// The text must be shorter than 4 GiB.
    pub(super) fn new(file: FileId, text: &'a str) -> Self {
        let mut lexer = Self {
            text,
            at: 0,
            file,
            suspect: None,
            no_comment_end: false,
        };
        if text.starts_with("#!") {
            lexer.skip_line();
        }
        lexer
    }

    /// A lexer for the bytes `start..end` of a text.
    pub(super) fn part(file: FileId, text: &'a str, start: u32, end: u32) -> Self {
        Self {
            text: text.get(..end as usize).unwrap_or(text),
            at: start as usize,
            file,
            suspect: None,
            no_comment_end: false,
        }
    }

    /// The text of a token.
    pub(super) fn token_text(&self, token: &Token) -> &'a str {
        self.slice(token.start as usize, token.end as usize)
    }

    /// The next token; [`TokenKind::End`] from the end on.
    pub(super) fn next(&mut self, interner: &mut Interner, report: &mut Report) -> Token {
        self.skip_space();
        let start = self.at;
        let kind = match self.byte(0) {
            None => TokenKind::End,
            Some(first) => self.token(first, interner, report),
        };
        Token {
            kind,
            start: offset(start),
            end: offset(self.at),
        }
    }

    fn token(&mut self, first: u8, interner: &mut Interner, report: &mut Report) -> TokenKind {
        let (length, kind) = match first {
            b'(' => (1, TokenKind::Open(Bracket::Round)),
            b')' => (1, TokenKind::Close(Bracket::Round)),
            b'[' => (1, TokenKind::Open(Bracket::Square)),
            b']' => (1, TokenKind::Close(Bracket::Square)),
            b'{' => (1, TokenKind::Open(Bracket::Curly)),
            b'}' => (1, TokenKind::Close(Bracket::Curly)),
            b'\'' => (1, TokenKind::Prefix(Prefix::Quote)),
            b'`' => (1, TokenKind::Prefix(Prefix::Quasiquote)),
            b'@' => (1, TokenKind::Prefix(Prefix::Deref)),
            b',' if self.byte(1) == Some(b'@') => (2, TokenKind::Prefix(Prefix::UnquoteSplicing)),
            b',' => (1, TokenKind::Prefix(Prefix::Unquote)),
            b'"' => return self.string(report),
            b':' => return self.keyword(interner, report),
            b'#' => return self.hash(report),
            b'f' if self.byte(1) == Some(b'"') => return self.f_string(report),
            _ if starts_number(self.text.as_bytes(), self.at) => {
                return self.number(number_end(self.text, self.at), report);
            }
            _ => return self.symbol(interner, report),
        };
        self.at += length;
        kind
    }

    fn symbol(&mut self, interner: &mut Interner, report: &mut Report) -> TokenKind {
        let start = self.at;
        let Some(first) = self.character_at(start) else {
            return TokenKind::End;
        };
        if !starts_symbol(first) {
            // The closing bar of a name in bars would be a second error.
            let bars = if first == '|' {
                self.bar_quoted(start)
            } else {
                None
            };
            self.at = bars.unwrap_or(start + first.len_utf8());
            return self.fail(
                report,
                start,
                self.at,
                ReadErrorKind::UnexpectedCharacter(first),
            );
        }
        self.at = symbol_end(self.text, start);
        let name = self.slice(start, self.at);
        TokenKind::Atom(match name {
            "." => return TokenKind::Dot,
            "true" => DatumKind::Bool(true),
            "false" => DatumKind::Bool(false),
            "nil" => DatumKind::Nil,
            _ => match float_word(name) {
                Some(value) => DatumKind::Float(value),
                None => DatumKind::Symbol(interner.get_or_intern(name)),
            },
        })
    }

    /// The end of `|a name|` at `start`, if its second bar is in the same line.
    fn bar_quoted(&self, start: usize) -> Option<usize> {
        let line = self.slice(start + 1, self.text.len()).split('\n').next()?;
        line.find('|').map(|at| start + 1 + at + 1)
    }

    fn keyword(&mut self, interner: &mut Interner, report: &mut Report) -> TokenKind {
        let start = self.at;
        self.at = symbol_end(self.text, start + 1);
        match self.slice(start + 1, self.at) {
            "" => self.fail(report, start, self.at, ReadErrorKind::EmptyKeyword),
            name => TokenKind::Atom(DatumKind::Keyword(interner.get_or_intern(name))),
        }
    }

    /// Reads a number that runs to `end`, the next delimiter.
    fn number(&mut self, end: usize, report: &mut Report) -> TokenKind {
        let start = self.at;
        self.at = end;
        match parse_literal(self.slice(start, end)) {
            Ok(value) => TokenKind::Atom(number_datum(value)),
            Err(error) => {
                let error = match error {
                    // Something follows the prefixes, but it is a delimiter.
                    LiteralError::MissingBody { radix: 10 } if end < self.text.len() => {
                        LiteralError::InvalidInteger(String::new())
                    }
                    LiteralError::MissingBody { radix } if end < self.text.len() => {
                        LiteralError::MissingDigits(radix)
                    }
                    error => error,
                };
                let kind = match error {
                    LiteralError::UnknownPrefix(character) => {
                        ReadErrorKind::UnexpectedAfterHash(character)
                    }
                    error => ReadErrorKind::Number(error),
                };
                self.fail(report, start, end, kind)
            }
        }
    }

    fn hash(&mut self, report: &mut Report) -> TokenKind {
        let start = self.at;
        let rest = self.slice(start, self.text.len());
        for (opener, kind) in [
            ("#(", TokenKind::ShortLambda),
            ("#u8(", TokenKind::Bytes),
            ("#f64(", TokenKind::F64Array),
            ("#i64(", TokenKind::I64Array),
        ] {
            if rest.starts_with(opener) {
                self.at += opener.len();
                return kind;
            }
        }
        let Some(second) = self.character_at(start + 1) else {
            self.at += 1;
            return self.fail(report, start, self.at, ReadErrorKind::EndAfterHash);
        };
        match second {
            '"' => self.regex(report),
            '\\' => self.character(report),
            't' | 'f' => {
                self.at = symbol_end(self.text, start + 1);
                match self.slice(start, self.at) {
                    "#t" | "#true" => TokenKind::Atom(DatumKind::Bool(true)),
                    "#f" | "#false" => TokenKind::Atom(DatumKind::Bool(false)),
                    word => {
                        let word = word.to_owned();
                        self.fail(report, start, self.at, ReadErrorKind::InvalidLiteral(word))
                    }
                }
            }
            'x' | 'X' | 'o' | 'O' | 'b' | 'B' | 'd' | 'D' | 'e' | 'E' | 'i' | 'I' => {
                self.number(self.prefixed_number_end(), report)
            }
            '|' => {
                let opener = start + 2;
                self.at = self.block_comment_end(opener).unwrap_or(opener);
                let kind = ReadErrorKind::UnexpectedAfterHash('|');
                self.fail(report, start, opener, kind)
            }
            other => {
                self.at += 1 + other.len_utf8();
                self.fail(
                    report,
                    start,
                    self.at,
                    ReadErrorKind::UnexpectedAfterHash(other),
                )
            }
        }
    }

    /// The end of a block comment of other Lisps: what it holds is no program text, so that errors in it would
    /// only distract.
    fn block_comment_end(&mut self, content: usize) -> Option<usize> {
        if self.no_comment_end {
            return None;
        }
        let end = self.slice(content, self.text.len()).find("|#");
        self.no_comment_end = end.is_none();
        end.map(|at| content + at + 2)
    }

    /// The end of the number at the current position, which starts with prefixes. A `#` that is not part of
    /// a prefix is included with the character after it, so that it is reported.
    fn prefixed_number_end(&self) -> usize {
        let mut end = self.at;
        while self.text.as_bytes().get(end) == Some(&b'#') {
            let Some(letter) = self.character_at(end + 1) else {
                return end + 1;
            };
            end += 1 + letter.len_utf8();
            if !matches!(
                letter.to_ascii_lowercase(),
                'x' | 'o' | 'b' | 'd' | 'e' | 'i'
            ) {
                return end;
            }
        }
        number_end(self.text, end)
    }

    fn character(&mut self, report: &mut Report) -> TokenKind {
        let start = self.at;
        let Some(first) = self.character_at(start + 2) else {
            self.at = self.text.len();
            return self.fail(
                report,
                start,
                self.at,
                ReadErrorKind::EndAfterCharacterPrefix,
            );
        };
        let after = start + 2 + first.len_utf8();
        self.at = if first.is_alphabetic() {
            symbol_end(self.text, after)
        } else {
            after
        };
        let name = self.slice(start + 2, self.at);
        TokenKind::Atom(DatumKind::Char(match name {
            _ if self.at == after => first,
            "space" => ' ',
            "newline" => '\n',
            "tab" => '\t',
            "return" => '\r',
            "nul" => '\0',
            _ => {
                let name = name.to_owned();
                return self.fail(
                    report,
                    start,
                    self.at,
                    ReadErrorKind::UnknownCharacterName(name),
                );
            }
        }))
    }

    fn string(&mut self, report: &mut Report) -> TokenKind {
        let start = self.at;
        let opener = self.span(start, start + 1);
        let scanned = scan_text(self.text, start + 1, Terminator::Quote, &mut |error| {
            report.text_error(Phase::Token, opener, self.file, error);
        });
        self.at = scanned.end;
        if scanned.terminator.is_some() {
            if self.suspect.is_none() && self.is_suspect(start) {
                self.suspect = Some(opener);
            }
            return TokenKind::Atom(DatumKind::Str(scanned.text));
        }
        let kind = ReadErrorKind::UnterminatedString;
        match self.suspect {
            Some(place) => {
                let label = "is the closing quote of this string missing?";
                report.related_error(Phase::Token, opener, kind, place, label);
            }
            None => report.error(Phase::Token, opener, kind),
        }
        TokenKind::Invalid
    }

    /// Does the string that starts at `start` and ends at the current position look like the text between two
    /// strings, because a quote is missing?
    fn is_suspect(&self, start: usize) -> bool {
        let word_follows = |next: char| next.is_alphanumeric() || starts_symbol(next);
        self.character_at(self.at).is_some_and(word_follows)
            && self.slice(start, self.at).contains('\n')
    }

    fn f_string(&mut self, report: &mut Report) -> TokenKind {
        let start = self.at;
        let opener = self.span(start, start + 2);
        let mut pieces = Vec::new();
        self.at += 2;
        loop {
            let from = self.at;
            let scanned = scan_text(self.text, from, Terminator::Interpolation, &mut |error| {
                report.text_error(Phase::Token, opener, self.file, error);
            });
            self.at = scanned.end;
            let Some(terminator) = scanned.terminator else {
                report.error(Phase::Token, opener, ReadErrorKind::UnterminatedFString);
                return TokenKind::Invalid;
            };
            if !scanned.text.is_empty() {
                let end = self.at - terminator.text().len();
                pieces.push(Piece::Text(scanned.text, offset(from), offset(end)));
            }
            if terminator == Terminator::Quote {
                return TokenKind::FString(pieces);
            }
            let code = self.at;
            let Some(end) = interpolation_end(self.text, code) else {
                self.at = self.text.len();
                let place = self.span(code - 2, code);
                report.related_error(
                    Phase::Token,
                    opener,
                    ReadErrorKind::UnterminatedInterpolation,
                    place,
                    "this interpolation is not closed",
                );
                return TokenKind::Invalid;
            };
            self.at = end + 1;
            if self.slice(code, end).bytes().all(is_whitespace) {
                let place = self.span(code - 2, self.at);
                let kind = ReadErrorKind::EmptyInterpolation;
                report.related_error(Phase::Token, opener, kind, place, "nothing to insert here");
            } else {
                pieces.push(Piece::Code(offset(code), offset(end)));
            }
        }
    }

    fn regex(&mut self, report: &mut Report) -> TokenKind {
        let start = self.at;
        let opener = self.span(start, start + 2);
        let scanned = scan_text(self.text, start + 2, Terminator::RegexQuote, &mut |_| {});
        self.at = scanned.end;
        if scanned.terminator.is_none() {
            report.error(Phase::Token, opener, ReadErrorKind::UnterminatedRegex);
            return TokenKind::Invalid;
        }
        TokenKind::Regex(scanned.text)
    }

    fn skip_space(&mut self) {
        let bytes = self.text.as_bytes();
        while let Some(&byte) = bytes.get(self.at) {
            if is_whitespace(byte) {
                self.at += 1;
            } else if byte == b';' {
                self.skip_line();
            } else {
                return;
            }
        }
    }

    fn skip_line(&mut self) {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        self.at += rest
            .iter()
            .position(|&byte| byte == b'\n')
            .unwrap_or(rest.len());
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    fn character_at(&self, at: usize) -> Option<char> {
        self.text.get(at..).and_then(|rest| rest.chars().next())
    }

    fn slice(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span {
            file: self.file,
            start: offset(start),
            end: offset(end),
            ..Span::default()
        }
    }

    fn fail(
        &self,
        report: &mut Report,
        start: usize,
        end: usize,
        kind: ReadErrorKind,
    ) -> TokenKind {
        report.error(Phase::Token, self.span(start, end), kind);
        TokenKind::Invalid
    }
}

/// Offsets fit: the reader refuses larger texts.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// The datum of a numeric literal.
pub fn number_datum(value: Literal) -> DatumKind {
    match value {
        Literal::Int(value) => DatumKind::Int(value),
        Literal::Big(value) => DatumKind::BigInt(Rc::new(value)),
        Literal::Ratio(value) => DatumKind::Ratio(Rc::new(value)),
        Literal::Float(value) => DatumKind::Float(value),
        Literal::Complex(real, imaginary) => {
            DatumKind::Complex(Rc::new((part(real), part(imaginary))))
        }
    }
}

fn part(value: LiteralReal) -> Real {
    match value {
        LiteralReal::Int(value) => Real::Int(BigInt::from(value)),
        LiteralReal::Big(value) => Real::Int(value),
        LiteralReal::Ratio(value) => Real::Ratio(value),
        LiteralReal::Float(value) => Real::Float(value),
    }
}
