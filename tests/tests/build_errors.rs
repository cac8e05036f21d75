//! Builds that cannot succeed: a clear message, status 1, and nothing left behind.

use std::fs;
use std::path::Path;
use std::process::Command;

use sema_tests::{Outcome, Scratch, fixtures, outcome, runtime, semac_in};

#[track_caller]
fn build(scratch: &Scratch, arguments: &[&str]) -> Outcome {
    let mut command = semac_in(scratch.path());
    command
        .arg("build")
        .args(arguments)
        .arg("--runtime")
        .arg(runtime());
    outcome(&mut command, b"")
}

/// A failing build must not change the directory.
#[track_caller]
fn refused(scratch: &Scratch, arguments: &[&str], message: &str) -> Outcome {
    let before = scratch.names();
    let got = build(scratch, arguments).failed_with(1, message);
    assert_eq!(scratch.names(), before, "something was left behind");
    got
}

#[test]
fn several_mistakes_are_reported_at_once() {
    let scratch = Scratch::with(&[(
        "app.sema",
        "(define (f x)\n  (if x))\n\n(let ((a 1) (a 2)) a)\n(println \"fine\")\n",
    )]);
    let got = refused(&scratch, &["app.sema"], "app.sema:2:3");
    assert!(got.stderr.contains("app.sema:4"), "{}", got.stderr);
    assert!(
        got.stderr.contains("(if x)"),
        "the source is shown: {}",
        got.stderr
    );
    assert!(
        !got.stderr.contains('\u{1b}'),
        "no colours without a terminal"
    );
    let mut check = semac_in(scratch.path());
    outcome(check.args(["check", "app.sema"]), b"").failed_with(1, "2 errors");
}

#[test]
fn unreadable_sources() {
    let scratch = Scratch::with(&[
        ("list.sema", "(println \"x\"\n"),
        ("binary.sema", "(println \""),
    ]);
    fs::write(scratch.file("binary.sema"), b"(println \"\xff\xfe\")").unwrap();
    refused(&scratch, &["missing.sema"], "cannot read 'missing.sema'");
    refused(&scratch, &["."], "cannot read '.'");
    refused(&scratch, &["list.sema"], "list.sema:1:1");
    refused(&scratch, &["binary.sema"], "valid UTF-8, in line 1");
    fs::write(scratch.file("program"), b"\x7fELF\x02\x01\xff").unwrap();
    refused(
        &scratch,
        &["program", "-o", "other"],
        "it is an executable, not the source",
    );
}

#[test]
fn cycles_of_imports_are_errors_and_fail_when_they_are_reached() {
    let scratch = Scratch::with(&[
        ("a.sema", "(println \"start\")\n(import \"b.sema\")\n"),
        ("b.sema", "(import \"c.sema\")\n"),
        ("c.sema", "(import \"a.sema\")\n"),
    ]);
    let cycle = "cyclic import detected: a.sema -> b.sema -> c.sema -> a.sema";
    build(&scratch, &["a.sema"]).failed_with(1, cycle);
    let got = build(&scratch, &["a.sema", "--allow", "W0403"]).succeeded();
    assert!(got.stderr.contains(cycle), "{}", got.stderr);
    assert!(got.stderr.contains("c.sema:1:1"), "{}", got.stderr);
    let mut app = Command::new(scratch.file("a"));
    let got = outcome(app.env_clear().current_dir("/"), b"");
    assert_eq!((got.stdout.as_str(), got.status), ("start\n", 1));
    assert!(got.stderr.contains(cycle), "{}", got.stderr);
}

#[test]
fn a_missing_import_is_a_warning_and_an_error_when_it_is_reached() {
    let scratch = Scratch::with(&[(
        "app.sema",
        "(println \"start\")\n(println (try (import \"gone.sema\") (catch e (:type e))))\n(import \"gone.sema\")\n",
    )]);
    let got = build(&scratch, &["app.sema", "--allow", "W0401"]).succeeded();
    assert!(
        got.stderr.contains("Warning") && got.stderr.contains("gone.sema"),
        "{}",
        got.stderr
    );
    let mut app = Command::new(scratch.file("app"));
    let got = outcome(app.env_clear().current_dir("/"), b"");
    assert_eq!((got.stdout.as_str(), got.status), ("start\n:io\n", 1));
    assert!(
        got.stderr.contains("No such file or directory"),
        "{}",
        got.stderr
    );
}

#[test]
fn modules_of_another_format_version() {
    let scratch = Scratch::with(&[
        (
            "app.sema",
            "(println (try (import \"other.semac\") (catch e (:message e))))\n",
        ),
        (
            "late.sema",
            "(println (try (import (str \"other\" \".semac\")) (catch e (:message e))))\n",
        ),
    ]);
    let other = fixtures("format/v1/other-version.semac");
    fs::copy(other, scratch.file("other.semac")).unwrap();
    for name in ["app", "late"] {
        build(&scratch, &[&format!("{name}.sema")]).succeeded();
        let mut program = Command::new(scratch.file(name));
        let got = outcome(program.env_clear().current_dir(scratch.path()), b"").succeeded();
        assert!(got.stdout.contains("format 999"), "{}", got.stdout);
        assert!(
            got.stdout.contains("semac 0.1.0"),
            "who wrote it: {}",
            got.stdout
        );
    }
}

#[test]
fn assets_that_cannot_be_embedded() {
    let scratch = Scratch::with(&[
        ("project/app.sema", "(println 1)\n"),
        ("secret.txt", "x"),
        ("project/.semac/entry", "x"),
    ]);
    std::os::unix::fs::symlink("nowhere", scratch.file("project/dangling")).unwrap();
    let project = scratch.file("project");
    for (include, message) in [
        ("missing.txt", "cannot include 'missing.txt'"),
        ("dangling", "cannot include 'dangling'"),
        ("../secret.txt", "'..'"),
        (".semac", "reserved"),
        ("/dev/null", "neither a file nor a directory"),
    ] {
        let mut command = semac_in(&project);
        command
            .args(["build", "app.sema", "--include", include, "--runtime"])
            .arg(runtime());
        let got = outcome(&mut command, b"").failed_with(1, message);
        assert!(got.stderr.starts_with("Error: "), "{}", got.stderr);
        assert!(!project.join("app").exists(), "{include}");
    }
}

#[test]
fn outputs_that_cannot_be_written() {
    let scratch = Scratch::with(&[
        ("app.sema", "(println 1)\n"),
        ("plain", "x"),
        ("directory/app/x", ""),
    ]);
    refused(&scratch, &["app.sema", "-o", "plain/app"], "plain");
    refused(
        &scratch,
        &["app.sema", "-o", "directory"],
        "it is a directory",
    );
    refused(
        &scratch,
        &["app.sema", "-o", "/dev/null"],
        "not a regular file",
    );
    refused(&scratch, &["app.sema", "-o", "/proc/app"], "/proc");
    refused(&scratch, &["app.sema", "-o", "app.sema"], "would overwrite");
    refused(
        &scratch,
        &["app.sema", "--include", "plain", "-o", "plain"],
        "would overwrite",
    );
    assert_eq!(fs::read_to_string(scratch.file("plain")).unwrap(), "x");
    assert!(Path::new("/dev/null").exists());
}

#[test]
fn a_failed_build_keeps_the_previous_executable() {
    let scratch = Scratch::with(&[("app.sema", "(println 1)\n")]);
    build(&scratch, &["app.sema"]).succeeded();
    let before = fs::read(scratch.file("app")).unwrap();
    scratch.write("app.sema", "(println 1\n");
    refused(&scratch, &["app.sema"], "unterminated list");
    assert!(fs::read(scratch.file("app")).unwrap() == before);
}

#[test]
fn runtimes_that_are_none() {
    let scratch = Scratch::with(&[("app.sema", "(println 1)\n")]);
    let mut command = semac_in(scratch.path());
    command.args(["build", "app.sema", "--runtime", "app.sema"]);
    outcome(&mut command, b"").failed_with(1, "not an executable");
    let mut command = semac_in(scratch.path());
    command.args(["build", "app.sema", "--runtime"]);
    command.arg(std::env::current_exe().unwrap());
    outcome(&mut command, b"").failed_with(1, "not a runtime");
    // A built program is not a runtime.
    build(&scratch, &["app.sema"]).succeeded();
    let mut command = semac_in(scratch.path());
    command.args(["build", "app.sema", "-o", "second", "--runtime", "app"]);
    outcome(&mut command, b"").failed_with(1, "already carries a program");
    assert_eq!(scratch.names(), ["app", "app.sema"]);
}

#[test]
fn a_full_disk_leaves_nothing_behind() {
    let scratch = Scratch::with(&[("app.sema", "(println 1)\n")]);
    let small = scratch.file("small");
    fs::create_dir(&small).unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"])
        .arg(&small)
        .output()
        .is_ok_and(|output| output.status.success());
    if !mounted {
        eprintln!("skipped: a small file system can be mounted by root only");
        return;
    }
    let got = build(&scratch, &["app.sema", "-o", "small/app"]);
    let left = fs::read_dir(&small).map(Iterator::count);
    let unmounted = Command::new("umount").arg(&small).status();
    got.failed_with(1, "No space left");
    assert_eq!(left.unwrap(), 0, "a partial file was left");
    assert!(unmounted.unwrap().success());
}

/// What a macro made and cannot be written is told where the macro was called.
#[test]
fn objects_that_macros_put_into_code_have_a_place() {
    let main = "(defmacro f () (fn (x) (+ x 1)))\n(define (g) (list\n  ((f) 1)))\n(println (g))\n";
    let scratch = Scratch::with(&[("app.sema", main)]);
    let got =
        build(&scratch, &["app.sema"]).failed_with(1, "a macro put a run-time object into code");
    assert!(got.stderr.contains("--> app.sema:3:4"), "{got:#?}");
    assert!(!got.stderr.contains("not callable"), "{got:#?}");
}

/// A runtime whose end is missing would make programs that crash.
#[test]
fn a_runtime_that_is_cut_off_is_refused() {
    let scratch = Scratch::with(&[("app.sema", "1\n")]);
    let whole = fs::read(runtime()).unwrap();
    scratch.write("half", &whole[..whole.len() / 2]);
    let mut command = semac_in(scratch.path());
    command.args(["build", "app.sema", "--runtime", "half"]);
    outcome(&mut command, b"").failed_with(1, "its end is missing");
}

/// What comes from a pipe has no name to call a module by.
#[test]
fn a_module_from_a_pipe_needs_a_name() {
    let scratch = Scratch::new();
    let mut command = semac_in(scratch.path());
    outcome(command.args(["compile", "-"]), b"1\n").failed_with(2, "give -o OUT");
    let mut command = semac_in(scratch.path());
    outcome(command.args(["compile", "-", "-o", "m.semac"]), b"1\n").succeeded();
    assert_eq!(scratch.names(), ["m.semac"]);
}

#[test]
fn places_of_the_project_file_are_named() {
    for (text, message) in [
        (
            "entry = \"app.sema\"\ninclude = [\"nope\"]\n",
            "sema.toml:3:12: cannot include 'nope'",
        ),
        (
            "entry = \"nope.sema\"\n",
            "sema.toml:2:9: the entry 'nope.sema' cannot be read",
        ),
        (
            "entry = \"d\"\n",
            "sema.toml:2:9: the entry 'd' is a directory",
        ),
    ] {
        let text = format!("[build]\n{text}");
        let scratch = Scratch::with(&[("app.sema", "1\n"), ("d/x", ""), ("sema.toml", &text)]);
        refused(&scratch, &[], message);
    }
    let scratch = Scratch::with(&[("app.sema", "1\n")]);
    let made = Command::new("mkfifo")
        .arg(scratch.file("sema.toml"))
        .status();
    assert!(made.unwrap().success());
    let mut command = semac_in(scratch.path());
    outcome(command.arg("build"), b"").failed_with(1, "it is no regular file");
    // A link that leads nowhere may have had limits to say.
    std::fs::remove_file(scratch.file("sema.toml")).unwrap();
    std::os::unix::fs::symlink("nowhere", scratch.file("sema.toml")).unwrap();
    for arguments in [&["build"][..], &["build", "app.sema"], &["run", "app.sema"]] {
        let mut command = semac_in(scratch.path());
        outcome(command.args(arguments), b"").failed_with(1, "cannot read 'sema.toml'");
    }
}

/// Files that are there and are no good are called what they are.
#[test]
fn damaged_and_closed_files_are_not_called_missing() {
    use std::os::unix::fs::PermissionsExt;
    let project = Scratch::with(&[
        ("main.sema", "(import \"lib.semac\" f)\n(println (f 1))\n"),
        ("lib.sema", "(define (f x) x)\n"),
        ("lock/sema.lock", "garbage\n"),
        ("lock/main.sema", "(import \"user/tool\")\n"),
        (
            "home/packages/user/out/sema.toml",
            "entrypoint = \"../x.sema\"\n",
        ),
        (
            "home/packages/user/gone/sema.toml",
            "entrypoint = \"x.sema\"\n",
        ),
        ("out.sema", "(import \"user/out\")\n"),
        ("gone.sema", "(import \"user/gone\")\n"),
        ("closed.sema", "(import \"closed/x.sema\")\n"),
        ("closed/x.sema", "(define x 1)\n"),
    ]);
    let semac = |arguments: &[&str]| {
        let mut command = semac_in(project.path());
        command.env("SEMA_HOME", project.file("home"));
        outcome(command.args(arguments), b"")
    };
    semac(&["compile", "lib.sema"]).succeeded();
    // The number of the first section of the table.
    let mut module = std::fs::read(project.file("lib.semac")).unwrap();
    let content_hash = module.clone();
    for place in 64..module.len().min(160) {
        module.copy_from_slice(&content_hash);
        module[place] ^= 0x58;
        project.write("lib.semac", &module);
        let got = semac(&["run", "main.sema"]);
        assert_eq!(got.status, 1, "{place}: {got:?}");
        assert!(
            !got.stderr.contains("the semac release that wrote it"),
            "{place}: {}",
            got.stderr
        );
    }
    semac(&["check", "lock/main.sema"]).failed_with(1, "sema.lock is damaged: line 1 is no TOML");
    semac(&["check", "out.sema"])
        .failed_with(1, "'../x.sema' of package 'user/out' lies outside of it");
    semac(&["check", "gone.sema"]).failed_with(1, "'x.sema' of package 'user/gone' is not there");
    let closed = |mode| {
        std::fs::set_permissions(
            project.file("closed"),
            std::fs::Permissions::from_mode(mode),
        )
    };
    closed(0o000).unwrap();
    // Nothing is closed to the superuser.
    if std::fs::read(project.file("closed/x.sema")).is_err() {
        semac(&["check", "closed.sema"])
            .failed_with(1, "closed/x.sema: Permission denied (os error 13)");
    }
    closed(0o755).unwrap();
}
