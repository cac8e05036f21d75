//! Persistent collections that are more than one heap object, and what they ask of their keys.

pub mod elements;
pub mod hash_map;
pub mod key;
pub mod owned;
mod probe;
pub mod sorted_map;

pub use key::check as check_key;

use crate::host::Host;
use crate::host::condition::{Outcome, Signal, type_error};
use crate::memory::heap::{Heap, object};
use crate::memory::value::{Kind, Value};

/// Whether this is a map or a hash map.
#[inline]
pub fn is_map(value: Value) -> bool {
    matches!(value.kind(), Kind::Map | Kind::HashMap)
}

/// Number of entries of a map or hash map; zero for anything else.
#[inline]
pub fn len(heap: &Heap, map: Value) -> usize {
    match map.kind() {
        Kind::Map => sorted_map::len(heap, map),
        Kind::HashMap => hash_map::len(heap, map),
        _ => 0,
    }
}

/// The value of `key` in a map or hash map; nothing is in anything else.
#[inline]
pub fn get(host: &Host, map: Value, key: Value) -> Option<Value> {
    match map.kind() {
        Kind::Map => sorted_map::get(host, map, key),
        Kind::HashMap => hash_map::get(host, map, key),
        _ => None,
    }
}

/// The value of a keyword in a map or hash map: what `(:key map)` asks.
#[inline]
pub fn get_keyword(host: &Host, map: Value, keyword: Value) -> Option<Value> {
    match map.kind() {
        Kind::Map => sorted_map::get_keyword(host, map, keyword),
        Kind::HashMap => hash_map::get(host, map, keyword),
        _ => None,
    }
}

/// `map` with `key` bound to `value`. Call only with a map or hash map, and a checked key.
#[inline]
pub fn insert(host: &Host, map: Value, key: Value, value: Value) -> Value {
    if map.kind() == Kind::HashMap {
        hash_map::insert(host, map, key, value)
    } else {
        sorted_map::insert(host, map, key, value)
    }
}

/// `map` with `key` bound to `value`.
///
/// # Errors
/// A type error when `key` may not be a key (see [`key::check`]).
#[inline]
pub fn insert_checked(host: &Host, map: Value, key: Value, value: Value) -> Outcome {
    key::check(host, key)?;
    Ok(insert(host, map, key, value))
}

/// `map` with `key` bound to `value`, changed in place if it belongs to a variable (see [`owned`]). Call only with a map
/// or hash map, and a checked key.
#[inline]
pub fn insert_owned(host: &Host, map: Value, key: Value, value: Value) -> Value {
    if map.kind() == Kind::HashMap {
        hash_map::insert_owned(host, map, key, value)
    } else {
        sorted_map::insert_owned(host, map, key, value)
    }
}

/// `map` without `key`. Call only with a map or hash map.
#[inline]
pub fn remove(host: &Host, map: Value, key: Value) -> Value {
    if map.kind() == Kind::HashMap {
        hash_map::remove(host, map, key)
    } else {
        sorted_map::remove(host, map, key)
    }
}

/// An empty map of the kind of `map`.
pub fn empty_like(heap: &Heap, map: Value) -> Value {
    if map.kind() == Kind::HashMap {
        hash_map::empty(heap)
    } else {
        sorted_map::empty(heap)
    }
}

/// Iterates over the entries of a map (in key order) or hash map (in no particular order).
pub fn iter(heap: &Heap, map: Value) -> Entries<'_> {
    if map.kind() == Kind::HashMap {
        Entries::Hashed(hash_map::iter(heap, map))
    } else {
        Entries::Sorted(sorted_map::iter(heap, map))
    }
}

/// The entries in key order, whatever the kind.
pub fn sorted_entries(host: &Host, map: Value) -> Vec<(Value, Value)> {
    let mut entries: Vec<_> = iter(&host.heap, map).collect();
    if map.kind() == Kind::HashMap {
        crate::data::equality::stable_sort(&mut entries, |a, b| {
            crate::data::equality::compare(host, a.0, b.0)
        });
    }
    entries
}

/// Iterator over the entries of a map or hash map.
#[derive(Clone)]
pub enum Entries<'h> {
    /// Of a map.
    Sorted(sorted_map::Iter<'h>),
    /// Of a hash map.
    Hashed(hash_map::Iter<'h>),
}

impl Iterator for Entries<'_> {
    type Item = (Value, Value);

    #[inline]
    fn next(&mut self) -> Option<(Value, Value)> {
        match self {
            Entries::Sorted(entries) => entries.next(),
            Entries::Hashed(entries) => entries.next(),
        }
    }
}

/// A fixed-size buffer in which nodes are put together before they are allocated.
pub(crate) struct Buffer<const N: usize> {
    values: [Value; N],
    length: usize,
}

impl<const N: usize> Buffer<N> {
    #[inline]
    pub(crate) fn new() -> Self {
        Buffer {
            values: [Value::NIL; N],
            length: 0,
        }
    }

    /// Appends a value; the callers' node sizes bound how often this happens.
    #[inline]
    pub(crate) fn push(&mut self, value: Value) {
        debug_assert!(self.length < N);
        if let Some(slot) = self.values.get_mut(self.length) {
            *slot = value;
            self.length += 1;
        }
    }

    #[inline]
    pub(crate) fn extend(&mut self, values: &[Value]) {
        debug_assert!(self.length + values.len() <= N);
        if let Some(slots) = self.values.get_mut(self.length..self.length + values.len()) {
            slots.copy_from_slice(values);
            self.length += values.len();
        }
    }

    #[inline]
    pub(crate) fn values(&self) -> &[Value] {
        self.values.get(..self.length).unwrap_or_default()
    }
}

/// `(get map key default)`
///
/// # Errors
/// A type error unless the first argument is a map or hash map.
pub fn lookup(host: &Host, map: Value, key: Value, default: Value) -> Outcome {
    let found = if object::is_kind(map, Kind::Map) {
        sorted_map::get(host, map, key)
    } else if object::is_kind(map, Kind::HashMap) {
        hash_map::get(host, map, key)
    } else {
        return Err(not_a_map(host, map));
    };
    Ok(found.unwrap_or(default))
}

#[cold]
fn not_a_map(host: &Host, value: Value) -> Box<Signal> {
    let mut signal = type_error(host, "map or hashmap", value);
    if let Signal::Raise(condition) = &mut *signal {
        condition.hint = Some("get: expected a map as the first argument".into());
    }
    signal
}

/// `(get map key)` with a keyword.
///
/// # Errors
/// A type error unless the first argument is a map or hash map.
pub fn lookup_keyword(host: &Host, map: Value, key: Value) -> Outcome {
    if object::is_kind(map, Kind::Map) {
        return Ok(sorted_map::get_keyword(host, map, key).unwrap_or(Value::NIL));
    }
    lookup(host, map, key, Value::NIL)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::host::output::Output;
    use crate::memory::heap::{Roots, Tracer};

    /// A host and values that stay reachable.
    pub(crate) struct Scene {
        pub(crate) host: Host,
        pub(crate) roots: Vec<Value>,
    }

    struct Held<'v>(&'v mut [Value]);

    impl Roots for Held<'_> {
        fn trace(&mut self, tracer: &mut Tracer<'_>) {
            tracer.values(self.0);
        }
    }

    impl Scene {
        pub(crate) fn new() -> Scene {
            Scene {
                host: Host::new(Output::memory(), &crate::host::natives::Natives::NONE),
                roots: Vec::new(),
            }
        }

        pub(crate) fn collect(&mut self, full: bool) {
            self.host.heap.collect(&mut Held(&mut self.roots), full);
        }
    }

    /// A fixed sequence of numbers that look random (xorshift).
    pub(crate) struct Random(pub(crate) u64);

    impl Random {
        pub(crate) fn below(&mut self, limit: i64) -> i64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 >> 11) as i64 % limit.max(1)
        }
    }
}
