//! Processes and what came of them.

use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// No test program runs longer.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// How a process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
    /// Its exit status; a signal counts as 128 and its number, as in shells.
    pub status: i32,
}

impl Outcome {
    /// Fails the test unless the process succeeded.
    #[track_caller]
    pub fn succeeded(self) -> Outcome {
        assert_eq!(self.status, 0, "{self:#?}");
        self
    }

    /// Fails the test unless the process ended with `status` and said `message` on standard error.
    #[track_caller]
    pub fn failed_with(self, status: i32, message: &str) -> Outcome {
        assert_eq!(self.status, status, "{self:#?}");
        assert!(
            self.stderr.contains(message),
            "{message:?} expected in {self:#?}"
        );
        self
    }
}

/// Runs a process with this standard input to its end.
///
/// # Panics
/// If it cannot be started or does not end in time.
#[track_caller]
pub fn outcome(command: &mut Command, input: &[u8]) -> Outcome {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    let input = input.to_vec();
    // A program that does not read its input closes the pipe; that is its right.
    let writer = thread::spawn(move || stdin.write_all(&input).is_ok());
    let id = child.id();
    let watchdog = Watchdog::start(id);
    let output = child
        .wait_with_output()
        .expect("a started process can be waited for");
    let timed_out = watchdog.stop();
    let _ = writer.join();
    assert!(!timed_out, "{command:?} ran longer than {TIME_LIMIT:?}");
    Outcome {
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        status: status_of(output.status),
    }
}

#[cfg(unix)]
fn status_of(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status
        .code()
        .unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

#[cfg(not(unix))]
fn status_of(status: std::process::ExitStatus) -> i32 {
    status.code().unwrap_or(-1)
}

/// Ends a process that runs too long, so that a hanging program is a failed test and not a hanging
/// test run.
struct Watchdog {
    done: std::sync::mpsc::Sender<()>,
    thread: thread::JoinHandle<bool>,
}

impl Watchdog {
    fn start(process: u32) -> Watchdog {
        let (done, finished) = std::sync::mpsc::channel();
        let started = Instant::now();
        let thread = thread::spawn(move || {
            let left = TIME_LIMIT.saturating_sub(started.elapsed());
            if finished.recv_timeout(left).is_ok() {
                return false;
            }
            let _ = Command::new("kill")
                .args(["-9", &process.to_string()])
                .status();
            true
        });
        Watchdog { done, thread }
    }

    fn stop(self) -> bool {
        let _ = self.done.send(());
        self.thread.join().unwrap_or(true)
    }
}
