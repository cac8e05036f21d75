//! Searching, sets, grouping and sorting by value.

use sema_machine::host::arguments::argument;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use sema_machine::data::collections::{key, sorted_map};
use sema_machine::data::equality;
use sema_machine::data::sequence::{require_iter, require_values};
use sema_machine::host::Host;
use sema_machine::host::condition::{Outcome, type_error, type_error_got, type_name};
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;

natives! {
    /// Whether an element is equal to a value.
    /// (list/contains? (list 1 2 3) 2) => #t
    /// (list/contains? ["a"] "b") => #f
    "list/contains?" (seq: Elements, value: Any) -> Bool, pure => contains;

    /// The index, from 0, of the first element equal to a value; nil if there is none.
    /// (list/index-of (list :a :b :c) :b) => 1
    /// (list/index-of (list :a) :z) => nil
    "list/index-of" (seq: Elements, value: Any) -> Any, pure => index_of;

    /// A list of the elements without those that are equal to an earlier one.
    /// (list/unique (list 1 2 1 3 2)) => (1 2 3)
    "list/unique" (seq: Elements) -> List, pure => unique;

    /// A list of the elements without those that are equal to the one right before them.
    /// (list/dedupe (list 1 1 2 2 1)) => (1 2 1)
    "list/dedupe" (seq: Elements) -> List, pure => dedupe;

    /// A list of the values that occur more than once, each once, in the order of their second occurrences.
    /// (list/duplicates (list 1 2 3 2 1 1)) => (2 1)
    "list/duplicates" (seq: Elements) -> List, pure => duplicates;

    /// A list of the elements of the first sequence that are not in the second.
    /// (list/diff (list 1 2 3 4) (list 2 4)) => (1 3)
    "list/diff" (seq: Elements, other: Elements) -> List, pure => diff;

    /// A list of the elements of the first sequence that are in the second too, repeated ones included.
    /// (list/intersect (list 1 2 3 2) [2 5]) => (2 2)
    "list/intersect" (seq: Elements, other: Elements) -> List, pure => intersect;

    /// A map from each value to how often it occurs. It raises if a value cannot be a key.
    /// (frequencies (list :a :b :a)) => {:a 2 :b 1}
    "frequencies" (seq: Elements) -> SortedMap, pure => frequencies;

    /// A list of the elements, all of one kind, in ascending order.
    "%sort" (seq: Elements) -> List, pure => sort;

    /// A list of the items of one list in the ascending order of their keys, which are in another.
    "%sort-by-keys" (items: List, keys: List) -> List, pure => sort_by_keys;

    /// A map from each key to the list of its items.
    "%group-items" (keys: Elements, items: List) -> SortedMap, pure => group_items;
}

/// The hashes are mixed already.
#[derive(Default)]
struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0 << 8 | u64::from(byte);
        }
    }
    fn write_u32(&mut self, hash: u32) {
        // The table takes some of its bits from the top.
        self.0 = u64::from(hash) << 32 | u64::from(hash);
    }
}

/// A multiset of values. Unlike `equal?` it takes NaN for equal to itself.
pub(crate) struct Tally<'h> {
    host: &'h Host,
    /// The index into `counts` of the last value with each hash.
    places: HashMap<u32, u32, BuildHasherDefault<Mixed>>,
    /// For each value the index of the one before it with the same hash, or its own.
    earlier: Vec<u32>,
    /// Values in order of their first occurrence, and how often they occurred.
    pub(crate) counts: Vec<(Value, usize)>,
}

impl<'h> Tally<'h> {
    pub(crate) fn new(host: &'h Host) -> Tally<'h> {
        Tally {
            host,
            places: HashMap::default(),
            earlier: Vec::new(),
            counts: Vec::new(),
        }
    }

    /// Counts one more occurrence; gives how many there are now.
    pub(crate) fn add(&mut self, value: Value) -> usize {
        let place = self.place(value);
        match self.counts.get_mut(place) {
            Some((_, count)) => {
                *count += 1;
                *count
            }
            None => 0,
        }
    }

    /// The index of a value in `counts`.
    #[inline(never)]
    fn place(&mut self, value: Value) -> usize {
        let hash = equality::hash(self.host, value);
        let new = self.counts.len() as u32;
        let last = *self.places.entry(hash).or_insert(new);
        if last != new {
            if let Some(place) = self.among(last, value) {
                return place;
            }
            self.places.insert(hash, new);
        }
        self.earlier.push(last);
        self.counts.push((value, 0));
        new as usize
    }

    /// The index of a value, looked for from the last one with its hash on.
    #[inline(never)]
    fn among(&self, last: u32, value: Value) -> Option<usize> {
        let mut place = last as usize;
        loop {
            let (other, _) = self.counts.get(place)?;
            if is_same(self.host, *other, value) {
                return Some(place);
            }
            let earlier = *self.earlier.get(place)? as usize;
            if earlier == place {
                return None;
            }
            place = earlier;
        }
    }

    fn has(&self, value: Value) -> bool {
        let last = self.places.get(&equality::hash(self.host, value));
        last.is_some_and(|last| self.among(*last, value).is_some())
    }
}

/// Equality that takes NaN for equal to itself, at any depth.
fn is_same(host: &Host, a: Value, b: Value) -> bool {
    equality::equal(host, a, b)
        || key::traits_of(host, a).irreflexive
            && equality::compare(host, a, b).is_eq()
            && !key::needs_identity(host, a)
}

fn tally<'h>(host: &'h Host, sequence: Value, function: &str) -> Outcome<Tally<'h>> {
    let mut tally = Tally::new(host);
    for value in require_iter(host, sequence, function)? {
        tally.add(value);
    }
    Ok(tally)
}

fn contains(host: &Host, args: &[Value]) -> Outcome {
    let value = argument(args, 1);
    let found = require_iter(host, argument(args, 0), "list/contains?")?
        .any(|element| equality::equal(host, element, value));
    Ok(Value::bool(found))
}

fn index_of(host: &Host, args: &[Value]) -> Outcome {
    let value = argument(args, 1);
    let index = require_iter(host, argument(args, 0), "list/index-of")?
        .position(|element| equality::equal(host, element, value));
    Ok(index.map_or(Value::NIL, Value::index))
}

fn unique(host: &Host, args: &[Value]) -> Outcome {
    let tally = tally(host, argument(args, 0), "list/unique")?;
    let values: Vec<Value> = tally.counts.iter().map(|(value, _)| *value).collect();
    Ok(host.heap.list(&values))
}

fn dedupe(host: &Host, args: &[Value]) -> Outcome {
    let mut values = require_values(host, argument(args, 0), "list/dedupe")?.into_owned();
    values.dedup_by(|later, kept| equality::equal(host, *later, *kept));
    Ok(host.heap.list(&values))
}

fn duplicates(host: &Host, args: &[Value]) -> Outcome {
    let mut tally = Tally::new(host);
    let repeated: Vec<Value> = require_iter(host, argument(args, 0), "list/duplicates")?
        .filter(|&value| tally.add(value) == 2)
        .collect();
    Ok(host.heap.list(&repeated))
}

/// The elements of the first sequence that are in the second, or those that are not.
fn select(host: &Host, args: &[Value], function: &str, wanted: bool) -> Outcome {
    let values = require_iter(host, argument(args, 0), function)?;
    let others = tally(host, argument(args, 1), function)?;
    let selected: Vec<Value> = values
        .filter(|&value| others.has(value) == wanted)
        .collect();
    Ok(host.heap.list(&selected))
}

fn diff(host: &Host, args: &[Value]) -> Outcome {
    select(host, args, "list/diff", false)
}

fn intersect(host: &Host, args: &[Value]) -> Outcome {
    select(host, args, "list/intersect", true)
}

fn frequencies(host: &Host, args: &[Value]) -> Outcome {
    let mut tally = Tally::new(host);
    for value in require_iter(host, argument(args, 0), "frequencies")? {
        if tally.add(value) == 1 {
            key::check(host, value)?;
        }
    }
    let entries: Vec<(Value, Value)> = tally
        .counts
        .iter()
        .map(|&(value, count)| (value, Value::index(count)))
        .collect();
    Ok(sorted_map::from_entries(host, &entries))
}

/// Kinds that `sort` compares with each other.
fn is_real(kind: Kind) -> bool {
    matches!(kind, Kind::Int | Kind::Float | Kind::Ratio)
}

fn sort(host: &Host, args: &[Value]) -> Outcome {
    let heap = &host.heap;
    let mut values = require_values(host, argument(args, 0), "sort")?.into_owned();
    let Some(&first) = values.first() else {
        return Ok(Value::EMPTY);
    };
    if values.iter().all(|value| value.is_fixnum()) {
        values.sort_unstable_by_key(|value| value.fixnum_shifted());
        return Ok(heap.list(&values));
    }
    let first_kind = first.kind();
    let offender = values.iter().find(|value| {
        let kind = value.kind();
        kind != first_kind
            && !(is_real(kind) && is_real(first_kind))
            && type_name(host, **value) != type_name(host, first)
    });
    if let Some(&offender) = offender {
        return Err(type_error_got(
            type_name(host, first),
            type_name(host, offender),
        ));
    }
    let order: fn(&Host, Value, Value) -> Ordering = if is_real(first_kind) {
        |host, a, b| equality::compare_reals(host, a, b).unwrap_or(Ordering::Equal)
    } else {
        equality::compare
    };
    equality::stable_sort(&mut values, |a, b| order(host, *a, *b));
    Ok(heap.list(&values))
}

/// The items with their keys, in ascending order of the keys.
fn by_key(
    host: &Host,
    items: Value,
    keys: Value,
    order: fn(&Host, Value, Value) -> Ordering,
) -> Outcome<Vec<(Value, Value)>> {
    let heap = &host.heap;
    for list in [items, keys] {
        if list.kind() != Kind::List {
            return Err(type_error(host, "list", list));
        }
    }
    let mut pairs: Vec<(Value, Value)> = heap.list_iter(keys).zip(heap.list_iter(items)).collect();
    equality::stable_sort(&mut pairs, |a, b| order(host, a.0, b.0));
    Ok(pairs)
}

/// The order of keys: real numbers by value, whatever their kinds, everything else as in maps.
fn key_order(host: &Host, a: Value, b: Value) -> Ordering {
    // Maps keep ratios far behind the other numbers.
    let beside_numbers = |value: Value| match value.kind() {
        Kind::Ratio => Value::small(0),
        _ => value,
    };
    equality::compare_reals(host, a, b)
        .unwrap_or_else(|| equality::compare(host, beside_numbers(a), beside_numbers(b)))
}

fn sort_by_keys(host: &Host, args: &[Value]) -> Outcome {
    let pairs = by_key(host, argument(args, 0), argument(args, 1), key_order)?;
    let items: Vec<Value> = pairs.iter().map(|(_, item)| *item).collect();
    Ok(host.heap.list(&items))
}

fn group_items(host: &Host, args: &[Value]) -> Outcome {
    let heap = &host.heap;
    let items = argument(args, 1);
    if items.kind() != Kind::List {
        return Err(type_error(host, "list", items));
    }
    let mut tally = Tally::new(host);
    let mut groups: Vec<Vec<Value>> = Vec::new();
    let keys = require_iter(host, argument(args, 0), "list/group-by")?;
    for (key, item) in keys.zip(heap.list_iter(items)) {
        match groups.get_mut(tally.place(key)) {
            Some(group) => group.push(item),
            None => {
                key::check(host, key)?;
                groups.push(vec![item]);
            }
        }
    }
    let entries: Vec<(Value, Value)> = (tally.counts.iter().zip(&groups))
        .map(|((key, _), items)| (*key, heap.list(items)))
        .collect();
    Ok(sorted_map::from_entries(host, &entries))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::call;
    use sema_machine::host::output::Output;

    #[test]
    fn sets_tell_kinds_apart_and_know_nan() {
        let host = Host::new(Output::memory(), &crate::NATIVES);
        let heap = &host.heap;
        let n = Value::small;
        let nan = Value::float(f64::NAN);
        let call = |name, args: &[Value]| call(&host, name, args);
        let list = heap.list(&[n(1), Value::float(1.0), n(1), n(2), n(2), n(2)]);
        assert_eq!(call("list/unique", &[list]), "(1 1.0 2)");
        assert_eq!(call("list/dedupe", &[list]), "(1 1.0 1 2)");
        assert_eq!(call("list/duplicates", &[list]), "(1 2)");
        assert_eq!(call("frequencies", &[list]), "{1 2 2 3 1.0 1}");
        let nans = heap.list(&[nan, nan]);
        assert_eq!(call("list/unique", &[nans]), "(NaN)");
        assert_eq!(call("list/dedupe", &[nans]), "(NaN NaN)");
        assert_eq!(
            call("frequencies", &[nans]),
            "type-error: expected reflexive map key, got float"
        );
        assert_eq!(
            call("list/diff", &[list, heap.vector(&[n(2)])]),
            "(1 1.0 1)"
        );
        assert_eq!(
            call("list/intersect", &[list, heap.vector(&[n(1)])]),
            "(1 1)"
        );
        assert_eq!(call("list/index-of", &[list, n(2)]), "3");
        assert_eq!(call("list/contains?", &[nans, nan]), "#f");
    }

    #[test]
    fn sorts_one_kind() {
        let host = Host::new(Output::memory(), &crate::NATIVES);
        let heap = &host.heap;
        let n = Value::small;
        let half = heap.object(Kind::Ratio, 0, &[n(1), n(2)]);
        let sort = |values: &[Value]| call(&host, "%sort", &[heap.list(values)]);
        assert_eq!(sort(&[n(3), n(-1), n(2)]), "(-1 2 3)");
        assert_eq!(
            sort(&[n(2), Value::float(1.0), n(1), half]),
            "(1/2 1.0 1 2)"
        );
        assert_eq!(sort(&[n(1), Value::float(f64::NAN), n(0)]), "(0 1 NaN)");
        assert_eq!(
            sort(&[heap.string("a"), n(1)]),
            "type-error: expected string, got int"
        );
        assert_eq!(
            sort(&[
                heap.list(&[n(2), n(1)]),
                heap.list(&[n(2)]),
                heap.list(&[n(1), n(9)])
            ]),
            "((1 9) (2) (2 1))"
        );
    }

    #[test]
    fn groups_keep_the_order_of_items() {
        let host = Host::new(Output::memory(), &crate::NATIVES);
        let heap = &host.heap;
        let n = Value::small;
        let f = heap.object(Kind::Closure, 0, &[n(0), n(1)]);
        let g = heap.object(Kind::Closure, 0, &[n(0), n(2)]);
        let keys = heap.list(&[n(2), f, n(1), g, n(2), f]);
        let items = heap.list(&[n(10), n(11), n(12), n(13), n(14), n(15)]);
        assert_eq!(
            call(&host, "%group-items", &[keys, items]),
            "{1 (12) 2 (10 14) <native-fn <vm-closure>> (11 15) <native-fn <vm-closure>> (13)}"
        );
        assert_eq!(
            call(&host, "%sort-by-keys", &[items, keys]),
            "(12 10 14 11 13 15)"
        );
    }
}
