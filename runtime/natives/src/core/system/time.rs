//! Clocks and sums of times. A time is a number of seconds since the Unix epoch.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, argument_error, real};
use sema_machine::host::condition::Outcome;
use sema_machine::memory::value::Value;
use sema_machine::natives;

natives! {
    /// Seconds since the beginning of 1970 (UTC), with fractions.
    /// (float? (time/now)) => #t
    "time/now" () -> Float => now;

    /// Whole milliseconds since the beginning of 1970 (UTC).
    /// (> (time-ms) 1000000000000) => #t
    "time-ms" () -> Int => now_in_milliseconds;

    /// Whole milliseconds since the beginning of 1970 (UTC).
    /// (integer? (time/now-ms)) => #t
    "time/now-ms" () -> Int => now_in_milliseconds;

    /// The time that is so many seconds after a time.
    /// (time/add 100.5 60) => 160.5
    "time/add" (time: Real, seconds: Real) -> Float, pure => add;

    /// The seconds from the time `start` to the time `end`.
    /// (time/diff 160.5 100) => 60.5
    "time/diff" (end: Real, start: Real) -> Float, pure => difference;

    /// Nanoseconds since the program started.
    /// (<= (sys/elapsed) (sys/elapsed)) => #t
    "sys/elapsed" () -> Count => elapsed;
}

/// Time since the epoch; a clock set before it counts as the epoch.
fn since_epoch() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

fn now(_: &Host, _: &[Value]) -> Outcome {
    Ok(Value::float(since_epoch().as_secs_f64()))
}

fn now_in_milliseconds(host: &Host, _: &[Value]) -> Outcome {
    Ok(host.heap.int(since_epoch().as_millis() as i64))
}

fn elapsed(host: &Host, _: &[Value]) -> Outcome {
    Ok(host.heap.int(host.started.elapsed().as_nanos() as i64))
}

fn seconds(host: &Host, function: &str, args: &[Value], index: usize) -> Outcome<f64> {
    let value = argument(args, index);
    real(host, value).ok_or_else(|| argument_error(host, function, index, "number", value))
}

fn add(host: &Host, args: &[Value]) -> Outcome {
    let sum = seconds(host, "time/add", args, 0)? + seconds(host, "time/add", args, 1)?;
    Ok(Value::float(sum))
}

fn difference(host: &Host, args: &[Value]) -> Outcome {
    let difference = seconds(host, "time/diff", args, 0)? - seconds(host, "time/diff", args, 1)?;
    Ok(Value::float(difference))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Bench, type_message};

    #[test]
    fn sums_are_floats() {
        let bench = Bench::new();
        assert_eq!(
            bench.call("time/add", &[Value::small(1), Value::small(2)]),
            Value::float(3.0)
        );
        assert_eq!(
            bench.call("time/diff", &[Value::small(5), Value::small(2)]),
            Value::float(3.0)
        );
        let error = bench.error("time/add", &[Value::NIL, Value::small(2)]);
        assert_eq!(
            type_message(error),
            "time/add argument 1 expected number, got nil"
        );
    }

    #[test]
    fn clocks_run() {
        let bench = Bench::new();
        let seconds = bench.call("time/now", &[]).as_float().unwrap();
        let milliseconds = bench.call("time-ms", &[]).as_fixnum().unwrap() as f64;
        assert!((seconds * 1000.0 - milliseconds).abs() < 60_000.0);
        assert!(bench.call("sys/elapsed", &[]).as_fixnum().unwrap() > 0);
    }
}
