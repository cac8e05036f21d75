//! Removal from sorted maps.

use super::{
    Buffer, FEWEST, INNER, LEAF_ENTRIES, NODE_WORDS, Node, TREE, from_sorted, get, is_inner, iter,
    len, root, split_inner, tree,
};
use crate::data::collections::probe::Probe;
use crate::data::collections::{key, owned};
use crate::data::equality;
use crate::host::Host;
use crate::memory::heap::Heap;
use crate::memory::value::{Kind, Value};

/// `map` without `key`.
pub fn remove(host: &Host, map: Value, key: Value) -> Value {
    let heap = &host.heap;
    if key::needs_scan(host, key) {
        let mut entries: Vec<_> = iter(heap, map).collect();
        entries.retain(|(other, _)| !equality::equal(host, *other, key));
        return if entries.len() == len(heap, map) {
            map
        } else {
            from_sorted(heap, &entries)
        };
    }
    if get(host, map, key).is_none() {
        return map;
    }
    let probe = Probe::new(host, key);
    if heap.aux(map) != TREE {
        return remove_from(&probe, map, Kind::Map);
    }
    let count = len(heap, map) - 1;
    let mut node = remove_from(&probe, root(heap, map), Kind::Tuple);
    while is_inner(heap, node) && heap.node(node).len() == 1 {
        node = heap.field(node, 0);
    }
    if is_inner(heap, node) {
        tree(heap, count, node)
    } else {
        heap.object(Kind::Map, 0, heap.node(node))
    }
}

/// Removes a key that is there from below `node`. The result may have too few entries.
fn remove_from(probe: &Probe<'_>, node: Value, leaf_kind: Kind) -> Value {
    let heap = &probe.host.heap;
    let fields = heap.node(node);
    let mut copy = Node::new();
    if leaf_kind == Kind::Map || !is_inner(heap, node) {
        let Ok(index) = probe.search(fields) else {
            return node;
        };
        copy.extend(fields.get(..2 * index).unwrap_or_default());
        copy.extend(fields.get(2 * index + 2..).unwrap_or_default());
        return heap.object(leaf_kind, 0, copy.values());
    }
    let index = probe.child(fields);
    let Some(&child) = fields.get(2 * index) else {
        return node;
    };
    let child = remove_from(probe, child, Kind::Tuple);
    if node_size(heap, child) >= FEWEST || fields.len() == 1 {
        copy.extend(fields.get(..2 * index).unwrap_or_default());
        copy.push(child);
        copy.extend(fields.get(2 * index + 1..).unwrap_or_default());
        return heap.object(Kind::Tuple, INNER, copy.values());
    }
    // Join with the left neighbour, or the right one if there is none.
    let left_index = index.saturating_sub(1);
    let field = |at: usize| fields.get(at).copied().unwrap_or(Value::NIL);
    let (left, separator, right) = if index == 0 {
        (child, field(1), field(2))
    } else {
        (field(2 * left_index), field(2 * left_index + 1), child)
    };
    let (left, right) = join(heap, left, separator, right);
    copy.extend(fields.get(..2 * left_index).unwrap_or_default());
    copy.push(left);
    if let Some((separator, right)) = right {
        copy.push(separator);
        copy.push(right);
    }
    copy.extend(fields.get(2 * left_index + 3..).unwrap_or_default());
    heap.object(Kind::Tuple, INNER, copy.values())
}

/// Entries of a leaf, children of an inner node.
pub(super) fn node_size(heap: &Heap, node: Value) -> usize {
    heap.node(node).len().div_ceil(2)
}

/// Makes one node of two neighbours, or two of even size when that would be too large.
fn join(
    heap: &Heap,
    left: Value,
    separator: Value,
    right: Value,
) -> (Value, Option<(Value, Value)>) {
    let inner = is_inner(heap, left);
    let mut fields: Buffer<{ 2 * NODE_WORDS }> = Buffer::new();
    fields.extend(heap.node(left));
    if inner {
        fields.push(separator);
        fields.extend(heap.node(right));
        return split_inner(heap, fields.values());
    }
    fields.extend(heap.node(right));
    let fields = fields.values();
    if fields.len() <= 2 * LEAF_ENTRIES {
        return (heap.object(Kind::Tuple, 0, fields), None);
    }
    let (left, right) = fields.split_at(fields.len() / 4 * 2);
    let separator = right.first().copied().unwrap_or(Value::NIL);
    (
        heap.object(Kind::Tuple, 0, left),
        Some((separator, heap.object(Kind::Tuple, 0, right))),
    )
}

/// The same with a map that nobody will look at again: the result belongs to its variable. The map must not
/// be used again.
pub fn remove_owned(host: &Host, map: Value, key: Value) -> Value {
    let smaller = remove(host, map, key);
    if smaller == map {
        return map;
    }
    // It was made just now, and notes nothing.
    owned::own(smaller)
}
