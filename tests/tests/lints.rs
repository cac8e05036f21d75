//! What keeps a program from being built, and what is only a warning.
//!
//! Looked at: every code that the compiler warns with; each of them where it is certain to be reached (a top-level
//! form, a function that one calls, a loaded file, an imported one) and where it is not (a branch, a function that
//! nothing calls, `try`, after `exit`).

use sema_tests::{Outcome, Scratch, outcome, runtime, semac_in};

#[track_caller]
fn semac(project: &Scratch, arguments: &[&str]) -> Outcome {
    let mut command = semac_in(project.path());
    command.env("SEMAC_RUNTIME", runtime());
    outcome(command.args(arguments), b"")
}

/// How `(define (f) MISTAKE)` is used so that the mistake is certain to be reached.
const CERTAIN: &[&str] = &[
    "MISTAKE",
    "(define x (list 1 MISTAKE))",
    "(define (main) (println 1) MISTAKE)\n(main)",
    "(define (helper) MISTAKE)\n(define (main) (let ((a (helper))) a))\n(println (main))",
    "(if MISTAKE 1 2)",
    "(let ((a 1)) (begin MISTAKE))",
    "(println (and MISTAKE #f))",
];

const UNCERTAIN: &[&str] = &[
    "(define (f) MISTAKE)",
    "(if (> (length (sys/args)) 100) MISTAKE)",
    "(try MISTAKE (catch e 1))",
    "(if (> (length (sys/args)) 0) (exit 0))\nMISTAKE",
    "(define (usage) (exit 2))\n(when (null? (sys/args)) (usage))\nMISTAKE",
    "(println (or 1 MISTAKE))",
    "(define thunk (fn () MISTAKE))",
];

#[test]
fn what_is_certain_to_fail_is_an_error() {
    for (mistake, code) in [
        ("(undefined-name 1)", "W0201"),
        ("(car 1 2)", "W0202"),
        ("(import \"missing.sema\")", "W0401"),
        ("(load \"missing.sema\")", "W0401"),
        ("(import \"lib.sema\" secret)", "W0405"),
        ("(import \"nobody/nothing\")", "W0407"),
        ("(file/read \"\")", "W0409"),
        ("(file/read \"a\\0b\")", "W0409"),
    ] {
        for (shapes, certain) in [(CERTAIN, true), (UNCERTAIN, false)] {
            for shape in shapes {
                let main = shape.replace("MISTAKE", mistake);
                let project = Scratch::with(&[
                    ("main.sema", main.as_str()),
                    (
                        "lib.sema",
                        "(module lib (export open) (define open 1) (define secret 2))",
                    ),
                    ("importer.sema", "(import \"main.sema\")"),
                    ("loader.sema", "(load \"main.sema\")"),
                ]);
                for entry in ["main.sema", "importer.sema", "loader.sema"] {
                    let got = semac(&project, &["check", entry]);
                    assert_eq!(got.status == 1, certain, "{main}: {got:#?}");
                    assert!(
                        got.stderr.contains(&format!("code: {code}")),
                        "{main}: {got:#?}"
                    );
                }
                let allowed = semac(&project, &["check", "main.sema", "--allow", code]).succeeded();
                assert!(allowed.stderr.contains("Warning: "), "{allowed:#?}");
                let strict = ["check", "main.sema", "--deny-warnings", "--allow", code];
                assert_eq!(semac(&project, &strict).status, 1);
            }
        }
    }
}

#[test]
fn functions_of_records_and_multimethods_are_checked() {
    let project = Scratch::with(&[(
        "main.sema",
        "(define-record-type point (make-point x y) point? (x point-x))\n\
         (defmulti area (fn (shape) (:kind shape)))\n\
         (defmethod area :square (fn (shape) 1))\n\
         (define (f) (make-point 1))\n(define (g) (point-x))\n(define (h) (area 1 2))\n",
    )]);
    let got = semac(&project, &["check", "main.sema"]).succeeded();
    for message in [
        "make-point expects 2 arguments, got 1",
        "point-x expects 1 argument, got 0",
        "area expects 1 argument, got 2",
    ] {
        assert!(got.stderr.contains(message), "{message}: {got:#?}");
    }
}

#[test]
fn code_without_sense_is_a_warning() {
    let project = Scratch::with(&[(
        "main.sema",
        "(define (f) 1)\n(define (f) 2)\n(define (g x) (cond ((= x 1) 1) (else 2) ((= x 3) 3)))\n\
         (define (h x) (cond (#t 1) ((= x 3) 3)))\n(define (i x) (cond ((= x 1) 2) (:else 3)))\n",
    )]);
    let got = semac(&project, &["check", "main.sema"]).succeeded();
    assert!(got.stderr.contains("`f` is defined twice"), "{got:#?}");
    assert!(got.stderr.contains("0 errors, 3 warnings"), "{got:#?}");
    assert_eq!(
        semac(&project, &["build", "--deny-warnings", "main.sema"]).status,
        1
    );
    assert_eq!(
        semac(&project, &["run", "--deny-warnings", "main.sema"]).status,
        1
    );
    semac(&project, &["run", "main.sema"]).succeeded();
}

#[test]
fn mistakes_in_any_file_keep_the_program_from_being_built() {
    let project = Scratch::with(&[
        (
            "main.sema",
            "(import \"reader.sema\")\n(define (f) (load \"forms.sema\"))\n(import \"deep.sema\")\n(if)\n",
        ),
        ("reader.sema", "(println 1"),
        ("forms.sema", "(let x)\n(println \"ok\")\n(if)"),
        ("deep.sema", "(load \"loaded.sema\")"),
        ("loaded.sema", "(define (x)\n"),
    ]);
    for command in ["check", "build", "compile", "run"] {
        let got = semac(&project, &[command, "main.sema"]);
        assert_eq!(got.status, 1, "{got:#?}");
        for place in [
            "reader.sema:1:1",
            "forms.sema:1:1",
            "forms.sema:3:1",
            "loaded.sema:1:1",
            "main.sema:4:1",
        ] {
            let count = got.stderr.matches(&format!("--> {place}\n")).count();
            assert_eq!(count, 1, "{place}: {got:#?}");
        }
    }
}

#[test]
fn places_are_relative_to_the_directory_semac_was_started_in() {
    let project = Scratch::with(&[
        (
            "src/main.sema",
            "(import \"../lib/a.sema\")\n(println (a 1))",
        ),
        (
            "lib/a.sema",
            "(define (a x) (car x))\n(define (b) (undefined))",
        ),
        ("elsewhere/x", ""),
    ]);
    for (directory, prefix) in [("", ""), ("src", "../"), ("elsewhere", "../")] {
        let mut command = semac_in(&project.file(directory));
        let main = project.file("src/main.sema");
        let got = outcome(command.arg("run").arg(&main), b"").failed_with(1, "expected list");
        for place in [
            format!("--> {prefix}lib/a.sema:2:14"),
            format!("--> {prefix}lib/a.sema:1:15"),
            format!("at a ({prefix}lib/a.sema:1:15)"),
        ] {
            assert!(got.stderr.contains(&place), "{place}: {got:#?}");
        }
    }
    let build = ["build", "src/main.sema", "-o", "app", "--runtime"];
    let mut command = semac_in(project.path());
    outcome(command.args(build).arg(runtime()), b"").succeeded();
    let got = outcome(&mut std::process::Command::new(project.file("app")), b"");
    assert!(got.stderr.contains("at a (lib/a.sema:1:15)"), "{got:#?}");
    assert!(got.stderr.contains("(src/main.sema:2:10)"), "{got:#?}");
}
