//! `shell`: a command from its start to its end.

use std::io;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use super::child::{Membership, Running, code, signal};
use super::options::Options;
use crate::core::system::device::{Shared, Source, Step, lock};
use crate::core::system::files::failed;
use sema_machine::data::collections::{self, sorted_map};
use sema_machine::host::Host;
use sema_machine::host::arguments::{ELEMENT_LIMIT, argument_error};
use sema_machine::host::condition::{
    Condition, ConditionKind, Extra, Outcome, eval_error, io_error,
};
use sema_machine::host::native::Capability;
use sema_machine::memory::value::Value;
use sema_machine::platform::descriptors::Interest;
use sema_machine::task::{Asking, Await, Pending, TaskId};
use sema_machine::{natives, with_descriptors};

natives! {
    /// Runs a command until it has ended and closed its output, and gives a map of `:exit-code`, `:stdout` and `:stderr`. One
    /// text is a line for the shell; several are a program and its arguments, without a shell. If a signal has ended it,
    /// `:exit-code` is -1 and `:signal` the number. A map at the end has options: `:cwd` and `:env` as for `proc/spawn`,
    /// `:stdin`, a text or bytes to read, `:timeout-ms`, after which the command is ended and a condition of the type
    /// `:timeout` raised, and `:binary #t` for output in byte vectors. Other tasks run meanwhile; cancelling this one
    /// ends the command.
    /// (shell "echo hello") => {:exit-code 0 :stderr "" :stdout "hello\n"}
    /// (:stdout (shell "printf" "%s" "$HOME")) => "$HOME"
    /// (:stdout (shell "pwd" {:cwd "/"})) => "/\n"
    /// (:stdout (shell "cat" {:stdin "fed"})) => "fed"
    /// (:exit-code (shell "false")) => 1
    /// (shell "sleep 10" {:timeout-ms 1}) => error exceeded 1 ms
    "shell" (command: String, more*: Any) -> SortedMap, needs(Capability::Shell), options(1, &["cwd", "env", "stdin", "timeout-ms", "binary"]), posix => with_descriptors!(shell);
}

/// Most bytes that a command may write.
const MOST_OUTPUT: usize = ELEMENT_LIMIT;

/// A command that runs.
struct ShellCommand {
    running: Running,
    /// What it still has to read.
    feeding: bool,
    deadline: Option<(Instant, Duration)>,
    is_binary: bool,
    result: Result<Option<ExitStatus>, Failure>,
}

/// Why a command has no result.
enum Failure {
    System(io::Error),
    TooMuch,
    /// The program's data have no room for the output.
    Memory,
    TooLong(Duration),
}

fn shell(host: &Host, args: &[Value]) -> Outcome {
    let (words, options) = match args.split_last() {
        Some((&last, words)) if !words.is_empty() && collections::is_map(last) => {
            (words, Options::of(host, last, true)?)
        }
        _ => (args, Options::default()),
    };
    let words: Vec<String> = words
        .iter()
        .enumerate()
        .map(|(index, &word)| match host.heap.as_str(word) {
            Some(text) => Ok(text.to_owned()),
            None => Err(argument_error(host, "shell", index, "string", word)),
        })
        .collect::<Outcome<_>>()?;
    let words = match words.as_slice() {
        [line] => vec!["sh".to_owned(), "-c".to_owned(), line.clone()],
        _ => words,
    };
    let command = options.command(host, "shell", &words)?;
    host.output.flush();
    let running = Running::start(command, membership(host, &options), options.input.is_some());
    let program = words.first().map_or("", String::as_str);
    let running = running.map_err(|error| failed("shell", program, &error))?;
    let feeding = match (&running.input, options.input) {
        (Some(sink), Some(input)) => {
            lock(sink).put(&input);
            true
        }
        _ => false,
    };
    host.wait_for(ShellCommand {
        running,
        feeding,
        deadline: options
            .timeout
            .map(|timeout| (Instant::now() + timeout, timeout)),
        is_binary: options.is_binary,
        result: Ok(None),
    })
}

/// A command that runs while a user sits at the terminal may ask for a password there, which a process in another
/// group could not. Otherwise the command has a group of its own, so that all of it can be ended: what has a
/// timeout, or runs beside other tasks and may be cancelled, must leave nothing.
fn membership(host: &Host, options: &Options) -> Membership {
    if options.timeout.is_some() || host.scheduler.current_task() != TaskId::ROOT {
        return Membership::Own;
    }
    let terminal = std::fs::File::open("/dev/tty");
    let foreground = terminal.and_then(|terminal| Ok(rustix::termios::tcgetpgrp(terminal)?));
    match foreground {
        Ok(group) if group == rustix::process::getpgrp() => Membership::Ours,
        _ => Membership::Own,
    }
}

impl ShellCommand {
    /// Writes what the command is to read. When it does not read any more, that is its own matter.
    fn feed(&mut self, host: &Host) -> Option<Await> {
        let input = self.running.input.clone().filter(|_| self.feeding)?;
        let step = lock(&input).write(host, true);
        match step {
            Step::Wait(Await::Ready(descriptor, interest)) => {
                Some(Await::Ready(descriptor, interest))
            }
            Step::Wait(other) => Some(other),
            Step::Done(_) => {
                self.feeding = false;
                self.running.input = None;
                None
            }
        }
    }

    fn go_on(&mut self, host: &Host) -> Result<Option<Await>, Failure> {
        let mut descriptors = Vec::new();
        let mut turn = false;
        match self.feed(host) {
            Some(Await::Ready(descriptor, Interest::Write)) => {
                descriptors.push((descriptor, Interest::Write));
            }
            Some(_) => turn = true,
            None => {}
        }
        let status = self.running.status().map_err(Failure::System)?;
        turn |= self.running.drain().map_err(|_| Failure::TooMuch)?;
        let written: usize = [&self.running.output, &self.running.errors]
            .iter()
            .map(|source| lock(source).buffered())
            .sum();
        if written > MOST_OUTPUT {
            return Err(Failure::TooMuch);
        }
        host.ask_for_text(written).map_err(|_| Failure::Memory)?;
        if status.is_some() && self.running.is_silent() {
            return Ok(None);
        }
        if let Some((deadline, timeout)) = self.deadline
            && deadline <= Instant::now()
        {
            return Err(Failure::TooLong(timeout));
        }
        if turn {
            return Ok(Some(Await::Turn));
        }
        let deadline = self.deadline.map(|(deadline, _)| deadline);
        let until = self.running.interests(&mut descriptors, deadline);
        Ok(Some(Await::AnyOf(descriptors, until)))
    }
}

impl Pending for ShellCommand {
    fn advance(&mut self, asking: &Asking<'_>) -> Await {
        match self.go_on(asking.host) {
            Ok(Some(awaits)) => awaits,
            Ok(None) => {
                self.result = self.running.status().map_err(Failure::System);
                Await::Done
            }
            Err(failure) => {
                self.running.end();
                self.result = Err(failure);
                Await::Done
            }
        }
    }

    fn cancel(&mut self) {
        self.running.end();
    }

    fn finish(self: Box<Self>, host: &Host) -> Outcome {
        let status = match &self.result {
            Ok(Some(status)) => *status,
            // It would not be done without a status.
            Ok(None) => return Err(io_error("shell: the command has no status")),
            Err(Failure::System(error)) => return Err(io_error(format!("shell: {error}"))),
            Err(Failure::TooMuch) => {
                return Err(eval_error(format!(
                    "shell: the output exceeds the limit of {MOST_OUTPUT} bytes"
                )));
            }
            Err(Failure::Memory) => return Err(host.out_of_memory().signal()),
            Err(Failure::TooLong(timeout)) => {
                let milliseconds = timeout.as_millis() as i64;
                let message = format!("shell: the command exceeded {milliseconds} ms");
                return Err(Condition::new(ConditionKind::Timeout, message)
                    .with("operation", Extra::Text("shell".to_owned()))
                    .with("duration-ms", Extra::Int(milliseconds))
                    .signal());
            }
        };
        let written = |source: &Shared<Source>| {
            let bytes = lock(source).take_buffered();
            if self.is_binary {
                host.heap.bytevector(&bytes)
            } else {
                host.heap.string(&String::from_utf8_lossy(&bytes))
            }
        };
        let mut entries = vec![
            (host.keyword("exit-code"), Value::small(code(status))),
            (host.keyword("stdout"), written(&self.running.output)),
            (host.keyword("stderr"), written(&self.running.errors)),
        ];
        if let Some(signal) = signal(status) {
            entries.push((host.keyword("signal"), Value::small(signal)));
        }
        Ok(sorted_map::from_entries(host, &entries))
    }
}
