//! The names that exist before the program defines any.

use crate::hashing::HashMap;

use sema_machine::host::native::Arity;
use sema_natives::NATIVES;
use sema_natives::core::values;

use crate::ir::Builtin;

/// Builtins that are values, not functions.
pub const CONSTANT_NAMES: &[&str] = &values::NAMES;

/// What a builtin is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuiltinKind {
    /// A native function of the runtime.
    Native,
    /// A function of the embedded library.
    Library,
    /// A value that is not a function, such as `pi`.
    Value,
}

/// One builtin name.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The canonical name: an alias has that of what it stands for.
    pub builtin: Builtin,
    /// How many arguments it takes, if it is a function.
    pub arity: Option<Arity>,
    /// What it is.
    pub kind: BuiltinKind,
}

/// All builtins of one compilation.
#[derive(Debug, Default)]
pub struct Builtins {
    entries: HashMap<&'static str, Entry>,
}

impl Builtins {
    /// An empty registry.
    #[must_use]
    pub fn new() -> Builtins {
        Builtins::default()
    }

    /// The natives of the runtime, the given functions of the library (name, arity, name of which it is an
    /// alias) and the given values.
    #[must_use]
    pub fn with_library(
        library: &[(&'static str, Arity, Option<&'static str>)],
        values: &[&'static str],
    ) -> Builtins {
        let count = NATIVES.all().len() + library.len() + values.len();
        let mut builtins = Builtins {
            // Every start fills it: it must not grow on the way.
            entries: HashMap::with_capacity_and_hasher(count, Default::default()),
        };
        for native in NATIVES.all().iter().copied() {
            builtins.add(native.name, Some(native.arity), BuiltinKind::Native);
        }
        for (name, arity, _) in library {
            builtins.add(name, Some(*arity), BuiltinKind::Library);
        }
        for name in values {
            builtins.add(name, None, BuiltinKind::Value);
        }
        let native_aliases = NATIVES
            .all()
            .iter()
            .filter_map(|native| Some((native.name, native.alias_of?)));
        let library_aliases = library
            .iter()
            .filter_map(|(name, _, of)| Some((*name, (*of)?)));
        let aliases: Vec<_> = native_aliases.chain(library_aliases).collect();
        for (name, of) in aliases {
            builtins.add_alias(name, of);
        }
        builtins
    }

    /// Adds a builtin under its own name. Does nothing if there is none of this name.
    pub fn add(&mut self, name: &'static str, arity: Option<Arity>, kind: BuiltinKind) {
        let Some(builtin) = Builtin::find(name) else {
            return;
        };
        let entry = Entry {
            builtin,
            arity,
            kind,
        };
        self.entries.insert(name, entry);
    }

    /// Makes `name` another name of `of`. Does nothing if `of` does not exist.
    pub fn add_alias(&mut self, name: &'static str, of: &'static str) {
        if let Some(entry) = self.entries.get(of).copied() {
            self.entries.insert(name, entry);
        }
    }

    /// The builtin that a name stands for.
    #[must_use]
    pub fn resolve(&self, name: &str) -> Option<Entry> {
        self.entries.get(name).copied()
    }

    /// The names that programs can write, in no particular order.
    pub fn public_names(&self) -> impl Iterator<Item = &'static str> {
        self.entries
            .keys()
            .copied()
            .filter(|name| !name.starts_with('%'))
    }
}
