//! The client: requests that tasks wait for.

pub mod answer;
pub mod connect;
pub mod decode;
pub mod exchange;
pub mod life;
pub mod multipart;
pub mod options;
pub mod pool;
pub mod proxies;
pub mod repeat;
pub mod request;
pub mod unheard;
pub mod upload;

use std::sync::{Arc, Mutex};

use sema_machine::host::Host;
use sema_machine::host::arguments::text;
use sema_machine::host::condition::Outcome;
use sema_machine::host::native::{Capability, Touches};
use sema_machine::memory::value::Value;
use sema_machine::natives;

use crate::core::system::device::lock;
use crate::net::http::engine;
use crate::net::http::engine::body::Payload;
use crate::net::http::tls::{TlsError, Trust};
use pool::Pool;
use rustls::ClientConfig;

natives! {
    /// Sends a request whose body is not a stream, for a builtin of this name, and waits for the answer.
    "%http-send" (function: String, method: String, url: String, options: Any, body: Any) -> Map, needs(Capability::Network), touches(Touches::Inside) => send;
}

/// What requests of a machine share.
#[derive(Default)]
pub struct Client {
    pool: Pool,
    configurations: Mutex<Vec<(Trust, Arc<ClientConfig>)>>,
}

impl Client {
    /// The configuration of TLS for whom a request trusts, and its number.
    pub fn configuration(&self, trust: &Trust) -> Result<(usize, Arc<ClientConfig>), TlsError> {
        let mut known = lock(&self.configurations);
        let found = known.iter().position(|(other, _)| other == trust);
        if let Some((number, (_, found))) = found.and_then(|at| Some((at, known.get(at)?))) {
            return Ok((number, found.clone()));
        }
        let made = Arc::new(trust.client()?);
        known.push((trust.clone(), made.clone()));
        Ok((known.len() - 1, made))
    }
}

/// The client of a machine, an extension of the host.
pub fn client(host: &Host) -> Arc<Client> {
    host.with_extension(|client: &mut Arc<Client>| client.clone())
}

/// Sends a request and waits for the answer. Arguments: function, method, URL, options, body.
///
/// # Errors
/// It suspends; an `:io` condition if there is no answer.
pub fn send(host: &Host, args: &[Value]) -> Outcome {
    send_with(host, args, Capability::Network)
}

/// [`send`] for what needs another capability than the network.
///
/// # Errors
/// As [`send`].
pub fn send_with(host: &Host, args: &[Value], capability: Capability) -> Outcome {
    let function = text(host, "%http-send", args, 0)?;
    let mut request = options::request(host, function, args, capability)?;
    if let Some(body) = options::body(host, function, args, &mut request)? {
        request.body = Payload::Bytes(body.into());
    }
    let engine = engine::handle(host, function)?;
    let (name, form) = (request.name(), request.form);
    let running = engine::start(&engine, exchange::send(client(host), request));
    engine::wait(host, running, move |host, answer| match answer {
        Ok(answer) => answer::value(host, answer, form),
        Err(error) => Err(error.signal(&name)),
    })
}
