//! WebSocket: `ws/...`, for clients and what servers accept.

pub mod connect;
pub mod frame;
pub mod socket;

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::http::HeaderName;
use sema_machine::data::collections;
use sema_machine::data::collections::sorted_map;
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, count, text};
use sema_machine::host::condition::{Outcome, eval_error, io_error, type_error};
use sema_machine::host::native::{Capability, Touches};
use sema_machine::memory::value::Value;
use sema_machine::natives;
use sema_machine::task::{Asking, Await, Pending};

use crate::core::system::device::lock;
use crate::core::system::stream_state::State;
use crate::core::system::streams::{named_stream, shared_state};
use crate::net::http::client;
use crate::net::http::client::options::{header_fields, milliseconds, number, option, trust};
use crate::net::http::engine;
use crate::net::http::engine::budget::{Budget, Reservation};
use crate::net::http::server::respond;
use crate::net::http::url::{Scheme, Url, shown};
use crate::std::json::write;
use frame::{Closing, Message, Opcode};
use socket::Socket;

natives! {
    /// Opens a connection to a server, `ws://` or `wss://`, and gives it; `with-open` closes it. Options are `:headers`, `:subprotocols` (a list), `:timeout` in milliseconds
    /// for the opening, `:retries` and `:retry-backoff-ms` (how often and after how long, doubled each time, it is tried again), `:max-message`
    /// (bytes), and `:ca`, `:cert`, `:key` as for `http/request`. Raises a condition of type `:io` if there is no connection.
    /// (ws/connect "http://localhost/") => error ws/connect: not a websocket URL: http://localhost/
    "ws/connect" (url: String, options?: Map) -> Stream, needs(Capability::Network), touches(Touches::Inside), options(1, &["headers", "subprotocols", "timeout", "retries", "retry-backoff-ms", "max-message", "ca", "cert", "key"]) => connect;

    /// Sends a message: a string as text, a byte vector as bytes, a map as JSON; or what `{:text s}`, `{:binary b}` and `{:json v}` say. It
    /// waits while the peer takes nothing. Raises a condition of type `:io` if the connection is closed.
    /// (ws/send 5 "x") => error expected websocket, got int
    "ws/send" (connection: Stream, message: Any) -> Nil => send;

    /// Waits for the next message: `{:text s}`, `{:binary b}`, at the end `{:close {:code n :reason s}}`, and nil after that.
    /// (ws/recv 5) => error expected websocket, got int
    "ws/recv" (connection: Stream) -> Any => receive;

    /// As `ws/recv`, or `:timeout` if nothing comes within so many milliseconds.
    /// (ws/recv-timeout 5 100) => error expected websocket, got int
    "ws/recv-timeout" (connection: Stream, milliseconds: Count) -> Any => receive_timeout;

    /// Asks the peer whether it is there, with a text or bytes of at most 125 bytes.
    /// (ws/ping 5) => error expected websocket, got int
    "ws/ping" (connection: Stream, payload?: Any) -> Nil => ping;

    /// Closes a connection, with a code that the peer sees (1000, or one of the program's own from 3000 to 4999) and a reason, a text of at most 123 bytes. Closing it
    /// again is no error.
    /// (ws/close 5) => error expected websocket, got int
    "ws/close" (connection: Stream, code?: Any, reason?: Any) -> Nil => close;

    /// Closes a connection because its function has raised.
    "%ws-fail" (connection: Stream) -> Nil => fail;

    /// Whether messages can be sent on a connection.
    /// (ws/connected? 5) => error expected websocket, got int
    "ws/connected?" (connection: Stream) -> Bool => is_connected;

    /// Makes the connection of a request a WebSocket; nil, and the answer 426, if that is not what it asks for.
    "%ws-accept" (responder: Any, options: Any) -> Any => accept;
}

/// Most bytes of a message that comes in.
const MOST_BYTES: usize = 16 << 20;

/// What a value holds of a connection. When it is forgotten, the connection is closed.
struct Held(Arc<Socket>);

impl Drop for Held {
    fn drop(&mut self) {
        lock(&self.0.state).is_noticed = true;
        self.0.end(&Closing::new(1001, ""));
    }
}

/// The value of a connection.
fn value(host: &Host, socket: Arc<Socket>) -> Value {
    let held: Arc<dyn Any + Send + Sync> = Arc::new(Held(socket));
    named_stream(host, State::connection(held), "websocket")
}

/// The connection that the first argument is; `None`: it has been closed.
fn find(host: &Host, args: &[Value]) -> Outcome<Option<Arc<Socket>>> {
    let value = argument(args, 0);
    let wrong = || type_error(host, "websocket", value);
    let state = shared_state(host, value).ok_or_else(wrong)?;
    let name = host.heap.as_str(host.heap.field(value, 0));
    if name != Some("websocket") {
        return Err(wrong());
    }
    let held = lock(&state).held();
    Ok(held.and_then(|held| held.downcast_ref::<Held>().map(|held| held.0.clone())))
}

fn open(host: &Host, function: &str, args: &[Value]) -> Outcome<Arc<Socket>> {
    match find(host, args)? {
        Some(socket) if socket.is_open() => Ok(socket),
        _ => Err(io_error(format!("{function}: the connection is closed"))),
    }
}

fn connect(host: &Host, args: &[Value]) -> Outcome {
    let given = text(host, "ws/connect", args, 0)?;
    let url = Url::parse(given)
        .ok()
        .filter(|url| matches!(url.scheme, Scheme::Ws | Scheme::Wss));
    let url = url
        .ok_or_else(|| eval_error(format!("ws/connect: not a websocket URL: {}", shown(given))))?;
    host.permit("ws/connect", Capability::Network, &url.host_and_port())?;
    let options = argument(args, 1);
    if options != Value::NIL && !collections::is_map(options) {
        return Err(type_error(host, "map (options)", options));
    }
    let headers = match option(host, options, "headers") {
        Some(map) => header_fields(host, "ws/connect", map)?,
        None => Default::default(),
    };
    let protocols = match option(host, options, "subprotocols") {
        Some(list) => sema_machine::host::arguments::list_or_vector(host, list)?
            .iter()
            .map(|&name| {
                let text = host.heap.as_str(name).map(str::to_owned);
                let text = text.ok_or_else(|| type_error(host, "string", name))?;
                // Protocols are named by what header fields may be, too (RFC 6455, 4.1).
                if HeaderName::try_from(&text).is_err() {
                    return Err(eval_error(format!(
                        "ws/connect: {text:?} is not the name of a protocol"
                    )));
                }
                Ok(text)
            })
            .collect::<Outcome<Vec<String>>>()?,
        None => Vec::new(),
    };
    let engine = engine::handle(host, "ws/connect")?;
    let wanted = connect::Wanted {
        url,
        headers,
        protocols,
        timeout: milliseconds(host, options, "timeout")?.unwrap_or(Duration::from_secs(30)),
        retries: number(host, options, "retries")?.unwrap_or(0),
        backoff: milliseconds(host, options, "retry-backoff-ms")?
            .unwrap_or(Duration::from_millis(500)),
        most: number(host, options, "max-message")?.unwrap_or(MOST_BYTES),
        budget: engine.budget.clone(),
        trust: trust(host, options)?,
    };
    let name = format!("ws/connect {}", shown(given));
    let opening = connect::open(client::client(host), wanted);
    engine::wait(
        host,
        engine::start(&engine, opening),
        move |host, opened| match opened {
            Ok(socket) => Ok(value(host, socket)),
            Err(error) => Err(io_error(format!("{name}: {error}"))),
        },
    )
}

/// Sending.
struct Sending {
    socket: Arc<Socket>,
    opcode: Opcode,
    payload: Vec<u8>,
    room: Option<Reservation>,
    function: &'static str,
    is_sent: bool,
}

impl Pending for Sending {
    fn advance(&mut self, asking: &Asking<'_>) -> Await {
        let mut state = lock(&self.socket.state);
        if state.is_ending || state.is_closed {
            return Await::Done;
        }
        if Socket::is_full(&state) {
            state.senders.push(asking.completer());
            return Await::Completion;
        }
        let room = self.room.take();
        self.socket
            .put(&mut state, self.opcode, &self.payload, room);
        self.is_sent = true;
        Await::Done
    }

    fn finish(self: Box<Self>, _: &Host) -> Outcome {
        if self.is_sent {
            return Ok(Value::NIL);
        }
        lock(&self.socket.state).is_noticed = true;
        Err(io_error(format!(
            "{}: the connection is closed",
            self.function
        )))
    }
}

/// What a value is as a message.
fn payload(host: &Host, value: Value) -> Outcome<(Opcode, Vec<u8>)> {
    let json = |value| match write::encode(host, value, false) {
        Ok(text) => Ok((Opcode::Text, text.into_bytes())),
        Err(problem) => Err(eval_error(format!("ws/send: {problem}"))),
    };
    if let Some(text) = host.heap.as_str(value) {
        return Ok((Opcode::Text, text.as_bytes().to_vec()));
    }
    if let Some(bytes) = host.heap.as_bytevector(value) {
        return Ok((Opcode::Binary, bytes.to_vec()));
    }
    if !collections::is_map(value) {
        return Err(type_error(host, "string, bytevector or map", value));
    }
    if collections::len(&host.heap, value) == 1 {
        if let Some(text) = option(host, value, "text") {
            let found = host
                .heap
                .as_str(text)
                .ok_or_else(|| type_error(host, "string", text))?;
            return Ok((Opcode::Text, found.as_bytes().to_vec()));
        }
        if let Some(bytes) = option(host, value, "binary") {
            let found = host
                .heap
                .as_bytevector(bytes)
                .ok_or_else(|| type_error(host, "bytevector", bytes))?;
            return Ok((Opcode::Binary, found.to_vec()));
        }
        if let Some(value) = option(host, value, "json") {
            return json(value);
        }
    }
    json(value)
}

fn send(host: &Host, args: &[Value]) -> Outcome {
    find(host, args)?;
    let (opcode, payload) = payload(host, argument(args, 1))?;
    let room = Budget::room_to_send(host, payload.len(), "ws/send")?;
    host.wait_for(Sending {
        socket: open(host, "ws/send", args)?,
        opcode,
        payload,
        room,
        function: "ws/send",
        is_sent: false,
    })
}

fn ping(host: &Host, args: &[Value]) -> Outcome {
    let socket = find(host, args)?;
    let payload = match args.get(1) {
        None => Vec::new(),
        Some(&value) => match (host.heap.as_str(value), host.heap.as_bytevector(value)) {
            (Some(text), _) => text.as_bytes().to_vec(),
            (None, Some(bytes)) => bytes.to_vec(),
            _ if value == Value::NIL => Vec::new(),
            _ => return Err(type_error(host, "string or bytevector", value)),
        },
    };
    if payload.len() > 125 {
        return Err(eval_error(format!(
            "ws/ping: {} bytes are more than 125",
            payload.len()
        )));
    }
    let socket = socket.filter(|socket| socket.is_open());
    host.wait_for(Sending {
        socket: socket.ok_or_else(|| io_error("ws/ping: the connection is closed"))?,
        opcode: Opcode::Ping,
        payload,
        room: None,
        function: "ws/ping",
        is_sent: false,
    })
}

/// What receiving gives.
enum Received {
    Message(Message),
    Nothing,
    Timeout,
}

/// Receiving.
struct Receive {
    socket: Arc<Socket>,
    until: Option<Instant>,
    received: Received,
}

impl Pending for Receive {
    fn advance(&mut self, asking: &Asking<'_>) -> Await {
        let mut state = lock(&self.socket.state);
        if let Some(message) = self.socket.take(&mut state) {
            self.received = Received::Message(message);
            return Await::Done;
        }
        if state.is_closed {
            self.received = Received::Nothing;
            return Await::Done;
        }
        if self.until.is_some_and(|until| until <= Instant::now()) {
            self.received = Received::Timeout;
            return Await::Done;
        }
        state.receivers.push(asking.completer());
        match self.until {
            None => Await::Completion,
            until => Await::AnyOf(Vec::new(), until),
        }
    }

    fn finish(self: Box<Self>, host: &Host) -> Outcome {
        let map = |key: &str, value| sorted_map::from_entries(host, &[(host.keyword(key), value)]);
        Ok(match self.received {
            Received::Nothing => Value::NIL,
            Received::Timeout => host.keyword("timeout"),
            Received::Message(Message::Text(text)) => {
                host.ask(text.len())?;
                map("text", host.heap.string(&text))
            }
            Received::Message(Message::Binary(bytes)) => {
                host.ask(bytes.len())?;
                map("binary", host.heap.bytevector(&bytes))
            }
            Received::Message(Message::Close(closing)) => {
                let entries = [
                    (host.keyword("code"), Value::small(closing.code.into())),
                    (host.keyword("reason"), host.heap.string(&closing.reason)),
                ];
                map("close", sorted_map::from_entries(host, &entries))
            }
        })
    }
}

fn receiving(host: &Host, args: &[Value], until: Option<Instant>) -> Outcome {
    match find(host, args)? {
        None => Ok(Value::NIL),
        Some(socket) => {
            lock(&socket.state).is_noticed = true;
            host.wait_for(Receive {
                socket,
                until,
                received: Received::Nothing,
            })
        }
    }
}

fn receive(host: &Host, args: &[Value]) -> Outcome {
    receiving(host, args, None)
}

fn receive_timeout(host: &Host, args: &[Value]) -> Outcome {
    find(host, args)?;
    let time = count(host, "ws/recv-timeout", args, 1)?;
    let time = Duration::from_millis(time as u64);
    receiving(host, args, Instant::now().checked_add(time))
}

fn close(host: &Host, args: &[Value]) -> Outcome {
    let socket = find(host, args)?;
    let (code, reason) = (argument(args, 1), argument(args, 2));
    let number = match code {
        Value::NIL => Some(1000),
        code => host
            .heap
            .as_i64(code)
            .and_then(|code| u16::try_from(code).ok()),
    };
    // The others mean something that only an end of the connection itself can say (RFC 6455, 7.4).
    let number = number.filter(|code| matches!(code, 1000 | 3000..=4999));
    let number = number
        .ok_or_else(|| type_error(host, "1000 or a code from 3000 to 4999 for ws/close", code))?;
    let text = match reason {
        Value::NIL => Some(""),
        reason => host.heap.as_str(reason).filter(|text| text.len() <= 123),
    };
    let text = text.ok_or_else(|| {
        type_error(
            host,
            "string of at most 123 bytes as the reason for ws/close",
            reason,
        )
    })?;
    if let Some(socket) = socket {
        lock(&socket.state).is_noticed = true;
        socket.end(&Closing::new(number, text));
    }
    Ok(Value::NIL)
}

fn fail(host: &Host, args: &[Value]) -> Outcome {
    if let Some(socket) = find(host, args)? {
        // Something that was not expected (RFC 6455, 7.4.1).
        socket.end(&Closing::new(1011, ""));
    }
    Ok(Value::NIL)
}

fn is_connected(host: &Host, args: &[Value]) -> Outcome {
    let socket = find(host, args)?;
    Ok(Value::bool(socket.is_some_and(|socket| socket.is_open())))
}

fn accept(host: &Host, args: &[Value]) -> Outcome {
    let options = argument(args, 1);
    let most = number(host, options, "max-message")?.unwrap_or(MOST_BYTES);
    let wanted = option(host, options, "subprotocol");
    let wanted = wanted
        .and_then(|name| host.heap.as_str(name))
        .map(str::to_owned);
    let fields = match option(host, options, "headers") {
        Some(map) => header_fields(host, "http/websocket", map)?,
        None => Default::default(),
    };
    let Some(upgrade) = respond::upgrade(host, args, wanted.as_deref(), fields)? else {
        return Ok(Value::NIL);
    };
    let engine = engine::handle(host, "http/serve")?;
    let opening = connect::accepted(upgrade, wanted, most);
    engine::wait(
        host,
        engine::start(&engine, opening),
        |host, socket| match socket {
            Ok(socket) => Ok(value(host, socket)),
            Err(error) => Err(io_error(format!("http/websocket: {error}"))),
        },
    )
}
