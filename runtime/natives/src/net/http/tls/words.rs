//! What is wrong with TLS, in words: the library's are names of its own types for much of it.

use std::io;

use rustls::{CertificateError, Error};

/// What is wrong with a connection to a server.
pub fn of_connection(error: &io::Error) -> String {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
    match cause {
        Some(Error::InvalidMessage(_)) => "the server does not speak it".to_owned(),
        Some(cause) => of(cause, "the certificate of the server"),
        None => error.to_string(),
    }
}

/// What is wrong; `what` is what a certificate is called.
pub fn of(error: &Error, what: &str) -> String {
    match error {
        Error::InvalidCertificate(problem) => format!("{what} {}", certificate(problem)),
        Error::InconsistentKeys(_) => format!("{what} belongs to another private key"),
        _ => error.to_string(),
    }
}

/// What a certificate is or has.
fn certificate(problem: &CertificateError) -> String {
    use CertificateError as Problem;
    let words = match problem {
        Problem::UnknownIssuer => {
            "is signed by nobody whom the program trusts (:ca, SSL_CERT_FILE, SSL_CERT_DIR, else the roots of the system)"
        }
        Problem::BadEncoding => "is malformed",
        Problem::BadSignature => "is not signed by whom it names",
        Problem::Expired | Problem::ExpiredContext { .. } => "has expired",
        Problem::NotValidYet | Problem::NotValidYetContext { .. } => "is not valid yet",
        Problem::Revoked => "has been revoked",
        Problem::InvalidPurpose | Problem::InvalidPurposeContext { .. } => "is not for servers",
        Problem::NotValidForName => "is for another name",
        Problem::NotValidForNameContext {
            expected,
            presented,
        } => {
            let names: Vec<&str> = presented.iter().map(|name| inside(name)).collect();
            let names = match names.as_slice() {
                [] => "none".to_owned(),
                names => names.join(", "),
            };
            return format!(
                "is not valid for the name {}: it has {names}",
                expected.to_str()
            );
        }
        Problem::Other(other) => match other.0.downcast_ref() {
            Some(webpki::Error::CaUsedAsEndEntity) => {
                "is that of an authority; a server may have it if it is itself among those to trust (:ca)"
            }
            Some(webpki::Error::UnsupportedCertVersion) => {
                "is of an old form: there must be version 3 of X.509, with the name as subjectAltName"
            }
            _ => return format!("is not right: {other}"),
        },
        _ => return format!("is not right: {problem}"),
    };
    words.to_owned()
}

/// The name itself, of one with its kind: `DnsName("a.test")`, `IpAddress(127.0.0.1)`.
fn inside(name: &str) -> &str {
    let inside = name
        .split_once('(')
        .and_then(|(_, inside)| inside.strip_suffix(')'));
    inside.map_or(name, |inside| inside.trim_matches('"'))
}

/// Whether a certificate was not taken for a server's because it is one of an authority.
pub fn is_authority(error: &Error) -> bool {
    let Error::InvalidCertificate(CertificateError::Other(other)) = error else {
        return false;
    };
    matches!(
        other.0.downcast_ref(),
        Some(webpki::Error::CaUsedAsEndEntity)
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::OtherError;
    use rustls::pki_types::ServerName;

    use super::*;

    #[test]
    fn nothing_has_the_form_of_a_type() {
        let other = |error| CertificateError::Other(OtherError(Arc::new(error)));
        let name = CertificateError::NotValidForNameContext {
            expected: ServerName::try_from("a.test").unwrap(),
            presented: vec!["DnsName(\"b.test\")".into(), "IpAddress(::1)".into()],
        };
        for (problem, expected) in [
            (name, "is not valid for the name a.test: it has b.test, ::1"),
            (
                other(webpki::Error::CaUsedAsEndEntity),
                "is that of an authority; a server may have it if it is itself among those to trust (:ca)",
            ),
            (
                other(webpki::Error::UnsupportedCertVersion),
                "is of an old form: there must be version 3 of X.509, with the name as subjectAltName",
            ),
            (CertificateError::BadEncoding, "is malformed"),
        ] {
            let error = io::Error::other(Error::InvalidCertificate(problem));
            let expected = format!("the certificate of the server {expected}");
            assert_eq!(of_connection(&error), expected);
        }
    }
}
