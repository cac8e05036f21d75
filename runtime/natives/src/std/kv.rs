//! Small stores of values by key, each kept in a file of JSON.
//!
//! A store is in memory as the JSON text of each value, so what is read is what a later run of the program would read.
//! Every change is written at once, and the file is replaced as a whole: whatever happens, it holds the state before
//! or after a change.

use std::fs;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use crate::core::system::device::lock;
use crate::core::system::files::failed;
use crate::std::json::position;
use crate::std::json::read::{Keys, Reader};
use crate::std::json::write::{self, Problem};
use crate::std::new_file::NewFile;
use crate::table::Table;
use sema_machine::data::collections::{self, sorted_map};
use sema_machine::giving_way;
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, text};
use sema_machine::host::condition::{Outcome, Signal, eval_error, io_error};
use sema_machine::host::native::{Capability, Touches};
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;

natives! {
    /// Opens a store under a name: what a file of JSON holds, or an empty one if there is no such file. Gives the name.
    /// (kv/open "settings" "settings.json") => "settings"
    /// (begin (file/write "broken.json" "[1,") (kv/open "broken" "broken.json")) => error kv/open: malformed JSON in broken.json: EOF while parsing a value at line 1
    "kv/open" (name: String, path: String) -> String, needs(Capability::FsRead), needs(Capability::FsWrite), touches(Touches::Second) => giving_way!(open);

    /// Stores a value under a key, and writes the store to its file.
    "%kv-set" (store: String, key: String, value: Any) -> Nil, needs(Capability::FsWrite), touches(Touches::Nothing) => set;

    /// The value under a key; nil if there is none.
    /// (begin (kv/open "k2" "k2.json") (kv/set "k2" "tags" [1 2]) (kv/get "k2" "tags")) => (1 2)
    /// (begin (kv/open "k3" "k3.json") (kv/get "k3" "nothing")) => nil
    "kv/get" (store: String, key: String) -> Any => get;

    /// Removes a key and writes the store to its file; whether there was such a key.
    /// (begin (kv/open "k4" "k4.json") (kv/set "k4" "a" 1) (list (kv/delete "k4" "a") (kv/delete "k4" "a"))) => (#t #f)
    "kv/delete" (store: String, key: String) -> Bool, needs(Capability::FsWrite), touches(Touches::Nothing) => delete;

    /// The keys of a store, sorted.
    /// (begin (kv/open "k5" "k5.json") (kv/set "k5" "b" 1) (kv/set "k5" "a" 2) (kv/keys "k5")) => ("a" "b")
    "kv/keys" (store: String) -> List => keys;

    /// Forgets a store, which may not be open. Its file stays.
    /// (kv/close "not open") => nil
    "kv/close" (store: String) -> Nil => close;
}

/// An open store.
struct Store {
    path: String,
    /// The JSON texts of the values.
    entries: Table<String, String>,
    /// How many changes there were.
    version: u64,
    written: Arc<Written>,
}

/// What is in the file.
#[derive(Default)]
struct Written {
    /// The change that it holds. Who writes holds the lock.
    version: Mutex<u64>,
}

/// The stores of a machine, by name.
#[derive(Default)]
struct Stores(Table<String, Store>);

/// From this size on a thread writes the file, if other tasks can run meanwhile.
const LARGE: usize = 1 << 20;

impl Store {
    /// The content of the file.
    fn content(&self) -> String {
        let mut content = String::from("{");
        for (index, (key, value)) in self.entries.iter().enumerate() {
            content.push_str(if index == 0 { "\n  " } else { ",\n  " });
            quote(key, &mut content);
            content.push_str(": ");
            content.push_str(value);
        }
        content.push_str(if self.entries.is_empty() {
            "}\n"
        } else {
            "\n}\n"
        });
        content
    }
}

/// A key as JSON.
fn quote(key: &str, out: &mut String) {
    out.push('"');
    for character in key.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '\u{0}'..='\u{1f}' => out.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => out.push(character),
        }
    }
    out.push('"');
}

/// Replaces the file by a content, unless a later one is there already.
fn write_file(path: &str, content: &str, version: u64, written: &Written) -> io::Result<()> {
    let mut last = lock(&written.version);
    if *last >= version {
        return Ok(());
    }
    let (file, mut output) = NewFile::create(path)?;
    output.write_all(content.as_bytes())?;
    output.flush()?;
    // After a crash of the system the file must not be an empty one of the new name.
    output.get_ref().sync_all()?;
    file.finish()?;
    *last = version;
    Ok(())
}

fn not_open(name: &str) -> Box<Signal> {
    eval_error(format!("kv store '{name}' not open"))
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
        .ok_or_else(|| not_open(name))
}

fn open(host: &Host, args: &[Value]) -> Outcome {
    let name = text(host, "kv/open", args, 0)?;
    let path = text(host, "kv/open", args, 1)?;
    let content = match fs::read(path) {
        Ok(content) => Some(content),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(failed("kv/open", path, &error)),
    };
    let entries = match content {
        Some(content) => {
            let content = String::from_utf8(content)
                .map_err(|_| failed("kv/open", path, &"stream did not contain valid UTF-8"))?;
            read_entries(host, path, &content)?
        }
        None => Table::default(),
    };
    let store = Store {
        path: path.to_owned(),
        entries,
        version: 0,
        written: Arc::default(),
    };
    host.with_extension(|stores: &mut Stores| stores.0.insert(name.to_owned(), store));
    Ok(argument(args, 0))
}

/// The entries that a file holds.
fn read_entries(host: &Host, path: &str, content: &str) -> Outcome<Table<String, String>> {
    let malformed = |line: usize, column: usize, what: &dyn std::fmt::Display| {
        io_error(format!(
            "kv/open: malformed JSON in {path}: {what} at line {line} column {column}"
        ))
    };
    let value = Reader::new(Keys::Keywords)
        .document(host, content)
        .map_err(|problem| {
            let (line, column) = position(content, problem.at);
            malformed(line, column, &problem.what)
        })?;
    if !collections::is_map(value) {
        return Err(malformed(1, 1, &"expected an object"));
    }
    collections::iter(&host.heap, value)
        .map(|(key, value)| {
            let text = encode(host, value)
                .map_err(|problem| eval_error(format!("kv/open: {path}: {problem}")))?;
            Ok((host.name_of(key).unwrap_or_default().to_owned(), text))
        })
        .collect()
}

/// The JSON text of a value, with null for numbers that JSON lacks.
fn encode(host: &Host, value: Value) -> Result<String, Problem> {
    match write::encode(host, value, false) {
        Err(Problem::NotFinite) => write::encode(host, finite(host, value, 0)?, false),
        result => result,
    }
}

/// How deep values are looked through for numbers that JSON lacks: what lies deeper has no JSON text anyway.
const DEEPEST: usize = crate::std::json::read::DEEPEST;

/// A value with nil in place of numbers that are not finite.
fn finite(host: &Host, value: Value, depth: usize) -> Result<Value, Problem> {
    if depth > DEEPEST {
        return Err(Problem::TooDeep);
    }
    let inner = |value| finite(host, value, depth + 1);
    Ok(match value.kind() {
        Kind::Float if value.as_float().is_some_and(|float| !float.is_finite()) => Value::NIL,
        Kind::List => {
            let elements: Vec<Value> = host
                .heap
                .list_iter(value)
                .map(inner)
                .collect::<Result<_, _>>()?;
            host.heap.list(&elements)
        }
        Kind::Vector => {
            let elements = host.heap.values(value).iter().copied();
            let elements: Vec<Value> = elements.map(inner).collect::<Result<_, _>>()?;
            host.heap.list(&elements)
        }
        Kind::Map | Kind::HashMap => {
            let entries: Vec<(Value, Value)> = collections::iter(&host.heap, value)
                .map(|(key, value)| Ok((key, inner(value)?)))
                .collect::<Result<_, Problem>>()?;
            sorted_map::from_entries(host, &entries)
        }
        _ => value,
    })
}

/// Changes an entry and writes the store; `finish` makes the result. If the file cannot be written the store is as before.
fn change(
    host: &Host,
    function: &'static str,
    args: &[Value],
    new: Option<String>,
    finish: impl FnOnce(&Host) -> Outcome + Send + 'static,
) -> Outcome {
    let name = text(host, function, args, 0)?.to_owned();
    let key = text(host, function, args, 1)?.to_owned();
    let (old, path, content, version, written) = on_store(host, function, args, |store| {
        let old = match &new {
            Some(new) => store.entries.insert(key.clone(), new.clone()),
            None => store.entries.remove(&key),
        };
        store.version += 1;
        let written = store.written.clone();
        (
            old,
            store.path.clone(),
            store.content(),
            store.version,
            written,
        )
    })?;
    let shown = path.clone();
    let deliver = move |host: &Host, result: io::Result<()>| {
        let Err(error) = result else {
            return finish(host);
        };
        host.with_extension(|stores: &mut Stores| {
            // Unless somebody has changed it again.
            if let Some(store) = stores.0.get_mut(&name)
                && store.entries.get(&key) == new.as_ref()
            {
                match old {
                    Some(old) => store.entries.insert(key, old),
                    None => store.entries.remove(&key),
                };
            }
        });
        Err(failed(function, &shown, &error))
    };
    let is_large = content.len() > LARGE;
    let work = move || write_file(&path, &content, version, &written);
    if is_large && host.scheduler.others_could_run() {
        return host.blocking(move |_| work(), deliver);
    }
    sema_machine::task::after_others(host, deliver(host, work()))
}

fn set(host: &Host, args: &[Value]) -> Outcome {
    text(host, "kv/set", args, 1)?;
    on_store(host, "kv/set", args, |_| ())?;
    let value = argument(args, 2);
    let new = encode(host, value).map_err(|problem| eval_error(format!("kv/set: {problem}")))?;
    change(host, "kv/set", args, Some(new), |_| Ok(Value::NIL))
}

fn get(host: &Host, args: &[Value]) -> Outcome {
    let key = text(host, "kv/get", args, 1)?;
    let found = on_store(host, "kv/get", args, |store| {
        store.entries.get(key).cloned()
    })?;
    let Some(found) = found else {
        return Ok(Value::NIL);
    };
    Reader::new(Keys::Keywords)
        .document(host, &found)
        .map_err(|problem| eval_error(format!("kv/get: {}", problem.what)))
}

fn delete(host: &Host, args: &[Value]) -> Outcome {
    let key = text(host, "kv/delete", args, 1)?;
    let there = on_store(host, "kv/delete", args, |store| {
        store.entries.contains_key(key)
    })?;
    if !there {
        return Ok(Value::FALSE);
    }
    change(host, "kv/delete", args, None, |_| Ok(Value::TRUE))
}

fn keys(host: &Host, args: &[Value]) -> Outcome {
    let keys = on_store(host, "kv/keys", args, |store| {
        store
            .entries
            .iter()
            .map(|(key, _)| key.clone())
            .collect::<Vec<String>>()
    })?;
    let keys: Vec<Value> = keys.iter().map(|key| host.heap.string(key)).collect();
    Ok(host.heap.list(&keys))
}

fn close(host: &Host, args: &[Value]) -> Outcome {
    let name = text(host, "kv/close", args, 0)?;
    host.with_extension(|stores: &mut Stores| stores.0.remove(name));
    Ok(Value::NIL)
}

#[cfg(test)]
mod tests {
    use crate::testing::{Bench, Folder, eval_message, io_message, type_message};
    use sema_machine::data::print;
    use sema_machine::memory::value::Value;

    fn texts(bench: &Bench, texts: &[&str]) -> Vec<Value> {
        texts.iter().map(|text| bench.text(text)).collect()
    }

    #[test]
    fn what_was_stored_is_read_by_the_next_program() {
        let folder = Folder::new("kv");
        let path = folder.path("store.json");
        let bench = Bench::new();
        bench.call("kv/open", &texts(&bench, &["s", &path]));
        assert!(!std::path::Path::new(&path).exists());
        let mut args = texts(&bench, &["s", "a \"quoted\"\nkey\u{1}é"]);
        args.push(bench.host.heap.vector(&[
            Value::float(f64::NAN),
            Value::small(1),
            bench.host.keyword("word"),
        ]));
        bench.call("%kv-set", &args);
        let bench = Bench::new();
        bench.call("kv/open", &texts(&bench, &["t", &path]));
        let keys = bench.call("kv/keys", &texts(&bench, &["t"]));
        assert_eq!(bench.strings(keys), ["a \"quoted\"\nkey\u{1}é"]);
        let value = bench.call("kv/get", &texts(&bench, &["t", "a \"quoted\"\nkey\u{1}é"]));
        assert_eq!(print::readable(&bench.host, value), "(nil 1 \"word\")");
    }

    #[test]
    fn a_store_that_cannot_be_written_is_as_before() {
        let folder = Folder::new("kv-fails");
        folder.file("d/store.json", "{\"a\": 1}");
        let bench = Bench::new();
        bench.call(
            "kv/open",
            &texts(&bench, &["s", &folder.path("d/store.json")]),
        );
        std::fs::remove_dir_all(folder.path("d")).unwrap();
        for key in ["a", "b"] {
            let mut args = texts(&bench, &["s", key]);
            args.push(Value::small(2));
            io_message(bench.error("%kv-set", &args));
        }
        io_message(bench.error("kv/delete", &texts(&bench, &["s", "a"])));
        assert_eq!(
            bench.call("kv/get", &texts(&bench, &["s", "a"])),
            Value::small(1)
        );
        assert_eq!(
            bench.call("kv/get", &texts(&bench, &["s", "b"])),
            Value::NIL
        );
    }

    #[cfg(unix)]
    #[test]
    fn the_file_stays_what_it_was() {
        use std::fs::{self, Permissions};
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = Folder::new("kv-mode");
        let set = |name: &str| {
            let bench = Bench::new();
            bench.call("kv/open", &texts(&bench, &["s", &folder.path(name)]));
            let mut args = texts(&bench, &["s", "a"]);
            args.push(Value::small(2));
            bench.call("%kv-set", &args);
        };
        let mode = |name: &str| {
            fs::metadata(folder.path(name))
                .unwrap()
                .permissions()
                .mode()
                & 0o777
        };
        for wanted in [0o600, 0o640, 0o666] {
            folder.file("secret.json", "{}");
            fs::set_permissions(folder.path("secret.json"), Permissions::from_mode(wanted))
                .unwrap();
            set("secret.json");
            assert_eq!(mode("secret.json"), wanted);
        }
        // A link stays one, whether there was something behind it or not.
        for (link, target) in [("link", "secret.json"), ("early", "late.json")] {
            symlink(target, folder.path(link)).unwrap();
            set(link);
            assert!(
                fs::symlink_metadata(folder.path(link))
                    .unwrap()
                    .is_symlink()
            );
            assert!(
                fs::read_to_string(folder.path(target))
                    .unwrap()
                    .contains("\"a\": 2")
            );
        }
    }

    #[test]
    fn what_is_no_store_is_refused() {
        let folder = Folder::new("kv-bad");
        let bench = Bench::new();
        for (content, expected) in [
            ("{\n\"a\": }", "line 2 column"),
            ("[1]", "expected an object"),
            ("", "line 1"),
        ] {
            folder.file("bad.json", content);
            let args = texts(&bench, &["s", &folder.path("bad.json")]);
            let message = io_message(bench.error("kv/open", &args));
            assert!(message.contains(expected), "{message}");
        }
        let directory = texts(&bench, &["s", &folder.path("")]);
        io_message(bench.error("kv/open", &directory));
        let args = texts(&bench, &["s", "a"]);
        assert_eq!(
            eval_message(bench.error("kv/get", &args)),
            "kv store 's' not open"
        );
        // What can never be a key is said before whether there is such a store.
        let args = [bench.text("s"), Value::small(1), Value::NIL];
        let message = type_message(bench.error("%kv-set", &args));
        assert!(message.contains("expected string, got int"), "{message}");
    }
}
