//! Predicates of numbers.

use crate::core::number::math::{argument, checked_integer, checked_number};
use sema_machine::data::number::{self, integer};
use sema_machine::host::Host;
use sema_machine::host::condition::Outcome;
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;

natives! {
    /// Whether a value is a number.
    "number?" (v: Any) -> Bool, pure => is_number;

    /// Whether a value is a number; all numbers are complex.
    "complex?" (v: Any) -> Bool, pure => is_number;

    /// Whether a value is a number that is not complex.
    "real?" (v: Any) -> Bool, pure => is_real;

    /// Whether a value is an exact integer or ratio.
    "rational?" (v: Any) -> Bool, pure => is_rational;

    /// Whether a value is a number without a fraction.
    "integer?" (v: Any) -> Bool, pure => is_integer;

    /// Whether a value is an exact integer.
    "exact-integer?" (v: Any) -> Bool, pure => is_exact_integer;

    /// Whether a value is a float.
    "float?" (v: Any) -> Bool, pure => is_float;

    /// Whether a value is an exact number.
    "exact?" (v: Any) -> Bool, pure => is_exact;

    /// Whether a value is a number that is not exact.
    "inexact?" (v: Any) -> Bool, pure => is_inexact;

    /// Whether an integer is even.
    "even?" (n: Int) -> Bool, pure => is_even;

    /// Whether an integer is odd.
    "odd?" (n: Int) -> Bool, pure => is_odd;

    /// Whether a number is zero.
    "zero?" (n: Number) -> Bool, pure => is_zero;

    /// Whether a number is above zero.
    "positive?" (n: Number) -> Bool, pure => is_positive;

    /// Whether a number is below zero.
    "negative?" (v: Any) -> Bool, pure => is_negative;
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
