//! Builds data from tokens.
//!
//! Recursive descent: the nesting limit bounds the recursion. After an error the parser goes on with the most
//! plausible structure, so that one run shows several independent mistakes.

mod layout;
mod typed_array;

use std::rc::Rc;

use self::layout::Layout;
use super::FSTRING_HEAD;
use super::error::{Bracket, NESTING_LIMIT, PLACEHOLDER_LIMIT, Prefix, ReadErrorKind};
use super::lexer::{Lexer, Piece, Token, TokenKind};
use super::report::{Phase, Report};
use crate::front::datum::{Datum, DatumKind, FileId, Interner, Span};

/// Reads data from one text.
pub(super) struct Parser<'a> {
    text: &'a str,
    file: FileId,
    lexer: Lexer<'a>,
    interner: &'a mut Interner,
    report: Report,
    /// A token that was looked at and not used.
    pending: Option<Token>,
    /// Elements of the collections being read; each takes its own from the top.
    elements: Vec<Datum>,
    /// The short lambda being read, if any.
    short_lambda: Option<Placeholders>,
    /// Is a `#(` at this place nested in another one? Not so inside an interpolation.
    in_short_lambda: bool,
    /// The collections being read.
    layout: Layout,
    /// Has it been reported that the text ends too early?
    end_reported: bool,
}

/// The placeholders used in a short lambda.
#[derive(Clone, Copy, Default)]
struct Placeholders {
    highest: usize,
    rest: bool,
}

impl<'a> Parser<'a> {
    /// A parser for a text shorter than 4 GiB.
    pub(super) fn new(interner: &'a mut Interner, file: FileId, text: &'a str) -> Self {
        Self::with_lexer(interner, file, text, Lexer::new(file, text))
    }

    /// A parser for the bytes `start..end` of such a text.
    pub(super) fn part(
        interner: &'a mut Interner,
        file: FileId,
        text: &'a str,
        start: u32,
        end: u32,
    ) -> Self {
        Self::with_lexer(interner, file, text, Lexer::part(file, text, start, end))
    }

    fn with_lexer(
        interner: &'a mut Interner,
        file: FileId,
        text: &'a str,
        lexer: Lexer<'a>,
    ) -> Self {
        Self {
            text,
            file,
            lexer,
            interner,
            report: Report::default(),
            pending: None,
            elements: Vec::new(),
            short_lambda: None,
            in_short_lambda: false,
            layout: Layout::default(),
            end_reported: false,
        }
    }

    /// Reads at most `limit` data. The whole text is tokenised in any case.
    pub(super) fn read(mut self, limit: usize) -> Result<Vec<Datum>, Report> {
        let mut data = Vec::new();
        while data.len() < limit {
            self.layout.begin_form();
            let token = self.next();
            if matches!(token.kind, TokenKind::End) {
                break;
            }
            if let Some(datum) = self.datum(token, 1) {
                data.push(datum);
            }
            // A bracket that closes nothing was reported where it was met.
            self.drop_pending_closer();
        }
        self.skip_to_end();
        if self.report.is_empty() {
            Ok(data)
        } else {
            Err(self.report)
        }
    }

    /// Reads the datum that starts with `token`. `None` if that is no datum; it has been reported then, and
    /// a closing bracket is left for the enclosing collection.
    fn datum(&mut self, token: Token, depth: usize) -> Option<Datum> {
        if depth > NESTING_LIMIT {
            self.error(&token, ReadErrorKind::TooDeep);
            self.skip_form(token);
            return None;
        }
        let span = self.span(&token);
        if !matches!(token.kind, TokenKind::Close(_) | TokenKind::End) {
            let is_atom = matches!(token.kind, TokenKind::Atom(_));
            self.layout.form_begins(self.text, span, !is_atom);
        }
        let kind = match token.kind {
            TokenKind::Atom(DatumKind::Symbol(_)) if self.short_lambda.is_some() => {
                self.placeholder(&token)
            }
            TokenKind::Atom(kind) => kind,
            TokenKind::Regex(text) => DatumKind::Str(text),
            TokenKind::Invalid => DatumKind::Nil,
            TokenKind::Open(Bracket::Curly) => return Some(self.map(&token, depth)),
            TokenKind::Open(bracket) => return Some(self.sequence(&token, bracket, depth)),
            TokenKind::Prefix(prefix) => return self.prefixed(&token, prefix, depth),
            TokenKind::ShortLambda => return self.read_short_lambda(&token, depth),
            TokenKind::FString(pieces) => self.f_string(&pieces, span, depth),
            TokenKind::Bytes => return Some(self.bytes(&token)),
            TokenKind::F64Array => return Some(self.f64_array(&token)),
            TokenKind::I64Array => return Some(self.i64_array(&token)),
            TokenKind::Dot => {
                self.error(&token, ReadErrorKind::UnexpectedDot);
                return None;
            }
            TokenKind::Close(bracket) => {
                self.error(&token, ReadErrorKind::UnexpectedCloser(bracket));
                self.pending = Some(token);
                return None;
            }
            TokenKind::End => {
                self.early_end(span, ReadErrorKind::UnexpectedEnd);
                return None;
            }
        };
        Some(Datum { kind, span })
    }

    /// Reads a list or vector after its opening bracket.
    fn sequence(&mut self, opener: &Token, bracket: Bracket, depth: usize) -> Datum {
        self.enter(opener, bracket);
        let base = self.elements.len();
        let end = loop {
            let token = self.next();
            match token.kind {
                TokenKind::End => {
                    let name = if bracket == Bracket::Square {
                        "vector"
                    } else {
                        "list"
                    };
                    self.unterminated(opener, ReadErrorKind::Unterminated(name));
                    break token.end;
                }
                TokenKind::Close(found) => {
                    let end = token.end;
                    if found != bracket {
                        self.mismatched(opener, bracket, token, found);
                    }
                    break end;
                }
                TokenKind::Dot if bracket == Bracket::Round => self.dotted_tail(&token, depth),
                _ => self.element(token, depth),
            }
        };
        self.layout.leave();
        let elements = self.take_elements(base);
        let kind = if bracket == Bracket::Square {
            DatumKind::Vector(elements)
        } else {
            DatumKind::List(elements)
        };
        Datum {
            kind,
            span: self.range(opener.start, end),
        }
    }

    /// Reads what follows the dot of a list: one datum, then the closing bracket, which stays pending.
    fn dotted_tail(&mut self, dot: &Token, depth: usize) {
        let symbol = self.symbol(".", self.span(dot));
        self.elements.push(symbol);
        let token = self.next();
        if matches!(token.kind, TokenKind::End) {
            self.early_end(self.span(&token), ReadErrorKind::UnexpectedEnd);
            return;
        }
        let complete = self
            .datum(token, depth + 1)
            .map(|datum| self.elements.push(datum))
            .is_some();
        let after = self.next();
        if complete && !matches!(after.kind, TokenKind::Close(Bracket::Round)) {
            self.error(&after, ReadErrorKind::ExpectedCloser(after.kind.name()));
            self.end_reported |= matches!(after.kind, TokenKind::End);
        }
        self.pending = Some(after);
    }

    fn map(&mut self, opener: &Token, depth: usize) -> Datum {
        self.enter(opener, Bracket::Curly);
        let mut entries = Vec::new();
        let end = loop {
            let token = self.next();
            match token.kind {
                TokenKind::End => {
                    self.unterminated(opener, ReadErrorKind::Unterminated("map"));
                    break token.end;
                }
                TokenKind::Close(found) => {
                    let end = token.end;
                    if found != Bracket::Curly {
                        self.mismatched(opener, Bracket::Curly, token, found);
                    }
                    break end;
                }
                _ => {}
            }
            let key_span = self.span(&token);
            let key = self.datum(token, depth + 1);
            let token = self.next();
            match token.kind {
                TokenKind::End | TokenKind::Close(Bracket::Curly) => {
                    let place = key.as_ref().map_or(key_span, |key| key.span);
                    let (span, kind) = (self.span(&token), ReadErrorKind::OddMap);
                    let label = "this key has no value";
                    self.report
                        .related_error(Phase::Structure, span, kind, place, label);
                    self.end_reported |= matches!(token.kind, TokenKind::End);
                    break token.end;
                }
                _ => {}
            }
            if let (Some(key), Some(value)) = (key, self.datum(token, depth + 1)) {
                entries.push((key, value));
            }
        };
        self.layout.leave();
        Datum {
            kind: DatumKind::Map(Rc::from(entries)),
            span: self.range(opener.start, end),
        }
    }

    fn prefixed(&mut self, token: &Token, prefix: Prefix, depth: usize) -> Option<Datum> {
        let operand = self.next();
        if matches!(operand.kind, TokenKind::End) {
            self.early_end(self.span(token), ReadErrorKind::MissingOperand(prefix));
            return None;
        }
        let operand = self.datum(operand, depth + 1)?;
        let span = self.range(token.start, operand.span.end);
        let head = self.symbol(prefix.name(), self.span(token));
        Some(Datum {
            kind: DatumKind::List(Rc::from([head, operand])),
            span,
        })
    }

    fn read_short_lambda(&mut self, opener: &Token, depth: usize) -> Option<Datum> {
        if self.in_short_lambda {
            self.error(opener, ReadErrorKind::NestedShortLambda);
            self.skip_form(opener.clone());
            return None;
        }
        let outer = self.short_lambda.replace(Placeholders::default());
        self.in_short_lambda = true;
        self.enter(opener, Bracket::Round);
        let base = self.elements.len();
        let end = loop {
            let token = self.next();
            match token.kind {
                TokenKind::Close(Bracket::Round) => break token.end,
                TokenKind::End => {
                    self.unterminated(opener, ReadErrorKind::Unterminated("short lambda #(...)"));
                    break token.end;
                }
                TokenKind::Close(found) => {
                    let end = token.end;
                    self.error(&token, ReadErrorKind::UnexpectedCloser(found));
                    self.leave_for_outer(token, found);
                    break end;
                }
                _ => self.element(token, depth),
            }
        };
        self.layout.leave();
        self.in_short_lambda = false;
        let used = std::mem::replace(&mut self.short_lambda, outer).unwrap_or_default();
        if let Some(outer) = &mut self.short_lambda {
            // Inside an interpolation; its parameters are in sight of the outer lambda's scan.
            outer.highest = outer.highest.max(used.highest);
            outer.rest |= used.rest;
        }
        let body = self.take_elements(base);
        if used.highest > PLACEHOLDER_LIMIT {
            self.error(opener, ReadErrorKind::PlaceholderTooLarge(used.highest));
            return None;
        }
        let mark = self.span(opener);
        let mut parameters = Vec::with_capacity(used.highest + 2);
        for index in 1..=used.highest {
            parameters.push(self.symbol(&format!("%{index}"), mark));
        }
        if used.rest {
            parameters.push(self.symbol(".", mark));
            parameters.push(self.symbol("%&", mark));
        }
        let whole = self.range(opener.start, end);
        let items = [
            self.symbol("lambda", mark),
            Datum {
                kind: DatumKind::List(Rc::from(parameters)),
                span: mark,
            },
            Datum {
                kind: DatumKind::List(body),
                span: self.range(opener.start + 1, end),
            },
        ];
        Some(Datum {
            kind: DatumKind::List(Rc::from(items)),
            span: whole,
        })
    }

    /// A symbol inside a short lambda: notes placeholders, writes `%` as `%1`.
    fn placeholder(&mut self, token: &Token) -> DatumKind {
        let name = self.lexer.token_text(token);
        if let (Some(digits), Some(used)) = (name.strip_prefix('%'), &mut self.short_lambda) {
            match digits {
                "" => {
                    used.highest = used.highest.max(1);
                    return DatumKind::Symbol(self.interner.get_or_intern("%1"));
                }
                "&" => used.rest = true,
                _ => used.highest = used.highest.max(digits.parse().unwrap_or(0)),
            }
        }
        DatumKind::Symbol(self.interner.get_or_intern(name))
    }

    fn f_string(&mut self, pieces: &[Piece], span: Span, depth: usize) -> DatumKind {
        let mut items = Vec::with_capacity(pieces.len() + 1);
        items.push(self.symbol(FSTRING_HEAD, self.range(span.start, span.start + 1)));
        for piece in pieces {
            match piece {
                Piece::Text(text, start, end) => {
                    let kind = DatumKind::Str(Rc::clone(text));
                    items.push(Datum {
                        kind,
                        span: self.range(*start, *end),
                    });
                }
                Piece::Code(start, end) => items.extend(self.interpolation(*start, *end, depth)),
            }
        }
        DatumKind::List(Rc::from(items))
    }

    /// Reads the one expression of an interpolation, in place.
    fn interpolation(&mut self, start: u32, end: u32, depth: usize) -> Option<Datum> {
        let inner = Lexer::part(self.file, self.text, start, end);
        let outer_lexer = std::mem::replace(&mut self.lexer, inner);
        let outer_pending = self.pending.take();
        let outer_lambda = std::mem::replace(&mut self.in_short_lambda, false);
        let inner_layout = self.layout.of_part();
        let outer_layout = std::mem::replace(&mut self.layout, inner_layout);
        let outer_end_reported = std::mem::replace(&mut self.end_reported, false);
        let mark = self.report.mark();

        let token = self.next();
        let datum = if matches!(token.kind, TokenKind::End) {
            let span = self.range(start, end);
            self.report.error(
                Phase::Structure,
                span,
                ReadErrorKind::CommentOnlyInterpolation,
            );
            None
        } else {
            let datum = self.datum(token, depth + 1);
            let extra = self.next();
            if datum.is_some() && !matches!(extra.kind, TokenKind::End) {
                self.error(&extra, ReadErrorKind::SeveralInInterpolation);
            }
            datum
        };
        self.skip_to_end();

        self.report.end_part(mark);
        self.end_reported = outer_end_reported;
        self.layout = outer_layout;
        self.in_short_lambda = outer_lambda;
        self.pending = outer_pending;
        self.lexer = outer_lexer;
        datum
    }

    fn element(&mut self, token: Token, depth: usize) {
        if let Some(datum) = self.datum(token, depth + 1) {
            self.elements.push(datum);
        }
    }

    fn take_elements(&mut self, base: usize) -> Rc<[Datum]> {
        self.elements
            .drain(base.min(self.elements.len())..)
            .collect()
    }

    fn symbol(&mut self, name: &str, span: Span) -> Datum {
        Datum {
            kind: DatumKind::Symbol(self.interner.get_or_intern(name)),
            span,
        }
    }

    /// Enters a collection.
    fn enter(&mut self, opener: &Token, bracket: Bracket) {
        let names = self.holds_names();
        let span = self.span(opener);
        let base = self.elements.len();
        self.layout.enter(self.text, span, bracket, base, names);
    }

    /// Whether the collection that begins here has the place of parameters or bindings in the one around it.
    fn holds_names(&self) -> bool {
        let around = self.layout.innermost();
        let elements = around.and_then(|around| self.elements.get(around.base..));
        let Some([head, before @ ..]) = elements else {
            return false;
        };
        let DatumKind::Symbol(head) = head.kind else {
            return false;
        };
        let is_name = |datum: &Datum| matches!(datum.kind, DatumKind::Symbol(_));
        let place = before.len() + 1;
        layout::has_names_at(
            self.interner.resolve(&head),
            place,
            before.iter().all(is_name),
        )
    }

    /// Reports a wrong closing bracket, which closes the collection all the same.
    fn mismatched(&mut self, opener: &Token, open: Bracket, token: Token, found: Bracket) {
        let (place, label) = match self.layout.closed_late(open) {
            Some(place) => (place, "is the closing bracket of this one missing?"),
            None => (self.span(opener), "opened here"),
        };
        let kind = ReadErrorKind::MismatchedBracket { open, found };
        self.report
            .related_error(Phase::Structure, self.span(&token), kind, place, label);
        self.leave_for_outer(token, found);
    }

    /// Leaves a wrong closing bracket to the collections around the current one if it closes any of them:
    /// then the current one lacks its closer. Otherwise the bracket was a slip and is dropped.
    fn leave_for_outer(&mut self, token: Token, found: Bracket) {
        if self.layout.outer_is(found) {
            self.pending = Some(token);
        }
    }

    /// Reports that the text ends inside a collection: those that the indentation shows, at most as many as are
    /// open, else the innermost one, since those around it are open for the same reason; and none at all if an
    /// unclosed string swallowed the rest.
    fn unterminated(&mut self, opener: &Token, kind: ReadErrorKind) {
        if self.end_reported || self.report.ends_in_open_text() {
            return;
        }
        let suspects = self.layout.suspects();
        for (open, place) in &suspects {
            let kind = match open.bracket {
                Bracket::Round => ReadErrorKind::Unterminated("list"),
                Bracket::Square => ReadErrorKind::Unterminated("vector"),
                Bracket::Curly => ReadErrorKind::Unterminated("map"),
            };
            let label = "is a closing bracket missing before this form?";
            self.report
                .related_error(Phase::Structure, open.span, kind, *place, label);
        }
        match suspects.is_empty() {
            true => self.early_end(self.span(opener), kind),
            false => self.end_reported = true,
        }
    }

    fn early_end(&mut self, span: Span, kind: ReadErrorKind) {
        self.report.error(Phase::Structure, span, kind);
        self.end_reported = true;
    }

    fn error(&mut self, token: &Token, kind: ReadErrorKind) {
        self.report.error(Phase::Structure, self.span(token), kind);
    }

    /// Skips the rest of the form that starts with `token`, without recursion.
    fn skip_form(&mut self, mut token: Token) {
        let mut open = 0_usize;
        loop {
            match token.kind {
                TokenKind::Open(_)
                | TokenKind::ShortLambda
                | TokenKind::Bytes
                | TokenKind::F64Array
                | TokenKind::I64Array => open += 1,
                TokenKind::Close(_) if open == 0 => {
                    self.pending = Some(token);
                    return;
                }
                TokenKind::Close(_) => open -= 1,
                TokenKind::End => return,
                _ => {}
            }
            if open == 0 && !matches!(token.kind, TokenKind::Prefix(_)) {
                return;
            }
            token = self.next();
        }
    }

    /// Tokenises what is left, for the errors in it.
    fn skip_to_end(&mut self) {
        while !matches!(self.next().kind, TokenKind::End) {}
    }

    fn drop_pending_closer(&mut self) {
        if self
            .pending
            .as_ref()
            .is_some_and(|token| matches!(token.kind, TokenKind::Close(_)))
        {
            self.pending = None;
        }
    }

    fn next(&mut self) -> Token {
        if let Some(token) = self.pending.take() {
            return token;
        }
        self.lexer.next(self.interner, &mut self.report)
    }

    fn span(&self, token: &Token) -> Span {
        self.range(token.start, token.end)
    }

    fn range(&self, start: u32, end: u32) -> Span {
        Span {
            file: self.file,
            start,
            end,
            ..Span::default()
        }
    }
}
