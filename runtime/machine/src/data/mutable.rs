//! Mutable arrays and cells: what instructions and natives both do with them.
//!
//! An array's object holds its length and a buffer, a tuple that may be longer.

use super::collections::elements::mutable_values;
use super::sequence::count_argument;
use crate::host::Host;
use crate::host::condition::{Outcome, Signal, eval_error, type_error};
use crate::memory::value::{Kind, Value};

/// Field of an array: how many elements it has.
pub const LENGTH: usize = 0;
/// Field of an array: the buffer with the elements.
pub const BUFFER: usize = 1;

/// The elements of an array.
///
/// # Errors
/// A type error unless it is a mutable array.
pub fn array_values(host: &Host, array: Value) -> Outcome<&[Value]> {
    if array.kind() == Kind::MutableArray {
        Ok(mutable_values(&host.heap, array))
    } else {
        Err(type_error(host, "mutable-array", array))
    }
}

#[cold]
fn out_of_bounds(function: &str, index: usize, length: usize) -> Box<Signal> {
    eval_error(format!(
        "{function}: index {index} out of bounds (length {length})"
    ))
}

/// `(mutable-array/get array index [default])`
///
/// # Errors
/// A type error for other arguments, an `:eval` error past the end without a default.
pub fn array_get(host: &Host, array: Value, index: Value, default: Option<Value>) -> Outcome {
    let values = array_values(host, array)?;
    let index = count_argument(host, "mutable-array/get", index)?;
    match (values.get(index), default) {
        (Some(&value), _) | (None, Some(value)) => Ok(value),
        (None, None) => Err(out_of_bounds("mutable-array/get", index, values.len())),
    }
}

/// `(mutable-array/set! array index value)`: the array.
///
/// # Errors
/// A type error for other arguments, an `:eval` error past the end.
pub fn array_set(host: &Host, array: Value, index: Value, value: Value) -> Outcome {
    let length = array_values(host, array)?.len();
    let index = count_argument(host, "mutable-array/set!", index)?;
    if index >= length {
        return Err(out_of_bounds("mutable-array/set!", index, length));
    }
    let buffer = host.heap.field(array, BUFFER);
    host.heap.set_field(buffer, index, value);
    Ok(array)
}

fn check_cell(host: &Host, cell: Value) -> Outcome<()> {
    if cell.kind() == Kind::MutableCell {
        Ok(())
    } else {
        Err(type_error(host, "mutable-cell", cell))
    }
}

/// `(mutable-cell/get cell)`
///
/// # Errors
/// A type error unless it is a cell.
pub fn cell_get(host: &Host, cell: Value) -> Outcome {
    check_cell(host, cell)?;
    Ok(host.heap.field(cell, 0))
}

/// `(mutable-cell/set! cell value)`: the cell.
///
/// # Errors
/// A type error unless it is a cell.
pub fn cell_set(host: &Host, cell: Value, value: Value) -> Outcome {
    check_cell(host, cell)?;
    host.heap.set_field(cell, 0, value);
    Ok(cell)
}
