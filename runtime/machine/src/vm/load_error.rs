//! Why modules cannot be loaded, as errors and as conditions.

use std::io;

use sema_format::{FormatError, VerifyError};

use crate::host::condition::{Condition, ConditionKind};

/// Why a module cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Natives of another tier or version.
    #[error(
        "module {module} needs builtins that this runtime does not have: {}; build the program with a runtime of a higher tier",
        natives.join(", ")
    )]
    MissingNatives {
        /// The module.
        module: String,
        /// The builtins.
        natives: Vec<String>,
    },
    /// A module from outside that needs more than the program may do.
    #[error(
        "module {module} was refused: it needs the capabilities {}, and this program has {}",
        needed.join(", "),
        if granted.is_empty() { "none".to_owned() } else { granted.join(", ") }
    )]
    NotGranted {
        /// The module.
        module: String,
        /// The capabilities that it needs and the program has not.
        needed: Vec<String>,
        /// Those of the program.
        granted: Vec<String>,
    },
    /// A module from outside that nobody has signed whom the runtime trusts.
    #[error("module {module} was refused, this runtime runs code of one key only: {problem}")]
    Distrusted {
        /// The module.
        module: String,
        /// What is wrong with its signature.
        problem: String,
    },
    /// Not a module file of this version, or a damaged one.
    #[error("module {module} cannot be used: {source}")]
    Format {
        /// The module.
        module: String,
        /// What is wrong.
        source: FormatError,
    },
    /// A foreign module that breaks a rule of the bytecode.
    #[error("module {module} is not valid and was refused: {source}")]
    Invalid {
        /// The module.
        module: String,
        /// What is wrong.
        source: Box<VerifyError>,
    },
    /// The archive refuses to give the module out.
    #[error("module {module} cannot be read: {source}")]
    Archive {
        /// The module.
        module: String,
        /// What is wrong.
        source: sema_vfs::VfsError,
    },
    /// The operating system refuses to give the module out.
    #[error("import {module}: {source}")]
    File {
        /// The module's path.
        module: String,
        /// What is wrong.
        source: io::Error,
    },
    /// A source file, but no compiler.
    #[error(
        "import {0}: this program contains no compiler; compile the file to a `.semac` module and import that"
    )]
    NeedsCompiler(String),
}

impl LoadError {
    pub(super) fn format(module: &str, source: FormatError) -> LoadError {
        LoadError::Format {
            module: module.to_owned(),
            source,
        }
    }

    /// The condition that an import raises.
    pub(crate) fn condition(&self) -> Condition {
        Condition::new(self.kind(), self.to_string())
    }

    pub(super) fn kind(&self) -> ConditionKind {
        match self {
            LoadError::MissingNatives { .. } | LoadError::NeedsCompiler(_) => {
                ConditionKind::Unsupported
            }
            LoadError::NotGranted { .. } | LoadError::Distrusted { .. } => {
                ConditionKind::PermissionDenied
            }
            _ => ConditionKind::Io,
        }
    }
}
