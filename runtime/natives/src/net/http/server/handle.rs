//! What the engine does with a request: checks, the body, the wait for the answer.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::body::{Body as _, Bytes, Incoming as Received};
use hyper::http::uri::PathAndQuery;
use hyper::http::{HeaderMap, HeaderValue, StatusCode, Version, header};
use hyper::{Request, Response};
use tokio::time::{Instant, sleep_until, timeout};

use super::carried::{Carried, Framing};
use super::connection::QUIET;
use super::exchange::{self, Body, Handler, Responder, Upgrade};
use super::files::Conditions;
use super::settings::LONGEST;
use super::workers::{Place, Seat};
use super::{Phase, Server, first};
use crate::net::http::client::decode::part;
use crate::net::http::client::exchange::has_word;
use crate::net::http::engine::body::Payload;
use crate::net::http::engine::budget::{Budget, Gathering, Held};
use crate::net::http::engine::incoming::{Incoming, incoming};
use crate::net::http::engine::limit::within;
use crate::net::http::engine::parcel::parcel;
use crate::net::http::engine::pulse::{Busy, Receiving};
use crate::net::http::engine::race::{First, race};
use crate::net::http::engine::work::spawn;

/// Most requests of one connection that handlers are at.
pub const MOST_RUNNING: usize = 128;
/// How long a body that nobody wants is read.
const UNWANTED: Duration = Duration::from_secs(2);
/// From how many bytes on a head is counted while its body comes.
const LARGE_HEAD: usize = 2 << 10;
/// What of a request is reported, in bytes.
const LONGEST_LINE: usize = 2000;

/// A response of a text.
pub fn plain(status: StatusCode, text: &'static str) -> Response<Payload> {
    let mut response = Response::new(Payload::Bytes(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// As [`plain`], and the connection is closed: what else comes on it has no clear meaning.
pub fn refused(status: StatusCode, text: &'static str) -> Response<Payload> {
    let mut response = plain(status, text);
    response
        .headers_mut()
        .insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// Answers a request of this peer. Requests are large and go through several futures: so they come in a box.
pub async fn handle(
    server: Arc<Server>,
    place: Arc<Place>,
    request: Box<Request<Received>>,
    peer: Arc<str>,
    busy: Busy,
) -> Result<Response<Carried>, Infallible> {
    let framing = match request.version() {
        Version::HTTP_10 => Framing::Connection,
        Version::HTTP_2 => Framing::Frames,
        _ => Framing::Told,
    };
    let is_head = request.method() == hyper::Method::HEAD;
    let mut response = reported(server, place, request, peer, &busy).await;
    if framing == Framing::Frames {
        leave_body_out(&mut response, is_head);
    } else if first(response.headers(), &header::CONNECTION).is_some() {
        busy.pulse().linger();
    }
    Ok(response.map(|payload| Carried::new(payload, busy, framing)))
}

/// Takes the body out of an answer that must not have one (RFC 9110, 9.3.2, 15.3.5 and 15.4.5). In HTTP/1 the library does.
fn leave_body_out(response: &mut Response<Payload>, is_head: bool) {
    let has_none = matches!(
        response.status(),
        StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
    );
    if !is_head && !has_none {
        return;
    }
    let length = response.body().size_hint().exact();
    if let (Some(length), true) = (length, is_head && !has_none) {
        let headers = response.headers_mut();
        headers
            .entry(header::CONTENT_LENGTH)
            .or_insert_with(|| length.into());
    }
    *response.body_mut() = Payload::empty();
}

/// The answer to a request, which is reported if that is wanted.
async fn reported(
    server: Arc<Server>,
    place: Arc<Place>,
    request: Box<Request<Received>>,
    peer: Arc<str>,
    busy: &Busy,
) -> Response<Payload> {
    if !server.settings.logs {
        return answer(&server, &place, request, peer, busy).await;
    }
    let start = Instant::now();
    // In HTTP/2 the address has the server's name, too.
    let target = request.uri().path_and_query().map(PathAndQuery::as_str);
    let mut line = request.method().to_string();
    line.push(' ');
    for letter in target.unwrap_or("*").chars() {
        // Some of them speak to the terminal, or turn the line around.
        match letter.is_ascii() {
            true => line.push(letter),
            false => line.extend(letter.escape_unicode()),
        }
    }
    line.truncate(LONGEST_LINE);
    let response = answer(&server, &place, request, peer.clone(), busy).await;
    let bytes = response.body().size_hint().exact();
    let line = format!(
        "{peer} {line} {} {} {} ms\n",
        response.status().as_u16(),
        bytes.map_or("-".to_owned(), |bytes| bytes.to_string()),
        start.elapsed().as_millis(),
    );
    server.log.write(&line);
    response
}

/// What one look at the header fields says: to ask for each by its name takes longer.
#[derive(Default)]
struct Seen {
    hosts: usize,
    lengths: usize,
    /// Whether it can be the name of a server.
    has_bad_host: bool,
    /// Bodies in another coding than chunks (RFC 9112, 6.1).
    has_coding: bool,
    codings: usize,
    /// Bytes of names and values.
    size: usize,
    /// Whether there is a key, as requests for a WebSocket have one.
    has_key: bool,
}

impl Seen {
    fn of(headers: &HeaderMap) -> Seen {
        let mut seen = Seen::default();
        for (name, value) in headers {
            seen.size += name.as_str().len() + value.len();
            if name == header::HOST {
                seen.hosts += 1;
                seen.has_bad_host |= !value.as_bytes().iter().all(is_of_host);
            }
            if name == header::TRANSFER_ENCODING {
                seen.codings += 1;
                seen.has_coding |= !value
                    .as_bytes()
                    .trim_ascii()
                    .eq_ignore_ascii_case(b"chunked");
            }
            seen.lengths += usize::from(name == header::CONTENT_LENGTH);
            seen.has_key |= name == header::SEC_WEBSOCKET_KEY;
        }
        seen
    }

    /// Whether the head says clearly where the request ends and whom it is for (RFC 9112, 3.2 and 6.3).
    fn is_clear(&self, version: Version) -> bool {
        // Lengths that contradict each other do not come here: the library refuses them, or takes the chunks and closes the
        // connection.
        // In HTTP/2 the address says it.
        let may_lack = matches!(version, Version::HTTP_10 | Version::HTTP_2);
        (self.hosts == 1 || self.hosts == 0 && may_lack)
            && !self.has_bad_host
            && self.lengths <= 1
            && self.codings <= 1
    }
}

/// Whether a byte can be part of a server's name and port (RFC 3986, 3.2.2).
fn is_of_host(byte: &u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b':' | b'A'..=b'Z')
        || b"_~!$&'()*+,;=%[]".contains(byte)
}

async fn answer(
    server: &Arc<Server>,
    place: &Arc<Place>,
    mut request: Box<Request<Received>>,
    peer: Arc<str>,
    busy: &Busy,
) -> Response<Payload> {
    let seen = Seen::of(request.headers());
    if !seen.is_clear(request.version()) {
        return refused(StatusCode::BAD_REQUEST, "Bad Request");
    }
    if seen.has_coding {
        return refused(StatusCode::NOT_IMPLEMENTED, "Transfer coding not supported");
    }
    // An address has no name and password of somebody in it (RFC 9110, 4.2.4).
    let authority = request.uri().authority();
    if !authority.is_none_or(|name| name.as_str().bytes().all(|byte| is_of_host(&byte))) {
        return refused(StatusCode::BAD_REQUEST, "Bad Request");
    }
    // In HTTP/2 both say it (RFC 9113, 8.3.1); in HTTP/1 the address counts (RFC 9112, 3.2.2).
    if request.version() == Version::HTTP_2
        && let (Some(authority), Some(host)) = (authority, request.headers().get(header::HOST))
        && !host
            .as_bytes()
            .eq_ignore_ascii_case(authority.as_str().as_bytes())
    {
        return refused(StatusCode::BAD_REQUEST, "Bad Request");
    }
    let settings = &server.settings;
    // The library looks at what it has read, which may be twice as much.
    if seen.size > settings.most_head {
        return refused(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "Request Header Fields Too Large",
        );
    }
    if settings.health.as_deref() == Some(request.uri().path()) {
        return match *server.phase.borrow() {
            Phase::Open => plain(StatusCode::OK, "ok"),
            _ => plain(StatusCode::SERVICE_UNAVAILABLE, "ending"),
        };
    }
    // Until the machine has it: a connection of HTTP/2 may have many that are large.
    let budget = &place.guest.0.engine.budget;
    let room = match seen.size {
        ..LARGE_HEAD => None,
        size => match budget.reserve(size) {
            Ok(room) => Some(room),
            Err(_) => {
                return refused(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "There is no memory for the head",
                );
            }
        },
    };
    let most = settings.most_body;
    let is_2 = request.version() == Version::HTTP_2;
    if request.body().size_hint().lower() > most as u64 {
        if is_2 {
            refuse_rest(request.into_body());
        }
        return refused(StatusCode::PAYLOAD_TOO_LARGE, "Payload Too Large");
    }
    let upgrade = if seen.has_key {
        upgrade(&mut request)
    } else {
        None
    };
    let Some(turn) = place.turn(MOST_RUNNING) else {
        // Clients of HTTP/2 may have forgotten the others, which run all the same.
        return plain(StatusCode::SERVICE_UNAVAILABLE, "Too many requests");
    };
    let (mut head, mut body) = request.into_parts();
    let handler = Arc::<Handler>::default();
    let body = if settings.streams && !body.is_end_stream() {
        Body::Stream(streamed(
            server.clone(),
            handler.clone(),
            body,
            busy.pulse().receive(),
        ))
    } else {
        match collected(server, budget, &mut body).await {
            Ok(bytes) => Body::Bytes(bytes),
            Err(refusal) => {
                if is_2 {
                    refuse_rest(body);
                }
                return refusal;
            }
        }
    };
    if let Some(authority) = head.uri.authority()
        && let Ok(host) = HeaderValue::try_from(authority.as_str())
        && head.headers.try_insert(header::HOST, host).is_err()
    {
        return refused(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "Request Header Fields Too Large",
        );
    }
    let conditions = Conditions::of(&head);
    let seat = &place.guest.0;
    let (answer, answered) = parcel(&seat.engine.post);
    let is_safe = head.method.is_safe();
    let request = exchange::Request {
        method: head.method,
        target: head.uri,
        headers: head.headers,
        body,
        peer,
    };
    let responder = Responder {
        answer,
        conditions,
        upgrade,
        handler: handler.clone(),
        server: server.clone(),
        turn,
    };
    seat.queue.put((Box::new(request), Box::new(responder)));
    drop(room);
    let time = settings.handler_time;
    let mut watch = Watch::begin(seat.clone(), handler, time, is_safe);
    // Connections of HTTP/1 are looked at every so often.
    let mut at_once = is_2 || time < 2 * QUIET;
    let mut answered = pin!(answered);
    let mut seen = 0;
    let answered = loop {
        if let Some(answered) = within(watch.until, at_once, answered.as_mut()).await {
            break answered;
        }
        // It has its time from when the last part of a streamed body has come: before, it was the client that took it.
        let progress = watch.handler.progress();
        if progress == seen && progress.is_multiple_of(2) {
            return plain(
                StatusCode::SERVICE_UNAVAILABLE,
                "Handler did not respond in time",
            );
        }
        (seen, at_once) = (progress, true);
        watch.until = Instant::now() + time;
    };
    watch.is_over = true;
    answered.unwrap_or_else(|| plain(StatusCode::INTERNAL_SERVER_ERROR, "Handler did not respond"))
}

/// Looks after the time of a handler. When its client leaves, a handler whose request is safe (RFC 9110, 9.2.1) is stopped: nobody wants to know
/// any more. What another one does is finished, but not for longer than for others.
struct Watch {
    seat: Arc<Seat>,
    handler: Arc<Handler>,
    until: Instant,
    is_safe: bool,
    is_over: bool,
}

impl Watch {
    fn begin(seat: Arc<Seat>, handler: Arc<Handler>, time: Duration, is_safe: bool) -> Watch {
        let now = Instant::now();
        Watch {
            seat,
            handler,
            // Longer than a century is as good as for ever.
            until: now.checked_add(time).unwrap_or(now + LONGEST),
            is_safe,
            is_over: false,
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let (seat, handler, until) = (self.seat.clone(), self.handler.clone(), self.until);
        if self.is_safe || until <= Instant::now() {
            seat.queue.stop(handler);
        } else if tokio::runtime::Handle::try_current().is_ok() {
            spawn(async move {
                sleep_until(until).await;
                seat.queue.stop(handler);
            });
        }
    }
}

/// The body, if it is no longer than allowed and comes without long pauses.
async fn collected(
    server: &Server,
    budget: &Arc<Budget>,
    body: &mut Received,
) -> Result<Held, Response<Payload>> {
    let settings = &server.settings;
    let mut whole = Gathering::new(budget, body.size_hint().exact());
    // Most requests have none, and there is nothing to wait for.
    while !body.is_end_stream() {
        let next = timeout(settings.body_time, part(body));
        let bytes = match next.await {
            Err(_) => return Err(refused(StatusCode::REQUEST_TIMEOUT, "Request Timeout")),
            Ok(None) => break,
            Ok(Some(Err(_))) => return Err(refused(StatusCode::BAD_REQUEST, "Bad Request")),
            Ok(Some(Ok(bytes))) => bytes,
        };
        if whole.len() + bytes.len() > settings.most_body {
            return Err(refused(StatusCode::PAYLOAD_TOO_LARGE, "Payload Too Large"));
        }
        if whole.push(bytes).is_err() {
            return Err(refused(
                StatusCode::SERVICE_UNAVAILABLE,
                "There is no memory for the body",
            ));
        }
    }
    Ok(whole.finish())
}

/// The body as it comes.
fn streamed(
    server: Arc<Server>,
    handler: Arc<Handler>,
    mut body: Received,
    receiving: Receiving,
) -> Incoming {
    let (feeder, incoming) = incoming();
    spawn(async move {
        let most = server.settings.most_body;
        let time = server.settings.body_time;
        let mut total = 0;
        let feeding = async {
            loop {
                handler.wait_for_body(true);
                let next = timeout(time, part(&mut body)).await;
                handler.wait_for_body(false);
                let bytes = match next {
                    Err(_) => {
                        handler.blame(StatusCode::REQUEST_TIMEOUT);
                        return Err("the body does not go on".to_owned());
                    }
                    Ok(None) => return Ok(()),
                    Ok(Some(Err(error))) => {
                        handler.blame(StatusCode::BAD_REQUEST);
                        return Err(error.to_string());
                    }
                    Ok(Some(Ok(bytes))) => bytes,
                };
                total += bytes.len();
                if total > most {
                    handler.blame(StatusCode::PAYLOAD_TOO_LARGE);
                    return Err(format!("the body is longer than {most} bytes"));
                }
                if !feeder.give(bytes).await {
                    return Ok(());
                }
            }
        };
        if let First::One(ended) = race(feeding, feeder.reader_is_gone()).await {
            feeder.end(ended);
        }
        handler.wait_for_body(false);
        if !throw_away(&mut body).await {
            receiving.pulse().linger();
        }
        // First the body: what speaks HTTP is to see that nobody wants it before the connection can be taken for quiet.
        drop(body);
        drop(receiving);
    });
    incoming
}

/// The body of a request that has been refused.
fn refuse_rest(mut body: Received) {
    spawn(async move {
        // Who sends for longer is told by the stream's reset.
        let _ = throw_away(&mut body).await;
    });
}

/// Reads what is left of a body for a moment, so that the connection can go on with the next request; whether that was all. In HTTP/2 the answer to a request whose body nobody wants comes with a reset of the stream that
/// means no error (RFC 9113, 8.1); some clients that are still sending take it for one, and do not look at the answer.
async fn throw_away(body: &mut Received) -> bool {
    let reading = async { while let Some(Ok(_)) = part(body).await {} };
    timeout(UNWANTED, reading).await.is_ok() && body.is_end_stream()
}

/// What a valid request for a WebSocket asks for (RFC 6455, 4.2.1).
fn upgrade(request: &mut Request<Received>) -> Option<Upgrade> {
    let headers = request.headers();
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let key = text(header::SEC_WEBSOCKET_KEY)?.trim().to_owned();
    let is_valid = request.method() == hyper::Method::GET
        && request.version() == Version::HTTP_11
        && has_word(headers, header::UPGRADE, "websocket")
        && has_word(headers, header::CONNECTION, "upgrade")
        && text(header::SEC_WEBSOCKET_VERSION)?.trim() == "13"
        && headers.get_all(header::SEC_WEBSOCKET_KEY).iter().count() == 1
        && STANDARD.decode(&key).is_ok_and(|key| key.len() == 16);
    if !is_valid {
        return None;
    }
    let protocols = text(header::SEC_WEBSOCKET_PROTOCOL).unwrap_or_default();
    let protocols = protocols
        .split(',')
        .map(|name| name.trim().to_owned())
        .collect();
    Some(Upgrade {
        connection: hyper::upgrade::on(request),
        key,
        protocols,
    })
}
