//! The constant pool: equal constants are one.

use crate::hashing::HashMap;

use num_bigint::{BigInt, Sign};
use num_rational::BigRational;
use sema_format::model::Constant;

use super::CodegenError;
use crate::front::datum::{DatumKind, Interner, PartId, Real};

/// Constants under construction.
#[derive(Default)]
pub(crate) struct ConstantPool {
    constants: Vec<Constant>,
    numbers: HashMap<Constant, u32>,
    /// Numbers of data that occur in several places, by identity, and the data, which must live as long.
    shared: HashMap<PartId, (u32, DatumKind)>,
}

impl ConstantPool {
    pub fn into_constants(self) -> Vec<Constant> {
        self.constants
    }

    pub fn add(&mut self, constant: Constant) -> u32 {
        if let Some(&number) = self.numbers.get(&constant) {
            return number;
        }
        let number = self.constants.len() as u32;
        self.constants.push(constant.clone());
        self.numbers.insert(constant, number);
        number
    }

    /// The number of the constant for a datum. Nesting is limited by the reader.
    pub fn datum(&mut self, datum: &DatumKind, names: &Interner) -> Result<u32, CodegenError> {
        let shared = datum.shared_part();
        if let Some((number, _)) = shared.and_then(|part| self.shared.get(&part)) {
            return Ok(*number);
        }
        let constant = match datum {
            DatumKind::Nil => Constant::Nil,
            DatumKind::Bool(value) => Constant::Bool(*value),
            DatumKind::Int(value) => Constant::Int(*value),
            DatumKind::BigInt(value) => big(value),
            DatumKind::Ratio(value) => self.ratio(value),
            DatumKind::Float(value) => Constant::float(*value),
            DatumKind::Complex(parts) => {
                let (real, imaginary) = (self.real(&parts.0), self.real(&parts.1));
                Constant::Complex {
                    real: self.add(real),
                    imaginary: self.add(imaginary),
                }
            }
            DatumKind::Char(value) => Constant::Char(*value),
            DatumKind::Str(text) => Constant::Str(text.to_string()),
            DatumKind::Symbol(name) => Constant::Symbol(names.resolve(name).to_owned()),
            DatumKind::Keyword(name) => Constant::Keyword(names.resolve(name).to_owned()),
            DatumKind::List(items) if items.is_empty() => Constant::EmptyList,
            DatumKind::List(items) => Constant::List(
                items
                    .iter()
                    .map(|item| self.datum(&item.kind, names))
                    .collect::<Result<_, _>>()?,
            ),
            DatumKind::Vector(items) => Constant::Vector(
                items
                    .iter()
                    .map(|item| self.datum(&item.kind, names))
                    .collect::<Result<_, _>>()?,
            ),
            DatumKind::Map(entries) => Constant::Map(
                entries
                    .iter()
                    .map(|(key, value)| {
                        Ok((
                            self.datum(&key.kind, names)?,
                            self.datum(&value.kind, names)?,
                        ))
                    })
                    .collect::<Result<_, CodegenError>>()?,
            ),
            DatumKind::Bytes(bytes) => Constant::Bytes(bytes.to_vec()),
            DatumKind::F64Array(items) => {
                Constant::F64Array(items.iter().map(|x| x.to_bits()).collect())
            }
            DatumKind::I64Array(items) => Constant::I64Array(items.to_vec()),
            DatumKind::Builtin(..) | DatumKind::Opaque(_) => return Err(CodegenError::Opaque),
        };
        let number = self.add(constant);
        if let Some(part) = shared {
            self.shared.insert(part, (number, datum.clone()));
        }
        Ok(number)
    }

    fn real(&mut self, real: &Real) -> Constant {
        match real {
            Real::Int(value) => integer(value),
            Real::Ratio(value) => self.ratio(value),
            Real::Float(value) => Constant::float(*value),
        }
    }

    fn ratio(&mut self, value: &BigRational) -> Constant {
        let (numerator, denominator) = (integer(value.numer()), integer(value.denom()));
        Constant::Ratio {
            numerator: self.add(numerator),
            denominator: self.add(denominator),
        }
    }
}

fn integer(value: &BigInt) -> Constant {
    match i64::try_from(value) {
        Ok(small) => Constant::Int(small),
        Err(_) => big(value),
    }
}

fn big(value: &BigInt) -> Constant {
    let (sign, magnitude) = value.to_bytes_le();
    Constant::BigInt {
        negative: sign == Sign::Minus,
        magnitude,
    }
}
