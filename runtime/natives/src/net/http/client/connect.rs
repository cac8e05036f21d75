//! Connections to servers: addresses, proxies, TLS.

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::client::conn::http1::SendRequest;
use hyper::client::conn::http2;
use hyper::http::{HeaderValue, Method, Request, header};
use hyper::upgrade::Upgraded;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::sleep;
use tokio_rustls::TlsConnector;

use super::life::{Heard, Life, PING};
use super::pool::{MOST_SHARING, Sender};
use super::unheard::Unheard;
use crate::net::http::engine::body::Payload;
use crate::net::http::engine::race::{First, race};
use crate::net::http::engine::work::{Works, spawn};
use crate::net::http::tls::{HTTP_2, words};
use crate::net::http::url::Url;

/// How long one address may take before the next is tried as well (RFC 8305, 5).
const NEXT_ADDRESS: Duration = Duration::from_millis(250);
/// Bytes of an answer over HTTP/2 that may lie here before the program reads them.
const WINDOW: u32 = 1 << 20;

/// Bytes in both directions. One type, so that what speaks HTTP is compiled once.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {
    /// What carries them at last, if that is a connection of this process.
    fn tcp(&self) -> Option<&TcpStream> {
        None
    }
}

impl Io for TcpStream {
    fn tcp(&self) -> Option<&TcpStream> {
        Some(self)
    }
}

impl Io for tokio_rustls::client::TlsStream<Connection> {}

impl Io for tokio_rustls::server::TlsStream<Connection> {
    fn tcp(&self) -> Option<&TcpStream> {
        self.get_ref().0.tcp()
    }
}

impl Io for TokioIo<Upgraded> {}

impl Io for Unheard {}

/// A connection of any kind.
pub type Connection = Box<dyn Io>;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The host's name is unknown.
    #[error("no address of {0}: {1}")]
    Address(String, io::Error),
    /// No address answers.
    #[error("{0}")]
    Tcp(io::Error),
    /// The proxy cannot be reached.
    #[error("the proxy {0}: {1}")]
    ToProxy(String, Box<ConnectError>),
    /// The server is not who it should be, or TLS fails otherwise.
    #[error("TLS: {}", words::of_connection(.0))]
    Tls(io::Error),
    /// The host is neither a name nor a number.
    #[error("TLS: {0} is not a name that a certificate can have")]
    Name(String),
    /// The proxy has another answer than 2xx.
    #[error("the proxy {0} answers {1}")]
    Refused(String, u16),
    /// The proxy does not speak HTTP.
    #[error("the proxy {0}: {1}")]
    Proxy(String, hyper::Error),
}

/// Connects to the first address that answers, IPv6 and IPv4 in turn.
async fn tcp(host: &str, port: u16) -> Result<TcpStream, ConnectError> {
    let found = lookup_host((host, port)).await;
    let found = found.map_err(|error| ConnectError::Address(host.to_owned(), error))?;
    let (six, four): (Vec<SocketAddr>, Vec<SocketAddr>) = found.partition(SocketAddr::is_ipv6);
    let mut addresses = Vec::with_capacity(six.len() + four.len());
    let (mut six, mut four) = (six.into_iter(), four.into_iter());
    loop {
        let pair = [six.next(), four.next()];
        if pair == [None, None] {
            break;
        }
        addresses.extend(pair.into_iter().flatten());
    }
    let mut attempts: Vec<Attempt> = Vec::new();
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    let mut rest = addresses.into_iter();
    loop {
        let next = rest.next();
        let is_last = next.is_none();
        if let Some(address) = next {
            attempts.push(Box::pin(TcpStream::connect(address)));
        }
        let ended = if is_last {
            first(&mut attempts).await
        } else {
            match race(first(&mut attempts), sleep(NEXT_ADDRESS)).await {
                First::Other(()) => continue,
                First::One(ended) => ended,
            }
        };
        match ended {
            Some(Ok(stream)) => {
                stream.set_nodelay(true).map_err(ConnectError::Tcp)?;
                return Ok(stream);
            }
            Some(Err(error)) => last = error,
            None if is_last => return Err(ConnectError::Tcp(last)),
            None => {}
        }
    }
}

/// A connection that may come about. Dropping it gives that up.
type Attempt = Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send>>;

/// What the attempt that ends first gives; none if there are none.
async fn first(attempts: &mut Vec<Attempt>) -> Option<io::Result<TcpStream>> {
    poll_fn(|context| {
        for (at, attempt) in attempts.iter_mut().enumerate() {
            if let Poll::Ready(ended) = attempt.as_mut().poll(context) {
                drop(attempts.swap_remove(at));
                return Poll::Ready(Some(ended));
            }
        }
        if attempts.is_empty() {
            return Poll::Ready(None);
        }
        Poll::Pending
    })
    .await
}

/// A connection to a server.
pub struct Connected {
    /// The connection.
    pub io: Connection,
    /// Whether both have agreed on HTTP/2.
    pub speaks_2: bool,
}

/// Speaks TLS on a connection.
async fn secured(
    io: Connection,
    host: &str,
    configuration: Arc<ClientConfig>,
) -> Result<Connected, ConnectError> {
    let name = ServerName::try_from(host.to_owned());
    let name = name.map_err(|_| ConnectError::Name(host.to_owned()))?;
    let stream = TlsConnector::from(configuration).connect(name, io).await;
    let stream = stream.map_err(ConnectError::Tls)?;
    let speaks_2 = stream.get_ref().1.alpn_protocol() == Some(HTTP_2);
    Ok(Connected {
        io: Box::new(stream),
        speaks_2,
    })
}

/// The field by which a user appears.
pub fn basic(user: &str, password: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(format!(
        "Basic {}",
        STANDARD.encode(format!("{user}:{password}"))
    ))
    .ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Starts to speak HTTP on a connection, in the version that was agreed on.
pub async fn converse(connected: Connected) -> Result<Sender, hyper::Error> {
    if !connected.speaks_2 {
        let io: Connection = Box::new(Unheard::new(connected.io));
        return Ok(Sender::One(speak(io).await?));
    }
    let life = Arc::<Life>::default();
    let (sender, connection) = http2::Builder::new(Works)
        .timer(TokioTimer::new())
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING)
        // Streams that the program does not read are to leave room for all the others.
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(MOST_SHARING as u32 * WINDOW)
        .handshake(TokioIo::new(Heard::new(connected.io, &life)))
        .await?;
    spawn(async move {
        // Its error is also that of the requests on it.
        let _ = connection.await;
    });
    Ok(Sender::Two(sender, life))
}

/// Starts to speak HTTP/1.1 on a connection.
pub async fn speak(io: Connection) -> Result<SendRequest<Payload>, hyper::Error> {
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(io)).await?;
    spawn(async move {
        // Its error is also that of the request on it.
        let _ = connection.with_upgrades().await;
    });
    Ok(sender)
}

/// Lets a proxy connect to the server.
async fn tunnel(io: Connection, proxy: &Url, url: &Url) -> Result<Connection, ConnectError> {
    let failed = |error| ConnectError::Proxy(proxy.authority(), error);
    let mut sender = speak(io).await.map_err(failed)?;
    let mut request = Request::new(Payload::empty());
    *request.method_mut() = Method::CONNECT;
    let target = url.host_and_port();
    if let Ok(uri) = target.parse() {
        *request.uri_mut() = uri;
    }
    if let Ok(host) = HeaderValue::try_from(target) {
        request.headers_mut().insert(header::HOST, host);
    }
    if let Some(value) = proxy
        .user
        .as_ref()
        .and_then(|(user, password)| basic(user, password))
    {
        request
            .headers_mut()
            .insert(header::PROXY_AUTHORIZATION, value);
    }
    let answer = sender.send_request(request).await.map_err(failed)?;
    if !answer.status().is_success() {
        return Err(ConnectError::Refused(
            proxy.authority(),
            answer.status().as_u16(),
        ));
    }
    let upgraded = hyper::upgrade::on(answer).await.map_err(failed)?;
    Ok(Box::new(TokioIo::new(upgraded)))
}

/// Connects to the server of an address, through a proxy if there is one. Plain requests go to a proxy as they are: the
/// connection is to the proxy then.
///
/// # Errors
/// Why there is none.
pub async fn connect(
    url: &Url,
    proxy: Option<&Url>,
    configuration: Option<Arc<ClientConfig>>,
    tunnelled: bool,
) -> Result<Connected, ConnectError> {
    let first = proxy.unwrap_or(url);
    let io = tcp(&first.host, first.port).await;
    let mut io: Connection = Box::new(match proxy {
        None => io?,
        Some(proxy) => {
            io.map_err(|error| ConnectError::ToProxy(proxy.authority(), Box::new(error)))?
        }
    });
    if let (Some(proxy), true) = (proxy, tunnelled) {
        io = tunnel(io, proxy, url).await?;
    }
    match configuration {
        Some(configuration) => secured(io, &url.host, configuration).await,
        None => Ok(Connected {
            io,
            speaks_2: false,
        }),
    }
}
