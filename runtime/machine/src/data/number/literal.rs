//! Numeric literals: the one grammar that the reader and `string->number` share.
//!
//! ```text
//! integer   [+-]? digits
//! rational  [+-]? digits "/" digits
//! decimal   [+-]? digits ("." digits)? ([eE] [+-]? digits)?     a float if "." or exponent is there
//! real      one of the three
//! complex   real ("+"|"-") ureal? "i"  |  [+-] ureal? "i"  |  real "i"
//! prefixed  ("#" radix-or-exactness letter)+ body
//! ```
//!
//! The result holds plain numbers, no heap values of the VM, so that the compiler can use it as well.
//!
//! Cost: every exponent is handled by the double parser (an exact prefix goes through the double, as the
//! language defines it), so `#e1e999999999` costs nothing. Decimal integers are converted by divide and
//! conquer, and there is a limit on the number of digits, since the text may come from outside.

mod digits;

use digits::magnitude;
use num_bigint::{BigInt, Sign};
use num_rational::BigRational;
use num_traits::{ToPrimitive, Zero};
use thiserror::Error;

/// More digits than this in one integer are refused.
pub const MAX_INTEGER_DIGITS: usize = 1 << 22;

/// More digits than this in one part of a ratio are refused: reducing it takes quadratic time.
pub const MAX_RATIO_DIGITS: usize = 1 << 16;

/// A real number as written.
#[derive(Clone, Debug, PartialEq)]
pub enum LiteralReal {
    /// Exact integer that fits 64 bits.
    Int(i64),
    /// Exact integer beyond 64 bits.
    Big(BigInt),
    /// Exact ratio, reduced, denominator above one.
    Ratio(BigRational),
    /// IEEE double.
    Float(f64),
}

/// A number as written, in its simplest exact kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// Exact integer that fits 64 bits.
    Int(i64),
    /// Exact integer beyond 64 bits.
    Big(BigInt),
    /// Exact ratio, reduced, denominator above one.
    Ratio(BigRational),
    /// IEEE double.
    Float(f64),
    /// Real and imaginary part; the imaginary part is not an exact zero.
    Complex(LiteralReal, LiteralReal),
}

/// Why a text is no number. The messages are those of the reader.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LiteralError {
    /// The text does not follow the grammar.
    #[error("invalid number literal: {0}")]
    Invalid(String),
    /// `1/0`
    #[error("rational literal has zero denominator")]
    ZeroDenominator,
    /// A part of a complex number has no value, such as `3/0` in `1+3/0i`.
    #[error("invalid number component: {0}")]
    InvalidComponent(String),
    /// The text ends after its first `#`.
    #[error("unexpected end of input after `#`")]
    EndAfterHash,
    /// A letter after `#` that is no prefix.
    #[error("unexpected character after #: '{0}'")]
    UnknownPrefix(char),
    /// Two radix prefixes.
    #[error("duplicate radix prefix")]
    DuplicateRadix,
    /// Two exactness prefixes.
    #[error("duplicate exactness prefix")]
    DuplicateExactness,
    /// Nothing follows the prefixes.
    #[error("expected a number after the `#` prefix")]
    MissingBody {
        /// The radix that the prefixes ask for.
        radix: u32,
    },
    /// No digit follows a radix prefix.
    #[error("expected digits after radix-{0} prefix")]
    MissingDigits(u32),
    /// A character that is no digit of the radix.
    #[error("invalid radix-{radix} literal: {text}")]
    InvalidRadixDigits {
        /// The radix.
        radix: u32,
        /// The digits, with their sign.
        text: String,
    },
    /// Something else than a number follows a decimal prefix; the text is the sign, if any.
    #[error("invalid integer: {0}")]
    InvalidInteger(String),
    /// More digits than can be converted in reasonable time.
    #[error("number literal has too many digits")]
    TooLong,
    /// A radix outside 2..=36.
    #[error("unsupported radix {0}")]
    UnsupportedRadix(u32),
}

/// Parses one literal. The whole text must be the literal: no surrounding space, no word such as `inf`.
///
/// # Errors
/// [`LiteralError`] when the text is not in the grammar, has a zero denominator or too many digits.
pub fn parse_literal(text: &str) -> Result<Literal, LiteralError> {
    if text.starts_with('#') {
        return parse_prefixed(text);
    }
    if !starts_number(text.as_bytes()) {
        return Err(LiteralError::Invalid(text.to_owned()));
    }
    Decimal {
        full: text,
        body: text,
        exactness: None,
        prefixed: false,
    }
    .parse()
}

/// Parses text the way `string->number` does for radix ten: a literal or a float word, with space around it.
#[must_use]
pub fn parse_number_text(text: &str) -> Option<Literal> {
    let text = text.trim_matches([' ', '\t', '\r', '\n']);
    float_word(text)
        .map(Literal::Float)
        .or_else(|| parse_literal(text).ok())
}

/// Parses a signed integer written in `radix`.
///
/// # Errors
/// [`LiteralError`] when a character is no digit, there is no digit, there are too many, or the radix is not
/// in 2..=36.
pub fn parse_integer_radix(text: &str, radix: u32) -> Result<Literal, LiteralError> {
    if !(2..=36).contains(&radix) {
        return Err(LiteralError::UnsupportedRadix(radix));
    }
    let (negative, digits) = split_sign(text);
    if digits.is_empty() {
        return Err(LiteralError::MissingDigits(radix));
    }
    if !digits.chars().all(|digit| digit.is_digit(radix)) {
        return Err(LiteralError::InvalidRadixDigits {
            radix,
            text: text.to_owned(),
        });
    }
    Ok(integer(negative, digits, radix)?.into())
}

/// The value of a word that stands for a float, such as `inf`, `-Infinity` or `NaN`.
#[must_use]
pub fn float_word(text: &str) -> Option<f64> {
    match text {
        "inf" | "+inf" | "Inf" | "Infinity" | "+Infinity" => Some(f64::INFINITY),
        "-inf" | "-Infinity" => Some(f64::NEG_INFINITY),
        "nan" | "NaN" | "NAN" | "+nan" | "-nan" => Some(f64::NAN),
        _ => None,
    }
}

impl From<LiteralReal> for Literal {
    fn from(real: LiteralReal) -> Self {
        match real {
            LiteralReal::Int(value) => Self::Int(value),
            LiteralReal::Big(value) => Self::Big(value),
            LiteralReal::Ratio(value) => Self::Ratio(value),
            LiteralReal::Float(value) => Self::Float(value),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Exactness {
    Exact,
    Inexact,
}

fn parse_prefixed(text: &str) -> Result<Literal, LiteralError> {
    let mut radix = None;
    let mut exactness = None;
    let mut rest = text;
    while let Some(after) = rest.strip_prefix('#') {
        let Some(letter) = after.chars().next() else {
            return Err(match (radix, exactness) {
                (None, None) => LiteralError::EndAfterHash,
                _ => missing_number(radix.unwrap_or(10)),
            });
        };
        let asked = match letter {
            'x' | 'X' => Ok(16),
            'o' | 'O' => Ok(8),
            'b' | 'B' => Ok(2),
            'd' | 'D' => Ok(10),
            'e' | 'E' => Err(Exactness::Exact),
            'i' | 'I' => Err(Exactness::Inexact),
            other => return Err(LiteralError::UnknownPrefix(other)),
        };
        match asked {
            Ok(value) if radix.replace(value).is_some() => {
                return Err(LiteralError::DuplicateRadix);
            }
            Err(value) if exactness.replace(value).is_some() => {
                return Err(LiteralError::DuplicateExactness);
            }
            _ => {}
        }
        rest = after.get(letter.len_utf8()..).unwrap_or_default();
    }
    let radix = radix.unwrap_or(10);
    if rest.is_empty() {
        return Err(LiteralError::MissingBody { radix });
    }
    if radix == 10 {
        return Decimal {
            full: text,
            body: rest,
            exactness,
            prefixed: true,
        }
        .parse();
    }
    let (_, unsigned) = split_sign(rest);
    let run = unsigned
        .bytes()
        .take_while(u8::is_ascii_alphanumeric)
        .count();
    if run == 0 {
        return Err(LiteralError::MissingDigits(radix));
    }
    let signed_run = rest.len() - unsigned.len() + run;
    let value = parse_integer_radix(rest.get(..signed_run).unwrap_or_default(), radix)?;
    if signed_run < rest.len() {
        return Err(LiteralError::Invalid(text.to_owned()));
    }
    Ok(match (value, exactness) {
        (Literal::Int(value), Some(Exactness::Inexact)) => Literal::Float(value as f64),
        (Literal::Big(value), Some(Exactness::Inexact)) => Literal::Float(big_to_float(&value)),
        (value, _) => value,
    })
}

/// What the reader reports when a delimiter follows the prefixes.
fn missing_number(radix: u32) -> LiteralError {
    if radix == 10 {
        LiteralError::InvalidInteger(String::new())
    } else {
        LiteralError::MissingDigits(radix)
    }
}

/// A literal in decimal notation, in parts.
struct Decimal<'a> {
    /// The whole literal, for messages.
    full: &'a str,
    /// The literal without prefixes.
    body: &'a str,
    exactness: Option<Exactness>,
    /// After a prefix a leading dot is allowed.
    prefixed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Integer,
    /// Offset of the slash.
    Ratio(usize),
    Float,
}

impl Decimal<'_> {
    fn parse(&self) -> Result<Literal, LiteralError> {
        let body = self.body;
        let (negative, unsigned) = split_sign(body);
        let sign_length = body.len() - unsigned.len();
        if unsigned == "i" {
            if sign_length == 0 {
                return Err(LiteralError::InvalidComponent(String::new()));
            }
            return Ok(self.complex(LiteralReal::Int(0), unit(negative)));
        }
        let Some((length, shape)) = scan_real(unsigned, self.prefixed) else {
            return Err(LiteralError::InvalidInteger(
                body.get(..sign_length).unwrap_or_default().to_owned(),
            ));
        };
        let number = unsigned.get(..length).unwrap_or_default();
        let rest = unsigned.get(length..).unwrap_or_default();
        if has_zero_denominator(number, shape) {
            return Err(if self.prefixed && rest == "i" {
                LiteralError::InvalidComponent(
                    body.get(..sign_length + length)
                        .unwrap_or_default()
                        .to_owned(),
                )
            } else {
                LiteralError::ZeroDenominator
            });
        }
        match rest {
            "" => Ok(self.adjust(real(negative, number, shape)?).into()),
            "i" => Ok(self.complex(LiteralReal::Int(0), real(negative, number, shape)?)),
            _ => {
                let imaginary = self.imaginary_part(rest)?;
                Ok(self.complex(real(negative, number, shape)?, imaginary))
            }
        }
    }

    /// Parses what follows the real part: a sign, an optional number, `i`.
    fn imaginary_part(&self, text: &str) -> Result<LiteralReal, LiteralError> {
        let invalid = || LiteralError::Invalid(self.full.to_owned());
        let (negative, unsigned) = split_sign(text);
        if unsigned.len() == text.len() {
            return Err(invalid());
        }
        if unsigned == "i" {
            return Ok(unit(negative));
        }
        let (length, shape) = scan_real(unsigned, false).ok_or_else(invalid)?;
        if unsigned.get(length..) != Some("i") {
            return Err(invalid());
        }
        let number = unsigned.get(..length).unwrap_or_default();
        if has_zero_denominator(number, shape) {
            let sign = if negative { "-" } else { "" };
            return Err(LiteralError::InvalidComponent(format!("{sign}{number}")));
        }
        real(negative, number, shape)
    }

    fn complex(&self, real: LiteralReal, imaginary: LiteralReal) -> Literal {
        let real = self.adjust(real);
        match self.adjust(imaginary) {
            LiteralReal::Int(0) => real.into(),
            imaginary => Literal::Complex(real, imaginary),
        }
    }

    fn adjust(&self, value: LiteralReal) -> LiteralReal {
        match (self.exactness, value) {
            (Some(Exactness::Inexact), LiteralReal::Int(value)) => LiteralReal::Float(value as f64),
            (Some(Exactness::Inexact), LiteralReal::Big(value)) => {
                LiteralReal::Float(big_to_float(&value))
            }
            (Some(Exactness::Inexact), LiteralReal::Ratio(value)) => {
                LiteralReal::Float(value.to_f64().unwrap_or(f64::NAN))
            }
            (Some(Exactness::Exact), LiteralReal::Float(value)) => {
                match BigRational::from_float(value) {
                    Some(exact) => simplify(exact),
                    // Infinite: there is no exact value, the language keeps the float.
                    None => LiteralReal::Float(value),
                }
            }
            (_, value) => value,
        }
    }
}

/// Does `text` start like a number or the imaginary units `+i` and `-i`?
fn starts_number(text: &[u8]) -> bool {
    match text {
        [b'+' | b'-', b'i'] => true,
        [b'+' | b'-', digit, ..] | [digit, ..] => digit.is_ascii_digit(),
        [] => false,
    }
}

fn split_sign(text: &str) -> (bool, &str) {
    if let Some(rest) = text.strip_prefix('-') {
        (true, rest)
    } else {
        (false, text.strip_prefix('+').unwrap_or(text))
    }
}

fn unit(negative: bool) -> LiteralReal {
    LiteralReal::Int(if negative { -1 } else { 1 })
}

/// The length and shape of the longest unsigned real number at the start of `text`.
fn scan_real(text: &str, leading_dot: bool) -> Option<(usize, Shape)> {
    let bytes = text.as_bytes();
    let digits_from = |start: usize| {
        bytes
            .get(start..)
            .unwrap_or_default()
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count()
    };
    let mut end = digits_from(0);
    if end == 0 && !leading_dot {
        return None;
    }
    if end > 0 && bytes.get(end) == Some(&b'/') {
        let denominator = digits_from(end + 1);
        if denominator > 0 {
            return Some((end + 1 + denominator, Shape::Ratio(end)));
        }
    }
    let mut shape = Shape::Integer;
    if bytes.get(end) == Some(&b'.') {
        let fraction = digits_from(end + 1);
        if fraction > 0 {
            end += 1 + fraction;
            shape = Shape::Float;
        }
    }
    if end == 0 {
        return None;
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits_from(end + 1 + sign);
        if exponent > 0 {
            end += 1 + sign + exponent;
            shape = Shape::Float;
        }
    }
    Some((end, shape))
}

fn has_zero_denominator(number: &str, shape: Shape) -> bool {
    match shape {
        Shape::Ratio(slash) => number.bytes().skip(slash + 1).all(|digit| digit == b'0'),
        Shape::Integer | Shape::Float => false,
    }
}

/// The value of an unsigned number that [`scan_real`] accepted and whose denominator is not zero.
fn real(negative: bool, number: &str, shape: Shape) -> Result<LiteralReal, LiteralError> {
    match shape {
        Shape::Integer => integer(negative, number, 10),
        Shape::Ratio(slash) => {
            let (numerator, denominator) = (
                number.get(..slash).unwrap_or_default(),
                number.get(slash + 1..).unwrap_or_default(),
            );
            if numerator.len().max(denominator.len()) > MAX_RATIO_DIGITS {
                return Err(LiteralError::TooLong);
            }
            let denominator = magnitude(denominator, 10)?;
            if denominator.is_zero() {
                return Err(LiteralError::ZeroDenominator);
            }
            let numerator = BigInt::from_biguint(sign(negative), magnitude(numerator, 10)?);
            Ok(simplify(BigRational::new(numerator, denominator.into())))
        }
        Shape::Float => {
            // The grammar is a subset of what the standard parser takes, which rounds correctly.
            let value: f64 = number
                .parse()
                .map_err(|_| LiteralError::Invalid(number.to_owned()))?;
            Ok(LiteralReal::Float(if negative { -value } else { value }))
        }
    }
}

/// The value of digits that are known to belong to `radix`.
fn integer(negative: bool, digits: &str, radix: u32) -> Result<LiteralReal, LiteralError> {
    if let Ok(value) = i64::from_str_radix(digits, radix) {
        return Ok(LiteralReal::Int(if negative { -value } else { value }));
    }
    let value = BigInt::from_biguint(sign(negative), magnitude(digits, radix)?);
    Ok(match value.to_i64() {
        Some(small) => LiteralReal::Int(small),
        None => LiteralReal::Big(value),
    })
}

fn sign(negative: bool) -> Sign {
    if negative { Sign::Minus } else { Sign::Plus }
}

fn simplify(value: BigRational) -> LiteralReal {
    if !value.is_integer() {
        return LiteralReal::Ratio(value);
    }
    match value.numer().to_i64() {
        Some(small) => LiteralReal::Int(small),
        None => LiteralReal::Big(value.numer().clone()),
    }
}

fn big_to_float(value: &BigInt) -> f64 {
    // Rounds to nearest even and gives infinities beyond the range.
    value.to_f64().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests;
