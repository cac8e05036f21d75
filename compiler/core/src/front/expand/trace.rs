//! What the calls of macros in a program became, for people to read.

use crate::hashing::HashMap;

use super::readable;
use crate::front::datum::{Datum, DatumKind, Interner};
use crate::front::reader::datum_to_text;

/// More data than this are not written out: macros may share parts, and written out those may be exponentially many.
const LARGEST_EXPANSION: usize = 1_000_000;

/// Lines are broken if they would be longer, in characters.
const WIDTH: usize = 100;

/// The expansions of a compilation.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    /// By the elements of the calls, which are kept so that their addresses stay theirs.
    expansions: HashMap<*const Datum, (Datum, Datum)>,
}

impl Trace {
    /// Notes what a call became.
    pub(crate) fn add(&mut self, call: &Datum, expansion: &Datum) {
        if let DatumKind::List(items) = &call.kind {
            let noted = (call.clone(), expansion.clone());
            self.expansions.insert(items.as_ptr(), noted);
        }
    }

    /// The forms with the expansions in place of the calls; none if that is too much.
    pub(crate) fn expanded(&self, forms: &[Datum]) -> Option<Vec<Datum>> {
        let mut left = LARGEST_EXPANSION;
        forms
            .iter()
            .map(|form| self.datum(form, &mut left))
            .collect()
    }

    fn datum(&self, datum: &Datum, left: &mut usize) -> Option<Datum> {
        let mut datum = datum;
        while let DatumKind::List(items) = &datum.kind
            && let Some((_, expansion)) = self.expansions.get(&items.as_ptr())
        {
            *left = left.checked_sub(1)?;
            datum = expansion;
        }
        *left = left.checked_sub(1)?;
        let kind = match &datum.kind {
            DatumKind::List(items) => DatumKind::List(self.data(items, left)?.into()),
            DatumKind::Vector(items) => DatumKind::Vector(self.data(items, left)?.into()),
            DatumKind::Map(entries) => {
                let entries = entries
                    .iter()
                    .map(|(key, value)| Some((self.datum(key, left)?, self.datum(value, left)?)));
                DatumKind::Map(entries.collect::<Option<Vec<_>>>()?.into())
            }
            other => other.clone(),
        };
        Some(Datum {
            kind,
            span: datum.span,
        })
    }

    fn data(&self, items: &[Datum], left: &mut usize) -> Option<Vec<Datum>> {
        items.iter().map(|item| self.datum(item, left)).collect()
    }
}

/// Forms as text, one after the other, broken into lines where they are long.
pub(crate) fn program_text(forms: &[Datum], interner: &mut Interner) -> String {
    let mut text = String::new();
    for form in forms {
        let form = readable(form, interner);
        write_form(&mut text, interner, &form, 0);
        text.push_str("\n\n");
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

fn write_form(text: &mut String, interner: &Interner, form: &Datum, indent: usize) {
    let line = datum_to_text(interner, form);
    let (open, close, items) = match &form.kind {
        _ if indent + line.chars().count() <= WIDTH => return text.push_str(&line),
        DatumKind::List(items) => ('(', ')', items),
        DatumKind::Vector(items) => ('[', ']', items),
        _ => return text.push_str(&line),
    };
    text.push(open);
    // The first line has what says what the form is: its head, and what is bound or tested.
    let heading = heading_length(interner, items);
    let step = if open == '(' && heading > 0 { 2 } else { 1 };
    for (number, item) in items.iter().enumerate() {
        if number > 0 && number < heading {
            text.push(' ');
        } else if number > 0 {
            text.push('\n');
            text.extend(std::iter::repeat_n(' ', indent + step));
        }
        let own = match number < heading {
            true => indent + step + number,
            false => indent + step,
        };
        write_form(text, interner, item, own);
    }
    text.push(close);
}

/// How many elements of a list stand in its first line.
fn heading_length(interner: &Interner, items: &[Datum]) -> usize {
    let is_short = |item: &Datum| datum_to_text(interner, item).chars().count() <= WIDTH / 2;
    match items {
        [
            Datum {
                kind: DatumKind::Symbol(_),
                ..
            },
            second,
            ..,
        ] if is_short(second) => 2,
        [
            Datum {
                kind: DatumKind::Symbol(_),
                ..
            },
            ..,
        ] => 1,
        _ => 0,
    }
}
