//! Constants where they lie: packed words and their records.

use super::layout::{self, Section};
use super::read::{ModuleView, entry};
use crate::error::FormatError;
use crate::model::Constant;

/// A constant in the file. Indices refer to earlier constants.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(missing_docs, reason = "the variants are those of `Constant`")]
pub enum ConstantView<'a> {
    Nil,
    Bool(bool),
    EmptyList,
    Int(i64),
    /// Magnitude least significant byte first.
    BigInt {
        negative: bool,
        magnitude: &'a [u8],
    },
    Ratio {
        numerator: u32,
        denominator: u32,
    },
    Float(f64),
    Complex {
        real: u32,
        imaginary: u32,
    },
    Char(char),
    Str(&'a str),
    Symbol(&'a str),
    Keyword(&'a str),
    List(&'a [u32]),
    Vector(&'a [u32]),
    /// Pairs of key and value.
    Map(&'a [[u32; 2]]),
    Bytes(&'a [u8]),
    F64Array(LongWords<'a>),
    I64Array(LongWords<'a>),
}

/// 64-bit numbers at a 4-byte alignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongWords<'a>(&'a [[u32; 2]]);

impl<'a> LongWords<'a> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As floats.
    pub fn floats(self) -> impl ExactSizeIterator<Item = f64> + 'a {
        self.bits().map(f64::from_bits)
    }

    /// As integers.
    pub fn integers(self) -> impl ExactSizeIterator<Item = i64> + 'a {
        self.bits().map(u64::cast_signed)
    }

    /// As bits.
    pub fn bits(self) -> impl ExactSizeIterator<Item = u64> + 'a {
        self.0.iter().map(|pair| long(*pair))
    }
}

impl<'a> ModuleView<'a> {
    /// A constant. Children of compound constants have smaller indices.
    ///
    /// # Errors
    /// When there is no such constant, or its record is damaged.
    pub fn constant(&self, index: u32) -> Result<ConstantView<'a>, FormatError> {
        self.constant_record(index).map(|(constant, _)| constant)
    }

    /// A constant and the words of its record in the constant data, if it has one.
    pub(crate) fn constant_record(
        &self,
        index: u32,
    ) -> Result<(ConstantView<'a>, std::ops::Range<usize>), FormatError> {
        use layout::constant as kind;
        let word = *entry(self.constants, Section::Constants, index)?;
        let value = word >> 8;
        let mut record = Record {
            view: self,
            constant: index,
            start: value as usize,
            next: value as usize,
        };
        let damaged = |problem| FormatError::damaged(Section::Constants, problem);
        let immediate = match word as u8 {
            kind::NIL => Some(ConstantView::Nil),
            kind::BOOL => Some(ConstantView::Bool(value != 0)),
            kind::EMPTY_LIST => Some(ConstantView::EmptyList),
            kind::SMALL_INT => Some(ConstantView::Int(i64::from(word as i32 >> 8))),
            kind::CHAR => Some(ConstantView::Char(
                char::from_u32(value).ok_or_else(|| damaged("a character is not valid"))?,
            )),
            kind::STR => Some(ConstantView::Str(self.string(value)?)),
            kind::SYMBOL => Some(ConstantView::Symbol(self.string(value)?)),
            kind::KEYWORD => Some(ConstantView::Keyword(self.string(value)?)),
            _ => None,
        };
        if let Some(constant) = immediate {
            return Ok((constant, 0..0));
        }
        let constant = match word as u8 {
            kind::INT => ConstantView::Int(record.long()?.cast_signed()),
            kind::BIG_INT => {
                let head = record.word()?;
                ConstantView::BigInt {
                    negative: head >> 31 != 0,
                    magnitude: record.bytes(head & 0x7fff_ffff)?,
                }
            }
            kind::RATIO => {
                let [numerator, denominator] = record.children_pair()?;
                ConstantView::Ratio {
                    numerator,
                    denominator,
                }
            }
            kind::FLOAT => ConstantView::Float(f64::from_bits(record.long()?)),
            kind::COMPLEX => {
                let [real, imaginary] = record.children_pair()?;
                ConstantView::Complex { real, imaginary }
            }
            kind::LIST => ConstantView::List(record.counted_children(1)?),
            kind::VECTOR => ConstantView::Vector(record.counted_children(1)?),
            kind::MAP => ConstantView::Map(record.counted_children(2)?.as_chunks().0),
            kind::BYTES => {
                let length = record.word()?;
                ConstantView::Bytes(record.bytes(length)?)
            }
            kind::F64_ARRAY => ConstantView::F64Array(record.counted_longs()?),
            kind::I64_ARRAY => ConstantView::I64Array(record.counted_longs()?),
            _ => return Err(damaged("an entry has an unknown kind")),
        };
        Ok((constant, record.start..record.next))
    }
}

impl From<ConstantView<'_>> for Constant {
    fn from(view: ConstantView<'_>) -> Constant {
        match view {
            ConstantView::Nil => Constant::Nil,
            ConstantView::Bool(value) => Constant::Bool(value),
            ConstantView::EmptyList => Constant::EmptyList,
            ConstantView::Int(value) => Constant::Int(value),
            ConstantView::BigInt {
                negative,
                magnitude,
            } => Constant::BigInt {
                negative,
                magnitude: magnitude.to_vec(),
            },
            ConstantView::Ratio {
                numerator,
                denominator,
            } => Constant::Ratio {
                numerator,
                denominator,
            },
            ConstantView::Float(value) => Constant::float(value),
            ConstantView::Complex { real, imaginary } => Constant::Complex { real, imaginary },
            ConstantView::Char(value) => Constant::Char(value),
            ConstantView::Str(text) => Constant::Str(text.to_owned()),
            ConstantView::Symbol(text) => Constant::Symbol(text.to_owned()),
            ConstantView::Keyword(text) => Constant::Keyword(text.to_owned()),
            ConstantView::List(items) => Constant::List(items.to_vec()),
            ConstantView::Vector(items) => Constant::Vector(items.to_vec()),
            ConstantView::Map(pairs) => {
                Constant::Map(pairs.iter().map(|[key, value]| (*key, *value)).collect())
            }
            ConstantView::Bytes(bytes) => Constant::Bytes(bytes.to_vec()),
            ConstantView::F64Array(values) => Constant::F64Array(values.bits().collect()),
            ConstantView::I64Array(values) => Constant::I64Array(values.integers().collect()),
        }
    }
}

/// Reads one record of the constant data.
struct Record<'v, 'a> {
    view: &'v ModuleView<'a>,
    constant: u32,
    start: usize,
    next: usize,
}

impl<'a> Record<'_, 'a> {
    fn words(&mut self, count: usize) -> Result<&'a [u32], FormatError> {
        let end = self.next.checked_add(count);
        let words = end.and_then(|end| self.view.constant_words.get(self.next..end));
        let words = words.ok_or_else(|| {
            FormatError::damaged(Section::ConstantData, "a record is out of range")
        })?;
        self.next += count;
        Ok(words)
    }

    fn array<const N: usize>(&mut self) -> Result<[u32; N], FormatError> {
        let words = self.words(N)?;
        // The slice has N words; the fallback only satisfies the type.
        Ok(words.first_chunk().copied().unwrap_or([0; N]))
    }

    fn word(&mut self) -> Result<u32, FormatError> {
        self.array().map(|[word]| word)
    }

    fn long(&mut self) -> Result<u64, FormatError> {
        self.array().map(long)
    }

    fn bytes(&mut self, length: u32) -> Result<&'a [u8], FormatError> {
        let length = length as usize;
        let start = self.next.saturating_mul(4);
        self.words(length.div_ceil(4))?;
        let end = start.saturating_add(length);
        self.view
            .constant_bytes
            .get(start..end)
            .ok_or_else(|| FormatError::damaged(Section::ConstantData, "a record is out of range"))
    }

    fn children_pair(&mut self) -> Result<[u32; 2], FormatError> {
        let pair = self.array()?;
        self.check_children(&pair)?;
        Ok(pair)
    }

    fn counted_children(&mut self, each: usize) -> Result<&'a [u32], FormatError> {
        let count = self.word()? as usize;
        let children = self.words(count.saturating_mul(each))?;
        self.check_children(children)?;
        Ok(children)
    }

    fn counted_longs(&mut self) -> Result<LongWords<'a>, FormatError> {
        let count = self.word()? as usize;
        Ok(LongWords(
            self.words(count.saturating_mul(2))?.as_chunks().0,
        ))
    }

    fn check_children(&self, children: &[u32]) -> Result<(), FormatError> {
        if children.iter().all(|child| *child < self.constant) {
            return Ok(());
        }
        Err(FormatError::damaged(
            Section::Constants,
            "a constant refers to itself or a later one",
        ))
    }
}

fn long([low, high]: [u32; 2]) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}
