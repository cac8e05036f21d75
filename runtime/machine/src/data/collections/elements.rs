//! One iterator over the parts of any compound value, for the walks that keep an explicit stack:
//! equality, order, hashing, printing, the check of keys.

use super::{Entries, sorted_map};
use crate::host::Host;
use crate::memory::heap::{Heap, ListIter};
use crate::memory::value::{Kind, Value};

/// Iterator over the parts of a compound value; a map gives key, value, key, value …
#[derive(Clone)]
pub enum Elements<'h> {
    /// Of a vector, the fields of a record, …
    Slice(std::slice::Iter<'h, Value>),
    /// Of a list.
    List(ListIter<'h>),
    /// Of a map or hash map: the entries, and the value of the last key given.
    Entries(Entries<'h>, Option<Value>),
    /// Computed.
    Owned(std::vec::IntoIter<Value>),
}

impl Iterator for Elements<'_> {
    type Item = Value;

    #[inline]
    fn next(&mut self) -> Option<Value> {
        match self {
            Elements::Slice(values) => values.next().copied(),
            Elements::List(values) => values.next(),
            Elements::Owned(values) => values.next(),
            Elements::Entries(entries, pending) => pending.take().or_else(|| {
                let (key, value) = entries.next()?;
                *pending = Some(value);
                Some(key)
            }),
        }
    }
}

/// The used part of a mutable array's buffer, or the content of a mutable cell. Nobody writes to
/// them while the heap is only borrowed for reading, which the walks of this crate rely on.
pub fn mutable_values(heap: &Heap, value: Value) -> &[Value] {
    if value.kind() == Kind::MutableCell {
        return heap.values(value);
    }
    let length = heap.field(value, 0).as_fixnum().unwrap_or(0);
    let buffer = heap.values(heap.field(value, 1));
    buffer
        .get(..usize::try_from(length).unwrap_or(0))
        .unwrap_or(buffer)
}

/// The parts of a compound value in the order that equality and the total order look at them, a
/// hash map's entries sorted; `None` for values without parts and for opaque ones.
pub fn ordered(host: &Host, value: Value) -> Option<Elements<'_>> {
    if value.kind() == Kind::HashMap {
        let entries = super::sorted_entries(host, value);
        let flat: Vec<Value> = entries.into_iter().flat_map(|(k, v)| [k, v]).collect();
        return Some(Elements::Owned(flat.into_iter()));
    }
    unordered(&host.heap, value)
}

/// As [`ordered`], but a hash map's entries come as they are stored.
pub fn unordered(heap: &Heap, value: Value) -> Option<Elements<'_>> {
    Some(match value.kind() {
        Kind::List => Elements::List(heap.list_iter(value)),
        Kind::Vector | Kind::Record => Elements::Slice(heap.values(value).iter()),
        Kind::Map => Elements::Entries(Entries::Sorted(sorted_map::iter(heap, value)), None),
        Kind::HashMap => Elements::Entries(super::iter(heap, value), None),
        Kind::MutableArray | Kind::MutableCell => {
            Elements::Slice(mutable_values(heap, value).iter())
        }
        _ => return None,
    })
}
