//! Modules at run time: running their main function once, binding their exports.

use super::Vm;
use super::dispatch::Next;
use super::module::ModuleState;
use super::stack::FrameKind;
use super::unwind::Payload;
use crate::collections::sorted_map;
use crate::error::{Condition, ConditionKind, ModuleRequest};
use crate::value::{Kind, Value};

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

    /// What a native asks to be done with a module that the program did not know when it was built.
    /// The result goes to slot `a`, behind which there must be nothing.
    #[cold]
    pub(crate) fn module_request(&mut self, a: usize, request: ModuleRequest) -> Next {
        // SAFETY: functions and their modules live as long as the VM.
        let importer = unsafe { &*(*self.task.registers.func).module };
        let (ModuleRequest::Run { path } | ModuleRequest::Exports { path, .. }) = &request;
        let number = match self.found_module(path, path, &importer.key) {
            Ok(number) => number,
            Err(condition) => return self.raise(Payload::Condition(condition)),
        };
        let ModuleRequest::Exports { names, .. } = request else {
            return self.start_module(a, number);
        };
        let exporter = &self.modules[number];
        let value = |name: &str| {
            let global = exporter.globals.get(exporter.export(name)?)?;
            Some(global.get()).filter(|value| *value != Value::UNBOUND)
        };
        let mut entries = Vec::with_capacity(names.len());
        for name in &names {
            if exporter.export(name).is_none() {
                let message = format!("import: module does not export '{name}'");
                let condition = Condition::new(ConditionKind::Eval, message);
                return self.raise(Payload::Condition(condition));
            }
            if let Some(value) = value(name) {
                entries.push((self.host.symbol(name), value));
            }
        }
        if names.is_empty() {
            for (index, global) in importer.globals.iter().enumerate() {
                if let Some(value) = importer.global_name(index).and_then(value) {
                    global.set(value);
                }
            }
        }
        let found = sorted_map::from_entries(&self.host, &entries);
        self.set_slot(a, found);
        Next::Continue
    }

    /// The modules whose main functions are running, from `number` to itself.
    fn cycle(&self, number: usize) -> String {
        let mut names = vec![self.modules[number].name.as_str()];
        let mut running: Vec<&str> = Vec::new();
        let mut frame = self.task.registers.frame;
        let mut func = self.task.registers.func;
        loop {
            // SAFETY: functions live as long as the VM; frames are walked down to the bottom one.
            let (function, caller) = unsafe {
                frame = frame.sub(1);
                (&*func, *frame)
            };
            if function.index == 0 {
                running.push(&function.module().name);
                if std::ptr::eq(function.module(), &raw const *self.modules[number]) {
                    break;
                }
            }
            if self.task.is_bottom(frame) {
                break;
            }
            func = caller.func;
        }
        running.reverse();
        if running.first() == names.first() {
            names.extend(running.iter().skip(1));
        } else {
            names.extend(running);
        }
        names.push(&self.modules[number].name);
        names.join(" -> ")
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
        for (name, global) in &entry.bindings {
            let value = exporter
                .export(name)
                .and_then(|index| exporter.globals.get(index))
                .map(std::cell::Cell::get);
            if let (Some(value), Some(slot)) = (value, importer.globals.get(*global as usize))
                && value != Value::UNBOUND
            {
                slot.set(value);
            }
        }
        self.set_slot(a, Value::NIL);
        Next::Continue
    }
}
