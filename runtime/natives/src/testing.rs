//! Calls natives by name in unit tests, the way the VM will: aliases resolved, arity checked.

#![allow(clippy::boxed_local, reason = "errors of natives come boxed")]

#[cfg(feature = "declarations")]
mod declared_kinds;

use crate::TABLES;
use sema_machine::data::print;
use sema_machine::host::Host;
use sema_machine::host::condition::{Condition, ConditionKind, Outcome, Signal};
use sema_machine::host::native::Native;
use sema_machine::host::output::Output;
use sema_machine::memory::heap::{Roots, Tracer};
use sema_machine::memory::value::Value;

/// A host whose output stays in memory.
pub struct Bench {
    /// The host.
    pub host: Host,
}

fn find(name: &str) -> &'static Native {
    let found = TABLES
        .iter()
        .flat_map(|table| table.iter())
        .find(|native| native.name == name);
    let native = found.unwrap_or_else(|| panic!("no native {name}"));
    native.alias_of.map_or(native, find)
}

impl Default for Bench {
    fn default() -> Bench {
        Bench::new()
    }
}

impl Bench {
    /// A fresh host.
    pub fn new() -> Bench {
        Bench {
            host: Host::new(Output::memory(), &crate::NATIVES),
        }
    }

    /// Calls a native.
    pub fn try_call(&self, name: &str, args: &[Value]) -> Outcome {
        let native = find(name);
        assert!(native.arity.accepts(args.len()), "arity of {name}");
        (native.call)(&self.host, args)
    }

    /// Calls a native that must succeed.
    pub fn call(&self, name: &str, args: &[Value]) -> Value {
        match self.try_call(name, args) {
            Ok(value) => value,
            Err(signal) => panic!("{name}: {}", describe(&signal)),
        }
    }

    /// Calls a native that must fail.
    pub fn error(&self, name: &str, args: &[Value]) -> Box<Signal> {
        match self.try_call(name, args) {
            Ok(value) => panic!("{name} gave {value:?}"),
            Err(signal) => signal,
        }
    }

    /// A string value.
    pub fn text(&self, text: &str) -> Value {
        self.host.heap.string(text)
    }

    /// Calls a native on strings and gives the string it returns.
    pub fn on_texts(&self, name: &str, args: &[&str]) -> String {
        let args: Vec<Value> = args.iter().map(|text| self.text(text)).collect();
        self.string(self.call(name, &args))
    }

    /// The text of a string value.
    pub fn string(&self, value: Value) -> String {
        match self.host.heap.as_str(value) {
            Some(text) => text.to_owned(),
            None => panic!("not a string: {value:?}"),
        }
    }

    /// The texts of a list of strings.
    pub fn strings(&self, value: Value) -> Vec<String> {
        self.host
            .heap
            .list_iter(value)
            .map(|item| self.string(item))
            .collect()
    }

    /// What was written to standard output since the last call.
    pub fn written(&self) -> String {
        String::from_utf8(self.host.output.take()).unwrap()
    }
}

fn describe(signal: &Signal) -> String {
    match signal {
        Signal::Raise(condition) => format!("{} {}", condition.kind.name(), condition.message),
        Signal::Throw(value) => format!("throws {value:?}"),
        Signal::Exit(status) => format!("exits with {status}"),
        _ => "suspends or calls".to_owned(),
    }
}

fn message_of(signal: Signal, kind: ConditionKind) -> String {
    match signal {
        Signal::Raise(Condition {
            kind: found,
            message,
            ..
        }) if found == kind => message.into(),
        other => panic!("expected {kind:?}: {}", describe(&other)),
    }
}

/// The message of an `:eval` condition.
pub fn eval_message(signal: Box<Signal>) -> String {
    message_of(*signal, ConditionKind::Eval)
}

/// The message of a `:type-error` condition.
pub fn type_message(signal: Box<Signal>) -> String {
    message_of(*signal, ConditionKind::Type)
}

/// The message of an `:io` condition.
pub fn io_message(signal: Box<Signal>) -> String {
    message_of(*signal, ConditionKind::Io)
}

/// A folder of its own in the system's temporary directory, removed at the end.
pub struct Folder {
    root: std::path::PathBuf,
}

impl Folder {
    /// Makes an empty folder.
    pub fn new(name: &str) -> Folder {
        let root = std::env::temp_dir().join(format!("sema-test-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&root);
        std::fs::create_dir_all(&root).unwrap();
        Folder { root }
    }

    /// The path of a file in the folder.
    pub fn path(&self, name: &str) -> String {
        self.root.join(name).to_str().unwrap().to_owned()
    }

    /// Makes a file and the directories above it.
    pub fn file(&self, name: &str, content: &str) {
        let path = self.root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

/// The condition's type and message, or the readable form of the result.
pub(crate) fn shown(host: &Host, outcome: Outcome) -> String {
    match outcome {
        Ok(value) => print::readable(host, value),
        Err(signal) => match *signal {
            Signal::Raise(condition) => {
                format!("{}: {}", condition.kind.name(), condition.message)
            }
            _ => "another signal".to_owned(),
        },
    }
}

/// Calls the native with this name and shows what comes of it.
pub(crate) fn call(host: &Host, name: &str, args: &[Value]) -> String {
    shown(host, call_value(host, name, args))
}

/// Calls the native with this name.
pub(crate) fn call_value(host: &Host, name: &str, args: &[Value]) -> Outcome {
    let native = find(name);
    assert!(native.arity.accepts(args.len()), "{name}");
    (native.call)(host, args)
}

/// A host and values that stay reachable.
pub(crate) struct Scene {
    pub(crate) host: Host,
    pub(crate) roots: Vec<Value>,
}

struct Held<'v>(&'v mut [Value]);

impl Roots for Held<'_> {
    fn trace(&mut self, tracer: &mut Tracer<'_>) {
        tracer.values(self.0);
    }
}

impl Scene {
    pub(crate) fn new() -> Scene {
        Scene {
            host: Host::new(Output::memory(), &crate::NATIVES),
            roots: Vec::new(),
        }
    }

    pub(crate) fn collect(&mut self, full: bool) {
        self.host.heap.collect(&mut Held(&mut self.roots), full);
    }
}
