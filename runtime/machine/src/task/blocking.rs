//! Work that blocks, as a pending operation: done by a thread of the pool.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::external::{Asking, Await, Pending};
use crate::host::Host;
use crate::host::condition::{Condition, ConditionKind, Outcome};

/// Tells work whether anybody still wants its result. Work that takes long asks now and then.
#[derive(Debug, Default)]
pub struct Cancelled(AtomicBool);

impl Cancelled {
    /// Whether the result is not wanted any more.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What the thread and the operation share.
struct Shared<T> {
    /// The result, or what a panic said.
    result: Mutex<Option<Result<T, String>>>,
    cancelled: Cancelled,
}

impl<T> Shared<T> {
    /// The lock is only held to put the result there or take it.
    fn result(&self) -> std::sync::MutexGuard<'_, Option<Result<T, String>>> {
        self.result.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Blocking<T, W, F> {
    shared: Arc<Shared<T>>,
    /// `None`: a thread has it.
    work: Option<W>,
    finish: F,
}

impl<T, W, F> Pending for Blocking<T, W, F>
where
    T: Send + 'static,
    W: FnOnce(&Cancelled) -> T + Send + 'static,
    F: FnOnce(&Host, T) -> Outcome + Send + 'static,
{
    fn advance(&mut self, asking: &Asking<'_>) -> Await {
        if let Some(work) = self.work.take() {
            let (shared, completer) = (self.shared.clone(), asking.completer());
            asking.submit(Box::new(move || {
                if shared.cancelled.is_set() {
                    return;
                }
                // Nobody looks at what a panic has left behind.
                let result = catch_unwind(AssertUnwindSafe(|| work(&shared.cancelled)));
                *shared.result() = Some(result.map_err(|panic| panic_text(&*panic)));
                completer.complete();
            }));
            return Await::Completion;
        }
        match *self.shared.result() {
            Some(_) => Await::Done,
            None => Await::Completion,
        }
    }

    fn cancel(&mut self) {
        self.shared.cancelled.0.store(true, Ordering::Relaxed);
    }

    fn finish(self: Box<Self>, host: &Host) -> Outcome {
        let result = self.shared.result().take();
        match result {
            Some(Ok(result)) => (self.finish)(host, result),
            Some(Err(text)) => Err(internal(format!("an operation panicked: {text}"))),
            None => Err(internal("an operation has no result".to_owned())),
        }
    }
}

fn internal(message: String) -> Box<crate::host::condition::Signal> {
    Condition::new(ConditionKind::Internal, message).signal()
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => text.clone(),
        _ => "it does not say why".to_owned(),
    }
}

impl Host {
    /// Lets a thread of the pool do `work` while other tasks run; `finish` makes the value of its result.
    ///
    /// A panic of `work` is an `:internal` condition, where panics can be caught at all.
    ///
    /// # Errors
    /// The signal to wait.
    pub fn blocking<T, W, F>(&self, work: W, finish: F) -> Outcome
    where
        T: Send + 'static,
        W: FnOnce(&Cancelled) -> T + Send + 'static,
        F: FnOnce(&Host, T) -> Outcome + Send + 'static,
    {
        self.wait_for(Blocking {
            shared: Arc::new(Shared {
                result: Mutex::new(None),
                cancelled: Cancelled::default(),
            }),
            work: Some(work),
            finish,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::condition::Signal;
    use crate::host::output::Output;
    use crate::memory::value::Value;
    use crate::task::{Operation, Resume};

    fn host() -> Host {
        Host::new(Output::memory(), &crate::host::natives::Natives::NONE)
    }

    /// Drives the operation that a native has asked for to its end.
    fn done(host: &Host, outcome: Outcome) -> Resume {
        match outcome.map_err(|signal| *signal) {
            Err(Signal::Suspend(Operation::External(started))) => {
                host.scheduler.do_alone(host, started)
            }
            _ => panic!("it does not wait"),
        }
    }

    #[test]
    fn results_become_values_on_the_machines_thread() {
        let host = host();
        let machine = std::thread::current().id();
        let outcome = host.blocking(
            |_| std::thread::current().id(),
            move |host, worker| {
                assert_ne!(worker, machine);
                assert_eq!(std::thread::current().id(), machine);
                Ok(host.heap.string("done"))
            },
        );
        match done(&host, outcome) {
            Resume::Value(value) => assert_eq!(host.heap.as_str(value), Some("done")),
            _ => panic!("no value"),
        }
    }

    #[test]
    fn one_may_wait_for_another() {
        let host = host();
        let outcome = host.blocking(
            |_| 20,
            |host, first| host.blocking(move |_| first + 1, |_, sum| Ok(Value::small(sum))),
        );
        match done(&host, outcome) {
            Resume::Value(value) => assert_eq!(value, Value::small(21)),
            _ => panic!("no value"),
        }
    }

    #[test]
    fn panics_are_conditions() {
        let host = host();
        let outcome = host.blocking(
            |_| -> i32 { panic!("out of cheese") },
            |_, number| Ok(Value::small(number)),
        );
        match done(&host, outcome) {
            Resume::Raise(condition) => {
                assert_eq!(condition.kind, ConditionKind::Internal);
                assert!(condition.message.contains("out of cheese"));
            }
            _ => panic!("no condition"),
        }
    }
}
