//! Code that says what nobody can mean: forms that are never reached, definitions that replace others.

use sema_tests::{Outcome, Scratch, outcome, runtime, semac_in};

#[track_caller]
fn semac(project: &Scratch, arguments: &[&str]) -> Outcome {
    let mut command = semac_in(project.path());
    command.env("SEMAC_RUNTIME", runtime());
    outcome(command.args(arguments), b"")
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

/// A line of a program, and what `semac check` warns of there; nothing of lines that are as they should be.
const SENSELESS: &[(&str, &str)] = &[
    (
        "(retry (fn () 1) {:max-attempt 2})",
        "retry: there is no option :max-attempt\n",
    ),
    ("(retry (fn () 1) {:max-attempts 2 :backoff (+ 1 1)})", ""),
    (
        "(with-retry {:times (+ 1 1)} (fn () 1))",
        "with-retry: there is no option :times\n",
    ),
    (
        "(shell \"true\" \"a\" {:dir \"/\"})",
        "shell: there is no option :dir\n",
    ),
    ("(shell \"true\" \"a\" {:cwd \"/\"})", ""),
    (
        "(proc/spawn [\"true\"] {:stdin \"/\"})",
        "proc/spawn: there is no option :stdin\n",
    ),
    (
        "(text/chunk \"a\" {:length 3})",
        "text/chunk: there is no option :length\n",
    ),
    (
        "(define (f) (http/get \"http://localhost/\" {:headrs {}}))",
        "http/get: there is no option :headrs\n",
    ),
    (
        "(define (f) (http/post \"http://localhost/\" {:any 1} {:timeout 5}))",
        "",
    ),
    (
        "(define (f) (http/serve list {:prt 80}))",
        "http/serve: there is no option :prt\n",
    ),
    (
        "(define (f) (llm/complete \"a\" {:modle \"m\" :seed 1}))",
        "llm/complete: there is no option :modle\n",
    ),
    (
        "(define (f g) (llm/stream \"a\" g {:max-token 1}))",
        "llm/stream: there is no option :max-token\n",
    ),
    (
        "(define (f bot) (agent/run bot \"a\" {:on-txt println}))",
        "agent/run: there is no option :on-txt\n",
    ),
    (
        "(define (f) (mcp/connect {:comand \"a\"}))",
        "mcp/connect: there is no option :comand\n",
    ),
    (
        "(define (f) (llm/configure-embeddings :openai {:key \"k\"}))",
        "llm/configure-embeddings: there is no option :key\n",
    ),
    (
        "(define (f) (llm/with-budget {:max-cost 1} (fn () 1)))",
        "llm/with-budget: there is no option :max-cost\n",
    ),
    (
        "(define (f) (llm/with-cache (fn () (llm/embed \"a\" {:provider :jina :dimensions 8}))))",
        "",
    ),
    (
        "(define (f) (ws/connect \"ws://localhost/\" {:protocols (list)}))",
        "ws/connect: there is no option :protocols\n",
    ),
    (
        "(define (retry f options) 1) (retry (fn () 1) {:max-attempt 2})",
        "",
    ),
    ("(conversation/new {:anything 1})", ""),
    (
        "(define-record-type p (make-p x) p? (x p-x)) (define (make-p x) x)",
        "`make-p` is defined twice",
    ),
    ("(define a 1) (defun a (x) x)", "`a` is defined twice"),
    (
        "(defmacro m (x) x) (defmacro m (x) x)",
        "`m` is defined twice",
    ),
    (
        "(define-syntax m (syntax-rules () ((_) 1))) (defmacro m (x) x)",
        "`m` is defined twice",
    ),
    (
        "(defmulti f first) (defmethod f :a (fn (x) 1)) (defmethod f :a (fn (x) 2))",
        "`f :a` is defined twice",
    ),
    (
        "(defmulti f first) (defmethod f :a (fn (x) 1)) (defmethod f :b (fn (x) 2))",
        "",
    ),
    (
        "(define (f) (define a 1) a) (define (g) (define a 1) a)",
        "",
    ),
    ("(define a 1) (set! a 2)", ""),
    (
        "(define (f x) (cond (\"yes\" 1) ((= x 3) 3)))",
        "cond: this clause is never reached",
    ),
    (
        "(define (f x) (cond ((> x 1) 1) ((< x 1) 2) ((> x 1) 3)))",
        "cond: this clause is never reached",
    ),
    (
        "(define (f x) (cond ((> x 1) 1) ((begin (set! x 3) #f) 2) ((> x 1) 3)))",
        "",
    ),
    ("(define (f g) (cond ((g 1) 1) ((g 1) 3)))", ""),
    (
        "(define (> a b) (read-line)) (define (f x) (cond ((> x 1) 1) ((> x 1) 3)))",
        "",
    ),
    (
        "(define (f x) (cond (> x 1)))",
        "cond: the test is the function '>' itself",
    ),
    ("(define (f list) (cond (list 1)))", ""),
    (
        "(define (f x) (case x ((1 2) 1) ((3 2) 2)))",
        "case: this clause is never reached",
    ),
    (
        "(define (f x) (case x ((1) 1) (else 2) ((3) 2)))",
        "case: this clause is never reached",
    ),
    (
        "(define (f x) (case x ((:a) 1) ((a) 2) ((\"a\") 3) ((#\\a) 4)))",
        "",
    ),
    (
        "(define (f x) (match x (y 1) (3 2)))",
        "match: this clause is never reached",
    ),
    (
        "(import \"a.sema\") (import \"b.sema\")",
        "`f` is bound by two imports",
    ),
    ("(import \"a.sema\") (import \"b.sema\" g)", ""),
    ("(import \"a.sema\") (import \"a.sema\")", ""),
    ("(import \"a.sema\") (import \"through.sema\")", ""),
    (
        "(import \"b.sema\") (import \"through.sema\")",
        "`f` is bound by two imports",
    ),
    (
        "(define f 1) (import \"a.sema\")",
        "the import replaces `f`",
    ),
    ("(import \"a.sema\") (define f 1)", ""),
];

#[test]
fn senseless_lines_are_warned_of_and_sensible_ones_are_not() {
    for (line, warning) in SENSELESS {
        let project = Scratch::with(&[
            ("main.sema", *line),
            ("a.sema", "(module a (export f) (define (f) 1))"),
            (
                "b.sema",
                "(module b (export f g) (define (f) 2) (define (g) 3))",
            ),
            (
                "through.sema",
                "(module through (export f) (import \"a.sema\"))",
            ),
        ]);
        let got = semac(&project, &["check", "main.sema"]).succeeded();
        if warning.is_empty() {
            assert!(!got.stderr.contains("Warning"), "{line}: {got:#?}");
        } else {
            let text = format!("Warning: {warning}");
            assert_eq!(got.stderr.matches(&text).count(), 1, "{line}: {got:#?}");
            assert!(got.stderr.contains(" 1 warning"), "{line}: {got:#?}");
        }
    }
}
