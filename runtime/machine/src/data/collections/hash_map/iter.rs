//! Going through hash maps.

use super::{Branch, TREE, is_bucket, sorted_map};
use crate::memory::heap::Heap;
use crate::memory::value::Value;

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
    let mut iter = Iter {
        heap,
        entries: &[],
        bucket: None,
        above: Vec::new(),
    };
    if heap.aux(map) == TREE {
        iter.visit(map);
    } else {
        iter.entries = heap.node(map);
    }
    iter
}

impl Iter<'_> {
    fn visit(&mut self, node: Value) {
        if is_bucket(node) {
            self.bucket = Some(Box::new(sorted_map::iter(self.heap, node)));
            return;
        }
        let branch = Branch::of(self.heap, node);
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
