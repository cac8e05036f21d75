//! The command line itself: help texts, usage errors, where output goes.

use sema_tests::{Scratch, golden, outcome, root, runtime, semac, semac_in};

const COMMANDS: &[&str] = &[
    "build",
    "run",
    "init",
    "test",
    "watch",
    "compile",
    "check",
    "expand",
    "disasm",
    "inspect",
    "extract",
    "verify",
    "doc",
    "explain",
    "completions",
    "why",
    "symbolize",
    "keygen",
    "sign",
];

#[test]
fn help_texts() {
    let golden_file = |name: &str| root().join("tests/golden/help").join(format!("{name}.txt"));
    let got = outcome(semac().arg("--help"), b"").succeeded();
    golden::check(&golden_file("semac"), &got.stdout);
    for command in COMMANDS {
        let got = outcome(semac().args([command, "--help"]), b"").succeeded();
        golden::check(&golden_file(command), &got.stdout);
    }
}

/// The page is made by `make docs`.
#[test]
fn the_page_of_builtins_is_up_to_date() {
    let got = outcome(semac().args(["doc", "--markdown"]), b"").succeeded();
    golden::check(&root().join("docs/builtins.md"), &got.stdout);
}

#[test]
fn builtins_are_explained_listed_and_searched() {
    let doc = |arguments: &[&str]| outcome(semac().arg("doc").args(arguments), b"");
    let one = doc(&["string/slice"]).succeeded().stdout;
    assert!(one.starts_with("(substring "), "{one}");
    assert!(one.contains("\n    => "), "{one}");
    let found = doc(&["--search", "UTF-8 bytes number"]).succeeded().stdout;
    assert!(found.contains("(string/byte-length "), "{found}");
    let of_tier = doc(&["--list", "--tier", "std"]).succeeded().stdout;
    assert!(of_tier.contains("(f64-array/sum "), "{of_tier}");
    assert!(!of_tier.contains("(string/trim "), "{of_tier}");
    let all = doc(&["--list", "--json"]).succeeded().stdout;
    let all: serde_json::Value = serde_json::from_str(&all).unwrap();
    let names = all.as_array().unwrap().iter().map(|entry| &entry["name"]);
    assert!(names.into_iter().any(|name| name == "map"));
    // What WebAssembly has not.
    let shell = doc(&["shell"]).succeeded().stdout;
    assert!(shell.contains("  platform     posix"), "{shell}");
    let json = doc(&["sys/on-signal", "--json"]).succeeded().stdout;
    assert!(json.contains("\"platform\": \"posix\""), "{json}");
    assert!(!one.contains("platform"), "{one}");
    doc(&["string/trimm"]).failed_with(1, "did you mean 'string/trim'");
    assert_eq!(doc(&["--search", "no such words"]).status, 1);
}

#[test]
fn wrong_usage_ends_with_status_2() {
    for line in [
        [].as_slice(),
        &["unknown"],
        &["build"],
        &["build", "a.sema", "--unknown"],
        &["build", "a.sema", "-O9"],
        &["build", "a.sema", "b.sema"],
        &["run"],
        &["run", "--unknown", "a.sema"],
        &["check"],
        &["verify"],
    ] {
        let got = outcome(semac().args(line), b"");
        assert_eq!(got.status, 2, "{line:?}: {got:?}");
        assert_eq!(got.stdout, "", "{line:?}");
        assert!(got.stderr.contains("--help"), "{line:?}: {}", got.stderr);
    }
}

#[test]
fn version() {
    let got = outcome(semac().arg("--version"), b"").succeeded();
    assert_eq!(got.stdout, format!("semac {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn targets() {
    let got = outcome(semac().args(["build", "--list-targets"]), b"").succeeded();
    assert!(got.stdout.contains("(also: host"), "{}", got.stdout);
    let scratch = Scratch::with(&[("a.sema", "1\n")]);
    let mut command = semac_in(scratch.path());
    outcome(command.args(["build", "a.sema", "--target", "amiga"]), b"")
        .failed_with(1, "unknown target 'amiga'");
}

#[test]
fn files_that_semac_did_not_make() {
    let scratch = Scratch::with(&[("text", "plain"), ("short.semac", "x")]);
    for command in ["inspect", "verify"] {
        let got = outcome(semac_in(scratch.path()).args([command, "text"]), b"");
        got.failed_with(1, "neither an executable that semac built nor a module");
        let got = outcome(semac_in(scratch.path()).args([command, "short.semac"]), b"");
        got.failed_with(1, "not a compiled Sema module");
        let got = outcome(semac_in(scratch.path()).args([command, "missing"]), b"");
        got.failed_with(1, "cannot read 'missing'");
        let runtime = sema_tests::runtime();
        let got = outcome(semac_in(scratch.path()).arg(command).arg(runtime), b"");
        got.failed_with(1, "carries no program");
    }
}

#[test]
fn warnings_do_not_fail_a_check_unless_told() {
    let scratch = Scratch::with(&[("a.sema", "(define (f) (undefined-thing 1))\n")]);
    let mut command = semac_in(scratch.path());
    let got = outcome(command.args(["check", "a.sema"]), b"").succeeded();
    assert!(got.stderr.contains("undefined-thing"), "{}", got.stderr);
    let mut command = semac_in(scratch.path());
    outcome(command.args(["check", "a.sema", "--deny-warnings"]), b"").failed_with(1, "1 warning");
}

#[test]
fn a_closed_output_is_no_crash() {
    let scratch = Scratch::with(&[("a.sema", "(dotimes (i 100000) (println i))\n")]);
    let line = format!(
        "'{}' run a.sema | head -n 1",
        semac().get_program().display()
    );
    let mut shell = std::process::Command::new("sh");
    shell
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .current_dir(scratch.path());
    let got = outcome(shell.args(["-c", &line]), b"").succeeded();
    assert_eq!((got.stdout.as_str(), got.stderr.as_str()), ("0\n", ""));
}

#[test]
fn programs_from_standard_input() {
    let scratch = Scratch::new();
    let program = b"(println (+ 1 2) (rest (sys/args)))";
    let got = outcome(semac_in(scratch.path()).args(["run", "-", "-x"]), program);
    assert_eq!(got.succeeded().stdout, "3 (\"-x\")\n");
    let got = outcome(semac_in(scratch.path()).args(["check", "-"]), b"(println (");
    let got = got.failed_with(1, "stdin:1:");
    assert_eq!(got.stdout, "");
    let mut build = semac_in(scratch.path());
    build.args(["build", "-", "-o", "app", "--runtime"]);
    outcome(build.arg(sema_tests::runtime()), program).succeeded();
    assert_eq!(scratch.names(), ["app"]);
}

/// What can be read only once is read once.
#[test]
fn images_and_sources_from_pipes() {
    let scratch = Scratch::with(&[("a.sema", "(println 41)\n")]);
    let listing = |arguments: &[&str], input: &[u8]| {
        let mut command = semac_in(scratch.path());
        outcome(command.args(arguments), input).succeeded().stdout
    };
    let from_file = listing(&["disasm", "a.sema"], b"");
    let from_pipe = listing(&["disasm", "-"], b"(println 41)\n");
    assert!(from_pipe.contains("41"), "{from_pipe}");
    let code = |text: &str| text.lines().filter(|line| line.starts_with("  ")).count();
    assert_eq!(code(&from_pipe), code(&from_file));
    let mut command = semac_in(scratch.path());
    command
        .args(["build", "a.sema", "-o", "a", "--runtime"])
        .arg(runtime());
    outcome(&mut command, b"").succeeded();
    let program = std::fs::read(scratch.file("a")).unwrap();
    for command in ["inspect", "verify", "disasm"] {
        listing(&[command, "/dev/stdin"], &program);
    }
}

#[test]
fn completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let got = outcome(semac().args(["completions", shell]), b"").succeeded();
        assert!(got.stdout.contains("deny-warnings"), "{shell}");
    }
    outcome(semac().args(["completions", "tcsh"]), b"").failed_with(2, "possible values: bash");
}

/// What people try first is understood, or said how it is written.
#[test]
fn near_misses_of_command_lines() {
    let project = Scratch::with(&[
        ("main.sema", "(println \"here\")\n"),
        ("sema.toml", "[build]\nentry = \"main.sema\"\n"),
        ("sub/none", ""),
    ]);
    let help = outcome(semac().args(["build", "--help"]), b"")
        .succeeded()
        .stdout;
    assert_eq!(
        outcome(semac().args(["help", "build"]), b"")
            .succeeded()
            .stdout,
        help
    );
    assert!(
        outcome(semac().arg("help"), b"")
            .succeeded()
            .stdout
            .contains("Usage: semac")
    );
    outcome(semac().args(["help", "nothing"]), b"").failed_with(2, "nothing");
    // The project file means the project.
    let semac = |directory: &str, arguments: &[&str]| {
        outcome(semac_in(&project.file(directory)).args(arguments), b"")
    };
    for (directory, file) in [
        ("", "sema.toml"),
        ("", "./sema.toml"),
        ("sub", "../sema.toml"),
    ] {
        assert_eq!(
            semac(directory, &["run", file]).succeeded().stdout,
            "here\n"
        );
        semac(directory, &["check", file]).succeeded();
        let runtime = runtime().to_str().unwrap();
        semac(
            directory,
            &["build", file, "--runtime", runtime, "-o", "app"],
        )
        .succeeded();
    }
    for (target, hint) in [
        ("amd64,arm64", "repeat the option"),
        ("X86_64", "written in lower case"),
        ("vax", "--list-targets"),
    ] {
        let got = semac("", &["build", "--target", target]).failed_with(1, "unknown target");
        assert!(got.stderr.contains(hint), "{}", got.stderr);
    }
    semac("", &["check", "--allow", "network=\u{e9}.com"]).failed_with(2, "begin with xn--");
    semac("", &["check", "--allow", "network=xn--9ca.com"]).succeeded();
}
