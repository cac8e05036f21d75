//! One look for everything that goes wrong: what `semac check` says, what a program says under
//! `semac run`, and what it says when it is built and has left its source behind.
//!
//! A file of `tests/golden/reports` holds what is said about the program of the same name in
//! `fixtures/reports`.

use std::fs;
use std::process::Command;

use sema_tests::{Outcome, Scratch, fixtures, golden, outcome, root, runtime, semac_in};

fn transcript(command: &str, got: &Outcome) -> String {
    format!(
        "$ {command}\n{}{}status {}\n",
        got.stdout, got.stderr, got.status
    )
}

/// What is said about a program by everybody who has something to say.
fn said_about(name: &str, text: &str) -> String {
    let file = format!("{name}.sema");
    let project = Scratch::with(&[(&file, text)]);
    let semac = |arguments: &[&str]| outcome(semac_in(project.path()).args(arguments), b"");
    let checked = semac(&["check", &file]);
    let mut said = transcript(&format!("semac check {file}"), &checked);
    if checked.status != 0 {
        return said;
    }
    let ran = semac(&["run", &file]);
    said.push('\n');
    said.push_str(&transcript(&format!("semac run {file}"), &ran));
    let mut build = semac_in(project.path());
    build.args(["build", &file, "--runtime"]).arg(runtime());
    outcome(&mut build, b"").succeeded();
    let mut built = Command::new(project.file(name));
    let built = outcome(built.env_clear(), b"");
    // What went wrong is the same for everybody; warnings are said before.
    let failure = |said: &str| {
        said.lines()
            .find(|line| line.starts_with("Error"))
            .map(str::to_owned)
    };
    assert_eq!(failure(&ran.stderr), failure(&built.stderr));
    said.push('\n');
    said.push_str(&transcript(&format!("./{name}"), &built));
    said
}

#[test]
fn what_is_said_about_mistakes() {
    let mut names = Vec::new();
    for entry in fs::read_dir(fixtures("reports")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let said = said_about(&name, &fs::read_to_string(&path).unwrap());
        let directory = root().join("tests/golden/reports");
        golden::check(&directory.join(format!("{name}.txt")), &said);
        names.push(name);
    }
    assert!(names.len() >= 5, "{names:?}");
}
