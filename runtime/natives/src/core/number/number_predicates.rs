//! Predicates of numbers.

use crate::core::number::math::{checked_integer, checked_number};
use sema_format::isa::Predicate;
use sema_machine::data::number::{self, integer};
use sema_machine::host::Host;
use sema_machine::host::arguments::argument;
use sema_machine::host::condition::Outcome;
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;

natives! {
    /// Whether a value is a number of any kind.
    /// (number? 1.5) => #t
    /// (number? "1.5") => #f
    "number?" (value: Any) -> Bool, total, test(Predicate::Number) => is_number;

    /// Whether a value is a number: every number is a complex one.
    /// (complex? 7) => #t
    /// (complex? 'i) => #f
    "complex?" (value: Any) -> Bool, total => is_number;

    /// Whether a value is a number without an imaginary part.
    /// (real? 2.5) => #t
    /// (real? (make-rectangular 1 2)) => #f
    "real?" (value: Any) -> Bool, total => is_real;

    /// Whether a value is an exact integer or an exact ratio; no float is.
    /// (rational? 1/3) => #t
    /// (rational? 0.5) => #f
    "rational?" (value: Any) -> Bool, total => is_rational;

    /// Whether a value is an exact integer or a finite float without a fraction.
    /// (integer? 3.0) => #t
    /// (integer? 3.5) => #f
    "integer?" (value: Any) -> Bool, total => is_integer;

    /// Whether a value is an exact integer.
    /// (exact-integer? 3) => #t
    /// (exact-integer? 3.0) => #f
    "exact-integer?" (value: Any) -> Bool, total, test(Predicate::ExactInteger) => is_exact_integer;

    /// Whether a value is a float.
    /// (float? 3.0) => #t
    /// (float? 3) => #f
    "float?" (value: Any) -> Bool, total, test(Predicate::Float) => is_float;

    /// Whether a value is an exact number: an integer, a ratio, or complex with two such parts.
    /// (exact? 1/2) => #t
    /// (exact? 0.5) => #f
    "exact?" (value: Any) -> Bool, total => is_exact;

    /// Whether a value is a number that is not exact.
    /// (inexact? 0.5) => #t
    /// (inexact? 1/2) => #f
    /// (inexact? :x) => #f
    "inexact?" (value: Any) -> Bool, total => is_inexact;

    /// Whether an exact integer is even. Raises for any other value.
    /// (even? 10) => #t
    /// (even? 2.0) => error expected integer, got float
    "even?" (number: Integer) -> Bool, pure => is_even;

    /// Whether an exact integer is odd. Raises for any other value.
    /// (odd? -3) => #t
    /// (odd? 0) => #f
    "odd?" (number: Integer) -> Bool, pure => is_odd;

    /// Whether a number is zero, exact or not. Raises for what is no number.
    /// (zero? -0.0) => #t
    /// (zero? 1/9) => #f
    "zero?" (number: Number) -> Bool, pure => is_zero;

    /// Whether a number is above zero. Raises for what is no number.
    /// (positive? 1/9) => #t
    /// (positive? 0) => #f
    "positive?" (number: Number) -> Bool, pure => is_positive;

    /// Whether a number is below zero. Raises for what is no number.
    /// (negative? -0.5) => #t
    /// (negative? "x") => error expected number, got string
    "negative?" (number: Number) -> Bool, pure => is_negative;
}

fn is_number(_: &Host, args: &[Value]) -> Outcome {
    Ok(Value::bool(argument(args, 0).kind().is_number()))
}

fn is_real(_: &Host, args: &[Value]) -> Outcome {
    let kind = argument(args, 0).kind();
    Ok(Value::bool(kind.is_number() && kind != Kind::Complex))
}

fn is_rational(_: &Host, args: &[Value]) -> Outcome {
    let kind = argument(args, 0).kind();
    Ok(Value::bool(matches!(kind, Kind::Int | Kind::Ratio)))
}

fn is_integer(_: &Host, args: &[Value]) -> Outcome {
    let value = argument(args, 0);
    let integral = value.as_float().is_some_and(|float| float.fract() == 0.0);
    Ok(Value::bool(integral || value.kind() == Kind::Int))
}

fn is_exact_integer(_: &Host, args: &[Value]) -> Outcome {
    Ok(Value::bool(argument(args, 0).kind() == Kind::Int))
}

fn is_float(_: &Host, args: &[Value]) -> Outcome {
    Ok(Value::bool(argument(args, 0).is_float()))
}

fn is_exact(host: &Host, args: &[Value]) -> Outcome {
    Ok(Value::bool(number::is_exact(&host.heap, argument(args, 0))))
}

fn is_inexact(host: &Host, args: &[Value]) -> Outcome {
    let value = argument(args, 0);
    let number = value.kind().is_number();
    Ok(Value::bool(number && !number::is_exact(&host.heap, value)))
}

fn is_odd(host: &Host, args: &[Value]) -> Outcome {
    let integer = checked_integer(host, argument(args, 0), "integer")?;
    Ok(Value::bool(integer::is_odd(&host.heap, integer)))
}

fn is_even(host: &Host, args: &[Value]) -> Outcome {
    let integer = checked_integer(host, argument(args, 0), "integer")?;
    Ok(Value::bool(!integer::is_odd(&host.heap, integer)))
}

fn is_zero(host: &Host, args: &[Value]) -> Outcome {
    let number = checked_number(host, argument(args, 0))?;
    Ok(Value::bool(number::same_value(
        &host.heap,
        number,
        Value::small(0),
    )))
}

fn is_positive(host: &Host, args: &[Value]) -> Outcome {
    let number = checked_number(host, argument(args, 0))?;
    Ok(Value::bool(number::sign(&host.heap, number) > 0))
}

fn is_negative(host: &Host, args: &[Value]) -> Outcome {
    let number = checked_number(host, argument(args, 0))?;
    Ok(Value::bool(number::sign(&host.heap, number) < 0))
}
