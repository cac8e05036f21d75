//! Answering requests.

use std::cell::RefCell;
use std::rc::Rc;

use sema_machine::host::Host;
use sema_machine::host::condition::{ConditionKind, Outcome, Signal, eval_error};
use sema_machine::memory::value::{Kind, Value};
use sema_machine::vm::{Answer, Request, Vm};
use sema_natives::std::check::{diagnostic, diagnostics};

use super::compiler::{Compiled, Compiler};
use super::files;
use super::program::{self, Origin as MacroOrigin};
use super::state::{Environment, Event, Origin, Source, State};
use crate::front::datum::Datum;
use crate::front::reader::{ReadError, read_all};
use crate::front::source;
use crate::ir::called;

/// The value of a form that is its own value.
pub(super) fn self_evaluating(_: &Vm, form: Value) -> Option<Value> {
    match form.kind() {
        Kind::Symbol | Kind::Vector | Kind::Map => None,
        Kind::List if form == Value::EMPTY => Some(Value::NIL),
        Kind::List => None,
        _ => Some(form),
    }
}

/// One request.
pub(super) struct Work<'a> {
    pub(super) compiler: &'a mut Compiler,
    pub(super) state: &'a RefCell<State>,
    pub(super) vm: &'a mut Vm,
}

impl Work<'_> {
    pub(super) fn answer(&mut self, requester: usize, request: Request) -> Outcome<Answer> {
        match request {
            Request::Eval(form) => self.eval(requester, form),
            Request::Expand(form) => self.expand(requester, form).map(Answer::Value),
            Request::OpenLoad(path) => self.open_load(requester, path).map(Answer::Value),
            Request::OpenImport(path) => self.open_import(requester, path).map(Answer::Value),
            Request::Next(handle) => match source_handle(handle) {
                Some(handle) => self.next_form(handle).map(Answer::Value),
                None => self.vm.answer_compiled(requester, Request::Next(handle)),
            },
            Request::Bind(handle, names) => self.bind(requester, handle, names).map(Answer::Value),
            Request::Check { text, .. } => self.check(text).map(Answer::Value),
            other @ Request::Read { .. } => self.vm.answer_compiled(requester, other),
        }
    }

    // --- environments ---

    /// The namespace of a module, known to the compiler.
    fn environment(&mut self, module: usize) -> Outcome<usize> {
        let namespace = self.vm.namespace_of(module);
        let namespace = namespace.ok_or_else(|| eval_error("eval: the module is gone"))?;
        if self.state.borrow().environment(namespace).is_some() {
            return Ok(namespace);
        }
        let names = self.vm.namespace_names(namespace).iter();
        let names = names.filter(|name| !name.is_empty() && !name.starts_with(' '));
        let mut state = self.state.borrow_mut();
        state.begin_environment(namespace);
        for name in names {
            state.add_event(namespace, Event::Defined(name.clone()));
        }
        drop(state);
        self.add_compiled_macros(module, namespace)?;
        Ok(namespace)
    }

    /// The macros that a module was compiled with.
    fn add_compiled_macros(&mut self, module: usize, namespace: usize) -> Outcome<()> {
        let key = self.vm.module_key(module).to_owned();
        let Some(known) = program::macros_of(self.vm, self.state, &key)? else {
            return Ok(());
        };
        for (name, origin) in known.macros {
            match origin {
                MacroOrigin::Form(kept) => {
                    let form = self.vm.kept(kept);
                    let form = self.compiler.datum(self.vm, form)?;
                    // Its value is nil, so nothing of it has to run. One that cannot be defined here
                    // is a macro that the program could not use either.
                    if self.compile(namespace, &form, None, "macro").is_err() {
                        continue;
                    }
                }
                MacroOrigin::Imported(key) => {
                    if let Some(event) = self.macro_of(&key, &name)? {
                        self.state.borrow_mut().add_event(namespace, event);
                    }
                }
            }
            self.bind_macro_value(namespace, &name);
        }
        Ok(())
    }

    /// A macro of the compiled module with this key.
    fn macro_of(&mut self, key: &str, name: &str) -> Outcome<Option<Event>> {
        let Ok(Some(module)) = self.vm.load_from_source(key, "") else {
            return Ok(None);
        };
        let namespace = self.environment(module)?;
        let state = self.state.borrow();
        let environment = state.environment(namespace);
        Ok(environment.and_then(|environment| environment.find_macro(name).cloned()))
    }

    /// A macro's name has a value too, unless the program gave it another one.
    fn bind_macro_value(&mut self, namespace: usize, name: &str) {
        let (global, _) = self.vm.namespace_global(namespace, name);
        let global = global as usize;
        if self.vm.namespace_value(namespace, global).is_some() {
            return;
        }
        let host = &self.vm.host;
        let text = host.heap.string(name);
        let made = called::MAKE_MACRO.native();
        if let Some(Ok(value)) = made.map(|native| (native.call)(host, &[text])) {
            self.vm.set_namespace_value(namespace, global, value);
        }
    }

    // --- forms ---

    fn compile(
        &mut self,
        namespace: usize,
        form: &Datum,
        origin: Option<Origin>,
        name: &str,
    ) -> Outcome<Compiled> {
        let seen = self.compiler.seen(namespace);
        let (news, unit) = {
            let mut state = self.state.borrow_mut();
            if self.vm.nesting() == 0 {
                state.tidy(self.vm, namespace);
            }
            let news = state.begin_environment(namespace).news(seen);
            (news, state.next_unit())
        };
        let key = (format!("{name}#{unit}"), name);
        let mut compiled = self
            .compiler
            .compile(self.vm, namespace, &news, form, key)?;
        let mut state = self.state.borrow_mut();
        for event in std::mem::take(&mut compiled.events) {
            state.add_event(namespace, event);
        }
        if let Some(origin) = origin {
            state.origins.insert(compiled.module, origin);
        }
        Ok(compiled)
    }

    fn eval(&mut self, requester: usize, form: Value) -> Outcome<Answer> {
        let (namespace, form) = self.in_environment(requester, form)?;
        if form.kind() == Kind::Symbol
            && let Some(name) = self.vm.host.name_of(form)
            && let Some(global) = self.vm.find_namespace_global(namespace, name)
            && let Some(value) = self.vm.namespace_value(namespace, global as usize)
        {
            return Ok(Answer::Value(value));
        }
        let form = self.compiler.datum(self.vm, form)?;
        let origin = {
            let mut state = self.state.borrow_mut();
            let directory = files::directory_of(self.vm, &state, requester);
            Origin {
                path: Rc::default(),
                directory: state.directory(directory),
                is_file: false,
            }
        };
        let compiled = self.compile(namespace, &form, Some(origin), "eval")?;
        Ok(Answer::Call(self.vm.main_of(compiled.module)))
    }

    /// The namespace of a module and a form, which may move while the namespace becomes known.
    fn in_environment(&mut self, module: usize, form: Value) -> Outcome<(usize, Value)> {
        if let Some(namespace) = self.vm.namespace_of(module)
            && self.state.borrow().environment(namespace).is_some()
        {
            return Ok((namespace, form));
        }
        let kept = self.vm.keep(form);
        let namespace = self.environment(module);
        let form = self.vm.kept(kept);
        self.vm.release(kept);
        Ok((namespace?, form))
    }

    fn expand(&mut self, requester: usize, form: Value) -> Outcome {
        let (namespace, form) = self.in_environment(requester, form)?;
        if form.kind() != Kind::List || form == Value::EMPTY {
            return Ok(form);
        }
        let datum = self.compiler.datum(self.vm, form)?;
        let kept = self.vm.keep(form);
        let seen = self.compiler.seen(namespace);
        let news = self
            .state
            .borrow_mut()
            .begin_environment(namespace)
            .news(seen);
        let expanded = self.compiler.expand(self.vm, namespace, &news, &datum);
        let form = self.vm.kept(kept);
        self.vm.release(kept);
        Ok(expanded?.unwrap_or(form))
    }

    /// What is wrong with a text as a program of its own: the first mistake.
    fn check(&mut self, text: Value) -> Outcome {
        let text = self
            .vm
            .host
            .heap
            .as_str(text)
            .unwrap_or_default()
            .to_owned();
        let file = self.compiler.sources.add("<text>", text.clone());
        let forms = match read_all(&mut self.compiler.interner, file, &text) {
            Ok(forms) => forms,
            Err(errors) => {
                let found: Vec<Value> = errors
                    .first()
                    .map(|error| syntax_error(&self.vm.host, error, &text))
                    .into_iter()
                    .collect();
                return Ok(diagnostics(&self.vm.host, &found));
            }
        };
        let namespace = self.vm.add_namespace();
        let found = self.check_forms(namespace, &forms);
        self.state.borrow_mut().forget_environment(namespace);
        self.vm.remove_namespace(namespace);
        Ok(diagnostics(&self.vm.host, &found))
    }

    /// The first mistake in the forms of a program of its own.
    fn check_forms(&mut self, namespace: usize, forms: &[Datum]) -> Vec<Value> {
        for form in forms {
            if let Err(signal) = self.compile(namespace, form, None, "check") {
                let Signal::Raise(condition) = *signal else {
                    // What a macro raised is known only when it runs.
                    continue;
                };
                let (code, prefix) = match condition.kind {
                    ConditionKind::Arity => ("arity", "Arity error: "),
                    ConditionKind::Type => ("type", "Type error: "),
                    _ => ("error", "Eval error: "),
                };
                let message = format!("{prefix}{}", condition.message);
                return vec![diagnostic(&self.vm.host, code, &message, None)];
            }
        }
        Vec::new()
    }

    // --- files ---

    fn open_load(&mut self, requester: usize, path: Value) -> Outcome {
        let path = self.vm.path("load", path)?;
        if self.state.borrow().files.is_empty() || path.ends_with(".semac") {
            let key = files::compiled_key(self.vm, &self.state.borrow(), requester, &path);
            if let Some(key) = key
                && let Some(handle) = self.vm.open_compiled(requester, &key)?
            {
                self.vm.run_again(handle);
                return Ok(handle);
            }
        }
        let located = files::locate(self.vm, &self.state.borrow(), requester, "load", &path)?;
        files::check_cycle(self.vm, &self.state.borrow(), &located.path)?;
        let namespace = self.environment(requester)?;
        let source = files::open(self.vm, self.compiler, &located, "load", namespace)?;
        let handle = self.state.borrow_mut().open(source);
        Ok(self.vm.host.heap.int(handle))
    }

    fn open_import(&mut self, requester: usize, path: Value) -> Outcome {
        let path = self.vm.path("import", path)?;
        let key = files::compiled_key(self.vm, &self.state.borrow(), requester, &path);
        if let Some(key) = key
            && let Some(handle) = self.vm.open_compiled(requester, &key)?
        {
            return Ok(handle);
        }
        let located = files::locate(self.vm, &self.state.borrow(), requester, "import", &path)?;
        let known = self.state.borrow().imports.get(&*located.path).copied();
        if let Some(handle) = known
            && let Some(source) = self.state.borrow().sources.get(&handle)
            && source.is_done
        {
            return Ok(self.vm.host.heap.int(handle));
        }
        files::check_cycle(self.vm, &self.state.borrow(), &located.path)?;
        if let Some(handle) = known {
            let latest = self
                .state
                .borrow()
                .sources
                .get(&handle)
                .and_then(|source| source.latest);
            // Another task is running it; what has failed is run again.
            if let Some((module, runner)) = latest
                && let Some(wait) = self.vm.wait_for_module(module, runner)
            {
                return Err(wait);
            }
        }
        let namespace = self.vm.add_namespace();
        let source = files::open(self.vm, self.compiler, &located, "import", namespace)?;
        let mut state = self.state.borrow_mut();
        if let Some(failed) = known {
            state.sources.remove(&failed);
        }
        let path = source.path.clone();
        let handle = state.open(source);
        state.imports.insert(path, handle);
        Ok(self.vm.host.heap.int(handle))
    }

    /// A function that runs the next form of a file, or false.
    fn next_form(&mut self, handle: i64) -> Outcome {
        let next = {
            let mut state = self.state.borrow_mut();
            let Some(source) = state.sources.get_mut(&handle) else {
                return Ok(Value::FALSE);
            };
            let form = source.forms.pop_front();
            if form.is_none() {
                source.is_done = true;
            }
            form.map(|form| (form, part_of(source)))
        };
        let Some((form, (namespace, name, origin))) = next else {
            return Ok(Value::FALSE);
        };
        let compiled = self.compile(namespace, &form, Some(origin), &name)?;
        let runner = self.vm.begin_module(compiled.module);
        if let Some(source) = self.state.borrow_mut().sources.get_mut(&handle) {
            source.latest = Some((compiled.module, runner));
            source.exports = compiled.exports.or(source.exports.take());
        }
        Ok(self.vm.main_of(compiled.module))
    }

    /// The names of a module's exports, its values and its macros.
    #[expect(clippy::type_complexity, reason = "a pair of plain lists")]
    fn exports(&mut self, handle: Value) -> Outcome<(Vec<(Box<str>, Value)>, Vec<Event>)> {
        let Some(source) = source_handle(handle) else {
            return self.compiled_exports(handle);
        };
        let state = self.state.borrow();
        let Some(source) = state.sources.get(&source).filter(|source| source.is_import) else {
            return Ok((Vec::new(), Vec::new()));
        };
        let listed = |name: &str| {
            let exports = source.exports.as_ref();
            exports.is_none_or(|names| names.iter().any(|listed| **listed == *name))
        };
        let names = self.vm.namespace_names(source.namespace).iter().enumerate();
        let values = names.filter_map(|(global, name)| {
            if name.starts_with(' ') || !listed(name) {
                return None;
            }
            let value = self.vm.namespace_value(source.namespace, global)?;
            Some((Box::from(&**name), value))
        });
        let environment = state.environment(source.namespace);
        let mut macros = environment.map_or_else(Vec::new, Environment::macros);
        macros.retain(|event| listed(event.name()));
        Ok((values.collect(), macros))
    }

    #[expect(clippy::type_complexity, reason = "a pair of plain lists")]
    fn compiled_exports(&mut self, handle: Value) -> Outcome<(Vec<(Box<str>, Value)>, Vec<Event>)> {
        let module = handle
            .as_fixnum()
            .and_then(|number| usize::try_from(number).ok());
        let mut macros = Vec::new();
        if let Some(module) = module {
            let key = self.vm.module_key(module).to_owned();
            if let Some(known) = program::macros_of(self.vm, self.state, &key)? {
                let namespace = self.environment(module)?;
                let state = self.state.borrow();
                let environment = state.environment(namespace);
                macros = environment.map_or_else(Vec::new, Environment::macros);
                if let Some(exports) = &known.exports {
                    macros.retain(|event| exports.iter().any(|name| **name == **event.name()));
                }
            }
        }
        let mut values = self.vm.exports_of_compiled(handle)?;
        // A macro has a value here even if no code of its module mentions it.
        let bound = macros.iter().filter_map(|event| {
            let module = module?;
            let namespace = self.vm.namespace_of(module)?;
            let global = self.vm.find_namespace_global(namespace, event.name())?;
            let value = self.vm.namespace_value(namespace, global as usize)?;
            Some((Box::from(&**event.name()), value))
        });
        let bound: Vec<(Box<str>, Value)> = bound.collect();
        for (name, value) in bound {
            if !values.iter().any(|(known, _)| *known == name) {
                values.push((name, value));
            }
        }
        Ok((values, macros))
    }

    fn bind(&mut self, requester: usize, handle: Value, names: Value) -> Outcome {
        // Symbols do not move.
        let wanted: Vec<Value> = self.vm.host.heap.list_iter(names).collect();
        let is_load = source_handle(handle).is_some_and(|handle| {
            let state = self.state.borrow();
            state
                .sources
                .get(&handle)
                .is_some_and(|source| !source.is_import)
        });
        if is_load {
            // Its definitions have been made in the requester's environment.
            if let Some(handle) = source_handle(handle) {
                self.state.borrow_mut().sources.remove(&handle);
            }
            return Ok(Value::NIL);
        }
        let namespace = self.environment(requester)?;
        let (values, macros) = self.exports(handle)?;
        let selected = self.vm.selected(&values, &wanted)?;
        let is_wanted = |name: &str| {
            let mut wanted_names = wanted.iter().filter_map(|name| self.vm.host.name_of(*name));
            wanted.is_empty() || wanted_names.any(|wanted| wanted == name)
        };
        let mut events = Vec::new();
        for (name, _) in values.iter().filter(|(name, _)| is_wanted(name)) {
            if !macros.iter().any(|event| **event.name() == **name) {
                events.push(Event::Defined(Rc::from(&**name)));
            }
        }
        events.extend(macros.into_iter().filter(|event| is_wanted(event.name())));
        let mut state = self.state.borrow_mut();
        for event in events {
            state.add_event(namespace, event);
        }
        drop(state);
        if wanted.is_empty() {
            for (name, value) in values {
                let (global, _) = self.vm.namespace_global(namespace, &name);
                self.vm
                    .set_namespace_value(namespace, global as usize, value);
            }
        }
        Ok(selected)
    }
}

fn syntax_error(host: &Host, error: &ReadError, text: &str) -> Value {
    let start = source::locate(text, error.span.start);
    let end = source::locate(text, error.span.end);
    let message = format!(
        "Reader error at {}:{}: {}",
        start.line, start.column, error.kind
    );
    let span = [start.line, start.column, end.line, end.column];
    diagnostic(host, "syntax", &message, Some(span))
}

/// The number of a file; `None` for a compiled module.
fn source_handle(handle: Value) -> Option<i64> {
    handle.as_fixnum().filter(|number| *number < 0)
}

/// Namespace, name and origin of the code of a file.
fn part_of(source: &Source) -> (usize, Rc<str>, Origin) {
    let origin = Origin {
        path: source.path.clone(),
        directory: source.directory.clone(),
        is_file: true,
    };
    (source.namespace, source.shown.clone(), origin)
}
