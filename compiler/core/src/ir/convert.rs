//! Data as values of a machine and back, one level of it: whoever converts says what becomes of the parts.

use std::rc::Rc;

use sema_machine::data::collections;
use sema_machine::host::Host;
use sema_machine::memory::value::{Kind, Value};

use super::datum::{Datum, DatumKind, Interner, Real, Symbol};

/// The value of a datum whose parts `part` converts. `None` if a part has no value, or the datum is a value of a
/// machine already.
pub fn to_value(
    host: &Host,
    datum: &DatumKind,
    names: &Interner,
    part: &mut dyn FnMut(&Datum) -> Option<Value>,
) -> Option<Value> {
    let heap = &host.heap;
    let ratio = |value: &num_rational::BigRational| {
        let parts = [heap.bigint(value.numer()), heap.bigint(value.denom())];
        heap.object(Kind::Ratio, 0, &parts)
    };
    Some(match datum {
        DatumKind::Nil => Value::NIL,
        DatumKind::Bool(value) => Value::bool(*value),
        DatumKind::Int(value) => heap.int(*value),
        DatumKind::BigInt(value) => heap.bigint(value),
        DatumKind::Ratio(value) => ratio(value),
        DatumKind::Float(value) => Value::float(*value),
        DatumKind::Complex(parts) => {
            let real = |real: &Real| match real {
                Real::Int(value) => heap.bigint(value),
                Real::Ratio(value) => ratio(value),
                Real::Float(value) => Value::float(*value),
            };
            heap.object(Kind::Complex, 0, &[real(&parts.0), real(&parts.1)])
        }
        DatumKind::Char(value) => Value::char(*value),
        DatumKind::Str(text) => heap.string(text),
        DatumKind::Symbol(name) => host.symbol(names.resolve(name)),
        DatumKind::Keyword(name) => host.keyword(names.resolve(name)),
        DatumKind::List(items) => heap.list(&all(items, part)?),
        DatumKind::Vector(items) => heap.vector(&all(items, part)?),
        DatumKind::Map(entries) => {
            let entries = entries.iter();
            let entries = entries.map(|(key, value)| Some((part(key)?, part(value)?)));
            let entries: Vec<(Value, Value)> = entries.collect::<Option<_>>()?;
            collections::sorted_map::from_entries(host, &entries)
        }
        DatumKind::Bytes(bytes) => heap.bytevector(bytes),
        DatumKind::F64Array(items) => heap.f64_array(items),
        DatumKind::I64Array(items) => heap.i64_array(items),
        DatumKind::Builtin(..) | DatumKind::Opaque(_) => return None,
    })
}

fn all(items: &[Datum], part: &mut dyn FnMut(&Datum) -> Option<Value>) -> Option<Vec<Value>> {
    items.iter().map(part).collect()
}

/// What becomes of the parts of a value.
pub trait Parts {
    /// The datum of a part, if it shall have one.
    fn part(&mut self, value: Value) -> Option<Datum>;
    /// The symbol of a name, if it shall have one.
    fn symbol(&mut self, name: &str) -> Option<Symbol>;
}

/// The datum of a value. `None` if a part has none, or the value has no written form; ratios and complex numbers
/// count as such.
pub fn to_datum(host: &Host, value: Value, parts: &mut impl Parts) -> Option<DatumKind> {
    let heap = &host.heap;
    Some(match value.kind() {
        Kind::Nil => DatumKind::Nil,
        Kind::Bool => DatumKind::Bool(value.is_truthy()),
        Kind::Int => match heap.as_i64(value) {
            Some(small) => DatumKind::Int(small),
            None => DatumKind::BigInt(Rc::new(heap.as_bigint(value)?)),
        },
        Kind::Float => DatumKind::Float(value.as_float()?),
        Kind::Char => DatumKind::Char(value.as_char()?),
        Kind::String => DatumKind::Str(Rc::from(heap.as_str(value)?)),
        Kind::Symbol => DatumKind::Symbol(parts.symbol(host.name_of(value)?)?),
        Kind::Keyword => DatumKind::Keyword(parts.symbol(host.name_of(value)?)?),
        Kind::List => {
            let items = heap.list_iter(value).map(|item| parts.part(item));
            DatumKind::List(items.collect::<Option<_>>()?)
        }
        Kind::Vector => {
            let items = heap.values(value).iter().map(|item| parts.part(*item));
            DatumKind::Vector(items.collect::<Option<_>>()?)
        }
        Kind::Map => {
            let entries = collections::iter(heap, value);
            let entries = entries.map(|(key, value)| Some((parts.part(key)?, parts.part(value)?)));
            DatumKind::Map(entries.collect::<Option<_>>()?)
        }
        Kind::Bytevector => DatumKind::Bytes(heap.as_bytevector(value)?.into()),
        Kind::F64Array => DatumKind::F64Array(heap.as_f64_array(value)?.into()),
        Kind::I64Array => DatumKind::I64Array(heap.as_i64_array(value)?.into()),
        _ => return None,
    })
}
