//! Checks of the shape of special forms.

use crate::front::datum::{Datum, DatumKind, Span, Symbol};
use crate::front::diagnostic::{Diagnostic, Fallible};

/// Checks the number of operands.
pub(super) fn count(
    name: &str,
    operands: &[Datum],
    minimum: usize,
    maximum: Option<usize>,
    span: Span,
) -> Fallible<()> {
    let got = operands.len();
    if got < minimum || maximum.is_some_and(|maximum| got > maximum) {
        return Err(Diagnostic::arity(span, name, minimum, maximum, got));
    }
    Ok(())
}

/// The operands, if there are exactly `N`.
pub(super) fn exactly<'d, const N: usize>(
    name: &str,
    operands: &'d [Datum],
    span: Span,
) -> Fallible<&'d [Datum; N]> {
    <&[Datum; N]>::try_from(operands)
        .map_err(|_| Diagnostic::arity(span, name, N, Some(N), operands.len()))
}

/// The first `N` operands and the others, of which there must be at least `further`.
pub(super) fn at_least<'d, const N: usize>(
    name: &str,
    operands: &'d [Datum],
    further: usize,
    span: Span,
) -> Fallible<(&'d [Datum; N], &'d [Datum])> {
    match operands.split_first_chunk::<N>() {
        Some((first, rest)) if rest.len() >= further => Ok((first, rest)),
        _ => Err(Diagnostic::arity(
            span,
            name,
            N + further,
            None,
            operands.len(),
        )),
    }
}

/// The symbol that a datum is.
pub(super) fn symbol(name: &str, datum: &Datum, span: Span) -> Fallible<Symbol> {
    match datum.kind {
        DatumKind::Symbol(symbol) => Ok(symbol),
        _ => Err(Diagnostic::eval(span, format!("{name}: expected a symbol"))),
    }
}

/// The elements of a list.
pub(super) fn list<'d>(name: &str, datum: &'d Datum, span: Span) -> Fallible<&'d [Datum]> {
    match &datum.kind {
        DatumKind::List(items) => Ok(items),
        _ => Err(Diagnostic::eval(span, format!("{name}: expected a list"))),
    }
}

/// The elements of a list or vector.
pub(super) fn sequence(datum: &Datum) -> Option<&[Datum]> {
    match &datum.kind {
        DatumKind::List(items) | DatumKind::Vector(items) => Some(items),
        _ => None,
    }
}

/// The symbol that a datum is, if it is one.
pub(super) fn as_symbol(datum: &Datum) -> Option<Symbol> {
    match datum.kind {
        DatumKind::Symbol(symbol) => Some(symbol),
        _ => None,
    }
}
