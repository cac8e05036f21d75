//! Insertion into sorted maps in place (see [`crate::data::collections::owned`]).
//!
//! An inner node notes which of its children belong to it in its `aux`, one bit for each above [`INNER`]; a map
//! that is a tree notes above the number of entries whether its root does. Splitting a node is left to the
//! ordinary insertion, whose nodes note nothing.

use super::{INNER, LEAF_ENTRIES, Node, TREE, insert, is_inner, len, place_in, put, root};
use crate::data::collections::probe::Probe;
use crate::data::collections::{key, owned};
use crate::host::Host;
use crate::memory::heap::{Heap, object};
use crate::memory::value::{Kind, Value};

/// Added to the number of entries of a map to which its root belongs.
const ROOT_OWNED: u64 = 1 << 32;

/// A field that leads to a node, of a map or an inner node that may be changed.
struct Link {
    parent: Value,
    field: usize,
}

impl Link {
    /// The bit of an inner node's `aux` for this child.
    fn bit(&self) -> u16 {
        INNER << (1 + self.field / 2)
    }

    /// Whether the child belongs to the parent.
    fn is_owned(&self, heap: &Heap) -> bool {
        if self.parent.kind() == Kind::Map {
            heap.field(self.parent, 0).fixnum_position() & ROOT_OWNED != 0
        } else {
            heap.aux(self.parent) & self.bit() != 0
        }
    }

    /// Puts a new child there, which belongs to the parent.
    fn set(&self, heap: &Heap, child: Value) {
        heap.set_field(self.parent, self.field, child);
        if self.parent.kind() == Kind::Map {
            let count = heap.field(self.parent, 0).fixnum_position() | ROOT_OWNED;
            heap.set_field(self.parent, 0, Value::from_fixnum_position(count));
        } else {
            object::set_aux(self.parent, heap.aux(self.parent) | self.bit());
        }
    }
}

/// `map` with `key`, which was checked, bound to `value`; a map that belongs to a variable is changed. The result may
/// belong to a variable, and `map` must not be used again if it did.
pub fn insert_owned(host: &Host, map: Value, key: Value, value: Value) -> Value {
    let heap = &host.heap;
    if key::needs_scan(host, key) {
        return insert(host, map, key, value);
    }
    let probe = Probe::new(host, key);
    if heap.aux(map) != TREE {
        return insert_into_small(&probe, map, value);
    }
    if owned::is_owned(map) {
        return insert_into_tree(&probe, map, value);
    }
    let copy = heap.object_with(map, 0, Value::index(len(heap, map)));
    insert_into_tree(&probe, owned::own(copy), value)
}

/// Inserts into a map that is one object, and which belongs to a variable or to none.
pub(super) fn insert_into_small(probe: &Probe<'_>, map: Value, value: Value) -> Value {
    let heap = &probe.host.heap;
    let entries = heap.node(map);
    match place_in(probe, entries) {
        Ok(index) if owned::is_owned(map) => {
            heap.set_field(map, 2 * index + 1, value);
            map
        }
        Ok(index) => owned::own(heap.object_with(map, 2 * index + 1, value)),
        Err(_) if entries.len() == 2 * LEAF_ENTRIES => {
            owned::own(insert(probe.host, map, probe.key, value))
        }
        place => {
            let mut grown = Node::new();
            // The place is one of these entries, so this always succeeds.
            let _ = put(entries, place, probe.key, value, &mut grown);
            owned::own(heap.object(Kind::Map, 0, grown.values()))
        }
    }
}

/// Inserts into a tree that belongs to a variable.
fn insert_into_tree(probe: &Probe<'_>, map: Value, value: Value) -> Value {
    let heap = &probe.host.heap;
    let mut link = Link {
        parent: map,
        field: 1,
    };
    let mut node = root(heap, map);
    while is_inner(heap, node) {
        if !link.is_owned(heap) {
            node = heap.object(Kind::Tuple, INNER, heap.node(node));
            link.set(heap, node);
        }
        let fields = heap.node(node);
        let field = 2 * probe.child(fields);
        let Some(&child) = fields.get(field) else {
            return map;
        };
        link = Link {
            parent: node,
            field,
        };
        node = child;
    }
    let entries = heap.node(node);
    match place_in(probe, entries) {
        Ok(index) if link.is_owned(heap) => heap.set_field(node, 2 * index + 1, value),
        Ok(index) => link.set(heap, heap.object_with(node, 2 * index + 1, value)),
        Err(_) if entries.len() == 2 * LEAF_ENTRIES => {
            return owned::own(insert(probe.host, map, probe.key, value));
        }
        place => {
            let mut grown = Node::new();
            // As above.
            let _ = put(entries, place, probe.key, value, &mut grown);
            link.set(heap, heap.object(Kind::Tuple, 0, grown.values()));
            let count = heap.field(map, 0).fixnum_unchecked() as usize;
            heap.set_field(map, 0, Value::index(count + 1));
        }
    }
    map
}
