//! Maps and hash maps.

mod nested;

use sema_machine::data::collections::{self, hash_map, key, owned, sorted_map};
use sema_machine::data::sequence::{arg, list_or_vector};
use sema_machine::host::Host;
use sema_machine::host::condition::{Outcome, eval_error, type_error};
use sema_machine::memory::heap::object;
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;

natives! {
    /// The value of a key in a map, or a default.
    "get" | "hash-ref" (m: Map, key: Any, default?: Any) -> Any, pure => get;

    /// The map with keys bound to values; with two arguments the entry of an association list.
    "assoc" (a: Any, b*: Any) -> Map, pure => assoc;

    /// The map without some keys.
    "dissoc" (a: Any, b: Any, c*: Any) -> Map, pure => dissoc;

    /// Whether a map has a key.
    "contains?" (m: Map, key: Any) -> Bool, pure => contains;

    /// List of the keys.
    "keys" (m: Map) -> List, pure => keys;

    /// List of the values.
    "vals" (m: Map) -> List, pure => vals;

    /// List of lists of key and value.
    "map/entries" (m: Map) -> List, pure => entries;

    /// The entries of all maps, later ones win.
    "merge" (a*: Any) -> Map, pure => merge;

    /// The entries of all maps, maps under the same key merged.
    "deep-merge" | "map/deep-merge" (a*: Any) -> Map, pure => nested::deep_merge;

    /// The value at a path of keys, or a default.
    "get-in" | "map/get-in" (m: Map, path: Sequence, default?: Any) -> Any, pure => nested::get_in;

    /// The map with a value at a path of keys.
    "assoc-in" | "map/assoc-in" (m: Map, path: Sequence, value: Any) -> Map, pure => nested::assoc_in;

    /// The entries with the listed keys.
    "map/select-keys" (m: Map, keys: Sequence) -> Map, pure => select_keys;

    /// The entries without the listed keys.
    "map/except" (m: Map, keys: Sequence) -> Map, pure => except;

    /// Map of keys to corresponding values.
    "map/zip" (keys: Sequence, vals: Sequence) -> Map, pure => zip;

    /// Map of pairs of key and value.
    "map/from-entries" (entries: Sequence) -> Map, pure => from_entries;

    /// Map in key order with the same entries.
    "map/sort-keys" (m: Map) -> Map, pure => sort_keys;

    /// Map of alternating keys and values.
    "hash-map" | "map/new" (a*: Any) -> Map, pure => hash_map_of;

    /// Hash map of alternating keys and values.
    "hashmap/new" (a*: Any) -> Map, pure => hashmap_new;

    /// The hash map with keys bound to values.
    "hashmap/assoc" (a*: Any) -> HashMap, pure => hashmap_assoc;

    /// The value of a key in a hash map, or a default.
    "hashmap/get" (hm: HashMap, key: Any, default?: Any) -> Any, pure => hashmap_get;

    /// Whether a hash map has a key.
    "hashmap/contains?" (hm: HashMap, key: Any) -> Bool, pure => hashmap_contains;

    /// List of the keys of a hash map.
    "hashmap/keys" (hm: HashMap) -> List, pure => hashmap_keys;

    /// Map in key order with the entries of a hash map.
    "hashmap/to-map" (hm: HashMap) -> Map, pure => hashmap_to_map;

    /// `assoc` to a map that nothing else refers to.
    "%assoc-owned" (a: Any, b: Any, c: Any, d*: Any) -> Any => assoc_owned;

    /// `hashmap/assoc` to a map that nothing else refers to.
    "%hashmap-assoc-owned" (a: Any, b: Any, c: Any, d*: Any) -> Any => hashmap_assoc_owned;

    /// `dissoc` from a map that nothing else refers to.
    "%dissoc-owned" (a: Any, b: Any, c*: Any) -> Any => dissoc_owned;

    /// The value, which is not changed any more if it is a map.
    "%sealed" (a: Any) -> Any => sealed;

    /// Map of the kind of another one from lists of keys and values.
    "%map-from-lists" (a: Any, b: Any, c: Any) -> Any => map_from_lists;

    /// Map of some of the entries of another one, in its order.
    "%map-part" (a: Any, b: Any, c: Any) -> Any => map_part;

    /// The map with other values, in the order of `vals`.
    "%map-with-vals" (a: Any, b: Any) -> Any => map_with_vals;
}

/// Checks that a value is a map or hash map.
#[inline]
fn check_map(host: &Host, value: Value) -> Outcome<()> {
    if collections::is_map(value) {
        Ok(())
    } else {
        Err(type_error(host, "map or hashmap", value))
    }
}

fn get(host: &Host, args: &[Value]) -> Outcome {
    collections::lookup(host, arg(args, 0), arg(args, 1), arg(args, 2))
}

/// `map` with the alternating keys and values added.
fn insert_pairs(host: &Host, map: Value, pairs: &[Value]) -> Outcome {
    if let [key, value] = *pairs {
        return collections::insert_checked(host, map, key, value);
    }
    insert_pairs_owned(host, map, pairs).map(owned::seal)
}

/// The same with a map that may belong to a variable (see [`owned`]), as the result may.
fn insert_pairs_owned(host: &Host, map: Value, pairs: &[Value]) -> Outcome {
    let (pairs, _) = pairs.as_chunks::<2>();
    pairs.iter().try_fold(map, |map, &[key, value]| {
        key::check(host, key)?;
        if key == map || value == map {
            owned::seal(map);
        }
        Ok(collections::insert_owned(host, map, key, value))
    })
}

fn assoc(host: &Host, args: &[Value]) -> Outcome {
    if let [map, key, value] = *args
        && collections::is_map(map)
    {
        return collections::insert_checked(host, map, key, value);
    }
    let Some((&map, pairs)) = args.split_first() else {
        return Ok(Value::NIL);
    };
    if let [entries] = pairs
        && entries.kind() == Kind::List
    {
        let entries = host.heap.list_iter(*entries);
        return Ok(crate::core::sequence::lists::association(
            host, map, entries,
        ));
    }
    if pairs.is_empty() || !pairs.len().is_multiple_of(2) {
        return Err(eval_error(
            "assoc: requires (key alist) or (map key val ...)",
        ));
    }
    check_map(host, map)?;
    insert_pairs(host, map, pairs)
}

/// `assoc` to a map that belongs to a variable, or ought to.
fn assoc_owned(host: &Host, args: &[Value]) -> Outcome {
    if let [map, key, value] = *args
        && object::is_kind(map, Kind::HashMap)
        && map != key
        && map != value
    {
        key::check(host, key)?;
        return Ok(hash_map::insert_owned(host, map, key, value));
    }
    match args.split_first() {
        Some((&map, pairs)) if collections::is_map(map) && pairs.len().is_multiple_of(2) => {
            insert_pairs_owned(host, map, pairs)
        }
        _ => assoc(host, args),
    }
}

fn sealed(_: &Host, args: &[Value]) -> Outcome {
    Ok(owned::seal(arg(args, 0)))
}

fn dissoc_owned(host: &Host, args: &[Value]) -> Outcome {
    let Some((&map, keys)) = args.split_first() else {
        return Ok(Value::NIL);
    };
    check_map(host, map)?;
    Ok(keys.iter().fold(map, |map, &key| {
        if map.kind() == Kind::HashMap {
            hash_map::remove_owned(host, map, key)
        } else {
            sorted_map::remove_owned(host, map, key)
        }
    }))
}

fn dissoc(host: &Host, args: &[Value]) -> Outcome {
    let Some((&map, keys)) = args.split_first() else {
        return Ok(Value::NIL);
    };
    check_map(host, map)?;
    Ok(keys
        .iter()
        .fold(map, |map, &key| collections::remove(host, map, key)))
}

fn contains(host: &Host, args: &[Value]) -> Outcome {
    let map = arg(args, 0);
    check_map(host, map)?;
    let found = collections::get(host, map, arg(args, 1));
    Ok(Value::bool(found.is_some()))
}

/// The list of what `part` takes from each entry.
fn list_of(host: &Host, map: Value, part: impl Fn((Value, Value)) -> Value) -> Outcome {
    check_map(host, map)?;
    let parts: Vec<Value> = collections::iter(&host.heap, map).map(part).collect();
    Ok(host.heap.list(&parts))
}

fn keys(host: &Host, args: &[Value]) -> Outcome {
    list_of(host, arg(args, 0), |(key, _)| key)
}

fn vals(host: &Host, args: &[Value]) -> Outcome {
    list_of(host, arg(args, 0), |(_, value)| value)
}

fn entries(host: &Host, args: &[Value]) -> Outcome {
    list_of(host, arg(args, 0), |(key, value)| {
        host.heap.list(&[key, value])
    })
}

/// The entries of both maps, those of `b` win, in a map of the kind of `a`.
fn merge_two(host: &Host, a: Value, b: Value) -> Value {
    if a.kind() == Kind::Map && b.kind() == Kind::Map {
        return sorted_map::merge(host, a, b);
    }
    let merged = collections::iter(&host.heap, b).fold(a, |map, (key, value)| {
        collections::insert_owned(host, map, key, value)
    });
    owned::seal(merged)
}

fn merge(host: &Host, args: &[Value]) -> Outcome {
    let Some((&first, others)) = args.split_first() else {
        return Ok(sorted_map::empty(&host.heap));
    };
    check_map(host, first)?;
    others.iter().try_fold(first, |merged, &map| {
        check_map(host, map)?;
        Ok(merge_two(host, merged, map))
    })
}

fn select_keys(host: &Host, args: &[Value]) -> Outcome {
    let (map, wanted) = (arg(args, 0), arg(args, 1));
    check_map(host, map)?;
    if !matches!(wanted.kind(), Kind::List | Kind::Vector) {
        return Err(type_error(host, "list", wanted));
    }
    let mut selected = collections::empty_like(&host.heap, map);
    for &key in list_or_vector(host, wanted)?.iter() {
        if let Some(value) = collections::get(host, map, key) {
            selected = collections::insert_owned(host, selected, key, value);
        }
    }
    Ok(owned::seal(selected))
}

fn except(host: &Host, args: &[Value]) -> Outcome {
    let map = arg(args, 0);
    check_map(host, map)?;
    let unwanted = list_or_vector(host, arg(args, 1))?;
    Ok(unwanted
        .iter()
        .fold(map, |map, &key| collections::remove(host, map, key)))
}

/// A map of entries whose keys are still to be checked.
fn checked_map(host: &Host, entries: &[(Value, Value)]) -> Outcome {
    for (key, _) in entries {
        key::check(host, *key)?;
    }
    Ok(sorted_map::from_entries(host, entries))
}

fn zip(host: &Host, args: &[Value]) -> Outcome {
    let keys = list_or_vector(host, arg(args, 0))?;
    let values = list_or_vector(host, arg(args, 1))?;
    let entries: Vec<(Value, Value)> = keys.iter().copied().zip(values.iter().copied()).collect();
    checked_map(host, &entries)
}

fn from_entries(host: &Host, args: &[Value]) -> Outcome {
    let pairs = list_or_vector(host, arg(args, 0))?;
    let mut entries = Vec::with_capacity(pairs.len());
    for &pair in pairs.iter() {
        let [key, value] = *list_or_vector(host, pair)? else {
            return Err(eval_error(
                "map/from-entries: each entry must be a pair (key value)",
            ));
        };
        entries.push((key, value));
    }
    checked_map(host, &entries)
}

/// A sorted map with the entries of any map.
fn sorted(host: &Host, map: Value) -> Value {
    if map.kind() == Kind::Map {
        return map;
    }
    let entries: Vec<(Value, Value)> = collections::iter(&host.heap, map).collect();
    sorted_map::from_entries(host, &entries)
}

fn sort_keys(host: &Host, args: &[Value]) -> Outcome {
    let map = arg(args, 0);
    check_map(host, map)?;
    Ok(sorted(host, map))
}

fn check_even(args: &[Value], function: &str) -> Outcome<()> {
    if args.len().is_multiple_of(2) {
        Ok(())
    } else {
        Err(eval_error(format!(
            "{function}: requires even number of arguments"
        )))
    }
}

fn hash_map_of(host: &Host, args: &[Value]) -> Outcome {
    check_even(args, "hash-map")?;
    let (pairs, _) = args.as_chunks::<2>();
    let entries: Vec<(Value, Value)> = pairs.iter().map(|&[key, value]| (key, value)).collect();
    checked_map(host, &entries)
}

fn hashmap_new(host: &Host, args: &[Value]) -> Outcome {
    check_even(args, "hashmap/new")?;
    insert_pairs(host, hash_map::empty(&host.heap), args)
}

#[inline]
fn check_hashmap(host: &Host, value: Value) -> Outcome<()> {
    if value.kind() == Kind::HashMap {
        Ok(())
    } else {
        Err(type_error(host, "hashmap", value))
    }
}

fn hashmap_assoc(host: &Host, args: &[Value]) -> Outcome {
    let (&map, pairs) = match args.split_first() {
        Some((map, pairs)) if !pairs.is_empty() && pairs.len().is_multiple_of(2) => (map, pairs),
        _ => {
            return Err(eval_error(
                "hashmap/assoc: requires hashmap and even number of key-value pairs",
            ));
        }
    };
    check_hashmap(host, map)?;
    insert_pairs(host, map, pairs)
}

fn hashmap_assoc_owned(host: &Host, args: &[Value]) -> Outcome {
    match args.split_first() {
        Some((&map, pairs)) if map.kind() == Kind::HashMap && pairs.len().is_multiple_of(2) => {
            insert_pairs_owned(host, map, pairs)
        }
        _ => hashmap_assoc(host, args),
    }
}

fn hashmap_get(host: &Host, args: &[Value]) -> Outcome {
    let map = arg(args, 0);
    if !collections::is_map(map) {
        return Err(type_error(host, "hashmap", map));
    }
    get(host, args)
}

fn hashmap_contains(host: &Host, args: &[Value]) -> Outcome {
    let [map, key] = *args else {
        return Ok(Value::FALSE);
    };
    if !object::is_kind(map, Kind::HashMap) {
        return Err(type_error(host, "hashmap", map));
    }
    let found = hash_map::get(host, map, key);
    Ok(Value::bool(found.is_some()))
}

fn hashmap_keys(host: &Host, args: &[Value]) -> Outcome {
    check_hashmap(host, arg(args, 0))?;
    keys(host, args)
}

fn hashmap_to_map(host: &Host, args: &[Value]) -> Outcome {
    check_hashmap(host, arg(args, 0))?;
    Ok(sorted(host, arg(args, 0)))
}

fn map_from_lists(host: &Host, args: &[Value]) -> Outcome {
    let heap = &host.heap;
    let entries: Vec<(Value, Value)> = heap
        .list_iter(arg(args, 1))
        .zip(heap.list_iter(arg(args, 2)))
        .collect();
    if arg(args, 0).kind() != Kind::HashMap {
        return checked_map(host, &entries);
    }
    for (key, _) in &entries {
        key::check(host, *key)?;
    }
    Ok(hash_map::from_entries(host, entries))
}

fn map_part(host: &Host, args: &[Value]) -> Outcome {
    let heap = &host.heap;
    let entries = (heap.list_iter(arg(args, 1))).zip(heap.list_iter(arg(args, 2)));
    if arg(args, 0).kind() == Kind::HashMap {
        return Ok(hash_map::from_entries(host, entries));
    }
    Ok(sorted_map::from_sorted(heap, &entries.collect::<Vec<_>>()))
}

fn map_with_vals(host: &Host, args: &[Value]) -> Outcome {
    let map = arg(args, 0);
    check_map(host, map)?;
    let entries: Vec<(Value, Value)> = collections::iter(&host.heap, map)
        .map(|(key, _)| key)
        .zip(host.heap.list_iter(arg(args, 1)))
        .collect();
    Ok(if map.kind() == Kind::HashMap {
        hash_map::from_entries(host, entries)
    } else {
        sorted_map::from_sorted(&host.heap, &entries)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{call, call_value};
    use sema_machine::host::output::Output;

    #[test]
    fn maps_follow_the_specification() {
        let host = Host::new(Output::memory(), &crate::NATIVES);
        let heap = &host.heap;
        let (a, b, c) = (host.keyword("a"), host.keyword("b"), host.keyword("c"));
        let n = Value::small;
        let make = |name, args: &[Value]| call_value(&host, name, args).ok().unwrap();
        let map = make("hash-map", &[b, n(2), a, n(1)]);
        let hashed = make("hashmap/new", &[c, n(3)]);
        let call = |name, args: &[Value]| call(&host, name, args);
        assert_eq!(call("get", &[map, b]), "2");
        assert_eq!(call("hash-ref", &[map, c, n(9)]), "9");
        assert_eq!(
            call("get", &[Value::NIL, a]),
            "type-error: expected map or hashmap, got nil"
        );
        assert_eq!(call("assoc", &[map, c, n(3), a, n(0)]), "{:a 0 :b 2 :c 3}");
        assert_eq!(
            call("assoc", &[map, c, n(3), a]),
            "eval: assoc: requires (key alist) or (map key val ...)"
        );
        let nan = Value::float(f64::NAN);
        assert_eq!(
            call("assoc", &[map, heap.vector(&[nan]), n(3)]),
            "type-error: expected reflexive map key, got vector"
        );
        let alist = heap.list(&[n(1), heap.list(&[a, n(1)])]);
        assert_eq!(call("assoc", &[a, alist]), "(:a 1)");
        assert_eq!(call("dissoc", &[map, c, a]), "{:b 2}");
        assert_eq!(call("keys", &[map]), "(:a :b)");
        assert_eq!(call("map/entries", &[map]), "((:a 1) (:b 2))");
        assert_eq!(call("merge", &[map, hashed]), "{:a 1 :b 2 :c 3}");
        assert_eq!(make("merge", &[hashed, map]).kind(), Kind::HashMap);
        assert_eq!(call("merge", &[]), "{}");
        let wanted = heap.list(&[c, a]);
        assert_eq!(call("map/select-keys", &[map, wanted]), "{:a 1}");
        assert_eq!(call("map/except", &[map, wanted]), "{:b 2}");
        assert_eq!(call("map/zip", &[wanted, heap.vector(&[n(1)])]), "{:c 1}");
        let pair = heap.vector(&[a, n(1)]);
        assert_eq!(call("map/from-entries", &[heap.list(&[pair])]), "{:a 1}");
        assert_eq!(
            call("map/from-entries", &[heap.list(&[wanted, heap.list(&[a])])]),
            "eval: map/from-entries: each entry must be a pair (key value)"
        );
        assert_eq!(call("hashmap/to-map", &[hashed]), "{:c 3}");
        assert_eq!(
            call("hashmap/keys", &[map]),
            "type-error: expected hashmap, got map"
        );
        assert_eq!(
            call("hashmap/assoc", &[hashed]),
            "eval: hashmap/assoc: requires hashmap and even number of key-value pairs"
        );
        let values = heap.list(&[n(5), n(6)]);
        assert_eq!(call("%map-with-vals", &[map, values]), "{:a 5 :b 6}");
        assert_eq!(
            call("%map-from-lists", &[hashed, wanted, values]),
            "{:a 6 :c 5}"
        );
    }
}
