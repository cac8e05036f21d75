//! Names that one file binds more than once, where the later binding silently replaces the earlier one.

use std::rc::Rc;

use super::Lowerer;
use crate::front::datum::{Datum, DatumKind, Span, Symbol};
use crate::front::diagnostic::{Condition, Diagnostic};
use crate::ir::GlobalId;

/// How many modules an imported name is followed through.
const LONGEST_CHAIN: usize = 100;

impl Lowerer<'_, '_> {
    /// The second definition of a name in one file is rarely meant.
    pub(super) fn warn_of_second_definition(&mut self, id: GlobalId, span: Span) {
        let Some(global) = self.unit.globals.get(id.0 as usize) else {
            return;
        };
        if global.definitions == 1 {
            let hint = "the second replaces the first; use 'set!' to change a value";
            self.warn_twice(global.name.clone(), global.span, span, hint);
        }
    }

    /// The second macro of a name in one file.
    pub(super) fn warn_of_second_macro(&mut self, symbol: Symbol, span: Span) {
        let mut own = self.own_macros.iter();
        if let Some((_, first)) = own.find(|(own, _)| *own == symbol) {
            let hint = "the second replaces the first for the forms that follow it";
            self.warn_twice(self.session.text(symbol), *first, span, hint);
        }
    }

    /// The second method of a multimethod for one value.
    pub(super) fn warn_of_second_method(&mut self, name: Symbol, value: &Datum, span: Span) {
        let DatumKind::Keyword(key) = value.kind else {
            return;
        };
        if !self.scopes.is_empty() || self.conditional {
            return;
        }
        if let Some(first) = self.methods.insert((name, key), span) {
            let (name, key) = (self.session.text(name), self.session.text(key));
            let hint = "the second replaces the first";
            self.warn_twice(Rc::from(format!("{name} :{key}")), first, span, hint);
        }
    }

    fn warn_twice(&mut self, name: Rc<str>, first: Span, second: Span, hint: &str) {
        // What a macro made has one place.
        if first.file != second.file || first == second || self.at_run_time {
            return;
        }
        let message = format!("`{name}` is defined twice in this file");
        let problem = Diagnostic::warning(second, "W0204", Condition::Eval, message)
            .with_secondary(first, "the first definition")
            .with_hint(hint);
        self.report(problem);
    }

    /// An import that binds a name which another import has bound, or a definition before it.
    pub(super) fn warn_of_import(
        &mut self,
        module: &Rc<str>,
        name: &Rc<str>,
        id: GlobalId,
        span: Span,
    ) {
        if self.at_run_time || !self.at_top_level_form() {
            return;
        }
        let symbol = self.session.interner.get_or_intern(&**name);
        let origin = self.origin(module.clone(), name.clone());
        let entry = (origin.0.clone(), origin.1.clone(), span);
        let problem = match self.imported.insert(symbol, entry) {
            Some((other_module, other_name, first)) => {
                if (other_module, other_name) == origin || first.file != span.file {
                    return;
                }
                let message = format!("`{name}` is bound by two imports");
                Diagnostic::warning(span, "W0207", Condition::Eval, message)
                    .with_secondary(first, "the first one")
                    .with_hint("the second replaces the first; name what each import should bind")
            }
            None => {
                let defined = self.unit.globals.get(id.0 as usize);
                let Some(first) = defined
                    .filter(|global| global.definitions > 0 && global.span.file == span.file)
                    .map(|global| global.span)
                else {
                    return;
                };
                let message = format!("the import replaces `{name}`, which this file defines");
                Diagnostic::warning(span, "W0207", Condition::Eval, message)
                    .with_secondary(first, "the definition")
                    .with_hint("name what the import should bind, or import before defining")
            }
        };
        self.report(problem);
    }

    /// The module that defines an exported name, and its name there: a module may export what it imports.
    fn origin(&self, mut module: Rc<str>, mut name: Rc<str>) -> (Rc<str>, Rc<str>) {
        for _ in 0..LONGEST_CHAIN {
            let unit = self
                .session
                .loader
                .as_ref()
                .and_then(|loader| loader.unit(&module));
            let Some(unit) = unit else { break };
            let bound = unit.imports.iter().rev().find_map(|import| {
                let mut bindings = import.bindings.iter();
                let (there, _) = bindings.find(|(_, id)| {
                    let global = unit.globals.get(id.0 as usize);
                    global.is_some_and(|global| global.name == name && global.definitions == 0)
                })?;
                Some((import.module.clone(), there.clone()))
            });
            let Some(next) = bound else { break };
            (module, name) = next;
        }
        (module, name)
    }
}
