//! A key that is about to be compared with many others.

use std::cmp::Ordering;

use crate::data::equality;
use crate::host::Host;
use crate::memory::value::{Kind, Value};

/// A key prepared for comparisons: what is the same in all of them is done once.
pub(super) struct Probe<'h> {
    pub(super) host: &'h Host,
    pub(super) key: Value,
    shape: Shape<'h>,
}

enum Shape<'h> {
    Fixnum(i64),
    Keyword(&'h str),
    Symbol(&'h str),
    Text(&'h str),
    /// A closure, by its number.
    Closure(u16),
    Other,
}

impl<'h> Probe<'h> {
    #[inline]
    pub(super) fn new(host: &'h Host, key: Value) -> Probe<'h> {
        let shape = if key.is_fixnum() {
            Shape::Fixnum(key.fixnum_shifted())
        } else if let Some(name) = key.as_keyword() {
            Shape::Keyword(host.symbols.name(name))
        } else if let Some(name) = key.as_symbol() {
            Shape::Symbol(host.symbols.name(name))
        } else if let Some(text) = host.heap.as_str(key) {
            Shape::Text(text)
        } else if key.is_heap() && key.kind() == Kind::Closure {
            Shape::Closure(host.heap.identity(key))
        } else {
            Shape::Other
        };
        Probe { host, key, shape }
    }

    /// The order of `other` relative to the key.
    #[inline]
    pub(super) fn order(&self, other: Value) -> Ordering {
        match self.shape {
            Shape::Fixnum(key) if other.is_fixnum() => other.fixnum_shifted().cmp(&key),
            Shape::Keyword(key) => match other.as_keyword() {
                Some(_) if other == self.key => Ordering::Equal,
                Some(name) => self.host.symbols.name(name).cmp(key),
                None => self.order_of_others(other),
            },
            Shape::Symbol(key) => match other.as_symbol() {
                Some(name) => self.host.symbols.name(name).cmp(key),
                None => self.order_of_others(other),
            },
            Shape::Text(key) if other.is_heap() && other.kind() == Kind::String => {
                self.host.heap.as_str(other).unwrap_or("").cmp(key)
            }
            Shape::Closure(key) if other.is_heap() && other.kind() == Kind::Closure => {
                self.host.heap.identity(other).cmp(&key)
            }
            _ => self.order_of_others(other),
        }
    }

    #[inline(never)]
    fn order_of_others(&self, other: Value) -> Ordering {
        equality::compare(self.host, other, self.key)
    }

    /// The index of the entry with this key, or of the place where it belongs.
    #[inline]
    pub(super) fn search(&self, entries: &[Value]) -> Result<usize, usize> {
        let (pairs, _) = entries.as_chunks::<2>();
        pairs.binary_search_by(|pair| self.order(pair[0]))
    }

    /// The index of the child, among `child separator child …`, below which the key belongs.
    #[inline]
    pub(super) fn child(&self, inner: &[Value]) -> usize {
        let (pairs, _) = inner.as_chunks::<2>();
        pairs.partition_point(|pair| self.order(pair[1]) != Ordering::Greater)
    }
}
