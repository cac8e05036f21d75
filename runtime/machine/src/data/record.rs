//! Records and multimethods as objects: what instructions and natives both do with them.

use crate::host::Host;
use crate::host::condition::{Outcome, type_error};
use crate::memory::value::{Kind, Value};

/// Field of a record type object: its name, a symbol.
const TYPE_NAME: usize = 0;

/// Field of a multimethod object that holds the function called with it and its arguments.
pub const MULTIMETHOD_INVOKER: usize = 4;

/// A record of a type.
#[inline(never)]
pub fn make_record(host: &Host, record_type: Value, fields: &[Value]) -> Value {
    host.heap
        .object_spliced(Kind::Record, 0, [&[record_type], fields])
}

/// A record, if the type is one.
///
/// # Errors
/// A type error if it is not.
pub fn checked_record(host: &Host, record_type: Value, fields: &[Value]) -> Outcome {
    if record_type.kind() != Kind::RecordType {
        return Err(type_error(host, "record-type", record_type));
    }
    Ok(make_record(host, record_type, fields))
}

/// Whether a value is a record of a type.
pub fn has_type(host: &Host, value: Value, record_type: Value) -> bool {
    value.kind() == Kind::Record && host.heap.field(value, 0) == record_type
}

/// A field of a record of a type.
///
/// # Errors
/// A type error that names the type if the value is no record of it.
#[cold]
pub fn field(host: &Host, record: Value, record_type: Value, index: usize) -> Outcome {
    if !has_type(host, record, record_type) {
        let name = host.name_of(host.heap.field(record_type, TYPE_NAME));
        return Err(type_error(host, name.unwrap_or("record"), record));
    }
    Ok(host.heap.field(record, index + 1))
}
