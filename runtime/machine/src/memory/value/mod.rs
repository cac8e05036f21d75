//! Values: 8 bytes, `Copy`, NaN-boxed.
//!
//! | top bits | meaning |
//! |---|---|
//! | `0x0000` | heap reference (48-bit address, never null) |
//! | `0x0001` | immediate: bits 32..40 the sub-tag, bits 0..32 the payload |
//! | `0x0002 ..= 0xFFF2` | float: the IEEE bits plus `2^49` |
//! | 13 ones | fixnum: 51-bit two's complement in the low bits |
//!
//! Offsetting floats makes a heap reference usable as an address without masking, and putting
//! fixnums at the top makes "are both fixnums" one AND and one compare (the floats' offset is
//! the scheme of JavaScriptCore).

pub mod kind;

pub use kind::Kind;

use crate::memory::symbol::Symbol;

/// A Sema value. Equality of this type is identity, not `equal?`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Value(u64);

// Registers, fields and elements are words.
const _: () = assert!(size_of::<Value>() == 8);

const IMMEDIATE: u64 = 0x0001 << 48;
const FLOAT_OFFSET: u64 = 0x0002 << 48;
const FIXNUM_TAG: u64 = 0xFFF8 << 48;
/// Bits a fixnum is shifted left by to bring its sign to bit 63.
const FIXNUM_SHIFT: u32 = 13;

const SPECIAL: u64 = 0;
const CHAR: u64 = 1;
const SYMBOL: u64 = 2;
const KEYWORD: u64 = 3;
const NATIVE: u64 = 4;

/// Largest fixnum.
pub const FIXNUM_MAX: i64 = (1 << 50) - 1;
/// Smallest fixnum.
pub const FIXNUM_MIN: i64 = -(1 << 50);

const fn immediate(tag: u64, payload: u32) -> Value {
    Value(IMMEDIATE | tag << 32 | payload as u64)
}

impl Value {
    /// `nil`
    pub const NIL: Value = immediate(SPECIAL, 0);
    /// `#f`
    pub const FALSE: Value = immediate(SPECIAL, 1);
    /// `#t`
    pub const TRUE: Value = immediate(SPECIAL, 2);
    /// `'()`
    pub const EMPTY: Value = immediate(SPECIAL, 3);
    /// An optional parameter that got no argument.
    pub const MISSING: Value = immediate(SPECIAL, 4);
    /// A global without a value.
    pub const UNBOUND: Value = immediate(SPECIAL, 5);

    /// The bits, for identity hashing and the VM's fast paths.
    #[inline(always)]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// A boolean.
    #[inline(always)]
    pub const fn bool(value: bool) -> Value {
        Value(Value::FALSE.0 + value as u64)
    }

    /// A small integer, if it fits in 51 bits; see [`crate::memory::heap::Heap::int`] for any `i64`.
    #[inline(always)]
    pub const fn fixnum(value: i64) -> Option<Value> {
        if value >= FIXNUM_MIN && value <= FIXNUM_MAX {
            Some(Value(value as u64 | FIXNUM_TAG))
        } else {
            None
        }
    }

    /// A small integer of at most 32 bits: always fits.
    #[inline(always)]
    pub const fn small(value: i32) -> Value {
        Value(value as i64 as u64 | FIXNUM_TAG)
    }

    /// A length or index. Collections are limited to 2^32 elements, so this always fits.
    #[inline(always)]
    pub const fn index(value: usize) -> Value {
        Value((value as u64 & (FIXNUM_MAX as u64)) | FIXNUM_TAG)
    }

    /// A float; NaNs are made canonical.
    #[inline(always)]
    pub const fn float(value: f64) -> Value {
        let bits = if value.is_nan() {
            f64::NAN.to_bits() & !(1 << 63)
        } else {
            value.to_bits()
        };
        Value(bits.wrapping_add(FLOAT_OFFSET))
    }

    /// A character.
    #[inline(always)]
    pub const fn char(value: char) -> Value {
        immediate(CHAR, value as u32)
    }

    /// A symbol.
    #[inline(always)]
    pub const fn symbol(name: Symbol) -> Value {
        immediate(SYMBOL, name.0)
    }

    /// A keyword.
    #[inline(always)]
    pub const fn keyword(name: Symbol) -> Value {
        immediate(KEYWORD, name.0)
    }

    /// A native function: its index in the table of natives.
    #[inline(always)]
    pub const fn native(index: u32) -> Value {
        immediate(NATIVE, index)
    }

    /// Whether this counts as true: everything but nil and #f.
    #[inline(always)]
    pub const fn is_truthy(self) -> bool {
        self.0 & !1 != Value::NIL.0
    }

    /// The constant with this number (`sema_format::isa::special`).
    #[inline(always)]
    pub const fn special(number: u8) -> Value {
        immediate(SPECIAL, number as u32)
    }

    /// A float known not to be NaN.
    #[inline(always)]
    pub const fn float_not_nan(value: f64) -> Value {
        debug_assert!(!value.is_nan());
        Value(value.to_bits().wrapping_add(FLOAT_OFFSET))
    }

    /// Whether this is nil.
    #[inline(always)]
    pub const fn is_nil(self) -> bool {
        self.0 == Value::NIL.0
    }

    /// Whether this is a fixnum.
    #[inline(always)]
    pub const fn is_fixnum(self) -> bool {
        self.0 >= FIXNUM_TAG
    }

    /// Whether both are fixnums.
    #[inline(always)]
    pub const fn both_fixnums(self, other: Value) -> bool {
        self.0 & other.0 >= FIXNUM_TAG
    }

    /// The integer of a fixnum.
    #[inline(always)]
    pub const fn as_fixnum(self) -> Option<i64> {
        if self.is_fixnum() {
            Some(self.fixnum_unchecked())
        } else {
            None
        }
    }

    /// The integer of a value known to be a fixnum (any other value gives a meaningless number).
    #[inline(always)]
    pub const fn fixnum_unchecked(self) -> i64 {
        ((self.0 << FIXNUM_SHIFT) as i64) >> FIXNUM_SHIFT
    }

    /// A fixnum's integer with its sign bit moved to bit 63: overflow of sums of such numbers is
    /// exactly fixnum overflow.
    #[inline(always)]
    pub const fn fixnum_shifted(self) -> i64 {
        (self.0 << FIXNUM_SHIFT) as i64
    }

    /// The integer of a fixnum that is not negative; any other value gives a number above all fixnums.
    #[inline(always)]
    pub const fn fixnum_position(self) -> u64 {
        self.0 ^ FIXNUM_TAG
    }

    /// The inverse of [`Value::fixnum_position`] for numbers below 2^50.
    #[inline(always)]
    pub const fn from_fixnum_position(position: u64) -> Value {
        Value(position ^ FIXNUM_TAG)
    }

    /// The inverse of [`Value::fixnum_shifted`].
    #[inline(always)]
    pub const fn from_fixnum_shifted(shifted: i64) -> Value {
        Value((shifted as u64 >> FIXNUM_SHIFT) | FIXNUM_TAG)
    }

    /// Whether this is a float.
    #[inline(always)]
    pub const fn is_float(self) -> bool {
        // One compare: below FLOAT_OFFSET wraps to a huge number.
        self.0.wrapping_sub(FLOAT_OFFSET) < FIXNUM_TAG - FLOAT_OFFSET
    }

    /// The float.
    #[inline(always)]
    pub const fn as_float(self) -> Option<f64> {
        if self.is_float() {
            Some(self.float_unchecked())
        } else {
            None
        }
    }

    /// The float of a value known to be one. Every other value gives a NaN: the offset brings its tag
    /// to a pattern that is not a number. So the result of arithmetic that is not NaN proves that the
    /// operands were floats.
    #[inline(always)]
    pub const fn float_unchecked(self) -> f64 {
        f64::from_bits(self.0.wrapping_sub(FLOAT_OFFSET))
    }

    #[inline(always)]
    const fn payload_of(self, tag: u64) -> Option<u32> {
        if self.0 >> 32 == (IMMEDIATE >> 32 | tag) {
            Some(self.0 as u32)
        } else {
            None
        }
    }

    /// The boolean.
    #[inline(always)]
    pub const fn as_bool(self) -> Option<bool> {
        match self {
            Value::TRUE => Some(true),
            Value::FALSE => Some(false),
            _ => None,
        }
    }

    /// The character.
    #[inline(always)]
    pub const fn as_char(self) -> Option<char> {
        match self.payload_of(CHAR) {
            Some(code) => char::from_u32(code),
            None => None,
        }
    }

    /// The symbol's name.
    #[inline(always)]
    pub const fn as_symbol(self) -> Option<Symbol> {
        match self.payload_of(SYMBOL) {
            Some(id) => Some(Symbol(id)),
            None => None,
        }
    }

    /// The keyword's name.
    #[inline(always)]
    pub const fn as_keyword(self) -> Option<Symbol> {
        match self.payload_of(KEYWORD) {
            Some(id) => Some(Symbol(id)),
            None => None,
        }
    }

    /// The native function's index.
    #[inline(always)]
    pub const fn as_native(self) -> Option<u32> {
        self.payload_of(NATIVE)
    }

    /// Whether this refers to the heap.
    #[inline(always)]
    pub const fn is_heap(self) -> bool {
        self.0 < IMMEDIATE
    }

    /// The address of a heap reference.
    #[inline(always)]
    pub(crate) const fn address(self) -> usize {
        self.0 as usize
    }

    /// A reference to the object at this address.
    #[inline(always)]
    pub(crate) fn from_address(address: usize) -> Value {
        Value(address as u64)
    }

    /// What kind of value this is.
    #[inline]
    pub fn kind(self) -> Kind {
        if self.is_heap() {
            return crate::memory::heap::object::kind_at(self);
        }
        if self.is_fixnum() {
            return Kind::Int;
        }
        if self.is_float() {
            return Kind::Float;
        }
        match (self.0 >> 32) & 0xFF {
            CHAR => Kind::Char,
            SYMBOL => Kind::Symbol,
            KEYWORD => Kind::Keyword,
            NATIVE => Kind::Native,
            _ => match self {
                Value::NIL => Kind::Nil,
                Value::FALSE | Value::TRUE => Kind::Bool,
                Value::EMPTY => Kind::List,
                _ => Kind::Internal,
            },
        }
    }
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.kind() {
            Kind::Int if self.is_fixnum() => write!(f, "{}", self.fixnum_unchecked()),
            Kind::Float => write!(f, "{:?}", self.float_unchecked()),
            kind => write!(f, "{kind:?}({:#x})", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_one_word() {
        assert_eq!(size_of::<Value>(), 8);
    }

    #[test]
    fn fixnums_round_trip_at_the_edges() {
        for n in [0, 1, -1, FIXNUM_MAX, FIXNUM_MIN] {
            let value = Value::fixnum(n).unwrap();
            assert_eq!(value.as_fixnum(), Some(n));
            assert_eq!(Value::from_fixnum_shifted(value.fixnum_shifted()), value);
            assert!(!value.is_float() && !value.is_heap());
        }
        assert_eq!(Value::fixnum(FIXNUM_MAX + 1), None);
        assert_eq!(Value::fixnum(FIXNUM_MIN - 1), None);
    }

    #[test]
    fn floats_round_trip() {
        for x in [
            0.0,
            -0.0,
            1.5,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::MIN_POSITIVE,
            f64::MAX,
            f64::MIN,
            5e-324,
        ] {
            let value = Value::float(x);
            assert!(value.is_float() && !value.is_fixnum() && !value.is_heap());
            assert_eq!(value.as_float().unwrap().to_bits(), x.to_bits());
        }
        assert!(Value::float(-f64::NAN).as_float().unwrap().is_nan());
    }

    #[test]
    fn immediates_are_told_apart() {
        let values = [
            Value::NIL,
            Value::FALSE,
            Value::TRUE,
            Value::EMPTY,
            Value::char('a'),
            Value::symbol(Symbol(1)),
            Value::keyword(Symbol(1)),
            Value::native(1),
        ];
        for (i, a) in values.iter().enumerate() {
            assert!(!a.is_fixnum() && !a.is_float() && !a.is_heap());
            for b in &values[i + 1..] {
                assert_ne!(a, b);
            }
        }
        assert!(
            !Value::NIL.is_truthy()
                && !Value::FALSE.is_truthy()
                && Value::TRUE.is_truthy()
                && Value::EMPTY.is_truthy()
        );
    }
}
