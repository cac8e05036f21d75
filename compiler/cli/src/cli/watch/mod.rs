//! `semac watch`: builds, runs or tests again whenever a file of the program changes.
//!
//! Files are looked at a few times a second: that works on all file systems, those of containers and networks too, and costs
//! a call of the system for each file. What is done runs in a process of its own, so that a program that does not end can be
//! stopped for the next version of it.

mod included;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::IsTerminal;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use clap::{Args, ValueEnum};
use sema_machine::platform::ending::{self, Group};
use sema_machine::platform::heard::Signal;
use semac_core::driver::{Surroundings, World};
use semac_core::live::machine::Printed;

use super::arguments::Lints;
use super::check::NO_OPTIMIZATION;
use super::clock::Clock;
use super::failure::{Failure, remark};

use super::program;
use crate::project::{NAME, Project};
use included::Included;

/// How often files are looked at.
const STEP: Duration = Duration::from_millis(200);

/// How long what runs may take to end when it is asked to, which leaves nothing of what it has started, before it is ended
/// without its help.
const PATIENCE: Duration = Duration::from_secs(1);
const MOMENT: Duration = Duration::from_millis(5);

/// The signals that end the watch.
const ENDING: [Signal; 3] = [Signal::Terminate, Signal::Interrupt, Signal::HangUp];

/// What is done again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Action {
    /// Run the program
    Run,
    /// Build it
    Build,
    /// Check it
    Check,
    /// Run the tests of the directory
    Test,
}

/// `semac watch`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  semac watch app.sema                  run app.sema, and again when it or a module changes
  semac watch server.sema -- --port 80  with arguments of the program
  semac watch --action test             the tests, when a file of the directory changes

A program that is still running is ended first. Ctrl-C ends both.")]
pub struct Watch {
    /// The program's entry file, or a directory with a sema.toml [default: the current directory]
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// What to do when something changes
    #[arg(long, value_name = "ACTION", value_enum, default_value_t = Action::Run)]
    pub action: Action,
    /// Watch this file or directory, too (repeatable)
    #[arg(long, value_name = "PATH")]
    pub also: Vec<PathBuf>,
    /// Arguments of the program
    #[arg(value_name = "ARGS", last = true)]
    pub arguments: Vec<OsString>,
}

pub(super) fn execute(arguments: &Watch) -> Result<u8, Failure> {
    if let Some(missing) = arguments.also.iter().find(|path| !path.exists()) {
        return Err(Failure::File {
            action: "watch",
            path: missing.clone(),
            source: std::io::ErrorKind::NotFound.into(),
        });
    }
    let entry = entry_of(arguments)?;
    let semac = std::env::current_exe().map_err(|source| Failure::File {
        action: "find",
        path: PathBuf::from("semac"),
        source,
    })?;
    for signal in ENDING {
        signal.hear_unless_ignored();
    }
    loop {
        let watched = watched(arguments, entry.as_deref());
        let mut included = Included::of(arguments, entry.as_deref());
        let mut state = || {
            let mut state = state(&watched, &arguments.also);
            included.add_to(&mut state);
            state
        };
        let before = state();
        let mut running = Running::start(&semac, arguments, entry.as_deref())?;
        while state() == before {
            running.note_end();
            if let Some(signal) = ENDING.into_iter().find(|signal| signal.count() > 0) {
                running.end();
                signal.end_process();
            }
            thread::sleep(STEP);
        }
        // An editor may write a file in several steps.
        let mut settled = state();
        loop {
            thread::sleep(STEP);
            let now = state();
            if now == settled {
                break;
            }
            settled = now;
        }
        running.end();
        remark("-- changed\n");
    }
}

/// The program's entry file; none for tests.
fn entry_of(arguments: &Watch) -> Result<Option<PathBuf>, Failure> {
    let directory = match &arguments.file {
        Some(file) if !file.is_dir() => return Ok(Some(file.clone())),
        Some(directory) => directory.clone(),
        None => PathBuf::new(),
    };
    if arguments.action == Action::Test {
        return Ok(None);
    }
    let project = Project::of_directory(&directory)?;
    let entry = project.and_then(|project| project.entry);
    entry.map(Some).ok_or_else(|| {
        Failure::Usage(format!(
            "no FILE is given, and there is no {NAME} that names the entry of the program"
        ))
    })
}

/// The files to look at, and the directories whose files are.
fn watched(arguments: &Watch, entry: Option<&Path>) -> Vec<PathBuf> {
    let mut paths = arguments.also.clone();
    let Some(entry) = entry else {
        let directory = arguments.file.clone();
        paths.push(directory.unwrap_or_else(|| PathBuf::from(".")));
        return paths;
    };
    paths.push(entry.to_owned());
    let directory = entry.parent().unwrap_or(Path::new(""));
    paths.push(directory.join(NAME));
    // What cannot be compiled now is in the files next to the program, as far as it is known.
    let found = program::found(
        entry,
        &NO_OPTIMIZATION,
        &Lints::default(),
        program::Purpose {
            printed: Printed::Nowhere,
            ..program::Purpose::new(Surroundings::Sources, World::PROGRAM)
        },
        &Clock::new(false),
    );
    match found.ok().and_then(|found| found.program) {
        Some(compiled) => paths.extend(compiled.inputs),
        None => paths.push(match directory.as_os_str().is_empty() {
            true => PathBuf::from("."),
            false => directory.to_owned(),
        }),
    }
    paths
}

/// Time and size of a file; none if there is no such file.
type Stamp = Option<(SystemTime, u64)>;

/// What the files are like now. `whole`: all files of these directories count, not only sources.
fn state(paths: &[PathBuf], whole: &[PathBuf]) -> BTreeMap<PathBuf, Stamp> {
    let mut state = BTreeMap::new();
    for path in paths {
        if path.is_dir() {
            files_below(path, whole.contains(path), 0, &mut state);
        } else {
            state.insert(path.clone(), stamp(path));
        }
    }
    state
}

fn stamp(path: &Path) -> Stamp {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// Directories are searched this deep.
const DEPTH_LIMIT: usize = 16;

/// Sources and project files below a directory, or all files; what builds write is not among the former.
fn files_below(directory: &Path, all: bool, depth: usize, state: &mut BTreeMap<PathBuf, Stamp>) {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    for entry in entries {
        let path = entry.path();
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        let is_source = path
            .extension()
            .is_some_and(|extension| extension == "sema");
        if is_hidden {
            continue;
        }
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            if depth < DEPTH_LIMIT {
                files_below(&path, all, depth + 1, state);
            }
        } else if all || is_source || entry.file_name() == NAME {
            let stamp = stamp(&path);
            state.insert(path, stamp);
        }
    }
}

/// The process that does what is done.
struct Running {
    child: Child,
    ended: bool,
    /// It and what it starts, which end with semac, whichever signal that is. At a terminal it is in semac's group instead:
    /// else it could not read, and the terminal's signals reach both there.
    group: Option<Group>,
}

impl Running {
    fn start(semac: &Path, arguments: &Watch, entry: Option<&Path>) -> Result<Running, Failure> {
        let mut command = Command::new(semac);
        match arguments.action {
            Action::Run => command.arg("run"),
            Action::Build => command.arg("build"),
            Action::Check => command.arg("check"),
            Action::Test => command.arg("test"),
        };
        if super::failure::is_quiet() && arguments.action != Action::Run {
            command.arg("--quiet");
        }
        let directory = arguments.file.as_deref().filter(|path| path.is_dir());
        match (arguments.action, entry) {
            // The project file says more than which file it is.
            (Action::Build, _) if arguments.file.is_none() => {}
            (Action::Build | Action::Test, _) if directory.is_some() => {
                command.args(directory);
            }
            (_, entry) => {
                command.args(entry);
            }
        }
        command.args(&arguments.arguments);
        let has_group = !std::io::stdin().is_terminal();
        if has_group {
            command.process_group(0);
        } else if !ending::is_in_background() {
            // A terminal of which nothing can be learnt is left alone.
            let _ = ending::note_terminal_mode();
        }
        ending::end_with_us(&mut command);
        let child = command.spawn().map_err(|source| Failure::File {
            action: "start",
            path: semac.to_owned(),
            source,
        })?;
        let leader = i32::try_from(child.id()).ok().filter(|_| has_group);
        Ok(Running {
            child,
            ended: false,
            group: leader.map(Group::new),
        })
    }

    /// Says that it has ended, once.
    fn note_end(&mut self) {
        if self.ended {
            return;
        }
        if let Ok(Some(status)) = self.child.try_wait() {
            self.has_ended();
            remark(&match status.code() {
                Some(0) => "-- done, waiting for changes\n".to_owned(),
                Some(code) => format!("-- status {code}, waiting for changes\n"),
                None => "-- ended by a signal, waiting for changes\n".to_owned(),
            });
        }
    }

    fn has_ended(&mut self) {
        self.ended = true;
        self.group = None;
        // Who is killed leaves the terminal as it is.
        ending::restore_terminal_mode();
    }

    /// Ends it, and what it has started: that is in groups of its own, which only it knows.
    fn end(&mut self) {
        if self.ended {
            return;
        }
        let process = i32::try_from(self.child.id()).unwrap_or(0);
        ending::ask_to_end(if self.group.is_some() {
            -process
        } else {
            process
        });
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            match self.child.try_wait() {
                Ok(None) => thread::sleep(MOMENT),
                _ => return self.has_ended(),
            }
        }
        if let Some(group) = self.group.take() {
            group.kill();
        }
        if self.child.kill().is_ok() {
            // It has been ended: what it says to that is of no interest.
            let _ = self.child.wait();
        }
        self.has_ended();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}
