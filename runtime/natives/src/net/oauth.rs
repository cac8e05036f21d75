//! What authorization by OAuth needs besides requests: challenges, keys of proof, assertions, addresses.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use sha2::{Digest, Sha256};

use super::http::url::{Url, encode, encode_pairs};
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, list_or_vector, text};
use sema_machine::host::condition::{Outcome, eval_error, io_error};
use sema_machine::memory::value::Value;
use sema_machine::natives;

natives! {
    /// What the challenge of the scheme Bearer in a header `WWW-Authenticate` says under a name (RFC 6750, 3); nil if it says nothing.
    "%challenge-parameter" (header: String, name: String) -> OptionalString => challenge_parameter;

    /// A secret that nobody can foresee, and what proves later that one knows it (RFC 7636): a list of verifier and challenge.
    "%proof-key" () -> List => proof_key;

    /// Scheme, host and origin of an address, and its path without a slash at the end: a list. Nil if it is no address of HTTP.
    "%url-parts" (url: String) -> Any => url_parts;

    /// The header `Authorization` of a client with a secret (RFC 6749, 2.3.1).
    "%basic-credentials" (client: String, secret: String) -> String => basic_credentials;

    /// An address with a query of names and values, a list of texts.
    "%url-with" (url: String, pairs: List) -> String => url_with;

    /// Claims, a JSON text, signed with a private key, a PEM text (RFC 7515): ES256 or RS256.
    "%signed-claims" (key: String, claims: String) -> String => signed_claims;
}

/// Takes what belongs to a token from the front of a text (RFC 9110, 5.6.2).
fn token<'t>(text: &mut &'t str) -> &'t str {
    let is_end = |c: char| c.is_whitespace() || matches!(c, '=' | ',' | '"');
    let (token, rest) = text.split_at(text.find(is_end).unwrap_or(text.len()));
    *text = rest;
    token
}

/// Takes a token or a quoted text from the front of a text.
fn value(text: &mut &str) -> String {
    let Some(quoted) = text.strip_prefix('"') else {
        return token(text).to_owned();
    };
    let mut value = String::new();
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => break,
            '\\' => value.extend(characters.next()),
            other => value.push(other),
        }
    }
    *text = characters.as_str();
    value
}

/// The parameter of a name in the challenge of the scheme Bearer.
fn parameter(header: &str, wanted: &str) -> Option<String> {
    let mut rest = header;
    let mut is_bearer = false;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        if rest.is_empty() {
            return None;
        }
        let name = token(&mut rest);
        let after = rest.trim_start();
        if let Some(after) = after.strip_prefix('=') {
            rest = after.trim_start();
            let found = value(&mut rest);
            if is_bearer && name.eq_ignore_ascii_case(wanted) {
                return Some(found);
            }
        } else if name.is_empty() {
            // A quote where none may be: what follows means nothing.
            return None;
        } else {
            is_bearer = name.eq_ignore_ascii_case("bearer");
        }
    }
}

fn challenge_parameter(host: &Host, args: &[Value]) -> Outcome {
    let header = text(host, "%challenge-parameter", args, 0)?;
    let name = text(host, "%challenge-parameter", args, 1)?;
    Ok(parameter(header, name).map_or(Value::NIL, |value| host.heap.string(&value)))
}

fn proof_key(host: &Host, _: &[Value]) -> Outcome {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| io_error(format!("mcp/connect: no random numbers: {error}")))?;
    let verifier = URL_SAFE_NO_PAD.encode(bytes);
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
    let parts = [host.heap.string(&verifier), host.heap.string(&challenge)];
    Ok(host.heap.list(&parts))
}

fn url_parts(host: &Host, args: &[Value]) -> Outcome {
    let url = Url::parse(text(host, "%url-parts", args, 0)?);
    let Some(url) = url.ok().filter(|url| url.scheme.is_http()) else {
        return Ok(Value::NIL);
    };
    let path = url.target.split('?').next().unwrap_or_default();
    let scheme = url.scheme.name();
    let origin = format!("{scheme}://{}", url.authority());
    let parts = [scheme, &url.host, &origin, path.trim_end_matches('/')];
    let parts = parts.map(|part| host.heap.string(part));
    Ok(host.heap.list(&parts))
}

fn url_with(host: &Host, args: &[Value]) -> Outcome {
    let url = text(host, "%url-with", args, 0)?;
    let mut url = Url::parse(url).map_err(|error| eval_error(format!("{url}: {error}")))?;
    let texts: Vec<&str> = (list_or_vector(host, argument(args, 1))?.iter())
        .map(|&part| host.heap.as_str(part).unwrap_or_default())
        .collect();
    let (pairs, _) = texts.as_chunks::<2>();
    url.add_query(&encode_pairs(
        pairs.iter().map(|&[name, value]| (name, value)),
    ));
    Ok(host.heap.string(&url.text()))
}

fn basic_credentials(host: &Host, args: &[Value]) -> Outcome {
    let client = encode(text(host, "%basic-credentials", args, 0)?);
    let secret = encode(text(host, "%basic-credentials", args, 1)?);
    let pair = STANDARD.encode(format!("{client}:{secret}"));
    Ok(host.heap.string(&format!("Basic {pair}")))
}

fn signed_claims(host: &Host, args: &[Value]) -> Outcome {
    let key = text(host, "%signed-claims", args, 0)?;
    let claims = text(host, "%signed-claims", args, 1)?;
    signed(key, claims)
        .map(|signed| host.heap.string(&signed))
        .ok_or_else(|| eval_error("mcp/connect: :client-key is no private key of P-256 or RSA"))
}

/// Claims with their signature; `None` if the key is none.
fn signed(key: &str, claims: &str) -> Option<String> {
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).ok()?;
    let random = SystemRandom::new();
    let elliptic =
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key.secret_der(), &random);
    let algorithm = if elliptic.is_ok() { "ES256" } else { "RS256" };
    let head = format!("{{\"alg\":\"{algorithm}\",\"typ\":\"JWT\"}}");
    let content = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(head),
        URL_SAFE_NO_PAD.encode(claims)
    );
    let signature = match elliptic {
        Ok(pair) => pair
            .sign(&random, content.as_bytes())
            .ok()?
            .as_ref()
            .to_vec(),
        Err(_) => {
            let pair = match &key {
                PrivateKeyDer::Pkcs1(key) => RsaKeyPair::from_der(key.secret_pkcs1_der()),
                key => RsaKeyPair::from_pkcs8(key.secret_der()),
            };
            let pair = pair.ok()?;
            let mut signature = vec![0; pair.public().modulus_len()];
            pair.sign(
                &RSA_PKCS1_SHA256,
                &random,
                content.as_bytes(),
                &mut signature,
            )
            .ok()?;
            signature
        }
    };
    Some(format!("{content}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Bench;
    use ring::signature::{ECDSA_P256_SHA256_FIXED, KeyPair, UnparsedPublicKey};
    use sema_machine::data::print::readable;

    #[test]
    fn challenges_are_taken_apart() {
        let header = "Basic realm=\"a, Bearer scope=\\\"x\\\"\", bearer error=invalid_token , scope = \"read write\",\tResource_Metadata=\"https://h/p?q=1\", Digest scope=\"z\"";
        assert_eq!(parameter(header, "scope").as_deref(), Some("read write"));
        assert_eq!(parameter(header, "error").as_deref(), Some("invalid_token"));
        assert_eq!(
            parameter(header, "resource_metadata").as_deref(),
            Some("https://h/p?q=1")
        );
        assert_eq!(parameter(header, "realm"), None);
        for strange in [
            "",
            "Bearer",
            "Bearer \"scope=x",
            "Bearer scope",
            ",,,",
            "Negotiate abc==",
        ] {
            assert_eq!(parameter(strange, "scope"), None, "{strange}");
        }
        assert_eq!(
            parameter("Bearer scope=\"open", "scope").as_deref(),
            Some("open")
        );
    }

    #[test]
    fn proofs_are_digests() {
        let bench = Bench::new();
        let shown = || readable(&bench.host, bench.call("%proof-key", &[]));
        let first = shown();
        assert_ne!(first, shown());
        let parts: Vec<&str> = first.split('"').collect();
        assert_eq!((parts[1].len(), parts[3].len()), (43, 43));
        assert_eq!(parts[3], URL_SAFE_NO_PAD.encode(Sha256::digest(parts[1])));
    }

    #[test]
    fn addresses_are_taken_apart_and_get_queries() {
        let bench = Bench::new();
        let parts = |url: &str| readable(&bench.host, bench.call("%url-parts", &[bench.text(url)]));
        assert_eq!(
            parts("https://Example.com:443/a/b/?c#d"),
            "(\"https\" \"example.com\" \"https://example.com\" \"/a/b\")"
        );
        assert_eq!(
            parts("http://[::1]:80"),
            "(\"http\" \"::1\" \"http://[::1]\" \"\")"
        );
        assert_eq!(parts("ws://a/"), "nil");
        assert_eq!(parts("nothing"), "nil");
        let pairs = ["a b", "1&2", "c", "é"].map(|text| bench.text(text));
        let pairs = bench.host.heap.list(&pairs);
        let url = bench.call("%url-with", &[bench.text("http://h/p?x=1"), pairs]);
        let url = bench.host.heap.as_str(url).unwrap();
        assert!(url.starts_with("http://h/p?x=1&a"), "{url}");
        assert!(url.contains("1%262") && url.contains("%C3%A9"), "{url}");
    }

    #[test]
    fn claims_are_signed() {
        let random = SystemRandom::new();
        let document =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pem = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            STANDARD.encode(document.as_ref())
        );
        let token = signed(&pem, "{\"iss\":\"me\"}").unwrap();
        let (content, signature) = token.rsplit_once('.').unwrap();
        let (head, claims) = content.split_once('.').unwrap();
        assert_eq!(URL_SAFE_NO_PAD.decode(claims).unwrap(), b"{\"iss\":\"me\"}");
        assert_eq!(
            URL_SAFE_NO_PAD.decode(head).unwrap(),
            b"{\"alg\":\"ES256\",\"typ\":\"JWT\"}"
        );
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random);
        let public = pair.unwrap().public_key().as_ref().to_vec();
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public)
            .verify(
                content.as_bytes(),
                &URL_SAFE_NO_PAD.decode(signature).unwrap(),
            )
            .unwrap();
        assert_eq!(signed("no key", "{}"), None);
    }
}
