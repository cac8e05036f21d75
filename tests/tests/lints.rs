//! What keeps a program from being built, and what is only a warning.
//!
//! Looked at: every code that the compiler warns with; each of them where it is certain to be reached (a top-level
//! form, a function that one calls, the first round of a loop, a loaded file, an imported one) and where it is not (a
//! branch, a function that nothing calls, `try`, after `exit`).

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

/// Loops, bindings and functions whose first round is certain, since it follows from constants.
const FIRST_ROUND: &[&str] = &[
    "(define p (make-parameter 1))\n(parameterize ((p 2)) MISTAKE)",
    "(let-values (((a b) (values 1 2))) MISTAKE)",
    "(let*-values (((a b) (values 1 2)) ((c) (values a))) MISTAKE)",
    "(define-values (a b) (begin MISTAKE (values 1 2)))",
    "(dotimes (i 3) MISTAKE)",
    "(for-range (i 0 2) MISTAKE)",
    "(do ((i 0 (+ i 1))) ((= i 2)) MISTAKE)",
    "(let loop ((i 0)) MISTAKE (if (< i 2) (loop (+ i 1))))",
    "(let loop ((i 0)) (if (< i 2) (begin MISTAKE (loop (+ i 1)))))",
    "(define (main n) (if (> n 0) MISTAKE))\n(main 3)",
    "(let ((f (fn (x) MISTAKE))) (f 1))",
    "(for-each (fn (x) MISTAKE) (list 1))",
    "(define (f x) MISTAKE)\n(map f '(1 2))",
    "(foldl (fn (sum x) MISTAKE) 0 [1])",
    "(apply (fn (x) MISTAKE) '(1))",
    "(call-with-values (fn () MISTAKE) list)",
    "(when #t MISTAKE)",
];

const NO_FIRST_ROUND: &[&str] = &[
    "(dotimes (i 0) MISTAKE)",
    "(dotimes (i (length (sys/args))) MISTAKE)",
    "(for-range (i 2 2) MISTAKE)",
    "(let loop ((i 0)) (if (> i 2) MISTAKE (loop (+ i 1))))",
    "(define (main n) (if (> n 0) MISTAKE))\n(main 0)\n(main (length (sys/args)))",
    "(let ((i 0)) (set! i 5) (when (< i 3) MISTAKE))",
    "(let ((i 0)) ((fn () (set! i 5))) (when (< i 3) MISTAKE))",
    "(let* ((i 0) (next (fn () (set! i 5)))) (next) (while (< i 3) MISTAKE))",
    "(let ((i 0)) (if (null? (sys/args)) (set! i 5)) (when (< i 3) MISTAKE))",
    "(let ((i 0)) (while (< i 5) (set! i (+ i 1))) (when (< i 3) MISTAKE))",
    "(for-each (fn (x) MISTAKE) (list))",
    "(foldl (fn (sum x) MISTAKE) 1 [])",
    "(map (fn (x y) MISTAKE) (list 1) (sys/args))",
    "(let loop ((i 0)) (if (= i 0) (exit 0)) (loop 1))\nMISTAKE",
    "(when #f MISTAKE)",
];

#[test]
fn the_first_round_is_certain_where_it_follows_from_constants() {
    for (shapes, certain) in [(FIRST_ROUND, true), (NO_FIRST_ROUND, false)] {
        for shape in shapes {
            for (mistake, code) in [("(undefined-name 1)", "W0201"), ("(car 1 2)", "W0202")] {
                let main = shape.replace("MISTAKE", mistake);
                let project = Scratch::with(&[("main.sema", main.as_str())]);
                let got = semac(&project, &["check", "main.sema"]);
                assert_eq!(got.status == 1, certain, "{main}: {got:#?}");
                assert!(
                    got.stderr.contains(&format!("code: {code}")),
                    "{main}: {got:#?}"
                );
                semac(&project, &["check", "main.sema", "--allow", code]).succeeded();
            }
        }
    }
}

/// Modules that import each other, and whether that is certain to fail when the first one starts.
#[test]
fn a_cycle_that_is_reached_whenever_its_modules_start_is_an_error() {
    let late = "(define (f) (import \"b.sema\"))";
    let late_back = "(define (g) (import \"a.sema\"))";
    for (a, b, certain) in [
        ("(import \"a.sema\")", "", true),
        ("(load \"a.sema\")", "", true),
        ("(import \"b.sema\")", "(import \"a.sema\")", true),
        ("(import \"b.sema\")", late_back, false),
        (late, "(import \"a.sema\")", false),
        (
            "(import \"b.sema\")",
            "(try (import \"a.sema\") (catch e 1))",
            false,
        ),
        ("(define (f) (load \"a.sema\"))", "", false),
    ] {
        let project = Scratch::with(&[
            ("a.sema", a),
            ("b.sema", b),
            ("main.sema", "(import \"a.sema\")"),
        ]);
        for entry in ["a.sema", "main.sema"] {
            let got = semac(&project, &["check", entry]);
            assert_eq!(got.status == 1, certain, "{entry} {a} {b}: {got:#?}");
            assert!(got.stderr.contains("code: W0403"), "{a} {b}: {got:#?}");
            semac(&project, &["check", entry, "--allow", "W0403"]).succeeded();
        }
    }
}

/// Host functions are declared to the compiler: then they are names like others, in all files of a program.
#[test]
fn host_functions_can_be_declared() {
    let module = "(define (double-price x) (* 2 (app/price x)))";
    let main =
        "(import \"m.sema\")\n(println (app/price \"a\") (double-price \"b\"))\n(emit 1 2)\n";
    let project = Scratch::with(&[("main.sema", main), ("m.sema", module)]);
    let undeclared = semac(&project, &["check", "main.sema"]).failed_with(1, "app/price");
    assert!(undeclared.stderr.contains("W0201"), "{undeclared:#?}");
    let declared = ["--extern", "app/price/1", "--extern", "emit/1-"];
    for command in ["check", "build", "compile"] {
        let arguments = [&[command, "main.sema", "--deny-warnings"][..], &declared].concat();
        let got = semac(&project, &arguments).succeeded();
        assert!(!got.stderr.contains("Unbound"), "{got:#?}");
    }
    // Where nothing provides them they are unbound when they are reached.
    let run = [&["run"][..], &declared, &["main.sema"]].concat();
    semac(&project, &run).failed_with(1, "Unbound variable: app/price");
    let wrong = [
        "check",
        "main.sema",
        "--extern",
        "app/price/2",
        "--extern",
        "emit",
    ];
    let got = semac(&project, &wrong).failed_with(1, "app/price expects 2 arguments, got 1");
    assert!(got.stderr.contains("W0202"), "{got:#?}");
    for (name, problem) in [("println/1", "is a builtin"), ("f/3-1", "no call has both")] {
        semac(&project, &["check", "main.sema", "--extern", name]).failed_with(2, problem);
    }
}

#[test]
fn what_is_certain_to_fail_is_an_error() {
    for (mistake, code) in [
        ("(undefined-name 1)", "W0201"),
        ("(car 1 2)", "W0202"),
        ("((fn (x) x) 1 2)", "W0202"),
        ("(let ((f (fn (x . more) x))) (f))", "W0202"),
        ("(letrec ((f (fn (x) x))) (f 1 2))", "W0202"),
        ("(:a {:a 1} 2 3)", "W0202"),
        ("(apply car (list 1 2))", "W0202"),
        ("(let-values (((a b) (values 1))) a)", "W0202"),
        ("(1 2)", "W0209"),
        ("(pi)", "W0209"),
        ("(let ((x (list 1))) (x 0))", "W0209"),
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
fn local_functions_are_checked_while_they_stay_what_they_are() {
    let project = Scratch::with(&[(
        "main.sema",
        "(define (f) (define (inner a b) a) (inner 1))\n(define (g) (let loop ((i 0)) (if (> i 3) i (loop))))\n",
    )]);
    let got = semac(&project, &["check", "main.sema"]).succeeded();
    for message in [
        "inner expects 2 arguments, got 1",
        "loop expects 1 argument, got 0",
    ] {
        assert!(got.stderr.contains(message), "{message}: {got:#?}");
    }
    let project = Scratch::with(&[(
        "main.sema",
        "(define (f) (let ((g (fn (x) x))) (set! g (fn (x y) x)) (g 1 2)))\n\
         (define (h) (let ((g (fn (x . more) x))) (g 1 2 3)))\n\
         (define (i g) (let ((g g)) (g 1 2)))\n(println (f) (h) (i +))\n",
    )]);
    semac(&project, &["check", "main.sema", "--deny-warnings"]).succeeded();
}

#[test]
fn tools_and_agents_that_cannot_be_meant_are_warnings() {
    let project = Scratch::with(&[(
        "main.sema",
        "(define (by-name b a) (list a b))\n\
         (deftool good \"d\" {:a :int :b :int} (fn (a b _) a))\n\
         (deftool named \"d\" {:a :int :b :int} by-name)\n\
         (deftool bad \"d\" {:city :string} (fn (args) args))\n\
         (defagent bot {:tools [good bad good] :modle \"m\"})\n\
         (println (tool/invoke named {:a 1 :b 2}))\n",
    )]);
    let got = semac(&project, &["check", "main.sema"]).succeeded();
    for message in [
        "deftool: the handler's parameter `args` is none of the tool's",
        "it gets nil; the tool declares city",
        "defagent: unknown key :modle",
        "defagent: the tool `good` is named twice",
        "0 errors, 3 warnings",
    ] {
        assert!(got.stderr.contains(message), "{message}: {got:#?}");
    }
    // Arguments go by name.
    assert_eq!(
        semac(&project, &["run", "main.sema"]).succeeded().stdout,
        "(1 2)\n"
    );
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

/// Functions of other modules are known like those of the file.
#[test]
fn calls_of_imported_functions_are_checked() {
    let module = "(module m (export f point g) (define (f a) a) (define-record-type p (point x y) p? (x px)) (define g f))";
    let project = |main: &str| {
        Scratch::with(&[
            ("main.sema", main),
            ("m.sema", module),
            ("plain.sema", "(define (h a . more) a)"),
            (
                "again.sema",
                "(module again (export k) (import \"m.sema\") (define (k) (f 1)))",
            ),
        ])
    };
    let check = |main: &str| {
        let project = project(main);
        outcome(semac_in(project.path()).args(["check", "main.sema"]), b"")
    };
    for main in [
        "(import \"m.sema\") (f)",
        "(import \"m.sema\" f) (println (f 1 2))",
        "(import \"m.sema\") (point 1)",
        "(import \"plain.sema\") (h)",
        "(import \"again.sema\") (k 1)",
    ] {
        let got = check(main).failed_with(1, "expects");
        assert!(got.stderr.contains("W0202"), "{main}: {got:?}");
    }
    for main in [
        "(import \"m.sema\") (f 1) (point 1 2)",
        "(import \"plain.sema\") (h 1 2 3)",
        "(import \"m.sema\") (define (f) 1) (f)",
        "(import \"m.sema\") (set! f (fn () 1)) (f)",
    ] {
        let got = check(main);
        assert!(!got.stderr.contains("W0202"), "{main}: {got:?}");
    }
}

#[test]
fn what_tools_and_agents_say_is_checked() {
    let project = Scratch::with(&[(
        "main.sema",
        "(deftool a \"A\" {:x {:type :string :descripton \"X\"}} (fn (x y) x))
(deftool b \"B\" {} {:policy []} (fn () 1))
(defagent one {:tools [a b a] :modle \"m\"})
(defagent two {:tools (list b b)})
",
    )]);
    let got = semac(&project, &["check", "main.sema"]);
    assert_eq!(got.status, 0, "{got:#?}");
    for (place, message) in [
        (
            "1:35",
            "deftool: a parameter has an unknown key :descripton",
        ),
        (
            "1:53",
            "deftool: the handler's parameter `y` is none of the tool's",
        ),
        ("2:20", "deftool: unknown option :policy"),
        ("3:28", "defagent: the tool `a` is named twice"),
        ("3:31", "defagent: unknown key :modle"),
        ("4:31", "defagent: the tool `b` is named twice"),
    ] {
        let found = format!("Warning: {message}\n --> main.sema:{place}\n");
        assert!(got.stderr.contains(&found), "{found}{}", got.stderr);
    }
}
