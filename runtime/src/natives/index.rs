//! Finding natives by name, without doing anything at start-up.
//!
//! The compiler of the runtime evaluates a hash table of all names into read-only data. So a module
//! pays for the natives it names, not for those that exist, and looking one up touches two or three
//! cache lines.

use super::TABLES;
use crate::native::Native;

/// How many natives there are, aliases included.
const COUNT: usize = {
    let mut count = 0;
    let mut table = 0;
    while table < TABLES.len() {
        count += TABLES[table].len();
        table += 1;
    }
    count
};

/// Slots of the hash table: at most half full, so that probes are short.
const SLOTS: usize = (2 * COUNT + 1).next_power_of_two();

/// An empty slot, and the target of an alias whose original does not exist.
const NONE: u16 = u16::MAX;

const _: () = assert!(COUNT < NONE as usize, "native numbers are 16 bits wide");

/// All natives in the order of the tables. A native's number is its place here.
static ALL: [Option<&Native>; COUNT] = {
    let mut all = [None; COUNT];
    let mut next = 0;
    let mut table = 0;
    while table < TABLES.len() {
        let mut place = 0;
        while place < TABLES[table].len() {
            all[next] = Some(&TABLES[table][place]);
            next += 1;
            place += 1;
        }
        table += 1;
    }
    all
};

/// Open addressing with linear probing: numbers of natives, by the hash of their names.
static BY_NAME: [u16; SLOTS] = {
    let mut slots = [NONE; SLOTS];
    let mut number = 0;
    while number < COUNT {
        if let Some(native) = ALL[number] {
            let mut slot = first_slot(native.name);
            while slots[slot] != NONE {
                slot = (slot + 1) % SLOTS;
            }
            slots[slot] = number as u16;
        }
        number += 1;
    }
    slots
};

/// For each native the number of what it is: its own, or that of the original of an alias.
#[allow(
    long_running_const_eval,
    reason = "it ends: the chain of an alias is followed a few steps at most"
)]
static MEANING: [u16; COUNT] = {
    let mut meaning = [NONE; COUNT];
    let mut number = 0;
    while number < COUNT {
        let mut current = Some(number as u16);
        let mut steps = 0;
        while let Some(candidate) = current
            && steps < ALIAS_STEPS
        {
            current = None;
            if let Some(native) = ALL[candidate as usize] {
                match native.alias_of {
                    Some(original) => current = declared(original),
                    None => meaning[number] = candidate,
                }
            }
            steps += 1;
        }
        number += 1;
    }
    meaning
};

/// Longest chain of aliases of aliases.
const ALIAS_STEPS: usize = 4;

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
const fn first_slot(name: &str) -> usize {
    let hash = hash(name);
    (hash ^ hash >> 15) as usize % SLOTS
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
const fn declared(name: &str) -> Option<u16> {
    let mut slot = first_slot(name);
    // Ends: at least one slot is empty.
    loop {
        let number = BY_NAME[slot];
        if number == NONE {
            return None;
        }
        if let Some(native) = ALL[number as usize]
            && same(native.name, name)
        {
            return Some(number);
        }
        slot = (slot + 1) % SLOTS;
    }
}

/// The number of the native of this name; aliases are followed.
pub fn find(name: &str) -> Option<u32> {
    let declared = declared(name)?;
    match MEANING.get(declared as usize) {
        Some(&NONE) | None => None,
        Some(&number) => Some(u32::from(number)),
    }
}

/// The native with this number, which came from [`find`].
pub fn get(number: u32) -> &'static Native {
    match ALL.get(number as usize) {
        Some(Some(native)) => native,
        _ => &UNKNOWN,
    }
}

/// Stands for a number that no native has. Only a defect of the VM could make one.
static UNKNOWN: Native = crate::native::native(
    "<unknown>",
    crate::native::at_least(0),
    |_, _| {
        Err(crate::error::Condition::new(
            crate::error::ConditionKind::Internal,
            "a native that does not exist was called",
        )
        .signal())
    },
    "",
);

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn every_name_is_declared_once_and_found() {
        let mut seen: HashMap<&str, usize> = HashMap::new();
        let mut problems = Vec::new();
        for (number, native) in ALL.iter().flatten().enumerate() {
            if let Some(first) = seen.insert(native.name, number) {
                problems.push(format!(
                    "`{}` is declared twice: {first}, {number}",
                    native.name
                ));
                continue;
            }
            match (find(native.name), native.alias_of) {
                (None, Some(original)) => problems.push(format!(
                    "`{}` is an alias of `{original}`, which does not exist",
                    native.name
                )),
                (Some(found), Some(original)) if find(original) != Some(found) => {
                    problems.push(format!("`{}` is not `{original}`", native.name));
                }
                (Some(found), None) if found as usize != number => {
                    problems.push(format!("`{}` is found as {found}", native.name));
                }
                (None, None) => problems.push(format!("`{}` is not found", native.name)),
                _ => {}
            }
        }
        assert!(problems.is_empty(), "{problems:#?}");
    }

    #[test]
    fn unknown_names_and_numbers() {
        assert_eq!(find("no-such-builtin"), None);
        assert_eq!(find(""), None);
        assert_eq!(get(u32::MAX).name, "<unknown>");
    }

    #[test]
    fn probes_are_short() {
        let mut longest = 0;
        let mut run = 0;
        for slot in BY_NAME.iter().chain(&BY_NAME) {
            run = if *slot == NONE { 0 } else { run + 1 };
            longest = longest.max(run);
        }
        assert!(longest < 48, "a run of {longest} occupied slots");
    }
}
