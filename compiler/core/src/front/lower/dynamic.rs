//! `eval` and `macroexpand`.
//!
//! Forms known at build time are compiled in place, as top-level code; mistakes in them are conditions raised
//! when they are reached. The rest needs a compiler at run time.

use super::control::sequence;
use super::finish::visit;
use super::literals::is_constant;
use super::prepare::is_constant_template;
use super::{Lowerer, shape};
use crate::front::datum::{Datum, DatumKind, FileId, Span, Symbol};
use crate::front::diagnostic::{Condition, Diagnostic, Fallible, NEEDS_COMPILER};
use crate::front::expand::readable;
use crate::front::expand::table::Macro;
use crate::front::names::SpecialForm;
use crate::front::reader::read_many_limited;
use crate::ir::{Expr, ExprKind};

/// The warning about a place that an executable without the compiler cannot run.
pub(super) fn needs_compiler(message: String, span: Span) -> Box<Diagnostic> {
    let hint = "this raises :unsupported when it is reached; `semac build --dynamic` makes an \
                executable that contains the compiler";
    Diagnostic::warning(span, NEEDS_COMPILER, Condition::Eval, message).with_hint(hint)
}

impl Lowerer<'_, '_> {
    pub(super) fn eval(&mut self, operands: &[Datum], span: Span) -> Fallible<Expr> {
        let [form] = shape::exactly("eval", operands, span)?;
        match self.known_value(form) {
            // What it may mean depends on code that is only known then.
            Some(Ok(form)) if self.is_evaluated_late(&form) => {
                self.dynamic = true;
                let form = Expr::new(ExprKind::Const(form.kind), span);
                Ok(Self::call_builtin("%eval", vec![form], span))
            }
            Some(Ok(form)) => Ok(self.compiled_ahead(&form, span)),
            Some(Err(problem)) => Ok(self.raise(problem)),
            None => {
                self.dynamic = true;
                self.warn_needs_compiler("eval: the form", span);
                let value = self.expr(form);
                Ok(Self::call_builtin("%eval", vec![value], span))
            }
        }
    }

    pub(super) fn macroexpand(&mut self, operands: &[Datum], span: Span) -> Fallible<Expr> {
        let [form] = shape::exactly("macroexpand", operands, span)?;
        match self.known_value(form) {
            Some(Ok(form)) if self.is_evaluated_late(&form) => {
                self.dynamic = true;
                let form = Expr::new(ExprKind::Const(form.kind), span);
                Ok(Self::call_builtin("%macroexpand", vec![form], span))
            }
            Some(Ok(form)) => {
                let expanded = |lowerer: &mut Self| {
                    let expansion = lowerer.expand_step(&form)?;
                    let result = expansion.as_ref().unwrap_or(&form);
                    let result = readable(result, lowerer.session.interner);
                    Ok(Expr::new(ExprKind::Const(result.kind), span))
                };
                Ok(self.deferred(expanded, span))
            }
            Some(Err(problem)) => Ok(self.raise(problem)),
            None => {
                self.dynamic = true;
                self.warn_needs_compiler("macroexpand: the form", span);
                let value = self.expr(form);
                Ok(Self::call_builtin("%macroexpand", vec![value], span))
            }
        }
    }

    /// Whether a form that is known already is left to the compiler of the run time, if there is one: what it means
    /// depends on code that is only known then, or it calls a transformer, which sees the task that evaluates it.
    fn is_evaluated_late(&self, form: &Datum) -> bool {
        self.session.compiler_at_run_time && (self.dynamic || self.calls_transformer(form))
    }

    /// Whether a form may call a macro that the program has written as a function.
    fn calls_transformer(&self, form: &Datum) -> bool {
        let mut work = vec![form];
        while let Some(datum) = work.pop() {
            match &datum.kind {
                DatumKind::List(items) => {
                    let head = items.first().and_then(shape::as_symbol);
                    let entry = head.and_then(|head| self.macros.find(head));
                    if entry.is_some_and(|entry| matches!(entry.kind, Macro::Procedure { .. })) {
                        return true;
                    }
                    work.extend(items.iter());
                }
                DatumKind::Vector(items) => work.extend(items.iter()),
                DatumKind::Map(entries) => {
                    work.extend(entries.iter().flat_map(|(key, value)| [key, value]));
                }
                _ => {}
            }
        }
        false
    }

    fn warn_needs_compiler(&mut self, what: &str, span: Span) {
        let message = format!("{what} is not known before the program runs");
        self.report(needs_compiler(message, span));
    }

    pub(super) fn expand_step(&mut self, form: &Datum) -> Fallible<Option<Datum>> {
        let DatumKind::List(items) = &form.kind else {
            return Ok(None);
        };
        let Some((head, operands)) = items.split_first() else {
            return Ok(None);
        };
        let Some(symbol) = shape::as_symbol(head) else {
            return Ok(None);
        };
        if self.form_of(symbol).is_some() {
            return Ok(None);
        }
        self.expand_call(symbol, form, operands)
    }

    /// Lowers a form as top-level code, wherever it stands.
    fn compiled_ahead(&mut self, form: &Datum, span: Span) -> Expr {
        let scopes = std::mem::take(&mut self.scopes);
        let lowered = self.deferred(|lowerer| Ok(lowerer.sequence_form(form)), span);
        self.scopes = scopes;
        let mut has_objects = false;
        visit(&lowered, &mut |expr| {
            has_objects |= matches!(&expr.kind, ExprKind::Const(datum) if datum.has_opaque_parts());
        });
        if has_objects && !self.at_run_time {
            let message = "a macro put a run-time object into code; only data that can be written can \
                           be compiled";
            return self.raise(Diagnostic::eval(span, message));
        }
        lowered
    }

    /// Lowers a form whose parts take effect one after the other: a macro defined in one is known in the next.
    pub(super) fn sequence_form(&mut self, form: &Datum) -> Expr {
        let DatumKind::List(items) = &form.kind else {
            return self.expr(form);
        };
        let head = items.first().and_then(shape::as_symbol);
        match head.and_then(|head| self.session.names.form(head)) {
            Some(SpecialForm::Begin) => {
                let parts = items.iter().skip(1).map(|part| self.sequence_form(part));
                let parts = parts.collect();
                sequence(parts, form.span)
            }
            Some(SpecialForm::Defmacro | SpecialForm::DefineSyntax) => {
                if let Err(problem) = self.define_macro(form, items) {
                    self.report(problem);
                }
                Expr::nil(form.span)
            }
            _ => self.expr(form),
        }
    }

    /// The value of an expression, if it is known at build time: a literal, quoted data, text that is read.
    fn known_value(&mut self, datum: &Datum) -> Option<Fallible<Datum>> {
        if is_constant(datum) {
            return Some(Ok(datum.clone()));
        }
        if let Some(quoted) = self.quoted(datum) {
            return Some(Ok(quoted.clone()));
        }
        let DatumKind::List(items) = &datum.kind else {
            return None;
        };
        let (head, operands) = items.split_first()?;
        let symbol = shape::as_symbol(head)?;
        if self.session.names.form(symbol) == Some(SpecialForm::Quasiquote) {
            let [template] = operands else {
                return None;
            };
            let constant = is_constant_template(template, self.session.interner);
            return constant.then(|| Ok(template.clone()));
        }
        let [operand] = operands else {
            return None;
        };
        let DatumKind::Str(text) = &operand.kind else {
            return None;
        };
        let read = self.reading_function(symbol)?;
        Some(self.read_constant(read, text, operand.span))
    }

    /// A call that reads a constant text: the data it gives.
    pub(super) fn read_ahead(
        &mut self,
        symbol: Symbol,
        operands: &[Datum],
        span: Span,
    ) -> Option<Expr> {
        let [
            Datum {
                kind: DatumKind::Str(text),
                ..
            },
        ] = operands
        else {
            return None;
        };
        let read = self.reading_function(symbol)?;
        let datum = self.read_constant(read, text, span);
        Some(match datum {
            Ok(datum) => Expr::new(ExprKind::Const(datum.kind), span),
            Err(problem) => self.raise(problem),
        })
    }

    fn reading_function(&self, symbol: Symbol) -> Option<Reading> {
        let reading = match self.session.interner.resolve(&symbol) {
            "read" | "read/string" => Reading::First,
            "read-many" | "read/all" | "io/read-many" => Reading::All,
            _ => return None,
        };
        let redefined = self.is_local(symbol)
            || self.hidden.contains(&symbol)
            || self.global_ids.get(&symbol).is_some_and(|id| {
                let global = self.unit.globals.get(id.0 as usize);
                global.is_some_and(|global| global.mutable)
            });
        (!redefined).then_some(reading)
    }

    /// What a constant text reads as.
    fn read_constant(&mut self, reading: Reading, text: &str, span: Span) -> Fallible<Datum> {
        let limit = match reading {
            Reading::First => 1,
            Reading::All => usize::MAX,
        };
        // As in files.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let data = read_many_limited(self.session.interner, FileId(u32::MAX), text, limit);
        let data = data.map_err(|error| {
            let mut diagnostic = Diagnostic::reader(&error, text).at(span);
            // It is a place in the constant.
            diagnostic.secondary.clear();
            diagnostic
        })?;
        let nil = DatumKind::Nil;
        let kind = match reading {
            Reading::First => data.into_iter().next().map_or(nil, |datum| datum.kind),
            Reading::All => DatumKind::List(data.into()),
        };
        let mut datum = Datum { kind, span };
        relocate(&mut datum, span);
        Ok(datum)
    }
}

/// How much of a text is read.
#[derive(Clone, Copy)]
enum Reading {
    First,
    All,
}

/// Gives a datum read from a text inside the program the place of that text.
fn relocate(datum: &mut Datum, span: Span) {
    datum.span = span;
    match &mut datum.kind {
        DatumKind::List(items) | DatumKind::Vector(items) => {
            let mut moved = items.to_vec();
            for item in &mut moved {
                relocate(item, span);
            }
            *items = moved.into();
        }
        DatumKind::Map(entries) => {
            let mut moved = entries.to_vec();
            for (key, value) in &mut moved {
                relocate(key, span);
                relocate(value, span);
            }
            *entries = moved.into();
        }
        _ => {}
    }
}
