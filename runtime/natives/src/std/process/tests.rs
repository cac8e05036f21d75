//! Processes that do not do what one expects. What waits runs here without other tasks.

use std::time::{Duration, Instant};

use crate::testing::{Bench, Folder, eval_message, io_message, type_message};
use sema_machine::data::collections::sorted_map;
use sema_machine::data::print;
use sema_machine::host::condition::{ConditionKind, Outcome, Signal};
use sema_machine::memory::value::Value;
use sema_machine::task::{Operation, Resume};

/// The outcome of a call that may wait.
fn done(bench: &Bench, outcome: Outcome) -> Result<Value, Box<Signal>> {
    match outcome.map_err(|signal| *signal) {
        Ok(value) => Ok(value),
        Err(Signal::Suspend(Operation::External(started))) => {
            match bench.host.scheduler.do_alone(&bench.host, started) {
                Resume::Value(value) => Ok(value),
                Resume::Raise(condition) => Err(condition.signal()),
                Resume::Throw(_) => panic!("it throws"),
            }
        }
        Err(other) => Err(Box::new(other)),
    }
}

fn call(bench: &Bench, name: &str, args: &[Value]) -> Value {
    match done(bench, bench.try_call(name, args)) {
        Ok(value) => value,
        Err(signal) => match *signal {
            Signal::Raise(condition) => panic!("{name}: {}", condition.message),
            _ => panic!("{name}: another signal"),
        },
    }
}

fn error(bench: &Bench, name: &str, args: &[Value]) -> Box<Signal> {
    match done(bench, bench.try_call(name, args)) {
        Ok(value) => panic!("{name} gives {}", print::readable(&bench.host, value)),
        Err(signal) => signal,
    }
}

fn sh(bench: &Bench, script: &str) -> Value {
    let words = ["sh", "-c", script].map(|word| bench.text(word));
    call(bench, "proc/spawn", &[bench.host.heap.list(&words)])
}

fn options(bench: &Bench, entries: &[(&str, Value)]) -> Value {
    let entries: Vec<(Value, Value)> = entries
        .iter()
        .map(|(name, value)| (bench.host.keyword(name), *value))
        .collect();
    sorted_map::from_entries(&bench.host, &entries)
}

/// Whether a process exists and is no zombie.
fn is_alive(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()))
        .is_ok_and(|stat| !stat.contains(") Z "))
}

/// Waits until something holds.
fn eventually(holds: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(10) {
        if holds() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    false
}

#[test]
fn a_hundred_at_once() {
    let bench = Bench::new();
    let children: Vec<Value> = (0..100)
        .map(|number| sh(&bench, &format!("read line; echo $line; exit {number}")))
        .collect();
    for &child in &children {
        call(&bench, "proc/write-stdin", &[child, bench.text("hello\n")]);
    }
    for (number, &child) in children.iter().enumerate() {
        assert_eq!(call(&bench, "proc/wait", &[child]), Value::index(number));
        let output = call(&bench, "proc/read-stdout", &[child]);
        assert_eq!(bench.string(output), "hello\n");
        call(&bench, "proc/close", &[child]);
    }
}

#[test]
fn much_output_on_both_sides_does_not_block() {
    let bench = Bench::new();
    let child = sh(
        &bench,
        "head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2; head -c 100 /dev/zero",
    );
    assert_eq!(call(&bench, "proc/wait", &[child]), Value::small(0));
    for (name, expected) in [
        ("proc/read-stdout-bytes", 3_000_100),
        ("proc/read-stderr-bytes", 3_000_000),
    ] {
        let bytes = call(&bench, name, &[child]);
        assert_eq!(
            bench.host.heap.as_bytevector(bytes).map(<[u8]>::len),
            Some(expected)
        );
        assert!(
            bench
                .host
                .heap
                .as_bytevector(call(&bench, name, &[child]))
                .unwrap()
                .is_empty()
        );
    }
    // Looking at it again and again is enough, too.
    let child = sh(&bench, "head -c 1000000 /dev/zero");
    assert!(eventually(
        || call(&bench, "proc/running?", &[child]) == Value::FALSE
    ));
    let bytes = call(&bench, "proc/read-stdout-bytes", &[child]);
    assert_eq!(
        bench.host.heap.as_bytevector(bytes).unwrap().len(),
        1_000_000
    );
}

#[test]
fn characters_are_not_cut() {
    let bench = Bench::new();
    let child = sh(&bench, "printf '\\303'; read x; printf '\\251\\377'");
    let read = || bench.string(call(&bench, "proc/read-stdout", &[child]));
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(read(), "");
    call(&bench, "proc/write-stdin", &[child, bench.text("\n")]);
    call(&bench, "proc/wait", &[child]);
    assert_eq!(read(), "é\u{fffd}");
}

#[test]
fn output_is_a_stream() {
    let bench = Bench::new();
    let child = sh(&bench, "echo one; sleep 0.05; echo two");
    let stream = call(&bench, "proc/stdout", &[child]);
    let line = || call(&bench, "stream/read-line", &[stream]);
    assert_eq!(bench.string(line()), "one");
    assert_eq!(bench.string(line()), "two");
    assert_eq!(line(), Value::NIL);
}

#[test]
fn the_end_by_a_signal_is_told_apart() {
    let bench = Bench::new();
    let child = sh(&bench, "kill -TERM $$");
    assert_eq!(call(&bench, "proc/wait", &[child]), Value::small(-1));
    assert_eq!(call(&bench, "proc/exit-code", &[child]), Value::small(-1));
    assert_eq!(call(&bench, "proc/signal", &[child]), Value::small(15));
    let child = sh(&bench, "exit 255");
    assert_eq!(call(&bench, "proc/wait", &[child]), Value::small(255));
    assert_eq!(call(&bench, "proc/signal", &[child]), Value::NIL);
    let result = call(&bench, "shell", &[bench.text("kill -9 $$")]);
    assert_eq!(
        print::readable(&bench.host, result),
        "{:exit-code -1 :signal 9 :stderr \"\" :stdout \"\"}"
    );
}

#[test]
fn what_a_process_started_ends_with_it() {
    let bench = Bench::new();
    // It ignores what can be ignored, and so do its children.
    let child = sh(
        &bench,
        "trap '' TERM INT HUP; (sleep 1000 & echo $!; wait) & wait",
    );
    let stream = call(&bench, "proc/stdout", &[child]);
    let pid = bench.string(call(&bench, "stream/read-line", &[stream]));
    assert!(is_alive(&pid));
    call(&bench, "proc/kill", &[child]);
    assert_eq!(call(&bench, "proc/wait", &[child]), Value::small(-1));
    assert!(eventually(|| !is_alive(&pid)));
}

#[test]
fn the_end_of_a_machine_ends_its_processes() {
    let bench = Bench::new();
    let pids: Vec<String> = (0..5)
        .map(|_| {
            let child = sh(&bench, "sleep 1000 & echo $!; wait");
            let stream = call(&bench, "proc/stdout", &[child]);
            bench.string(call(&bench, "stream/read-line", &[stream]))
        })
        .collect();
    assert!(pids.iter().all(|pid| is_alive(pid)));
    bench.host.end();
    assert!(eventually(|| pids.iter().all(|pid| !is_alive(pid))));
}

#[test]
fn a_timeout_leaves_nothing() {
    let bench = Bench::new();
    let folder = Folder::new("shell-timeout");
    let file = folder.path("pid");
    let script = format!("trap '' TERM; sleep 1000 & echo $! > {file}; wait");
    let start = Instant::now();
    let timeout = options(&bench, &[("timeout-ms", Value::small(300))]);
    match *error(&bench, "shell", &[bench.text(&script), timeout]) {
        Signal::Raise(condition) => {
            assert_eq!(condition.kind, ConditionKind::Timeout);
            assert_eq!(condition.message, "shell: the command exceeded 300 ms");
        }
        _ => panic!("no condition"),
    }
    assert!(start.elapsed() < Duration::from_secs(5));
    let pid = std::fs::read_to_string(file).unwrap();
    assert!(eventually(|| !is_alive(&pid)));
}

#[test]
fn cancelling_leaves_nothing() {
    let bench = Bench::new();
    let folder = Folder::new("shell-cancel");
    let file = folder.path("pid");
    let script = format!("sleep 1000 & echo $! > {file}; wait");
    let outcome = bench.try_call("shell", &[bench.text(&script)]);
    assert!(eventually(
        || std::fs::read_to_string(&file).is_ok_and(|pid| pid.ends_with('\n'))
    ));
    drop(outcome);
    let pid = std::fs::read_to_string(file).unwrap();
    assert!(eventually(|| !is_alive(&pid)));
}

/// What a command has left in the background holds its output, so it is not over.
#[test]
fn what_is_left_in_the_background_ends_too() {
    let folder = Folder::new("shell-background");
    let script = |name: &str| {
        let file = folder.path(name);
        (
            format!("sleep 1000 & echo $! > {file}.new; mv {file}.new {file}"),
            file,
        )
    };
    let pid = |file: &str| std::fs::read_to_string(file).unwrap();
    let is_there = |file: &str| eventually(|| std::path::Path::new(file).exists());
    let bench = Bench::new();
    let (line, file) = script("timeout");
    let timeout = options(&bench, &[("timeout-ms", Value::small(300))]);
    error(&bench, "shell", &[bench.text(&line), timeout]);
    assert!(eventually(|| !is_alive(&pid(&file))));
    let (line, file) = script("cancelled");
    let outcome = bench.try_call("shell", &[bench.text(&line)]);
    assert!(is_there(&file));
    drop(outcome);
    assert!(eventually(|| !is_alive(&pid(&file))));
    let (line, file) = script("closed");
    let child = sh(&bench, &line);
    assert_eq!(call(&bench, "proc/wait", &[child]), Value::small(0));
    assert!(is_alive(&pid(&file)));
    call(&bench, "proc/close", &[child]);
    assert!(eventually(|| !is_alive(&pid(&file))));
    let (line, file) = script("ended");
    let child = sh(&bench, &line);
    assert_eq!(call(&bench, "proc/wait", &[child]), Value::small(0));
    bench.host.end();
    assert!(eventually(|| !is_alive(&pid(&file))));
    // What does not hold it is let go.
    let bench = Bench::new();
    let (line, file) = script("let-go");
    let line = format!("({line}) < /dev/null > /dev/null 2>&1");
    call(&bench, "shell", &[bench.text(&line)]);
    bench.host.end();
    assert!(is_there(&file) && is_alive(&pid(&file)));
    let killed = std::process::Command::new("kill")
        .arg(pid(&file).trim())
        .status();
    assert!(killed.unwrap().success());
}

#[test]
fn what_is_written_back_is_taken_in_while_writing() {
    let bench = Bench::new();
    let child = sh(&bench, "tee /dev/stderr");
    let large = bench.text(&"x".repeat(3 << 20));
    call(&bench, "proc/write-stdin", &[child, large]);
    call(&bench, "proc/close-stdin", &[child]);
    assert_eq!(call(&bench, "proc/wait", &[child]), Value::small(0));
    for name in ["proc/read-stdout", "proc/read-stderr"] {
        assert_eq!(bench.string(call(&bench, name, &[child])).len(), 3 << 20);
    }
}

#[test]
fn options_of_commands() {
    let bench = Bench::new();
    let run = |words: &[&str], entries: &[(&str, Value)]| {
        let mut args: Vec<Value> = words.iter().map(|word| bench.text(word)).collect();
        args.push(options(&bench, entries));
        print::readable(&bench.host, call(&bench, "shell", &args))
    };
    assert_eq!(
        run(
            &["cat"],
            &[
                ("stdin", bench.host.heap.bytevector(&[0xff])),
                ("binary", Value::TRUE)
            ]
        ),
        "{:exit-code 0 :stderr #u8() :stdout #u8(255)}"
    );
    // It does not read what it gets, which may be much.
    let large = bench.text(&"x".repeat(1 << 20));
    assert_eq!(
        run(&["true"], &[("stdin", large)]),
        "{:exit-code 0 :stderr \"\" :stdout \"\"}"
    );
    assert!(run(&["wc", "-c"], &[("stdin", large)]).contains("1048576"));
    bench.call("sys/set-env", &[bench.text("OUTER"), bench.text("o")]);
    let variables = options(&bench, &[("INNER", bench.text("i"))]);
    assert!(run(&["echo $OUTER$INNER"], &[("env", variables)]).contains("oi\\n"));
}

#[test]
fn what_cannot_be_started_is_told() {
    let bench = Bench::new();
    let list = |words: &[&str]| {
        let words: Vec<Value> = words.iter().map(|word| bench.text(word)).collect();
        bench.host.heap.list(&words)
    };
    let missing = error(&bench, "proc/spawn", &[list(&["no-such-program"])]);
    assert_eq!(
        io_message(missing),
        "proc/spawn no-such-program: No such file or directory (os error 2)"
    );
    eval_message(error(&bench, "proc/spawn", &[list(&[])]));
    io_message(error(&bench, "proc/spawn", &[list(&["a\0b"])]));
    let nowhere = options(&bench, &[("cwd", bench.text("/no/such/place"))]);
    let error_text = io_message(error(&bench, "proc/spawn", &[list(&["true"]), nowhere]));
    assert!(
        error_text.starts_with("proc/spawn /no/such/place: "),
        "{error_text}"
    );
    let wrong = options(&bench, &[("A=B", bench.text("x"))]);
    let wrong = options(&bench, &[("env", wrong)]);
    eval_message(error(&bench, "shell", &[bench.text("true"), wrong]));
    let number = options(&bench, &[("A", Value::small(1))]);
    for (name, value, expected) in [
        ("cwd", Value::small(1), ":cwd must be a string"),
        ("env", bench.text("x"), ":env must be a map"),
        ("env", number, "a value in :env must be a string"),
        ("timeout-ms", bench.text("x"), ":timeout-ms must be an int"),
    ] {
        let options = options(&bench, &[(name, value)]);
        let message = eval_message(error(&bench, "shell", &[bench.text("true"), options]));
        assert!(message.contains(expected), "{message}");
    }
    for (name, args) in [
        ("proc/wait", vec![Value::small(7)]),
        ("proc/read-stdout", vec![Value::small(-1)]),
        ("proc/kill", vec![Value::small(0)]),
    ] {
        assert!(eval_message(error(&bench, name, &args)).contains("no such handle"));
    }
    // What can never be written is said before whether there is somebody to write to.
    let nothing = error(
        &bench,
        "proc/write-stdin",
        &[Value::small(7), Value::small(1)],
    );
    assert!(type_message(nothing).contains("expected string, got int"));
    assert_eq!(call(&bench, "proc/close", &[Value::small(7)]), Value::NIL);
}

#[test]
fn a_process_whose_output_is_closed_sees_that() {
    let bench = Bench::new();
    let child = sh(&bench, "exec cat /dev/zero");
    let stream = call(&bench, "proc/stdout", &[child]);
    call(&bench, "stream/read", &[stream, Value::small(10)]);
    call(&bench, "stream/close", &[stream]);
    // By the signal of a broken pipe.
    assert_eq!(call(&bench, "proc/wait", &[child]), Value::small(-1));
    assert_eq!(bench.string(call(&bench, "proc/read-stdout", &[child])), "");
}

#[test]
fn a_process_that_does_not_read_any_more() {
    let bench = Bench::new();
    let child = sh(&bench, "exec <&-; echo; sleep 1000");
    let stream = call(&bench, "proc/stdout", &[child]);
    call(&bench, "stream/read-line", &[stream]);
    let large = bench.text(&"x".repeat(1 << 20));
    let message = io_message(error(&bench, "proc/write-stdin", &[child, large]));
    assert!(message.contains("Broken pipe"), "{message}");
}
