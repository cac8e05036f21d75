//! Operations that wait for the world outside: standard input, pipes, large files, timers, and tasks that are stopped.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sema_tests::{Outcome, Scratch, built, outcome, runtime, semac_in};

/// Longer than anything here takes, shorter than the limit of a test.
const LONG: Duration = Duration::from_secs(20);

fn app(scratch: &Scratch) -> Command {
    let mut command = Command::new(scratch.file("app"));
    command.env_clear().current_dir(scratch.path());
    if let Some(stress) = std::env::var_os("SEMA_GC_STRESS") {
        command.env("SEMA_GC_STRESS", stress);
    }
    command
}

#[track_caller]
fn run(source: &str, input: &[u8]) -> Outcome {
    outcome(&mut app(&built(source)), input)
}

fn pipe(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status().unwrap();
    assert!(made.success());
}

/// How many threads a process has.
fn threads(child: &Child) -> usize {
    fs::read_dir(format!("/proc/{}/task", child.id()))
        .unwrap()
        .count()
}

fn started(command: &mut Command) -> Child {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[track_caller]
fn ended(mut child: Child) -> i32 {
    let begin = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code().unwrap_or(-1);
        }
        if begin.elapsed() > LONG {
            child.kill().unwrap();
            panic!("the program does not end");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Only a true cycle is a cycle. Looked for: a module that waits while it starts, one that fails, two that import each other
/// in two tasks, in `-O0` and `-O2`.
#[test]
fn tasks_that_import_one_module_wait_for_it() {
    let both = "(define p (async (try (begin (import \"m.sema\") x) (catch e (:message e)))))
                (define q (async (try (begin (import \"m.sema\") x) (catch e (:message e)))))
                (println (await p) (await q))";
    for (module, expected) in [
        (
            "(module m (export x) (println :once) (async/sleep 20) (define x 42))",
            ":once\n42 42\n",
        ),
        (
            "(module m (export x) (async/sleep 20) (throw :bad) (define x 1))",
            ":bad :bad\n",
        ),
    ] {
        for level in ["-O0", "-O2"] {
            let scratch = Scratch::with(&[("app.sema", both), ("m.sema", module)]);
            let mut command = semac_in(scratch.path());
            let ran = outcome(command.args(["run", level, "app.sema"]), b"").succeeded();
            assert_eq!(ran.stdout, expected);
        }
    }
    let scratch = Scratch::with(&[
        (
            "app.sema",
            "(define p (async (try (begin (import \"one.sema\") 1) (catch e (:message e)))))
             (define q (async (try (begin (import \"two.sema\") 2) (catch e (:message e)))))
             (println (await p) (await q))",
        ),
        (
            "one.sema",
            "(module one (export a) (async/sleep 5) (define a (try (begin (import \"two.sema\") 1) (catch e (println (:message e))))))",
        ),
        (
            "two.sema",
            "(module two (export b) (async/sleep 5) (define b (try (begin (import \"one.sema\") 1) (catch e (println (:message e))))))",
        ),
    ]);
    let mut command = semac_in(scratch.path());
    let ran = outcome(command.args(["run", "app.sema"]), b"").succeeded();
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{ran:?}");
    assert!(lines[0].starts_with("cyclic import detected: "), "{ran:?}");
    assert_eq!(lines[1], "1 2");
}

const TICKER: &str = "
(define ticks 0)
(async (let loop () (set! ticks (+ ticks 1)) (async/sleep 5) (loop)))
";

#[test]
fn a_task_that_waits_for_a_line_stops_no_other() {
    let source = format!(
        "{TICKER}
(define t (async (read-line)))
(async/sleep 60)
(println (> ticks 3) (async/pending? t))
(io/flush)
(println (await t) (read-line) (stream/read-line *stdin*) (io/eof?) (read-line) (io/eof?))"
    );
    let mut child = started(&mut app(&built(&source)));
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    assert_eq!(line, "#t #t\n");
    assert_eq!(threads(&child), 1);
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"one\r\ntwo\nthree\n").unwrap();
    drop(input);
    line.clear();
    output.read_line(&mut line).unwrap();
    assert_eq!(line, "one two three #f nil #t\n");
    assert_eq!(ended(child), 0);
}

#[test]
fn lines_go_to_those_who_asked_first() {
    let got = run(
        "(define ts (map (fn (i) (async (list i (read-line)))) (range 4)))
(println (async/all ts))
(println (read-stdin))",
        b"a\nb\nc\nd\nrest\n",
    );
    assert_eq!(
        got.succeeded().stdout,
        "((0 \"a\") (1 \"b\") (2 \"c\") (3 \"d\"))\nrest\n\n"
    );
}

#[test]
fn a_pipe_is_read_while_another_task_ticks() {
    let source = format!(
        "{TICKER}
(define t (async (file/read \"pipe\")))
(async/sleep 60)
(println (> ticks 3) (async/pending? t))
(io/flush)
(println (await t))"
    );
    let scratch = built(&source);
    pipe(&scratch.file("pipe"));
    let mut child = started(&mut app(&scratch));
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    assert_eq!(line, "#t #t\n");
    let mut writer = OpenOptions::new()
        .write(true)
        .open(scratch.file("pipe"))
        .unwrap();
    writer.write_all(b"through ").unwrap();
    std::thread::sleep(Duration::from_millis(20));
    writer.write_all(b"the pipe").unwrap();
    drop(writer);
    line.clear();
    output.read_line(&mut line).unwrap();
    assert_eq!(line, "through the pipe\n");
    assert_eq!(ended(child), 0);
}

#[test]
fn a_cancelled_read_gives_everything_back() {
    let scratch = built(
        "(define t (async (file/read \"pipe\")))
(define w (async (file/write \"pipe2\" \"x\")))
(async/sleep 20)
(println (async/cancel t) (async/cancel w))
(println (try (await t) (catch e (:type e))))
(println (try (async/with-timeout 10 (fn () (file/read \"pipe\"))) (catch e (:message e))))
(println \"idle\")
(io/flush)
(read-line)",
    );
    pipe(&scratch.file("pipe"));
    pipe(&scratch.file("pipe2"));
    let mut child = started(&mut app(&scratch));
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut lines = String::new();
    while !lines.ends_with("idle\n") {
        assert!(output.read_line(&mut lines).unwrap() > 0, "{lines}");
    }
    assert_eq!(lines, "#t #t\n:cancelled\noperation exceeded 10 ms\nidle\n");
    assert_eq!(threads(&child), 1);
    let open = fs::read_dir(format!("/proc/{}/fd", child.id())).unwrap();
    let pipes = open
        .filter_map(|entry| fs::read_link(entry.unwrap().path()).ok())
        .filter(|path| path.starts_with(scratch.path()))
        .filter(|path| path.file_name().is_some_and(|name| name != "app"))
        .count();
    assert_eq!(pipes, 0, "the pipes are closed");
    drop(child.stdin.take());
    assert_eq!(ended(child), 0);
}

#[test]
fn a_hundred_reads_at_once() {
    let scratch = built(
        "(define ts (map (fn (i) (async (file/read (str \"p\" i)))) (range 100)))
(println \"begun\")
(io/flush)
(println (apply + (map string/to-number (async/all ts))))",
    );
    for number in 0..100 {
        pipe(&scratch.file(&format!("p{number}")));
    }
    let mut child = started(&mut app(&scratch));
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    // The last one first: none needs the others to be done.
    for number in (0..100).rev() {
        let path = scratch.file(&format!("p{number}"));
        let mut writer = OpenOptions::new().write(true).open(path).unwrap();
        write!(writer, "{number}").unwrap();
    }
    line.clear();
    output.read_line(&mut line).unwrap();
    assert_eq!(line, "4950\n");
    assert_eq!(ended(child), 0);
}

#[test]
fn writers_wait_for_room_and_for_a_reader() {
    let source = format!(
        "{TICKER}
(define t (async (file/write \"pipe\" (string/repeat \"x\" 300000))))
(define out (async (let ((s (stream/open-output \"pipe2\")))
  (stream/write-string s (string/repeat \"y\" 200000)) (stream/close s))))
(async/sleep 60)
(println (> ticks 3) (async/pending? t) (async/pending? out))
(io/flush)
(await t) (await out)
(println \"written\")"
    );
    let scratch = built(&source);
    pipe(&scratch.file("pipe"));
    pipe(&scratch.file("pipe2"));
    let mut child = started(&mut app(&scratch));
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    assert_eq!(line, "#t #t #t\n");
    for (name, byte, count) in [("pipe", b'x', 300_000), ("pipe2", b'y', 200_000)] {
        let mut content = Vec::new();
        let mut reader = File::open(scratch.file(name)).unwrap();
        reader.read_to_end(&mut content).unwrap();
        assert_eq!(content.len(), count);
        assert!(content.iter().all(|found| *found == byte));
    }
    line.clear();
    output.read_line(&mut line).unwrap();
    assert_eq!(line, "written\n");
    assert_eq!(ended(child), 0);
}

#[test]
fn streams_copy_from_pipe_to_pipe() {
    let scratch = built(
        "(define from (stream/open-input \"in\"))
(define to (await (async (stream/open-output \"out\"))))
(println (stream/copy from to))
(stream/close to)",
    );
    pipe(&scratch.file("in"));
    pipe(&scratch.file("out"));
    let child = started(&mut app(&scratch));
    let (input, output) = (scratch.file("in"), scratch.file("out"));
    let writer = std::thread::spawn(move || {
        let mut file = OpenOptions::new().write(true).open(input).unwrap();
        for _ in 0..1000 {
            file.write_all(&[b'z'; 777]).unwrap();
        }
    });
    let mut content = Vec::new();
    File::open(output)
        .unwrap()
        .read_to_end(&mut content)
        .unwrap();
    writer.join().unwrap();
    assert_eq!(content.len(), 777_000);
    assert_eq!(ended(child), 0);
}

#[test]
fn large_files_are_read_and_written_beside_other_tasks() {
    let scratch = built(
        "(define text (string/repeat \"0123456789\" 2000000))
(define order '())
(define (note x) (set! order (cons x order)))
(define w (async (file/write \"large.txt\" text) (note :written)))
(define o (async (note :other)))
(async/all (list w o))
(println order)
(define ts (map (fn (i) (async (string-length (file/read \"large.txt\")))) (range 6)))
(println (async/all ts))
(define c (async (file/copy \"large.txt\" \"copy.txt\")))
(async (async/sleep 1))
(await c)
(println (:size (file/info \"copy.txt\")))
(async (async/sleep 100000))
(println (try (await (async (file/read \"missing.txt\"))) (catch e (:type e))))",
    );
    let got = outcome(&mut app(&scratch), b"").succeeded();
    let expected = format!(
        "(:written :other)\n({})\n20000000\n:io\n",
        ["20000000"; 6].join(" ")
    );
    assert_eq!(got.stdout, expected);
}

#[test]
fn the_end_of_the_program_waits_for_no_read() {
    for (last, status) in [("(exit 3)", 3), ("(error \"over\")", 1), ("nil", 0)] {
        let scratch = built(&format!(
            "(async (file/read \"pipe\")) (async (read-line)) (async (file/write \"pipe2\" \"x\"))
(async/sleep 10)
{last}"
        ));
        pipe(&scratch.file("pipe"));
        pipe(&scratch.file("pipe2"));
        let mut child = started(&mut app(&scratch));
        let input = child.stdin.take();
        assert_eq!(ended(child), status, "{last}");
        drop(input);
    }
}

#[test]
fn a_program_without_others_to_run_makes_no_thread() {
    let scratch = built(
        "(file/write \"large.txt\" (string/repeat \"x\" 3000000))
(println (string-length (file/read \"large.txt\")) (read-line))",
    );
    let mut command = Command::new("strace");
    command
        .args(["-f", "-o", "trace", "./app"])
        .current_dir(scratch.path());
    if Command::new("strace").arg("-V").output().is_err() {
        eprintln!("strace is missing: only the result is looked at");
        outcome(&mut app(&scratch), b"line\n").succeeded();
        return;
    }
    let got = outcome(&mut command, b"line\n").succeeded();
    assert_eq!(got.stdout, "3000000 line\n");
    let trace = fs::read_to_string(scratch.file("trace")).unwrap();
    // A line is the number of the process, a name and arguments; paths may contain anything.
    let calls = trace.lines().filter_map(|line| {
        let call = line.trim_start_matches(|c: char| c.is_ascii_digit());
        Some(call.trim_start().split_once('(')?.0)
    });
    for call in calls {
        let makes = ["clone", "vfork", "fork", "eventfd", "pipe", "futex"];
        assert!(
            !makes.iter().any(|name| call.starts_with(name)),
            "{call} in {trace}"
        );
    }
}

#[test]
fn timers_that_are_due_go_before_later_timeouts() {
    let got = run(
        "(define order '())
(define (note x) (set! order (cons x order)))
(define p (async (async/sleep 20) (note :p) :done))
(define q (async (async/sleep 10) (note :q)))
(define late (async (async/sleep 90) :late))
(define ts (list
  (async (note (try (async/timeout 50 p) (catch e (:type e)))))
  (async (note (try (async/timeout 60 late) (catch e (:type e)))))))
(async/sleep 0)
(define begin-ms (time-ms))
(let loop () (if (< (- (time-ms) begin-ms) 200) (loop) nil))
(async/all ts)
(println (reverse order))",
        b"",
    );
    assert_eq!(got.succeeded().stdout, "(:q :p :done :timeout)\n");
}

/// Ends at once in a program that can be stopped, and never otherwise.
const ENDLESS: [&str; 8] = [
    "(let loop ((i 0)) (loop (+ i 1)))",
    "(while #t nil)",
    "(do ((i 0 (+ i 1))) (#f) (* i i))",
    "(begin (define (f n) (+ (f2 n) (f2 n))) (define (f2 n) (if (< n 60) (f (+ n 1)) n)) (f 0))",
    "(begin (define (g n) (h (+ n 1))) (define (h n) (g n)) (g 0))",
    "(begin (define (a . xs) (apply a xs)) (a 1))",
    "(let loop () (for-each (fn (x) (* x x)) '(1 2 3)) (loop))",
    "((fn (k) (k k)) (fn (k) (k k)))",
];

#[test]
fn a_task_that_computes_without_end_is_stopped_by_a_timeout() {
    for body in ENDLESS {
        let got = run(
            &format!(
                "(define t (async {body}))
(define started (time-ms))
(println (try (async/timeout 50 t) (catch e (:message e))))
(println (async/cancelled? t) (try (await t) (catch e (list (:type e) (:reason e)))))
(println (< 45 (- (time-ms) started) 2000))
(println (try (async/with-timeout 50 (fn () {body})) (catch e (:message e))))"
            ),
            b"",
        );
        assert_eq!(
            got.succeeded().stdout,
            "async/timeout: operation timed out after 50 ms\n#t (:cancelled :timeout)\n#t\n\
             operation exceeded 50 ms\n",
            "{body}"
        );
    }
}

#[test]
fn whom_a_timeout_stops() {
    // The one that the promised task waits for, through another module; the root never; who ends soon, neither.
    let source = "
(import \"endless.sema\")
(define inner nil)
(define outer (async
  (set! inner (async (spin)))
  (try (await inner) (catch e (list (:type e) (:reason e))))))
(println (try (async/timeout 30 outer) (catch e (:type e))))
(println (await outer) (async/cancelled? inner))
(define quick (async (let loop ((i 0)) (if (< i 50000) (loop (+ i 1)) i))))
(println (async/timeout 0 quick))
(define slow (async (async/sleep 100000)))
(define late (async (try (async/timeout 20 slow) (catch e (:type e)))))
(async/sleep 0)
(define begin-ms (time-ms))
(let loop () (if (< (- (time-ms) begin-ms) 100) (loop) nil))
(println (await late) (async/pending? slow))";
    let scratch = Scratch::with(&[
        ("app.sema", source),
        (
            "endless.sema",
            "(module endless (export spin) (define (spin) (let loop () (loop))))",
        ),
    ]);
    let mut command = semac_in(scratch.path());
    command
        .args(["build", "app.sema", "--runtime"])
        .arg(runtime());
    outcome(&mut command, b"").succeeded();
    let got = outcome(&mut app(&scratch), b"").succeeded();
    assert_eq!(
        got.stdout,
        ":timeout\n(:cancelled :timeout) #t\n50000\n:timeout #t\n"
    );
}

#[test]
fn no_handler_keeps_a_cancelled_task_alive() {
    let got = run(
        "(define caught 0)
(define t (async (let loop () (try (let spin () (spin)) (catch e (set! caught (+ caught 1)))) (loop))))
(println (try (async/timeout 20 t) (catch e (:type e))))
(println (< 1 caught 100))
(define s (async (try (async/sleep 1000) (catch e (let spin () (spin))))))
(async/sleep 1)
(println (async/cancel s))
(println (try (await s) (catch e (:type e))))",
        b"",
    );
    assert_eq!(got.succeeded().stdout, ":timeout\n#t\n#t\n:cancelled\n");
}

#[test]
fn only_programs_that_stop_tasks_count_steps() {
    let listing = |source: &str, option: &[&str]| {
        let scratch = Scratch::with(&[("app.sema", source)]);
        let mut command = semac_in(scratch.path());
        command.args(["disasm", "app.sema"]).args(option);
        outcome(&mut command, b"").succeeded().stdout
    };
    let work = "(define (f n) (if (< n 2) n (+ (f (- n 1)) (f (- n 2)))))
(define (g n) (let loop ((i 0)) (if (< i n) (loop (+ i 1)) i)))
(println (f 20) (g 3) (await (async (f 3))))";
    assert!(!listing(work, &[]).contains("count"));
    assert!(listing(work, &["--stoppable"]).contains("count"));
    let stopping = format!("{work}\n(println (async/timeout 1000 (async (f 3))))");
    assert!(listing(&stopping, &[]).contains("count+callk"));
}
