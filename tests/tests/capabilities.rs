//! What programs may do: `--allow`, `--deny`, scopes and where they end, `semac why`.
//!
//! Each scope is tried under `semac run` and in an executable, with and without the compiler.

use std::path::Path;
use std::process::Command;

use sema_tests::{LAYERS, Outcome, Scratch, outcome, runtime, semac_in};

fn semac(project: &Scratch, arguments: &[&str]) -> Outcome {
    outcome(semac_in(project.path()).args(arguments), b"")
}

/// Builds `main.sema` with these options.
fn build(project: &Scratch, options: &[&str]) -> Outcome {
    let mut command = semac_in(project.path());
    let is_dynamic = options.contains(&"--dynamic");
    let runtime = match is_dynamic {
        true => runtime().with_file_name("sema-rt-dynamic"),
        false => runtime().to_owned(),
    };
    command.args(["build", "main.sema", "-o", "program", "--runtime"]);
    outcome(command.arg(runtime).args(options), b"")
}

fn started(project: &Scratch, program: &Path) -> Outcome {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("HOME", "/home/ada")
        .env("KEY", "secret");
    outcome(command.current_dir(project.path()), b"")
}

/// What a program prints with these options: the same in all surroundings.
#[track_caller]
fn prints(project: &Scratch, options: &[&str]) -> String {
    let mut command = semac_in(project.path());
    command
        .env("HOME", "/home/ada")
        .env("KEY", "secret")
        .env("PATH", "/usr/bin:/bin");
    let run = outcome(command.arg("run").args(options).arg("main.sema"), b"").succeeded();
    build(project, options).succeeded();
    let built = started(project, &project.file("program")).succeeded();
    let dynamic: Vec<&str> = options.iter().copied().chain(["--dynamic"]).collect();
    build(project, &dynamic).succeeded();
    let dynamic = started(project, &project.file("program")).succeeded();
    assert_eq!(run.stdout, built.stdout);
    assert_eq!(run.stdout, dynamic.stdout);
    run.stdout
}

/// A program that tries forms and prints what each gives: its value, or type and target of a condition.
fn tries(forms: &[&str]) -> String {
    let one =
        |form: &&str| format!("(println (try {form} (catch e (list (:type e) (:message e)))))\n");
    forms.iter().map(one).collect()
}

#[test]
fn paths_are_limited_after_links_and_dots() {
    let main = tries(&[
        "(file/read \"data/a.txt\")",
        "(file/read \"./data/sub/../a.txt\")",
        "(file/read \"data/../secret.txt\")",
        "(file/read \"data/link\")",
        "(file/read \"data/private/key\")",
        "(file/exists? \"secret.txt\")",
        "(file/glob \"data/*\")",
        "(begin (file/write \"out/new.txt\" \"x\") (file/read-lines \"out/new.txt\"))",
        "(file/write \"out/link\" \"x\")",
        "(file/copy \"data/a.txt\" \"out/b.txt\")",
        "(file/copy \"secret.txt\" \"out/c.txt\")",
        "(file/rename \"out/b.txt\" \"data/b.txt\")",
        "(file/delete \"out/b.txt\")",
        "(file/delete \"data/a.txt\")",
        "(file/fold-lines \"secret.txt\" (fn (n line) line) 0)",
        "(load (str \"sec\" \"ret.txt\"))",
    ]);
    let project = Scratch::with(&[
        ("main.sema", main.as_str()),
        ("data/a.txt", "a"),
        ("data/sub/b.txt", "b"),
        ("data/private/key", "k"),
        ("secret.txt", "secret"),
        ("out/.keep", ""),
    ]);
    let link = |target: &str, name: &str| {
        std::os::unix::fs::symlink(target, project.file(name)).unwrap();
    };
    link("../secret.txt", "data/link");
    link("../made", "out/link");
    let printed = prints(
        &project,
        &[
            "--allow",
            "fs-read=data,out",
            "--deny",
            "fs-read=data/private",
            "--allow",
            "fs-write=out",
        ],
    );
    let expected = [
        "a",
        "a",
        "on 'data/../secret.txt' is outside of capability 'fs-read', which is limited to ",
        "file/read on 'data/link' is outside of capability 'fs-read'",
        "file/read on 'data/private/key' is outside of capability 'fs-read'",
        "file/exists? on 'secret.txt' is outside",
        "(\"data/a.txt\" \"data/sub\")",
        "(\"x\")",
        "file/write on 'out/link' is outside of capability 'fs-write'",
        "nil",
        "file/copy on 'secret.txt' is outside of capability 'fs-read'",
        "file/rename on 'data/b.txt' is outside of capability 'fs-write'",
        "nil",
        "file/delete on 'data/a.txt' is outside of capability 'fs-write'",
        "'secret.txt' is outside of capability 'fs-read'",
        "'secret.txt' is outside of capability 'fs-read'",
    ];
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines.len(), expected.len(), "{printed}");
    for (line, expected) in lines.iter().zip(expected) {
        let is_denied = expected.contains("outside");
        assert_eq!(
            is_denied,
            line.contains(":permission-denied"),
            "{line}\n{expected}"
        );
        assert!(line.contains(expected), "{line}\n{expected}");
    }
    assert!(!project.file("made").exists());
    // Without options nothing is limited.
    let free = semac(&project, &["run", "main.sema"]).succeeded().stdout;
    assert!(!free.contains(":permission-denied"), "{free}");
}

#[test]
fn variables_programs_and_hosts_are_limited() {
    let main = tries(&[
        "(env \"HOME\")",
        "(env \"KEY\")",
        "(:KEY (sys/env-all))",
        "(sys/home-dir)",
        "(sys/user)",
        "(:stdout (shell \"echo\" \"x\"))",
        "(shell \"echo x\")",
        "(let ((p (proc/spawn (list \"echo\" \"x\")))) (proc/wait p))",
        "(proc/run (list \"/bin/ls\"))",
        "(http/get \"http://127.0.0.1:1/\")",
        "(http/get \"http://localhost:1/\")",
        "(http/get \"http://127.0.0.1:1/\" {:proxy \"http://localhost:1\"})",
        "(ws/connect \"ws://[::1]:1/\")",
        "(http/serve (fn (r) r) {:host \"0.0.0.0\" :port 0})",
        "(length (sys/args))",
    ]);
    let project = Scratch::with(&[("main.sema", main.as_str())]);
    let printed = prints(
        &project,
        &[
            "--allow",
            "env=HOME",
            "--allow",
            "shell=echo",
            "--allow",
            "process=echo",
            "--allow",
            "network=127.0.0.1",
        ],
    );
    let expected = [
        "/home/ada",
        "env on 'KEY' is outside of capability 'env-read', which is limited to HOME",
        "nil",
        "/home/ada",
        "sys/user on 'USER' is outside",
        "x",
        "shell on 'sh' is outside of capability 'shell', which is limited to echo",
        "0",
        "proc/run on '/bin/ls' is outside of capability 'process'",
        ":io",
        "http/get on 'localhost:1' is outside of capability 'network', which is limited to 127.0.0.1",
        "http/get on 'localhost:1' is outside",
        "ws/connect on '[::1]:1' is outside",
        "http/serve on '0.0.0.0:0' is outside",
        "1",
    ];
    let printed = printed.replace("x\n\n", "x\n");
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines.len(), expected.len(), "{printed}");
    for (line, expected) in lines.iter().zip(expected) {
        let is_denied = expected.contains("outside");
        assert_eq!(
            is_denied,
            line.contains(":permission-denied"),
            "{line}\n{expected}"
        );
        assert!(line.contains(expected), "{line}\n{expected}");
    }
}

/// A server of the allowed host sends clients to another one.
#[test]
fn redirections_stay_within_the_scope() {
    let server = "
(http/serve (fn (request) {:status 302 :headers {\"location\" \"http://localhost:1/\"} :body \"\"})
            {:host \"127.0.0.1\" :port 0 :on-listen (fn (info) (file/write \"port\" (str (:port info))))})
";
    let main = tries(&["(http/get (str \"http://127.0.0.1:\" (file/read \"port\") \"/\"))"]);
    let project = Scratch::with(&[("main.sema", main.as_str()), ("server.sema", server)]);
    let mut command = semac_in(project.path());
    let serving = sema_tests::serving::Server::start(command.args(["run", "server.sema"]));
    std::fs::write(project.file("port"), serving.port.to_string()).unwrap();
    let mut command = semac_in(project.path());
    command.args(["run", "--allow", "network=127.0.0.1", "main.sema"]);
    let got = outcome(&mut command, b"").succeeded();
    assert!(got.stdout.contains(":permission-denied"), "{got:?}");
    assert!(
        got.stdout.contains("redirection to 'localhost:1'"),
        "{got:?}"
    );
    serving.terminate();
}

#[test]
fn a_denied_builtin_fails_the_build_with_the_path_of_calls() {
    let project = Scratch::with(LAYERS);
    for options in [
        &["--deny", "fs-write"][..],
        &["--deny", "fs"],
        &["--deny", "all", "--allow", "fs-read"],
    ] {
        let refused = build(&project, options);
        refused
            .clone()
            .failed_with(
                1,
                "the program reaches file/write, which needs the capability fs-write, and that is denied",
            )
            .failed_with(1, "main.sema:5:1  ")
            .failed_with(1, "the program uses start")
            .failed_with(1, "lib/store.sema:2:24  save uses file/write")
            .failed_with(1, "hint: leave out the call, or allow it: --allow fs-write");
        assert!(!project.file("program").exists(), "{options:?}");
        let run = ["run"]
            .iter()
            .chain(options)
            .chain(&["main.sema"])
            .copied()
            .collect::<Vec<_>>();
        semac(&project, &run).failed_with(1, "that is denied");
        let check = ["check", "main.sema"]
            .iter()
            .chain(options)
            .copied()
            .collect::<Vec<_>>();
        semac(&project, &check).failed_with(1, "that is denied");
    }
    assert!(!project.file("kept.txt").exists());
    build(&project, &["--deny", "network", "--deny", "fs-read"]).succeeded();
    build(&project, &["--deny", "all", "--allow", "fs-write=."]).succeeded();
}

/// Code that is known only when the program runs has what the program has, and no more.
#[test]
fn evaluated_code_has_the_capabilities_of_the_program() {
    // The text is not known when the program is compiled.
    let main = "(define (text form) (if (> (length (sys/args)) 100) \"1\" form))
(println (try (eval (read (text \"(file/write \\\"evaluated\\\" \\\"x\\\")\")))
      (catch e (list (:type e) (:message e)))))
(println (eval (read (text \"(string/upper \\\"x\\\")\"))))\n";
    let project = Scratch::with(&[("main.sema", main)]);
    let denied = "(:permission-denied \"Permission denied: file/write requires 'fs-write' capability\")\nX\n";
    let allowed = &["--allow", "fs-write"][..];
    for (options, expected) in [(&[][..], denied), (allowed, "nil\nX\n")] {
        let run = ["run"].iter().chain(options).chain(&["main.sema"]);
        let run = semac(&project, &run.copied().collect::<Vec<_>>()).succeeded();
        assert_eq!(run.stdout, expected);
        let dynamic: Vec<&str> = options.iter().copied().chain(["--dynamic"]).collect();
        build(&project, &dynamic).succeeded();
        let built = started(&project, &project.file("program")).succeeded();
        assert_eq!(built.stdout, expected);
    }
}

#[test]
fn inspect_shows_what_is_allowed() {
    let project = Scratch::with(LAYERS);
    build(
        &project,
        &["--allow", "fs-write=.", "--allow", "env-read=HOME"],
    )
    .succeeded();
    let shown = semac(&project, &["inspect", "program"]).succeeded().stdout;
    assert!(
        shown.contains("capabilities  fs-write, env-read"),
        "{shown}"
    );
    assert!(
        shown.contains("limit         allow fs-write .\n"),
        "{shown}"
    );
    assert!(
        shown.contains("limit         allow env-read HOME\n"),
        "{shown}"
    );
    let json = semac(&project, &["inspect", "program", "--json"])
        .succeeded()
        .stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["limits"][1], "allow fs-write .");
    build(&project, &[]).succeeded();
    let shown = semac(&project, &["inspect", "program"]).succeeded().stdout;
    assert!(
        shown.contains("capabilities  fs-write\n") && !shown.contains("limit "),
        "{shown}"
    );
}

#[test]
fn codes_of_warnings_are_still_allowed() {
    let project = Scratch::with(&[("main.sema", "(undefined-name 1)\n")]);
    build(&project, &[]).failed_with(1, "W0201");
    build(&project, &["--allow", "W0201"]).succeeded();
    build(&project, &["--allow", "W0201", "--allow", "fs-read=data"]).succeeded();
    for (value, message) in [
        ("fs-reed", "there is no capability 'fs-reed'"),
        ("E0201", "codes that can be allowed begin with W"),
        ("fs-read=", "fs-read"),
        ("fs-read=data/*", "is a pattern"),
        ("network=https://a.example", "no host fits"),
        ("W9999", "there is no warning W9999"),
    ] {
        build(&project, &["--allow", value]).failed_with(2, message);
    }
    semac(&project, &["compile", "main.sema", "--allow", "fs-read"])
        .failed_with(1, "capabilities belong to programs");
}

/// The capabilities of the project file are a limit, told in the same words and by the same means as those of the command line.
#[test]
fn the_project_file_limits_what_a_program_may_do() {
    let program = "(define (save) (file/write \"out.txt\" \"x\"))\n\
        (define (try-read path) (try (file/read path) (catch e (:type e))))\n\
        (println (try-read (str \"data/\" \"a.txt\")) (try-read (str \"other\" \".txt\")))\n\
        (when (> (length (sys/args)) 1) (save))\n";
    let project = Scratch::with(&[
        ("main.sema", program),
        ("data/a.txt", "A"),
        ("other.txt", "B"),
        (
            "sema.toml",
            "[build]\nentry = \"main.sema\"\noutput = \"program\"\ncapabilities = [\"fs-read=data\", \"process\"]\n",
        ),
    ]);
    let got = build(&project, &[]).failed_with(
        1,
        "the program reaches file/write, which needs the capability fs-write, and sema.toml does not grant it",
    );
    assert!(got.stderr.contains("the program uses save"), "{got:?}");
    assert!(got.stderr.contains("save uses file/write"), "{got:?}");
    assert!(!project.file("program").exists());
    // The command line says more of one capability; the scopes of the others stay.
    build(&project, &["--allow", "fs-write"]).succeeded();
    let run = || {
        let mut program = Command::new(project.file("program"));
        outcome(program.env_clear().current_dir(project.path()), b"").succeeded()
    };
    assert_eq!(run().stdout, "A :permission-denied\n");
    build(&project, &["--allow", "fs-write", "--allow", "fs-read"]).succeeded();
    assert_eq!(run().stdout, "A B\n");
    let got = build(&project, &["--allow", "fs-write", "--deny", "fs-read"]);
    got.failed_with(1, "capability fs-read, and that is denied");
    project.write(
        "sema.toml",
        "[build]\nentry = \"main.sema\"\ncapabilities = []\n",
    );
    let got = build(&project, &[]).failed_with(1, "capability fs-read, and sema.toml");
    for capability in ["fs-write", "process"] {
        assert!(
            got.stderr
                .contains(&format!("needs the capability {capability}, ")),
            "{got:?}"
        );
    }
}

/// Ways around a scope: renaming, natives that read and write, other names of programs, files of the system.
#[test]
fn scopes_have_no_other_way_in() {
    let forms = [
        "(file/rename \"w/p\" \"w/q\")",
        "(file/rename \"w/p/private/s\" \"w/s\")",
        "(file/rename \"w/empty\" \"w/p\")",
        "(file/rename \"w/f\" \"w/g\")",
        "(kv/open \"a\" \"w/p/private/s\")",
        "(kv/open \"b\" \"w/new.json\")",
        "(patch/apply-file \"w/p/private/s\" \"\")",
        "(tar/extract \"w/none.tar\" \"w/p\")",
        "(file/read \"/proc/self/environ\")",
        "(string? (file/read \"/proc/self/status\"))",
        "(:stdout (shell \"/bin/echo\" \"x\"))",
        "(proc/run (list \"echo\" \"x\"))",
        "(proc/run (list \"./echo\" \"x\") {:cwd \"/bin\"})",
        "(:exit-code (proc/run (list \"true\")))",
        "(http/get \"http://2130706433:1/\")",
        "(http/get \"http://localhost:1/\")",
    ];
    let main = tries(&forms);
    let options = [
        "--allow",
        "fs=w",
        "--allow",
        "fs-read=/proc",
        "--deny",
        "fs=w/p/private",
        "--deny",
        "env",
        "--deny",
        "shell=echo",
        "--deny",
        "process=/bin/echo",
        "--deny",
        "network=127.0.0.1",
    ];
    let expected = [
        Some("fs-write"),
        Some("fs-write"),
        Some("fs-write"),
        None,
        Some("fs-read"),
        None,
        Some("fs-read"),
        Some("fs-write"),
        Some("env-read"),
        None,
        Some("shell"),
        Some("process"),
        Some("process"),
        None,
        Some("network"),
        Some("network"),
    ];
    let project = Scratch::with(&[
        ("main.sema", main.as_str()),
        ("w/p/private/s", "secret"),
        ("w/f", ""),
        ("w/empty/.keep", ""),
    ]);
    let run = semac(&project, &[&["run"], &options[..], &["main.sema"]].concat()).succeeded();
    std::fs::rename(project.file("w/g"), project.file("w/f")).unwrap();
    build(&project, &options).succeeded();
    let built = started(&project, &project.file("program")).succeeded();
    for printed in [run.stdout, built.stdout] {
        let lines: Vec<&str> = printed.lines().collect();
        assert_eq!(lines.len(), expected.len(), "{printed}");
        for ((line, expected), form) in lines.iter().zip(expected).zip(forms) {
            let denied = expected.map(|name| format!("outside of capability '{name}'"));
            assert_eq!(
                line.contains(":permission-denied"),
                denied.is_some(),
                "{form}: {line}"
            );
            assert!(
                denied.is_none_or(|text| line.contains(&text)),
                "{form}: {line}"
            );
        }
    }
    let secret = std::fs::read_to_string(project.file("w/p/private/s")).unwrap();
    assert_eq!(secret, "secret");
}

#[test]
fn stores_and_patches_need_to_read() {
    for call in [
        "(kv/open \"a\" \"a.json\")",
        "(patch/apply-file \"a\" \"\")",
    ] {
        let project = Scratch::with(&[("main.sema", call)]);
        build(&project, &["--deny", "fs-read"]).failed_with(1, "the capability fs-read");
        build(&project, &["--deny", "fs-write"]).failed_with(1, "the capability fs-write");
    }
}

/// What is granted for code that comes later needs a runtime in which something can be done with it.
#[test]
fn what_is_granted_raises_the_tier() {
    let project = Scratch::with(&[("main.sema", "(println 1)\n")]);
    for (options, tier) in [
        (&[][..], "core"),
        (&["--allow", "fs"], "core"),
        (&["--allow", "shell"], "std"),
        (&["--allow", "network=a.example"], "net"),
        (&["--allow", "shell", "--deny", "shell"], "core"),
        (&["--allow", "all"], "core"),
    ] {
        let mut command = semac_in(project.path());
        command.args(["build", "main.sema", "--bundle", "-o", "program"]);
        outcome(command.args(options), b"").succeeded();
        let archive = sema_vfs::Archive::open_any(&project.file("program")).unwrap();
        let found = archive.metadata("tier").unwrap();
        assert_eq!(&*found.bytes().unwrap(), tier.as_bytes(), "{options:?}");
    }
}

/// The project file is obeyed by all that runs or checks the program.
#[test]
fn the_project_file_counts_for_run_and_check() {
    let project = Scratch::with(&[
        (
            "sema.toml",
            "[build]\nentry = \"main.sema\"\ncapabilities = [\"fs-read=data\"]\n",
        ),
        (
            "main.sema",
            "(println (try (file/read \"secret\") (catch e (:type e))))\n",
        ),
        ("other.sema", "(file/write \"x\" \"y\")\n"),
        ("secret", "secret"),
    ]);
    let printed = semac(&project, &["run", "main.sema"]).succeeded().stdout;
    assert_eq!(printed, ":permission-denied\n");
    let wider = semac(&project, &["run", "--allow", "all", "main.sema"])
        .succeeded()
        .stdout;
    assert_eq!(wider, "secret\n");
    project.write("main.sema", "(file/write \"x\" \"y\")\n");
    for command in ["run", "check", "build"] {
        semac(&project, &[command, "main.sema"]).failed_with(1, "sema.toml does not grant it");
    }
    semac(&project, &["run", "other.sema"]).succeeded();
}
