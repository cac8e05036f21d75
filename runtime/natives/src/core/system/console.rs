//! Printing, and reading standard input.

use crate::core::sequence::bytes::decode;
use crate::core::system::device::{Wanted, lock};
use crate::core::system::input::{self, line_value, read_input};
use sema_machine::data::print;
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, text};
use sema_machine::host::condition::{Outcome, io_error};
use sema_machine::memory::value::Value;
use sema_machine::natives;
use sema_machine::task::after_others;

natives! {
    /// Writes the display forms of the values to standard output, with a space between them.
    /// (display "one" :two 3) => nil
    "display" (values*: Any) -> Nil => display;

    /// Writes the readable forms of the values to standard output, with a space between them: strings
    /// appear in quotes.
    /// (print "one" 2) => nil
    "print" (values*: Any) -> Nil => print_readable;

    /// Writes the display forms of the values to standard output, with a space between them and a
    /// line feed at the end.
    /// (println "sum:" (+ 1 2)) => nil
    "println" (values*: Any) -> Nil => println;

    /// Writes a line feed to standard output.
    /// (newline) => nil
    "newline" () -> Nil => newline;

    /// Writes the readable form of a value to standard output; a collection that is too long for one
    /// line takes several.
    /// (pprint {:a 1}) => nil
    "pprint" (value: Any) -> Nil => pprint;

    /// Writes the display forms of the values to standard error, with a space between them.
    /// (print-error "careful") => nil
    "print-error" | "io/print-error" (values*: Any) -> Nil => print_error;

    /// Writes the display forms of the values to standard error, with a space between them and a line
    /// feed at the end.
    /// (println-error "file" "missing") => nil
    "println-error" | "io/println-error" (values*: Any) -> Nil => println_error;

    /// Writes a label and the readable form of a value to standard error, and gives the value.
    /// (* 2 (spy "half" 21)) => 42
    "spy" (label: String, value: Any) -> Any => spy;

    /// Hands all output that is still buffered to the system.
    /// (io/flush) => nil
    "io/flush" () -> Nil => flush;

    /// The next line of standard input without its end, or nil when there is none left. Raises if the
    /// line is not UTF-8.
    /// (read-line) => nil
    "read-line" | "io/read-line" () -> OptionalString => read_line;

    /// All that is left of standard input; "" at its end. Raises if it is not UTF-8.
    /// (read-stdin) => ""
    "read-stdin" | "io/read-stdin" () -> String => read_stdin;

    /// Whether an earlier read has met the end of standard input.
    /// (begin (read-stdin) (io/eof?)) => #t
    "io/eof?" () -> Bool => met_end;
}

/// Bytes that most lines have at most: what is longer is copied when it grows.
const LINE: usize = 64;

/// How each value is written.
type Form = fn(&Host, Value, &mut String) -> Outcome<()>;

/// The forms of all values with spaces between them.
///
/// # Errors
/// The program may not use the memory for them.
pub(crate) fn joined(host: &Host, args: &[Value], form: Form) -> Outcome<String> {
    let mut line = String::with_capacity(LINE);
    for (index, &value) in args.iter().enumerate() {
        if index > 0 {
            line.push(' ');
        }
        form(host, value, &mut line)?;
    }
    Ok(line)
}

fn display(host: &Host, args: &[Value]) -> Outcome {
    host.output
        .write(joined(host, args, print::append_display)?.as_bytes());
    Ok(Value::NIL)
}

fn print_readable(host: &Host, args: &[Value]) -> Outcome {
    host.output
        .write(joined(host, args, print::append_readable)?.as_bytes());
    Ok(Value::NIL)
}

fn println(host: &Host, args: &[Value]) -> Outcome {
    let mut line = joined(host, args, print::append_display)?;
    line.push('\n');
    host.output.write(line.as_bytes());
    Ok(Value::NIL)
}

fn newline(host: &Host, _: &[Value]) -> Outcome {
    host.output.write(b"\n");
    Ok(Value::NIL)
}

fn pprint(host: &Host, args: &[Value]) -> Outcome {
    let mut lines = print::pretty(host, argument(args, 0));
    lines.push('\n');
    host.output.write(lines.as_bytes());
    Ok(Value::NIL)
}

fn print_error(host: &Host, args: &[Value]) -> Outcome {
    let line = joined(host, args, print::append_display)?;
    host.output.write_error(line.as_bytes());
    Ok(Value::NIL)
}

fn println_error(host: &Host, args: &[Value]) -> Outcome {
    let mut line = joined(host, args, print::append_display)?;
    line.push('\n');
    host.output.write_error(line.as_bytes());
    Ok(Value::NIL)
}

fn spy(host: &Host, args: &[Value]) -> Outcome {
    let label = text(host, "spy", args, 0)?;
    let value = argument(args, 1);
    let line = format!("[{label}] {}\n", print::readable(host, value));
    host.output.write_error(line.as_bytes());
    Ok(value)
}

fn flush(host: &Host, _: &[Value]) -> Outcome {
    host.output.flush();
    Ok(Value::NIL)
}

fn read_line(host: &Host, _: &[Value]) -> Outcome {
    if let Some(line) = lock(&input::source(host)).next_line() {
        return after_others(host, line_value(host, "read-line", line));
    }
    read_input(host, Wanted::Line, |host, line| {
        let line = line.map_err(|error| io_error(format!("read-line: {error}")))?;
        line_value(host, "read-line", &line)
    })
}

fn read_stdin(host: &Host, _: &[Value]) -> Outcome {
    read_input(host, Wanted::Rest(usize::MAX), |host, rest| {
        let rest = rest.map_err(|error| io_error(format!("read-stdin: {error}")))?;
        crate::core::text::strings::string_of(host, "read-stdin", decode("read-stdin", &rest)?)
    })
}

fn met_end(host: &Host, _: &[Value]) -> Outcome {
    Ok(Value::bool(input::met_end(host)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::system::input::Input;
    use crate::testing::{Bench, eval_message};

    #[test]
    fn separators_and_ends() {
        let bench = Bench::new();
        let args = [bench.text("a"), bench.text("b")];
        bench.call("display", &args);
        bench.call("println", &args);
        bench.call("println", &[]);
        bench.call("newline", &[]);
        bench.call("pprint", &args[..1]);
        assert_eq!(bench.written(), "a ba b\n\n\n\"a\"\n");
    }

    #[test]
    fn standard_input_by_lines() {
        let bench = Bench::new();
        let text = b"one\r\ntwo\n\xff\nthree".to_vec();
        bench
            .host
            .with_extension::<Input, _>(|input| *input = Input::memory(text));
        let line = || bench.call("read-line", &[]);
        assert_eq!(
            (bench.string(line()), bench.string(line())),
            ("one".into(), "two".into())
        );
        assert_eq!(
            eval_message(bench.error("read-line", &[])),
            "read-line: invalid UTF-8: invalid utf-8 sequence of 1 bytes from index 0"
        );
        assert_eq!(bench.call("io/eof?", &[]), Value::FALSE);
        assert_eq!(bench.string(line()), "three");
        assert_eq!(bench.call("io/eof?", &[]), Value::TRUE);
        assert_eq!(line(), Value::NIL);
        assert_eq!(bench.string(bench.call("read-stdin", &[])), "");
    }
}
