//! Programs that are large in one way: long lines, shared parts, many parameters.
//!
//! Looked at: positions (reader, debug tables, f-strings), what macros return and take (lists, vectors, maps), its
//! way into constants; parameters of functions, macros, records, short lambdas, `let-values`, with and without a
//! rest parameter. Times are compared with those of the same amount of work in another shape, with a wide margin.

use std::time::{Duration, Instant};

use sema_tests::{Outcome, Scratch, outcome, semac_in};

#[track_caller]
fn run(project: &Scratch, name: &str) -> Outcome {
    let mut command = semac_in(project.path());
    outcome(command.args(["run", name]), b"")
}

fn time_of(project: &Scratch, name: &str) -> Duration {
    let times = (0..3).map(|_| {
        let started = Instant::now();
        let mut command = semac_in(project.path());
        outcome(command.args(["check", name]), b"").succeeded();
        started.elapsed()
    });
    times.min().unwrap_or_default()
}

#[test]
fn long_lines_take_no_longer_than_short_ones() {
    for text in ["(+ k 1)", "(str \"é\" k)"] {
        let items = vec![text; 20_000].join(" ");
        let one = format!("(define k 1) (define a [{items}]) (println (length a))");
        let many = one.replace(") (", ")\n(");
        let project = Scratch::with(&[("one.sema", one.as_str()), ("many.sema", many.as_str())]);
        let (one, many) = (
            time_of(&project, "one.sema"),
            time_of(&project, "many.sema"),
        );
        assert!(
            one < many * 3 + Duration::from_millis(300),
            "{one:?}, {many:?}"
        );
    }
}

#[test]
fn shared_parts_of_what_macros_make_and_take_are_handled_once() {
    for (pair, part) in [
        ("(list a a)", "(first v)"),
        ("[a a]", "(first v)"),
        ("{:l a :r a}", "(:l v)"),
    ] {
        let main = format!(
            "(defmacro tree () (list 'quote (foldl (fn (a x) {pair}) 'leaf (range 40))))\n\
             (defmacro same (x) (list 'quote x))\n\
             (defmacro pass () (list 'same (foldl (fn (a x) {pair}) 'leaf (range 40))))\n\
             (define (depth v n) (if (symbol? v) n (depth {part} (+ n 1))))\n\
             (println (depth (tree) 0) (depth (pass) 0))\n"
        );
        let project = Scratch::with(&[("main.sema", main.as_str())]);
        assert_eq!(
            run(&project, "main.sema").succeeded().stdout,
            "40 40\n",
            "{pair}"
        );
    }
    // What is empty has no parts to share.
    let main = "(defmacro empty () (list 'let (list) (list 'quote (list (list) [] {}))))\n\
                (println (empty))";
    let project = Scratch::with(&[("main.sema", main)]);
    assert_eq!(
        run(&project, "main.sema").succeeded().stdout,
        "(() [] {})\n"
    );
}

fn words(count: usize, word: impl Fn(usize) -> String) -> String {
    (0..count).map(word).collect::<Vec<_>>().join(" ")
}

#[test]
fn many_parameters() {
    for count in [119, 120, 121, 255, 256, 1000] {
        let last = count - 1;
        let names = words(count, |index| format!("a{index}"));
        let numbers = words(count, |index| index.to_string());
        let main = format!(
            "(define (f {names}) (set! a1 (+ a1 1)) (list a0 a1 a{last}))\n\
             (define (g {names} . more) (list a{last} more))\n\
             (define-record-type big (mk {names}) big? (a0 first-of) (a{last} last-of))\n\
             (defmacro m ({names}) a{last})\n\
             (println (f {numbers}) (apply f (range {count})) (g {numbers}) (g {numbers} :x :y))\n\
             (println (last-of (apply mk (range {count}))) (m {numbers}))\n\
             (println (let-values ((({names}) (apply values (range {count})))) a{last}))\n\
             (println ((fn ({names}) (fn () (+ a0 a{last}))) {numbers}))\n\
             (println (try (apply f (range {last})) (catch e (list (:type e) (:message e) (:expected e)))))\n\
             (println (try (apply g (range 3)) (catch e (:message e))))\n"
        );
        let project = Scratch::with(&[("main.sema", main.as_str())]);
        let mut command = semac_in(project.path());
        for level in ["-O0", "-O2"] {
            let got = outcome(command.args(["run", level, "main.sema"]), b"").succeeded();
            let lines: Vec<&str> = got.stdout.lines().collect();
            let expected = [
                format!("(0 2 {last}) (0 2 {last}) ({last} ()) ({last} (:x :y))"),
                format!("{last} {last}"),
                format!("{last}"),
                "<native-fn <vm-closure>>".to_owned(),
                format!("(:arity \"f expects {count} arguments, got {last}\" \"{count}\")"),
                format!("g expects {count} or more arguments, got 3"),
            ];
            for (index, (line, expected)) in lines.iter().zip(&expected).enumerate() {
                if index != 3 {
                    assert_eq!(line, expected, "{count} at {level}");
                }
            }
            assert_eq!(lines.len(), 6, "{got:#?}");
            command = semac_in(project.path());
        }
    }
}
