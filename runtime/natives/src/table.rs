//! A sorted table for a few entries.
//!
//! Each kind of entry in a `BTreeMap` costs eight kilobytes of code in a runtime, most of it for large maps. This costs some hundred
//! bytes, and is as fast for handles, whose numbers only grow, and for what is small anyway.

use std::borrow::Borrow;

/// Entries in the order of their keys. Adding or removing one moves those behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Table<K, V>(Vec<(K, V)>);

impl<K, V> Default for Table<K, V> {
    fn default() -> Table<K, V> {
        Table(Vec::new())
    }
}

#[cfg_attr(
    not(feature = "std"),
    allow(dead_code, reason = "the higher tiers use all of it")
)]
impl<K: Ord, V> Table<K, V> {
    /// Where the key is, or belongs.
    fn place<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        self.0
            .binary_search_by(|(other, _)| other.borrow().cmp(key))
    }

    /// The value under a key.
    pub(crate) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let place = self.place(key).ok()?;
        self.0.get(place).map(|(_, value)| value)
    }

    /// Puts a value under a key; the value that was there.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.place(&key) {
            Ok(place) => {
                let old = self.0.get_mut(place)?;
                Some(std::mem::replace(&mut old.1, value))
            }
            Err(place) => {
                self.0.insert(place, (key, value));
                None
            }
        }
    }

    /// Removes a key; the value that was there.
    pub(crate) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let place = self.place(key).ok()?;
        Some(self.0.remove(place).1)
    }

    /// Whether there are no entries.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The entries in the order of their keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.0.iter().map(|(key, value)| (key, value))
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for Table<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Table<K, V> {
        let mut table = Table::default();
        for (key, value) in entries {
            table.insert(key, value);
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::Table;
    use std::collections::BTreeMap;

    #[test]
    fn it_does_what_a_map_does() {
        let mut table = Table::default();
        let mut model = BTreeMap::new();
        // A generator of the kind that books have: the same numbers in each run.
        let mut state = 1u32;
        for step in 0..5000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let key = (state >> 16) % 64;
            if state & 1 == 0 {
                assert_eq!(table.insert(key, step), model.insert(key, step));
            } else {
                assert_eq!(table.remove(&key), model.remove(&key));
            }
            assert_eq!(table.get(&key), model.get(&key));
            assert_eq!(table.is_empty(), model.is_empty());
        }
        assert!(table.iter().eq(model.iter()));
    }
}
