//! Hashing of names inside the runtime.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};

/// Makes the hashes of one map, with a seed that nobody knows before the process starts: whoever chooses names cannot make
/// them collide.
///
/// The seed is what the kernel gives every process for such purposes (`AT_RANDOM`), or follows from where it has placed the
/// program in memory: asking for another would cost a system call at every start. Nothing goes through such
/// maps in the order of hashes, so the seed shows nowhere.
#[derive(Clone, Copy)]
pub struct NameSeed(u64, u64);

impl Default for NameSeed {
    fn default() -> NameSeed {
        let (first, second) = crate::platform::process::random();
        // Odd: multiplication loses nothing.
        NameSeed(first, second | 1)
    }
}

impl BuildHasher for NameSeed {
    type Hasher = NameHasher;

    fn build_hasher(&self) -> NameHasher {
        NameHasher {
            state: self.0,
            factor: self.1,
        }
    }
}

/// Multiplies words with the seed and folds the products (J. Yi, "wyhash", 2019; the same as in the crate foldhash).
pub struct NameHasher {
    state: u64,
    factor: u64,
}

impl NameHasher {
    #[inline]
    fn take(&mut self, word: u64) {
        let product = u128::from(self.state ^ word) * u128::from(self.factor);
        self.state = (product as u64) ^ (product >> 64) as u64;
    }
}

impl Hasher for NameHasher {
    fn finish(&self) -> u64 {
        self.state
    }

    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.take(u64::from_le_bytes(*word));
        }
        // The length, too: what is left is filled up with zeros.
        let last = rest.iter().rev().fold(bytes.len() as u64, |word, &byte| {
            word << 8 | u64::from(byte)
        });
        self.take(last);
    }

    fn write_u32(&mut self, number: u32) {
        self.take(u64::from(number));
    }

    fn write_u8(&mut self, byte: u8) {
        // The end of a text.
        self.take(u64::from(byte));
    }
}

/// A map with that hash.
pub type NameMap<K, V> = HashMap<K, V, NameSeed>;

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    #[cfg_attr(miri, ignore = "takes hours under Miri")]
    fn hashes_depend_on_the_seed() {
        let hash = |seed: NameSeed, text: &str| seed.hash_one(text);
        let seeds = [NameSeed(1, 3), NameSeed(u64::MAX, 5), NameSeed(0, 77)];
        for text in ["", "a", "name", "a longer name of 24 bytes"] {
            let hashes: HashSet<u64> = seeds.iter().map(|seed| hash(*seed, text)).collect();
            assert_eq!(hashes.len(), seeds.len(), "{text}");
        }
        let seed = NameSeed::default();
        let names = (0..100_000).map(|n| format!("n{n}"));
        let hashes: HashSet<u64> = names.map(|name| hash(seed, &name)).collect();
        assert_eq!(hashes.len(), 100_000);
        // Buckets are found by the low bits.
        let low: HashSet<u64> = hashes.iter().map(|hash| hash & 0xFFFF).collect();
        assert!(low.len() > 45_000, "{}", low.len());
    }
}
