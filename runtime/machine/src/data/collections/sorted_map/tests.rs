use super::remove::node_size;
use super::*;
use crate::data::collections::tests::{Random, Scene};
use std::collections::BTreeMap;

/// Checks the shape of a tree and gives its height.
fn check_node(host: &Host, node: Value, top: bool) -> usize {
    let heap = &host.heap;
    let size = node_size(heap, node);
    assert!(size <= LEAF_ENTRIES, "{size}");
    assert!(top || size >= FEWEST, "{size}");
    if !is_inner(heap, node) {
        return 0;
    }
    let children = heap.node(node).iter().step_by(2);
    let heights: Vec<_> = children.map(|&c| check_node(host, c, false)).collect();
    assert!(heights.windows(2).all(|pair| pair[0] == pair[1]));
    heights[0] + 1
}

fn check(host: &Host, map: Value, model: &BTreeMap<i64, i64>) {
    let heap = &host.heap;
    assert_eq!(len(heap, map), model.len());
    let entries = iter(heap, map).map(|(k, v)| (k.as_fixnum().unwrap(), v.as_fixnum().unwrap()));
    assert!(entries.eq(model.iter().map(|(k, v)| (*k, *v))));
    if heap.aux(map) == TREE {
        assert!(check_node(host, root(heap, map), true) > 0);
    }
}

#[test]
fn behaves_like_a_sorted_map_and_survives_collections() {
    for (seed, range) in [(1, 20), (2, 200), (3, 5000)] {
        let mut scene = Scene::new();
        let mut random = Random(seed);
        let mut model = BTreeMap::new();
        let map = empty(&scene.host.heap);
        scene.roots.push(map);
        // Removals prevail in every other phase.
        for step in 0..6000 {
            let key = random.below(range);
            let removal = random.below(10) < if step / 1500 % 2 == 0 { 3 } else { 8 };
            let map = scene.roots[0];
            scene.roots[0] = if removal {
                model.remove(&key);
                remove(&scene.host, map, Value::small(key as i32))
            } else {
                model.insert(key, step);
                insert(
                    &scene.host,
                    map,
                    Value::small(key as i32),
                    Value::small(step as i32),
                )
            };
            if step % 97 == 0 {
                scene.collect(step % 194 == 0);
                check(&scene.host, scene.roots[0], &model);
            }
            let probe = random.below(range);
            assert_eq!(
                get(&scene.host, scene.roots[0], Value::small(probe as i32)),
                model.get(&probe).map(|v| Value::small(*v as i32))
            );
        }
    }
}

#[test]
fn old_versions_stay() {
    let scene = Scene::new();
    let host = &scene.host;
    let mut versions = vec![empty(&host.heap)];
    for i in 0..300 {
        let last = versions[i];
        versions.push(insert(
            host,
            last,
            Value::small((i * 7 % 300) as i32),
            Value::small(i as i32),
        ));
    }
    for (i, &version) in versions.iter().enumerate() {
        assert_eq!(len(&host.heap, version), i);
        assert_eq!(iter(&host.heap, version).count(), i);
    }
}

#[test]
fn builds_and_merges_at_once() {
    let scene = Scene::new();
    let host = &scene.host;
    let mut random = Random(7);
    for size in [0, 1, 16, 17, 100, 1000, 3000] {
        let mut model = BTreeMap::new();
        let mut make = |offset: i64| {
            let entries: Vec<(i64, i64)> = (0..size)
                .map(|i| (random.below(size * 2), i + offset))
                .collect();
            model.extend(entries.iter().copied());
            let values = entries
                .iter()
                .map(|&(k, v)| (Value::small(k as i32), Value::small(v as i32)));
            from_entries(host, &values.collect::<Vec<_>>())
        };
        let (a, b) = (make(0), make(size));
        check(host, merge(host, a, b), &model);
    }
}

#[test]
fn keywords_and_text_and_opaque_keys() {
    let mut scene = Scene::new();
    for i in (0..100).rev() {
        let host = &scene.host;
        let map = scene.roots.first().copied().unwrap_or(empty(&host.heap));
        let closure = host
            .heap
            .object(Kind::Closure, 0, &[Value::small(0), Value::small(i)]);
        let map = insert(host, map, host.keyword(&format!("k{i}")), Value::small(i));
        let map = insert(
            host,
            map,
            host.heap.string(&format!("s{i}")),
            Value::small(i),
        );
        let map = insert(host, map, closure, Value::small(i));
        scene.roots = match scene.roots.split_first() {
            None => vec![map, closure],
            Some((_, closures)) => [&[map], closures, &[closure]].concat(),
        };
        scene.collect(i % 2 == 0);
    }
    let host = &scene.host;
    let map = scene.roots[0];
    assert_eq!(len(&host.heap, map), 300);
    for i in 0..100 {
        let value = Some(Value::small(i));
        assert_eq!(
            get_keyword(host, map, host.keyword(&format!("k{i}"))),
            value
        );
        assert_eq!(get(host, map, host.heap.string(&format!("s{i}"))), value);
        let closure = scene.roots[100 - i as usize];
        assert_eq!(get(host, map, closure), value);
        assert_eq!(get(host, remove(host, map, closure), closure), None);
    }
    assert_eq!(get_keyword(host, map, host.keyword("none")), None);
    assert_eq!(get(host, map, Value::float(f64::NAN)), None);
}

/// Closures are found by their numbers, and by themselves when numbers repeat.
#[test]
fn closures_are_keys() {
    for left in [u16::MAX - 1, 20] {
        let host = Host::new(
            crate::host::output::Output::memory(),
            &crate::host::natives::Natives::NONE,
        );
        let heap = &host.heap;
        heap.leave_identities(left);
        let closures: Vec<Value> = (0..60)
            .map(|_| heap.object(Kind::Closure, 0, &[Value::small(0)]))
            .collect();
        let mut map = insert(&host, empty(heap), Value::small(7), Value::small(-1));
        for (index, closure) in closures.iter().enumerate().take(50) {
            map = insert(&host, map, *closure, Value::index(index));
            map = insert(&host, map, *closure, Value::index(index));
        }
        assert_eq!(len(heap, map), 51);
        for (index, closure) in closures.iter().enumerate() {
            let expected = (index < 50).then(|| Value::index(index));
            assert_eq!(get(&host, map, *closure), expected, "{left} {index}");
        }
        let doubled = merge(&host, map, map);
        assert_eq!(len(heap, doubled), 51);
        for closure in &closures {
            map = remove(&host, map, *closure);
        }
        assert_eq!(len(heap, map), 1);
        assert_eq!(get(&host, map, Value::small(7)), Some(Value::small(-1)));
    }
}
