//! Signals, and output that must not be lost or come late.
//!
//! The kinds: buffered output in a pipe (while the program computes, while nothing is read, in non-blocking mode, at each way
//! to end), and the end by a signal (of computing and of waiting programs, in `semac run` and in executables, as the first
//! process of a container).

#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use sema_tests::{Scratch, built, outcome, semac_in};

/// Longer than anything here takes, shorter than the limit of a test.
const LONG: Duration = Duration::from_secs(20);

/// A function that computes for ever.
const SPIN: &str = "(define (spin n) (if (= n 0) 0 (spin (- n 1))))";

fn started(command: &mut Command) -> Child {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn app(scratch: &Scratch) -> Child {
    started(Command::new(scratch.file("app")).current_dir(scratch.path()))
}

fn send(signal: &str, process: u32) {
    let sent = Command::new("kill")
        .args([&format!("-{signal}"), &process.to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

/// The next lines that a program prints, as they come.
fn lines(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(|line| line.unwrap())
}

#[track_caller]
fn ended(child: &mut Child) -> ExitStatus {
    let begin = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if begin.elapsed() > LONG {
            child.kill().unwrap();
            panic!("the program does not end");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn errors(child: &mut Child) -> String {
    let mut text = String::new();
    let errors = child.stderr.take().unwrap();
    BufReader::new(errors).read_to_string(&mut text).unwrap();
    text
}

#[test]
fn what_is_printed_is_seen_while_the_program_computes() {
    let scratch = built(&format!(
        "{SPIN} (println 1) (println 2) (display 3) (println \"\") (spin -1)"
    ));
    let mut child = app(&scratch);
    let begin = Instant::now();
    let seen: Vec<String> = lines(&mut child).take(3).collect();
    assert_eq!(seen, ["1", "2", "3"]);
    assert!(begin.elapsed() < LONG);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn signals_that_end_the_program_lose_nothing() {
    for (signal, number) in [("TERM", 15), ("HUP", 1)] {
        let scratch = built(&format!(
            "{SPIN} (println-error \"begin\") (println 1) (println 2) (println 3) (println-error \"all\") (println 4) (spin -1)"
        ));
        let mut child = app(&scratch);
        let mut seen = BufReader::new(child.stderr.take().unwrap()).lines();
        while seen.next().is_some_and(|line| line.unwrap() != "all") {}
        send(signal, child.id());
        let printed: Vec<String> = lines(&mut child).collect();
        assert_eq!(
            printed.get(..3),
            Some(&["1", "2", "3"].map(String::from)[..])
        );
        assert_eq!(ended(&mut child).signal(), Some(number));
    }
}

#[test]
fn an_interrupt_ends_what_computes_or_waits_and_no_handler_sees_it() {
    let handled = "(catch e (println (:type e)))";
    for body in [
        "(spin -1)",
        "(async/sleep 100000)",
        "(await (async (try (spin -1) (catch e 1))))",
    ] {
        let scratch = built(&format!(
            "{SPIN} (println :begin) (try {body} {handled}) (println :after)"
        ));
        for run in [false, true] {
            let mut child = if run {
                started(semac_in(scratch.path()).args(["run", "app.sema"]))
            } else {
                app(&scratch)
            };
            let mut lines = lines(&mut child);
            assert_eq!(lines.next().as_deref(), Some(":begin"));
            send("INT", child.id());
            assert_eq!(lines.next(), None, "{body}");
            assert_eq!(ended(&mut child).code(), Some(1), "{body}");
            let report = errors(&mut child);
            assert!(
                report.starts_with("Error: evaluation cancelled: HostStop\n"),
                "{report}"
            );
        }
    }
}

#[test]
fn a_second_interrupt_ends_the_program_at_once() {
    // A builtin is not interrupted.
    let scratch = built("(println 1) (io/flush) (println (odd? (expt 3 40000000)))");
    let mut child = app(&scratch);
    let mut lines = lines(&mut child);
    assert_eq!(lines.next().as_deref(), Some("1"));
    // Until the builtin is at work.
    std::thread::sleep(Duration::from_millis(500));
    send("INT", child.id());
    std::thread::sleep(Duration::from_millis(100));
    send("INT", child.id());
    assert_eq!(ended(&mut child).code(), Some(130));
}

#[test]
fn a_program_that_catches_every_condition_is_interrupted_all_the_same() {
    let stubborn = "(define (stay) (try (spin -1) (catch e (stay))))";
    let scratch = built(&format!("{SPIN} {stubborn} (println 1) (stay)"));
    let mut child = app(&scratch);
    assert_eq!(lines(&mut child).next().as_deref(), Some("1"));
    send("INT", child.id());
    assert_eq!(ended(&mut child).code(), Some(1));
}

#[test]
fn a_pipe_that_nobody_reads_ends_the_program_quietly() {
    let scratch = built("(define (go) (println \"a line of text\") (go)) (go)");
    let mut child = app(&scratch);
    assert_eq!(lines(&mut child).next().as_deref(), Some("a line of text"));
    assert_eq!(ended(&mut child).signal(), Some(13));
    assert_eq!(errors(&mut child), "");
}

#[test]
fn output_in_non_blocking_mode_waits_for_its_reader() {
    // Python sets the mode; the descriptor's mode is that of the pipe, which the program shares.
    let script = "
import fcntl, os, subprocess, sys, time
r, w = os.pipe()
fcntl.fcntl(w, fcntl.F_SETFL, fcntl.fcntl(w, fcntl.F_GETFL) | os.O_NONBLOCK)
p = subprocess.Popen(['./app'], stdout=w, stderr=w if sys.argv[1] == 'both' else None)
os.close(w)
time.sleep(0.2)
count = 0
while True:
    part = os.read(r, 1 << 16)
    if not part: break
    count += part.count(b'\\n')
print(count, p.wait())
";
    for (print, which) in [("println", "out"), ("println-error", "both")] {
        let scratch = built(&format!("(dotimes (i 20000) ({print} \"line\" i))"));
        let mut command = Command::new("python3");
        command
            .args(["-c", script, which])
            .current_dir(scratch.path());
        let outcome = outcome(&mut command, b"").succeeded();
        assert_eq!(outcome.stdout, "20000 0\n");
    }
}

#[test]
fn every_way_to_end_writes_what_was_printed() {
    for (end, status) in [
        ("(exit 3)", 3),
        ("(async (exit 3)) (async/sleep 1000)", 3),
        ("(throw :x)", 1),
        ("(define (deep n) (+ 1 (deep n))) (deep 1)", 1),
    ] {
        let scratch = built(&format!("(println 1) (println 2) (display 3) {end}"));
        let mut child = app(&scratch);
        let seen: Vec<String> = lines(&mut child).collect();
        assert_eq!(seen, ["1", "2", "3"], "{end}");
        assert_eq!(ended(&mut child).code(), Some(status), "{end}");
    }
}

/// As the first process of a namespace, which needs privileges: without them there is nothing to test.
#[test]
fn the_first_process_of_a_container_obeys() {
    let may = Command::new("unshare")
        .args(["--pid", "--fork", "true"])
        .stderr(Stdio::null())
        .status();
    if !may.is_ok_and(|status| status.success()) {
        return;
    }
    let scratch = built(&format!(
        "{SPIN} (println 1) (println 2) (try (spin -1) (catch e (println :caught) (throw e)))"
    ));
    for (signal, status) in [("TERM", 143), ("INT", 130)] {
        let mut child = started(
            Command::new("unshare")
                .args(["--pid", "--fork", "./app"])
                .current_dir(scratch.path()),
        );
        let mut lines = lines(&mut child);
        assert_eq!(lines.next().as_deref(), Some("1"));
        assert_eq!(lines.next().as_deref(), Some("2"));
        let children = format!("/proc/{0}/task/{0}/children", child.id());
        let children = std::fs::read_to_string(children).unwrap();
        send(signal, children.trim().parse().unwrap());
        assert_eq!(lines.next().as_deref(), Some(":caught"));
        assert_eq!(ended(&mut child).code(), Some(status));
        assert_eq!(errors(&mut child), "");
    }
}
