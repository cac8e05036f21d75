//! Going through sorted maps in order.

use super::{TREE, is_inner, root};
use crate::memory::heap::Heap;
use crate::memory::value::Value;

/// Iterator over the entries in key order.
#[derive(Clone)]
pub struct Iter<'h> {
    heap: &'h Heap,
    leaf: &'h [Value],
    /// What is still to be visited of the inner nodes above the leaf: `separator child …`.
    above: Vec<&'h [Value]>,
}

/// Iterates over the entries in key order.
#[inline]
pub fn iter(heap: &Heap, map: Value) -> Iter<'_> {
    let mut iter = Iter {
        heap,
        leaf: &[],
        above: Vec::new(),
    };
    if heap.aux(map) == TREE {
        iter.descend(root(heap, map));
    } else {
        iter.leaf = heap.node(map);
    }
    iter
}

impl Iter<'_> {
    fn descend(&mut self, mut node: Value) {
        loop {
            let fields = self.heap.node(node);
            if !is_inner(self.heap, node) {
                self.leaf = fields;
                return;
            }
            let Some((&first, rest)) = fields.split_first() else {
                return;
            };
            self.above.push(rest);
            node = first;
        }
    }
}

impl Iterator for Iter<'_> {
    type Item = (Value, Value);

    #[inline]
    fn next(&mut self) -> Option<(Value, Value)> {
        loop {
            if let [key, value, rest @ ..] = self.leaf {
                self.leaf = rest;
                return Some((*key, *value));
            }
            let top = self.above.last_mut()?;
            if let [_, child, rest @ ..] = *top {
                *top = rest;
                self.descend(*child);
            } else {
                self.above.pop();
            }
        }
    }
}
