//! Vectors.

use sema_machine::data::sequence::arg;
use sema_machine::host::Host;
use sema_machine::host::condition::{Outcome, type_error};
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;

natives! {
    /// Vector of the arguments.
    "vector" (a*: Any) -> Vector, pure => vector;

    /// Vector of a list's elements.
    "list->vector" (seq: List) -> Vector, pure => list_to_vector;

    /// List of a vector's elements.
    "vector->list" (v: Vector) -> List, pure => vector_to_list;
}

fn vector(host: &Host, args: &[Value]) -> Outcome {
    Ok(host.heap.vector(args))
}

fn list_to_vector(host: &Host, args: &[Value]) -> Outcome {
    let list = arg(args, 0);
    if list.kind() != Kind::List {
        return Err(type_error(host, "list", list));
    }
    let elements: Vec<Value> = host.heap.list_iter(list).collect();
    Ok(host.heap.vector(&elements))
}

fn vector_to_list(host: &Host, args: &[Value]) -> Outcome {
    let vector = arg(args, 0);
    match host.heap.as_vector(vector) {
        Some(elements) => Ok(host.heap.list(elements)),
        None => Err(type_error(host, "vector", vector)),
    }
}
