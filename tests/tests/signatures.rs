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
    run(&project, "main").failed_with(1, "it was changed after it was signed");
    semac(&project, &["verify", "main", "--key", "a.pub"]).failed_with(1, "after it was signed");
}

/// Builds a program that trusts `a` alone and imports a module from disk, and signs it.
fn with_plugin(options: &[&str], program: &str, runtime: &std::path::Path) -> Scratch {
    let project = Scratch::with(&[
        ("main.sema", program),
        ("plugin.sema", "(define answer 42)\n"),
    ]);
    semac(&project, &["keygen", "a"]).succeeded();
    semac(&project, &["keygen", "b"]).succeeded();
    semac(&project, &["compile", "plugin.sema", "-o", "plugin.semac"]).succeeded();
    let mut build = semac_in(project.path());
    build.args(["build", "main.sema", "--trust", "a.pub"]);
    outcome(build.args(options).arg("--runtime").arg(runtime), b"").succeeded();
    semac(&project, &["sign", "main", "--key", "a"]).succeeded();
    project
}

fn run_beside(project: &Scratch) -> Outcome {
    let mut program = Command::new(project.file("main"));
    outcome(program.env_clear().current_dir(project.path()), b"")
}

#[test]
fn a_runtime_with_a_key_refuses_modules_that_it_has_not_signed() {
    let program = "(define (path) (str \"plugin\" \".semac\"))\n\
        (println (try (begin (import (path)) \"taken in\") (catch e (list (:type e) (:message e)))))\n";
    let project = with_plugin(&[], program, runtime());
    let refused = |why: &str| {
        let got = run_beside(&project).succeeded().stdout;
        assert!(got.contains(":permission-denied"), "{got}");
        assert!(
            got.contains("code of one key only") && got.contains(why),
            "{got}"
        );
    };
    refused("it is not signed");
    semac(&project, &["sign", "plugin.semac", "--key", "b"]).succeeded();
    refused("signed with another key");
    semac(&project, &["sign", "plugin.semac", "--key", "a"]).succeeded();
    assert_eq!(run_beside(&project).succeeded().stdout, "taken in\n");
    semac(&project, &["verify", "plugin.semac", "--key", "a.pub"]).succeeded();
    semac(&project, &["verify", "plugin.semac", "--key", "b.pub"]).failed_with(1, "another key");
    // A module that is changed, and one whose signature is cut.
    project.write("plugin.sema", "(define answer 43)\n");
    semac(&project, &["compile", "plugin.sema", "-o", "plugin.semac"]).succeeded();
    refused("it was changed after it was signed");
    semac(&project, &["verify", "plugin.semac", "--key", "a.pub"]).failed_with(1, "was changed");
    let signature = project.file("plugin.semac.sig");
    let bytes = std::fs::read(&signature).unwrap();
    std::fs::write(&signature, &bytes[..50]).unwrap();
    refused("the signature does not fit");
    // What is not a module has no such signature, and the module itself is not overwritten.
    project.write("broken.semac", "no module");
    semac(&project, &["sign", "broken.semac", "--key", "a"]).failed_with(1, "broken.semac");
    semac(
        &project,
        &["sign", "plugin.semac", "--key", "a", "-o", "plugin.semac"],
    )
    .failed_with(1, "would overwrite");
}

/// Sources have no signatures: with the compiler in the program only its own files are taken.
#[test]
fn a_runtime_with_a_key_and_the_compiler_loads_no_source_from_disk() {
    let program = "(define (try-load path) (try (load path) (catch e (list (:type e) (:message e)))))\n\
        (println (try-load (str \"other\" \".sema\")))\n\
        (println (try-load (str \"own\" \".sema\")))\n";
    let project = Scratch::with(&[
        ("own.sema", "7\n"),
        ("other.sema", "8\n"),
        ("main.sema", program),
    ]);
    semac(&project, &["keygen", "a"]).succeeded();
    let mut build = semac_in(project.path());
    build.args([
        "build",
        "main.sema",
        "--dynamic",
        "--include",
        "own.sema",
        "--trust",
        "a.pub",
        "--runtime",
    ]);
    outcome(build.arg(runtime().with_file_name("sema-rt-dynamic")), b"").succeeded();
    semac(&project, &["sign", "main", "--key", "a"]).succeeded();
    let got = run_beside(&project).succeeded().stdout;
    let lines: Vec<&str> = got.lines().collect();
    assert!(
        lines[0].contains(":permission-denied") && lines[0].contains("one key only"),
        "{got}"
    );
    assert_eq!(lines[1], "7");
}

#[test]
fn what_is_stripped_is_signed_before() {
    let project = project(&["--trust", "a.pub"]);
    semac(&project, &["sign", "main", "--key", "a"]).succeeded();
    std::fs::copy(project.file("main"), project.file("stripped")).unwrap();
    let strip = || outcome(Command::new("strip").arg(project.file("stripped")), b"").succeeded();
    strip();
    assert!(
        run(&project, "stripped")
            .succeeded()
            .stdout
            .starts_with("embedded")
    );
    semac(&project, &["verify", "stripped"]).succeeded();
    semac(&project, &["verify", "stripped", "--key", "a.pub"]).failed_with(
        1,
        "the program is as it was signed, but the runtime in front of it was changed",
    );
    semac(&project, &["sign", "stripped", "--key", "a"])
        .failed_with(1, "sign first and strip then");
    assert!(
        run(&project, "stripped")
            .succeeded()
            .stdout
            .starts_with("embedded")
    );
}

/// A build signs what it writes, so images can hold programs of runtimes with a key.
#[test]
fn a_build_can_sign() {
    let project = project(&["--trust", "a.pub", "--sign", "a"]);
    semac(&project, &["verify", "main", "--key", "a.pub"]).succeeded();
    assert!(
        run(&project, "main")
            .succeeded()
            .stdout
            .starts_with("embedded")
    );
    // The same as signing afterwards.
    let at_once = std::fs::read(project.file("main")).unwrap();
    semac(&project, &["sign", "main", "--key", "a"]).succeeded();
    assert!(std::fs::read(project.file("main")).unwrap() == at_once);
    let build = |options: &[&str]| {
        let mut command = semac_in(project.path());
        command
            .args(["build", "main.sema", "--runtime"])
            .arg(runtime());
        outcome(command.args(options), b"")
    };
    build(&["--trust", "a.pub", "--image", "i.tar"]).failed_with(1, "--sign KEY");
    build(&["--trust", "a.pub", "--sign", "b"]).failed_with(1, "do not belong together");
    build(&["--trust", "a.pub", "--sign", "a", "--image", "i.tar"]).succeeded();
    let unpack = "mkdir i && tar -C i -xf i.tar && cd i && for blob in blobs/sha256/*; do \
                  tar -xzf $blob main 2>/dev/null && break; done; true";
    let unpacked = Command::new("sh")
        .args(["-c", unpack])
        .current_dir(project.path())
        .status();
    assert!(unpacked.unwrap().success());
    semac(&project, &["verify", "i/main", "--key", "a.pub"]).succeeded();
    run(&project, "i/main");
    // A bundle is signed as well.
    build(&[]).succeeded();
    let mut command = semac_in(project.path());
    command.args([
        "build",
        "main.sema",
        "--bundle",
        "--sign",
        "a",
        "-o",
        "small",
    ]);
    outcome(&mut command, b"").succeeded();
    semac(&project, &["verify", "small", "--key", "a.pub"]).succeeded();
}

/// No output replaces a key, a runtime or another file that goes in, whatever it is called.
#[test]
fn keys_are_not_overwritten() {
    let project = project(&[]);
    std::fs::hard_link(project.file("a"), project.file("hard")).unwrap();
    std::os::unix::fs::symlink("a.pub", project.file("soft")).unwrap();
    std::fs::copy(runtime(), project.file("rt")).unwrap();
    let before: Vec<Vec<u8>> = ["a", "a.pub", "rt"]
        .map(|name| std::fs::read(project.file(name)).unwrap())
        .into();
    for arguments in [
        &["sign", "main", "--key", "a", "-o", "a"][..],
        &["sign", "main", "--key", "a", "-o", "./hard"],
        &[
            "build",
            "main.sema",
            "--runtime",
            "rt",
            "--trust",
            "a.pub",
            "-o",
            "a.pub",
        ],
        &[
            "build",
            "main.sema",
            "--runtime",
            "rt",
            "--trust",
            "a.pub",
            "-o",
            "soft",
        ],
        &[
            "build",
            "main.sema",
            "--runtime",
            "rt",
            "--sign",
            "a",
            "--sbom",
            "a",
        ],
        &["build", "main.sema", "--runtime", "rt", "-o", "rt"],
    ] {
        semac(&project, arguments).failed_with(1, "would overwrite");
    }
    let after = ["a", "a.pub", "rt"].map(|name| std::fs::read(project.file(name)).unwrap());
    assert!(before == after);
    let no_key = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n-----END PUBLIC KEY-----\n";
    project.write("zero.pub", no_key);
    for arguments in [
        &["build", "main.sema", "--trust", "zero.pub"][..],
        &["verify", "main", "--key", "zero.pub"],
    ] {
        semac(&project, arguments).failed_with(1, "no public key that could be trusted");
    }
}

#[cfg(unix)]
#[test]
fn signing_keeps_who_may_run_a_program() {
    use std::os::unix::fs::PermissionsExt;
    let project = project(&[]);
    for mode in [0o700, 0o444] {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(project.file("main"), permissions).unwrap();
        semac(&project, &["sign", "main", "--key", "a"]).succeeded();
        let now = std::fs::metadata(project.file("main"))
            .unwrap()
            .permissions();
        assert_eq!(now.mode() & 0o777, mode);
    }
}
