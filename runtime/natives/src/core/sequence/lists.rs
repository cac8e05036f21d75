//! Lists: construction, access, parts.

pub mod combine;
pub mod select;
pub mod statistics;

use sema_format::isa::Op;
use sema_machine::data::number::integer;
use sema_machine::data::sequence::{
    self, count_argument, counted, element_at, int_argument, list_or_vector, not_a_sequence,
    require_iter, require_values,
};
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, check_count, check_limit};
use sema_machine::host::condition::{Outcome, eval_error, type_error};
use sema_machine::host::declaration::ANY_NUMBER;
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;

natives! {
    /// A list of the arguments in their order.
    /// (list 1 :two "three") => (1 :two "three")
    /// (list) => ()
    "list" (values*: Any) -> List, total, op(ANY_NUMBER, Op::MakeList) => list;

    /// A list that starts with a value and goes on with a list, which is shared. After nil it is the only
    /// element; any other second argument, a vector too, becomes the second element.
    /// (cons 1 (list 2 3)) => (1 2 3)
    /// (cons 1 nil) => (1)
    /// (cons 1 2) => (1 2)
    "cons" (first: Any, rest: Any) -> Pair, total, op(2, Op::Cons) => cons;

    /// The first element of a list or vector; nil if there is none.
    /// (car (list 1 2 3)) => 1
    /// (car (list)) => nil
    /// (car "abc") => error expected list or vector, got string
    "car" (seq: Sequence) -> Any, pure, op(1, Op::First) => car;

    /// The first element of a list or vector; nil if there is none. The same as `car`.
    /// (first [10 20]) => 10
    /// (first []) => nil
    "first" (seq: Sequence) -> Any, pure, op(1, Op::First) => car;

    /// The elements after the first one, in a list or vector like the argument; nothing is left of an empty one.
    /// (cdr (list 1 2 3)) => (2 3)
    /// (cdr [1 2 3]) => [2 3]
    /// (cdr (list)) => ()
    "cdr" (seq: Sequence) -> Sequence, pure, op(1, Op::Rest) => cdr;

    /// The elements after the first one, in a list or vector like the argument. The same as `cdr`.
    /// (rest (list :a :b)) => (:b)
    "rest" (seq: Sequence) -> Sequence, pure, op(1, Op::Rest) => cdr;

    /// The first element of the first element; nil where one is missing. It raises if the first element is neither a
    /// list nor a vector.
    /// (caar (list (list 1 2) 3)) => 1
    "caar" (seq: Sequence) -> Any, pure => caar;

    /// The second element; nil if there is none.
    /// (cadr (list :a :b :c)) => :b
    /// (cadr (list :a)) => nil
    "cadr" (seq: Sequence) -> Any, pure => cadr;

    /// What follows the first element of the first element.
    /// (cdar (list (list 1 2 3) 4)) => (2 3)
    "cdar" (seq: Sequence) -> Sequence, pure => cdar;

    /// The elements after the first two.
    /// (cddr (list 1 2 3 4)) => (3 4)
    /// (cddr [1]) => []
    "cddr" (seq: Sequence) -> Sequence, pure => cddr;

    /// The first element of the first element of the first element.
    /// (caaar (list (list (list 1 2)))) => 1
    "caaar" (seq: Sequence) -> Any, pure => caaar;

    /// The first element of the second element.
    /// (caadr (list 1 (list 2 3))) => 2
    "caadr" (seq: Sequence) -> Any, pure => caadr;

    /// The second element of the first element.
    /// (cadar (list (list 1 2) 3)) => 2
    "cadar" (seq: Sequence) -> Any, pure => cadar;

    /// The third element; nil if there is none.
    /// (caddr (list :a :b :c)) => :c
    "caddr" (seq: Sequence) -> Any, pure => caddr;

    /// What follows the first element of the first element of the first element.
    /// (cdaar (list (list (list 1 2)))) => (2)
    "cdaar" (seq: Sequence) -> Sequence, pure => cdaar;

    /// What follows the first element of the second element.
    /// (cdadr (list 1 (list 2 3))) => (3)
    "cdadr" (seq: Sequence) -> Sequence, pure => cdadr;

    /// What follows the first two elements of the first element.
    /// (cddar (list (list 1 2 3))) => (3)
    "cddar" (seq: Sequence) -> Sequence, pure => cddar;

    /// The elements after the first three.
    /// (cdddr (list 1 2 3 4)) => (4)
    "cdddr" (seq: Sequence) -> Sequence, pure => cdddr;

    /// The number of elements of a list, vector, byte vector, typed array or mutable array, of characters of a string, or
    /// of entries of a map. Anything else is refused, nil too.
    /// (length (list 1 2 3)) => 3
    /// (length "né") => 2
    /// (length nil) => error got nil
    "length" (coll: Any) -> Count, pure, reads, borrows, op(1, Op::Length) => length;

    /// The number of elements of a list or vector, of characters of a string, or of entries of a map; 0 for nil.
    /// (count {:a 1 :b 2}) => 2
    /// (count nil) => 0
    "count" (coll: Any) -> Count, pure, reads, borrows => count;

    /// The element at an index, counted from 0. It raises if there is none.
    /// (nth (list :a :b :c) 1) => :b
    /// (nth [10 20] 2) => error index 2 out of bounds (length 2)
    "nth" (seq: Elements, index: Count) -> Any, pure, op(2, Op::Nth) => nth;

    /// The element at an index, counted from 0; a default past the end. A negative index is an error.
    /// (list/nth-or (list :a :b) 1 :none) => :b
    /// (list/nth-or (list :a :b) 5 :none) => :none
    "list/nth-or" (seq: Elements, index: Count, default: Any) -> Any, pure => nth_or;

    /// The last element; nil if there is none.
    /// (last (list 1 2 3)) => 3
    /// (last []) => nil
    "last" (seq: Elements) -> Any, pure => last;

    /// A list of the elements of all arguments, in order. The last list is shared, not copied.
    /// (append (list 1) [2 3] (list 4)) => (1 2 3 4)
    /// (append) => ()
    "append" (seqs*: Sequence) -> List, pure => append;

    /// The elements from last to first, in a list or vector like the argument.
    /// (reverse (list 1 2 3)) => (3 2 1)
    /// (reverse [1 2]) => [2 1]
    "reverse" (seq: Sequence) -> Sequence, pure => reverse;

    /// A list of integers from a start (0 if only the end is given) up to but without an end, a step (1) apart. A negative
    /// step counts down; step 0 is an error.
    /// (range 4) => (0 1 2 3)
    /// (range 2 5) => (2 3 4)
    /// (range 10 0 -4) => (10 6 2)
    "range" (start: Int, end?: Int, step?: Int) -> List, pure, counts("%range-end") => range;

    /// The end of a range with step 1, after the checks of `range`.
    "%range-end" (start: Int, end?: Int) -> Int, pure => range_end;

    /// The elements of a list from last to first.
    "%reversed" (list: List) -> List, pure => reverse;

    /// A list of so many integers from a start (0), a step (1) apart. It is empty for a negative count.
    /// (iota 3) => (0 1 2)
    /// (iota 3 10 5) => (10 15 20)
    "iota" (count: Int, start?: Int, step?: Int) -> List, pure => iota;

    /// A list that holds a value so many times.
    /// (list/repeat 3 :x) => (:x :x :x)
    "list/repeat" (count: Count, value: Any) -> List, pure => repeat;

    /// A list that holds a value so many times. The same as `list/repeat`.
    /// (make-list 2 0) => (0 0)
    "make-list" (count: Count, value: Any) -> List, pure => repeat;

    /// A list of the first elements, as many as asked for or all there are.
    /// (take 2 (list :a :b :c)) => (:a :b)
    /// (take 9 [1 2]) => (1 2)
    "take" (count: Count, seq: Elements) -> List, pure => take;

    /// A list of what follows the first elements; empty if there are not more than these.
    /// (drop 2 (list :a :b :c)) => (:c)
    /// (drop 9 [1 2]) => ()
    "drop" (count: Count, seq: Elements) -> List, pure => drop_first;

    /// A list of the last elements, as many as asked for or all there are.
    /// (list/take-last 2 (list 1 2 3)) => (2 3)
    "list/take-last" (count: Count, seq: Elements) -> List, pure => take_last;

    /// A list of what comes before the last elements; empty if there are not more than these.
    /// (list/drop-last 2 (list 1 2 3)) => (1)
    "list/drop-last" (count: Count, seq: Elements) -> List, pure => drop_last;

    /// A list of two lists: the elements before an index, and those from it on.
    /// (list/split-at (list :a :b :c) 1) => ((:a) (:b :c))
    "list/split-at" (seq: Elements, index: Count) -> List, pure => split_at;

    /// The list that starts with the first element equal to a value; #f if there is none.
    /// (member 2 (list 1 2 3)) => (2 3)
    /// (member 9 (list 1 2 3)) => #f
    "member" (value: Any, seq: Elements) -> Any, pure => member;

    /// The first entry of an association list, a list, that starts with a value equal to the key; #f if there is none.
    /// (assq :b (list (list :a 1) (list :b 2))) => (:b 2)
    /// (assq :c (list (list :a 1))) => #f
    "assq" (key: Any, entries: Elements) -> Any, pure => assq;

    /// The first entry of an association list, a list, that starts with a value equal to the key; #f if there is none.
    /// The same as `assq`.
    /// (assv 2 (list (list 1 "one") (list 2 "two"))) => (2 "two")
    "assv" (key: Any, entries: Elements) -> Any, pure => assv;
}

fn list(host: &Host, args: &[Value]) -> Outcome {
    Ok(host.heap.list(args))
}

fn cons(host: &Host, args: &[Value]) -> Outcome {
    Ok(sequence::cons(host, argument(args, 0), argument(args, 1)))
}

/// Natives that are compositions of `car` and `cdr`, applied from left to right.
macro_rules! paths {
    ($($name:ident: $($step:ident)*;)*) => {
        $(fn $name(host: &Host, args: &[Value]) -> Outcome {
            let value = argument(args, 0);
            $(let value = sequence::$step(host, value)?;)*
            Ok(value)
        })*
    };
}

paths! {
    car: first;
    cdr: rest;
    caar: first first;
    cadr: rest first;
    cdar: first rest;
    cddr: rest rest;
    caaar: first first first;
    caadr: rest first first;
    cadar: first rest first;
    caddr: rest rest first;
    cdaar: first first rest;
    cdadr: rest first rest;
    cddar: first rest rest;
    cdddr: rest rest rest;
}

fn length(host: &Host, args: &[Value]) -> Outcome {
    sequence::length(host, argument(args, 0))
}

fn count(host: &Host, args: &[Value]) -> Outcome {
    let value = argument(args, 0);
    if value.is_nil() {
        return Ok(Value::small(0));
    }
    counted(host, value)
        .map(Value::index)
        .ok_or_else(|| type_error(host, "collection", value))
}

fn nth(host: &Host, args: &[Value]) -> Outcome {
    sequence::nth(host, argument(args, 0), argument(args, 1))
}

fn nth_or(host: &Host, args: &[Value]) -> Outcome {
    let sequence = argument(args, 0);
    if sequence::seq_len(host, sequence).is_none() {
        return Err(not_a_sequence(host, sequence, "list/nth-or"));
    }
    let index = count_argument(host, "list/nth-or", argument(args, 1))?;
    Ok(element_at(host, sequence, index).unwrap_or(argument(args, 2)))
}

fn last(host: &Host, args: &[Value]) -> Outcome {
    let sequence = argument(args, 0);
    match sequence::seq_len(host, sequence) {
        None => Err(not_a_sequence(host, sequence, "last")),
        Some(0) => Ok(Value::NIL),
        Some(length) => Ok(element_at(host, sequence, length - 1).unwrap_or(Value::NIL)),
    }
}

fn append(host: &Host, args: &[Value]) -> Outcome {
    let heap = &host.heap;
    let Some((&last, before)) = args.split_last() else {
        return Ok(Value::EMPTY);
    };
    let mut elements = Vec::new();
    for &part in before {
        let part = list_or_vector(host, part)?;
        check_limit(host, "append", elements.len() + part.len())?;
        elements.extend_from_slice(&part);
    }
    if last.kind() == Kind::List {
        // The last list is shared.
        return Ok(heap.list_with_tail(&elements, last));
    }
    let part = list_or_vector(host, last)?;
    check_limit(host, "append", elements.len() + part.len())?;
    elements.extend_from_slice(&part);
    Ok(heap.list(&elements))
}

fn reverse(host: &Host, args: &[Value]) -> Outcome {
    let sequence = argument(args, 0);
    let mut elements = list_or_vector(host, sequence)?.into_owned();
    elements.reverse();
    Ok(if sequence.kind() == Kind::Vector {
        host.heap.vector(&elements)
    } else {
        host.heap.list(&elements)
    })
}

fn range(host: &Host, args: &[Value]) -> Outcome {
    let int = |index: usize| int_argument(host, "range", index, argument(args, index));
    let (start, end, step) = match args.len() {
        1 => (0, int(0)?, 1),
        2 => (int(0)?, int(1)?, 1),
        _ => (int(0)?, int(1)?, int(2)?),
    };
    if step == 0 {
        return Err(eval_error("range: step cannot be 0"));
    }
    let distance = i128::from(end) - i128::from(start);
    let step_wide = i128::from(step);
    let steps = if (distance > 0) == (step > 0) && distance != 0 {
        (distance.abs() + step_wide.abs() - 1) / step_wide.abs()
    } else {
        0
    };
    progression(host, "range", steps, start, step)
}

/// Takes the arguments of `range` and gives the end, once they have been checked as `range` does.
fn range_end(host: &Host, args: &[Value]) -> Outcome {
    let int = |index: usize| int_argument(host, "range", index, argument(args, index));
    let (start, end) = match args.len() {
        1 => (0, int(0)?),
        _ => (int(0)?, int(1)?),
    };
    let count = (i128::from(end) - i128::from(start)).max(0);
    check_count("range", u64::try_from(count).unwrap_or(u64::MAX))?;
    Ok(host.heap.int(end))
}

fn iota(host: &Host, args: &[Value]) -> Outcome {
    let int = |index: usize, default: i64| match args.get(index) {
        Some(&value) => int_argument(host, "iota", index, value),
        None => Ok(default),
    };
    let (count, start, step) = (int(0, 0)?, int(1, 0)?, int(2, 1)?);
    progression(host, "iota", i128::from(count.max(0)), start, step)
}

/// The list `start`, `start + step` … of `count` integers.
fn progression(host: &Host, function: &str, count: i128, start: i64, step: i64) -> Outcome {
    check_count(function, u64::try_from(count).unwrap_or(u64::MAX))?;
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    check_limit(host, function, count)?;
    let last = step
        .checked_mul(count.saturating_sub(1) as i64)
        .and_then(|distance| start.checked_add(distance));
    let elements: Vec<Value> =
        if let (Some(_), Some(_)) = (Value::fixnum(start), last.and_then(Value::fixnum)) {
            // What lies between two small integers is one too.
            (0..count as i64)
                .filter_map(|index| Value::fixnum(start + index * step))
                .collect()
        } else {
            let (start, step) = (i128::from(start), i128::from(step));
            (0..count as i128)
                .map(|index| integer::from_i128(&host.heap, start + index * step))
                .collect()
        };
    Ok(host.heap.list(&elements))
}

fn repeat(host: &Host, args: &[Value]) -> Outcome {
    let count = count_argument(host, "list/repeat", argument(args, 0))?;
    check_limit(host, "list/repeat", count)?;
    Ok(host.heap.list(&vec![argument(args, 1); count]))
}

fn take(host: &Host, args: &[Value]) -> Outcome {
    let count = count_argument(host, "take", argument(args, 0))?;
    let sequence = argument(args, 1);
    let elements = require_iter(host, sequence, "take")?;
    if sequence.kind() == Kind::List && count >= host.heap.list_len(sequence) {
        return Ok(sequence);
    }
    Ok(host.heap.list(&elements.take(count).collect::<Vec<_>>()))
}

/// The list of the elements from `from` on, shared with a list.
fn tail(host: &Host, sequence: Value, from: usize, function: &str) -> Outcome {
    let heap = &host.heap;
    if sequence.kind() == Kind::List {
        return Ok(heap.list_drop(sequence, from).unwrap_or(Value::EMPTY));
    }
    let elements = require_values(host, sequence, function)?;
    Ok(heap.list(elements.get(from..).unwrap_or_default()))
}

fn drop_first(host: &Host, args: &[Value]) -> Outcome {
    let count = count_argument(host, "drop", argument(args, 0))?;
    tail(host, argument(args, 1), count, "drop")
}

/// The number of elements of `args[1]` without `args[0]` ones, checked.
fn without_last(host: &Host, args: &[Value], function: &str) -> Outcome<usize> {
    let count = count_argument(host, function, argument(args, 0))?;
    let sequence = argument(args, 1);
    let length = sequence::seq_len(host, sequence)
        .ok_or_else(|| not_a_sequence(host, sequence, function))?;
    Ok(length.saturating_sub(count))
}

fn take_last(host: &Host, args: &[Value]) -> Outcome {
    let from = without_last(host, args, "list/take-last")?;
    tail(host, argument(args, 1), from, "list/take-last")
}

fn drop_last(host: &Host, args: &[Value]) -> Outcome {
    let count = without_last(host, args, "list/drop-last")?;
    let elements = require_iter(host, argument(args, 1), "list/drop-last")?;
    Ok(host.heap.list(&elements.take(count).collect::<Vec<_>>()))
}

fn split_at(host: &Host, args: &[Value]) -> Outcome {
    let heap = &host.heap;
    let elements = require_values(host, argument(args, 0), "list/split-at")?;
    let at = count_argument(host, "list/split-at", argument(args, 1))?;
    let (before, after) = elements.split_at(at.min(elements.len()));
    Ok(heap.list(&[heap.list(before), heap.list(after)]))
}

fn member(host: &Host, args: &[Value]) -> Outcome {
    let (value, sequence) = (argument(args, 0), argument(args, 1));
    let found = require_iter(host, sequence, "member")?
        .position(|element| sema_machine::data::equality::equal(host, element, value));
    match found {
        Some(index) => tail(host, sequence, index, "member"),
        None => Ok(Value::FALSE),
    }
}

/// The first entry, a list, that starts with a value equal to `key`; `#f` if there is none.
pub(crate) fn association(
    host: &Host,
    key: Value,
    entries: impl IntoIterator<Item = Value>,
) -> Value {
    let heap = &host.heap;
    entries
        .into_iter()
        .find(|&entry| {
            heap.is_pair(entry)
                && sema_machine::data::equality::equal(host, heap.first_unchecked(entry), key)
        })
        .unwrap_or(Value::FALSE)
}

fn assq(host: &Host, args: &[Value]) -> Outcome {
    let entries = require_iter(host, argument(args, 1), "assq")?;
    Ok(association(host, argument(args, 0), entries))
}

fn assv(host: &Host, args: &[Value]) -> Outcome {
    let entries = require_iter(host, argument(args, 1), "assv")?;
    Ok(association(host, argument(args, 0), entries))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::call;
    use sema_machine::host::output::Output;

    #[test]
    fn access_is_as_lenient_as_specified() {
        let host = Host::new(Output::memory(), &crate::NATIVES);
        let heap = &host.heap;
        let ints = |range: std::ops::Range<i32>| range.map(Value::small).collect::<Vec<_>>();
        let list = heap.list(&ints(0..5));
        let vector = heap.vector(&ints(0..3));
        let call = |name, args: &[Value]| call(&host, name, args);
        assert_eq!(call("car", &[Value::EMPTY]), "nil");
        assert_eq!(call("cdr", &[vector]), "[1 2]");
        assert_eq!(call("caddr", &[list]), "2");
        assert_eq!(call("cdddr", &[vector]), "[]");
        assert_eq!(
            call("caar", &[list]),
            "type-error: expected list or vector, got int"
        );
        assert_eq!(call("nth", &[list, Value::small(4)]), "4");
        assert_eq!(
            call("nth", &[list, Value::small(5)]),
            "eval: index 5 out of bounds (length 5)"
        );
        assert_eq!(
            call("nth", &[list, Value::small(-1)]),
            "eval: nth: index must be non-negative, got -1"
        );
        assert_eq!(call("last", &[vector]), "2");
        assert_eq!(call("append", &[vector, list]), "(0 1 2 0 1 2 3 4)");
        assert_eq!(call("append", &[]), "()");
        assert_eq!(
            call("append", &[list, Value::NIL]),
            "type-error: expected list or vector, got nil"
        );
        assert_eq!(call("reverse", &[vector]), "[2 1 0]");
        assert_eq!(call("take", &[Value::small(2), vector]), "(0 1)");
        assert_eq!(call("drop", &[Value::small(9), list]), "()");
        assert_eq!(call("list/take-last", &[Value::small(2), list]), "(3 4)");
        assert_eq!(call("list/drop-last", &[Value::small(2), list]), "(0 1 2)");
        assert_eq!(
            call("list/split-at", &[list, Value::small(1)]),
            "((0) (1 2 3 4))"
        );
        assert_eq!(call("member", &[Value::small(1), vector]), "(1 2)");
        assert_eq!(call("cons", &[Value::small(1), vector]), "(1 [0 1 2])");
        assert_eq!(call("cons", &[Value::small(1), Value::NIL]), "(1)");
        assert_eq!(call("length", &[heap.string("héé")]), "3");
        assert_eq!(call("count", &[Value::NIL]), "0");
        let entry = heap.list(&[Value::small(1), Value::TRUE]);
        let entries = heap.list(&[Value::NIL, entry]);
        assert_eq!(call("assq", &[Value::small(1), entries]), "(1 #t)");
        assert_eq!(call("assv", &[Value::small(2), entries]), "#f");
    }

    #[test]
    fn progressions() {
        let host = Host::new(Output::memory(), &crate::NATIVES);
        let heap = &host.heap;
        let call = |name, args: &[i64]| {
            let args: Vec<Value> = args.iter().map(|&n| heap.int(n)).collect();
            call(&host, name, &args)
        };
        assert_eq!(call("range", &[3]), "(0 1 2)");
        assert_eq!(call("range", &[5, 0]), "()");
        assert_eq!(call("range", &[5, 0, -2]), "(5 3 1)");
        assert_eq!(call("range", &[0, 5, 0]), "eval: range: step cannot be 0");
        assert_eq!(
            call("range", &[i64::MAX - 7, i64::MAX, 3]),
            "(9223372036854775800 9223372036854775803 9223372036854775806)"
        );
        assert_eq!(
            call("range", &[i64::MIN, i64::MAX]),
            "eval: range: 18446744073709551615 elements exceeds the limit of 100000000"
        );
        assert_eq!(
            call("iota", &[2, i64::MAX]),
            "(9223372036854775807 9223372036854775808)"
        );
        assert_eq!(
            call("range", &[(1 << 50) - 2, (1 << 50) + 1]),
            "(1125899906842622 1125899906842623 1125899906842624)"
        );
        assert_eq!(call("iota", &[-1]), "()");
        assert_eq!(
            call("list/repeat", &[-1, 0]),
            "eval: list/repeat: expected a non-negative integer, got -1"
        );
    }
}
