//! Persistent hash maps.
//!
//! A small map is one object, `key value key value …` in order of insertion. A larger one is a
//! compressed hash-array mapped prefix tree (M. Steindorfer, J. Vinju, "Optimizing Hash-Array Mapped
//! Tries for Fast and Lean Immutable JVM Collections", 2015) over 32 bits of hash, four bits a level:
//! a node is `bitmaps key value … child …`, where the bitmaps say which entries and which children there
//! are. The root is part of the map's object, behind the number of entries. Keys whose hashes agree in
//! all bits are put into a sorted map, so even a flood of collisions costs only a logarithm. A map has
//! eight entries or fewer exactly if it is a small one.

#![allow(
    clippy::indexing_slicing,
    reason = "the table has 256 entries, entries of `chunks_exact(2)` have two"
)]

mod iter;
mod owned;
mod remove;

pub use iter::{Iter, iter};
pub use owned::insert_owned;
pub use remove::{remove, remove_owned};

use super::{Buffer, key, owned as ownership, sorted_map};
use crate::data::equality;
use crate::host::Host;
use crate::memory::heap::Heap;
use crate::memory::value::{Kind, Value};

/// Entries of a small map at most.
const SMALL_ENTRIES: usize = 8;
/// Bits of the hash that one level looks at.
const LEVEL_BITS: u32 = 4;
const BRANCHES: usize = 1 << LEVEL_BITS;
/// Bits of a hash; below the last level there are only buckets.
const HASH_BITS: u32 = 32;

/// `aux` of a map that is a tree: its fields are the number of entries and those of the root.
const TREE: u16 = 1;

/// Words of a small map while it has one entry too many.
const SMALL_WORDS: usize = 2 * (SMALL_ENTRIES + 1);

type Small = Buffer<SMALL_WORDS>;

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
        // Above it are the children that belong to the map (see `owned`).
        count.unwrap_or(0) as u32 as usize
    } else {
        fields.len() / 2
    }
}

/// The number of bits that are set in each byte: the processors that we compile for need not have an
/// instruction for it.
static ONES: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 1;
    while byte < 256 {
        table[byte] = table[byte / 2] + (byte & 1) as u8;
        byte += 1;
    }
    table
};

/// The number of the sixteen places that a bitmap has.
#[inline(always)]
fn ones(bitmap: u32) -> usize {
    let [low, high, ..] = bitmap.to_le_bytes();
    usize::from(ONES[usize::from(low)]) + usize::from(ONES[usize::from(high)])
}

/// The parts of a branch node.
#[derive(Clone, Copy)]
struct Branch<'h> {
    /// The node, or the map whose root it is.
    object: Value,
    /// The number of entries, in a root.
    count: &'h [Value],
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
    ones(bitmap & (bit - 1))
}

/// The bit of a hash's place in a node at this level.
#[inline(always)]
fn place(hash: u32, shift: u32) -> u32 {
    1 << ((hash >> shift) & (BRANCHES as u32 - 1))
}

/// The word for both bitmaps of a node: with the number of entries, to save counting them.
#[inline(always)]
fn bitmaps(data: u32, nodes: u32) -> Value {
    Value::from_fixnum_position((ones(data) as u64) << 32 | u64::from(nodes << 16 | data))
}

impl<'h> Branch<'h> {
    /// The root of a map that is a tree.
    #[inline(always)]
    fn root(heap: &'h Heap, map: Value) -> Branch<'h> {
        let fields = heap.values_of(Kind::HashMap, map);
        let (count, fields) = fields.split_at(1.min(fields.len()));
        Branch::new(map, count, fields)
    }

    /// A node that is not the root, nor a bucket.
    #[inline(always)]
    fn inner(heap: &'h Heap, node: Value) -> Branch<'h> {
        Branch::new(node, &[], heap.values_of(Kind::Tuple, node))
    }

    /// Either of them.
    fn of(heap: &'h Heap, object: Value) -> Branch<'h> {
        if object.kind() == Kind::HashMap {
            Branch::root(heap, object)
        } else {
            Branch::inner(heap, object)
        }
    }

    #[inline(always)]
    fn new(object: Value, count: &'h [Value], fields: &'h [Value]) -> Branch<'h> {
        let (word, rest) = match fields.split_first() {
            Some((word, rest)) => (word.fixnum_unchecked() as u64, rest),
            None => (0, [].as_slice()),
        };
        let (entries, children) = rest.split_at((2 * (word >> 32) as usize).min(rest.len()));
        Branch {
            object,
            count,
            data: word as u32 & 0xFFFF,
            nodes: word as u32 >> 16,
            entries,
            children,
        }
    }

    #[inline(always)]
    fn child(&self, bit: u32) -> Option<Value> {
        self.children.get(rank(self.nodes, bit)).copied()
    }

    /// The entries before and from an index on.
    #[inline(always)]
    fn entries_at(&self, index: usize) -> (&'h [Value], &'h [Value]) {
        self.entries.split_at(index.min(self.entries.len()))
    }

    /// The children before and from an index on.
    #[inline(always)]
    fn children_at(&self, index: usize) -> (&'h [Value], &'h [Value]) {
        self.children.split_at(index.min(self.children.len()))
    }

    /// A node in the place of this one, with other entries and children. A root counts `added` entries
    /// more.
    fn changed(
        &self,
        heap: &Heap,
        added: isize,
        (data, nodes): (u32, u32),
        entries: [&[Value]; 3],
        children: [&[Value]; 3],
    ) -> Value {
        let head = [self.count_and(added), bitmaps(data, nodes)];
        let head = head.get(1 - self.count.len()..).unwrap_or_default();
        let ([a, b, c], [d, e, f]) = (entries, children);
        let (kind, aux) = if self.count.is_empty() {
            (Kind::Tuple, 0)
        } else {
            (Kind::HashMap, TREE)
        };
        heap.object_spliced(kind, aux, [head, a, b, c, d, e, f])
    }

    /// A root's number of entries, changed.
    #[inline(always)]
    fn count_and(&self, added: isize) -> Value {
        let count = self
            .count
            .first()
            .map_or(0, |count| count.fixnum_unchecked());
        Value::index((count as usize).wrapping_add_signed(added))
    }

    /// A node in the place of this one, with another word behind the bitmaps. A root counts `added`
    /// entries more.
    #[inline(always)]
    fn with_word(&self, heap: &Heap, added: isize, index: usize, word: Value) -> Value {
        let first = self.count.len();
        if added == 0 || first == 0 {
            return heap.object_with(self.object, first + 1 + index, word);
        }
        let changes = [(0, self.count_and(added)), (first + 1 + index, word)];
        heap.object_changed(self.object, changes)
    }

    /// The same with another child in a place that has one.
    #[inline(always)]
    fn with_child(&self, heap: &Heap, added: isize, bit: u32, child: Value) -> Value {
        let index = self.entries.len() + rank(self.nodes, bit);
        self.with_word(heap, added, index, child)
    }
}

/// A node that is no root.
fn node(heap: &Heap, data: u32, nodes: u32, fields: &[Value]) -> Value {
    heap.object_spliced(Kind::Tuple, 0, [&[bitmaps(data, nodes)], fields])
}

/// Whether the node is a bucket of keys with the same hash.
#[inline(always)]
fn is_bucket(node: Value) -> bool {
    node.kind() == Kind::Map
}

/// [`same_key`] where it is not asked for each lookup.
#[inline(never)]
fn same_key_called(host: &Host, a: Value, b: Value) -> bool {
    same_key(host, a, b)
}

#[inline(always)]
fn same_key(host: &Host, a: Value, b: Value) -> bool {
    // A key is equal to itself (see `key::check`).
    if a == b || key::is_identified(b) {
        return a == b;
    }
    let heap = &host.heap;
    match (heap.as_str_here(a), heap.as_str_here(b)) {
        (Some(text), Some(other)) => same_bytes(text.as_bytes(), other.as_bytes()),
        _ => equality::equal(host, a, b),
    }
}

/// Whether two texts are equal: most keys are too short for a call of the library's comparison.
#[inline(always)]
fn same_bytes(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() || a.len() > 16 {
        return a == b;
    }
    // What two words do not cover by themselves they cover by overlapping.
    if let (Some(a_first), Some(b_first)) = (a.first_chunk::<8>(), b.first_chunk::<8>()) {
        a_first == b_first && a.last_chunk::<8>() == b.last_chunk::<8>()
    } else if let (Some(a_first), Some(b_first)) = (a.first_chunk::<4>(), b.first_chunk::<4>()) {
        a_first == b_first && a.last_chunk::<4>() == b.last_chunk::<4>()
    } else {
        a.iter().zip(b).all(|(a, b)| a == b)
    }
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
#[inline]
pub fn get(host: &Host, map: Value, key: Value) -> Option<Value> {
    if key::is_identified(key) {
        get_identified(host, map, key)
    } else {
        get_equal(host, map, key)
    }
}

/// The value of a key to which only an identical value is equal: calls nothing, so saves no registers.
fn get_identified(host: &Host, map: Value, key: Value) -> Option<Value> {
    let heap = &host.heap;
    if heap.aux(map) == TREE {
        let hash = equality::hash_of_identified(key);
        return get_from_tree(host, map, key, hash, |found| found == key);
    }
    let (entries, _) = heap.values_of(Kind::HashMap, map).as_chunks::<2>();
    let [_, value] = entries.iter().find(|[found, _]| *found == key)?;
    Some(*value)
}

fn get_equal(host: &Host, map: Value, key: Value) -> Option<Value> {
    let heap = &host.heap;
    if heap.aux(map) != TREE {
        let entries = heap.values(map);
        let index = find_small(host, entries, key)?;
        return entries.get(2 * index + 1).copied();
    }
    let hash = equality::hash(host, key);
    get_from_tree(host, map, key, hash, |found| same_key(host, found, key))
}

/// The value of `key`, with a comparison that suits it.
#[inline(always)]
fn get_from_tree(
    host: &Host,
    map: Value,
    key: Value,
    mut hash: u32,
    is_key: impl Fn(Value) -> bool,
) -> Option<Value> {
    let heap = &host.heap;
    // Only what is needed of each node: first those of the root behind the number of entries.
    let mut fields = heap.values_of(Kind::HashMap, map).get(1..)?;
    loop {
        let (word, rest) = fields.split_first()?;
        let word = word.fixnum_unchecked() as u64;
        let bit = place(hash, 0);
        if word as u32 & bit != 0 {
            let index = 2 * rank(word as u32 & 0xFFFF, bit);
            let [found, value] = rest.get(index..)?.first_chunk()?;
            return is_key(*found).then_some(*value);
        }
        let nodes = (word as u32) >> 16;
        if nodes & bit == 0 {
            return None;
        }
        let child = *rest.get(2 * (word >> 32) as usize + rank(nodes, bit))?;
        fields = heap.values_of(Kind::Tuple, child);
        if fields.is_empty() {
            return sorted_map::get(host, child, key);
        }
        hash >>= LEVEL_BITS;
    }
}

/// `map` with `key`, which was checked, bound to `value`. A key that is there already stays.
pub fn insert(host: &Host, map: Value, key: Value, value: Value) -> Value {
    // A map that belongs to no variable is copied as far as needed.
    let map = ownership::seal(map);
    ownership::seal(insert_owned(host, map, key, value))
}

/// A branch with an entry more, whose key it does not have and whose place holds no child.
fn with_entry(
    host: &Host,
    branch: Branch<'_>,
    depth: usize,
    hash: u32,
    (key, value): (Value, Value),
) -> Value {
    let heap = &host.heap;
    let shift = LEVEL_BITS * depth as u32;
    let bit = place(hash, shift);
    let (before, after) = branch.entries_at(2 * rank(branch.data, bit));
    if branch.data & bit == 0 {
        let maps = (branch.data | bit, branch.nodes);
        let children = [branch.children, &[], &[]];
        return branch.changed(heap, 1, maps, [before, &[key, value], after], children);
    }
    let [old_key, old_value, after @ ..] = after else {
        return branch.object;
    };
    let old_hash = equality::hash(host, *old_key);
    let pushed_down = pair(
        host,
        shift + LEVEL_BITS,
        (old_hash, (*old_key, *old_value)),
        (hash, (key, value)),
    );
    let (left, right) = branch.children_at(rank(branch.nodes, bit));
    let maps = (branch.data & !bit, branch.nodes | bit);
    let children = [left, &[pushed_down], right];
    branch.changed(heap, 1, maps, [before, after, &[]], children)
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
    if bit_a == bit_b {
        let child = pair(host, shift + LEVEL_BITS, (hash_a, a), (hash_b, b));
        return node(heap, 0, bit_a, &[child]);
    }
    let (first, second) = if bit_a < bit_b { (a, b) } else { (b, a) };
    let entries = [first.0, first.1, second.0, second.1];
    node(heap, bit_a | bit_b, 0, &entries)
}

/// A hash map of these entries with checked keys. Of equal keys the first stays, with the last value.
pub fn from_entries(host: &Host, entries: impl IntoIterator<Item = (Value, Value)>) -> Value {
    let map = entries
        .into_iter()
        .fold(empty(&host.heap), |map, (key, value)| {
            insert_owned(host, map, key, value)
        });
    ownership::seal(map)
}

#[cfg(test)]
mod tests;
