//! Requests whose body is written while they are under way.

use hyper::http::HeaderValue;
use sema_machine::host::Host;
use sema_machine::host::arguments::{on_foreign, text};
use sema_machine::host::condition::{Outcome, eval_error};
use sema_machine::host::native::{Capability, Touches};
use sema_machine::memory::value::Value;
use sema_machine::natives;

use super::answer::{self, Answer};
use super::exchange::{self, ClientError};
use super::request::Form;
use super::{client, options};
use crate::net::http::engine::body::{Declared, Payload};
use crate::net::http::engine::outgoing::outgoing;
use crate::net::http::engine::{self, Running};
use crate::net::http::writing;

natives! {
    /// Begins a request whose body is to be written, for a builtin of this name: a list of what to write to and the request.
    "%http-begin" (function: String, method: String, url: String, options: Any) -> List, needs(Capability::Network), touches(Touches::Inside) => begin;

    /// Waits for the answer to a request that has begun.
    "%http-answer" (request: Any) -> Map => wait;
}

/// A request under way.
struct Begun {
    running: Option<Running<Result<Answer, ClientError>>>,
    name: String,
    form: Form,
}

fn begin(host: &Host, args: &[Value]) -> Outcome {
    let function = text(host, "%http-begin", args, 0)?;
    let mut request = options::request(host, function, args, Capability::Network)?;
    let engine = engine::handle(host, function)?;
    let length = declared(function, request.length.as_ref())?;
    let (writer, body) = outgoing(&engine.post);
    request.body = match length {
        Some(length) => Payload::Declared(Declared::new(body, length)),
        None => Payload::Outgoing(body),
    };
    let begun = Begun {
        name: request.name(),
        form: request.form,
        running: Some(engine::start(
            &engine,
            exchange::send(client(host), request),
        )),
    };
    let begun = host.heap.foreign(Box::new(begun));
    Ok(host.heap.list(&[writing::handle(host, writer), begun]))
}

/// How long the program says that the body is. Some servers take no body of an unknown length. Of none it is chunks that say so.
///
/// # Errors
/// It is no number.
pub fn declared(function: &str, length: Option<&HeaderValue>) -> Outcome<Option<u64>> {
    let Some(length) = length else {
        return Ok(None);
    };
    let number = length.to_str().ok().map(str::trim);
    let number = number
        .filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|number| number.parse().ok());
    match number {
        Some(number) => Ok(Some(number).filter(|&number| number > 0)),
        None => Err(eval_error(format!(
            "{function}: the content-length of a stream is not a number of bytes"
        ))),
    }
}

fn wait(host: &Host, args: &[Value]) -> Outcome {
    let (running, name, form) = on_foreign(host, args, "request", |begun: &mut Begun| {
        let running = begun.running.take();
        let running = running
            .ok_or_else(|| eval_error(format!("{}: its answer has been taken", begun.name)))?;
        Ok((running, begun.name.clone(), begun.form))
    })?;
    engine::wait(host, running, move |host, answer| match answer {
        Ok(answer) => answer::value(host, answer, form),
        Err(error) => Err(error.signal(&name)),
    })
}
