//! Lists: construction, access, parts.

pub mod combine;
pub mod select;
pub mod statistics;

use sema_machine::data::number::integer;
use sema_machine::data::sequence::{
    self, arg, check_size, count_argument, counted, element_at, int_argument, list_or_vector,
    not_a_sequence, require_iter, require_values,
};
use sema_machine::host::Host;
use sema_machine::host::condition::{Outcome, eval_error, type_error};
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;

natives! {
    /// List of the arguments.
    "list" (a*: Any) -> List, pure => list;

    /// The value in front of a list; anything else becomes its second element.
    "cons" (x: Any, lst: List) -> List, pure => cons;

    /// First element, nil if there is none.
    "car" (lst: List) -> Any, pure => car;

    /// First element, nil if there is none.
    "first" (lst: List) -> Any, pure => car;

    /// All but the first element; a vector gives a vector.
    "cdr" (lst: List) -> List, pure => cdr;

    /// All but the first element; a vector gives a vector.
    "rest" (lst: List) -> List, pure => cdr;

    /// First element of the first element.
    "caar" (x: List) -> Any, pure => caar;

    /// Second element, nil if there is none.
    "cadr" (lst: List) -> Any, pure => cadr;

    /// All but the first element of the first element.
    "cdar" (x: List) -> Any, pure => cdar;

    /// All but the first two elements.
    "cddr" (x: List) -> Any, pure => cddr;

    /// car of car of car.
    "caaar" (x: List) -> Any, pure => caaar;

    /// First element of the second element.
    "caadr" (x: List) -> Any, pure => caadr;

    /// Second element of the first element.
    "cadar" (x: List) -> Any, pure => cadar;

    /// Third element, nil if there is none.
    "caddr" (lst: List) -> Any, pure => caddr;

    /// cdr of car of car.
    "cdaar" (x: List) -> Any, pure => cdaar;

    /// All but the first element of the second element.
    "cdadr" (x: List) -> Any, pure => cdadr;

    /// All but the first two elements of the first element.
    "cddar" (x: List) -> Any, pure => cddar;

    /// All but the first three elements.
    "cdddr" (x: List) -> Any, pure => cdddr;

    /// Number of elements, characters, entries or bytes.
    "length" (list: List) -> Int, pure => length;

    /// Number of elements or entries; 0 for nil.
    "count" (coll: Any) -> Int, pure => count;

    /// The element at an index.
    "nth" (lst: Any, n: Int) -> Any, pure => nth;

    /// The element at an index, or a default past the end.
    "list/nth-or" (seq: List, index: Int, default: Any) -> Any, pure => nth_or;

    /// Last element, nil if there is none.
    "last" (seq: Sequence) -> Any, pure => last;

    /// List of the elements of all arguments.
    "append" (a*: Any) -> List, pure => append;

    /// The elements in the opposite order.
    "reverse" (seq: Sequence) -> Any, pure => reverse;

    /// List of integers up to an end, from a start, by a step.
    "range" (a: Any, b?: Any, c?: Any) -> List, pure => range;

    /// What follows the last element of a range; errors are those of `range`.
    "%range-end" (a: Any, b?: Any) -> Any => range_end;

    /// `reverse` of a list.
    "%reversed" (a: Any) -> Any => reverse;

    /// List of a number of integers from a start by a step.
    "iota" (a: Any, b?: Any, c?: Any) -> List, pure => iota;

    /// List that holds a value a number of times.
    "list/repeat" (n: Int, value: Any) -> List, pure => repeat;

    /// List that holds a value a number of times.
    "make-list" (n: Int, value: Any) -> List, pure => repeat;

    /// The first elements.
    "take" (n: Int, lst: List) -> List, pure => take;

    /// All but the first elements.
    "drop" (n: Int, lst: List) -> List, pure => drop_first;

    /// The last elements.
    "list/take-last" (n: Int, seq: List) -> List, pure => take_last;

    /// All but the last elements.
    "list/drop-last" (n: Int, seq: List) -> List, pure => drop_last;

    /// The elements before an index and those from it on.
    "list/split-at" (seq: List, index: Int) -> List, pure => split_at;

    /// The tail that starts with an equal element, or #f.
    "member" (value: Any, seq: List) -> Any, pure => member;

    /// The entry of an association list with this key, or #f.
    "assq" (obj: Any, alist: List) -> Any, pure => assq;

    /// The entry of an association list with this key, or #f.
    "assv" (obj: Any, alist: List) -> Any, pure => assv;
}

fn list(host: &Host, args: &[Value]) -> Outcome {
    Ok(host.heap.list(args))
}

fn cons(host: &Host, args: &[Value]) -> Outcome {
    Ok(sequence::cons(host, arg(args, 0), arg(args, 1)))
}

/// Natives that are compositions of `car` and `cdr`, applied from left to right.
macro_rules! paths {
    ($($name:ident: $($step:ident)*;)*) => {
        $(fn $name(host: &Host, args: &[Value]) -> Outcome {
            let value = arg(args, 0);
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
    sequence::length(host, arg(args, 0))
}

fn count(host: &Host, args: &[Value]) -> Outcome {
    let value = arg(args, 0);
    if value.is_nil() {
        return Ok(Value::small(0));
    }
    counted(host, value)
        .map(Value::index)
        .ok_or_else(|| type_error(host, "collection", value))
}

fn nth(host: &Host, args: &[Value]) -> Outcome {
    sequence::nth(host, arg(args, 0), arg(args, 1))
}

fn nth_or(host: &Host, args: &[Value]) -> Outcome {
    let sequence = arg(args, 0);
    if sequence::seq_len(host, sequence).is_none() {
        return Err(not_a_sequence(host, sequence, "list/nth-or"));
    }
    let index = count_argument(host, "list/nth-or", arg(args, 1))?;
    Ok(element_at(host, sequence, index).unwrap_or(arg(args, 2)))
}

fn last(host: &Host, args: &[Value]) -> Outcome {
    let sequence = arg(args, 0);
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
        elements.extend_from_slice(&list_or_vector(host, part)?);
    }
    if last.kind() == Kind::List {
        // The last list is shared.
        return Ok(heap.list_with_tail(&elements, last));
    }
    elements.extend_from_slice(&list_or_vector(host, last)?);
    Ok(heap.list(&elements))
}

fn reverse(host: &Host, args: &[Value]) -> Outcome {
    let sequence = arg(args, 0);
    let mut elements = list_or_vector(host, sequence)?.into_owned();
    elements.reverse();
    Ok(if sequence.kind() == Kind::Vector {
        host.heap.vector(&elements)
    } else {
        host.heap.list(&elements)
    })
}

fn range(host: &Host, args: &[Value]) -> Outcome {
    let int = |index: usize| int_argument(host, "range", index + 1, arg(args, index));
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
    let int = |index: usize| int_argument(host, "range", index + 1, arg(args, index));
    let (start, end) = match args.len() {
        1 => (0, int(0)?),
        _ => (int(0)?, int(1)?),
    };
    let count = (i128::from(end) - i128::from(start)).max(0);
    check_size("range", usize::try_from(count).unwrap_or(usize::MAX))?;
    Ok(host.heap.int(end))
}

fn iota(host: &Host, args: &[Value]) -> Outcome {
    let int = |index: usize, default: i64| match args.get(index) {
        Some(&value) => int_argument(host, "iota", index + 1, value),
        None => Ok(default),
    };
    let (count, start, step) = (int(0, 0)?, int(1, 0)?, int(2, 1)?);
    progression(host, "iota", i128::from(count.max(0)), start, step)
}

/// The list `start`, `start + step` … of `count` integers.
fn progression(host: &Host, function: &str, count: i128, start: i64, step: i64) -> Outcome {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    check_size(function, count)?;
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
    let count = count_argument(host, "list/repeat", arg(args, 0))?;
    check_size("list/repeat", count)?;
    Ok(host.heap.list(&vec![arg(args, 1); count]))
}

fn take(host: &Host, args: &[Value]) -> Outcome {
    let count = count_argument(host, "take", arg(args, 0))?;
    let sequence = arg(args, 1);
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
    let count = count_argument(host, "drop", arg(args, 0))?;
    tail(host, arg(args, 1), count, "drop")
}

/// The number of elements of `args[1]` without `args[0]` ones, checked.
fn without_last(host: &Host, args: &[Value], function: &str) -> Outcome<usize> {
    let count = count_argument(host, function, arg(args, 0))?;
    let sequence = arg(args, 1);
    let length = sequence::seq_len(host, sequence)
        .ok_or_else(|| not_a_sequence(host, sequence, function))?;
    Ok(length.saturating_sub(count))
}

fn take_last(host: &Host, args: &[Value]) -> Outcome {
    let from = without_last(host, args, "list/take-last")?;
    tail(host, arg(args, 1), from, "list/take-last")
}

fn drop_last(host: &Host, args: &[Value]) -> Outcome {
    let count = without_last(host, args, "list/drop-last")?;
    let elements = require_iter(host, arg(args, 1), "list/drop-last")?;
    Ok(host.heap.list(&elements.take(count).collect::<Vec<_>>()))
}

fn split_at(host: &Host, args: &[Value]) -> Outcome {
    let heap = &host.heap;
    let elements = require_values(host, arg(args, 0), "list/split-at")?;
    let at = count_argument(host, "list/split-at", arg(args, 1))?;
    let (before, after) = elements.split_at(at.min(elements.len()));
    Ok(heap.list(&[heap.list(before), heap.list(after)]))
}

fn member(host: &Host, args: &[Value]) -> Outcome {
    let (value, sequence) = (arg(args, 0), arg(args, 1));
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
    let entries = require_iter(host, arg(args, 1), "assq")?;
    Ok(association(host, arg(args, 0), entries))
}

fn assv(host: &Host, args: &[Value]) -> Outcome {
    let entries = require_iter(host, arg(args, 1), "assv")?;
    Ok(association(host, arg(args, 0), entries))
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
