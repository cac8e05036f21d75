//! A call from inside a running program that has to end before the program goes on: a macro
//! transformer while code is compiled at run time. It has tasks and a scheduler of its own.

use super::schedule::{Task, TaskTable};
use super::{Ending, Vm};
use crate::heap::Tracer;
use crate::task::{Scheduler, TaskId};
use crate::value::Value;

/// What was going on when the call was made.
pub(super) struct Interrupted {
    tasks: TaskTable,
    task: Box<Task>,
    scheduler: Scheduler,
    root_value: Value,
}

impl Interrupted {
    pub(super) fn trace(&mut self, tracer: &mut Tracer<'_>) {
        self.tasks.trace(tracer);
        self.task.trace(tracer);
        self.scheduler.trace(tracer);
        tracer.value(&mut self.root_value);
    }
}

/// How a nested call ended.
pub enum NestedEnding {
    /// With a value.
    Value(Value),
    /// By `exit`.
    Exit(u8),
    /// By a condition; its map, as `catch` would bind it.
    Raised(Value),
}

impl Vm {
    /// How many calls are nested in each other now.
    pub fn nesting(&self) -> usize {
        self.interrupted.len()
    }

    /// Calls a function while the program waits.
    pub fn call_nested(&mut self, function: Value, arguments: &[Value]) -> NestedEnding {
        let nested = self.host.scheduler.nested();
        let interrupted = Interrupted {
            tasks: self.tasks.without_tasks(),
            task: std::mem::replace(
                &mut self.task,
                Box::new(Task::new(TaskId(u64::MAX), Value::NIL)),
            ),
            scheduler: std::mem::replace(&mut self.host.scheduler, nested),
            root_value: self.root_value,
        };
        self.interrupted.push(interrupted);
        let ending = self.run_root(function, arguments);
        let raised = self.root_value;
        if let Some(interrupted) = self.interrupted.pop() {
            interrupted.scheduler.resume_after(&self.host.scheduler);
            self.tasks.restore(interrupted.tasks);
            self.task = interrupted.task;
            self.host.scheduler = interrupted.scheduler;
            self.root_value = interrupted.root_value;
        }
        match ending {
            Ending::Value(value) => NestedEnding::Value(value),
            Ending::Exit(status) => NestedEnding::Exit(status),
            Ending::Uncaught(_) => NestedEnding::Raised(raised),
        }
    }
}
