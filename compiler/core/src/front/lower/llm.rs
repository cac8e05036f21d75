//! `prompt`, `message`, `deftool`, `defagent`.

use super::literals::make;
use super::{Lowerer, shape};
use crate::front::datum::{Datum, DatumKind, Span, Symbol};
use crate::front::diagnostic::Fallible;
use crate::ir::{Expr, ExprKind, Lambda};

/// The roles that may stand at the head of a prompt entry.
const ROLES: [&str; 4] = ["system", "user", "assistant", "tool"];

impl Lowerer<'_, '_> {
    /// Entries are messages; the run time refuses anything else.
    pub(super) fn prompt(&mut self, entries: &[Datum], span: Span) -> Expr {
        let entries = entries
            .iter()
            .map(|entry| self.prompt_entry(entry))
            .collect();
        let entries = make("%list", "%append-list", entries, span);
        Self::call_builtin("%make-prompt", vec![entries], span)
    }

    fn prompt_entry(&mut self, entry: &Datum) -> Expr {
        let DatumKind::List(items) = &entry.kind else {
            return self.expr(entry);
        };
        let role = items.split_first().and_then(|(head, parts)| {
            let role = shape::as_symbol(head)?;
            let text = self.session.interner.resolve(&role);
            ROLES.contains(&text).then_some((role, parts))
        });
        let Some((role, parts)) = role else {
            return self.expr(entry);
        };
        let role = Expr::new(ExprKind::Const(DatumKind::Keyword(role)), entry.span);
        let mut arguments = vec![role];
        arguments.extend(self.exprs(parts));
        Self::call_builtin("%make-message", arguments, entry.span)
    }

    pub(super) fn message(&mut self, operands: &[Datum], span: Span) -> Fallible<Expr> {
        shape::count("message", operands, 2, None, span)?;
        let arguments = self.exprs(operands);
        Ok(Self::call_builtin("%make-message", arguments, span))
    }

    pub(super) fn deftool(&mut self, operands: &[Datum], span: Span) -> Fallible<Expr> {
        shape::count("deftool", operands, 4, Some(5), span)?;
        let (Some((name, parts)), Some(handler)) = (operands.split_first(), operands.last()) else {
            return Ok(Expr::nil(span));
        };
        let symbol = shape::symbol("deftool", name, span)?;
        let mut values = self.exprs(parts);
        if values.len() == 3 {
            // Without options.
            values.insert(2, Expr::nil(span));
        }
        let parameters = match values.last().map(|handler| &handler.kind) {
            Some(ExprKind::Lambda(lambda)) => self.parameter_names(lambda, handler.span),
            _ => Expr::nil(handler.span),
        };
        let mut arguments = vec![self.text_constant(symbol, name.span)];
        arguments.extend(values);
        arguments.push(parameters);
        let value = Self::call_builtin("%make-tool", arguments, span);
        Ok(self.define_everywhere(symbol, value, span))
    }

    pub(super) fn defagent(&mut self, operands: &[Datum], span: Span) -> Fallible<Expr> {
        let [name, options] = shape::exactly("defagent", operands, span)?;
        let symbol = shape::symbol("defagent", name, span)?;
        let arguments = vec![self.text_constant(symbol, name.span), self.expr(options)];
        let value = Self::call_builtin("%make-agent", arguments, span);
        Ok(self.define_everywhere(symbol, value, span))
    }

    /// Defines a global, also from inside a function; the value is the value defined.
    fn define_everywhere(&mut self, symbol: Symbol, value: Expr, span: Span) -> Expr {
        let define = self.define_global(symbol, value, span);
        let id = self.global(symbol, span);
        let value = Expr::new(ExprKind::Global(id), span);
        Expr::new(ExprKind::Seq(vec![define, value]), span)
    }

    /// A model's arguments are given to a handler by name, so the names of its parameters are kept. A handler
    /// that is not written as a function in the form has no known names; the run time asks the closure.
    fn parameter_names(&mut self, lambda: &Lambda, span: Span) -> Expr {
        let names = lambda.parameters.iter().map(|parameter| {
            let variable = self.unit.variables.get(parameter.0 as usize);
            let name = variable.map_or_else(|| "".into(), |variable| variable.name.clone());
            Datum {
                kind: DatumKind::Str(name),
                span,
            }
        });
        Expr::new(ExprKind::Const(DatumKind::List(names.collect())), span)
    }
}
