//! Workers: machines of the same program, each on a thread of its own, that answer the requests of one server.
//!
//! The machine that listens is the first of them and the one the process is about: it says where it listens, is told of
//! signals, and goes on when the server has ended. The others run the program anew, with globals of their own, up to the
//! same call of `http/serve`; there they take a seat. The first machine's engine accepts connections and hands each to the
//! seat that has fewest.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sema_machine::host::Host;
use sema_machine::host::condition::{Outcome, Signal, eval_error, io_error};
use sema_machine::host::program::{Ended, Program};
use sema_machine::memory::value::Value;
use sema_machine::platform::allocator::magazines;
use sema_machine::platform::threads;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::timeout;

use super::exchange::Queue;
use super::settings::Settings;
use super::{Phase, Server};
use crate::core::system::device::lock;
use crate::net::http::engine::{self, Handle as Engine};

/// Most machines of a server.
pub const MOST: usize = 256;
/// How long requests must have waited for a machine until others are preferred.
const STUCK: Duration = Duration::from_millis(50);
/// How long the other machines may take to end after the server. One whose handler computes is not waited for longer.
const LEAVING: Duration = Duration::from_secs(1);

/// What a machine that serves is given: its requests.
pub struct Seat {
    /// Requests that wait for the machine.
    pub queue: Queue,
    /// The engine that speaks with the machine's clients.
    pub engine: Engine,
    /// Connections that it has.
    connections: AtomicUsize,
    /// When it was given the last one, counted in connections.
    turn: AtomicUsize,
    /// How many requests it had taken when others were seen waiting, and when that was seen first.
    backlog: Mutex<Option<(u32, Instant)>>,
}

impl Seat {
    /// The seat of a machine with this engine.
    pub fn new(engine: Engine) -> Arc<Seat> {
        Arc::new(Seat {
            queue: Queue::default(),
            engine,
            connections: AtomicUsize::new(0),
            turn: AtomicUsize::new(0),
            backlog: Mutex::default(),
        })
    }

    /// Whether requests have been waiting for a while, and the machine has not taken any: it computes.
    fn is_stuck(&self, now: Instant) -> bool {
        let mut known = lock(&self.backlog);
        *known = match (self.queue.backlog(), *known) {
            (None, _) => None,
            (Some(taken), Some((before, since))) if taken == before => Some((before, since)),
            (Some(taken), _) => Some((taken, now)),
        };
        known.is_some_and(|(_, since)| now - since >= STUCK)
    }
}

/// A connection that a seat has; dropped with it.
pub struct Guest(pub Arc<Seat>);

impl Guest {
    fn of(seat: &Arc<Seat>) -> Guest {
        seat.connections.fetch_add(1, Ordering::Relaxed);
        Guest(seat.clone())
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The place that a connection takes up in the server, until it has ended and nobody is at its requests any more.
pub struct Place {
    /// What limits the connections.
    _slot: OwnedSemaphorePermit,
    /// Its machine.
    pub guest: Guest,
    /// Requests that handlers are at.
    running: AtomicUsize,
}

impl Place {
    /// That of a new connection.
    pub fn new(slot: OwnedSemaphorePermit, guest: Guest) -> Arc<Place> {
        Arc::new(Place {
            _slot: slot,
            guest,
            running: AtomicUsize::new(0),
        })
    }

    /// Begins with a request, unless handlers are at so many already.
    pub fn turn(self: &Arc<Place>, most: usize) -> Option<Turn> {
        let before = self.running.fetch_add(1, Ordering::Relaxed);
        let turn = Turn(self.clone());
        (before < most).then_some(turn)
    }
}

/// A request that a handler is at, or is to be.
pub struct Turn(Arc<Place>);

impl Turn {
    /// That of the connection.
    pub fn place(&self) -> &Arc<Place> {
        &self.0
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What has ended a server before its time.
pub enum Failure {
    /// A worker has called `exit`.
    Exit(u8),
    /// A worker has ended.
    Worker(&'static str),
}

/// The machines of a server.
pub struct Workers {
    seats: Mutex<Vec<Arc<Seat>>>,
    /// How many connections have been handed out.
    turn: AtomicUsize,
    failure: Mutex<Option<Failure>>,
    /// Threads of workers that run.
    running: watch::Sender<usize>,
    /// Machines that have taken their seat.
    seated: watch::Sender<usize>,
}

impl Workers {
    /// One machine, the first.
    pub fn new(first: Arc<Seat>) -> Workers {
        Workers {
            seats: Mutex::new(vec![first]),
            turn: AtomicUsize::new(0),
            failure: Mutex::default(),
            running: watch::Sender::new(0),
            seated: watch::Sender::new(1),
        }
    }

    /// A place for the next connection, at the machine that has fewest, but rather not at one that computes; of several at the one that has waited longest. That a connection
    /// has ended may be noticed late, and then one that has just been given to a machine would be followed by the next.
    pub fn next(&self) -> Option<Guest> {
        let seats = lock(&self.seats);
        let now = Instant::now();
        let least = seats.iter().min_by_key(|seat| {
            let connections = seat.connections.load(Ordering::Relaxed);
            let is_stuck = seats.len() > 1 && seat.is_stuck(now);
            (is_stuck, connections, seat.turn.load(Ordering::Relaxed))
        })?;
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        least.turn.store(turn + 1, Ordering::Relaxed);
        Some(Guest::of(least))
    }

    /// Waits until so many machines have taken their seats.
    pub async fn complete(&self, wanted: usize) {
        let mut seated = self.seated.subscribe();
        // The sender is part of this value.
        let _ = seated.wait_for(|seated| *seated >= wanted).await;
    }

    /// No machine gets a request any more.
    pub fn close(&self) {
        for seat in lock(&self.seats).iter() {
            seat.queue.close();
        }
    }

    /// Waits until the other machines have ended, but not for ever.
    pub async fn gone(&self) {
        let mut running = self.running.subscribe();
        let _ = timeout(LEAVING, running.wait_for(|running| *running == 0)).await;
    }

    fn take_seat(&self, seat: Arc<Seat>) {
        lock(&self.seats).push(seat);
        self.seated.send_modify(|seated| *seated += 1);
    }

    fn leave_seat(&self, seat: &Arc<Seat>) {
        lock(&self.seats).retain(|other| !Arc::ptr_eq(other, seat));
    }
}

/// How far a worker has come.
enum Stage {
    /// To no seat yet.
    Coming,
    /// It serves.
    Serving(Arc<Seat>),
    /// The server has ended, and so does the machine.
    Leaving,
}

/// What a worker was started for.
pub struct Employment {
    server: Arc<Server>,
    stage: Mutex<Stage>,
}

/// What the machine was started for, an extension of the host; nothing for the first one.
#[derive(Default)]
struct Own(Option<Arc<Employment>>);

/// What this machine was started for, if it is a worker.
pub fn employment(host: &Host) -> Option<Arc<Employment>> {
    host.with_extension(|own: &mut Own| own.0.clone())
}

impl Employment {
    /// Takes a seat at the server, if this is the call of `http/serve` that the worker was started for.
    pub fn join(&self, settings: &Settings, engine: &Engine) -> Option<(Arc<Server>, Arc<Seat>)> {
        let mut stage = lock(&self.stage);
        let is_meant = matches!(*stage, Stage::Coming)
            && settings.workers > 1
            && settings.name() == self.server.settings.name();
        if !is_meant {
            return None;
        }
        let seat = Seat::new(engine.clone());
        *stage = Stage::Serving(seat.clone());
        self.server.workers.take_seat(seat.clone());
        if *self.server.phase.borrow() == Phase::Closed {
            seat.queue.close();
        }
        Some((self.server.clone(), seat))
    }

    /// Waits until the server has ended: what other calls of `http/serve` do in a worker, as only the first machine serves them.
    pub fn wait_for_end(&self, host: &Host, engine: &Engine) -> Outcome {
        let server = self.server.clone();
        let ending = async move { server.reached(Phase::Closed).await };
        engine::wait(host, engine::start(engine, ending), |host, ()| {
            Ok(host.heap.list(&[Value::NIL, Value::NIL]))
        })
    }

    /// The machine ends: its program does not go on behind the server.
    pub fn leave(&self) -> Box<Signal> {
        *lock(&self.stage) = Stage::Leaving;
        Box::new(Signal::Exit(0))
    }

    /// The machine has ended.
    fn end(&self, ended: Ended) {
        let workers = &self.server.workers;
        let stage = std::mem::replace(&mut *lock(&self.stage), Stage::Leaving);
        if let Stage::Serving(seat) = &stage {
            workers.leave_seat(seat);
        }
        let is_open = *self.server.phase.borrow() < Phase::Stopping;
        let failure = match (stage, ended) {
            (Stage::Leaving, _) => None,
            (_, Ended::Exit(status)) => Some(Failure::Exit(status)),
            (Stage::Coming, _) if is_open => Some(Failure::Worker(
                "a worker has ended before it came to the same call of http/serve",
            )),
            (_, _) if is_open => Some(Failure::Worker("a worker has ended")),
            _ => None,
        };
        if let Some(failure) = failure {
            lock(&workers.failure).get_or_insert(failure);
            self.server.close();
        }
        workers.running.send_modify(|running| *running -= 1);
    }
}

/// The program as it is to be run by workers.
pub struct Job {
    program: Arc<dyn Program>,
    stack_bytes: usize,
}

/// How workers are started, if a server is to have any.
///
/// # Errors
/// The program is part of something that cannot run it again.
pub fn job(host: &Host, settings: &Settings) -> Outcome<Option<Job>> {
    if settings.workers == 1 {
        return Ok(None);
    }
    let Some(program) = host.program.clone() else {
        return Err(eval_error(
            "http/serve: this program cannot be run once more, so it can have no :workers",
        ));
    };
    host.heap.account.share(settings.workers);
    Ok(Some(Job {
        program,
        stack_bytes: host.stack_bytes,
    }))
}

impl Job {
    /// Starts the workers of a server, all but the first machine.
    ///
    /// # Errors
    /// The system allows no thread; the server is closed then.
    pub fn start(&self, server: &Arc<Server>) -> std::io::Result<()> {
        for _ in 1..server.settings.workers {
            let program = self.program.clone();
            let employment = Arc::new(Employment {
                server: server.clone(),
                stage: Mutex::new(Stage::Coming),
            });
            let running = &server.workers.running;
            running.send_modify(|running| *running += 1);
            let work = move || {
                let ended = program.run(&mut |host: &Host| {
                    host.heap.account.share(employment.server.settings.workers);
                    host.with_extension(|own: &mut Own| own.0 = Some(employment.clone()));
                });
                employment.end(ended);
                magazines::end();
            };
            if let Err(error) = threads::start(Some("worker"), self.stack_bytes, Box::new(work)) {
                running.send_modify(|running| *running -= 1);
                server.close();
                return Err(error);
            }
        }
        Ok(())
    }
}

/// The server has ended: what the first machine makes of it.
///
/// # Errors
/// A worker has called `exit`, or has ended.
pub fn outcome(server: &Server) -> Outcome {
    match lock(&server.workers.failure).take() {
        None => Ok(Value::NIL),
        Some(Failure::Exit(status)) => Err(Box::new(Signal::Exit(status))),
        Some(Failure::Worker(what)) => Err(io_error(format!("http/serve: {what}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Bench;

    #[test]
    fn an_end_that_is_noticed_late_does_not_double_up() {
        let bench = Bench::new();
        let Ok(engine) = engine::handle(&bench.host, "test") else {
            panic!("there is no engine");
        };
        let (first, second) = (Seat::new(engine.clone()), Seat::new(engine));
        let workers = Workers::new(first.clone());
        workers.take_seat(second.clone());
        let late = workers.next();
        drop(workers.next());
        let kept = [workers.next(), workers.next()];
        drop(late);
        let count = |seat: &Seat| seat.connections.load(Ordering::Relaxed);
        assert_eq!((count(&first), count(&second)), (1, 1));
        drop(kept);
    }
}
