//! The reader: source text to data with positions.
//!
//! It knows the complete lexical syntax of the language. Nothing here depends on the meaning of a form. Texts
//! are hostile: the reader never panics, and its recursion is bounded by [`NESTING_LIMIT`].
//!
//! One pass: the parser pulls tokens from the lexer. The reference implementation splits the whole text into
//! tokens first and so reports a bad token anywhere before any structural error; [`report`] restores that order.

mod characters;
mod error;
mod interpolation;
mod lexer;
mod parser;
mod report;
mod string_text;
mod text;

#[cfg(test)]
mod tests;

pub use error::{
    Bracket, NESTING_LIMIT, PLACEHOLDER_LIMIT, Prefix, ReadError, ReadErrorKind, Related,
};
pub use lexer::number_datum;
pub use text::{datum_to_text, write_datum};

use crate::front::datum::{Datum, FileId, Interner, Span};
use parser::Parser;

/// The head of the list that an f-string reads as. The expander gives it its meaning whatever the program
/// binds, so a program that writes the name cannot break f-strings. The spelling is visible when quoted
/// f-strings are printed, where it is that of the reference.
pub const FSTRING_HEAD: &str = "__vm-str";

/// Reads all data of a source file.
///
/// # Errors
/// Every mistake that can be told apart, up to a limit. The first is the one that the language reports, the
/// others are in source order.
pub fn read_all(
    interner: &mut Interner,
    file: FileId,
    text: &str,
) -> Result<Vec<Datum>, Vec<ReadError>> {
    read(interner, file, text, usize::MAX)
}

/// Reads the data in the bytes `start..end` of a file. Positions are those in the whole text.
///
/// # Errors
/// As [`read_all`].
pub fn read_part(
    interner: &mut Interner,
    file: FileId,
    text: &str,
    start: u32,
    end: u32,
) -> Result<Vec<Datum>, Vec<ReadError>> {
    Parser::part(interner, file, text, start, end)
        .read(usize::MAX)
        .map_err(report::Report::into_errors)
}

/// Reads at most `limit` data, as `read` (one) and `read-many` (all) do at run time.
///
/// # Errors
/// The error that the language reports; [`ReadError::located_message`] gives the text of the condition. A bad
/// token after the last datum wanted is an error too, a bad structure there is not.
pub fn read_many_limited(
    interner: &mut Interner,
    file: FileId,
    text: &str,
    limit: usize,
) -> Result<Vec<Datum>, ReadError> {
    read(interner, file, text, limit).map_err(|errors| {
        // There is at least one error when reading fails.
        let fallback = ReadError {
            kind: ReadErrorKind::UnexpectedEnd,
            span: Span::default(),
            related: None,
        };
        errors.into_iter().next().unwrap_or(fallback)
    })
}

fn read(
    interner: &mut Interner,
    file: FileId,
    text: &str,
    limit: usize,
) -> Result<Vec<Datum>, Vec<ReadError>> {
    // Spans hold 32-bit offsets.
    if u32::try_from(text.len()).is_err() {
        let span = Span {
            file,
            start: 0,
            end: 0,
            ..Span::default()
        };
        return Err(vec![ReadError {
            kind: ReadErrorKind::TooLarge,
            span,
            related: None,
        }]);
    }
    Parser::new(interner, file, text)
        .read(limit)
        .map_err(report::Report::into_errors)
}
