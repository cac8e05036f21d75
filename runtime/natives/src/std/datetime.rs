//! Times as texts and as parts of the calendar, in UTC. A time is a number of seconds since the beginning of 1970.
//!
//! Formats are chrono's, which are those of C's `strftime` and more.

use std::fmt::Write;

use chrono::format::{Fixed, Item, Parsed, StrftimeItems, parse};
use chrono::{DateTime, Datelike, Timelike, Utc};

use sema_machine::data::collections::sorted_map;
use sema_machine::data::print;
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, argument_error, real, text};
use sema_machine::host::condition::{Outcome, Signal, eval_error};
use sema_machine::memory::value::Value;
use sema_machine::natives;

natives! {
    /// A time as text, in UTC, by a format with directives: %Y-%m-%d is the date, %H:%M:%S the time of day, %A the
    /// weekday, %B the month, %s the seconds since 1970, %.3f the milliseconds, %% a percent sign.
    /// (time/format 0 "%Y-%m-%d %H:%M:%S") => "1970-01-01 00:00:00"
    /// (time/format 1736943000.25 "%A, %d %B %Y %T%.3f") => "Wednesday, 15 January 2025 12:10:00.250"
    /// (time/format 0 "%Q") => error invalid format string
    "time/format" (time: Real, format: String) -> String, pure => format;

    /// The time that a text names by a format as `time/format` has them. Date and time of day are needed, seconds may be
    /// left out. The text is in UTC, unless the format has an offset (%z, %:z), for which `Z` may stand.
    /// (time/parse "2025-01-15 12:10:00" "%Y-%m-%d %H:%M:%S") => 1736943000.0
    /// (time/parse "2025-01-15T13:10:00.5+01:00" "%Y-%m-%dT%H:%M:%S%.f%:z") => 1736943000.5
    /// (time/parse "2025-01-15" "%Y-%m-%d") => error time/parse
    "time/parse" (text: String, format: String) -> Float, pure => parse_time;

    /// The parts of a time in UTC: a map of `:year`, `:month` (1 to 12), `:day`, `:hour`, `:minute`, `:second` and
    /// `:weekday`, its English name.
    /// (time/date-parts 1736943000) => {:day 15 :hour 12 :minute 10 :month 1 :second 0 :weekday "Wednesday" :year 2025}
    /// (:weekday (time/date-parts -0.5)) => "Wednesday"
    "time/date-parts" (time: Real) -> SortedMap, pure => date_parts;
}

/// The argument as a moment.
fn moment(host: &Host, function: &str, args: &[Value]) -> Outcome<DateTime<Utc>> {
    let value = argument(args, 0);
    let seconds =
        real(host, value).ok_or_else(|| argument_error(host, function, 0, "number", value))?;
    let out_of_range = || {
        let shown = print::readable(host, value);
        eval_error(format!("{function}: invalid timestamp {shown}"))
    };
    let whole = seconds.floor();
    // A float of today has no more than microseconds: what is beyond them is noise.
    let microseconds = ((seconds - whole) * 1e6).round().clamp(0.0, 999_999.0);
    if !(i64::MIN as f64..i64::MAX as f64).contains(&whole) {
        return Err(out_of_range());
    }
    DateTime::from_timestamp(whole as i64, microseconds as u32 * 1000).ok_or_else(out_of_range)
}

fn invalid_format(function: &str, format: &str) -> Box<Signal> {
    eval_error(format!("{function}: invalid format string: {format:?}"))
}

/// The parts of a format.
fn items<'f>(function: &str, format: &'f str) -> Outcome<Vec<Item<'f>>> {
    let items: Vec<Item<'f>> = StrftimeItems::new(format).collect();
    if items.contains(&Item::Error) {
        return Err(invalid_format(function, format));
    }
    Ok(items)
}

fn format(host: &Host, args: &[Value]) -> Outcome {
    let moment = moment(host, "time/format", args)?;
    let items = items("time/format", text(host, "time/format", args, 1)?)?;
    let mut shown = String::new();
    // What can only be parsed (%#z) fails.
    if write!(shown, "{}", moment.format_with_items(items.iter())).is_err() {
        return Err(invalid_format(
            "time/format",
            text(host, "time/format", args, 1)?,
        ));
    }
    crate::core::text::strings::string_of(host, "time/format", &shown)
}

fn parse_time(host: &Host, args: &[Value]) -> Outcome {
    let content = text(host, "time/parse", args, 0)?;
    let pattern = text(host, "time/parse", args, 1)?;
    let mut items = items("time/parse", pattern)?;
    for item in &mut items {
        // `Z` is the most usual way to write the offset of UTC.
        if let Item::Fixed(
            offset @ (Fixed::TimezoneOffset
            | Fixed::TimezoneOffsetColon
            | Fixed::TimezoneOffsetDoubleColon
            | Fixed::TimezoneOffsetTripleColon),
        ) = item
        {
            *offset = Fixed::TimezoneOffsetZ;
        }
    }
    let failed = |error: chrono::ParseError| -> Box<Signal> {
        eval_error(format!(
            "time/parse: cannot parse {content:?} as {pattern:?}: {error}"
        ))
    };
    let mut parsed = Parsed::new();
    parse(&mut parsed, content, items.iter()).map_err(failed)?;
    let moment = match parsed.offset() {
        Some(_) => parsed.to_datetime().map_err(failed)?.to_utc(),
        None => parsed
            .to_naive_datetime_with_offset(0)
            .map_err(failed)?
            .and_utc(),
    };
    let fraction = f64::from(moment.timestamp_subsec_nanos()) / 1e9;
    Ok(Value::float(moment.timestamp() as f64 + fraction))
}

fn date_parts(host: &Host, args: &[Value]) -> Outcome {
    let moment = moment(host, "time/date-parts", args)?;
    let number = |name: &str, number: u32| (host.keyword(name), host.heap.int(number.into()));
    let weekday = moment.format("%A").to_string();
    Ok(sorted_map::from_entries(
        host,
        &[
            (host.keyword("year"), host.heap.int(moment.year().into())),
            number("month", moment.month()),
            number("day", moment.day()),
            number("hour", moment.hour()),
            number("minute", moment.minute()),
            number("second", moment.second()),
            (host.keyword("weekday"), host.heap.string(&weekday)),
        ],
    ))
}

#[cfg(test)]
mod tests {
    use crate::testing::{Bench, eval_message};
    use sema_machine::memory::value::Value;

    const FORMAT: &str = "%Y-%m-%d %H:%M:%S";

    fn parse(bench: &Bench, text: &str, format: &str) -> f64 {
        let args = [bench.text(text), bench.text(format)];
        bench.call("time/parse", &args).as_float().unwrap()
    }

    fn format(bench: &Bench, time: f64, format: &str) -> String {
        let args = [Value::float(time), bench.text(format)];
        bench.string(bench.call("time/format", &args))
    }

    #[test]
    fn formatting_and_parsing_are_inverse() {
        let bench = Bench::new();
        // Steps through four centuries, so that all kinds of years are met.
        for step in -300..300 {
            let time = f64::from(step) * 40_000_003.0;
            let shown = format(&bench, time, FORMAT);
            assert_eq!(parse(&bench, &shown, FORMAT), time, "{shown}");
        }
    }

    #[test]
    fn offsets_and_fractions_count() {
        let bench = Bench::new();
        for (text, pattern, expected) in [
            ("1970-01-01 01:00 +0100", "%Y-%m-%d %H:%M %z", 0.0),
            ("1970-01-01 00:00:01.25", "%Y-%m-%d %H:%M:%S%.f", 1.25),
            ("86400", "%s", 86400.0),
            ("1969-12-31 23:59:59.5Z", "%Y-%m-%d %H:%M:%S%.f%#z", -0.5),
            ("1970-01-01T00:00:02Z", "%Y-%m-%dT%H:%M:%S%z", 2.0),
            ("1970-01-01T00:00:02 z", "%Y-%m-%dT%H:%M:%S%:z", 2.0),
            ("1970-01-01T01:00:02+01:00", "%Y-%m-%dT%H:%M:%S%z", 2.0),
        ] {
            assert_eq!(parse(&bench, text, pattern), expected, "{text}");
        }
    }

    #[test]
    fn fractions_of_floats_are_rounded() {
        let bench = Bench::new();
        for (time, expected) in [
            (1_736_943_000.123, "00.123"),
            (-0.5, "59.500"),
            (0.999_999_99, "00.999"),
        ] {
            assert_eq!(format(&bench, time, "%S%.3f"), expected, "{time}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        let bench = Bench::new();
        for time in [f64::NAN, f64::INFINITY, 1e300, -1e18, 1e15] {
            let args = [Value::float(time), bench.text(FORMAT)];
            let message = eval_message(bench.error("time/format", &args));
            assert!(message.contains("invalid timestamp"), "{message}");
            assert!(message.len() < 60, "{message}");
        }
        for pattern in ["%", "%Q", "%-8", "%é", "%#z"] {
            let args = [Value::small(0), bench.text(pattern)];
            let message = eval_message(bench.error("time/format", &args));
            assert!(message.contains("invalid format string"), "{message}");
        }
        for (text, pattern) in [
            ("2025-02-29 00:00:00", FORMAT),
            ("2025-01-01 00:00:00 ", FORMAT),
            ("", FORMAT),
            ("2025-01-01", "%Y-%m-%d"),
            ("Tuesday 2025-01-15 00:00", "%A %Y-%m-%d %H:%M"),
            ("99999999999999999999", "%s"),
            ("2025-01-01 00:00 ", "%Y-%m-%d %H:%M%z"),
            ("2025-01-01 00:00 Zulu", "%Y-%m-%d %H:%M%z"),
        ] {
            let args = [bench.text(text), bench.text(pattern)];
            let message = eval_message(bench.error("time/parse", &args));
            assert!(message.starts_with("time/parse: cannot parse"), "{message}");
        }
    }
}
