//! Structural equality, hashing and the total order of values (language specification, 3.2, 3.3).

use std::cmp::Ordering;

use crate::host::Host;
use crate::value::Value;

/// `equal?`
pub fn equal(_host: &Host, a: Value, b: Value) -> bool {
    a == b
}

/// A hash that is equal for equal values.
pub fn hash(_host: &Host, value: Value) -> u32 {
    value.bits() as u32
}

/// The total order that sorted maps use.
pub fn compare(_host: &Host, a: Value, b: Value) -> Ordering {
    a.bits().cmp(&b.bits())
}
