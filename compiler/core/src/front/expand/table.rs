//! The macros that a module knows.

use crate::hashing::HashMap;
use std::rc::Rc;

use super::host::TransformerId;
use super::prelude::{PRELUDE, PreludeMacro};
use super::syntax_rules::SyntaxRules;
use crate::front::datum::{Interner, Symbol};

/// What a macro call is expanded with.
#[derive(Clone, Debug)]
pub(crate) enum Macro {
    /// A macro of the prelude.
    Prelude(&'static PreludeMacro),
    /// `define-syntax`
    Rules(Rc<SyntaxRules>),
    /// `defmacro`
    Procedure {
        /// The function, kept by the host.
        id: TransformerId,
        /// At least this many operands.
        minimum: usize,
        /// At most this many.
        maximum: Option<usize>,
    },
}

/// A macro and its name.
#[derive(Clone, Debug)]
pub(crate) struct MacroEntry {
    pub(crate) name: Rc<str>,
    pub(crate) kind: Macro,
}

/// Macros by name. Later definitions replace earlier ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct MacroTable {
    entries: HashMap<Symbol, MacroEntry>,
}

impl MacroTable {
    /// The macros of the prelude.
    pub(crate) fn with_prelude(interner: &mut Interner) -> MacroTable {
        let mut table = MacroTable::default();
        for item in PRELUDE {
            let entry = MacroEntry {
                name: Rc::from(item.name),
                kind: Macro::Prelude(item),
            };
            table.add(interner.get_or_intern_static(item.name), entry);
        }
        table
    }

    pub(crate) fn add(&mut self, symbol: Symbol, entry: MacroEntry) {
        self.entries.insert(symbol, entry);
    }

    pub(crate) fn find(&self, symbol: Symbol) -> Option<MacroEntry> {
        self.entries.get(&symbol).cloned()
    }

    /// The macros that programs have defined, in order of their names.
    pub(crate) fn defined(&self) -> Vec<(Symbol, MacroEntry)> {
        let mut defined: Vec<_> = self
            .entries
            .iter()
            .filter(|(_, entry)| !matches!(entry.kind, Macro::Prelude(_)))
            .map(|(symbol, entry)| (*symbol, entry.clone()))
            .collect();
        defined.sort_by(|(_, left), (_, right)| left.name.cmp(&right.name));
        defined
    }
}
