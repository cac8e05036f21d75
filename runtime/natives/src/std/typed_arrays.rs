//! Flat arrays of floats and of 64-bit integers. They are immutable: `set!` gives a changed copy.

use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, integer, list_only, real};
use sema_machine::host::condition::{Outcome, Signal, eval_error, type_error};
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;

natives! {
    /// A float array of the arguments, integers or floats.
    /// (f64-array 1 2.5) => #f64(1 2.5)
    /// (f64-array "1") => error expected number, got string
    "f64-array" (numbers*: Real) -> F64Array, pure => f64_array;

    /// A float array of the numbers in a list.
    /// (f64-array/from-list (list 1 2 3)) => #f64(1 2 3)
    "f64-array/from-list" (numbers: List) -> F64Array, pure => f64_from_list;

    /// A float array of so many elements, 8388608 at most, all equal to a fill number (0).
    /// (f64-array/make 3) => #f64(0 0 0)
    /// (f64-array/make 2 1.5) => #f64(1.5 1.5)
    "f64-array/make" (length: Count, fill?: Real) -> F64Array, pure => f64_make;

    /// A float array of the numbers from a start up to but without an end, a step (1) apart. A negative step counts down.
    /// (f64-array/range 0 1 0.25) => #f64(0 0.25 0.5 0.75)
    /// (f64-array/range 0 1 0) => error step cannot be zero
    "f64-array/range" (start: Real, end: Real, step?: Real) -> F64Array, pure => f64_range;

    /// The number of elements of a float array.
    /// (f64-array/length (f64-array 1 2)) => 2
    "f64-array/length" (array: F64Array) -> Count, pure => f64_length;

    /// The element of a float array at an index, counted from 0. It raises if there is none.
    /// (f64-array/ref (f64-array 1.5 2) 0) => 1.5
    /// (f64-array/ref (f64-array 1.5) 1) => error index 1 out of bounds (len 1)
    "f64-array/ref" (array: F64Array, index: Count) -> Float, pure => f64_reference;

    /// A copy with another number at an index. The array itself does not change.
    /// (f64-array/set! (f64-array 1 2) 0 9) => #f64(9 2)
    "f64-array/set!" (array: F64Array, index: Count, value: Real) -> F64Array, pure => f64_set;

    /// The sum of the elements of a float array.
    /// (f64-array/sum (f64-array 1 2.5)) => 3.5
    "f64-array/sum" (array: F64Array) -> Float, pure => f64_sum;

    /// The sum of the products of the elements of two float arrays at the same places. Different lengths are an error.
    /// (f64-array/dot (f64-array 1 2) (f64-array 3 4)) => 11.0
    /// (f64-array/dot (f64-array 1) (f64-array)) => error length mismatch (1 vs 0)
    "f64-array/dot" (a: F64Array, b: F64Array) -> Float, pure => f64_dot;

    /// Whether a value is a float array.
    /// (f64-array? (f64-array 1)) => #t
    /// (f64-array? [1.0]) => #f
    "f64-array?" (value: Any) -> Bool, total => is_f64_array;

    /// An integer array of the arguments, exact integers of 64 bits.
    /// (i64-array 1 2) => #i64(1 2)
    /// (i64-array 1.5) => error expected integer, got float
    "i64-array" (integers*: Int) -> I64Array, pure => i64_array;

    /// An integer array of the integers in a list.
    /// (i64-array/from-list (list 3 4)) => #i64(3 4)
    "i64-array/from-list" (integers: List) -> I64Array, pure => i64_from_list;

    /// An integer array of so many elements, 8388608 at most, all equal to a fill integer (0).
    /// (i64-array/make 2 7) => #i64(7 7)
    "i64-array/make" (length: Count, fill?: Int) -> I64Array, pure => i64_make;

    /// An integer array of the integers from a start up to but without an end, a step (1) apart. A negative step counts down.
    /// (i64-array/range 0 3) => #i64(0 1 2)
    /// (i64-array/range 5 0 -2) => #i64(5 3 1)
    "i64-array/range" (start: Int, end: Int, step?: Int) -> I64Array, pure => i64_range;

    /// The number of elements of an integer array.
    /// (i64-array/length (i64-array 1 2 3)) => 3
    "i64-array/length" (array: I64Array) -> Count, pure => i64_length;

    /// The element of an integer array at an index, counted from 0. It raises if there is none.
    /// (i64-array/ref (i64-array 10 20) 1) => 20
    "i64-array/ref" (array: I64Array, index: Count) -> Int, pure => i64_reference;

    /// A copy with another integer at an index. The array itself does not change.
    /// (i64-array/set! (i64-array 1 2) 1 9) => #i64(1 9)
    "i64-array/set!" (array: I64Array, index: Count, value: Int) -> I64Array, pure => i64_set;

    /// The sum of the elements of an integer array; it does not overflow.
    /// (i64-array/sum (i64-array 1 2 3)) => 6
    /// (i64-array/sum (i64-array 9223372036854775807 1)) => 9223372036854775808
    "i64-array/sum" (array: I64Array) -> Integer, pure => i64_sum;

    /// Whether a value is an integer array.
    /// (i64-array? (i64-array 1)) => #t
    /// (i64-array? (f64-array 1)) => #f
    "i64-array?" (value: Any) -> Bool, total => is_i64_array;
}

/// Most elements that `make` and `range` make.
const LONGEST: usize = 8 << 20;

/// What an array's elements are: how they come from values, and how arrays of them are made.
trait Element: Copy {
    /// Prefix of the function names, and the type's name.
    const ARRAY: &'static str;
    /// What an element must be, in messages.
    const EXPECTED: &'static str;
    const ZERO: Self;
    fn from_value(host: &Host, value: Value) -> Option<Self>;
    fn to_value(self, host: &Host) -> Value;
    fn elements(host: &Host, array: Value) -> Option<&[Self]>;
    fn array(host: &Host, elements: &[Self]) -> Value;
}

impl Element for f64 {
    const ARRAY: &'static str = "f64-array";
    const EXPECTED: &'static str = "number";
    const ZERO: f64 = 0.0;
    fn from_value(host: &Host, value: Value) -> Option<f64> {
        real(host, value)
    }
    fn to_value(self, _: &Host) -> Value {
        Value::float(self)
    }
    fn elements(host: &Host, array: Value) -> Option<&[f64]> {
        host.heap.as_f64_array(array)
    }
    fn array(host: &Host, elements: &[f64]) -> Value {
        host.heap.f64_array(elements)
    }
}

impl Element for i64 {
    const ARRAY: &'static str = "i64-array";
    const EXPECTED: &'static str = "integer";
    const ZERO: i64 = 0;
    fn from_value(host: &Host, value: Value) -> Option<i64> {
        host.heap.as_i64(value)
    }
    fn to_value(self, host: &Host) -> Value {
        host.heap.int(self)
    }
    fn elements(host: &Host, array: Value) -> Option<&[i64]> {
        host.heap.as_i64_array(array)
    }
    fn array(host: &Host, elements: &[i64]) -> Value {
        host.heap.i64_array(elements)
    }
}

fn element<E: Element>(host: &Host, value: Value) -> Outcome<E> {
    E::from_value(host, value).ok_or_else(|| type_error(host, E::EXPECTED, value))
}

fn elements<'h, E: Element>(host: &'h Host, args: &[Value], index: usize) -> Outcome<&'h [E]> {
    let value = argument(args, index);
    E::elements(host, value).ok_or_else(|| type_error(host, E::ARRAY, value))
}

fn new<E: Element>(host: &Host, args: &[Value]) -> Outcome {
    let elements: Vec<E> = args
        .iter()
        .map(|&value| element(host, value))
        .collect::<Outcome<_>>()?;
    Ok(E::array(host, &elements))
}

fn from_list<E: Element>(host: &Host, function: &str, args: &[Value]) -> Outcome {
    new::<E>(host, &list_only(host, function, args, 0)?)
}

fn too_long(function: &str) -> Box<Signal> {
    eval_error(format!("{function}: length exceeds maximum {LONGEST}"))
}

fn make<E: Element>(host: &Host, function: &str, args: &[Value]) -> Outcome {
    let value = argument(args, 0);
    let Some(length) = host.heap.as_i64(value) else {
        return Err(type_error(host, "integer", value));
    };
    let fill = if args.len() > 1 {
        element::<E>(host, argument(args, 1))?
    } else {
        E::ZERO
    };
    match usize::try_from(length) {
        Ok(length) if length <= LONGEST => Ok(E::array(host, &vec![fill; length])),
        Ok(_) => Err(too_long(function)),
        Err(_) => Err(eval_error(format!(
            "{function}: length must be non-negative, got {length}"
        ))),
    }
}

fn length<E: Element>(host: &Host, args: &[Value]) -> Outcome {
    Ok(Value::index(elements::<E>(host, args, 0)?.len()))
}

fn out_of_bounds(index: i64, length: usize) -> Box<Signal> {
    eval_error(format!("index {index} out of bounds (len {length})"))
}

fn reference<E: Element>(host: &Host, function: &str, args: &[Value]) -> Outcome {
    let array = elements::<E>(host, args, 0)?;
    let index = integer(host, function, args, 1)?;
    usize::try_from(index)
        .ok()
        .and_then(|index| array.get(index))
        .map(|element| element.to_value(host))
        .ok_or_else(|| out_of_bounds(index, array.len()))
}

fn set<E: Element>(host: &Host, function: &str, args: &[Value]) -> Outcome {
    let array = elements::<E>(host, args, 0)?;
    let index = integer(host, function, args, 1)?;
    let replacement = element::<E>(host, argument(args, 2))?;
    let mut changed = array.to_vec();
    match usize::try_from(index)
        .ok()
        .and_then(|index| changed.get_mut(index))
    {
        Some(slot) => *slot = replacement,
        None => return Err(out_of_bounds(index, array.len())),
    }
    Ok(E::array(host, &changed))
}

fn is_array(args: &[Value], kind: Kind) -> Outcome {
    Ok(Value::bool(argument(args, 0).kind() == kind))
}

fn f64_range(host: &Host, args: &[Value]) -> Outcome {
    let bound = |index| element::<f64>(host, argument(args, index));
    let (start, end) = (bound(0)?, bound(1)?);
    let step = if args.len() > 2 { bound(2)? } else { 1.0 };
    if ![start, end, step].iter().all(|bound| bound.is_finite()) {
        return Err(eval_error("f64-array/range: arguments must be finite"));
    }
    if step == 0.0 {
        return Err(eval_error("f64-array/range: step cannot be zero"));
    }
    let mut elements = Vec::new();
    let mut current = start;
    while if step > 0.0 {
        current < end
    } else {
        current > end
    } {
        if elements.len() == LONGEST {
            return Err(too_long("f64-array/range"));
        }
        elements.push(current);
        if current + step == current {
            return Err(eval_error("f64-array/range: step makes no progress"));
        }
        current += step;
    }
    Ok(host.heap.f64_array(&elements))
}

fn i64_range(host: &Host, args: &[Value]) -> Outcome {
    let bound = |index| integer(host, "i64-array/range", args, index);
    let (start, end) = (bound(0)?, bound(1)?);
    let step = if args.len() > 2 { bound(2)? } else { 1 };
    if step == 0 {
        return Err(eval_error("i64-array/range: step cannot be zero"));
    }
    let mut elements = Vec::new();
    let mut current = Some(start);
    while let Some(value) = current
        && (if step > 0 { value < end } else { value > end })
    {
        if elements.len() == LONGEST {
            return Err(too_long("i64-array/range"));
        }
        elements.push(value);
        current = value.checked_add(step);
    }
    Ok(host.heap.i64_array(&elements))
}

/// The sum of floats, 0.0 of none: Rust's own is -0.0 then.
fn total(floats: impl Iterator<Item = f64>) -> Value {
    Value::float(floats.fold(0.0, |sum, float| sum + float))
}

fn f64_sum(host: &Host, args: &[Value]) -> Outcome {
    Ok(total(elements::<f64>(host, args, 0)?.iter().copied()))
}

fn i64_sum(host: &Host, args: &[Value]) -> Outcome {
    // 2^32 elements of 64 bits fit easily.
    let sum: i128 = elements::<i64>(host, args, 0)?
        .iter()
        .map(|&element| i128::from(element))
        .sum();
    Ok(host.heap.bigint(&sum.into()))
}

fn f64_dot(host: &Host, args: &[Value]) -> Outcome {
    let a = elements::<f64>(host, args, 0)?;
    let b = elements::<f64>(host, args, 1)?;
    if a.len() != b.len() {
        return Err(eval_error(format!(
            "f64-array/dot: length mismatch ({} vs {})",
            a.len(),
            b.len()
        )));
    }
    Ok(total(a.iter().zip(b).map(|(x, y)| x * y)))
}

macro_rules! instances {
    ($($function:ident = $generic:ident::<$element:ty>($($name:literal)?);)*) => {
        $(fn $function(host: &Host, args: &[Value]) -> Outcome {
            $generic::<$element>(host, $($name,)? args)
        })*
    };
}

instances! {
    f64_array = new::<f64>();
    i64_array = new::<i64>();
    f64_from_list = from_list::<f64>("f64-array/from-list");
    i64_from_list = from_list::<i64>("i64-array/from-list");
    f64_make = make::<f64>("f64-array/make");
    i64_make = make::<i64>("i64-array/make");
    f64_length = length::<f64>();
    i64_length = length::<i64>();
    f64_reference = reference::<f64>("f64-array/ref");
    i64_reference = reference::<i64>("i64-array/ref");
    f64_set = set::<f64>("f64-array/set!");
    i64_set = set::<i64>("i64-array/set!");
}

fn is_f64_array(_: &Host, args: &[Value]) -> Outcome {
    is_array(args, Kind::F64Array)
}

fn is_i64_array(_: &Host, args: &[Value]) -> Outcome {
    is_array(args, Kind::I64Array)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Bench, eval_message, type_message};

    #[test]
    fn ranges_stop_before_the_end() {
        let bench = Bench::new();
        let heap = &bench.host.heap;
        let down = bench.call(
            "i64-array/range",
            &[Value::small(5), Value::small(0), Value::small(-2)],
        );
        assert_eq!(heap.as_i64_array(down), Some(&[5, 3, 1][..]));
        let quarter = Value::float(0.25);
        let floats = bench.call(
            "f64-array/range",
            &[Value::small(0), Value::small(1), quarter],
        );
        assert_eq!(heap.as_f64_array(floats), Some(&[0.0, 0.25, 0.5, 0.75][..]));
        let error = bench.error("f64-array/range", &[Value::small(0), Value::float(1e12)]);
        assert_eq!(
            eval_message(error),
            "f64-array/range: length exceeds maximum 8388608"
        );
        let edge = heap.int(i64::MAX - 1);
        let last = bench.call(
            "i64-array/range",
            &[edge, heap.int(i64::MAX), Value::small(5)],
        );
        assert_eq!(heap.as_i64_array(last), Some(&[i64::MAX - 1][..]));
    }

    #[test]
    fn elements_are_checked() {
        let bench = Bench::new();
        let array = bench.call("f64-array", &[Value::small(1), Value::float(2.5)]);
        assert_eq!(bench.call("f64-array/sum", &[array]), Value::float(3.5));
        // Nothing is 0.0, not -0.0.
        let none = bench.call("f64-array", &[]);
        for sum in [
            bench.call("f64-array/sum", &[none]),
            bench.call("f64-array/dot", &[none, none]),
        ] {
            assert!(sum.as_float().is_some_and(f64::is_sign_positive));
        }
        let error = bench.error("f64-array/ref", &[array, Value::small(2)]);
        assert_eq!(eval_message(error), "index 2 out of bounds (len 2)");
        let error = bench.error("i64-array/length", &[array]);
        assert_eq!(type_message(error), "expected i64-array, got f64-array");
        let error = bench.error("i64-array", &[Value::float(2.0)]);
        assert_eq!(type_message(error), "expected integer, got float");
        let large = bench.host.heap.bigint(&(i128::from(i64::MAX) + 1).into());
        let error = bench.error("i64-array", &[large]);
        assert_eq!(
            type_message(error),
            "expected integer, got int beyond 64 bits"
        );
        let error = bench.error("f64-array/ref", &[array, large]);
        assert_eq!(
            type_message(error),
            "f64-array/ref argument 2 expected integer, got int beyond 64 bits"
        );
        let changed = bench.call("f64-array/set!", &[array, Value::small(0), Value::small(9)]);
        assert_eq!(bench.host.heap.as_f64_array(changed), Some(&[9.0, 2.5][..]));
        assert_eq!(bench.host.heap.as_f64_array(array), Some(&[1.0, 2.5][..]));
    }

    #[test]
    fn integer_sums_do_not_overflow() {
        let bench = Bench::new();
        let array = bench.host.heap.i64_array(&[i64::MAX, 1]);
        let sum = bench.call("i64-array/sum", &[array]);
        assert_eq!(
            bench.host.heap.as_bigint(sum),
            Some((i128::from(i64::MAX) + 1).into())
        );
    }
}
