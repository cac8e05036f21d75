//! TLS: whom to trust, and as whom to appear.
//!
//! Certificates are always checked; nothing switches that off. Trusted are the roots that the program names, else those
//! of `SSL_CERT_FILE` and `SSL_CERT_DIR`, else those of the system, else (in an empty container) those of Mozilla that are built in.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

/// Where systems keep the roots, in one file.
const SYSTEM_FILES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
];

/// HTTP/2, as the handshake names it (RFC 7301).
pub const HTTP_2: &[u8] = b"h2";
/// HTTP/1.1, as the handshake names it.
pub const HTTP_1: &[u8] = b"http/1.1";

/// Whom to trust and as whom to appear: PEM texts.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trust {
    /// The only roots that are trusted.
    pub roots: Option<Vec<u8>>,
    /// Certificate chain and key.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
    /// `SSL_CERT_FILE`
    pub file: Option<String>,
    /// `SSL_CERT_DIR`
    pub folder: Option<String>,
}

/// Why there can be no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A PEM text is malformed.
    #[error("{0}: {1}")]
    Pem(&'static str, rustls::pki_types::pem::Error),
    /// A PEM text holds no certificate.
    #[error("{0}: there is no certificate")]
    NoCertificate(&'static str),
    /// `SSL_CERT_FILE` or `SSL_CERT_DIR` cannot be read.
    #[error("{0}: {1}")]
    File(String, std::io::Error),
    /// What the library says.
    #[error(transparent)]
    Library(#[from] rustls::Error),
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn certificates(pem: &[u8], what: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = found.map_err(|error| TlsError::Pem(what, error))?;
    if found.is_empty() {
        return Err(TlsError::NoCertificate(what));
    }
    Ok(found)
}

fn add_file(roots: &mut RootCertStore, path: &Path) -> Result<(), TlsError> {
    let failed = |error| TlsError::File(path.display().to_string(), error);
    let pem = std::fs::read(path).map_err(failed)?;
    // A bundle may hold roots that this library does not understand: the others count.
    roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&pem).flatten());
    Ok(())
}

fn add_folder(roots: &mut RootCertStore, folder: &Path) -> Result<(), TlsError> {
    let failed = |error| TlsError::File(folder.display().to_string(), error);
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_file() {
            add_file(roots, &path)?;
        }
    }
    Ok(())
}

impl Trust {
    fn root_store(&self) -> Result<RootCertStore, TlsError> {
        let mut roots = RootCertStore::empty();
        if let Some(pem) = &self.roots {
            for certificate in certificates(pem, "the roots to trust")? {
                roots.add(certificate)?;
            }
            return Ok(roots);
        }
        if self.file.is_some() || self.folder.is_some() {
            if let Some(file) = &self.file {
                add_file(&mut roots, Path::new(file))?;
            }
            for folder in self.folder.iter().flat_map(|folders| folders.split(':')) {
                add_folder(&mut roots, Path::new(folder))?;
            }
            return Ok(roots);
        }
        for file in SYSTEM_FILES {
            if Path::new(file).exists()
                && add_file(&mut roots, Path::new(file)).is_ok()
                && !roots.is_empty()
            {
                return Ok(roots);
            }
        }
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        Ok(roots)
    }

    /// For connections to servers.
    ///
    /// # Errors
    /// Why there can be none.
    pub fn client(&self) -> Result<ClientConfig, TlsError> {
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(self.root_store()?);
        let mut config = match &self.identity {
            None => config.with_no_client_auth(),
            Some((chain, key)) => config.with_client_auth_cert(
                certificates(chain, "the certificate of the client")?,
                private_key(key)?,
            )?,
        };
        config.alpn_protocols = vec![HTTP_2.to_vec(), HTTP_1.to_vec()];
        Ok(config)
    }
}

fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|error| TlsError::Pem("the private key", error))
}

/// For a server with a certificate chain and its key, both PEM texts.
///
/// # Errors
/// Why there can be none.
pub fn server(chain: &[u8], key: &[u8]) -> Result<ServerConfig, TlsError> {
    let chain = certificates(chain, "the certificate of the server")?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, private_key(key)?)?;
    config.alpn_protocols = vec![HTTP_2.to_vec(), HTTP_1.to_vec()];
    Ok(config)
}
