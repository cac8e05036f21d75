//! Modules at run time: running their main function once, binding their exports.

#![allow(
    clippy::indexing_slicing,
    reason = "numbers of modules are given out by the machine when they are loaded"
)]

use super::Vm;
use super::dispatch::Next;
use super::module::{ImportTarget, ModuleState};
use super::stack::FrameKind;
use super::unwind::Payload;
use crate::host::condition::{Condition, ConditionKind, Signal};
use crate::memory::value::{Kind, Value};
use crate::task::{Operation, Resume, TaskId, new_promise, promise};

/// Words of the instruction that runs a module.
const IMPORT_WORDS: usize = 2;

/// Number of a module and of a function of it that runs the module or a part of it.
type MainFunction = (usize, u32);

/// A module, or a part of one, that is being run.
pub(super) struct RunningModule {
    main: MainFunction,
    /// Who runs it.
    task: TaskId,
    /// The number of a kept promise, once another task waits for the module.
    ended: Option<u32>,
    /// Who waits.
    waiting: Vec<TaskId>,
}

impl Vm {
    /// `run_module`: runs the module of an import unless it has run. The window is behind slot `a`.
    #[cold]
    pub(crate) fn run_module(&mut self, a: usize, import: usize) -> Next {
        // SAFETY: functions and their modules live as long as the VM.
        let importer = unsafe { &*(*self.task.registers.func).module };
        let target = match self.import_target(import) {
            Ok(target) => target,
            Err(condition) => return self.raise(Payload::Condition(condition)),
        };
        let main = match target {
            ImportTarget::Module(number) => self.modules[number].functions.first(),
            ImportTarget::Part(part) => importer.part_main(part),
        };
        // SAFETY: functions live as long as the VM.
        let main = main.map(|main| unsafe { &*std::ptr::from_ref(main) });
        let run_by = main.and_then(|main| Some((main, main.module().run_by(main.index)?)));
        let Some((main, (_, state))) = run_by else {
            self.set_slot(a, Value::NIL);
            return Next::Continue;
        };
        match state.get() {
            ModuleState::Done => {
                self.set_slot(a, Value::NIL);
                Next::Continue
            }
            ModuleState::Running => {
                let (number, index) = (main.module().number.get(), main.index);
                if let Some(ended) = self.end_of_module((number, index)) {
                    // The instruction is done again then.
                    let pc = self.task.registers.pc;
                    self.task.registers.pc = pc.wrapping_sub(IMPORT_WORDS);
                    self.task.resume_slot = self.task.offset_of(a);
                    return self.stand_back(Operation::Await(ended));
                }
                let path = self.cycle((number, index));
                let condition = Condition::new(
                    ConditionKind::Eval,
                    format!("cyclic import detected: {path}"),
                );
                self.raise(Payload::Condition(condition))
            }
            ModuleState::New => {
                state.set(ModuleState::Running);
                let number = main.module().number.get();
                self.note_running((number, main.index));
                let func = std::ptr::from_ref(main);
                let closure = self.host.heap.object(Kind::Closure, 0, &[main.encode()]);
                self.set_slot(a, closure);
                self.push_frame(a, func, FrameKind::ModuleMain);
                self.reserve_window()
            }
        }
    }

    /// Notes that the running task runs a main function, which others may wait for.
    fn note_running(&mut self, main: MainFunction) {
        self.running_modules.push(RunningModule {
            main,
            task: self.task.id,
            ended: None,
            waiting: Vec::new(),
        });
    }

    /// Notes that the running task begins to run a loaded module's main function by calling it, and gives the task.
    /// Others that want the module may wait for it: see [`Vm::wait_for_module`].
    pub fn begin_module(&mut self, number: usize) -> TaskId {
        if let Some(module) = self.module(number) {
            module.state.set(ModuleState::Running);
            self.note_running((number, 0));
        }
        self.task.id
    }

    /// What the running task waits for that wants a module which another one has begun to run, or something
    /// that this task makes of several modules, of which this is the latest: the signal for the machine. `None` if
    /// nobody runs it any more, or the tasks wait for each other.
    pub fn wait_for_module(&mut self, number: usize, runner: TaskId) -> Option<Box<Signal>> {
        let operation = match self.module(number)?.state.get() {
            ModuleState::Running => Operation::Await(self.end_of_module((number, 0))?),
            // Between two modules.
            ModuleState::Done if self.tasks.is_parked(runner) => {
                Operation::GiveWay(Resume::Value(Value::NIL))
            }
            ModuleState::Done | ModuleState::New => return None,
        };
        Some(Box::new(Signal::Suspend(operation)))
    }

    /// A promise that is settled when another task has run this module; `None` if the running task waits for itself.
    fn end_of_module(&mut self, main: MainFunction) -> Option<Value> {
        let task = self.task.id;
        let runs = |main: MainFunction, running: &[RunningModule]| {
            running.iter().position(|module| module.main == main)
        };
        let place = runs(main, &self.running_modules)?;
        // Who runs it may wait for a module, too, whose task waits for another one …
        let mut runners = vec![self.running_modules.get(place)?.task];
        let mut next = 0;
        while let Some(&runner) = runners.get(next) {
            if runner == task {
                return None;
            }
            next += 1;
            for module in &self.running_modules {
                if module.waiting.contains(&runner) && !runners.contains(&module.task) {
                    runners.push(module.task);
                }
            }
        }
        let host = &self.host;
        let module = self.running_modules.get_mut(place)?;
        let number = *module.ended.get_or_insert_with(|| {
            host.keep(new_promise(host, promise::PENDING, Value::NIL, None))
        });
        module.waiting.push(task);
        Some(host.kept(number))
    }

    /// A module has been run, or running it has failed.
    #[cold]
    pub(super) fn module_ended(&mut self, module: usize, function: u32) {
        let main = (module, function);
        let place = self
            .running_modules
            .iter()
            .position(|module| module.main == main);
        let Some(place) = place else { return };
        let module = self.running_modules.swap_remove(place);
        if let Some(number) = module.ended {
            let host = &self.host;
            let promise = host.kept(number);
            host.scheduler
                .settle(host, promise, promise::RESOLVED, Value::NIL);
            host.release(number);
        }
    }

    /// What an import of the running function's module refers to; a module is loaded if needed.
    fn import_target(&mut self, import: usize) -> Result<ImportTarget, Condition> {
        // SAFETY: functions and their modules live as long as the VM.
        let importer = unsafe { &*(*self.task.registers.func).module };
        let (Some(entry), Some(target)) =
            (importer.import(import), importer.import_targets.get(import))
        else {
            return Err(Condition::new(
                ConditionKind::Internal,
                "import out of range",
            ));
        };
        if let Some(&target) = target.get() {
            return Ok(target);
        }
        let mut parts = importer.parts.iter();
        let found = match parts.position(|part| *part.name == *entry.resolved) {
            Some(part) => ImportTarget::Part(part),
            None => {
                let number = self.found_module(&entry.resolved, &entry.path, &importer.key)?;
                ImportTarget::Module(number)
            }
        };
        // Already set only if this import ran meanwhile, with the same result.
        let _ = target.set(found);
        Ok(found)
    }

    /// The module that the module source finds under `path`; `shown` is for messages.
    fn found_module(
        &mut self,
        path: &str,
        shown: &str,
        importer: &str,
    ) -> Result<usize, Condition> {
        match self.load_from_source(path, importer) {
            Ok(Some(number)) => Ok(number),
            Ok(None) => {
                let message = format!("import {shown}: No such file or directory (os error 2)");
                Err(Condition::new(ConditionKind::Io, message))
            }
            Err(error) => Err(error.condition()),
        }
    }

    /// The modules and parts whose main functions are running, from the one with this main function to
    /// itself.
    pub(super) fn cycle(&self, main: MainFunction) -> String {
        let mut running = self.running();
        let start = running.iter().position(|each| *each == main);
        let mut running = running.split_off(start.unwrap_or(running.len()));
        if start.is_none() {
            // Its frames are those of another task.
            running.push(main);
        }
        running.push(main);
        let names = running.iter().filter_map(|(module, function)| {
            let (name, _) = self.module(*module)?.run_by(*function)?;
            Some(name)
        });
        let names: Vec<&str> = names.collect();
        names.join(" -> ")
    }

    /// Numbers of the modules whose main functions the running task is in, the outermost first.
    pub fn running_modules(&self) -> Vec<usize> {
        let running = self.running().into_iter();
        let modules = running.filter(|(_, function)| *function == 0);
        modules.map(|(module, _)| module).collect()
    }

    /// The main functions that the running task is in, the outermost first.
    fn running(&self) -> Vec<MainFunction> {
        let mut running = Vec::new();
        let mut frame = self.task.registers.frame;
        let mut func = self.task.registers.func;
        loop {
            // SAFETY: functions live as long as the VM; frames are walked down to the bottom one.
            let (function, caller) = unsafe {
                frame = frame.sub(1);
                (&*func, *frame)
            };
            let module = function.module();
            let number = module.number.get();
            if self.is_loaded(number) && module.run_by(function.index).is_some() {
                running.push((number, function.index));
            }
            if self.task.is_bottom(frame) {
                break;
            }
            func = caller.func;
        }
        running.reverse();
        running
    }

    /// `bind_imports`: copies the exports of an import, which has run, into the module's globals.
    #[cold]
    pub(crate) fn bind_imports(&mut self, a: usize, import: usize) -> Next {
        let number = match self.import_target(import) {
            Ok(ImportTarget::Module(number)) => number,
            // Code that imports a part reads its globals itself.
            Ok(ImportTarget::Part(_)) => {
                self.set_slot(a, Value::NIL);
                return Next::Continue;
            }
            Err(condition) => return self.raise(Payload::Condition(condition)),
        };
        // SAFETY: functions and their modules live as long as the VM.
        let importer = unsafe { &*(*self.task.registers.func).module };
        let exporter = &self.modules[number];
        let Some(entry) = importer.import(import) else {
            return Next::Continue;
        };
        for name in entry.names.iter().flatten() {
            if exporter.export(name).is_none() {
                let message = format!("import: module does not export '{name}'");
                return self.raise(Payload::Condition(Condition::new(
                    ConditionKind::Eval,
                    message,
                )));
            }
        }
        let (exported, globals) = (exporter.globals(), importer.globals());
        for (name, global) in &entry.bindings {
            let value = exporter
                .export(name)
                .and_then(|index| exported.get(index))
                .map(std::cell::Cell::get);
            if let (Some(value), Some(slot)) = (value, globals.get(*global as usize))
                && value != Value::UNBOUND
            {
                slot.set(value);
            }
        }
        self.set_slot(a, Value::NIL);
        Next::Continue
    }
}
