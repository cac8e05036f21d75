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

/// Frames that a condition has left before it was caught, or in another task, have their lines, too.
#[test]
fn what_is_thrown_again_or_awaited_keeps_its_places() {
    let bad = "(define (bad x)\n  (car x))\n(define (twice f) (list (f 1) (f 2)))\n";
    for rest in [
        "(define (job)\n  (try (bad 5)\n    (catch e (throw e))))\n(println (job))\n",
        "(define (job)\n  (await (async/spawn (fn () (bad 5)))))\n(println (job))\n",
        "(define (job)\n  (try (await (async/spawn (fn () (try (bad 5) (catch e (throw e))))))\n    (catch e (throw e))))\n\
         (println (twice (fn (n) (job))))\n",
        "(define (job) (try (throw :odd) (catch e (throw e))))\n(println (job))\n",
    ] {
        let project = Scratch::with(&[("main.sema", format!("{bad}{rest}").as_str())]);
        build(&project, &["-o", "whole"]).succeeded();
        build(&project, &["-o", "slim", "--debug-out", "slim.debug"]).succeeded();
        let (whole, slim) = (run(&project, "whole").stderr, run(&project, "slim").stderr);
        let shown = symbolize(&project, "slim.debug", &slim).succeeded();
        assert_eq!(shown.stdout, whole, "{rest}: {slim}");
        assert!(
            whole.contains("rethrown at") || whole.contains("awaited at"),
            "{whole}"
        );
    }
}

/// What keeps logs puts a time or the name of a container in front of each line, and lines of others between them.
#[test]
fn reports_are_found_in_logs() {
    let project = project();
    build(&project, &["-o", "whole"]).succeeded();
    build(&project, &["-o", "slim", "--debug-out", "slim.debug"]).succeeded();
    let (whole, slim) = (run(&project, "whole").stderr, run(&project, "slim").stderr);
    // Each line gets the same, or its own time.
    let prefixes: [fn(usize) -> String; 5] = [
        |_| "web-1  | ".to_owned(),
        |_| "\u{1b}[36mweb_1 |\u{1b}[0m ".to_owned(),
        |_| "Nov 30 10:02:51 host report[4711]: ".to_owned(),
        |number| {
            format!(
                "2026-11-30T10:02:{:02}.{}Z stderr F ",
                number % 60,
                7 * number
            )
        },
        |_| "12:00:00 ERROR [main] ".to_owned(),
    ];
    for prefix in prefixes {
        // The prefix of a line is the same in both, whatever lines are in front of it.
        let log = |report: &str, number: fn(usize) -> usize| {
            let lines = report.lines().enumerate();
            lines
                .map(|(index, line)| format!("{}{line}\n", prefix(number(index))))
                .collect::<String>()
        };
        let one = |_: usize| 3;
        let shown = symbolize(&project, "slim.debug", &log(&slim, one)).succeeded();
        assert_eq!(shown.stdout, log(&whole, one));
        let timed = symbolize(&project, "slim.debug", &log(&slim, |index| index)).succeeded();
        for line in whole.lines() {
            assert!(timed.stdout.contains(line), "{line}: {}", timed.stdout);
        }
        let mixed: String = log(&slim, one)
            .lines()
            .map(|line| format!("{line}\ndb-2  | a query\n"))
            .collect();
        let mixed = symbolize(&project, "slim.debug", &mixed).succeeded().stdout;
        let (others, ours): (Vec<&str>, Vec<&str>) =
            mixed.lines().partition(|line| line.starts_with("db-2"));
        assert_eq!(ours, log(&whole, one).lines().collect::<Vec<_>>());
        assert_eq!(others.len(), slim.lines().count());
    }
    // Two reports, one without anything in front.
    let twice = symbolize(&project, "slim.debug", &format!("{slim}a | b\n{slim}")).succeeded();
    assert_eq!(twice.stdout, format!("{whole}a | b\n{whole}"));
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
