//! Clauses that are never reached.

use crate::hashing::HashMap;

use super::Lowerer;
use crate::front::datum::{Datum, DatumKind, Span};
use crate::front::diagnostic::{Condition, Diagnostic};

/// Why a clause is not reached behind one that always applies.
const ALWAYS: &str = "this one always applies";

/// Why a clause is not reached behind one with its test.
const SAME: &str = "this one has the same test";

/// Tests that are nested deeper are not compared.
const DEEPEST: u32 = 8;

/// The clauses before the one that is looked at.
#[derive(Default)]
pub(super) struct Clauses {
    always: Option<Span>,
    /// The texts of tests that give the same each time, with their clauses.
    tests: HashMap<String, Span>,
}

impl Clauses {
    /// Notes that what follows a clause is not reached.
    pub(super) fn applies_always(&mut self, clause: Span) {
        self.always.get_or_insert(clause);
    }
}

impl Lowerer<'_, '_> {
    /// Warns of a clause behind one that always applies.
    pub(super) fn check_reached(&mut self, form: &str, clause: Span, before: &mut Clauses) {
        if let Some(always) = before.always.take() {
            self.warn_of_unreachable(form, clause, always, ALWAYS);
        }
    }

    /// Warns of a clause whose test another one has.
    pub(super) fn check_test(&mut self, test: &Datum, clause: Span, before: &mut Clauses) {
        let mut text = String::new();
        if !self.write_test(test, DEEPEST, &mut text) {
            // It may change what the tests before it see.
            before.tests.clear();
            return;
        }
        if let Some(first) = before.tests.get(&text) {
            self.warn_of_unreachable("cond", clause, *first, SAME);
        } else {
            before.tests.insert(text, clause);
        }
    }

    /// Warns of a constant of `case` that stands in another clause, too.
    pub(super) fn check_constant(&mut self, datum: &Datum, before: &mut Clauses) {
        let mut text = String::new();
        if self.write_constant(datum, &mut text) {
            if let Some(first) = before.tests.get(&text) {
                self.warn_of_unreachable("case", datum.span, *first, "it stands here already");
            } else {
                before.tests.insert(text, datum.span);
            }
        }
    }

    /// Warns of a clause such as `(> x 1)`, whose test is the function itself.
    pub(super) fn warn_of_function_as_test(&mut self, test: &Datum, body: &[Datum], clause: Span) {
        let DatumKind::Symbol(name) = test.kind else {
            return;
        };
        let text = self.session.interner.resolve(&name);
        let is_function = self
            .session
            .builtins
            .resolve(text)
            .is_some_and(|entry| entry.arity.is_some());
        if !is_function || body.is_empty() || self.is_local(name) || self.is_defined(name) {
            return;
        }
        let message =
            format!("cond: the test is the function '{text}' itself, which counts as true");
        let problem = Diagnostic::warning(clause, "W0208", Condition::Eval, message).with_hint(
            "each clause stands in parentheses, its test inside: (cond ((> x 1) ...) (else ...))",
        );
        self.report(problem);
    }

    fn warn_of_unreachable(&mut self, form: &str, clause: Span, before: Span, why: &str) {
        // What a macro made has one place.
        if clause == before {
            return;
        }
        let message = format!("{form}: this clause is never reached");
        let problem = Diagnostic::warning(clause, "W0205", Condition::Eval, message)
            .with_secondary(before, why);
        self.report(problem);
    }

    /// Writes a test of which is known that it gives the same each time and changes nothing.
    fn write_test(&self, test: &Datum, depth: u32, text: &mut String) -> bool {
        match &test.kind {
            DatumKind::Symbol(symbol) => {
                text.push_str(self.session.interner.resolve(symbol));
                true
            }
            DatumKind::List(items) => {
                let Some((head, operands)) = items.split_first() else {
                    return false;
                };
                let DatumKind::Symbol(name) = head.kind else {
                    return false;
                };
                let builtin = self
                    .session
                    .builtins
                    .resolve(self.session.interner.resolve(&name));
                let is_pure = builtin.is_some_and(|entry| {
                    let facts = entry.builtin.facts();
                    facts.pure && !facts.reads_content()
                });
                if !is_pure
                    || depth == 0
                    || self.is_local(name)
                    || self.global_ids.contains_key(&name) && self.is_defined(name)
                {
                    return false;
                }
                text.push('(');
                text.push_str(self.session.interner.resolve(&name));
                let all = operands.iter().all(|operand| {
                    text.push(' ');
                    self.write_test(operand, depth - 1, text)
                });
                text.push(')');
                all
            }
            _ => self.write_constant(test, text),
        }
    }

    fn write_constant(&self, datum: &Datum, text: &mut String) -> bool {
        let name = |symbol| self.session.interner.resolve(symbol);
        match &datum.kind {
            DatumKind::Nil => text.push_str("nil"),
            DatumKind::Bool(value) => text.push_str(if *value { "#t" } else { "#f" }),
            DatumKind::Int(value) => text.push_str(&value.to_string()),
            DatumKind::Char(value) => text.extend(["#\\", value.encode_utf8(&mut [0; 4])]),
            DatumKind::Str(value) => text.push_str(&format!("{value:?}")),
            DatumKind::Keyword(symbol) => text.extend([":", name(symbol)]),
            DatumKind::Symbol(symbol) => text.push_str(name(symbol)),
            _ => return false,
        }
        true
    }

    fn is_defined(&self, name: crate::front::datum::Symbol) -> bool {
        let id = self.global_ids.get(&name);
        let global = id.and_then(|id| self.unit.globals.get(id.0 as usize));
        global.is_some_and(|global| global.definitions > 0 || global.mutable)
    }
}
