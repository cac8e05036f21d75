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
mod tests {
    use super::*;

    fn ratio(numerator: i64, denominator: i64) -> Literal {
        Literal::Ratio(BigRational::new(numerator.into(), denominator.into()))
    }

    fn message(text: &str) -> String {
        parse_literal(text).unwrap_err().to_string()
    }

    #[test]
    fn integers() {
        for (text, value) in [
            ("0", 0),
            ("-0", 0),
            ("+5", 5),
            ("007", 7),
            ("-7", -7),
            ("9223372036854775807", i64::MAX),
        ] {
            assert_eq!(parse_literal(text), Ok(Literal::Int(value)));
        }
        assert_eq!(
            parse_literal("-9223372036854775808"),
            Ok(Literal::Int(i64::MIN))
        );
        assert_eq!(
            parse_literal("9223372036854775808"),
            Ok(Literal::Big(BigInt::from(1_u64 << 63)))
        );
    }

    #[test]
    fn ratios_are_reduced() {
        assert_eq!(parse_literal("3/6"), Ok(ratio(1, 2)));
        assert_eq!(parse_literal("+1/2"), Ok(ratio(1, 2)));
        assert_eq!(parse_literal("-3/6"), Ok(ratio(-1, 2)));
        assert_eq!(parse_literal("4/2"), Ok(Literal::Int(2)));
        assert_eq!(parse_literal("0/5"), Ok(Literal::Int(0)));
        assert_eq!(parse_literal("1/0"), Err(LiteralError::ZeroDenominator));
    }

    #[test]
    fn floats() {
        for (text, value) in [
            ("1e3", 1000.0),
            ("1E-3", 0.001),
            ("1.5e2", 150.0),
            ("1e400", f64::INFINITY),
            ("1e-400", 0.0),
            ("00.5", 0.5),
        ] {
            assert_eq!(parse_literal(text), Ok(Literal::Float(value)));
        }
        assert!(
            matches!(parse_literal("-0.0"), Ok(Literal::Float(zero)) if zero.is_sign_negative())
        );
    }

    #[test]
    fn complex_numbers() {
        use LiteralReal::{Float, Int};
        for (text, real, imaginary) in [
            ("+i", Int(0), Int(1)),
            ("-i", Int(0), Int(-1)),
            ("2i", Int(0), Int(2)),
            ("1.5-2i", Float(1.5), Int(-2)),
            ("1-i", Int(1), Int(-1)),
            ("3+0.0i", Int(3), Float(0.0)),
            ("1e5-i", Float(1e5), Int(-1)),
            ("1e+5+2e-3i", Float(1e5), Float(0.002)),
            ("#i-i", Float(0.0), Float(-1.0)),
            ("#i3+0i", Float(3.0), Float(0.0)),
            ("#e1e400+i", Float(f64::INFINITY), Int(1)),
        ] {
            assert_eq!(
                parse_literal(text),
                Ok(Literal::Complex(real, imaginary)),
                "{text}"
            );
        }
        assert_eq!(parse_literal("3+0i"), Ok(Literal::Int(3)));
        assert_eq!(parse_literal("2/2+0/3i"), Ok(Literal::Int(1)));
        assert_eq!(parse_literal("1.5-0i"), Ok(Literal::Float(1.5)));
    }

    #[test]
    fn prefixes() {
        for (text, value) in [
            ("#x-1F", -31),
            ("#XfF", 255),
            ("#b1010", 10),
            ("#o17", 15),
            ("#d10", 10),
            ("#e#x10", 16),
            ("#x#e10", 16),
            ("#e-0.0", 0),
            ("#e1e3", 1000),
        ] {
            assert_eq!(parse_literal(text), Ok(Literal::Int(value)), "{text}");
        }
        assert_eq!(parse_literal("#e1.5"), Ok(ratio(3, 2)));
        assert_eq!(parse_literal("#e.5"), Ok(ratio(1, 2)));
        assert_eq!(
            parse_literal("#e0.1"),
            Ok(ratio(3_602_879_701_896_397, 36_028_797_018_963_968))
        );
        assert_eq!(parse_literal("#i1/3"), Ok(Literal::Float(1.0 / 3.0)));
        assert_eq!(
            parse_literal("#i#xFFFFFFFFFFFFFFFFFFFF"),
            Ok(Literal::Float(1.208_925_819_614_629_2e24))
        );
    }

    #[test]
    fn messages() {
        for (text, expected) in [
            ("1.", "invalid number literal: 1."),
            ("1e+", "invalid number literal: 1e+"),
            ("0x1F", "invalid number literal: 0x1F"),
            ("1_000", "invalid number literal: 1_000"),
            ("1.0/2", "invalid number literal: 1.0/2"),
            ("1/2/3", "invalid number literal: 1/2/3"),
            ("1+2", "invalid number literal: 1+2"),
            ("1+-2i", "invalid number literal: 1+-2i"),
            ("1é", "invalid number literal: 1é"),
            ("", "invalid number literal: "),
            ("abc", "invalid number literal: abc"),
            (".5", "invalid number literal: .5"),
            ("1/0i", "rational literal has zero denominator"),
            ("1/0x", "rational literal has zero denominator"),
            ("1/2+3/0i", "invalid number component: 3/0"),
            ("1/2+3/0", "invalid number literal: 1/2+3/0"),
            ("#e1/0+1i", "rational literal has zero denominator"),
            ("#e1/0i", "invalid number component: 1/0"),
            ("#ei", "invalid number component: "),
            ("#", "unexpected end of input after `#`"),
            ("#z", "unexpected character after #: 'z'"),
            ("#e#z", "unexpected character after #: 'z'"),
            ("#x", "expected a number after the `#` prefix"),
            ("#x#", "expected digits after radix-16 prefix"),
            ("#e#", "invalid integer: "),
            ("#x-", "expected digits after radix-16 prefix"),
            ("#xg", "invalid radix-16 literal: g"),
            ("#x-g", "invalid radix-16 literal: -g"),
            ("#b12", "invalid radix-2 literal: 12"),
            ("#b1-a", "invalid number literal: #b1-a"),
            ("#x1.5", "invalid number literal: #x1.5"),
            ("#x#x10", "duplicate radix prefix"),
            ("#e#i1", "duplicate exactness prefix"),
            ("#e--1", "invalid integer: -"),
            ("#e.", "invalid integer: "),
            ("#e1x", "invalid number literal: #e1x"),
        ] {
            assert_eq!(message(text), expected, "{text}");
        }
    }

    #[test]
    fn number_text_of_the_library() {
        assert_eq!(parse_number_text(" 1\n"), Some(Literal::Int(1)));
        assert_eq!(
            parse_number_text("-inf"),
            Some(Literal::Float(f64::NEG_INFINITY))
        );
        for text in ["", " ", "+", "1 2", ".5", "+inf.0", "\u{a0}1", "abc", "1/0"] {
            assert_eq!(parse_number_text(text), None, "{text}");
        }
        assert_eq!(parse_integer_radix("-ff", 16), Ok(Literal::Int(-255)));
        assert!(parse_integer_radix("1_0", 16).is_err());
        assert!(parse_integer_radix("", 16).is_err());
        assert!(parse_integer_radix("1", 37).is_err());
    }

    #[test]
    fn absurd_exponents_cost_nothing() {
        assert_eq!(
            parse_literal("#e1e999999999"),
            Ok(Literal::Float(f64::INFINITY))
        );
        assert_eq!(parse_literal("#e1e-999999999"), Ok(Literal::Int(0)));
        assert_eq!(
            parse_literal("1e99999999999999999999999"),
            Ok(Literal::Float(f64::INFINITY))
        );
    }
}
