//! `proc/...`: processes with handles, whose output is read while they run.

use std::io::IsTerminal;
use std::process::{Command, ExitStatus};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::child::{Membership, Running, code, signal};
use super::options::{Options, words};
use crate::core::system::device::{Shared, Sink, Source, Step, lock};
use crate::core::system::files::failed;
use crate::core::system::stream_state::State;
use crate::core::system::streams::named_stream;
use crate::std::terminal::mode;
use crate::table::Table;
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, argument_error, integer};
use sema_machine::host::condition::{Outcome, Signal, eval_error, io_error};
use sema_machine::host::native::{Capability, Touches};
use sema_machine::memory::value::Value;
use sema_machine::platform::descriptors::{Descriptor, Interest};
use sema_machine::platform::heard::Deaf;
use sema_machine::task::{Asking, Await, Pending};
use sema_machine::{natives, with_descriptors};

natives! {
    /// Starts a program, without a shell: a list of its name and its arguments. It runs beside this one, in a process group of
    /// its own, and ends when this one does, unless nothing can be done at that end (SIGKILL). Options are `:cwd`, its directory, and `:env`, a map of further
    /// variables. Gives a handle for the other functions of this family.
    /// (let ((p (proc/spawn ["cat"]))) (proc/write-stdin p "hi") (proc/close-stdin p) (proc/wait p) (proc/read-stdout p)) => "hi"
    /// (proc/spawn ["no such program"]) => error proc/spawn no such program: No such file or directory
    "proc/spawn" (command: Sequence, options?: Map) -> Int, needs(Capability::Process), options(1, &["cwd", "env"]), posix => with_descriptors!(spawn);

    /// Waits until a process has ended, and gives its exit code, or -1 if a signal has ended it. Other tasks run meanwhile. All that it has
    /// written can be read then.
    /// (proc/wait (proc/spawn ["sh" "-c" "exit 3"])) => 3
    /// (proc/wait 999) => error proc/wait: no such handle 999
    "proc/wait" (process: Int) -> Int, needs(Capability::Process), posix, touches(Touches::Nothing) => wait;

    /// What a process has written to its standard output since the last call, as text; "" if it is nothing new. It does not
    /// wait. Bytes that are no UTF-8 become the replacement character.
    /// (let ((p (proc/spawn ["echo" "hello"]))) (proc/wait p) (proc/read-stdout p)) => "hello\n"
    "proc/read-stdout" (process: Int) -> String, needs(Capability::Process), posix, touches(Touches::Nothing) => read_stdout;

    /// As `proc/read-stdout`, for standard error.
    /// (let ((p (proc/spawn ["sh" "-c" "echo oops >&2"]))) (proc/wait p) (proc/read-stderr p)) => "oops\n"
    "proc/read-stderr" (process: Int) -> String, needs(Capability::Process), posix, touches(Touches::Nothing) => read_stderr;

    /// As `proc/read-stdout`, the bytes as they are.
    /// (let ((p (proc/spawn ["printf" "\\377"]))) (proc/wait p) (proc/read-stdout-bytes p)) => #u8(255)
    "proc/read-stdout-bytes" (process: Int) -> Bytes, needs(Capability::Process), posix, touches(Touches::Nothing) => read_stdout_bytes;

    /// As `proc/read-stderr`, the bytes as they are.
    /// (let ((p (proc/spawn ["true"]))) (proc/wait p) (proc/read-stderr-bytes p)) => #u8()
    "proc/read-stderr-bytes" (process: Int) -> Bytes, needs(Capability::Process), posix, touches(Touches::Nothing) => read_stderr_bytes;

    /// A stream of what a process writes to its standard output: reading it waits for more, and meets the end when the process
    /// has closed it.
    /// (let ((p (proc/spawn ["printf" "a\\nb"]))) (stream/read-line (proc/stdout p))) => "a"
    "proc/stdout" (process: Int) -> Stream, needs(Capability::Process), posix, touches(Touches::Nothing) => stdout;

    /// As `proc/stdout`, for standard error.
    /// (let ((p (proc/spawn ["sh" "-c" "echo x >&2"]))) (stream/read-line (proc/stderr p))) => "x"
    "proc/stderr" (process: Int) -> Stream, needs(Capability::Process), posix, touches(Touches::Nothing) => stderr;

    /// Writes a text, or the bytes of a byte vector, to what a process reads. It waits while the process does not read; other
    /// tasks run meanwhile.
    /// (let ((p (proc/spawn ["cat"]))) (proc/write-stdin p "x")) => nil
    /// (let ((p (proc/spawn ["cat"]))) (proc/close-stdin p) (proc/write-stdin p "x")) => error stdin already closed
    "proc/write-stdin" (process: Int, content: Any) -> Nil, needs(Capability::Process), posix, touches(Touches::Nothing) => write_stdin;

    /// Closes what a process reads: it meets the end. Closing it again is no error.
    /// (let ((p (proc/spawn ["cat"]))) (proc/close-stdin p) (proc/wait p)) => 0
    "proc/close-stdin" (process: Int) -> Nil, needs(Capability::Process), posix, touches(Touches::Nothing) => close_stdin;

    /// The exit code of a process, -1 if a signal has ended it; nil while it runs.
    /// (let ((p (proc/spawn ["sleep" "10"]))) (proc/exit-code p)) => nil
    "proc/exit-code" (process: Int) -> Any, needs(Capability::Process), posix, touches(Touches::Nothing) => exit_code;

    /// The number of the signal that has ended a process; nil if none has.
    /// (let ((p (proc/spawn ["sleep" "10"]))) (proc/kill p) (proc/wait p) (proc/signal p)) => 9
    "proc/signal" (process: Int) -> Any, needs(Capability::Process), posix, touches(Touches::Nothing) => ending_signal;

    /// Whether a process still runs.
    /// (let ((p (proc/spawn ["true"]))) (proc/wait p) (proc/running? p)) => #f
    "proc/running?" (process: Int) -> Bool, needs(Capability::Process), posix, touches(Touches::Nothing) => is_running;

    /// Ends a process and its group at once (SIGKILL). It does nothing to one that has ended.
    /// (let ((p (proc/spawn ["sleep" "10"]))) (proc/kill p) (proc/wait p)) => -1
    "proc/kill" (process: Int) -> Nil, needs(Capability::Process), posix, touches(Touches::Nothing) => kill;

    /// Ends a process if it runs, and forgets its handle. A handle that is unknown is no error.
    /// (let ((p (proc/spawn ["sleep" "10"]))) (proc/close p)) => nil
    "proc/close" (process: Int) -> Nil, needs(Capability::Process), posix, touches(Touches::Nothing) => close;

    /// Runs a program on the terminal of this one until it ends, and gives its exit code, or -1 if a signal has ended it.
    /// Nothing else runs meanwhile: the screen and the keyboard are the program's. Options are as for `proc/spawn`.
    /// Raises if standard input is no terminal.
    /// (proc/run ["vi"]) => error proc/run: stdin is not a terminal
    "proc/run" (command: Sequence, options?: Map) -> Int, needs(Capability::Process), options(1, &["cwd", "env"]), posix => run;
}

/// The processes of a machine, by handle.
#[derive(Default)]
struct Processes {
    last: i64,
    running: Table<i64, Shared<Running>>,
}

impl Drop for Processes {
    /// All are killed before any is waited for.
    fn drop(&mut self) {
        for (_, running) in self.running.iter() {
            lock(running).kill();
        }
    }
}

/// The process behind a handle.
pub(crate) struct Process(Shared<Running>);

impl Process {
    /// The process of this handle, if there is one.
    pub(crate) fn find(host: &Host, handle: i64) -> Option<Process> {
        host.with_extension::<Processes, _>(|processes| processes.running.get(&handle).cloned())
            .map(Process)
    }

    /// Whether it has written something that nobody has read, and whether it has ended.
    pub(crate) fn news(&self) -> (bool, bool) {
        let mut running = lock(&self.0);
        let ended = running.status().is_ok_and(|status| status.is_some());
        // What cannot be taken in now is an error of who reads it.
        let _ = running.drain();
        let written = [&running.output, &running.errors]
            .iter()
            .any(|source| lock(source).buffered() > 0);
        (written, ended)
    }

    /// Adds what tells of news; until when to wait.
    pub(crate) fn interests(
        &self,
        descriptors: &mut Vec<(Descriptor, Interest)>,
        until: Option<Instant>,
    ) -> Option<Instant> {
        lock(&self.0).interests(descriptors, until)
    }
}

/// The process that `args[0]` is the handle of.
fn process(host: &Host, function: &str, args: &[Value]) -> Outcome<Shared<Running>> {
    let handle = integer(host, function, args, 0)?;
    match Process::find(host, handle) {
        Some(Process(running)) => Ok(running),
        None => Err(eval_error(format!("{function}: no such handle {handle}"))),
    }
}

/// The command that the arguments describe, and its program's name.
fn command(host: &Host, function: &str, args: &[Value]) -> Outcome<(Command, String)> {
    let words = words(host, argument(args, 0))?;
    let options = match args.get(1) {
        Some(&map) => Options::of(host, map, false)?,
        None => Options::default(),
    };
    let command = options.command(host, function, &words)?;
    Ok((command, words.into_iter().next().unwrap_or_default()))
}

fn spawn(host: &Host, args: &[Value]) -> Outcome {
    let (command, program) = command(host, "proc/spawn", args)?;
    // What was printed comes before what the process prints.
    host.output.flush();
    let running = Running::start(command, Membership::Own, true)
        .map_err(|error| failed("proc/spawn", &program, &error))?;
    let running = Arc::new(Mutex::new(running));
    Ok(host
        .heap
        .int(host.with_extension(|processes: &mut Processes| {
            processes.last += 1;
            processes.running.insert(processes.last, running);
            processes.last
        })))
}

/// Waiting for a process.
struct Wait {
    running: Shared<Running>,
    result: std::io::Result<i32>,
}

impl Pending for Wait {
    fn advance(&mut self, _: &Asking<'_>) -> Await {
        let mut running = lock(&self.running);
        // In this order: what an ended process has written is all there.
        let status = match running.status() {
            Ok(status) => status,
            Err(error) => {
                self.result = Err(error);
                return Await::Done;
            }
        };
        match running.drain() {
            Ok(false) => {}
            Ok(true) => return Await::Turn,
            Err(error) => {
                self.result = Err(error);
                return Await::Done;
            }
        }
        match status {
            Some(status) => {
                self.result = Ok(code(status));
                Await::Done
            }
            None => running.awaits(None),
        }
    }

    fn finish(self: Box<Self>, _: &Host) -> Outcome {
        match self.result {
            Ok(code) => Ok(Value::small(code)),
            Err(error) => Err(io_error(format!("proc/wait: {error}"))),
        }
    }
}

fn wait(host: &Host, args: &[Value]) -> Outcome {
    let running = process(host, "proc/wait", args)?;
    host.output.flush();
    host.wait_for(Wait {
        running,
        result: Ok(0),
    })
}

/// Which output of a process.
type Which = fn(&Running) -> &Shared<Source>;

/// What has come since the last call.
fn news(
    host: &Host,
    function: &str,
    args: &[Value],
    which: Which,
) -> Outcome<(Shared<Source>, bool)> {
    let running = process(host, function, args)?;
    let mut running = lock(&running);
    let failed = |error| -> Box<Signal> { io_error(format!("{function}: {error}")) };
    let ended = running.status().map_err(failed)?.is_some();
    let source = which(&running).clone();
    // The other output must not keep the process waiting. If that has become too much, its reader will hear of it.
    let _ = running.drain();
    let is_closed = lock(&source).descriptor().is_none();
    Ok((source, ended || is_closed))
}

fn text_of(host: &Host, function: &str, args: &[Value], which: Which) -> Outcome {
    let (source, is_last) = news(host, function, args, which)?;
    let mut source = lock(&source);
    let mut bytes = source.take_buffered();
    if !is_last {
        // The rest of a character comes with the next call.
        let whole = whole_characters(&bytes);
        let rest = bytes.split_off(whole);
        source.put_back(&rest);
    }
    crate::core::text::strings::string_of(host, function, &String::from_utf8_lossy(&bytes))
}

/// How many bytes come before a character that has only begun.
fn whole_characters(bytes: &[u8]) -> usize {
    let from = bytes.len().saturating_sub(3);
    for (at, byte) in bytes.iter().enumerate().skip(from) {
        let length = match byte {
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            _ => continue,
        };
        if at + length > bytes.len() {
            return at;
        }
    }
    bytes.len()
}

fn bytes_of(host: &Host, function: &str, args: &[Value], which: Which) -> Outcome {
    let (source, _) = news(host, function, args, which)?;
    let bytes = lock(&source).take_buffered();
    Ok(host.heap.bytevector(&bytes))
}

fn read_stdout(host: &Host, args: &[Value]) -> Outcome {
    text_of(host, "proc/read-stdout", args, |running| &running.output)
}

fn read_stderr(host: &Host, args: &[Value]) -> Outcome {
    text_of(host, "proc/read-stderr", args, |running| &running.errors)
}

fn read_stdout_bytes(host: &Host, args: &[Value]) -> Outcome {
    bytes_of(host, "proc/read-stdout-bytes", args, |running| {
        &running.output
    })
}

fn read_stderr_bytes(host: &Host, args: &[Value]) -> Outcome {
    bytes_of(host, "proc/read-stderr-bytes", args, |running| {
        &running.errors
    })
}

fn stdout(host: &Host, args: &[Value]) -> Outcome {
    let running = process(host, "proc/stdout", args)?;
    let source = lock(&running).output.clone();
    Ok(named_stream(
        host,
        State::shared_input(source),
        "process-output",
    ))
}

fn stderr(host: &Host, args: &[Value]) -> Outcome {
    let running = process(host, "proc/stderr", args)?;
    let source = lock(&running).errors.clone();
    Ok(named_stream(
        host,
        State::shared_input(source),
        "process-output",
    ))
}

fn write_stdin(host: &Host, args: &[Value]) -> Outcome {
    integer(host, "proc/write-stdin", args, 0)?;
    let content = argument(args, 1);
    let bytes = match host.heap.as_str(content) {
        Some(text) => text.as_bytes(),
        None => host
            .heap
            .as_bytevector(content)
            .ok_or_else(|| argument_error(host, "proc/write-stdin", 1, "string", content))?,
    };
    let running = process(host, "proc/write-stdin", args)?;
    let Some(input) = lock(&running).input.clone() else {
        return Err(eval_error("proc/write-stdin: stdin already closed"));
    };
    host.wait_for(Feed {
        running,
        input,
        bytes: Some(bytes.to_vec()),
        number: 0,
        result: Ok(()),
    })
}

/// Writing to what a process reads. What it writes meanwhile is taken in: it may read on only when somebody does so.
struct Feed {
    running: Shared<Running>,
    input: Shared<Sink>,
    /// What to write; taken when its turn has come.
    bytes: Option<Vec<u8>>,
    number: u64,
    result: std::io::Result<()>,
}

impl Pending for Feed {
    fn advance(&mut self, asking: &Asking<'_>) -> Await {
        self.number = asking.number;
        let mut input = lock(&self.input);
        if !input.line.enter(asking) {
            return Await::Completion;
        }
        if let Some(bytes) = self.bytes.take() {
            input.put(&bytes);
        }
        match input.write(asking.host, true) {
            Step::Done(result) => {
                input.line.leave(self.number);
                self.result = result;
                Await::Done
            }
            Step::Wait(Await::Ready(descriptor, interest)) => {
                let mut descriptors = vec![(descriptor, interest)];
                let mut running = lock(&self.running);
                match running.drain() {
                    Ok(true) => Await::Turn,
                    Ok(false) => {
                        let until = running.interests(&mut descriptors, None);
                        Await::AnyOf(descriptors, until)
                    }
                    // It is an error of who reads the output.
                    Err(_) => Await::AnyOf(descriptors, None),
                }
            }
            Step::Wait(awaits) => awaits,
        }
    }

    fn finish(self: Box<Self>, _: &Host) -> Outcome {
        match &self.result {
            Ok(()) => Ok(Value::NIL),
            Err(error) => Err(io_error(format!("proc/write-stdin: {error}"))),
        }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        lock(&self.input).line.leave(self.number);
    }
}

fn close_stdin(host: &Host, args: &[Value]) -> Outcome {
    let running = process(host, "proc/close-stdin", args)?;
    lock(&running).input = None;
    Ok(Value::NIL)
}

/// How a process has ended, if it has. What it has written is taken in, so that it does not wait for somebody to read.
fn status(host: &Host, function: &str, args: &[Value]) -> Outcome<Option<ExitStatus>> {
    let running = process(host, function, args)?;
    let mut running = lock(&running);
    let status = running
        .status()
        .map_err(|error| io_error(format!("{function}: {error}")))?;
    let _ = running.drain();
    Ok(status)
}

fn exit_code(host: &Host, args: &[Value]) -> Outcome {
    let status = status(host, "proc/exit-code", args)?;
    Ok(status.map_or(Value::NIL, |status| Value::small(code(status))))
}

fn ending_signal(host: &Host, args: &[Value]) -> Outcome {
    let status = status(host, "proc/signal", args)?;
    Ok(status.and_then(signal).map_or(Value::NIL, Value::small))
}

fn is_running(host: &Host, args: &[Value]) -> Outcome {
    Ok(Value::bool(status(host, "proc/running?", args)?.is_none()))
}

fn kill(host: &Host, args: &[Value]) -> Outcome {
    let running = process(host, "proc/kill", args)?;
    lock(&running).kill();
    Ok(Value::NIL)
}

fn close(host: &Host, args: &[Value]) -> Outcome {
    let handle = integer(host, "proc/close", args, 0)?;
    let running =
        host.with_extension::<Processes, _>(|processes| processes.running.remove(&handle));
    if let Some(running) = running {
        // Somebody else may still wait for it.
        lock(&running).end();
    }
    Ok(Value::NIL)
}

fn run(host: &Host, args: &[Value]) -> Outcome {
    // What is wrong with the arguments is told first.
    let (mut command, program) = command(host, "proc/run", args)?;
    if !std::io::stdin().is_terminal() {
        return Err(eval_error("proc/run: stdin is not a terminal"));
    }
    host.output.flush();
    let cooked = mode::cooked_for_a_while(host);
    let deaf = Deaf::new();
    let status = command.status();
    drop(deaf);
    drop(cooked);
    let status = status.map_err(|error| failed("proc/run", &program, &error))?;
    Ok(Value::small(code(status)))
}
