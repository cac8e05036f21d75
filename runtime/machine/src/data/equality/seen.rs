//! Which pairs of values have been found equal.
//!
//! Equality is transitive, so pairs join classes (union-find; R. Tarjan, "Efficiency of a Good But Not Linear Set Union
//! Algorithm", 1975): however the parts of two values are shared, there are no more classes to join than parts.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use crate::memory::hash::WordHasher;
use crate::memory::value::Value;

/// Pairs of values that are known to be equal. The values must not move meanwhile.
#[derive(Default)]
pub(super) struct SeenPairs {
    /// For each value another one of its class, nearer to the one that stands for the class.
    parents: HashMap<u64, u64, BuildHasherDefault<WordHasher>>,
}

impl SeenPairs {
    fn class(&self, value: Value) -> u64 {
        let mut value = value.bits();
        while let Some(&parent) = self.parents.get(&value) {
            value = parent;
        }
        value
    }

    /// The class of a value, with the way there made shorter.
    fn class_shortened(&mut self, value: Value) -> u64 {
        let class = self.class(value);
        let mut value = value.bits();
        while value != class {
            match self.parents.insert(value, class) {
                Some(parent) => value = parent,
                None => break,
            }
        }
        class
    }

    pub(super) fn contains(&self, a: Value, b: Value) -> bool {
        self.class(a) == self.class(b)
    }

    pub(super) fn insert(&mut self, a: Value, b: Value) {
        let (a, b) = (self.class_shortened(a), self.class_shortened(b));
        if a != b {
            self.parents.insert(a, b);
        }
    }
}
