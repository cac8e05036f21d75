//! A request as plain data.

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Bytes;
use hyper::http::{HeaderMap, HeaderValue, Method};
use sema_machine::host::native::Capability;
use sema_machine::host::policy::{Last, Policy};

use super::proxies::Proxies;
use crate::net::http::engine::body::Payload;
use crate::net::http::engine::budget::{Budget, Reservation};
use crate::net::http::tls::Trust;
use crate::net::http::url::Url;

/// As what the program wants a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A string, or a byte vector if it is no text.
    Fitting,
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
    /// How long the program says that a body is which it writes.
    pub length: Option<HeaderValue>,
    /// The memory that is reserved for what is sent.
    pub room: Option<Reservation>,
    /// What the memory for the answer is reserved from.
    pub budget: Arc<Budget>,
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
            // Without a proxy that can be used the request fails anyway.
            let proxy = self.proxies.of(url).unwrap_or(None);
            permits(url) && proxy.is_none_or(permits)
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
