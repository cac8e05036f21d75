//! Persistent hash maps.
//!
//! A small map is one object, `key value key value …` in order of insertion. A larger one is a
//! compressed hash-array mapped prefix tree (M. Steindorfer, J. Vinju, "Optimizing Hash-Array Mapped
//! Tries for Fast and Lean Immutable JVM Collections", 2015) over 32 bits of hash, four bits a level:
//! a node is `bitmaps key value … child …`, where the low half of the bitmaps says which entries and
//! the high half which children there are. Keys whose hashes agree in all bits are put into a sorted
//! map, so even a flood of collisions costs only a logarithm. A map has eight entries or fewer exactly
//! if it is a small one.

use super::{Buffer, key, sorted_map};
use crate::equality;
use crate::heap::Heap;
use crate::host::Host;
use crate::value::{Kind, Value};

/// Entries of a small map at most.
const SMALL_ENTRIES: usize = 8;
/// Bits of the hash that one level looks at.
const LEVEL_BITS: u32 = 4;
const BRANCHES: usize = 1 << LEVEL_BITS;
/// Bits of a hash; below the last level there are only buckets.
const HASH_BITS: u32 = 32;

/// `aux` of a map that is a tree: its fields are the number of entries and the root.
const TREE: u16 = 1;

/// Words of the largest node: bitmaps and sixteen entries.
const NODE_WORDS: usize = 2 + 2 * BRANCHES;

type Node = Buffer<NODE_WORDS>;

/// The empty hash map.
pub fn empty(heap: &Heap) -> Value {
    heap.object(Kind::HashMap, 0, &[])
}

/// Number of entries.
#[inline]
pub fn len(heap: &Heap, map: Value) -> usize {
    let fields = heap.values(map);
    if heap.aux(map) == TREE {
        let count = fields.first().and_then(|count| count.as_fixnum());
        count.unwrap_or(0) as usize
    } else {
        fields.len() / 2
    }
}

fn tree(heap: &Heap, count: usize, root: Value) -> Value {
    heap.object(Kind::HashMap, TREE, &[Value::index(count), root])
}

/// The parts of a branch node.
struct Branch<'h> {
    /// Which of the sixteen places hold an entry.
    data: u32,
    /// Which of the sixteen places hold a child.
    nodes: u32,
    entries: &'h [Value],
    children: &'h [Value],
}

/// Index of a place among those that a bitmap has.
#[inline(always)]
fn rank(bitmap: u32, bit: u32) -> usize {
    (bitmap & (bit - 1)).count_ones() as usize
}

/// The bit of a hash's place in a node at this level.
#[inline(always)]
fn place(hash: u32, shift: u32) -> u32 {
    1 << ((hash >> shift) & (BRANCHES as u32 - 1))
}

impl<'h> Branch<'h> {
    #[inline]
    fn new(heap: &'h Heap, node: Value) -> Branch<'h> {
        let (bitmaps, rest) = match heap.values(node).split_first() {
            Some((bitmaps, rest)) => (bitmaps.fixnum_unchecked() as u32, rest),
            None => (0, [].as_slice()),
        };
        let data = bitmaps & 0xFFFF;
        let (entries, children) = rest.split_at((2 * data.count_ones() as usize).min(rest.len()));
        Branch {
            data,
            nodes: bitmaps >> 16,
            entries,
            children,
        }
    }

    #[inline]
    fn entry(&self, bit: u32) -> Option<(Value, Value)> {
        let index = 2 * rank(self.data, bit);
        Some((*self.entries.get(index)?, *self.entries.get(index + 1)?))
    }

    #[inline]
    fn child(&self, bit: u32) -> Option<Value> {
        self.children.get(rank(self.nodes, bit)).copied()
    }
}

fn start_node(data: u32, nodes: u32) -> Node {
    let mut node = Node::new();
    node.push(Value::index((nodes << 16 | data) as usize));
    node
}

fn finish_node(heap: &Heap, node: &Node) -> Value {
    heap.object(Kind::Tuple, 0, node.values())
}

/// Whether the node is a bucket of keys with the same hash.
#[inline(always)]
fn is_bucket(node: Value) -> bool {
    node.kind() == Kind::Map
}

#[inline]
fn same_key(host: &Host, a: Value, b: Value) -> bool {
    (a == b && key::is_identified(a)) || equality::equal(host, a, b)
}

fn find_small(host: &Host, entries: &[Value], key: Value) -> Option<usize> {
    let mut pairs = entries.chunks_exact(2);
    if key::is_identified(key) {
        pairs.position(|entry| entry[0] == key)
    } else {
        pairs.position(|entry| equality::equal(host, entry[0], key))
    }
}

/// The value of `key`.
pub fn get(host: &Host, map: Value, key: Value) -> Option<Value> {
    let heap = &host.heap;
    if heap.aux(map) != TREE {
        let entries = heap.values(map);
        let index = find_small(host, entries, key)?;
        return entries.get(2 * index + 1).copied();
    }
    let hash = equality::hash(host, key);
    let mut node = heap.field(map, 1);
    let mut shift = 0;
    while !is_bucket(node) {
        let branch = Branch::new(heap, node);
        let bit = place(hash, shift);
        if branch.data & bit != 0 {
            let (found, value) = branch.entry(bit)?;
            return same_key(host, found, key).then_some(value);
        }
        if branch.nodes & bit == 0 {
            return None;
        }
        node = branch.child(bit)?;
        shift += LEVEL_BITS;
    }
    sorted_map::get(host, node, key)
}

/// `map` with `key`, which was checked, bound to `value`. A key that is there already stays.
pub fn insert(host: &Host, map: Value, key: Value, value: Value) -> Value {
    let heap = &host.heap;
    if heap.aux(map) == TREE {
        let mut added = false;
        let hash = equality::hash(host, key);
        let root = insert_into(host, heap.field(map, 1), 0, hash, (key, value), &mut added);
        return tree(heap, len(heap, map) + usize::from(added), root);
    }
    let entries = heap.values(map);
    let mut copy = Node::new();
    match find_small(host, entries, key) {
        Some(index) => {
            copy.extend(entries.get(..2 * index + 1).unwrap_or_default());
            copy.push(value);
            copy.extend(entries.get(2 * index + 2..).unwrap_or_default());
        }
        None => {
            copy.extend(entries);
            copy.push(key);
            copy.push(value);
        }
    }
    let copy = copy.values();
    if copy.len() <= 2 * SMALL_ENTRIES {
        return heap.object(Kind::HashMap, 0, copy);
    }
    let (pairs, _) = copy.as_chunks::<2>();
    let root = pairs.iter().fold(
        finish_node(heap, &start_node(0, 0)),
        |root, &[key, value]| {
            let hash = equality::hash(host, key);
            insert_into(host, root, 0, hash, (key, value), &mut false)
        },
    );
    tree(heap, pairs.len(), root)
}

fn insert_into(
    host: &Host,
    node: Value,
    shift: u32,
    hash: u32,
    entry: (Value, Value),
    added: &mut bool,
) -> Value {
    let heap = &host.heap;
    if is_bucket(node) {
        let grown = sorted_map::insert(host, node, entry.0, entry.1);
        *added = sorted_map::len(heap, grown) > sorted_map::len(heap, node);
        return grown;
    }
    let branch = Branch::new(heap, node);
    let bit = place(hash, shift);
    let index = 2 * rank(branch.data, bit);
    let (before, after) = branch.entries.split_at(index.min(branch.entries.len()));
    if branch.data & bit != 0 {
        let [old_key, old_value, after @ ..] = after else {
            return node;
        };
        if same_key(host, *old_key, entry.0) {
            let mut copy = start_node(branch.data, branch.nodes);
            copy.extend(before);
            copy.push(*old_key);
            copy.push(entry.1);
            copy.extend(after);
            copy.extend(branch.children);
            return finish_node(heap, &copy);
        }
        *added = true;
        let old_hash = equality::hash(host, *old_key);
        let pushed_down = pair(
            host,
            shift + LEVEL_BITS,
            (old_hash, (*old_key, *old_value)),
            (hash, entry),
        );
        let children_before = rank(branch.nodes, bit);
        let (left, right) = branch
            .children
            .split_at(children_before.min(branch.children.len()));
        let mut copy = start_node(branch.data & !bit, branch.nodes | bit);
        copy.extend(before);
        copy.extend(after);
        copy.extend(left);
        copy.push(pushed_down);
        copy.extend(right);
        return finish_node(heap, &copy);
    }
    if branch.nodes & bit != 0 {
        let Some(child) = branch.child(bit) else {
            return node;
        };
        let grown = insert_into(host, child, shift + LEVEL_BITS, hash, entry, added);
        return with_child(heap, &branch, bit, grown);
    }
    *added = true;
    let mut copy = start_node(branch.data | bit, branch.nodes);
    copy.extend(before);
    copy.push(entry.0);
    copy.push(entry.1);
    copy.extend(after);
    copy.extend(branch.children);
    finish_node(heap, &copy)
}

/// A copy of a branch with another child in a place that has one.
fn with_child(heap: &Heap, branch: &Branch<'_>, bit: u32, child: Value) -> Value {
    let mut copy = start_node(branch.data, branch.nodes);
    copy.extend(branch.entries);
    let index = rank(branch.nodes, bit);
    copy.extend(branch.children.get(..index).unwrap_or_default());
    copy.push(child);
    copy.extend(branch.children.get(index + 1..).unwrap_or_default());
    finish_node(heap, &copy)
}

/// The subtree of two entries with different keys.
fn pair(
    host: &Host,
    shift: u32,
    (hash_a, a): (u32, (Value, Value)),
    (hash_b, b): (u32, (Value, Value)),
) -> Value {
    let heap = &host.heap;
    if shift >= HASH_BITS {
        let bucket = sorted_map::insert(host, sorted_map::empty(heap), a.0, a.1);
        return sorted_map::insert(host, bucket, b.0, b.1);
    }
    let (bit_a, bit_b) = (place(hash_a, shift), place(hash_b, shift));
    let mut node;
    if bit_a == bit_b {
        node = start_node(0, bit_a);
        node.push(pair(host, shift + LEVEL_BITS, (hash_a, a), (hash_b, b)));
    } else {
        node = start_node(bit_a | bit_b, 0);
        let (first, second) = if bit_a < bit_b { (a, b) } else { (b, a) };
        node.extend(&[first.0, first.1, second.0, second.1]);
    }
    finish_node(heap, &node)
}

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
        let entries = heap.values(map);
        let Some(index) = find_small(host, entries, key) else {
            return map;
        };
        let mut copy = Node::new();
        copy.extend(entries.get(..2 * index).unwrap_or_default());
        copy.extend(entries.get(2 * index + 2..).unwrap_or_default());
        return heap.object(Kind::HashMap, 0, copy.values());
    }
    let hash = equality::hash(host, key);
    match remove_from(host, heap.field(map, 1), 0, hash, key) {
        Shrunk::Same => map,
        // A tree has nine entries or more.
        Shrunk::Entry(key, value) => heap.object(Kind::HashMap, 0, &[key, value]),
        Shrunk::Node(root) => {
            let count = len(heap, map) - 1;
            if count > SMALL_ENTRIES {
                return tree(heap, count, root);
            }
            let mut copy = Node::new();
            for (key, value) in iter_node(heap, root) {
                copy.push(key);
                copy.push(value);
            }
            heap.object(Kind::HashMap, 0, copy.values())
        }
    }
}

fn remove_from(host: &Host, node: Value, shift: u32, hash: u32, key: Value) -> Shrunk {
    let heap = &host.heap;
    if is_bucket(node) {
        let bucket = sorted_map::remove(host, node, key);
        if bucket == node {
            return Shrunk::Same;
        }
        let mut entries = sorted_map::iter(heap, bucket);
        return match (entries.next(), entries.next()) {
            (Some((key, value)), None) => Shrunk::Entry(key, value),
            _ => Shrunk::Node(bucket),
        };
    }
    let branch = Branch::new(heap, node);
    let bit = place(hash, shift);
    if branch.data & bit != 0 {
        let index = 2 * rank(branch.data, bit);
        let (before, rest) = branch.entries.split_at(index.min(branch.entries.len()));
        let [found, _, after @ ..] = rest else {
            return Shrunk::Same;
        };
        if !same_key(host, *found, key) {
            return Shrunk::Same;
        }
        if branch.nodes == 0
            && let ([key, value], []) | ([], [key, value]) = (before, after)
        {
            return Shrunk::Entry(*key, *value);
        }
        let mut copy = start_node(branch.data & !bit, branch.nodes);
        copy.extend(before);
        copy.extend(after);
        copy.extend(branch.children);
        return Shrunk::Node(finish_node(heap, &copy));
    }
    if branch.nodes & bit == 0 {
        return Shrunk::Same;
    }
    let Some(child) = branch.child(bit) else {
        return Shrunk::Same;
    };
    match remove_from(host, child, shift + LEVEL_BITS, hash, key) {
        Shrunk::Same => Shrunk::Same,
        Shrunk::Node(child) => Shrunk::Node(with_child(heap, &branch, bit, child)),
        Shrunk::Entry(key, value) => {
            if branch.data == 0 && branch.nodes == bit {
                return Shrunk::Entry(key, value);
            }
            let index = 2 * rank(branch.data, bit);
            let (before, after) = branch.entries.split_at(index.min(branch.entries.len()));
            let child_index = rank(branch.nodes, bit);
            let mut copy = start_node(branch.data | bit, branch.nodes & !bit);
            copy.extend(before);
            copy.push(key);
            copy.push(value);
            copy.extend(after);
            copy.extend(branch.children.get(..child_index).unwrap_or_default());
            copy.extend(branch.children.get(child_index + 1..).unwrap_or_default());
            Shrunk::Node(finish_node(heap, &copy))
        }
    }
}

/// A hash map of these entries with checked keys. Of equal keys the first stays, with the last value.
pub fn from_entries(host: &Host, entries: impl IntoIterator<Item = (Value, Value)>) -> Value {
    entries
        .into_iter()
        .fold(empty(&host.heap), |map, (key, value)| {
            insert(host, map, key, value)
        })
}

/// Iterator over the entries, in no particular order.
#[derive(Clone)]
pub struct Iter<'h> {
    heap: &'h Heap,
    entries: &'h [Value],
    bucket: Option<Box<sorted_map::Iter<'h>>>,
    /// Children still to be visited.
    above: Vec<&'h [Value]>,
}

/// Iterates over the entries, in no particular order.
pub fn iter(heap: &Heap, map: Value) -> Iter<'_> {
    if heap.aux(map) == TREE {
        return iter_node(heap, heap.field(map, 1));
    }
    Iter {
        heap,
        entries: heap.values(map),
        bucket: None,
        above: Vec::new(),
    }
}

fn iter_node(heap: &Heap, node: Value) -> Iter<'_> {
    let mut iter = Iter {
        heap,
        entries: &[],
        bucket: None,
        above: Vec::new(),
    };
    iter.visit(node);
    iter
}

impl Iter<'_> {
    fn visit(&mut self, node: Value) {
        if is_bucket(node) {
            self.bucket = Some(Box::new(sorted_map::iter(self.heap, node)));
            return;
        }
        let branch = Branch::new(self.heap, node);
        self.entries = branch.entries;
        self.above.push(branch.children);
    }
}

impl Iterator for Iter<'_> {
    type Item = (Value, Value);

    #[inline]
    fn next(&mut self) -> Option<(Value, Value)> {
        loop {
            if let [key, value, rest @ ..] = self.entries {
                self.entries = rest;
                return Some((*key, *value));
            }
            if let Some(bucket) = &mut self.bucket {
                if let Some(entry) = bucket.next() {
                    return Some(entry);
                }
                self.bucket = None;
            }
            let top = self.above.last_mut()?;
            match *top {
                [child, rest @ ..] => {
                    *top = rest;
                    self.visit(*child);
                }
                [] => drop(self.above.pop()),
            }
        }
    }
}

#[cfg(test)]
mod tests;
