//! Vector stores: documents with an embedding each, found by what is most alike.
//!
//! A store is in memory. Its file is JSON: `{"version": 1, "documents": [{"id", "embedding", "metadata"}]}`
//! with embeddings in base64.

use std::collections::HashMap;
use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::search::{Codes, best};
use super::{FLOAT, floats};
use crate::core::sequence::bytes::bytes;
use crate::core::system::files::failed;
use crate::net::llm_values::schema::data_for_models;
use crate::std::json::read::{Keys, Reader};
use crate::std::json::write;
use crate::std::new_file::NewFile;
use sema_machine::data::collections::{self, sorted_map};
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, argument_error, text};
use sema_machine::host::condition::{Outcome, Signal, eval_error, io_error};
use sema_machine::host::native::{Capability, Touches};
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;

natives! {
    /// Makes an empty store under a name, which it gives. One of that name is forgotten.
    /// (begin (vector-store/create "new") (vector-store/count "new")) => 0
    "vector-store/create" (name: String) -> String => create;

    /// Adds a document to a store: an id, its embedding, and any value. One with the same id is replaced. Gives
    /// the id.
    /// (begin (vector-store/create "v1") (vector-store/add "v1" "a" (embedding/list->embedding '(1 0)) {:page 1}) (vector-store/count "v1")) => 1
    /// (begin (vector-store/create "v2") (vector-store/add "v2" "a" #u8(1 2 3) nil)) => error embedding length 3 not multiple of 8
    "vector-store/add" (store: String, id: String, embedding: Bytes, metadata: Any) -> String => add;

    /// The documents of a store whose embeddings are most alike to one, the most alike first: maps of `:id`,
    /// `:score`, the cosine of the angle between both, and `:metadata`.
    /// (begin (vector-store/create "v3") (vector-store/add "v3" "a" (embedding/list->embedding '(1 0)) nil) (vector-store/search "v3" (embedding/list->embedding '(2 0)) 5)) => ({:id "a" :metadata nil :score 1.0})
    /// (vector-store/search "no such store" #u8() 1) => error vector store 'no such store' not found
    "vector-store/search" (store: String, embedding: Bytes, count: Int) -> List => search;

    /// Removes a document from a store; whether there was one with this id.
    /// (begin (vector-store/create "v4") (vector-store/delete "v4" "a")) => #f
    "vector-store/delete" (store: String, id: String) -> Bool => delete;

    /// The number of documents in a store.
    /// (vector-store/count "no such store") => error vector store 'no such store' not found
    "vector-store/count" (store: String) -> Count => count;

    /// Writes a store to a file, that of its last opening or saving unless a path is given. The file appears as a
    /// whole. Gives the path. What JSON lacks becomes strings in the metadata.
    /// (begin (vector-store/create "v5") (vector-store/save "v5" "v5.json")) => "v5.json"
    /// (begin (vector-store/create "v6") (vector-store/save "v6")) => error no path associated
    "vector-store/save" (store: String, path?: String) -> String, needs(Capability::FsWrite), touches(Touches::Inside) => save;

    /// Makes the store of a name and a path that a text describes; an empty text describes an empty one.
    "%vector-store-load" (name: String, path: String, text: String) -> String => load;
}

/// A document.
struct Document {
    id: String,
    vector: Box<[f64]>,
    /// The number of the kept metadata.
    metadata: u32,
}

#[derive(Default)]
struct Store {
    path: Option<String>,
    documents: Vec<Document>,
    /// Places of documents.
    places: HashMap<String, usize>,
    /// Codes of all vectors, made by the first search after a change that they do not survive.
    codes: Option<Codes>,
}

/// The stores of a machine, by name.
#[derive(Default)]
struct Stores(HashMap<String, Store>);

impl Store {
    /// Adds or replaces a document. Gives the number of the metadata that is not needed any more.
    fn add(&mut self, document: Document) -> Option<u32> {
        match self.places.get(&document.id) {
            Some(place) => {
                self.codes = None;
                let old = self.documents.get_mut(*place)?;
                Some(std::mem::replace(old, document).metadata)
            }
            None => {
                if let Some(codes) = &mut self.codes
                    && !codes.push(&document.vector)
                {
                    self.codes = None;
                }
                self.places
                    .insert(document.id.clone(), self.documents.len());
                self.documents.push(document);
                None
            }
        }
    }

    fn remove(&mut self, id: &str) -> Option<u32> {
        let place = self.places.remove(id)?;
        let removed = self.documents.remove(place);
        for later in self.places.values_mut().filter(|later| **later > place) {
            *later -= 1;
        }
        self.codes = None;
        Some(removed.metadata)
    }
}

/// Uses the store that `args[0]` names.
fn on_store<T>(
    host: &Host,
    function: &str,
    args: &[Value],
    use_store: impl FnOnce(&mut Store) -> T,
) -> Outcome<T> {
    let name = text(host, function, args, 0)?;
    host.with_extension(|stores: &mut Stores| stores.0.get_mut(name).map(use_store))
        .ok_or_else(|| eval_error(format!("vector store '{name}' not found")))
}

/// Puts a store in place of the one of its name.
fn replace(host: &Host, name: &str, store: Store) {
    let old = host.with_extension(|stores: &mut Stores| stores.0.insert(name.to_owned(), store));
    for document in old.into_iter().flat_map(|old| old.documents) {
        host.release(document.metadata);
    }
}

fn create(host: &Host, args: &[Value]) -> Outcome {
    replace(
        host,
        text(host, "vector-store/create", args, 0)?,
        Store::default(),
    );
    Ok(argument(args, 0))
}

fn add(host: &Host, args: &[Value]) -> Outcome {
    const FUNCTION: &str = "vector-store/add";
    text(host, FUNCTION, args, 0)?;
    let id = text(host, FUNCTION, args, 1)?.to_owned();
    let bytes = bytes(host, FUNCTION, args, 2)?;
    if bytes.len() % FLOAT != 0 {
        let length = bytes.len();
        return Err(eval_error(format!(
            "{FUNCTION}: embedding length {length} not multiple of 8"
        )));
    }
    host.ask(bytes.len())?;
    on_store(host, FUNCTION, args, |_| ())?;
    let document = Document {
        id,
        vector: floats(bytes).into(),
        metadata: host.keep(argument(args, 3)),
    };
    if let Some(old) = on_store(host, FUNCTION, args, |store| store.add(document))? {
        host.release(old);
    }
    Ok(argument(args, 1))
}

fn search(host: &Host, args: &[Value]) -> Outcome {
    const FUNCTION: &str = "vector-store/search";
    text(host, FUNCTION, args, 0)?;
    let bytes = bytes(host, FUNCTION, args, 1)?;
    let wanted = argument(args, 2);
    let Some(wanted) = host.heap.as_i64(wanted) else {
        return Err(argument_error(host, FUNCTION, 2, "integer", wanted));
    };
    let wanted = usize::try_from(wanted)
        .map_err(|_| eval_error(format!("{FUNCTION}: the count must not be negative")))?;
    let query = floats(bytes);
    let found = on_store(host, FUNCTION, args, |store| {
        // Vectors with codes are equally long.
        let width = store.codes.as_ref().map(|codes| codes.width() * FLOAT);
        let documents = match width {
            Some(width) if width == bytes.len() => &[],
            _ => store.documents.as_slice(),
        };
        let other = documents
            .iter()
            .find(|document| document.vector.len() * FLOAT != bytes.len());
        if let Some(other) = other {
            return Err(eval_error(format!(
                "{FUNCTION}: embedding dimension mismatch for document '{}': query has {} bytes ({} dims) \
                 but stored embedding has {} bytes ({} dims); both must come from the same model",
                other.id,
                bytes.len(),
                query.len(),
                other.vector.len() * FLOAT,
                other.vector.len()
            )));
        }
        if store.codes.is_none() {
            let vectors = store.documents.iter();
            store.codes = Codes::of(vectors.map(|document| &*document.vector));
        }
        let documents = &store.documents;
        let vector = |index: usize| documents.get(index).map_or(&[][..], |one| &one.vector);
        let found = best(
            documents.len(),
            vector,
            store.codes.as_ref(),
            &query,
            wanted,
        );
        Ok(found
            .into_iter()
            .filter_map(|(index, score)| {
                let document = documents.get(index)?;
                Some((document.id.clone(), document.metadata, score))
            })
            .collect::<Vec<_>>())
    })??;
    let found: Vec<Value> = found
        .into_iter()
        .map(|(id, metadata, score)| {
            let entries = [
                (host.keyword("id"), host.heap.string(&id)),
                (host.keyword("metadata"), host.kept(metadata)),
                (host.keyword("score"), Value::float(score)),
            ];
            sorted_map::from_entries(host, &entries)
        })
        .collect();
    Ok(host.heap.list(&found))
}

fn delete(host: &Host, args: &[Value]) -> Outcome {
    let id = text(host, "vector-store/delete", args, 1)?;
    let removed = on_store(host, "vector-store/delete", args, |store| store.remove(id))?;
    if let Some(metadata) = removed {
        host.release(metadata);
    }
    Ok(Value::bool(removed.is_some()))
}

fn count(host: &Host, args: &[Value]) -> Outcome {
    let count = on_store(host, "vector-store/count", args, |store| {
        store.documents.len()
    })?;
    Ok(Value::index(count))
}

/// The text of a store's file.
fn content(host: &Host, documents: &[(String, String, u32)]) -> Outcome<String> {
    let mut content = String::from("{\n  \"documents\": [");
    for (index, (id, embedding, metadata)) in documents.iter().enumerate() {
        let encode = |value| {
            write::encode(host, value, false)
                .map_err(|problem| eval_error(format!("vector-store/save: {problem}")))
        };
        let id = encode(host.heap.string(id))?;
        let metadata = encode(data_for_models(host, host.kept(*metadata))?)?;
        content.push_str(if index == 0 { "\n" } else { ",\n" });
        content.push_str(&format!(
            "    {{\"embedding\": \"{embedding}\", \"id\": {id}, \"metadata\": {metadata}}}"
        ));
    }
    content.push_str("\n  ],\n  \"version\": 1\n}\n");
    Ok(content)
}

fn write_file(path: &str, content: &str) -> io::Result<()> {
    let (file, mut output) = NewFile::create(path)?;
    output.write_all(content.as_bytes())?;
    output.flush()?;
    output.get_ref().sync_all()?;
    file.finish()
}

fn save(host: &Host, args: &[Value]) -> Outcome {
    const FUNCTION: &str = "vector-store/save";
    let path = match args.get(1) {
        Some(_) => Some(text(host, FUNCTION, args, 1)?.to_owned()),
        None => None,
    };
    let (path, documents) = on_store(host, FUNCTION, args, |store| {
        let documents = store.documents.iter().map(|document| {
            let bytes: Vec<u8> = document
                .vector
                .iter()
                .flat_map(|number| number.to_le_bytes())
                .collect();
            (
                document.id.clone(),
                STANDARD.encode(bytes),
                document.metadata,
            )
        });
        (
            path.or_else(|| store.path.clone()),
            documents.collect::<Vec<_>>(),
        )
    })?;
    let Some(path) = path else {
        return Err(eval_error(format!(
            "{FUNCTION}: no path associated. Use (vector-store/save name path)"
        )));
    };
    host.permit(FUNCTION, Capability::FsWrite, &path)?;
    let content = content(host, &documents)?;
    let name = text(host, FUNCTION, args, 0)?.to_owned();
    let shown = path.clone();
    let deliver = move |host: &Host, written: io::Result<()>| {
        written.map_err(|error| failed(FUNCTION, &shown, &error))?;
        host.with_extension(|stores: &mut Stores| {
            if let Some(store) = stores.0.get_mut(&name) {
                store.path = Some(shown.clone());
            }
        });
        Ok(host.heap.string(&shown))
    };
    if host.scheduler.others_could_run() {
        return host.blocking(move |_| write_file(&path, &content), deliver);
    }
    deliver(host, write_file(&path, &content))
}

fn load(host: &Host, args: &[Value]) -> Outcome {
    let name = text(host, "vector-store/open", args, 0)?;
    let path = text(host, "vector-store/open", args, 1)?;
    let content = text(host, "vector-store/open", args, 2)?;
    let mut store = Store::default();
    if !content.is_empty() {
        for document in documents(host, content)? {
            if let Some(old) = store.add(document) {
                host.release(old);
            }
        }
    }
    store.path = Some(path.to_owned());
    replace(host, name, store);
    Ok(argument(args, 0))
}

/// The documents that a file describes.
fn documents(host: &Host, content: &str) -> Outcome<Vec<Document>> {
    let wrong = |what: String| -> Box<Signal> { io_error(format!("vector-store/open: {what}")) };
    let file = Reader::new(Keys::Keywords)
        .document(host, content)
        .map_err(|problem| wrong(format!("invalid JSON: {}", problem.what)))?;
    let entry = |map: Value, name: &str| {
        collections::is_map(map)
            .then(|| collections::get_keyword(host, map, host.keyword(name)))
            .flatten()
    };
    let Some(listed) = entry(file, "documents").filter(|listed| listed.kind() == Kind::List) else {
        return Err(wrong("missing 'documents' array".to_owned()));
    };
    let mut documents = Vec::new();
    for (index, document) in host.heap.list_iter(listed).enumerate() {
        let string = |name: &str| {
            entry(document, name)
                .and_then(|value| host.heap.as_str(value))
                .ok_or_else(|| wrong(format!("document {index} has no '{name}'")))
        };
        let id = string("id")?.to_owned();
        let vector = STANDARD
            .decode(string("embedding")?)
            .ok()
            .filter(|bytes| bytes.len() % FLOAT == 0)
            .ok_or_else(|| wrong(format!("document '{id}' has a malformed embedding")))?;
        documents.push((
            id,
            floats(&vector),
            entry(document, "metadata").unwrap_or(Value::NIL),
        ));
    }
    // Nothing is kept of a file that is malformed.
    let kept = documents
        .into_iter()
        .map(|(id, vector, metadata)| Document {
            id,
            vector: vector.into(),
            metadata: host.keep(metadata),
        });
    Ok(kept.collect())
}
