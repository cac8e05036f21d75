//! `semac test`: runs tests, each on a machine of its own.
//!
//! A test file is a program with forms `(test "name" body...)` at top level. For each of them the file is run from the start;
//! the body of the test runs at the end, so that it sees all definitions. A file without such forms is one test.

mod files;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use sema_machine::host::output::Output;
use sema_machine::vm::{Ending, FrameInfo, Limits};
use serde::Serialize;

use super::arguments::Lints;
use super::arguments::Optimization;
use super::capabilities;
use super::clock::Clock;
use super::diagnostics::{self, DiagnosticPart, Place};
use super::failure::{Failure, note, print, remark};
use super::inside::Inside;
use super::inspect::json_text;
use super::program;
use super::runnable::Runnable;
use super::{count_text, program::Found};
use crate::bundle::Allowance;
use crate::paths::shown;
use files::TestForm;
use semac_core::driver::{Surroundings, World};
use semac_core::front::diagnostic::Diagnostic;
use semac_core::front::diagnostic::render::{Renderer, standard_error_takes_colour};
use semac_core::front::lower::CERTAIN;
use semac_core::live::dynamic;

/// `semac test`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  semac test                          all tests below the current directory
  semac test lib/text_test.sema       those of a file
  semac test --filter parse           those whose names contain parse
  semac test --timeout 10             no test may take more than ten seconds

Tests are in files *_test.sema, and in all files *.sema of directories test and tests:

  (import \"../lib/text.sema\" shout)
  (test \"shouts\"
    (assert= \"HEY!\" (shout \"hey\")))

A test fails if it raises a condition or exits. Each one runs in a fresh program, after all
top-level forms of its file. A file without test forms is a test as a whole. The exit status is
1 if a test fails or none is found.")]
pub struct Test {
    /// Test files, or directories with test files [default: the current directory]
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Run only tests whose names contain this text, or whose files do
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
    /// How long each test may take; then it fails
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub timeout: Option<Duration>,
    /// Print the results as JSON on standard output
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub optimization: Optimization,
}

/// A time in seconds, perhaps with decimals.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: Option<f64> = text.parse().ok();
    seconds
        .filter(|seconds| *seconds > 0.0)
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| "it has to be a number of seconds above 0".to_owned())
}

#[derive(Default, Serialize)]
struct Report {
    passed: usize,
    failed: usize,
    files: Vec<FilePart>,
}

#[derive(Serialize)]
struct FilePart {
    file: String,
    tests: Vec<TestPart>,
    /// What there is to say about the program.
    diagnostics: Vec<DiagnosticPart>,
    /// Why its tests could not be run.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// What to do about that.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

#[derive(Serialize)]
struct TestPart {
    name: String,
    #[serde(flatten)]
    place: Option<Place>,
    passed: bool,
    duration_ms: f64,
    /// Why it failed.
    failure: Option<FailurePart>,
    /// What it printed.
    output: String,
}

#[derive(Serialize)]
struct FailurePart {
    message: String,
    /// The condition that it raised.
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<DiagnosticPart>,
    /// The same for people.
    #[serde(skip)]
    text: String,
}

pub(super) fn execute(arguments: &Test) -> Result<u8, Failure> {
    let files = files::files(&arguments.files)?;
    let limits = Limits::from_environment()?;
    let run = || run_files(arguments, &files, limits);
    let report = dynamic::on_large_stack(run).map_err(|error| Failure::Other {
        message: format!("cannot start the thread of the tests: {error}"),
        hint: "the system refuses more memory or threads; try again when it is less busy"
            .to_owned(),
    })?;
    if arguments.json {
        print(&json_text(&report)?)?;
    }
    if report.passed + report.failed == 0 {
        return Err(Failure::Other {
            message: match &arguments.filter {
                Some(filter) if !files.is_empty() => format!("no test contains '{filter}'"),
                _ => "there are no tests here".to_owned(),
            },
            hint: "tests are in files *_test.sema, and in *.sema in directories test and tests"
                .to_owned(),
        });
    }
    let summary = format!(
        "{} passed, {} failed\n",
        count_text(report.passed, "test"),
        report.failed
    );
    match report.failed {
        0 => remark(&summary),
        _ => note(&summary),
    }
    Ok(u8::from(report.failed > 0))
}

fn run_files(arguments: &Test, files: &[PathBuf], limits: Limits) -> Report {
    let mut report = Report::default();
    for file in files {
        let Some(part) = run_file(arguments, file, limits) else {
            continue;
        };
        report.passed += part.tests.iter().filter(|test| test.passed).count();
        report.failed += part.tests.iter().filter(|test| !test.passed).count();
        report.failed += usize::from(part.error.is_some());
        report.files.push(part);
    }
    report
}

/// The results of a file; none if the filter takes none of its tests.
fn run_file(arguments: &Test, file: &Path, limits: Limits) -> Option<FilePart> {
    let name = file.to_string_lossy().into_owned();
    let broken = |mut failure: Failure| {
        let error = failure.to_string();
        failure.show();
        Some(FilePart {
            file: file.to_string_lossy().into_owned(),
            tests: Vec::new(),
            hint: failure.hint().map(str::to_owned),
            diagnostics: failure.take_diagnostics(),
            error: Some(error),
        })
    };
    let (forms, form_sources) = match files::forms(file) {
        Ok(read) => read,
        Err(failure) => return broken(failure),
    };
    let wanted = |text: &str| {
        let filter = arguments.filter.as_deref();
        filter.is_none_or(|filter| text.contains(filter) || name.contains(filter))
    };
    let chosen: Vec<&TestForm> = forms.iter().filter(|form| wanted(&form.name)).collect();
    let whole = forms.is_empty();
    if chosen.is_empty() && !(whole && wanted(&name)) {
        return None;
    }
    let compiled = Inside::of_test(file).and_then(|inside| {
        let found = compile(arguments, file, whole, &inside)?;
        Ok((found, inside.files()?))
    });
    let (mut found, files) = match compiled {
        Ok(compiled) => compiled,
        Err(failure) => return broken(failure),
    };
    let mut part = FilePart {
        file: name.clone(),
        tests: Vec::new(),
        diagnostics: diagnostics::parts(found.sources(), &found.diagnostics),
        error: None,
        hint: None,
    };
    if !arguments.json {
        remark(&format!("{name}\n"));
    }
    let program = match found.shown().0 {
        Ok(compiled) => capabilities::border(&compiled.program, &Lints::default(), None)
            .map(|(granted, policy)| Runnable::new(compiled, granted, policy, files)),
        Err(failure) => Err(failure),
    };
    let program = match program {
        Ok(program) => program,
        Err(failure) => {
            part.error = Some(failure.to_string());
            part.hint = failure.hint().map(str::to_owned);
            failure.show();
            return Some(part);
        }
    };
    if whole {
        let result = run_test(&program, file, None, limits, arguments.timeout);
        part.tests.push(TestPart {
            name: name.clone(),
            place: None,
            ..result
        });
    }
    for form in chosen {
        let name = Some(form.name.as_str());
        let result = run_test(&program, file, name, limits, arguments.timeout);
        part.tests.push(TestPart {
            name: form.name.clone(),
            place: diagnostics::place(&form_sources, form.span),
            ..result
        });
    }
    if !arguments.json {
        part.tests.iter().for_each(show);
    }
    Some(part)
}

fn show(test: &TestPart) {
    let time = format!("{:.1} ms", test.duration_ms);
    match &test.failure {
        None => remark(&format!("  ok    {} ({time})\n", test.name)),
        Some(failure) => {
            let mut text = format!("  FAIL  {} ({time})\n", test.name);
            if let Some(place) = &test.place {
                text.push_str(&format!("        at {}:{}\n", place.file, place.line));
            }
            text.push_str(&failure.text);
            if !test.output.is_empty() {
                text.push_str("It printed:\n");
                text.push_str(test.output.trim_end());
                text.push('\n');
            }
            note(&text);
        }
    }
}

/// What the module is called that runs a test.
const RUNNER: &str = ".semac-test.sema";

/// The module that runs one test of a file: the one whose name is its last argument.
fn runner(file: &Path) -> Result<(PathBuf, Vec<u8>), Failure> {
    let path = std::fs::canonicalize(file).map_err(|source| Failure::File {
        action: "read",
        path: file.to_owned(),
        source,
    })?;
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| Failure::Other {
        message: format!("the name of '{}' is no text in UTF-8", shown(&file)),
        hint: "files with tests are loaded by their names: give it another one".to_owned(),
    })?;
    let name = name.replace('\\', "\\\\").replace('"', "\\\"");
    let text = format!(
        "(define *semac-test-name* (last (sys/args)))\n\
         (define *semac-test* nil)\n\
         (defmacro test (name . body)\n  \
         `(when (equal? ,name *semac-test-name*) (set! *semac-test* (fn () ,@body))))\n\
         (load \"{name}\")\n\
         (if (nil? *semac-test*)\n    \
         (error \"the test was not reached: it has to be a form at top level, and `test` must not be defined\")\n    \
         (*semac-test*))\n"
    );
    Ok((path.with_file_name(RUNNER), text.into_bytes()))
}

fn compile(arguments: &Test, file: &Path, whole: bool, inside: &Inside) -> Result<Found, Failure> {
    // Tests run here and now and say themselves where they fail.
    let lints = Lints {
        allow: CERTAIN
            .map(|code| Allowance::Code(code.to_owned()))
            .to_vec(),
        ..Lints::default()
    };
    let clock = Clock::new(arguments.optimization.time_passes);
    let mut options = arguments.optimization;
    // Only code that counts its steps can be stopped.
    options.stoppable |= arguments.timeout.is_some();
    let purpose = program::Purpose {
        embedded: inside.embedding.paths(),
        ..program::Purpose::new(Surroundings::Sources, World::PROGRAM)
    };
    let found = match whole {
        true => program::found(file, &options, &lints, purpose, &clock)?,
        false => {
            let (entry, text) = runner(file)?;
            let texts = HashMap::from([(entry.clone(), text)]);
            program::found_with(&entry, texts, &options, &lints, purpose, &clock)
        }
    };
    clock.show();
    Ok(found)
}

/// What there is to say about a file with tests, found without running them; `None` if `semac test` would not take the file, or
/// would find none in it.
///
/// # Errors
/// It cannot be read, or its tests are malformed.
pub(super) fn checked(
    file: &Path,
    optimization: &Optimization,
    lints: &Lints,
    clock: &Clock,
) -> Result<Option<Found>, Failure> {
    if !file.is_file() || !files::is_test(file) || files::forms(file)?.0.is_empty() {
        return Ok(None);
    }
    let (entry, text) = runner(file)?;
    let texts = HashMap::from([(entry.clone(), text)]);
    let purpose = program::Purpose::new(Surroundings::Sources, World::PROGRAM);
    let found = program::found_with(&entry, texts, optimization, lints, purpose, clock);
    Ok(Some(found))
}

/// Runs a test of a program, or all of it. The name and the place are the caller's.
fn run_test(
    program: &Runnable,
    file: &Path,
    name: Option<&str>,
    limits: Limits,
    timeout: Option<Duration>,
) -> TestPart {
    let started = Instant::now();
    let words = std::iter::once(file.to_string_lossy().into_owned());
    let words = words.chain(name.map(str::to_owned)).collect();
    let (mut vm, number) = program.load(Output::memory(), words, limits);
    vm.set_time_limit(timeout);
    let failure = match number {
        Err(problem) => Some(plain(format!("it cannot be started: {problem}"))),
        Ok(number) => match vm.run_main(number) {
            Ending::Value(_) => None,
            // The whole file may end itself, with success.
            Ending::Exit(0) if name.is_none() => None,
            Ending::Exit(status) => Some(plain(format!("it has exited with status {status}"))),
            Ending::Uncaught(mut uncaught) => {
                // The frame that calls the test is not the user's.
                let is_runner = |frame: &FrameInfo| {
                    let file = frame.position.as_ref().map(|(file, ..)| Path::new(file));
                    file.is_some_and(|file| file.ends_with(RUNNER))
                };
                uncaught.frames.retain(|frame| !is_runner(frame));
                let sources = &program.sources;
                let diagnostic = Diagnostic::uncaught(&uncaught, sources);
                let renderer = Renderer::new(standard_error_takes_colour());
                Some(FailurePart {
                    message: diagnostic.message.clone(),
                    text: renderer.render(sources, &diagnostic),
                    condition: diagnostics::parts(sources, &[*diagnostic]).pop(),
                })
            }
        },
    };
    let output = vm.host.output.take();
    vm.host.end();
    TestPart {
        name: String::new(),
        place: None,
        passed: failure.is_none(),
        duration_ms: milliseconds(started.elapsed()),
        failure,
        output: String::from_utf8_lossy(&output).into_owned(),
    }
}

fn plain(message: String) -> FailurePart {
    FailurePart {
        text: format!("Error: {message}\n"),
        message,
        condition: None,
    }
}

/// To a tenth.
fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e4).round() / 10.0
}
