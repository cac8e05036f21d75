//! The machine that runs code at build time: macro transformers and what they use.
//!
//! It is the runtime's VM. Units arrive lowered; each namespace (one per module of the program)
//! has globals that all its units share, as at a read-eval-print loop.

use std::collections::HashMap;
use std::rc::Rc;

use sema_runtime::error::ConditionKind;
use sema_runtime::host::Host;
use sema_runtime::output::Output;
use sema_runtime::value::Value;
use sema_runtime::vm::{Ending, FoundModule, LoadError, ModuleSource, Uncaught, Vm};

use crate::backend::{self, Facts};
use crate::codegen::Positions;
use crate::datum::{Datum, Interner, Span};
use crate::expand::host::{MacroError, MacroHost, TransformerId};
use crate::ir::{GlobalId, Unit};
use crate::library::Library;
use crate::problem::Condition;
use crate::values::{self, DatumSpans};

/// Globals that a namespace can hold. Only what transformers use is run at build time.
const NAMESPACE_GLOBALS: usize = 1 << 15;

/// Modules of the machine come as units, never by import.
struct NoModules;

impl ModuleSource for NoModules {
    fn module(&self, _: &str, _: &str) -> Result<Option<FoundModule>, LoadError> {
        Ok(None)
    }
}

struct NoPositions;

impl Positions for NoPositions {
    fn position(&self, _: Span) -> Option<(&str, u32, u32)> {
        None
    }
}

#[derive(Default)]
struct Namespace {
    number: usize,
    names: Vec<Rc<str>>,
    numbers: HashMap<Rc<str>, u32>,
}

impl Namespace {
    fn global(&mut self, name: &Rc<str>) -> (u32, bool) {
        if let Some(&number) = self.numbers.get(name) {
            return (number, false);
        }
        let number = self.names.len() as u32;
        self.names.push(name.clone());
        self.numbers.insert(name.clone(), number);
        (number, true)
    }
}

/// A VM that runs units while the program is being built.
pub struct Machine<'l> {
    vm: Vm,
    library: &'l Library,
    facts: &'l Facts,
    namespaces: HashMap<Rc<str>, Namespace>,
    units: usize,
}

impl<'l> Machine<'l> {
    /// A machine with the given library. What compile-time code prints goes to standard output.
    pub fn new(library: &'l Library, facts: &'l Facts) -> Machine<'l> {
        let mut host = Host::new(Output::stdout());
        host.heap.stress_from_environment();
        let vm = Vm::new(host, Box::new(NoModules));
        Machine {
            vm,
            library,
            facts,
            namespaces: HashMap::new(),
            units: 0,
        }
    }

    /// Hands what was printed at build time to the system.
    pub fn flush(&self) {
        self.vm.host.output.flush();
    }

    fn namespace(&mut self, name: &Rc<str>) -> &mut Namespace {
        if !self.namespaces.contains_key(name) {
            let number = self.vm.add_namespace(NAMESPACE_GLOBALS);
            self.namespaces.insert(
                name.clone(),
                Namespace {
                    number,
                    ..Namespace::default()
                },
            );
        }
        self.namespaces.entry(name.clone()).or_default()
    }

    fn run_unit(&mut self, unit: &Unit, interner: &Interner) -> Result<Value, MacroError> {
        let mut unit = unit.clone();
        let namespace = self.namespace(&unit.name.clone());
        for global in &mut unit.globals {
            if namespace.numbers.contains_key(&*global.name) {
                // It has had its builtin value already, or lost it to a definition.
                global.shadows = None;
            }
        }
        let linked = self.library.link(&mut unit);
        let namespace = self.namespace(&unit.name.clone());
        let mut renumbered = Vec::with_capacity(unit.globals.len());
        for global in &unit.globals {
            let (number, _) = namespace.global(&global.name);
            renumbered.push(GlobalId(number));
        }
        let (number, names) = (namespace.number, namespace.names.clone());
        if names.len() > NAMESPACE_GLOBALS {
            return Err(plain_error("too many definitions are used at build time"));
        }
        let shadows: Vec<_> = unit.globals.iter().map(|global| global.shadows).collect();
        let old = std::mem::take(&mut unit.globals);
        let template = old.first().cloned();
        for name in &names {
            if let Some(mut global) = template.clone() {
                global.name = name.clone();
                global.shadows = None;
                unit.globals.push(global);
            }
        }
        for (index, target) in renumbered.iter().enumerate() {
            if let Some(global) = unit.globals.get_mut(target.0 as usize) {
                global.shadows = shadows[index];
            }
        }
        backend::renumber_globals(&mut unit, &renumbered);
        let linked = linked
            .iter()
            .map(|global| renumbered[global.0 as usize])
            .collect();
        let module = backend::compile_unit(
            &mut unit,
            &linked,
            backend::Known::LibraryOnly,
            self.facts,
            &NoPositions,
            interner,
            1,
        )
        .map_err(|failure| plain_error(&failure.error.to_string()))?;
        self.units += 1;
        let key = format!("build-time unit {}", self.units);
        let loaded = self
            .vm
            .load_in(number, key, module)
            .map_err(|error| plain_error(&error.to_string()))?;
        let ending = self.vm.run_main(loaded);
        self.ended(ending)
    }

    fn ended(&mut self, ending: Ending) -> Result<Value, MacroError> {
        match ending {
            Ending::Value(value) => Ok(value),
            Ending::Exit(status) => Err(plain_error(&format!(
                "a macro ended the build with (exit {status})"
            ))),
            Ending::Uncaught(uncaught) => Err(macro_error(&uncaught)),
        }
    }
}

fn plain_error(message: &str) -> MacroError {
    MacroError {
        condition: Condition::Eval,
        message: message.to_owned(),
        hint: None,
    }
}

fn macro_error(uncaught: &Uncaught) -> MacroError {
    let condition = match uncaught.kind {
        ConditionKind::Type => Condition::Type {
            expected: "",
            got: "",
        },
        ConditionKind::Arity => Condition::Arity {
            function: String::new(),
            expected: String::new(),
            got: 0,
        },
        ConditionKind::Unbound => Condition::Unbound(
            uncaught
                .text
                .strip_prefix("Unbound variable: ")
                .unwrap_or_default()
                .to_owned(),
        ),
        ConditionKind::Io => Condition::Io,
        ConditionKind::Reader => Condition::Reader(uncaught.text.clone()),
        ConditionKind::User => Condition::User(
            uncaught
                .text
                .strip_prefix("User exception: ")
                .unwrap_or(&uncaught.text)
                .to_owned(),
        ),
        _ => Condition::Eval,
    };
    MacroError {
        condition,
        message: uncaught.text.clone(),
        hint: uncaught.hint.as_ref().map(ToString::to_string),
    }
}

impl MacroHost for Machine<'_> {
    fn run(&mut self, unit: &Unit, interner: &mut Interner) -> Result<(), MacroError> {
        self.run_unit(unit, interner).map(|_| ())
    }

    fn define_transformer(
        &mut self,
        unit: &Unit,
        interner: &mut Interner,
    ) -> Result<TransformerId, MacroError> {
        let function = self.run_unit(unit, interner)?;
        Ok(TransformerId(self.vm.keep(function)))
    }

    fn call(
        &mut self,
        transformer: TransformerId,
        operands: &[Datum],
        span: Span,
        interner: &mut Interner,
    ) -> Result<Datum, MacroError> {
        let mut spans = DatumSpans::default();
        let arguments: Vec<Value> = {
            let vm = &self.vm;
            // Operands stay where they are, so that parts that come back can be told by address.
            vm.host.heap.permanently(|_| {
                operands
                    .iter()
                    .map(|operand| values::to_value(vm, operand, interner, &mut spans))
                    .collect()
            })
        };
        let function = self.vm.kept(transformer.0);
        let ending = self.vm.call(function, &arguments);
        let result = self.ended(ending)?;
        values::to_datum(&mut self.vm, result, span, &spans, interner)
            .ok_or_else(|| plain_error("the expansion of this macro is nested too deeply"))
    }

    fn copy_global(&mut self, from: (&Rc<str>, &str), to: (&Rc<str>, &str)) {
        let source = self.namespace(from.0);
        let (source, number) = (source.number, source.numbers.get(from.1).copied());
        let Some(value) =
            number.and_then(|number| self.vm.namespace_value(source, number as usize))
        else {
            return;
        };
        let target = self.namespace(to.0);
        let (number, _) = target.global(&Rc::from(to.1));
        let target = target.number;
        self.vm.set_namespace_value(target, number as usize, value);
    }

    fn next_gensym(&mut self) -> u64 {
        self.vm.host.symbols.next_unique()
    }
}
