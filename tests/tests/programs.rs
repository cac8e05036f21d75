//! The programs of `fixtures/programs`, in memory and as executables.
//!
//! `NAME.out` is the standard output; `NAME.in`, if there is one, the standard input. A first line
//! `;; exit: N` names an exit status. The expected outputs come from the reference implementation,
//! so they are not written by `SEMAC_BLESS`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sema_tests::{Scratch, fixtures, outcome, runtime, semac_in};

struct Program {
    source: PathBuf,
    input: Vec<u8>,
    output: String,
    status: i32,
}

fn programs() -> Vec<Program> {
    let directory = fs::read_dir(fixtures("programs")).unwrap();
    let mut sources: Vec<PathBuf> = directory.map(|entry| entry.unwrap().path()).collect();
    sources.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "sema")
    });
    sources.sort();
    assert!(sources.len() >= 40, "the fixtures are incomplete");
    sources.into_iter().map(program).collect()
}

fn program(source: PathBuf) -> Program {
    let text = fs::read_to_string(&source).unwrap();
    let status = text
        .lines()
        .find_map(|line| line.strip_prefix(";; exit: "))
        .map_or(0, |status| status.parse().unwrap());
    Program {
        input: fs::read(source.with_extension("in")).unwrap_or_default(),
        output: fs::read_to_string(source.with_extension("out")).unwrap(),
        status,
        source,
    }
}

/// Runs all programs with `command`, which gets a scratch directory and the source.
fn check(command: impl Fn(&Scratch, &Path) -> Result<Command, String>) {
    let mut failures = Vec::new();
    for program in programs() {
        let name = program
            .source
            .file_stem()
            .unwrap()
            .to_string_lossy()
            .into_owned();
        let scratch = Scratch::new();
        let mut command = match command(&scratch, &program.source) {
            Ok(command) => command,
            Err(problem) => {
                failures.push(format!("{name}: {problem}"));
                continue;
            }
        };
        let got = outcome(&mut command, &program.input);
        if got.stdout != program.output || got.status != program.status {
            failures.push(format!(
                "{name}: status {} (expected {})\n--- output\n{}--- expected\n{}--- errors\n{}",
                got.status, program.status, got.stdout, program.output, got.stderr
            ));
        }
    }
    assert!(
        failures.is_empty(),
        "{} programs failed\n\n{}",
        failures.len(),
        failures.join("\n\n")
    );
}

#[test]
fn programs_run_in_memory() {
    check(|scratch, source| {
        let mut command = semac_in(scratch.path());
        command.arg("run").arg(source);
        Ok(command)
    });
}

#[test]
fn programs_run_without_optimization() {
    check(|scratch, source| {
        let mut command = semac_in(scratch.path());
        command.args(["run", "-O0"]).arg(source);
        Ok(command)
    });
}

#[test]
fn programs_run_as_executables() {
    check(|scratch, source| {
        // The source is gone when the program runs.
        let copy = scratch.write("program.sema", fs::read(source).unwrap());
        let executable = scratch.file("program");
        let mut build = semac_in(scratch.path());
        build
            .args(["build", "program.sema", "--runtime"])
            .arg(runtime());
        let built = outcome(&mut build, b"");
        if built.status != 0 {
            return Err(format!("not built\n{}", built.stderr));
        }
        fs::remove_file(copy).unwrap();
        let mut command = Command::new(executable);
        command.env_clear().current_dir(scratch.path());
        Ok(command)
    });
}
