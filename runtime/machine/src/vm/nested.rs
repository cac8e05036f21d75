//! A call from inside a running program that has to end before the program goes on: a macro
//! transformer while code is compiled at run time. It is a task that must not wait.

use super::dispatch::Next;
use super::task::Task;
use super::{Event, Vm};
use crate::host::condition::{Condition, ConditionKind};
use crate::memory::heap::Tracer;
use crate::memory::value::Value;
use crate::task::{Operation, Resume, TaskId};

/// What was going on when the call was made.
pub(super) struct Interrupted {
    task: Box<Task>,
    context: Value,
}

impl Interrupted {
    pub(super) fn trace(&mut self, tracer: &mut Tracer<'_>) {
        self.task.trace(tracer);
        tracer.value(&mut self.context);
    }

    /// The task that waits for the nested call to end.
    pub(super) fn task(&mut self) -> &mut Task {
        &mut self.task
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

    /// Calls a function while the program waits. No other task runs meanwhile, and the function gets
    /// a condition where it would have to wait for one.
    pub fn call_nested(&mut self, function: Value, arguments: &[Value]) -> NestedEnding {
        let boot = match self.boot() {
            Ok(boot) => boot,
            Err(error) => {
                let text = self.host.heap.string(&error.to_string());
                return NestedEnding::Raised(text);
            }
        };
        let mut task = Box::new(Task::new(TaskId(u64::MAX), Value::NIL));
        let arguments = self.host.heap.list(arguments);
        // SAFETY: the boot module lives as long as the VM.
        task.begin(unsafe { &*boot }, function, arguments);
        self.interrupted.push(Interrupted {
            task: std::mem::replace(&mut self.task, task),
            context: self.host.context.get(),
        });
        self.host.scheduler.alone.set(true);
        let ending = self.run_alone();
        if let Some(interrupted) = self.interrupted.pop() {
            self.host.scheduler.alone.set(!self.interrupted.is_empty());
            self.task = interrupted.task;
            self.host.context.set(interrupted.context);
        }
        ending
    }

    /// Runs the task on the machine to its end.
    fn run_alone(&mut self) -> NestedEnding {
        let mut resume = Resume::Value(Value::NIL);
        loop {
            let event = match self.resume(resume) {
                Next::Continue => self.run_task(),
                Next::Stop(event) => event,
            };
            resume = match event {
                Event::Finished(value) => return NestedEnding::Value(value),
                Event::Exit(status) => return NestedEnding::Exit(status),
                Event::Raised(raised) => {
                    return NestedEnding::Raised(self.condition_maps.map(&self.host, &raised));
                }
                Event::Suspended(Operation::Collect) => Resume::Value(self.collected()),
                Event::Suspended(Operation::GiveWay(resume)) => resume,
                Event::Suspended(Operation::External(started)) => {
                    self.host.output.flush();
                    self.host.scheduler.do_alone(&self.host, started)
                }
                Event::Suspended(_) | Event::Idle | Event::Stopped(_) => {
                    Resume::Raise(Box::new(Condition::new(
                        ConditionKind::Eval,
                        "a macro transformer cannot wait or start tasks",
                    )))
                }
            }
        }
    }
}
