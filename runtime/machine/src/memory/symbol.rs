//! Interned names of symbols and keywords.

use std::cell::{Cell, OnceCell, RefCell};

use crate::memory::hash::NameMap;

/// An interned name: equal names have equal numbers within one VM.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct Symbol(pub u32);

/// What a name takes beside its text: entries of the tables, which have room for more.
const BYTES_OF_NAME: usize = 96;

/// How many names are found without a hash, of those asked for by any text and of constants.
const RECENT: usize = 64;

struct Table {
    names: Vec<&'static str>,
    ids: NameMap<&'static str, u32>,
    /// Names by where the text lay that was asked for last. Most that are asked for again and again are constants of natives.
    recent: [u32; RECENT],
}

/// A constant text and its name: where it lies, its length, the number.
type Constant = (usize, usize, u32);

impl Default for Table {
    fn default() -> Self {
        Table {
            names: Vec::new(),
            ids: NameMap::default(),
            recent: [0; RECENT],
        }
    }
}

/// Where a text is looked for first.
fn place_of(text: &str) -> usize {
    let address = text.as_ptr().addr();
    (address ^ address >> 6 ^ text.len()) % RECENT
}

/// The interner of one VM. Names live as long as it does.
#[derive(Default)]
pub struct Symbols {
    table: RefCell<Table>,
    /// Constants by where they lie, which says which one it is: they are never given back or changed. Made when the first is
    /// asked for.
    constants: OnceCell<Box<[Cell<Constant>; RECENT]>>,
    counter: Cell<u64>,
    /// Bytes that the names take.
    bytes: Cell<usize>,
}

impl Symbols {
    /// The symbol of this name.
    pub fn intern(&self, name: &str) -> Symbol {
        let mut table = self.table.borrow_mut();
        let table = &mut *table;
        let recent = table.recent.get_mut(place_of(name));
        if let Some(&mut id) = recent
            && table
                .names
                .get(id as usize)
                .is_some_and(|known| *known == name)
        {
            return Symbol(id);
        }
        if let Some(&id) = table.ids.get(name) {
            if let Some(recent) = recent {
                *recent = id;
            }
            return Symbol(id);
        }
        let id = table.names.len() as u32;
        self.bytes
            .set(self.bytes.get() + name.len() + BYTES_OF_NAME);
        let owned: &'static str = Box::leak(name.to_owned().into_boxed_str());
        table.names.push(owned);
        table.ids.insert(owned, id);
        Symbol(id)
    }

    /// The symbol of a name that is a constant of the program; it is not even read, most of the time.
    pub fn intern_constant(&self, name: &'static str) -> Symbol {
        let constants = self
            .constants
            .get_or_init(|| Box::new([const { Cell::new((0, 0, 0)) }; RECENT]));
        let (address, length) = (name.as_ptr().addr(), name.len());
        let constant = constants.get(place_of(name));
        if let Some(constant) = constant
            && let known = constant.get()
            && (known.0, known.1) == (address, length)
        {
            return Symbol(known.2);
        }
        let symbol = self.intern(name);
        if let Some(constant) = constant {
            constant.set((address, length, symbol.0));
        }
        symbol
    }

    /// The symbol of this name, if there is one already.
    pub fn find(&self, name: &str) -> Option<Symbol> {
        self.table.borrow().ids.get(name).copied().map(Symbol)
    }

    /// The name; an unknown number gives the empty string.
    pub fn name(&self, symbol: Symbol) -> &str {
        self.table
            .borrow()
            .names
            .get(symbol.0 as usize)
            .copied()
            .unwrap_or("")
    }

    /// Bytes that the names take, which are never given back.
    pub fn bytes(&self) -> usize {
        self.bytes.get()
    }

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.table.borrow().names.len()
    }

    /// Whether no name has been interned.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The next number for generated names (`gensym`, `name#`).
    pub fn next_unique(&self) -> u64 {
        let next = self.counter.get();
        self.counter.set(next + 1);
        next
    }
}

impl Drop for Symbols {
    fn drop(&mut self) {
        let table = self.table.get_mut();
        table.ids.clear();
        for name in table.names.drain(..) {
            // SAFETY: the reference came from `Box::leak` of a `Box<str>` in `intern` and is
            // freed once; `name` hands out references that cannot outlive `self`.
            drop(unsafe { Box::from_raw(std::ptr::from_ref(name).cast_mut()) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_and_other_texts_have_the_same_names() {
        let symbols = Symbols::default();
        let names = ["a", "b", "a longer one", "a longer two", ""];
        let first: Vec<Symbol> = names.iter().map(|name| symbols.intern(name)).collect();
        for _ in 0..2 {
            let again: Vec<Symbol> = names
                .iter()
                .map(|name| symbols.intern_constant(name))
                .collect();
            assert_eq!(again, first);
        }
        let text: &'static str = "text";
        // Parts of a text lie at the same place, or end there.
        for length in (1..=text.len()).chain(1..=text.len()) {
            let part = text.get(..length).unwrap_or_default();
            assert_eq!(symbols.name(symbols.intern_constant(part)), part);
        }
    }
}
