//! Where code was written, for the debug information of modules.

use crate::front::source::SourceMap;
use crate::ir::datum::Span;

/// Where source positions come from.
pub trait Positions {
    /// File (its name inside of programs), line and column of the start of a span.
    fn position(&self, span: Span) -> Option<(&str, u32, u32)>;
}

/// Nothing has a position.
pub struct NoPositions;

impl Positions for NoPositions {
    fn position(&self, _: Span) -> Option<(&str, u32, u32)> {
        None
    }
}

/// Positions in the texts of a source map.
pub struct SourcePositions<'s>(pub &'s SourceMap);

impl Positions for SourcePositions<'_> {
    fn position(&self, span: Span) -> Option<(&str, u32, u32)> {
        let file = self.0.file(span.file)?;
        let location = file.location(span.start);
        Some((file.program_name(), location.line, location.column))
    }
}
