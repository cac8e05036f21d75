//! docs/shipping.md, typed: its commands follow from each other, and print what stands there.

use std::fmt::Write;
use std::os::unix::fs::symlink;
use std::process::Command;

use sema_tests::peers::skip;
use sema_tests::{Scratch, outcome, root, runtime, semac};

/// What begins commands that need more than semac, or do not end.
const OTHERS: &[&str] = &[
    "make ",
    "docker ",
    "podman ",
    "skopeo ",
    "wasmtime ",
    "semac watch ",
];

/// A command and the lines that it prints according to the page.
struct Typed {
    command: String,
    printed: Vec<String>,
}

fn typed(page: &str) -> Vec<Typed> {
    let mut all: Vec<Typed> = Vec::new();
    let mut is_inside = false;
    for line in page.lines() {
        match (line.strip_prefix("    $ "), line.strip_prefix("    ")) {
            (Some(command), _) => {
                is_inside = true;
                all.push(Typed {
                    command: command.to_owned(),
                    printed: Vec::new(),
                });
            }
            (None, Some(text)) if is_inside => {
                if let Some(last) = all.last_mut() {
                    last.printed.push(text.to_owned());
                }
            }
            _ => is_inside = false,
        }
    }
    all.retain(|one| !OTHERS.iter().any(|other| one.command.starts_with(other)));
    all
}

/// Whether a line is the same on every machine and at every time.
fn is_fixed(line: &str) -> bool {
    !["MB", "kB", " ms", " in ", "Next:", "…"]
        .iter()
        .any(|part| line.contains(part))
}

#[test]
fn the_page_about_shipping_can_be_typed() {
    let page = std::fs::read_to_string(root().join("docs/shipping.md")).unwrap();
    let mut typed = typed(&page);
    // Runtimes of other platforms are not everywhere.
    let runtimes = std::env::var_os("SEMAC_TEST_RUNTIMES");
    if runtimes.is_none() {
        skip("SEMAC_TEST_RUNTIMES names no runtimes of other platforms");
        typed.retain(|one| !one.command.contains("--target"));
    }
    assert!(typed.len() > 25, "{}", typed.len());
    let scratch = Scratch::new();
    std::fs::create_dir(scratch.file("bin")).unwrap();
    symlink(semac().get_program(), scratch.file("bin/semac")).unwrap();
    symlink(runtime(), scratch.file("bin/sema-rt")).unwrap();
    std::fs::create_dir(scratch.file("home")).unwrap();
    let mut script = "set -e\nexec 2>&1\n".to_owned();
    for (number, one) in typed.iter().enumerate() {
        writeln!(script, "echo '@@ {number}'\n{}", one.command).unwrap();
    }
    let path = std::env::var("PATH").unwrap_or_default();
    let mut shell = Command::new("sh");
    for (name, value) in semac().get_envs() {
        shell.env(name, value.unwrap_or_default());
    }
    if let Some(runtimes) = runtimes {
        shell.env("SEMAC_RUNTIMES", runtimes);
    }
    shell
        .args(["-c", &script])
        .env("PATH", format!("{}:{path}", scratch.file("bin").display()))
        .current_dir(scratch.file("home"));
    let got = outcome(&mut shell, b"");
    let last = got.stdout.rsplit("@@ ").next().unwrap_or_default();
    assert_eq!(
        got.status, 0,
        "the page cannot be typed from here on: {last}"
    );
    for (number, one) in typed.iter().enumerate() {
        let mark = format!("@@ {number}\n");
        let printed = got.stdout.split(&mark).nth(1).unwrap_or_default();
        let printed = printed.split("@@ ").next().unwrap_or_default();
        let lines: Vec<&str> = printed.lines().map(str::trim_end).collect();
        for expected in one.printed.iter().filter(|line| is_fixed(line)) {
            // A remark may stand behind what is printed.
            let expected = expected.split("   #").next().unwrap_or(expected).trim_end();
            assert!(
                lines.contains(&expected),
                "$ {}\n{printed}\nnot: {expected}",
                one.command
            );
        }
    }
}
