//! Lists made of several ones or cut into several ones.

use crate::core::number::elementary::random_below;
use sema_machine::data::collections;
use sema_machine::data::print;
use sema_machine::data::sequence::{
    count_argument, int_argument, not_a_sequence, require_iter, require_values, seq_iter,
};
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, argument_error, check_limit};
use sema_machine::host::condition::{Outcome, eval_error};
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;

natives! {
    /// A list of lists: the first elements of all sequences, the second ones, and so on while none of the sequences ends.
    /// (zip (list 1 2 3) [:a :b]) => ((1 :a) (2 :b))
    "zip" (seq: Elements, other: Elements, more*: Elements) -> List, pure => zip;

    /// A list of two-element lists: index, from 0, and element.
    /// (enumerate (list :a :b)) => ((0 :a) (1 :b))
    "enumerate" (seq: Elements) -> List, pure => enumerate;

    /// A list of the elements with a separator between any two.
    /// (interpose 0 (list 1 2 3)) => (1 0 2 0 3)
    "interpose" (separator: Any, seq: Elements) -> List, pure => interpose;

    /// A list of the first elements of all sequences, then the second ones, and so on while none of the sequences ends.
    /// (list/interleave (list 1 2 3) (list :a :b)) => (1 :a 2 :b)
    "list/interleave" (seq: Elements, other: Elements, more*: Elements) -> List, pure => interleave;

    /// A list of the elements, where a list or vector among them is replaced by its own elements. Deeper levels stay.
    /// (flatten (list 1 (list 2 (list 3)) [4])) => (1 2 (3) 4)
    "flatten" (seq: Elements) -> List, pure => flatten;

    /// A list of all that is in lists and vectors of any depth. Anything else gives a list of itself.
    /// (flatten-deep (list 1 (list 2 (list 3 [4])))) => (1 2 3 4)
    /// (flatten-deep 5) => (5)
    "flatten-deep" (tree: Any) -> List, pure => flatten_deep;

    /// A list of lists of so many consecutive elements; the last one may be shorter. Size 0 is an error.
    /// (list/chunk 2 (list 1 2 3 4 5)) => ((1 2) (3 4) (5))
    "list/chunk" (size: Count, seq: Elements) -> List, pure => chunk;

    /// A list of all lists of so many consecutive elements that start a step (1) apart. Size 0 and step 0 are errors.
    /// (list/sliding (list 1 2 3 4) 2) => ((1 2) (2 3) (3 4))
    /// (list/sliding (list 1 2 3 4 5) 2 2) => ((1 2) (3 4))
    "list/sliding" (seq: Elements, size: Count, step?: Count) -> List, pure => sliding;

    /// A list of the elements of one page, counted from 1, with so many elements a page; empty past the last page.
    /// (list/page (list :a :b :c :d :e) 2 2) => (:c :d)
    /// (list/page (list :a) 0 2) => error page must be >= 1
    "list/page" (seq: Elements, page: Count, per_page: Count) -> List, pure => page;

    /// A list of the elements, followed by as many fill values as it takes to reach a length.
    /// (list/pad (list 1 2) 4 0) => (1 2 0 0)
    /// (list/pad (list 1 2 3) 2 0) => (1 2 3)
    "list/pad" (seq: Elements, length: Count, fill: Any) -> List, pure => pad;

    /// A list of all two-element lists with an element of the first sequence and one of the second. The second varies
    /// fastest.
    /// (list/cross-join (list 1 2) (list :a :b)) => ((1 :a) (1 :b) (2 :a) (2 :b))
    "list/cross-join" (seq: Elements, other: Elements) -> List, pure => cross_join;

    /// The elements in readable form, strings in quotes, joined with a separator. Another one may stand before the last.
    /// (list/join (list 1 2 3) ", ") => "1, 2, 3"
    /// (list/join (list 1 2 3) ", " " and ") => "1, 2 and 3"
    "list/join" (seq: Elements, separator: String, last_separator?: String) -> String, pure => join;

    /// A list of the values that the maps have for a key; nil for what lacks it or is no map.
    /// (list/pluck :name (list {:name "Ada"} {:age 3})) => ("Ada" nil)
    "list/pluck" (key: Any, maps: Elements) -> List, pure => pluck;

    /// An element chosen at random, each as likely as the others. No elements are an error.
    /// (list/pick (list 7 7 7)) => 7
    /// (list/pick (list)) => error list/pick: empty list
    "list/pick" (seq: Elements) -> Any => pick;

    /// A list of the elements in random order, each order as likely as the others.
    /// (sort (list/shuffle (list 3 1 2))) => (1 2 3)
    "list/shuffle" (seq: Elements) -> List => shuffle;
}

fn zip(host: &Host, args: &[Value]) -> Outcome {
    let heap = &host.heap;
    let mut columns = Vec::with_capacity(args.len());
    for &sequence in args {
        columns.push(require_iter(host, sequence, "zip")?);
    }
    let mut rows = Vec::new();
    let mut row = Vec::with_capacity(args.len());
    loop {
        row.clear();
        row.extend(columns.iter_mut().map_while(Iterator::next));
        if row.len() < columns.len() {
            return Ok(heap.list(&rows));
        }
        rows.push(heap.list(&row));
    }
}

fn enumerate(host: &Host, args: &[Value]) -> Outcome {
    let heap = &host.heap;
    let pairs: Vec<Value> = require_iter(host, argument(args, 0), "enumerate")?
        .enumerate()
        .map(|(index, element)| heap.list(&[Value::index(index), element]))
        .collect();
    Ok(heap.list(&pairs))
}

fn interpose(host: &Host, args: &[Value]) -> Outcome {
    let separator = argument(args, 0);
    let mut result = Vec::new();
    for element in require_iter(host, argument(args, 1), "interpose")? {
        if !result.is_empty() {
            result.push(separator);
        }
        result.push(element);
    }
    Ok(host.heap.list(&result))
}

fn interleave(host: &Host, args: &[Value]) -> Outcome {
    let mut columns = Vec::with_capacity(args.len());
    for &sequence in args {
        columns.push(require_iter(host, sequence, "list/interleave")?);
    }
    let mut result = Vec::new();
    loop {
        let complete = result.len();
        result.extend(columns.iter_mut().map_while(Iterator::next));
        if result.len() < complete + columns.len() {
            result.truncate(complete);
            return Ok(host.heap.list(&result));
        }
    }
}

fn is_nested(value: Value) -> bool {
    matches!(value.kind(), Kind::List | Kind::Vector)
}

fn flatten(host: &Host, args: &[Value]) -> Outcome {
    let mut result = Vec::new();
    for element in require_iter(host, argument(args, 0), "flatten")? {
        match element.kind() {
            Kind::List => result.extend(host.heap.list_iter(element)),
            Kind::Vector => result.extend_from_slice(host.heap.values(element)),
            _ => result.push(element),
        }
    }
    Ok(host.heap.list(&result))
}

fn flatten_deep(host: &Host, args: &[Value]) -> Outcome {
    let mut result = Vec::new();
    let mut next = Some(argument(args, 0));
    let mut stack = Vec::new();
    while let Some(element) = next {
        if is_nested(element) {
            stack.extend(seq_iter(host, element));
        } else {
            result.push(element);
        }
        next = loop {
            let Some(top) = stack.last_mut() else {
                break None;
            };
            match top.next() {
                Some(element) => break Some(element),
                None => drop(stack.pop()),
            }
        };
    }
    Ok(host.heap.list(&result))
}

fn chunk(host: &Host, args: &[Value]) -> Outcome {
    let heap = &host.heap;
    let size = count_argument(host, "list/chunk", argument(args, 0))?;
    if size == 0 {
        return Err(eval_error("list/chunk: chunk size must be positive"));
    }
    let elements = require_values(host, argument(args, 1), "list/chunk")?;
    let chunks: Vec<Value> = elements.chunks(size).map(|part| heap.list(part)).collect();
    Ok(heap.list(&chunks))
}

fn sliding(host: &Host, args: &[Value]) -> Outcome {
    let heap = &host.heap;
    let elements = require_values(host, argument(args, 0), "list/sliding")?;
    let size = count_argument(host, "list/sliding", argument(args, 1))?;
    let step = match args.get(2) {
        Some(&step) => count_argument(host, "list/sliding", step)?,
        None => 1,
    };
    if size == 0 {
        return Err(eval_error("list/sliding: size must be positive"));
    }
    if step == 0 {
        return Err(eval_error("list/sliding: step must be positive"));
    }
    let windows = elements.len().saturating_sub(size - 1).div_ceil(step);
    check_limit(host, "list/sliding", windows.saturating_mul(size))?;
    let windows: Vec<Value> = elements
        .windows(size)
        .step_by(step)
        .map(|window| heap.list(window))
        .collect();
    Ok(heap.list(&windows))
}

fn page(host: &Host, args: &[Value]) -> Outcome {
    let elements = require_values(host, argument(args, 0), "list/page")?;
    let page = int_argument(host, "list/page", 1, argument(args, 1))?;
    let size = count_argument(host, "list/page", argument(args, 2))?;
    if page < 1 {
        return Err(eval_error("list/page: page must be >= 1"));
    }
    let before = usize::try_from(page - 1).unwrap_or(usize::MAX);
    let start = before.saturating_mul(size).min(elements.len());
    let end = start.saturating_add(size).min(elements.len());
    Ok(host.heap.list(elements.get(start..end).unwrap_or_default()))
}

fn pad(host: &Host, args: &[Value]) -> Outcome {
    let mut elements = require_values(host, argument(args, 0), "list/pad")?.into_owned();
    let length = count_argument(host, "list/pad", argument(args, 1))?;
    if length > elements.len() {
        check_limit(host, "list/pad", length)?;
        elements.resize(length, argument(args, 2));
    }
    Ok(host.heap.list(&elements))
}

fn cross_join(host: &Host, args: &[Value]) -> Outcome {
    let heap = &host.heap;
    let left = require_values(host, argument(args, 0), "list/cross-join")?;
    let right = require_values(host, argument(args, 1), "list/cross-join")?;
    check_limit(
        host,
        "list/cross-join",
        left.len().saturating_mul(right.len()),
    )?;
    let pairs: Vec<Value> = left
        .iter()
        .flat_map(|&a| right.iter().map(move |&b| heap.list(&[a, b])))
        .collect();
    Ok(heap.list(&pairs))
}

fn join(host: &Host, args: &[Value]) -> Outcome {
    let text = |index: usize| {
        let value = argument(args, index);
        host.heap
            .as_str(value)
            .ok_or_else(|| argument_error(host, "list/join", index, "string", value))
    };
    let elements = require_values(host, argument(args, 0), "list/join")?;
    let separator = text(1)?;
    let last_separator = if args.len() > 2 { text(2)? } else { separator };
    let mut joined = String::new();
    for (index, &element) in elements.iter().enumerate() {
        if index > 0 {
            joined.push_str(if index + 1 == elements.len() {
                last_separator
            } else {
                separator
            });
        }
        print::append_readable(host, element, &mut joined)?;
    }
    Ok(host.heap.string(&joined))
}

fn pluck(host: &Host, args: &[Value]) -> Outcome {
    let key = argument(args, 0);
    let found: Vec<Value> = require_iter(host, argument(args, 1), "list/pluck")?
        .map(|map| collections::get(host, map, key).unwrap_or(Value::NIL))
        .collect();
    Ok(host.heap.list(&found))
}

fn pick(host: &Host, args: &[Value]) -> Outcome {
    let sequence = argument(args, 0);
    let length = sema_machine::data::sequence::seq_len(host, sequence)
        .ok_or_else(|| not_a_sequence(host, sequence, "list/pick"))?;
    if length == 0 {
        return Err(eval_error("list/pick: empty list"));
    }
    let index = random_below(host, length as u64) as usize;
    Ok(sema_machine::data::sequence::element_at(host, sequence, index).unwrap_or(Value::NIL))
}

fn shuffle(host: &Host, args: &[Value]) -> Outcome {
    let mut elements = require_values(host, argument(args, 0), "list/shuffle")?.into_owned();
    // Fisher and Yates, in the form of R. Durstenfeld (1964).
    for index in (1..elements.len()).rev() {
        let other = random_below(host, index as u64 + 1) as usize;
        elements.swap(index, other);
    }
    Ok(host.heap.list(&elements))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{call, call_value};
    use sema_machine::host::output::Output;

    #[test]
    fn cuts_and_joins() {
        let host = Host::new(Output::memory(), &crate::NATIVES);
        let heap = &host.heap;
        let n = Value::small;
        let list = heap.list(&[n(1), n(2), n(3), n(4), n(5)]);
        let vector = heap.vector(&[n(7), n(8)]);
        let call = |name, args: &[Value]| call(&host, name, args);
        assert_eq!(call("zip", &[list, vector]), "((1 7) (2 8))");
        assert_eq!(call("enumerate", &[vector]), "((0 7) (1 8))");
        assert_eq!(call("interpose", &[Value::NIL, vector]), "(7 nil 8)");
        assert_eq!(call("list/interleave", &[list, vector]), "(1 7 2 8)");
        assert_eq!(call("list/chunk", &[n(2), list]), "((1 2) (3 4) (5))");
        assert_eq!(call("list/sliding", &[list, n(2), n(3)]), "((1 2) (4 5))");
        assert_eq!(call("list/sliding", &[list, n(9)]), "()");
        assert_eq!(call("list/page", &[list, n(3), n(2)]), "(5)");
        assert_eq!(call("list/page", &[list, n(9), n(2)]), "()");
        assert_eq!(
            call("list/page", &[list, n(0), n(2)]),
            "eval: list/page: page must be >= 1"
        );
        assert_eq!(call("list/pad", &[vector, n(3), Value::NIL]), "(7 8 nil)");
        assert_eq!(
            call("list/cross-join", &[vector, vector]),
            "((7 7) (7 8) (8 7) (8 8))"
        );
        let words = heap.list(&[heap.string("a"), host.symbol("b"), n(1)]);
        assert_eq!(
            call(
                "list/join",
                &[words, heap.string(", "), heap.string(" and ")]
            ),
            "\"\\\"a\\\", b and 1\""
        );
        let nested = heap.list(&[n(1), heap.list(&[n(2), heap.vector(&[n(3)])]), Value::EMPTY]);
        assert_eq!(call("flatten", &[nested]), "(1 2 [3])");
        assert_eq!(call("flatten-deep", &[nested]), "(1 2 3)");
        assert_eq!(call("flatten-deep", &[Value::NIL]), "(nil)");
        let deep = (0..100_000).fold(Value::EMPTY, |inner, _| heap.list(&[inner, n(1)]));
        let flat = call_value(&host, "flatten-deep", &[deep]).ok().unwrap();
        assert_eq!(heap.list_len(flat), 100_000);
    }

    #[test]
    fn shuffling_keeps_the_elements() {
        let host = Host::new(Output::memory(), &crate::NATIVES);
        let elements: Vec<Value> = (0..100).map(Value::small).collect();
        let list = host.heap.list(&elements);
        let shuffled = call_value(&host, "list/shuffle", &[list]).ok().unwrap();
        let mut values: Vec<Value> = host.heap.list_iter(shuffled).collect();
        assert_ne!(values, elements);
        values.sort_by_key(|value| value.as_fixnum());
        assert_eq!(values, elements);
    }
}
