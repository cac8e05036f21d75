//! Values of a machine and plain data.
//!
//! No value is visible outside of this crate: between two runs no garbage is collected, so plain copies are safe
//! here, and what leaves is data or a rooted handle.

use num_bigint::BigInt;
use sema_machine::data::collections;
use sema_machine::data::collections::sorted_map;
use sema_machine::host::Host;
use sema_machine::memory::value::{Kind, Value};

use crate::handle::Handles;
use crate::{Data, Error};

/// How deep data may be nested.
const MOST_DEPTH: usize = 500;
/// Most elements of data: shared parts of a value are copied, so that a small value may be large data.
const MOST_ELEMENTS: usize = 1 << 22;

/// What is left to be converted.
struct Budget {
    depth: usize,
    elements: usize,
}

impl Budget {
    fn new() -> Budget {
        Budget {
            depth: MOST_DEPTH,
            elements: MOST_ELEMENTS,
        }
    }

    /// Goes into something with so many elements.
    fn enter(&mut self, elements: usize) -> Result<(), Error> {
        self.depth = self
            .depth
            .checked_sub(1)
            .ok_or(Error::TooDeep(MOST_DEPTH))?;
        self.elements = self
            .elements
            .checked_sub(elements)
            .ok_or(Error::TooLarge(MOST_ELEMENTS))?;
        Ok(())
    }

    fn leave(&mut self) {
        self.depth += 1;
    }
}

/// The value that data stand for.
pub(crate) fn to_value(host: &Host, handles: &Handles, data: &Data) -> Result<Value, Error> {
    enter(host, handles, data, &mut Budget::new())
}

/// A copy of a value.
pub(crate) fn to_data(host: &Host, handles: &Handles, value: Value) -> Result<Data, Error> {
    leave(host, handles, value, &mut Budget::new())
}

fn enter(host: &Host, handles: &Handles, data: &Data, budget: &mut Budget) -> Result<Value, Error> {
    let heap = &host.heap;
    Ok(match data {
        Data::Nil => Value::NIL,
        Data::Bool(value) => Value::bool(*value),
        Data::Int(value) => heap.int(*value),
        Data::BigInt(digits) => {
            let parsed = digits.parse::<BigInt>();
            heap.bigint(&parsed.map_err(|_| Error::NotAnInteger(digits.clone()))?)
        }
        Data::Float(value) => Value::float(*value),
        Data::Char(value) => Value::char(*value),
        Data::String(text) => heap.string(text),
        Data::Keyword(name) => host.keyword(name),
        Data::Symbol(name) => host.symbol(name),
        Data::Bytes(bytes) => heap.bytevector(bytes),
        Data::List(items) => heap.list(&enter_all(host, handles, items, budget)?),
        Data::Vector(items) => heap.vector(&enter_all(host, handles, items, budget)?),
        Data::Map(entries) => {
            budget.enter(2 * entries.len())?;
            let mut map = sorted_map::empty(heap);
            for (key, value) in entries {
                let key = enter(host, handles, key, budget)?;
                let value = enter(host, handles, value, budget)?;
                collections::check_key(host, key).map_err(|_| Error::NotAKey)?;
                map = collections::insert(host, map, key, value);
            }
            budget.leave();
            map
        }
        Data::Handle(handle) => handles.value(host, handle)?,
    })
}

fn enter_all(
    host: &Host,
    handles: &Handles,
    items: &[Data],
    budget: &mut Budget,
) -> Result<Vec<Value>, Error> {
    budget.enter(items.len())?;
    let values = items
        .iter()
        .map(|item| enter(host, handles, item, budget))
        .collect();
    budget.leave();
    values
}

fn leave(host: &Host, handles: &Handles, value: Value, budget: &mut Budget) -> Result<Data, Error> {
    let heap = &host.heap;
    let name = || host.name_of(value).unwrap_or_default().to_owned();
    let plain = match value.kind() {
        Kind::Nil => Some(Data::Nil),
        Kind::Bool => value.as_bool().map(Data::Bool),
        Kind::Int => match heap.as_i64(value) {
            Some(small) => Some(Data::Int(small)),
            None => heap
                .as_bigint(value)
                .map(|large| Data::BigInt(large.to_string())),
        },
        Kind::Float => value.as_float().map(Data::Float),
        Kind::Char => value.as_char().map(Data::Char),
        Kind::String => heap.as_str(value).map(|text| Data::String(text.to_owned())),
        Kind::Keyword => Some(Data::Keyword(name())),
        Kind::Symbol => Some(Data::Symbol(name())),
        Kind::Bytevector => {
            let bytes = heap.as_bytevector(value);
            bytes.map(|bytes| Data::Bytes(bytes.to_owned()))
        }
        Kind::List => {
            budget.enter(heap.list_len(value))?;
            let items = heap.list_iter(value);
            let items = items.map(|item| leave(host, handles, item, budget));
            let items = items.collect::<Result<_, _>>()?;
            budget.leave();
            Some(Data::List(items))
        }
        Kind::Vector => {
            let items = heap.values(value);
            budget.enter(items.len())?;
            let items = items.iter().map(|item| leave(host, handles, *item, budget));
            let items = items.collect::<Result<_, _>>()?;
            budget.leave();
            Some(Data::Vector(items))
        }
        Kind::Map | Kind::HashMap => {
            budget.enter(2 * collections::len(heap, value))?;
            let mut entries = Vec::new();
            for (key, value) in collections::sorted_entries(host, value) {
                let key = leave(host, handles, key, budget)?;
                entries.push((key, leave(host, handles, value, budget)?));
            }
            budget.leave();
            Some(Data::Map(entries))
        }
        _ => None,
    };
    Ok(plain.unwrap_or_else(|| Data::Handle(handles.add(host, value))))
}
