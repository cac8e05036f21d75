//! Signed programs: `semac keygen`, `sign`, `verify --key`, and runtimes that run programs of one key only.

use std::process::Command;

use sema_tests::{Outcome, Scratch, outcome, runtime, semac_in};

const MAIN: &str = "(println (string/trim (file/read \"data.txt\")) (file/read \"long.txt\"))\n";

fn semac(project: &Scratch, arguments: &[&str]) -> Outcome {
    outcome(semac_in(project.path()).args(arguments), b"")
}

/// A program `main` and the keys `a` and `b`.
fn project(options: &[&str]) -> Scratch {
    let project = Scratch::with(&[
        ("main.sema", MAIN),
        ("data.txt", "embedded\n"),
        ("long.txt", ""),
    ]);
    // Several chunks, with and without compression.
    let long: String = (0..200_000)
        .map(|number: u64| format!("{number:x} "))
        .collect();
    project.write("long.txt", &long);
    semac(&project, &["keygen", "a"]).succeeded();
    semac(&project, &["keygen", "b"]).succeeded();
    let mut build = semac_in(project.path());
    build.args([
        "build",
        "main.sema",
        "--include",
        "data.txt",
        "--include",
        "long.txt",
        "--runtime",
    ]);
    outcome(build.arg(runtime()).args(options), b"").succeeded();
    project
}

fn run(project: &Scratch, program: &str) -> Outcome {
    outcome(
        Command::new(project.file(program))
            .env_clear()
            .current_dir("/"),
        b"",
    )
}

#[test]
fn a_signature_is_checked_with_its_key() {
    let project = project(&[]);
    semac(&project, &["verify", "main", "--key", "a.pub"]).failed_with(1, "it is not signed");
    semac(&project, &["sign", "main", "--key", "a"]).succeeded();
    semac(&project, &["verify", "main", "--key", "a.pub"]).succeeded();
    semac(&project, &["verify", "main", "--key", "b.pub"]).failed_with(1, "another key");
    semac(&project, &["verify", "main"]).succeeded();
    assert!(
        run(&project, "main")
            .succeeded()
            .stdout
            .starts_with("embedded 0 1 2")
    );
    // Once more, and by somebody else.
    let signed = std::fs::read(project.file("main")).unwrap();
    semac(&project, &["sign", "main", "--key", "a", "-o", "again"]).succeeded();
    assert!(std::fs::read(project.file("again")).unwrap() == signed);
    semac(&project, &["sign", "main", "--key", "b"]).succeeded();
    semac(&project, &["verify", "main", "--key", "b.pub"]).succeeded();
    semac(&project, &["verify", "main", "--key", "a.pub"]).failed_with(1, "another key");
    let shown = semac(&project, &["inspect", "main"]).succeeded().stdout;
    assert!(shown.contains("signed"), "{shown}");
}

#[test]
fn keys_are_those_of_other_programs() {
    let project = Scratch::new();
    semac(&project, &["keygen", "key"]).succeeded();
    semac(&project, &["keygen", "key"]).failed_with(1, "key");
    let text = std::fs::read_to_string(project.file("key.pub")).unwrap();
    assert!(
        text.starts_with("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA"),
        "{text}"
    );
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(project.file("key"))
            .unwrap()
            .permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
    project.write("main.sema", "(println 1)\n");
    semac(&project, &["sign", "main.sema", "--key", "key"]).failed_with(1, "main.sema");
    semac(&project, &["sign", "main.sema", "--key", "key.pub"]).failed_with(1, "not a private key");
}

/// Any change of what was signed is found by `verify`.
#[test]
fn changes_are_found() {
    let project = project(&[]);
    semac(&project, &["sign", "main", "--key", "a"]).succeeded();
    let signed = std::fs::read(project.file("main")).unwrap();
    // The archive is what stands behind the runtime.
    let start = signed
        .windows(8)
        .rposition(|window| window == b"SEMAVFS\n")
        .unwrap();
    let length = signed.len() - 64 - start;
    for place in [1000, start + 100, start + length / 2, start + length - 200] {
        let mut changed = signed.clone();
        changed[place] ^= 1;
        std::fs::write(project.file("changed"), &changed).unwrap();
        let found = semac(&project, &["verify", "changed", "--key", "a.pub"]);
        assert_eq!(found.status, 1, "{place}: {found:?}");
    }
}

#[test]
fn a_runtime_with_a_key_refuses_other_programs() {
    let project = project(&["--trust", "a.pub"]);
    run(&project, "main").failed_with(
        1,
        "this runtime runs programs of one key only: it is not signed",
    );
    semac(&project, &["sign", "main", "--key", "b"]).succeeded();
    run(&project, "main").failed_with(1, "one key only: it is signed with another key");
    semac(&project, &["sign", "main", "--key", "a"]).succeeded();
    assert!(
        run(&project, "main")
            .succeeded()
            .stdout
            .starts_with("embedded 0 1 2")
    );
    semac(&project, &["verify", "main", "--key", "a.pub"]).succeeded();
}

/// Whoever changes the content and writes the right checksums is found when the content is read, and the program starts
/// only with the table of contents that was signed.
#[test]
fn forged_checksums_do_not_help() {
    use sema_vfs::{Archive, ArchiveBuilder, VfsPath};
    let project = project(&["--trust", "a.pub"]);
    semac(&project, &["sign", "main", "--key", "a"]).succeeded();
    let file = std::fs::read(project.file("main")).unwrap();
    let archive = Archive::open_executable(&project.file("main")).unwrap();
    let mut forged = ArchiveBuilder::from_archive(&archive).unwrap();
    forged.set_metadata(VfsPath::metadata("stamp").unwrap(), b"version=9".to_vec());
    let forged = forged.to_rewritten_executable(&file).unwrap();
    std::fs::write(project.file("main"), forged).unwrap();
    Archive::open_executable(&project.file("main"))
        .unwrap()
        .verify()
        .unwrap();
    run(&project, "main").failed_with(1, "the program was changed after it was signed");
    semac(&project, &["verify", "main", "--key", "a.pub"]).failed_with(1, "after it was signed");
}
