//! Sums, means and extremes of lists of numbers.

use sema_machine::host::arguments::argument;
use std::cmp::Ordering;

use super::select::Tally;
use sema_machine::data::equality;
use sema_machine::data::number;
use sema_machine::data::sequence::{require_iter, require_values};
use sema_machine::host::Host;
use sema_machine::host::condition::{Outcome, eval_error, type_error};
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;

natives! {
    /// The sum of the numbers; 0 if there are none.
    /// (list/sum (list 1 2 3)) => 6
    /// (list/sum [0.5 1]) => 1.5
    /// (list/sum (list "1")) => error expected number, got string
    "list/sum" (numbers: Elements) -> Number, pure => sum;

    /// The arithmetic mean of the numbers, exact if they are. No numbers are an error.
    /// (list/avg (list 1 2)) => 3/2
    /// (list/avg (list 1.0 2.0)) => 1.5
    /// (list/avg (list)) => error list/avg: empty list
    "list/avg" (numbers: Elements) -> Number, pure => average;

    /// The smallest number, as it is in the sequence. No numbers are an error.
    /// (list/min (list 3 1.0 2)) => 1.0
    "list/min" (numbers: Elements) -> Any, pure => min;

    /// The largest number, as it is in the sequence. No numbers are an error.
    /// (list/max (list 3 1.5 2)) => 3
    "list/max" (numbers: Elements) -> Any, pure => max;

    /// The middle one of the numbers in ascending order, or the mean of the two in the middle. No numbers are an error.
    /// (list/median (list 9 1 5)) => 5
    /// (list/median (list 4 1 3 2)) => 5/2
    "list/median" (numbers: Elements) -> Number, pure => median;

    /// The value that occurs most often; where several do, a list of them in ascending order. No values are an error.
    /// (list/mode (list 1 2 2 3)) => 2
    /// (list/mode (list :b :a :b :a)) => (:a :b)
    "list/mode" (seq: Elements) -> Any, pure => mode;
}

fn check_number(host: &Host, value: Value) -> Outcome<()> {
    if value.kind().is_number() {
        Ok(())
    } else {
        Err(type_error(host, "number", value))
    }
}

fn total(host: &Host, values: &[Value]) -> Outcome {
    values.iter().try_fold(Value::small(0), |sum, &value| {
        check_number(host, value)?;
        number::add(host, sum, value)
    })
}

fn sum(host: &Host, args: &[Value]) -> Outcome {
    total(host, &require_values(host, argument(args, 0), "list/sum")?)
}

fn average(host: &Host, args: &[Value]) -> Outcome {
    let values = require_values(host, argument(args, 0), "list/avg")?;
    if values.is_empty() {
        return Err(eval_error("list/avg: empty list"));
    }
    number::divide(host, total(host, &values)?, Value::index(values.len()))
}

/// The first element that none of the others is before, by `wanted`.
fn extreme(host: &Host, sequence: Value, function: &str, wanted: Ordering) -> Outcome {
    let mut values = require_iter(host, sequence, function)?;
    let Some(mut best) = values.next() else {
        return Err(eval_error(format!("{function}: empty list")));
    };
    for value in values {
        check_number(host, best)?;
        check_number(host, value)?;
        match number::compare_exact(&host.heap, value, best) {
            Some(order) if order == wanted => best = value,
            Some(_) => {}
            None => return Err(eval_error("cannot order complex numbers or NaN")),
        }
    }
    Ok(best)
}

fn min(host: &Host, args: &[Value]) -> Outcome {
    extreme(host, argument(args, 0), "list/min", Ordering::Less)
}

fn max(host: &Host, args: &[Value]) -> Outcome {
    extreme(host, argument(args, 0), "list/max", Ordering::Greater)
}

fn median(host: &Host, args: &[Value]) -> Outcome {
    let mut values = require_values(host, argument(args, 0), "list/median")?.into_owned();
    for &value in &values {
        check_number(host, value)?;
        if value.kind() == Kind::Complex {
            return Err(type_error(host, "real number", value));
        }
        if value.as_float().is_some_and(f64::is_nan) {
            return Err(eval_error("list/median: cannot order NaN"));
        }
    }
    equality::stable_sort(&mut values, |a, b| {
        equality::compare_reals(host, *a, *b).unwrap_or(Ordering::Equal)
    });
    let middle = values.len() / 2;
    match (values.get(middle), middle.checked_sub(1)) {
        (None, _) => Err(eval_error("list/median: empty list")),
        (Some(&upper), Some(lower)) if values.len().is_multiple_of(2) => {
            let lower = values.get(lower).copied().unwrap_or(upper);
            number::divide(host, number::add(host, lower, upper)?, Value::small(2))
        }
        (Some(&value), _) => Ok(value),
    }
}

fn mode(host: &Host, args: &[Value]) -> Outcome {
    let mut tally = Tally::new(host);
    for value in require_iter(host, argument(args, 0), "list/mode")? {
        tally.add(value);
    }
    let Some(most) = tally.counts.iter().map(|(_, count)| *count).max() else {
        return Err(eval_error("list/mode: empty list"));
    };
    let mut winners: Vec<Value> = (tally.counts.iter())
        .filter(|(_, count)| *count == most)
        .map(|(value, _)| *value)
        .collect();
    if let [winner] = winners.as_slice() {
        return Ok(*winner);
    }
    equality::stable_sort(&mut winners, |a, b| equality::compare(host, *a, *b));
    Ok(host.heap.list(&winners))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::call;
    use sema_machine::host::output::Output;

    #[test]
    fn exact_where_the_input_is() {
        let host = Host::new(Output::memory(), &crate::NATIVES);
        let heap = &host.heap;
        let n = Value::small;
        let on = |name, values: &[Value]| call(&host, name, &[heap.list(values)]);
        assert_eq!(on("list/sum", &[]), "0");
        assert_eq!(on("list/sum", &[n(1), Value::float(2.5)]), "3.5");
        assert_eq!(on("list/avg", &[n(1), n(2)]), "3/2");
        assert_eq!(on("list/min", &[n(1), Value::float(2.0)]), "1");
        assert_eq!(on("list/max", &[Value::float(1.0), n(1)]), "1.0");
        assert_eq!(on("list/median", &[n(4), n(1), n(3), n(2)]), "5/2");
        assert_eq!(on("list/median", &[n(3), n(1), n(2)]), "2");
        assert_eq!(on("list/median", &[]), "eval: list/median: empty list");
        assert_eq!(on("list/mode", &[n(2), n(1), n(2), n(1), n(3)]), "(1 2)");
        assert_eq!(
            on("list/max", &[n(1), Value::float(f64::NAN)]),
            "eval: cannot order complex numbers or NaN"
        );
        assert_eq!(
            on("list/sum", &[heap.string("a")]),
            "type-error: expected number, got string"
        );
    }
}
