//! The total order of values.

use std::cmp::Ordering;
use std::collections::HashSet;

use crate::data::collections::elements::{self, Elements};
use crate::data::number;
use crate::host::Host;
use crate::memory::value::{Kind, Value};

/// The total order that sorted maps use. Distinct opaque objects of one kind (closures, promises …)
/// compare as equal: they have no order that survives a collection.
#[inline]
pub fn compare(host: &Host, a: Value, b: Value) -> Ordering {
    if a.both_fixnums(b) {
        return a.fixnum_shifted().cmp(&b.fixnum_shifted());
    }
    compare_others(host, a, b)
}

/// The order of values that are not both small integers.
#[inline(never)]
fn compare_others(host: &Host, a: Value, b: Value) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    let heap = &host.heap;
    if let (Some(left), Some(right)) = (heap.as_vector(a), heap.as_vector(b)) {
        // Keys are often short vectors of small integers.
        for (&x, &y) in left.iter().zip(right) {
            if x == y {
                continue;
            }
            if x.both_fixnums(y) {
                return x.fixnum_shifted().cmp(&y.fixnum_shifted());
            }
            return compare_vectors(host, a, b);
        }
        return left.len().cmp(&right.len());
    }
    if let Some(ordering) = compare_leaves(host, a, b) {
        return ordering;
    }
    compare_compounds(host, a, b)
}

/// The order of two compound values of one kind.
#[inline(never)]
fn compare_compounds(host: &Host, a: Value, b: Value) -> Ordering {
    let mut budget = super::BUDGET;
    match compare_shallow(host, a, b, super::SHALLOW, &mut budget) {
        Some(ordering) => ordering,
        None => compare_noting(host, a, b),
    }
}

/// The order of two vectors. Nothing is kept for afterwards as long as the budget lasts: keys are compared often.
#[inline(never)]
fn compare_vectors(host: &Host, a: Value, b: Value) -> Ordering {
    let mut budget = super::BUDGET;
    let (left, right) = (host.heap.values(a), host.heap.values(b));
    match compare_slices(host, left, right, super::SHALLOW, &mut budget) {
        Some(ordering) => ordering,
        None => compare_noting(host, a, b),
    }
}

/// The order of two compound values of one kind whose parts are shared, or a great many: what has been seen is noted.
#[cold]
#[inline(never)]
fn compare_noting(host: &Host, a: Value, b: Value) -> Ordering {
    compare_parts(host, (a, b), None).unwrap_or(Ordering::Equal)
}

/// Compares two compound values of one kind, `depth` levels by recursion. `None`: the budget is used up.
fn compare_shallow(
    host: &Host,
    a: Value,
    b: Value,
    depth: u32,
    budget: &mut usize,
) -> Option<Ordering> {
    let heap = &host.heap;
    *budget = budget.checked_sub(1)?;
    match a.kind() {
        _ if depth == 0 => compare_parts(host, (a, b), Some(budget)),
        Kind::Vector | Kind::Record => {
            compare_slices(host, heap.values(a), heap.values(b), depth, budget)
        }
        Kind::List => {
            let (mut rest_a, mut rest_b) = (heap.list_iter(a), heap.list_iter(b));
            loop {
                let (a, b) = match (rest_a.next(), rest_b.next()) {
                    (Some(a), Some(b)) => (a, b),
                    (a, b) => return Some(a.is_some().cmp(&b.is_some())),
                };
                let ordering = compare_elements(host, a, b, depth, budget)?;
                if ordering.is_ne() {
                    return Some(ordering);
                }
            }
        }
        _ => compare_parts(host, (a, b), Some(budget)),
    }
}

/// Compares elements one after the other; the shorter row comes first.
#[inline(always)]
fn compare_slices(
    host: &Host,
    a: &[Value],
    b: &[Value],
    depth: u32,
    budget: &mut usize,
) -> Option<Ordering> {
    for (&a, &b) in a.iter().zip(b) {
        let ordering = compare_elements(host, a, b, depth, budget)?;
        if ordering.is_ne() {
            return Some(ordering);
        }
    }
    Some(a.len().cmp(&b.len()))
}

#[inline(always)]
fn compare_elements(
    host: &Host,
    a: Value,
    b: Value,
    depth: u32,
    budget: &mut usize,
) -> Option<Ordering> {
    if a.both_fixnums(b) {
        return Some(a.fixnum_shifted().cmp(&b.fixnum_shifted()));
    }
    compare_leaves(host, a, b).or_else(|| compare_shallow(host, a, b, depth - 1, budget))
}

/// The place of a kind among the kinds.
fn rank(kind: Kind) -> u8 {
    match kind {
        Kind::Nil => 0,
        Kind::Bool => 1,
        Kind::Int => 2,
        Kind::Float => 3,
        Kind::Char => 4,
        Kind::String => 5,
        Kind::Symbol => 6,
        Kind::Keyword => 7,
        Kind::List => 8,
        Kind::Vector => 9,
        Kind::Map => 10,
        Kind::HashMap => 11,
        Kind::Record => 12,
        Kind::Bytevector => 13,
        Kind::F64Array => 14,
        Kind::I64Array => 15,
        Kind::Stream => 16,
        Kind::Ratio => 18,
        Kind::Complex => 19,
        Kind::MutableArray => 20,
        Kind::MutableCell => 21,
        _ => 17,
    }
}

/// Compares two values unless both are compound ones of the same kind.
fn compare_leaves(host: &Host, a: Value, b: Value) -> Option<Ordering> {
    if a == b {
        return Some(Ordering::Equal);
    }
    let heap = &host.heap;
    let (kind_a, kind_b) = (a.kind(), b.kind());
    if kind_a != kind_b {
        let by_rank = rank(kind_a).cmp(&rank(kind_b));
        return Some(by_rank.then((kind_a as u8).cmp(&(kind_b as u8))));
    }
    Some(match kind_a {
        Kind::Bool | Kind::Char | Kind::Native => a.bits().cmp(&b.bits()),
        Kind::Int | Kind::Float | Kind::Ratio | Kind::Complex => number::order(heap, a, b),
        Kind::String => heap.as_str(a).cmp(&heap.as_str(b)),
        Kind::Symbol | Kind::Keyword => host.name_of(a).cmp(&host.name_of(b)),
        Kind::Bytevector => heap.as_bytevector(a).cmp(&heap.as_bytevector(b)),
        Kind::I64Array => heap.as_i64_array(a).cmp(&heap.as_i64_array(b)),
        Kind::F64Array => {
            // Equality of arrays is that of their bits, so the order must tell zeros apart.
            let (a, b) = (heap.as_f64_array(a), heap.as_f64_array(b));
            let (a, b) = (a.unwrap_or_default(), b.unwrap_or_default());
            (a.iter().zip(b))
                .map(|(a, b)| a.total_cmp(b))
                .find(|ordering| ordering.is_ne())
                .unwrap_or(a.len().cmp(&b.len()))
        }
        // Records are ordered by type first, types by when they were declared.
        Kind::RecordType => number::order(heap, heap.field(a, 2), heap.field(b, 2)),
        Kind::List
        | Kind::Vector
        | Kind::Map
        | Kind::HashMap
        | Kind::Record
        | Kind::MutableArray
        | Kind::MutableCell => return None,
        _ => Ordering::Equal,
    })
}

/// Compares two real numbers by exact value across kinds, NaN last; `None` if one is no real number.
pub fn compare_reals(host: &Host, a: Value, b: Value) -> Option<Ordering> {
    let is_real = |value: Value| matches!(value.kind(), Kind::Int | Kind::Float | Kind::Ratio);
    if !is_real(a) || !is_real(b) {
        return None;
    }
    let is_nan = |value: Value| value.as_float().is_some_and(f64::is_nan);
    Some(number::compare_exact(&host.heap, a, b).unwrap_or_else(|| is_nan(a).cmp(&is_nan(b))))
}

/// Compares the parts of two compound values of one kind. With a budget, in pairs of compound values, `None` means that
/// it is used up; without, pairs that have been found equal are noted and not compared again.
fn compare_parts(
    host: &Host,
    (a, b): (Value, Value),
    mut budget: Option<&mut usize>,
) -> Option<Ordering> {
    let mut stack: Vec<((Value, Value), (Elements<'_>, Elements<'_>))> = Vec::new();
    // Pairs of mutable objects met before count as equal, so cycles end.
    let mut assumed = HashSet::new();
    let mut seen = HashSet::new();
    let mut pair = Some((a, b));
    loop {
        if let Some((a, b)) = pair.take() {
            match &mut budget {
                Some(budget) => **budget = budget.checked_sub(1)?,
                None if seen.contains(&(a, b)) => continue,
                None => {}
            }
            let mutable = matches!(a.kind(), Kind::MutableArray | Kind::MutableCell);
            if (!mutable || assumed.insert((a, b)))
                && let (Some(left), Some(right)) =
                    (elements::ordered(host, a), elements::ordered(host, b))
            {
                stack.push(((a, b), (left, right)));
            }
        }
        let Some((values, (left, right))) = stack.last_mut() else {
            return Some(Ordering::Equal);
        };
        match (left.next(), right.next()) {
            (Some(a), Some(b)) => match compare_leaves(host, a, b) {
                Some(Ordering::Equal) => {}
                Some(ordering) => return Some(ordering),
                None => pair = Some((a, b)),
            },
            (None, None) => {
                if budget.is_none() {
                    seen.insert(*values);
                }
                stack.pop();
            }
            (None, Some(_)) => return Some(Ordering::Less),
            (Some(_), None) => return Some(Ordering::Greater),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::output::Output;
    use num_bigint::BigInt;

    /// Values in ascending order; the model is the list itself.
    fn ascending(host: &Host) -> Vec<Value> {
        let heap = &host.heap;
        let big: BigInt = BigInt::from(u64::MAX) * 3u8;
        let ratio = |n, d| heap.object(Kind::Ratio, 0, &[Value::small(n), Value::small(d)]);
        vec![
            Value::NIL,
            Value::FALSE,
            Value::TRUE,
            heap.bigint(&-big.clone()),
            heap.int(i64::MIN),
            Value::small(-1),
            Value::small(2),
            heap.int(i64::MAX),
            heap.bigint(&big),
            heap.bigint(&(big + 1)),
            Value::float(f64::NEG_INFINITY),
            Value::float(-0.0),
            Value::float(1.5),
            Value::float(f64::INFINITY),
            Value::float(f64::NAN),
            Value::char('a'),
            Value::char('é'),
            heap.string(""),
            heap.string("B"),
            heap.string("a"),
            heap.string("é"),
            host.symbol("z"),
            host.keyword("a"),
            host.keyword("b"),
            Value::EMPTY,
            heap.list(&[Value::NIL]),
            heap.list(&[Value::TRUE]),
            heap.list(&[Value::TRUE, Value::NIL]),
            heap.vector(&[]),
            heap.vector(&[Value::TRUE]),
            heap.bytevector(&[1, 2]),
            heap.bytevector(&[2]),
            heap.f64_array(&[-0.0]),
            heap.f64_array(&[0.0]),
            heap.i64_array(&[-1]),
            Value::native(3),
            ratio(-1, 2),
            ratio(1, 3),
            ratio(1, 2),
        ]
    }

    #[test]
    fn is_total() {
        let host = Host::new(Output::memory(), &crate::host::natives::Natives::NONE);
        let values = ascending(&host);
        for (i, &a) in values.iter().enumerate() {
            for (j, &b) in values.iter().enumerate() {
                assert_eq!(compare(&host, a, b), i.cmp(&j), "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn reals_compare_exactly_across_kinds() {
        let host = Host::new(Output::memory(), &crate::host::natives::Natives::NONE);
        let heap = &host.heap;
        let order = |a, b| compare_reals(&host, a, b);
        let exact = heap.int((1 << 53) + 1);
        let float = Value::float((1u64 << 53) as f64);
        assert_eq!(order(exact, float), Some(Ordering::Greater));
        let half = heap.object(Kind::Ratio, 0, &[Value::small(1), Value::small(2)]);
        assert_eq!(order(half, Value::float(0.5)), Some(Ordering::Equal));
        assert_eq!(
            order(half, Value::float(f64::NEG_INFINITY)),
            Some(Ordering::Greater)
        );
        assert_eq!(
            order(Value::float(f64::NAN), exact),
            Some(Ordering::Greater)
        );
        assert_eq!(order(exact, Value::float(f64::NAN)), Some(Ordering::Less));
        assert_eq!(order(Value::NIL, exact), None);
    }
}
