//! Insertion into hash maps in place (see [`crate::data::collections::owned`]).
//!
//! A node notes which of its children belong to it, by their places: an inner node in its `aux`, a root
//! above the number of entries. What a node notes counts only if it belongs to its parent itself, or is the root of
//! a map that belongs to a variable.

use super::{
    Branch, LEVEL_BITS, SMALL_ENTRIES, TREE, bitmaps, find_small, is_bucket, len, place, rank,
    same_key, same_key_called, sorted_map, with_entry,
};
use crate::data::collections::owned;
use crate::data::equality;
use crate::host::Host;
use crate::memory::heap::Heap;
use crate::memory::heap::object;
use crate::memory::value::{Kind, Value};

/// Bits of the number of entries, below the places of the children that belong to a root.
const COUNT_BITS: u32 = 32;

/// The places of the children that belong to a node.
#[inline(always)]
fn owned_places(heap: &Heap, node: Value, is_root: bool) -> u32 {
    if is_root {
        (heap.field(node, 0).fixnum_unchecked() >> COUNT_BITS) as u32 & 0xFFFF
    } else {
        u32::from(object::aux_of(object::header_at(node)))
    }
}

/// Notes that the children in these places belong to a node, and those in others not.
fn set_owned_places(heap: &Heap, node: Value, is_root: bool, places: u32) {
    if is_root {
        let count = heap.field(node, 0).fixnum_unchecked() as u32;
        heap.set_field(node, 0, count_word(count as usize, places));
    } else {
        object::set_aux(node, places as u16);
    }
}

fn count_word(count: usize, places: u32) -> Value {
    Value::from_fixnum_position(u64::from(places) << COUNT_BITS | count as u64)
}

fn count_one_more(heap: &Heap, map: Value) {
    let word = heap.field(map, 0).fixnum_position();
    heap.set_field(map, 0, Value::from_fixnum_position(word + 1));
}

/// `map` with `key`, which was checked, bound to `value`; a map that belongs to a variable is changed. The result
/// belongs to a variable, and `map` must not be used again if it did.
pub fn insert_owned(host: &Host, map: Value, key: Value, value: Value) -> Value {
    let heap = &host.heap;
    if heap.aux(map) != TREE {
        return insert_into_small(host, map, key, value);
    }
    if owned::is_owned(map) {
        let hash = equality::hash(host, key);
        if replace(host, map, key, hash, value).is_some() {
            return map;
        }
        return insert_into_tree(host, map, key, value);
    }
    let copy = heap.object_with(map, 0, count_word(len(heap, map), 0));
    insert_into_tree(host, owned::own(copy), key, value)
}

fn insert_into_small(host: &Host, map: Value, key: Value, value: Value) -> Value {
    let heap = &host.heap;
    let entries = heap.node(map);
    if let Some(index) = find_small(host, entries, key) {
        if owned::is_owned(map) {
            heap.set_field(map, 2 * index + 1, value);
            return map;
        }
        return owned::own(heap.object_with(map, 2 * index + 1, value));
    }
    if entries.len() < 2 * SMALL_ENTRIES {
        let grown = heap.object_spliced(Kind::HashMap, 0, [entries, &[key, value]]);
        return owned::own(grown);
    }
    let root = [count_word(0, 0), bitmaps(0, 0)];
    let tree = owned::own(heap.object(Kind::HashMap, TREE, &root));
    let (pairs, _) = entries.as_chunks::<2>();
    let tree = pairs.iter().fold(tree, |map, &[key, value]| {
        insert_into_tree(host, map, key, value)
    });
    insert_into_tree(host, tree, key, value)
}

/// Changes the value of a key in a tree that belongs to a variable, if the key is there and all nodes above it may be
/// changed: what happens most often.
#[inline(always)]
fn replace(host: &Host, map: Value, key: Value, mut hash: u32, value: Value) -> Option<()> {
    let heap = &host.heap;
    let (count, mut fields) = heap.values_of(Kind::HashMap, map).split_first()?;
    let mut places = (count.fixnum_unchecked() >> COUNT_BITS) as u32;
    let mut object = map;
    // Fields in front of the entries.
    let mut first = 2;
    loop {
        let (word, rest) = fields.split_first()?;
        let word = word.fixnum_unchecked() as u64;
        let bit = place(hash, 0);
        if word as u32 & bit != 0 {
            let index = 2 * rank(word as u32 & 0xFFFF, bit);
            if !same_key(host, *rest.get(index)?, key) {
                return None;
            }
            heap.set_field(object, first + index + 1, value);
            return Some(());
        }
        let nodes = (word as u32) >> 16;
        if nodes & places & bit == 0 {
            return None;
        }
        object = *rest.get(2 * (word >> 32) as usize + rank(nodes, bit))?;
        fields = heap.values_of(Kind::Tuple, object);
        places = u32::from(object::aux_of(object::header_at(object)));
        first = 1;
        hash >>= LEVEL_BITS;
    }
}

/// Inserts into a tree that belongs to a variable.
fn insert_into_tree(host: &Host, map: Value, key: Value, value: Value) -> Value {
    let heap = &host.heap;
    let hash = equality::hash(host, key);
    // The node above `object` and the field that leads down; none above the root.
    let mut above = None;
    let mut object = map;
    let mut depth = 0;
    loop {
        let is_root = above.is_none();
        let first = usize::from(is_root);
        let kind = if is_root { Kind::HashMap } else { Kind::Tuple };
        let fields = heap.values_of(kind, object);
        let Some((word, rest)) = fields.get(first..).and_then(<[Value]>::split_first) else {
            return map;
        };
        let word = word.fixnum_unchecked() as u64;
        let bit = place(hash, LEVEL_BITS * depth as u32);
        let nodes = (word as u32) >> 16;
        if nodes & bit == 0 {
            let has_entry = word as u32 & bit != 0;
            let index = 2 * rank(word as u32 & 0xFFFF, bit);
            if has_entry
                && let Some(&found) = rest.get(index)
                && same_key_called(host, found, key)
            {
                heap.set_field(object, first + 1 + index + 1, value);
                return map;
            }
            let branch = Branch::of(heap, object);
            let grown = with_entry(host, branch, depth, hash, (key, value));
            // Two entries in one place are pushed down into a new child.
            let child = if has_entry { bit } else { 0 };
            let places = owned_places(heap, object, is_root) | child;
            set_owned_places(heap, grown, is_root, places);
            let Some((node, slot)) = above else {
                return owned::own(grown);
            };
            heap.set_field(node, slot, grown);
            count_one_more(heap, map);
            return map;
        }
        let slot = first + 1 + 2 * (word >> 32) as usize + rank(nodes, bit);
        let Some(&child) = fields.get(slot) else {
            return map;
        };
        if is_bucket(child) {
            let grown = sorted_map::insert(host, child, key, value);
            heap.set_field(object, slot, grown);
            if sorted_map::len(heap, grown) > sorted_map::len(heap, child) {
                count_one_more(heap, map);
            }
            return map;
        }
        let places = owned_places(heap, object, is_root);
        above = Some((object, slot));
        if places & bit == 0 {
            let copy = heap.object(Kind::Tuple, 0, heap.values_of(Kind::Tuple, child));
            heap.set_field(object, slot, copy);
            set_owned_places(heap, object, is_root, places | bit);
            object = copy;
        } else {
            object = child;
        }
        depth += 1;
    }
}
