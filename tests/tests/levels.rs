//! Every level of optimisation does the same, also where programs fail and where the order of evaluation shows.
//!
//! The programs are generated: shapes of functions times ways to call them times ways to fail, and assignments of
//! globals in arguments times places of calls. What a level may change and is looked at here: position and frames of
//! errors, the order of operator and arguments, the moment an operator is looked up.

use std::fmt::Write;

use sema_tests::{Scratch, outcome, semac_in};

/// Asserts that all levels print the same, and gives it.
#[track_caller]
fn same_at_all_levels(program: &str) -> String {
    let project = Scratch::with(&[("main.sema", program)]);
    let run = |level: &str| {
        let mut command = semac_in(project.path());
        outcome(command.args(["run", level, "main.sema"]), b"")
            .succeeded()
            .stdout
    };
    let plain = run("-O0");
    for level in ["-O1", "-O2"] {
        let optimized = run(level);
        for (number, (left, right)) in plain.lines().zip(optimized.lines()).enumerate() {
            assert_eq!(left, right, "line {number} at {level} of\n{program}");
        }
        assert_eq!(plain, optimized, "{level}");
    }
    plain
}

const FAILURES: &[&str] = &[
    "(car 5)",
    "(error \"boom\")",
    "(/ 7 0)",
    "(undefined-name)",
    "(throw {:a 1})",
    "(nth [1 2] 7)",
    "(+ \"a\" 1)",
    "(five 1)",
    "(car 1 2)",
    "(one)",
    "(vector-or-not #f)",
];

/// Bodies of functions; `FAIL` fails.
const BODIES: &[&str] = &[
    "FAIL",
    "(begin\n  (id 1)\n  FAIL)",
    "(let ((a 1))\n  (list a FAIL))",
    "(if (id #t)\n  FAIL\n  2)",
    "(cond ((id #f) 1)\n  (else (list FAIL)))",
    "(and 1\n  FAIL)",
    "(let loop ((i 0))\n  (if (< i 3)\n    (loop (+ i 1))\n    FAIL))",
    "(map (fn (x)\n  FAIL) '(1 2))",
    "((fn ()\n  FAIL))",
];

/// Definitions and the call; `BODY` is the body of a function that fails.
const CALLS: &[(&str, &str)] = &[
    ("(define (NAME)\n  BODY)", "(NAME)"),
    ("(define (NAME x)\n  BODY)", "(NAME 1)"),
    (
        "(define (NAME)\n  BODY)\n(define (outer-NAME)\n  (NAME))",
        "(outer-NAME)",
    ),
    (
        "(define (NAME)\n  BODY)\n(define (outer-NAME x)\n  (list\n    (NAME)\n    x))",
        "(outer-NAME 1)",
    ),
    (
        "(define (NAME)\n  (define (inner) BODY)\n  (list (inner)))",
        "(NAME)",
    ),
    ("(define NAME (fn (x . more)\n  BODY))", "(NAME 1 2)"),
    ("(define (NAME)\n  BODY)", "(for-each (fn (x) (NAME)) '(1))"),
];

#[test]
fn errors_have_one_place_and_the_same_frames() {
    let head = "(define (id x) x)\n(define (one x) x)\n(define five 5)\n(define (vector-or-not x) (nth x 0))\n";
    for (round, (definition, call)) in CALLS.iter().enumerate() {
        let mut program = head.to_owned();
        for (shape, body) in BODIES.iter().enumerate() {
            for (number, failure) in FAILURES.iter().enumerate() {
                let name = format!("f-{round}-{shape}-{number}");
                let body = body.replace("FAIL", failure);
                let definition = definition.replace("BODY", &body).replace("NAME", &name);
                let call = call.replace("NAME", &name);
                writeln!(
                    program,
                    "{definition}\n(println \"{name}\" (try {call} (catch e (list (:message e) \
                     (map (fn (f) (list (:name f) (:line f) (:col f))) (:stack-trace e))))))"
                )
                .unwrap();
            }
        }
        same_at_all_levels(&program);
    }
}

#[test]
fn operators_that_are_no_names_of_globals_are_evaluated_first() {
    // In each the global is assigned while the arguments of the call are evaluated.
    let calls = [
        "(let ((h NAME)) (h SWITCH))",
        "(let* ((h NAME) (k h)) (k SWITCH))",
        "((fn (h) (h SWITCH)) NAME)",
        "(define (call f) (f SWITCH)) (call NAME)",
        "((if #t NAME car) SWITCH)",
        "((let ((h NAME)) h) SWITCH)",
        "(let loop ((h NAME)) (h SWITCH))",
        "(apply NAME (list SWITCH))",
        "(let ((h NAME)) (list 1 (h (begin SWITCH 2))))",
    ];
    let mut program = String::new();
    for (number, call) in calls.iter().enumerate() {
        for place in [
            "(println CALL)",
            "(define (f-NAME) (list CALL)) (println (f-NAME))",
        ] {
            let name = format!("g-{number}-{}", place.len());
            let switch = "(begin (set! NAME (fn (x . more) (list :new x))) 5)";
            let (before, call) = match call.rsplit_once(") (call") {
                Some((definition, _)) => (
                    definition.replace("call", "call-NAME") + ")",
                    "(call-NAME NAME)",
                ),
                None => (String::new(), *call),
            };
            let text = format!("(define (NAME x . more) (list :old x))\n{before}\n{place}\n")
                .replace("CALL", call)
                .replace("SWITCH", switch);
            program.push_str(&text.replace("NAME", &name));
        }
    }
    let output = same_at_all_levels(&program);
    assert_eq!(output.matches(":new").count(), 0, "{output}");
    assert_eq!(output.matches(":old").count(), 2 * calls.len(), "{output}");
}

#[test]
fn operators_are_looked_up_after_their_arguments() {
    // In each the global is assigned, defined or asked for while the arguments of its call are evaluated.
    let switch = "(begin (set! NAME (fn (x . more) (list :new x))) 5)";
    let places = [
        "(define (f-NAME) (NAME SWITCH))\n(println (f-NAME))",
        "(println (NAME SWITCH))",
        "(define (f-NAME) (list (NAME SWITCH)))\n(println (f-NAME))",
        "(define (f-NAME y) (let ((r (NAME SWITCH))) r))\n(println (f-NAME 1))",
        "(println ((fn (y) (NAME SWITCH)) 1))",
        "(println (map (fn (i) (NAME SWITCH)) '(1 2)))",
        "(define (s-NAME) SWITCH)\n(define (f-NAME) (NAME (s-NAME)))\n(println (f-NAME))",
        "(define (f-NAME) (if (NAME 1) (NAME SWITCH 2)))\n(println (f-NAME))",
        "(define (f-NAME) (NAME SWITCH MANY))\n(println (f-NAME))",
        "(println (let loop ((i 0)) (if (= i 1) (NAME SWITCH) (loop (+ i 1)))))",
    ];
    let definitions = [
        "(define NAME (fn (x . more) (list :old x)))",
        "(define (NAME x . more) (list :old x))",
        "(define NAME car)",
    ];
    let many = "1 ".repeat(60);
    let mut program = String::new();
    for (round, definition) in definitions.iter().enumerate() {
        for (number, place) in places.iter().enumerate() {
            let name = format!("g-{round}-{number}");
            let text = format!("{definition}\n{place}\n").replace("SWITCH", switch);
            let text = text
                .replace("MANY", &many)
                .replace("(NAME 1)", "(NAME '(1))");
            program.push_str(&text.replace("NAME", &name));
        }
    }
    let output = same_at_all_levels(&program);
    assert_eq!(output.matches(":old").count(), 0, "{output}");
    // Names that nothing defines.
    let mut program = String::new();
    for place in places {
        let text = place
            .replace("SWITCH", "(println \"argument\")")
            .replace("MANY", &many);
        let text = text
            .replace("(if (NAME 1) ", "(if #t ")
            .replace("f-NAME", "f-undefined");
        let text = text.replace("NAME", "undefined");
        let text = text.replace("(println (", "(println (try (");
        let (definition, call) = match text.rsplit_once("(println (try ") {
            Some((definition, call)) => (definition, call.trim_end_matches(')')),
            None => continue,
        };
        let open = call.matches('(').count() - call.matches(')').count();
        let call = format!("{call}{}", ")".repeat(open));
        writeln!(
            program,
            "{definition}\n(println (try {call} (catch e (:message e))))"
        )
        .unwrap();
    }
    let output = same_at_all_levels(&program);
    assert!(
        output
            .matches("argument\nUnbound variable: undefined\n")
            .count()
            >= 8,
        "{output}"
    );
}

#[test]
fn arguments_are_evaluated_from_left_to_right() {
    let mut program = String::from("(define log '())\n(define (n x) (set! log (cons x log)) x)\n");
    program.push_str("(define (three a b c) (list a b c))\n(define g 1)\n");
    for form in [
        "(three (n 1) (n 2) (n 3))",
        "[(n 1) (n 2) (n 3)]",
        "{(n 1) (n 2) (n 3) (n 4)}",
        "(+ (n 1) (* (n 2) (n 3)))",
        "((begin (n 0) three) (n 1) (n 2) (n 3))",
        "(apply three (n 1) (list (n 2) (n 3)))",
        "(list g (begin (set! g (+ g 1)) g) g)",
        "(three g (begin (set! g (+ g 1)) g) g)",
        "(+ g (begin (set! g (+ g 1)) g))",
        "(- (begin (set! g (+ g 1)) g) g)",
        "(let ((a g) (b (begin (set! g (+ g 1)) g))) (list a b g))",
        "(< g (begin (set! g (+ g 1)) g))",
        "f\"${(n 1)}${(n 2)}${g}${(begin (set! g (+ g 1)) g)}\"",
    ] {
        writeln!(
            program,
            "(println {form} log)\n(define (f) (set! log '()) {form})"
        )
        .unwrap();
        writeln!(program, "(println (f) (f) log)\n(set! log '())").unwrap();
    }
    same_at_all_levels(&program);
}
