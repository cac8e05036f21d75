//! Signatures of programs: Ed25519 over what is in the archive, and over the runtime in front of it.
//!
//! `semac sign` adds two metadata entries. [`DIGESTS`] has a digest (SHA-512, the first 32 bytes) of each piece of the
//! archive, in the order of [`Archive::piece_count`]; those of the two entries are zero. [`SIGNATURE`] has the public
//! key, the digest of the bytes in front of the archive, and the signature of [`message`]: of the table of contents,
//! the digests, and that digest. So a runtime that checks a signature at start reads nothing but the table of contents
//! and the digests, and the pieces are compared when they are read.
//!
//! The signature of a module that programs import from disk lies beside it, in `FILE.sig`: public key, and signature of
//! [`plugin_message`].

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use ed25519_compact::{PublicKey, Signature, sha512};
use sema_vfs::{Archive, Digests, VfsError};

/// Name of the metadata entry with the signature.
pub const SIGNATURE: &str = "signature";
/// Name of the metadata entry with the digests.
pub const DIGESTS: &str = "digests";

/// Bytes of a digest and of a public key.
pub const LENGTH: usize = 32;
/// Bytes of [`SIGNATURE`]: public key, digest of the runtime, signature.
pub const ENTRY_LENGTH: usize = LENGTH + LENGTH + 64;

/// What signatures are made for begins with this, so that none is good for anything else.
const PURPOSE: &[u8] = b"semac program 1\0";
/// The same for modules that programs import from disk.
const PLUGIN_PURPOSE: &[u8] = b"semac module 1\0\0";
/// Bytes of the file with the signature of a module: public key and signature.
pub const PLUGIN_LENGTH: usize = LENGTH + 64;

/// Bytes of a record of the table of contents, and where the checksum of the content stands in it.
const RECORD: usize = 48;
const CHECKSUM: std::ops::Range<usize> = 32..40;

/// Why a program is not what somebody has signed.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// There is none.
    #[error("it is not signed")]
    None,
    /// By somebody else.
    #[error("it is signed with another key")]
    OtherKey,
    /// The signature is wrong.
    #[error("the signature does not fit: it was changed after it was signed")]
    Wrong,
    /// The archive is damaged.
    #[error(transparent)]
    Archive(#[from] VfsError),
    /// The file with the signature of a module cannot be read.
    #[error("cannot read '{}': {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// The digest of some bytes.
#[must_use]
pub fn digest(bytes: &[u8]) -> [u8; LENGTH] {
    let whole = sha512::Hash::hash(bytes);
    let mut digest = [0; LENGTH];
    digest.copy_from_slice(whole.first_chunk::<LENGTH>().unwrap_or(&[0; LENGTH]));
    digest
}

/// What a signature has to say.
#[derive(Clone, Copy, Debug)]
pub struct Signed {
    /// The public key it is made with.
    pub key: [u8; LENGTH],
    /// The digest of what is in front of the archive.
    pub runtime: [u8; LENGTH],
    signature: [u8; 64],
}

impl Signed {
    /// The signature of an archive.
    ///
    /// # Errors
    /// There is none, or it is damaged.
    pub fn of(archive: &Archive) -> Result<Signed, SignatureError> {
        let entry = archive.metadata(SIGNATURE).ok_or(SignatureError::None)?;
        let bytes = entry.bytes()?;
        let parts = bytes.split_first_chunk::<LENGTH>().and_then(|(key, rest)| {
            let (runtime, rest) = rest.split_first_chunk::<LENGTH>()?;
            Some((key, runtime, rest.as_array::<64>()?))
        });
        let (key, runtime, signature) = parts.ok_or(SignatureError::Wrong)?;
        Ok(Signed {
            key: *key,
            runtime: *runtime,
            signature: *signature,
        })
    }
}

/// What is signed of an archive that has both entries, behind a runtime of this digest.
///
/// # Errors
/// It has not, or is damaged.
pub fn message(archive: &Archive, runtime: &[u8; LENGTH]) -> Result<Vec<u8>, SignatureError> {
    let find = |name| archive.metadata(name).ok_or(SignatureError::None);
    let (signature, digests) = (find(SIGNATURE)?, find(DIGESTS)?);
    let mut contents = archive.contents().to_vec();
    // The signature cannot cover itself.
    let start = signature.number() * RECORD;
    let checksum = start + CHECKSUM.start..start + CHECKSUM.end;
    contents.get_mut(checksum).unwrap_or_default().fill(0);
    let mut message = PURPOSE.to_vec();
    message.extend(runtime);
    message.extend(digest(&contents));
    message.extend(digest(&digests.bytes()?));
    Ok(message)
}

/// The numbers of the pieces that have no digests.
#[must_use]
pub fn exempt(archive: &Archive) -> Vec<usize> {
    let entries = [SIGNATURE, DIGESTS].into_iter();
    let found = entries.filter_map(|name| archive.metadata(name));
    found
        .flat_map(|entry| entry.piece_numbers().collect::<Vec<_>>())
        .collect()
}

/// Checks that an archive was signed with a key. From then on its pieces are compared with the digests when they are read.
///
/// # Errors
/// See [`SignatureError`].
pub fn check(archive: &Archive, key: &[u8; LENGTH]) -> Result<Signed, SignatureError> {
    let signed = Signed::of(archive)?;
    if signed.key != *key {
        return Err(SignatureError::OtherKey);
    }
    let digests = archive.metadata(DIGESTS).ok_or(SignatureError::None)?;
    if digests.length() != (archive.piece_count() * LENGTH) as u64 {
        return Err(SignatureError::Wrong);
    }
    let message = message(archive, &signed.runtime)?;
    PublicKey::new(*key)
        .verify(&message, &Signature::new(signed.signature))
        .map_err(|_| SignatureError::Wrong)?;
    archive.vouch(Digests::new(
        digests.bytes()?.into_owned(),
        digest,
        exempt(archive),
    ));
    // Without them files would not be found in the program, and others on disk be read in their place.
    if let Some(names) = archive.metadata(sema_vfs::NAMES) {
        names.bytes()?;
    }
    Ok(signed)
}

/// The file with the signature of a module: `FILE.sig`.
#[must_use]
pub fn plugin_signature(module: &Path) -> PathBuf {
    let mut name = OsString::from(module);
    name.push(".sig");
    name.into()
}

/// What is signed of a module with these bytes.
#[must_use]
pub fn plugin_message(bytes: &[u8]) -> Vec<u8> {
    [PLUGIN_PURPOSE, &digest(bytes)].concat()
}

/// Checks that a module, `module` with these bytes, was signed with a key.
///
/// # Errors
/// See [`SignatureError`].
pub fn check_plugin(module: &Path, bytes: &[u8], key: &[u8; LENGTH]) -> Result<(), SignatureError> {
    let path = plugin_signature(module);
    let file = match std::fs::read(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(SignatureError::None);
        }
        Err(source) => return Err(SignatureError::File { path, source }),
    };
    let parts = file.split_first_chunk::<LENGTH>();
    let parts = parts.and_then(|(by, rest)| Some((by, rest.as_array::<64>()?)));
    let (by, signature) = parts.ok_or(SignatureError::Wrong)?;
    if by != key {
        return Err(SignatureError::OtherKey);
    }
    PublicKey::new(*key)
        .verify(plugin_message(bytes), &Signature::new(*signature))
        .map_err(|_| SignatureError::Wrong)
}
