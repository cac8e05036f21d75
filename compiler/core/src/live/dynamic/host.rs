//! Macro transformers as functions of the running program.

use crate::hashing::HashSet;
use std::rc::Rc;

use sema_machine::host::condition::{Outcome, Signal};
use sema_machine::memory::value::{Kind, Value};
use sema_machine::vm::{NestedEnding, Vm};

use crate::front::datum::{Datum, DatumKind, Interner, Span};
use crate::front::diagnostic::{Diagnostic, EXPANSION, Fallible};
use crate::front::expand::host::{MacroHost, TransformerId};
use crate::front::expand::steps::{DEFAULT_STEPS, count_steps};
use crate::front::positions::SourcePositions;
use crate::front::source::SourceMap;
use crate::ir::Unit;
use crate::link::library::Library;
use crate::live::namespace::load_unit;
use crate::live::values::{self, DatumSpans};

/// Runs transformers in the program.
pub(super) struct RunningProgram<'a> {
    pub(super) vm: &'a mut Vm,
    pub(super) library: &'a Library,
    pub(super) namespace: usize,
    /// What a transformer raised and did not catch, or how it ended the program.
    pub(super) interruption: Option<Interruption>,
}

/// Why an expansion has no value.
pub(super) enum Interruption {
    /// The VM keeps the condition's map under this number.
    Raised(u32),
    /// `exit`
    Exit(u8),
}

impl Interruption {
    /// The signal for the program. What is kept is released.
    pub(super) fn signal(self, vm: &Vm) -> Box<Signal> {
        Box::new(match self {
            Interruption::Raised(number) => {
                let map = vm.kept(number);
                vm.host.release(number);
                Signal::Throw(map)
            }
            Interruption::Exit(status) => Signal::Exit(status),
        })
    }
}

/// The value of a nested call.
pub(super) fn call(
    vm: &mut Vm,
    function: Value,
    arguments: &[Value],
) -> Result<Value, Interruption> {
    match vm.call_nested(function, arguments) {
        NestedEnding::Value(value) => Ok(value),
        NestedEnding::Exit(status) => Err(Interruption::Exit(status)),
        NestedEnding::Raised(map) => Err(Interruption::Raised(vm.keep(map))),
    }
}

/// The value of a module's code, at once.
pub(super) fn run_module(vm: &mut Vm, module: usize) -> Outcome {
    let main = vm.main_of(module);
    call(vm, main, &[]).map_err(|interruption| interruption.signal(vm))
}

impl RunningProgram<'_> {
    /// What tasks wait for among the objects that a macro put into code.
    fn means_of_tasks(&self, expansion: &Datum) -> Option<Kind> {
        let mut work = vec![expansion];
        let mut seen = HashSet::default();
        while let Some(datum) = work.pop() {
            if let Some(part) = datum.kind.shared_part()
                && !seen.insert(part)
            {
                continue;
            }
            match &datum.kind {
                DatumKind::Opaque(number) => {
                    let kind = self.vm.kept(*number).kind();
                    if matches!(kind, Kind::Channel | Kind::AsyncPromise) {
                        return Some(kind);
                    }
                }
                DatumKind::List(items) | DatumKind::Vector(items) => work.extend(items.iter()),
                DatumKind::Map(entries) => {
                    work.extend(entries.iter().flat_map(|(key, value)| [key, value]));
                }
                _ => {}
            }
        }
        None
    }

    fn interrupted(&mut self, interruption: Interruption) -> Box<Diagnostic> {
        match (&self.interruption, interruption) {
            // The first one counts.
            (Some(_), Interruption::Raised(number)) => self.vm.host.release(number),
            (Some(_), Interruption::Exit(_)) => {}
            (None, interruption) => self.interruption = Some(interruption),
        }
        error("a macro transformer failed")
    }
}

fn error(message: impl Into<String>) -> Box<Diagnostic> {
    Diagnostic::error(EXPANSION, message)
}

impl MacroHost for RunningProgram<'_> {
    /// Definitions take effect when they are reached, not before.
    fn run(&mut self, _: &Unit, _: &mut Interner, _: &SourceMap) -> Fallible<()> {
        Ok(())
    }

    fn define_transformer(
        &mut self,
        unit: &Unit,
        interner: &mut Interner,
        sources: &SourceMap,
    ) -> Fallible<TransformerId> {
        let mut unit = unit.clone();
        count_steps(&mut unit);
        let module = load_unit(
            self.vm,
            self.namespace,
            format!("macro of {}", unit.name),
            unit,
            self.library,
            &SourcePositions(sources),
            interner,
            1,
        );
        let module = module.map_err(|problem| error(problem.to_string()))?;
        let main = self.vm.main_of(module);
        let function = call(self.vm, main, &[]);
        let function = function.map_err(|interruption| self.interrupted(interruption))?;
        Ok(TransformerId(self.vm.keep(function)))
    }

    fn call(
        &mut self,
        transformer: TransformerId,
        operands: &[Datum],
        span: Span,
        interner: &mut Interner,
        _: &SourceMap,
    ) -> Fallible<Datum> {
        let arguments: Vec<Value> = operands
            .iter()
            .map(|operand| values::plain_value(self.vm, operand, interner))
            .collect();
        let function = self.vm.kept(transformer.0);
        // A transformer that makes the compiler call another one pays for its steps.
        let before = self.vm.host.steps.get();
        let allowed = before.min(DEFAULT_STEPS);
        self.vm.host.steps.set(allowed);
        let result = call(self.vm, function, &arguments);
        let taken = allowed - self.vm.host.steps.get();
        self.vm.host.steps.set(match before {
            u64::MAX => before,
            _ => before - taken,
        });
        let result = result.map_err(|interruption| self.interrupted(interruption))?;
        let expansion = values::to_datum(self.vm, result, span, &DatumSpans::default(), interner)
            .map_err(|problem| error(problem.of_expansion()))?;
        match self.means_of_tasks(&expansion) {
            None => Ok(expansion),
            Some(kind) => Err(error(format!(
                "a macro put a {} into code: transformers take no part in what tasks do",
                kind.type_name()
            ))),
        }
    }

    /// There is nothing to copy: imports are executed when they are reached.
    fn copy_global(&mut self, _: (&Rc<str>, &str), _: (&Rc<str>, &str)) {}

    fn next_gensym(&mut self) -> u64 {
        self.vm.host.symbols.next_unique()
    }
}
