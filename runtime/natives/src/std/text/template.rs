//! Templates: texts with slots `{{name}}`.

use sema_machine::data::collections;
use sema_machine::data::print;
use sema_machine::host::Host;
use sema_machine::memory::value::Value;

/// A piece of a template.
pub enum Piece<'t> {
    /// What stands as it is.
    Text(&'t str),
    /// A slot with its braces, and its name.
    Slot(&'t str, &'t str),
}

/// Takes a template apart at its `{{name}}`s. A name runs to the next `}}`.
pub fn pieces(template: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = template;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let slot = rest.find("{{").and_then(|start| {
            let after = rest.get(start + 2..)?;
            let length = after.find("}}")?;
            Some((start, after.get(..length)?, start + 2 + length + 2))
        });
        let (piece, used) = match slot {
            None => (Piece::Text(rest), rest.len()),
            Some((0, name, end)) => (Piece::Slot(rest.get(..end)?, name), end),
            Some((start, ..)) => (Piece::Text(rest.get(..start)?), start),
        };
        rest = rest.get(used..)?;
        Some(piece)
    })
}

/// The template with the slots that `values` has filled.
pub fn render(host: &Host, template: &str, values: Value) -> String {
    let mut text = String::with_capacity(template.len());
    for piece in pieces(template) {
        match piece {
            Piece::Text(part) => text.push_str(part),
            Piece::Slot(part, name) => {
                match collections::get_keyword(host, values, host.keyword(name)) {
                    Some(value) => print::write_display(host, value, &mut text),
                    None => text.push_str(part),
                }
            }
        }
    }
    text
}
