//! Data as values of the build-time machine and back.

use std::collections::HashMap;
use std::rc::Rc;

use sema_machine::data::collections;
use sema_machine::data::number;
use sema_machine::memory::value::{Kind, Value};
use sema_machine::vm::Vm;

use crate::front::datum::{Datum, DatumKind, Interner, PartId, Real, Span};

/// Nesting of data that transformers may return.
const DEPTH_LIMIT: u32 = 4000;

/// Which datum a value was made from, by identity: what a macro returns of its operands keeps its
/// position.
#[derive(Default)]
pub struct DatumSpans {
    origins: HashMap<u64, Datum>,
    /// The values of data that occur in several places: what is shared is made once.
    shared: HashMap<PartId, Value>,
}

/// The value of a datum.
pub fn to_value(vm: &Vm, datum: &Datum, names: &Interner, spans: &mut DatumSpans) -> Value {
    let host = &vm.host;
    let heap = &host.heap;
    let shared = datum.kind.shared_part();
    if let Some(value) = shared.and_then(|part| spans.shared.get(&part)) {
        return *value;
    }
    let value = match &datum.kind {
        DatumKind::Nil => Value::NIL,
        DatumKind::Bool(value) => Value::bool(*value),
        DatumKind::Int(value) => heap.int(*value),
        DatumKind::BigInt(value) => heap.bigint(value),
        DatumKind::Ratio(value) => heap.object(
            Kind::Ratio,
            0,
            &[heap.bigint(value.numer()), heap.bigint(value.denom())],
        ),
        DatumKind::Float(value) => Value::float(*value),
        DatumKind::Complex(parts) => {
            let part = |real: &Real| match real {
                Real::Int(value) => heap.bigint(value),
                Real::Ratio(value) => heap.object(
                    Kind::Ratio,
                    0,
                    &[heap.bigint(value.numer()), heap.bigint(value.denom())],
                ),
                Real::Float(value) => Value::float(*value),
            };
            heap.object(Kind::Complex, 0, &[part(&parts.0), part(&parts.1)])
        }
        DatumKind::Char(value) => Value::char(*value),
        DatumKind::Str(text) => heap.string(text),
        DatumKind::Symbol(name) => host.symbol(names.resolve(name)),
        DatumKind::Keyword(name) => host.keyword(names.resolve(name)),
        DatumKind::List(items) => {
            let items: Vec<Value> = items
                .iter()
                .map(|item| to_value(vm, item, names, spans))
                .collect();
            heap.list(&items)
        }
        DatumKind::Vector(items) => {
            let items: Vec<Value> = items
                .iter()
                .map(|item| to_value(vm, item, names, spans))
                .collect();
            heap.vector(&items)
        }
        DatumKind::Map(entries) => {
            let entries: Vec<(Value, Value)> = entries
                .iter()
                .map(|(key, value)| {
                    (
                        to_value(vm, key, names, spans),
                        to_value(vm, value, names, spans),
                    )
                })
                .collect();
            collections::sorted_map::from_entries(host, &entries)
        }
        DatumKind::Bytes(bytes) => heap.bytevector(bytes),
        DatumKind::F64Array(items) => heap.f64_array(items),
        DatumKind::I64Array(items) => heap.i64_array(items),
        DatumKind::Builtin(_, number) | DatumKind::Opaque(number) => vm.kept(*number),
    };
    if matches!(
        value.kind(),
        Kind::List | Kind::Vector | Kind::Map | Kind::String
    ) && value != Value::EMPTY
    {
        spans.origins.insert(value.bits(), datum.clone());
    }
    if let Some(part) = shared {
        spans.shared.insert(part, value);
    }
    value
}

/// The value of a datum whose place does not matter.
pub fn plain_value(vm: &Vm, datum: &Datum, names: &Interner) -> Value {
    to_value(vm, datum, names, &mut DatumSpans::default())
}

/// The datum of a value; `None` if it is nested too deeply. What has no written form is kept by the
/// machine and becomes [`DatumKind::Opaque`].
pub fn to_datum(
    vm: &mut Vm,
    value: Value,
    span: Span,
    spans: &DatumSpans,
    names: &mut Interner,
) -> Option<Datum> {
    let mut conversion = Conversion {
        vm,
        span,
        spans,
        names,
        made: HashMap::new(),
    };
    conversion.datum(value, 0)
}

/// The conversion of one value.
struct Conversion<'c> {
    vm: &'c mut Vm,
    span: Span,
    spans: &'c DatumSpans,
    names: &'c mut Interner,
    /// The data of lists, vectors and maps, by identity: parts that are shared stay shared, so that the datum is
    /// no larger than the value.
    made: HashMap<u64, Datum>,
}

impl Conversion<'_> {
    fn datum(&mut self, value: Value, depth: u32) -> Option<Datum> {
        if depth > DEPTH_LIMIT {
            return None;
        }
        if value.is_heap() {
            let known = self.spans.origins.get(&value.bits());
            if let Some(datum) = known.or_else(|| self.made.get(&value.bits())) {
                return Some(datum.clone());
            }
        }
        let kind = match value.kind() {
            Kind::List => {
                let items: Vec<Value> = self.vm.host.heap.list_iter(value).collect();
                DatumKind::List(self.data(&items, depth)?)
            }
            Kind::Vector => {
                let items = self.vm.host.heap.values(value).to_vec();
                DatumKind::Vector(self.data(&items, depth)?)
            }
            Kind::Map => {
                let entries: Vec<(Value, Value)> =
                    collections::iter(&self.vm.host.heap, value).collect();
                let mut data = Vec::with_capacity(entries.len());
                for (key, value) in entries {
                    data.push((self.datum(key, depth + 1)?, self.datum(value, depth + 1)?));
                }
                DatumKind::Map(data.into())
            }
            _ => return Some(self.leaf(value)),
        };
        let span = self.span;
        let datum = Datum { kind, span };
        if value.is_heap() {
            self.made.insert(value.bits(), datum.clone());
        }
        Some(datum)
    }

    fn data(&mut self, items: &[Value], depth: u32) -> Option<Rc<[Datum]>> {
        let items = items.iter().map(|item| self.datum(*item, depth + 1));
        items.collect()
    }

    /// The datum of a value without parts.
    fn leaf(&mut self, value: Value) -> Datum {
        let Conversion { vm, names, .. } = self;
        let kind = match value.kind() {
            Kind::Nil => DatumKind::Nil,
            Kind::Bool => DatumKind::Bool(value.is_truthy()),
            Kind::Int => match vm.host.heap.as_i64(value) {
                Some(small) => DatumKind::Int(small),
                None => {
                    DatumKind::BigInt(Rc::new(vm.host.heap.as_bigint(value).unwrap_or_default()))
                }
            },
            Kind::Float => DatumKind::Float(value.as_float().unwrap_or(f64::NAN)),
            Kind::Char => DatumKind::Char(value.as_char().unwrap_or('\0')),
            Kind::String => {
                DatumKind::Str(Rc::from(vm.host.heap.as_str(value).unwrap_or_default()))
            }
            Kind::Symbol => {
                DatumKind::Symbol(names.get_or_intern(vm.host.name_of(value).unwrap_or_default()))
            }
            Kind::Keyword => {
                DatumKind::Keyword(names.get_or_intern(vm.host.name_of(value).unwrap_or_default()))
            }
            Kind::Ratio | Kind::Complex => {
                let mut text = String::new();
                number::write_number(&vm.host.heap, value, &mut text);
                match sema_machine::data::number::literal::parse_literal(&text) {
                    Ok(literal) => crate::front::reader::number_datum(literal),
                    Err(_) => DatumKind::Opaque(vm.keep(value)),
                }
            }
            Kind::Bytevector => {
                DatumKind::Bytes(vm.host.heap.as_bytevector(value).unwrap_or_default().into())
            }
            Kind::F64Array => {
                DatumKind::F64Array(vm.host.heap.as_f64_array(value).unwrap_or_default().into())
            }
            Kind::I64Array => {
                DatumKind::I64Array(vm.host.heap.as_i64_array(value).unwrap_or_default().into())
            }
            _ => match vm.builtin_name(value).map(Rc::from) {
                Some(name) => DatumKind::Builtin(name, vm.keep(value)),
                None => DatumKind::Opaque(vm.keep(value)),
            },
        };
        let span = self.span;
        Datum { kind, span }
    }
}
