//! How commands fail, and how that is shown.

use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use sema_machine::vm::{LimitError, write_fact};
use semac_core::front::diagnostic::Diagnostic;
use semac_core::front::source::SourceMap;

use super::diagnostics::DiagnosticPart;
use crate::paths::shown;

use crate::bundle::{BundleError, IncludeError, KeyError, RuntimeError, SecretError};
use crate::project::ProjectError;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Diagnostics have been shown already.
    #[error("the program has errors")]
    Reported,
    /// Diagnostics of a file that is no program have been shown already.
    #[error("{what} has mistakes")]
    Wrong {
        /// The file.
        what: String,
        /// What was shown.
        diagnostics: Vec<DiagnosticPart>,
    },
    /// The reader of the output went away; nothing to say.
    #[error("the output was closed")]
    ClosedOutput,
    /// Standard output cannot be written.
    #[error("cannot write to standard output: {0}")]
    Output(#[source] std::io::Error),
    /// A file that could have been written, but for another one that belongs to it.
    #[error("it is not written because another file of this build cannot be")]
    Withheld,
    /// See [`IncludeError`].
    #[error(transparent)]
    Include(#[from] IncludeError),
    /// See [`SecretError`].
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// See [`KeyError`].
    #[error(transparent)]
    Key(#[from] KeyError),
    /// See [`RuntimeError`].
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// See [`BundleError`].
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// See [`LimitError`].
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// The command line asks for nothing that can be done.
    #[error("{0}")]
    Usage(String),
    /// A file cannot be read or written.
    #[error("cannot {action} '{}': {source}", shown(&path))]
    File {
        /// The attempted action, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// An executable or module that cannot be used.
    #[error("'{}': {problem}", shown(&path))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// Something else, with advice.
    #[error("{message}")]
    Other {
        /// What is wrong.
        message: String,
        /// What to do.
        hint: String,
    },
}

impl From<ProjectError> for Failure {
    fn from(error: ProjectError) -> Failure {
        match error {
            ProjectError::Unreadable { path, source } => Failure::File {
                action: "read",
                path,
                source,
            },
            ProjectError::Wrong(sources, problems) => {
                Failure::wrong(crate::project::NAME, &sources, &problems)
            }
        }
    }
}

impl Failure {
    /// Shows what is wrong with a file that is no program.
    pub fn wrong(what: &str, sources: &SourceMap, problems: &[Diagnostic]) -> Failure {
        super::program::show(sources, problems);
        Failure::Wrong {
            what: what.to_owned(),
            diagnostics: super::diagnostics::parts(sources, problems),
        }
    }

    /// Takes the diagnostics that it is made of.
    pub fn take_diagnostics(&mut self) -> Vec<DiagnosticPart> {
        match self {
            Self::Wrong { diagnostics, .. } => std::mem::take(diagnostics),
            _ => Vec::new(),
        }
    }

    /// Prints it as JSON for a command that would have printed something else.
    ///
    /// # Errors
    /// See [`print`].
    pub fn print_json(&mut self) -> Result<(), Failure> {
        let diagnostics = self.take_diagnostics();
        print(&super::inspect::json_text(&serde_json::json!({
            "error": self.to_string(),
            "hint": self.hint(),
            "diagnostics": diagnostics,
        }))?)
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Include(error) => error.hint(),
            Self::Key(KeyError::NotAKey { .. } | KeyError::Weak { .. }) => {
                Some("`semac keygen FILE` makes a private key FILE and a public one FILE.pub")
            }
            Self::Secret(_) => Some("leave it out, or embed it all the same: --allow-secrets GLOB"),
            Self::Runtime(error) => Some(error.hint()),
            Self::Other { hint, .. } => Some(hint),
            _ => None,
        }
    }

    /// Whether it is about a file that could have been written.
    #[must_use]
    pub fn is_withheld(&self) -> bool {
        matches!(self, Self::Withheld)
    }

    /// The exit status of the command.
    #[must_use]
    pub fn status(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            _ => 1,
        }
    }

    /// Shows it on standard error, unless that has been done.
    pub fn show(&self) {
        if matches!(
            self,
            Self::Reported | Self::Wrong { .. } | Self::ClosedOutput
        ) {
            return;
        }
        let mut text = format!("Error: {self}\n");
        if matches!(self, Self::Usage(_)) {
            text.push_str("\nFor more information, try '--help'.\n");
        }
        if let Some(hint) = self.hint() {
            write_fact(&mut text, "hint", hint);
        }
        note(&text);
    }
}

/// Writes to standard error. If that is closed there is nowhere left to complain.
pub fn note(text: &str) {
    super::progress::write_error(text);
}

/// Whether only what is wrong is to be said.
static QUIET: AtomicBool = AtomicBool::new(false);

/// Says only what is wrong from now on, if it is asked to.
pub fn set_quiet(quiet: bool) {
    QUIET.store(quiet, Ordering::Relaxed);
}

/// Whether only what is wrong is to be said.
pub fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Like [`note`], of what went well: `--quiet` leaves it out.
pub fn remark(text: &str) {
    if !is_quiet() {
        note(text);
    }
}

/// Writes to standard output.
///
/// # Errors
/// [`Failure::ClosedOutput`] or [`Failure::Output`].
pub fn print(text: &str) -> Result<(), Failure> {
    let mut output = std::io::stdout().lock();
    output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush())
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::BrokenPipe => Failure::ClosedOutput,
            _ => Failure::Output(error),
        })
}
