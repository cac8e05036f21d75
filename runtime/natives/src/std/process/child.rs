//! A process that was started with pipes for what it reads and writes.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::core::system::device::{Shared, Sink, Source, lock};
use sema_machine::platform::descriptors::{Descriptor, Interest};
use sema_machine::platform::ending::Group;
use sema_machine::platform::threads;
use sema_machine::task::Await;

/// Output that is kept while nobody reads it. What would go beyond it is an error of who waits.
pub(super) const MOST_OUTPUT: usize = 256 << 20;
/// How often a process is looked after where its end cannot be waited for.
const LOOK: Duration = Duration::from_millis(5);
/// How long a process that was killed is waited for before a thread does it.
const DEATH: Duration = Duration::from_millis(10);

/// A process, running or ended.
pub(super) struct Running {
    /// `None`: it has been waited for, or a thread waits for it.
    child: Option<Child>,
    /// Its group, if it leads one. Forgotten when it has been waited for: the number may mean others then. So nobody
    /// waits for one that has ended while others hold what it writes to: they are of its group, and end with it.
    group: Option<Group>,
    /// Becomes readable when it ends.
    ended: Option<Descriptor>,
    status: Option<ExitStatus>,
    /// What it writes to its standard output and error.
    pub(super) output: Shared<Source>,
    pub(super) errors: Shared<Source>,
    /// What it reads; `None`: closed.
    pub(super) input: Option<Shared<Sink>>,
}

/// Whether a process is in a group of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Membership {
    /// In ours: it can use the terminal.
    Ours,
    /// It leads its own.
    Own,
}

fn shared<T>(value: T) -> Shared<T> {
    Arc::new(Mutex::new(value))
}

/// The source behind the end of a pipe; nothing, if there is none.
fn source(end: Option<impl Into<OwnedFd>>) -> Shared<Source> {
    shared(match end {
        Some(end) => Source::pipe(end.into()),
        None => Source::memory(Vec::new()),
    })
}

#[cfg(target_os = "linux")]
fn end_of(child: &Child) -> Option<Descriptor> {
    use rustix::process::{Pid, PidfdFlags, pidfd_open};
    let pid = Pid::from_raw(child.id().try_into().ok()?)?;
    let descriptor = pidfd_open(pid, PidfdFlags::empty()).ok()?;
    Some(Descriptor::Shared(Arc::new(descriptor)))
}

#[cfg(not(target_os = "linux"))]
fn end_of(_: &Child) -> Option<Descriptor> {
    None
}

/// How a process has ended, which stays a zombie; `None`: it runs.
fn ended(child: &Child) -> io::Result<Option<ExitStatus>> {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
    let number = child.id().try_into().ok().and_then(Pid::from_raw);
    let number = number.ok_or(io::ErrorKind::InvalidInput)?;
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let Some(found) = waitid(WaitId::Pid(number), options)? else {
        return Ok(None);
    };
    Ok(match (found.exit_status(), found.terminating_signal()) {
        (Some(code), _) => Some(ExitStatus::from_raw((code & 0xff) << 8)),
        (None, Some(signal)) => Some(ExitStatus::from_raw(signal)),
        (None, None) => None,
    })
}

impl Running {
    /// Starts a command, with a pipe for what it reads if `with_input`.
    pub(super) fn start(
        mut command: Command,
        membership: Membership,
        with_input: bool,
    ) -> io::Result<Running> {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.stdin(if with_input {
            Stdio::piped()
        } else {
            Stdio::null()
        });
        if membership == Membership::Own {
            command.process_group(0);
        }
        let mut child = command.spawn()?;
        let group = (membership == Membership::Own)
            .then(|| Group::new(i32::try_from(child.id()).unwrap_or(0)));
        let output = source(child.stdout.take());
        let errors = source(child.stderr.take());
        let input = child.stdin.take();
        let ended = end_of(&child);
        let mut running = Running {
            child: Some(child),
            group,
            ended,
            status: None,
            output,
            errors,
            input: None,
        };
        if let Some(input) = input {
            running.input = Some(shared(Sink::pipe(input.into())?));
        }
        Ok(running)
    }

    /// How it has ended; `None`: it runs.
    pub(super) fn status(&mut self) -> io::Result<Option<ExitStatus>> {
        if let (None, Some(child)) = (self.status, &mut self.child)
            && let Some(status) = ended(child)?
        {
            self.status = Some(status);
            self.ended = None;
            self.input = None;
        }
        self.let_go()?;
        Ok(self.status)
    }

    /// Waits for a process that has ended, and forgets its group, if nothing is left that writes.
    fn let_go(&mut self) -> io::Result<()> {
        if self.status.is_some() && self.is_silent() {
            self.group = None;
            if let Some(mut child) = self.child.take() {
                child.wait()?;
            }
        }
        Ok(())
    }

    /// Takes in what it has written; whether there may be more at once.
    ///
    /// # Errors
    /// The system's answer; or nobody reads the output and it has become too much.
    pub(super) fn drain(&mut self) -> io::Result<bool> {
        let mut more = false;
        for source in [&self.output, &self.errors] {
            let mut source = lock(source);
            // Who stands in line waits for the descriptor to have something, and takes it.
            if !source.line.is_empty() {
                continue;
            }
            more |= source.drain(MOST_OUTPUT)?;
            if source.buffered() >= MOST_OUTPUT {
                return Err(io::Error::other(format!(
                    "more than {MOST_OUTPUT} bytes of output wait to be read"
                )));
            }
        }
        self.let_go()?;
        Ok(more)
    }

    /// Whether it has closed what it writes to.
    pub(super) fn is_silent(&self) -> bool {
        let is_closed = |source: &Shared<Source>| lock(source).descriptor().is_none();
        is_closed(&self.output) && is_closed(&self.errors)
    }

    /// What to wait for until it has written something or has ended.
    pub(super) fn awaits(&self, until: Option<Instant>) -> Await {
        let mut descriptors = Vec::new();
        let until = self.interests(&mut descriptors, until);
        Await::AnyOf(descriptors, until)
    }

    /// Adds what can be waited for; until when to wait.
    pub(super) fn interests(
        &self,
        descriptors: &mut Vec<(Descriptor, Interest)>,
        until: Option<Instant>,
    ) -> Option<Instant> {
        for source in [&self.output, &self.errors] {
            if let Some(descriptor) = lock(source).descriptor() {
                descriptors.push((descriptor, Interest::Read));
            }
        }
        match (&self.ended, self.status) {
            (Some(ended), _) => {
                descriptors.push((ended.clone(), Interest::Read));
                until
            }
            (None, Some(_)) => until,
            (None, None) => {
                let soon = Instant::now() + LOOK;
                Some(until.map_or(soon, |until| until.min(soon)))
            }
        }
    }

    /// Ends it and its group if it leads one, also what is left of the group when it has ended by itself.
    pub(super) fn kill(&mut self) {
        if let Some(group) = &self.group {
            group.kill();
        }
        if let (None, Some(child)) = (self.status, &mut self.child) {
            // It has ended by itself meanwhile: just as well.
            let _ = child.kill();
        }
    }

    /// Ends it and sees to it that nothing is left of it.
    pub(super) fn end(&mut self) {
        self.kill();
        let start = Instant::now();
        while self.status().is_ok_and(|status| status.is_none()) && start.elapsed() < DEATH {
            std::thread::sleep(Duration::from_micros(200));
        }
        self.input = None;
        self.group = None;
        if let Some(mut child) = self.child.take()
            && let Ok(None) = child.try_wait()
        {
            // It hangs in the system, or whole cores are busy: somebody else waits for it.
            let wait = move || drop(child.wait());
            let _ = threads::start(None, 64 << 10, Box::new(wait));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

/// The exit code; -1 stands for a signal.
pub(super) fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or(-1)
}

/// The signal that has ended a process, if one has.
pub(super) fn signal(status: ExitStatus) -> Option<i32> {
    status.signal()
}
