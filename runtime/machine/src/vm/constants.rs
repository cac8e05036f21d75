//! Constants of a module as values.

use num_bigint::{BigInt, Sign};
use sema_format::model::Constant;
use sema_format::{ConstantView, FormatError};

use super::image::Image;
use crate::host::Host;
use crate::memory::value::{Kind, Value};

/// The values of all constants, by index.
pub(super) fn constants(host: &Host, image: &Image) -> Result<Vec<Value>, FormatError> {
    match image {
        Image::Owned(module) => {
            let mut values = Vec::with_capacity(module.constants.len());
            for constant in &module.constants {
                values.push(from_model(host, &values, constant));
            }
            Ok(values)
        }
        Image::File(file) => {
            let view = file.view();
            let mut values = Vec::with_capacity(view.constant_count() as usize);
            for index in 0..view.constant_count() {
                values.push(from_view(host, &values, view.constant(index)?));
            }
            Ok(values)
        }
    }
}

/// An earlier constant.
fn at(values: &[Value], index: u32) -> Value {
    values.get(index as usize).copied().unwrap_or(Value::NIL)
}

fn all(values: &[Value], indices: &[u32]) -> Vec<Value> {
    indices.iter().map(|index| at(values, *index)).collect()
}

fn map(host: &Host, values: &[Value], entries: impl Iterator<Item = (u32, u32)>) -> Value {
    let entries: Vec<(Value, Value)> = entries
        .map(|(key, value)| (at(values, key), at(values, value)))
        .collect();
    crate::data::collections::sorted_map::from_entries(host, &entries)
}

fn from_view(host: &Host, values: &[Value], constant: ConstantView<'_>) -> Value {
    let heap = &host.heap;
    match constant {
        ConstantView::Nil => Value::NIL,
        ConstantView::Bool(value) => Value::bool(value),
        ConstantView::EmptyList => Value::EMPTY,
        ConstantView::Int(value) => heap.int(value),
        ConstantView::BigInt {
            negative,
            magnitude,
        } => {
            let sign = if negative { Sign::Minus } else { Sign::Plus };
            heap.bigint(&BigInt::from_bytes_le(sign, magnitude))
        }
        ConstantView::Ratio {
            numerator,
            denominator,
        } => {
            let parts = [at(values, numerator), at(values, denominator)];
            heap.object(Kind::Ratio, 0, &parts)
        }
        ConstantView::Float(value) => Value::float(value),
        ConstantView::Complex { real, imaginary } => {
            let parts = [at(values, real), at(values, imaginary)];
            heap.object(Kind::Complex, 0, &parts)
        }
        ConstantView::Char(value) => Value::char(value),
        ConstantView::Str(text) => heap.string(text),
        ConstantView::Symbol(name) => host.symbol(name),
        ConstantView::Keyword(name) => host.keyword(name),
        ConstantView::List(items) => heap.list(&all(values, items)),
        ConstantView::Vector(items) => heap.vector(&all(values, items)),
        ConstantView::Map(entries) => map(
            host,
            values,
            entries.iter().map(|&[key, value]| (key, value)),
        ),
        ConstantView::Bytes(bytes) => heap.bytevector(bytes),
        ConstantView::F64Array(items) => heap.f64_array(&items.floats().collect::<Vec<_>>()),
        ConstantView::I64Array(items) => heap.i64_array(&items.integers().collect::<Vec<_>>()),
    }
}

fn from_model(host: &Host, values: &[Value], constant: &Constant) -> Value {
    let view = match constant {
        Constant::Nil => ConstantView::Nil,
        Constant::Bool(value) => ConstantView::Bool(*value),
        Constant::EmptyList => ConstantView::EmptyList,
        Constant::Int(value) => ConstantView::Int(*value),
        Constant::BigInt {
            negative,
            magnitude,
        } => ConstantView::BigInt {
            negative: *negative,
            magnitude,
        },
        Constant::Ratio {
            numerator,
            denominator,
        } => ConstantView::Ratio {
            numerator: *numerator,
            denominator: *denominator,
        },
        Constant::Float(bits) => ConstantView::Float(f64::from_bits(*bits)),
        Constant::Complex { real, imaginary } => ConstantView::Complex {
            real: *real,
            imaginary: *imaginary,
        },
        Constant::Char(value) => ConstantView::Char(*value),
        Constant::Str(text) => ConstantView::Str(text),
        Constant::Symbol(name) => ConstantView::Symbol(name),
        Constant::Keyword(name) => ConstantView::Keyword(name),
        Constant::List(items) => ConstantView::List(items),
        Constant::Vector(items) => ConstantView::Vector(items),
        Constant::Bytes(bytes) => ConstantView::Bytes(bytes),
        Constant::Map(entries) => return map(host, values, entries.iter().copied()),
        Constant::F64Array(items) => {
            let items: Vec<f64> = items.iter().map(|bits| f64::from_bits(*bits)).collect();
            return host.heap.f64_array(&items);
        }
        Constant::I64Array(items) => return host.heap.i64_array(items),
    };
    from_view(host, values, view)
}
