//! The virtual machine: a register machine over windows of growable stacks.
//!
//! [`Vm`] holds all state of one program. [`dispatch`] executes one task until it ends or waits;
//! [`schedule`] decides which task runs; [`unwind`] finds handlers; [`call`] does the calls that
//! are not plain closure calls.

mod call;
mod condition;
mod constants;
mod dispatch;
mod dynamic;
mod image;
mod import;
mod interrupt;
mod limits;
mod load_error;
pub(crate) mod module;
mod namespace;
mod nested;
mod plugin;
pub mod report;
mod schedule;
pub(crate) mod stack;
mod steps;
mod task;
mod task_table;
mod units;
mod unwind;
mod waiting;

pub use condition::frames_of;
pub use dynamic::{Answer, Dynamic, Request, missing, unsupported};
pub use image::ModuleImage;
pub use limits::{LimitError, Limits};
pub use load_error::LoadError;
use module::{LoadedModule, OwnedModule};
pub use nested::NestedEnding;
pub use plugin::{Plugin, find_plugin, read_plugin};
pub use report::{BUILD, FrameInfo, Reached, Uncaught, write_fact, write_frames, write_place};

use std::rc::Rc;

use crate::host::Host;
use crate::memory::hash::NameMap;
use crate::memory::heap::{Roots, Tracer};
use crate::memory::value::Value;
use crate::task::{Operation, TaskId};
use task::Task;

/// Where modules come from: the archive of an executable, or the compiler's memory.
pub trait ModuleSource {
    /// The module that an import of `path` in the module with the key `importer` means; `None` if
    /// there is none.
    ///
    /// # Errors
    /// The module exists but cannot be read.
    fn module(&self, path: &str, importer: &str) -> Result<Option<FoundModule>, LoadError>;
}

/// A module that a [`ModuleSource`] found.
pub struct FoundModule {
    /// Identifies the module: however it was asked for, it has one key, and runs once.
    pub key: String,
    /// The module.
    pub image: ModuleImage,
}

/// A virtual machine.
pub struct Vm {
    /// What natives see.
    pub host: Host,
    pub(crate) modules: Vec<OwnedModule>,
    /// Modules that were compiled at run time.
    units: units::Units,
    /// Numbers of the loaded modules, by their keys.
    module_numbers: NameMap<String, usize>,
    source: Box<dyn ModuleSource>,
    tasks: task_table::TaskTable,
    /// The running task, off the table.
    pub(crate) task: Box<Task>,
    /// Most bytes of the stacks of all tasks together.
    stack_limit: limits::Limit,
    /// What the stacks of all tasks take, as far as it has been accounted for.
    stack_charge: Option<crate::memory::account::Charge>,
    /// A task without anything to run, to stand in while no task runs.
    idle: Option<Box<Task>>,
    /// What the running task may still do before it is looked whether it goes on.
    steps: steps::Steps,
    /// When the program has run long enough.
    deadline: Option<waiting::Deadline>,
    /// The signal that has asked the program to end.
    interrupt: Option<interrupt::Interrupt>,
    /// Whether it is the machine that signals mean. There are others on other threads.
    #[cfg(feature = "many-threads")]
    obeys_signals: bool,
    /// How often tasks have been switched.
    switches: u64,
    /// After how many switches what happens outside is looked at, less one.
    patience: u64,
    /// What the root task returned, while other tasks still run.
    root_value: Value,
    /// How execution ended, from a handler to [`Vm::execute`].
    event: Option<Event>,
    /// What a native asked for, on its way from a handler to [`Vm::signalled`].
    signal: Option<Box<crate::host::condition::Signal>>,
    /// What the maps of caught conditions share.
    condition_maps: condition::ConditionMaps,
    /// Memory for the next trace.
    spare_trace: Vec<condition::TracePoint>,
    #[cfg(feature = "count-pairs")]
    pairs: dispatch::pairs::Pairs,
    /// Globals that modules share.
    namespaces: Vec<namespace::Namespace>,
    /// The modules that are being run by imports.
    running_modules: Vec<import::RunningModule>,
    /// What compiles code at run time, if anything does.
    dynamic: Option<Rc<dyn Dynamic>>,
    /// Programs that wait for a call from inside them to end.
    interrupted: Vec<nested::Interrupted>,
}

/// How [`Vm`] code ends a stretch of execution.
pub(crate) enum Event {
    /// The task's bottom function returned.
    Finished(Value),
    /// An uncaught condition.
    Raised(Box<unwind::Raised>),
    /// The time of the program is over, or a signal ends it: a condition that no handler sees.
    Stopped(Box<unwind::Raised>),
    /// No task is ready.
    Idle,
    /// The task of a nested call wants to wait; its result goes to the slot it noted.
    Suspended(Operation),
    /// `exit`
    Exit(u8),
}

/// How a program ended.
pub enum Ending {
    /// Normally, with the value of its last form.
    Value(Value),
    /// By `exit`.
    Exit(u8),
    /// By a condition that nothing caught.
    Uncaught(Box<Uncaught>),
}

impl Vm {
    /// A VM without modules.
    pub fn new(host: Host, source: Box<dyn ModuleSource>) -> Vm {
        host.describe_closures_by(module::closure_facts);
        // Stands in until a program runs; only the root task gets a large stack.
        let task = Box::new(Task::new(TaskId(u64::MAX), Value::NIL));
        Vm {
            host,
            modules: Vec::new(),
            units: units::Units::default(),
            module_numbers: NameMap::default(),
            source,
            tasks: task_table::TaskTable::default(),
            task,
            stack_limit: limits::Limit::of_stacks(),
            stack_charge: None,
            idle: None,
            deadline: None,
            interrupt: None,
            #[cfg(feature = "many-threads")]
            obeys_signals: false,
            switches: 0,
            steps: steps::Steps::default(),
            patience: waiting::PATIENCE,
            root_value: Value::NIL,
            event: None,
            signal: None,
            condition_maps: condition::ConditionMaps::default(),
            spare_trace: Vec::new(),
            #[cfg(feature = "count-pairs")]
            pairs: dispatch::pairs::Pairs::default(),
            namespaces: Vec::new(),
            running_modules: Vec::new(),
            dynamic: None,
            interrupted: Vec::new(),
        }
    }

    /// Loads a module; its main function has not run yet. `key` is what imports resolve to.
    ///
    /// # Errors
    /// It is damaged, or needs natives that this runtime does not have.
    pub fn load(
        &mut self,
        key: impl Into<String>,
        image: impl Into<ModuleImage>,
    ) -> Result<usize, LoadError> {
        let module = LoadedModule::load(&self.host, key.into(), image.into(), None)?;
        let key = module.key.clone();
        let number = self.add_module(module);
        self.module_numbers.insert(key, number);
        Ok(number)
    }

    fn add_module(&mut self, module: OwnedModule) -> usize {
        let number = self.modules.len();
        module.number.set(number);
        self.modules.push(module);
        number
    }

    /// Loads the module that the module source finds under `path`, unless it is loaded; `None` if
    /// there is none. `importer` is the key of the module that asks, or empty.
    ///
    /// # Errors
    /// It cannot be read or loaded.
    pub fn load_from_source(
        &mut self,
        path: &str,
        importer: &str,
    ) -> Result<Option<usize>, LoadError> {
        if let Some(&number) = self.module_numbers.get(path) {
            return Ok(Some(number));
        }
        let Some(found) = self.source.module(path, importer)? else {
            return Ok(None);
        };
        if let Some(&number) = self.module_numbers.get(&found.key) {
            return Ok(Some(number));
        }
        self.load(found.key, found.image).map(Some)
    }

    /// Runs the main function of a loaded module as the program's root task, and the other tasks
    /// as the specification says.
    pub fn run_main(&mut self, module: usize) -> Ending {
        let Some(module) = self.module(module) else {
            return Ending::Value(Value::NIL);
        };
        module.state.set(module::ModuleState::Running);
        let Some(main) = module.functions.first() else {
            return Ending::Value(Value::NIL);
        };
        let closure =
            self.host
                .heap
                .object(crate::memory::value::Kind::Closure, 0, &[main.encode()]);
        self.run_root(closure, &[])
    }

    /// Calls a function as a program of its own (macro transformers, tests).
    pub fn call(&mut self, function: Value, arguments: &[Value]) -> Ending {
        self.run_root(function, arguments)
    }

    /// Keeps a value alive and gives its number.
    pub fn keep(&mut self, value: Value) -> u32 {
        self.host.keep(value)
    }

    /// The kept value with this number.
    pub fn kept(&self, number: u32) -> Value {
        self.host.kept(number)
    }

    /// Keeps the value with this number no longer.
    pub fn release(&mut self, number: u32) {
        self.host.release(number);
    }

    /// The value of what a module exports under this name; `None` if it exports no such thing, or has not
    /// defined it yet.
    pub fn exported(&self, module: usize, name: &str) -> Option<Value> {
        let module = self.module(module)?;
        let value = module.globals().get(module.export(name)?)?.get();
        (value != Value::UNBOUND).then_some(value)
    }

    /// The name of a function that is a builtin: a native, or one of the embedded library.
    pub fn builtin_name(&self, value: Value) -> Option<&str> {
        if let Some(native) = value.as_native() {
            return Some(self.host.native_name(native));
        }
        let function = module::closure_function(&self.host, value)?;
        let module = function.module();
        let captures_nothing = self.host.heap.fields(value).len() == 1;
        (captures_nothing && module.is_library(function.index))
            .then(|| module.function_name(function.index))?
    }

    /// Notes what a native asks for, until [`Vm::signalled`] attends to it. There is none before; to look for one that would
    /// have to be dropped would cost every call of a native two registers.
    #[inline(always)]
    fn note_signal(&mut self, signal: Box<crate::host::condition::Signal>) {
        debug_assert!(self.signal.is_none());
        std::mem::forget(self.signal.replace(signal));
    }

    /// The value of a module's global.
    pub fn global(&self, module: usize, name: &str) -> Option<Value> {
        let module = self.module(module)?;
        Some(module.globals().get(module.global_index(name)?)?.get())
    }

    pub(crate) fn collect(&mut self, full: bool) {
        self.account_for_stacks();
        let Vm {
            host,
            modules,
            units,
            tasks,
            task,
            namespaces,
            interrupted,
            root_value,
            condition_maps,
            ..
        } = self;
        let Host {
            heap,
            scheduler,
            kept,
            context,
            ..
        } = host;
        let mut roots = VmRoots {
            modules,
            units,
            tasks,
            task,
            kept: kept.get_mut(),
            namespaces,
            interrupted,
            root_value,
            condition_maps,
            scheduler,
            context,
        };
        heap.collect(&mut roots, full);
        if !self.units.is_empty() {
            self.free_units();
        }
    }
}

struct VmRoots<'a> {
    modules: &'a [OwnedModule],
    units: &'a units::Units,
    tasks: &'a mut task_table::TaskTable,
    task: &'a mut Task,
    kept: &'a mut crate::host::kept::Kept,
    namespaces: &'a [namespace::Namespace],
    interrupted: &'a mut [nested::Interrupted],
    root_value: &'a mut Value,
    condition_maps: &'a mut condition::ConditionMaps,
    scheduler: &'a mut crate::task::Scheduler,
    context: &'a mut std::cell::Cell<Value>,
}

impl Roots for VmRoots<'_> {
    fn trace(&mut self, tracer: &mut Tracer<'_>) {
        for module in self.modules {
            if module.namespace.get().is_none() {
                trace_globals(&module.globals(), tracer);
            }
        }
        self.units.trace(tracer);
        for namespace in self.namespaces {
            trace_globals(namespace.used(), tracer);
        }
        self.task.trace(tracer);
        for interrupted in &mut *self.interrupted {
            interrupted.trace(tracer);
        }
        tracer.value(self.context.get_mut());
        if tracer.begins_marking() {
            self.tasks.leave_out(self.scheduler.places());
        } else {
            let places = self.scheduler.trace(tracer);
            self.tasks.trace(&places, tracer);
        }
        tracer.values(self.kept.values());
        tracer.value(self.root_value);
        self.condition_maps.trace(tracer);
    }

    fn trace_more(&mut self, tracer: &mut Tracer<'_>, most: usize) -> bool {
        let mut others = vec![&mut *self.task];
        others.extend(self.interrupted.iter_mut().map(nested::Interrupted::task));
        task_table::trace_more(self.tasks, self.scheduler, &mut others, tracer, most)
    }
}

fn trace_globals(globals: &[std::cell::Cell<Value>], tracer: &mut Tracer<'_>) {
    for global in globals {
        let mut value = global.get();
        tracer.value(&mut value);
        global.set(value);
    }
}
