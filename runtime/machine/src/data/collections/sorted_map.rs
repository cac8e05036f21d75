//! Persistent maps sorted by the total order of values.
//!
//! A small map is one object: `key value key value …` in order. A larger one is a B+ tree
//! (R. Bayer, E. McCreight, "Organization and Maintenance of Large Ordered Indices", 1972; entries
//! only in the leaves) of tuples: a leaf has the layout of a small map, an inner node is
//! `child separator child … child` where each separator is greater than all keys on its left and at
//! most as great as those on its right. An operation copies the path from the root, at most a few
//! hundred bytes per level, whether or not the map is shared.
//!
//! Closures that are keys have numbers, which order them, until there have been too many. Other keys that contain opaque
//! objects (promises …) have no order that survives a collection. Such a key is found by a scan, which makes maps
//! with them linear, but right.

use std::cmp::Ordering;

mod iter;
mod owned;
mod remove;

pub use iter::{Iter, iter};
pub use owned::insert_owned;
pub use remove::{remove, remove_owned};

use super::probe::Probe;
use super::{Buffer, key, owned as ownership};
use crate::data::equality;
use crate::host::Host;
use crate::memory::heap::Heap;
use crate::memory::value::{Kind, Value};

/// Entries of a small map or a leaf at most.
const LEAF_ENTRIES: usize = 16;
/// Children of an inner node at most: one bit less than `aux` has (see `owned`).
const CHILDREN: usize = 15;
/// A node with fewer entries or children is joined with a neighbour.
const FEWEST: usize = 5;
/// Entries or children that nodes get when a tree is built at once.
const COMFORTABLE: usize = 12;

/// Words of the largest node while it is one over its limit.
const NODE_WORDS: usize = 2 * LEAF_ENTRIES + 2;

/// `aux` of a map that is a tree: its fields are the number of entries and the root.
const TREE: u16 = 1;
/// A bit of the `aux` of tuples that are inner nodes; leaves have 0.
const INNER: u16 = 1;

type Node = Buffer<NODE_WORDS>;

/// The empty map.
#[inline]
pub fn empty(heap: &Heap) -> Value {
    heap.object(Kind::Map, 0, &[])
}

/// Number of entries.
#[inline]
pub fn len(heap: &Heap, map: Value) -> usize {
    let fields = heap.node(map);
    if heap.aux(map) == TREE {
        let count = fields.first().and_then(|count| count.as_fixnum());
        // Above it is whether the root belongs to the map (see `owned`).
        count.unwrap_or(0) as u32 as usize
    } else {
        fields.len() / 2
    }
}

fn root(heap: &Heap, map: Value) -> Value {
    heap.field(map, 1)
}

fn tree(heap: &Heap, count: usize, root: Value) -> Value {
    heap.object(Kind::Map, TREE, &[Value::index(count), root])
}

/// Whether a node is an inner one.
#[inline]
fn is_inner(heap: &Heap, node: Value) -> bool {
    heap.aux(node) & INNER != 0
}

/// The index of the entry whose key is this very value.
#[inline(always)]
fn scan(entries: &[Value], key: Value) -> Option<usize> {
    let (pairs, _) = entries.as_chunks::<2>();
    pairs.iter().position(|pair| pair[0] == key)
}

/// The value of `key`.
pub fn get(host: &Host, map: Value, key: Value) -> Option<Value> {
    let heap = &host.heap;
    let is_tree = heap.aux(map) == TREE;
    if key::is_identified(key) {
        // Only an identical key is equal, and comparing words beats searching in order.
        let leaf = if is_tree {
            leaf_for(&Probe::new(host, key), map)
        } else {
            map
        };
        let entries = heap.node(leaf);
        let index = scan(entries, key)?;
        return entries.get(2 * index + 1).copied();
    }
    if key::needs_scan(host, key) {
        let mut entries = iter(heap, map);
        return entries
            .find(|(other, _)| equality::equal(host, *other, key))
            .map(|(_, value)| value);
    }
    let probe = Probe::new(host, key);
    let entries = heap.node(if is_tree { leaf_for(&probe, map) } else { map });
    let index = probe.search(entries).ok()?;
    // NaN has a place in the order but equals nothing.
    let found = entries.get(2 * index).copied()?;
    if !equality::equal(host, found, key) {
        return None;
    }
    entries.get(2 * index + 1).copied()
}

/// The value of a keyword, the fastest of all keys.
#[inline]
pub fn get_keyword(host: &Host, map: Value, keyword: Value) -> Option<Value> {
    let heap = &host.heap;
    if heap.aux(map) == TREE {
        return get(host, map, keyword);
    }
    let (pairs, _) = heap.node(map).as_chunks::<2>();
    pairs
        .iter()
        .find(|pair| pair[0] == keyword)
        .map(|pair| pair[1])
}

/// The leaf of a tree that may hold a key.
fn leaf_for(probe: &Probe<'_>, map: Value) -> Value {
    let heap = &probe.host.heap;
    let mut node = root(heap, map);
    while is_inner(heap, node) {
        let fields = heap.node(node);
        let Some(&child) = fields.get(2 * probe.child(fields)) else {
            break;
        };
        node = child;
    }
    node
}

// --- insertion ---

/// A node after an insertion, split if it became too large.
struct Grown {
    left: Value,
    /// Separator and right part.
    right: Option<(Value, Value)>,
    /// Whether the key is new.
    added: bool,
}

/// `map` with `key`, which was checked, bound to `value`. A key that is there already stays.
pub fn insert(host: &Host, map: Value, key: Value, value: Value) -> Value {
    let heap = &host.heap;
    if key::needs_scan(host, key) {
        return insert_by_scan(host, map, key, value);
    }
    let probe = Probe::new(host, key);
    let is_tree = heap.aux(map) == TREE;
    let node = if is_tree { root(heap, map) } else { map };
    if !is_tree && len(heap, map) < LEAF_ENTRIES {
        let map = ownership::seal(map);
        return ownership::seal(owned::insert_into_small(&probe, map, value));
    }
    let leaf_kind = if is_tree { Kind::Tuple } else { Kind::Map };
    let grown = insert_into(&probe, node, value, leaf_kind);
    let count = len(heap, map) + usize::from(grown.added);
    match grown.right {
        Some((separator, right)) => {
            let root = heap.object(Kind::Tuple, INNER, &[grown.left, separator, right]);
            tree(heap, count, root)
        }
        None if is_tree => tree(heap, count, grown.left),
        None => grown.left,
    }
}

/// The index of the entry with the key, or of the place where it belongs.
fn place_in(probe: &Probe<'_>, entries: &[Value]) -> Result<usize, usize> {
    scan(entries, probe.key).map_or_else(|| probe.search(entries), Ok)
}

/// Copies `entries` with one entry replaced or added.
fn put(
    entries: &[Value],
    place: Result<usize, usize>,
    key: Value,
    value: Value,
    node: &mut Node,
) -> Option<()> {
    match place {
        Ok(index) => {
            node.extend(entries.get(..2 * index + 1)?);
            node.push(value);
            node.extend(entries.get(2 * index + 2..)?);
        }
        Err(index) => {
            node.extend(entries.get(..2 * index)?);
            node.push(key);
            node.push(value);
            node.extend(entries.get(2 * index..)?);
        }
    }
    Some(())
}

/// Inserts below `node`. A leaf that is not split becomes an object of `leaf_kind`.
fn insert_into(probe: &Probe<'_>, node: Value, value: Value, leaf_kind: Kind) -> Grown {
    let heap = &probe.host.heap;
    let fields = heap.node(node);
    let mut copy = Node::new();
    if !(leaf_kind == Kind::Tuple && is_inner(heap, node)) {
        let place = place_in(probe, fields);
        let added = place.is_err();
        // The place is one of these entries, so this always succeeds.
        let _ = put(fields, place, probe.key, value, &mut copy);
        let copy = copy.values();
        if copy.len() <= 2 * LEAF_ENTRIES {
            return Grown {
                left: heap.object(leaf_kind, 0, copy),
                right: None,
                added,
            };
        }
        let (left, right) = copy.split_at((LEAF_ENTRIES / 2) * 2);
        let separator = right.first().copied().unwrap_or(Value::NIL);
        return Grown {
            left: heap.object(Kind::Tuple, 0, left),
            right: Some((separator, heap.object(Kind::Tuple, 0, right))),
            added,
        };
    }
    let index = probe.child(fields);
    let (before, rest) = fields.split_at((2 * index).min(fields.len()));
    let Some((&child, after)) = rest.split_first() else {
        return Grown {
            left: node,
            right: None,
            added: false,
        };
    };
    let grown = insert_into(probe, child, value, Kind::Tuple);
    copy.extend(before);
    copy.push(grown.left);
    if let Some((separator, right)) = grown.right {
        copy.push(separator);
        copy.push(right);
    }
    copy.extend(after);
    let (left, right) = split_inner(heap, copy.values());
    Grown {
        left,
        right,
        added: grown.added,
    }
}

/// Makes one inner node of these fields, or two with the separator between them.
fn split_inner(heap: &Heap, fields: &[Value]) -> (Value, Option<(Value, Value)>) {
    let children = fields.len().div_ceil(2);
    if children > CHILDREN {
        let (left, rest) = fields.split_at((children / 2) * 2 - 1);
        if let Some((&separator, right)) = rest.split_first() {
            return (
                heap.object(Kind::Tuple, INNER, left),
                Some((separator, heap.object(Kind::Tuple, INNER, right))),
            );
        }
    }
    (heap.object(Kind::Tuple, INNER, fields), None)
}

fn insert_by_scan(host: &Host, map: Value, key: Value, value: Value) -> Value {
    let mut entries: Vec<_> = iter(&host.heap, map).collect();
    let found = entries
        .iter_mut()
        .find(|(other, _)| equality::equal(host, *other, key));
    if let Some(entry) = found {
        entry.1 = value;
    } else {
        let place = entries.partition_point(|(other, _)| {
            equality::compare(host, *other, key) != Ordering::Greater
        });
        entries.insert(place, (key, value));
    }
    from_sorted(&host.heap, &entries)
}

// --- all entries at once ---

/// A map of entries with distinct keys in ascending order.
pub fn from_sorted(heap: &Heap, entries: &[(Value, Value)]) -> Value {
    let flat = |entries: &[(Value, Value)], kind: Kind| {
        let mut node = Node::new();
        for &(key, value) in entries {
            node.push(key);
            node.push(value);
        }
        heap.object(kind, 0, node.values())
    };
    if entries.len() <= LEAF_ENTRIES {
        return flat(entries, Kind::Map);
    }
    // Pairs of the least key below a node, and the node.
    let mut level: Vec<(Value, Value)> = even_parts(entries)
        .filter_map(|part| Some((part.first()?.0, flat(part, Kind::Tuple))))
        .collect();
    while level.len() > 1 {
        level = even_parts(&level)
            .filter_map(|part| {
                let ((least, first), rest) = part.split_first()?;
                let mut node = Node::new();
                node.push(*first);
                for &(separator, child) in rest {
                    node.push(separator);
                    node.push(child);
                }
                Some((*least, heap.object(Kind::Tuple, INNER, node.values())))
            })
            .collect();
    }
    let root = level.first().map_or(Value::NIL, |(_, node)| *node);
    tree(heap, entries.len(), root)
}

/// [`from_sorted`] for what is usually a small map.
pub fn from_few_sorted(heap: &Heap, entries: &[[Value; 2]]) -> Value {
    if entries.len() <= LEAF_ENTRIES {
        return heap.object(Kind::Map, 0, entries.as_flattened());
    }
    let entries: Vec<_> = entries.iter().map(|[key, value]| (*key, *value)).collect();
    from_sorted(heap, &entries)
}

/// Cuts into parts of about the comfortable size, one part if that fits a node.
fn even_parts<T>(items: &[T]) -> impl Iterator<Item = &[T]> {
    let parts = if items.len() <= CHILDREN {
        1
    } else {
        items.len().div_ceil(COMFORTABLE)
    };
    (0..parts).filter_map(move |part| {
        items.get(part * items.len() / parts..(part + 1) * items.len() / parts)
    })
}

/// A map of entries in any order, with checked keys. Of equal keys the first stays, with the last
/// value.
pub fn from_entries(host: &Host, entries: &[(Value, Value)]) -> Value {
    let heap = &host.heap;
    if let [] | [_] = entries {
        return from_sorted(heap, entries);
    }
    let mut entries = entries.to_vec();
    if entries
        .iter()
        .any(|(key, _)| key::needs_identity(host, *key))
    {
        return entries.into_iter().fold(empty(heap), |map, (key, value)| {
            insert(host, map, key, value)
        });
    }
    equality::stable_sort(&mut entries, |a, b| equality::compare(host, a.0, b.0));
    entries.dedup_by(|later, kept| {
        let same = equality::compare(host, kept.0, later.0).is_eq();
        if same {
            kept.1 = later.1;
        }
        same
    });
    from_sorted(heap, &entries)
}

/// The entries of both maps; those of `b` win.
pub fn merge(host: &Host, a: Value, b: Value) -> Value {
    let heap = &host.heap;
    let (a_len, b_len) = (len(heap, a), len(heap, b));
    if b_len == 0 || a == b {
        return a;
    }
    if a_len == 0 {
        return b;
    }
    let insert_all =
        b_len * 4 < a_len || iter(heap, b).any(|(key, _)| key::needs_identity(host, key));
    if insert_all {
        return iter(heap, b).fold(a, |map, (key, value)| insert(host, map, key, value));
    }
    let mut merged = Vec::with_capacity(a_len + b_len);
    let mut left = iter(heap, a).peekable();
    let mut right = iter(heap, b).peekable();
    loop {
        match (left.peek().copied(), right.peek().copied()) {
            (Some(l), Some(r)) => match equality::compare(host, l.0, r.0) {
                Ordering::Less => merged.extend(left.next()),
                Ordering::Greater => merged.extend(right.next()),
                Ordering::Equal => {
                    merged.push((l.0, r.1));
                    left.next();
                    right.next();
                }
            },
            (Some(_), None) => merged.extend(left.by_ref()),
            (None, Some(_)) => merged.extend(right.by_ref()),
            (None, None) => return from_sorted(heap, &merged),
        }
    }
}

#[cfg(test)]
mod tests;
