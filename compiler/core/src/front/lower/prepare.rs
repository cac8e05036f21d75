//! Preparing a body: which names does it define, and what do its macro calls stand for?
//!
//! Only positions that belong to the body's own scope are looked at; a form that opens a scope prepares its own
//! body when it is lowered. Shapes are not checked here.

use super::control::sequence;
use super::{DEPTH_LIMIT, Lowerer, shape};
use crate::front::datum::{Datum, DatumKind, Interner, Symbol};
use crate::front::names::SpecialForm;
use crate::hashing::HashSet;
use crate::ir::Expr;

/// The names that a scope defines: generated programs have very many.
#[derive(Default)]
struct Defined {
    in_order: Vec<Symbol>,
    all: HashSet<Symbol>,
}

impl Defined {
    fn of(names: Vec<Symbol>) -> Defined {
        let all = names.iter().copied().collect();
        Defined {
            in_order: names,
            all,
        }
    }

    fn add(&mut self, name: Symbol) {
        if self.all.insert(name) {
            self.in_order.push(name);
        }
    }
}

/// What one walk over a body collects.
struct Walk {
    /// Names defined in the scope, in order, without repeats.
    names: Defined,
    /// Whether macro calls are expanded. The first walk does not: it finds the definitions that hide macros.
    expand: bool,
    depth: u32,
}

impl Lowerer<'_, '_> {
    /// Expands the macro calls of the scope that `forms` is the body of and collects the names it defines.
    pub(super) fn prepare(&mut self, forms: &[Datum]) -> (Vec<Datum>, Vec<Symbol>) {
        let names = self.literal_definitions(forms);
        let mut walk = Walk {
            names: Defined::of(names),
            expand: true,
            depth: 0,
        };
        let mut expanded = Vec::with_capacity(forms.len());
        for form in forms {
            let form = self.walk(form, &mut walk).unwrap_or_else(|| form.clone());
            self.splice(form, &mut expanded);
        }
        (expanded, walk.names.in_order)
    }

    /// Adds a form to a body; the parts of a `begin` that is not empty in its place.
    fn splice(&self, form: Datum, body: &mut Vec<Datum>) {
        if let DatumKind::List(items) = &form.kind
            && let Some((head, parts)) = items.split_first()
            && !parts.is_empty()
            && shape::as_symbol(head).and_then(|head| self.session.names.form(head))
                == Some(SpecialForm::Begin)
        {
            for part in parts {
                self.splice(part.clone(), body);
            }
            return;
        }
        body.push(form);
    }

    /// Lowers an expression whose definitions belong to the innermost scope, which is still being set up.
    pub(super) fn prepared_expr(&mut self, datum: &Datum) -> Expr {
        let (forms, names) = self.prepare(std::slice::from_ref(datum));
        self.declare(&names);
        sequence(self.exprs(&forms), datum.span)
    }

    /// The names that forms define without help of macros.
    pub(super) fn literal_definitions(&mut self, forms: &[Datum]) -> Vec<Symbol> {
        let mut walk = Walk {
            names: Defined::default(),
            expand: false,
            depth: 0,
        };
        for form in forms {
            self.walk(form, &mut walk);
        }
        walk.names.in_order
    }

    /// Walks one form; gives what to put in its place, if it is to be replaced.
    fn walk(&mut self, datum: &Datum, walk: &mut Walk) -> Option<Datum> {
        if walk.depth > DEPTH_LIMIT {
            return None;
        }
        walk.depth += 1;
        let replacement = match &datum.kind {
            DatumKind::List(items) => self.walk_list(datum, items, walk),
            DatumKind::Vector(items) => {
                let items = self.walk_items(items, 0, walk)?;
                Some(DatumKind::Vector(items.into()))
            }
            .map(|kind| Datum {
                kind,
                span: datum.span,
            }),
            DatumKind::Map(entries) => {
                let flat: Vec<Datum> = entries
                    .iter()
                    .flat_map(|(key, value)| [key.clone(), value.clone()])
                    .collect();
                self.walk_items(&flat, 0, walk).map(|flat| {
                    let pairs = flat.chunks_exact(2).filter_map(|pair| match pair {
                        [key, value] => Some((key.clone(), value.clone())),
                        _ => None,
                    });
                    Datum {
                        kind: DatumKind::Map(pairs.collect()),
                        span: datum.span,
                    }
                })
            }
            _ => None,
        };
        walk.depth -= 1;
        replacement
    }

    /// Walks the elements from `first` on; gives all elements if any changed.
    fn walk_items(&mut self, items: &[Datum], first: usize, walk: &mut Walk) -> Option<Vec<Datum>> {
        let mut changed: Option<Vec<Datum>> = None;
        for (index, item) in items.iter().enumerate().skip(first) {
            if let Some(replacement) = self.walk(item, walk) {
                let copy = changed.get_or_insert_with(|| items.to_vec());
                if let Some(place) = copy.get_mut(index) {
                    *place = replacement;
                }
            }
        }
        changed
    }

    fn walk_list(&mut self, datum: &Datum, items: &[Datum], walk: &mut Walk) -> Option<Datum> {
        let list = |items: Vec<Datum>| Datum {
            kind: DatumKind::List(items.into()),
            span: datum.span,
        };
        let (head, operands) = items.split_first()?;
        let Some(symbol) = shape::as_symbol(head) else {
            return self.walk_items(items, 0, walk).map(list);
        };
        let Some(form) = self.form_of(symbol) else {
            if walk.expand && !walk.names.all.contains(&symbol) {
                match self.expand_call(symbol, datum, operands) {
                    Ok(None) => {}
                    Ok(Some(expansion)) => {
                        return Some(self.walk(&expansion, walk).unwrap_or(expansion));
                    }
                    Err(problem) => {
                        self.report(problem);
                        return Some(Datum {
                            kind: DatumKind::Nil,
                            span: datum.span,
                        });
                    }
                }
            }
            return self.walk_items(items, 1, walk).map(list);
        };
        self.note_definitions(form, operands, walk);
        self.walk_form(form, items, walk).map(list)
    }

    /// Collects what a defining form defines in its scope. Tools, agents and macros are always global.
    fn note_definitions(&mut self, form: SpecialForm, operands: &[Datum], walk: &mut Walk) {
        let mut defined: Vec<Symbol> = Vec::new();
        let Some(target) = operands.first() else {
            return;
        };
        match form {
            SpecialForm::Define => match &target.kind {
                DatumKind::Symbol(symbol) => defined.push(*symbol),
                DatumKind::List(signature) => {
                    defined.extend(signature.first().and_then(shape::as_symbol));
                }
                _ => defined = self.pattern_names(target),
            },
            SpecialForm::Defun | SpecialForm::Defmulti => {
                defined.extend(shape::as_symbol(target));
            }
            SpecialForm::DefineValues => {
                let dot = self.session.names.dot;
                match &target.kind {
                    DatumKind::Symbol(symbol) => defined.push(*symbol),
                    DatumKind::List(formals) => {
                        let symbols = formals.iter().filter_map(shape::as_symbol);
                        defined.extend(symbols.filter(|symbol| *symbol != dot));
                    }
                    _ => {}
                }
            }
            SpecialForm::DefineRecordType => defined = record_names(operands),
            SpecialForm::Deftool | SpecialForm::Defagent if self.scopes.is_empty() => {
                defined.extend(shape::as_symbol(target));
            }
            _ => {}
        }
        for symbol in defined {
            walk.names.add(symbol);
        }
    }

    /// Walks the operands of a special form that belong to the current scope; gives the new list.
    fn walk_form(
        &mut self,
        form: SpecialForm,
        items: &[Datum],
        walk: &mut Walk,
    ) -> Option<Vec<Datum>> {
        match form {
            SpecialForm::Quote
            | SpecialForm::Lambda
            | SpecialForm::Delay
            | SpecialForm::Async
            | SpecialForm::Defmacro
            | SpecialForm::DefineSyntax
            | SpecialForm::Defun
            | SpecialForm::DefineRecordType
            | SpecialForm::While
            | SpecialForm::Letrec
            | SpecialForm::Eval
            | SpecialForm::Macroexpand => None,
            SpecialForm::If
            | SpecialForm::When
            | SpecialForm::Unless
            | SpecialForm::And
            | SpecialForm::Or
            | SpecialForm::Begin
            | SpecialForm::Throw
            | SpecialForm::Load
            | SpecialForm::Force
            | SpecialForm::Await
            | SpecialForm::Message
            | SpecialForm::Defmethod
            | SpecialForm::FString => self.walk_items(items, 1, walk),
            SpecialForm::Define => {
                let is_function = items
                    .get(1)
                    .is_none_or(|target| matches!(target.kind, DatumKind::List(_)));
                (!is_function)
                    .then(|| self.walk_items(items, 2, walk))
                    .flatten()
            }
            SpecialForm::Set
            | SpecialForm::DefineValues
            | SpecialForm::Defmulti
            | SpecialForm::Deftool
            | SpecialForm::Defagent => self.walk_items(items, 2, walk),
            SpecialForm::Module => self.walk_items(items, 3, walk),
            SpecialForm::Import
            | SpecialForm::Case
            | SpecialForm::Match
            | SpecialForm::MatchStar => self.walk_at(items, 1, walk),
            SpecialForm::Cond | SpecialForm::Prompt => self.walk_clauses(items, walk),
            SpecialForm::Try => {
                let (last, body) = items.split_last()?;
                let mut body = self.walk_items(body, 1, walk)?;
                body.push(last.clone());
                Some(body)
            }
            SpecialForm::Let | SpecialForm::LetValues | SpecialForm::Do => {
                let named = items
                    .get(1)
                    .is_some_and(|name| shape::as_symbol(name).is_some());
                self.walk_bindings(items, if named { 2 } else { 1 }, usize::MAX, walk)
            }
            SpecialForm::LetStar | SpecialForm::LetStarValues => {
                self.walk_bindings(items, 1, 1, walk)
            }
            SpecialForm::Quasiquote => {
                let template = items.get(1)?;
                let template = self.walk_template(template, 1, walk)?;
                Some(vec![items.first()?.clone(), template])
            }
        }
    }

    fn walk_at(&mut self, items: &[Datum], index: usize, walk: &mut Walk) -> Option<Vec<Datum>> {
        let replacement = self.walk(items.get(index)?, walk)?;
        let mut items = items.to_vec();
        *items.get_mut(index)? = replacement;
        Some(items)
    }

    /// Each operand that is a list is a clause whose elements are all in scope; an element is not a call only
    /// because it comes first.
    fn walk_clauses(&mut self, items: &[Datum], walk: &mut Walk) -> Option<Vec<Datum>> {
        let mut changed: Option<Vec<Datum>> = None;
        for (index, clause) in items.iter().enumerate().skip(1) {
            let replacement = match &clause.kind {
                DatumKind::List(parts) => self.walk_items(parts, 0, walk).map(|parts| Datum {
                    kind: DatumKind::List(parts.into()),
                    span: clause.span,
                }),
                _ => self.walk(clause, walk),
            };
            if let Some(replacement) = replacement {
                let copy = changed.get_or_insert_with(|| items.to_vec());
                if let Some(place) = copy.get_mut(index) {
                    *place = replacement;
                }
            }
        }
        changed
    }

    /// The initial values of the first `limit` bindings.
    fn walk_bindings(
        &mut self,
        items: &[Datum],
        at: usize,
        limit: usize,
        walk: &mut Walk,
    ) -> Option<Vec<Datum>> {
        let bindings = items.get(at)?;
        let mut changed = shape::sequence(bindings)?.to_vec();
        let mut any = false;
        for binding in changed.iter_mut().take(limit) {
            let DatumKind::List(parts) = &binding.kind else {
                continue;
            };
            let parts = parts.clone();
            if let Some(parts) = self.walk_at(&parts, 1, walk) {
                binding.kind = DatumKind::List(parts.into());
                any = true;
            }
        }
        if !any {
            return None;
        }
        let mut items = items.to_vec();
        items.get_mut(at)?.kind = DatumKind::List(changed.into());
        Some(items)
    }

    /// The unquoted parts of a template.
    fn walk_template(&mut self, template: &Datum, level: u32, walk: &mut Walk) -> Option<Datum> {
        let rebuilt = |kind| Datum {
            kind,
            span: template.span,
        };
        match &template.kind {
            DatumKind::List(items) => {
                let level = match self.quotation(items) {
                    Some(change) if level as i64 + i64::from(change) <= 0 => {
                        return self
                            .walk_at(items, 1, walk)
                            .map(|items| rebuilt(DatumKind::List(items.into())));
                    }
                    Some(change) => level.saturating_add_signed(change),
                    None => level,
                };
                self.walk_templates(items, level, walk)
                    .map(|items| rebuilt(DatumKind::List(items.into())))
            }
            DatumKind::Vector(items) => self
                .walk_templates(items, level, walk)
                .map(|items| rebuilt(DatumKind::Vector(items.into()))),
            DatumKind::Map(entries) => {
                let mut any = false;
                let mut part = |lowerer: &mut Self, datum: &Datum| {
                    let replacement = lowerer.walk_template(datum, level, walk);
                    any |= replacement.is_some();
                    replacement.unwrap_or_else(|| datum.clone())
                };
                let entries: Vec<(Datum, Datum)> = entries
                    .iter()
                    .map(|(key, value)| (part(self, key), part(self, value)))
                    .collect();
                any.then(|| rebuilt(DatumKind::Map(entries.into())))
            }
            _ => None,
        }
    }

    fn walk_templates(
        &mut self,
        items: &[Datum],
        level: u32,
        walk: &mut Walk,
    ) -> Option<Vec<Datum>> {
        let mut changed: Option<Vec<Datum>> = None;
        for (index, item) in items.iter().enumerate() {
            if let Some(replacement) = self.walk_template(item, level, walk) {
                let copy = changed.get_or_insert_with(|| items.to_vec());
                if let Some(place) = copy.get_mut(index) {
                    *place = replacement;
                }
            }
        }
        changed
    }

    /// How a list changes the level of quasiquotation: `unquote` forms by -1, `quasiquote` by 1.
    pub(super) fn quotation(&self, items: &[Datum]) -> Option<i32> {
        let [head, _] = items else {
            return None;
        };
        let symbol = shape::as_symbol(head)?;
        let names = &self.session.names;
        if symbol == names.unquote || symbol == names.unquote_splicing {
            Some(-1)
        } else if names.form(symbol) == Some(SpecialForm::Quasiquote) {
            Some(1)
        } else {
            None
        }
    }
}

/// The constructor, predicate and accessors of a record definition.
pub(super) fn record_names(operands: &[Datum]) -> Vec<Symbol> {
    let mut names = Vec::new();
    if let Some(DatumKind::List(constructor)) = operands.get(1).map(|datum| &datum.kind) {
        names.extend(constructor.first().and_then(shape::as_symbol));
    }
    names.extend(operands.get(2).and_then(shape::as_symbol));
    for field in operands.iter().skip(3) {
        if let DatumKind::List(parts) = &field.kind {
            names.extend(parts.get(1).and_then(shape::as_symbol));
        }
    }
    names
}

/// Whether a quasiquote template has nothing to insert and no symbol to generate.
pub(super) fn is_constant_template(template: &Datum, interner: &Interner) -> bool {
    let mut work = vec![template];
    while let Some(datum) = work.pop() {
        match &datum.kind {
            DatumKind::Symbol(symbol) => {
                let name = interner.resolve(symbol);
                if name.starts_with("unquote") || name.ends_with('#') {
                    return false;
                }
            }
            DatumKind::List(items) | DatumKind::Vector(items) => work.extend(items.iter()),
            DatumKind::Map(entries) => {
                work.extend(entries.iter().flat_map(|(key, value)| [key, value]));
            }
            _ => {}
        }
    }
    true
}
