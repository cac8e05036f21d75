//! Compressed bytes, and archives of files.

pub mod extract;
pub mod gzip;
pub mod source;
pub mod tar;
#[cfg(test)]
mod tests;
pub mod zip;

use std::fmt::Display;
use std::io;

use sema_machine::host::Host;
use sema_machine::host::condition::{Outcome, Signal, eval_error};
use sema_machine::task::{Cancelled, after_others};

/// Why an archive could not be made or unpacked.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The system's answer about a file.
    #[error("{path}: {error}")]
    System {
        /// The file.
        path: String,
        /// The answer.
        error: io::Error,
    },
    /// What is in a file is not what it should be.
    #[error("{path}: {problem}")]
    Content {
        /// The file.
        path: String,
        /// What is wrong.
        problem: String,
    },
}

impl Failure {
    /// The system has refused something about `path`, or its content cannot be understood: the crates tell both in
    /// the same way.
    fn of(path: impl Into<String>, error: io::Error) -> Failure {
        let path = path.into();
        match error.raw_os_error() {
            Some(_) => Failure::System { path, error },
            None => Failure::Content {
                path,
                problem: error.to_string(),
            },
        }
    }

    /// The content of `path` is not as it should be.
    fn content(path: impl Into<String>, problem: impl Display) -> Failure {
        Failure::Content {
            path: path.into(),
            problem: problem.to_string(),
        }
    }

    /// The condition for `function`.
    fn condition(self, function: &str) -> Box<Signal> {
        match self {
            // Of one type with all else that may be wrong with an archive.
            Failure::System { path, error } => eval_error(format!("{function} {path}: {error}")),
            content @ Failure::Content { .. } => eval_error(format!("{function}: {content}")),
        }
    }
}

/// What comes of work on archives.
type Done<T> = Result<T, Failure>;

/// Lets a thread do work on files, if other tasks can run meanwhile.
fn in_background<T, W, F>(host: &Host, function: &'static str, work: W, finish: F) -> Outcome
where
    T: Send + 'static,
    W: FnOnce(&Cancelled) -> Done<T> + Send + 'static,
    F: FnOnce(&Host, T) -> Outcome + Send + 'static,
{
    let finish = move |host: &Host, result: Done<T>| match result {
        Ok(result) => finish(host, result),
        Err(failure) => Err(failure.condition(function)),
    };
    if host.scheduler.others_could_run() {
        return host.blocking(work, finish);
    }
    let result = work(&Cancelled::default());
    after_others(host, finish(host, result))
}

/// Reads until a limit, or until nobody wants the result any more.
struct Bounded<'c, R> {
    inner: R,
    left: &'c mut u64,
    cancelled: &'c Cancelled,
}

/// What [`Bounded`] says at its limit.
#[derive(Debug, thiserror::Error)]
#[error("the content is larger than the limit allows")]
struct TooLarge;

impl<R: io::Read> io::Read for Bounded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.cancelled.is_set() {
            return Err(io::Error::other("cancelled"));
        }
        let count = self.inner.read(buffer)?;
        *self.left = self
            .left
            .checked_sub(count as u64)
            .ok_or_else(|| io::Error::other(TooLarge))?;
        Ok(count)
    }
}
