//! The commands around building: init, test, watch, expand, JSON of what is wrong, quiet.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use sema_tests::{Outcome, Scratch, outcome, runtime, semac_in};
use serde_json::Value;

#[track_caller]
fn semac(directory: &Path, arguments: &[&str]) -> Outcome {
    outcome(semac_in(directory).args(arguments), b"")
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn a_new_project_builds_tests_and_runs() {
    let scratch = Scratch::new();
    let got = semac(scratch.path(), &["init", "my app"]).succeeded();
    assert!(got.stderr.contains("Made the project 'my-app'"), "{got:?}");
    let project = scratch.file("my app");
    let got = semac(&project, &["test"]).succeeded();
    assert!(got.stderr.contains("1 test passed, 0 failed"), "{got:?}");
    let mut build = semac_in(&project);
    outcome(
        build
            .args(["build", "--deny-warnings", "--runtime"])
            .arg(runtime()),
        b"",
    )
    .succeeded();
    let mut run = Command::new(project.join("my-app"));
    assert_eq!(
        outcome(run.args(["Ada", "Bob"]), b"").succeeded().stdout,
        "Hello, Ada!\nHello, Bob!\n"
    );
    assert_eq!(
        semac(&project, &["run", "main.sema"]).succeeded().stdout,
        "Hello, world!\n"
    );
    // What is there is not replaced, and nothing is added to it.
    fs::remove_file(project.join("main.sema")).unwrap();
    semac(&project, &["init"]).failed_with(1, "'sema.toml' is there already");
    assert!(!project.join("main.sema").exists());
}

/// Names that would be in the way of the project's own files, and a directory that git knows already.
#[test]
fn a_new_project_fits_where_it_is_made() {
    for name in ["lib", "test", "sema.toml", "dist"] {
        let scratch = Scratch::new();
        let got = semac(scratch.path(), &["init", name]).succeeded();
        assert!(got.stderr.contains("Made the project 'app'"), "{got:?}");
        let project = scratch.file(name);
        let ignored = fs::read_to_string(project.join(".gitignore")).unwrap();
        assert_eq!(ignored, "/app\n/dist/\n/*.tar\n");
        let mut build = semac_in(&project);
        outcome(build.args(["build", "--runtime"]).arg(runtime()), b"").succeeded();
        assert!(project.join("app").is_file());
        assert!(
            fs::read_to_string(project.join("sema.toml"))
                .unwrap()
                .contains("[build]")
        );
    }
    let scratch = Scratch::with(&[("p/.gitignore", "*.log\n/dist/")]);
    semac(scratch.path(), &["init", "p"]).succeeded();
    let ignored = fs::read_to_string(scratch.file("p/.gitignore")).unwrap();
    assert_eq!(ignored, "*.log\n/dist/\n/p\n/*.tar\n");
}

const TESTS: &str = "\
(import \"../lib.sema\" double)
(test \"doubles\"
  (println \"seen only if it fails\")
  (assert= 4 (double 2)))
(define calls 0)
(test \"is wrong\"
  (println \"before\")
  (set! calls (+ calls 1))
  (assert= 5 (helper 2)))
(test \"starts afresh\"
  (assert= 0 calls)
  (assert (string? (later))))
(test \"exits\" (exit 0))
(define (helper x) (double x))
(define (later) \"defined behind the test\")
";

fn tested() -> Scratch {
    Scratch::with(&[
        ("lib.sema", "(define (double x) (* 2 x))\n"),
        ("test/lib.sema", TESTS),
        ("other/whole_test.sema", "(assert= 2 (+ 1 1))\n"),
        ("other/not.sema", "(error \"this is no test\")\n"),
        (".hidden/x_test.sema", "(error \"hidden\")\n"),
    ])
}

#[test]
fn tests_run_each_in_a_fresh_program() {
    let project = tested();
    let got = semac(project.path(), &["test"]);
    assert_eq!(got.status, 1, "{got:?}");
    for expected in [
        "3 tests passed, 2 failed",
        "  ok    doubles",
        "  ok    starts afresh",
        "  ok    other/whole_test.sema",
        "  FAIL  is wrong",
        "at test/lib.sema:6",
        "assertion failed: expected 5, got 4",
        "test/lib.sema:9:3",
        "It printed:\nbefore\n",
        "it has exited with status 0",
    ] {
        assert!(got.stderr.contains(expected), "{expected}: {}", got.stderr);
    }
    assert!(!got.stderr.contains("seen only"), "{}", got.stderr);
    assert_eq!(got.stdout, "");
    let got = semac(project.path(), &["test", "--filter", "doubles", "-q"]).succeeded();
    assert_eq!((&*got.stdout, &*got.stderr), ("", ""));
    semac(project.path(), &["test", "other"]).succeeded();
    semac(project.path(), &["test", "--filter", "no such"])
        .failed_with(1, "no test contains 'no such'");
    semac(&project.file(".hidden"), &["test", "."]).failed_with(1, "hidden");
    let empty = Scratch::new();
    semac(empty.path(), &["test"]).failed_with(1, "there are no tests here");
}

#[test]
fn results_of_tests_are_data() {
    let project = tested();
    let got = semac(project.path(), &["test", "test", "--json"]);
    assert_eq!(got.status, 1);
    let report = json(&got.stdout);
    assert_eq!(
        (&report["passed"], &report["failed"]),
        (&2.into(), &2.into())
    );
    let tests = report["files"][0]["tests"].as_array().unwrap();
    let names: Vec<&str> = tests
        .iter()
        .map(|test| test["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["doubles", "is wrong", "starts afresh", "exits"]);
    let wrong = &tests[1];
    assert_eq!(wrong["passed"], false);
    assert_eq!(
        (&wrong["file"], &wrong["line"]),
        (&"test/lib.sema".into(), &6.into())
    );
    assert_eq!(wrong["output"], "before\n");
    let condition = &wrong["failure"]["condition"];
    assert_eq!(
        (&condition["line"], &condition["column"]),
        (&9.into(), &3.into())
    );
    assert_eq!(tests[0]["failure"], Value::Null);
}

#[test]
fn a_test_that_takes_too_long_fails() {
    let project = Scratch::with(&[(
        "a_test.sema",
        "(define (spin n) (spin (+ n 1)))\n\
         (test \"computes\" (try (spin 0) (catch e 1)))\n\
         (test \"waits\" (sleep 60000))\n\
         (test \"ends\" (assert= 1 1))\n",
    )]);
    let got = semac(project.path(), &["test", "--timeout", "0.5", "--json"]);
    let got = got.failed_with(1, "");
    let report = json(&got.stdout);
    assert_eq!(
        (&report["passed"], &report["failed"]),
        (&1.into(), &2.into())
    );
    let tests = report["files"][0]["tests"].as_array().unwrap();
    for test in &tests[..2] {
        let message = test["failure"]["message"].as_str().unwrap();
        assert!(message.contains("500 ms"), "{message}");
    }
    assert!(tests[2]["passed"].as_bool().unwrap());
    for wrong in ["0", "-1", "soon", "inf", "1e300"] {
        semac(project.path(), &["test", &format!("--timeout={wrong}")])
            .failed_with(2, "number of seconds");
    }
}

#[test]
fn malformed_tests_fail() {
    for (text, message) in [
        ("(test)", "the name of the test is missing"),
        ("(test name 1)", "the name of the test is missing"),
        (
            "(test \"a\" 1)\n(test \"a\" 2)",
            "there are two tests \"a\"",
        ),
        (
            "(define (test . all) 1)\n(test \"a\" 1)",
            "the test was not reached",
        ),
        ("(test \"a\" (println \"x)", "unterminated string"),
        (
            "(test \"a\" 1)\n(when #t (test \"b\" (assert #f)))",
            "a_test.sema:2:10",
        ),
        (
            "(test \"a\" 1)\n(define (more) (let ((x 1)) (test \"b\" (assert #f))))",
            "the test \"b\" would never run",
        ),
        (
            "(test \"a\" (test \"b\" 1))",
            "the test \"b\" would never run",
        ),
        ("(test \"a\" (import \"none.sema\"))", "none.sema"),
    ] {
        let project = Scratch::with(&[("a_test.sema", text)]);
        let got = semac(project.path(), &["test"]).failed_with(1, message);
        assert!(got.stderr.contains("1 failed"), "{text}: {got:?}");
    }
}

/// A `begin` at top level is as if its forms stood there; what only looks like a test is none.
#[test]
fn tests_stand_in_begin_too() {
    let text = "(begin (define x 1) (test \"a\" (assert= 1 x)) (begin (test \"b\" (assert= 2 x))))\n\
                (define data '(test \"no test\" 1))\n\
                (test \"c\" (assert= 3 (length data)))\n";
    let project = Scratch::with(&[("a_test.sema", text)]);
    let got = semac(project.path(), &["test"]).failed_with(1, "2 tests passed, 1 failed");
    assert!(got.stderr.contains("FAIL  b"), "{got:?}");
}

#[test]
fn what_is_wrong_is_data_of_one_shape() {
    let project = Scratch::with(&[
        ("a.sema", "(println \"ä\" (undefned 1))\n"),
        ("b.sema", "(define (f) (strin-length \"\"))\n"),
    ]);
    let got = semac(
        project.path(),
        &["check", "a.sema", "b.sema", "none.sema", "--json"],
    );
    assert_eq!((got.status, &*got.stderr), (1, ""));
    let report = json(&got.stdout);
    assert_eq!(
        (&report["errors"], &report["warnings"]),
        (&2.into(), &1.into())
    );
    let first = report["files"][0]["diagnostics"][0].clone();
    assert_eq!(
        (&first["severity"], &first["code"]),
        (&"error".into(), &"W0201".into())
    );
    assert_eq!(first["file"], "a.sema");
    let place =
        ["line", "column", "end_line", "end_column"].map(|name| first[name].as_u64().unwrap());
    assert_eq!(place, [1, 15, 1, 23]);
    assert_eq!(report["files"][1]["diagnostics"][0]["severity"], "warning");
    assert!(
        report["files"][1]["diagnostics"][0]["hint"]
            .as_str()
            .unwrap()
            .contains("string-length")
    );
    assert!(
        report["files"][2]["error"]
            .as_str()
            .unwrap()
            .contains("cannot read")
    );
    // The same for a build.
    let mut build = semac_in(project.path());
    build
        .args(["build", "a.sema", "--json", "--runtime"])
        .arg(runtime());
    let got = outcome(&mut build, b"").failed_with(1, "undefned");
    let report = json(&got.stdout);
    assert_eq!(report["diagnostics"][0], first);
    assert_eq!(report["error"], "the program has errors");
    let mut build = semac_in(project.path());
    build
        .args(["build", "b.sema", "--json", "--runtime"])
        .arg(runtime());
    let report = json(&outcome(&mut build, b"").succeeded().stdout);
    assert_eq!(report["diagnostics"][0]["code"], "W0201");
}

/// Whoever reads JSON gets some, also of what fails.
#[test]
fn failures_are_data() {
    let project = Scratch::with(&[
        ("a_test.sema", "(test)\n"),
        ("sema.toml", "[build]\nentri = \"a\"\n"),
        ("text", "no program"),
    ]);
    for arguments in [
        &["inspect", "text", "--json"][..],
        &["disasm", "none.semac", "--json"],
        &["doc", "no-such-builtin", "--json"],
        &["why", "network", "none.sema", "--json"],
        &["why", "no-such-builtin", "a.sema", "--json"],
    ] {
        let report = json(&semac(project.path(), arguments).failed_with(1, "").stdout);
        assert!(report["error"].is_string(), "{report}");
    }
    let report = json(
        &semac(project.path(), &["build", "--json"])
            .failed_with(1, "")
            .stdout,
    );
    assert_eq!(report["diagnostics"][0]["hint"], "Did you mean 'entry'?");
    let report = json(
        &semac(project.path(), &["test", "--json"])
            .failed_with(1, "")
            .stdout,
    );
    let diagnostic = &report["files"][0]["diagnostics"][0];
    assert_eq!(
        diagnostic["message"],
        "test: the name of the test is missing"
    );
    let list = json(
        &semac(project.path(), &["build", "--list-targets", "--json"])
            .succeeded()
            .stdout,
    );
    assert!(
        list.as_array()
            .unwrap()
            .iter()
            .any(|one| one["target"] == "wasm32-wasip1"),
        "{list}"
    );
}

#[test]
fn bytecode_is_data() {
    let project = Scratch::with(&[("a.sema", "(define (f x) (* x 2))\n(println (f 4))\n")]);
    let modules = json(
        &semac(project.path(), &["disasm", "a.sema", "--json", "-O0"])
            .succeeded()
            .stdout,
    );
    let module = &modules[0];
    assert_eq!(module["name"], "a.sema");
    let functions = module["functions"].as_array().unwrap();
    let f = functions
        .iter()
        .find(|function| function["name"] == "f")
        .unwrap();
    assert_eq!(f["parameters"], 1);
    let instructions = f["instructions"].as_array().unwrap();
    assert!(
        instructions.iter().any(|one| one["line"] == 1),
        "{instructions:?}"
    );
    assert!(
        instructions.last().unwrap()["text"]
            .as_str()
            .unwrap()
            .starts_with("return")
    );
}

const MACROS: &str = "\
(import \"lib.sema\")
(defmacro twice (x) `(begin ,x ,x))
(define-syntax swap
  (syntax-rules () ((_ a b) (let ((held a)) (set! a b) (set! b held)))))
(define (f a b)
  (swap a b)
  (twice (println a '(twice b)))
  (let ((twice list)) (twice a))
  (unless-zero a (-> a (+ 1))))
(f 1 2)
";

#[test]
fn macros_are_shown_expanded() {
    let project = Scratch::with(&[
        ("a.sema", MACROS),
        (
            "lib.sema",
            "(defmacro unless-zero (x . body) `(if (= ,x 0) nil (begin ,@body)))\n",
        ),
    ]);
    let text = semac(project.path(), &["expand", "a.sema"])
        .succeeded()
        .stdout;
    for expected in [
        "(begin (println a (quote (twice b))) (println a (quote (twice b))))",
        "(set! a b)",
        "(let ((twice list)) (twice a))",
        "(if (= a 0) nil (begin (-> a (+ 1))))",
        "(f 1 2)",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert!(
        !text.contains("(swap a b)\n  (") && !text.contains("(unless-zero a"),
        "{text}"
    );
    // It is a program that does the same.
    project.write("expanded.sema", &text);
    let run = |file: &str| semac(project.path(), &["run", file]).succeeded().stdout;
    assert_eq!(run("expanded.sema"), run("a.sema"));
    let all = semac(project.path(), &["expand", "a.sema", "--all"])
        .succeeded()
        .stdout;
    assert!(all.starts_with(";; file: a.sema\n"), "{all}");
    assert!(all.contains("\n;; file: lib.sema\n"), "{all}");
    let piped = outcome(
        semac_in(project.path()).args(["expand", "-"]),
        b"(defmacro m (x) x)\n(m 1)",
    );
    assert!(piped.succeeded().stdout.ends_with("\n1\n"));
    project.write("bad.sema", "(defmacro m (x) (+ x \"a\"))\n(m 1)\n");
    semac(project.path(), &["expand", "bad.sema"]).failed_with(1, "E0301");
}

#[test]
fn quiet_says_only_what_is_wrong() {
    let project = Scratch::with(&[
        ("a.sema", "(println 1)\n"),
        ("w.sema", "(define (f) (undefned))\n"),
    ]);
    let build = |file: &str| {
        let mut command = semac_in(project.path());
        outcome(
            command
                .args(["build", "-q", file, "--runtime"])
                .arg(runtime()),
            b"",
        )
        .succeeded()
    };
    let got = build("a.sema");
    assert_eq!((&*got.stdout, &*got.stderr), ("", ""));
    assert!(build("w.sema").stderr.contains("W0201"));
    let got = semac(project.path(), &["--quiet", "compile", "a.sema"]).succeeded();
    assert_eq!(got.stderr, "");
}

/// Lines of a process as they come.
struct Lines(mpsc::Receiver<String>);

impl Lines {
    fn of(stream: impl std::io::Read + Send + 'static) -> Lines {
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Lines(receiver)
    }

    #[track_caller]
    fn expect(&self, wanted: &str) {
        loop {
            let line = self.0.recv_timeout(Duration::from_secs(50));
            let line = line.unwrap_or_else(|error| panic!("{wanted:?}: {error}"));
            if line.contains(wanted) {
                return;
            }
        }
    }
}

/// What watch has started ends with it, whichever signal ends it.
#[test]
fn what_is_watched_ends_with_the_watch() {
    let signals = ["TERM", "HUP", "INT"].into_iter();
    // Nobody can do anything about this one; the kernel of Linux tells what has been started.
    for signal in signals.chain(cfg!(target_os = "linux").then_some("KILL")) {
        let project = Scratch::with(&[(
            "app.sema",
            "(file/write \"pid\" (str (sys/pid))) (println \"begins\") (sleep 100000)\n",
        )]);
        let mut child = semac_in(project.path())
            .args(["watch", "app.sema"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Lines::of(child.stdout.take().unwrap()).expect("begins");
        let pid = fs::read_to_string(project.file("pid")).unwrap();
        let sent = Command::new("kill")
            .args([&format!("-{signal}"), &child.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
        assert!(!child.wait().unwrap().success());
        let stat = format!("/proc/{pid}/stat");
        let begin = Instant::now();
        while fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z ")) {
            assert!(
                begin.elapsed() < Duration::from_secs(10),
                "{signal}: it lives"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    let empty = Scratch::with(&[("a.sema", "1")]);
    semac(empty.path(), &["watch", "a.sema", "--also", "nodir"]).failed_with(1, "nodir");
}

#[test]
fn a_changed_program_runs_again() {
    let project = Scratch::with(&[
        ("a.sema", "(import \"lib.sema\" x)\n(println \"value\" x)\n"),
        ("lib.sema", "(define x 1)\n"),
    ]);
    let mut command = semac_in(project.path());
    command.args(["watch", "a.sema"]).stdin(Stdio::null());
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let output = Lines::of(child.stdout.take().unwrap());
    let errors = Lines::of(child.stderr.take().unwrap());
    output.expect("value 1");
    errors.expect("done, waiting");
    project.write("lib.sema", "(define x 22)\n");
    output.expect("value 22");
    errors.expect("done, waiting");
    // A mistake is shown, and what is written next is seen.
    project.write("lib.sema", "(define x (\n");
    errors.expect("status 1, waiting");
    // A program that does not end is ended.
    project.write(
        "lib.sema",
        "(define x 333)\n(println \"endless\")\n(while #t (sleep 5))\n",
    );
    output.expect("endless");
    project.write("lib.sema", "(define x 4444)\n");
    output.expect("value 4444");
    let mut interrupt = Command::new("kill");
    outcome(interrupt.args(["-INT", &child.id().to_string()]), b"").succeeded();
    let status = child.wait().unwrap();
    assert!(!status.success(), "{status:?}");
}
