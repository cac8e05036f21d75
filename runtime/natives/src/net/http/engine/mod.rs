//! The thread that talks to peers, and operations that it does for tasks.
//!
//! The thread runs futures. A native gives it one ([`call`]) and its task waits until that is done. When the task is
//! cancelled the future is dropped, and with it the connection that it uses.

pub mod body;
pub mod budget;
pub mod incoming;
pub mod limit;
pub mod outgoing;
pub mod parcel;
pub mod post;
pub mod pulse;
pub mod race;
pub mod round;
pub mod work;

use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex};

use budget::Budget;
use post::Post;
use tokio::runtime::{self, Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use work::Work;

use crate::core::system::device::lock;
use sema_machine::host::Host;
use sema_machine::host::condition::{Condition, ConditionKind, Outcome, io_error};
use sema_machine::platform::allocator::magazines;
use sema_machine::platform::threads;
use sema_machine::task::{Asking, Await, Completer, Pending};

/// Stack of the thread. Futures lie on the heap; the handshake of TLS takes most.
const STACK_BYTES: usize = 512 << 10;
/// Most threads that ask for addresses at the same time: the system's way of asking blocks, and where a name server does not answer for many
/// seconds. Threads without work end.
const MOST_RESOLVERS: usize = 64;

/// What runs futures on the thread of a machine.
#[derive(Clone)]
pub struct Handle {
    tasks: runtime::Handle,
    /// How the machine wakes them.
    pub post: Arc<Post>,
    /// What they may hold of the machine's memory.
    pub budget: Arc<Budget>,
}

impl Handle {
    /// Runs a future until it ends.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        self.spawn_boxed(Box::pin(work))
    }

    fn spawn_boxed(&self, work: Work) -> AbortHandle {
        self.tasks.spawn(work).abort_handle()
    }
}

/// The thread of a machine. When it is dropped, everything it does is dropped, too.
struct Engine {
    handle: Handle,
    /// Dropping it ends the thread.
    _stop: oneshot::Sender<()>,
}

impl Engine {
    fn start(budget: Arc<Budget>) -> io::Result<Engine> {
        let runtime = Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .max_blocking_threads(MOST_RESOLVERS)
            .build()?;
        let handle = Handle {
            tasks: runtime.handle().clone(),
            post: Arc::default(),
            budget,
        };
        handle.spawn(handle.post.clone().carry_on());
        handle.spawn(round::carry_on());
        let (stop, stopped) = oneshot::channel::<()>();
        // Either way it is the end: nobody sends anything.
        let work = async move { drop(stopped.await) };
        run("network", STACK_BYTES, runtime, Box::pin(work), || {})?;
        Ok(Engine {
            handle,
            _stop: stop,
        })
    }
}

/// Gives a runtime a thread until `work` has ended. Who still asks for an address then is not waited for.
///
/// # Errors
/// The system allows no thread.
pub fn run(
    name: &str,
    stack_bytes: usize,
    runtime: Runtime,
    work: Work,
    then: impl FnOnce() + Send + 'static,
) -> io::Result<()> {
    let job = move || {
        magazines::begin();
        finish(runtime, work);
        magazines::end();
        then();
    };
    threads::start(Some(name), stack_bytes, Box::new(job))
}

fn finish(runtime: Runtime, work: Work) {
    runtime.block_on(work);
    runtime.shutdown_background();
}

/// The engine of a machine, an extension of the host.
#[derive(Default)]
struct Engines(Option<Engine>);

/// What runs futures on the machine's network thread, which is started with the first use.
///
/// # Errors
/// The system allows no thread or no descriptor; the message is for `function`.
pub fn handle(host: &Host, function: &str) -> Outcome<Handle> {
    let running = |engines: &mut Engines| Some(engines.0.as_ref()?.handle.clone());
    if let Some(handle) = host.with_extension(running) {
        return Ok(handle);
    }
    // What one of both threads makes, the other one frees.
    magazines::begin();
    let engine = Engine::start(Budget::of(host))
        .map_err(|error| io_error(format!("{function}: no network thread: {error}")))?;
    Ok(host.with_extension(|engines: &mut Engines| engines.0.insert(engine).handle.clone()))
}

/// What the engine and the machine share of work.
struct Progress<T> {
    result: Option<T>,
    has_ended: bool,
    waiter: Option<Completer>,
}

/// Work that the engine does. Dropping it stops that, and closes its connection.
pub struct Running<T> {
    progress: Arc<Mutex<Progress<T>>>,
    task: AbortHandle,
}

/// Tells the machine that work has ended, also when it has panicked.
struct Ending<T>(Arc<Mutex<Progress<T>>>);

impl<T> Drop for Ending<T> {
    fn drop(&mut self) {
        let waiter = {
            let mut progress = lock(&self.0);
            progress.has_ended = true;
            progress.waiter.take()
        };
        // Not under the lock: whoever is woken would wait for it.
        if let Some(waiter) = waiter {
            round::tell(waiter);
        }
    }
}

impl<T> Drop for Running<T> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Lets the engine begin with `work`.
pub fn start<T: Send + 'static>(
    engine: &Handle,
    work: impl Future<Output = T> + Send + 'static,
) -> Running<T> {
    let progress = Arc::new(Mutex::new(Progress {
        result: None,
        has_ended: false,
        waiter: None,
    }));
    let ending = Ending(progress.clone());
    let task = engine.spawn(async move {
        let result = work.await;
        lock(&ending.0).result = Some(result);
        drop(ending);
    });
    Running { progress, task }
}

/// An operation of the engine that a task waits for.
struct Call<T, F> {
    running: Running<T>,
    finish: Option<F>,
}

impl<T, F> Pending for Call<T, F>
where
    T: Send + 'static,
    F: FnOnce(&Host, T) -> Outcome + Send,
{
    fn advance(&mut self, asking: &Asking<'_>) -> Await {
        let mut progress = lock(&self.running.progress);
        if progress.has_ended {
            return Await::Done;
        }
        progress.waiter = Some(asking.completer());
        Await::Completion
    }

    fn finish(mut self: Box<Self>, host: &Host) -> Outcome {
        let result = lock(&self.running.progress).result.take();
        match (self.finish.take(), result) {
            (Some(finish), Some(result)) => finish(host, result),
            _ => Err(Condition::new(
                ConditionKind::Internal,
                "a network operation has ended without a result",
            )
            .signal()),
        }
    }
}

/// Waits for work; `finish` makes a value of what it gives. A task that is cancelled stops the work.
///
/// # Errors
/// Those of `finish`, and the signal to wait.
pub fn wait<T, F>(host: &Host, running: Running<T>, finish: F) -> Outcome
where
    T: Send + 'static,
    F: FnOnce(&Host, T) -> Outcome + Send + 'static,
{
    host.wait_for(Call {
        running,
        finish: Some(finish),
    })
}
