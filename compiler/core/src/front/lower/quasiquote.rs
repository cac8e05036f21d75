//! `quasiquote`.
//!
//! Parts of a template without anything to insert are constants. A symbol that ends in one `#` stands for a
//! new symbol, the same throughout one evaluation of the template.

use super::let_forms::let_expr;
use super::literals::{append_call, is_constant_key, make, make_map};
use super::{Lowerer, shape};
use crate::front::datum::{Datum, DatumKind, Span, Symbol};
use crate::front::diagnostic::{Diagnostic, Fallible};
use crate::front::names::SpecialForm;
use crate::ir::{Expr, ExprKind, VarId};

/// The new symbols of one template and the variables that hold them.
type Generated = Vec<(Symbol, VarId)>;

/// An element of a sequence template.
enum Element {
    Constant(Datum),
    One(Expr),
    Splice(Expr),
}

impl Lowerer<'_, '_> {
    pub(super) fn quasiquote(&mut self, operands: &[Datum], span: Span) -> Fallible<Expr> {
        let [template] = shape::exactly("quasiquote", operands, span)?;
        let mut generated = Vec::new();
        // `,@` needs a sequence around it; alone it is data.
        let alone = match &template.kind {
            DatumKind::List(items) => items.first().and_then(shape::as_symbol),
            _ => None,
        };
        let body = if alone == Some(self.session.names.unquote_splicing) {
            Element::Constant(template.clone())
        } else {
            self.template(template, 1, &mut generated)?
        };
        let body = match body {
            Element::One(body) | Element::Splice(body) => body,
            Element::Constant(datum) => Expr::new(ExprKind::Const(datum.kind), span),
        };
        let bound = generated
            .into_iter()
            .map(|(symbol, variable)| {
                let name = self.session.text(symbol);
                let stem = name.strip_suffix('#').unwrap_or(&name);
                let stem = ExprKind::Const(DatumKind::Str(stem.into()));
                let call = Self::call_builtin("%gensym", vec![Expr::new(stem, span)], span);
                (variable, call)
            })
            .collect();
        Ok(let_expr(bound, body, span))
    }

    /// Lowers a template at a level of nested quasiquotation. A splice is only given for `,@` at level one.
    fn template(
        &mut self,
        template: &Datum,
        level: u32,
        generated: &mut Generated,
    ) -> Fallible<Element> {
        // Parts that are shared count wherever they stand.
        if self.expanding > 0 && !self.may_add_parts(1, template.span) {
            let nil = Datum {
                kind: DatumKind::Nil,
                span: template.span,
            };
            return Ok(Element::Constant(nil));
        }
        match &template.kind {
            DatumKind::Symbol(symbol) => Ok(self.template_symbol(*symbol, template, generated)),
            DatumKind::List(items) => self.list_template(template, items, level, generated),
            DatumKind::Vector(items) => {
                let elements = self.elements(items, level, generated)?;
                if elements
                    .iter()
                    .all(|element| matches!(element, Element::Constant(_)))
                {
                    return Ok(Element::Constant(template.clone()));
                }
                let built = build("%vector", "%append-vector", elements, template.span);
                Ok(Element::One(built))
            }
            DatumKind::Map(entries) => self.map_template(template, entries, level, generated),
            _ => Ok(Element::Constant(template.clone())),
        }
    }

    fn list_template(
        &mut self,
        template: &Datum,
        items: &[Datum],
        level: u32,
        generated: &mut Generated,
    ) -> Fallible<Element> {
        let span = template.span;
        let head = items.first().and_then(shape::as_symbol);
        let names = &self.session.names;
        let splicing = head == Some(names.unquote_splicing);
        let unquoting = splicing || head == Some(names.unquote);
        let nesting = head.and_then(|head| names.form(head)) == Some(SpecialForm::Quasiquote);
        let mut inner = level;
        if unquoting {
            if items.len() != 2 {
                let name = if splicing {
                    "unquote-splicing"
                } else {
                    "unquote"
                };
                return Err(Diagnostic::arity(span, name, 1, Some(1), items.len() - 1));
            }
            if level == 1
                && let Some(operand) = items.get(1)
            {
                let value = self.expr(operand);
                return Ok(if splicing {
                    Element::Splice(value)
                } else {
                    Element::One(value)
                });
            }
            inner -= 1;
        } else if nesting && items.len() == 2 {
            inner += 1;
        }
        let mut elements = self.elements(items, inner, generated)?;
        if elements
            .iter()
            .all(|element| matches!(element, Element::Constant(_)))
        {
            return Ok(Element::Constant(template.clone()));
        }
        // A list that consists of one splice is the spliced value itself.
        if let ([Element::Splice(_)], Some(Element::Splice(value))) =
            (&elements[..], elements.last())
        {
            let value = value.clone();
            elements.clear();
            return Ok(Element::One(value));
        }
        let built = build("%list", "%append-list", elements, span);
        Ok(Element::One(built))
    }

    fn elements(
        &mut self,
        items: &[Datum],
        level: u32,
        generated: &mut Generated,
    ) -> Fallible<Vec<Element>> {
        items
            .iter()
            .map(|item| self.template(item, level, generated))
            .collect()
    }

    fn map_template(
        &mut self,
        template: &Datum,
        entries: &[(Datum, Datum)],
        level: u32,
        generated: &mut Generated,
    ) -> Fallible<Element> {
        let mut elements = Vec::with_capacity(entries.len() * 2);
        for (key, value) in entries {
            for part in [key, value] {
                let element = self.template(part, level, generated)?;
                if matches!(element, Element::Splice(_)) {
                    let message =
                        "unquote-splicing is not allowed in a quasiquoted map key or value";
                    let problem = Diagnostic::eval(template.span, message)
                        .with_hint("splicing only makes sense inside a list or vector");
                    return Err(problem);
                }
                elements.push(element);
            }
        }
        let constant = elements
            .iter()
            .all(|element| matches!(element, Element::Constant(_)));
        if constant && entries.iter().all(|(key, _)| is_constant_template_key(key)) {
            return Ok(Element::Constant(template.clone()));
        }
        let elements = elements.into_iter().map(into_expr).collect();
        Ok(Element::One(make_map(elements, template.span)))
    }

    fn template_symbol(
        &mut self,
        symbol: Symbol,
        datum: &Datum,
        generated: &mut Generated,
    ) -> Element {
        let name = self.session.interner.resolve(&symbol);
        let stem = name.strip_suffix('#');
        if stem.is_none_or(|stem| stem.is_empty() || stem.ends_with('#')) {
            return Element::Constant(datum.clone());
        }
        let known = generated.iter().find(|(known, _)| *known == symbol);
        let variable = match known {
            Some((_, variable)) => *variable,
            None => {
                let variable = self.named_variable(symbol);
                generated.push((symbol, variable));
                variable
            }
        };
        Element::One(Self::local(variable, datum.span))
    }
}

/// Builds a sequence from elements, in order.
fn build(
    constructor: &'static str,
    append: &'static str,
    elements: Vec<Element>,
    span: Span,
) -> Expr {
    let splices = elements
        .iter()
        .any(|element| matches!(element, Element::Splice(_)));
    if !splices {
        let elements = elements.into_iter().map(into_expr).collect();
        return make(constructor, append, elements, span);
    }
    let mut parts = Vec::new();
    let mut run = Vec::new();
    for element in elements {
        if let Element::Splice(value) = element {
            if !run.is_empty() {
                let run = std::mem::take(&mut run);
                parts.push(make("%list", "%append-list", run, span));
            }
            parts.push(value);
        } else {
            run.push(into_expr(element));
        }
    }
    if !run.is_empty() {
        parts.push(make("%list", "%append-list", run, span));
    }
    append_call(append, parts, span)
}

fn into_expr(element: Element) -> Expr {
    match element {
        Element::Constant(datum) => Expr::new(ExprKind::Const(datum.kind), datum.span),
        Element::One(value) | Element::Splice(value) => value,
    }
}

/// Whether a quoted datum can certainly be a map key.
fn is_constant_template_key(key: &Datum) -> bool {
    match &key.kind {
        DatumKind::Symbol(_) => true,
        DatumKind::List(items) | DatumKind::Vector(items) => {
            items.iter().all(is_constant_template_key)
        }
        _ => is_constant_key(key),
    }
}
