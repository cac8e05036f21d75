//! The opening of connections (RFC 6455, 4).

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use tokio::time::{sleep, timeout};

use super::frame::Closing;
use super::socket::Socket;
use crate::core::system::device::lock;
use crate::net::http::client::Client;
use crate::net::http::client::connect::{ConnectError, basic, connect, speak};
use crate::net::http::client::exchange::has_word;
use crate::net::http::engine::body::Payload;
use crate::net::http::engine::budget::Budget;
use crate::net::http::engine::race::race;
use crate::net::http::engine::work::spawn;
use crate::net::http::server::Phase;
use crate::net::http::server::respond::UNSEEN;
use crate::net::http::server::respond::Upgraded;
use crate::net::http::tls::{HTTP_1, TlsError, Trust};
use crate::net::http::url::Url;

/// What the answer to a key is made with.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// Longest time between two attempts.
const LONGEST_BACKOFF: Duration = Duration::from_secs(60);

/// The connection that is wanted.
pub struct Wanted {
    /// Where to.
    pub url: Url,
    /// Further header fields.
    pub headers: HeaderMap,
    /// The protocols that are offered.
    pub protocols: Vec<String>,
    /// How long the opening may take.
    pub timeout: Duration,
    /// How often it is tried again.
    pub retries: usize,
    /// How long after the first failure; doubled each time.
    pub backoff: Duration,
    /// Most bytes of a message.
    pub most: usize,
    /// What the engine may keep of messages.
    pub budget: Arc<Budget>,
    /// Whom to trust.
    pub trust: Trust,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// TLS cannot be set up.
    #[error("TLS: {0}")]
    Tls(#[from] TlsError),
    /// The peer does not speak HTTP.
    #[error(transparent)]
    Http(#[from] hyper::Error),
    /// The address cannot be requested.
    #[error("the address: {0}")]
    Uri(#[from] hyper::http::uri::InvalidUri),
    /// A header field has characters that it must not have.
    #[error("a header field: {0}")]
    Header(#[from] header::InvalidHeaderValue),
    /// The server does not want a WebSocket.
    #[error("the server answers {0}")]
    Status(u16),
    /// What the server says is not what RFC 6455 wants.
    #[error("the server does not answer as a WebSocket does")]
    Answer,
    /// No answer in time.
    #[error("no connection within {0} ms")]
    Timeout(u128),
    /// The system has no random bytes.
    #[error("no random bytes: {0}")]
    Random(getrandom::Error),
}

/// What a server answers to a key.
pub fn answer_to(key: &str) -> String {
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, format!("{key}{GUID}").as_bytes());
    STANDARD.encode(hash)
}

/// Opens a connection, as often as wanted.
pub async fn open(client: Arc<Client>, wanted: Wanted) -> Result<Arc<Socket>, OpenError> {
    let mut backoff = wanted.backoff;
    for _ in 0..wanted.retries {
        match attempt(&client, &wanted).await {
            Ok(socket) => return Ok(socket),
            Err(_) => sleep(backoff).await,
        }
        backoff = (2 * backoff).min(LONGEST_BACKOFF);
    }
    attempt(&client, &wanted).await
}

async fn attempt(client: &Arc<Client>, wanted: &Wanted) -> Result<Arc<Socket>, OpenError> {
    match timeout(wanted.timeout, greet(client, wanted)).await {
        Ok(opened) => opened,
        Err(_) => Err(OpenError::Timeout(wanted.timeout.as_millis())),
    }
}

async fn greet(client: &Arc<Client>, wanted: &Wanted) -> Result<Arc<Socket>, OpenError> {
    let url = &wanted.url;
    let configuration = if url.scheme.is_secure() {
        let mut configuration = (*client.configuration(&wanted.trust)?.1).clone();
        configuration.alpn_protocols = vec![HTTP_1.to_vec()];
        Some(Arc::new(configuration))
    } else {
        None
    };
    let io = connect(url, None, configuration, false).await?.io;
    let mut sender = speak(io).await?;
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(OpenError::Random)?;
    let key = STANDARD.encode(nonce);
    let mut request = Request::new(Payload::empty());
    *request.uri_mut() = url.target.parse()?;
    let headers = request.headers_mut();
    headers.extend(wanted.headers.clone());
    headers.insert(header::HOST, HeaderValue::try_from(url.authority())?);
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(
        header::SEC_WEBSOCKET_VERSION,
        HeaderValue::from_static("13"),
    );
    headers.insert(header::SEC_WEBSOCKET_KEY, HeaderValue::try_from(&key)?);
    if !wanted.protocols.is_empty() {
        let protocols = HeaderValue::try_from(wanted.protocols.join(", "))?;
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, protocols);
    }
    if let Some(value) = url
        .user
        .as_ref()
        .and_then(|(user, password)| basic(user, password))
    {
        headers.entry(header::AUTHORIZATION).or_insert(value);
    }
    let answer = sender.send_request(request).await?;
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(OpenError::Status(answer.status().as_u16()));
    }
    let text = |name| {
        answer
            .headers()
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    let is_right = text(header::SEC_WEBSOCKET_ACCEPT) == Some(answer_to(&key).as_str())
        && text(header::UPGRADE).is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
        && has_word(answer.headers(), header::CONNECTION, "upgrade")
        && text(header::SEC_WEBSOCKET_EXTENSIONS).is_none();
    let protocol = text(header::SEC_WEBSOCKET_PROTOCOL).map(str::to_owned);
    // Only one that was offered may be chosen.
    let is_offered = protocol
        .as_ref()
        .is_none_or(|protocol| wanted.protocols.contains(protocol));
    if !is_right || !is_offered {
        return Err(OpenError::Answer);
    }
    let upgraded = hyper::upgrade::on(answer).await?;
    Ok(begin(upgraded, protocol, wanted.most, &wanted.budget))
}

fn begin(
    upgraded: hyper::upgrade::Upgraded,
    protocol: Option<String>,
    most: usize,
    budget: &Arc<Budget>,
) -> Arc<Socket> {
    let socket = Socket::new(true, protocol, budget);
    spawn(
        socket
            .clone()
            .converse(Box::new(TokioIo::new(upgraded)), most),
    );
    socket
}

/// The connection of a client whose request has been accepted. It ends with the server. A function that does not see the end is stopped soon after it.
pub async fn accepted(
    upgraded: Upgraded,
    protocol: Option<String>,
    most: usize,
) -> Result<Arc<Socket>, hyper::Error> {
    let Upgraded {
        connection,
        server,
        place,
        handler,
    } = upgraded;
    let io = Box::new(TokioIo::new(connection.await?));
    let socket = Socket::new(false, protocol, &place.guest.0.engine.budget);
    let own = socket.clone();
    spawn(async move {
        let conversing = own.clone().converse(io, most);
        let ending = async {
            server.reached(Phase::Stopping).await;
            // It goes away (RFC 6455, 7.4.1).
            own.end(&Closing::new(1001, ""));
            server.reached(Phase::Closed).await;
        };
        race(conversing, ending).await;
        own.break_off();
        let seat = place.guest.0.clone();
        drop(place);
        sleep(UNSEEN).await;
        // Who only sends, and waits for something to send, would wait on and on.
        if !lock(&own.state).is_noticed {
            seat.queue.stop(handler);
        }
    });
    Ok(socket)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_answer_is_that_of_the_specification() {
        let answer = super::answer_to("dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(answer, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}
