//! Making forms.

use std::rc::Rc;

use crate::front::datum::{Datum, DatumKind, Span};
use crate::front::lower::Session;

/// Makes the forms of one expansion.
pub(crate) struct Maker<'a, 's> {
    pub(crate) session: &'a mut Session<'s>,
    /// The macro call.
    pub(crate) span: Span,
}

impl Maker<'_, '_> {
    pub(crate) fn datum(&self, kind: DatumKind) -> Datum {
        Datum {
            kind,
            span: self.span,
        }
    }

    pub(crate) fn list(&self, items: Vec<Datum>) -> Datum {
        self.datum(DatumKind::List(items.into()))
    }

    /// The name of a special form or a word; also of a global that the expansion defines.
    pub(crate) fn word(&mut self, name: &str) -> Datum {
        let symbol = self.session.interner.get_or_intern(name);
        self.datum(DatumKind::Symbol(symbol))
    }

    /// A builtin, whatever the program binds.
    pub(crate) fn builtin(&mut self, name: &str) -> Datum {
        let symbol = self.session.interner.get_or_intern(format!(" {name}"));
        self.datum(DatumKind::Symbol(symbol))
    }

    /// A new variable.
    pub(crate) fn fresh(&mut self, stem: &str) -> Datum {
        let symbol = self.session.fresh_name(stem);
        self.datum(DatumKind::Symbol(symbol))
    }

    pub(crate) fn integer(&self, value: i64) -> Datum {
        self.datum(DatumKind::Int(value))
    }

    pub(crate) fn string(&self, text: &str) -> Datum {
        self.datum(DatumKind::Str(Rc::from(text)))
    }

    pub(crate) fn keyword(&mut self, name: &str) -> Datum {
        let symbol = self.session.interner.get_or_intern(name);
        self.datum(DatumKind::Keyword(symbol))
    }

    pub(crate) fn nil(&self) -> Datum {
        self.datum(DatumKind::Nil)
    }

    /// `(FORM operand…)`
    pub(crate) fn form(&mut self, name: &str, operands: impl IntoIterator<Item = Datum>) -> Datum {
        let head = self.word(name);
        self.list(std::iter::once(head).chain(operands).collect())
    }

    /// A call of a builtin.
    pub(crate) fn call(&mut self, name: &str, arguments: impl IntoIterator<Item = Datum>) -> Datum {
        let head = self.builtin(name);
        self.list(std::iter::once(head).chain(arguments).collect())
    }

    /// `(let ((target value)…) body…)`
    pub(crate) fn let_form(
        &mut self,
        bindings: Vec<(Datum, Datum)>,
        body: impl IntoIterator<Item = Datum>,
    ) -> Datum {
        let bindings = bindings
            .into_iter()
            .map(|(target, value)| self.list(vec![target, value]))
            .collect();
        let bindings = self.list(bindings);
        self.form("let", std::iter::once(bindings).chain(body))
    }

    /// `(lambda () body…)`
    pub(crate) fn thunk(&mut self, body: &[Datum]) -> Datum {
        let parameters = self.list(Vec::new());
        self.form(
            "lambda",
            std::iter::once(parameters).chain(body.iter().cloned()),
        )
    }

    /// Runs `cleanup` after the body on both exits; the value of the body.
    pub(crate) fn guarded(&mut self, body: &[Datum], cleanup: Vec<Datum>) -> Datum {
        let result = self.fresh("result");
        let error = self.fresh("error");
        let body = self.form("begin", body.iter().cloned());
        let rethrow = self.form("throw", [error.clone()]);
        let mut handler = vec![error];
        handler.extend(cleanup.iter().cloned());
        handler.push(rethrow);
        let handler = self.form("catch", handler);
        let attempt = self.form("try", [body, handler]);
        let mut after = cleanup;
        after.push(result.clone());
        self.let_form(vec![(result, attempt)], after)
    }
}
