//! The names that exist before the program defines any.

use std::collections::HashMap;
use std::sync::OnceLock;

use sema_format::isa::{Op, Predicate};
use sema_machine::host::declaration::Declaration;
use sema_machine::host::native::Arity;
use sema_natives::core::values::{self, Constant};
use sema_natives::{DECLARATIONS, NATIVES};

use crate::ir::{Builtin, declarations};

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

impl Builtin {
    /// What is declared of it.
    pub fn facts(self) -> &'static Declaration {
        declarations::of(self.0)
    }

    /// Whether it is a native function.
    pub fn is_function(self) -> bool {
        NATIVES.find(self.0).is_some()
    }

    /// The value that it is, if it is no function.
    pub fn constant(self) -> Option<Constant> {
        values::value(self.0)
    }

    /// Whether it can be had at all: using one that the runtime lacks raises a condition.
    pub fn is_available(self) -> bool {
        self.is_function() || self.constant().is_some()
    }

    /// The instruction that does the same with so many operands.
    pub fn operation(self, operands: usize) -> Option<Op> {
        self.facts().operation(operands)
    }

    /// The test of kinds that does the same with one operand.
    pub fn predicate(self) -> Option<Predicate> {
        self.facts().predicate
    }

    /// The first builtin that declares that an instruction does the same with two operands.
    pub fn of_operation(operation: Op) -> Option<Builtin> {
        static BINARY: OnceLock<Vec<(Op, &'static str)>> = OnceLock::new();
        let binary = BINARY.get_or_init(|| {
            let all = DECLARATIONS.iter().copied().flatten();
            all.filter_map(|one| Some((one.operation(2)?, one.name)))
                .collect()
        });
        let (_, name) = binary.iter().find(|(known, _)| *known == operation)?;
        Some(Builtin(name))
    }
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
    /// What is declared of it, if it is a function.
    pub declaration: Option<&'static Declaration>,
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
            entries: HashMap::with_capacity(count),
        };
        for native in NATIVES.all().iter().copied() {
            builtins.add(native.name, Some(native.arity), BuiltinKind::Native);
        }
        for (name, arity, _) in library {
            builtins.add(name, Some(*arity), BuiltinKind::Library);
        }
        for declaration in declarations::all() {
            if let Some(entry) = builtins.entries.get_mut(declaration.name) {
                entry.declaration = Some(declaration);
            }
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

    /// Adds a builtin under its own name.
    pub fn add(&mut self, name: &'static str, arity: Option<Arity>, kind: BuiltinKind) {
        let entry = Entry {
            builtin: Builtin(name),
            arity,
            kind,
            declaration: None,
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
