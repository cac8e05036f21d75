//! Bodies that tasks write.

use hyper::body::Bytes;
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, on_foreign};
use sema_machine::host::condition::{Outcome, eval_error, type_error};
use sema_machine::memory::value::Value;
use sema_machine::natives;

use super::engine::body::Misfit;
use super::engine::budget::Budget;
use super::engine::outgoing::Writer;

natives! {
    /// Writes a text or bytes to a body; whether the peer still takes it. It waits while the peer takes nothing.
    "%http-write" (body: Any, part: Any) -> Bool => write;

    /// A body is complete.
    "%http-complete" (body: Any) -> Nil => complete;

    /// A body will never be complete: the peer sees that.
    "%http-abandon" (body: Any) -> Nil => abandon;
}

/// What is to be done when nothing will be written any more.
type AtEnd = Box<dyn FnOnce(&Host)>;

/// A body; no writer: nothing will be written any more.
struct Body {
    writer: Option<Writer>,
    /// How many bytes are still to be written, if the program has said how many there are.
    left: Option<u64>,
    /// What is to be done then.
    at_end: Option<AtEnd>,
}

impl Body {
    /// Nothing will be written any more.
    fn end(&mut self, host: &Host) -> Option<Writer> {
        if let Some(at_end) = self.at_end.take() {
            at_end(host);
        }
        self.writer.take()
    }
}

/// What a body is written by.
pub fn handle(host: &Host, writer: Writer) -> Value {
    handle_until(host, writer, None, |_| {})
}

/// What a body, perhaps of so many bytes, is written by, and what is to be done when nothing will be written any more.
pub fn handle_until(
    host: &Host,
    writer: Writer,
    left: Option<u64>,
    at_end: impl FnOnce(&Host) + 'static,
) -> Value {
    host.heap.foreign(Box::new(Body {
        writer: Some(writer),
        left,
        at_end: Some(Box::new(at_end)),
    }))
}

fn write(host: &Host, args: &[Value]) -> Outcome {
    let part = argument(args, 1);
    let part = match (host.heap.as_str(part), host.heap.as_bytevector(part)) {
        (Some(text), _) => text.as_bytes(),
        (None, Some(bytes)) => bytes,
        _ => return Err(type_error(host, "string or bytevector", part)),
    };
    let room = Budget::room_to_send(host, part.len(), "http")?;
    let part = Bytes::copy_from_slice(part);
    let part = match room {
        Some(room) => room.keep(part),
        None => part,
    };
    let pending = on_foreign(host, args, "body", |body: &mut Body| {
        if let Some(left) = &mut body.left {
            let rest = left.checked_sub(part.len() as u64);
            *left = rest.ok_or_else(|| eval_error(Misfit::Longer.to_string()))?;
        }
        Ok(body.writer.as_ref().map(|writer| writer.writing(part)))
    })?;
    match pending {
        Some(pending) => host.wait_for(pending),
        None => Ok(Value::FALSE),
    }
}

fn complete(host: &Host, args: &[Value]) -> Outcome {
    on_foreign(host, args, "body", |body: &mut Body| {
        if body.left.is_some_and(|left| left > 0) {
            return Err(eval_error(Misfit::Shorter.to_string()));
        }
        if let Some(writer) = body.end(host) {
            writer.complete();
        }
        Ok(Value::NIL)
    })
}

fn abandon(host: &Host, args: &[Value]) -> Outcome {
    on_foreign(host, args, "body", |body: &mut Body| {
        drop(body.end(host));
        Ok(Value::NIL)
    })
}
