//! Typed arrays: `#u8( … )`, `#f64( … )` and `#i64( … )`.

use std::rc::Rc;

use num_traits::ToPrimitive;

use super::super::error::{Bracket, ReadErrorKind};
use super::super::lexer::{Token, TokenKind};
use super::Parser;
use crate::front::datum::{Datum, DatumKind, Span};

impl Parser<'_> {
    pub(super) fn bytes(&mut self, opener: &Token) -> Datum {
        let (values, span) = self.typed_array(opener, "bytevector", |element| match element {
            Some(DatumKind::Int(value)) => {
                u8::try_from(*value).map_err(|_| ReadErrorKind::ByteOutOfRange(*value))
            }
            _ => Err(ReadErrorKind::ExpectedByte),
        });
        Datum {
            kind: DatumKind::Bytes(Rc::from(values)),
            span,
        }
    }

    pub(super) fn f64_array(&mut self, opener: &Token) -> Datum {
        let (values, span) = self.typed_array(opener, "f64 array", |element| match element {
            Some(DatumKind::Int(value)) => Ok(*value as f64),
            Some(DatumKind::BigInt(value)) => value.to_f64().ok_or(ReadErrorKind::ExpectedReal),
            Some(DatumKind::Float(value)) => Ok(*value),
            _ => Err(ReadErrorKind::ExpectedReal),
        });
        Datum {
            kind: DatumKind::F64Array(Rc::from(values)),
            span,
        }
    }

    pub(super) fn i64_array(&mut self, opener: &Token) -> Datum {
        let (values, span) = self.typed_array(opener, "i64 array", |element| match element {
            Some(DatumKind::Int(value)) => Ok(*value),
            _ => Err(ReadErrorKind::ExpectedInteger),
        });
        Datum {
            kind: DatumKind::I64Array(Rc::from(values)),
            span,
        }
    }

    /// Reads the elements of a typed array, which are single tokens; one error is reported per array.
    fn typed_array<T>(
        &mut self,
        opener: &Token,
        name: &'static str,
        convert: impl Fn(Option<&DatumKind>) -> Result<T, ReadErrorKind>,
    ) -> (Vec<T>, Span) {
        let mut values = Vec::new();
        let mut failed = false;
        loop {
            let token = self.next();
            let atom = match &token.kind {
                TokenKind::Close(Bracket::Round) => {
                    return (values, self.range(opener.start, token.end));
                }
                TokenKind::End => {
                    self.unterminated(opener, ReadErrorKind::Unterminated(name));
                    return (values, self.range(opener.start, token.end));
                }
                // Reported already.
                TokenKind::Invalid => continue,
                TokenKind::Atom(kind) => Some(kind),
                _ => None,
            };
            match convert(atom) {
                Ok(value) => values.push(value),
                Err(kind) if !failed => {
                    self.error(&token, kind);
                    failed = true;
                }
                Err(_) => {}
            }
            match token.kind {
                // The array ends at a wrong bracket, and nested forms are skipped as one element.
                TokenKind::Close(_) => return (values, self.range(opener.start, token.end)),
                TokenKind::Open(_)
                | TokenKind::ShortLambda
                | TokenKind::Bytes
                | TokenKind::F64Array
                | TokenKind::I64Array => self.skip_form(token),
                _ => {}
            }
        }
    }
}
