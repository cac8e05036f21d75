//! Structural equality, hashing and the total order of values (language specification, 3.2, 3.3).
//!
//! All three walk compound values with explicit stacks, so data may be nested to any depth.

mod hash;
mod order;
mod sort;

pub use hash::hash;
pub(crate) use hash::hash_of_identified;
pub use order::compare;
pub use order::compare_reals;
pub use sort::stable_sort;

use std::collections::HashSet;

use crate::data::collections::elements::{self, Elements};
use crate::data::collections::{Entries, key, sorted_map};
use crate::data::number;
use crate::host::Host;
use crate::memory::value::{Kind, Value};

/// What can be said about two values without looking at their parts.
enum Verdict {
    Known(bool),
    /// Two compound values of this kind.
    Parts(Kind),
}

/// `equal?`
#[inline]
pub fn equal(host: &Host, a: Value, b: Value) -> bool {
    match look(host, a, b) {
        Verdict::Known(equal) => equal,
        Verdict::Parts(kind) => {
            let mut budget = BUDGET;
            match equal_parts(host, kind, a, b, SHALLOW, &mut budget) {
                Some(equal) => equal,
                None => {
                    let mut unlimited = usize::MAX;
                    Comparison::new(host, true).run(kind, a, b, &mut unlimited) == Some(true)
                }
            }
        }
    }
}

/// Levels of lists, vectors and records that are walked by recursion, which is faster than a stack on the
/// heap.
const SHALLOW: u32 = 8;
/// Pairs of compound values that are compared before it is noted which have been: if parts are shared, the same
/// pair comes again and again.
const BUDGET: usize = 1 << 14;

/// Compares the parts of two compound values of one kind; `depth` levels by recursion. `None`: the budget is used up.
fn equal_parts(
    host: &Host,
    kind: Kind,
    a: Value,
    b: Value,
    depth: u32,
    budget: &mut usize,
) -> Option<bool> {
    let heap = &host.heap;
    *budget = budget.checked_sub(1)?;
    let mut same = |a, b| match look(host, a, b) {
        Verdict::Known(equal) => Some(equal),
        Verdict::Parts(kind) => equal_parts(host, kind, a, b, depth - 1, budget),
    };
    match kind {
        _ if depth == 0 => Comparison::new(host, false).run(kind, a, b, budget),
        // The record types are compared as the first parts, by identity.
        Kind::Vector | Kind::Record => {
            let (a, b) = (heap.values(a), heap.values(b));
            if a.len() != b.len() {
                return Some(false);
            }
            for (&a, &b) in a.iter().zip(b) {
                if !same(a, b)? {
                    return Some(false);
                }
            }
            Some(true)
        }
        Kind::List => {
            if heap.list_len(a) != heap.list_len(b) {
                return Some(false);
            }
            for (a, b) in heap.list_iter(a).zip(heap.list_iter(b)) {
                if !same(a, b)? {
                    return Some(false);
                }
            }
            Some(true)
        }
        _ => Comparison::new(host, false).run(kind, a, b, budget),
    }
}

#[inline]
fn look(host: &Host, a: Value, b: Value) -> Verdict {
    if a == b {
        // NaN is not equal to itself; an object is, whatever it holds.
        return Verdict::Known(match a.as_float() {
            Some(number) => !number.is_nan(),
            None => !a.is_heap() || a.kind() != Kind::Complex || number::equal(&host.heap, a, b),
        });
    }
    if a.is_heap() && b.is_heap() {
        return look_at_objects(host, a, b);
    }
    Verdict::Known(match (a.as_float(), b.as_float()) {
        (Some(a), Some(b)) => a == b,
        _ => false,
    })
}

fn look_at_objects(host: &Host, a: Value, b: Value) -> Verdict {
    let heap = &host.heap;
    let kind = a.kind();
    if kind != b.kind() {
        return Verdict::Known(false);
    }
    Verdict::Known(match kind {
        Kind::String => heap.as_str(a) == heap.as_str(b),
        Kind::Int | Kind::Ratio | Kind::Complex => number::equal(heap, a, b),
        Kind::Bytevector => heap.as_bytevector(a) == heap.as_bytevector(b),
        Kind::I64Array => heap.as_i64_array(a) == heap.as_i64_array(b),
        Kind::F64Array => {
            let bits = |array| {
                heap.as_f64_array(array)
                    .unwrap_or_default()
                    .iter()
                    .map(|x| x.to_bits())
            };
            bits(a).eq(bits(b))
        }
        Kind::List
        | Kind::Vector
        | Kind::Map
        | Kind::HashMap
        | Kind::Record
        | Kind::MutableArray
        | Kind::MutableCell => return Verdict::Parts(kind),
        _ => false,
    })
}

/// A comparison of compound values in progress.
struct Comparison<'h> {
    host: &'h Host,
    /// Parts still to be compared pairwise.
    work: Vec<Pair<'h>>,
    /// Pairs of mutable objects that are being compared or have been: assumed equal, so cycles end.
    assumed: HashSet<(Value, Value)>,
    /// Pairs that have been found equal, if that is noted. Only those that have compound parts: the others take no longer
    /// to be compared again.
    equal: Option<HashSet<(Value, Value)>>,
}

/// Two compound values that are being compared.
struct Pair<'h> {
    values: (Value, Value),
    parts: (Elements<'h>, Elements<'h>),
    has_compound_parts: bool,
}

impl<'h> Comparison<'h> {
    fn new(host: &'h Host, notes_pairs: bool) -> Comparison<'h> {
        Comparison {
            host,
            work: Vec::new(),
            assumed: HashSet::new(),
            equal: notes_pairs.then(HashSet::new),
        }
    }

    /// Compares two values of this kind; `None` if the budget, in pairs of compound values, does not suffice.
    fn run(mut self, kind: Kind, a: Value, b: Value, budget: &mut usize) -> Option<bool> {
        if !self.enter(kind, a, b) {
            return Some(false);
        }
        while let Some(pair) = self.work.last_mut() {
            match (pair.parts.0.next(), pair.parts.1.next()) {
                (Some(a), Some(b)) => match look(self.host, a, b) {
                    Verdict::Known(true) => {}
                    Verdict::Known(false) => return Some(false),
                    Verdict::Parts(kind) => {
                        pair.has_compound_parts = true;
                        if self
                            .equal
                            .as_ref()
                            .is_some_and(|seen| seen.contains(&(a, b)))
                        {
                            continue;
                        }
                        *budget = budget.checked_sub(1)?;
                        if !self.enter(kind, a, b) {
                            return Some(false);
                        }
                    }
                },
                (None, None) => {
                    let done = self.work.pop();
                    if let (Some(seen), Some(done)) = (&mut self.equal, done)
                        && done.has_compound_parts
                    {
                        seen.insert(done.values);
                    }
                }
                _ => return Some(false),
            }
        }
        Some(true)
    }

    /// Schedules the parts of two values of one kind; false if they are known to differ.
    fn enter(&mut self, kind: Kind, a: Value, b: Value) -> bool {
        let heap = &self.host.heap;
        let slices = |a: &'h [Value], b: &'h [Value]| {
            (a.len() == b.len()).then(|| (Elements::Slice(a.iter()), Elements::Slice(b.iter())))
        };
        let parts = match kind {
            Kind::List if heap.list_len(a) == heap.list_len(b) => Some((
                Elements::List(heap.list_iter(a)),
                Elements::List(heap.list_iter(b)),
            )),
            Kind::Vector => slices(heap.values(a), heap.values(b)),
            // The record types are compared as the first parts, by identity.
            Kind::Record => slices(heap.values(a), heap.values(b)),
            Kind::MutableArray | Kind::MutableCell => {
                if !self.assumed.insert((a, b)) {
                    return true;
                }
                slices(
                    elements::mutable_values(heap, a),
                    elements::mutable_values(heap, b),
                )
            }
            Kind::Map => self.map_parts(a, b),
            Kind::HashMap => self.values_by_key(a, b),
            _ => None,
        };
        let Some(parts) = parts else { return false };
        self.work.push(Pair {
            values: (a, b),
            parts,
            has_compound_parts: false,
        });
        true
    }

    /// The entries of two maps. Their order agrees unless it says nothing about some keys.
    fn map_parts(&self, a: Value, b: Value) -> Option<(Elements<'h>, Elements<'h>)> {
        let heap = &self.host.heap;
        if sorted_map::len(heap, a) != sorted_map::len(heap, b) {
            return None;
        }
        if sorted_map::iter(heap, a).any(|(key, _)| key::needs_identity(self.host, key)) {
            return self.values_by_key(a, b);
        }
        let entries = |map| Elements::Entries(Entries::Sorted(sorted_map::iter(heap, map)), None);
        Some((entries(a), entries(b)))
    }

    /// The values of the keys of `a` in both; `None` if `b` has other keys.
    fn values_by_key(&self, a: Value, b: Value) -> Option<(Elements<'h>, Elements<'h>)> {
        let heap = &self.host.heap;
        let length = crate::data::collections::len(heap, a);
        if length != crate::data::collections::len(heap, b) {
            return None;
        }
        let mut left = Vec::with_capacity(length);
        let mut right = Vec::with_capacity(length);
        for (key, value) in crate::data::collections::iter(heap, a) {
            left.push(value);
            right.push(crate::data::collections::get(self.host, b, key)?);
        }
        Some((
            Elements::Owned(left.into_iter()),
            Elements::Owned(right.into_iter()),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::output::Output;

    /// Looked for among all walks over values: `equal?`, order, hash, and what messages show (data/print.rs).
    #[test]
    fn walks_over_shared_parts_end() {
        let host = Host::new(Output::memory(), &crate::host::natives::Natives::NONE);
        let heap = &host.heap;
        let lists = |leaf| (0..200).fold(leaf, |value, _| heap.list(&[value, value]));
        let vectors = |leaf| (0..200).fold(leaf, |value, _| heap.vector(&[value, value, value]));
        let maps = |leaf| {
            (0..60).fold(leaf, |value, _| {
                let entries = [(host.keyword("a"), value), (host.keyword("b"), value)];
                sorted_map::from_entries(&host, &entries)
            })
        };
        let makes: [&dyn Fn(Value) -> Value; 3] = [&lists, &vectors, &maps];
        for make in makes {
            let (one, same, other) = (
                make(Value::small(1)),
                make(Value::small(1)),
                make(Value::small(2)),
            );
            assert!(equal(&host, one, same));
            assert!(!equal(&host, one, other));
            assert_eq!(hash(&host, one), hash(&host, same));
            assert_eq!(compare(&host, one, same), std::cmp::Ordering::Equal);
            assert_eq!(compare(&host, one, other), std::cmp::Ordering::Less);
        }
        // A comparison that notes what it has seen finds the same as one that does not.
        let rows = |last| {
            let row = |number: i32| heap.vector(&[heap.list(&[Value::small(number % 7)])]);
            let mut rows: Vec<Value> = (0..30_000).map(row).collect();
            rows.push(last);
            heap.list(&rows)
        };
        assert!(equal(&host, rows(Value::TRUE), rows(Value::TRUE)));
        assert!(!equal(&host, rows(Value::TRUE), rows(Value::FALSE)));
    }

    #[test]
    fn follows_the_table_of_the_specification() {
        let host = Host::new(Output::memory(), &crate::host::natives::Natives::NONE);
        let heap = &host.heap;
        let nan = Value::float(f64::NAN);
        let list = heap.list(&[nan]);
        let same = |a, b| equal(&host, a, b);
        assert!(!same(nan, nan));
        assert!(same(list, list));
        assert!(same(heap.vector(&[list]), heap.vector(&[list])));
        assert!(!same(list, heap.list(&[nan])));
        assert!(same(Value::float(0.0), Value::float(-0.0)));
        assert!(!same(Value::small(1), Value::float(1.0)));
        assert!(same(heap.int(i64::MAX), heap.int(i64::MAX)));
        assert!(!same(heap.int(i64::MAX), heap.int(i64::MIN)));
        assert!(!same(Value::EMPTY, Value::NIL));
        assert!(!same(
            heap.list(&[Value::TRUE]),
            heap.vector(&[Value::TRUE])
        ));
        assert!(!same(heap.f64_array(&[0.0]), heap.f64_array(&[-0.0])));
        assert!(same(
            heap.f64_array(&[f64::NAN]),
            heap.f64_array(&[f64::NAN])
        ));
        let complex = heap.object(Kind::Complex, 0, &[nan, Value::small(1)]);
        assert!(!same(complex, complex));
    }

    #[test]
    fn cycles_of_mutable_objects_end() {
        let host = Host::new(Output::memory(), &crate::host::natives::Natives::NONE);
        let heap = &host.heap;
        let cells: Vec<Value> = (0..2)
            .map(|_| {
                let cell = heap.object(Kind::MutableCell, 0, &[Value::NIL]);
                heap.set_field(cell, 0, heap.list(&[cell, Value::TRUE]));
                cell
            })
            .collect();
        assert!(equal(&host, cells[0], cells[1]));
        assert!(compare(&host, cells[0], cells[1]).is_eq());
    }

    #[test]
    fn depth_is_no_limit() {
        let host = Host::new(Output::memory(), &crate::host::natives::Natives::NONE);
        let heap = &host.heap;
        let deep = || {
            (0..200_000).fold(Value::EMPTY, |inner, i| {
                let map = crate::data::collections::sorted_map::empty(heap);
                match i % 3 {
                    0 => heap.list(&[Value::small(i), inner]),
                    1 => heap.vector(&[inner, Value::TRUE]),
                    _ => crate::data::collections::insert(&host, map, Value::small(i), inner),
                }
            })
        };
        let (a, b) = (deep(), deep());
        assert!(equal(&host, a, b));
        assert!(compare(&host, a, b).is_eq());
        assert_eq!(hash(&host, a), hash(&host, b));
    }
}
