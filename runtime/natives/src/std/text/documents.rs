//! Documents: maps of a text and what is known about it.

use super::{chunk, chunk_sizes};
use sema_machine::data::collections::{self, sorted_map};
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, text};
use sema_machine::host::condition::{Outcome, eval_error, type_error};
use sema_machine::memory::value::Value;
use sema_machine::natives;

natives! {
    /// A map of a text and of what is known about it.
    /// (document/create "Hello" {:source "a.txt"}) => {:metadata {:source "a.txt"} :text "Hello"}
    "document/create" (text: String, metadata: Map) -> SortedMap, pure => create;

    /// The text of a document.
    /// (document/text (document/create "Hello" {})) => "Hello"
    /// (document/text {}) => error not a document: missing :text
    "document/text" (document: Map) -> Any, pure => text_of;

    /// What is known about a document.
    /// (document/metadata (document/create "Hello" {:page 1})) => {:page 1}
    "document/metadata" (document: Map) -> Any, pure => metadata_of;

    /// The pieces of a document, cut as `text/chunk` does: documents that know `:chunk-index` and `:total-chunks` as well.
    /// (document/chunk (document/create "aaaa bbbb" {:page 1}) {:size 5}) => ({:metadata {:chunk-index 0 :page 1 :total-chunks 2} :text "aaaa"} {:metadata {:chunk-index 1 :page 1 :total-chunks 2} :text "bbbb"})
    "document/chunk" (document: Map, options?: Any) -> List, pure, options(1, &["size", "overlap"]) => chunk_document;
}

fn document(host: &Host, text: Value, metadata: Value) -> Value {
    let entries = [
        (host.keyword("metadata"), metadata),
        (host.keyword("text"), text),
    ];
    sorted_map::from_sorted(&host.heap, &entries)
}

fn create(host: &Host, args: &[Value]) -> Outcome {
    text(host, "document/create", args, 0)?;
    let metadata = argument(args, 1);
    if !collections::is_map(metadata) {
        return Err(type_error(host, "map", metadata));
    }
    Ok(document(host, argument(args, 0), metadata))
}

/// A part of the document `args[0]`.
fn part(host: &Host, args: &[Value], name: &str) -> Outcome {
    let document = argument(args, 0);
    if !collections::is_map(document) {
        return Err(type_error(host, "map", document));
    }
    let found = collections::get(host, document, host.keyword(name));
    found.ok_or_else(|| eval_error(format!("not a document: missing :{name}")))
}

fn text_of(host: &Host, args: &[Value]) -> Outcome {
    part(host, args, "text")
}

fn metadata_of(host: &Host, args: &[Value]) -> Outcome {
    part(host, args, "metadata")
}

fn chunk_document(host: &Host, args: &[Value]) -> Outcome {
    let heap = &host.heap;
    let content = part(host, args, "text")?;
    let Some(content) = heap.as_str(content) else {
        return Err(eval_error("document/chunk: document missing :text"));
    };
    let known = collections::get(host, argument(args, 0), host.keyword("metadata"));
    let known = known.filter(|known| collections::is_map(*known));
    let known = known.unwrap_or_else(|| sorted_map::empty(heap));
    let pieces = chunk::pieces(content, chunk_sizes(host, argument(args, 1)));
    let total = Value::index(pieces.len());
    let documents: Vec<Value> = (pieces.iter().enumerate())
        .map(|(index, piece)| {
            let index = (host.keyword("chunk-index"), Value::index(index));
            let total = (host.keyword("total-chunks"), total);
            let metadata = collections::insert(host, known, index.0, index.1);
            let metadata = collections::insert(host, metadata, total.0, total.1);
            document(host, heap.string(piece), metadata)
        })
        .collect();
    Ok(heap.list(&documents))
}
