//! Predicates of numbers.

use crate::core::number::math::{argument, checked_integer, checked_number};
use sema_machine::data::number::{self, integer};
use sema_machine::host::Host;
use sema_machine::host::condition::Outcome;
use sema_machine::host::native::{Native, exactly, native};
use sema_machine::memory::value::{Kind, Value};

/// The natives.
pub static TABLE: &[Native] = &[
    native(
        "number?",
        exactly(1),
        is_number,
        "Whether a value is a number.",
    )
    .pure(),
    native(
        "complex?",
        exactly(1),
        is_number,
        "Whether a value is a number; all numbers are complex.",
    )
    .pure(),
    native(
        "real?",
        exactly(1),
        is_real,
        "Whether a value is a number that is not complex.",
    )
    .pure(),
    native(
        "rational?",
        exactly(1),
        is_rational,
        "Whether a value is an exact integer or ratio.",
    )
    .pure(),
    native(
        "integer?",
        exactly(1),
        is_integer,
        "Whether a value is a number without a fraction.",
    )
    .pure(),
    native(
        "exact-integer?",
        exactly(1),
        is_exact_integer,
        "Whether a value is an exact integer.",
    )
    .pure(),
    native(
        "float?",
        exactly(1),
        is_float,
        "Whether a value is a float.",
    )
    .pure(),
    native(
        "exact?",
        exactly(1),
        is_exact,
        "Whether a value is an exact number.",
    )
    .pure(),
    native(
        "inexact?",
        exactly(1),
        is_inexact,
        "Whether a value is a number that is not exact.",
    )
    .pure(),
    native("even?", exactly(1), is_even, "Whether an integer is even.").pure(),
    native("odd?", exactly(1), is_odd, "Whether an integer is odd.").pure(),
    native("zero?", exactly(1), is_zero, "Whether a number is zero.").pure(),
    native(
        "positive?",
        exactly(1),
        is_positive,
        "Whether a number is above zero.",
    )
    .pure(),
    native(
        "negative?",
        exactly(1),
        is_negative,
        "Whether a number is below zero.",
    )
    .pure(),
];

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
