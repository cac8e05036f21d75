//! What runs while a program is checked or built: nothing that nobody asked for.
//!
//! Looked at: values of globals, what they call (functions, library functions, closures in data), definitions of
//! imported files, macros and what they call, `eval`, input; each kind of effect by the capability that the builtin
//! declares.

use sema_tests::{Outcome, Scratch, outcome, semac_in};

#[track_caller]
fn check(project: &Scratch) -> Outcome {
    let mut command = semac_in(project.path());
    outcome(command.args(["check", "main.sema"]), b"input\n")
}

#[test]
fn definitions_with_effects_are_not_evaluated_for_macros() {
    for definition in [
        "(define setup (begin (file/delete \"victim.txt\") 5))",
        "(define (clear) (file/delete \"victim.txt\") 5)\n(define setup (clear))",
        "(define tools {:clear (fn () (file/write \"victim.txt\" \"\"))})\n(define setup ((:clear tools)))",
        "(define setup (map file/delete '(\"victim.txt\")))",
        "(define setup (with-stream (s (stream/open-output \"victim.txt\")) 1))",
        "(define setup (eval '(file/delete \"victim.txt\")))",
        "(define setup (exit 0))",
        "(define setup (read-line))",
        "(define setup (try (begin (file/delete \"victim.txt\") 5) (catch e 6)))",
        "(define setup (try (await (async (file/delete \"victim.txt\"))) (catch e 6)))",
        "(import \"other.sema\")",
    ] {
        let main = format!("{definition}\n(defmacro m () setup)\n(println (m))\n");
        let project = Scratch::with(&[
            ("main.sema", main.as_str()),
            ("victim.txt", "precious"),
            (
                "other.sema",
                "(define setup (begin (file/delete \"victim.txt\") 5))",
            ),
        ]);
        let got = check(&project).failed_with(1, "the macro 'm' needs 'setup' at build time");
        assert!(got.stderr.contains("E0302"), "{got:?}");
        let text = std::fs::read_to_string(project.file("victim.txt"));
        assert_eq!(text.unwrap(), "precious", "{definition}");
    }
}

/// What macros do themselves, or functions that they call, at any distance.
#[test]
fn macros_reach_nothing_outside_of_the_build() {
    for (macros, place) in [
        ("(defmacro m () (file/delete \"victim.txt\") 5)", "\n1 | "),
        ("(defmacro m () (exit 0))", "\n1 | "),
        ("(defmacro m () (shell \"rm victim.txt\"))", "\n1 | "),
        ("(defmacro m () (sys/set-env \"A\" \"1\"))", "\n1 | "),
        (
            "(defmacro m () (http/get \"http://127.0.0.1:9/\"))",
            "\n1 | ",
        ),
        ("(defmacro m () (read-line))", "\n1 | "),
        (
            "(defmacro m () (for-each file/delete '(\"victim.txt\")))",
            "\n1 | ",
        ),
        (
            "(define (far) (file/delete \"victim.txt\"))\n(define (near) (far) 1)\n(defmacro m () (near))",
            "\n1 | ",
        ),
        (
            "(defmacro m () (try (begin (file/delete \"victim.txt\") 5) (catch e 6)))",
            "\n1 | ",
        ),
        (
            "(import \"other.sema\")\n(defmacro m () (clear))",
            "other.sema:2",
        ),
        ("(import \"other.sema\")", "other.sema:4"),
    ] {
        let main = format!("{macros}\n(println (m))\n");
        let project = Scratch::with(&[
            ("main.sema", main.as_str()),
            ("victim.txt", "precious"),
            (
                "other.sema",
                "(define (clear)\n  (file/delete \"victim.txt\") 5)\n(defmacro m ()\n  (file/delete \"victim.txt\") 5)",
            ),
        ]);
        let got = check(&project).failed_with(1, "a macro reaches outside of the build");
        for part in [
            "E0302",
            "this would reach outside",
            place,
            "while expanding `m`",
            "--macro-effects",
        ] {
            assert!(got.stderr.contains(part), "{macros}: {got:?}");
        }
        let text = std::fs::read_to_string(project.file("victim.txt"));
        assert_eq!(text.unwrap(), "precious", "{macros}");
    }
    // Code that is evaluated has no such builtins.
    for evaluated in [
        "(eval '(file/delete \"victim.txt\"))",
        "(eval '(file/copy \"victim.txt\" \"other.txt\"))",
        "(try (eval (read \"(file/delete \\\"victim.txt\\\")\")) (catch e 1))",
    ] {
        let main = format!(
            "(defmacro r () (file/read \"victim.txt\"))\n(r)\n(defmacro m () {evaluated})\n(println (m))\n"
        );
        let project = Scratch::with(&[("main.sema", main.as_str()), ("victim.txt", "precious")]);
        check(&project);
        assert!(project.file("victim.txt").exists(), "{evaluated}");
        assert!(!project.file("other.txt").exists(), "{evaluated}");
    }
}

/// Standard output is for what a command makes; `run` alone prints as the program does.
#[test]
fn what_macros_print_is_no_output_of_the_command() {
    let source =
        "(defmacro m () (begin (println \"said\") (print-error \"shouted\") 1))\n(println (m))\n";
    let project = Scratch::with(&[
        ("main.sema", source),
        (
            "t_test.sema",
            &format!("{source}(test \"t\" (assert= 1 (m)))\n"),
        ),
    ]);
    for line in [
        &["check", "--json", "main.sema"][..],
        &["disasm", "--json", "main.sema"],
        &["why", "--json", "println", "main.sema"],
        &["build", "--json", "main.sema"],
        &["test", "--json"],
        &["compile", "main.sema"],
        &["expand", "main.sema"],
        &["check", "main.sema"],
    ] {
        let got = outcome(semac_in(project.path()).args(line), b"").succeeded();
        assert!(
            !got.stdout.contains("\nsaid") && !got.stdout.starts_with("said"),
            "{line:?}: {}",
            got.stdout
        );
        assert!(got.stderr.contains("said\n"), "{line:?}: {}", got.stderr);
        if line.contains(&"--json") {
            serde_json::from_str::<serde_json::Value>(&got.stdout).unwrap();
        }
    }
    let got = outcome(semac_in(project.path()).args(["run", "main.sema"]), b"").succeeded();
    assert_eq!(got.stdout, "said\n1\n");
}

/// What a macro waits for, whoever builds waits for, too: not for ever.
#[test]
fn macros_do_not_wait_for_ever() {
    for wait in [
        "(sleep 100000)",
        "(try (sleep 100000) (catch e 1))",
        "(await (async/spawn (fn () (sleep 100000))))",
        "(file/read \"pipe\")",
        "(json/fold-lines \"pipe\" list 0)",
        "(channel/recv (channel/new 1))",
    ] {
        let source = format!("(defmacro waits () (begin {wait} 1))\n(println (waits))\n");
        let project = Scratch::with(&[("main.sema", &source)]);
        let mut make = std::process::Command::new("mkfifo");
        outcome(make.arg(project.file("pipe")), b"").succeeded();
        for command in ["build", "run"] {
            let mut semac = semac_in(project.path());
            semac.args([command, "--macro-seconds", "1", "main.sema"]);
            let got = outcome(&mut semac, b"").failed_with(1, "");
            assert!(
                got.stderr.contains("while expanding `waits`")
                    && got.stderr.contains("main.sema:2:10"),
                "{wait}: {}",
                got.stderr
            );
        }
    }
    // What cannot be read while others run is refused.
    for source in [
        "(:ok (sema/check-file \"pipe\"))",
        "(try (zip/list \"pipe\") (catch e #f))",
    ] {
        let source = format!("(defmacro m () {source})\n(println (m))\n");
        let project = Scratch::with(&[("main.sema", &source)]);
        let mut make = std::process::Command::new("mkfifo");
        outcome(make.arg(project.file("pipe")), b"").succeeded();
        let mut run = semac_in(project.path());
        let got = outcome(run.args(["run", "main.sema"]), b"").succeeded();
        assert_eq!(got.stdout, "#f\n", "{source}");
    }
    // A short wait is none of anybody's business.
    let project = Scratch::with(&[(
        "main.sema",
        "(defmacro m () (begin (sleep 20) 7))\n(println (m))\n",
    )]);
    let mut run = semac_in(project.path());
    assert_eq!(
        outcome(run.args(["run", "main.sema"]), b"")
            .succeeded()
            .stdout,
        "7\n"
    );
}

#[test]
fn macros_may_look_and_evaluate() {
    let project = Scratch::with(&[
        (
            "main.sema",
            "(define table (map string/upper (string/split (file/read \"words.txt\") \" \")))\n\
             (define unused (file/delete \"words.txt\"))\n\
             (defmacro words () (list 'quote table))\n\
             (defmacro read-now () (file/read \"words.txt\"))\n\
             (defmacro computed (x) (eval x))\n\
             (println (words) (read-now) (computed (+ 1 2)))\n",
        ),
        ("words.txt", "a b"),
    ]);
    check(&project).succeeded();
    assert!(project.file("words.txt").exists());
}

#[test]
fn effects_of_macros_happen_if_somebody_asks_for_them() {
    let project = Scratch::with(&[
        (
            "main.sema",
            "(define table (map string/upper (string/split (file/read \"words.txt\") \" \")))\n\
             (define (note text) (file/append \"log.txt\" text))\n\
             (define unused (file/delete \"words.txt\"))\n\
             (defmacro words () (note \"asked\") (list 'quote table))\n\
             (println (words))\n",
        ),
        ("words.txt", "a b"),
    ]);
    let mut command = semac_in(project.path());
    outcome(command.args(["check", "--macro-effects", "main.sema"]), b"").succeeded();
    let read = |name| std::fs::read_to_string(project.file(name)).unwrap();
    assert_eq!(
        (read("log.txt"), read("words.txt")),
        ("asked".into(), "a b".into())
    );
    // Who runs a program asks for what its macros do.
    let mut command = semac_in(project.path());
    outcome(command.args(["run", "main.sema"]), b"");
    assert_eq!(read("log.txt"), "askedasked");
}
