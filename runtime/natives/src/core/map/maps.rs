//! Maps and hash maps.

mod nested;

use sema_format::isa::Op;
use sema_machine::data::collections::{self, hash_map, key, owned, sorted_map};
use sema_machine::data::sequence::list_or_vector;
use sema_machine::host::Host;
use sema_machine::host::arguments::argument;
use sema_machine::host::condition::{Outcome, eval_error, type_error};
use sema_machine::memory::heap::object;
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;

natives! {
    /// The value that a map has for a key; the default (nil) if it lacks the key.
    /// (get {:a 1} :a) => 1
    /// (get {:a 1} :b 0) => 0
    /// (get nil :a) => error expected map or hashmap, got nil
    "get" | "hash-ref" (map: Map, key: Any, default?: Any) -> Any, pure, borrows, op(2, Op::Get) => get;

    /// The map with keys bound to other values: a key and a value in turn. With a key and an association list it is the
    /// entry of the key in the list, or #f.
    /// (assoc {:a 1} :b 2 :a 3) => {:a 3 :b 2}
    /// (assoc :b (list (list :a 1) (list :b 2))) => (:b 2)
    /// (assoc {:a 1} :b) => error assoc: requires
    "assoc" (map: Any, entries*: Any) -> Any, pure, in_place("%assoc-owned", 3) => assoc;

    /// The map without some keys. Keys that it does not have are ignored.
    /// (dissoc {:a 1 :b 2 :c 3} :a :c :z) => {:b 2}
    "dissoc" (map: Map, key: Any, more*: Any) -> Map, pure, in_place("%dissoc-owned", 2) => dissoc;

    /// Whether a map has a key, whatever its value.
    /// (contains? {:a nil} :a) => #t
    /// (contains? {:a 1} :b) => #f
    "contains?" (map: Map, key: Any) -> Bool, pure, borrows => contains;

    /// A list of the keys: in ascending order for a map, in the order of its own for a hash map.
    /// (keys {:b 2 :a 1}) => (:a :b)
    "keys" (map: Map) -> List, pure, borrows => keys;

    /// A list of the values, in the order of `keys`.
    /// (vals {:b 2 :a 1}) => (1 2)
    "vals" (map: Map) -> List, pure, borrows => vals;

    /// A list of two-element lists, key and value, in the order of `keys`.
    /// (map/entries {:b 2 :a 1}) => ((:a 1) (:b 2))
    "map/entries" (map: Map) -> List, pure, borrows => entries;

    /// A map with the entries of all maps, of the kind of the first. Where a key is in several, the last one counts.
    /// (merge {:a 1 :b 2} {:b 3}) => {:a 1 :b 3}
    /// (merge) => {}
    "merge" (maps*: Map) -> Map, pure => merge;

    /// A map with the entries of all maps. Where a key is in several, maps are merged in turn; of other values the last one
    /// counts.
    /// (deep-merge {:a {:x 1}} {:a {:y 2} :b 3}) => {:a {:x 1 :y 2} :b 3}
    "deep-merge" | "map/deep-merge" (maps*: Map) -> Map, pure => nested::deep_merge;

    /// What is found along a path of keys through maps of maps; the default (nil) where a key or a map is missing.
    /// (get-in {:user {:name "Ada"}} [:user :name]) => "Ada"
    /// (get-in {:user nil} [:user :name] "?") => "?"
    "get-in" | "map/get-in" (map: Any, path: Sequence, default?: Any) -> Any, pure => nested::get_in;

    /// The map with a value at a path of keys through maps of maps. What is missing on the way, or is no map, becomes one;
    /// with an empty path it is the value.
    /// (assoc-in {:user {:age 3}} [:user :name] "Ada") => {:user {:age 3 :name "Ada"}}
    /// (assoc-in {} [:a :b] 1) => {:a {:b 1}}
    "assoc-in" | "map/assoc-in" (map: Any, path: Sequence, value: Any) -> Any, pure => nested::assoc_in;

    /// A map of the same kind with only those of the entries whose keys are listed.
    /// (map/select-keys {:a 1 :b 2 :c 3} [:a :c :z]) => {:a 1 :c 3}
    "map/select-keys" (map: Map, keys: Sequence) -> Map, pure => select_keys;

    /// The map without the entries whose keys are listed.
    /// (map/except {:a 1 :b 2} (list :b)) => {:a 1}
    "map/except" (map: Map, keys: Sequence) -> Map, pure => except;

    /// A map from each key to the value at the same place; it ends with the shorter sequence. Of equal keys the last counts.
    /// (map/zip (list :a :b) [1 2 3]) => {:a 1 :b 2}
    "map/zip" (keys: Sequence, values: Sequence) -> SortedMap, pure => zip;

    /// A map of entries, each a list or vector of key and value. Of equal keys the last counts.
    /// (map/from-entries (list (list :a 1) [:b 2])) => {:a 1 :b 2}
    /// (map/from-entries (list (list :a))) => error each entry must be a pair (key value)
    "map/from-entries" (entries: Sequence) -> SortedMap, pure => from_entries;

    /// A map in key order with the entries of a map or hash map.
    /// (keys (map/sort-keys (hashmap/new 3 :c 1 :a 2 :b))) => (1 2 3)
    "map/sort-keys" (map: Map) -> SortedMap, pure => sort_keys;

    /// A map in key order of the arguments, a key and a value in turn. Of equal keys the last counts.
    /// (hash-map :b 2 :a 1) => {:a 1 :b 2}
    /// (hash-map :a) => error requires even number of arguments
    "hash-map" | "map/new" (entries*: Any) -> SortedMap, pure => hash_map_of;

    /// A hash map of the arguments, a key and a value in turn. Of equal keys the last counts; the order of the keys is not
    /// specified.
    /// (get (hashmap/new :a 1 :b 2) :b) => 2
    /// (type (hashmap/new)) => :hashmap
    "hashmap/new" (entries*: Any) -> HashMap, pure => hashmap_new;

    /// The hash map with keys bound to other values: a key and a value in turn.
    /// (hashmap/get (hashmap/assoc (hashmap/new :a 1) :a 2) :a) => 2
    /// (hashmap/assoc {:a 1} :b 2) => error expected hashmap, got map
    "hashmap/assoc" (map: HashMap, entries*: Any) -> HashMap, pure, in_place("%hashmap-assoc-owned", 3) => hashmap_assoc;

    /// The value that a hash map, or a map, has for a key; the default (nil) if it lacks the key.
    /// (hashmap/get (hashmap/new :a 1) :a) => 1
    /// (hashmap/get (hashmap/new) :a :none) => :none
    "hashmap/get" (map: Map, key: Any, default?: Any) -> Any, pure, borrows => hashmap_get;

    /// Whether a hash map has a key. Maps in key order are refused.
    /// (hashmap/contains? (hashmap/new :a nil) :a) => #t
    "hashmap/contains?" (map: HashMap, key: Any) -> Bool, pure, borrows => hashmap_contains;

    /// A list of the keys of a hash map, in no specified order.
    /// (sort (hashmap/keys (hashmap/new 2 :b 1 :a))) => (1 2)
    "hashmap/keys" (map: HashMap) -> List, pure, borrows => hashmap_keys;

    /// A map in key order with the entries of a hash map.
    /// (hashmap/to-map (hashmap/new :b 2 :a 1)) => {:a 1 :b 2}
    "hashmap/to-map" (map: HashMap) -> SortedMap, pure => hashmap_to_map;

    /// `assoc` to a map that nothing else refers to, which may be changed in place.
    "%assoc-owned" (map: Map, key: Any, value: Any, more*: Any) -> Map => assoc_owned;

    /// `hashmap/assoc` to a hash map that nothing else refers to, which may be changed in place.
    "%hashmap-assoc-owned" (map: HashMap, key: Any, value: Any, more*: Any) -> HashMap => hashmap_assoc_owned;

    /// `dissoc` from a map that nothing else refers to, which may be changed in place.
    "%dissoc-owned" (map: Map, key: Any, more*: Any) -> Map => dissoc_owned;

    /// The value itself, which is not changed in place any more if it is a map.
    "%sealed" (value: Any) -> Any => sealed;

    /// Raises if the value can be no key of a map.
    "%check-key" (key: Any) -> Nil, pure => check_key;

    /// A path of keys, the empty list for one without keys. Raises if it is no list or vector, or if one of its elements can be
    /// no key of a map.
    "%checked-path" (path: Any) -> Any, pure => checked_path;

    /// A map of the kind of another one, with keys from one list and values from another.
    "%map-from-lists" (like: Any, keys: Any, values: Any) -> Map, pure => map_from_lists;

    /// A map of the kind of another one, with some of its keys in their order and with values from a list.
    "%map-part" (like: Any, keys: Any, values: Any) -> Map, pure => map_part;

    /// The map with other values, in the order of its keys.
    "%map-with-vals" (map: Map, values: Any) -> Map, pure => map_with_vals;
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
    collections::lookup(
        host,
        argument(args, 0),
        argument(args, 1),
        argument(args, 2),
    )
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
    Ok(owned::seal(argument(args, 0)))
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
    let map = argument(args, 0);
    check_map(host, map)?;
    let found = collections::get(host, map, argument(args, 1));
    Ok(Value::bool(found.is_some()))
}

/// The list of what `part` takes from each entry.
fn list_of(host: &Host, map: Value, part: impl Fn((Value, Value)) -> Value) -> Outcome {
    check_map(host, map)?;
    let parts: Vec<Value> = collections::iter(&host.heap, map).map(part).collect();
    Ok(host.heap.list(&parts))
}

fn keys(host: &Host, args: &[Value]) -> Outcome {
    list_of(host, argument(args, 0), |(key, _)| key)
}

fn vals(host: &Host, args: &[Value]) -> Outcome {
    list_of(host, argument(args, 0), |(_, value)| value)
}

fn entries(host: &Host, args: &[Value]) -> Outcome {
    list_of(host, argument(args, 0), |(key, value)| {
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
    let (map, wanted) = (argument(args, 0), argument(args, 1));
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
    let map = argument(args, 0);
    check_map(host, map)?;
    let unwanted = list_or_vector(host, argument(args, 1))?;
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
    let keys = list_or_vector(host, argument(args, 0))?;
    let values = list_or_vector(host, argument(args, 1))?;
    let entries: Vec<(Value, Value)> = keys.iter().copied().zip(values.iter().copied()).collect();
    checked_map(host, &entries)
}

fn from_entries(host: &Host, args: &[Value]) -> Outcome {
    let pairs = list_or_vector(host, argument(args, 0))?;
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

fn check_key(host: &Host, args: &[Value]) -> Outcome {
    collections::key::check(host, argument(args, 0))?;
    Ok(Value::NIL)
}

fn checked_path(host: &Host, args: &[Value]) -> Outcome {
    let path = argument(args, 0);
    let check = |key: Value| collections::key::check(host, key);
    match path.kind() {
        Kind::Vector => {
            let keys = host.heap.values(path);
            keys.iter().copied().try_for_each(check)?;
            Ok(if keys.is_empty() { Value::EMPTY } else { path })
        }
        Kind::List => {
            host.heap.list_iter(path).try_for_each(check)?;
            Ok(path)
        }
        _ => Err(type_error(host, "list or vector", path)),
    }
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
    let map = argument(args, 0);
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
    let map = argument(args, 0);
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
    check_hashmap(host, argument(args, 0))?;
    keys(host, args)
}

fn hashmap_to_map(host: &Host, args: &[Value]) -> Outcome {
    check_hashmap(host, argument(args, 0))?;
    Ok(sorted(host, argument(args, 0)))
}

fn map_from_lists(host: &Host, args: &[Value]) -> Outcome {
    let heap = &host.heap;
    let entries: Vec<(Value, Value)> = heap
        .list_iter(argument(args, 1))
        .zip(heap.list_iter(argument(args, 2)))
        .collect();
    if argument(args, 0).kind() != Kind::HashMap {
        return checked_map(host, &entries);
    }
    for (key, _) in &entries {
        key::check(host, *key)?;
    }
    Ok(hash_map::from_entries(host, entries))
}

fn map_part(host: &Host, args: &[Value]) -> Outcome {
    let heap = &host.heap;
    let entries = (heap.list_iter(argument(args, 1))).zip(heap.list_iter(argument(args, 2)));
    if argument(args, 0).kind() == Kind::HashMap {
        return Ok(hash_map::from_entries(host, entries));
    }
    Ok(sorted_map::from_sorted(heap, &entries.collect::<Vec<_>>()))
}

fn map_with_vals(host: &Host, args: &[Value]) -> Outcome {
    let map = argument(args, 0);
    check_map(host, map)?;
    let entries: Vec<(Value, Value)> = collections::iter(&host.heap, map)
        .map(|(key, _)| key)
        .zip(host.heap.list_iter(argument(args, 1)))
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
