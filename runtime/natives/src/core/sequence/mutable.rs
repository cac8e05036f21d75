//! Mutable arrays and cells.
//!
//! An array's object holds its length and a buffer, a tuple that may be longer.

use sema_format::isa::Op;
use sema_machine::data::mutable::{self, BUFFER, LENGTH, array_values};
use sema_machine::data::sequence::count_argument;
use sema_machine::host::Host;
use sema_machine::host::arguments::{ELEMENT_LIMIT, argument, check_count, check_limit};
use sema_machine::host::condition::Outcome;
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;

/// Elements that the buffer of an array has room for at least once there are some.
const LEAST_CAPACITY: usize = 4;
/// Elements for which room is made on the word of the program; more is made when they come.
const MOST_RESERVED: usize = 1 << 16;

natives! {
    /// A mutable array. Without arguments it is empty; a size alone is room made for later elements, and with a fill value
    /// it is the number of elements.
    /// (mutable-array/length (mutable-array/new 10)) => 0
    /// (mutable-array/->vector (mutable-array/new 2 :x)) => [:x :x]
    "mutable-array/new" (size?: Count, fill?: Any) -> MutableArray, stores(1) => array_new;

    /// Adds an element at the end of an array, which is returned.
    /// (mutable-array/->vector (mutable-array/push! (mutable-array/new) 5)) => [5]
    "mutable-array/push!" (array: MutableArray, value: Any) -> MutableArray, stores(1) => array_push;

    /// The element at an index, counted from 0. Past the end it is the default, or an error without one.
    /// (mutable-array/get (mutable-array/new 2 :x) 1) => :x
    /// (mutable-array/get (mutable-array/new) 0 :none) => :none
    /// (mutable-array/get (mutable-array/new) 0) => error index 0 out of bounds (length 0)
    "mutable-array/get" (array: MutableArray, index: Count, default?: Any) -> Any, op(2, Op::ArrayGet) => array_get;

    /// Replaces the element at an index that exists. The array is returned.
    /// (mutable-array/->vector (mutable-array/set! (mutable-array/new 2 0) 1 9)) => [0 9]
    /// (mutable-array/set! (mutable-array/new) 0 9) => error out of bounds
    "mutable-array/set!" (array: MutableArray, index: Count, value: Any) -> MutableArray, stores(2), op(3, Op::ArraySet) => array_set;

    /// The number of elements that an array has now.
    /// (mutable-array/length (mutable-array/new 3 nil)) => 3
    "mutable-array/length" (array: MutableArray) -> Count => array_length;

    /// A vector of the elements that an array has now.
    /// (mutable-array/->vector (mutable-array/new 3 0)) => [0 0 0]
    "mutable-array/->vector" (array: MutableArray) -> Vector => array_to_vector;

    /// A cell: a place for one value that can be replaced.
    /// (mutable-cell/get (mutable-cell/new 1)) => 1
    "mutable-cell/new" (value: Any) -> Cell => cell_new;

    /// The value that a cell holds now.
    /// (mutable-cell/get (mutable-cell/new "a")) => "a"
    /// (mutable-cell/get 5) => error expected mutable-cell, got int
    "mutable-cell/get" (cell: Cell) -> Any, op(1, Op::CellGet) => cell_get;

    /// Puts another value into a cell, which is returned.
    /// (let ((c (mutable-cell/new 1))) (mutable-cell/set! c 2) (mutable-cell/get c)) => 2
    "mutable-cell/set!" (cell: Cell, value: Any) -> Cell, op(2, Op::CellSet) => cell_set;
}

fn array_new(host: &Host, args: &[Value]) -> Outcome {
    let heap = &host.heap;
    let count = match args.first() {
        Some(&count) => count_argument(host, "mutable-array/new", count)?,
        None => 0,
    };
    let (length, capacity, fill) = match args.get(1) {
        Some(&fill) => {
            check_limit(host, "mutable-array/new", count)?;
            (count, count, fill)
        }
        None => (0, count.min(MOST_RESERVED), Value::NIL),
    };
    let buffer = heap.object_filled(Kind::Tuple, 0, capacity, fill);
    let fields = [Value::index(length), buffer];
    Ok(heap.object(Kind::MutableArray, 0, &fields))
}

fn array_push(host: &Host, args: &[Value]) -> Outcome {
    let heap = &host.heap;
    let (array, value) = (argument(args, 0), argument(args, 1));
    let values = array_values(host, array)?;
    let length = values.len();
    if length >= ELEMENT_LIMIT {
        check_count("mutable-array/push!", length as u64 + 1)?;
    }
    let buffer = heap.field(array, BUFFER);
    if length < heap.fields(buffer).len() {
        heap.set_field(buffer, length, value);
    } else {
        // The buffer, and what it is made from.
        host.ask(4 * length * size_of::<Value>())?;
        let mut grown = Vec::with_capacity((length * 2).max(LEAST_CAPACITY));
        grown.extend_from_slice(values);
        grown.push(value);
        grown.resize(grown.capacity(), Value::NIL);
        heap.set_field(array, BUFFER, heap.object(Kind::Tuple, 0, &grown));
    }
    heap.set_field(array, LENGTH, Value::index(length + 1));
    Ok(array)
}

fn array_get(host: &Host, args: &[Value]) -> Outcome {
    mutable::array_get(
        host,
        argument(args, 0),
        argument(args, 1),
        args.get(2).copied(),
    )
}

fn array_set(host: &Host, args: &[Value]) -> Outcome {
    mutable::array_set(
        host,
        argument(args, 0),
        argument(args, 1),
        argument(args, 2),
    )
}

fn array_length(host: &Host, args: &[Value]) -> Outcome {
    Ok(Value::index(array_values(host, argument(args, 0))?.len()))
}

fn array_to_vector(host: &Host, args: &[Value]) -> Outcome {
    Ok(host.heap.vector(array_values(host, argument(args, 0))?))
}

fn cell_new(host: &Host, args: &[Value]) -> Outcome {
    Ok(host.heap.object(Kind::MutableCell, 0, &[argument(args, 0)]))
}

fn cell_get(host: &Host, args: &[Value]) -> Outcome {
    mutable::cell_get(host, argument(args, 0))
}

fn cell_set(host: &Host, args: &[Value]) -> Outcome {
    mutable::cell_set(host, argument(args, 0), argument(args, 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Scene;
    use crate::testing::{call, call_value};

    #[test]
    fn arrays_grow_and_survive_collections() {
        let mut scene = Scene::new();
        let array = call_value(&scene.host, "mutable-array/new", &[])
            .ok()
            .unwrap();
        scene.roots.push(array);
        for i in 0..3000 {
            let host = &scene.host;
            let value = host.heap.list(&[Value::small(i)]);
            call_value(host, "mutable-array/push!", &[scene.roots[0], value])
                .ok()
                .unwrap();
            if i % 50 == 0 {
                scene.collect(i % 100 == 0);
            }
        }
        let (host, array) = (&scene.host, scene.roots[0]);
        let call = |name, args: &[Value]| call(host, name, args);
        for i in (0..3000).step_by(7) {
            assert_eq!(
                call("mutable-array/get", &[array, Value::small(i)]),
                format!("({i})")
            );
        }
        assert_eq!(call("mutable-array/length", &[array]), "3000");
        assert_eq!(
            call(
                "mutable-array/set!",
                &[array, Value::small(3000), Value::NIL]
            ),
            "eval: mutable-array/set!: index 3000 out of bounds (length 3000)"
        );
        assert_eq!(
            call("mutable-array/get", &[array, Value::small(-1), Value::NIL]),
            "eval: mutable-array/get: expected a non-negative integer, got -1"
        );
        let filled = call_value(host, "mutable-array/new", &[Value::small(2), Value::TRUE]);
        assert_eq!(
            call("mutable-array/->vector", &[filled.ok().unwrap()]),
            "[#t #t]"
        );
        assert_eq!(
            call("mutable-array/new", &[Value::index(1 << 40), Value::NIL]),
            "eval: mutable-array/new: 1099511627776 elements exceeds the limit of 100000000"
        );
    }
}
