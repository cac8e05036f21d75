//! Hashing that agrees with `equal?`.

use crate::data::collections::elements::{self, Elements};
use crate::data::collections::{self, key};
use crate::host::Host;
use crate::memory::value::{Kind, Value};

const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;

/// Spreads the bits of a word: the finaliser of MurmurHash3 (A. Appleby, public domain).
#[inline(always)]
fn mix(word: u64) -> u32 {
    let word = (word ^ (word >> 33)).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    let word = (word ^ (word >> 33)).wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    (word ^ (word >> 33)) as u32
}

/// Spreads the bits of a word that is all there is to be hashed: multiplicative hashing, which takes
/// the upper half of the product (D. E. Knuth, "The Art of Computer Programming", 6.4).
#[inline(always)]
fn spread(word: u64) -> u32 {
    ((word ^ (word >> 32)).wrapping_mul(MULTIPLIER) >> 32) as u32
}

#[inline(always)]
fn combine(state: u64, word: u64) -> u64 {
    (state.rotate_left(5) ^ word).wrapping_mul(MULTIPLIER)
}

#[inline(never)]
fn hash_bytes(bytes: &[u8]) -> u32 {
    let length = bytes.len() as u64;
    // What is left of the last word is covered by one that overlaps others.
    let state = if let Some(last) = bytes.last_chunk::<8>() {
        let (words, _) = bytes.as_chunks::<8>();
        let state = words.iter().fold(length, |state, word| {
            combine(state, u64::from_le_bytes(*word))
        });
        combine(state, u64::from_le_bytes(*last))
    } else if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        combine(length, u64::from(first) << 32 | u64::from(last))
    } else {
        let word = bytes
            .iter()
            .fold(0, |word, &byte| word << 8 | u64::from(byte));
        combine(length, word)
    };
    mix(state)
}

/// The hash of a value to which only an identical one is equal (see [`key::is_identified`]).
#[inline(always)]
pub(crate) fn hash_of_identified(value: Value) -> u32 {
    spread(value.bits())
}

/// A hash that is equal for equal values.
#[inline(always)]
pub fn hash(host: &Host, value: Value) -> u32 {
    if key::is_identified(value) {
        return hash_of_identified(value);
    }
    if host.heap.is_string(value) {
        return host.heap.string_hash(value, hash_bytes);
    }
    hash_parts(host, value)
}

#[inline(always)]
fn tagged(kind: Kind, word: u64) -> u64 {
    (kind as u64) << 56 ^ word
}

/// What goes into the hash for a value itself, without its parts.
fn head(host: &Host, value: Value) -> u64 {
    let heap = &host.heap;
    if key::is_identified(value) {
        return value.bits();
    }
    let kind = value.kind();
    let tagged = |word| tagged(kind, word);
    match kind {
        // Adding zero makes -0.0 into 0.0.
        Kind::Float => (value.float_unchecked() + 0.0).to_bits(),
        Kind::String => u64::from(heap.string_hash(value, hash_bytes)),
        Kind::Int => {
            let (negative, digits) = heap.int_digits(value).unwrap_or_default();
            digits
                .iter()
                .copied()
                .fold(tagged(u64::from(negative)), combine)
        }
        Kind::Ratio | Kind::Complex => (heap.values(value).iter())
            .fold(tagged(0), |state, &part| combine(state, head(host, part))),
        Kind::Bytevector => tagged(u64::from(hash_bytes(
            heap.as_bytevector(value).unwrap_or_default(),
        ))),
        Kind::F64Array => (heap.as_f64_array(value).unwrap_or_default().iter())
            .fold(tagged(0), |state, x| combine(state, x.to_bits())),
        Kind::I64Array => (heap.as_i64_array(value).unwrap_or_default().iter())
            .fold(tagged(0), |state, &x| combine(state, x as u64)),
        Kind::List => tagged(heap.list_len(value) as u64),
        Kind::Vector | Kind::Record => tagged(heap.values(value).len() as u64),
        Kind::Map | Kind::HashMap => tagged(map_head(host, value)),
        // Types are told apart by their serial number.
        Kind::RecordType => heap.field(value, 2).bits(),
        Kind::Closure => tagged(u64::from(heap.identity(value))),
        // Other opaque objects move, and mutable ones change.
        _ => tagged(0),
    }
}

/// The entries of a map, independent of their order and without going into them.
fn map_head(host: &Host, map: Value) -> u64 {
    let shallow = |value: Value| match value.kind() {
        Kind::List | Kind::Vector | Kind::Map | Kind::HashMap | Kind::Record => 0,
        _ => u64::from(mix(head(host, value))),
    };
    collections::iter(&host.heap, map).fold(
        collections::len(&host.heap, map) as u64,
        |sum, (key, value)| sum.wrapping_add(u64::from(mix(combine(shallow(key), shallow(value))))),
    )
}

/// Compound values that are taken into a hash, the first ones in the order of a walk: values whose parts are shared may
/// be endless. Equal values have equal walks.
const MOST_COMPOUND: u32 = 1 << 16;

fn hash_parts(host: &Host, value: Value) -> u32 {
    let mut state = 0;
    hash_into(host, value, &mut state, super::SHALLOW, &mut {
        MOST_COMPOUND
    });
    mix(state)
}

/// Takes a value and its parts into the hash, `depth` levels by recursion, while `budget` lasts.
fn hash_into(host: &Host, value: Value, state: &mut u64, depth: u32, budget: &mut u32) {
    if depth == 0 {
        return hash_deep(host, value, state, budget);
    }
    let Some(left) = budget.checked_sub(1) else {
        return;
    };
    *budget = left;
    if let Some(parts) = host.heap.as_vector(value) {
        *state = combine(*state, tagged(Kind::Vector, parts.len() as u64));
        for &part in parts {
            if key::is_identified(part) {
                *state = combine(*state, part.bits());
            } else {
                hash_into(host, part, state, depth - 1, budget);
            }
        }
        return;
    }
    *state = combine(*state, head(host, value));
    let mut part = |part: Value| {
        if key::is_identified(part) {
            *state = combine(*state, part.bits());
        } else {
            hash_into(host, part, state, depth - 1, budget);
        }
    };
    if !value.is_heap() {
        return;
    }
    match value.kind() {
        Kind::List => host.heap.list_iter(value).for_each(part),
        Kind::Record => {
            for &value in host.heap.values(value) {
                part(value);
            }
        }
        _ => {}
    }
}

/// The same with a stack of its own.
fn hash_deep(host: &Host, value: Value, state: &mut u64, budget: &mut u32) {
    let mut stack: Vec<Elements<'_>> = Vec::new();
    let mut next = Some(value);
    while let Some(value) = next {
        *state = combine(*state, head(host, value));
        if matches!(value.kind(), Kind::List | Kind::Vector | Kind::Record) {
            let Some(left) = budget.checked_sub(1) else {
                return;
            };
            *budget = left;
            stack.extend(elements::unordered(&host.heap, value));
        }
        next = loop {
            let Some(top) = stack.last_mut() else {
                break None;
            };
            match top.next() {
                Some(value) => break Some(value),
                None => drop(stack.pop()),
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::output::Output;

    #[test]
    fn equal_values_have_equal_hashes() {
        let host = Host::new(Output::memory(), &crate::host::natives::Natives::NONE);
        let heap = &host.heap;
        assert_eq!(
            hash(&host, Value::float(0.0)),
            hash(&host, Value::float(-0.0))
        );
        assert_eq!(
            hash(&host, heap.string("a longer text")),
            hash(&host, heap.string("a longer text"))
        );
        let pair = || heap.list(&[heap.string("x"), heap.int(i64::MAX)]);
        assert_eq!(hash(&host, pair()), hash(&host, pair()));
        assert_ne!(
            hash(&host, pair()),
            hash(&host, heap.list(&[heap.string("x")]))
        );
    }

    #[test]
    fn both_walks_give_the_same_hash() {
        let host = Host::new(Output::memory(), &crate::host::natives::Natives::NONE);
        let heap = &host.heap;
        let mut value = heap.vector(&[]);
        for i in 0..30 {
            value = match i % 3 {
                0 => heap.list(&[Value::small(i), value, heap.string("x")]),
                1 => heap.vector(&[value, Value::float(0.5)]),
                _ => heap.list(&[value, value]),
            };
            let (mut shallow, mut deep) = (0, 0);
            hash_into(
                &host,
                value,
                &mut shallow,
                crate::data::equality::SHALLOW,
                &mut { u32::MAX },
            );
            hash_deep(&host, value, &mut deep, &mut { u32::MAX });
            assert_eq!(shallow, deep);
        }
    }

    #[test]
    fn small_integers_spread() {
        let host = Host::new(Output::memory(), &crate::host::natives::Natives::NONE);
        let mut seen = std::collections::HashSet::new();
        for i in 0..10_000 {
            seen.insert(hash(&host, Value::small(i)));
        }
        assert!(seen.len() > 9_990);
    }
}
