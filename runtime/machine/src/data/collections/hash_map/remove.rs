//! Removal from hash maps.

use super::{
    Branch, LEVEL_BITS, SMALL_ENTRIES, Small, TREE, find_small, is_bucket, iter, len, place, rank,
    same_key_called, sorted_map,
};
use crate::data::collections::owned;
use crate::data::equality;
use crate::host::Host;
use crate::memory::value::{Kind, Value};

/// What is left of a node.
enum Shrunk {
    /// The key was not there.
    Same,
    Node(Value),
    /// One entry, which moves into the parent.
    Entry(Value, Value),
}

/// `map` without `key`.
pub fn remove(host: &Host, map: Value, key: Value) -> Value {
    let heap = &host.heap;
    if heap.aux(map) != TREE {
        let entries = heap.node(map);
        let Some(index) = find_small(host, entries, key) else {
            return map;
        };
        let before = entries.get(..2 * index).unwrap_or_default();
        let after = entries.get(2 * index + 2..).unwrap_or_default();
        return heap.object_spliced(Kind::HashMap, 0, [before, after]);
    }
    let hash = equality::hash(host, key);
    match remove_from(host, Branch::root(heap, map), 0, hash, key) {
        Shrunk::Same => map,
        // A tree has nine entries or more.
        Shrunk::Entry(key, value) => heap.object(Kind::HashMap, 0, &[key, value]),
        Shrunk::Node(root) => {
            if len(heap, root) > SMALL_ENTRIES {
                return root;
            }
            let mut copy = Small::new();
            for (key, value) in iter(heap, root) {
                copy.push(key);
                copy.push(value);
            }
            heap.object(Kind::HashMap, 0, copy.values())
        }
    }
}

fn remove_from_bucket(host: &Host, node: Value, key: Value) -> Shrunk {
    let bucket = sorted_map::remove(host, node, key);
    if bucket == node {
        return Shrunk::Same;
    }
    let mut entries = sorted_map::iter(&host.heap, bucket);
    match (entries.next(), entries.next()) {
        (Some((key, value)), None) => Shrunk::Entry(key, value),
        _ => Shrunk::Node(bucket),
    }
}

fn remove_from(host: &Host, branch: Branch<'_>, shift: u32, hash: u32, key: Value) -> Shrunk {
    let heap = &host.heap;
    let bit = place(hash, shift);
    let (before, from) = branch.entries_at(2 * rank(branch.data, bit));
    if branch.data & bit != 0 {
        let [found, _, after @ ..] = from else {
            return Shrunk::Same;
        };
        if !same_key_called(host, *found, key) {
            return Shrunk::Same;
        }
        if branch.nodes == 0
            && let ([key, value], []) | ([], [key, value]) = (before, after)
        {
            return Shrunk::Entry(*key, *value);
        }
        let maps = (branch.data & !bit, branch.nodes);
        let children = [branch.children, &[], &[]];
        let smaller = branch.changed(heap, -1, maps, [before, after, &[]], children);
        return Shrunk::Node(smaller);
    }
    if branch.nodes & bit == 0 {
        return Shrunk::Same;
    }
    let Some(child) = branch.child(bit) else {
        return Shrunk::Same;
    };
    let removed = if is_bucket(child) {
        remove_from_bucket(host, child, key)
    } else {
        remove_from(
            host,
            Branch::inner(heap, child),
            shift + LEVEL_BITS,
            hash,
            key,
        )
    };
    match removed {
        Shrunk::Same => Shrunk::Same,
        Shrunk::Node(child) => Shrunk::Node(branch.with_child(heap, -1, bit, child)),
        Shrunk::Entry(key, value) => {
            if branch.data == 0 && branch.nodes == bit {
                return Shrunk::Entry(key, value);
            }
            let (left, right) = branch.children_at(rank(branch.nodes, bit));
            let right = right.get(1..).unwrap_or_default();
            let maps = (branch.data | bit, branch.nodes & !bit);
            let entries = [before, &[key, value], from];
            Shrunk::Node(branch.changed(heap, -1, maps, entries, [left, right, &[]]))
        }
    }
}

/// The same with a map that nobody will look at again: the result belongs to its variable as the map did.
/// The map must not be used again.
pub fn remove_owned(host: &Host, map: Value, key: Value) -> Value {
    let smaller = remove(host, map, key);
    if owned::is_owned(map) {
        // Nodes that were copied say of their children what the originals said, which are garbage now;
        // others say that none belongs to them.
        owned::own(smaller)
    } else {
        smaller
    }
}
