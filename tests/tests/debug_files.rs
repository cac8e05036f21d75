//! `--debug-out` and `semac symbolize`: a report without lines becomes the report with them.

use std::process::Command;

use sema_tests::{Outcome, Scratch, outcome, runtime, semac_in};

const MAIN: &str = "(import \"lib/math.sema\")
(define (average numbers)
  (let ((sum (apply + numbers)))
    (divide sum (length numbers))))
(define (down n)
  (if (= n 0)
    (+ 1 (average '()))
    (+ 1 (down (- n 1)))))
(define (start)
  (println \"starts\")
  (println (map (fn (n) (+ n (down n))) '(3))))
(start)
";

const MATH: &str = "(module math (export divide)
  (define (divide a b)
    (if (= b 0)
      (throw {:reason \"nothing to divide\"})
      (/ a b))))
";

fn build(project: &Scratch, options: &[&str]) -> Outcome {
    let mut command = semac_in(project.path());
    command
        .args(["build", "main.sema", "--runtime"])
        .arg(runtime());
    outcome(command.args(options), b"")
}

fn run(project: &Scratch, program: &str) -> Outcome {
    outcome(Command::new(project.file(program)).env_clear(), b"")
}

fn symbolize(project: &Scratch, file: &str, text: &str) -> Outcome {
    let mut command = semac_in(project.path());
    outcome(
        command.args(["symbolize", "--debug", file]),
        text.as_bytes(),
    )
}

fn project() -> Scratch {
    Scratch::with(&[("main.sema", MAIN), ("lib/math.sema", MATH)])
}

#[test]
fn the_report_gets_its_lines_back() {
    for level in ["-O0", "-O2"] {
        let project = project();
        build(&project, &[level, "-o", "whole"]).succeeded();
        build(
            &project,
            &[level, "-o", "slim", "--debug-out", "slim.debug"],
        )
        .succeeded();
        let whole = run(&project, "whole");
        let slim = run(&project, "slim");
        assert_eq!((whole.status, slim.status), (1, 1));
        assert!(whole.stderr.contains("main.sema:"), "{whole:?}");
        assert!(
            !slim.stderr.contains("main.sema:") && slim.stderr.contains("  = build: "),
            "{slim:?}"
        );
        let shown = symbolize(&project, "slim.debug", &slim.stderr).succeeded();
        assert_eq!(shown.stdout, whole.stderr, "{level}: {slim:?}");
        // Other lines stay, in front of the report and behind it.
        let log = format!("starting\n{}stopped\n", slim.stderr);
        let shown = symbolize(&project, "slim.debug", &log).succeeded();
        assert_eq!(shown.stdout, format!("starting\n{}stopped\n", whole.stderr));
    }
}

#[test]
fn the_program_holds_no_lines() {
    let project = project();
    build(&project, &["-o", "stripped", "--strip-debug"]).succeeded();
    build(&project, &["-o", "slim", "--debug-out", "slim.debug"]).succeeded();
    let length = |name: &str| std::fs::metadata(project.file(name)).unwrap().len();
    // The name of the build is all there is more.
    assert!(length("slim") < length("stripped") + 200);
    assert!(
        !run(&project, "stripped").stderr.contains('['),
        "places in the code help nobody"
    );
    let mut inspect = semac_in(project.path());
    let shown = outcome(inspect.args(["inspect", "slim"]), b"")
        .succeeded()
        .stdout;
    assert!(shown.contains("without line numbers"), "{shown}");
}

#[test]
fn a_file_of_another_build_is_refused() {
    let project = project();
    build(&project, &["-o", "slim", "--debug-out", "slim.debug"]).succeeded();
    let report = run(&project, "slim").stderr;
    project.write("main.sema", MAIN.replace("(+ 1 (down", "(+ 2 (down"));
    build(&project, &["-o", "other", "--debug-out", "other.debug"]).succeeded();
    symbolize(&project, "other.debug", &report).failed_with(1, "the report is of build ");
    symbolize(&project, "slim.debug", "no report\n").failed_with(1, "has no report");
    symbolize(&project, "slim", &report).failed_with(1, "has no line tables");
    symbolize(&project, "main.sema", &report).failed_with(1, "main.sema");
}
