//! Searching in strings, and what is built on it: splitting, joining, replacing.

use crate::core::text::positions::{self, byte_offset};
use crate::core::text::strings::{check_text, piece, string_of};
use sema_machine::data::bytes;
use sema_machine::data::bytes::bytes_equal;
use sema_machine::data::print;
use sema_machine::host::Host;
use sema_machine::host::arguments::{ELEMENT_LIMIT, argument, count_or, list_or_vector, text};
use sema_machine::host::condition::Outcome;
use sema_machine::memory::value::Value;
use sema_machine::natives;

natives! {
    /// Whether `part` occurs in a string, compared literally.
    /// (string/contains? "haystack" "stack") => #t
    /// (string/contains? "haystack" "Hay") => #f
    "string/contains?" (text: String, part: String) -> Bool, pure => contains;

    /// Whether a string begins with `prefix`.
    /// (string/starts-with? "main.sema" "main") => #t
    "string/starts-with?" (text: String, prefix: String) -> Bool, pure => starts_with;

    /// Whether a string ends with `suffix`.
    /// (string/ends-with? "main.sema" ".sema") => #t
    "string/ends-with?" (text: String, suffix: String) -> Bool, pure => ends_with;

    /// The position, in characters, of the first occurrence of `part` at or after `start`; nil if
    /// there is none.
    /// (string/index-of "banana" "an") => 1
    /// (string/index-of "banana" "an" 2) => 3
    /// (string/index-of "banana" "x") => nil
    "string/index-of" (text: String, part: String, start?: Count) -> Any, pure => index_of;

    /// The position, in characters, of the last occurrence of `part`; nil if there is none.
    /// (string/last-index-of "a/b/c" "/") => 3
    "string/last-index-of" (text: String, part: String) -> Any, pure => last_index_of;

    /// The list of the pieces between occurrences of a separator. Pieces may be empty, and a string
    /// without the separator is the only piece.
    /// (string/split "a,b,,c" ",") => ("a" "b" "" "c")
    /// (string/split "abc" "--") => ("abc")
    "string/split" | "string-split" (text: String, separator: String) -> Pair, pure => split;

    /// The list of the lines of a text without their ends, LF or CR LF. An end at the end of the text
    /// begins no further line.
    /// (string/lines "one\ntwo\n") => ("one" "two")
    /// (string/lines "") => ()
    "string/lines" (text: String) -> List, pure => lines;

    /// The display forms of the elements of a list or vector with a separator between them.
    /// (string/join (list "a" "b" "c") "-") => "a-b-c"
    /// (string/join [1 :x "y"] ", ") => "1, :x, y"
    "string/join" | "string-join" (items: Sequence, separator: String) -> String, pure => join;

    /// Replaces every occurrence of `from`, found from the left without overlap, by `to`. An empty
    /// `from` occurs between all characters and at both ends.
    /// (string/replace "a-b-c" "-" "+") => "a+b+c"
    /// (string/replace "ab" "" ".") => ".a.b."
    "string/replace" (text: String, from: String, to: String) -> String, pure => replace;

    /// Replaces the first occurrence of `from` by `to`.
    /// (string/replace-first "1.2.3" "." ",") => "1,2.3"
    "string/replace-first" (text: String, from: String, to: String) -> String, pure => replace_first;

    /// Replaces the last occurrence of `from` by `to`.
    /// (string/replace-last "1.2.3" "." ",") => "1.2,3"
    "string/replace-last" (text: String, from: String, to: String) -> String, pure => replace_last;

    /// Removes every occurrence of `part`.
    /// (string/remove "1_000_000" "_") => "1000000"
    "string/remove" (text: String, part: String) -> String, pure => remove;

    /// What precedes the first occurrence of a separator; the whole string if there is none.
    /// (string/before "key=a=b" "=") => "key"
    /// (string/before "key" "=") => "key"
    "string/before" (text: String, separator: String) -> String, pure => before;

    /// What precedes the last occurrence of a separator; the whole string if there is none.
    /// (string/before-last "a.tar.gz" ".") => "a.tar"
    "string/before-last" (text: String, separator: String) -> String, pure => before_last;

    /// What follows the first occurrence of a separator; the whole string if there is none.
    /// (string/after "key=a=b" "=") => "a=b"
    "string/after" (text: String, separator: String) -> String, pure => after;

    /// What follows the last occurrence of a separator; the whole string if there is none.
    /// (string/after-last "a.tar.gz" ".") => "gz"
    "string/after-last" (text: String, separator: String) -> String, pure => after_last;

    /// What lies between the first `open` and the next `close`: up to the end of the string without
    /// `close`, and the empty string without `open`.
    /// (string/between "f(x, y) z" "(" ")") => "x, y"
    /// (string/between "f(x" "(" ")") => "x"
    /// (string/between "f" "(" ")") => ""
    "string/between" (text: String, open: String, close: String) -> String, pure => between_texts;
}

/// The character position of a byte offset.
fn position_of(host: &Host, value: Value, text: &str, offset: usize) -> Value {
    Value::index(positions::position(host, value, text, offset))
}

/// The first two arguments, both strings.
pub(crate) fn two<'h>(
    host: &'h Host,
    function: &str,
    args: &[Value],
) -> Outcome<(&'h str, &'h str)> {
    Ok((
        text(host, function, args, 0)?,
        text(host, function, args, 1)?,
    ))
}

/// Longest needle that is compared wherever its first byte is.
const SHORT_NEEDLE: usize = 8;

/// Byte offset of the first occurrence. What prepares the search for a needle, so that no text is bad
/// for it, costs more than the search for a short one in a short text.
fn find(string: &str, needle: &str) -> Option<usize> {
    let Some((&first, others)) = needle.as_bytes().split_first() else {
        return Some(0);
    };
    if needle.len() > SHORT_NEEDLE {
        return string.find(needle);
    }
    let mut rest = string.as_bytes();
    loop {
        let at = bytes::position_of(rest, first)?;
        rest = rest.get(at + 1..)?;
        if rest.starts_with(others) {
            return Some(string.len() - rest.len() - 1);
        }
    }
}

fn rfind(string: &str, needle: &str) -> Option<usize> {
    match needle.as_bytes() {
        [byte] => string.rfind(char::from(*byte)),
        _ => string.rfind(needle),
    }
}

fn contains(host: &Host, args: &[Value]) -> Outcome {
    let (string, part) = two(host, "string/contains?", args)?;
    Ok(Value::bool(find(string, part).is_some()))
}

fn starts_with(host: &Host, args: &[Value]) -> Outcome {
    let (string, part) = two(host, "string/starts-with?", args)?;
    Ok(Value::bool(string.starts_with(part)))
}

fn ends_with(host: &Host, args: &[Value]) -> Outcome {
    let (string, part) = two(host, "string/ends-with?", args)?;
    Ok(Value::bool(string.ends_with(part)))
}

fn index_of(host: &Host, args: &[Value]) -> Outcome {
    let (string, part) = two(host, "string/index-of", args)?;
    let value = argument(args, 0);
    let from = count_or(host, "string/index-of", args, 2, 0)?;
    let found = byte_offset(host, value, string, from)
        .and_then(|start| Some(start + find(string.get(start..)?, part)?));
    Ok(found.map_or(Value::NIL, |offset| {
        position_of(host, value, string, offset)
    }))
}

fn last_index_of(host: &Host, args: &[Value]) -> Outcome {
    let (string, part) = two(host, "string/last-index-of", args)?;
    let value = argument(args, 0);
    Ok(rfind(string, part).map_or(Value::NIL, |offset| {
        position_of(host, value, string, offset)
    }))
}

fn list_of<'t>(host: &Host, pieces: impl Iterator<Item = &'t str>) -> Value {
    let pieces: Vec<Value> = pieces.map(|piece| host.heap.string(piece)).collect();
    list_in_parts(host, &pieces)
}

/// Elements of a list's part that is allocated in the nursery.
const PART: usize = 250;
/// Elements of a part for the pieces of a short text.
const FEW: usize = 24;
/// Bytes of a short text.
const SHORT: usize = 256;

/// A list of values that were just made. A long list in one piece is old at birth, and all that it refers to becomes old with it,
/// although most texts are split to be looked at once.
fn list_in_parts(host: &Host, values: &[Value]) -> Value {
    (values.rchunks(PART)).fold(Value::EMPTY, |rest, part| {
        host.heap.list_with_tail(part, rest)
    })
}

fn split(host: &Host, args: &[Value]) -> Outcome {
    let (string, separator) = two(host, "string/split", args)?;
    Ok(match separator.as_bytes() {
        // Room for many pieces takes longer to clear than a line to split.
        [byte] if string.len() <= SHORT => {
            split_at_bytes::<FEW>(host, argument(args, 0), string, *byte)
        }
        [byte] => split_at_bytes::<PART>(host, argument(args, 0), string, *byte),
        _ => list_of(host, string.split(separator)),
    })
}

/// The pieces of a text between bytes that are ASCII characters, a list in parts of so many elements.
fn split_at_bytes<const PART: usize>(
    host: &Host,
    value: Value,
    string: &str,
    separator: u8,
) -> Value {
    let heap = &host.heap;
    let ascii = heap.is_ascii(value);
    let make = |piece: &str| {
        if ascii {
            heap.ascii_string(piece)
        } else {
            heap.string(piece)
        }
    };
    // From the back, so that parts of the list can be made as they are full.
    let mut list = Value::EMPTY;
    let mut part = [Value::NIL; PART];
    let mut free = PART;
    let mut end = string.len();
    let mut cut = |at: usize| {
        if free == 0 {
            list = heap.list_with_tail(&part, list);
            free = PART;
        }
        free -= 1;
        if let Some(slot) = part.get_mut(free) {
            *slot = make(string.get(at..end).unwrap_or_default());
        }
        end = at.saturating_sub(1);
    };
    // Most pieces are words, so a search for each would hardly begin before it ends. What follows the last whole word is
    // one, too, filled up with what is no separator.
    let (words, rest) = string.as_bytes().as_chunks::<8>();
    let mut word = [!separator; 8];
    for (byte, &of_rest) in word.iter_mut().zip(rest) {
        *byte = of_rest;
    }
    let mut index = words.len();
    loop {
        let mut found = bytes_equal(u64::from_le_bytes(word), separator);
        while found != 0 {
            let byte = 7 - found.leading_zeros() as usize / 8;
            cut(8 * index + byte + 1);
            found &= !(0x80 << (8 * byte));
        }
        index = index.wrapping_sub(1);
        match words.get(index) {
            Some(before) => word = *before,
            None => break,
        }
    }
    cut(0);
    heap.list_with_tail(part.get(free..).unwrap_or_default(), list)
}

fn lines(host: &Host, args: &[Value]) -> Outcome {
    Ok(list_of(host, text(host, "string/lines", args, 0)?.lines()))
}

fn join(host: &Host, args: &[Value]) -> Outcome {
    let items = list_or_vector(host, argument(args, 0))?;
    let separator = text(host, "string/join", args, 1)?;
    let mut known = separator.len().saturating_mul(items.len());
    for &item in items.iter() {
        known = known.saturating_add(host.heap.as_str(item).map_or(8, str::len));
    }
    check_text(host, "string/join", known)?;
    let mut joined = String::with_capacity(known);
    for (index, &item) in items.iter().enumerate() {
        if index > 0 {
            joined.push_str(separator);
        }
        print::append_display(host, item, &mut joined)?;
    }
    string_of(host, "string/join", &joined)
}

fn replace_all(host: &Host, function: &str, args: &[Value], by: &str) -> Outcome {
    let (string, part) = two(host, function, args)?;
    let bound = (string.len() + 1).saturating_mul(by.len() + 1);
    if bound > ELEMENT_LIMIT {
        let added = by.len().saturating_mul(string.matches(part).count());
        check_text(host, function, string.len().saturating_add(added))?;
    }
    let Some(first) = find(string, part) else {
        return Ok(argument(args, 0));
    };
    if part.is_empty() || part.len() > SHORT_NEEDLE {
        return Ok(host.heap.string(&string.replace(part, by)));
    }
    let mut replaced = String::with_capacity(string.len() + by.len());
    let (mut rest, mut next) = (string, Some(first));
    while let Some(at) = next {
        replaced.push_str(rest.get(..at).unwrap_or_default());
        replaced.push_str(by);
        rest = rest.get(at + part.len()..).unwrap_or_default();
        next = find(rest, part);
    }
    replaced.push_str(rest);
    Ok(host.heap.string(&replaced))
}

fn replace(host: &Host, args: &[Value]) -> Outcome {
    let by = text(host, "string/replace", args, 2)?;
    replace_all(host, "string/replace", args, by)
}

fn remove(host: &Host, args: &[Value]) -> Outcome {
    replace_all(host, "string/remove", args, "")
}

/// Replaces the occurrence that `search` finds.
fn replace_one(
    host: &Host,
    function: &str,
    args: &[Value],
    search: fn(&str, &str) -> Option<usize>,
) -> Outcome {
    let (string, part) = two(host, function, args)?;
    let by = text(host, function, args, 2)?;
    let around = search(string, part)
        .and_then(|offset| Some((string.get(..offset)?, string.get(offset + part.len()..)?)));
    match around {
        Some((head, tail)) => string_of(host, function, &[head, by, tail].concat()),
        None => Ok(argument(args, 0)),
    }
}

fn replace_first(host: &Host, args: &[Value]) -> Outcome {
    replace_one(host, "string/replace-first", args, find)
}

fn replace_last(host: &Host, args: &[Value]) -> Outcome {
    replace_one(host, "string/replace-last", args, rfind)
}

/// What lies on one side of the occurrence that `search` finds; the whole string without one.
fn side(
    host: &Host,
    function: &str,
    args: &[Value],
    search: fn(&str, &str) -> Option<usize>,
    behind: bool,
) -> Outcome {
    let (string, separator) = two(host, function, args)?;
    let found = search(string, separator).and_then(|offset| {
        if behind {
            string.get(offset + separator.len()..)
        } else {
            string.get(..offset)
        }
    });
    Ok(piece(
        host,
        argument(args, 0),
        string,
        found.unwrap_or(string),
    ))
}

fn before(host: &Host, args: &[Value]) -> Outcome {
    side(host, "string/before", args, find, false)
}

fn before_last(host: &Host, args: &[Value]) -> Outcome {
    side(host, "string/before-last", args, rfind, false)
}

fn after(host: &Host, args: &[Value]) -> Outcome {
    side(host, "string/after", args, find, true)
}

fn after_last(host: &Host, args: &[Value]) -> Outcome {
    side(host, "string/after-last", args, rfind, true)
}

fn between_texts(host: &Host, args: &[Value]) -> Outcome {
    let (string, open) = two(host, "string/between", args)?;
    let close = text(host, "string/between", args, 2)?;
    let inner = find(string, open)
        .and_then(|offset| string.get(offset + open.len()..))
        .map(|rest| {
            find(rest, close)
                .and_then(|end| rest.get(..end))
                .unwrap_or(rest)
        });
    Ok(host.heap.string(inner.unwrap_or("")))
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    #[test]
    fn splits_and_joins() {
        let bench = Bench::new();
        let split = |text: &str, by: &str| {
            bench.strings(bench.call("string/split", &[bench.text(text), bench.text(by)]))
        };
        assert_eq!(split("a,b,,c", ","), ["a", "b", "", "c"]);
        assert_eq!(split("", ","), [""]);
        assert_eq!(split(",,,,,,,,,", ",").len(), 10);
        assert_eq!(
            split("a longer text with words é ü", " "),
            ["a", "longer", "text", "with", "words", "é", "ü"]
        );
        assert_eq!(split("ab-é-é", "-"), ["ab", "é", "é"]);
        // Around the sizes of the parts that lists of pieces are made in.
        for count in [23, 24, 25, 48, 49, 128, 129, 249, 250, 251, 600] {
            let pieces: Vec<String> = (0..count).map(|number| (number % 7).to_string()).collect();
            assert_eq!(split(&pieces.join(" "), " "), pieces, "{count}");
        }
        assert_eq!(split("ab", ""), ["", "a", "b", ""]);
        assert_eq!(split("a--b", "--"), ["a", "b"]);
        let items = bench.host.heap.vector(&[bench.text("a"), bench.text("b")]);
        let joined = bench.call("string/join", &[items, bench.text("-")]);
        assert_eq!(bench.string(joined), "a-b");
        let lines = bench.call("string/lines", &[bench.text("a\rb\r\n\nc\n")]);
        assert_eq!(bench.strings(lines), ["a\rb", "", "c"]);
    }

    #[test]
    fn pieces_around_texts() {
        let bench = Bench::new();
        for (function, args, expected) in [
            ("string/before", &["a=b=c", "="][..], "a"),
            ("string/after", &["a=b=c", "="], "b=c"),
            ("string/before-last", &["a=b=c", "="], "a=b"),
            ("string/after-last", &["a=b=c", "="], "c"),
            ("string/before", &["abc", ""], ""),
            ("string/after-last", &["abc", "z"], "abc"),
            ("string/between", &["a[b]c[d]", "[", "]"], "b"),
            ("string/between", &["a[b", "[", "]"], "b"),
            ("string/between", &["ab", "[", "]"], ""),
            ("string/wrap", &["x", "*"], "*x*"),
            ("string/unwrap", &["(x)", "(", ")"], "x"),
            ("string/unwrap", &["*", "*"], "*"),
            ("string/chop-end", &["foobarbar", "bar"], "foobar"),
            ("string/ensure-start", &["foo", "/"], "/foo"),
            ("string/replace", &["abc", "", "-"], "-a-b-c-"),
            ("string/replace-first", &["abcb", "b", "X"], "aXcb"),
            ("string/replace-last", &["abcb", "b", "X"], "abcX"),
            ("string/remove", &["banana", "a"], "bnn"),
            (
                "string/replace",
                &["a, longer text, with, commas", ", ", "—"],
                "a—longer text—with—commas",
            ),
            ("string/replace", &["aaaaa", "aa", "b"], "bba"),
            ("string/replace", &["é, ü, ö", ", ", ""], "éüö"),
            ("string/after", &["ababababac", "abac"], ""),
            (
                "string/after",
                &["a text and a needle: end", "a needle: "],
                "end",
            ),
            ("string/trim", &["\u{a0} x\u{2003}"], "x"),
            ("string/reverse", &["héé"], "ééh"),
        ] {
            assert_eq!(
                bench.on_texts(function, args),
                expected,
                "{function} {args:?}"
            );
        }
    }
}
