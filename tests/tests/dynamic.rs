//! Code that is only known when the program runs: under `semac run`, in executables that contain
//! the compiler, and in those that do not.

use std::path::PathBuf;
use std::process::Command;

use sema_tests::{Outcome, Scratch, outcome, runtime, semac_in};

fn run(project: &Scratch) -> Outcome {
    let mut command = semac_in(project.path());
    command.args(["run", "main.sema"]);
    outcome(&mut command, b"")
}

/// Builds the program and runs it where its sources are.
fn built(project: &Scratch, options: &[&str], runtime: PathBuf) -> (Outcome, Outcome) {
    let mut command = semac_in(project.path());
    command.args(["build", "main.sema", "-o", "program"]);
    command.args(options).arg("--runtime").arg(runtime);
    let build = outcome(&mut command, b"").succeeded();
    let mut command = Command::new(project.file("program"));
    command.env_clear().current_dir(project.path());
    (build, outcome(&mut command, b""))
}

fn with_compiler(project: &Scratch) -> Outcome {
    built(
        project,
        &["--dynamic"],
        runtime().with_file_name("sema-rt-dynamic"),
    )
    .1
}

/// The program does the same under `semac run` and in an executable with the compiler.
#[track_caller]
fn check(files: &[(&str, &str)], output: &str) {
    let project = Scratch::with(files);
    let got = run(&project).succeeded();
    assert_eq!((got.stdout.as_str(), got.stderr.as_str()), (output, ""));
    let got = with_compiler(&project).succeeded();
    assert_eq!((got.stdout.as_str(), got.stderr.as_str()), (output, ""));
}

#[test]
fn evaluated_code_shares_the_globals_of_the_program() {
    let program = "
(define x 1)
(define (later) (made-by-eval 2))
(println (try (later) (catch e (:message e))))
(eval (list 'define '(made-by-eval n) '(set! x (+ x n)) 'x))
(println (later) x)
(let ((x 100)) (println (eval (read \"(+ x 1)\"))))
(eval (list 'define 'many 0))
(for-each (fn (n) (eval (list 'define (string->symbol (str \"v\" n)) n))) (range 300))
(println (eval (list '+ 'v0 'v299)) (later))
";
    check(
        &[("main.sema", program)],
        "Unbound variable: made-by-eval\n3 3\n4\n299 5\n",
    );
}

#[test]
fn objects_in_forms_are_themselves() {
    let program = "
(define cell (mutable-cell/new 1))
(println (eval (list (fn (x) (* x x)) 9)))
(println (eval (list 'map (fn (x) (+ x 1)) ''(1 2))))
(println (eq? cell (eval (list 'quote cell))) (eval (hashmap/new :a 1)))
(println (first (eval (list 'quote (list cell 2)))) (eval (list + 1 2)))
";
    check(
        &[("main.sema", program)],
        "81\n(2 3)\n#t {:a 1}\n<mutable-cell> 3\n",
    );
}

#[test]
fn macros_work_at_run_time() {
    let library = "
(module lib (export swapped value) (define factor 3)
  (define (scaled x) (list '* factor x))
  (defmacro swapped (a b) (list 'list b (scaled a)))
  (define value 10))
";
    let program = "
(import \"lib.sema\")
(define (doubled x) (list '* 2 x))
(defmacro double (x) (doubled x))
(define-syntax twice (syntax-rules () ((_ e) (list e e))))
(println (eval (list 'double 21)) (eval (list 'twice 1)) (eval (list 'swapped 1 2)))
(println (macroexpand (list 'double 'y)) (macroexpand (list 'println 1)))
(eval (read \"(defmacro add-six (x) (list '+ x (eval (list 'double 3))))\"))
(println (eval (read \"(add-six 1)\")))
(eval (read \"(defmacro failing () (throw {:a 1}))\"))
(println (try (eval (read \"(failing)\")) (catch e (:value e))))
(println (:type (try (eval (read \"(defmacro waiting () (async/sleep 1))\")) (eval '(waiting))
                  (catch e e))))
(define (double-of-value x) (try (eval (list 'double x)) (catch e (:message e))))
(println (double-of-value 4))
";
    check(
        &[("main.sema", program), ("lib.sema", library)],
        "42 (1 1) (2 3)\n(* 2 y) (println 1)\n7\n{:a 1}\n:eval\n8\n",
    );
}

#[test]
fn mistakes_in_forms_are_conditions() {
    let program = "
(define (kind text) (println (try (eval (read text)) (catch e (list (:type e) (:message e))))))
(for-each kind (list \"(if)\" \"(let (x 1) x)\" \"(define 5 1)\" \"nowhere\" \"(+ 1\" \"(throw 5)\"))
(println (try (read-many \"a )\") (catch e (:message e))) (read \"\") (read-many \"a (b) 1.5\"))
";
    check(
        &[("main.sema", program)],
        "(:arity \"if expects 2 or 3 arguments, got 0\")\n\
         (:eval \"let: expected a list\")\n\
         (:type-error \"expected symbol, list, vector, or map, got int\")\n\
         (:unbound \"Unbound variable: nowhere\")\n\
         (:reader \"unterminated list at 1:1\")\n\
         (:user \"5\")\n\
         unexpected closing `)` at 1:3 nil (a (b) 1.5)\n",
    );
}

#[test]
fn files_with_computed_paths() {
    let program = "
(define (file name) (str name \".sema\"))
(define (problem thunk) (try (thunk) (catch e (:message e))))
(println (load (file \"values\")) from-values)
(println (problem (fn () (load (file \"broken\")))) before-mistake)
(import (file \"module\") exported)
(println exported (problem (fn () hidden)))
(println (problem (fn () (import (file \"module\") hidden))))
(import (file \"module\"))
(println (eval (read \"(from-module 2)\")))
(println (problem (fn () (import (file \"failing\")))))
(println (problem (fn () (import (file \"failing\")))))
(println (problem (fn () (import (file \"no-such\")))))
(println (load (file \"sub/outer\")))
(println (last (string/split (problem (fn () (load (file \"cycle\")))) \"/\")))
";
    let files = [
        ("main.sema", program),
        (
            "values.sema",
            "(println \"loading\") (define from-values 1) (* 6 7)",
        ),
        ("broken.sema", "(define before-mistake 'kept) (if)"),
        (
            "module.sema",
            "(module m (export exported from-module) (println \"importing\") (define hidden 1)\n\
             (define exported 2) (defmacro from-module (x) (list '+ hidden x)))",
        ),
        ("failing.sema", "(println \"trying\") (throw :no)"),
        ("sub/outer.sema", "(load (str \"inner\" \".sema\"))"),
        ("sub/inner.sema", "'inner"),
        ("cycle.sema", "(load (str \"./cycle\" \".sema\"))"),
    ];
    let expected = "loading\n42 1\nif expects 2 or 3 arguments, got 0 kept\nimporting\n\
                    2 Unbound variable: hidden\nimport: module does not export 'hidden'\n3\n\
                    trying\n:no\ntrying\n:no\n\
                    import no-such.sema: No such file or directory (os error 2)\ninner\ncycle.sema\n";
    let project = Scratch::with(&files);
    assert_eq!(run(&project).succeeded().stdout, expected);
    assert_eq!(with_compiler(&project).succeeded().stdout, expected);
}

#[test]
fn a_module_of_the_program_is_imported_once_however_it_is_asked_for() {
    let files = [
        (
            "main.sema",
            "(import \"lib/part.sema\")\n(import (str \"lib/\" \"part.sema\") part)\n(println part)\n",
        ),
        ("lib/part.sema", "(println \"once\")\n(define part 5)\n"),
    ];
    let project = Scratch::with(&files);
    assert_eq!(run(&project).succeeded().stdout, "once\n5\n");
    let (_, slim) = built(&project, &[], runtime().to_owned());
    assert_eq!(slim.succeeded().stdout, "once\n5\n");
    assert_eq!(with_compiler(&project).succeeded().stdout, "once\n5\n");
}

#[test]
fn without_compiler_it_is_a_condition() {
    let program = "
(define text \"(+ 1 2)\")
(define (kind thunk) (println (try (thunk) (catch e (:type e)))))
(kind (fn () (eval (list '+ 1 2))))
(kind (fn () (read text)))
(kind (fn () (map read-many (list text))))
(kind (fn () (macroexpand (list 'when 1 2))))
(define (told thunk) (println (try (thunk) (catch e (:message e)))))
(told (fn () (sema/check-string text)))
(told (fn () (sema/check-file \"other.sema\")))
(kind (fn () (load (str \"other\" \".sema\"))))
(kind (fn () (import (str \"other\" \".sema\"))))
(kind (fn () (import (str \"missing\" \".sema\"))))
(println (eval '(* 6 7)) (eval (read \"(+ 1 1)\")))
(import (str \"plugin\" \".semac\") doubled)
(println (doubled 4))
";
    let project = Scratch::with(&[
        ("main.sema", program),
        ("other.sema", "1"),
        ("plugin.sema", "(define (doubled x) (* 2 x))"),
    ]);
    let mut command = semac_in(project.path());
    command.args(["compile", "plugin.sema"]);
    outcome(&mut command, b"").succeeded();
    let (build, got) = built(&project, &[], runtime().to_owned());
    for place in [
        "eval: the form",
        "macroexpand: the form",
        "sema/check-string asks the compiler",
        "sema/check-file asks the compiler",
        "must be a compiled module",
    ] {
        assert!(build.stderr.contains(place), "{}", build.stderr);
    }
    assert!(build.stderr.contains("--dynamic"), "{}", build.stderr);
    assert!(!build.stderr.contains("read: the text"), "{}", build.stderr);
    // Data is read without a compiler.
    let expected = ":unsupported\n(+ 1 2)\n(((+ 1 2)))\n:unsupported\n\
                    sema/check-string needs a compiler at run time, which this program does not contain\n\
                    sema/check-file needs a compiler at run time, which this program does not contain\n\
                    :unsupported\n:unsupported\n:io\n42 2\n8\n";
    assert_eq!(got.succeeded().stdout, expected);
}

#[test]
fn builtins_that_evaluated_code_redefines_are_seen_by_earlier_code() {
    let program = "
(define (run form) (eval form))
(define (head items) (first items))
(run '(define (tail items) (rest items)))
(run '(define (first items) :first))
(run (read \"(set! rest (fn (items) :rest))\"))
(println (head '(1 2)) (tail '(1 2)) (run '(first '(1))))
";
    check(&[("main.sema", program)], ":first :rest :first\n");
}

#[test]
fn macros_defined_when_they_are_reached() {
    let program = "
(define (make) (when #t (defmacro more (x) (list '+ x 1))) :made)
(define (swap) (define-syntax pair (syntax-rules () ((_ a b) (list b a)))) :made)
(println (make) (eval '(more 4)))
(println (swap) (eval '(pair 1 2)))
(println (try (more 4) (catch e (:message e))))
";
    check(
        &[("main.sema", program)],
        ":made 5\n:made (2 1)\nnot callable: <macro more> (macro)\n",
    );
}

#[test]
fn transformers_make_no_code_of_what_tasks_share() {
    let program = "
(defmacro channel () (channel/new 1))
(defmacro hidden () (list 'quote (list 1 (vector (channel/new 1)))))
(defmacro task () (async 1))
(defmacro closure () (let ((f (fn (x) (* x 2)))) (list f 4)))
(define (kind form) (try (begin (eval form) :made) (catch e (:type e))))
(println (kind '(channel)) (kind '(hidden)) (kind '(task)) (eval '(closure)))
";
    check(&[("main.sema", program)], ":eval :eval :eval 8\n");
}

#[test]
fn macros_that_never_end() {
    let program = "
(defmacro endless () (let loop () (try (car 1) (catch e nil)) (loop)))
(define form '(endless))
(println (try (eval form) (catch e (:type e))))
";
    check(&[("main.sema", program)], ":eval\n");
    let project = Scratch::with(&[(
        "main.sema",
        "(defmacro endless () (while #t nil))\n(println\n  (endless))\n",
    )]);
    let mut command = semac_in(project.path());
    command.args(["run", "--macro-steps", "1000", "main.sema"]);
    let got = outcome(&mut command, b"").failed_with(1, "main.sema:3:3");
    assert!(got.stderr.contains("--macro-steps"), "{}", got.stderr);
}

/// Two tasks import what waits while it is loaded: the second waits for the first, whatever the file is.
#[test]
fn tasks_wait_for_computed_imports_of_each_other() {
    let slow = "(module slow (export x) (println \"start\") (async/sleep 20) (define x 42) (println \"end\"))";
    let failing = "(println \"start\") (async/sleep 20) (error \"broken\")";
    let main = "(define (name) (str \"slow\" \"EXTENSION\"))\n\
        (define (get) (async (try (begin (import (name) x) x) (catch e (:message e)))))\n\
        (define a (get))\n(define b (get))\n(println (await a))\n(println (await b))\n(println (await (get)))";
    for (extension, text, output) in [
        (".sema", slow, "start\nend\n42\n42\n42\n"),
        (".semac", slow, "start\nend\n42\n42\n42\n"),
        // What has failed is tried again by those that waited.
        (
            ".sema",
            failing,
            "start\nstart\nbroken\nbroken\nstart\nbroken\n",
        ),
        (
            ".semac",
            failing,
            "start\nstart\nbroken\nbroken\nstart\nbroken\n",
        ),
    ] {
        let main = main.replace("EXTENSION", extension);
        let project = Scratch::with(&[("main.sema", main.as_str()), ("slow.sema", text)]);
        let mut command = semac_in(project.path());
        outcome(
            command.args(["compile", "slow.sema", "-o", "slow.semac"]),
            b"",
        )
        .succeeded();
        assert_eq!(run(&project).succeeded().stdout, output, "{extension}");
        assert_eq!(
            with_compiler(&project).succeeded().stdout,
            output,
            "{extension}"
        );
        if extension == ".semac" {
            let slim = built(&project, &[], runtime().to_path_buf()).1;
            assert_eq!(slim.succeeded().stdout, output);
        }
    }
}

/// Files that import each other are a cycle, also in two tasks.
#[test]
fn computed_imports_that_wait_for_each_other_are_a_cycle() {
    let other = |name: &str| {
        format!("(async/sleep 5)\n(import (str \"{name}\" \".sema\"))\n(define x 1)\n")
    };
    let (a, b) = (other("b"), other("a"));
    let main = "(define (get name) (async (try (begin (import (str name \".sema\") x) x) (catch e (:message e)))))\n\
        (define a (get \"a\"))\n(define b (get \"b\"))\n\
        (for-each (fn (m) (println (string/contains? m \"cyclic import\"))) (list (await a) (await b)))\n";
    let project = Scratch::with(&[("main.sema", main), ("a.sema", &a), ("b.sema", &b)]);
    let got = run(&project).succeeded();
    assert!(got.stdout.contains("#t"), "{got:#?}");
}
