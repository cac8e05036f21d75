//! Programs that start processes, as their users start them.

use std::process::Command;

use sema_tests::{Scratch, outcome, semac, semac_in};

fn prints(program: &str, expected: &str) {
    let project = Scratch::with(&[("main.sema", program)]);
    let mut command = semac_in(project.path());
    command.args(["run", "main.sema"]);
    let got = outcome(&mut command, b"").succeeded();
    assert_eq!(got.stdout, expected);
}

/// Who reads a process's output gets it, whoever else looks after the process meanwhile.
#[test]
fn a_reader_is_woken_whoever_looks() {
    prints(
        r#"(define p (proc/spawn ["sh" "-c" "sleep 0.1; echo x; exec sleep 60"]))
(define reader (async/spawn (fn () (stream/read-line (proc/stdout p)))))
(async/sleep 20)
(define start (time-ms))
; No other task runs while this one counts, but what comes may be taken in.
(let loop () (if (< (- (time-ms) start) 500) (loop)))
(println (proc/running? p))
(println (async/await reader) (< (- (time-ms) start) 30000))
(proc/close p)"#,
        "#t\nx #t\n",
    );
}

/// Who has started the program does not want to hear of its own children. That is inherited.
#[test]
fn ends_are_heard_of_though_the_parent_does_not_want_to() {
    let project = Scratch::with(&[(
        "main.sema",
        r#"(println (:stdout (shell "echo a")) (proc/wait (proc/spawn ["sh" "-c" "exit 3"])))"#,
    )]);
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' CHLD; exec \"$0\" run main.sema"]);
    command.arg(semac().get_program());
    command.current_dir(project.path());
    let got = outcome(&mut command, b"").succeeded();
    assert_eq!(got.stdout, "a\n 3\n");
}
