//! What code is generated for: instructions that must, or must not, be in a function.

use std::path::Path;
use std::process::Command;

/// The instructions of a function of a program, without operands.
fn instructions(name: &str, source: &str, function: &str) -> Vec<String> {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let file = directory.join(format!("instructions-{name}.sema"));
    std::fs::write(&file, source).unwrap();
    let semac = Command::new(env!("CARGO_BIN_EXE_semac"))
        .arg("disasm")
        .arg(&file)
        .output()
        .unwrap();
    assert!(semac.status.success(), "{semac:?}");
    let listing = String::from_utf8(semac.stdout).unwrap();
    let mut found = Vec::new();
    let mut inside = false;
    for line in listing.lines() {
        if let Some(rest) = line.strip_prefix("function ") {
            inside = rest.split_whitespace().nth(1) == Some(function);
            continue;
        }
        let mut words = line.split_whitespace();
        if inside
            && words.next().is_some_and(|word| word.parse::<u32>().is_ok())
            && let Some(instruction) = words.next()
        {
            found.push(instruction.to_owned());
        }
    }
    assert!(!found.is_empty(), "{listing}");
    found
}

fn count(instructions: &[String], name: &str) -> usize {
    instructions.iter().filter(|found| *found == name).count()
}

#[test]
fn operations_of_records_are_instructions() {
    let source = "
        (define-record-type point (make-point x y) point? (x point-x) (y point-y))
        (define (moved p) (if (point? p) (make-point (+ (point-x p) 1) (point-y p)) nil))
        (println (moved (make-point 1 2)))";
    let code = instructions("records", source, "moved");
    assert_eq!(count(&code, "record_test"), 1);
    assert_eq!(count(&code, "record_ref"), 2);
    assert_eq!(count(&code, "record"), 1);
    assert_eq!(count(&code, "callk") + count(&code, "calln"), 0);
}

#[test]
fn chains_of_keys_are_decided_at_once() {
    let clauses = "((:a) 1) ((:b c \"d\") 2) ((#\\e) 3) (else 0)";
    let source = format!("(define (f x) (case x {clauses}))\n(println (f :a))");
    let code = instructions("case", &source, "f");
    assert_eq!(count(&code, "switch"), 1);
    assert_eq!(count(&code, "jeqk") + count(&code, "jneqk"), 0);
    // Few keys, and numbers that others are `=` to, stay a chain.
    for clauses in [
        "((:a) 1) ((:b) 2) ((:c) 3)",
        "((1) 1) ((2) 2) ((3) 3) ((4) 4) ((5) 5)",
    ] {
        let source = format!("(define (f x) (case x {clauses}))\n(println (f :a))");
        assert_eq!(count(&instructions("chain", &source, "f"), "switch"), 0);
    }
    let source = "
        (define (f form)
          (match form ([:a x] x) ([:b x y] y) ([:a x y] when (> x y) x) ([:c & more] more) ([:d] 1) (_ 0)))
        (println (f [:a 1]))";
    assert_eq!(count(&instructions("match", source, "f"), "switch"), 1);
    // What a condition may change is asked again.
    let source = "
        (define (f x)
          (cond ((and (eq? x :a) (begin (set! x :d) #f)) 1) ((eq? x :b) 2) ((eq? x :c) 3) ((eq? x :d) 4) (else 5)))
        (println (f :a))";
    assert_eq!(count(&instructions("changing", source, "f"), "switch"), 0);
}

#[test]
fn variables_that_change_before_they_are_captured_need_no_box() {
    let boxes = |name: &str, body: &str| {
        let source = format!("(define (f x flag) {body})\n(println (f 1 #t))");
        count(&instructions(name, &source, "f"), "new_box")
    };
    assert_eq!(boxes("before", "(if flag (set! x 2)) (fn () x)"), 0);
    assert_eq!(
        boxes("after", "(let ((g (list (fn () x) flag))) (set! x 2) g)"),
        1
    );
    assert_eq!(boxes("inside", "(fn () (set! x (+ x 1)) x)"), 1);
    let fresh =
        "(let ((fs nil)) (while flag (let ((y 0)) (set! y x) (set! fs (cons (fn () y) fs)))) fs)";
    assert_eq!(boxes("fresh", fresh), 0);
    let again = "(let ((fs nil)) (while flag (set! x (+ x 1)) (set! fs (cons (fn () x) fs))) fs)";
    assert_eq!(boxes("again", again), 1);
    let handler = "(let ((g nil)) (try (begin (set! g (fn () x)) (g)) (catch e (set! x 2))) g)";
    assert_eq!(boxes("handler", handler), 1);
}

#[test]
fn functions_that_take_functions_are_copied_for_closures() {
    let source = "
        (define (each f xs) (if (null? xs) nil (begin (f (first xs)) (each f (rest xs)))))
        (define (show k xs) (each (fn (x) (println k x (+ k x) (- k x) (list x k k x))) xs))
        (define (count xs) (let ((n 0)) (each (fn (x) (set! n (+ n 1))) xs) n))
        (show 1 '(1 2))
        (println (count '(1 2)))";
    let code = instructions("closures", source, "show");
    assert_eq!(count(&code, "closure") + count(&code, "call"), 0);
    // A variable that changes is shared, not handed on.
    assert_eq!(
        count(&instructions("shared", source, "count"), "closure"),
        1
    );
}
