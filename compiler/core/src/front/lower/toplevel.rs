//! Top-level forms, macro definitions, and what macro transformers may use.
//!
//! A transformer may call functions defined before it at top level or in imported modules. Their definitions,
//! which have been lowered already, are run at build time when the first transformer that can reach them is
//! defined.

use crate::hashing::{HashMap, HashSet};
use std::rc::Rc;

use super::finish::{resolve, visit};
use super::session::{Session, sources_of};
use super::{LoweredModule, Lowerer, shape};
use crate::front::datum::{Datum, DatumKind, Span, Symbol};
use sema_machine::host::condition::ConditionKind;

use crate::front::diagnostic::{Diagnostic, Fallible};
use crate::front::expand::prelude::PRELUDE;
use crate::front::expand::syntax_rules::SyntaxRules;
use crate::front::expand::table::{Macro, MacroEntry};
use crate::front::names::SpecialForm;
use crate::ir::{Expr, ExprKind, GlobalId, MacroDefinition, Unit, UnitMacro};

/// Forms of each module that have been run at build time: indices into [`Unit::body`].
pub(crate) type Evaluated = HashMap<Rc<str>, HashSet<usize>>;

impl Lowerer<'_, '_> {
    /// Lowers all forms of a module.
    pub(crate) fn program(mut self, forms: &[Datum]) -> LoweredModule {
        let mark = self.session.diagnostics.len();
        self.hide_macros(forms);
        for form in forms {
            self.top_form(form);
        }
        self.define_macro_values();
        self.find_loaded_files();
        if self.dynamic && self.session.compiler_at_run_time {
            self.keep_redefinable(forms);
        }
        let prelude = std::mem::take(&mut self.prelude);
        let shift = prelude.len();
        self.unit.body.splice(0..0, prelude);
        if let Some(evaluated) = self.session.evaluated.get_mut(&self.unit.name) {
            *evaluated = evaluated.iter().map(|index| index + shift).collect();
        }
        self.unit.dynamic = self.dynamic;
        for (symbol, form) in std::mem::take(&mut self.macro_definitions) {
            let name = self.session.text(symbol);
            let definition = MacroDefinition::Form(form);
            self.unit.macros.push(UnitMacro { name, definition });
        }
        self.finish(mark);
        LoweredModule {
            unit: self.unit,
            macros: self.macros,
        }
    }

    /// Notes the names that forms define at top level: they hide macros in the whole program.
    pub(super) fn hide_macros(&mut self, forms: &[Datum]) {
        let names = self.literal_definitions(forms);
        self.hidden.extend(names);
    }

    /// Whether the form being lowered runs exactly once and is not part of another one.
    pub(super) fn at_top_level_form(&self) -> bool {
        self.depth <= 1 && !self.conditional
    }

    /// Lowers one top-level form. The parts of `begin` and `module` and the forms of a loaded file are top-level
    /// forms too.
    pub(super) fn top_form(&mut self, form: &Datum) {
        if self.expansions == 0 && self.expanding == 0 {
            self.session.parts_made = 0;
        }
        match self.try_top_form(form) {
            Ok(()) => {}
            Err(problem) => self.report(problem),
        }
    }

    fn try_top_form(&mut self, form: &Datum) -> Fallible<()> {
        if let DatumKind::List(items) = &form.kind
            && let Some((head, operands)) = items.split_first()
            && let Some(symbol) = shape::as_symbol(head)
        {
            match self.form_of(symbol) {
                Some(SpecialForm::Begin) if !operands.is_empty() => {
                    for part in operands {
                        self.top_form(part);
                    }
                    return Ok(());
                }
                Some(SpecialForm::Module) => {
                    let body = self.module_header(operands, form.span)?;
                    for part in body {
                        self.top_form(part);
                    }
                    return Ok(());
                }
                Some(SpecialForm::Defmacro | SpecialForm::DefineSyntax) => {
                    self.define_macro(form, items)?;
                    self.unit.body.push(Expr::nil(form.span));
                    return Ok(());
                }
                Some(SpecialForm::Load) => {
                    if self.load_in_place(operands, form.span)? {
                        return Ok(());
                    }
                }
                Some(_) => {}
                None => {
                    if self.depth < super::DEPTH_LIMIT
                        && let Some(expansion) = self.expand_call(symbol, form, operands)?
                    {
                        // The depth counts expansions of expansions only as long as they go on.
                        self.expansions += 1;
                        if self.expansions > super::DEPTH_LIMIT {
                            self.expansions = 0;
                            return Err(Diagnostic::eval(form.span, super::EXPANSION_TOO_DEEP));
                        }
                        self.top_form(&expansion);
                        self.expansions = self.expansions.saturating_sub(1);
                        return Ok(());
                    }
                }
            }
        }
        let lowered = self.expr(form);
        self.unit.body.push(lowered);
        Ok(())
    }

    /// Registers a macro; it takes effect for the forms that follow.
    pub(super) fn define_macro(&mut self, form: &Datum, items: &[Datum]) -> Fallible<()> {
        let operands = items.get(1..).unwrap_or_default();
        let head = items.first().and_then(shape::as_symbol);
        let form_kind = head.and_then(|head| self.session.names.form(head));
        let before = self.own_macros.len();
        if form_kind == Some(SpecialForm::DefineSyntax) {
            self.define_syntax_rules(operands, form.span)?;
        } else {
            self.define_transformer(operands, form.span)?;
        }
        let new = self.own_macros.get(before..).unwrap_or_default();
        let new = new.iter().map(|(symbol, _)| (*symbol, form.clone()));
        self.macro_definitions.extend(new);
        Ok(())
    }

    fn define_syntax_rules(&mut self, operands: &[Datum], span: Span) -> Fallible<()> {
        let [name, rules] = operands else {
            let message = "define-syntax: expected (define-syntax name (syntax-rules ...))";
            return Err(Diagnostic::eval(span, message));
        };
        let Some(symbol) = shape::as_symbol(name) else {
            return Err(Diagnostic::eval(
                span,
                "define-syntax: name must be a symbol",
            ));
        };
        let text = self.session.text(symbol);
        let rules = SyntaxRules::parse(&text, rules, &self.session.names, span)?;
        self.add_macro(symbol, text, Macro::Rules(Rc::new(rules)), span);
        Ok(())
    }

    fn define_transformer(&mut self, operands: &[Datum], span: Span) -> Fallible<()> {
        let ([name, parameters], body) = shape::at_least::<2>("defmacro", operands, 1, span)?;
        let Some(symbol) = shape::as_symbol(name) else {
            return Err(Diagnostic::eval(span, "defmacro: name must be a symbol"));
        };
        let DatumKind::List(parameters) = &parameters.kind else {
            return Err(Diagnostic::eval(span, "defmacro: params must be a list"));
        };
        if parameters
            .iter()
            .any(|item| shape::as_symbol(item).is_none())
        {
            return Err(Diagnostic::eval(
                span,
                "defmacro: parameter must be a symbol",
            ));
        }
        let mut parameters = parameters.to_vec();
        self.rename_repeated(&mut parameters);
        let (fixed, rest) = self.split_rest("defmacro", &parameters, span)?;
        let (minimum, maximum) = (fixed.len(), rest.is_none().then_some(fixed.len()));
        let scopes = std::mem::take(&mut self.scopes);
        let mark = self.session.diagnostics.len();
        let lambda = self.function("lambda", Some(symbol), &parameters, body, span);
        self.scopes = scopes;
        let lambda = lambda?;
        let text = self.session.text(symbol);
        // A transformer with mistakes is not defined; its calls are left alone.
        let own = self.session.diagnostics.get(mark..).unwrap_or_default();
        let transformer = if own.iter().any(Diagnostic::is_error) {
            None
        } else {
            let user = Transformer { name: &text, span };
            let unit = self.compile_time_unit(lambda, &user);
            let session = &mut *self.session;
            let sources = sources_of(&session.loader);
            let defined = session
                .host
                .define_transformer(&unit, session.interner, sources);
            Some(defined.map_err(|failure| failure.at(span))?)
        };
        if let Some(id) = transformer {
            let procedure = Macro::Procedure {
                id,
                minimum,
                maximum,
            };
            self.add_macro(symbol, text, procedure, span);
        }
        Ok(())
    }

    /// A repeated parameter name means the last parameter of that name.
    fn rename_repeated(&mut self, parameters: &mut [Datum]) {
        for index in 0..parameters.len() {
            let (before, after) = parameters.split_at_mut(index);
            let Some(symbol) = after.first().and_then(shape::as_symbol) else {
                continue;
            };
            for earlier in before {
                if shape::as_symbol(earlier) == Some(symbol) {
                    earlier.kind = DatumKind::Symbol(self.session.fresh_name("unused"));
                }
            }
        }
    }

    fn add_macro(&mut self, symbol: Symbol, name: Rc<str>, kind: Macro, span: Span) {
        self.warn_of_second_macro(symbol, span);
        let entry = MacroEntry { name, kind };
        self.macros.add(symbol, entry);
        if self.at_run_time {
            self.hidden.remove(&symbol);
        }
        self.own_macros.push((symbol, span));
    }

    /// Macros are values too. They are bound before the program runs, as the reference does.
    pub(super) fn define_macro_values(&mut self) {
        let own = std::mem::take(&mut self.own_macros);
        let names = PRELUDE.iter().map(|item| item.name);
        let general: Vec<_> = names
            .map(|name| (self.session.interner.get_or_intern(name), Span::default()))
            .filter(|(symbol, _)| !self.session.redefined.contains(symbol))
            .collect();
        for (symbol, span) in own.into_iter().chain(general) {
            let Some(id) = self.global_ids.get(&symbol).copied() else {
                continue;
            };
            let name = self.text_constant(symbol, span);
            match self.global_mut(id) {
                Some(global) if global.definitions == 0 => {
                    global.definitions = 1;
                    global.span = span;
                }
                _ => continue,
            }
            let value = Self::call_builtin("%make-macro", vec![name], span);
            let define = ExprKind::DefineGlobal(id, Box::new(value));
            self.prelude.push(Expr::new(define, span));
        }
    }

    /// A macro definition inside another form: it is made when it is reached, and then binds a macro that no
    /// code compiled before can use.
    pub(super) fn nested_defmacro(
        &mut self,
        form: &Datum,
        operands: &[Datum],
        span: Span,
    ) -> Fallible<Expr> {
        let ([name, parameters], _) = shape::at_least::<2>("defmacro", operands, 1, span)?;
        let Some(symbol) = shape::as_symbol(name) else {
            let problem = Diagnostic::eval(span, "defmacro: name must be a symbol");
            return Ok(self.raise(problem));
        };
        let DatumKind::List(parameters) = &parameters.kind else {
            let problem = Diagnostic::eval(span, "defmacro: params must be a list");
            return Ok(self.raise(problem));
        };
        if parameters
            .iter()
            .any(|item| shape::as_symbol(item).is_none())
        {
            let problem = Diagnostic::eval(span, "defmacro: parameter must be a symbol");
            return Ok(self.raise(problem));
        }
        Ok(self.macro_made_when_reached(form, symbol, span))
    }

    pub(super) fn nested_define_syntax(
        &mut self,
        form: &Datum,
        operands: &[Datum],
        span: Span,
    ) -> Fallible<Expr> {
        let [name, rules] = operands else {
            let message = "define-syntax: expected (define-syntax name (syntax-rules ...))";
            return Err(Diagnostic::eval(span, message));
        };
        let Some(symbol) = shape::as_symbol(name) else {
            let problem = Diagnostic::eval(span, "define-syntax: name must be a symbol");
            return Ok(self.raise(problem));
        };
        let text = self.session.text(symbol);
        if let Err(problem) = SyntaxRules::parse(&text, rules, &self.session.names, span) {
            return Ok(self.raise(problem));
        }
        Ok(self.macro_made_when_reached(form, symbol, span))
    }

    /// With a compiler at run time the definition is evaluated, so that code evaluated later can use
    /// the macro.
    fn macro_made_when_reached(&mut self, form: &Datum, symbol: Symbol, span: Span) -> Expr {
        let has_compiler = self.session.compiler_at_run_time || self.at_run_time;
        if !has_compiler || form.kind.has_opaque_parts() {
            return self.macro_value(symbol, span);
        }
        self.dynamic = true;
        // The name is a global of the module, as a definition at top level would make it.
        self.global(symbol, span);
        let form = Expr::new(ExprKind::Const(form.kind.clone()), span);
        Self::call_builtin("%eval", vec![form], span)
    }

    fn macro_value(&mut self, symbol: Symbol, span: Span) -> Expr {
        let name = self.text_constant(symbol, span);
        let value = Self::call_builtin("%make-macro", vec![name], span);
        let define = self.define_global(symbol, value, span);
        // Inside a function the definition's value would be the macro; it is nil in the reference.
        Expr::new(ExprKind::Seq(vec![define, Expr::nil(span)]), span)
    }

    /// A unit whose value is that of `value`, after everything it can reach has been run.
    fn compile_time_unit(&mut self, value: Expr, user: &Transformer<'_>) -> Unit {
        let mut roots = Vec::new();
        mentioned_globals(&value, &mut roots);
        let body = vec![value];
        make_available(self.session, &self.unit, roots, user);
        part_of(&self.unit, body)
    }
}

/// The macro for which definitions are evaluated.
struct Transformer<'n> {
    name: &'n str,
    span: Span,
}

/// A unit with other code that uses the same variables and globals.
fn part_of(unit: &Unit, body: Vec<Expr>) -> Unit {
    let mut part = Unit {
        name: unit.name.clone(),
        variables: unit.variables.clone(),
        globals: unit.globals.clone(),
        imports: Vec::new(),
        exports: None,
        macros: Vec::new(),
        inlined: Vec::new(),
        parts: Vec::new(),
        dynamic: false,
        stoppable: false,
        body,
    };
    resolve(&mut part);
    part
}

/// Runs the definitions that the given globals need, and theirs, at build time, each once. One that fails leaves
/// its names unbound: only a transformer that really uses them fails. One that reaches outside of the build is an
/// error: nobody has asked for that.
fn make_available(
    session: &mut Session<'_>,
    unit: &Unit,
    roots: Vec<GlobalId>,
    user: &Transformer<'_>,
) {
    let mut definers: HashMap<GlobalId, Vec<usize>> = HashMap::default();
    for (index, form) in unit.body.iter().enumerate() {
        let mut defined = Vec::new();
        defined_globals(form, &mut defined);
        for id in defined {
            definers.entry(id).or_default().push(index);
        }
    }
    let done = session.evaluated.entry(unit.name.clone()).or_default();
    let mut needed = Vec::new();
    let mut reached = Vec::new();
    let mut work = roots;
    while let Some(id) = work.pop() {
        if reached.contains(&id) {
            continue;
        }
        reached.push(id);
        for index in definers.get(&id).into_iter().flatten() {
            if done.insert(*index) {
                needed.push(*index);
                if let Some(form) = unit.body.get(*index) {
                    mentioned_globals(form, &mut work);
                }
            }
        }
    }
    for import in &unit.imports {
        for (exported, id) in &import.bindings {
            if !reached.contains(id) {
                continue;
            }
            let imported = session
                .loader
                .as_ref()
                .and_then(|loader| loader.unit(&import.module));
            let Some(imported) = imported else {
                continue;
            };
            let source = imported
                .globals
                .iter()
                .position(|global| global.name == *exported);
            let source = source
                .and_then(|index| u32::try_from(index).ok())
                .map(GlobalId);
            make_available(session, &imported, source.into_iter().collect(), user);
            if let Some(target) = unit.globals.get(id.0 as usize) {
                let from = (&import.module, &**exported);
                session.host.copy_global(from, (&unit.name, &target.name));
            }
        }
    }
    needed.sort_unstable();
    for index in needed {
        if let Some(form) = unit.body.get(index) {
            let part = part_of(unit, vec![form.clone()]);
            let sources = sources_of(&session.loader);
            // Another failure leaves the names unbound, which a transformer that uses them reports.
            if let Err(failure) = session.host.run(&part, session.interner, sources)
                && failure.condition.kind() == ConditionKind::PermissionDenied
            {
                let problem = has_effect(unit, form, &failure, user);
                session.diagnostics.push(*problem);
            }
        }
    }
}

/// The error about a definition that is not evaluated at build time because of what it does.
fn has_effect(
    unit: &Unit,
    form: &Expr,
    failure: &Diagnostic,
    user: &Transformer<'_>,
) -> Box<Diagnostic> {
    let mut defined = Vec::new();
    defined_globals(form, &mut defined);
    let name = defined
        .first()
        .and_then(|id| unit.globals.get(id.0 as usize));
    let name = name.map_or("", |global| &global.name);
    let macro_name = user.name;
    let message = format!(
        "the macro '{macro_name}' needs '{name}' at build time: {}",
        failure.message
    );
    Diagnostic::error("E0302", message)
        .at_labelled(form.span, "this definition reaches outside of the build")
        .with_secondary(user.span, format!("`{macro_name}` refers to `{name}`"))
        .with_hint("do it in a function that the macro calls; `--macro-effects` lets macros do such things")
}

fn mentioned_globals(expr: &Expr, globals: &mut Vec<GlobalId>) {
    visit(expr, &mut |expr| {
        if let ExprKind::Global(id) | ExprKind::SetGlobal(id, _) = &expr.kind {
            globals.push(*id);
        }
    });
}

/// The globals that running a form defines or extends.
fn defined_globals(expr: &Expr, globals: &mut Vec<GlobalId>) {
    match &expr.kind {
        ExprKind::DefineGlobal(id, _) => globals.push(*id),
        ExprKind::Let(_, body) | ExprKind::Letrec(_, body) => defined_globals(body, globals),
        ExprKind::Seq(parts) => {
            for part in parts {
                defined_globals(part, globals);
            }
        }
        ExprKind::Call(callee, arguments) => {
            if let ExprKind::Builtin(builtin) = callee.kind
                && builtin.name() == "%multimethod-add!"
                && let Some(ExprKind::Global(id)) = arguments.first().map(|first| &first.kind)
            {
                globals.push(*id);
            }
        }
        _ => {}
    }
}
