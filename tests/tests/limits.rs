//! The limit of a program's data holds for everything that grows: going beyond is a condition, and the process stays near
//! the limit.
//!
//! Looked for: lists, arrays, texts that are built, printed or joined; lines and the rest of standard input, files, lines of
//! files, byte buffers; names; tasks with their stacks; descriptors of streams that nobody holds.

#![cfg(target_os = "linux")]

use std::fs::File;
use std::io::Write;
use std::process::{Command, Stdio};

use sema_tests::{Outcome, Scratch, built, outcome, semac_in};

/// Limit of all data in megabytes.
const LIMIT: usize = 48;

/// What the system may give the process in all: more than that is certain to be too much.
const ADDRESS_SPACE_KB: usize = 1 << 20;

/// Runs the program with limits; what it printed, and the most memory that it had, in kilobytes.
#[track_caller]
fn limited(scratch: &Scratch, input: Option<&str>) -> (Outcome, usize) {
    let script = format!(
        "ulimit -v {ADDRESS_SPACE_KB}; ./app < {}; status=$?; \
         grep -q . /dev/null; exit $status",
        input.unwrap_or("/dev/null")
    );
    // The shell's own figure of its children is what tells, so it must not be replaced by the program.
    let mut command = Command::new("python3");
    command
        .args([
            "-c",
            "import resource, subprocess, sys\n\
             p = subprocess.run(['sh', '-c', sys.argv[1]])\n\
             print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n\
             sys.exit(p.returncode)",
            &script,
        ])
        .env("SEMAC_HEAP_MB", LIMIT.to_string())
        .current_dir(scratch.path())
        .stdin(Stdio::null());
    let mut outcome = outcome(&mut command, b"").succeeded();
    let (printed, memory) = outcome.stdout.trim_end().rsplit_once('\n').unwrap();
    let memory = memory.parse().unwrap();
    outcome.stdout = printed.to_owned();
    (outcome, memory)
}

#[track_caller]
fn is_limited(grows: &str, input: Option<&str>) {
    let scratch = built(&format!(
        "(println (try (begin {grows} :no-end) (catch e (:type e)))) (println :still (+ 1 2))"
    ));
    if input == Some("large.txt") {
        let mut file = File::create(scratch.file("large.txt")).unwrap();
        for _ in 0..200 {
            file.write_all(&vec![b'a'; 1 << 20]).unwrap();
        }
    }
    let (outcome, memory) = limited(&scratch, input.filter(|input| input.starts_with('/')));
    assert_eq!(outcome.stdout, ":eval\n:still 3", "{grows}");
    // The garbage collector's tables and what a copy needs come on top.
    let most = LIMIT * 1100 / 1000 * 1024 + (16 << 10);
    assert!(memory < most, "{grows}: {memory} kB");
}

#[test]
fn data_on_the_heap() {
    for grows in [
        "(let loop ((l '())) (loop (cons 1 l)))",
        "(let loop ((a (mutable-array/new)) (i 0)) (mutable-array/push! a i) (loop a (+ i 1)))",
        "(let loop ((m {}) (i 0)) (loop (assoc m i i) (+ i 1)))",
        "(range 50000000)",
        "(list/repeat 50000000 1)",
        "(let loop ((l '())) (loop (cons (stream/from-string \"abc\") l)))",
        "(let loop ((l '())) (loop (cons (stream/byte-buffer) l)))",
    ] {
        is_limited(grows, None);
    }
}

#[test]
fn texts() {
    for grows in [
        "(let loop ((s \"ab\")) (loop (str s s)))",
        "(let loop ((s \"ab\")) (loop (string/append s s)))",
        "(let loop ((s \"ab\")) (loop (string/join (list s s) \",\")))",
        "(string/repeat \"abc\" 30000000)",
        "(str (foldl (fn (a x) (list a a)) 1 (range 60)))",
        "(println (foldl (fn (a x) [a a]) 1 (range 60)))",
        "(format \"~s\" (foldl (fn (a x) {:a a :b a}) 1 (range 60)))",
    ] {
        is_limited(grows, None);
    }
}

#[test]
fn what_is_read() {
    is_limited("(read-line)", Some("/dev/zero"));
    is_limited("(read-stdin)", Some("/dev/zero"));
    is_limited("(stream/read-line *stdin*)", Some("/dev/zero"));
    is_limited("(file/read \"large.txt\")", Some("large.txt"));
    is_limited("(file/read-bytes \"large.txt\")", Some("large.txt"));
    is_limited("(file/read-lines \"large.txt\")", Some("large.txt"));
    is_limited(
        "(file/for-each-line \"large.txt\" println)",
        Some("large.txt"),
    );
    is_limited(
        "(let ((s (stream/byte-buffer)) (part (string/repeat \"a\" 100000))) \
         (let loop () (stream/write-string s part) (loop)))",
        None,
    );
}

/// What natives make in one call is asked for before it is made, or while it grows.
#[test]
fn what_natives_make_at_once() {
    for grows in [
        "(json/encode (list/repeat 3000 (string/repeat \"a\" 1000000)))",
        "(json/encode-pretty (foldl (fn (a x) (list a a)) 1 (range 60)))",
        "(json/decode (string/append \"[\" (string/repeat \"[],\" 6000000) \"1]\"))",
        "(csv/encode (list/repeat 3000 (list (string/repeat \"a\" 1000000))))",
        "(toml/encode {:a (foldl (fn (a x) (list a a)) 1 (range 60))})",
        "(regex/find-all \"a\" (string/repeat \"a\" 10000000))",
        "(regex/split \"a\" (string/repeat \"a\" 10000000))",
        "(regex/replace-all \"a\" (string/repeat \"b\" 1000) (string/repeat \"a\" 10000000))",
        "(regex/replace-all \"(a)\" (string/repeat \"$1\" 1000) (string/repeat \"a\" 10000000))",
        "(diff/unified (string/repeat \"a\\n\" 3000000) (string/repeat \"b\\n\" 3000000))",
        "(html/parse (string/repeat \"<p>a</p>\" 1000000))",
        "(markdown/to-html (string/repeat \"# a\\n\" 3000000))",
        "(shell \"head -c 90000000 /dev/zero\")",
        "(let loop () (gensym \"name\") (loop))",
        "(let loop ((v [1 2])) (loop (append v v)))",
        "(let loop ((v '(1 2))) (loop (append v v)))",
    ] {
        is_limited(grows, None);
    }
}

#[test]
fn names_and_tasks() {
    is_limited(
        "(let loop ((i 0)) (string->symbol (str \"name\" i)) (loop (+ i 1)))",
        None,
    );
    is_limited(
        "(let loop ((i 0)) (string->keyword (str \"name\" i)) (loop (+ i 1)))",
        None,
    );
    is_limited(
        "(let ((c (channel/new 1))) (let loop () (async (channel/recv c)) (loop)))",
        None,
    );
    is_limited("(let loop () (await (async (loop))))", None);
}

/// A task that starts another one and waits for it gets the condition when it starts it. If it got it while it waits, the
/// other one would go on without end.
#[test]
fn tasks_that_start_each_other_end_when_there_is_no_memory() {
    is_limited("(define (f n) (await (async (f (+ n 1))))) (f 0)", None);
    is_limited(
        "(define (g l) (await (async (g (cons 1 (append '(1 2 3 4 5 6 7 8) l)))))) (g '())",
        None,
    );
}

/// Stacks count as data: that of the program, those of tasks, those of code that calls back.
#[test]
fn stacks() {
    is_limited("(define (f n) (+ 1 (f (+ n 1)))) (f 0)", None);
    is_limited("(define (f l) (cons (f (cons l l)) l)) (f '())", None);
    is_limited(
        "(define (f n) (+ 1 (foldl (fn (a b) (f (+ n 1))) 0 '(1)))) (f 0)",
        None,
    );
    is_limited(
        "(define (f n) (if (= n 0) (begin (async/sleep 10) 0) (+ 1 (f (- n 1)))))\
         (async/all (map (fn (i) (async (f 20000))) (range 1000)))",
        None,
    );
}

/// The most memory that a program takes under `semac run`, in kilobytes.
#[track_caller]
fn memory_of(program: &str, output: &str) -> usize {
    let project = Scratch::with(&[("main.sema", program)]);
    let measure = "import resource, subprocess, sys\n\
         p = subprocess.run(sys.argv[1:])\n\
         print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n\
         sys.exit(p.returncode)";
    let semac = semac_in(project.path());
    let mut command = Command::new("python3");
    command
        .args(["-c", measure])
        .arg(semac.get_program())
        .args(["run", "main.sema"])
        .current_dir(project.path());
    let outcome = outcome(&mut command, b"").succeeded();
    let (printed, memory) = outcome.stdout.trim_end().rsplit_once('\n').unwrap();
    assert_eq!(printed, output, "{program}");
    memory.parse().unwrap()
}

/// Code that is evaluated is freed when nothing refers to its functions any more; what does refer to them keeps it. Looked
/// for: forms, functions, constants, functions as parts of forms, definitions and macros that are made anew, expansion, checks
/// of texts, conditions whose frames are those of evaluated code.
#[test]
fn evaluated_code_is_freed() {
    for (form, value) in [
        ("(eval (list '+ n 1))", "4000"),
        ("((eval (list 'fn '(x) (list '+ 'x n))) 1)", "4000"),
        (
            "(length (eval (list 'quote (list \"a\" n 2.5 (list n n) [n] {:a n}))))",
            "6",
        ),
        ("((eval (list (fn (x) (fn (y) (+ x y))) n)) 1)", "4000"),
        ("(begin (eval (list 'define 'v n)) (+ 1 (eval 'v)))", "4000"),
        (
            "(begin (eval (list 'defmacro 'm '(x) (list 'list ''+ 'x n))) (eval '(m 1)))",
            "4000",
        ),
        (
            "(begin (macroexpand '(when-let (x 1) x)) (eval '(when-let (x 1) (let ((y# 2)) x))))",
            "1",
        ),
        (
            "(length (:diagnostics (sema/check-string (str \"(define a\" n \" 1)\"))))",
            "0",
        ),
        (
            "(try (eval (list 'first n)) (catch e (length (:stack-trace e))))",
            "3",
        ),
    ] {
        let program = |rounds: usize| {
            format!(
                "(define v 0)\n\
                 (define kept (map (fn (i) (eval (list 'fn '(x) (list '+ 'x i)))) (range 100)))\n\
                 (define (go n last) (if (= n {rounds}) last (go (+ n 1) {form})))\n\
                 (println (go 0 nil))\n\
                 (println (foldl + 0 (map (fn (f) (f 1)) kept)))\n"
            )
        };
        let value = |rounds: &str| format!("{}\n5050", value.replace("4000", rounds));
        let few = memory_of(&program(8000), &value("8000"));
        let many = memory_of(&program(24000), &value("24000"));
        assert!(many < few + (12 << 10), "{form}: {few}, {many} kB");
    }
}

#[test]
fn garbage_does_not_count() {
    let scratch = built(
        "(define (go i s) (if (= i 200) (string/length s) (go (+ i 1) (string/repeat \"a\" 4000000))))
         (println (go 0 \"\"))
         (define (streams i) (if (= i 300) :done (let ((s (stream/byte-buffer)))
           (stream/write-string s (string/repeat \"a\" 1000000)) (streams (+ i 1)))))
         (println (streams 0))",
    );
    let (outcome, _) = limited(&scratch, None);
    assert_eq!(outcome.stdout, "4000000\n:done");
}

#[test]
fn streams_that_nobody_holds_use_up_no_descriptors() {
    let scratch = built(
        "(file/write \"f.txt\" \"x\")
         (define (go i) (if (= i 3000) :ok (begin (stream/read-byte (stream/open-input \"f.txt\")) (go (+ i 1)))))
         (println (go 0))
         (define (put i) (if (= i 3000) :ok (begin (stream/open-output \"g.txt\") (put (+ i 1)))))
         (println (put 0))
         (println (try (let loop ((l '())) (loop (cons (stream/open-input \"f.txt\") l))) (catch e :too-many)))",
    );
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -n 256; ./app"])
        .current_dir(scratch.path());
    let outcome = outcome(&mut command, b"").succeeded();
    assert_eq!(outcome.stdout, ":ok\n:ok\n:too-many\n");
}

/// When there are no descriptors left, garbage is collected, and what failed is done again: for everything that opens something, whatever
/// the limit. A value that a form at top level has left in a register does not keep streams alive.
#[test]
fn what_fails_for_lack_of_descriptors_is_done_again() {
    let scratch = built(
        "(file/write \"f.txt\" \"x\")
         (define (go i f) (if (= i 300) :ok (begin (f) (go (+ i 1) f))))
         (define (open) (stream/open-input \"f.txt\"))
         (println (go 0 open) (go 0 (fn () (stream/open-output \"g.txt\"))) (go 0 (fn () (await (async (open))))))
         (define (fill l i) (if (= i 3000) l (fill (cons (open) l) (+ i 1))))
         (println (try (fill (list) 0) (catch e (:type e))))
         (println (file/read \"f.txt\"))
         (println (try (fill (list) 0) (catch e (:type e))))
         (println (:stdout (shell \"printf hi\")))
         (println (try (fill (list) 0) (catch e (:type e))))
         (println (zip/create \"z.zip\" (list \"f.txt\")) (length (file/list \".\")))",
    );
    for limit in [16, 64, 256] {
        let mut command = Command::new("sh");
        command
            .args(["-c", &format!("ulimit -n {limit}; ./app; rm z.zip g.txt")])
            .current_dir(scratch.path());
        let outcome = outcome(&mut command, b"").succeeded();
        let printed: Vec<&str> = outcome.stdout.lines().collect();
        assert_eq!(
            printed[..6],
            [":ok :ok :ok", ":eval", "x", ":eval", "hi", ":eval"],
            "{limit}: {outcome:?}"
        );
        assert!(printed[6].starts_with("1 "), "{limit}: {outcome:?}");
    }
}

/// Building a text piece by piece takes memory, and so time, in proportion to its length. Looked for: the builtins that
/// append, f-strings, loops and functions that call themselves, assignment.
#[test]
fn texts_grow_in_place() {
    for append in [
        "(string/append s \"abü\")",
        "(str s i \"ü\")",
        "f\"${s}xü\"",
    ] {
        let scratch = built(&format!(
            "(define (go i s) (if (= i 50000) s (go (+ i 1) {append})))
             (define done (go 0 \"\"))
             (define in-loop (let loop ((i 0) (s \"\")) (if (= i 50000) s (loop (+ i 1) {append}))))
             (println (= done in-loop) (string/length done))
             (println (< (:minor-collections (gc/stats)) 200))"
        ));
        let (outcome, _) = limited(&scratch, None);
        let (first, second) = outcome.stdout.split_once('\n').unwrap();
        assert!(first.starts_with("#t "), "{append}: {first}");
        assert_eq!(second, "#t", "{append}");
    }
    // What somebody else holds does not change.
    let scratch = built(
        "(define kept '())
         (define (go i s) (if (= i 100) s (begin (when (= 0 (mod i 10)) (set! kept (cons s kept))) (go (+ i 1) (str s i)))))
         (define whole (go 0 \"\"))
         (println (map string/length kept))
         (println (every? (fn (s) (string/starts-with? whole s)) kept))
         (println (let ((s (str \"a\" 1))) (let ((t (str s s))) (list s t (str t s)))))",
    );
    let (outcome, _) = limited(&scratch, None);
    assert_eq!(
        outcome.stdout,
        "(170 150 130 110 90 70 50 30 10 0)\n#t\n(\"a1\" \"a1a1\" \"a1a1a1\")"
    );
}
