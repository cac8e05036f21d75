//! Programs at a terminal: keys come as they are pressed, and the terminal is as it was when the program has ended,
//! however it has ended. Nothing that it has started is left.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};
use sema_tests::{Scratch, outcome, runtime, semac_in};

/// A terminal: the user's end, and the one that programs get.
struct Terminal {
    user: File,
    program: File,
}

impl Terminal {
    fn new() -> Terminal {
        let user = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&user).unwrap();
        unlockpt(&user).unwrap();
        let name = ptsname(&user, Vec::new()).unwrap();
        let program = File::options()
            .read(true)
            .write(true)
            .open(name.to_str().unwrap())
            .unwrap();
        Terminal {
            user: File::from(user),
            program,
        }
    }

    /// Starts a program on it.
    fn start(&self, program: &PathBuf) -> Child {
        let end = || Stdio::from(OwnedFd::from(self.program.try_clone().unwrap()));
        Command::new(program)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .unwrap()
    }

    /// Whether lines are edited and keys shown.
    fn is_cooked(&self) -> bool {
        let modes = tcgetattr(&self.program).unwrap().local_modes;
        modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG)
    }

    /// What the program writes up to a text.
    fn until(&mut self, text: &str) -> String {
        let mut written = Vec::new();
        let mut byte = [0];
        while !written.ends_with(text.as_bytes()) {
            assert_eq!(self.user.read(&mut byte).unwrap(), 1);
            written.push(byte[0]);
        }
        String::from_utf8(written).unwrap()
    }
}

/// An executable of a program.
fn built(program: &str) -> (Scratch, PathBuf) {
    let project = Scratch::with(&[("main.sema", program)]);
    let mut command = semac_in(project.path());
    command
        .args(["build", "main.sema", "--runtime"])
        .arg(runtime());
    outcome(&mut command, b"").succeeded();
    let executable = project.file("main");
    (project, executable)
}

fn wait(child: &mut Child) -> ExitStatus {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "it does not end");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn send(signal: &str, process: u32) {
    let sent = Command::new("kill")
        .args(["-s", signal, &process.to_string()])
        .status();
    assert!(sent.unwrap().success());
}

/// Who waits longer than a second sees what goes on; in the end nothing of that is left.
#[test]
fn builds_show_their_progress() {
    let slow = "(defmacro slow () (sleep 2500) nil)\n(slow)\n";
    let project = Scratch::with(&[("main.sema", slow)]);
    let mut terminal = Terminal::new();
    let mut command = semac_in(project.path());
    command.args(["build", "main.sema", "--runtime"]);
    command.arg(runtime());
    let end = || Stdio::from(OwnedFd::from(terminal.program.try_clone().unwrap()));
    let child = command.stdin(end()).stdout(end()).stderr(end()).spawn();
    let mut child = child.unwrap();
    let shown = terminal.until("building: expand, ");
    assert!(shown.contains("\u{1b}[K"), "{shown:?}");
    // The line is removed at the end.
    let rest = terminal.until("Built main");
    assert!(wait(&mut child).success());
    assert!(rest.ends_with("\r\u{1b}[KBuilt main"), "{rest:?}");
}

#[test]
fn the_mode_is_restored_at_every_end() {
    for (ending, status) in [
        ("(io/with-raw-mode (println \"raw\") (io/read-key))", 0),
        ("(io/tty-raw!) (println \"raw\") (io/read-key)", 0),
        ("(io/tty-raw!) (println \"raw\") (io/read-key) (exit 3)", 3),
        (
            "(io/with-raw-mode (println \"raw\") (io/read-key) (error \"no\"))",
            1,
        ),
        (
            "(io/tty-raw!) (io/tty-raw!) (println \"raw\") (io/read-key) (car 5)",
            1,
        ),
    ] {
        let (_project, executable) = built(ending);
        let mut terminal = Terminal::new();
        assert!(terminal.is_cooked());
        let mut child = terminal.start(&executable);
        terminal.until("raw\r\n");
        assert!(!terminal.is_cooked(), "{ending}");
        terminal.user.write_all(b"x").unwrap();
        assert_eq!(wait(&mut child).code(), Some(status), "{ending}");
        assert!(terminal.is_cooked(), "{ending}");
    }
}

#[test]
fn signals_restore_the_mode_and_end_what_was_started() {
    let program = "(io/tty-raw!)
(define child (proc/spawn [\"sh\" \"-c\" \"sleep 1000 & echo $!; wait\"]))
(println (stream/read-line (proc/stdout child)) \"raw\")
(sleep 100000)";
    let (_project, executable) = built(program);
    // SIGINT is a condition, which nothing catches here.
    for (signal, number) in [
        ("TERM", Some(15)),
        ("INT", None),
        ("HUP", Some(1)),
        ("QUIT", Some(3)),
        ("ABRT", Some(6)),
    ] {
        let mut terminal = Terminal::new();
        let mut child = terminal.start(&executable);
        let written = terminal.until(" raw\r\n");
        let started = written.split_whitespace().next().unwrap().to_owned();
        assert!(!terminal.is_cooked());
        send(signal, child.id());
        assert_eq!(wait(&mut child).signal(), number, "{signal}");
        assert!(terminal.is_cooked(), "{signal}");
        let stat = format!("/proc/{started}/stat");
        let start = Instant::now();
        while std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z ")) {
            assert!(
                start.elapsed() < Duration::from_secs(10),
                "{signal}: it lives"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn keys_come_as_they_are_pressed() {
    let program = "(io/with-raw-mode
  (println \"ready\")
  (let loop ((key (io/read-key)))
    (println key)
    (if (equal? key {:kind :ctrl :char \"c\"}) nil (loop (io/read-key)))))";
    let (_project, executable) = built(program);
    let mut terminal = Terminal::new();
    let mut child = terminal.start(&executable);
    terminal.until("ready\r\n");
    for (bytes, expected) in [
        (&b"a"[..], "{:char \"a\" :kind :char}"),
        // Nothing follows: the key itself.
        (b"\x1b", "{:kind :key :name :esc}"),
        (b"\x1b[A", "{:kind :key :name :up}"),
        (b"\x03", "{:char \"c\" :kind :ctrl}"),
    ] {
        terminal.user.write_all(bytes).unwrap();
        assert_eq!(terminal.until("\r\n").trim_end(), expected);
    }
    assert!(wait(&mut child).success());
}

#[test]
fn another_program_gets_a_terminal_as_it_was() {
    let program = "(io/with-raw-mode
  (println \"status\" (proc/run [\"sh\" \"-c\" \"stty -a | grep -c -- ' icanon'; exit 3\"]))
  (io/read-key))";
    let (_project, executable) = built(program);
    let mut terminal = Terminal::new();
    let mut child = terminal.start(&executable);
    assert_eq!(terminal.until("status 3\r\n"), "1\r\nstatus 3\r\n");
    assert!(!terminal.is_cooked());
    terminal.user.write_all(b"q").unwrap();
    assert!(wait(&mut child).success());
    assert!(terminal.is_cooked());
}

#[test]
fn a_signal_that_is_heard_of_ends_nothing() {
    let program = "(define heard '())
(sys/on-signal :int (fn () (set! heard (cons :int heard))))
(sys/on-signal :term (fn () (set! heard (cons :term heard))))
(println \"ready\")
(let loop ()
  (sys/check-signals)
  (if (= (length heard) 2) (println heard) (begin (sleep 5) (loop))))";
    let (_project, executable) = built(program);
    let mut terminal = Terminal::new();
    let mut child = terminal.start(&executable);
    terminal.until("ready\r\n");
    send("INT", child.id());
    std::thread::sleep(Duration::from_millis(100));
    send("TERM", child.id());
    assert_eq!(terminal.until("\r\n"), "(:term :int)\r\n");
    assert!(wait(&mut child).success());
}

#[test]
fn a_function_that_raises_does_not_keep_a_signal_from_others() {
    let program = "(define (said f) (try (begin (f) \"-\") (catch e (:message e))))
(sys/on-signal :term (fn () (error \"first\")))
(sys/on-signal :int (fn () (error \"other\")))
(sys/on-signal :term (fn () (error \"second\")))
(println \"ready\")
(io/read-line)
(println (said sys/check-signals) (said sys/check-signals) (said sys/check-signals))";
    let (_project, executable) = built(program);
    let mut terminal = Terminal::new();
    let mut child = terminal.start(&executable);
    terminal.until("ready\r\n");
    for _ in 0..2 {
        send("TERM", child.id());
        std::thread::sleep(Duration::from_millis(50));
    }
    terminal.user.write_all(b"\n").unwrap();
    terminal.until("first second -\r\n");
    assert!(wait(&mut child).success());
}

#[test]
fn nothing_turns_where_nobody_watches() {
    let program = "(define s (term/spinner-start \"work\"))
(define p (term/progress-start 10 \"bar\"))
(sleep 100)
(term/progress-update p 5)
(sleep 100)
(term/progress-stop p)
(term/spinner-stop s {:symbol \"+\" :text \"done\"})";
    let (project, executable) = built(program);
    let mut command = Command::new(&executable);
    command.env_clear().current_dir(project.path());
    let got = outcome(&mut command, b"").succeeded();
    assert_eq!((got.stdout.as_str(), got.stderr.as_str()), ("", "+ done\n"));
    let mut terminal = Terminal::new();
    let mut child = terminal.start(&executable);
    let written = terminal.until("+ done\r\n");
    assert!(
        written.contains("⠋ work") && written.contains("50 %"),
        "{written:?}"
    );
    assert!(wait(&mut child).success());
}

/// What else is written takes the place of a line that goes on changing.
#[test]
fn a_line_that_is_shown_gives_way() {
    for (ending, said) in [
        ("(error \"lost\")", "Error: lost"),
        ("(println \"out\") (sleep 300)", "out\r\n"),
        ("(log/info \"note\") (sleep 300)", "[INFO] note\r\n"),
        ("(exit 3)", ""),
        ("(sleep 300)", ""),
    ] {
        for shown in [
            "(term/spinner-start \"work\")",
            "(term/progress-start 10 \"work\")",
        ] {
            let (_project, executable) = built(&format!("{shown} (sleep 200) {ending}"));
            let mut terminal = Terminal::new();
            let mut child = terminal.start(&executable);
            let written = terminal.until("work");
            assert!(written.starts_with("\r\u{1b}[2K"), "{written:?}");
            let rest = terminal.until(&format!("\r\u{1b}[2K{said}"));
            let before = rest.strip_suffix(said).unwrap();
            assert!(before.ends_with("\r\u{1b}[2K"), "{ending}: {rest:?}");
            wait(&mut child);
        }
    }
}

#[test]
fn a_line_that_is_shown_is_taken_back_by_signals() {
    for signal in ["TERM", "HUP", "INT"] {
        let (_project, executable) = built("(term/spinner-start \"work\") (sleep 100000)");
        let mut terminal = Terminal::new();
        let mut child = terminal.start(&executable);
        terminal.until("work");
        send(signal, child.id());
        assert!(!wait(&mut child).success());
        let end = if signal == "INT" { "Error" } else { "" };
        terminal.until(&format!("\r\u{1b}[2K{end}"));
    }
}

/// What outlasts the program is undone, and what it says in the end stays to be seen.
#[test]
fn what_the_terminal_was_told_is_undone_at_every_end() {
    let told = "(term/enter-alt-screen) (term/hide-cursor) (term/enable-bracketed-paste)
(term/enable-focus-events) (term/enable-mouse) (term/enable-kitty-keys!)
(println \"ready\")";
    let undone = "\u{1b}[<u\u{1b}[?1000l\u{1b}[?1002l\u{1b}[?1006l\u{1b}[?1004l\u{1b}[?2004l\u{1b}[?25h\u{1b}[?1049l";
    for (ending, status, signal) in [
        ("(io/read-line)", Some(0), None),
        ("(io/read-line) (exit 3)", Some(3), None),
        ("(io/read-line) (error \"no\")", Some(1), None),
        ("(sleep 100000)", None, Some("TERM")),
        ("(sleep 100000)", None, Some("HUP")),
        ("(sleep 100000)", Some(1), Some("INT")),
        ("(let loop () (loop))", None, Some("QUIT")),
    ] {
        let (_project, executable) = built(&format!("{told}\n{ending}"));
        let mut terminal = Terminal::new();
        let mut child = terminal.start(&executable);
        terminal.until("ready\r\n");
        match signal {
            Some(signal) => send(signal, child.id()),
            None => terminal.user.write_all(b"\n").unwrap(),
        }
        let written = terminal.until("\u{1b}[?1049l");
        assert!(written.ends_with(undone), "{ending}: {written:?}");
        if status == Some(1) {
            terminal.until("Error");
        }
        assert_eq!(wait(&mut child).code(), status, "{ending} {signal:?}");
    }
    // What the program has undone itself is not undone again.
    let (_project, executable) = built(
        "(term/with-alt-screen (println \"in\")) (term/with-mouse nil) (println \"out\")
(io/read-line) (println \"end\")",
    );
    let mut terminal = Terminal::new();
    let mut child = terminal.start(&executable);
    terminal.until("out\r\n");
    terminal.user.write_all(b"\n").unwrap();
    let written = terminal.until("end\r\n");
    assert!(!written.contains('\u{1b}'), "{written:?}");
    assert!(wait(&mut child).success());
}

/// Bytes of one key may come one by one, while the program asks for keys again and again.
#[test]
fn keys_in_pieces() {
    let program = "(io/with-raw-mode
  (println \"ready\")
  (let loop ((key nil))
    (if (nil? key) nil (println (if (= (:kind key) :paste) (string/length (:text key)) key)))
    (if (equal? key {:kind :char :char \"q\"}) nil (loop (io/read-key-timeout 5)))))";
    let (_project, executable) = built(program);
    let mut terminal = Terminal::new();
    let mut child = terminal.start(&executable);
    terminal.until("ready\r\n");
    for (bytes, pause, expected) in [
        (
            &b"\x1b[1;5A"[..],
            25,
            "{:kind :key :mods (:ctrl) :name :up}",
        ),
        (
            "\u{1f600}".as_bytes(),
            100,
            "{:char \"\u{1f600}\" :kind :char}",
        ),
        (b"\x1b", 0, "{:kind :key :name :esc}"),
    ] {
        for byte in bytes {
            terminal.user.write_all(&[*byte]).unwrap();
            std::thread::sleep(Duration::from_millis(pause));
        }
        assert_eq!(terminal.until("\r\n").trim_end(), expected);
    }
    let text = "x".repeat(300_000);
    let pasted = format!("\u{1b}[200~{text}\u{1b}[201~");
    terminal.user.write_all(pasted.as_bytes()).unwrap();
    assert_eq!(terminal.until("\r\n").trim_end(), "300000");
    terminal.user.write_all(b"q").unwrap();
    assert!(wait(&mut child).success());
}

/// Whether a process is there, and not only its status.
fn lives(process: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// `semac watch` ends what it runs, and what that has started, and gives the terminal back: when a file changes and at each
/// signal, which need not reach the program.
#[test]
fn a_watch_leaves_nothing_behind() {
    let program = r#"
(file/write "pid" (str (sys/pid)))
(io/tty-raw!)
(shell "echo $$ > shell.new; mv shell.new shell; exec sleep 1000")
"#;
    for (signal, number) in [("INT", 2), ("HUP", 1), ("TERM", 15)] {
        let project = Scratch::with(&[("main.sema", program)]);
        let terminal = Terminal::new();
        let end = || Stdio::from(OwnedFd::from(terminal.program.try_clone().unwrap()));
        let mut command = semac_in(project.path());
        command.args(["watch", "main.sema"]);
        let mut watch = command
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .unwrap();
        let started = || {
            wait_until("it starts", || project.file("shell").exists());
            let read = |name| std::fs::read_to_string(project.file(name)).unwrap();
            let both = [read("pid"), read("shell").trim().to_owned()];
            std::fs::remove_file(project.file("shell")).unwrap();
            both
        };
        let first = started();
        assert!(!terminal.is_cooked());
        project.write("main.sema", format!("{program}; changed\n"));
        let second = started();
        for process in &first {
            wait_until("the old one ends", || !lives(process));
        }
        assert!(!terminal.is_cooked());
        send(signal, watch.id());
        assert_eq!(wait(&mut watch).signal(), Some(number));
        for process in &second {
            wait_until("the new one ends", || !lives(process));
        }
        assert!(terminal.is_cooked(), "{signal}");
    }
}

/// What kills the program of a watch does not keep the terminal raw.
#[test]
fn a_watch_restores_what_a_killed_program_cannot() {
    let program = "(file/write \"pid\" (str (sys/pid)))\n(io/tty-raw!)\n(println \"begins\")\n(sleep 100000)\n";
    let project = Scratch::with(&[("main.sema", program)]);
    let mut terminal = Terminal::new();
    let end = || Stdio::from(OwnedFd::from(terminal.program.try_clone().unwrap()));
    let mut command = semac_in(project.path());
    command.args(["watch", "main.sema"]);
    let mut watch = command
        .stdin(end())
        .stdout(end())
        .stderr(end())
        .spawn()
        .unwrap();
    terminal.until("begins");
    assert!(!terminal.is_cooked());
    let pid = std::fs::read_to_string(project.file("pid")).unwrap();
    send("KILL", pid.parse().unwrap());
    terminal.until("ended by a signal");
    assert!(terminal.is_cooked());
    send("TERM", watch.id());
    wait(&mut watch);
}
