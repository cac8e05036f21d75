//! `--trust` and `--sign`: runtimes of one key, and programs that are signed before they are written.

use std::path::Path;

use ed25519_compact::KeyPair;
use sema_machine::platform::elf_note::{self, KEY_SIZE};
use sema_vfs::{Archive, ArchiveSummary, Outputs, WriteError};

use super::super::arguments::Build;
use super::super::failure::Failure;
use super::super::sign::signed_program;
use crate::bundle::{Bundle, BundleError, RuntimeImage, private_key, public_key};

/// The keys of a build.
#[derive(Default)]
pub(super) struct Keys {
    pair: Option<KeyPair>,
    trusted: Option<[u8; KEY_SIZE]>,
}

impl Keys {
    /// Reads the keys that the command line names.
    ///
    /// # Errors
    /// They cannot be read, or what would be made could never run.
    pub(super) fn new(arguments: &Build) -> Result<Keys, Failure> {
        if arguments.trust.is_some() && arguments.bundle.is_some() {
            return Err(Failure::Usage(
                "--trust makes a runtime that runs nothing else, and a bundle (--bundle) comes without one".to_owned(),
            ));
        }
        let keys = Keys {
            pair: arguments.sign.as_deref().map(private_key).transpose()?,
            trusted: arguments.trust.as_deref().map(public_key).transpose()?,
        };
        match (&keys.pair, &keys.trusted) {
            (None, Some(_)) if arguments.image.image.is_some() => Err(Failure::Other {
                message: "the image would hold a program that is not signed, and a runtime that refuses it"
                    .to_owned(),
                hint: "let the build sign it, too: --sign KEY, the private key of the one that --trust names"
                    .to_owned(),
            }),
            (Some(pair), Some(trusted)) if *pair.pk != *trusted => Err(Failure::Other {
                message: "--sign and --trust name keys that do not belong together, so the program could not run"
                    .to_owned(),
                hint: "--trust takes the public key of the private one that --sign takes".to_owned(),
            }),
            _ => Ok(keys),
        }
    }

    /// Runtimes that run programs of the trusted key only, if there is one.
    pub(super) fn trusting(
        &self,
        mut runtimes: Vec<RuntimeImage>,
    ) -> Result<Vec<RuntimeImage>, Failure> {
        let Some(key) = &self.trusted else {
            return Ok(runtimes);
        };
        for runtime in &mut runtimes {
            if !elf_note::trust(runtime.bytes.to_mut(), key) {
                return Err(Failure::Other {
                    message: format!(
                        "the runtime for {} has no room for a key",
                        runtime.target.triple
                    ),
                    hint: "give a runtime of this release".to_owned(),
                });
            }
        }
        Ok(runtimes)
    }

    /// The executable as bytes, signed if that is asked for.
    pub(super) fn bytes(
        &self,
        bundle: &Bundle,
        runtime: &RuntimeImage,
        name: &Path,
    ) -> Result<Vec<u8>, Failure> {
        let bytes = bundle.to_bytes(runtime)?;
        match &self.pair {
            Some(pair) => signed_program(name, &bytes, pair),
            None => Ok(bytes),
        }
    }

    /// Writes the executable as one of several files.
    pub(super) fn write(
        &self,
        bundle: &Bundle,
        runtime: &RuntimeImage,
        output: &Path,
        outputs: &mut Outputs,
    ) -> Result<ArchiveSummary, Failure> {
        if self.pair.is_none() {
            return Ok(bundle.write(runtime, output, outputs)?);
        }
        let bytes = self.bytes(bundle, runtime, output)?;
        let write = |file: &mut std::io::BufWriter<_>| {
            std::io::Write::write_all(file, &bytes).map_err(WriteError::Output)
        };
        outputs
            .write(output, true, write)
            .map_err(BundleError::from)?;
        let file_bytes = bytes.len() as u64;
        let archive = Archive::from_executable_bytes(bytes).map_err(|error| Failure::Damaged {
            path: output.to_owned(),
            problem: error.to_string(),
        })?;
        Ok(ArchiveSummary {
            entry_count: archive.entry_count(),
            archive_bytes: archive.byte_length(),
            file_bytes,
            original_bytes: archive.entries().map(|entry| entry.length()).sum(),
        })
    }
}
