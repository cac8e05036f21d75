//! What the arguments of a request say.

use std::borrow::Cow;
use std::time::Duration;

use hyper::http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use super::connect::basic;
use super::multipart::{self, Part};
use super::proxies::Proxies;
use super::request::{Form, Request};
use crate::core::system::environment;
use crate::net::http::engine::body::Payload;
use crate::net::http::engine::budget::{Budget, OverBudget, Reservation};
use crate::net::http::tls::Trust;
use crate::net::http::url::{Url, encode_pairs, shown};
use crate::std::json::write;
use sema_machine::data::collections;
use sema_machine::data::print;
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, argument_error, list_or_vector};
use sema_machine::host::condition::{Outcome, eval_error, io_error, type_error};
use sema_machine::host::native::Capability;
use sema_machine::memory::value::{Kind, Value};

/// Where the arguments of `%http-send` stand.
const METHOD: usize = 1;
const URL: usize = 2;
const OPTIONS: usize = 3;
const BODY: usize = 4;

/// How long a connection may take.
const CONNECT_TIME: Duration = Duration::from_secs(30);
/// How many redirections are followed.
const REDIRECTS: usize = 10;
/// Most bytes of a body that is not a stream.
const MOST_BYTES: usize = 256 << 20;
/// Most header fields that a program gives. Others are added by functions that end the process where the table of all is full, which has room
/// for half as many more.
const MOST_FIELDS: usize = 16 << 10;
/// How the program calls itself.
const USER_AGENT: &str = "sema";

/// An option of a map of options; nil and a missing one are the same.
pub fn option(host: &Host, options: Value, name: &'static str) -> Option<Value> {
    if !collections::is_map(options) {
        return None;
    }
    collections::get_keyword(host, options, host.constant_keyword(name))
        .filter(|value| *value != Value::NIL)
}

/// The milliseconds of an option.
///
/// # Errors
/// It is no whole number that is not negative.
pub fn milliseconds(host: &Host, options: Value, name: &'static str) -> Outcome<Option<Duration>> {
    let time = whole(host, options, name, " in milliseconds")?;
    Ok(time.map(Duration::from_millis))
}

/// The number of an option.
///
/// # Errors
/// It is no whole number that is not negative.
pub fn number(host: &Host, options: Value, name: &'static str) -> Outcome<Option<usize>> {
    let number = whole(host, options, name, "")?;
    // What does not fit where addresses have 32 bits is more than there can be of anything.
    Ok(number.map(|number| usize::try_from(number).unwrap_or(usize::MAX)))
}

fn whole(host: &Host, options: Value, name: &'static str, unit: &str) -> Outcome<Option<u64>> {
    let Some(value) = option(host, options, name) else {
        return Ok(None);
    };
    let Some(number) = host.heap.as_i64(value) else {
        return Err(type_error(
            host,
            format!("integer for :{name}{unit}"),
            value,
        ));
    };
    let positive = u64::try_from(number).map_err(|_| {
        eval_error(format!(
            "expected a non-negative integer for :{name}{unit}, got {number}"
        ))
    })?;
    Ok(Some(positive))
}

/// The text or bytes of an option.
///
/// # Errors
/// It is neither.
pub fn octets(host: &Host, options: Value, name: &'static str) -> Outcome<Option<Vec<u8>>> {
    option(host, options, name)
        .map(|value| bytes_of(host, value, name).map(<[u8]>::to_vec))
        .transpose()
}

/// The text or bytes that an option is.
fn bytes_of<'h>(host: &'h Host, value: Value, name: &str) -> Outcome<&'h [u8]> {
    match (host.heap.as_str(value), host.heap.as_bytevector(value)) {
        (Some(text), _) => Ok(text.as_bytes()),
        (None, Some(bytes)) => Ok(bytes),
        _ => Err(type_error(
            host,
            format!("string or bytevector for :{name}"),
            value,
        )),
    }
}

/// The text that an option is, or has.
///
/// # Errors
/// It is none.
pub fn string(host: &Host, value: Value, name: &str) -> Outcome<String> {
    let text = host.heap.as_str(value).map(str::to_owned);
    text.ok_or_else(|| type_error(host, format!("string for :{name}"), value))
}

/// The values that an option is.
fn several<'h>(host: &'h Host, value: Value, name: &str) -> Outcome<Cow<'h, [Value]>> {
    match value.kind() {
        Kind::List | Kind::Vector => list_or_vector(host, value),
        _ => Err(type_error(
            host,
            format!("list or vector for :{name}"),
            value,
        )),
    }
}

/// Names and texts of a map: keys are keywords, symbols or strings; values that are no strings are printed, nil is left out.
///
/// # Errors
/// It is no map, or a key is of another kind.
pub fn pairs(host: &Host, map: Value, what: &str) -> Outcome<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    for_each_pair(host, map, what, |name, value| {
        pairs.push((name.to_owned(), value.to_owned()));
        Ok(())
    })?;
    Ok(pairs)
}

/// Does something with each pair of [`pairs`].
fn for_each_pair(
    host: &Host,
    map: Value,
    what: &str,
    mut act: impl FnMut(&str, &str) -> Outcome<()>,
) -> Outcome<()> {
    if !collections::is_map(map) {
        return Err(type_error(host, format!("map ({what})"), map));
    }
    for (key, value) in collections::sorted_entries(host, map) {
        let name = host.heap.as_str(key).or_else(|| host.name_of(key));
        let name = name.ok_or_else(|| type_error(host, "string or keyword", key))?;
        let mut one = |value: Value| match host.heap.as_str(value) {
            Some(text) => act(name, text),
            None if value == Value::NIL => Ok(()),
            None => act(name, &print::display(host, value)),
        };
        match value.kind() {
            Kind::List | Kind::Vector => {
                for &value in list_or_vector(host, value)?.iter() {
                    one(value)?;
                }
            }
            _ => one(value)?,
        }
    }
    Ok(())
}

/// Header fields of a map: several values of one name are a list, or the lines of `set-cookie` in an answer, as
/// [`super::exchange::fields`] joins them.
///
/// # Errors
/// A name or a value is none: they would end the header, say.
pub fn header_fields(host: &Host, function: &str, map: Value) -> Outcome<HeaderMap> {
    let mut headers = HeaderMap::new();
    for_each_pair(host, map, "headers", |name, value| {
        let field = HeaderName::try_from(name).map_err(|_| {
            eval_error(format!(
                "{function}: {name:?} is not the name of a header field"
            ))
        })?;
        let mut one = |value: &str| {
            let value = HeaderValue::try_from(value).map_err(|_| {
                eval_error(format!(
                    "{function}: the value of the header field {name} has characters that it must not have"
                ))
            })?;
            if headers.len() >= MOST_FIELDS {
                return Err(eval_error(format!(
                    "{function}: there are too many header fields"
                )));
            }
            headers.append(&field, value);
            Ok(())
        };
        if field == header::SET_COOKIE {
            return value.split('\n').try_for_each(one);
        }
        one(value)
    })?;
    Ok(headers)
}

/// The request that the arguments describe, without its body.
pub fn request(
    host: &Host,
    function: &str,
    args: &[Value],
    capability: Capability,
) -> Outcome<Request> {
    // `http/request` takes the method first.
    let shift = usize::from(function == "http/request");
    let method = argument(args, METHOD);
    let method = host
        .heap
        .as_str(method)
        .ok_or_else(|| argument_error(host, function, 0, "string", method))?;
    let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes())
        .map_err(|_| eval_error(format!("http: invalid method {method}")))?;
    if method == Method::CONNECT {
        return Err(eval_error("http: the method CONNECT is for proxies"));
    }
    let url = argument(args, URL);
    let url = host
        .heap
        .as_str(url)
        .ok_or_else(|| argument_error(host, function, shift, "string", url))?;
    let mut url = Url::parse(url)
        .map_err(|error| io_error(format!("http {method} {}: {error}", shown(url))))?;
    if !url.scheme.is_http() {
        return Err(io_error(format!(
            "http {method} {}: the scheme is not http or https",
            url.text()
        )));
    }
    host.permit(function, capability, &url.host_and_port())?;
    let options = argument(args, OPTIONS);
    if options != Value::NIL && !collections::is_map(options) {
        return Err(type_error(host, "map (options)", options));
    }
    if let Some(query) = option(host, options, "query") {
        let pairs = pairs(host, query, "query")?;
        url.add_query(&encode_pairs(
            pairs
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        ));
    }
    let decompress = option(host, options, "decompress") != Some(Value::FALSE);
    let mut headers = match option(host, options, "headers") {
        Some(map) => header_fields(host, function, map)?,
        None => HeaderMap::new(),
    };
    // How long a body is, and where it ends, is said by who sends it.
    headers.remove(header::TRANSFER_ENCODING);
    let length = headers.remove(header::CONTENT_LENGTH);
    authorise(host, options, &url, &mut headers)?;
    let mut default = |name: HeaderName, value: &'static str| {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    };
    default(header::ACCEPT, "*/*");
    default(header::USER_AGENT, USER_AGENT);
    if decompress {
        default(header::ACCEPT_ENCODING, "gzip");
    }
    let proxies = Proxies::of_request(host, function, options)?;
    let proxy = proxies
        .of(&url)
        .map_err(|error| io_error(format!("http {method} {}: {error}", url.text())))?;
    if let Some(proxy) = proxy {
        host.permit(function, capability, &proxy.host_and_port())?;
    }
    Ok(Request {
        method,
        proxies,
        url,
        limits: host.policy().map(|policy| (policy.clone(), capability)),
        headers,
        body: Payload::empty(),
        length,
        room: None,
        budget: Budget::of(host),
        form: form(host, options)?,
        timeout: milliseconds(host, options, "timeout")?,
        connect_timeout: milliseconds(host, options, "connect-timeout")?.unwrap_or(CONNECT_TIME),
        redirects: number(host, options, "redirects")?.unwrap_or(REDIRECTS),
        decompress,
        most: number(host, options, "max-body")?.unwrap_or(MOST_BYTES),
        trust: trust(host, options)?,
    })
}

fn form(host: &Host, options: Value) -> Outcome<Form> {
    let Some(value) = option(host, options, "as") else {
        return Ok(Form::Fitting);
    };
    match host.name_of(value) {
        Some("text") => Ok(Form::Text),
        Some("bytes") => Ok(Form::Bytes),
        Some("stream") => Ok(Form::Stream),
        _ => Err(eval_error(format!(
            "expected :text, :bytes or :stream for :as, got {}",
            print::display(host, value)
        ))),
    }
}

/// Adds the field by which the program appears: `:basic` and `:bearer`, or the user in the address.
fn authorise(host: &Host, options: Value, url: &Url, headers: &mut HeaderMap) -> Outcome<()> {
    let mut value = match &url.user {
        Some((user, password)) => basic(user, password),
        None => None,
    };
    if let Some(pair) = option(host, options, "basic") {
        let pair = several(host, pair, "basic")?;
        let [user, password] = *pair else {
            return Err(eval_error(format!(
                "expected user and password for :basic, got {} values",
                pair.len()
            )));
        };
        value = basic(
            &string(host, user, "basic")?,
            &string(host, password, "basic")?,
        );
    }
    if let Some(token) = option(host, options, "bearer") {
        let text = string(host, token, "bearer")?;
        let mut bearer = HeaderValue::try_from(format!("Bearer {text}")).map_err(|_| {
            eval_error("http: the token for :bearer has characters that it must not have")
        })?;
        bearer.set_sensitive(true);
        value = Some(bearer);
    }
    if let Some(value) = value {
        headers.entry(header::AUTHORIZATION).or_insert(value);
    }
    Ok(())
}

/// Whom to trust: `:ca`, `:cert` and `:key`, PEM texts; else what the environment says.
pub fn trust(host: &Host, options: Value) -> Outcome<Trust> {
    let identity = match (
        octets(host, options, "cert")?,
        octets(host, options, "key")?,
    ) {
        (Some(chain), Some(key)) => Some((chain, key)),
        (None, None) => None,
        _ => return Err(eval_error("http: a certificate needs both :cert and :key")),
    };
    let variable = |name| environment::lookup(host, name).filter(|value| !value.is_empty());
    Ok(Trust {
        roots: octets(host, options, "ca")?,
        identity,
        file: variable("SSL_CERT_FILE"),
        folder: variable("SSL_CERT_DIR"),
    })
}

/// A part of `:multipart`. There is room for its content, and for that in the body.
fn part(host: &Host, value: Value, room: &mut Room<'_>) -> Outcome<Part> {
    let text = |name| {
        option(host, value, name)
            .map(|value| string(host, value, name))
            .transpose()
    };
    let missing = || {
        type_error(
            host,
            "map of :name and :content (part of :multipart)",
            value,
        )
    };
    let content = option(host, value, "content").ok_or_else(missing)?;
    let content_type = text("content-type")?.map(|kind| {
        HeaderValue::try_from(kind).map_err(|_| {
            eval_error("http: the :content-type of a part has characters that it must not have")
        })
    });
    Ok(Part {
        name: text("name")?.ok_or_else(missing)?,
        filename: text("filename")?,
        content_type: content_type.transpose()?,
        content: room.copy(2, bytes_of(host, content, "content")?)?,
    })
}

/// The memory that the body of a request takes.
struct Room<'r> {
    request: &'r Request,
    reservation: Reservation,
}

impl Room<'_> {
    /// It takes so many bytes.
    fn resize(&mut self, bytes: usize) -> Outcome<()> {
        let failed = |error: OverBudget| error.condition(&self.request.name()).signal();
        self.reservation.resize(bytes).map_err(failed)
    }

    /// A copy of bytes, of which there will be so many.
    fn copy(&mut self, copies: usize, bytes: &[u8]) -> Outcome<Vec<u8>> {
        let more = bytes.len().saturating_mul(copies);
        self.resize(self.reservation.bytes().saturating_add(more))?;
        Ok(bytes.to_vec())
    }
}

/// The bytes that are sent: those of `:multipart`, `:form` or `:json`, else of the argument: bytes and texts as they are, other values
/// as JSON. Their media type is set unless the program has set one.
pub fn body(
    host: &Host,
    function: &str,
    args: &[Value],
    request: &mut Request,
) -> Outcome<Option<Vec<u8>>> {
    let options = argument(args, OPTIONS);
    let value = argument(args, BODY);
    let json = |value| {
        write::encode(host, value, false)
            .map(String::into_bytes)
            .map_err(|problem| eval_error(format!("{function}: {problem}")))
    };
    let mut room = Room {
        reservation: request.budget.nothing(),
        request,
    };
    let (bytes, kind) = if let Some(parts) = option(host, options, "multipart") {
        let parts: Outcome<Vec<Part>> = several(host, parts, "multipart")?
            .iter()
            .map(|&value| part(host, value, &mut room))
            .collect();
        let (bytes, kind) = multipart::encode(&parts?);
        (bytes, Some(kind))
    } else if let Some(form) = option(host, options, "form") {
        let pairs = pairs(host, form, "form")?;
        let text = encode_pairs(
            pairs
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        );
        (
            text.into_bytes(),
            Some("application/x-www-form-urlencoded".to_owned()),
        )
    } else if let Some(value) = option(host, options, "json") {
        (json(value)?, Some("application/json".to_owned()))
    } else {
        match value.kind() {
            Kind::Nil => return Ok(None),
            Kind::String | Kind::Bytevector => {
                let bytes = bytes_of(host, value, "body")?;
                (room.copy(1, bytes)?, None)
            }
            _ => (json(value)?, Some("application/json".to_owned())),
        }
    };
    room.resize(bytes.len())?;
    request.room = Some(room.reservation);
    if let Some(kind) = kind.and_then(|kind| HeaderValue::try_from(kind).ok()) {
        request.headers.entry(header::CONTENT_TYPE).or_insert(kind);
    }
    Ok(Some(bytes))
}
