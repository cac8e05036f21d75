//! The runtime that ships in every program can run bytecode and nothing else: no reader, no macro
//! expander, no compiler. Two independent witnesses: what it depends on, and what is in the file.

use std::path::PathBuf;
use std::process::Command;

/// Only the compiler may depend on these.
const COMPILER_PACKAGES: [&str; 3] = ["semac", "clap", "lasso"];

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn it_does_not_depend_on_the_compiler() {
    depends_on_the_machine_only("sema-rt");
}

#[test]
fn neither_does_the_library_to_embed() {
    depends_on_the_machine_only("sema-embed");
}

#[track_caller]
fn depends_on_the_machine_only(runtime: &str) {
    let tree = cargo(&[
        "tree",
        "--offline",
        "--package",
        runtime,
        "--edges",
        "normal,build",
        "--prefix",
        "none",
        "--format",
        "{p} {f}",
    ]);
    assert!(tree.contains("sema-format "), "{tree}");
    for line in tree.lines() {
        let mut words = line.split(' ');
        let package = words.next().unwrap_or_default();
        assert!(!COMPILER_PACKAGES.contains(&package), "{line}");
        let features = line.rsplit(' ').next().unwrap_or_default();
        let writes = features.split(',').any(|feature| feature == "write");
        assert!(!writes, "{package} can write modules or archives: {line}");
    }
}

#[test]
fn it_contains_nothing_of_the_compiler() {
    let messages = cargo(&[
        "build",
        "--offline",
        "--package",
        "sema-rt",
        "--features",
        "full",
        "--bin",
        "sema-rt",
        "--message-format",
        "json",
    ]);
    let executable: PathBuf = messages
        .lines()
        .filter_map(|line| {
            let (_, rest) = line.split_once("\"executable\":\"")?;
            Some(PathBuf::from(rest.split('"').next()?))
        })
        .next()
        .unwrap();
    let bytes = std::fs::read(executable).unwrap();
    let contains = |text: &str| {
        bytes
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    };
    // Names of crates as they stand in symbols, after their length.
    assert!(
        contains("12sema_machine"),
        "the executable has no symbols, so the test proves nothing"
    );
    assert!(!contains("5semac"));
    assert!(!contains("5lasso"));
}
