//! Waiting for what comes first: a key, a process, a time.

use std::time::{Duration, Instant};

use crate::core::system::device::{Shared, Source, lock};
use crate::core::system::input;
use crate::std::process::handles::Process;
use crate::std::terminal::event::Event;
use crate::std::terminal::keys::{Next, milliseconds, next_event, take_kept};
use sema_machine::data::collections::{self, sorted_map};
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, integer, list_or_vector, real};
use sema_machine::host::condition::{Outcome, eval_error, io_error, type_error};
use sema_machine::memory::value::Value;
use sema_machine::natives;
use sema_machine::platform::descriptors::Interest;
use sema_machine::task::{Asking, Await, Pending};

natives! {
    /// A source for `event/select` that is ready after so many milliseconds, at once if they are negative.
    /// (time/tick 16) => {:ms 16 :type :timer}
    /// (time/tick -1) => {:ms 0 :type :timer}
    /// (time/tick "16") => error expected integer, got string
    "time/tick" (milliseconds: Int) -> SortedMap, pure, posix => tick;

    /// Which of the sources is ready first, and the event: a list of its place and a map. Nil if none is in time.
    "%event-select" (sources: Sequence, timeout: Any) -> Any, posix => select;
}

/// How long is waited without a timeout and without timers.
const DEFAULT: Duration = Duration::from_secs(10);

fn tick(host: &Host, args: &[Value]) -> Outcome {
    let number = integer(host, "time/tick", args, 0)?.max(0);
    let entries = [
        (host.keyword("type"), host.keyword("timer")),
        (host.keyword("ms"), host.heap.int(number)),
    ];
    Ok(sorted_map::from_entries(host, &entries))
}

/// Something that can become ready.
enum Waited {
    Key,
    Process(i64),
    Timer(Duration),
}

/// What a map says.
fn waited(host: &Host, value: Value) -> Outcome<Waited> {
    if !collections::is_map(value) {
        return Err(type_error(host, "map (event source)", value));
    }
    let field =
        |name: &str| collections::get(host, value, host.keyword(name)).unwrap_or(Value::NIL);
    let kind = field("type");
    match host.name_of(kind) {
        Some("key") => Ok(Waited::Key),
        Some("proc") => {
            let handle = field("handle");
            let handle = host.heap.as_i64(handle);
            handle
                .map(Waited::Process)
                .ok_or_else(|| type_error(host, "integer (:handle)", field("handle")))
        }
        Some("timer") => {
            let number = real(host, field("ms"))
                .ok_or_else(|| type_error(host, "number (:ms)", field("ms")))?;
            let seconds = (number / 1000.0).clamp(0.0, 86_400.0);
            Ok(Waited::Timer(Duration::from_secs_f64(seconds)))
        }
        _ => Err(eval_error(
            "event/select: the :type of a source is :key, :proc or :timer",
        )),
    }
}

/// What is ready.
enum Ready {
    Key(Event),
    Process { output: bool, exited: bool },
    Timer,
}

/// Waiting for the first of some sources.
struct Select {
    sources: Vec<Waited>,
    input: Option<Shared<Source>>,
    start: Instant,
    end: Instant,
    number: u64,
    result: std::io::Result<Option<(usize, Ready)>>,
}

impl Select {
    /// The first source that is ready, or what to wait for; `Done` when that has taken too long.
    fn look(&mut self, asking: &Asking<'_>) -> std::io::Result<Result<(usize, Ready), Await>> {
        let host = asking.host;
        let mut descriptors = Vec::new();
        let mut until = self.end;
        let now = Instant::now();
        for (place, source) in self.sources.iter().enumerate() {
            match source {
                Waited::Timer(after) => {
                    let due = self.start + *after;
                    if due <= now {
                        return Ok(Ok((place, Ready::Timer)));
                    }
                    until = until.min(due);
                }
                Waited::Process(handle) => {
                    // A process that is not known never tells anything.
                    let Some(process) = Process::find(host, *handle) else {
                        continue;
                    };
                    let (output, exited) = process.news();
                    if output || exited {
                        return Ok(Ok((place, Ready::Process { output, exited })));
                    }
                    let soon = process.interests(&mut descriptors, Some(until));
                    until = soon.unwrap_or(until);
                }
                Waited::Key => {
                    if let Some(event) = take_kept(host) {
                        return Ok(Ok((place, Ready::Key(event))));
                    }
                    let Some(input) = &self.input else { continue };
                    let mut input = lock(input);
                    if !input.line.enter(asking) {
                        // Somebody else reads. When they have done so this is asked again.
                        continue;
                    }
                    match next_event(host, &mut input)? {
                        Next::Event(event) => return Ok(Ok((place, Ready::Key(event)))),
                        // No key will come; timers go on.
                        Next::End => input.meet_end(),
                        Next::Wait(rest) => {
                            until = rest.map_or(until, |rest| until.min(rest));
                            let input = input.descriptor();
                            descriptors.extend(input.map(|input| (input, Interest::Read)));
                        }
                    }
                }
            }
        }
        // The time of the timers: one that is due at the end has been seen.
        if self.end <= now {
            return Ok(Err(Await::Done));
        }
        Ok(Err(Await::AnyOf(descriptors, Some(until))))
    }
}

impl Pending for Select {
    fn advance(&mut self, asking: &Asking<'_>) -> Await {
        self.number = asking.number;
        let awaits = match self.look(asking) {
            Ok(Ok(ready)) => {
                self.result = Ok(Some(ready));
                Await::Done
            }
            Ok(Err(awaits)) => awaits,
            Err(error) => {
                self.result = Err(error);
                Await::Done
            }
        };
        if let (Await::Done, Some(input)) = (&awaits, &self.input) {
            lock(input).line.leave(self.number);
        }
        awaits
    }

    fn finish(mut self: Box<Self>, host: &Host) -> Outcome {
        let result = std::mem::replace(&mut self.result, Ok(None));
        let (place, ready) = match result {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(Value::NIL),
            Err(error) => return Err(io_error(format!("event/select: {error}"))),
        };
        let mut entries = Vec::new();
        let mut add = |name: &str, value: Value| entries.push((host.keyword(name), value));
        match ready {
            Ready::Key(event) => {
                add("type", host.keyword("key"));
                add("value", event.value(host));
            }
            Ready::Process { output, exited } => {
                add("type", host.keyword("proc"));
                add("output?", Value::bool(output));
                add("exited?", Value::bool(exited));
            }
            Ready::Timer => add("type", host.keyword("timer")),
        }
        let event = sorted_map::from_entries(host, &entries);
        Ok(host.heap.list(&[Value::index(place), event]))
    }
}

impl Drop for Select {
    fn drop(&mut self) {
        if let Some(input) = &self.input {
            lock(input).line.leave(self.number);
        }
    }
}

fn select(host: &Host, args: &[Value]) -> Outcome {
    let sources: Vec<Waited> = list_or_vector(host, argument(args, 0))?
        .iter()
        .map(|&source| waited(host, source))
        .collect::<Outcome<_>>()?;
    let timers = sources.iter().filter_map(|source| match source {
        Waited::Timer(after) => Some(*after),
        _ => None,
    });
    let wait = match argument(args, 1) {
        Value::NIL => timers.min().unwrap_or(DEFAULT),
        _ => milliseconds(host, "event/select", args, 1)?,
    };
    let reads = sources.iter().any(|source| matches!(source, Waited::Key));
    host.output.flush();
    let start = Instant::now();
    host.wait_for(Select {
        sources,
        input: reads.then(|| input::source(host)),
        start,
        end: start + wait,
        number: 0,
        result: Ok(None),
    })
}
