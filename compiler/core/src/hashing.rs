//! Hash tables of the compiler: a hash of few instructions.
//!
//! Most keys are numbers: of variables, functions, interned names. The hash of the standard library is made to withstand keys
//! that somebody has chosen for their collisions, and took an eighth of the time of a large program. A source that does that makes its
//! own compilation slow, which a source can do anyway.

use std::hash::{BuildHasherDefault, Hasher};

/// A hash table.
pub type HashMap<K, V> = std::collections::HashMap<K, V, BuildHasherDefault<Mixer>>;
/// A set of hashed values.
pub type HashSet<K> = std::collections::HashSet<K, BuildHasherDefault<Mixer>>;

/// Digits of the golden ratio: an odd number without a pattern.
const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

/// Multiplies each word into a state of 64 bits and folds the product, so that every bit of the key reaches the low bits, which
/// choose the place, and the high ones, which tell entries of one place apart.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mixer(u64);

impl Mixer {
    #[inline]
    fn mix(&mut self, word: u64) {
        let product = u128::from((self.0 ^ word).wrapping_add(FACTOR)) * u128::from(FACTOR);
        self.0 = (product >> 64) as u64 ^ product as u64;
    }
}

impl Hasher for Mixer {
    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }

    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.mix(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        for (place, byte) in last.iter_mut().zip(rest) {
            *place = *byte;
        }
        // Zeros at the end count, too.
        self.mix(u64::from_le_bytes(last) ^ (bytes.len() as u64).rotate_right(8));
    }

    #[inline]
    fn write_u8(&mut self, value: u8) {
        self.mix(value.into());
    }

    #[inline]
    fn write_u16(&mut self, value: u16) {
        self.mix(value.into());
    }

    #[inline]
    fn write_u32(&mut self, value: u32) {
        self.mix(value.into());
    }

    #[inline]
    fn write_u64(&mut self, value: u64) {
        self.mix(value);
    }

    #[inline]
    fn write_usize(&mut self, value: usize) {
        self.mix(value as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::{BuildHasher, Hash};

    fn hash(key: impl Hash) -> u64 {
        BuildHasherDefault::<Mixer>::default().hash_one(key)
    }

    /// Rows of numbers, multiples of powers of two, names that end in numbers: no place gets many of them.
    #[test]
    fn keys_are_spread() {
        let numbers = |step: u64| (0..4096).map(move |number| hash(number * step)).collect();
        let rows: [Vec<u64>; 4] = [
            numbers(1),
            numbers(1 << 12),
            numbers(1 << 40),
            (0..4096)
                .map(|number| hash(format!("part-{number}")))
                .collect(),
        ];
        for row in rows {
            for shift in [0, 57 - 12, 64 - 12] {
                let mut places = vec![0; 4096];
                for hash in &row {
                    places[(hash >> shift) as usize % 4096] += 1;
                }
                assert!(places.iter().all(|count| *count < 12), "{shift}");
            }
        }
    }

    #[test]
    fn lengths_and_zeros_count() {
        let texts: [&[u8]; 5] = [
            b"",
            b"\0",
            b"\0\0",
            b"\0\0\0\0\0\0\0\0",
            b"\0\0\0\0\0\0\0\0\0",
        ];
        let hashes: HashSet<u64> = texts
            .iter()
            .map(|text| {
                let mut mixer = Mixer::default();
                mixer.write(text);
                mixer.finish()
            })
            .collect();
        assert_eq!(hashes.len(), texts.len());
    }
}
