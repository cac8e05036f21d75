//! `define-record-type`.
//!
//! Each evaluation makes a new type. The operations are ordinary functions over internal natives, so that an
//! optimiser sees through them.

use std::rc::Rc;

use super::control::sequence;
use super::let_forms::let_expr;
use super::patterns::integer;
use super::{Lowerer, shape};
use crate::front::datum::{Datum, DatumKind, Span, Symbol};
use crate::front::diagnostic::{Diagnostic, Fallible};
use crate::ir::{Expr, ExprKind, Lambda, VarId};

const FORM: &str = "define-record-type";

impl Lowerer<'_, '_> {
    pub(super) fn define_record_type(&mut self, operands: &[Datum], span: Span) -> Fallible<Expr> {
        let Some(([name, constructor, predicate], accessors)) = operands.split_first_chunk::<3>()
        else {
            let message =
                "define-record-type: requires at least type name, constructor, and predicate";
            return Err(Diagnostic::eval(span, message));
        };
        let name = shape::symbol(FORM, name, span)?;
        let signature = shape::list(FORM, constructor, span)?;
        let Some((constructor, fields)) = signature.split_first() else {
            let message = "define-record-type: constructor spec must have a name";
            return Err(Diagnostic::eval(span, message));
        };
        let constructor = shape::symbol(FORM, constructor, span)?;
        let dot = self.session.names.dot;
        let fields: Vec<Symbol> = fields
            .iter()
            .map(|field| shape::symbol(FORM, field, span))
            .filter(|field| !matches!(field, Ok(symbol) if *symbol == dot))
            .collect::<Fallible<_>>()?;
        let predicate = shape::symbol(FORM, predicate, span)?;
        let mut specs = Vec::new();
        for accessor in accessors {
            let [field, accessor] = shape::list(FORM, accessor, span)? else {
                let message = "define-record-type: field spec must be (field accessor)";
                return Err(Diagnostic::eval(span, message));
            };
            let field = shape::symbol(FORM, field, span)?;
            specs.push((field, shape::symbol(FORM, accessor, span)?));
        }
        // An unknown field is a condition of the run time in the reference.
        let mut indices = Vec::new();
        for (field, accessor) in specs {
            let Some(index) = fields.iter().position(|known| *known == field) else {
                let field = self.session.text(field);
                let message = format!("define-record-type: field '{field}' not in constructor");
                return Ok(self.raise(Diagnostic::eval(span, message)));
            };
            indices.push((index, accessor));
        }
        let type_variable = self.temporary("type");
        let mut make = vec![self.text_constant(name, span)];
        make.extend(fields.iter().map(|field| self.text_constant(*field, span)));
        let record_type = Self::call_builtin("%make-record-type", make, span);
        let mut steps = vec![
            self.constructor(constructor, type_variable, &fields, span),
            self.predicate(predicate, type_variable, span),
        ];
        for (index, accessor) in indices {
            steps.push(self.accessor(accessor, type_variable, index, span));
        }
        steps.push(Expr::nil(span));
        let body = sequence(steps, span);
        Ok(let_expr(vec![(type_variable, record_type)], body, span))
    }

    fn constructor(
        &mut self,
        name: Symbol,
        record_type: VarId,
        fields: &[Symbol],
        span: Span,
    ) -> Expr {
        let parameters: Vec<VarId> = fields
            .iter()
            .map(|field| self.named_variable(*field))
            .collect();
        let mut arguments = vec![Self::local(record_type, span)];
        arguments.extend(
            parameters
                .iter()
                .map(|parameter| Self::local(*parameter, span)),
        );
        let body = Self::call_builtin("%record", arguments, span);
        self.operation(name, parameters, body, span)
    }

    fn predicate(&mut self, name: Symbol, record_type: VarId, span: Span) -> Expr {
        let value = self.temporary("value");
        let arguments = vec![Self::local(record_type, span), Self::local(value, span)];
        let body = Self::call_builtin("%record?", arguments, span);
        self.operation(name, vec![value], body, span)
    }

    fn accessor(&mut self, name: Symbol, record_type: VarId, index: usize, span: Span) -> Expr {
        let value = self.temporary("record");
        let arguments = vec![
            Self::local(record_type, span),
            integer(index, span),
            self.text_constant(name, span),
            Self::local(value, span),
        ];
        let body = Self::call_builtin("%record-ref", arguments, span);
        self.operation(name, vec![value], body, span)
    }

    fn operation(&mut self, name: Symbol, parameters: Vec<VarId>, body: Expr, span: Span) -> Expr {
        let lambda = Lambda {
            name: Some(self.session.text(name)),
            parameters,
            optional: 0,
            rest: None,
            body,
            span,
            library: false,
        };
        let value = Expr::new(ExprKind::Lambda(Rc::new(lambda)), span);
        self.definition(name, value, span)
    }

    /// The text of a symbol as a constant.
    pub(super) fn text_constant(&self, symbol: Symbol, span: Span) -> Expr {
        Expr::new(
            ExprKind::Const(DatumKind::Str(self.session.text(symbol))),
            span,
        )
    }
}
