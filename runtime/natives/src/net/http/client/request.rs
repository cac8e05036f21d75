//! A request as plain data.

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Bytes;
use hyper::http::{HeaderMap, Method};
use sema_machine::host::native::Capability;
use sema_machine::host::policy::{Last, Policy};

use crate::net::http::engine::body::Payload;
use crate::net::http::tls::Trust;
use crate::net::http::url::Url;

/// As what the program wants a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A string.
    Text,
    /// A byte vector.
    Bytes,
    /// A stream.
    Stream,
}

/// A request.
pub struct Request {
    /// The method.
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// The header fields.
    pub headers: HeaderMap,
    /// What is sent.
    pub body: Payload,
    /// As what the answer's body is wanted.
    pub form: Form,
    /// How long everything may take.
    pub timeout: Option<Duration>,
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// How many redirections are followed.
    pub redirects: usize,
    /// Whether compressed bodies are decompressed.
    pub decompress: bool,
    /// Most bytes of a body that is not a stream.
    pub most: usize,
    /// The proxy for a host.
    pub proxies: Proxies,
    /// Whom to trust.
    pub trust: Trust,
    /// What the program may talk to, as this capability: for redirections.
    pub limits: Option<(Arc<Policy>, Capability)>,
}

impl Request {
    /// How messages call it.
    pub fn name(&self) -> String {
        format!("http {} {}", self.method, self.url.text())
    }

    /// Whether the program may talk to this server.
    pub fn may_reach(&self, url: &Url) -> bool {
        self.limits.as_ref().is_none_or(|(policy, capability)| {
            let permits =
                |url: &Url| policy.permits(*capability, &url.host_and_port(), Last::Followed);
            permits(url) && self.proxies.of(url).is_none_or(permits)
        })
    }

    /// The body, if it can be sent again.
    pub fn repeatable_body(&self) -> Option<Bytes> {
        match &self.body {
            Payload::Bytes(bytes) => Some(bytes.clone()),
            _ => None,
        }
    }
}

/// The proxies that the environment or the options name.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    /// For `http`.
    pub http: Option<Url>,
    /// For `https`.
    pub https: Option<Url>,
    /// Hosts without a proxy: names, which stand for all below them, numbers, `*`.
    pub none: Vec<String>,
}

impl Proxies {
    /// The proxy for an address.
    pub fn of(&self, url: &Url) -> Option<&Url> {
        let proxy = if url.scheme.is_secure() {
            &self.https
        } else {
            &self.http
        };
        let is_direct = self.none.iter().any(|entry| {
            let entry = entry.trim_start_matches("*.").trim_start_matches('.');
            let below = url.host.strip_suffix(entry);
            entry == "*"
                || !entry.is_empty()
                    && below.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        });
        proxy.as_ref().filter(|_| !is_direct)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_may_have_no_proxy() {
        let proxies = Proxies {
            http: Url::parse("http://p:1").ok(),
            https: None,
            none: vec!["example.com".to_owned(), ".local".to_owned()],
        };
        for (url, expected) in [
            ("http://a/", true),
            ("https://a/", false),
            ("http://example.com/", false),
            ("http://x.example.com/", false),
            ("http://notexample.com/", true),
            ("http://a.local/", false),
        ] {
            let url = Url::parse(url).unwrap();
            assert_eq!(proxies.of(&url).is_some(), expected, "{url:?}");
        }
    }
}
