//! Small stores of values by key, each kept in a file of JSON.
//!
//! A store is in memory as the JSON text of each value, so what is read is what a later run of the program would read.
//! Every change is written at once, and the file is replaced as a whole: whatever happens, it holds the state before
//! or after a change. Machines of one program that have the same file open have one store.

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
#[cfg(feature = "net")]
use sema_machine::host::program::Common;
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;

natives! {
    /// Opens a store under a name: what a file of JSON holds, or an empty one if there is no such file. Gives the name. Whoever in the program has the same file open,
    /// also in a worker of `http/serve`, has the same store.
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

/// A store that is open, in one or several machines of the program.
struct Store {
    path: String,
    content: Mutex<Content>,
    /// The change that the file holds. Who writes holds the lock.
    written: Mutex<u64>,
}

/// What a store holds.
#[derive(Default)]
struct Content {
    /// The JSON texts of the values.
    entries: Table<String, String>,
    /// How many changes there were.
    version: u64,
    /// How many of them are being written.
    pending: usize,
}

/// The stores of a machine, by name.
#[derive(Default)]
struct Stores(Table<String, Arc<Store>>);

/// A change that is being written.
struct Change(Arc<Store>, u64);

impl Drop for Change {
    fn drop(&mut self) {
        lock(&self.0.content).pending -= 1;
    }
}

/// From this size on a thread writes the file, if other tasks can run meanwhile.
const LARGE: usize = 1 << 20;

impl Content {
    /// What the file is to be.
    fn text(&self) -> String {
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

impl Change {
    /// Replaces the file by this content, unless a later one is there already.
    fn write(self, content: &str) -> io::Result<()> {
        let Change(store, version) = &self;
        let mut last = lock(&store.written);
        if *last >= *version {
            return Ok(());
        }
        let (file, mut output) = NewFile::create(&store.path)?;
        output.write_all(content.as_bytes())?;
        output.flush()?;
        // After a crash of the system the file must not be an empty one of the new name.
        output.get_ref().sync_all()?;
        file.finish()?;
        *last = *version;
        Ok(())
    }
}

fn not_open(name: &str) -> Box<Signal> {
    eval_error(format!("kv store '{name}' not open"))
}

/// The store that `args[0]` names.
fn find(host: &Host, function: &str, args: &[Value]) -> Outcome<Arc<Store>> {
    let name = text(host, function, args, 0)?;
    host.with_extension(|stores: &mut Stores| stores.0.get(name).cloned())
        .ok_or_else(|| not_open(name))
}

/// The store of this file that the program has, in whichever machine, or a new one.
fn shared(host: &Host, path: &str) -> Arc<Store> {
    let own = |stores: &mut Stores| {
        let mut known = stores.0.iter().map(|(_, store)| store);
        known.find(|store| store.path == path).cloned()
    };
    if let Some(store) = host.with_extension(own) {
        return store;
    }
    let new = || {
        Arc::new(Store {
            path: path.to_owned(),
            content: Mutex::default(),
            written: Mutex::default(),
        })
    };
    // Only servers have several machines.
    #[cfg(feature = "net")]
    if let Some(program) = &host.program {
        return of_machines(program.common(), path, new);
    }
    new()
}

/// The store of this file that one of a program's machines has, or a new one.
#[cfg(feature = "net")]
fn of_machines(common: &Common, path: &str, new: impl FnOnce() -> Arc<Store>) -> Arc<Store> {
    let mut common = lock(common);
    common.retain(|data| data.strong_count() > 0);
    let known = common.iter().find_map(|data| {
        let store = data.upgrade()?.downcast::<Store>().ok()?;
        (store.path == path).then_some(store)
    });
    known.unwrap_or_else(|| {
        let store = new();
        let data: Arc<dyn std::any::Any + Send + Sync> = store.clone();
        common.push(Arc::downgrade(&data));
        store
    })
}

fn open(host: &Host, args: &[Value]) -> Outcome {
    let name = text(host, "kv/open", args, 0)?;
    let path = text(host, "kv/open", args, 1)?;
    let store = shared(host, path);
    {
        let mut content = lock(&store.content);
        // What is being written is newer than the file.
        if content.pending == 0 {
            content.entries = match fs::read(path) {
                Ok(bytes) => {
                    let text = String::from_utf8(bytes).map_err(|_| {
                        failed("kv/open", path, &"stream did not contain valid UTF-8")
                    })?;
                    read_entries(host, path, &text)?
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => Table::default(),
                Err(error) => return Err(failed("kv/open", path, &error)),
            };
        }
    }
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

/// Changes an entry and writes the store, unless it is to be removed and is not there. If the file cannot be written the store is as before.
fn change(host: &Host, function: &'static str, args: &[Value], new: Option<String>) -> Outcome {
    let store = find(host, function, args)?;
    let key = text(host, function, args, 1)?.to_owned();
    let (old, text, change) = {
        let mut content = lock(&store.content);
        let old = match &new {
            Some(new) => content.entries.insert(key.clone(), new.clone()),
            None => content.entries.remove(&key),
        };
        if new.is_none() && old.is_none() {
            return Ok(Value::FALSE);
        }
        content.version += 1;
        content.pending += 1;
        let change = Change(store.clone(), content.version);
        (old, content.text(), change)
    };
    let deliver = move |_: &Host, result: io::Result<()>| {
        let Err(error) = result else {
            return Ok(if new.is_none() {
                Value::TRUE
            } else {
                Value::NIL
            });
        };
        let mut content = lock(&store.content);
        // Unless somebody has changed it again.
        if content.entries.get(&key) == new.as_ref() {
            match old {
                Some(old) => content.entries.insert(key, old),
                None => content.entries.remove(&key),
            };
        }
        Err(failed(function, &store.path, &error))
    };
    let is_large = text.len() > LARGE;
    let work = move || change.write(&text);
    if is_large && host.scheduler.others_could_run() {
        return host.blocking(move |_| work(), deliver);
    }
    sema_machine::task::after_others(host, deliver(host, work()))
}

fn set(host: &Host, args: &[Value]) -> Outcome {
    text(host, "kv/set", args, 1)?;
    find(host, "kv/set", args)?;
    let value = argument(args, 2);
    let new = encode(host, value).map_err(|problem| eval_error(format!("kv/set: {problem}")))?;
    change(host, "kv/set", args, Some(new))
}

fn get(host: &Host, args: &[Value]) -> Outcome {
    let key = text(host, "kv/get", args, 1)?;
    let store = find(host, "kv/get", args)?;
    let found = lock(&store.content).entries.get(key).cloned();
    let Some(found) = found else {
        return Ok(Value::NIL);
    };
    Reader::new(Keys::Keywords)
        .document(host, &found)
        .map_err(|problem| eval_error(format!("kv/get: {}", problem.what)))
}

fn delete(host: &Host, args: &[Value]) -> Outcome {
    text(host, "kv/delete", args, 1)?;
    change(host, "kv/delete", args, None)
}

fn keys(host: &Host, args: &[Value]) -> Outcome {
    let store = find(host, "kv/keys", args)?;
    let content = lock(&store.content);
    let keys = content.entries.iter();
    let keys: Vec<Value> = keys.map(|(key, _)| host.heap.string(key)).collect();
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

    #[test]
    fn a_file_has_one_store() {
        let folder = Folder::new("kv-one");
        let path = folder.path("store.json");
        let bench = Bench::new();
        for name in ["s", "t"] {
            bench.call("kv/open", &texts(&bench, &[name, &path]));
            let mut args = texts(&bench, &[name, name]);
            args.push(Value::small(1));
            bench.call("%kv-set", &args);
        }
        let keys = |name: &str| {
            let keys = bench.call("kv/keys", &texts(&bench, &[name]));
            bench.strings(keys)
        };
        assert_eq!(
            (keys("s"), keys("t")),
            (vec!["s".into(), "t".into()], vec!["s".into(), "t".into()])
        );
        // What others have written is read when it is opened again.
        folder.file("store.json", "{\"u\": 1}");
        bench.call("kv/open", &texts(&bench, &["t", &path]));
        assert_eq!(keys("s"), ["u"]);
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
