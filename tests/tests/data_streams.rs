//! Folds over streams of data: values are seen as they come, and memory does not grow with the stream.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use sema_tests::{Scratch, outcome};

/// Megabytes that a program may have resident however long its stream is.
const MOST_RESIDENT: usize = 20;

#[track_caller]
fn built(source: &str) -> (Scratch, Command) {
    let scratch = sema_tests::built(source);
    let mut app = Command::new(scratch.file("app"));
    app.env_clear().current_dir(scratch.path());
    (scratch, app)
}

#[test]
fn values_are_seen_before_the_next_ones_come() {
    for (fold, pieces, seen) in [
        (
            "json/fold-lines",
            ["{\"a\":1}\n", "[2", ",3]\n"],
            ["{:a 1}", "(2 3)"],
        ),
        ("json/fold", ["[1, ", "\"a]\"", ",null]"], ["1", "a]"]),
        ("json/fold", ["{\"a\":", "{}} ", "[] "], ["{:a {}}", "()"]),
        (
            "csv/fold",
            ["a,\"b\n", "c\"\n1,", "2\n"],
            ["(\"a\" \"b\\nc\")", "(\"1\" \"2\")"],
        ),
        (
            "csv/fold-maps",
            ["k\n1\n", "2", "\n3"],
            ["{:k \"1\"}", "{:k \"2\"}"],
        ),
        ("stream/fold-lines", ["one\n", "tw", "o\n"], ["one", "two"]),
    ] {
        let source = format!(
            "(define ticks 0)
             (async (let loop () (set! ticks (+ ticks 1)) (async/sleep 2) (loop)))
             ({fold} *stdin* (fn (_ value) (println value) (io/flush)) nil)
             (println (> ticks 1))"
        );
        let (_scratch, mut app) = built(&source);
        let mut child = app
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut given = pieces.iter();
        let mut give = |count: usize| {
            for piece in given.by_ref().take(count) {
                input.write_all(piece.as_bytes()).unwrap();
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
        };
        // What is complete is printed although the stream goes on.
        give(2);
        if !matches!(fold, "json/fold-lines" | "csv/fold-maps") {
            assert_eq!(lines.next().unwrap().unwrap(), seen[0], "{fold}");
            give(1);
        } else {
            give(1);
            assert_eq!(lines.next().unwrap().unwrap(), seen[0], "{fold}");
        }
        assert_eq!(lines.next().unwrap().unwrap(), seen[1], "{fold}");
        drop(input);
        assert_eq!(lines.last().unwrap().unwrap(), "#t", "{fold}");
        assert!(child.wait().unwrap().success());
    }
}

#[test]
fn memory_does_not_grow_with_the_stream() {
    let json = "{\"id\": 12345, \"name\": \"some text\", \"tags\": [\"a\", \"b\"], \"at\": {\"x\": 1.5}}\n".repeat(500_000);
    let array = format!(
        "[{}{{}}]",
        "{\"id\": 12345, \"name\": \"some text\", \"at\": {\"x\": 1.5}},".repeat(500_000)
    );
    let csv = "12345,some text,\"quoted, text\",1.5\n".repeat(1_000_000);
    for (fold, input, count) in [
        ("json/fold-lines", &json, "500000"),
        ("json/fold", &array, "500001"),
        ("csv/fold", &csv, "1000000"),
        ("stream/fold-lines", &csv, "1000000"),
    ] {
        let source = format!(
            "(println ({fold} *stdin* (fn (count value) (+ count 1)) 0))
             (println (first (filter (fn (line) (string/starts-with? line \"VmHWM\")) (file/read-lines \"/proc/self/status\"))))"
        );
        let (_scratch, mut app) = built(&source);
        let output = outcome(&mut app, input.as_bytes()).succeeded().stdout;
        let (counted, resident) = output.split_once('\n').unwrap();
        assert_eq!(counted, count, "{fold}");
        let kilobytes: usize = resident
            .split_whitespace()
            .nth(1)
            .and_then(|number| number.parse().ok())
            .unwrap();
        assert!(kilobytes / 1024 < MOST_RESIDENT, "{fold}: {resident}");
    }
}
