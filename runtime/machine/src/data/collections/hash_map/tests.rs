use super::*;
use crate::data::collections::tests::{Random, Scene};
use std::collections::HashMap;

fn check(host: &Host, map: Value, model: &HashMap<String, i64>) {
    assert_eq!(len(&host.heap, map), model.len());
    let mut entries: Vec<(String, i64)> = iter(&host.heap, map)
        .map(|(k, v)| {
            (
                host.heap.as_str(k).unwrap().to_owned(),
                v.as_fixnum().unwrap(),
            )
        })
        .collect();
    let mut expected: Vec<_> = model.iter().map(|(k, v)| (k.clone(), *v)).collect();
    entries.sort();
    expected.sort();
    assert_eq!(entries, expected);
    assert_eq!(heap_is_small(host, map), model.len() <= SMALL_ENTRIES);
}

fn heap_is_small(host: &Host, map: Value) -> bool {
    host.heap.aux(map) != TREE
}

#[test]
fn behaves_like_a_hash_map_and_survives_collections() {
    for (seed, range) in [(1, 12), (2, 200), (3, 5000)] {
        let mut scene = Scene::new();
        let mut random = Random(seed);
        let mut model = HashMap::new();
        let map = empty(&scene.host.heap);
        scene.roots.push(map);
        for step in 0..6000 {
            let text = format!("key {}", random.below(range));
            let removal = random.below(10) < if step / 1500 % 2 == 0 { 3 } else { 8 };
            let key = scene.host.heap.string(&text);
            let map = scene.roots[0];
            scene.roots[0] = if removal {
                model.remove(&text);
                remove(&scene.host, map, key)
            } else {
                model.insert(text, step);
                insert(&scene.host, map, key, Value::small(step as i32))
            };
            if step % 97 == 0 {
                scene.collect(step % 194 == 0);
                check(&scene.host, scene.roots[0], &model);
            }
            let probe = format!("key {}", random.below(range));
            assert_eq!(
                get(&scene.host, scene.roots[0], scene.host.heap.string(&probe)),
                model.get(&probe).map(|v| Value::small(*v as i32))
            );
        }
    }
}

#[test]
fn equal_hashes_share_a_bucket() {
    let mut scene = Scene::new();
    let map = empty(&scene.host.heap);
    scene.roots.push(map);
    for i in 0..40 {
        let host = &scene.host;
        // All closures have the same hash.
        let closure = host
            .heap
            .object(Kind::Closure, 0, &[Value::small(0), Value::small(i)]);
        scene.roots[0] = insert(host, scene.roots[0], closure, Value::small(i));
        scene.roots.push(closure);
        scene.collect(i % 3 == 0);
    }
    let host = &scene.host;
    let mut map = scene.roots[0];
    for (i, &closure) in scene.roots[1..].iter().enumerate() {
        assert_eq!(get(host, map, closure), Some(Value::small(i as i32)));
    }
    assert_eq!(iter(&host.heap, map).count(), 40);
    for (i, &closure) in scene.roots[1..].iter().enumerate() {
        map = remove(host, map, closure);
        assert_eq!(get(host, map, closure), None);
        assert_eq!(len(&host.heap, map), 39 - i);
    }
}

#[test]
fn equality_ignores_the_order_of_insertion() {
    let scene = Scene::new();
    let host = &scene.host;
    for size in [3, 8, 9, 500] {
        let entry = |i: i32| (host.heap.list(&[Value::small(i)]), Value::small(i));
        let a = from_entries(host, (0..size).map(entry));
        let b = from_entries(host, (0..size).rev().map(entry));
        let c = insert(host, b, entry(1).0, Value::NIL);
        assert!(equality::equal(host, a, b));
        assert!(!equality::equal(host, a, c));
        assert_eq!(equality::hash(host, a), equality::hash(host, b));
        assert!(equality::compare(host, a, b).is_eq());
    }
}
