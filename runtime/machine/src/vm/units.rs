//! Code that is compiled while the program runs, of which there may be any amount.
//!
//! A unit is a module that nobody finds by name. What can reach it are closures and frames: so when a marking of the
//! old generation has ended, a unit is in use if marking has found a closure of it, if a frame of a task runs it, or if
//! it was loaded meanwhile. All others are freed, with what they alone have kept. No closure is new then, because the
//! nursery is empty.
//!
//! Numbers of units are not given twice, so a number that somebody still has means nothing else.

use super::Vm;
use super::module::{Func, LoadedModule, ModuleState, OwnedModule};
use super::task::Task;
use crate::memory::heap::Tracer;
use crate::memory::value::Value;

/// The number of the first unit; those of other modules are below.
const FIRST: usize = 1 << 28;

/// Bytes of units after which it is looked whether they are in use, at least.
const MUCH: usize = 4 << 20;

/// The units, in the order of their numbers.
#[derive(Default)]
pub(super) struct Units {
    loaded: Vec<OwnedModule>,
    /// How many have been loaded so far.
    count: usize,
    /// How many markings had ended when units were freed last.
    markings: u64,
    /// Bytes of those that were left then, and of those that have been loaded since units were last asked to be freed.
    bytes_left: usize,
    bytes_since: usize,
}

/// Marking has found a closure of this function.
fn closure_found(function: Value) {
    // SAFETY: field 0 of a closure is written only by the VM, from `Func::encode`; a unit with a closure that marking
    // finds has not been freed.
    unsafe { found(Func::decode(function)) }
}

/// A function is in use.
///
/// # Safety
/// It is null, or one of a loaded module.
unsafe fn found(function: *const Func) {
    // SAFETY: by the caller.
    if let Some(function) = unsafe { function.as_ref() } {
        function.module().in_use.set(true);
    }
}

impl Units {
    pub(super) fn is_empty(&self) -> bool {
        self.loaded.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &LoadedModule> {
        self.loaded.iter().map(|unit| &**unit)
    }

    fn get(&self, number: usize) -> Option<&LoadedModule> {
        let place = self
            .loaded
            .binary_search_by_key(&number, |unit| unit.number.get());
        self.loaded.get(place.ok()?).map(|unit| &**unit)
    }

    /// Shows the constants to a tracer that looks at all values. They lie in the old generation, do not change, and
    /// are marked if they are made while marking goes on: so a minor collection need not see them.
    pub(super) fn trace(&self, tracer: &mut Tracer<'_>) {
        if tracer.only_young() {
            return;
        }
        for unit in &self.loaded {
            for constant in unit.constants() {
                let mut constant = *constant;
                tracer.value(&mut constant);
            }
            if tracer.begins_marking() {
                unit.in_use.set(false);
            }
        }
    }

    /// Frees the units that are not in use; gives what they have kept. Whether there were any.
    fn free(&mut self, kept: &mut Vec<u32>) -> bool {
        let before = self.loaded.len();
        self.loaded.retain(|unit| {
            let stays = unit.in_use.get() || unit.state.get() == ModuleState::Running;
            if !stays {
                kept.extend_from_slice(&unit.kept);
            }
            stays
        });
        if self.loaded.len() < self.loaded.capacity() / 4 {
            self.loaded.shrink_to(2 * self.loaded.len());
        }
        self.bytes_left = self.loaded.iter().map(|unit| unit.bytes()).sum();
        self.bytes_since = 0;
        self.loaded.len() < before
    }
}

impl Vm {
    /// Adds a unit, which has a closure soon; gives its number.
    pub(super) fn add_unit(&mut self, unit: OwnedModule) -> usize {
        if self.units.count == 0 {
            self.host.heap.watch_closures(closure_found);
        }
        if self.units.is_empty() {
            // Nobody has counted while there was none. What is marked now counts when that marking has ended.
            self.units.markings = self.host.heap.stats().major_collections;
        }
        let number = FIRST + self.units.count;
        self.units.count += 1;
        self.units.bytes_since += unit.bytes();
        if self.units.bytes_since > self.units.bytes_left.max(MUCH) {
            self.host.heap.request_full_collection();
            self.units.bytes_since = 0;
        }
        unit.number.set(number);
        self.units.loaded.push(unit);
        number
    }

    /// The loaded module or unit with this number.
    pub(crate) fn module(&self, number: usize) -> Option<&LoadedModule> {
        match self.modules.get(number) {
            Some(module) => Some(module),
            None => self.units.get(number),
        }
    }

    /// Whether there is a module, or a unit that has not been freed, with this number.
    pub fn is_loaded(&self, number: usize) -> bool {
        self.module(number).is_some()
    }

    /// Units of run time that have been loaded and not been freed.
    pub fn unit_count(&self) -> usize {
        self.units.loaded.len()
    }

    /// A collection has ended: if it has marked everything, the units that are not in use are freed.
    #[cold]
    #[inline(never)]
    pub(super) fn free_units(&mut self) {
        let markings = self.host.heap.stats().major_collections;
        if std::mem::replace(&mut self.units.markings, markings) == markings {
            return;
        }
        let interrupted = self.interrupted.iter_mut();
        let running = std::iter::once(&mut *self.task);
        for task in running.chain(interrupted.map(super::nested::Interrupted::task)) {
            mark_frames(task);
        }
        self.tasks.parked().for_each(mark_frames);
        let mut kept = Vec::new();
        if self.units.free(&mut kept) {
            // They are found by the addresses of functions.
            self.condition_maps.forget_places();
            self.spare_trace.clear();
        }
        for number in kept {
            self.host.release(number);
        }
    }
}

/// The functions that a task runs are in use.
fn mark_frames(task: &Task) {
    // SAFETY: functions on the stack of a task are those of loaded modules, because of this.
    task.functions(&mut |function| unsafe { found(function) });
}

#[cfg(test)]
mod tests {
    use sema_format::Module;
    use sema_format::isa::Instruction;
    use sema_format::model::{Constant, Function};

    use super::super::{FoundModule, LoadError, ModuleSource};
    use super::*;
    use crate::host::Host;
    use crate::host::natives::Natives;
    use crate::host::output::Output;

    struct NoModules;

    impl ModuleSource for NoModules {
        fn module(&self, _: &str, _: &str) -> Result<Option<FoundModule>, LoadError> {
            Ok(None)
        }
    }

    fn host() -> Host {
        Host::new(Output::memory(), &Natives::NONE)
    }

    fn module() -> Module {
        let code = vec![Instruction::Return { a: 0 }.encode().0];
        let function = || Function {
            registers: 1,
            code: code.clone(),
            ..Function::default()
        };
        Module {
            name: "unit".to_owned(),
            constants: vec![Constant::Str("text".to_owned()), Constant::List(vec![0, 0])],
            functions: vec![function(), function()],
            ..Module::default()
        }
    }

    #[test]
    fn functions_find_their_module_wherever_its_owner_is_moved() {
        let host = host();
        let mut modules = Vec::new();
        for number in 0..20 {
            let key = format!("module {number}");
            modules.push(LoadedModule::load(&host, key, module().into(), None).unwrap());
            let last = modules.last_mut().unwrap();
            last.being_made().kept = vec![number];
        }
        let functions: Vec<*const Func> = modules
            .iter()
            .map(|module| &raw const module.functions[0])
            .collect();
        for (number, function) in functions.iter().enumerate() {
            let module = modules.remove(0);
            // SAFETY: the module is owned here; it has two functions and two constants.
            unsafe {
                let function = &**function;
                assert!(std::ptr::eq(function.module, &raw const *module));
                assert_eq!(function.module().functions.len(), 2);
                let second = &*function.functions.add(1);
                assert_eq!(
                    (second.index, (*second.code) & 0xFF),
                    (1, *function.code & 0xFF)
                );
                assert_eq!(host.heap.as_str(*second.constants), Some("text"));
                function.module().in_use.set(number % 2 == 0);
            }
            modules.push(module);
        }
    }

    #[test]
    fn markings_that_ended_before_a_unit_was_loaded_do_not_free_it() {
        let mut vm = Vm::new(host(), Box::new(NoModules));
        let namespace = vm.add_namespace();
        for _ in 0..3 {
            vm.collect(true);
        }
        let unit = vm.load_in(namespace, "unit", module(), Vec::new()).unwrap();
        // As at the beginning of a marking, which goes on after the collection.
        for unit in vm.units.iter() {
            unit.in_use.set(false);
        }
        vm.free_units();
        assert!(vm.is_loaded(unit));
        vm.collect(true);
        assert!(!vm.is_loaded(unit));
    }

    #[test]
    fn units_live_as_long_as_something_refers_to_them() {
        let mut vm = Vm::new(host(), Box::new(NoModules));
        let namespace = vm.add_namespace();
        let load = |vm: &mut Vm| {
            let value = vm.host.heap.string("kept by the unit");
            let number = vm.keep(value);
            let unit = vm
                .load_in(namespace, "unit", module(), vec![number])
                .unwrap();
            (unit, number)
        };
        let (held, held_value) = load(&mut vm);
        let (running, _) = load(&mut vm);
        let (lost, lost_value) = load(&mut vm);
        let closure = vm.main_of(held);
        let holder = vm.host.heap.vector(&[closure]);
        let holder = vm.keep(holder);
        vm.module(running).unwrap().state.set(ModuleState::Running);
        vm.collect(true);
        let loaded = [held, running, lost].map(|unit| vm.is_loaded(unit));
        assert_eq!((loaded, vm.unit_count()), ([true, true, false], 2));
        assert_eq!(vm.kept(lost_value), Value::NIL);
        assert_eq!(
            vm.host.heap.as_str(vm.kept(held_value)),
            Some("kept by the unit")
        );
        let constants = vm.module(held).unwrap().constants().to_vec();
        let parts: Vec<Value> = vm.host.heap.list_iter(constants[1]).collect();
        assert_eq!(vm.host.heap.as_str(parts[1]), Some("text"));

        vm.release(holder);
        vm.module(running).unwrap().state.set(ModuleState::Done);
        vm.collect(true);
        assert_eq!(vm.unit_count(), 0);
        assert!(load(&mut vm).0 > lost, "numbers are not given twice");
    }
}
