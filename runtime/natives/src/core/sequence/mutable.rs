//! Mutable arrays and cells.
//!
//! An array's object holds its length and a buffer, a tuple that may be longer.

use sema_machine::data::mutable::{self, BUFFER, LENGTH, array_values};
use sema_machine::data::sequence::{MOST_ELEMENTS, arg, check_size, count_argument};
use sema_machine::host::Host;
use sema_machine::host::condition::Outcome;
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;

/// Elements that the buffer of an array has room for at least once there are some.
const LEAST_CAPACITY: usize = 4;
/// Elements for which room is made on the word of the program; more is made when they come.
const MOST_RESERVED: usize = 1 << 16;

natives! {
    /// Empty array with room, or one filled with a value.
    "mutable-array/new" (cap_or_n?: Int, fill?: Any) -> MutableArray => array_new;

    /// Adds an element at the end; the array.
    "mutable-array/push!" (arr: MutableArray, value: Any) -> MutableArray => array_push;

    /// The element at an index, or a default past the end.
    "mutable-array/get" (arr: MutableArray, index: Int, default?: Any) -> Any => array_get;

    /// Replaces the element at an index; the array.
    "mutable-array/set!" (arr: MutableArray, index: Int, value: Any) -> MutableArray => array_set;

    /// Number of elements.
    "mutable-array/length" (arr: MutableArray) -> Int => array_length;

    /// Vector of the elements.
    "mutable-array/->vector" (arr: MutableArray) -> Vector => array_to_vector;

    /// Cell that holds a value.
    "mutable-cell/new" (value: Any) -> Cell => cell_new;

    /// What a cell holds.
    "mutable-cell/get" (cell: Cell) -> Any => cell_get;

    /// Puts a value into a cell; the cell.
    "mutable-cell/set!" (cell: Cell, value: Any) -> Cell => cell_set;
}

fn array_new(host: &Host, args: &[Value]) -> Outcome {
    let heap = &host.heap;
    let count = match args.first() {
        Some(&count) => count_argument(host, "mutable-array/new", count)?,
        None => 0,
    };
    let (length, capacity, fill) = match args.get(1) {
        Some(&fill) => {
            check_size("mutable-array/new", count)?;
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
    let (array, value) = (arg(args, 0), arg(args, 1));
    let values = array_values(host, array)?;
    let length = values.len();
    if length >= MOST_ELEMENTS {
        check_size("mutable-array/push!", length + 1)?;
    }
    let buffer = heap.field(array, BUFFER);
    if length < heap.fields(buffer).len() {
        heap.set_field(buffer, length, value);
    } else {
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
    mutable::array_get(host, arg(args, 0), arg(args, 1), args.get(2).copied())
}

fn array_set(host: &Host, args: &[Value]) -> Outcome {
    mutable::array_set(host, arg(args, 0), arg(args, 1), arg(args, 2))
}

fn array_length(host: &Host, args: &[Value]) -> Outcome {
    Ok(Value::index(array_values(host, arg(args, 0))?.len()))
}

fn array_to_vector(host: &Host, args: &[Value]) -> Outcome {
    Ok(host.heap.vector(array_values(host, arg(args, 0))?))
}

fn cell_new(host: &Host, args: &[Value]) -> Outcome {
    Ok(host.heap.object(Kind::MutableCell, 0, &[arg(args, 0)]))
}

fn cell_get(host: &Host, args: &[Value]) -> Outcome {
    mutable::cell_get(host, arg(args, 0))
}

fn cell_set(host: &Host, args: &[Value]) -> Outcome {
    mutable::cell_set(host, arg(args, 0), arg(args, 1))
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
