//! From what a handler gives to what is sent.

use std::sync::Arc;
use std::time::Duration;

use hyper::Response;
use hyper::body::Bytes;
use hyper::http::{HeaderMap, HeaderValue, StatusCode, header};
use hyper::upgrade::OnUpgrade;
use sema_machine::data::collections;
use sema_machine::data::print;
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, on_foreign};
use sema_machine::host::condition::{Outcome, eval_error, type_error, type_error_got};
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;
use sema_machine::vm::{frames_of, write_frames, write_place};
use tokio::time::sleep;

use super::exchange;
use super::files;
use super::handle::{plain, refused};
use super::workers::Place;
use super::{Phase, Server, first};
use crate::net::http::client::options::{header_fields, option};
use crate::net::http::client::upload::declared;
use crate::net::http::engine::body::{Declared, Payload};
use crate::net::http::engine::budget::Budget;
use crate::net::http::engine::outgoing::{Writer, outgoing};
use crate::net::http::writing;
use crate::net::websocket::connect::answer_to;
use crate::std::json::write;

natives! {
    /// Answers a request with what its handler has given. If the body is still to be written, gives what it is written to; else nil.
    "%http-respond" (responder: Any, response: Any) -> Any => respond;

    /// Answers a request whose handler has raised something, unless it has been answered. Whether it is the client's fault.
    "%http-fail" (responder: Any) -> Bool => fail;

    /// Reports a condition that a handler has raised on standard error: a line, whatever characters are in its text, and the frames. If nobody reads that now, it is
    /// left out: others are not to wait for it.
    "%http-report" (text: Any, condition: Any) -> Nil => report;

    /// A request is answered by the task with this promise, which is stopped if that takes too long. With nil it is refused.
    "%http-attend" (responder: Any, promise: Any) -> Nil => attend;
}

/// Most bytes of what is reported of one condition: what a pipe takes at once if it takes something.
const LONGEST_REPORT: usize = 4000;
/// How long a function that speaks with a client may not notice that this is gone.
pub const UNSEEN: Duration = Duration::from_secs(1);

/// What a request is answered by; `None`: it has been. And the task that is at a WebSocket.
pub struct Responder(
    pub Option<Box<exchange::Responder>>,
    Option<Arc<exchange::Handler>>,
);

/// What the answer to a request is given to.
pub fn handle(host: &Host, responder: Box<exchange::Responder>) -> Value {
    host.heap
        .foreign(Box::new(Responder(Some(responder), None)))
}

/// What is left of a request that has not been answered yet.
///
/// # Errors
/// It has been answered.
pub fn take(host: &Host, args: &[Value]) -> Outcome<Box<exchange::Responder>> {
    on_foreign(host, args, "request", |responder: &mut Responder| {
        let responder = responder.0.take();
        responder.ok_or_else(|| eval_error("http/serve: the request has been answered"))
    })
}

/// Answers a request for which there is no room.
pub fn refuse(responder: Box<exchange::Responder>) {
    refuse_with(responder, StatusCode::SERVICE_UNAVAILABLE);
}

/// Answers a request that cannot be taken in.
pub fn refuse_with(responder: Box<exchange::Responder>, status: StatusCode) {
    let text = status.canonical_reason().unwrap_or_default();
    responder.answer.give(plain(status, text));
}

fn status(host: &Host, response: Value) -> Outcome<StatusCode> {
    let Some(value) = option(host, response, "status") else {
        return Ok(StatusCode::OK);
    };
    let number = host
        .heap
        .as_i64(value)
        .and_then(|number| u16::try_from(number).ok());
    // What is below 200 is no answer.
    let status = number
        .filter(|number| *number >= 200)
        .and_then(|number| StatusCode::from_u16(number).ok());
    status.ok_or_else(|| {
        let expected = "status from 200 to 999";
        match number {
            Some(number) => type_error_got(expected, number.to_string()),
            None => type_error(host, expected, value),
        }
    })
}

/// What is sent of a response, and what its body is written to.
struct Parts {
    status: StatusCode,
    headers: HeaderMap,
    payload: Payload,
    /// How many bytes it is to be given, if that is known.
    writer: Option<(Writer, Option<u64>)>,
}

/// What handlers give.
const RESPONSE: &str = "response (a map of :status, :headers or :body), string or bytevector";

/// Whether a map has something of a response. Others are data that somebody has forgotten to make one of.
fn is_response(host: &Host, map: Value) -> bool {
    ["status", "headers", "body"]
        .iter()
        .any(|name| collections::get_keyword(host, map, host.constant_keyword(name)).is_some())
}

fn set(headers: &mut HeaderMap, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.entry(name).or_insert(value);
    }
}

/// Says of a text that it is UTF-8, as all texts here are, unless something has been said: browsers would guess.
fn name_charset(headers: &mut HeaderMap) {
    let mut fields = headers.iter_mut();
    let kind = fields.find(|(name, _)| *name == header::CONTENT_TYPE);
    let Some((_, kind)) = kind else {
        return;
    };
    let text = kind.as_bytes();
    let is_open =
        text.starts_with(b"text/") && !text.contains(&b';') && text != b"text/event-stream";
    if is_open
        && let Ok(named) = HeaderValue::from_bytes(&[kind.as_bytes(), b"; charset=utf-8"].concat())
    {
        *kind = named;
    }
}

/// The parts of a response that is a map.
fn parts(host: &Host, response: Value, responder: &exchange::Responder) -> Outcome<Parts> {
    let mut headers = match option(host, response, "headers") {
        Some(map) => header_fields(host, "http/serve", map)?,
        None => HeaderMap::new(),
    };
    // They say where the body ends: that is not the handler's to decide, but for the length of what is still to be written.
    let mut length = None;
    for name in [header::TRANSFER_ENCODING, header::CONTENT_LENGTH] {
        if first(&headers, &name).is_some() {
            length = headers
                .remove(&name)
                .filter(|_| name == header::CONTENT_LENGTH);
        }
    }
    let mut status = status(host, response)?;
    let mut writer = None;
    let mut streamed = |length: Option<u64>, is_endless: bool| {
        let (end, body) = outgoing(responder.answer.post());
        let (seat, handler) = (
            responder.turn.place().guest.0.clone(),
            responder.handler.clone(),
        );
        // Who sends sees it by that; who waits for something to send would wait on and on.
        body.when_gone(move || {
            let engine = seat.engine.clone();
            engine.spawn(async move {
                sleep(UNSEEN).await;
                seat.queue.stop(handler);
            });
        });
        if is_endless {
            // Who wants more of it asks again.
            let server = responder.server.clone();
            body.ends_by(async move { server.reached(Phase::Stopping).await });
        }
        // Behind these there is no body, so nothing is of that length.
        let has_none = matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        let length = length.filter(|_| !has_none);
        // The answer to HEAD says it of a body that does not come.
        writer = Some((end, length.filter(|_| !responder.conditions.is_head)));
        match length {
            Some(length) => Payload::Declared(Declared::new(body, length)),
            None => Payload::Outgoing(body),
        }
    };
    let payload = if option(host, response, "__stream").is_some() {
        set(&mut headers, header::CONTENT_TYPE, "text/event-stream");
        set(&mut headers, header::CACHE_CONTROL, "no-cache");
        // Else a proxy may keep events until it has many.
        let buffering = header::HeaderName::from_static("x-accel-buffering");
        set(&mut headers, buffering, "no");
        streamed(None, true)
    } else if let Some(path) = option(host, response, "__file_path") {
        let path = host
            .heap
            .as_str(path)
            .ok_or_else(|| type_error(host, "string", path))?;
        if let Some(kind) = option(host, response, "__file_content_type") {
            set(
                &mut headers,
                header::CONTENT_TYPE,
                host.heap.as_str(kind).unwrap_or_default(),
            );
        }
        name_charset(&mut headers);
        // With its tag to ask whether it is still the same is little.
        set(&mut headers, header::CACHE_CONTROL, "no-cache");
        let failed = |error| eval_error(format!("http/file: {path}: {error}"));
        let opened = files::open(&host.files, path).map_err(failed)?;
        let (found, payload) = opened
            .answer(&responder.conditions, status, &mut headers)
            .map_err(failed)?;
        status = found;
        payload
    } else {
        let body = option(host, response, "body").unwrap_or(Value::NIL);
        match body.kind() {
            Kind::Nil if !is_response(host, response) => {
                return Err(type_error_got(RESPONSE, "map with none of them"));
            }
            Kind::Nil => Payload::empty(),
            Kind::String => {
                name_charset(&mut headers);
                Payload::Bytes(Bytes::copy_from_slice(
                    host.heap.as_str(body).unwrap_or_default().as_bytes(),
                ))
            }
            Kind::Bytevector => Payload::Bytes(Bytes::copy_from_slice(
                host.heap.as_bytevector(body).unwrap_or_default(),
            )),
            Kind::Stream | Kind::Closure | Kind::Native | Kind::Multimethod => {
                streamed(declared("http/serve", length.as_ref())?, false)
            }
            _ => {
                let text = write::encode(host, body, false);
                let text = text.map_err(|problem| {
                    eval_error(format!("http/serve: the body of a response: {problem}"))
                })?;
                set(&mut headers, header::CONTENT_TYPE, "application/json");
                Payload::Bytes(text.into())
            }
        }
    };
    Ok(Parts {
        status,
        headers,
        payload,
        writer,
    })
}

/// Makes a large answer count until it has been sent.
///
/// # Errors
/// So much is on its way already that there is no room for it.
fn reserve(host: &Host, payload: &mut Payload) -> Outcome<()> {
    if let Payload::Bytes(bytes) = payload
        && let Some(room) = Budget::room_to_send(host, bytes.len(), "http/serve")?
    {
        *bytes = room.keep(std::mem::take(bytes));
    }
    Ok(())
}

fn respond(host: &Host, args: &[Value]) -> Outcome {
    let response = argument(args, 1);
    let responder = take(host, args)?;
    let made = if collections::is_map(response) {
        parts(host, response, &responder)
    } else {
        let plain = match (
            host.heap.as_str(response),
            host.heap.as_bytevector(response),
        ) {
            (Some(text), _) => Ok(("text/plain", text.as_bytes())),
            (None, Some(bytes)) => Ok(("application/octet-stream", bytes)),
            (None, None) => Err(type_error(host, RESPONSE, response)),
        };
        plain.map(|(kind, bytes)| {
            let mut headers = HeaderMap::new();
            set(&mut headers, header::CONTENT_TYPE, kind);
            name_charset(&mut headers);
            Parts {
                status: StatusCode::OK,
                headers,
                payload: Payload::Bytes(Bytes::copy_from_slice(bytes)),
                writer: None,
            }
        })
    };
    let made = made.and_then(|mut made| {
        reserve(host, &mut made.payload)?;
        Ok(made)
    });
    let made = match made {
        Ok(made) => made,
        Err(signal) => {
            // It is answered by `%http-fail`.
            on_foreign(host, args, "request", |handle: &mut Responder| {
                handle.0 = Some(responder);
                Ok(())
            })?;
            return Err(signal);
        }
    };
    let mut message = Response::new(made.payload);
    *message.status_mut() = made.status;
    *message.headers_mut() = made.headers;
    let handler = responder.handler.clone();
    responder.answer.give(message);
    Ok(match made.writer {
        Some((writer, length)) => {
            writing::handle_until(host, writer, length, move |host| handler.end(host))
        }
        None => {
            handler.end(host);
            Value::NIL
        }
    })
}

fn report(host: &Host, args: &[Value]) -> Outcome {
    let text = print::display(host, argument(args, 0));
    let mut line = String::with_capacity(text.len());
    for letter in text.chars() {
        // Clients could write lines of their own, speak to the terminal, or turn the order of letters round.
        if letter.is_control()
            || matches!(letter, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        {
            line.extend(letter.escape_default());
        } else {
            line.push(letter);
        }
    }
    let frames = frames_of(host, argument(args, 1));
    if !frames.is_empty() {
        line.push('\n');
        if let Some(place) = frames.first().and_then(|frame| frame.position.as_ref()) {
            write_place(&mut line, place);
        }
        write_frames(&mut line, &frames);
        line.pop();
    }
    line.truncate(line.floor_char_boundary(LONGEST_REPORT));
    line.push('\n');
    host.output.write_error_without_waiting(line.as_bytes());
    Ok(Value::NIL)
}

fn attend(host: &Host, args: &[Value]) -> Outcome {
    on_foreign(host, args, "request", |responder: &mut Responder| {
        let promise = argument(args, 1);
        if promise == Value::NIL {
            if let Some(responder) = responder.0.take() {
                refuse(responder);
            }
        } else if let Some(responder) = &responder.0 {
            responder.handler.begin(host, promise);
        }
        Ok(Value::NIL)
    })
}

fn fail(host: &Host, args: &[Value]) -> Outcome {
    on_foreign(host, args, "request", |responder: &mut Responder| {
        if let Some(handler) = responder.1.take() {
            handler.end(host);
        }
        let Some(responder) = responder.0.take() else {
            return Ok(Value::FALSE);
        };
        responder.handler.end(host);
        let refusal = responder.handler.refusal();
        let response = match refusal {
            // The rest of the body may still come.
            Some(status) => refused(status, status.canonical_reason().unwrap_or_default()),
            None => plain(StatusCode::INTERNAL_SERVER_ERROR, "Handler did not respond"),
        };
        responder.answer.give(response);
        Ok(Value::bool(refusal.is_some()))
    })
}

/// The answer to a request that asks for no WebSocket, or in another version, where there is one (RFC 6455, 4.4; RFC 9110, 15.5.22).
fn not_upgraded() -> Response<Payload> {
    let mut response = plain(StatusCode::UPGRADE_REQUIRED, "Upgrade Required");
    let headers = response.headers_mut();
    set(headers, header::CONNECTION, "Upgrade");
    set(headers, header::UPGRADE, "websocket");
    set(headers, header::SEC_WEBSOCKET_VERSION, "13");
    response
}

/// Fields of the answer to a request for a WebSocket that the server sets, or that such an answer must not have.
const OWN_OF_UPGRADES: [header::HeaderName; 7] = [
    header::CONNECTION,
    header::UPGRADE,
    header::SEC_WEBSOCKET_ACCEPT,
    header::SEC_WEBSOCKET_PROTOCOL,
    header::SEC_WEBSOCKET_EXTENSIONS,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
];

/// A connection that becomes a WebSocket.
pub struct Upgraded {
    /// What it becomes.
    pub connection: OnUpgrade,
    /// Whose it is.
    pub server: Arc<Server>,
    /// What it takes up of that.
    pub place: Arc<Place>,
    /// The task that speaks on it.
    pub handler: Arc<exchange::Handler>,
}

/// Accepts a request for a WebSocket, with a protocol that both know: what its connection becomes. `None`: it asks for none, and has been answered.
pub fn upgrade(
    host: &Host,
    args: &[Value],
    protocol: Option<&str>,
    fields: HeaderMap,
) -> Outcome<Option<Upgraded>> {
    let responder = take(host, args)?;
    let Some(upgrade) = responder.upgrade else {
        responder.handler.end(host);
        responder.answer.give(not_upgraded());
        return Ok(None);
    };
    let mut message = Response::new(Payload::empty());
    *message.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    *message.headers_mut() = fields;
    let headers = message.headers_mut();
    // What the connection becomes is not the handler's to decide.
    for name in OWN_OF_UPGRADES {
        headers.remove(name);
    }
    set(headers, header::CONNECTION, "Upgrade");
    set(headers, header::UPGRADE, "websocket");
    set(
        headers,
        header::SEC_WEBSOCKET_ACCEPT,
        &answer_to(&upgrade.key),
    );
    if let Some(protocol) =
        protocol.filter(|name| upgrade.protocols.iter().any(|offered| offered == name))
    {
        set(headers, header::SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    let handler = responder.handler.clone();
    on_foreign(host, args, "request", |handle: &mut Responder| {
        handle.1 = Some(handler.clone());
        Ok(())
    })?;
    let upgraded = Upgraded {
        connection: upgrade.connection,
        server: responder.server,
        place: responder.turn.place().clone(),
        handler,
    };
    responder.answer.give(message);
    Ok(Some(upgraded))
}
