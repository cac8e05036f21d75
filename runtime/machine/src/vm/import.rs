//! Modules at run time: running their main function once, binding their exports.

use super::Vm;
use super::dispatch::Next;
use super::module::ModuleState;
use super::stack::FrameKind;
use super::unwind::Payload;
use crate::host::condition::{Condition, ConditionKind};
use crate::memory::value::{Kind, Value};

impl Vm {
    /// `run_module`: runs the module of an import unless it has run. The window is behind slot `a`.
    #[cold]
    pub(crate) fn run_module(&mut self, a: usize, import: usize) -> Next {
        match self.import_target(import) {
            Ok(number) => self.start_module(a, number),
            Err(condition) => self.raise(Payload::Condition(condition)),
        }
    }

    /// Runs a module unless it has run. The window is behind slot `a`, which gets nil.
    fn start_module(&mut self, a: usize, number: usize) -> Next {
        let module = &self.modules[number];
        match module.state.get() {
            ModuleState::Done => {
                self.set_slot(a, Value::NIL);
                Next::Continue
            }
            ModuleState::Running => {
                let path = self.cycle(number);
                let condition = Condition::new(
                    ConditionKind::Eval,
                    format!("cyclic import detected: {path}"),
                );
                self.raise(Payload::Condition(condition))
            }
            ModuleState::New => {
                let Some(main) = module.functions.first() else {
                    self.set_slot(a, Value::NIL);
                    return Next::Continue;
                };
                module.state.set(ModuleState::Running);
                let func = std::ptr::from_ref(main);
                let closure = self.host.heap.object(Kind::Closure, 0, &[main.encode()]);
                self.set_slot(a, closure);
                self.push_frame(a, func, FrameKind::ModuleMain);
                self.reserve_window()
            }
        }
    }

    /// The module that an import of the running function's module refers to, loading it if needed.
    fn import_target(&mut self, import: usize) -> Result<usize, Condition> {
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
        if let Some(&number) = target.get() {
            return Ok(number);
        }
        let number = self.found_module(&entry.resolved, &entry.path, &importer.key)?;
        // Already set only if this import ran meanwhile, with the same result.
        let _ = target.set(number);
        Ok(number)
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

    /// The modules whose main functions are running, from `number` to itself.
    pub(super) fn cycle(&self, number: usize) -> String {
        let mut numbers = self.running_modules();
        let start = numbers.iter().position(|running| *running == number);
        let mut numbers = numbers.split_off(start.unwrap_or(numbers.len()));
        if start.is_none() {
            // Its frames are those of another task.
            numbers.push(number);
        }
        numbers.push(number);
        let names = numbers
            .iter()
            .filter_map(|number| self.modules.get(*number));
        let names: Vec<&str> = names.map(|module| module.name.as_str()).collect();
        names.join(" -> ")
    }

    /// Numbers of the modules whose main functions the running task is in, the outermost first.
    pub fn running_modules(&self) -> Vec<usize> {
        let mut running = Vec::new();
        let mut frame = self.task.registers.frame;
        let mut func = self.task.registers.func;
        loop {
            // SAFETY: functions live as long as the VM; frames are walked down to the bottom one.
            let (function, caller) = unsafe {
                frame = frame.sub(1);
                (&*func, *frame)
            };
            let number = function.module().number.get();
            if function.index == 0 && number < self.modules.len() {
                running.push(number);
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
            Ok(number) => number,
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
