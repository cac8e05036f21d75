//! The natives of a machine: found by name without doing anything at start-up.
//!
//! [`natives_of!`](crate::natives_of) evaluates, when a crate is compiled, a hash table of all names of some
//! tables into read-only data. So a module pays for the natives it names, not for those that exist,
//! and looking one up touches two or three cache lines. Functions that are known only when a machine
//! is made are host functions: [`super::functions`].

#![allow(
    clippy::indexing_slicing,
    reason = "the tables are made when the crate is compiled, and sized by what is put into them"
)]

use super::native::{Native, at_least, native};

/// An empty slot, and the target of an alias whose original does not exist.
const NONE: u16 = u16::MAX;

/// Longest chain of aliases of aliases.
const ALIAS_STEPS: usize = 4;

/// The natives that a machine has. A native's number is its place in the order of the tables.
pub struct Natives {
    all: &'static [&'static Native],
    /// Open addressing with linear probing: numbers of natives, by the hash of their names.
    by_name: &'static [u16],
    /// For each native the number of what it is: its own, or that of the original of an alias.
    meaning: &'static [u16],
}

/// The tables behind [`Natives`], for `COUNT` natives in `SLOTS` slots.
pub struct Index<const COUNT: usize, const SLOTS: usize> {
    all: [&'static Native; COUNT],
    by_name: [u16; SLOTS],
    meaning: [u16; COUNT],
}

/// The natives of these tables (a `static` of type `&[&[Native]]`), indexed at compile time.
#[macro_export]
macro_rules! natives_of {
    ($tables:expr) => {{
        const COUNT: usize = $crate::host::natives::count($tables);
        const SLOTS: usize = $crate::host::natives::slots(COUNT);
        static INDEX: $crate::host::natives::Index<COUNT, SLOTS> =
            $crate::host::natives::Index::new($tables);
        $crate::host::natives::Natives::new(&INDEX)
    }};
}

/// How many natives the tables declare, aliases included.
pub const fn count(tables: &[&[Native]]) -> usize {
    let mut count = 0;
    let mut table = 0;
    while table < tables.len() {
        count += tables[table].len();
        table += 1;
    }
    assert!(count < NONE as usize, "native numbers are 16 bits wide");
    count
}

/// Slots of the hash table for so many natives: at most half full, so that probes are short.
pub const fn slots(count: usize) -> usize {
    (2 * count + 1).next_power_of_two()
}

impl<const COUNT: usize, const SLOTS: usize> Index<COUNT, SLOTS> {
    /// Indexes the tables. Meant for a `static`: see [`natives_of!`](crate::natives_of).
    pub const fn new(tables: &'static [&'static [Native]]) -> Self {
        let mut all = [&UNKNOWN; COUNT];
        let mut next = 0;
        let mut table = 0;
        while table < tables.len() {
            let mut place = 0;
            while place < tables[table].len() {
                all[next] = &tables[table][place];
                next += 1;
                place += 1;
            }
            table += 1;
        }
        let mut by_name = [NONE; SLOTS];
        fill_names(&all, &mut by_name);
        let mut meaning = [NONE; COUNT];
        fill_meaning(&all, &by_name, &mut meaning);
        Index {
            all,
            by_name,
            meaning,
        }
    }
}

const fn fill_names(all: &[&Native], slots: &mut [u16]) {
    let mut number = 0;
    while number < all.len() {
        let mut slot = first_slot(all[number].name, slots.len());
        while slots[slot] != NONE {
            slot = (slot + 1) % slots.len();
        }
        slots[slot] = number as u16;
        number += 1;
    }
}

const fn fill_meaning(all: &[&Native], by_name: &[u16], meaning: &mut [u16]) {
    let mut number = 0;
    while number < all.len() {
        let mut current = Some(number as u16);
        let mut steps = 0;
        while let Some(candidate) = current
            && steps < ALIAS_STEPS
        {
            current = None;
            match all[candidate as usize].alias_of {
                Some(original) => current = declared(all, by_name, original),
                None => meaning[number] = candidate,
            }
            steps += 1;
        }
        number += 1;
    }
}

impl Natives {
    /// No natives at all.
    pub const NONE: Natives = Natives {
        all: &[],
        by_name: &[NONE],
        meaning: &[],
    };

    /// The natives of an index.
    pub const fn new<const COUNT: usize, const SLOTS: usize>(
        index: &'static Index<COUNT, SLOTS>,
    ) -> Natives {
        Natives {
            all: &index.all,
            by_name: &index.by_name,
            meaning: &index.meaning,
        }
    }

    /// The number of the native of this name; aliases are followed.
    pub const fn find(&self, name: &str) -> Option<u32> {
        match declared(self.all, self.by_name, name) {
            Some(declared) if self.meaning[declared as usize] != NONE => {
                Some(self.meaning[declared as usize] as u32)
            }
            _ => None,
        }
    }

    /// The native with this number, which came from [`Natives::find`].
    #[inline]
    pub fn get(&self, number: u32) -> &'static Native {
        self.all.get(number as usize).copied().unwrap_or(&UNKNOWN)
    }

    /// The native with this number, if the tables have one.
    #[inline]
    pub fn known(&self, number: u32) -> Option<&'static Native> {
        self.all.get(number as usize).copied()
    }

    /// All declarations, aliases included, in the order of their numbers.
    pub const fn all(&self) -> &'static [&'static Native] {
        self.all
    }
}

/// FNV-1a with 32 bits.
const fn hash(name: &str) -> u32 {
    let bytes = name.as_bytes();
    let mut hash = 0x811c_9dc5u32;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u32).wrapping_mul(0x0100_0193);
        at += 1;
    }
    hash
}

/// The low bits of FNV-1a depend on the low bits of the input alone; folding mixes the rest in.
const fn first_slot(name: &str, slots: usize) -> usize {
    let hash = hash(name);
    (hash ^ hash >> 15) as usize % slots
}

const fn same(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    if left.len() != right.len() {
        return false;
    }
    let mut at = 0;
    while at < left.len() {
        if left[at] != right[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// The number of the first declaration with this name, which may be an alias.
const fn declared(all: &[&Native], by_name: &[u16], name: &str) -> Option<u16> {
    let mut slot = first_slot(name, by_name.len());
    // Ends: at least one slot is empty.
    loop {
        let number = by_name[slot];
        if number == NONE {
            return None;
        }
        if same(all[number as usize].name, name) {
            return Some(number);
        }
        slot = (slot + 1) % by_name.len();
    }
}

/// Stands for a number that no native has. Only a defect of the VM could make one.
static UNKNOWN: Native = native("<unknown>", at_least(0), |_, _| {
    Err(super::condition::Condition::new(
        super::condition::ConditionKind::Internal,
        "a native that does not exist was called",
    )
    .signal())
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Host;
    use crate::host::condition::Outcome;
    use crate::host::native::{alias, exactly};
    use crate::memory::value::Value;

    fn one(_: &Host, _: &[Value]) -> Outcome {
        Ok(Value::small(1))
    }

    static TABLES: &[&[Native]] = &[
        &[native("one", exactly(0), one)],
        &[
            alias("uno", "ein"),
            alias("ein", "one"),
            alias("lost", "none"),
        ],
    ];
    static NATIVES: Natives = natives_of!(TABLES);

    #[test]
    fn names_and_aliases_are_found() {
        assert_eq!(NATIVES.find("one"), Some(0));
        assert_eq!(NATIVES.find("uno"), Some(0));
        assert_eq!(NATIVES.find("ein"), Some(0));
        assert_eq!(NATIVES.get(0).name, "one");
        assert!(NATIVES.known(9).is_none());
    }

    #[test]
    fn unknown_names_and_numbers() {
        for natives in [&NATIVES, &Natives::NONE] {
            assert_eq!(natives.find("no-such-builtin"), None);
            assert_eq!(natives.find("lost"), None);
            assert_eq!(natives.find(""), None);
            assert_eq!(natives.get(u32::MAX).name, "<unknown>");
        }
    }
}
