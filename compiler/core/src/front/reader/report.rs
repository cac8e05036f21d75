//! Collects reader errors and puts them into the order in which the language reports them.

use super::error::{ReadError, ReadErrorKind, Related};
use super::string_text::TextError;
use crate::front::datum::{FileId, Span};

/// More errors than this in one text are not recorded.
const ERROR_LIMIT: usize = 20;

/// The reference splits a text into tokens before it looks at structure, so a bad token anywhere is
/// reported rather than a bad structure before it. The phase of an error records that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Token,
    Structure,
}

/// The errors found so far, in source order.
#[derive(Debug, Default)]
pub(super) struct Report {
    errors: Vec<(Phase, ReadError)>,
}

impl Report {
    /// Records an error.
    pub(super) fn error(&mut self, phase: Phase, span: Span, kind: ReadErrorKind) {
        self.record(
            phase,
            ReadError {
                kind,
                span,
                related: None,
            },
        );
    }

    /// Records an error that a second place explains.
    pub(super) fn related_error(
        &mut self,
        phase: Phase,
        span: Span,
        kind: ReadErrorKind,
        place: Span,
        label: &'static str,
    ) {
        self.record(
            phase,
            ReadError {
                kind,
                span,
                related: Some(Related { span: place, label }),
            },
        );
    }

    /// Records a bad escape: the language reports the start of the string, the escape is the second place.
    pub(super) fn text_error(
        &mut self,
        phase: Phase,
        string: Span,
        file: FileId,
        error: TextError,
    ) {
        let clamp = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let place = Span {
            file,
            start: clamp(error.start),
            end: clamp(error.end),
            ..Span::default()
        };
        self.related_error(phase, string, error.kind, place, "this escape");
    }

    /// Are there no errors?
    pub(super) fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }

    /// Is the last error a string or the like that has no end, so that nothing after it could be read?
    pub(super) fn ends_in_open_text(&self) -> bool {
        self.errors.last().is_some_and(|(_, error)| {
            matches!(
                error.kind,
                ReadErrorKind::UnterminatedString
                    | ReadErrorKind::UnterminatedFString
                    | ReadErrorKind::UnterminatedInterpolation
                    | ReadErrorKind::UnterminatedRegex
            )
        })
    }

    /// How many errors there are; a mark for [`Self::end_part`].
    pub(super) fn mark(&self) -> usize {
        self.errors.len()
    }

    /// Ends a part of the text that is tokenised on its own (an interpolation), begun at `mark`: within it
    /// the first bad token comes first; as a whole it belongs to the structure phase.
    pub(super) fn end_part(&mut self, mark: usize) {
        let part = self.errors.get_mut(mark..).unwrap_or_default();
        first_token_error_to_front(part);
        for (phase, _) in part {
            *phase = Phase::Structure;
        }
    }

    /// All errors; the first is the one the language reports.
    pub(super) fn into_errors(mut self) -> Vec<ReadError> {
        first_token_error_to_front(&mut self.errors);
        self.errors.into_iter().map(|(_, error)| error).collect()
    }

    fn record(&mut self, phase: Phase, error: ReadError) {
        // A second error at one place is a consequence of the first.
        if self
            .errors
            .last()
            .is_some_and(|(_, last)| last.span.start == error.span.start)
        {
            return;
        }
        // Past the limit only the error that will be reported first still matters.
        let decisive =
            phase == Phase::Token && self.errors.iter().all(|(phase, _)| *phase != Phase::Token);
        if self.errors.len() < ERROR_LIMIT || decisive {
            self.errors.push((phase, error));
        }
    }
}

fn first_token_error_to_front(errors: &mut [(Phase, ReadError)]) {
    if let Some(first) = errors.iter().position(|(phase, _)| *phase == Phase::Token)
        && let Some(upto_first) = errors.get_mut(..=first)
    {
        upto_first.rotate_right(1);
    }
}
