//! The machine that runs code at build time: macro transformers and what they use.
//!
//! It is the runtime's VM. Units arrive lowered; each namespace (one per module of the program)
//! has globals that all its units share, as at a read-eval-print loop.

use crate::hashing::{HashMap, HashSet};
use std::rc::Rc;
use std::time::{Duration, Instant};

use sema_machine::host::Host;
use sema_machine::host::condition::ConditionKind;
use sema_machine::host::output::Output;
use sema_machine::memory::value::Value;
use sema_machine::vm::{Ending, FoundModule, LoadError, ModuleSource, Vm};
use sema_natives::NATIVES;

use crate::front::datum::{Datum, Interner, Span};
use crate::front::diagnostic::{Diagnostic, EXPANSION, Fallible};
use crate::front::expand::host::{MacroHost, TransformerId};
use crate::front::expand::steps::count_steps;
use crate::front::positions::SourcePositions;
use crate::front::source::SourceMap;
use crate::ir::{Builtin, Unit};
use crate::link::library::Library;
use crate::live::dynamic::DynamicCompiler;
use crate::live::effects::{
    ALLOWED, EVALUATES, REFUSED, denied, guard, noted, refusal, with_effects,
};
use crate::live::namespace::load_unit;
use crate::live::values::{self, DatumSpans};

/// Modules of the machine come as units, never by import.
struct NoModules;

impl ModuleSource for NoModules {
    fn module(&self, _: &str, _: &str) -> Result<Option<FoundModule>, LoadError> {
        Ok(None)
    }
}

/// A VM that runs units while the program is being built.
pub struct Machine<'l> {
    vm: Vm,
    library: &'l Library,
    namespaces: HashMap<Rc<str>, usize>,
    units: usize,
    /// The builtins that reach outside of the build, and how many functions of the library were looked at for it.
    effects: (HashSet<Builtin>, usize),
    /// What transformers may do.
    limits: Limits,
}

/// What macro transformers may do.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many steps each may take.
    pub steps: u64,
    /// How long each may take, above all in waiting: steps limit what it computes.
    pub time: Duration,
    /// Whether they may reach outside of the build.
    pub effects: bool,
}

/// Where goes what code prints at build time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Printed {
    /// To standard error: standard output is for what the command makes.
    #[default]
    Errors,
    /// To standard output, with what the program prints when it has been built.
    Output,
    /// Nobody sees it.
    Nowhere,
}

impl Printed {
    fn output(self) -> Output {
        let errors = || Box::new(std::io::stderr());
        match self {
            Printed::Errors => Output::writers(errors(), errors()),
            Printed::Output => Output::stdout(),
            Printed::Nowhere => {
                Output::writers(Box::new(std::io::sink()), Box::new(std::io::sink()))
            }
        }
    }
}

impl<'l> Machine<'l> {
    /// A machine with the given library and limits of transformers.
    pub fn new(library: &'l Library, limits: Limits, printed: Printed) -> Machine<'l> {
        let mut host = Host::new(printed.output(), &NATIVES);
        host.heap.stress_from_environment();
        match limits.effects {
            true => host.watch_reads(),
            false => host.watch_reads_and_deny(denied()),
        }
        let mut vm = Vm::new(host, Box::new(NoModules));
        vm.set_dynamic(Rc::new(DynamicCompiler::default()));
        Machine {
            vm,
            library,
            namespaces: HashMap::default(),
            units: 0,
            effects: (HashSet::default(), 0),
            limits,
        }
    }

    /// Hands what was printed at build time to the system.
    pub fn flush(&self) {
        self.vm.host.output.flush();
    }

    /// The files that code was asked to read at build time, as it named them.
    pub fn paths_read(&self) -> Vec<String> {
        self.vm.host.paths_read()
    }

    fn namespace(&mut self, name: &Rc<str>) -> usize {
        if let Some(&number) = self.namespaces.get(name) {
            return number;
        }
        let number = self.vm.add_namespace();
        self.namespaces.insert(name.clone(), number);
        number
    }

    fn run_unit(
        &mut self,
        unit: &Unit,
        interner: &mut Interner,
        sources: &SourceMap,
    ) -> Fallible<Value> {
        let namespace = self.namespace(&unit.name);
        self.units += 1;
        let mut unit = unit.clone();
        count_steps(&mut unit);
        let (effects, looked_at) = &mut self.effects;
        if effects.is_empty() {
            *effects = with_effects();
        }
        let added = self.library.add_users(&unit, interner, effects, *looked_at);
        *looked_at = added.map_err(|error| plain_error(error.to_string()))?;
        guard(&mut unit, effects, interner);
        let loaded = load_unit(
            &mut self.vm,
            namespace,
            format!("build-time unit {}", self.units),
            unit,
            self.library,
            &SourcePositions(sources),
            interner,
            1,
        );
        let loaded = loaded.map_err(|error| plain_error(error.to_string()))?;
        self.set_everywhere(ALLOWED, Value::FALSE);
        self.set_everywhere(EVALUATES, Value::FALSE);
        self.vm.host.steps.set(self.limits.steps);
        self.set_everywhere(REFUSED, Value::NIL);
        let ending = self.in_time(|vm| vm.run_main(loaded));
        let value = self.ended(ending, sources)?;
        // The program may have caught the refusal, and would get another value when it runs.
        match self.refused() {
            Some((shown, place)) => Err(refusal(&shown, place)),
            None => Ok(value),
        }
    }

    /// Gives a variable of all namespaces a value.
    fn set_everywhere(&mut self, variable: &str, value: Value) {
        for &namespace in self.namespaces.values() {
            if let Some(number) = self.vm.find_namespace_global(namespace, variable) {
                self.vm
                    .set_namespace_value(namespace, number as usize, value);
            }
        }
    }

    /// The builtin that was refused while code ran that nobody asked for, and where it stands.
    fn refused(&self) -> Option<(String, Span)> {
        self.namespaces.values().find_map(|&namespace| {
            let number = self.vm.find_namespace_global(namespace, REFUSED)?;
            let value = self.vm.namespace_value(namespace, number as usize)?;
            let (shown, place) = noted(self.vm.host.heap.as_str(value)?);
            Some((shown.to_owned(), place))
        })
    }

    /// Runs code that may take so long and no longer; whether it has taken that.
    fn in_time(&mut self, run: impl FnOnce(&mut Vm) -> Ending) -> (Ending, bool) {
        self.vm.set_time_limit(Some(self.limits.time));
        let begin = Instant::now();
        let ending = run(&mut self.vm);
        self.vm.set_time_limit(None);
        (ending, begin.elapsed() >= self.limits.time)
    }

    fn ended(&mut self, ending: (Ending, bool), sources: &SourceMap) -> Fallible<Value> {
        let (ending, is_late) = ending;
        match ending {
            Ending::Value(value) => Ok(value),
            Ending::Exit(status) => Err(plain_error(format!(
                "a macro ended the build with (exit {status})"
            ))),
            Ending::Uncaught(uncaught) => {
                let mut failure = Diagnostic::uncaught(&uncaught, sources);
                failure.code = EXPANSION;
                if is_late && uncaught.condition.kind == ConditionKind::Timeout {
                    let seconds = self.limits.time.as_secs();
                    failure.message = format!("a macro has taken longer than {seconds} s");
                    failure.hint = Some(
                        "macros that wait hold up whoever builds; --macro-seconds N lets them take longer"
                            .to_owned(),
                    );
                }
                if self.vm.host.steps.get() == 0 {
                    failure.hint = Some(format!(
                        "a macro may take {} steps; --macro-steps N allows more",
                        self.limits.steps
                    ));
                }
                Err(failure)
            }
        }
    }
}

/// The error about a transformer that reaches outside of the build.
fn has_effect(shown: &str, place: Span) -> Box<Diagnostic> {
    let message =
        format!("a macro reaches outside of the build: '{shown}' is not called at build time");
    let problem = Diagnostic::error("E0302", message).with_hint(
        "`--macro-effects` lets macros do that; `semac run` and `semac test` let them anyway",
    );
    match place.end {
        0 => problem,
        _ => problem.with_secondary(place, "this would reach outside"),
    }
}

fn plain_error(message: impl Into<String>) -> Box<Diagnostic> {
    Diagnostic::error(EXPANSION, message)
}

impl MacroHost for Machine<'_> {
    fn run(&mut self, unit: &Unit, interner: &mut Interner, sources: &SourceMap) -> Fallible<()> {
        self.run_unit(unit, interner, sources).map(|_| ())
    }

    fn define_transformer(
        &mut self,
        unit: &Unit,
        interner: &mut Interner,
        sources: &SourceMap,
    ) -> Fallible<TransformerId> {
        let function = self.run_unit(unit, interner, sources)?;
        Ok(TransformerId(self.vm.keep(function)))
    }

    fn call(
        &mut self,
        transformer: TransformerId,
        operands: &[Datum],
        span: Span,
        interner: &mut Interner,
        sources: &SourceMap,
    ) -> Fallible<Datum> {
        let mut spans = DatumSpans::default();
        // Operands stay where they are, and are kept, so that parts that come back can be told by address.
        let (arguments, kept): (Vec<Value>, u32) = {
            let vm = &self.vm;
            vm.host.heap.without_moving(|heap| {
                let operands = operands.iter();
                let made =
                    operands.map(|operand| values::to_value(vm, operand, interner, &mut spans));
                let made: Vec<Value> = made.collect();
                let all = heap.list(&made);
                (made, vm.host.keep(all))
            })
        };
        let function = self.vm.kept(transformer.0);
        self.set_everywhere(ALLOWED, Value::bool(self.limits.effects));
        self.set_everywhere(EVALUATES, Value::TRUE);
        self.set_everywhere(REFUSED, Value::NIL);
        self.vm.host.steps.set(self.limits.steps);
        let ending = self.in_time(|vm| vm.call(function, &arguments));
        let expansion = self.ended(ending, sources).and_then(|result| {
            values::to_datum(&self.vm, result, span, &spans, interner)
                .map_err(|problem| plain_error(problem.of_expansion()))
        });
        self.vm.release(kept);
        // The macro may have caught the refusal.
        match self.refused() {
            Some((shown, place)) => Err(has_effect(&shown, place)),
            None => expansion,
        }
    }

    fn copy_global(&mut self, from: (&Rc<str>, &str), to: (&Rc<str>, &str)) {
        let source = self.namespace(from.0);
        let number = self.vm.find_namespace_global(source, from.1);
        let Some(value) =
            number.and_then(|number| self.vm.namespace_value(source, number as usize))
        else {
            return;
        };
        let target = self.namespace(to.0);
        let (number, _) = self.vm.namespace_global(target, to.1);
        self.vm.set_namespace_value(target, number as usize, value);
    }

    fn next_gensym(&mut self) -> u64 {
        self.vm.host.symbols.next_unique()
    }
}
