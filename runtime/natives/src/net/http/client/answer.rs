//! What a request is answered with, and the value that the program gets of it.

use crate::core::system::stream_state::State;
use crate::core::system::streams::named_stream;
use crate::net::http::engine::budget::Held;
use crate::net::http::engine::incoming::Incoming;
use hyper::http::{HeaderMap, HeaderValue, header};
use sema_machine::data::collections::sorted_map;
use sema_machine::host::Host;
use sema_machine::host::condition::Outcome;
use sema_machine::memory::value::Value;

use super::exchange::fields;
use super::request::Form;

/// The body of an answer.
pub enum Content {
    /// All of it.
    Bytes(Held),
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

/// Whether a media type says that there is text, whatever is wrong with that.
fn is_text(kind: &str) -> bool {
    let of_text = ["charset=", "json", "xml"];
    kind.starts_with("text/") || of_text.iter().any(|word| kind.contains(word))
}

/// The value of an answer: a map of `:status`, `:headers` and `:body`.
///
/// # Errors
/// No memory is left.
pub fn value(host: &Host, answer: Answer, form: Form) -> Outcome {
    let kind = answer.headers.get(header::CONTENT_TYPE);
    let kind = kind.map_or(&b""[..], HeaderValue::as_bytes);
    let kind = String::from_utf8_lossy(kind).to_ascii_lowercase();
    let is_latin = kind.contains("charset=iso-8859-1");
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
            // The bytes themselves are reserved.
            match (form, std::str::from_utf8(&bytes)) {
                (Form::Bytes, _) | (Form::Fitting, Err(_))
                    if form == Form::Bytes || !is_text(&kind) =>
                {
                    host.ask(bytes.len())?;
                    host.heap.bytevector(&bytes)
                }
                (_, Ok(text)) if !is_latin || text.is_ascii() => {
                    host.ask(text.len())?;
                    host.heap.string(text)
                }
                _ if is_latin => {
                    let beyond = bytes.iter().filter(|byte| !byte.is_ascii()).count();
                    host.ask(2 * (bytes.len() + beyond))?;
                    let text: String = bytes.iter().map(|&byte| char::from(byte)).collect();
                    host.heap.string(&text)
                }
                _ => {
                    let chunks = bytes.utf8_chunks();
                    let signs = chunks.filter(|chunk| !chunk.invalid().is_empty()).count();
                    host.ask(2 * (bytes.len() + signs * char::REPLACEMENT_CHARACTER.len_utf8()))?;
                    host.heap.string(&String::from_utf8_lossy(&bytes))
                }
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
