//! Maps of maps: paths and deep merging. None of it uses machine stack for depth.

use sema_machine::data::collections::{self, Entries, sorted_map};
use sema_machine::data::sequence::list_or_vector;
use sema_machine::host::Host;
use sema_machine::host::arguments::argument;
use sema_machine::host::condition::{Outcome, type_error};
use sema_machine::memory::value::Value;

pub(crate) fn get_in(host: &Host, args: &[Value]) -> Outcome {
    let path = list_or_vector(host, argument(args, 1))?;
    let found = path.iter().try_fold(argument(args, 0), |value, &key| {
        collections::get(host, value, key)
    });
    Ok(found.unwrap_or_else(|| argument(args, 2)))
}

pub(crate) fn assoc_in(host: &Host, args: &[Value]) -> Outcome {
    let path = list_or_vector(host, argument(args, 1))?;
    let mut levels = Vec::with_capacity(path.len());
    let mut value = argument(args, 0);
    for &key in path.iter() {
        let map = if collections::is_map(value) {
            value
        } else {
            sorted_map::empty(&host.heap)
        };
        levels.push((map, key));
        value = collections::get(host, map, key).unwrap_or(Value::NIL);
    }
    levels
        .into_iter()
        .rev()
        .try_fold(argument(args, 2), |value, (map, key)| {
            collections::insert_checked(host, map, key, value)
        })
}

/// Two maps that are being merged.
struct Merging<'h> {
    merged: Value,
    /// What is still to be added.
    entries: Entries<'h>,
    /// The key whose maps are merged before this goes on.
    pending: Value,
}

/// What is merged is in key order, whatever kinds of maps it was.
pub(crate) fn deep_merge(host: &Host, args: &[Value]) -> Outcome {
    let Some((&first, others)) = args.split_first() else {
        return Ok(sorted_map::empty(&host.heap));
    };
    check_map(host, first)?;
    let first = super::sorted(host, first);
    others.iter().try_fold(first, |merged, &map| {
        check_map(host, map)?;
        Ok(merge_two(host, merged, map))
    })
}

fn check_map(host: &Host, value: Value) -> Outcome<()> {
    if collections::is_map(value) {
        Ok(())
    } else {
        Err(type_error(host, "map", value))
    }
}

fn merge_two(host: &Host, a: Value, b: Value) -> Value {
    let start = |merged, map| Merging {
        merged,
        entries: collections::iter(&host.heap, map),
        pending: Value::NIL,
    };
    let mut above: Vec<Merging<'_>> = Vec::new();
    let mut current = start(a, b);
    loop {
        match current.entries.next() {
            Some((key, value)) => {
                let before = collections::get(host, current.merged, key);
                match before.filter(|_| collections::is_map(value)) {
                    Some(before) if collections::is_map(before) => {
                        current.pending = key;
                        let before = super::sorted(host, before);
                        above.push(std::mem::replace(&mut current, start(before, value)));
                    }
                    _ => {
                        current.merged = collections::insert(host, current.merged, key, value);
                    }
                }
            }
            None => {
                let Some(outer) = above.pop() else {
                    return current.merged;
                };
                let inner = std::mem::replace(&mut current, outer).merged;
                current.merged = collections::insert(host, current.merged, current.pending, inner);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{call, call_value};
    use sema_machine::host::output::Output;

    #[test]
    fn paths_and_deep_merging() {
        let host = Host::new(Output::memory(), &crate::NATIVES);
        let heap = &host.heap;
        let (a, b) = (host.keyword("a"), host.keyword("b"));
        let n = Value::small;
        let map = |key, value| {
            let empty = sorted_map::empty(heap);
            sorted_map::insert(&host, empty, key, value)
        };
        let call = |name, args: &[Value]| call(&host, name, args);
        let path = heap.vector(&[a, b]);
        let nested = map(a, map(b, n(1)));
        assert_eq!(call("get-in", &[nested, path]), "1");
        assert_eq!(call("get-in", &[Value::NIL, path, n(7)]), "7");
        assert_eq!(call("get-in", &[map(a, n(1)), path]), "nil");
        assert_eq!(call("get-in", &[nested, Value::EMPTY]), "{:a {:b 1}}");
        assert_eq!(call("assoc-in", &[nested, path, n(2)]), "{:a {:b 2}}");
        assert_eq!(call("assoc-in", &[n(5), path, n(2)]), "{:a {:b 2}}");
        assert_eq!(call("assoc-in", &[nested, Value::EMPTY, n(2)]), "2");
        let other = map(a, map(a, n(3)));
        assert_eq!(call("deep-merge", &[nested, other]), "{:a {:a 3 :b 1}}");
        assert_eq!(call("deep-merge", &[nested, map(a, n(3))]), "{:a 3}");
        assert_eq!(
            call("deep-merge", &[Value::NIL]),
            "type-error: expected map, got nil"
        );
        let deep = (0..100_000).fold(n(0), |inner, _| map(a, inner));
        let other = (0..100_000).fold(n(1), |inner, _| map(a, inner));
        let merged = call_value(&host, "deep-merge", &[deep, other])
            .ok()
            .unwrap();
        assert!(sema_machine::data::equality::equal(&host, merged, other));
    }
}
