//! What a request is answered with, and the value that the program gets of it.

use crate::core::system::stream_state::State;
use crate::core::system::streams::named_stream;
use crate::net::http::engine::incoming::Incoming;
use hyper::http::{HeaderMap, header};
use sema_machine::data::collections::sorted_map;
use sema_machine::host::Host;
use sema_machine::host::condition::Outcome;
use sema_machine::memory::value::Value;

use super::exchange::fields;
use super::request::Form;

/// The body of an answer.
pub enum Content {
    /// All of it.
    Bytes(Vec<u8>),
    /// What is still to come.
    Stream(Incoming),
}

/// An answer as plain data.
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body.
    pub content: Content,
}

/// The value of an answer: a map of `:status`, `:headers` and `:body`.
///
/// # Errors
/// No memory is left.
pub fn value(host: &Host, answer: Answer, form: Form) -> Outcome {
    let charset = answer.headers.get(header::CONTENT_TYPE);
    let is_latin = charset.is_some_and(|value| {
        String::from_utf8_lossy(value.as_bytes())
            .to_ascii_lowercase()
            .contains("charset=iso-8859-1")
    });
    let headers: Vec<(Value, Value)> = fields(&answer.headers)
        .map(|(name, value)| {
            (
                host.keyword_of_peer(name),
                host.heap.string(&String::from_utf8_lossy(&value)),
            )
        })
        .collect();
    let body = match answer.content {
        Content::Bytes(bytes) => {
            host.ask(2 * bytes.len())?;
            match form {
                Form::Bytes => host.heap.bytevector(&bytes),
                _ if is_latin => {
                    let text: String = bytes.iter().map(|&byte| char::from(byte)).collect();
                    host.heap.string(&text)
                }
                _ => host.heap.string(&String::from_utf8_lossy(&bytes)),
            }
        }
        Content::Stream(incoming) => {
            let state = State::arriving(Box::new(incoming));
            named_stream(host, state, "http-body")
        }
    };
    // In the order of their names.
    let entries = [
        [host.keyword("body"), body],
        [
            host.keyword("headers"),
            sorted_map::from_entries(host, &headers),
        ],
        [host.keyword("status"), Value::small(answer.status.into())],
    ];
    Ok(sorted_map::from_few_sorted(&host.heap, &entries))
}
