//! Programs through the front end and a small evaluator: macros, modules, scopes.

mod support;

use sema_machine::host::native::at_least;
use semac_core::front::datum::new_interner;
use semac_core::front::diagnostic::{Diagnostic, Severity};
use semac_core::front::lower::CERTAIN;
use semac_core::front::modules::{MemoryFiles, Options, PackageRoot, lower_files};
use semac_core::front::source::SourceMap;
use semac_core::ir::builtins::{BuiltinKind, Builtins};
use semac_core::phases::Unobserved;
use support::Machine;

struct Run {
    output: String,
    keys: Vec<String>,
    problems: Vec<Diagnostic>,
}

impl Run {
    fn messages(&self, severity: Severity) -> Vec<&str> {
        let problems = self
            .problems
            .iter()
            .filter(|problem| problem.severity == severity);
        problems.map(|problem| problem.message.as_str()).collect()
    }
}

/// Lowers and runs `/p/main.sema`.
fn run(files: &[(&str, &str)]) -> Run {
    let mut builtins = Builtins::new();
    for name in [
        "+", "-", "*", "=", "<", ">", ">=", "<=", "not", "nil?", "null?", "list?", "list", "cons",
        "car", "cdr", "append", "map", "str", "println", "error", "equal?", "first", "get",
        "values", "read",
    ] {
        builtins.add(name, Some(at_least(0)), BuiltinKind::Native);
    }
    let mut memory = MemoryFiles::new();
    for (path, text) in files {
        memory.add(format!("/p/{path}"), *text);
    }
    let packages = PackageRoot {
        directory: Some("/p/packages".to_string()),
        program: None,
    };
    let mut interner = new_interner();
    let mut host = Machine::default();
    let mut sources = SourceMap::new();
    let entry = format!("/p/{}", files[0].0);
    let program = lower_files(
        &entry,
        &memory,
        &mut sources,
        &packages,
        &mut interner,
        &builtins,
        &mut host,
        Options {
            allowed: &CERTAIN.map(str::to_owned),
            externs: &[],
            ..Options::default()
        },
        &Unobserved,
    );
    let compile_output = std::mem::take(&mut host.output);
    match program {
        Err(problems) => Run {
            output: compile_output,
            keys: Vec::new(),
            problems,
        },
        Ok(program) => {
            let keys: Vec<String> = program
                .modules
                .iter()
                .map(|module| module.key.to_string())
                .collect();
            let modules = program
                .modules
                .into_iter()
                .map(|module| (module.key.to_string(), module.unit));
            let mut machine = Machine::default();
            let failure = machine.run_program(modules.collect(), &interner);
            let mut output = compile_output + &machine.output;
            if let Some(failure) = failure {
                output.push_str(&format!("Error: {failure}\n"));
            }
            Run {
                output,
                keys,
                problems: program.warnings,
            }
        }
    }
}

#[track_caller]
fn expect(source: &str, output: &str) {
    let run = run(&[("main.sema", source)]);
    assert_eq!(
        run.messages(Severity::Error),
        Vec::<&str>::new(),
        "{source}"
    );
    assert_eq!(run.output, output, "{source}");
}

#[track_caller]
fn refuse(source: &str, message: &str) {
    let run = run(&[("main.sema", source)]);
    assert_eq!(run.messages(Severity::Error), [message], "{source}");
}

#[test]
fn procedural_macros() {
    expect(
        "(defmacro twice (x) `(+ ,x ,x)) (println (twice 21))",
        "42\n",
    );
    expect(
        "(defmacro my-if (c . r) (cons 'if (cons c r))) (println (my-if #f 1 2))",
        "2\n",
    );
    expect(
        "(defmacro m (b) `(let ((x# 999)) ,b)) (println (let ((x 1)) (m x)))",
        "1\n",
    );
    expect(
        "(defmacro count (n) (if (= n 0) 0 `(let ((v# ,n)) (+ v# (count ,(- n 1)))))) (println (count 10))",
        "55\n",
    );
    expect(
        "(defmacro m (x) 99) (define (m x) x) (println (m 2))",
        "2\n",
    );
    expect(
        "(defmacro m () 42) (println `(m) (let ((m car)) (m '(7))))",
        "(m) 7\n",
    );
    expect(
        "(defmacro m (x) (println \"expanding\") x) (println \"run\") (println (m 1))",
        "expanding\nrun\n1\n",
    );
    expect(
        "(defmacro def (n) (list 'define n 5)) (defmacro d2 (n) (list 'define n 6)) (d2 x) (println x)",
        "6\n",
    );
    expect(
        "(defmacro mm (x) x) (println mm (try (map mm '(1)) (catch e (:message e))))",
        "<macro mm> not callable: <macro mm>\n",
    );
    expect(
        "(defmacro m (x) (list 'defmacro 'm3 '() x)) (m 7) (println (m3))",
        "7\n",
    );
    refuse("(defmacro m (x) x) (m)", "m expects 1 argument, got 0");
    refuse("(defmacro m () (error \"bad\")) (m)", "bad");
    refuse("(defmacro m () (throw 5)) (m)", "User exception: 5");
    refuse(
        "(defmacro m () '(m)) (m)",
        "macro expansion exceeded depth limit",
    );
    refuse("(defmacro m x x)", "defmacro: params must be a list");
}

#[test]
fn transformers_use_earlier_definitions() {
    expect(
        "(define (wrap forms) (cons 'begin forms)) (defmacro all (. body) (wrap body)) (define n 0) (all (set! n (+ n 1)) (set! n (+ n 10))) (println n)",
        "11\n",
    );
    // Definitions are found through other definitions, and run once, in order.
    expect(
        "(define table (list 'a 'b)) (define (pick) (car table)) (define (name) (pick)) (defmacro m () `(quote ,(name))) (println (m))",
        "a\n",
    );
    expect(
        "(define-record-type p (mk x) p? (x px)) (defmacro m () (px (mk 3))) (define-values (u v) (values 1 2)) (defmacro w () (+ u v)) (println (m) (w))",
        "3 3\n",
    );
    // A global is shared by the transformers of a module.
    expect(
        "(define n 0) (define (next) (set! n (+ n 1)) n) (defmacro a () (next)) (defmacro b () (next)) (println (a) (b) (a) n)",
        "1 2 3 0\n",
    );
    // Macros may be used in transformers.
    expect(
        "(defmacro add (a b) `(+ ,a ,b)) (defmacro m (x) (-> x (list 1) (car) (add 1))) (println (m 4))",
        "5\n",
    );
    refuse(
        "(defmacro m () (later)) (m) (define (later) 1)",
        "Unbound variable: later",
    );
}

#[test]
fn macros_and_local_scopes() {
    expect(
        "(defmacro def (n v) `(define ,n ,v)) (define (f) (define-values (a b) (values 1 2)) (list a b)) (println (f))",
        "(1 2)\n",
    );
    expect(
        "(defmacro let1 (n v) `(define ,n ,v)) (define (f) (g)) (define (g) (define (h) (+ k 1)) (let1 k 5) (h)) (println (f))",
        "6\n",
    );
    expect(
        "(define (f) (println (try (m 1) (catch e (:message e)))) (define (m x) (+ x 1)) 1) (defmacro m (x) x) (f)",
        "not callable: nil\n",
    );
    expect(
        "(defmacro x () 42) (println ((fn (quote x) (x)) 1 (fn () 7)))",
        "7\n",
    );
    expect("(println (let ((-> list)) (-> 1 2)))", "(1 2)\n");
}

#[test]
fn scopes() {
    expect(
        "(define (f) (define a b) (define b 1) a) (println (f))",
        "nil\n",
    );
    expect("(define (f) (when #t (define a 5)) a) (println (f))", "5\n");
    expect(
        "(define (f x) (define g (fn () x)) (define x 7) (g)) (println (f 1))",
        "7\n",
    );
    expect(
        "(define (f) (let* ((x 1) (y 2)) (define x (+ x 1)) x)) (println (f))",
        "2\n",
    );
    expect(
        "(define (f) (define [a & r] (list 1 2 3)) (define {:keys [k]} {:k a}) (list k r)) (println (f))",
        "(1 (2 3))\n",
    );
    expect(
        "(define (f) (define [a b] (list 1 b)) b) (println (f))",
        "nil\n",
    );
    expect(
        "(define fs (list)) (dotimes (i 3) (let ((j i)) (set! fs (cons (fn () (list i j)) fs)))) (println (map (fn (f) (f)) fs))",
        "((3 2) (3 1) (3 0))\n",
    );
    expect(
        "(define i 0) (while (< i 3) (define j 0) (while (< j 2) (set! j (+ j 1))) (set! i (+ i j))) (println i)",
        "4\n",
    );
    expect(
        "(println (do ((i 0 (+ i (if z 1 2)))) ((>= i 3) i) (define z nil)))",
        "4\n",
    );
    expect("(println (letrec (([a b] (list 1 (fn () a)))) (b)))", "1\n");
    expect(
        "(define (= a b) #f) (println (case 1 ((1) :y) (else :n)) (match 1 (1 :y) (_ :n)))",
        ":y :y\n",
    );
    expect(
        "(println (match {:a [1 2 3]} ({:b x} x) ({:a [x & r]} when (= x 1) (list x r)) (_ :none)))",
        "(1 (2 3))\n",
    );
    expect(
        "(println (guard (e ((= e 5) :five) ((= e 6) :six)) (throw 6)))",
        ":six\n",
    );
    expect(
        "(println (try (guard (e ((= e 5) :five)) (throw 6)) (catch e (:value e))))",
        "6\n",
    );
    expect(
        "(println (let-values (((a . r) (values 1 2 3)) (c 4)) (list a r c)))",
        "(1 (2 3) (4))\n",
    );
    expect(
        "(define x 1) (println (let ((x 2)) (eval '(begin (set! x 5) x))) x)",
        "5 5\n",
    );
    expect(
        "(println (try (eval '(if)) (catch e (:message e))))",
        "if expects 2 or 3 arguments, got 0\n",
    );
    expect(
        "(println (try (eval (read \"(+ 1\")) (catch e (:message e))))",
        "unterminated list at 1:1\n",
    );
    expect(
        "(println (eval (read \"(+ 1 2)\")) (macroexpand '(-> 1 f)))",
        "3 (f 1)\n",
    );
    expect(
        "(println `(1 ,@(list 2 3) `(4 ,(5 ,(+ 1 5)))))",
        "(1 2 3 (quasiquote (4 (unquote (5 6)))))\n",
    );
}

#[test]
fn imports() {
    let lib = "(module lib (export square twice) (define (helper x y) (* x y)) (define (square x) (helper x x)) (defmacro twice (x) `(+ ,x ,x)) (defmacro hidden () 1))";
    let result = run(&[
        (
            "main.sema",
            "(import \"lib/m.sema\") (println (square 7) (twice 4)) (println (try (helper 1 2) (catch e (:type e))))",
        ),
        ("lib/m.sema", lib),
    ]);
    assert_eq!(result.output, "49 8\n:unbound\n");
    assert_eq!(result.keys, ["lib/m.sema", "main.sema"]);
    let result = run(&[
        (
            "main.sema",
            "(import \"m.sema\" twice square nope) (println 1)",
        ),
        ("m.sema", lib),
    ]);
    assert_eq!(
        result.output,
        "Error: import: module does not export 'nope'\n"
    );
    let result = run(&[
        (
            "main.sema",
            "(define value :mine) (import \"m.sema\") (println value (get-value)) (set! value 1) (println (get-value))",
        ),
        (
            "m.sema",
            "(define value :theirs) (define (get-value) value)",
        ),
    ]);
    assert_eq!(result.output, ":theirs :theirs\n:theirs\n");
    let result = run(&[
        ("main.sema", "(import \"a.sema\") (println (list))"),
        ("a.sema", "(import \"b.sema\")"),
        ("b.sema", "(define list (fn () :imported))"),
    ]);
    assert_eq!(result.output, ":imported\n");
}

#[test]
fn macros_use_imported_functions() {
    let result = run(&[
        (
            "main.sema",
            "(import \"h.sema\") (defmacro m (x) (double x)) (println (m 3))",
        ),
        (
            "h.sema",
            "(module h (export double) (define two 2) (define (double x) (list '* two x)))",
        ),
    ]);
    assert_eq!(result.output, "6\n");
    let result = run(&[
        (
            "main.sema",
            "(import \"m.sema\") (println (unless-zero 5 :printed))",
        ),
        (
            "m.sema",
            "(define (build n body) `(if (= ,n 0) nil ,body)) (defmacro unless-zero (n body) (build n body))",
        ),
    ]);
    assert_eq!(result.output, ":printed\n");
}

#[test]
fn loads() {
    let calc = "(println \"runs\") (define x 5) (* x 2)";
    let result = run(&[
        (
            "main.sema",
            "(println (load \"calc.sema\")) (println x) (set! x 100) (println (load \"calc.sema\") x) (define (go) (load \"calc.sema\")) (println (go))",
        ),
        ("calc.sema", calc),
    ]);
    assert_eq!(result.output, "runs\n10\n5\nruns\n10 5\nruns\n10\n");
    let result = run(&[
        (
            "main.sema",
            "(load \"lib/b.sema\") (println doubled (twice 4))",
        ),
        (
            "lib/b.sema",
            "(load \"c.sema\") (define doubled (* base 2))",
        ),
        (
            "lib/c.sema",
            "(define base 10) (defmacro twice (x) `(+ ,x ,x))",
        ),
    ]);
    assert_eq!(result.output, "20 8\n");
    let result = run(&[
        (
            "main.sema",
            "(println (try (load \"a.sema\") (catch e (:type e))))",
        ),
        ("a.sema", "(load \"a.sema\")"),
    ]);
    assert_eq!(result.output, ":eval\n");
}

#[test]
fn cycles_and_missing_files() {
    let result = run(&[
        ("main.sema", "(import \"a.sema\") (println 1)"),
        (
            "a.sema",
            "(module a (export x) (define x 1) (import \"b.sema\"))",
        ),
        (
            "b.sema",
            "(module b (export y) (define y 2) (import \"a.sema\"))",
        ),
    ]);
    assert_eq!(
        result.messages(Severity::Warning),
        ["cyclic import detected: a.sema -> b.sema -> a.sema"]
    );
    let result = run(&[(
        "main.sema",
        "(define (f) (import \"gone.sema\")) (println 1)",
    )]);
    assert_eq!(
        result.messages(Severity::Warning),
        ["import gone.sema: No such file or directory (os error 2)"]
    );
    assert_eq!(result.output, "1\n");
    let broken = run(&[
        (
            "main.sema",
            "(println (try (import \"b.sema\") (catch e (list (:type e) (:message e)))))",
        ),
        ("b.sema", "(define x"),
    ]);
    assert_eq!(broken.output, "(:reader \"unterminated list at 1:1\")\n");
    let broken = run(&[
        (
            "main.sema",
            "(println (try (import \"b.sema\") (catch e (:message e))))",
        ),
        ("b.sema", "(if)"),
    ]);
    assert_eq!(broken.output, "if expects 2 or 3 arguments, got 0\n");
    assert_eq!(
        run(&[("main.sema", "(if")]).messages(Severity::Error),
        ["unterminated list"]
    );
}

#[test]
fn keys_are_relative_to_the_common_directory() {
    let result = run(&[
        (
            "app/src/main.sema",
            "(import \"../../lib/m.sema\") (println x)",
        ),
        ("lib/m.sema", "(define x 1)"),
    ]);
    assert_eq!(result.output, "1\n");
    // The directory of the entry is /p/app/src.
    assert_eq!(result.keys, ["lib/m.sema", "app/src/main.sema"]);
    let result = run(&[
        ("main.sema", "(import \"user/tool\") (println x)"),
        (
            "packages/user/tool/package.sema",
            "(import \"./in.sema\") (define x (+ y 1))",
        ),
        ("packages/user/tool/in.sema", "(define y 1)"),
    ]);
    assert_eq!(result.output, "2\n");
    assert_eq!(
        result.keys,
        [
            "@packages/user/tool/in.sema",
            "@packages/user/tool/package.sema",
            "main.sema"
        ]
    );
}

#[test]
fn problems_come_together() {
    let result = run(&[(
        "main.sema",
        "(if)\n(let ((1 2)) 3)\n(define (f) (set! 5 1))",
    )]);
    assert_eq!(
        result.messages(Severity::Error),
        [
            "if expects 2 or 3 arguments, got 0",
            "let: binding name must be a symbol, vector, or map pattern",
            "set!: expected a symbol"
        ]
    );
}

#[test]
fn deep_forms_are_refused_without_overflow() {
    let lower = || {
        let deep = "(defmacro deep (n) (if (= n 0) 1 `(+ 1 (deep ,(- n 1))))) (println (deep 900))";
        expect(deep, "901\n");
        let endless = run(&[(
            "main.sema",
            "(defmacro m (x) `(list (m ,x))) (println (m 1))",
        )]);
        assert_eq!(
            endless.messages(Severity::Error),
            ["macro expansion exceeded depth limit"]
        );
    };
    let thread = std::thread::Builder::new()
        .stack_size(256 << 20)
        .spawn(lower);
    thread.unwrap().join().unwrap();
}
