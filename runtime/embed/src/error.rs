//! What can go wrong.

use std::fmt;

use sema_machine::launch::StartError;
use sema_machine::vm::{LoadError, Uncaught};
use sema_vfs::VfsError;

/// Why a runtime did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are no archive of a program, or a damaged one.
    #[error("the program cannot be used: {0}")]
    Archive(#[source] VfsError),
    /// The archive does not say how the program starts.
    #[error("the program cannot be started: {0}")]
    Start(#[source] StartError),
    /// A module is damaged, invalid, or needs what the runtime does not have.
    #[error(transparent)]
    Module(LoadError),
    /// A condition that the program did not catch, [limits](crate::Limits) among them.
    #[error("{0}")]
    Raised(Box<Condition>),
    /// The program ended itself by `exit`, with this status.
    #[error("the program has ended itself with status {0}")]
    Exited(u8),
    /// No program has been run that could be called.
    #[error("no program has been run on this runtime")]
    NoProgram,
    /// The program exports nothing of this name, or its top level did not get so far.
    #[error("the program exports no `{0}`")]
    NoExport(String),
    /// A handle of another runtime, or of a program that this one does not run any more.
    #[error("the handle belongs to another runtime, or to a program that it ran before")]
    ForeignHandle,
    /// Data are nested too deep to be copied.
    #[error("data may not be nested deeper than {0}")]
    TooDeep(usize),
    /// Data have too many elements to be copied.
    #[error("data may not have more than {0} elements")]
    TooLarge(usize),
    /// A key of a map contains a NaN or something mutable.
    #[error("a key of a map must be immutable and equal to itself")]
    NotAKey,
    /// The text of a [`BigInt`](crate::Data::BigInt) is not an integer.
    #[error("{0:?} is not an integer")]
    NotAnInteger(String),
    /// A host function has the name of a builtin.
    #[error("`{0}` is a builtin: a host function must have another name")]
    IsBuiltin(String),
    /// A writer that the embedder gave has failed. The program has run on, without output.
    #[error("output of the program cannot be written: {0}")]
    Output(#[source] std::io::Error),
}

/// A condition that nothing caught.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Its type, as the keyword's name: `type-error`, `permission-denied` …
    pub kind: String,
    /// What happened.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Where: the calls of the program's own code, innermost first.
    pub frames: Vec<Frame>,
    report: String,
}

/// One call in a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Name of the function.
    pub function: String,
    /// File, line and column, the last two from 1; `None` if the module was compiled without positions.
    pub position: Option<(String, u32, u32)>,
}

impl Condition {
    pub(crate) fn of(uncaught: Uncaught) -> Condition {
        let report = uncaught.render();
        let message = uncaught.text();
        let frames = uncaught.frames.into_iter();
        Condition {
            kind: uncaught.condition.kind.name().to_owned(),
            message,
            hint: uncaught.condition.hint.map(std::borrow::Cow::into_owned),
            frames: frames
                .map(|frame| Frame {
                    function: frame.name,
                    position: frame.position,
                })
                .collect(),
            report,
        }
    }

    /// What a program prints that ends so: the message, the place, the hint and the frames.
    pub fn report(&self) -> &str {
        &self.report
    }
}
impl fmt::Display for Condition {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}
