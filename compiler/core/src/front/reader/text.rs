//! The readable form of data, for messages and tests.

use std::fmt::{self, Write};

use sema_machine::data::number::float_text::{write_array_float, write_float};

use crate::front::datum::{Datum, DatumKind, Interner, Real};

/// The readable form of a datum. Maps keep the order in which they were written.
#[must_use]
pub fn datum_to_text(interner: &Interner, datum: &Datum) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write_datum(&mut text, interner, datum);
    text
}

/// Writes the readable form of a datum. Needs no machine stack for nested data.
///
/// # Errors
/// Only those of `out`.
pub fn write_datum(out: &mut impl Write, interner: &Interner, datum: &Datum) -> fmt::Result {
    let mut work = vec![Work::Datum(datum)];
    while let Some(item) = work.pop() {
        let (open, close, elements): (_, _, Vec<&Datum>) = match item {
            Work::Text(text) => {
                out.write_str(text)?;
                continue;
            }
            Work::Datum(datum) => match &datum.kind {
                DatumKind::List(elements) => ("(", ")", elements.iter().collect()),
                DatumKind::Vector(elements) => ("[", "]", elements.iter().collect()),
                DatumKind::Map(entries) => (
                    "{",
                    "}",
                    entries
                        .iter()
                        .flat_map(|(key, value)| [key, value])
                        .collect(),
                ),
                atom => {
                    write_atom(out, interner, atom)?;
                    continue;
                }
            },
        };
        out.write_str(open)?;
        work.push(Work::Text(close));
        for (index, element) in elements.into_iter().enumerate().rev() {
            work.push(Work::Datum(element));
            if index > 0 {
                work.push(Work::Text(" "));
            }
        }
    }
    Ok(())
}

enum Work<'a> {
    Datum(&'a Datum),
    Text(&'static str),
}

fn write_atom(out: &mut impl Write, interner: &Interner, atom: &DatumKind) -> fmt::Result {
    let name = |symbol| interner.try_resolve(symbol).unwrap_or_default();
    match atom {
        DatumKind::Nil => out.write_str("nil"),
        DatumKind::Bool(value) => out.write_str(if *value { "#t" } else { "#f" }),
        DatumKind::Int(value) => write!(out, "{value}"),
        DatumKind::BigInt(value) => write!(out, "{value}"),
        DatumKind::Ratio(value) => write!(out, "{value}"),
        DatumKind::Float(value) => write_float(out, *value),
        DatumKind::Complex(parts) => write_complex(out, &parts.0, &parts.1),
        DatumKind::Char(value) => write_char(out, *value),
        DatumKind::Str(text) => write_string(out, text),
        DatumKind::Symbol(symbol) => out.write_str(name(symbol)),
        DatumKind::Keyword(symbol) => write!(out, ":{}", name(symbol)),
        DatumKind::Bytes(values) => {
            write_array(out, "#u8(", values, |out, value| write!(out, "{value}"))
        }
        DatumKind::I64Array(values) => {
            write_array(out, "#i64(", values, |out, value| write!(out, "{value}"))
        }
        DatumKind::F64Array(values) => write_array(out, "#f64(", values, |out, value| {
            write_array_float(out, *value)
        }),
        DatumKind::Builtin(name, _) => write!(out, "<native-fn {name}>"),
        DatumKind::Opaque(_) => out.write_str("<value>"),
        // Handled by the caller.
        DatumKind::List(_) | DatumKind::Vector(_) | DatumKind::Map(_) => Ok(()),
    }
}

fn write_array<T, W: Write>(
    out: &mut W,
    open: &str,
    values: &[T],
    write_value: impl Fn(&mut W, &T) -> fmt::Result,
) -> fmt::Result {
    out.write_str(open)?;
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            out.write_char(' ')?;
        }
        write_value(out, value)?;
    }
    out.write_char(')')
}

fn write_complex(out: &mut impl Write, real: &Real, imaginary: &Real) -> fmt::Result {
    write_real(out, real)?;
    let mut text = String::new();
    write_real(&mut text, imaginary)?;
    if !text.starts_with('-') {
        out.write_char('+')?;
    }
    write!(out, "{text}i")
}

fn write_real(out: &mut impl Write, value: &Real) -> fmt::Result {
    match value {
        Real::Int(value) => write!(out, "{value}"),
        Real::Ratio(value) => write!(out, "{value}"),
        Real::Float(value) => write_float(out, *value),
    }
}

fn write_char(out: &mut impl Write, value: char) -> fmt::Result {
    out.write_str("#\\")?;
    match value {
        ' ' => out.write_str("space"),
        '\n' => out.write_str("newline"),
        '\t' => out.write_str("tab"),
        '\r' => out.write_str("return"),
        '\0' => out.write_str("nul"),
        other => out.write_char(other),
    }
}

fn write_string(out: &mut impl Write, text: &str) -> fmt::Result {
    out.write_char('"')?;
    for character in text.chars() {
        match character {
            '"' => out.write_str("\\\"")?,
            '\\' => out.write_str("\\\\")?,
            '\n' => out.write_str("\\n")?,
            '\t' => out.write_str("\\t")?,
            '\r' => out.write_str("\\r")?,
            other => out.write_char(other)?,
        }
    }
    out.write_char('"')
}
