//! `module`, `import`, `load`.

use std::rc::Rc;

use crate::hashing::HashSet;

use super::control::sequence;
use super::lambda::thunk_of;
use super::let_forms::let_expr;
use super::{CYCLE, Lowerer, shape, visit};
use crate::front::datum::{Datum, DatumKind, Span, Symbol};
use crate::front::diagnostic::{COMPUTED_PATH, Condition, Diagnostic, Fallible};
use crate::front::modules::loader::{Failure, Imported, SourceText};
use crate::front::names::SpecialForm;
use crate::ir::walk::for_each_child_mut;
use crate::ir::{Expr, ExprKind, Global, GlobalId, Import, ImportId, MacroDefinition, UnitMacro};

impl Lowerer<'_, '_> {
    /// Takes the export list of a `module` form; gives the body.
    pub(super) fn module_header<'d>(
        &mut self,
        operands: &'d [Datum],
        span: Span,
    ) -> Fallible<&'d [Datum]> {
        let ([name, exports], body) = shape::at_least::<2>("module", operands, 0, span)?;
        shape::symbol("module", name, span)?;
        let exports = shape::list("module", exports, span)?;
        let head = exports.first().and_then(shape::as_symbol);
        if head != Some(self.session.names.export) {
            let message = "module: second argument must start with 'export'";
            return Err(Diagnostic::eval(span, message));
        }
        let mut names = Vec::new();
        for export in exports.iter().skip(1) {
            let symbol = shape::symbol("module", export, span)?;
            names.push((self.session.text(symbol), export.span));
        }
        self.unit.exports = Some(names);
        Ok(body)
    }

    /// A `module` form inside another form.
    pub(super) fn module_form(&mut self, operands: &[Datum], span: Span) -> Fallible<Expr> {
        let body = self.module_header(operands, span)?;
        Ok(self.begin(body, span))
    }

    pub(super) fn import(&mut self, operands: &[Datum], span: Span) -> Fallible<Expr> {
        let Some((path, selected)) = operands.split_first() else {
            return Err(Diagnostic::arity(span, "import", 1, None, 0));
        };
        let selected: Vec<Symbol> = selected
            .iter()
            .map(|name| shape::symbol("import", name, span))
            .collect::<Fallible<_>>()?;
        let DatumKind::Str(text) = &path.kind else {
            let is_file_name = !super::literals::is_constant(path);
            if is_file_name {
                self.warn_computed(path.span, "import");
                self.dynamic = true;
            }
            let path = self.expr(path);
            return Ok(self.dynamic_import(path, &selected, span));
        };
        match self.session.import_module(&self.directory, text, span) {
            Ok(imported) => Ok(self.bind_imports(text, imported, &selected, span)),
            Err(Failure::Missing(problem)) => {
                self.report(problem);
                let path = self.expr(path);
                Ok(self.dynamic_import(path, &selected, span))
            }
            Err(Failure::Broken(problem)) => Ok(self.raise(problem)),
        }
    }

    fn warn_computed(&mut self, span: Span, form: &str) {
        let message = format!("{form}: the path is not a literal string");
        let hint = "the file is not part of the program; it is looked for when the program runs, and must be a compiled \
                    module then, unless the program is built with `--dynamic`";
        let problem =
            Diagnostic::warning(span, COMPUTED_PATH, Condition::Io, message).with_hint(hint);
        self.report(problem);
    }

    /// The globals that receive a module's exports.
    fn bind_imports(
        &mut self,
        path: &Rc<str>,
        imported: Imported,
        selected: &[Symbol],
        span: Span,
    ) -> Expr {
        let wanted = |symbol: Symbol| selected.is_empty() || selected.contains(&symbol);
        let mut macro_names = Vec::new();
        for (symbol, entry) in imported.macros {
            if wanted(symbol) {
                macro_names.push(symbol);
                self.macros.add(symbol, entry);
                let name = self.session.text(symbol);
                let definition = MacroDefinition::Imported(imported.key.clone());
                self.unit.macros.push(UnitMacro { name, definition });
            }
        }
        let mut bindings = Vec::new();
        for name in imported.exports {
            let symbol = self.session.interner.get_or_intern(&*name);
            if !wanted(symbol) || macro_names.contains(&symbol) {
                continue;
            }
            // An imported function hides a prelude macro of its name.
            self.hidden.insert(symbol);
            let id = self.global(symbol, span);
            self.warn_of_import(&imported.key, &name, id, span);
            if let Some(global) = self.global_mut(id) {
                global.mutable = true;
            }
            bindings.push((name, id));
        }
        for symbol in selected {
            let found = macro_names.contains(symbol)
                || bindings
                    .iter()
                    .any(|(name, _)| **name == *self.session.interner.resolve(symbol));
            if !found && imported.complete {
                let name = self.session.interner.resolve(symbol);
                let message = format!("import: module does not export '{name}'");
                let condition = Condition::Eval;
                self.report(Diagnostic::warning(span, "W0405", condition, message));
            }
        }
        let names = (!selected.is_empty()).then(|| {
            let values = selected
                .iter()
                .filter(|symbol| !macro_names.contains(symbol));
            values.map(|symbol| self.session.text(*symbol)).collect()
        });
        let id = ImportId(u32::try_from(self.unit.imports.len()).unwrap_or(u32::MAX));
        self.unit.imports.push(Import {
            path: path.clone(),
            module: imported.key,
            names,
            bindings,
            span,
        });
        Expr::new(ExprKind::Import(id), span)
    }

    /// An import of something that is not part of the program. It gives a map from names to values, from which
    /// the selected names are bound; without selected names the run time binds what it finds.
    fn dynamic_import(&mut self, path: Expr, selected: &[Symbol], span: Span) -> Expr {
        // Which names it binds is not known then.
        self.dynamic |= selected.is_empty();
        let names = selected.iter().map(|symbol| Datum {
            kind: DatumKind::Symbol(*symbol),
            span,
        });
        let names = Expr::new(ExprKind::Const(DatumKind::List(names.collect())), span);
        let call = Self::call_builtin("%import-dynamic", vec![path, names], span);
        let exports = self.temporary("exports");
        let mut steps = Vec::new();
        for symbol in selected {
            let value = self.map_ref(exports, DatumKind::Symbol(*symbol), span);
            let define = self.define_global(*symbol, value, span);
            if let ExprKind::DefineGlobal(id, _) = define.kind
                && let Some(global) = self.global_mut(id)
            {
                global.mutable = true;
            }
            steps.push(define);
        }
        steps.push(Expr::nil(span));
        let_expr(vec![(exports, call)], sequence(steps, span), span)
    }

    pub(super) fn load(&mut self, operands: &[Datum], span: Span) -> Fallible<Expr> {
        let [path] = shape::exactly("load", operands, span)?;
        let DatumKind::Str(text) = &path.kind else {
            if !super::literals::is_constant(path) {
                self.warn_computed(path.span, "load");
                self.dynamic = true;
            }
            let path = self.expr(path);
            return Ok(Self::call_builtin("%load-dynamic", vec![path], span));
        };
        match self.session.load_file(&self.directory, text, span) {
            Ok(file) => {
                self.note_loaded(text, &file);
                Ok(self.call_of_load(file, span))
            }
            Err(Failure::Missing(problem)) => {
                self.report(problem);
                let path = self.expr(path);
                Ok(Self::call_builtin("%load-dynamic", vec![path], span))
            }
            Err(Failure::Broken(problem)) => Ok(self.raise(problem)),
        }
    }

    /// Puts the forms of a file that is loaded by a top-level form in that form's place. Gives whether it did.
    pub(super) fn load_in_place(&mut self, operands: &[Datum], span: Span) -> Fallible<bool> {
        let [
            Datum {
                kind: DatumKind::Str(text),
                ..
            },
        ] = operands
        else {
            return Ok(false);
        };
        let Ok(file) = self.session.load_file(&self.directory, text, span) else {
            return Ok(false);
        };
        if self.is_loading(&file.key) || self.conditional {
            return Ok(false);
        }
        self.note_loaded(text, &file);
        let before = self.unit.body.len();
        self.in_file(&file, |lowerer| {
            for form in file.forms.iter() {
                lowerer.top_form(form);
            }
        });
        if self.unit.body.len() == before {
            self.unit.body.push(Expr::nil(span));
        }
        Ok(true)
    }

    fn note_loaded(&mut self, text: &Rc<str>, file: &SourceText) {
        // Inside of another file the same text may mean something else.
        if self.loading.is_empty() && !self.loaded.iter().any(|(known, _)| known == text) {
            self.loaded.push((text.clone(), file.clone()));
        }
    }

    /// Lets loads whose path is computed find the files that the program loads under a name that stands in it: these are in
    /// the program. They run as they do there.
    pub(super) fn find_loaded_files(&mut self) {
        let mut any = false;
        for form in self.unit.body.iter().chain(&self.prelude) {
            visit(form, &mut |expr| any |= is_computed_load(expr));
        }
        if !any || self.loaded.is_empty() {
            return;
        }
        // The functions themselves are left as they are: a file that loads itself is none that runs again for ever.
        let before = self.prelude.len();
        let loaded = std::mem::take(&mut self.loaded);
        let functions: Vec<(Rc<str>, GlobalId)> = loaded
            .into_iter()
            .map(|(text, file)| {
                let function = match self.load_functions.get(&file.key) {
                    Some(id) => *id,
                    None => self.load_function(&file, Span::default()),
                };
                (text, function)
            })
            .collect();
        let known: HashSet<GlobalId> = self.load_functions.values().copied().collect();
        let mut forms = std::mem::take(&mut self.unit.body);
        let mut prelude = std::mem::take(&mut self.prelude);
        let written = prelude.get_mut(..before).unwrap_or_default();
        for form in forms.iter_mut().chain(written) {
            if matches!(&form.kind, ExprKind::DefineGlobal(id, _) if known.contains(id)) {
                continue;
            }
            self.try_loaded_files_in(form, &functions);
        }
        self.unit.body = forms;
        self.prelude = prelude;
    }

    fn try_loaded_files_in(&mut self, expr: &mut Expr, functions: &[(Rc<str>, GlobalId)]) {
        // The parts come first: what is made of a computed load contains one.
        for_each_child_mut(expr, &mut |part| self.try_loaded_files_in(part, functions));
        if is_computed_load(expr) {
            self.try_loaded_files(expr, functions);
        }
    }

    /// Makes of a computed load one that tries these functions of files first.
    fn try_loaded_files(&mut self, load: &mut Expr, functions: &[(Rc<str>, GlobalId)]) {
        let span = load.span;
        let ExprKind::Call(_, arguments) = &mut load.kind else {
            return;
        };
        let Some(path) = arguments.pop() else { return };
        let wanted = self.temporary("path");
        let local = || Expr::new(ExprKind::Local(wanted), span);
        let mut otherwise = Self::call_builtin("%load-dynamic", vec![local()], span);
        for (text, function) in functions.iter().rev() {
            let text = Expr::new(ExprKind::Const(DatumKind::Str(text.clone())), span);
            let test = Self::call_builtin("equal?", vec![local(), text], span);
            let callee = Expr::new(ExprKind::Global(*function), span);
            let call = Expr::new(ExprKind::Call(Box::new(callee), Vec::new()), span);
            let choice = ExprKind::If(Box::new(test), Box::new(call), Box::new(otherwise));
            otherwise = Expr::new(choice, span);
        }
        *load = let_expr(vec![(wanted, path)], otherwise, span);
    }

    fn is_loading(&self, key: &Rc<str>) -> bool {
        self.loading.contains(key) || self.unit.name == *key
    }

    /// A call of the function that holds the forms of a file. They define globals each time they run.
    fn call_of_load(&mut self, file: SourceText, span: Span) -> Expr {
        if self.is_loading(&file.key) {
            let mut path: Vec<&str> = vec![&self.unit.name];
            path.extend(self.loading.iter().map(|key| &**key));
            let start = path.iter().position(|key| **key == *file.key).unwrap_or(0);
            let cycle = path.get(start..).unwrap_or_default().join(" -> ");
            let message = format!("cyclic import detected: {cycle} -> {}", file.key);
            let problem = Diagnostic::module(span, message);
            let mut warning = problem.clone().as_warning();
            warning.code = CYCLE;
            self.report(warning);
            return self.raise(problem);
        }
        let function = match self.load_functions.get(&file.key) {
            Some(id) => *id,
            None => self.load_function(&file, span),
        };
        let callee = Expr::new(ExprKind::Global(function), span);
        Expr::new(ExprKind::Call(Box::new(callee), Vec::new()), span)
    }

    fn load_function(&mut self, file: &SourceText, span: Span) -> GlobalId {
        let id = self.add_global(Global {
            name: Rc::from(format!(" load {}", file.key)),
            shadows: None,
            definitions: 1,
            mutable: false,
            span,
        });
        self.load_functions.insert(file.key.clone(), id);
        let scopes = std::mem::take(&mut self.scopes);
        let conditional = std::mem::replace(&mut self.conditional, true);
        let forms = self.in_file(file, |lowerer| {
            let forms = file.forms.iter().map(|form| lowerer.sequence_form(form));
            forms.collect()
        });
        self.conditional = conditional;
        self.scopes = scopes;
        let function = thunk_of(sequence(forms, span), span);
        let define = ExprKind::DefineGlobal(id, Box::new(function));
        self.prelude.push(Expr::new(define, span));
        id
    }

    /// What the forms of a module export as far as their text tells.
    pub(crate) fn exports_of_text(mut self, forms: &[Datum]) -> Vec<Rc<str>> {
        let defined = self.literal_definitions(forms);
        for form in forms {
            let DatumKind::List(items) = &form.kind else {
                continue;
            };
            let head = items.first().and_then(shape::as_symbol);
            let form_kind = head.and_then(|head| self.session.names.form(head));
            if form_kind == Some(SpecialForm::Module) {
                // A malformed header is reported when the module itself is lowered.
                let _ = self.module_header(items.get(1..).unwrap_or_default(), form.span);
            }
        }
        let defined: Vec<Rc<str>> = defined
            .into_iter()
            .map(|symbol| self.session.text(symbol))
            .collect();
        match &self.unit.exports {
            None => defined,
            Some(listed) => listed.iter().map(|(name, _)| name.clone()).collect(),
        }
    }

    fn in_file<T>(&mut self, file: &SourceText, lower: impl FnOnce(&mut Self) -> T) -> T {
        self.hide_macros(&file.forms);
        let directory = std::mem::replace(&mut self.directory, file.directory.clone());
        self.loading.push(file.key.clone());
        let result = lower(self);
        self.loading.pop();
        self.directory = directory;
        result
    }
}

/// Whether an expression loads a file whose path is computed.
fn is_computed_load(expr: &Expr) -> bool {
    let ExprKind::Call(callee, arguments) = &expr.kind else {
        return false;
    };
    let is_load =
        matches!(callee.kind, ExprKind::Builtin(builtin) if builtin.name() == "%load-dynamic");
    is_load && !matches!(arguments.as_slice(), [path] if matches!(path.kind, ExprKind::Const(_)))
}
