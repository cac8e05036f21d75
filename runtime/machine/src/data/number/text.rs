//! Numbers from and to text.

use num_bigint::BigInt;

use super::literal::{Literal, LiteralReal, parse_integer_radix, parse_number_text};
use super::{complex, decimal, float_text, integer, ratio};
use crate::memory::heap::Heap;
use crate::memory::value::{Kind, Value};

/// Appends the readable form of a number; nothing for other values.
pub fn write_number(heap: &Heap, number: Value, out: &mut String) {
    match number.kind() {
        Kind::Complex => {
            let (real, imaginary) = complex::parts(heap, number);
            write_real(heap, real, out);
            let sign_at = out.len();
            write_real(heap, imaginary, out);
            if !out.get(sign_at..).is_some_and(|text| text.starts_with('-')) {
                let sign = match complex::has_negative_nan(heap, number) {
                    true => '-',
                    false => '+',
                };
                out.insert(sign_at, sign);
            }
            out.push('i');
        }
        _ => write_real(heap, number, out),
    }
}

fn write_real(heap: &Heap, number: Value, out: &mut String) {
    // Writing to a string cannot fail.
    let _ = match number.kind() {
        Kind::Int => {
            write_integer(heap, number, out);
            Ok(())
        }
        Kind::Float => float_text::write_float(out, number.float_unchecked()),
        Kind::Ratio => {
            let (numerator, denominator) = ratio::parts(heap, number);
            write_integer(heap, numerator, out);
            out.push('/');
            write_integer(heap, denominator, out);
            Ok(())
        }
        _ => Ok(()),
    };
}

fn write_integer(heap: &Heap, integer: Value, out: &mut String) {
    match heap.as_i64(integer) {
        Some(word) => {
            if word < 0 {
                out.push('-');
            }
            decimal::write_word(word.unsigned_abs(), 1, out);
        }
        None => integer::write_decimal(heap, integer, out),
    }
}

/// The value of a literal.
pub fn from_literal(heap: &Heap, literal: &Literal) -> Value {
    match literal {
        Literal::Int(word) => heap.int(*word),
        Literal::Big(big) => heap.bigint(big),
        Literal::Ratio(ratio) => reduced(heap, ratio.numer(), ratio.denom()),
        Literal::Float(float) => Value::float(*float),
        Literal::Complex(real, imaginary) => {
            complex::make(heap, from_real(heap, real), from_real(heap, imaginary))
        }
    }
}

fn from_real(heap: &Heap, real: &LiteralReal) -> Value {
    match real {
        LiteralReal::Int(word) => heap.int(*word),
        LiteralReal::Big(big) => heap.bigint(big),
        LiteralReal::Ratio(ratio) => reduced(heap, ratio.numer(), ratio.denom()),
        LiteralReal::Float(float) => Value::float(*float),
    }
}

fn reduced(heap: &Heap, numerator: &BigInt, denominator: &BigInt) -> Value {
    ratio::make(heap, heap.bigint(numerator), heap.bigint(denominator))
}

/// The number that a text denotes the way `string->number` reads it, if it denotes one. In radix ten this is
/// the whole grammar of literals with space around it, in other radices a signed integer.
pub fn parse(heap: &Heap, text: &str, radix: u32) -> Option<Value> {
    let literal = match radix {
        10 => parse_number_text(text)?,
        _ => parse_integer_radix(text, radix).ok()?,
    };
    Some(from_literal(heap, &literal))
}

/// The integer that a few decimal digits are the text of, perhaps behind a sign: what most numbers in data look like. `None`: it is
/// something else, or longer.
#[must_use]
pub fn short_integer(text: &str) -> Option<i64> {
    /// So many digits fit 64 bits.
    const MOST: usize = 18;
    let bytes = text.as_bytes();
    let (is_negative, digits) = match bytes {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || digits.len() > MOST {
        return None;
    }
    let mut word = 0;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        word = 10 * word + i64::from(digit);
    }
    Some(if is_negative { -word } else { word })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_integers_are_what_the_grammar_says() {
        let grammar = |text: &str| match parse_number_text(text) {
            Some(Literal::Int(word)) => Some(word),
            _ => None,
        };
        let short = [
            "0",
            "-0",
            "+0",
            "7",
            "-7",
            "+7",
            "007",
            "-012",
            "123456789012345678",
            "-999999999999999999",
        ];
        for text in short {
            assert_eq!(short_integer(text), grammar(text), "{text}");
            assert!(short_integer(text).is_some());
        }
        let others = [
            "",
            "-",
            "+",
            "--1",
            "+-1",
            "1.0",
            "1e3",
            "1/2",
            "12px",
            " 1",
            "1 ",
            "a",
            "/",
            ":",
            "i",
            "+i",
            "1234567890123456789",
            "\u{661}",
            "1_000",
            "#x1f",
        ];
        for text in others {
            assert_eq!(short_integer(text), None, "{text}");
        }
    }
}
