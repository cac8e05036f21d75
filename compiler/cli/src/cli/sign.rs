//! `semac keygen`, `semac sign`, and what `semac verify --key` does: signatures of programs.

use std::fs;
use std::path::Path;

use ed25519_compact::KeyPair;
use sema_format::{AlignedBytes, ModuleView};
use sema_machine::launch::signature::{
    self, DIGESTS, ENTRY_LENGTH, LENGTH, SIGNATURE, SignatureError,
};
use sema_vfs::{ARCHIVE_MAGIC, Archive, ArchiveBuilder, RewriteError, VfsPath};

use super::arguments::{Keygen, Sign};
use super::build::protect;
use super::failure::{Failure, remark};
use super::image::{self, FileKind};
use crate::bundle::{new_keys, output_path, private_key};
use crate::paths::shown;

pub(super) fn generate(arguments: &Keygen) -> Result<u8, Failure> {
    let public = new_keys(&arguments.file)?;
    remark(&format!(
        "Wrote {}, which nobody else may have, and {}\n",
        shown(&arguments.file),
        shown(&public)
    ));
    Ok(0)
}

pub(super) fn execute(arguments: &Sign) -> Result<u8, Failure> {
    let pair = private_key(&arguments.key)?;
    let home = super::program::home();
    let given = arguments.output.as_deref();
    let given = given.map(|given| output_path(given, &arguments.file, home.as_deref()));
    let output = given.as_deref().unwrap_or(&arguments.file);
    let file = fs::read(&arguments.file).map_err(|source| Failure::File {
        action: "read",
        path: arguments.file.clone(),
        source,
    })?;
    if image::kind_of(&arguments.file, &file) == FileKind::Module {
        return sign_module(arguments, &file, &pair);
    }
    if image::kind_of(&arguments.file, &file) == FileKind::Source {
        return Err(image::neither(&arguments.file));
    }
    protect(output, [arguments.key.as_path()])?;
    let signed = signed_program(&arguments.file, &file, &pair)?;
    let is_executable = !file.starts_with(&ARCHIVE_MAGIC);
    // Who may read and run the program stays the same.
    let permissions = fs::metadata(&arguments.file).map(|metadata| metadata.permissions());
    sema_vfs::replace_file(output, is_executable, |file| {
        if let Ok(permissions) = permissions {
            let set = file.get_ref().set_permissions(permissions);
            set.map_err(sema_vfs::WriteError::Output)?;
        }
        std::io::Write::write_all(file, &signed).map_err(sema_vfs::WriteError::Output)
    })
    .map_err(crate::bundle::BundleError::from)?;
    remark(&format!("Signed {}\n", shown(&output)));
    Ok(0)
}

/// Writes the signature of a module beside it.
fn sign_module(arguments: &Sign, file: &[u8], pair: &KeyPair) -> Result<u8, Failure> {
    let aligned = AlignedBytes::copy_of(file);
    ModuleView::parse(aligned.as_bytes())
        .and_then(|view| view.check_content())
        .map_err(|error| Failure::Damaged {
            path: arguments.file.clone(),
            problem: error.to_string(),
        })?;
    let beside = || signature::plugin_signature(&arguments.file);
    let output = arguments.output.clone().unwrap_or_else(beside);
    protect(&output, [arguments.file.as_path(), arguments.key.as_path()])?;
    let signature = pair.sk.sign(signature::plugin_message(file), None);
    let content = [&pair.pk[..], &signature[..]].concat();
    sema_vfs::replace_file(&output, false, |file| {
        std::io::Write::write_all(file, &content).map_err(sema_vfs::WriteError::Output)
    })
    .map_err(crate::bundle::BundleError::from)?;
    remark(&format!(
        "Signed {}: the signature is in {}\n",
        shown(&arguments.file),
        shown(&output)
    ));
    Ok(0)
}

/// Why a file cannot be signed.
#[derive(Debug, thiserror::Error)]
enum SignError {
    #[error(transparent)]
    Rewrite(#[from] RewriteError),
    #[error(transparent)]
    Archive(#[from] sema_vfs::VfsError),
    #[error(transparent)]
    Signature(#[from] SignatureError),
    #[error(transparent)]
    Path(#[from] sema_vfs::PathError),
}

/// A program with a signature, in place of one that it has. `path` is what it is called in messages.
///
/// # Errors
/// It is none, or damaged.
pub(super) fn signed_program(path: &Path, file: &[u8], pair: &KeyPair) -> Result<Vec<u8>, Failure> {
    signed(file, pair).map_err(|error| Failure::Damaged {
        path: path.to_owned(),
        problem: error.to_string(),
    })
}

/// The file with a signature, in place of one that it has.
fn signed(file: &[u8], pair: &KeyPair) -> Result<Vec<u8>, SignError> {
    let before = opened(file.to_vec())?;
    before.verify()?;
    let mut builder = ArchiveBuilder::from_archive(&before)?;
    let mut build = |digests: &[u8], entry: &[u8]| -> Result<(Vec<u8>, Archive), SignError> {
        builder.set_metadata(VfsPath::metadata(DIGESTS)?, digests.to_vec());
        builder.set_metadata(VfsPath::metadata(SIGNATURE)?, entry.to_vec());
        let built = match file.starts_with(&ARCHIVE_MAGIC) {
            true => builder.to_bytes().map_err(RewriteError::from)?,
            false => builder.to_rewritten_executable(file)?,
        };
        let archive = opened(built.clone())?;
        Ok((built, archive))
    };
    // What is in front of the archive says how long it is, and how many digests there are depends on their own
    // pieces: so it is built with zeros in their place until nothing changes, then with each of them.
    let empty = vec![0; ENTRY_LENGTH];
    let mut digests = Vec::new();
    let archive = loop {
        let (_, archive) = build(&digests, &empty)?;
        let length = archive.piece_count() * LENGTH;
        if digests.len() == length {
            break archive;
        }
        digests = vec![0; length];
    };
    let digests = digests_of(&archive)?;
    let (_, archive) = build(&digests, &empty)?;
    let runtime = signature::digest(archive.front().unwrap_or_default());
    let message = signature::message(&archive, &runtime)?;
    let signature = pair.sk.sign(&message, None);
    let entry = [&pair.pk[..], &runtime[..], &signature[..]].concat();
    Ok(build(&digests, &entry)?.0)
}

fn opened(file: Vec<u8>) -> Result<Archive, sema_vfs::VfsError> {
    if file.starts_with(&ARCHIVE_MAGIC) {
        return Archive::from_bytes(file);
    }
    Archive::from_executable_bytes(file)
}

/// The digests of all pieces in a row.
fn digests_of(archive: &Archive) -> Result<Vec<u8>, SignError> {
    let exempt = signature::exempt(archive);
    let mut all = vec![[0; LENGTH]; archive.piece_count()];
    for entry in archive.entries() {
        if exempt.contains(&entry.number()) {
            continue;
        }
        entry.each_piece(&mut |number, bytes| {
            if let Some(place) = all.get_mut(number) {
                *place = signature::digest(bytes);
            }
        })?;
    }
    Ok(all.concat())
}

/// Checks the signature beside a module.
///
/// # Errors
/// What is wrong with it.
pub(super) fn verify_module(path: &Path, bytes: &[u8], key: &[u8; LENGTH]) -> Result<(), Failure> {
    signature::check_plugin(path, bytes, key).map_err(|error| Failure::Damaged {
        path: path.to_owned(),
        problem: error.to_string(),
    })
}

/// Checks the signature of a program, all of it: archive and runtime.
///
/// # Errors
/// What is wrong with it.
pub(super) fn verify(path: &Path, archive: &Archive, key: &[u8; LENGTH]) -> Result<(), Failure> {
    let damaged = |problem: String| Failure::Damaged {
        path: path.to_owned(),
        problem,
    };
    let signed = signature::check(archive, key).map_err(|error| damaged(error.to_string()))?;
    if signature::digest(archive.front().unwrap_or_default()) != signed.runtime {
        return Err(damaged(
            "the program is as it was signed, but the runtime in front of it was changed since, as strip does; it still runs, \
             and is no longer what was signed"
                .to_owned(),
        ));
    }
    Ok(())
}
