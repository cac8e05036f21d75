//! Characters: properties, case, order, conversions. All rules are Unicode's, by scalar value.

use sema_machine::host::Host;
use sema_machine::host::arguments::{character, integer};
use sema_machine::host::condition::{Outcome, eval_error};
use sema_machine::memory::value::Value;
use sema_machine::natives;

natives! {
    /// The Unicode code point of a character.
    /// (char->integer #\A) => 65
    "char->integer" | "char/to-integer" (char: Char) -> Count, pure => to_integer;

    /// The string of one character.
    /// (char->string #\x) => "x"
    "char->string" | "char/to-string" (char: Char) -> String, pure => to_string;

    /// The character with a Unicode code point. Raises for surrogates and integers out of range.
    /// (integer->char 955) => #\λ
    /// (integer->char 55296) => error invalid codepoint 55296
    "integer->char" | "integer/to-char" (code: Int) -> Char, pure => from_integer;

    /// Whether a character is alphabetic (Unicode property Alphabetic).
    /// (char-alphabetic? #\é) => #t
    /// (char-alphabetic? #\7) => #f
    "char-alphabetic?" | "char/alphabetic?" (char: Char) -> Bool, pure => is_alphabetic;

    /// Whether a character is a number: a digit of any script, or another sign for a number (Unicode
    /// general categories Nd, Nl and No).
    /// (char-numeric? #\7) => #t
    /// (char-numeric? #\½) => #t
    /// (char-numeric? #\a) => #f
    "char-numeric?" | "char/numeric?" (char: Char) -> Bool, pure => is_numeric;

    /// Whether a character is white space (Unicode property White_Space).
    /// (char-whitespace? #\space) => #t
    /// (char-whitespace? #\_) => #f
    "char-whitespace?" | "char/whitespace?" (char: Char) -> Bool, pure => is_whitespace;

    /// Whether a character is in upper case (Unicode property Uppercase).
    /// (char-upper-case? #\Q) => #t
    /// (char-upper-case? #\1) => #f
    "char-upper-case?" | "char/upper-case?" (char: Char) -> Bool, pure => is_upper_case;

    /// Whether a character is in lower case (Unicode property Lowercase).
    /// (char-lower-case? #\q) => #t
    "char-lower-case?" | "char/lower-case?" (char: Char) -> Bool, pure => is_lower_case;

    /// The upper case of a character; the character itself if that has none or is several characters.
    /// (char-upcase #\é) => #\É
    /// (char-upcase #\ß) => #\ß
    "char-upcase" | "char/upcase" (char: Char) -> Char, pure => upcase;

    /// The lower case of a character; the character itself if that has none or is several characters.
    /// (char-downcase #\Q) => #\q
    "char-downcase" | "char/downcase" (char: Char) -> Char, pure => downcase;

    /// Whether two characters are the same.
    /// (char=? #\a #\a) => #t
    /// (char=? #\a "a") => error expected char, got string
    "char=?" (left: Char, right: Char) -> Bool, pure => equal;

    /// Whether the code point of the first character is the smaller one.
    /// (char<? #\a #\b) => #t
    /// (char<? #\a #\B) => #f
    "char<?" (left: Char, right: Char) -> Bool, pure => less;

    /// Whether the code point of the first character is at most that of the second.
    /// (char<=? #\b #\b) => #t
    "char<=?" (left: Char, right: Char) -> Bool, pure => less_or_equal;

    /// Whether the code point of the first character is the greater one.
    /// (char>? #\b #\a) => #t
    "char>?" (left: Char, right: Char) -> Bool, pure => greater;

    /// Whether the code point of the first character is at least that of the second.
    /// (char>=? #\a #\b) => #f
    "char>=?" (left: Char, right: Char) -> Bool, pure => greater_or_equal;

    /// Whether two characters have the same lower case.
    /// (char-ci=? #\a #\A) => #t
    "char-ci=?" (left: Char, right: Char) -> Bool, pure => ci_equal;

    /// Whether the lower case of the first character comes before that of the second.
    /// (char-ci<? #\a #\B) => #t
    "char-ci<?" (left: Char, right: Char) -> Bool, pure => ci_less;

    /// Whether the lower case of the first character does not come after that of the second.
    /// (char-ci<=? #\B #\b) => #t
    "char-ci<=?" (left: Char, right: Char) -> Bool, pure => ci_less_or_equal;

    /// Whether the lower case of the first character comes after that of the second.
    /// (char-ci>? #\B #\a) => #t
    "char-ci>?" (left: Char, right: Char) -> Bool, pure => ci_greater;

    /// Whether the lower case of the first character does not come before that of the second.
    /// (char-ci>=? #\a #\B) => #f
    "char-ci>=?" (left: Char, right: Char) -> Bool, pure => ci_greater_or_equal;
}

fn to_integer(host: &Host, args: &[Value]) -> Outcome {
    Ok(Value::index(character(host, args, 0)? as usize))
}

fn to_string(host: &Host, args: &[Value]) -> Outcome {
    let mut buffer = [0; 4];
    Ok(host
        .heap
        .string(character(host, args, 0)?.encode_utf8(&mut buffer)))
}

fn from_integer(host: &Host, args: &[Value]) -> Outcome {
    let code = integer(host, "integer->char", args, 0)?;
    code_point("integer->char", code).map(Value::char)
}

/// The character of a code point, or the error that `function` raises.
pub(crate) fn code_point(function: &str, code: i64) -> Outcome<char> {
    u32::try_from(code)
        .ok()
        .and_then(char::from_u32)
        .ok_or_else(|| eval_error(format!("{function}: invalid codepoint {code}")))
}

macro_rules! property {
    ($($function:ident $test:ident;)*) => {
        $(fn $function(host: &Host, args: &[Value]) -> Outcome {
            Ok(Value::bool(character(host, args, 0)?.$test()))
        })*
    };
}

property! {
    is_alphabetic is_alphabetic;
    is_numeric is_numeric;
    is_whitespace is_whitespace;
    is_upper_case is_uppercase;
    is_lower_case is_lowercase;
}

/// The only character of `mapped`, or `original` when there are several.
fn single(original: char, mut mapped: impl Iterator<Item = char>) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(only), None) => only,
        _ => original,
    }
}

fn upcase(host: &Host, args: &[Value]) -> Outcome {
    let original = character(host, args, 0)?;
    Ok(Value::char(single(original, original.to_uppercase())))
}

fn downcase(host: &Host, args: &[Value]) -> Outcome {
    let original = character(host, args, 0)?;
    Ok(Value::char(single(original, original.to_lowercase())))
}

macro_rules! comparison {
    ($($function:ident $folded:ident $operator:tt;)*) => {
        $(
            fn $function(host: &Host, args: &[Value]) -> Outcome {
                Ok(Value::bool(character(host, args, 0)? $operator character(host, args, 1)?))
            }
            fn $folded(host: &Host, args: &[Value]) -> Outcome {
                let (a, b) = (character(host, args, 0)?, character(host, args, 1)?);
                let order = a.to_lowercase().cmp(b.to_lowercase());
                Ok(Value::bool(order $operator std::cmp::Ordering::Equal))
            }
        )*
    };
}

comparison! {
    equal ci_equal ==;
    less ci_less <;
    less_or_equal ci_less_or_equal <=;
    greater ci_greater >;
    greater_or_equal ci_greater_or_equal >=;
}

#[cfg(test)]
mod tests {
    use crate::testing::{Bench, eval_message, type_message};
    use sema_machine::memory::value::Value;

    #[test]
    fn case_maps_to_single_characters_only() {
        let bench = Bench::new();
        for (function, from, to) in [
            ("char-upcase", 'a', 'A'),
            ("char/upcase", 'ß', 'ß'),
            ("char-downcase", 'É', 'é'),
            ("char-downcase", 'İ', 'İ'),
        ] {
            assert_eq!(bench.call(function, &[Value::char(from)]), Value::char(to));
        }
    }

    #[test]
    fn compares_with_and_without_case() {
        let bench = Bench::new();
        let chars = |a, b| [Value::char(a), Value::char(b)];
        for (function, a, b, expected) in [
            ("char<?", 'a', 'B', false),
            ("char-ci<?", 'a', 'B', true),
            ("char-ci=?", 'k', '\u{212A}', true),
            ("char-ci=?", 'ß', 'ẞ', true),
            ("char>=?", 'b', 'b', true),
        ] {
            assert_eq!(bench.call(function, &chars(a, b)), Value::bool(expected));
        }
    }

    #[test]
    fn refuses_what_is_no_character() {
        let bench = Bench::new();
        for code in [0xD800, -1, 0x11_0000] {
            let error = bench.error("integer->char", &[Value::small(code)]);
            assert_eq!(
                eval_message(error),
                format!("integer->char: invalid codepoint {code}")
            );
        }
        let error = bench.error("char=?", &[Value::char('a'), Value::NIL]);
        assert_eq!(type_message(error), "expected char, got nil");
    }
}
