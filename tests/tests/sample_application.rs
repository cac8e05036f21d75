//! The sample application, built and run as a user would.
//!
//! A file of `fixtures/app/expected` holds the arguments, and what came of them.

use std::fs;
use std::process::Command;

use sema_tests::{Outcome, Scratch, fixtures, golden, outcome, runtime, semac_in};

const CASES: &[(&str, &[&str])] = &[
    ("all", &[]),
    ("region", &["--region", "east", "--top", "1", "--strict"]),
    ("top", &["--top", "2"]),
    ("no-orders", &["--region", "mars"]),
    ("wrong-option", &["--bogus"]),
    ("missing-file", &["missing.csv"]),
];

fn transcript(arguments: &[&str], got: &Outcome) -> String {
    format!(
        "$ report {}\n{}--- standard error\n{}--- status {}\n",
        arguments.join(" "),
        got.stdout,
        got.stderr,
        got.status
    )
}

#[test]
fn runs_from_one_file_with_its_data_inside() {
    let project = Scratch::new();
    copy("", &project);
    let elsewhere = Scratch::new();
    let executable = elsewhere.file("report");
    let mut build = semac_in(project.path());
    build.args(["build", "main.sema", "--include", "data", "-o"]);
    build.arg(&executable).arg("--runtime").arg(runtime());
    outcome(&mut build, b"").succeeded();
    drop(project);

    let empty = Scratch::new();
    for (name, arguments) in CASES {
        let mut command = Command::new(&executable);
        command
            .env_clear()
            .current_dir(empty.path())
            .args(*arguments);
        let got = outcome(&mut command, b"");
        let file = fixtures("app/expected").join(format!("{name}.txt"));
        golden::check(&file, &transcript(arguments, &got));
    }
    assert_eq!(empty.names(), [""; 0], "the program wrote files");
}

#[test]
fn reads_a_table_from_disk_when_told() {
    let scratch = Scratch::with(&[(
        "my.csv",
        "date,region,product,units,price\n2024,south,pen,3,1.10\n",
    )]);
    let mut command = semac_in(&fixtures("app"));
    command
        .args(["run", "main.sema"])
        .arg(scratch.file("my.csv"));
    let got = outcome(&mut command, b"").succeeded();
    assert!(got.stdout.contains("pen   1        3.30"), "{}", got.stdout);
}

fn copy(directory: &str, project: &Scratch) {
    for entry in fs::read_dir(fixtures("app").join(directory)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = if directory.is_empty() {
            name
        } else {
            format!("{directory}/{name}")
        };
        if entry.file_type().unwrap().is_dir() {
            copy(&path, project);
        } else {
            project.write(&path, fs::read(entry.path()).unwrap());
        }
    }
}
