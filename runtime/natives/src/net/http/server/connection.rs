//! One connection of a server, from its first byte to its end.
//!
//! The library that speaks HTTP keeps a buffer of 8 KB and more for each connection. So it gets a connection when there is something to
//! read, and gives it back when it has been quiet for [`QUIET`]: until the next byte comes, a connection is a socket and a task that waits.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::Bytes;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use sema_machine::platform::peer::{self, Peer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;

use super::handle::{MOST_RUNNING, handle};
use super::workers::Place;
use super::{Phase, Server};
use crate::net::http::client::connect::{Connection, Io};
use crate::net::http::engine::pulse::Pulse;
use crate::net::http::engine::race::{First, race};
use crate::net::http::engine::work::Works;
use crate::net::http::tls::HTTP_2;

/// How long nothing must be said until a connection is quiet. A connection of HTTP/1 is looked at so long after a request has come, whatever happens at it.
pub const QUIET: Duration = Duration::from_millis(200);

/// How long a server that ends waits for the rest of a head.
const LAST_HEAD: Duration = Duration::from_secs(1);

/// How long no look need be taken at a connection on which nothing changes.
const RARE: Duration = Duration::from_secs(1);

/// How long a client that sends nothing more is waited on with its answer: most of those have left, a few close half of their connection.
const HALF_CLOSED: Duration = Duration::from_secs(5);

/// How long what is still sent to a connection that has been refused is read and thrown away, and how long nothing of it may come.
const LINGERING: Duration = Duration::from_secs(30);
const SILENCE: Duration = Duration::from_secs(2);

/// With what a connection of HTTP/2 begins (RFC 9113, 3.4), as far as nothing else begins so.
const PREFACE: [u8; 16] = *b"PRI * HTTP/2.0\r\n";

/// Bytes that are copied to be written in one part.
const SMALL: usize = 1 << 10;

/// Puts parts together if there is room; how long the whole is.
fn join(parts: &[io::IoSlice<'_>], room: &mut [u8]) -> Option<usize> {
    let mut length = 0;
    for part in parts {
        let end = length + part.len();
        room.get_mut(length..end)?.copy_from_slice(part);
        length = end;
    }
    Some(length)
}

/// A connection whose use is noted.
struct Watched {
    io: Connection,
    pulse: Arc<Pulse>,
    /// What has been read already.
    ahead: Bytes,
    /// Whether all that is written is of answers.
    writes_answers: bool,
    /// What the client had not acknowledged when it was looked at last.
    unsent: Option<usize>,
}

impl Io for Watched {
    fn tcp(&self) -> Option<&TcpStream> {
        self.io.tcp()
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.ahead.is_empty() {
            let length = self.ahead.len().min(buffer.remaining());
            buffer.put_slice(&self.ahead.split_to(length));
            self.pulse.read();
            return Poll::Ready(Ok(()));
        }
        let read = ready!(Pin::new(&mut self.io).poll_read(context, buffer));
        self.pulse.read();
        Poll::Ready(read)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(context, bytes);
        self.wrote(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // For the system one part is less work than several, and head and body of most answers fit into one.
        let mut whole = [0; SMALL];
        if let Some(length) = join(parts, &mut whole) {
            let whole = whole.get(..length).unwrap_or_default();
            return self.poll_write(context, whole);
        }
        let written = Pin::new(&mut self.io).poll_write_vectored(context, parts);
        self.wrote(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.io).poll_flush(context);
        // It is asked for at every opportunity, and need not mean anything.
        self.pulse.hold_up(flushed.is_pending());
        self.pulse
            .look(|| self.io.tcp().map_or(Peer::Speaks, peer::look));
        if flushed.is_pending() {
            self.look_at_client();
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

impl Watched {
    /// Writing has to wait for the client: whether that has taken something meanwhile. The system lets write again only when much of
    /// what it keeps for the client is gone.
    fn look_at_client(&mut self) {
        let now = self.io.tcp().and_then(peer::unsent);
        if std::mem::replace(&mut self.unsent, now) > now {
            self.pulse.take();
        }
    }

    fn wrote(&mut self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        self.pulse.wrote(written.is_pending());
        if written.is_pending() {
            self.look_at_client();
        } else {
            self.unsent = None;
        }
        if self.writes_answers && written.is_ready() {
            self.pulse.take();
        }
        written
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if self.pulse.is_broken()
            && let Some(tcp) = self.io.tcp()
        {
            // Without it the peer takes the end of the connection for that of the answer. If the system refuses, nothing is left to do.
            let _ = tcp.set_zero_linger();
        }
    }
}

/// Since when a client takes nothing of what it could take.
struct Stuck {
    taken: u32,
    since: Option<Instant>,
}

impl Stuck {
    fn new(pulse: &Pulse) -> Stuck {
        Stuck {
            taken: pulse.taken(),
            since: None,
        }
    }

    /// Whether it does so for longer than this, as far as looks from time to time can tell: it begins with the first that finds something
    /// ready to be taken.
    fn lasts(&mut self, pulse: &Pulse, limit: Duration) -> bool {
        let now = pulse.taken();
        if std::mem::replace(&mut self.taken, now) != now || !pulse.is_stuck() {
            self.since = None;
            return false;
        }
        self.since.get_or_insert_with(Instant::now).elapsed() >= limit
    }
}

/// Since when a client is at the head of a request.
///
/// The library would set a timer for each head, and take it back a moment later.
struct Heading {
    begun: u32,
    since: Instant,
}

impl Heading {
    fn new(pulse: &Pulse) -> Heading {
        Heading {
            begun: pulse.begun(),
            since: Instant::now(),
        }
    }

    /// Whether it takes longer than this.
    fn lasts(&mut self, pulse: &Pulse, limit: Duration) -> bool {
        let now = pulse.begun();
        if std::mem::replace(&mut self.begun, now) != now || !pulse.is_expecting() {
            self.since = Instant::now();
        }
        self.since.elapsed() >= limit
    }
}

/// Whether a client is gone whose requests handlers are at.
#[derive(Default)]
struct Gone {
    /// Since when it sends nothing more.
    since: Option<Instant>,
}

impl Gone {
    /// Whether it is, as far as is known since the last look. It will be looked at again.
    fn is_so(&mut self, pulse: &Pulse) -> bool {
        let peer = if pulse.is_busy() {
            pulse.peer()
        } else {
            Peer::Speaks
        };
        pulse.ask();
        match peer {
            Peer::Speaks => self.since = None,
            Peer::IsDone => {
                let since = *self.since.get_or_insert_with(Instant::now);
                return since.elapsed() >= HALF_CLOSED;
            }
            Peer::IsGone => {}
        }
        peer == Peer::IsGone
    }
}

/// How a stretch of HTTP has ended.
enum Stretch {
    /// With the connection.
    Over,
    /// The connection is quiet.
    Quiet {
        /// It.
        io: Connection,
        /// What has been read of it already.
        ahead: Bytes,
        /// Whether anything has been said on it.
        was_used: bool,
    },
}

/// Speaks with one client until one of both has enough.
pub async fn converse(
    server: &Arc<Server>,
    place: &Arc<Place>,
    stream: TcpStream,
    peer: SocketAddr,
) {
    // Small answers are not held back. A connection that cannot be told so is gone.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let limit = server.settings.head_time;
    let mut until = Instant::now() + limit;
    // As a text, once: every request says whom it is from.
    // An address of IPv4 is one also behind a socket of IPv6.
    let peer: Arc<str> = peer.ip().to_canonical().to_string().into();
    let mut io: Connection = Box::new(stream);
    // Whoever knows that the server speaks HTTP/2 begins with it (RFC 9113, 3.3). No method of HTTP/1 is called so.
    let Some(begin) = first_bytes(server, &mut io, until).await else {
        return;
    };
    let mut speaks_2 = begin.len() >= b"PRI".len() && PREFACE.starts_with(&begin);
    if let Some(configuration) = &server.settings.tls {
        let accepting = TlsAcceptor::from(configuration.clone()).accept(io);
        match Box::pin(timeout(limit, accepting)).await {
            Ok(Ok(stream)) => {
                speaks_2 = stream.get_ref().1.alpn_protocol() == Some(HTTP_2);
                io = Box::new(stream);
            }
            _ => return,
        }
    }
    if speaks_2 {
        return Box::pin(speak_2(server, place, io, &peer)).await;
    }
    let mut ahead = Bytes::new();
    loop {
        match Box::pin(stretch(server, place, io, ahead, &peer)).await {
            Stretch::Over => return,
            Stretch::Quiet {
                io: quiet,
                ahead: read,
                was_used,
            } => {
                (io, ahead) = (quiet, read);
                // Bytes of TLS that are no part of a request yet give no new time.
                if was_used {
                    until = Instant::now() + limit.saturating_sub(QUIET);
                }
            }
        }
        if ahead.is_empty() && first_bytes(server, &mut io, until).await.is_none() {
            return;
        }
    }
}

/// Speaks HTTP/2 until the connection ends, or nothing has been said on it for as long as one may be idle.
async fn speak_2(server: &Arc<Server>, place: &Arc<Place>, io: Connection, peer: &Arc<str>) {
    let settings = &server.settings;
    let pulse = Arc::new(Pulse::default());
    let (own, known) = (server.clone(), pulse.clone());
    let (place, peer) = (place.clone(), peer.clone());
    let service = service_fn(move |request| {
        let busy = known.begin();
        handle(
            own.clone(),
            place.clone(),
            Box::new(request),
            peer.clone(),
            busy,
        )
    });
    let io: Connection = Box::new(Watched {
        io,
        pulse: pulse.clone(),
        ahead: Bytes::new(),
        writes_answers: false,
        unsent: None,
    });
    // Bodies that are streams may lie where they are for long: each is to leave room for others on the connection.
    let window = match settings.streams {
        true => 8 << 20,
        false => 1 << 20,
    };
    let connection = http2::Builder::new(Works)
        .timer(TokioTimer::new())
        .initial_connection_window_size(window)
        .max_header_list_size(u32::try_from(settings.most_head).unwrap_or(u32::MAX))
        .max_concurrent_streams(MOST_RUNNING as u32)
        .serve_connection(TokioIo::new(io), service);
    let mut connection = pin!(connection);
    let mut stuck = Stuck::new(&pulse);
    loop {
        let begun = pulse.begun();
        let look = sleep(settings.head_time.min(settings.send_time / 2));
        let ending = race(look, server.reached(Phase::Stopping));
        match race(connection.as_mut(), ending).await {
            First::One(_) => return,
            First::Other(First::One(())) if stuck.lasts(&pulse, settings.send_time) => {
                pulse.break_off();
                return;
            }
            // Requests may be under way without a word for longer than that.
            First::Other(First::One(())) if pulse.begun() != begun || pulse.is_busy() => {}
            First::Other(_) => break,
        }
    }
    connection.as_mut().graceful_shutdown();
    // The client has time to say that it has understood, also where nothing is under way.
    let limit = match *server.phase.borrow() < Phase::Stopping {
        true => settings.head_time,
        false => LAST_HEAD,
    };
    let mut closing = pin!(race(connection, server.reached(Phase::Closed)));
    while timeout(limit, closing.as_mut()).await.is_err() && pulse.is_busy() {}
}

/// Waits until there is something to read: what, as far as it is of interest, which stays to be read. `None` if nothing comes before the time
/// is over or the server ends.
async fn first_bytes(server: &Server, io: &mut Connection, until: Instant) -> Option<Vec<u8>> {
    let mut bytes = [0; PREFACE.len()];
    // That it can be read is not enough: sockets say so at first whether or not.
    let coming = timeout_at(until, io.tcp()?.peek(&mut bytes));
    match race(coming, server.reached(Phase::Stopping)).await {
        First::One(Ok(Ok(length))) if length > 0 => bytes.get(..length).map(<[u8]>::to_vec),
        _ => None,
    }
}

/// Ends a connection whose client may still be sending, so that it sees what it was told.
async fn linger(mut io: Connection) {
    let reading = async {
        // The client may be gone.
        let _ = io.shutdown().await;
        let mut room = vec![0; 16 << 10];
        while let Ok(Ok(1..)) = timeout(SILENCE, io.read(&mut room)).await {}
    };
    let _ = timeout(LINGERING, reading).await;
}

/// Speaks HTTP until the connection ends or is quiet.
async fn stretch(
    server: &Arc<Server>,
    place: &Arc<Place>,
    io: Connection,
    ahead: Bytes,
    peer: &Arc<str>,
) -> Stretch {
    let settings = &server.settings;
    let pulse = Arc::new(Pulse::default());
    let service = service_fn(|request| {
        let busy = pulse.begin();
        handle(
            server.clone(),
            place.clone(),
            Box::new(request),
            peer.clone(),
            busy,
        )
    });
    let io: Connection = Box::new(Watched {
        io,
        pulse: pulse.clone(),
        ahead,
        writes_answers: true,
        unsent: None,
    });
    let connection = http1::Builder::new()
        .header_read_timeout(None)
        .max_buf_size(settings.most_head)
        .half_close(true)
        .serve_connection(TokioIo::new(io), service);
    let mut connection = connection.with_upgrades();
    {
        let mut stopping = pin!(server.reached(Phase::Stopping));
        let shortest = QUIET.min(settings.head_time);
        let mut interval = shortest;
        let mut look = pin!(sleep(interval));
        let mut beats = pulse.beats();
        let mut stuck = Stuck::new(&pulse);
        let mut heading = Heading::new(&pulse);
        let mut gone = Gone::default();
        // Both wake this task. They are asked again only if there is news, as the connection is asked twice for each request.
        let mut is_first = true;
        let is_stopping = std::future::poll_fn(|context| {
            // What goes wrong with a connection ends it, and is nobody else's matter.
            if let Poll::Ready(ended) = Pin::new(&mut connection).poll(context) {
                if ended.is_err_and(|error| error.is_parse()) {
                    pulse.linger();
                }
                return Poll::Ready(None);
            }
            let is_first = std::mem::take(&mut is_first);
            if (is_first || *server.phase.borrow() >= Phase::Stopping)
                && stopping.as_mut().poll(context).is_ready()
            {
                return Poll::Ready(Some(true));
            }
            if !is_first && !look.is_elapsed() {
                return Poll::Pending;
            }
            while look.as_mut().poll(context).is_ready() {
                let now = pulse.beats();
                let is_still = std::mem::replace(&mut beats, now) == now;
                if is_still && pulse.is_quiet() {
                    return Poll::Ready(Some(false));
                }
                // Handlers that wait for long do not need many looks.
                interval = match is_still && pulse.is_busy() {
                    true => (2 * interval)
                        .min(RARE)
                        .min(settings.send_time / 2)
                        .max(shortest),
                    false => shortest,
                };
                if stuck.lasts(&pulse, settings.send_time) {
                    pulse.break_off();
                    return Poll::Ready(None);
                }
                if heading.lasts(&pulse, settings.head_time) || gone.is_so(&pulse) {
                    return Poll::Ready(None);
                }
                look.as_mut().reset(Instant::now() + interval);
            }
            Poll::Pending
        });
        match is_stopping.await {
            None => {
                if pulse.lingers()
                    && let Some(parts) = connection.into_parts()
                {
                    linger(parts.io.into_inner()).await;
                }
                return Stretch::Over;
            }
            Some(true) => {}
            Some(false) => {
                return match connection.into_parts() {
                    Some(parts) => {
                        // Also a part of a buffer that is empty keeps the buffer.
                        let read = Some(parts.read_buf).filter(|read| !read.is_empty());
                        Stretch::Quiet {
                            io: parts.io.into_inner(),
                            ahead: read.unwrap_or_default(),
                            was_used: beats > 0,
                        }
                    }
                    // It has become a WebSocket.
                    None => Stretch::Over,
                };
            }
        }
    }
    Pin::new(&mut connection).graceful_shutdown();
    let mut ending = pin!(race(connection, server.reached(Phase::Closed)));
    // A request that is on its way is still answered, but half a head may stay one.
    let soon = timeout(LAST_HEAD, ending.as_mut()).await;
    if soon.is_err() && pulse.is_busy() {
        let _ = ending.await;
    }
    Stretch::Over
}
