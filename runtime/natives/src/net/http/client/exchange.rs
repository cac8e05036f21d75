//! From a request to its answer: connections, redirections, timeouts.

use std::borrow::Cow;
use std::sync::Arc;

use hyper::body::{Body as _, Incoming as Body};
use hyper::http::uri::{Authority, InvalidUri};
use hyper::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri, header};
use rustls::ClientConfig;
use sema_machine::host::condition::{Condition, ConditionKind, Signal, io_error};
use tokio::time::{sleep, timeout};

use super::Client;
use super::answer::{Answer, Content};
use super::connect::{ConnectError, basic, connect, converse};
use super::decode::{self, Keep};
use super::pool::{Sender, Turn, Wanted};
use super::proxies::BadProxy;
use super::repeat::{Fate, MOST_REFUSED, MOST_REPEATS, in_full, may_be_processed_twice, pause};
use super::request::{Form, Request};
use crate::net::http::engine::body::{Misfit, Payload};
use crate::net::http::engine::budget::OverBudget;
use crate::net::http::tls::TlsError;
use crate::net::http::url::{Url, UrlError};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// No connection in time, to this one.
    #[error("no connection to {1} within {0} ms")]
    ConnectTimeout(u128, String),
    /// What is named as the proxy is none.
    #[error(transparent)]
    Proxy(#[from] BadProxy),
    /// The program has written another body than it said.
    #[error(transparent)]
    Body(Misfit),
    /// There is no memory for the body.
    #[error(transparent)]
    OverBudget(#[from] OverBudget),
    /// No complete answer in time.
    #[error("no complete answer within {0} ms")]
    Timeout(u128),
    /// TLS cannot be set up.
    #[error("TLS: {0}")]
    Tls(#[from] TlsError),
    /// The address cannot be requested.
    #[error(transparent)]
    Uri(#[from] InvalidUri),
    /// The peer does not speak HTTP, or closes the connection.
    #[error("{}", in_full(.0))]
    Http(hyper::Error),
    /// Too many redirections.
    #[error("more than {0} redirections")]
    Redirections(usize),
    /// A redirection to something that is no address.
    #[error("redirection to {0}: {1}")]
    Redirection(String, UrlError),
    /// A redirection to where the program may not go.
    #[error("redirection to '{0}', which is outside of the capabilities of this program")]
    OutOfScope(String),
    /// The body is too long.
    #[error("the body is longer than {0} bytes")]
    TooLong(usize),
    /// The body has no end.
    #[error("the body was cut off")]
    CutOff,
    /// The body is not compressed as it says.
    #[error("the body cannot be decompressed: {0}")]
    Compression(std::io::Error),
}

impl ClientError {
    /// What the program gets for it. `name` is what the request is called.
    pub fn signal(&self, name: &str) -> Box<Signal> {
        let message = format!("{name}: {self}");
        match self {
            ClientError::OutOfScope(_) => {
                Condition::new(ConditionKind::PermissionDenied, message).signal()
            }
            ClientError::OverBudget(error) => error.condition(name).signal(),
            _ => io_error(message),
        }
    }
}

/// Sends a request and takes its answer.
pub async fn send(client: Arc<Client>, mut request: Request) -> Result<Answer, ClientError> {
    let Some(limit) = request.timeout else {
        return follow(&client, &mut request).await;
    };
    match timeout(limit, follow(&client, &mut request)).await {
        Ok(answer) => answer,
        Err(_) => Err(ClientError::Timeout(limit.as_millis())),
    }
}

/// Sends a request, and the ones to which it is redirected.
async fn follow(client: &Arc<Client>, request: &mut Request) -> Result<Answer, ClientError> {
    let mut redirections = 0;
    loop {
        let body = request.repeatable_body();
        let (response, keep) = exchange(client, request).await?;
        let target = target_of(&response, request, body.is_some());
        let Some((target, keeps_method)) = target.filter(|_| request.redirects > 0) else {
            // It is not sent again: what it took is free for the answer.
            drop(body);
            request.room = None;
            return answer(response, request, keep).await;
        };
        redirections += 1;
        if redirections > request.redirects {
            return Err(ClientError::Redirections(request.redirects));
        }
        let failed = |error| ClientError::Redirection(target.clone(), error);
        let url = request.url.join(&target).map_err(failed)?;
        if !url.scheme.is_http() {
            return Err(failed(UrlError::OtherScheme));
        }
        if !request.may_reach(&url) {
            return Err(ClientError::OutOfScope(url.host_and_port()));
        }
        if !url.same_origin(&request.url) {
            // Secrets, and what another server is called.
            for own in [
                header::AUTHORIZATION,
                header::COOKIE,
                header::PROXY_AUTHORIZATION,
                header::HOST,
            ] {
                request.headers.remove(own);
            }
        }
        if keeps_method {
            request.body = Payload::Bytes(body.unwrap_or_default());
        } else {
            request.body = Payload::empty();
            if request.method != Method::HEAD {
                request.method = Method::GET;
            }
            for described in [
                header::CONTENT_TYPE,
                header::CONTENT_ENCODING,
                header::CONTENT_LANGUAGE,
            ] {
                request.headers.remove(described);
            }
        }
        request.url = url;
    }
}

/// Where the response redirects to, and whether with the same method and body.
fn target_of(
    response: &Response<Body>,
    request: &Request,
    is_repeatable: bool,
) -> Option<(String, bool)> {
    let keeps_method = match response.status() {
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => request.method != Method::POST,
        StatusCode::SEE_OTHER => matches!(request.method, Method::GET | Method::HEAD),
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => true,
        _ => return None,
    };
    if keeps_method && !is_repeatable {
        return None;
    }
    let target = response.headers().get(header::LOCATION)?;
    let target = String::from_utf8_lossy(target.as_bytes()).into_owned();
    Some((target, keeps_method))
}

/// Sends one request on a new or kept connection.
async fn exchange(
    client: &Arc<Client>,
    request: &mut Request,
) -> Result<(Response<Body>, Keep), ClientError> {
    let proxy = request.proxies.of(&request.url)?.cloned();
    let is_secure = request.url.scheme.is_secure();
    let (number, configuration) = if is_secure {
        let (number, configuration) = client.configuration(&request.trust)?;
        (number, Some(configuration))
    } else {
        (0, None)
    };
    // Who it is spoken to: a proxy takes plain requests for all servers, and lets its users have tunnels of their own.
    let key = match (&proxy, is_secure) {
        (None, _) => format!("{number} {is_secure} {}", request.url.host_and_port()),
        (Some(proxy), false) => format!("{}, plain", proxy.host_and_port()),
        (Some(proxy), true) => {
            format!(
                "{} {:?}, {number} {}",
                proxy.host_and_port(),
                proxy.user,
                request.url.host_and_port()
            )
        }
    };
    let is_to_proxy = proxy.is_some() && !is_secure;
    if is_to_proxy
        && let Some((user, password)) = proxy.as_ref().and_then(|proxy| proxy.user.as_ref())
        && let Some(value) = basic(user, password)
    {
        request.headers.insert(header::PROXY_AUTHORIZATION, value);
    }
    let server = Server {
        proxy,
        configuration,
        key,
    };
    let (mut repeats, mut refused, mut wanted) = (0, 0, Wanted::Any);
    loop {
        let repeated = request.repeatable_body();
        let is_bare = request.body.is_end_stream();
        let (mut sender, is_kept) = server.sender(client, request, wanted).await?;
        let error = match send_on(&mut sender, request, is_to_proxy).await {
            Ok(response) => {
                let keep = Keep::new(client, server.key, sender, is_bare);
                return Ok((response, keep));
            }
            Err(error) => error,
        };
        let (ClientError::Http(failure), Some(body)) = (&error, repeated) else {
            return Err(error);
        };
        let may_repeat = match Fate::of(failure, sender.speaks_2()) {
            Fate::Unprocessed if is_kept => repeats < MOST_REPEATS,
            // A server that takes nothing on a new connection is no better on the next ones.
            Fate::Unprocessed => {
                refused += 1;
                sender.speaks_2() && refused <= MOST_REFUSED
            }
            // The server may have closed the connection while it was idle. Once: then it is the request.
            Fate::Unknown => {
                is_kept && wanted == Wanted::Any && may_be_processed_twice(&request.method)
            }
            Fate::Failed => false,
        };
        if !may_repeat {
            return Err(error);
        }
        drop(sender);
        sleep(pause(repeats)).await;
        request.body = Payload::Bytes(body);
        (repeats, wanted) = (repeats + 1, Wanted::Shared);
    }
}

/// Who it is spoken to, and how.
struct Server {
    proxy: Option<Url>,
    /// `None`: without TLS.
    configuration: Option<Arc<ClientConfig>>,
    key: String,
}

impl Server {
    /// A connection for a request, and whether others have used it before.
    async fn sender(
        &self,
        client: &Client,
        request: &Request,
        wanted: Wanted,
    ) -> Result<(Sender, bool), ClientError> {
        let limit = request.connect_timeout;
        match timeout(limit, self.found_or_made(client, request, wanted)).await {
            Ok(sender) => sender,
            Err(_) => {
                let whom = match &self.proxy {
                    Some(proxy) => format!("the proxy {}", proxy.authority()),
                    None => request.url.authority(),
                };
                Err(ClientError::ConnectTimeout(limit.as_millis(), whom))
            }
        }
    }

    async fn found_or_made(
        &self,
        client: &Client,
        request: &Request,
        wanted: Wanted,
    ) -> Result<(Sender, bool), ClientError> {
        let mut waits_for_others = self.configuration.is_some();
        let opening = loop {
            if let Some(mut sender) = client.pool.take(&self.key, wanted) {
                if sender.ready().await.is_ok() {
                    return Ok((sender, true));
                }
                continue;
            }
            if !waits_for_others {
                break None;
            }
            match client.pool.turn(&self.key) {
                Turn::Each => break None,
                Turn::Own(opening) => break Some(opening),
                Turn::Others(mut ended) => {
                    // Nobody waits twice for one who cannot share. Who gives up leaves it to the next.
                    let has_tried = ended.changed().await.is_ok();
                    waits_for_others = !has_tried || *ended.borrow();
                }
            }
        };
        let made = self.make(request).await;
        if let Ok(sender) = &made {
            client.pool.share(&self.key, sender);
        }
        if let Some(opening) = opening {
            opening.ends(&made);
        }
        Ok((made?, false))
    }

    async fn make(&self, request: &Request) -> Result<Sender, ClientError> {
        let configuration = self.configuration.clone();
        let is_secure = configuration.is_some();
        let connecting = connect(&request.url, self.proxy.as_ref(), configuration, is_secure);
        converse(connecting.await?).await.map_err(ClientError::Http)
    }
}

/// Whether requests of a method have a body: one that has none says so (RFC 9110, 8.6).
fn may_have_body(method: &Method) -> bool {
    matches!(method.as_str(), "POST" | "PUT" | "PATCH" | "QUERY")
}

async fn send_on(
    sender: &mut Sender,
    request: &mut Request,
    is_to_proxy: bool,
) -> Result<Response<Body>, ClientError> {
    // In HTTP/2 the address is in one piece, and says for whom the request is.
    let mut headers = request.headers.clone();
    let target = if sender.speaks_2() {
        let host = headers.remove(header::HOST);
        match host.as_ref().and_then(|host| host.to_str().ok()) {
            Some(host) => {
                // One with a slash would change the path.
                let host: Authority = host.parse()?;
                let Url { scheme, target, .. } = &request.url;
                format!("{}://{host}{target}", scheme.name())
            }
            None => request.url.text(),
        }
    } else if is_to_proxy {
        request.url.text()
    } else {
        request.url.target.clone()
    };
    if !sender.speaks_2()
        && !headers.contains_key(header::HOST)
        && let Ok(host) = HeaderValue::try_from(request.url.authority())
    {
        headers.insert(header::HOST, host);
    }
    let body = std::mem::replace(&mut request.body, Payload::empty());
    match &body {
        Payload::Bytes(bytes) if bytes.is_empty() && may_have_body(&request.method) => {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        // Of methods that have mostly none it would be left out.
        Payload::Outgoing(_) if !sender.speaks_2() => {
            let chunked = HeaderValue::from_static("chunked");
            headers.insert(header::TRANSFER_ENCODING, chunked);
        }
        _ => {}
    }
    let misfit = match &body {
        Payload::Declared(declared) => Some(declared.misfit()),
        _ => None,
    };
    let mut message = hyper::Request::new(body);
    *message.method_mut() = request.method.clone();
    *message.uri_mut() = target.parse::<Uri>()?;
    *message.headers_mut() = headers;
    sender.send_request(message).await.map_err(|error| {
        match misfit.and_then(|misfit| misfit.get().copied()) {
            Some(misfit) => ClientError::Body(misfit),
            None => ClientError::Http(error),
        }
    })
}

/// What the program gets of a response.
async fn answer(
    response: Response<Body>,
    request: &Request,
    keep: Keep,
) -> Result<Answer, ClientError> {
    let (mut head, body) = response.into_parts();
    let is_compressed = request.decompress && is_gzip(&head.headers);
    if is_compressed {
        // They describe what came through the wire.
        head.headers.remove(header::CONTENT_ENCODING);
        head.headers.remove(header::CONTENT_LENGTH);
    }
    let content = match request.form {
        Form::Stream => Content::Stream(decode::stream(body, is_compressed, keep)),
        Form::Fitting | Form::Text | Form::Bytes => {
            let whole = decode::whole(body, is_compressed, request.most, &request.budget, keep);
            Content::Bytes(whole.await?)
        }
    };
    Ok(Answer {
        status: head.status.as_u16(),
        headers: head.headers,
        content,
    })
}

fn is_gzip(headers: &HeaderMap) -> bool {
    let encoding = headers.get(header::CONTENT_ENCODING);
    encoding.is_some_and(|value| {
        value.as_bytes().eq_ignore_ascii_case(b"gzip")
            || value.as_bytes().eq_ignore_ascii_case(b"x-gzip")
    })
}

/// Whether a field of comma-separated words has this word.
pub fn has_word(headers: &HeaderMap, name: header::HeaderName, word: &str) -> bool {
    let values = headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .any(|found| found.trim().eq_ignore_ascii_case(word))
}

/// Names and values of header fields. Those of one name are joined: `set-cookie` by line feeds, others by commas.
pub fn fields(headers: &HeaderMap) -> impl Iterator<Item = (&str, Cow<'_, [u8]>)> {
    // Values of one name follow each other.
    let mut rest = headers.iter().peekable();
    std::iter::from_fn(move || {
        let (name, value) = rest.next()?;
        let mut joined = Cow::Borrowed(value.as_bytes());
        while let Some((_, value)) = rest.next_if(|(next, _)| *next == name) {
            let separator: &[u8] = match *name {
                header::SET_COOKIE => b"\n",
                // In HTTP/2 each may have a field of its own (RFC 9113, 8.2.3).
                header::COOKIE => b"; ",
                _ => b", ",
            };
            let joined = joined.to_mut();
            joined.extend_from_slice(separator);
            joined.extend_from_slice(value.as_bytes());
        }
        Some((name.as_str(), joined))
    })
}
