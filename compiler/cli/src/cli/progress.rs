//! What is going on, for people who wait: one line on a terminal that appears after a second and vanishes.

use std::io::{IsTerminal, Write};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::failure::is_quiet;

/// Shorter work shows nothing.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often the line is written again.
const STEP: Duration = Duration::from_millis(200);
/// Back to the start of the line, and nothing behind it.
const CLEAR: &str = "\r\x1b[K";

/// Whether a line stands on the terminal. Whoever writes to standard error holds this.
static SHOWN: Mutex<bool> = Mutex::new(false);

/// Writes to standard error, where the line may stand. If standard error is closed there is nowhere left to complain.
pub(super) fn write_error(text: &str) {
    let mut shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let clear = if std::mem::take(&mut *shown) {
        CLEAR
    } else {
        ""
    };
    let _ = std::io::stderr().write_all(format!("{clear}{text}").as_bytes());
}

/// Shows the line until it is dropped.
pub(super) struct Progress {
    phase: Arc<Mutex<&'static str>>,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Progress {
    /// Begins to wait, if somebody looks.
    pub(super) fn start() -> Option<Progress> {
        if is_quiet() || !std::io::stderr().is_terminal() {
            return None;
        }
        let phase = Arc::new(Mutex::new("start"));
        let (stop, stopped) = mpsc::channel();
        let current = phase.clone();
        let started = Instant::now();
        let show = move || {
            let mut wait = PATIENCE;
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(wait) {
                wait = STEP;
                let phase = *current.lock().unwrap_or_else(PoisonError::into_inner);
                let mut shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner);
                let seconds = started.elapsed().as_secs_f64();
                let line = format!("{CLEAR}building: {phase}, {seconds:.1} s");
                *shown = std::io::stderr().write_all(line.as_bytes()).is_ok();
            }
        };
        // Without a thread there is no line; the work goes on.
        let thread = thread::Builder::new().spawn(show).ok()?;
        Some(Progress {
            phase,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// What is going on now.
    pub(super) fn phase(&self, name: &'static str) {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner) = name;
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It panics nowhere; if it did there would be no line to remove.
            let _ = thread.join();
        }
        write_error("");
    }
}
