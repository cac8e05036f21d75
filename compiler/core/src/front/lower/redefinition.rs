//! Builtins that code evaluated at run time may redefine.
//!
//! What a program will evaluate cannot be known, but where it comes from can: almost always the code
//! stands in the program, quoted or as a text. So every builtin whose name is defined or assigned
//! anywhere in the program's data is a variable, in the program itself and in what it evaluates.

use super::{Lowerer, shape};
use crate::front::datum::{Datum, DatumKind, Span, Symbol};
use crate::ir::{Expr, ExprKind};

/// Forms that give a value to the name behind them, or to the names in a list there.
const DEFINING: &[&str] = &[
    "define",
    "def",
    "defun",
    "defn",
    "set!",
    "define-values",
    "define-record-type",
    "defmulti",
    "deftool",
    "defagent",
];

impl Lowerer<'_, '_> {
    /// Makes the builtins that evaluated code may redefine variables.
    pub(super) fn keep_redefinable(&mut self, forms: &[Datum]) {
        let mut names = Vec::new();
        for form in forms {
            self.names_given_values(form, &mut names);
        }
        names.sort_by_key(|(symbol, _)| *symbol);
        names.dedup_by_key(|(symbol, _)| *symbol);
        for (symbol, span) in names {
            let name = self.session.interner.resolve(&symbol);
            if self.session.builtins.resolve(name).is_none() {
                continue;
            }
            let id = self.global(symbol, span);
            if let Some(global) = self.global_mut(id) {
                global.mutable = true;
                // Mentioned, so that evaluated code finds it.
                self.prelude.push(Expr::new(ExprKind::Global(id), span));
            }
        }
    }

    fn names_given_values(&mut self, datum: &Datum, names: &mut Vec<(Symbol, Span)>) {
        match &datum.kind {
            DatumKind::List(items) => {
                let head = items.first().and_then(shape::as_symbol);
                if let Some(head) = head
                    && DEFINING.contains(&self.session.interner.resolve(&head))
                {
                    match items.get(1).map(|target| &target.kind) {
                        Some(DatumKind::List(targets) | DatumKind::Vector(targets)) => {
                            let targets = targets.iter().filter_map(shape::as_symbol);
                            names.extend(targets.map(|symbol| (symbol, datum.span)));
                        }
                        _ => {
                            let target = items.get(1).and_then(shape::as_symbol);
                            names.extend(target.map(|symbol| (symbol, datum.span)));
                        }
                    }
                }
                for item in items.iter() {
                    self.names_given_values(item, names);
                }
            }
            DatumKind::Vector(items) => {
                for item in items.iter() {
                    self.names_given_values(item, names);
                }
            }
            DatumKind::Map(entries) => {
                for (key, value) in entries.iter() {
                    self.names_given_values(key, names);
                    self.names_given_values(value, names);
                }
            }
            DatumKind::Str(text) => {
                for name in given_in_text(text) {
                    names.push((self.session.interner.get_or_intern(name), datum.span));
                }
            }
            _ => {}
        }
    }
}

/// The names behind defining words in a text that may be code.
fn given_in_text(text: &str) -> impl Iterator<Item = &str> {
    let is_end = |letter: char| letter.is_whitespace() || "()[]{}\"';`,".contains(letter);
    text.split('(').filter_map(move |part| {
        let (head, rest) = part.split_once(char::is_whitespace)?;
        if !DEFINING.contains(&head) {
            return None;
        }
        // `(define (name …` is split behind the word: the name begins the next part.
        let rest = match rest.trim_start() {
            "" => {
                let behind = part.as_ptr() as usize - text.as_ptr() as usize + part.len() + 1;
                text.get(behind..)?
            }
            rest => rest,
        };
        let name = rest.split(is_end).next()?;
        (!name.is_empty()).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::given_in_text;

    #[test]
    fn texts() {
        let text =
            "(define x 1) (foo (set! car y)) (define (first l) l)\n(defun\tlast (x) x) define";
        let names: Vec<&str> = given_in_text(text).collect();
        assert_eq!(names, ["x", "car", "first", "last"]);
        assert_eq!(given_in_text("(define").count(), 0);
        assert_eq!(given_in_text("(define (").count(), 0);
    }
}
