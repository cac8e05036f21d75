//! Which task runs: the scheduler loop.

use std::time::Instant;

use sema_format::isa::Instruction;

use super::LoadError;
use super::dispatch::{Next, Registers};
use super::module::{Func, LoadedModule};
use super::report::Uncaught;
use super::stack::{Frame, FrameKind, FrameStack, ValueStack};
use super::unwind::{Payload, condition_map};
use super::{Ending, Event, Vm};
use crate::error::{Condition, ConditionKind};
use crate::hash::NameMap;
use crate::heap::Tracer;
use crate::task::{Operation, Resume, TaskId, Wait, all_outcome, new_promise, outcome, promise};
use crate::value::{Kind, Value};

/// Slots and frames that a task's stacks begin with; the root's are larger.
const TASK_SLOTS: usize = 64;
const TASK_FRAMES: usize = 8;
const ROOT_SLOTS: usize = 512;
const ROOT_FRAMES: usize = 64;

/// One task: its stacks and what is needed to go on.
pub(crate) struct Task {
    pub id: TaskId,
    pub promise: Value,
    values: ValueStack,
    frames: FrameStack,
    pub registers: Registers,
    pub value_limit: *mut Value,
    pub frame_limit: *mut Frame,
    /// Slot (from the start of the stack) that gets the result of what the task waits for.
    pub resume_slot: usize,
    /// The task's `context/*` state, while it is not running.
    context: Value,
}

impl Task {
    pub(crate) fn new(id: TaskId, promise: Value) -> Task {
        let (slots, frames) = if id == TaskId::ROOT {
            (ROOT_SLOTS, ROOT_FRAMES)
        } else {
            (TASK_SLOTS, TASK_FRAMES)
        };
        let values = ValueStack::new(slots);
        let frames = FrameStack::new(frames);
        Task {
            id,
            promise,
            registers: Registers {
                pc: std::ptr::null(),
                base: values.start(),
                func: std::ptr::null(),
                frame: frames.start(),
            },
            value_limit: values.limit(),
            frame_limit: frames.limit(),
            values,
            frames,
            resume_slot: 0,
            context: Value::NIL,
        }
    }

    /// Makes the task begin with a call of `function` with the elements of the list `arguments`.
    fn begin(&mut self, boot: &Func, function: Value, arguments: Value) {
        let base = self.values.start();
        // SAFETY: fresh stacks have room for the boot function's window and one frame.
        unsafe {
            *base = Value::NIL;
            *base.add(1) = function;
            *base.add(2) = arguments;
            *self.frames.start() = Frame {
                pc: std::ptr::null(),
                func: std::ptr::null(),
                delta: 0,
                kind: FrameKind::Bottom,
            };
            self.registers = Registers {
                pc: boot.code,
                base: base.add(1),
                func: boot,
                frame: self.frames.start().add(1),
            };
        }
    }

    /// Puts the result of what the task waited for where its code expects it.
    fn write_result(&mut self, value: Value) {
        // SAFETY: the slot lies in the window of the function that suspended.
        unsafe { *self.values.start().add(self.resume_slot) = value };
    }

    /// Whether its stacks are worth keeping for another task.
    fn is_small(&self) -> bool {
        self.values.capacity() <= 16 * TASK_SLOTS
    }

    /// Without references to anything.
    fn emptied(mut self: Box<Self>) -> Box<Self> {
        self.promise = Value::NIL;
        self.registers.func = std::ptr::null();
        self.values.used(0);
        self
    }

    /// Distance of a register of the running window from the start of the stack.
    pub(crate) fn offset_of(&self, register: usize) -> usize {
        (self.registers.base as usize - self.values.start() as usize) / size_of::<Value>()
            + register
    }

    /// Makes `count` slots from the running window's base usable; false above the limit.
    pub(crate) fn reserve(&mut self, count: usize, most: usize) -> bool {
        let offset = self.offset_of(0);
        if !self.values.reserve(offset + count, most) {
            return false;
        }
        // SAFETY: the window keeps its offset in the (perhaps moved) memory.
        self.registers.base = unsafe { self.values.start().add(offset) };
        self.value_limit = self.values.limit();
        true
    }

    pub(crate) fn grow_frames(&mut self) {
        let used =
            (self.registers.frame as usize - self.frames.start() as usize) / size_of::<Frame>();
        self.frames.grow();
        // SAFETY: the frame pointer keeps its offset in the (perhaps moved) memory.
        self.registers.frame = unsafe { self.frames.start().add(used) };
        self.frame_limit = self.frames.limit();
    }

    pub(crate) fn trace(&mut self, tracer: &mut Tracer<'_>) {
        tracer.value(&mut self.promise);
        tracer.value(&mut self.context);
        if self.registers.func.is_null() {
            return;
        }
        // SAFETY: functions live as long as the VM.
        let registers = unsafe { (*self.registers.func).registers } as usize;
        let end = self.offset_of(registers);
        for value in self.values.used(end) {
            if value.bits() != 0 {
                tracer.value(value);
            }
        }
        self.value_limit = self.values.limit();
    }
}

/// Finished tasks whose stacks are kept for new ones.
const SPARE_TASKS: usize = 64;

/// The tasks that are not running.
#[derive(Default)]
pub(crate) struct TaskTable {
    tasks: NameMap<TaskId, Box<Task>>,
    spare: Vec<Box<Task>>,
    next: u64,
    boot: Option<Box<LoadedModule>>,
}

impl TaskTable {
    /// Takes the tasks out, to be put back with [`TaskTable::restore`].
    pub(crate) fn without_tasks(&mut self) -> TaskTable {
        TaskTable {
            tasks: std::mem::take(&mut self.tasks),
            spare: Vec::new(),
            next: self.next,
            boot: None,
        }
    }

    pub(crate) fn restore(&mut self, saved: TaskTable) {
        self.tasks = saved.tasks;
        self.next = saved.next;
    }

    pub(crate) fn trace(&mut self, tracer: &mut Tracer<'_>) {
        for task in self.tasks.values_mut() {
            task.trace(tracer);
        }
    }
}

impl Vm {
    /// The function with which every task begins: applies its first register to the list in the
    /// second.
    fn boot(&mut self) -> Result<*const Func, LoadError> {
        if let Some(module) = &self.tasks.boot {
            return Ok(&raw const module.functions[1]);
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

    /// Makes a task that calls `function` with the elements of the list `arguments`, ready to run.
    fn add_task(
        &mut self,
        id: TaskId,
        promise: Value,
        function: Value,
        arguments: Value,
    ) -> Result<(), LoadError> {
        let boot = self.boot()?;
        let mut task = match self.tasks.spare.pop() {
            Some(mut spare) if id != TaskId::ROOT => {
                spare.id = id;
                spare.promise = promise;
                spare
            }
            _ => Box::new(Task::new(id, promise)),
        };
        task.resume_slot = 0;
        task.context = Value::NIL;
        // SAFETY: the boot module lives as long as the VM.
        task.begin(unsafe { &*boot }, function, arguments);
        self.tasks.tasks.insert(id, task);
        Ok(())
    }

    /// Runs a call as the root task, then the other tasks as long as any is ready (language
    /// specification, 15.6).
    pub(crate) fn run_root(&mut self, function: Value, arguments: &[Value]) -> Ending {
        self.host.scheduler.reset();
        self.tasks.tasks.clear();
        self.tasks.next = 1;
        let list = self.host.heap.list(arguments);
        if let Err(error) = self.add_task(TaskId::ROOT, Value::NIL, function, list) {
            return Ending::Uncaught(Box::new(Uncaught::load(&error)));
        }
        self.host
            .scheduler
            .push_ready(TaskId::ROOT, Resume::Value(Value::NIL));
        let mut ending: Option<Ending> = None;
        loop {
            self.host.scheduler.wake_expired();
            let Some((id, resume)) = self.host.scheduler.pop_ready() else {
                match ending {
                    Some(Ending::Value(_)) => return Ending::Value(self.root_value),
                    Some(ending) => return ending,
                    None => {
                        self.wait();
                        continue;
                    }
                }
            };
            let Some(task) = self.tasks.tasks.remove(&id) else {
                continue;
            };
            self.task = task;
            self.host.scheduler.current.set(id.0);
            let event = match self.resume(resume) {
                Next::Continue => self.execute(),
                Next::Stop(event) => event,
            };
            match event {
                Event::Exit(status) => return Ending::Exit(status),
                Event::Suspended(operation) => self.suspend(operation),
                Event::Finished(value) if id == TaskId::ROOT => {
                    self.root_value = value;
                    self.end_task();
                    ending = Some(Ending::Value(value));
                }
                Event::Failed(raised) if id == TaskId::ROOT => {
                    self.root_value = condition_map(&self.host, &raised);
                    ending = Some(Ending::Uncaught(Box::new(Uncaught::new(
                        &self.host, &raised,
                    ))));
                    self.end_task();
                }
                Event::Finished(value) => self.settle_current(promise::RESOLVED, value),
                Event::Failed(raised) => {
                    let map = condition_map(&self.host, &raised);
                    self.settle_current(promise::REJECTED, map);
                }
            }
        }
    }

    /// Nothing is ready while the root waits: waits for a timer, or ends a deadlock.
    fn wait(&mut self) {
        let scheduler = &self.host.scheduler;
        if let Some(deadline) = scheduler.next_deadline() {
            self.host.output.flush();
            std::thread::sleep(deadline.saturating_duration_since(Instant::now()));
            scheduler.wake_expired();
        } else if !scheduler.wake_runner() && !scheduler.break_deadlock(TaskId::ROOT) {
            // The root is neither ready nor blocked: only a defect of the scheduler gets here, and
            // going on with a condition is better than waiting for ever.
            scheduler.push_ready(
                TaskId::ROOT,
                Resume::Raise(Condition::new(
                    ConditionKind::Internal,
                    "the root task was lost",
                )),
            );
        }
    }

    /// Gives the running task what it waited for.
    fn resume(&mut self, resume: Resume) -> Next {
        match resume {
            Resume::Value(value) => {
                self.task.write_result(value);
                Next::Continue
            }
            Resume::Throw(value) => self.raise(Payload::Thrown(value)),
            Resume::Raise(condition) => self.raise(Payload::Condition(condition)),
        }
    }

    /// The running task is over.
    fn end_task(&mut self) {
        let id = self.task.id;
        self.host.scheduler.forget(id);
        let finished = std::mem::replace(
            &mut self.task,
            self.idle
                .take()
                .unwrap_or_else(|| Box::new(Task::new(TaskId(u64::MAX), Value::NIL))),
        );
        if id != TaskId::ROOT && self.tasks.spare.len() < SPARE_TASKS && finished.is_small() {
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
        if matches!(operation, Operation::Collect) {
            self.collect_now();
            return;
        }
        let host = &self.host;
        let scheduler = &host.scheduler;
        let heap = &host.heap;
        let mut spawned = None;
        match operation {
            Operation::Spawn(function) => {
                let child = TaskId(self.tasks.next);
                self.tasks.next += 1;
                let promise = new_promise(host, promise::PENDING, Value::NIL, Some(child));
                scheduler.adopt(heap, id, promise);
                // The spawner stands in the queue before the new task (15.2, rule 2).
                scheduler.push_ready(id, Resume::Value(promise));
                scheduler.push_ready(child, Resume::Value(Value::NIL));
                spawned = Some((child, promise, function));
            }
            Operation::Await(awaited) => {
                if is_pending(heap, awaited) {
                    scheduler.block(heap, id, Wait::Promise(awaited), None);
                } else {
                    scheduler.push_ready(id, outcome(heap, awaited));
                }
            }
            Operation::All(promises) => match all_outcome(heap, &promises) {
                Some(resume) => scheduler.push_ready(id, resume),
                None => scheduler.block(heap, id, Wait::All(promises), None),
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
            Operation::Sleep(milliseconds) if milliseconds <= 0.0 => {
                scheduler.push_ready(id, Resume::Value(Value::NIL))
            }
            Operation::Sleep(milliseconds) => {
                scheduler.block(heap, id, Wait::Sleep, Some(milliseconds))
            }
            Operation::Receive(channel) => scheduler.block(heap, id, Wait::Receive(channel), None),
            Operation::Send(channel, value) => {
                scheduler.block(heap, id, Wait::Send(channel, value), None)
            }
            Operation::Collect => {}
            Operation::RunOthers => scheduler.block(heap, id, Wait::RunOthers, None),
        }
        let idle = self
            .idle
            .take()
            .unwrap_or_else(|| Box::new(Task::new(TaskId(u64::MAX), Value::NIL)));
        let parked = std::mem::replace(&mut self.task, idle);
        self.tasks.tasks.insert(id, parked);
        if let Some((child, promise, function)) = spawned
            && self
                .add_task(child, promise, function, Value::EMPTY)
                .is_err()
        {
            self.host
                .scheduler
                .settle(&self.host, promise, promise::CANCELLED, Value::NIL);
        }
    }
}

impl Vm {
    /// Takes the running task off the machine; it goes on when it is ready.
    fn park(&mut self) {
        let idle = self
            .idle
            .take()
            .unwrap_or_else(|| Box::new(Task::new(TaskId(u64::MAX), Value::NIL)));
        let parked = std::mem::replace(&mut self.task, idle);
        self.tasks.tasks.insert(parked.id, parked);
    }

    /// `gc/collect`: a full collection; the task goes on before all others with figures about it.
    fn collect_now(&mut self) {
        let before = self.host.heap.stats();
        self.collect(true);
        let after = self.host.heap.stats();
        let host = &self.host;
        let freed = (before.old_bytes + before.young_bytes).saturating_sub(after.old_bytes);
        let entry = |name: &str, number: usize| (host.keyword(name), Value::index(number));
        let map = crate::collections::sorted_map::from_entries(
            host,
            &[
                entry("collected", 0),
                entry("freed-bytes", freed),
                entry("live-bytes", after.old_bytes),
            ],
        );
        host.scheduler
            .push_ready_first(self.task.id, Resume::Value(map));
        self.park();
    }
}

fn is_pending(heap: &crate::heap::Heap, awaited: Value) -> bool {
    awaited.kind() == Kind::AsyncPromise
        && heap.field(awaited, promise::STATE) == Value::small(promise::PENDING)
}
