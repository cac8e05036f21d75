//! Promises about cost and depth that the reference does not make, under `semac run` and in
//! executables.

use std::process::Command;
use std::time::{Duration, Instant};

use sema_tests::{Outcome, Scratch, outcome, runtime, semac_in};

/// What the worst of the alternatives would exceed many times: copying a collection each time.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs the program in both ways with these variables set; both must print `output`, in time.
#[track_caller]
fn check(files: &[(&str, &str)], variables: &[(&str, &str)], output: &str) {
    let project = Scratch::with(files);
    let timed = |command: &mut Command| -> Outcome {
        let start = Instant::now();
        let got = outcome(command.envs(variables.iter().copied()), b"").succeeded();
        assert!(start.elapsed() < LIMIT, "it took {:?}", start.elapsed());
        got
    };
    let got = timed(semac_in(project.path()).args(["run", "main.sema"]));
    assert_eq!(got.stdout, output);
    let mut build = semac_in(project.path());
    build.args(["build", "main.sema", "-o", "program", "--runtime"]);
    outcome(build.arg(runtime()), b"").succeeded();
    let got = timed(
        Command::new(project.file("program"))
            .env_clear()
            .current_dir(project.path()),
    );
    assert_eq!(got.stdout, output);
}

#[test]
fn tail_calls_between_modules() {
    check(
        &[
            (
                "main.sema",
                "(import \"other.sema\")
(define (ping n) (if (= n 0) :ping (pong (- n 1) ping)))
(println (ping 1000000))
(define (through-apply n) (if (= n 0) :done (apply pong (list (- n 1) through-apply))))
(println (through-apply 200000))
(define (through-match n) (match n (0 :done) (_ (cond ((> n 0) (pong (- n 1) through-match))))))
(println (through-match 200000))
",
            ),
            (
                "other.sema",
                "(module other (export pong))
(define (pong n back) (if (= n 0) :pong (back (- n 1))))
",
            ),
        ],
        &[],
        ":ping\n:done\n:done\n",
    );
}

#[test]
fn lists_cost_the_same_at_any_length() {
    let program = "
(define n 300000)
(define (build i items) (if (= i n) items (build (+ i 1) (cons i items))))
(define items (build 0 '()))
(define (walk items steps total)
  (if (empty? items)
      (list steps total)
      (walk (rest items) (+ steps 1) (+ total (length items)))))
(println (walk items 0 0))
(define copy (map (fn (i) (- n i 1)) (range n)))
(println (equal? copy items))
(define (pick i total)
  (if (= i n) total (pick (+ i 1) (+ total (nth copy i)))))
(println (pick 0 0))
(println (length (foldl (fn (pair i) (list (cons i (first pair)) items)) (list '() nil) items)))
(define (grow i vector) (if (= i 20000) (length vector) (grow (+ i 1) (append vector (list i)))))
(println (grow 0 '()))
";
    check(
        &[("main.sema", program)],
        &[],
        "(300000 45000150000)\n#t\n44999850000\n2\n20000\n",
    );
}

#[test]
fn shared_maps_are_changed_without_copying_them() {
    let program = "
(define n 100000)
(define (fill make i m) (if (= i n) m (fill make (+ i 1) (assoc m i (make i)))))
(define (versions base)
  (define kept (map (fn (i) (assoc base i :changed)) (range 0 n 5)))
  (list (length kept) (get (nth kept 7) 35) (get base 35) (length (dissoc base 1))))
(println (versions (fill (fn (i) i) 0 {})))
(println (versions (fill (fn (i) i) 0 (hashmap/new))))
";
    check(
        &[("main.sema", program)],
        &[],
        "(20000 :changed 35 99999)\n(20000 :changed 35 99999)\n",
    );
}

#[test]
fn endless_recursion_ends_at_the_cap() {
    let program = "
(define (endless n) (+ 1 (endless (+ n 1))))
(println (try (endless 0) (catch e (:type e))))
(define (through-map n) (first (map (fn (x) (+ 1 (through-map x))) (list n))))
(println (try (through-map 0) (catch e (:type e))))
(define (deep n) (if (= n 0) 0 (+ 1 (deep (- n 1)))))
(println (deep 2000))
";
    for megabytes in ["1", "16"] {
        check(
            &[("main.sema", program)],
            &[("SEMAC_STACK_MB", megabytes)],
            ":eval\n:eval\n2000\n",
        );
    }
    let program = "
(define (deep n) (if (= n 0) 0 (+ 1 (deep (- n 1)))))
(println (try (deep 1000000) (catch e :too-deep)))
";
    check(&[("main.sema", program)], &[], "1000000\n");
    check(
        &[("main.sema", program)],
        &[("SEMAC_STACK_MB", "4")],
        ":too-deep\n",
    );
}

#[test]
fn data_without_end_end_at_the_cap() {
    let program = "
(define kept '())
(define (keep n) (set! kept (cons (list n n n) kept)) (keep (+ n 1)))
(println (try (keep 0) (catch e (:message e))))
(println (> (length kept) 10000))
(set! kept '())
(define (held xs) (held (cons (string/repeat \"a\" 1000) xs)))
(println (try (held '()) (catch e (:type e))))
;; What the condition left behind is free again.
(println (length (foldl (fn (xs i) (cons (string/repeat \"a\" 1000) xs)) '() (range 5000))))
";
    check(
        &[("main.sema", program)],
        &[("SEMAC_HEAP_MB", "20")],
        "out of memory: the data exceed 20 MB\n#t\n:eval\n5000\n",
    );
}
