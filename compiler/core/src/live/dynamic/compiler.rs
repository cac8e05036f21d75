//! One compiler: names, library, source texts, and its view of the environments.

use crate::hashing::{HashMap, HashSet};
use std::rc::Rc;

use sema_machine::host::condition::{Outcome, eval_error};
use sema_machine::memory::value::Value;
use sema_machine::vm::Vm;

use super::host::{Interruption, RunningProgram};
use super::state::{Event, News};
use crate::front::datum::{Datum, DatumKind, Interner, Span, Symbol, new_interner};
use crate::front::diagnostic::{Diagnostic, EXPANSION};
use crate::front::expand::prelude::PRELUDE;
use crate::front::expand::syntax_rules::SyntaxRules;
use crate::front::expand::table::{Macro, MacroEntry, MacroTable};
use crate::front::lower::Lowerer;
use crate::front::lower::Session;
use crate::front::lower::run_time::{KnownNames, RunTimeForm};
use crate::front::names::Names;
use crate::front::positions::SourcePositions;
use crate::front::source::SourceMap;
use crate::link::library::Library;
use crate::live::namespace::load_unit;
use crate::live::values::{self, DatumSpans};

/// See the module's documentation.
pub(super) struct Compiler {
    pub(super) interner: Interner,
    library: Library,
    names: Names,
    pub(super) sources: SourceMap,
    /// By number of the namespace.
    views: HashMap<usize, View>,
}

/// Names after which a compiler is replaced: expansions make ever new ones.
const MOST_NAMES: usize = 50_000;
/// Source texts after which it is.
const MOST_SOURCES: usize = 1000;

/// An environment with this compiler's symbols.
struct View {
    known: KnownNames,
    /// The age of the environment, and how many of its events are in it.
    age: u64,
    events: usize,
    /// Names of builtins and general macros that the namespace has globals for.
    redefined: HashSet<Symbol>,
    /// How many of the namespace's globals have been looked at for that.
    globals: usize,
}

/// A compiled form.
pub(super) struct Compiled {
    /// Number of its module.
    pub(super) module: usize,
    /// What it does to the environment.
    pub(super) events: Vec<Event>,
    /// The names that it declares as exports.
    pub(super) exports: Option<Vec<Rc<str>>>,
}

impl Compiler {
    pub(super) fn new() -> Compiler {
        let mut interner = new_interner();
        let mut sources = SourceMap::new();
        let library = Library::new(&mut sources);
        let names = Names::new(&mut interner);
        Compiler {
            interner,
            library,
            names,
            sources,
            views: HashMap::default(),
        }
    }

    /// How many events of an environment, of which age, this compiler has seen.
    pub(super) fn seen(&self, namespace: usize) -> (u64, usize) {
        let view = self.views.get(&namespace);
        view.map_or((0, 0), |view| (view.age, view.events))
    }

    /// Whether so many names and texts have gathered that a new compiler is better.
    pub(super) fn is_full(&self) -> bool {
        self.interner.len() > MOST_NAMES || self.sources.count() > MOST_SOURCES
    }

    /// Brings the view of an environment up to date: `new` are the events since [`Compiler::seen`].
    ///
    /// # Errors
    /// A kept definition of a macro cannot be used.
    fn view(&mut self, vm: &mut Vm, namespace: usize, news: &News) -> Outcome<&mut View> {
        let interner = &mut self.interner;
        let age = news.age;
        if self
            .views
            .get(&namespace)
            .is_some_and(|view| view.age != age)
        {
            self.views.remove(&namespace);
        }
        let view = self.views.entry(namespace).or_insert_with(|| View {
            known: KnownNames {
                macros: MacroTable::with_prelude(interner),
                hidden: HashSet::default(),
            },
            age,
            events: 0,
            redefined: HashSet::default(),
            globals: 0,
        });
        for event in &news.events {
            let symbol = interner.get_or_intern(&**event.name());
            let kind = match event {
                Event::Defined(_) => {
                    view.known.hidden.insert(symbol);
                    continue;
                }
                Event::Procedure {
                    id,
                    minimum,
                    maximum,
                    ..
                } => Macro::Procedure {
                    id: *id,
                    minimum: *minimum,
                    maximum: *maximum,
                },
                Event::Rules { name, form, .. } => {
                    let form = vm.kept(*form);
                    let rules = syntax_rules(vm, form, name, interner, &self.names)?;
                    Macro::Rules(Rc::new(rules))
                }
            };
            view.known.hidden.remove(&symbol);
            let name = event.name().clone();
            view.known.macros.add(symbol, MacroEntry { name, kind });
        }
        view.events += news.events.len();
        let globals = vm.namespace_names(namespace);
        for name in globals.iter().skip(view.globals) {
            let is_macro = PRELUDE.iter().any(|item| *item.name == **name);
            if is_macro || self.library.builtins().resolve(name).is_some() {
                view.redefined.insert(interner.get_or_intern(&**name));
            }
        }
        view.globals = globals.len();
        Ok(view)
    }

    /// The datum of a form.
    ///
    /// # Errors
    /// It is nested too deeply.
    pub(super) fn datum(&mut self, vm: &mut Vm, form: Value) -> Outcome<Datum> {
        let spans = DatumSpans::default();
        values::to_datum(vm, form, Span::default(), &spans, &mut self.interner)
            .map_err(|problem| eval_error(problem.of_form()))
    }

    /// Compiles a form and loads it under a key and a name; nothing of it has run, except macro transformers.
    ///
    /// # Errors
    /// What is wrong with it, as a condition.
    pub(super) fn compile(
        &mut self,
        vm: &mut Vm,
        namespace: usize,
        news: &News,
        form: &Datum,
        key: (String, &str),
    ) -> Outcome<Compiled> {
        let view = self.view(vm, namespace, news)?;
        let known = std::mem::take(&mut view.known);
        let redefined = std::mem::take(&mut view.redefined);
        let mut host = RunningProgram {
            vm,
            library: &self.library,
            namespace,
            interruption: None,
        };
        let mut session = Session::new(&mut self.interner, self.library.builtins(), &mut host);
        session.redefined = redefined;
        let lowerer = Lowerer::new(&mut session, Rc::from(key.1));
        let RunTimeForm {
            unit,
            mut names,
            defined,
            macros,
        } = lowerer.run_time_form(form, known);
        let problems = std::mem::take(&mut session.diagnostics);
        let redefined = std::mem::take(&mut session.redefined);
        let interruption = host.interruption.take();
        let failure = failure(vm, &problems, interruption);
        let mut events = Vec::new();
        if failure.is_some() {
            for symbol in &defined {
                names.hidden.remove(symbol);
            }
        } else {
            let defined = defined.iter().map(|symbol| self.interner.resolve(symbol));
            events.extend(defined.map(|name| Event::Defined(Rc::from(name))));
        }
        for (symbol, form) in &macros {
            events.extend(macro_event(
                vm,
                &names.macros,
                *symbol,
                form,
                &self.interner,
            ));
        }
        if let Some(view) = self.views.get_mut(&namespace) {
            view.known = names;
            view.redefined = redefined;
        }
        let exports = unit.exports.as_ref();
        let exports = exports.map(|exports| exports.iter().map(|(name, _)| name.clone()).collect());
        if let Some(signal) = failure {
            return Err(signal);
        }
        let module = load_unit(
            vm,
            namespace,
            key.0,
            unit,
            &self.library,
            &SourcePositions(&self.sources),
            &mut self.interner,
            1,
        );
        let module = module.map_err(|error| eval_error(error.to_string()))?;
        Ok(Compiled {
            module,
            events,
            exports,
        })
    }

    /// One expansion step; `None` if there is nothing to expand.
    ///
    /// # Errors
    /// What a transformer raised.
    pub(super) fn expand(
        &mut self,
        vm: &mut Vm,
        namespace: usize,
        news: &News,
        form: &Datum,
    ) -> Outcome<Option<Value>> {
        let view = self.view(vm, namespace, news)?;
        let known = std::mem::take(&mut view.known);
        let mut host = RunningProgram {
            vm,
            library: &self.library,
            namespace,
            interruption: None,
        };
        let mut session = Session::new(&mut self.interner, self.library.builtins(), &mut host);
        let lowerer = Lowerer::new(&mut session, Rc::from("macroexpand"));
        let (expansion, known) = lowerer.run_time_expansion(form, known);
        let interruption = host.interruption.take();
        if let Some(view) = self.views.get_mut(&namespace) {
            view.known = known;
        }
        match expansion {
            Ok(Some(datum)) => {
                let datum = crate::front::expand::readable(&datum, &mut self.interner);
                Ok(Some(values::plain_value(vm, &datum, &self.interner)))
            }
            Ok(None) => Ok(None),
            Err(problem) => Err(match interruption {
                Some(interruption) => interruption.signal(vm),
                None => problem.machine_condition().signal(),
            }),
        }
    }
}

fn failure(
    vm: &Vm,
    problems: &[Diagnostic],
    interruption: Option<Interruption>,
) -> Option<Box<sema_machine::host::condition::Signal>> {
    let mut errors = problems.iter();
    let first = errors.find(|problem| problem.is_error());
    // What it keeps is released in any case.
    let interruption = interruption.map(|interruption| interruption.signal(vm));
    let first = first?;
    Some(match interruption {
        Some(signal) if first.code == EXPANSION => signal,
        _ => first.machine_condition().signal(),
    })
}

fn macro_event(
    vm: &mut Vm,
    macros: &MacroTable,
    symbol: Symbol,
    form: &Datum,
    interner: &Interner,
) -> Option<Event> {
    let entry = macros.find(symbol)?;
    let name = entry.name.clone();
    Some(match entry.kind {
        Macro::Procedure {
            id,
            minimum,
            maximum,
        } => Event::Procedure {
            name,
            id,
            minimum,
            maximum,
            users: Rc::new(()),
        },
        Macro::Rules(_) => {
            let form = values::plain_value(vm, form, interner);
            let form = vm.keep(form);
            Event::Rules {
                name,
                form,
                users: Rc::new(()),
            }
        }
        Macro::Prelude(_) => return None,
    })
}

/// The rules of a kept `define-syntax` form.
///
/// # Errors
/// It is no such form, or is nested too deeply to be taken apart.
fn syntax_rules(
    vm: &mut Vm,
    form: Value,
    name: &str,
    interner: &mut Interner,
    names: &Names,
) -> Outcome<SyntaxRules> {
    let unusable = || {
        eval_error(format!(
            "the definition of the macro '{name}' cannot be used"
        ))
    };
    let spans = DatumSpans::default();
    let form =
        values::to_datum(vm, form, Span::default(), &spans, interner).map_err(|_| unusable())?;
    let DatumKind::List(items) = &form.kind else {
        return Err(unusable());
    };
    let rules = items.get(2).ok_or_else(unusable)?;
    SyntaxRules::parse(name, rules, names, Span::default())
        .map_err(|problem| problem.machine_condition().signal())
}
