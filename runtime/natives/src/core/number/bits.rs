//! Bit operations on integers of any size, in two's complement.

use sema_machine::data::number::integer;
use sema_machine::host::Host;
use sema_machine::host::arguments::argument;
use sema_machine::host::condition::{Outcome, eval_error, type_error};
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;

natives! {
    /// The bits that both integers have, in two's complement.
    /// (bit/and 12 10) => 8
    /// (bit/and -1 255) => 255
    "bit/and" (left: Integer, right: Integer) -> Integer, pure => and;

    /// The bits that at least one of two integers has, in two's complement.
    /// (bit/or 12 10) => 14
    "bit/or" (left: Integer, right: Integer) -> Integer, pure => or;

    /// The bits in which two integers differ, in two's complement.
    /// (bit/xor 12 10) => 6
    "bit/xor" (left: Integer, right: Integer) -> Integer, pure => xor;

    /// All bits of an integer inverted, in two's complement: -1 - n.
    /// (bit/not 5) => -6
    "bit/not" (number: Integer) -> Integer, pure => not;

    /// An integer times 2 to the power of `places`; nothing is lost. Raises for negative places and for
    /// a result of more than 2^27 bits.
    /// (bit/shift-left 3 4) => 48
    /// (bit/shift-left 1 64) => 18446744073709551616
    /// (bit/shift-left 1 -1) => error expected a non-negative integer, got -1
    "bit/shift-left" (number: Integer, places: Count) -> Integer, pure => shift_left;

    /// An integer divided by 2 to the power of `places`, rounded down. Raises for negative places.
    /// (bit/shift-right 48 4) => 3
    /// (bit/shift-right -5 1) => -3
    "bit/shift-right" (number: Integer, places: Count) -> Integer, pure => shift_right;
}

fn checked_integer(host: &Host, args: &[Value], index: usize) -> Outcome {
    let value = argument(args, index);
    if value.kind() == Kind::Int {
        Ok(value)
    } else {
        Err(type_error(host, "int", value))
    }
}

fn operands(host: &Host, args: &[Value]) -> Outcome<(Value, Value)> {
    Ok((
        checked_integer(host, args, 0)?,
        checked_integer(host, args, 1)?,
    ))
}

fn and(host: &Host, args: &[Value]) -> Outcome {
    let (a, b) = operands(host, args)?;
    Ok(integer::bitwise(
        &host.heap,
        a,
        b,
        |x, y| x & y,
        |x, y| x & y,
    ))
}

fn or(host: &Host, args: &[Value]) -> Outcome {
    let (a, b) = operands(host, args)?;
    Ok(integer::bitwise(
        &host.heap,
        a,
        b,
        |x, y| x | y,
        |x, y| x | y,
    ))
}

fn xor(host: &Host, args: &[Value]) -> Outcome {
    let (a, b) = operands(host, args)?;
    Ok(integer::bitwise(
        &host.heap,
        a,
        b,
        |x, y| x ^ y,
        |x, y| x ^ y,
    ))
}

fn not(host: &Host, args: &[Value]) -> Outcome {
    let value = checked_integer(host, args, 0)?;
    // -1 - n in two's complement.
    Ok(integer::subtract(&host.heap, Value::small(-1), value))
}

/// The number of places to shift by, and the integer.
fn shift(host: &Host, args: &[Value], name: &str) -> Outcome<(Value, u64)> {
    let value = checked_integer(host, args, 0)?;
    let count = argument(args, 1);
    let Some(places) = host.heap.as_i64(count) else {
        return Err(type_error(host, "int", count));
    };
    match u64::try_from(places) {
        Ok(places) => Ok((value, places)),
        Err(_) => Err(eval_error(format!(
            "{name}: expected a non-negative integer, got {places}"
        ))),
    }
}

fn shift_left(host: &Host, args: &[Value]) -> Outcome {
    let (value, places) = shift(host, args, "bit/shift-left")?;
    integer::shift_left(&host.heap, value, places)
}

fn shift_right(host: &Host, args: &[Value]) -> Outcome {
    let (value, places) = shift(host, args, "bit/shift-right")?;
    Ok(integer::shift_right(&host.heap, value, places))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::run;
    use sema_machine::host::output::Output;

    #[test]
    fn bits_of_integers_of_any_size() {
        let host = Host::new(Output::memory(), &crate::NATIVES);
        for (expression, result) in [
            ("(bit/and 12 10)", "8"),
            ("(bit/or 12 10)", "14"),
            ("(bit/xor -1 5)", "-6"),
            (
                "(bit/not 1267650600228229401496703205376)",
                "-1267650600228229401496703205377",
            ),
            (
                "(bit/and -680564733841876926926749214863536422913 255)",
                "255",
            ),
            ("(bit/or -1 680564733841876926926749214863536422912)", "-1"),
            ("(bit/and 1 1.5)", ":type-error expected int, got float"),
            (
                "(bit/shift-left -1 100)",
                "-1267650600228229401496703205376",
            ),
            ("(bit/shift-left 0 9223372036854775807)", "0"),
            (
                "(bit/shift-left 1 -1)",
                ":eval bit/shift-left: expected a non-negative integer, got -1",
            ),
            (
                "(bit/shift-left 1 200000000)",
                ":eval integer exceeds the limit of 134217728 bits",
            ),
            ("(bit/shift-right -5 1)", "-3"),
            ("(bit/shift-right -5 1000)", "-1"),
            ("(bit/shift-right 5 127)", "0"),
            ("(bit/shift-right 1267650600228229401496703205376 99)", "2"),
        ] {
            assert_eq!(run(&host, &[TABLE], expression), result, "{expression}");
        }
    }
}
