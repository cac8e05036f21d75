//! Which runtime a program gets, and what it may take in while it runs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use sema_tests::{Scratch, outcome, root, runtime, semac_in};

/// A program that needs tier std.
const WITH_ARRAYS: &str =
    "(define (total) (f64-array/sum (f64-array 1.0 2.0)))\n(println (total))\n";

/// The runtime of tier core, built in a target directory of its own: features of packages that are
/// built together add up.
fn core_runtime() -> &'static Path {
    static RUNTIME: OnceLock<PathBuf> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("core");
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .args(["build", "--quiet", "--offline", "--package", "sema-rt"])
            .arg("--target-dir")
            .arg(&target)
            .current_dir(root());
        assert!(cargo.status().unwrap().success());
        target.join("debug/sema-rt")
    })
}

#[test]
fn a_core_runtime_holds_nothing_of_the_higher_tiers() {
    let contains = |file: &Path, text: &str| {
        let bytes = std::fs::read(file).unwrap();
        occurs(&bytes, text.as_bytes())
    };
    let full = runtime();
    for tier in ["3std", "3net"] {
        // Names of crate and module as they stand in symbols, after their lengths.
        let symbol = format!("12sema_natives{tier}");
        assert!(
            contains(full, &symbol),
            "the full runtime has no {symbol}, so the test proves nothing"
        );
        assert!(!contains(core_runtime(), &symbol), "{symbol}");
    }
    assert!(contains(core_runtime(), "12sema_natives4core"));
}

fn occurs(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

#[test]
fn a_smaller_tier_is_refused_with_builtins_and_places() {
    let project = Scratch::with(&[("main.sema", WITH_ARRAYS)]);
    let mut command = semac_in(project.path());
    command.args(["build", "main.sema", "-o", "program", "--tier", "core"]);
    let refused = outcome(&mut command, b"");
    refused
        .clone()
        .failed_with(1, "needs a runtime of tier std, not core")
        .failed_with(1, "f64-array (tier std) at main.sema:1:32")
        .failed_with(1, "give --tier std");
    assert!(!project.file("program").exists());
    let mut command = semac_in(project.path());
    command.args(["build", "main.sema", "-o", "program", "--runtime"]);
    command.arg(core_runtime());
    outcome(&mut command, b"")
        .failed_with(
            1,
            "is a runtime of tier core, and the program needs tier std",
        )
        .failed_with(1, "f64-array/sum (tier std) at main.sema:");
    assert!(!project.file("program").exists());
}

#[test]
fn a_larger_tier_is_found_beside_semac_or_where_the_variable_says() {
    let project = Scratch::with(&[("main.sema", WITH_ARRAYS)]);
    let target = target();
    let folder = project.file(&format!("elsewhere/{target}"));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::copy(runtime(), folder.join("sema-rt-full")).unwrap();
    let mut command = semac_in(project.path());
    command
        .args(["build", "-v", "main.sema", "-o", "program"])
        .env("SEMAC_RUNTIMES", project.file("elsewhere"));
    let built = outcome(&mut command, b"").succeeded();
    assert!(built.stderr.contains("Tier std because of:"), "{built:?}");
    assert!(built.stderr.contains("sema-rt-full"), "{built:?}");
    let mut program = Command::new(project.file("program"));
    let got = outcome(program.env_clear(), b"").succeeded();
    assert_eq!(got.stdout, "3.0\n");
    let mut inspect = semac_in(project.path());
    let got = outcome(inspect.args(["inspect", "program"]), b"").succeeded();
    assert!(got.stdout.contains("std, because of f64-array"), "{got:?}");
}

#[test]
fn the_tier_is_that_of_the_highest_builtin() {
    let program = "(println (message/role (message :user \"hi\")) (f64-array/sum (f64-array 1.0)))";
    let project = Scratch::with(&[("main.sema", program)]);
    let mut command = semac_in(project.path());
    command.args(["build", "main.sema", "-o", "program", "--tier", "std"]);
    let refused = outcome(&mut command, b"").failed_with(1, "needs a runtime of tier net, not std");
    assert!(
        refused.stderr.contains("message/role (tier net)"),
        "{refused:?}"
    );
    assert!(!refused.stderr.contains("f64-array"), "{refused:?}");
}

/// The platform semac was built for.
fn target() -> String {
    let project = Scratch::new();
    let mut command = semac_in(project.path());
    command.args(["build", "--list-targets"]);
    let text = outcome(&mut command, b"").succeeded().stdout;
    let line = text.lines().nth(1).unwrap_or_default();
    line.split_whitespace()
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// Compiles a plugin, builds a host with `options`, and runs it.
fn host_and_plugin(host: &str, plugin: &str, runtime: &Path) -> sema_tests::Outcome {
    let project = Scratch::with(&[("main.sema", host), ("plugin.sema", plugin)]);
    let mut command = semac_in(project.path());
    command.args(["compile", "plugin.sema", "-o", "plugin.semac"]);
    outcome(&mut command, b"").succeeded();
    let mut command = semac_in(project.path());
    command.args(["build", "main.sema", "-o", "program", "--runtime"]);
    outcome(command.arg(runtime), b"").succeeded();
    let mut program = Command::new(project.file("program"));
    program.env_clear().current_dir(project.path());
    outcome(&mut program, b"")
}

const HOST: &str = "
(define (plugin) (str \"plugin\" \".semac\"))
(println (try (begin (import (plugin)) \"taken in\") (catch e (list (:type e) (:message e)))))
";

#[test]
fn a_module_from_outside_gets_no_capability_that_the_program_has_not() {
    let plugin = "(define (change) (file/write \"secret.txt\" \"\"))\n";
    let got = host_and_plugin(HOST, plugin, runtime()).succeeded();
    assert!(got.stdout.contains(":permission-denied"), "{got:?}");
    assert!(
        got.stdout.contains("needs the capabilities fs-write"),
        "{got:?}"
    );
    let writing = format!("{HOST}(define (unused) (file/write \"x\" \"\"))\n(println unused)\n");
    let got = host_and_plugin(&writing, plugin, runtime()).succeeded();
    assert!(got.stdout.contains("taken in"), "{got:?}");
}

/// The same under `semac run`.
#[test]
fn run_grants_no_capability_that_the_program_has_not() {
    let plugin = "(define (change) (file/write \"secret.txt\" \"\"))\n";
    let writing = format!("{HOST}(define (unused) (file/write \"x\" \"\"))\n(println unused)\n");
    for (host, text) in [
        (HOST, "needs the capabilities fs-write"),
        (writing.as_str(), "taken in"),
    ] {
        let project = Scratch::with(&[("main.sema", host), ("plugin.sema", plugin)]);
        let mut compile = semac_in(project.path());
        outcome(
            compile.args(["compile", "plugin.sema", "-o", "plugin.semac"]),
            b"",
        )
        .succeeded();
        let mut run = semac_in(project.path());
        let got = outcome(run.args(["run", "main.sema"]), b"").succeeded();
        assert!(got.stdout.contains(text), "{got:?}");
    }
}

#[test]
fn a_module_from_outside_that_needs_a_higher_tier_is_refused() {
    let got = host_and_plugin(HOST, WITH_ARRAYS, core_runtime()).succeeded();
    assert!(got.stdout.contains(":unsupported"), "{got:?}");
    assert!(got.stdout.contains("f64-array, f64-array/sum"), "{got:?}");
}
