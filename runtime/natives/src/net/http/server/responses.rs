//! Responses: what handlers give.

use hyper::http::HeaderValue;
use sema_machine::data::collections::{self, sorted_map};
use sema_machine::data::print;
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, argument_error, integer, text};
use sema_machine::host::condition::{Outcome, eval_error, type_error};
use sema_machine::host::native::Capability;
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;

use crate::net::http::client::options::option;
use crate::net::http::url::encode_odd;
use crate::std::json::write;

natives! {
    /// A response of status 200 with a value as JSON.
    /// (http/ok {:id 1}) => {:body "{\"id\":1}" :headers {"content-type" "application/json"} :status 200}
    "http/ok" (value: Any) -> Map => ok;

    /// A response of status 201 with a value as JSON.
    /// (:status (http/created {:id 1})) => 201
    "http/created" (value: Any) -> Map => created;

    /// A response of a status with a value as JSON.
    /// (http/error 422 {:errors ["invalid"]}) => {:body "{\"errors\":[\"invalid\"]}" :headers {"content-type" "application/json"} :status 422}
    "http/error" (status: Int, value: Any) -> Map => error;

    /// A response of status 404 with a value as JSON.
    /// (:status (http/not-found nil)) => 404
    "http/not-found" (value: Any) -> Map => not_found;

    /// A response of status 204, without a body.
    /// (http/no-content) => {:body "" :headers {} :status 204}
    "http/no-content" () -> Map => no_content;

    /// A response of status 302, which sends the client to another address. What an address cannot have is percent-encoded; values of others in it need
    /// `url/encode`.
    /// (http/redirect "/login") => {:body "" :headers {"location" "/login"} :status 302}
    /// (get (:headers (http/redirect "/ä b")) "location") => "/%C3%A4%20b"
    "http/redirect" (url: String) -> Map => redirect;

    /// A response of status 200 with a text.
    /// (http/text "hi") => {:body "hi" :headers {"content-type" "text/plain"} :status 200}
    "http/text" (text: String) -> Map => plain;

    /// A response of status 200 with a page. Nothing in it is escaped.
    /// (:headers (http/html "<p>hi</p>")) => {"content-type" "text/html"}
    "http/html" (html: String) -> Map => html;

    /// A response of a file, embedded or on disk, which is read when it is sent. Its media type is that of its name, unless one is given.
    /// The client may ask for a part of it, and whether it has changed, which it is told to do whenever it uses the file again (`cache-control: no-cache`);
    /// `:headers` of the response go before that. Raises if there is no such file.
    /// (begin (file/write "page.html" "x") (:__file_content_type (http/file "page.html"))) => "text/html"
    /// (http/file "page.html" "a/b\r\nc: d") => error the media type has characters that it must not have
    /// (http/file "no such file") => error http/file: no such file: No such file or directory (os error 2)
    "http/file" (path: String, kind?: String) -> Map, needs(Capability::FsRead), embedded => file;

    /// A response that is a stream of events: what the function sends with the function that it is given. A text is an event of that
    /// data; a map may say `:data`, `:event`, `:id` and `:retry`, nothing else beside these, and is the data as JSON if it says none of them. The stream ends when the function does. Sending raises when the
    /// client is gone.
    /// (map? (http/stream (fn (send) (send "tick")))) => #t
    /// (http/stream 42) => error expected function, got int
    "http/stream" (handler: Function) -> Map => stream;

    /// A response that makes the connection a WebSocket, if the request asks for one; else it is 426. The function gets a map of `:send` (a text, bytes,
    /// or a map as JSON, but `{:text s}`, `{:binary b}` and `{:json v}` alone are what they say, as for `ws/send`), `:recv` (the next text or bytes, nil at the end), `:close`
    /// (perhaps with a code and a reason, as `ws/close`), `:request` (with the `:params` of the route), and `:socket` for the functions `ws/...`. The
    /// connection is closed when the function ends, and a function that does not receive is cancelled when its client is gone. The response may be given `:headers`,
    /// `:subprotocol`, which is chosen if the client offers it, and `:max-message`, bytes.
    /// (map? (http/websocket (fn (connection) ((:send connection) "hello")))) => #t
    /// (http/websocket 42) => error expected function, got int
    "http/websocket" (handler: Function) -> Map => websocket;

    /// The bytes of an event: of a text, or of a map of `:data`, `:event`, `:id` and `:retry`.
    "%http-event" (event: Any) -> String => event;
}

/// A response of these parts.
pub fn response(host: &Host, status: i32, field: Option<(&str, &str)>, body: &str) -> Value {
    let headers: Vec<(Value, Value)> = field
        .iter()
        .map(|(name, value)| (host.heap.string(name), host.heap.string(value)))
        .collect();
    // In the order of their names.
    let entries = [
        [host.constant_keyword("body"), host.heap.string(body)],
        [
            host.constant_keyword("headers"),
            sorted_map::from_entries(host, &headers),
        ],
        [host.constant_keyword("status"), Value::small(status)],
    ];
    sorted_map::from_few_sorted(&host.heap, &entries)
}

fn json(host: &Host, function: &str, status: i32, value: Value) -> Outcome {
    let body = write::encode(host, value, false);
    let body = body.map_err(|problem| eval_error(format!("{function}: {problem}")))?;
    Ok(response(
        host,
        status,
        Some(("content-type", "application/json")),
        &body,
    ))
}

fn ok(host: &Host, args: &[Value]) -> Outcome {
    json(host, "http/ok", 200, argument(args, 0))
}

fn created(host: &Host, args: &[Value]) -> Outcome {
    json(host, "http/created", 201, argument(args, 0))
}

fn error(host: &Host, args: &[Value]) -> Outcome {
    let status = integer(host, "http/error", args, 0)
        .map_err(|_| argument_error(host, "http/error", 0, "integer", argument(args, 0)))?;
    let Some(status) = i32::try_from(status)
        .ok()
        .filter(|status| (100..=999).contains(status))
    else {
        return Err(eval_error(format!(
            "http/error: {status} is not a status: they are 100 to 999"
        )));
    };
    json(host, "http/error", status, argument(args, 1))
}

fn not_found(host: &Host, args: &[Value]) -> Outcome {
    json(host, "http/not-found", 404, argument(args, 0))
}

fn no_content(host: &Host, _: &[Value]) -> Outcome {
    Ok(response(host, 204, None, ""))
}

fn redirect(host: &Host, args: &[Value]) -> Outcome {
    let mut url = String::new();
    encode_odd(text(host, "http/redirect", args, 0)?, &mut url);
    Ok(response(host, 302, Some(("location", &url)), ""))
}

fn plain(host: &Host, args: &[Value]) -> Outcome {
    let body = text(host, "http/text", args, 0)?;
    Ok(response(
        host,
        200,
        Some(("content-type", "text/plain")),
        body,
    ))
}

fn html(host: &Host, args: &[Value]) -> Outcome {
    let body = text(host, "http/html", args, 0)?;
    Ok(response(
        host,
        200,
        Some(("content-type", "text/html")),
        body,
    ))
}

/// A response of a file that exists, with these header fields, nil for none.
pub fn file_response(host: &Host, path: &str, kind: &str, headers: Value) -> Value {
    let entries = [
        (host.constant_keyword("__file"), Value::TRUE),
        (
            host.constant_keyword("__file_content_type"),
            host.heap.string(kind),
        ),
        (host.constant_keyword("__file_path"), host.heap.string(path)),
        (host.constant_keyword("headers"), headers),
    ];
    let count = entries.len() - usize::from(headers == Value::NIL);
    sorted_map::from_entries(host, entries.get(..count).unwrap_or_default())
}

fn file(host: &Host, args: &[Value]) -> Outcome {
    let path = text(host, "http/file", args, 0)?;
    let kind = match args.get(1) {
        Some(_) => text(host, "http/file", args, 1)?,
        None => super::mime::of(path),
    };
    if HeaderValue::try_from(kind).is_err() {
        return Err(eval_error(
            "http/file: the media type has characters that it must not have",
        ));
    }
    super::files::open(&host.files, path)
        .map_err(|error| eval_error(format!("http/file: {path}: {error}")))?;
    Ok(file_response(host, path, kind, Value::NIL))
}

fn function(host: &Host, args: &[Value]) -> Outcome {
    let handler = argument(args, 0);
    match handler.kind() {
        Kind::Closure | Kind::Native | Kind::Multimethod => Ok(handler),
        _ => Err(type_error(host, "function", handler)),
    }
}

fn stream(host: &Host, args: &[Value]) -> Outcome {
    let entries = [
        (host.constant_keyword("__stream"), Value::TRUE),
        (
            host.constant_keyword("__stream_handler"),
            function(host, args)?,
        ),
    ];
    Ok(sorted_map::from_entries(host, &entries))
}

fn websocket(host: &Host, args: &[Value]) -> Outcome {
    let entries = [
        (host.constant_keyword("__websocket"), Value::TRUE),
        (host.constant_keyword("__ws_handler"), function(host, args)?),
    ];
    Ok(sorted_map::from_entries(host, &entries))
}

/// A field of an event: each line of its value is one of its own.
fn add_field(name: &str, value: &str, out: &mut String) {
    for line in value.replace("\r\n", "\n").split(['\n', '\r']) {
        out.push_str(name);
        out.push_str(": ");
        out.push_str(line);
        out.push('\n');
    }
}

/// Whether a map says what an event is; else it is the data.
///
/// # Errors
/// It does, and has something else, which nobody would see.
fn is_event(host: &Host, map: Value) -> Outcome<bool> {
    let entries = collections::sorted_entries(host, map);
    let is_known =
        |key: Value| matches!(host.name_of(key), Some("data" | "event" | "id" | "retry"));
    let known = entries.iter().filter(|(key, _)| is_known(*key)).count();
    match entries.iter().find(|(key, _)| !is_known(*key)) {
        Some((other, _)) if known > 0 => Err(eval_error(format!(
            "http/stream: an event has :data, :event, :id and :retry, not {} beside them: put a map into :data",
            print::readable(host, *other)
        ))),
        _ => Ok(known > 0),
    }
}

fn add_json(host: &Host, data: Value, out: &mut String) -> Outcome<()> {
    let data = write::encode(host, data, false);
    let data = data.map_err(|problem| eval_error(format!("http/stream: {problem}")))?;
    add_field("data", &data, out);
    Ok(())
}

fn event(host: &Host, args: &[Value]) -> Outcome {
    let event = argument(args, 0);
    let mut out = String::new();
    if let Some(data) = host.heap.as_str(event) {
        add_field("data", data, &mut out);
    } else if collections::is_map(event) && !is_event(host, event)? {
        add_json(host, event, &mut out)?;
    } else if collections::is_map(event) {
        for name in ["event", "id", "retry"] {
            if let Some(value) = option(host, event, name) {
                let value = print::display(host, value);
                if value.contains(['\n', '\r', '\0']) {
                    return Err(eval_error(format!(
                        "http/stream: :{name} of an event is of one line"
                    )));
                }
                add_field(name, &value, &mut out);
            }
        }
        let data = option(host, event, "data").unwrap_or(Value::NIL);
        match host.heap.as_str(data) {
            Some(data) => add_field("data", data, &mut out),
            None if data == Value::NIL => {}
            None => add_json(host, data, &mut out)?,
        }
    } else {
        return Err(argument_error(
            host,
            "http/stream/send",
            0,
            "string or map",
            event,
        ));
    }
    out.push('\n');
    Ok(host.heap.string(&out))
}
