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
    assert!(matches!(parse_literal("-0.0"), Ok(Literal::Float(zero)) if zero.is_sign_negative()));
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
