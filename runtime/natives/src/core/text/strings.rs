//! Strings: measuring, cutting, filling, appending.
//!
//! Positions are characters. A string knows whether it is ASCII, and then positions are byte
//! offsets; otherwise one pass over the bytes finds them.

use std::fmt::Write as _;

use crate::core::text::positions::byte_offset;
use crate::core::text::strings_search::two;
use crate::core::text::strings_width::columns;
use sema_machine::data::print;
pub(crate) use sema_machine::data::text::LONGEST_TEXT;
use sema_machine::data::text::{check_length, is_built};
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, argument_error, check_count, count, integer, text};
use sema_machine::host::condition::{Outcome, eval_error};
use sema_machine::memory::value::Value;
use sema_machine::natives;

natives! {
    /// The number of characters of a string.
    /// (string-length "naïve") => 5
    /// (string/length "") => 0
    "string-length" | "string/length" (text: String) -> Count, pure, borrows => length;

    /// The number of bytes that a string takes in UTF-8.
    /// (string/byte-length "naïve") => 6
    "string/byte-length" (text: String) -> Count, pure, borrows => byte_length;

    /// Whether a string has no characters. White space counts as characters.
    /// (string/empty? "") => #t
    /// (string/empty? " ") => #f
    "string/empty?" (text: String) -> Bool, pure, borrows => is_empty;

    /// The character at a position, counted in characters from 0. Raises when the position is
    /// negative or not below the length.
    /// (string-ref "sema" 2) => #\m
    /// (string-ref "sema" 4) => error index 4 out of bounds
    "string-ref" | "string/ref" (text: String, index: Count) -> Char, pure => reference;

    /// The characters from `start` up to, and without, `end`, which is the length if left out.
    /// Raises unless 0 <= start <= end <= length.
    /// (substring "bytecode" 0 4) => "byte"
    /// (string/slice "bytecode" 4) => "code"
    /// (substring "byte" 3 2) => error index out of bounds
    "substring" | "string/slice" (text: String, start: Count, end?: Count) -> String, pure => substring;

    /// The first `count` characters, or the last ones when the count is negative; all of them when
    /// there are fewer.
    /// (string/take "lambda" 3) => "lam"
    /// (string/take "lambda" -2) => "da"
    /// (string/take "ab" 9) => "ab"
    "string/take" (text: String, count: Int) -> String, pure => take;

    /// The display forms of all arguments, joined; strings are joined as they are.
    /// (string-append "ab" "cd") => "abcd"
    /// (str "n = " 42 ", " :ok) => "n = 42, :ok"
    /// (str) => ""
    "string-append" | "str" | "string/append" (values*: Any) -> String, pure, in_place("%append-owned", 2) => append;

    /// `str` to a text that nothing else refers to, which may grow in place.
    "%append-owned" (text: Any, more: Any, rest*: Any) -> String => append_owned;

    /// The characters in opposite order. A combining mark is a character of its own.
    /// (string/reverse "drawer") => "reward"
    "string/reverse" (text: String) -> String, pure => reverse;

    /// A string `times` over. Raises when the count is negative or the result too long.
    /// (string/repeat "ab" 3) => "ababab"
    /// (make-string "-" 5) => "-----"
    "string/repeat" | "make-string" (text: String, times: Count) -> String, pure => repeat;

    /// Fills a string up at its start to a width in terminal columns, with the first character of
    /// `fill` or with spaces. A string that is wide enough stays as it is.
    /// (string/pad-left "7" 3 "0") => "007"
    /// (string/pad-left "ab" 4) => "  ab"
    "string/pad-left" (text: String, width: Count, fill?: String) -> String, pure => pad_left;

    /// Fills a string up at its end to a width in terminal columns, with the first character of
    /// `fill` or with spaces. A string that is wide enough stays as it is.
    /// (string/pad-right "total" 8 ".") => "total..."
    /// (string/pad-right "total" 3) => "total"
    "string/pad-right" (text: String, width: Count, fill?: String) -> String, pure => pad_right;

    /// Removes white space, as Unicode defines it, at both ends.
    /// (string/trim "  a b\t") => "a b"
    "string/trim" | "string-trim" (text: String) -> String, pure => trim;

    /// Removes white space, as Unicode defines it, at the start.
    /// (string/trim-left "  a ") => "a "
    "string/trim-left" (text: String) -> String, pure => trim_left;

    /// Removes white space, as Unicode defines it, at the end.
    /// (string/trim-right "  a ") => "  a"
    "string/trim-right" (text: String) -> String, pure => trim_right;

    /// Removes a prefix once, if the string begins with it.
    /// (string/chop-start "v2.1" "v") => "2.1"
    /// (string/chop-start "2.1" "v") => "2.1"
    "string/chop-start" (text: String, prefix: String) -> String, pure => chop_start;

    /// Removes a suffix once, if the string ends with it.
    /// (string/chop-end "notes.txt" ".txt") => "notes"
    "string/chop-end" (text: String, suffix: String) -> String, pure => chop_end;

    /// Puts a prefix before a string that does not begin with it.
    /// (string/ensure-start "tmp" "/") => "/tmp"
    /// (string/ensure-start "/tmp" "/") => "/tmp"
    "string/ensure-start" (text: String, prefix: String) -> String, pure => ensure_start;

    /// Puts a suffix after a string that does not end with it.
    /// (string/ensure-end "src" "/") => "src/"
    "string/ensure-end" (text: String, suffix: String) -> String, pure => ensure_end;

    /// Puts `open` before a string and `close` after it; without `close`, `open` on both sides.
    /// (string/wrap "x" "<" ">") => "<x>"
    /// (string/wrap "x" "**") => "**x**"
    "string/wrap" (text: String, open: String, close?: String) -> String, pure => wrap;

    /// Removes `open` at the start and `close` at the end if both are there; without `close`,
    /// `open` on both sides.
    /// (string/unwrap "(a b)" "(" ")") => "a b"
    /// (string/unwrap "(a b" "(" ")") => "(a b"
    "string/unwrap" (text: String, open: String, close?: String) -> String, pure => unwrap;
}

/// A result that is a piece of an argument: the argument itself when nothing was cut.
pub(crate) fn piece(host: &Host, whole: Value, text: &str, piece: &str) -> Value {
    if piece.len() == text.len() {
        whole
    } else {
        host.heap.string(piece)
    }
}

fn length(host: &Host, args: &[Value]) -> Outcome {
    text(host, "string-length", args, 0)?;
    Ok(Value::index(host.heap.char_len(argument(args, 0))))
}

fn byte_length(host: &Host, args: &[Value]) -> Outcome {
    Ok(Value::index(
        text(host, "string/byte-length", args, 0)?.len(),
    ))
}

fn is_empty(host: &Host, args: &[Value]) -> Outcome {
    Ok(Value::bool(
        text(host, "string/empty?", args, 0)?.is_empty(),
    ))
}

fn reference(host: &Host, args: &[Value]) -> Outcome {
    let string = text(host, "string-ref", args, 0)?;
    let index = integer(host, "string-ref", args, 1)?;
    let Ok(position) = usize::try_from(index) else {
        return Err(eval_error(format!(
            "string-ref: index {index} must be non-negative"
        )));
    };
    let value = argument(args, 0);
    byte_offset(host, value, string, position)
        .and_then(|offset| string.get(offset..)?.chars().next())
        .map(Value::char)
        .ok_or_else(|| {
            eval_error(format!(
                "string-ref: index {index} out of bounds (string length {})",
                host.heap.char_len(value)
            ))
        })
}

/// One bound of `substring`.
fn bound(host: &Host, args: &[Value], index: usize, what: &str) -> Outcome<usize> {
    let value = argument(args, index);
    let Some(number) = host.heap.as_i64(value) else {
        return Err(argument_error(host, "substring", index, "int", value));
    };
    usize::try_from(number).map_err(|_| {
        eval_error(format!(
            "substring: {what} index {number} must be non-negative"
        ))
    })
}

fn substring(host: &Host, args: &[Value]) -> Outcome {
    let value = argument(args, 0);
    let string = text(host, "substring", args, 0)?;
    let start = bound(host, args, 1, "start")?;
    let end = if args.len() > 2 {
        Some(bound(host, args, 2, "end")?)
    } else {
        None
    };
    let cut = || {
        let from = byte_offset(host, value, string, start)?;
        match end {
            None => string.get(from..),
            Some(end) => string.get(from..byte_offset(host, value, string, end)?),
        }
    };
    match cut() {
        Some(found) => Ok(piece(host, value, string, found)),
        None => Err(eval_error("substring: index out of bounds")),
    }
}

fn take(host: &Host, args: &[Value]) -> Outcome {
    let value = argument(args, 0);
    let string = text(host, "string/take", args, 0)?;
    let wanted = integer(host, "string/take", args, 1)?;
    let length = host.heap.char_len(value);
    let amount = usize::try_from(wanted.unsigned_abs())
        .unwrap_or(length)
        .min(length);
    let taken = if wanted >= 0 {
        byte_offset(host, value, string, amount).and_then(|end| string.get(..end))
    } else {
        byte_offset(host, value, string, length - amount).and_then(|start| string.get(start..))
    };
    Ok(piece(host, value, string, taken.unwrap_or(string)))
}

/// `str`.
pub(crate) fn append(host: &Host, args: &[Value]) -> Outcome {
    if let [only] = args
        && host.heap.is_string(*only)
    {
        return Ok(*only);
    }
    if let Some((&start, more)) = args.split_first()
        && is_built(host, start)
    {
        let mut joined = String::new();
        let more = match more {
            [only] if host.heap.is_string(*only) => host.heap.as_str(*only).unwrap_or_default(),
            _ => {
                for &value in more {
                    print::append_display(host, value, &mut joined)?;
                }
                &joined
            }
        };
        return sema_machine::data::text::append(host, "string-append", start, more);
    }
    let known: usize = args
        .iter()
        .map(|&value| host.heap.as_str(value).map_or(8, str::len))
        .sum();
    check_text(host, "string-append", known)?;
    let mut joined = String::with_capacity(known);
    for &value in args {
        print::append_display(host, value, &mut joined)?;
    }
    string_of(host, "string-append", &joined)
}

/// Bytes of a text before which nobody asks whether there is room.
const LARGE_TEXT: usize = 32 << 10;

/// Refuses to make a text that no string could hold.
///
/// The text is made first, then the string.
pub(crate) fn check_text(host: &Host, function: &str, bytes: usize) -> Outcome<()> {
    check_length(function, bytes)?;
    host.ask(bytes.saturating_mul(2))
}

/// A string whose length was not known beforehand.
pub(crate) fn string_of(host: &Host, function: &str, text: &str) -> Outcome {
    check_text(host, function, text.len())?;
    Ok(host.heap.string(text))
}

/// As [`append`], where the first argument goes nowhere else: it may be changed.
fn append_owned(host: &Host, args: &[Value]) -> Outcome {
    let Some((&whole, more)) = args.split_first() else {
        return append(host, args);
    };
    let Some(text) = host.heap.as_str(whole) else {
        return append(host, args);
    };
    // What the others look like is known before the text grows: one of them may hold it.
    let only = match more {
        [only] => host.heap.as_str(*only),
        _ => None,
    };
    let mut rest = String::new();
    let more = match only {
        Some(only) if *more.first().unwrap_or(&whole) != whole => only,
        _ => {
            for &value in more {
                print::append_display(host, value, &mut rest)?;
            }
            &rest
        }
    };
    let length = text.len() + more.len();
    if length > LARGE_TEXT && !host.heap.can_grow(whole, length) {
        check_text(host, "string-append", 2 * length)?;
    }
    Ok(host.heap.grow_string(whole, more))
}

fn reverse(host: &Host, args: &[Value]) -> Outcome {
    let reversed: String = text(host, "string/reverse", args, 0)?
        .chars()
        .rev()
        .collect();
    Ok(host.heap.string(&reversed))
}

fn repeat(host: &Host, args: &[Value]) -> Outcome {
    let string = text(host, "string/repeat", args, 0)?;
    let times = count(host, "string/repeat", args, 1)?;
    let bytes = string.len().saturating_mul(times);
    check_count(
        "string/repeat",
        (string.len() as u64).saturating_mul(times as u64),
    )?;
    check_text(host, "string/repeat", bytes)?;
    if string.is_empty() {
        return Ok(argument(args, 0));
    }
    Ok(host.heap.string(&string.repeat(times)))
}

/// What is missing to the width, in display columns, that `function` was asked for.
fn padding(host: &Host, function: &str, args: &[Value]) -> Outcome<String> {
    let string = text(host, function, args, 0)?;
    let width = count(host, function, args, 1)?;
    let fill = if args.len() > 2 {
        text(host, function, args, 2)?.chars().next().unwrap_or(' ')
    } else {
        ' '
    };
    let missing = width.saturating_sub(columns(string));
    let fill_columns = columns(fill.encode_utf8(&mut [0; 4])).max(1);
    check_count(function, missing as u64)?;
    check_text(host, function, missing.saturating_mul(fill.len_utf8()))?;
    Ok(std::iter::repeat_n(fill, missing / fill_columns).collect())
}

fn pad_left(host: &Host, args: &[Value]) -> Outcome {
    let mut padded = padding(host, "string/pad-left", args)?;
    padded.push_str(text(host, "string/pad-left", args, 0)?);
    string_of(host, "string/pad-left", &padded)
}

fn pad_right(host: &Host, args: &[Value]) -> Outcome {
    let filling = padding(host, "string/pad-right", args)?;
    let string = text(host, "string/pad-right", args, 0)?;
    string_of(host, "string/pad-right", &[string, &filling].concat())
}

macro_rules! trimming {
    ($($function:ident $name:literal $method:ident;)*) => {
        $(fn $function(host: &Host, args: &[Value]) -> Outcome {
            let string = text(host, $name, args, 0)?;
            Ok(piece(host, argument(args, 0), string, string.$method()))
        })*
    };
}

trimming! {
    trim "string/trim" trim;
    trim_left "string/trim-left" trim_start;
    trim_right "string/trim-right" trim_end;
}

fn chop_start(host: &Host, args: &[Value]) -> Outcome {
    let (string, prefix) = two(host, "string/chop-start", args)?;
    let rest = string.strip_prefix(prefix).unwrap_or(string);
    Ok(piece(host, argument(args, 0), string, rest))
}

fn chop_end(host: &Host, args: &[Value]) -> Outcome {
    let (string, suffix) = two(host, "string/chop-end", args)?;
    let rest = string.strip_suffix(suffix).unwrap_or(string);
    Ok(piece(host, argument(args, 0), string, rest))
}

fn ensure_start(host: &Host, args: &[Value]) -> Outcome {
    let (string, prefix) = two(host, "string/ensure-start", args)?;
    if string.starts_with(prefix) {
        return Ok(argument(args, 0));
    }
    string_of(host, "string/ensure-start", &[prefix, string].concat())
}

fn ensure_end(host: &Host, args: &[Value]) -> Outcome {
    let (string, suffix) = two(host, "string/ensure-end", args)?;
    if string.ends_with(suffix) {
        return Ok(argument(args, 0));
    }
    string_of(host, "string/ensure-end", &[string, suffix].concat())
}

/// The opening and closing text of `string/wrap` and `string/unwrap`: one serves as both.
fn delimiters<'h>(host: &'h Host, function: &str, args: &[Value]) -> Outcome<(&'h str, &'h str)> {
    let open = text(host, function, args, 1)?;
    let close = if args.len() > 2 {
        text(host, function, args, 2)?
    } else {
        open
    };
    Ok((open, close))
}

fn wrap(host: &Host, args: &[Value]) -> Outcome {
    let string = text(host, "string/wrap", args, 0)?;
    let (open, close) = delimiters(host, "string/wrap", args)?;
    let mut wrapped = String::with_capacity(open.len() + string.len() + close.len());
    // Writing to a string cannot fail.
    let _ = write!(wrapped, "{open}{string}{close}");
    string_of(host, "string/wrap", &wrapped)
}

fn unwrap(host: &Host, args: &[Value]) -> Outcome {
    let string = text(host, "string/unwrap", args, 0)?;
    let (open, close) = delimiters(host, "string/unwrap", args)?;
    let inner = string
        .strip_prefix(open)
        .and_then(|rest| rest.strip_suffix(close));
    Ok(piece(
        host,
        argument(args, 0),
        string,
        inner.unwrap_or(string),
    ))
}

#[cfg(test)]
mod tests {
    use crate::testing::{Bench, eval_message, type_message};
    use sema_machine::memory::value::Value;

    #[test]
    fn positions_are_characters() {
        let bench = Bench::new();
        let word = bench.text("日本語");
        assert_eq!(bench.call("string/length", &[word]), Value::small(3));
        assert_eq!(
            bench.call("string-ref", &[word, Value::small(1)]),
            Value::char('本')
        );
        let cut = bench.call("substring", &[word, Value::small(1), Value::small(2)]);
        assert_eq!(bench.string(cut), "本");
        let last = bench.call("string/take", &[word, Value::small(-1)]);
        assert_eq!(bench.string(last), "語");
        let accents = bench.text("héllo");
        let find = |from| {
            bench.call(
                "string/index-of",
                &[accents, bench.text("l"), Value::small(from)],
            )
        };
        assert_eq!(
            (find(0), find(3), find(4), find(99)),
            (Value::small(2), Value::small(3), Value::NIL, Value::NIL)
        );
        let end = bench.call("string/last-index-of", &[accents, bench.text("")]);
        assert_eq!(end, Value::small(5));
    }

    #[test]
    fn out_of_range_positions_raise() {
        let bench = Bench::new();
        let word = bench.text("abc");
        for (args, expected) in [
            (vec![2, 1], "substring: index out of bounds"),
            (vec![1, 9], "substring: index out of bounds"),
            (vec![-3], "substring: start index -3 must be non-negative"),
            (vec![1, -3], "substring: end index -3 must be non-negative"),
        ] {
            let mut all = vec![word];
            all.extend(args.into_iter().map(Value::small));
            assert_eq!(eval_message(bench.error("substring", &all)), expected);
        }
        let error = bench.error("string-ref", &[word, Value::small(10)]);
        assert_eq!(
            eval_message(error),
            "string-ref: index 10 out of bounds (string length 3)"
        );
        let error = bench.error("string/repeat", &[word, Value::small(i32::MAX)]);
        assert!(eval_message(error).ends_with("exceeds the limit of 100000000"));
        let error = bench.error("string/split", &[word, Value::small(5)]);
        assert_eq!(
            type_message(error),
            "string/split argument 2 expected string, got int"
        );
    }

    #[test]
    fn pads_with_the_first_character_of_the_filling() {
        let bench = Bench::new();
        let pad = |fill: &str| {
            let args = [bench.text("5"), Value::small(3), bench.text(fill)];
            bench.string(bench.call("string/pad-left", &args))
        };
        assert_eq!((pad("0x"), pad("")), ("005".into(), "  5".into()));
        assert_eq!(pad("日"), "日5");
        let right = bench.call("string/pad-right", &[bench.text("5"), Value::small(3)]);
        assert_eq!(bench.string(right), "5  ");
    }
}
