//! What the arguments of a request say.

use std::time::Duration;

use hyper::http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use super::connect::basic;
use super::multipart::{self, Part};
use super::request::{Form, Proxies, Request};
use crate::core::system::environment;
use crate::net::http::engine::body::Payload;
use crate::net::http::tls::Trust;
use crate::net::http::url::{Url, encode_pairs};
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
/// How the program calls itself.
const USER_AGENT: &str = "sema";

/// An option of a map of options; nil and a missing one are the same.
pub fn option(host: &Host, options: Value, name: &str) -> Option<Value> {
    if !collections::is_map(options) {
        return None;
    }
    collections::get_keyword(host, options, host.keyword(name)).filter(|value| *value != Value::NIL)
}

/// The milliseconds of an option.
///
/// # Errors
/// It is no whole number that is not negative.
pub fn milliseconds(host: &Host, options: Value, name: &str) -> Outcome<Option<Duration>> {
    let Some(value) = option(host, options, name) else {
        return Ok(None);
    };
    let number = host
        .heap
        .as_i64(value)
        .and_then(|number| u64::try_from(number).ok());
    let number =
        number.ok_or_else(|| type_error(host, format!("integer {name} in milliseconds"), value))?;
    Ok(Some(Duration::from_millis(number)))
}

/// The number of an option.
///
/// # Errors
/// It is no whole number that is not negative.
pub fn number(host: &Host, options: Value, name: &str) -> Outcome<Option<usize>> {
    let Some(value) = option(host, options, name) else {
        return Ok(None);
    };
    let number = host
        .heap
        .as_i64(value)
        .and_then(|number| usize::try_from(number).ok());
    let number = number.ok_or_else(|| {
        type_error(
            host,
            format!("number that is not negative for :{name}"),
            value,
        )
    })?;
    Ok(Some(number))
}

/// The text or bytes of an option.
///
/// # Errors
/// It is neither.
pub fn octets(host: &Host, options: Value, name: &str) -> Outcome<Option<Vec<u8>>> {
    option(host, options, name)
        .map(|value| bytes_of(host, value))
        .transpose()
}

fn bytes_of(host: &Host, value: Value) -> Outcome<Vec<u8>> {
    match (host.heap.as_str(value), host.heap.as_bytevector(value)) {
        (Some(text), _) => Ok(text.as_bytes().to_vec()),
        (None, Some(bytes)) => Ok(bytes.to_vec()),
        _ => Err(type_error(host, "string or bytevector", value)),
    }
}

fn string(host: &Host, value: Value) -> Outcome<String> {
    let text = host.heap.as_str(value).map(str::to_owned);
    text.ok_or_else(|| type_error(host, "string", value))
}

/// Names and texts of a map: keys are keywords, symbols or strings; values that are no strings are printed.
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
        let mut one = |value| match host.heap.as_str(value) {
            Some(text) => act(name, text),
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

/// Header fields of a map: several values of one name are a list.
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
        let value = HeaderValue::try_from(value)
            .map_err(|_| eval_error(format!("{function}: the value of the header field {name} has characters that it must not have")))?;
        let added = headers.try_append(field, value);
        added.map_err(|_| eval_error(format!("{function}: there are too many header fields")))?;
        Ok(())
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
    let mut url =
        Url::parse(url).map_err(|error| io_error(format!("http {method} {url}: {error}")))?;
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
    let proxies = proxies(host, function, options)?;
    if let Some(proxy) = proxies.of(&url) {
        host.permit(function, capability, &proxy.host_and_port())?;
    }
    Ok(Request {
        method,
        proxies,
        url,
        limits: host.policy().map(|policy| (policy.clone(), capability)),
        headers,
        body: Payload::empty(),
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
        return Ok(Form::Text);
    };
    match host.name_of(value) {
        Some("text") => Ok(Form::Text),
        Some("bytes") => Ok(Form::Bytes),
        Some("stream") => Ok(Form::Stream),
        _ => Err(type_error(host, ":text, :bytes or :stream for :as", value)),
    }
}

/// Adds the field by which the program appears: `:basic` and `:bearer`, or the user in the address.
fn authorise(host: &Host, options: Value, url: &Url, headers: &mut HeaderMap) -> Outcome<()> {
    let mut value = match &url.user {
        Some((user, password)) => basic(user, password),
        None => None,
    };
    if let Some(pair) = option(host, options, "basic") {
        let pair = list_or_vector(host, pair)?;
        let [user, password] = *pair else {
            return Err(type_error(
                host,
                "user and password for :basic",
                option(host, options, "basic").unwrap_or(Value::NIL),
            ));
        };
        value = basic(&string(host, user)?, &string(host, password)?);
    }
    if let Some(token) = option(host, options, "bearer") {
        let text = string(host, token)?;
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

/// The proxies that the options name (`:proxy`; `#f` for none), else those of the environment.
fn proxies(host: &Host, function: &str, options: Value) -> Outcome<Proxies> {
    let parse = |text: &str| {
        let text = if text.contains("://") {
            text.to_owned()
        } else {
            format!("http://{text}")
        };
        match Url::parse(&text) {
            Ok(url) if url.scheme == crate::net::http::url::Scheme::Http => Ok(url),
            Ok(_) => Err(eval_error(format!(
                "{function}: the proxy {text} is not spoken to by http"
            ))),
            Err(error) => Err(eval_error(format!("{function}: the proxy {text}: {error}"))),
        }
    };
    match option(host, options, "proxy") {
        Some(Value::FALSE) => return Ok(Proxies::default()),
        Some(value) => {
            let proxy = parse(&string(host, value)?)?;
            return Ok(Proxies {
                http: Some(proxy.clone()),
                https: Some(proxy),
                none: Vec::new(),
            });
        }
        None => {}
    }
    let variable = |names: &[&str]| {
        let found = names
            .iter()
            .find_map(|name| environment::lookup(host, name).filter(|value| !value.is_empty()));
        found.map(|text| parse(&text)).transpose()
    };
    let all: &[&str] = &["ALL_PROXY", "all_proxy"];
    let none =
        environment::lookup(host, "NO_PROXY").or_else(|| environment::lookup(host, "no_proxy"));
    Ok(Proxies {
        // `HTTP_PROXY` may be a header of a request to a CGI program.
        http: variable(&[&["http_proxy"], all].concat())?,
        https: variable(&[&["HTTPS_PROXY", "https_proxy"], all].concat())?,
        none: none
            .unwrap_or_default()
            .split(',')
            .map(|entry| entry.trim().to_ascii_lowercase())
            .filter(|entry| !entry.is_empty())
            .collect(),
    })
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

fn part(host: &Host, value: Value) -> Outcome<Part> {
    let text = |name| {
        option(host, value, name)
            .map(|value| string(host, value))
            .transpose()
    };
    let missing = || {
        type_error(
            host,
            "map of :name and :content (part of :multipart)",
            value,
        )
    };
    Ok(Part {
        name: text("name")?.ok_or_else(missing)?,
        filename: text("filename")?,
        content_type: text("content-type")?,
        content: octets(host, value, "content")?.ok_or_else(missing)?,
    })
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
    let (bytes, kind) = if let Some(parts) = option(host, options, "multipart") {
        let parts: Outcome<Vec<Part>> = list_or_vector(host, parts)?
            .iter()
            .map(|&value| part(host, value))
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
            Kind::String | Kind::Bytevector => (bytes_of(host, value)?, None),
            _ => (json(value)?, Some("application/json".to_owned())),
        }
    };
    if let Some(kind) = kind.and_then(|kind| HeaderValue::try_from(kind).ok()) {
        request.headers.entry(header::CONTENT_TYPE).or_insert(kind);
    }
    Ok(Some(bytes))
}
