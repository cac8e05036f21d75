//! The layer of an image: its files.

use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use sema_machine::platform::tier::Tier;

use super::Executable;
use super::archive::{Tar, digest};

/// Where programs and libraries of most distributions look for the certificates of authorities.
const CERTIFICATES: &str = "etc/ssl/certs/ca-certificates.crt";
/// Characters of a line of a PEM file (RFC 7468, section 2).
const PEM_LINE: usize = 64;

/// A layer.
pub(super) struct Layer {
    /// The compressed archive.
    pub compressed: Vec<u8>,
    /// SHA-256 of the archive before it was compressed, in hexadecimal digits.
    pub digest: String,
}

impl Layer {
    /// The layer with an executable that is called `program`.
    pub(super) fn new(executable: &Executable, program: &str) -> io::Result<Layer> {
        let mut tar = Tar::new(Vec::new());
        tar.file(program, 0o755, &executable.bytes)?;
        if executable.tier.is_some_and(|tier| tier >= Tier::Net) {
            for directory in ["etc/", "etc/ssl/", "etc/ssl/certs/"] {
                tar.directory(directory, 0o755)?;
            }
            tar.file(CERTIFICATES, 0o644, certificates().as_bytes())?;
        }
        tar.directory("tmp/", 0o1777)?;
        let (archive, _) = tar.finish()?;
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        io::Write::write_all(&mut encoder, &archive)?;
        Ok(Layer {
            digest: digest(&archive),
            compressed: encoder.finish()?,
        })
    }
}

/// The certificates of the authorities that Mozilla trusts, as a PEM file (RFC 7468).
fn certificates() -> String {
    let mut text = String::new();
    for certificate in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        for (index, character) in STANDARD.encode(certificate).chars().enumerate() {
            if index > 0 && index.is_multiple_of(PEM_LINE) {
                text.push('\n');
            }
            text.push(character);
        }
        text.push_str("\n-----END CERTIFICATE-----\n");
    }
    text
}
