//! Line tables beside a program instead of in it: `--debug-out`.
//!
//! The file is an archive with the modules of the program as they would be with their line tables. Program and file
//! say by which build they were made: what names it is a digest of the code, so equal programs have equal names.

use sema_machine::launch;
use sema_vfs::{ArchiveBuilder, EntryKind, VfsPath};
use semac_core::driver::Program;

use super::{BundleError, encode};
use sema_natives::std::crypto::hex::digits;
use sha2::{Digest, Sha256};

/// Bytes of the digest that names a build.
const BYTES: usize = 16;

/// What names the build of a program.
///
/// # Errors
/// The format cannot hold a module.
pub fn build_name(program: &Program) -> Result<String, BundleError> {
    let mut code = Vec::new();
    for module in &program.modules {
        code.extend(encode(module, false)?);
    }
    let digest = Sha256::digest(&code);
    Ok(digits(digest.get(..BYTES).unwrap_or_default()))
}

/// The file with the line tables of a program.
///
/// # Errors
/// The format cannot hold a module.
pub fn debug_file(program: &Program, build: &str) -> Result<ArchiveBuilder, BundleError> {
    let mut archive = ArchiveBuilder::new();
    for module in &program.modules {
        let path = VfsPath::new(&module.name)?;
        archive.add_bytes(EntryKind::Module, path, encode(module, true)?)?;
    }
    let path = VfsPath::metadata(launch::BUILD)?;
    archive.add_bytes(EntryKind::Metadata, path, build.as_bytes())?;
    Ok(archive)
}
