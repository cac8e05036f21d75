//! What a server is told.

use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use sema_machine::host::Host;
use sema_machine::host::condition::{Outcome, eval_error, type_error};
use sema_machine::memory::value::Value;

use super::workers;
use crate::core::system::environment;
use crate::net::http::client::options::{milliseconds, number, octets, option};
use crate::net::http::tls;

/// As good as for ever, and a time that can still be added to others.
pub const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
/// Behind the standard ones.
const FIRST_INHERITED: i32 = 3;

/// What a server is told.
#[derive(Clone)]
pub struct Settings {
    /// The address to listen at.
    pub host: String,
    /// The port; 0: any.
    pub port: u16,
    /// Whether a port that is taken is replaced by the next one.
    pub falls_back: bool,
    /// Machines that answer requests.
    pub workers: usize,
    /// Most bytes of a body.
    pub most_body: usize,
    /// Most bytes of a request's head.
    pub most_head: usize,
    /// Most connections at the same time; more have to wait.
    pub connections: usize,
    /// How long the head of a request may take, and a connection may be idle.
    pub head_time: Duration,
    /// How long the parts of a body may be apart.
    pub body_time: Duration,
    /// How long a client may take nothing of an answer.
    pub send_time: Duration,
    /// How long a handler may take.
    pub handler_time: Duration,
    /// How long what runs may take when the server ends.
    pub grace: Duration,
    /// How long it still lets connections in when it has been asked to end.
    pub drain: Duration,
    /// Certificate and key.
    pub tls: Option<Arc<ServerConfig>>,
    /// The path at which the engine says that the server runs, without a handler.
    pub health: Option<String>,
    /// The number of a socket that the service manager has opened for this process.
    pub inherited: Option<i32>,
    /// Whether each request is reported on standard error.
    pub logs: bool,
    /// Whether bodies are given to handlers as streams.
    pub streams: bool,
}

impl Settings {
    /// The address as the program gives it.
    pub fn name(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }

    /// What a map of options says.
    pub fn of(host: &Host, options: Value) -> Outcome<Settings> {
        let time = |name, default| -> Outcome<Duration> {
            Ok(milliseconds(host, options, name)?.unwrap_or(Duration::from_millis(default)))
        };
        // 0 is for ever.
        let limit = |name, default| -> Outcome<Duration> {
            let time = time(name, default)?;
            Ok(if time.is_zero() { LONGEST } else { time })
        };
        let size = |name, default| -> Outcome<usize> {
            Ok(number(host, options, name)?.unwrap_or(default))
        };
        let is_set = |name| option(host, options, name).is_some_and(Value::is_truthy);
        let address = option(host, options, "host");
        let address = address.map_or(Some("0.0.0.0"), |address| host.heap.as_str(address));
        let address = address.ok_or_else(|| {
            type_error(
                host,
                "string for :host",
                option(host, options, "host").unwrap_or(Value::NIL),
            )
        })?;
        let port = size("port", 3000)?;
        let workers = size("workers", 1)?;
        if !(1..=workers::MOST).contains(&workers) {
            return Err(eval_error(format!(
                "http/serve: :workers must be from 1 to {}, not {workers}",
                workers::MOST
            )));
        }
        Ok(Settings {
            // As in URLs, addresses of IPv6 may be in brackets.
            host: (address
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']')))
            .unwrap_or(address)
            .to_owned(),
            port: u16::try_from(port).map_err(|_| {
                eval_error(format!(
                    "http/serve: {port} is not a port: they are 0 to 65535"
                ))
            })?,
            falls_back: is_set("port-fallback"),
            workers,
            most_body: size("max-body", 16 << 20)?,
            // The library wants at least 8 KB.
            most_head: size("max-header", 64 << 10)?.max(8 << 10),
            connections: size("max-connections", 10_000)?.clamp(1, 1 << 20),
            head_time: limit("header-timeout", 30_000)?,
            body_time: limit("body-timeout", 30_000)?,
            send_time: limit("send-timeout", 60_000)?,
            handler_time: limit("handler-timeout", 120_000)?,
            grace: time("grace", 10_000)?,
            drain: time("drain-delay", 0)?,
            tls: match (
                octets(host, options, "cert")?,
                octets(host, options, "key")?,
            ) {
                (None, None) => None,
                (Some(chain), Some(key)) => {
                    let made = tls::server(&chain, &key);
                    Some(Arc::new(made.map_err(|error| {
                        eval_error(format!("http/serve: TLS: {error}"))
                    })?))
                }
                _ => return Err(eval_error("http/serve: TLS needs both :cert and :key")),
            },
            health: match option(host, options, "health") {
                None => None,
                Some(path) => {
                    // One without a slash is the path of no request.
                    let text = host.heap.as_str(path).filter(|text| text.starts_with('/'));
                    let wrong = || type_error(host, "a path that begins with / for :health", path);
                    Some(text.ok_or_else(wrong)?.to_owned())
                }
            },
            inherited: inherited(host),
            logs: is_set("access-log"),
            streams: is_set("stream-body"),
        })
    }
}

/// The first socket that a service manager has opened for this process (`sd_listen_fds`).
fn inherited(host: &Host) -> Option<i32> {
    let number = |name| environment::lookup(host, name).and_then(|text| text.parse::<i32>().ok());
    let process = rustix::process::getpid().as_raw_nonzero().get();
    let is_meant = number("LISTEN_PID") == Some(process) && number("LISTEN_FDS") >= Some(1);
    is_meant.then_some(FIRST_INHERITED)
}
