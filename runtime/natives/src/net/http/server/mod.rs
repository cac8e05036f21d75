//! The server. The engine accepts connections, reads requests and sends answers; each request becomes a task of the
//! machine (`compiler/lib/http.sema`), whose handler makes a response.

mod carried;
mod connection;
mod exchange;
pub mod files;
mod forms;
mod handle;
mod listen;
mod log;
mod mime;
pub mod respond;
pub mod responses;
pub mod router;
mod settings;
mod workers;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hyper::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use sema_machine::data::collections::sorted_map;
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, on_foreign};
use sema_machine::host::condition::{Outcome, io_error};
use sema_machine::host::native::{Capability, Touches};
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;
use tokio::sync::watch;

use crate::core::system::stream_state::State;
use crate::core::system::streams::named_stream;
use crate::net::http::client::exchange::fields;
use crate::net::http::engine::work::spawn;
use crate::net::http::engine::{self, Running};
use crate::net::http::url::{decode_pairs, normal_path};
use crate::std::json::read::{Keys, Reader};
use exchange::{Accept, Body, Found, Request};
use listen::Ending;
use log::Log;
use settings::Settings;
use workers::{Seat, Workers};

natives! {
    /// Starts to listen with the options of `http/serve`: a list of the server and a map of `:host`, `:port` and `:url`.
    "%http-listen" (options: Any) -> List, needs(Capability::Network), touches(Touches::Inside) => listen;

    /// The next request of a server: a list of the request and what its answer is given to. Nil when the server has ended; false for one that had to be refused;
    /// the promise of a handler that has taken too long.
    "%http-accept" (server: Any) -> Any => accept;

    /// Ends a server: no connection is let in any more.
    "%http-stop" (server: Any) -> Nil => stop;

    /// Waits until all connections of a server that has been stopped are closed, as long as it was told to.
    "%http-drain" (server: Any) -> Nil => drain;

    /// Raises what has ended a server before its time. A worker, for which the server is all it does, ends.
    "%http-leave" (server: Any) -> Nil => leave;
}

/// How far a server has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// It lets connections in.
    Open,
    /// It does so still, but says already that it will end.
    Draining,
    /// It finishes what runs.
    Stopping,
    /// Nothing runs any more.
    Closed,
}

/// A server.
pub struct Server {
    settings: Settings,
    workers: Workers,
    phase: watch::Sender<Phase>,
    /// Where requests are reported.
    log: Log,
    /// Whether the first machine knows that the server ends.
    is_left: AtomicBool,
}

impl Server {
    /// No connection is let in any more.
    fn stop(&self) {
        self.advance(Phase::Stopping);
    }

    /// The server is as far as this, unless it is further already.
    fn advance(&self, wanted: Phase) {
        self.phase.send_if_modified(|phase| {
            let is_before = *phase < wanted;
            *phase = (*phase).max(wanted);
            is_before
        });
    }

    /// Nothing runs any more.
    fn close(&self) {
        self.phase.send_replace(Phase::Closed);
        self.workers.close();
    }

    /// Waits until the server is as far as this.
    pub async fn reached(&self, wanted: Phase) {
        let mut phases = self.phase.subscribe();
        loop {
            let is_reached = *phases.borrow_and_update() >= wanted;
            // The sender is part of this server.
            if is_reached || phases.changed().await.is_err() {
                return;
            }
        }
    }
}

/// What a program holds of a server.
struct Handle {
    server: Arc<Server>,
    seat: Arc<Seat>,
    /// When the first machine forgets this, the server ends. Workers have none.
    running: Option<Running<()>>,
    /// Whether its task has begun to accept requests.
    accepts: bool,
}

impl Drop for Handle {
    fn drop(&mut self) {
        if self.running.is_some() {
            self.server.close();
        }
    }
}

fn listen(host: &Host, args: &[Value]) -> Outcome {
    let settings = Settings::of(host, argument(args, 0))?;
    let name = settings.name();
    host.permit("http/serve", Capability::Network, &name)?;
    let engine = engine::handle(host, "http/serve")?;
    if let Some(employment) = workers::employment(host) {
        let Some((server, seat)) = employment.join(&settings, &engine) else {
            return employment.wait_for_end(host, &engine);
        };
        stop_late(host, &seat);
        let handle = host.heap.foreign(Box::new(Handle {
            server,
            seat,
            running: None,
            accepts: false,
        }));
        return Ok(host.heap.list(&[handle, Value::NIL]));
    }
    let job = workers::job(host, &settings)?;
    let spawning = engine.clone();
    let binding = async move {
        let listener = listen::bind(&settings).await?;
        let address = listener.local_addr()?;
        let bell = Ending::hear()?;
        let seat = Seat::new(spawning.clone());
        let server = Arc::new(Server {
            settings,
            workers: Workers::new(seat.clone()),
            phase: watch::Sender::new(Phase::Open),
            log: Log::default(),
            is_left: AtomicBool::new(false),
        });
        spawn(bell.stop(server.clone()));
        if let Some(job) = job {
            job.start(&server)?;
        }
        let running = engine::start(&spawning, listen::serve(listener, server.clone()));
        Ok((server, seat, running, address))
    };
    engine::wait(
        host,
        engine::start(&engine, binding),
        move |host, bound: std::io::Result<_>| {
            let (server, seat, running, address) =
                bound.map_err(|error| io_error(format!("http/serve: {name}: {error}")))?;
            let info = info(host, &server.settings, address);
            stop_late(host, &seat);
            let handle = host.heap.foreign(Box::new(Handle {
                server,
                seat,
                running: Some(running),
                accepts: false,
            }));
            Ok(host.heap.list(&[handle, info]))
        },
    )
}

/// Has handlers stopped that compute when they are to end. Those that wait are stopped when the machine gets round to it.
fn stop_late(host: &Host, seat: &Arc<Seat>) {
    let seat = Arc::downgrade(seat);
    host.scheduler.ask_for_unwanted(Box::new(move |host| {
        let late = seat.upgrade()?.queue.late().into_iter();
        Some(late.filter_map(|handler| handler.promise(host)).collect())
    }));
}

fn info(host: &Host, settings: &Settings, address: SocketAddr) -> Value {
    // A socket that was inherited has an address of its own.
    let own = settings.inherited.map(|_| address.ip().to_string());
    let name = own.as_ref().unwrap_or(&settings.host);
    let scheme = if settings.tls.is_some() {
        "https"
    } else {
        "http"
    };
    let shown = if name.contains(':') {
        format!("[{name}]")
    } else {
        name.clone()
    };
    let port = address.port();
    let entries = [
        (host.constant_keyword("host"), host.heap.string(name)),
        (
            host.constant_keyword("name"),
            host.heap.string(&format!("{shown}:{port}")),
        ),
        (host.constant_keyword("port"), Value::small(port.into())),
        (
            host.constant_keyword("url"),
            host.heap.string(&format!("{scheme}://{shown}:{port}")),
        ),
    ];
    sorted_map::from_entries(host, &entries)
}

fn server(host: &Host, args: &[Value]) -> Outcome<Arc<Server>> {
    on_foreign(host, args, "server", |handle: &mut Handle| {
        Ok(handle.server.clone())
    })
}

fn accept(host: &Host, args: &[Value]) -> Outcome {
    let seat = on_foreign(host, args, "server", |handle: &mut Handle| {
        if !std::mem::replace(&mut handle.accepts, true) {
            // If there is no memory, it is a handler that has it.
            host.scheduler.go_on_without_memory(true);
        }
        Ok(handle.seat.clone())
    })?;
    host.wait_for(Accept {
        seat,
        found: Found::End,
        finish: |host: &Host, found: Found| match found {
            Found::End => Ok(Value::NIL),
            Found::Late(handler) => Ok(handler.promise(host).unwrap_or(Value::FALSE)),
            Found::Exchange((_, responder)) if responder.handler.is_stopped() => Ok(Value::FALSE),
            Found::Exchange((request, responder)) => {
                let streams = responder.server.settings.streams;
                let request = match request_value(host, request, streams) {
                    Ok(request) => request,
                    // It is the one that fails, not the server.
                    Err(status) => {
                        respond::refuse_with(responder, status);
                        return Ok(Value::FALSE);
                    }
                };
                let responder = respond::handle(host, responder);
                Ok(host.heap.list(&[request, responder]))
            }
        },
    })
}

/// The first value of a header field. To look at the few that there are is less work than to hash a name.
fn first<'h>(headers: &'h HeaderMap, wanted: &HeaderName) -> Option<&'h HeaderValue> {
    let mut fields = headers.iter();
    fields
        .find(|(name, _)| *name == wanted)
        .map(|(_, value)| value)
}

/// The map that a handler gets.
///
/// # Errors
/// What the request is refused with.
fn request_value(host: &Host, request: Box<Request>, streams: bool) -> Result<Value, StatusCode> {
    let heap = &host.heap;
    let path = normal_path(request.target.path()).ok_or(StatusCode::BAD_REQUEST)?;
    // Other forms of an address are for proxies, and for a whole server (RFC 9112, 3.2).
    if !path.starts_with('/') && (path != "*" || request.method != Method::OPTIONS) {
        return Err(StatusCode::BAD_REQUEST);
    }
    let path = heap.string(&path);
    let ask = |bytes| host.ask(bytes).map_err(|_| StatusCode::SERVICE_UNAVAILABLE);
    let text = |bytes: &[u8]| match std::str::from_utf8(bytes) {
        Ok(text) => heap.string(text),
        Err(_) => heap.string(&String::from_utf8_lossy(bytes)),
    };
    let kind = first(&request.headers, &header::CONTENT_TYPE);
    let is_json = kind.is_some_and(|value| is_json(value.as_bytes()));
    let headers: Vec<(Value, Value)> = fields(&request.headers)
        .map(|(name, value)| (heap.string(name), text(&value)))
        .collect();
    let mut json = None;
    let mut form = None;
    let mut parts = None;
    let kind = kind.map(|kind| String::from_utf8_lossy(kind.as_bytes()).into_owned());
    let body = match request.body {
        Body::Stream(incoming) => {
            named_stream(host, State::arriving(Box::new(incoming)), "http-body")
        }
        // There is none.
        Body::Bytes(_) if streams => named_stream(host, State::string(""), "string"),
        Body::Bytes(bytes) => {
            ask(2 * bytes.len())?;
            match kind.as_deref().map(forms::Kind::of) {
                Some(forms::Kind::Fields) => {
                    if forms::has_too_many(&bytes) {
                        return Err(StatusCode::PAYLOAD_TOO_LARGE);
                    }
                    form = std::str::from_utf8(&bytes)
                        .ok()
                        .map(|text| pairs(host, text));
                }
                Some(forms::Kind::Parts(boundary)) => {
                    // What is malformed is seen by the handler, too.
                    if let Some(found) = forms::parts(&bytes, &boundary) {
                        let mut fields = Vec::new();
                        parts = Some(list(host, &found, &mut fields));
                        form = Some(sorted_map::from_entries(host, &fields));
                    }
                }
                Some(forms::Kind::Other) | None => {}
            }
            match std::str::from_utf8(&bytes) {
                Err(_) => heap.bytevector(&bytes),
                Ok(text) => {
                    if is_json {
                        // What is malformed is seen by the handler: there is no `:json`.
                        json = Reader::new(Keys::Foreign).document(host, text).ok();
                        // It may take many times as much.
                        ask(bytes.len())?;
                    }
                    heap.string(text)
                }
            }
        }
    };
    // In the order of their names.
    let mut entries = Vec::with_capacity(8);
    entries.push([host.constant_keyword("body"), body]);
    if let Some(form) = form {
        entries.push([host.constant_keyword("form"), form]);
    }
    let headers = sorted_map::from_entries(host, &headers);
    entries.push([host.constant_keyword("headers"), headers]);
    if let Some(json) = json {
        entries.push([host.constant_keyword("json"), json]);
    }
    let method = match request.method {
        Method::GET => host.constant_keyword("get"),
        Method::POST => host.constant_keyword("post"),
        ref other => {
            let name = other.as_str();
            // In lower case it is another one (RFC 9110, 9.1), which nobody knows.
            if name.contains(|letter: char| letter.is_ascii_lowercase()) {
                return Err(StatusCode::NOT_IMPLEMENTED);
            }
            host.keyword_of_peer(&name.to_ascii_lowercase())
        }
    };
    entries.push([host.constant_keyword("method"), method]);
    if let Some(parts) = parts {
        entries.push([host.constant_keyword("multipart"), parts]);
    }
    entries.push([host.constant_keyword("params"), sorted_map::empty(heap)]);
    entries.push([host.constant_keyword("path"), path]);
    let query = pairs(host, request.target.query().unwrap_or_default());
    entries.push([host.constant_keyword("query"), query]);
    if let Some(raw) = request.target.query() {
        entries.push([host.constant_keyword("query-string"), heap.string(raw)]);
    }
    let remote = heap.string(&request.peer);
    entries.push([host.constant_keyword("remote"), remote]);
    Ok(sorted_map::from_few_sorted(heap, &entries))
}

/// Names and values of a query or a form, of several of one name the last.
fn pairs(host: &Host, text: &str) -> Value {
    let pairs: Vec<(Value, Value)> = decode_pairs(text)
        .map(|(name, value)| (host.keyword_of_peer(&name), host.heap.string(&value)))
        .collect();
    sorted_map::from_entries(host, &pairs)
}

/// The parts of a form, as `:multipart` of a request of the client has them. Those that are no files are fields, as in other forms.
fn list(host: &Host, parts: &[forms::Part<'_>], fields: &mut Vec<(Value, Value)>) -> Value {
    let heap = &host.heap;
    let maps: Vec<Value> = (parts.iter())
        .map(|part| {
            // What a file has is always bytes: it does not depend on what somebody happens to send.
            let text = std::str::from_utf8(part.content).ok();
            let content = match text.filter(|_| part.filename.is_none()) {
                Some(text) => heap.string(text),
                None => heap.bytevector(part.content),
            };
            if let (Some(name), Kind::String) = (&part.name, content.kind()) {
                fields.push((host.keyword_of_peer(name), content));
            }
            // In the order of their names.
            let mut entries = vec![[host.constant_keyword("content"), content]];
            let mut add = |name, value: &Option<String>| {
                if let Some(value) = value {
                    entries.push([host.keyword(name), heap.string(value)]);
                }
            };
            add("content-type", &part.kind);
            add("filename", &part.filename);
            add("name", &part.name);
            sorted_map::from_few_sorted(heap, &entries)
        })
        .collect();
    heap.list(&maps)
}

fn is_json(value: &[u8]) -> bool {
    let value = String::from_utf8_lossy(value).to_ascii_lowercase();
    let kind = value.split(';').next().unwrap_or_default().trim();
    kind == "application/json" || kind.ends_with("+json")
}

fn stop(host: &Host, args: &[Value]) -> Outcome {
    host.scheduler.go_on_without_memory(false);
    server(host, args)?.stop();
    Ok(Value::NIL)
}

fn drain(host: &Host, args: &[Value]) -> Outcome {
    let server = server(host, args)?;
    let engine = engine::handle(host, "http/serve")?;
    let is_first = workers::employment(host).is_none();
    if is_first {
        server.is_left.store(true, Ordering::Relaxed);
    }
    let closing = async move {
        server.reached(Phase::Closed).await;
        if is_first {
            server.workers.gone().await;
        }
    };
    engine::wait(host, engine::start(&engine, closing), |_, ()| {
        Ok(Value::NIL)
    })
}

fn leave(host: &Host, args: &[Value]) -> Outcome {
    host.scheduler.go_on_without_memory(false);
    match workers::employment(host) {
        Some(employment) => Err(employment.leave()),
        None => workers::outcome(&*server(host, args)?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Bench;
    use sema_machine::host::{MOST_BYTES_OF_NAMES, MOST_NAMES_OF_PEERS};

    /// Bytes of the names of a machine whose peers have sent as many long ones as they like.
    fn memory_of_long_names() -> usize {
        let bench = Bench::new();
        for number in 0..200 {
            let name = format!("{number}{}", "x".repeat(60_000));
            bench.host.keyword_of_peer(&name);
        }
        assert_eq!(bench.host.keyword_of_peer("short").kind(), Kind::Keyword);
        bench.host.symbols.bytes()
    }

    #[test]
    fn peers_do_not_use_names_up() {
        let bench = Bench::new();
        let host = &bench.host;
        let known = host.constant_keyword("known");
        let mut reader = Reader::new(Keys::Foreign);
        for number in 0..MOST_NAMES_OF_PEERS {
            host.keyword_of_peer(&format!("name-{number}"));
            reader
                .document(
                    host,
                    &format!("{{\"b\": 1, \"key-{number}\": 2, \"known\": 3}}"),
                )
                .unwrap();
        }
        assert!(host.symbols.len() <= MOST_NAMES_OF_PEERS);
        assert!(memory_of_long_names() <= MOST_BYTES_OF_NAMES);
        assert_eq!(host.keyword_of_peer("another").kind(), Kind::String);
        assert_eq!(host.keyword_of_peer("known"), known);
        let map = reader
            .document(host, "{\"known\": 3, \"unknown\": 2}")
            .unwrap();
        let shown = sema_machine::data::print::readable(host, map);
        assert_eq!(shown, "{\"unknown\" 2 :known 3}");
    }
}
