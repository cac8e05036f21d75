//! What may be a key (language specification, 3.4).

use super::elements;
use crate::host::Host;
use crate::host::condition::{Outcome, type_error};
use crate::memory::hash::NameMap;
use crate::memory::value::{Kind, Value};

/// What a value contains that matters when it is a key.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Traits {
    /// A NaN, so the value is not equal to itself.
    pub irreflexive: bool,
    /// A mutable array or cell.
    pub mutable: bool,
    /// An object that is compared by identity and has no stable place in the total order.
    pub identity: bool,
}

/// Whether values of this kind are heap objects that equality compares by identity. Their
/// addresses change when they are collected, so they cannot be ordered by them.
pub(crate) fn is_opaque(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Closure
            | Kind::Multimethod
            | Kind::Macro
            | Kind::Promise
            | Kind::AsyncPromise
            | Kind::Channel
            | Kind::Stream
            | Kind::RecordType
            | Kind::Prompt
            | Kind::Message
            | Kind::Conversation
            | Kind::Tool
            | Kind::Agent
            | Kind::Box
            | Kind::Tuple
            | Kind::Foreign
    )
}

/// Whether only an identical value is equal to `value`.
#[inline(always)]
pub(crate) fn is_identified(value: Value) -> bool {
    !value.is_heap() && !value.is_float()
}

/// Parts of a value that are looked through before it is noted which ones have been.
const MANY_PARTS: usize = 1000;

/// Looks through a value, except into mutable objects.
pub fn traits_of(host: &Host, value: Value) -> Traits {
    let mut found = Traits::default();
    if is_identified(value) {
        return found;
    }
    let mut stack = Vec::new();
    let mut next = Some(value);
    // Parts that occur in several places are looked through once, as soon as there are many.
    let mut looked_through = 0;
    let mut known: NameMap<u64, ()> = NameMap::default();
    loop {
        if let Some(value) = next {
            looked_through += 1;
            let repeated = looked_through > MANY_PARTS
                && value.is_heap()
                && known.insert(value.bits(), ()).is_some();
            match value.kind() {
                _ if repeated => {}
                Kind::Float => {
                    found.irreflexive |= value.float_unchecked().is_nan();
                }
                Kind::Complex => {
                    found.irreflexive |= (host.heap.values(value).iter())
                        .any(|part| part.as_float().is_some_and(f64::is_nan));
                }
                Kind::MutableArray | Kind::MutableCell => found.mutable = true,
                Kind::Record => {
                    // The record type is a part of no interest.
                    let fields = host.heap.values(value).get(1..).unwrap_or_default();
                    stack.push(elements::Elements::Slice(fields.iter()));
                }
                kind if is_opaque(kind) => found.identity = true,
                _ => stack.extend(elements::unordered(&host.heap, value)),
            }
        }
        next = loop {
            let Some(top) = stack.last_mut() else {
                return found;
            };
            match top.by_ref().find(|value| !is_identified(*value)) {
                Some(value) => break Some(value),
                None => drop(stack.pop()),
            }
        };
    }
}

/// Whether a value is, or is a list or vector of, identified values and strings: most keys, which have
/// no trait that matters.
#[inline]
fn is_plain(host: &Host, value: Value) -> bool {
    let heap = &host.heap;
    let is_leaf = |value: Value| is_identified(value) || heap.is_string(value);
    is_leaf(value)
        || match value.kind() {
            Kind::Vector => heap.values(value).iter().all(|&part| is_leaf(part)),
            Kind::List => heap.list_iter(value).all(is_leaf),
            _ => false,
        }
}

/// Checks that `key` may be a key of a map.
///
/// # Errors
/// A type error when it contains a NaN, a mutable array or a mutable cell.
#[inline]
pub fn check(host: &Host, key: Value) -> Outcome<()> {
    if is_identified(key) || is_plain(host, key) {
        return Ok(());
    }
    let traits = traits_of(host, key);
    if traits.mutable {
        return Err(type_error(host, "immutable map key", key));
    }
    if traits.irreflexive {
        return Err(type_error(host, "reflexive map key", key));
    }
    Ok(())
}

/// Whether equality of `key` depends on the identity of an object, so that the total order cannot
/// tell it from all other keys.
#[inline]
pub fn needs_identity(host: &Host, key: Value) -> bool {
    if !key.is_heap() {
        return false;
    }
    match key.kind() {
        Kind::List | Kind::Vector | Kind::Map | Kind::HashMap | Kind::Record => {
            !is_plain(host, key) && traits_of(host, key).identity
        }
        kind => is_opaque(kind),
    }
}

/// Whether sorted maps find `key` by looking at all entries only: it needs its identity, and is no closure that can be
/// told from all others by its number.
pub(crate) fn needs_scan(host: &Host, key: Value) -> bool {
    if key.is_heap() && key.kind() == Kind::Closure {
        return host.heap.unique_identity(key).is_none();
    }
    needs_identity(host, key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::output::Output;

    /// Values with shared parts, which have as many paths as there are atoms in the universe, are keys like others.
    #[test]
    fn shared_parts_are_looked_through_once() {
        use crate::data::collections::{hash_map, sorted_map};
        let host = Host::new(Output::memory(), &crate::host::natives::Natives::NONE);
        let heap = &host.heap;
        type Pair<'a> = &'a dyn Fn(Value) -> Value;
        let vector: Pair<'_> = &|part| heap.vector(&[part, part]);
        let list: Pair<'_> = &|part| heap.list(&[part, part]);
        let record: Pair<'_> = &|part| heap.object(Kind::Record, 0, &[Value::NIL, part, part]);
        for pair in [vector, list, record] {
            let make = |last| (0..260).fold(last, |part, _| pair(part));
            let (one, other) = (make(Value::TRUE), make(Value::TRUE));
            assert!(check(&host, one).is_ok());
            assert!(!needs_identity(&host, one));
            assert!(traits_of(&host, make(Value::float(f64::NAN))).irreflexive);
            assert!(
                check(
                    &host,
                    make(heap.object(Kind::MutableCell, 0, &[Value::NIL]))
                )
                .is_err()
            );
            let map = hash_map::insert(&host, hash_map::empty(heap), one, Value::TRUE);
            assert_eq!(hash_map::get(&host, map, other), Some(Value::TRUE));
            let map = sorted_map::from_entries(&host, &[(one, Value::TRUE)]);
            assert_eq!(sorted_map::get(&host, map, other), Some(Value::TRUE));
        }
    }

    #[test]
    fn finds_nan_and_mutable_parts_at_any_depth() {
        let host = Host::new(Output::memory(), &crate::host::natives::Natives::NONE);
        let heap = &host.heap;
        let nan = Value::float(f64::NAN);
        let cell = heap.object(Kind::MutableCell, 0, &[nan]);
        let mut deep = heap.list(&[nan]);
        for _ in 0..100_000 {
            deep = heap.list(&[Value::small(1), deep]);
        }
        assert!(traits_of(&host, deep).irreflexive);
        assert!(check(&host, deep).is_err());
        assert!(check(&host, nan).is_err());
        assert!(traits_of(&host, heap.vector(&[cell])).mutable);
        assert!(!traits_of(&host, heap.vector(&[cell])).irreflexive);
        assert!(check(&host, heap.vector(&[Value::float(1.0), Value::TRUE])).is_ok());
        let closure = heap.object(Kind::Closure, 0, &[Value::small(0)]);
        assert!(needs_identity(&host, heap.list(&[closure])));
        assert!(check(&host, closure).is_ok());
    }
}
