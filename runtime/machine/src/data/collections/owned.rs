//! Maps that belong to one variable, which are changed in place (docs/adr/0009-owned-maps.md).
//!
//! An operation on a persistent map copies the nodes from the root down to what it changes. Where the compiler
//! has seen that a variable's map goes nowhere but into the next such operation, the copy is all that
//! will ever be looked at, and the next operation might as well change it.
//!
//! A map *belongs* to a variable while a mark in its header says so. The mark is set on objects that
//! `insert_owned` has just made and that nothing else refers to. Compiled code keeps such a value in one
//! variable: it reads it, hands it on to another `insert_owned` or another variable and then never looks at the
//! first again, or takes the mark away with [`seal`] and does with the value what it likes.
//!
//! Below a map that belongs to a variable, each node notes which children belong to *it*: those that were
//! made since, and to which nothing else refers. Only nodes that belong to their parents up to a map with the mark are
//! changed. The notes of all others are without meaning, and stay in copies that ordinary operations make, until
//! `insert_owned` itself makes a copy, which has none. So taking the mark of the map away is enough to
//! protect the whole tree for ever: whoever wants to change it again copies the root first.
//!
//! That the notes may be wrong once the mark is gone costs nothing, and neither does forgetting one: it costs a
//! copy. A collection keeps both. Nothing here is unsafe if compiled code does not keep to the rules: then
//! values change that should not.

use crate::memory::heap::object;
use crate::memory::value::{Kind, Value};

/// Whether a map or hash map belongs to a variable.
#[inline(always)]
pub(crate) fn is_owned(map: Value) -> bool {
    object::is_owned(map)
}

/// Marks a map or hash map that was just made as belonging to a variable.
#[inline(always)]
pub(crate) fn own(map: Value) -> Value {
    object::set_owned(map, true);
    map
}

/// From now on the value, if it is a map or string, is not changed any more.
#[inline(always)]
pub fn seal(value: Value) -> Value {
    if matches!(value.kind(), Kind::Map | Kind::HashMap | Kind::String) && is_owned(value) {
        object::set_owned(value, false);
    }
    value
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::data::collections::tests::{Random, Scene};
    use crate::data::collections::{self, hash_map, sorted_map};
    use crate::data::equality;
    use crate::host::Host;

    /// Keys of all sorts; those with high numbers have the same hash.
    fn key(host: &Host, number: i64) -> Value {
        let heap = &host.heap;
        match number {
            0..300 => Value::small(number as i32),
            300..340 => heap.string(&format!("key {number}")),
            _ => {
                let inner = heap.vector(&[Value::small(number as i32)]);
                sorted_map::insert(host, sorted_map::empty(heap), Value::TRUE, inner)
            }
        }
    }

    fn remove_owned(host: &Host, map: Value, key: Value) -> Value {
        if map.kind() == Kind::HashMap {
            hash_map::remove_owned(host, map, key)
        } else {
            sorted_map::remove_owned(host, map, key)
        }
    }

    fn check(host: &Host, map: Value, model: &BTreeMap<i64, i32>) {
        assert_eq!(collections::len(&host.heap, map), model.len());
        assert_eq!(collections::iter(&host.heap, map).count(), model.len());
        for (number, value) in model {
            let found = collections::get(host, map, key(host, *number));
            assert_eq!(found, Some(Value::small(*value)), "key {number}");
        }
    }

    /// Random operations on one map, of which copies are kept now and then: none may ever change.
    fn run(start: fn(&crate::memory::heap::Heap) -> Value, seed: u64, keys: i64) {
        let mut scene = Scene::new();
        scene.host.heap.set_stress(true);
        let mut random = Random(seed);
        let mut models: Vec<BTreeMap<i64, i32>> = vec![BTreeMap::new()];
        scene.roots.push(start(&scene.host.heap));
        for round in 0..6_000 {
            let number = random.below(keys) * 350 / keys;
            let key = key(&scene.host, number);
            let (host, map) = (&scene.host, scene.roots[0]);
            match random.below(60) {
                // What is kept looks as any other map.
                0 => {
                    scene.roots.push(seal(map));
                    models.push(models[0].clone());
                }
                // From an older one.
                1 => {
                    let other = random.below(models.len() as i64) as usize;
                    seal(map);
                    scene.roots[0] = scene.roots[other];
                    models[0] = models[other].clone();
                }
                // Ordinary operations in between.
                2 => {
                    let changed = collections::insert(host, seal(map), key, Value::small(round));
                    scene.roots[0] = changed;
                    models[0].insert(number, round);
                }
                3..20 => {
                    scene.roots[0] = remove_owned(host, map, key);
                    models[0].remove(&number);
                }
                20 => scene.collect(random.below(4) == 0),
                _ => {
                    let changed = collections::insert_owned(host, map, key, Value::small(round));
                    scene.roots[0] = changed;
                    models[0].insert(number, round);
                }
            }
            if round % 500 == 0 {
                for (map, model) in scene.roots.iter().zip(&models) {
                    check(&scene.host, *map, model);
                }
            }
        }
        for (map, model) in scene.roots.iter().zip(&models) {
            check(&scene.host, *map, model);
            let copy = model
                .iter()
                .fold(start(&scene.host.heap), |map, (number, value)| {
                    let key = key(&scene.host, *number);
                    collections::insert(&scene.host, map, key, Value::small(*value))
                });
            assert!(equality::equal(&scene.host, *map, copy));
        }
    }

    #[test]
    fn what_was_kept_never_changes() {
        for (seed, keys) in [(1, 350), (2, 20), (3, 8), (4, 60)] {
            run(hash_map::empty, seed, keys);
            run(sorted_map::empty, seed, keys);
        }
    }

    #[test]
    fn replacing_a_value_makes_nothing() {
        let host = Host::new(
            crate::host::output::Output::memory(),
            &crate::host::natives::Natives::NONE,
        );
        for empty in [hash_map::empty, sorted_map::empty] {
            let insert = |map, number| {
                collections::insert_owned(&host, map, Value::small(number), Value::TRUE)
            };
            let map = (0..1_000).fold(empty(&host.heap), insert);
            // All nodes have been made by now.
            let map = (0..1_000).fold(map, insert);
            let before = host.heap.stats().young_bytes;
            let map = (0..1_000).fold(map, insert);
            assert_eq!(host.heap.stats().young_bytes, before);
            assert_eq!(collections::len(&host.heap, map), 1_000);
        }
    }
}
