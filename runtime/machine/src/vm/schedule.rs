//! Which task runs: the scheduler loop.

#![allow(
    clippy::indexing_slicing,
    reason = "modules of the machine itself have two functions"
)]

use sema_format::isa::Instruction;

use super::LoadError;
use super::dispatch::Next;
use super::module::{Func, LoadedModule};
use super::report::Uncaught;
use super::task::Task;
use super::task_table::Entry;
use super::unwind::{Payload, Raised};
use super::waiting::PATIENCE_OUTSIDE;
use super::{Ending, Event, Vm};
use crate::host::condition::{Condition, ConditionKind};
use crate::memory::value::Value;
use crate::task::{
    Operation, Resume, TaskId, Wait, all_outcome, is_pending, new_promise, outcome, promise,
};

/// Finished tasks whose stacks are kept for new ones.
const SPARE_TASKS: usize = 64;

impl Vm {
    /// The function with which every task begins: applies its first register to the list in the
    /// second.
    pub(super) fn boot(&mut self) -> Result<*const Func, LoadError> {
        if let Some(boot) = self.tasks.boot_function() {
            return Ok(boot);
        }
        let code = [
            Instruction::Apply { a: 0, b: 1 },
            Instruction::Return { a: 0 },
        ]
        .map(|i| i.encode().0)
        .to_vec();
        // Function 0 would count as a module's main function.
        let main = sema_format::model::Function {
            registers: 1,
            code: code.clone(),
            ..Default::default()
        };
        let boot = sema_format::model::Function {
            registers: 4,
            code,
            library: true,
            ..Default::default()
        };
        let image = sema_format::Module {
            functions: vec![main, boot],
            ..Default::default()
        };
        let module = self.tasks.boot.insert(LoadedModule::load(
            &self.host,
            String::new(),
            image.into(),
            None,
        )?);
        Ok(&raw const module.functions[1])
    }

    /// Puts a task on the machine; false if there is none with this number.
    fn switch_to(&mut self, id: TaskId) -> bool {
        let task = match self.tasks.take(id) {
            Entry::Vacant => return false,
            Entry::Parked(task) => {
                self.tasks.parked_bytes -= task.parked_bytes;
                task
            }
            Entry::New {
                promise,
                function,
                arguments,
                context,
            } => {
                // There is one: `run_root` begins with it.
                let Some(boot) = self.tasks.boot_function() else {
                    return false;
                };
                let mut task = match self.tasks.spare.pop() {
                    Some(mut spare) if id != TaskId::ROOT => {
                        spare.id = id;
                        spare.promise = promise;
                        spare
                    }
                    _ => Box::new(Task::new(id, promise)),
                };
                task.context = context;
                // SAFETY: the boot module lives as long as the VM.
                task.begin(unsafe { &*boot }, function, arguments);
                task
            }
        };
        self.host.context.set(task.context);
        self.host.scheduler.current.set(id.0);
        self.idle = Some(std::mem::replace(&mut self.task, task));
        true
    }

    /// Takes the running task off the machine.
    fn switch_off(&mut self) -> Box<Task> {
        let idle = self.idle.take().unwrap_or_else(no_task);
        std::mem::replace(&mut self.task, idle)
    }

    /// Takes the running task off the machine; it goes on when it is ready.
    fn park(&mut self) {
        let mut task = self.switch_off();
        task.context = self.host.context.replace(Value::NIL);
        self.tasks.put_parked(task);
    }

    /// Runs a call as the root task, then the other tasks as long as any is ready (language
    /// specification, 15.6).
    pub(crate) fn run_root(&mut self, function: Value, arguments: &[Value]) -> Ending {
        if let Err(error) = self.boot() {
            return Ending::Uncaught(Box::new(Uncaught::load(&error)));
        }
        let root = self.host.scheduler.reset();
        self.tasks.clear();
        self.tasks.put_new(
            &self.host.heap,
            root,
            Entry::New {
                promise: Value::NIL,
                function,
                arguments: self.host.heap.list(arguments),
                context: Value::NIL,
            },
        );
        self.host
            .scheduler
            .push_ready(root, Resume::Value(Value::NIL));
        let mut ending: Option<Ending> = None;
        loop {
            let event = match self.next_task() {
                Next::Continue => self.run_task(),
                Next::Stop(event) => event,
            };
            match event {
                Event::Exit(status) => {
                    self.host.scheduler.outside.cancel_all();
                    return Ending::Exit(status);
                }
                Event::Stopped(raised) => return self.stopped(*raised),
                Event::Idle => {
                    if self.wake_idle(ending.is_some()) {
                        continue;
                    }
                    if let Some(ending) = ending {
                        // Tasks that still wait are dropped, and what they wait for.
                        self.host.scheduler.outside.cancel_all();
                        return match ending {
                            Ending::Value(_) => Ending::Value(self.root_value),
                            ending => ending,
                        };
                    }
                    if let Some(raised) = self.out_of_time(false).or_else(|| self.attend_idle()) {
                        return self.stopped(*raised);
                    }
                    if self.host.scheduler.is_idle() {
                        self.wait();
                    }
                }
                Event::Suspended(operation) => self.suspend(operation),
                Event::Finished(value) if self.task.id == TaskId::ROOT => {
                    self.root_value = value;
                    self.end_task();
                    ending = Some(Ending::Value(value));
                }
                Event::Raised(raised) if self.task.id == TaskId::ROOT => {
                    ending = Some(Ending::Uncaught(Box::new(Uncaught::new(
                        &self.host,
                        &self.condition_maps,
                        *raised,
                    ))));
                    self.end_task();
                }
                Event::Finished(value) => self.settle_current(promise::RESOLVED, value),
                Event::Raised(raised) => {
                    let map = self.condition_maps.map(&self.host, &raised);
                    self.settle_current(promise::REJECTED, map);
                }
            }
        }
    }

    /// The program ends whatever its tasks do.
    #[cold]
    fn stopped(&mut self, raised: Raised) -> Ending {
        self.host.scheduler.outside.cancel_all();
        Ending::Uncaught(Box::new(Uncaught::new(
            &self.host,
            &self.condition_maps,
            raised,
        )))
    }

    /// Puts the next task that is ready on the machine, on which there is none; stops with
    /// [`Event::Idle`] if there is none.
    fn next_task(&mut self) -> Next {
        self.switches = self.switches.wrapping_add(1);
        if self.switches & self.patience == 0
            && let Some(raised) = self.look_around()
        {
            return Next::Stop(Event::Stopped(raised));
        }
        while let Some((id, resume)) = self.host.scheduler.pop_ready() {
            if self.switch_to(id) {
                return self.resume(resume);
            }
        }
        Next::Stop(Event::Idle)
    }

    /// The running task waits for an operation that it has asked for, and the next one goes on in its
    /// place, without leaving the dispatch loop. In a nested call no other task may run, so who made it
    /// decides.
    pub(super) fn stand_back(&mut self, operation: Operation) -> Next {
        if !self.interrupted.is_empty() {
            return Next::Stop(Event::Suspended(operation));
        }
        match operation {
            // It would stand in the queue alone, before the new task.
            Operation::Spawn(function) if self.host.scheduler.is_idle() => {
                match self.new_task(function) {
                    Ok((child, promise)) => {
                        self.host
                            .scheduler
                            .push_ready(child, Resume::Value(Value::NIL));
                        self.resume(Resume::Value(promise))
                    }
                    Err(condition) => self.resume(Resume::Raise(condition)),
                }
            }
            operation => {
                self.suspend(operation);
                self.next_task()
            }
        }
    }

    /// The running task waits for what a native has noted: parks it and puts the next one that is ready on the machine.
    #[inline(always)]
    pub(super) fn exchange(&mut self) -> Next {
        self.switches = self.switches.wrapping_add(1);
        if self.switches & self.patience == 0
            && let Some(raised) = self.look_around()
        {
            self.park();
            return Next::Stop(Event::Stopped(raised));
        }
        let Some((id, resume)) = self.host.scheduler.pop_ready() else {
            self.park();
            return Next::Stop(Event::Idle);
        };
        let Some(next) = self.tasks.take_parked(id) else {
            // A new task, or the running one itself.
            self.park();
            return if self.switch_to(id) {
                self.resume(resume)
            } else {
                self.next_task()
            };
        };
        self.host.scheduler.current.set(id.0);
        let context = self.host.context.replace(next.context);
        let mut task = std::mem::replace(&mut self.task, next);
        task.context = context;
        self.tasks.put_parked(task);
        self.resume(resume)
    }

    /// Runs the task on the machine, and those that take its place when it waits, until one ends or
    /// none is ready.
    pub(super) fn run_task(&mut self) -> Event {
        loop {
            match self.execute() {
                Event::Finished(_) if self.task.pass_mark() => {
                    if self.host.heap.wants_collection() {
                        self.collect(false);
                    }
                }
                event => return event,
            }
        }
    }

    /// Gives the running task what it waited for.
    pub(super) fn resume(&mut self, resume: Resume) -> Next {
        match resume {
            Resume::Value(value) => {
                self.task.write_result(value);
                Next::Continue
            }
            Resume::Throw(value) => self.raise(Payload::Awaited(value)),
            Resume::Raise(condition) => self.raise(Payload::Condition(*condition)),
        }
    }

    /// The running task is over.
    fn end_task(&mut self) {
        let finished = self.switch_off();
        self.host.context.set(Value::NIL);
        self.host.scheduler.forget(finished.id);
        if finished.id != TaskId::ROOT
            && self.tasks.spare.len() < SPARE_TASKS
            && finished.is_small()
        {
            self.tasks.spare.push(finished.emptied());
        }
    }

    fn settle_current(&mut self, state: i32, value: Value) {
        let promise = self.task.promise;
        self.host
            .scheduler
            .settle(&self.host, promise, state, value);
        self.end_task();
    }

    /// The running task cannot go on now: notes what it waits for and parks it.
    fn suspend(&mut self, operation: Operation) {
        let id = self.task.id;
        let host = &self.host;
        let scheduler = &host.scheduler;
        let heap = &host.heap;
        match operation {
            Operation::Collect => return self.collect_now(),
            Operation::Spawn(function) => return self.spawn(function),
            Operation::Await(awaited) => {
                if is_pending(heap, awaited) {
                    scheduler.block(heap, id, Wait::Promise(awaited), None);
                } else {
                    scheduler.push_ready(id, outcome(heap, awaited));
                }
            }
            Operation::All(promises) => match all_outcome(heap, &promises) {
                Ok(resume) => scheduler.push_ready(id, resume),
                Err(pending) => scheduler.block(heap, id, Wait::All(promises, pending), None),
            },
            Operation::Race(promises) => match promises.iter().find(|p| !is_pending(heap, **p)) {
                Some(settled) => scheduler.push_ready(id, outcome(heap, *settled)),
                None => scheduler.block(heap, id, Wait::Race(promises), None),
            },
            Operation::Any(promises, limit) => {
                if promises.iter().any(|p| !is_pending(heap, *p)) {
                    scheduler.push_ready(id, Resume::Value(Value::NIL));
                } else {
                    scheduler.block(heap, id, Wait::Any(promises), limit);
                }
            }
            Operation::Timeout(awaited, limit) => {
                if is_pending(heap, awaited) {
                    scheduler.block(heap, id, Wait::Timeout(awaited, limit), Some(limit));
                } else {
                    scheduler.push_ready(id, outcome(heap, awaited));
                }
            }
            Operation::Sleep(milliseconds) => {
                scheduler.block(heap, id, Wait::Sleep, Some(milliseconds))
            }
            // Its waiting has been noted.
            Operation::Blocked => {}
            Operation::External(started) => {
                if heap.wants_full_collection() {
                    // Perhaps it waits for what is garbage: descriptors. No other operation may be held in Rust meanwhile,
                    // because what it refers to moves.
                    self.collect(true);
                }
                let scheduler = &self.host.scheduler;
                self.patience = PATIENCE_OUTSIDE;
                scheduler.block_outside(id, started);
            }
            Operation::GiveWay(resume) => scheduler.push_ready(id, resume),
            Operation::RunOthers => scheduler.block(heap, id, Wait::RunOthers, None),
        }
        self.park();
    }

    /// Starts a task that calls this function; the running one is told its promise, or at once why it may start none.
    fn spawn(&mut self, function: Value) {
        let id = self.task.id;
        match self.new_task(function) {
            Ok((child, promise)) => {
                let scheduler = &self.host.scheduler;
                // The spawner stands in the queue before the new task (15.2, rule 2).
                scheduler.push_ready(id, Resume::Value(promise));
                scheduler.push_ready(child, Resume::Value(Value::NIL));
            }
            Err(condition) => self
                .host
                .scheduler
                .push_ready_first(id, Resume::Raise(condition)),
        }
        self.park();
    }

    /// A task that calls this function, and its promise. It is not ready yet.
    fn new_task(&mut self, function: Value) -> Result<(TaskId, Value), Box<Condition>> {
        if !self.has_room_for_task() {
            let condition = Condition::new(
                ConditionKind::Eval,
                format!(
                    "too many tasks: their stacks exceed {} MB",
                    self.stack_limit.bytes() >> 20
                ),
            )
            .hint("await tasks before more are started, or raise the limit (SEMAC_STACK_MB)");
            return Err(Box::new(condition));
        }
        let function = self.memory_for_task(function).map_err(Box::new)?;
        let host = &self.host;
        let scheduler = &host.scheduler;
        let Some(child) = scheduler.add() else {
            return Err(Box::new(Condition::new(
                ConditionKind::Eval,
                "too many tasks",
            )));
        };
        let promise = new_promise(host, promise::PENDING, Value::NIL, Some(child));
        scheduler.adopt(host, self.task.promise, promise);
        let entry = Entry::New {
            promise,
            function,
            arguments: Value::EMPTY,
            context: host.context.get(),
        };
        self.tasks.put_new(&host.heap, child, entry);
        Ok((child, promise))
    }

    /// Whether the stacks of one more task have room.
    fn has_room_for_task(&mut self) -> bool {
        loop {
            if self.stack_bytes() + Task::LEAST_BYTES <= self.stack_limit.bytes() {
                return true;
            }
            if !self.stack_limit.settle() {
                return false;
            }
        }
    }

    /// `gc/collect`: a full collection; the task goes on before all others with figures about it.
    fn collect_now(&mut self) {
        let map = self.collected();
        self.host
            .scheduler
            .push_ready_first(self.task.id, Resume::Value(map));
        self.park();
    }

    /// A full collection; figures about it.
    pub(super) fn collected(&mut self) -> Value {
        let before = self.host.heap.stats();
        self.collect(true);
        let after = self.host.heap.stats();
        let host = &self.host;
        let freed = (before.old_bytes + before.young_bytes).saturating_sub(after.old_bytes);
        let entry = |name: &str, number: usize| (host.keyword(name), Value::index(number));
        let report = crate::data::collections::sorted_map::from_entries(
            host,
            &[
                entry("collected", after.collected_objects as usize),
                entry("freed-bytes", freed),
                entry("live-bytes", after.old_bytes),
            ],
        );
        host.heap.leave_out(report);
        report
    }
}

/// What stands on the machine while no task runs.
fn no_task() -> Box<Task> {
    Box::new(Task::new(TaskId(u64::MAX), Value::NIL))
}
