//! TLS: whom to trust, and as whom to appear.
//!
//! Certificates are always checked; nothing switches that off. Trusted are the roots that the program names, else those
//! of `SSL_CERT_FILE` and `SSL_CERT_DIR`, else those of the system, else (in an empty container) those of Mozilla that are built in.

pub mod words;

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{VerifierBuilderError, WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, ServerConfig, SignatureScheme};

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
    /// What should be a PEM text is none.
    #[error(
        "{0}: this is no PEM text (-----BEGIN ...); of a file it is what (file/read path) gives"
    )]
    NoPem(&'static str),
    /// It cannot be read without a password.
    #[error("{0} is encrypted; openssl pkey -in FILE writes it without a password")]
    Encrypted(&'static str),
    /// A PEM text holds no certificate.
    #[error("{0}: there is no certificate")]
    NoCertificate(&'static str),
    /// A certificate is none, or cannot be used for this.
    #[error("{}", words::of(.1, .0))]
    Certificate(&'static str, rustls::Error),
    /// The file that `SSL_CERT_FILE` names cannot be read.
    #[error("SSL_CERT_FILE ({0}): {1}")]
    File(String, std::io::Error),
    /// Where the environment says that the roots are, there are none.
    #[error("{0}: there is no certificate")]
    NoRoots(String),
    /// The library cannot check certificates with these roots.
    #[error(transparent)]
    Roots(#[from] VerifierBuilderError),
    /// What the library says.
    #[error(transparent)]
    Library(#[from] rustls::Error),
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// Why nothing was found in what should be a PEM text, if that can be said better than by `error`.
fn unreadable(pem: &[u8], what: &'static str, error: TlsError) -> TlsError {
    let has = |text: &[u8]| pem.windows(text.len()).any(|part| part == text);
    if !has(b"-----BEGIN") {
        return TlsError::NoPem(what);
    }
    match has(b"ENCRYPTED") {
        true => TlsError::Encrypted(what),
        false => error,
    }
}

fn certificates(pem: &[u8], what: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(unreadable(pem, what, TlsError::NoCertificate(what))),
        Err(error) => Err(unreadable(pem, what, TlsError::Pem(what, error))),
    }
}

fn add_file(roots: &mut RootCertStore, path: &Path) -> std::io::Result<()> {
    let pem = std::fs::read(path)?;
    // A bundle may hold roots that this library does not understand: the others count.
    roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&pem).flatten());
    Ok(())
}

/// Adds what the files of a folder hold. As OpenSSL does, it passes over what is not there or cannot be read: others lie beside it.
fn add_folder(roots: &mut RootCertStore, folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_file() {
            // Whether there is any root at all is looked at in the end.
            let _ = add_file(roots, &path);
        }
    }
}

impl Trust {
    fn root_store(&self) -> Result<RootCertStore, TlsError> {
        let mut roots = RootCertStore::empty();
        if let Some(pem) = &self.roots {
            const WHAT: &str = "the roots to trust";
            for certificate in certificates(pem, WHAT)? {
                let added = roots.add(certificate);
                added.map_err(|error| TlsError::Certificate(WHAT, error))?;
            }
            return Ok(roots);
        }
        if self.file.is_some() || self.folder.is_some() {
            return self.roots_of_environment();
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

    fn roots_of_environment(&self) -> Result<RootCertStore, TlsError> {
        let mut roots = RootCertStore::empty();
        if let Some(file) = &self.file {
            let failed = |error| TlsError::File(file.clone(), error);
            add_file(&mut roots, Path::new(file)).map_err(failed)?;
        }
        let folders = self.folder.iter().flat_map(|folders| folders.split(':'));
        for folder in folders.filter(|folder| !folder.is_empty()) {
            add_folder(&mut roots, Path::new(folder));
        }
        if roots.is_empty() {
            let named = [
                ("SSL_CERT_FILE", &self.file),
                ("SSL_CERT_DIR", &self.folder),
            ];
            let named = named
                .into_iter()
                .filter_map(|(name, value)| Some(format!("{name} ({})", value.as_ref()?)));
            return Err(TlsError::NoRoots(named.collect::<Vec<_>>().join(", ")));
        }
        Ok(roots)
    }

    /// For connections to servers.
    ///
    /// # Errors
    /// Why there can be none.
    pub fn client(&self) -> Result<ClientConfig, TlsError> {
        let (provider, roots) = (provider(), Arc::new(self.root_store()?));
        let library =
            WebPkiServerVerifier::builder_with_provider(roots.clone(), provider.clone()).build()?;
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Checker { library, roots }));
        let mut config = match &self.identity {
            None => config.with_no_client_auth(),
            Some((chain, key)) => {
                const WHAT: &str = "the certificate of the client";
                let config =
                    config.with_client_auth_cert(certificates(chain, WHAT)?, private_key(key)?);
                config.map_err(|error| TlsError::Certificate(WHAT, error))?
            }
        };
        config.alpn_protocols = vec![HTTP_2.to_vec(), HTTP_1.to_vec()];
        Ok(config)
    }
}

/// What checks the certificates of servers: the library, but a root may be a server's certificate, too.
///
/// What people make for a server of their own is mostly a certificate that has signed itself and may sign others. The library takes
/// none of an authority for a server's, also if just this one is to be trusted. Whoever has the key of a root could sign any
/// certificate, so nobody gets through here who did not get through there.
#[derive(Debug)]
struct Checker {
    library: Arc<WebPkiServerVerifier>,
    roots: Arc<RootCertStore>,
}

impl Checker {
    fn is_root(&self, certificate: &CertificateDer<'_>) -> bool {
        let mut own = RootCertStore::empty();
        own.add(certificate.clone()).is_ok()
            && (own.roots.iter()).all(|own| self.roots.roots.contains(own))
    }
}

impl ServerCertVerifier for Checker {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match (self.library).verify_server_cert(certificate, others, name, ocsp, now) {
            // It has looked at the dates before.
            Err(error) if words::is_authority(&error) && self.is_root(certificate) => {
                verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            checked => checked,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        (self.library).verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        (self.library).verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.library.supported_verify_schemes()
    }
}

fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, TlsError> {
    const WHAT: &str = "the private key";
    PrivateKeyDer::from_pem_slice(pem)
        .map_err(|error| unreadable(pem, WHAT, TlsError::Pem(WHAT, error)))
}

/// For a server with a certificate chain and its key, both PEM texts.
///
/// # Errors
/// Why there can be none.
pub fn server(chain: &[u8], key: &[u8]) -> Result<ServerConfig, TlsError> {
    const WHAT: &str = "the certificate of the server";
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificates(chain, WHAT)?, private_key(key)?)
        .map_err(|error| TlsError::Certificate(WHAT, error))?;
    config.alpn_protocols = vec![HTTP_2.to_vec(), HTTP_1.to_vec()];
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_pem_is_said() {
        let chain = |text: &str| certificates(text.as_bytes(), "the chain").unwrap_err();
        let key = |text: &str| private_key(text.as_bytes()).unwrap_err().to_string();
        let no_pem =
            "this is no PEM text (-----BEGIN ...); of a file it is what (file/read path) gives";
        assert_eq!(
            chain("/etc/ca.pem").to_string(),
            format!("the chain: {no_pem}")
        );
        assert_eq!(key("key.pem"), format!("the private key: {no_pem}"));
        let encrypted =
            "the private key is encrypted; openssl pkey -in FILE writes it without a password";
        for text in [
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIC\n-----END ENCRYPTED PRIVATE KEY-----\n",
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIC\n-----END RSA PRIVATE KEY-----\n",
        ] {
            assert_eq!(key(text), encrypted);
        }
        let other = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        assert_eq!(
            chain(other).to_string(),
            "the chain: there is no certificate"
        );
    }
}
