//! Mistakes of people who are new to the language: the report says what to write instead.
//!
//! Looked at: forms as Clojure, Scheme, Common Lisp, Racket and Emacs Lisp write them, infix operators, missing and
//! superfluous parentheses, names that hide builtins.

use sema_tests::{Scratch, outcome, semac_in};

/// A program, and a part of the hint that `semac check` gives.
const CHECKED: &[(&str, &str)] = &[
    ("(let (x 5) x)", "(let ((x 5)) ...)"),
    ("(let [x 5 y (+ 1 2)] x)", "(let ((x 5) (y (+ 1 2))) ...)"),
    (
        "(let* (a 1 b 2 c 3 d 4) a)",
        "(let* ((a 1) (b 2) (c 3) ...) ...)",
    ),
    ("(let x 5 x)", "(let ((name 5)) ...)"),
    ("(let 5 x)", "(let ((name 5)) ...)"),
    ("(let ([x 5]) x)", "not in brackets: (x 5)"),
    ("(let ((x)) x)", "(x nil)"),
    ("(let ((x 1 2)) x)", "(begin ...)"),
    ("(let (x) x)", "(x ...)"),
    ("(let loop (i 0) i)", "((i 0))"),
    ("(letrec (f 1) f)", "(letrec ((f 1)) ...)"),
    ("(define f (x) (+ x 1))", "(define (f x) ...)"),
    ("(define f [x y] (+ x 1))", "(define (f x y) ...)"),
    ("(define x = 5)", "(define x 5)"),
    ("(define x)", "(define x nil)"),
    ("(define x 1 2)", "(begin ...)"),
    ("(defn f [x y] (+ x y))", "(defun f (x y) ...)"),
    ("(defn f \"adds\" [x] x)", "behind the parameters"),
    ("(defn (f x) x)", "(define (f x) ...)"),
    ("(defn f ([x] x) ([x y] y))", "one list of parameters"),
    (
        "(cond (> 1 2) \"a\" :else \"b\")",
        "each clause stands in parentheses",
    ),
    ("(cond ((> 1 2) \"a\") else \"b\")", "(else \"b\")"),
    ("(cond ((> 1 2) \"a\") :else \"b\")", "(else \"b\")"),
    ("(cond [(> 1 2) \"a\"])", "not in brackets"),
    ("(define (f x) (cond (> x 1)))", "its test inside"),
    ("(case 1 1 \"one\")", "each clause stands in parentheses"),
    ("(case 1 (1 \"one\"))", "((1 2) ...)"),
    ("(if (> 1 2) 1 2 3)", "(begin ...)"),
    ("(5 3)", "'(5 3)"),
    ("(define x (1 2 3))", "'(1 2 3)"),
    ("(\"a\" 1)", "'(\"a\" 1)"),
    ("(5 + 3)", "(+ 5 3)"),
    ("(setq x 1)", "set!"),
    ("(println (remove-if even? '(1)))", "list/reject"),
    ("(define (f x) (return x))", "last"),
    ("(update {} :a inc)", "map/update"),
    ("(sys/env \"HOME\")", "'env'"),
    ("(map/keys {})", "'keys'"),
    ("(string/format \"a\")", "'format'"),
    ("(let ((x 1) (y x)) y)", "let*"),
    ("(println True)", "#t"),
    ("(println null)", "nil"),
    ("(println (pi))", "'pi' is no function"),
    (
        "(define x 5)\n(x + 1)",
        "operators stand in front: (+ x ...)",
    ),
    ("(define m {:a 1})\n(m :a)", "(get m key)"),
    ("(define items [1])\n(items 0)", "(nth items index)"),
    ("(define list 5)\n(list 1)", "hides the builtin"),
    ("(defn f x x)", "(defun f (x) ...)"),
    ("(define (f [x]) x)", "(let (([x] name)) ...)"),
    ("(define (f (x 1)) x)", "without a default"),
    ("(lambda ((x 1)) x)", "without a default"),
    ("(lambda (1) 1)", "parameters are names"),
    ("(lambda x x)", "(fn (x) ...)"),
    ("(fn f (x) x)", "(define (f ...) ...)"),
    ("(fn \"doc\" (x) x)", "behind its parameters"),
    ("(try 1 (finally 2))", "there is no 'finally'"),
    ("(try 1 (catch e 2) (finally 3))", "there is no 'finally'"),
    ("(try 1)", "the handler stands last"),
    ("(try 1 (except e 2))", "(catch e ...)"),
    ("(try 1 (catch (Error e) 2))", "(catch e ...)"),
    ("(set! (car x) 1)", "a variable alone is assigned"),
    ("(string<? \"a\" \"b\")", "'sort' and 'sort-by'"),
    ("(println (bit-and 1 2))", "'bit/and'"),
    ("(condition-case e 1)", "'try' and 'catch'"),
    ("(clojure.string/upper-case \"a\")", "'string/upper'"),
    ("(vector-push-extend 1 [])", "immutable"),
    ("(println (hash-table-count {}))", "'count'"),
    ("(println (read-from-string \"1\"))", "'read'"),
    ("(sort! '(1))", "'sort'"),
];

#[test]
fn the_hint_says_what_to_write() {
    for (program, hint) in CHECKED {
        let project = Scratch::with(&[("main.sema", *program)]);
        let mut command = semac_in(project.path());
        let got = outcome(command.args(["check", "main.sema"]), b"");
        let hints: Vec<&str> = got
            .stderr
            .lines()
            .filter(|line| line.contains("hint: "))
            .collect();
        assert!(
            hints.iter().any(|line| line.contains(hint)),
            "{program}: {got:#?}"
        );
    }
}

/// Short names that are near to nothing get no guess.
#[test]
fn guesses_are_near() {
    for name in [
        "br", "ab", "sat", "lst", "foo", "bar", "baz", "tmp", "xs", "acc", "fnn", "nam", "val",
        "sett", "string<!", "symbol=", "set1",
    ] {
        let project = Scratch::with(&[("main.sema", format!("(define (f) {name})").as_str())]);
        let mut command = semac_in(project.path());
        let got = outcome(command.args(["check", "main.sema"]), b"").succeeded();
        assert!(!got.stderr.contains("Did you mean"), "{got:#?}");
    }
}

/// Programs that fail when they run.
#[test]
fn running_code_gets_hints_too() {
    for (program, hint) in [
        (
            "(define (f list) (list 1 2))\n(f '(3))",
            "`list` is a variable here and hides the builtin",
        ),
        (
            "(define (f)\n  (let ((first 5)) (first '(3))))\n(f)",
            "`first` is a variable here",
        ),
        ("(define (f x) ((+ x 1)))\n(f 3)", "parentheses"),
        ("((println \"a\"))", "parentheses"),
        (
            "(define (f x) (if (x > 5) 1 2))\n(f 1)",
            "operators stand in front: (> ...)",
        ),
    ] {
        let project = Scratch::with(&[("main.sema", program)]);
        let mut command = semac_in(project.path());
        let got = outcome(command.args(["run", "main.sema"]), b"").failed_with(1, "not callable");
        assert!(got.stderr.contains(hint), "{program}: {got:#?}");
    }
}
