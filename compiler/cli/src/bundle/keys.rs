//! Keys in files, as OpenSSL has them: PKCS #8 and SubjectPublicKeyInfo in PEM (RFC 8410).

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_compact::{KeyPair, PublicKey, Seed};
use sema_machine::launch::signature::LENGTH;

use crate::paths::shown;

/// What stands in front of the 32 bytes of a private key.
const PRIVATE: &[u8] = &[
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];
/// What stands in front of the 32 bytes of a public key.
const PUBLIC: &[u8] = &[
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A file cannot be read or written.
    #[error("cannot {action} '{}': {source}", shown(&path))]
    File {
        /// The attempted action, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is something else.
    #[error("'{}' is not {what} for Ed25519 in PEM", shown(&path))]
    NotAKey {
        /// The file.
        path: PathBuf,
        /// What it should be.
        what: &'static str,
    },
    /// A public key for which everybody can make signatures, or for which nobody can.
    #[error("'{}' is no public key that could be trusted: {problem}", shown(&path))]
    Weak {
        /// The file.
        path: PathBuf,
        /// Why.
        problem: ed25519_compact::Error,
    },
    /// The system gives no random bytes.
    #[error("the system gives no random bytes: {0}")]
    Random(#[source] io::Error),
}

/// Makes a pair of keys: the private one in the file `path`, which only its owner can read, the public one in
/// `path` with `.pub` behind it, whose path is given. Neither file may exist.
///
/// # Errors
/// See [`KeyError`].
pub fn generate(path: &Path) -> Result<PathBuf, KeyError> {
    let mut seed = [0; LENGTH];
    fs::File::open("/dev/urandom")
        .and_then(|mut source| io::Read::read_exact(&mut source, &mut seed))
        .map_err(KeyError::Random)?;
    let pair = KeyPair::from_seed(Seed::new(seed));
    let mut public = path.as_os_str().to_owned();
    public.push(".pub");
    let public = PathBuf::from(public);
    let texts = [
        (path, pem("PRIVATE KEY", PRIVATE, &seed), 0o600),
        (&public, pem("PUBLIC KEY", PUBLIC, &*pair.pk), 0o644),
    ];
    let mut made: Vec<&Path> = Vec::new();
    for (path, text, mode) in &texts {
        let written = new_file(path, *mode).and_then(|mut file| {
            made.push(path);
            file.write_all(text.as_bytes())
        });
        if let Err(source) = written {
            // Half a pair is of no use, and would be in the way.
            for path in made {
                let _ = fs::remove_file(path);
            }
            return Err(KeyError::File {
                action: "write",
                path: path.to_path_buf(),
                source,
            });
        }
    }
    Ok(public)
}

fn new_file(path: &Path, mode: u32) -> io::Result<fs::File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    options.open(path)
}

fn pem(kind: &str, prefix: &[u8], key: &[u8]) -> String {
    let text = STANDARD.encode([prefix, key].concat());
    format!("-----BEGIN {kind}-----\n{text}\n-----END {kind}-----\n")
}

/// The private key in a file, with its public one.
///
/// # Errors
/// See [`KeyError`].
pub fn private_key(path: &Path) -> Result<KeyPair, KeyError> {
    let seed = read(path, "PRIVATE KEY", PRIVATE, "a private key")?;
    Ok(KeyPair::from_seed(Seed::new(seed)))
}

/// The public key in a file.
///
/// # Errors
/// See [`KeyError`].
pub fn public_key(path: &Path) -> Result<[u8; LENGTH], KeyError> {
    let key = read(path, "PUBLIC KEY", PUBLIC, "a public key")?;
    let weak = |problem| KeyError::Weak {
        path: path.to_owned(),
        problem,
    };
    PublicKey::new(key).validate().map_err(weak)?;
    Ok(key)
}

fn read(
    path: &Path,
    kind: &str,
    prefix: &[u8],
    what: &'static str,
) -> Result<[u8; LENGTH], KeyError> {
    let text = fs::read_to_string(path).map_err(|source| KeyError::File {
        action: "read",
        path: path.to_owned(),
        source,
    })?;
    key_in(&text, kind, prefix).ok_or_else(|| KeyError::NotAKey {
        path: path.to_owned(),
        what,
    })
}

fn key_in(text: &str, kind: &str, prefix: &[u8]) -> Option<[u8; LENGTH]> {
    let (_, rest) = text.split_once(&format!("-----BEGIN {kind}-----"))?;
    let (body, _) = rest.split_once(&format!("-----END {kind}-----"))?;
    let body: String = body.split_whitespace().collect();
    let bytes = STANDARD.decode(body).ok()?;
    bytes.strip_prefix(prefix)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_prove_nothing_are_refused() {
        let path = std::env::temp_dir().join(format!("semac-weak-{}", std::process::id()));
        let (mut one, mut order_two) = ([0; LENGTH], [0xff; LENGTH]);
        one[0] = 1;
        order_two[0] = 0xec;
        order_two[31] = 0x7f;
        for key in [[0; LENGTH], one, order_two] {
            fs::write(&path, pem("PUBLIC KEY", PUBLIC, &key)).unwrap();
            let refused = public_key(&path);
            assert!(matches!(refused, Err(KeyError::Weak { .. })), "{refused:?}");
        }
        let good = KeyPair::from_seed(Seed::new([7; LENGTH]));
        fs::write(&path, pem("PUBLIC KEY", PUBLIC, &*good.pk)).unwrap();
        assert_eq!(public_key(&path).unwrap(), *good.pk);
        fs::remove_file(&path).unwrap();
    }

    /// RFC 8410, 10.3 and 10.1.
    #[test]
    fn keys_of_the_standard_are_read() {
        let private = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
        let public = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
        let seed = key_in(private, "PRIVATE KEY", PRIVATE).unwrap();
        let key = key_in(public, "PUBLIC KEY", PUBLIC).unwrap();
        assert_eq!(*KeyPair::from_seed(Seed::new(seed)).pk, key);
        assert_eq!(pem("PUBLIC KEY", PUBLIC, &key), public);
        for text in [
            "",
            "-----BEGIN PUBLIC KEY-----\n",
            &public.replace("MCow", "AAAA"),
            private,
        ] {
            assert_eq!(key_in(text, "PUBLIC KEY", PUBLIC), None, "{text}");
        }
    }
}
