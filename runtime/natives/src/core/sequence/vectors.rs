//! Vectors.

use sema_format::isa::Op;
use sema_machine::host::Host;
use sema_machine::host::arguments::argument;
use sema_machine::host::condition::{Outcome, type_error};
use sema_machine::host::declaration::ANY_NUMBER;
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;

natives! {
    /// A vector of the arguments in their order.
    /// (vector 1 :two) => [1 :two]
    "vector" (values*: Any) -> Vector, total, op(ANY_NUMBER, Op::MakeVector) => vector;

    /// A vector with the elements of a list. A vector is refused.
    /// (list->vector (list 1 2)) => [1 2]
    /// (list->vector [1 2]) => error expected list, got vector
    "list->vector" (list: List) -> Vector, pure => list_to_vector;

    /// A list with the elements of a vector. A list is refused.
    /// (vector->list [1 2]) => (1 2)
    "vector->list" (vector: Vector) -> List, pure => vector_to_list;
}

fn vector(host: &Host, args: &[Value]) -> Outcome {
    Ok(host.heap.vector(args))
}

fn list_to_vector(host: &Host, args: &[Value]) -> Outcome {
    let list = argument(args, 0);
    if list.kind() != Kind::List {
        return Err(type_error(host, "list", list));
    }
    let elements: Vec<Value> = host.heap.list_iter(list).collect();
    Ok(host.heap.vector(&elements))
}

fn vector_to_list(host: &Host, args: &[Value]) -> Outcome {
    let vector = argument(args, 0);
    match host.heap.as_vector(vector) {
        Some(elements) => Ok(host.heap.list(elements)),
        None => Err(type_error(host, "vector", vector)),
    }
}
