//! What to say about forms that are written as in another language.

use super::{Lowerer, shape};
use crate::front::datum::{Datum, DatumKind};
use crate::front::reader::datum_to_text;

/// Forms that are longer are not repeated in a hint.
const LONGEST: usize = 40;

/// Bindings that a hint shows.
const SHOWN_BINDINGS: usize = 3;

impl Lowerer<'_, '_> {
    /// A form as a hint repeats it.
    fn quoted_form(&self, datum: &Datum) -> String {
        let is_short = match &datum.kind {
            DatumKind::List(items) | DatumKind::Vector(items) => items.len() <= LONGEST,
            DatumKind::Map(_) => false,
            DatumKind::Str(text) => text.len() <= LONGEST,
            _ => true,
        };
        let text = if is_short {
            datum_to_text(self.session.interner, datum)
        } else {
            String::new()
        };
        if (1..=LONGEST).contains(&text.len()) {
            text
        } else {
            "...".to_owned()
        }
    }

    /// Why the bindings of a form are none.
    pub(super) fn hint_for_bindings(&self, form: &str, bindings: &Datum) -> Option<String> {
        let form = if form == "named let" { "let" } else { form };
        let Some(items) = shape::sequence(bindings) else {
            let value = self.quoted_form(bindings);
            return Some(format!(
                "each binding stands in parentheses, and all of them: ({form} ((name {value})) ...)"
            ));
        };
        let names_at_even = items.chunks(2).all(|pair| {
            let target = pair.first().map(|target| &target.kind);
            let is_target = matches!(target, Some(DatumKind::Symbol(_) | DatumKind::Vector(_)));
            is_target && pair.len() == 2
        });
        if !items.is_empty() && names_at_even {
            let pairs = items.chunks(2).take(SHOWN_BINDINGS).map(|pair| {
                let parts: Vec<String> = pair.iter().map(|part| self.quoted_form(part)).collect();
                format!("({})", parts.join(" "))
            });
            let mut pairs: Vec<String> = pairs.collect();
            if items.len() > 2 * SHOWN_BINDINGS {
                pairs.push("...".to_owned());
            }
            let pairs = pairs.join(" ");
            return Some(format!(
                "each binding stands in parentheses of its own: ({form} ({pairs}) ...)"
            ));
        }
        let wrong = items
            .iter()
            .find(|item| !matches!(&item.kind, DatumKind::List(parts) if parts.len() == 2))?;
        Some(match &wrong.kind {
            DatumKind::Vector(parts) if parts.len() == 2 => {
                let parts: Vec<String> = parts.iter().map(|part| self.quoted_form(part)).collect();
                format!(
                    "a binding stands in parentheses, not in brackets: ({})",
                    parts.join(" ")
                )
            }
            DatumKind::List(parts) if parts.len() == 1 => {
                let name = parts.first().map(|name| self.quoted_form(name));
                format!("a binding has a value: ({} nil)", name.unwrap_or_default())
            }
            DatumKind::List(parts) if parts.len() > 2 => {
                "a binding has one value; several forms become one with (begin ...)".to_owned()
            }
            DatumKind::Symbol(_) => {
                let name = self.quoted_form(wrong);
                format!("a binding is a name and a value in parentheses: ({name} ...)")
            }
            _ => format!("bindings are names and values: ({form} ((x 1) (y 2)) ...)"),
        })
    }

    /// What to write instead of a `define` with the wrong number of operands.
    pub(super) fn hint_for_define(&self, operands: &[Datum]) -> Option<String> {
        let (target, rest) = operands.split_first()?;
        let name = self.quoted_form(target);
        match rest {
            [] => Some(format!("a definition has a value: (define {name} nil)")),
            [sign, value] if self.is_symbol(sign, "=") => {
                let value = self.quoted_form(value);
                Some(format!(
                    "there is no '=' in a definition: (define {name} {value})"
                ))
            }
            [parameters, ..] => Some(match shape::sequence(parameters) {
                Some(parameters) => {
                    let signature = self.signature(&name, parameters);
                    format!("a function is defined with (define {signature} ...)")
                }
                None => "a definition has one value; several forms become one with (begin ...)"
                    .to_owned(),
            }),
        }
    }

    /// What to write instead of a `defun` that is written as in another language.
    pub(super) fn hint_for_defun(&self, name: &Datum, parameters: &Datum) -> Option<String> {
        if let DatumKind::List(_) = name.kind {
            let signature = self.quoted_form(name);
            return Some(format!(
                "with the parameters beside the name it is (define {signature} ...)"
            ));
        }
        let name = self.quoted_form(name);
        match &parameters.kind {
            DatumKind::Vector(items) => {
                let items: Vec<String> = items.iter().map(|item| self.quoted_form(item)).collect();
                let items = items.join(" ");
                Some(format!("parameters stand in parentheses, not in brackets: (defun {name} ({items}) ...)"))
            }
            DatumKind::Str(_) => Some(format!(
                "a text that explains the function stands behind the parameters: (defun {name} (...) \"...\" ...)"
            )),
            DatumKind::List(items) if items.iter().any(|item| shape::sequence(item).is_some()) => {
                Some("a function has one list of parameters; what may be left out is taken by a rest: (first . others)".to_owned())
            }
            DatumKind::Symbol(_) => {
                let parameter = self.quoted_form(parameters);
                Some(format!("parameters stand in parentheses: (defun {name} ({parameter}) ...)"))
            }
            _ => None,
        }
    }

    /// Why something cannot be a parameter.
    pub(super) fn hint_for_parameter(&self, parameter: &Datum) -> String {
        match &parameter.kind {
            DatumKind::List(parts) => {
                let name = parts.first().map(|name| self.quoted_form(name));
                let name = name.unwrap_or_default();
                format!(
                    "a parameter is a name, {name}, without a default; what may be left out is taken by a rest: (... . more)"
                )
            }
            DatumKind::Vector(_) | DatumKind::Map(_) => {
                let pattern = self.quoted_form(parameter);
                format!(
                    "a parameter is a name; take its value apart in the body: (let (({pattern} name)) ...)"
                )
            }
            _ => "parameters are names".to_owned(),
        }
    }

    /// What to write instead of a `lambda` that has something else where its parameters have to stand.
    pub(super) fn hint_for_lambda(&self, parameters: &Datum, body: &[Datum]) -> Option<String> {
        let shown = self.quoted_form(parameters);
        match &parameters.kind {
            DatumKind::Symbol(_)
                if body
                    .first()
                    .is_some_and(|next| shape::sequence(next).is_some())
                    && body.len() > 1 =>
            {
                Some(format!(
                    "a function has no name here: (define ({shown} ...) ...), or (letrec (({shown} (fn ...))) ...)"
                ))
            }
            DatumKind::Symbol(_) => Some(format!(
                "parameters stand in parentheses: (fn ({shown}) ...); a list of all arguments is (fn (. {shown}) ...)"
            )),
            DatumKind::Str(_) => {
                Some("a text that explains a function stands behind its parameters".to_owned())
            }
            _ => None,
        }
    }

    /// What to write instead of a `try` that ends in something else than its handler.
    pub(super) fn hint_for_try(&self, last: &Datum) -> &'static str {
        let head = shape::sequence(last).and_then(|items| items.first());
        if head.is_some_and(|head| self.is_symbol(head, "finally")) {
            return "there is no 'finally': clean up in the handler and behind the 'try', or use 'with-stream' for streams";
        }
        "the handler stands last: (try ... (catch e ...)), where e is the condition that was raised"
    }

    /// Why a condition cannot be bound by what follows `catch`.
    pub(super) fn hint_for_catch(&self, name: &Datum) -> Option<String> {
        let parts = shape::sequence(name)?;
        let name = parts
            .last()
            .map_or("e".to_owned(), |name| self.quoted_form(name));
        Some(format!(
            "the name stands without parentheses: (catch {name} ...); its kind is (:type {name})"
        ))
    }

    /// What to write instead of a `set!` of something that is no variable.
    pub(super) fn hint_for_set(&self, target: &Datum) -> Option<String> {
        matches!(target.kind, DatumKind::List(_)).then(|| {
            "a variable alone is assigned: lists and maps are immutable, 'assoc' gives an updated copy".to_owned()
        })
    }

    /// Why a clause is none.
    pub(super) fn hint_for_clause(
        &self,
        form: &str,
        clause: &Datum,
        next: Option<&Datum>,
    ) -> String {
        if let DatumKind::Vector(_) = clause.kind {
            return format!("a clause of '{form}' stands in parentheses, not in brackets");
        }
        if self.is_symbol(clause, "else") || matches!(clause.kind, DatumKind::Keyword(_)) {
            let value = next.map_or("...".to_owned(), |next| self.quoted_form(next));
            return format!("the last clause stands in parentheses: (else {value})");
        }
        let example = if form == "case" { "(1 2)" } else { "(> x 1)" };
        format!(
            "each clause stands in parentheses: ({form} {}({example} ...) (else ...))",
            if form == "case" { "x " } else { "" }
        )
    }

    /// A call written with the operator between its operands.
    pub(super) fn hint_for_infix(&self, items: &[Datum]) -> Option<String> {
        let [left, operator, right] = items else {
            return None;
        };
        let is_operator = ["+", "-", "*", "/", "=", "<", ">", "<=", ">="]
            .iter()
            .any(|sign| self.is_symbol(operator, sign));
        if !is_operator {
            return None;
        }
        let [left, operator, right] = [left, operator, right].map(|part| self.quoted_form(part));
        Some(format!(
            "operators stand in front: ({operator} {left} {right})"
        ))
    }

    /// What may have been meant by a list that begins with a value that is no function.
    pub(super) fn hint_for_call_of_constant(&self, items: &[Datum]) -> String {
        if let Some(hint) = self.hint_for_infix(items) {
            return hint;
        }
        let items: Vec<String> = items.iter().map(|item| self.quoted_form(item)).collect();
        let items = items.join(" ");
        if items.len() <= LONGEST {
            format!("did you mean a list: '({items}) or (list {items})?")
        } else {
            "a list of values is written with a quote in front: '(...)".to_owned()
        }
    }

    fn signature(&self, name: &str, parameters: &[Datum]) -> String {
        let mut parts = vec![name.to_owned()];
        parts.extend(parameters.iter().map(|item| self.quoted_form(item)));
        format!("({})", parts.join(" "))
    }

    fn is_symbol(&self, datum: &Datum, name: &str) -> bool {
        shape::as_symbol(datum).is_some_and(|symbol| self.session.interner.resolve(&symbol) == name)
    }
}
