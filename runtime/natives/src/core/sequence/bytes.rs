//! Byte vectors. They are immutable: `set!` gives a changed copy.

use sema_machine::host::Host;
use sema_machine::host::arguments::{
    argument, argument_error, count, count_or, integer, list_only, text,
};
use sema_machine::host::condition::{Outcome, Signal, eval_error, type_error};
use sema_machine::memory::value::Value;
use sema_machine::natives;

natives! {
    /// A byte vector of the arguments, each from 0 to 255.
    /// (bytevector 1 2 255) => #u8(1 2 255)
    /// (bytevector 256) => error byte value 256 at index 0 out of range 0..255
    "bytevector" (bytes*: Count) -> Bytes, pure => bytevector;

    /// A byte vector of so many bytes, 67108864 at most, all equal to a fill byte (0).
    /// (make-bytevector 3 7) => #u8(7 7 7)
    /// (make-bytevector 2) => #u8(0 0)
    "make-bytevector" | "bytevector/make" | "bytevector/new" (size: Count, fill?: Count) -> Bytes, pure => make;

    /// The number of bytes of a byte vector.
    /// (bytevector-length (bytevector 5 6)) => 2
    "bytevector-length" | "bytevector/length" (bytes: Bytes) -> Count, pure => length;

    /// The byte at an index, counted from 0. It raises if there is none.
    /// (bytevector-u8-ref (bytevector 5 6) 1) => 6
    /// (bytevector-u8-ref (bytevector 5 6) 2) => error index 2 out of range for bytevector of length 2
    "bytevector-u8-ref" | "bytevector/ref" | "bytevector/u8-ref" (bytes: Bytes, index: Count) -> Count, pure => reference;

    /// A copy with another byte at an index. The byte vector itself does not change.
    /// (bytevector-u8-set! (bytevector 1 2 3) 0 9) => #u8(9 2 3)
    /// (let ((b (bytevector 1 2))) (bytevector-u8-set! b 0 9) b) => #u8(1 2)
    "bytevector-u8-set!" | "bytevector/set!" | "bytevector/u8-set!" (bytes: Bytes, index: Count, byte: Count) -> Bytes, pure => set;

    /// A copy of the bytes from a start (0) up to but without an end (the length).
    /// (bytevector-copy (bytevector 1 2 3 4) 1 3) => #u8(2 3)
    /// (bytevector-copy (bytevector 1 2) 1 5) => error range 1..5 out of bounds for bytevector of length 2
    "bytevector-copy" | "bytevector/copy" (bytes: Bytes, start?: Count, end?: Count) -> Bytes, pure => copy;

    /// The bytes of all arguments, in order, in one byte vector.
    /// (bytevector-append (bytevector 1) (bytevector 2 3)) => #u8(1 2 3)
    "bytevector-append" | "bytevector/append" (parts*: Bytes) -> Bytes, pure => append;

    /// A list of the bytes as integers.
    /// (bytevector->list (bytevector 1 2)) => (1 2)
    "bytevector->list" | "bytevector/to-list" (bytes: Bytes) -> List, pure => to_list;

    /// A byte vector of the integers in a list, each from 0 to 255.
    /// (list->bytevector (list 65 66)) => #u8(65 66)
    /// (list->bytevector (list 300)) => error byte value 300 out of range 0..255
    "list->bytevector" | "bytevector/from-list" | "list/to-bytevector" (bytes: List) -> Bytes, pure => from_list;

    /// The text that bytes encode in UTF-8. It raises if they are no UTF-8.
    /// (utf8->string (bytevector 72 105)) => "Hi"
    /// (utf8->string (bytevector 255)) => error utf8->string: invalid UTF-8
    "utf8->string" | "bytevector->string" | "utf8/to-string" (bytes: Bytes) -> String, pure => utf8_to_string;

    /// The UTF-8 bytes of a text.
    /// (string->utf8 "é") => #u8(195 169)
    "string->utf8" | "string->bytevector" | "string/to-utf8" (text: String) -> Bytes, pure => string_to_utf8;

    /// The number of bytes of a byte vector.
    /// (bytes/length (bytevector 1 2 3)) => 3
    "bytes/length" (bytes: Bytes) -> Count, pure => bytes_length;

    /// The byte at an index, counted from 0. It raises if there is none.
    /// (bytes/ref (bytevector 10 20) 1) => 20
    /// (bytes/ref (bytevector 10 20) 7) => error index 7 out of bounds (length 2)
    "bytes/ref" (bytes: Bytes, index: Count) -> Count, pure => bytes_reference;

    /// A copy of the bytes from a start up to but without an end (the length).
    /// (bytes/slice (bytevector 1 2 3) 1) => #u8(2 3)
    /// (bytes/slice (bytevector 1 2 3) 0 2) => #u8(1 2)
    "bytes/slice" (bytes: Bytes, start: Count, end?: Count) -> Bytes, pure => bytes_slice;

    /// The text that the bytes from a start (0) up to but without an end (the length) encode in UTF-8.
    /// (bytes/->string (string->utf8 "key=value") 4) => "value"
    "bytes/->string" (bytes: Bytes, start?: Count, end?: Count) -> String, pure => bytes_to_string;

    /// The offset of the first occurrence, from a start (0) on, of a byte, of the bytes of a byte vector or of the UTF-8
    /// bytes of a string; nil if there is none.
    /// (bytes/find (string->utf8 "a,b,c") "," 2) => 3
    /// (bytes/find (bytevector 1 2 3) 3) => 2
    /// (bytes/find (bytevector 1 2 3) 9) => nil
    "bytes/find" (bytes: Bytes, needle: Any, start?: Count) -> Any, pure => bytes_find;

    /// Ten times the decimal number that the bytes from a start (0) up to but without an end (the length) are the text of.
    /// The number has one digit after the point, or no point.
    /// (bytes/parse-int10 (string->utf8 "12.3")) => 123
    /// (bytes/parse-int10 (string->utf8 "-4")) => -40
    /// (bytes/parse-int10 (string->utf8 "1.25")) => error expected exactly one digit after '.'
    "bytes/parse-int10" (bytes: Bytes, start?: Count, end?: Count) -> Int, pure => bytes_parse_tenths;
}

/// Largest byte vector that `make-bytevector` makes.
const LARGEST: i64 = 64 << 20;

/// A byte vector argument.
pub(crate) fn bytes<'h>(
    host: &'h Host,
    function: &str,
    args: &[Value],
    index: usize,
) -> Outcome<&'h [u8]> {
    let value = argument(args, index);
    match host.heap.as_bytevector(value) {
        Some(bytes) => Ok(bytes),
        None => Err(argument_error(host, function, index, "bytevector", value)),
    }
}

/// A byte; `what` says in the message which.
fn byte(host: &Host, value: Value, what: impl FnOnce(i64) -> String) -> Outcome<u8> {
    let Some(number) = host.heap.as_i64(value) else {
        return Err(type_error(host, "int", value));
    };
    u8::try_from(number).map_err(|_| eval_error(format!("{} out of range 0..255", what(number))))
}

fn byte_value(host: &Host, function: &str, value: Value) -> Outcome<u8> {
    byte(host, value, |number| {
        format!("{function}: byte value {number}")
    })
}

fn bytevector(host: &Host, args: &[Value]) -> Outcome {
    let bytes: Vec<u8> = args
        .iter()
        .enumerate()
        .map(|(index, &value)| {
            byte(host, value, |number| {
                format!("bytevector: byte value {number} at index {index}")
            })
        })
        .collect::<Outcome<_>>()?;
    Ok(host.heap.bytevector(&bytes))
}

fn make(host: &Host, args: &[Value]) -> Outcome {
    let size = integer(host, "make-bytevector", args, 0)?;
    let Ok(length) = usize::try_from(size) else {
        return Err(eval_error(format!(
            "make-bytevector: size must be non-negative, got {size}"
        )));
    };
    if size > LARGEST {
        return Err(eval_error(format!(
            "make-bytevector: size exceeds maximum {LARGEST}"
        )));
    }
    let fill = if args.len() > 1 {
        byte(host, argument(args, 1), |number| {
            format!("make-bytevector: fill value {number}")
        })?
    } else {
        0
    };
    Ok(host.heap.bytevector(&vec![fill; length]))
}

fn length(host: &Host, args: &[Value]) -> Outcome {
    Ok(Value::index(
        bytes(host, "bytevector-length", args, 0)?.len(),
    ))
}

fn bytes_length(host: &Host, args: &[Value]) -> Outcome {
    Ok(Value::index(bytes(host, "bytes/length", args, 0)?.len()))
}

fn out_of_range(function: &str, index: i64, length: usize) -> Box<Signal> {
    eval_error(format!(
        "{function}: index {index} out of range for bytevector of length {length}"
    ))
}

fn reference(host: &Host, args: &[Value]) -> Outcome {
    let bytes = bytes(host, "bytevector-u8-ref", args, 0)?;
    let index = integer(host, "bytevector-u8-ref", args, 1)?;
    usize::try_from(index)
        .ok()
        .and_then(|index| bytes.get(index))
        .map(|&byte| Value::small(byte.into()))
        .ok_or_else(|| out_of_range("bytevector-u8-ref", index, bytes.len()))
}

fn bytes_reference(host: &Host, args: &[Value]) -> Outcome {
    let bytes = bytes(host, "bytes/ref", args, 0)?;
    let index = count(host, "bytes/ref", args, 1)?;
    bytes
        .get(index)
        .map(|&byte| Value::small(byte.into()))
        .ok_or_else(|| {
            eval_error(format!(
                "bytes/ref: index {index} out of bounds (length {})",
                bytes.len()
            ))
        })
}

fn set(host: &Host, args: &[Value]) -> Outcome {
    let original = bytes(host, "bytevector-u8-set!", args, 0)?;
    let index = integer(host, "bytevector-u8-set!", args, 1)?;
    let replacement = byte_value(host, "bytevector-u8-set!", argument(args, 2))?;
    let mut changed = original.to_vec();
    match usize::try_from(index)
        .ok()
        .and_then(|index| changed.get_mut(index))
    {
        Some(slot) => *slot = replacement,
        None => return Err(out_of_range("bytevector-u8-set!", index, original.len())),
    }
    Ok(host.heap.bytevector(&changed))
}

/// The range of bytes that the arguments after `first` ask for.
fn range<'h>(
    host: &'h Host,
    function: &str,
    args: &[Value],
    first: usize,
    unit: &str,
) -> Outcome<&'h [u8]> {
    let bytes = bytes(host, function, args, 0)?;
    let start = count_or(host, function, args, first, 0)?;
    let end = count_or(host, function, args, first + 1, bytes.len())?;
    bytes.get(start..end).ok_or_else(|| {
        let length = bytes.len();
        let whole = if unit.is_empty() {
            format!("{length} bytes")
        } else {
            format!("{unit} of length {length}")
        };
        eval_error(format!(
            "{function}: range {start}..{end} out of bounds for {whole}"
        ))
    })
}

fn copy(host: &Host, args: &[Value]) -> Outcome {
    let part = range(host, "bytevector-copy", args, 1, "bytevector")?;
    Ok(host.heap.bytevector(part))
}

fn bytes_slice(host: &Host, args: &[Value]) -> Outcome {
    Ok(host
        .heap
        .bytevector(range(host, "bytes/slice", args, 1, "")?))
}

fn append(host: &Host, args: &[Value]) -> Outcome {
    let mut all = Vec::new();
    for index in 0..args.len() {
        let part = bytes(host, "bytevector-append", args, index)?;
        crate::core::text::strings::check_text(
            host,
            "bytevector-append",
            all.len().saturating_add(part.len()),
        )?;
        all.extend_from_slice(part);
    }
    Ok(host.heap.bytevector(&all))
}

fn to_list(host: &Host, args: &[Value]) -> Outcome {
    let values: Vec<Value> = bytes(host, "bytevector->list", args, 0)?
        .iter()
        .map(|&byte| Value::small(byte.into()))
        .collect();
    Ok(host.heap.list(&values))
}

fn from_list(host: &Host, args: &[Value]) -> Outcome {
    let bytes: Vec<u8> = list_only(host, "list->bytevector", args, 0)?
        .into_iter()
        .map(|value| byte_value(host, "list->bytevector", value))
        .collect::<Outcome<_>>()?;
    Ok(host.heap.bytevector(&bytes))
}

/// The text that bytes encode, or the error that `function` raises.
pub(crate) fn decode<'b>(function: &str, bytes: &'b [u8]) -> Outcome<&'b str> {
    std::str::from_utf8(bytes).map_err(|error| not_utf8(function, &error))
}

#[cold]
fn not_utf8(function: &str, error: &std::str::Utf8Error) -> Box<Signal> {
    eval_error(format!("{function}: invalid UTF-8: {error}"))
}

/// The string of bytes; conditions name `function`.
pub(crate) fn decoded(host: &Host, function: &str, bytes: &[u8]) -> Outcome {
    (host.heap.utf8_string(bytes)).map_err(|error| not_utf8(function, &error))
}

fn utf8_to_string(host: &Host, args: &[Value]) -> Outcome {
    let bytes = bytes(host, "utf8->string", args, 0)?;
    decoded(host, "utf8->string", bytes)
}

fn bytes_to_string(host: &Host, args: &[Value]) -> Outcome {
    let part = range(host, "bytes/->string", args, 1, "")?;
    decoded(host, "bytes/->string", part)
}

fn string_to_utf8(host: &Host, args: &[Value]) -> Outcome {
    Ok(host
        .heap
        .bytevector(text(host, "string->utf8", args, 0)?.as_bytes()))
}

/// Offset of the first occurrence of `needle`.
fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let Some((&first, rest)) = needle.split_first() else {
        return Some(0);
    };
    let mut from = 0;
    loop {
        let tail = haystack.get(from..)?;
        let offset = from + tail.iter().position(|&byte| byte == first)?;
        if haystack.get(offset + 1..)?.starts_with(rest) {
            return Some(offset);
        }
        from = offset + 1;
    }
}

fn bytes_find(host: &Host, args: &[Value]) -> Outcome {
    let haystack = bytes(host, "bytes/find", args, 0)?;
    let start = count_or(host, "bytes/find", args, 2, 0)?;
    let needle = argument(args, 1);
    let single;
    let needle = if let Some(bytes) = host.heap.as_bytevector(needle) {
        bytes
    } else if let Some(text) = host.heap.as_str(needle) {
        text.as_bytes()
    } else if host.heap.as_i64(needle).is_some() {
        single = [byte_value(host, "bytes/find", needle)?];
        &single
    } else {
        return Err(type_error(host, "int, bytevector, or string", needle));
    };
    let found = haystack.get(start..).and_then(|tail| find(tail, needle));
    Ok(found.map_or(Value::NIL, |offset| Value::index(start + offset)))
}

/// Reads `-?digits[.digit]` as a number of tenths.
fn parse_tenths(bytes: &[u8]) -> Result<i64, String> {
    let negative = bytes.first() == Some(&b'-');
    let mut value: i64 = 0;
    let (mut whole_digits, mut tenth_digits) = (0, None);
    for (offset, &byte) in bytes.iter().enumerate().skip(usize::from(negative)) {
        match (byte, &mut tenth_digits) {
            (b'.', None) if whole_digits > 0 => tenth_digits = Some(0),
            (b'.', None) => return Err("expected at least one digit".into()),
            (b'0'..=b'9', digits) => {
                match digits {
                    Some(1) => return Err("expected exactly one digit after '.'".into()),
                    Some(digits) => *digits += 1,
                    None => whole_digits += 1,
                }
                let digit = i64::from(byte - b'0');
                let next = value.checked_mul(10).and_then(|value| {
                    // Negative numbers are built from below: their range is one larger.
                    if negative {
                        value.checked_sub(digit)
                    } else {
                        value.checked_add(digit)
                    }
                });
                value = next.ok_or("value overflows an int")?;
            }
            (_, Some(_)) => return Err("expected exactly one digit after '.'".into()),
            _ => {
                let shown = char::from(byte);
                return Err(format!("invalid digit '{shown}' at byte {offset}"));
            }
        }
    }
    match tenth_digits {
        _ if whole_digits == 0 => Err("expected at least one digit".into()),
        Some(1) => Ok(value),
        Some(_) => Err("expected exactly one digit after '.'".into()),
        None => value
            .checked_mul(10)
            .ok_or_else(|| "value overflows an int".into()),
    }
}

fn bytes_parse_tenths(host: &Host, args: &[Value]) -> Outcome {
    let part = range(host, "bytes/parse-int10", args, 1, "")?;
    match parse_tenths(part) {
        Ok(tenths) => Ok(host.heap.int(tenths)),
        Err(problem) => Err(eval_error(format!("bytes/parse-int10: {problem}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Bench, eval_message};

    #[test]
    fn copies_and_ranges() {
        let bench = Bench::new();
        let all = bench.host.heap.bytevector(&[1, 2, 3]);
        let part = bench.call("bytevector-copy", &[all, Value::small(1)]);
        assert_eq!(bench.host.heap.as_bytevector(part), Some(&[2, 3][..]));
        let changed = bench.call("bytevector/set!", &[all, Value::small(0), Value::small(9)]);
        assert_eq!(bench.host.heap.as_bytevector(changed), Some(&[9, 2, 3][..]));
        assert_eq!(bench.host.heap.as_bytevector(all), Some(&[1, 2, 3][..]));
        let error = bench.error("bytevector-copy", &[all, Value::small(2), Value::small(1)]);
        assert_eq!(
            eval_message(error),
            "bytevector-copy: range 2..1 out of bounds for bytevector of length 3"
        );
        let error = bench.error("bytevector-u8-ref", &[all, Value::small(5)]);
        assert_eq!(
            eval_message(error),
            "bytevector-u8-ref: index 5 out of range for bytevector of length 3"
        );
        let error = bench.error("bytevector", &[Value::small(1), Value::small(256)]);
        assert_eq!(
            eval_message(error),
            "bytevector: byte value 256 at index 1 out of range 0..255"
        );
    }

    #[test]
    fn searches() {
        assert_eq!(find(b"abcabd", b"abd"), Some(3));
        assert_eq!(find(b"aaab", b"aab"), Some(1));
        assert_eq!((find(b"abc", b""), find(b"abc", b"cd")), (Some(0), None));
    }

    #[test]
    fn text_in_tenths() {
        for (text, expected) in [
            ("12.3", Ok(123)),
            ("-12.3", Ok(-123)),
            ("42", Ok(420)),
            ("-922337203685477580.8", Ok(i64::MIN)),
            ("922337203685477580.8", Err("value overflows an int")),
            ("", Err("expected at least one digit")),
            (".5", Err("expected at least one digit")),
            ("5.", Err("expected exactly one digit after '.'")),
            ("1.2.3", Err("expected exactly one digit after '.'")),
            ("4x", Err("invalid digit 'x' at byte 1")),
            ("+1", Err("invalid digit '+' at byte 0")),
        ] {
            assert_eq!(
                parse_tenths(text.as_bytes()),
                expected.map_err(str::to_owned),
                "{text}"
            );
        }
    }

    #[test]
    fn utf8_must_be_valid() {
        let bench = Bench::new();
        let bad = bench.host.heap.bytevector(&[255, 254]);
        assert_eq!(
            eval_message(bench.error("bytevector->string", &[bad])),
            "utf8->string: invalid UTF-8: invalid utf-8 sequence of 1 bytes from index 0"
        );
    }
}
