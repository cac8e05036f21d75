//! Conversions between strings and other values, and `format`.

use crate::core::number::number_conversion::without_comments;
use crate::core::text::chars::code_point;
use crate::core::text::strings::string_of;
use sema_machine::data::number::literal::parse_number_text;
use sema_machine::data::print;
use sema_machine::data::text::{append, is_built};
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, argument_error, list_only, list_or_vector, text};
use sema_machine::host::condition::{Outcome, eval_error, type_error};
use sema_machine::memory::value::Value;
use sema_machine::natives;

natives! {
    /// The list of the characters of a string.
    /// (string->list "abc") => (#\a #\b #\c)
    "string->list" | "string/to-list" (text: String) -> List, pure => to_list;

    /// The list of the characters of a string.
    /// (string/chars "né") => (#\n #\é)
    "string/chars" (text: String) -> List, pure => chars;

    /// The string of a list of characters. Raises when an element is none.
    /// (list->string (list #\o #\k)) => "ok"
    /// (list->string (list 1)) => error expected char, got int
    "list->string" (chars: List) -> String, pure => from_list;

    /// The list of the Unicode code points of a string.
    /// (string/codepoints "A€") => (65 8364)
    "string/codepoints" (text: String) -> List, pure => codepoints;

    /// The string of a list or vector of Unicode code points. Raises for an integer that is none.
    /// (string/from-codepoints (list 83 101 109 97)) => "Sema"
    /// (string/from-codepoints [55296]) => error invalid codepoint 55296
    "string/from-codepoints" (codepoints: Sequence) -> String, pure => from_codepoints;

    /// The character of a string that has exactly one; raises for any other.
    /// (string->char "z") => #\z
    /// (string->char "zz") => error exactly one character
    "string->char" | "string/to-char" (text: String) -> Char, pure => to_char;

    /// The symbol with a name, which may be any text.
    /// (string->symbol "total") => total
    /// (eq? (string->symbol "a") 'a) => #t
    "string->symbol" | "string/to-symbol" (name: String) -> Symbol, pure => to_symbol;

    /// The keyword with a name, which is given without a colon.
    /// (string->keyword "width") => :width
    "string->keyword" | "string/to-keyword" (name: String) -> Keyword, pure => to_keyword;

    /// The name of a symbol.
    /// (symbol->string 'total) => "total"
    /// (symbol->string :total) => error expected symbol, got keyword
    "symbol->string" | "symbol/to-string" (symbol: Symbol) -> String, pure => from_symbol;

    /// The name of a keyword, without the colon.
    /// (keyword->string :width) => "width"
    "keyword->string" | "keyword/to-string" (keyword: Keyword) -> String, pure => from_keyword;

    /// The float that a string writes, or that is nearest to an integer of 64 bits. Raises when the
    /// string is not a number, white space included, and for other numbers than floats and such
    /// integers.
    /// (string->float "2.5") => 2.5
    /// (string->float 3) => 3.0
    /// (string->float "two") => error cannot parse 'two' as float
    "string->float" | "string/to-float" (value: NumberOrString) -> Float, pure => to_float;

    /// Whether a string, without white space at its ends, is the text of a number.
    /// (string/number? " -1.5e3 ") => #t
    /// (string/number? "1/2") => #t
    /// (string/number? "12px") => #f
    "string/number?" (text: String) -> Bool, pure => is_number;

    /// A string equal to the argument. There is no table of interned strings, because equality of
    /// strings is by content.
    /// (string/intern "id") => "id"
    "string/intern" (text: String) -> String, pure => intern;

    /// Fills in a template: `~a` is the display form of the next value, `~s` its readable form, `~%` a
    /// line feed, `~~` a tilde. Other directives stay as they are; values that are missing leave
    /// nothing, and further ones are ignored.
    /// (format "~a is ~s" "x" "y") => "x is \"y\""
    /// (format "100~~") => "100~"
    "format" (template: String, values*: Any) -> String, pure => format;
}

fn list_of_chars(host: &Host, function: &str, args: &[Value]) -> Outcome {
    let chars: Vec<Value> = text(host, function, args, 0)?
        .chars()
        .map(Value::char)
        .collect();
    Ok(host.heap.list(&chars))
}

fn to_list(host: &Host, args: &[Value]) -> Outcome {
    list_of_chars(host, "string->list", args)
}

fn chars(host: &Host, args: &[Value]) -> Outcome {
    list_of_chars(host, "string/chars", args)
}

fn from_list(host: &Host, args: &[Value]) -> Outcome {
    let string: String = list_only(host, "list->string", args, 0)?
        .into_iter()
        .map(|item| item.as_char().ok_or_else(|| type_error(host, "char", item)))
        .collect::<Outcome<_>>()?;
    string_of(host, "list->string", &string)
}

fn codepoints(host: &Host, args: &[Value]) -> Outcome {
    let codes: Vec<Value> = text(host, "string/codepoints", args, 0)?
        .chars()
        .map(|code| Value::index(code as usize))
        .collect();
    Ok(host.heap.list(&codes))
}

fn from_codepoints(host: &Host, args: &[Value]) -> Outcome {
    let string: String = list_or_vector(host, argument(args, 0))?
        .iter()
        .map(|&item| match host.heap.as_i64(item) {
            Some(code) => code_point("string/from-codepoints", code),
            None => Err(type_error(host, "integer", item)),
        })
        .collect::<Outcome<_>>()?;
    string_of(host, "string/from-codepoints", &string)
}

fn to_char(host: &Host, args: &[Value]) -> Outcome {
    let mut chars = text(host, "string->char", args, 0)?.chars();
    match (chars.next(), chars.next()) {
        (Some(only), None) => Ok(Value::char(only)),
        (None, _) => Err(eval_error("string->char: empty string")),
        _ => Err(eval_error(
            "string->char: string must have exactly one character",
        )),
    }
}

fn to_symbol(host: &Host, args: &[Value]) -> Outcome {
    Ok(host.symbol(text(host, "string->symbol", args, 0)?))
}

fn to_keyword(host: &Host, args: &[Value]) -> Outcome {
    Ok(host.keyword(text(host, "string->keyword", args, 0)?))
}

fn from_symbol(host: &Host, args: &[Value]) -> Outcome {
    let value = argument(args, 0);
    match value.as_symbol() {
        Some(name) => Ok(host.heap.string(host.symbols.name(name))),
        None => Err(argument_error(host, "symbol->string", 0, "symbol", value)),
    }
}

fn from_keyword(host: &Host, args: &[Value]) -> Outcome {
    let value = argument(args, 0);
    match value.as_keyword() {
        Some(name) => Ok(host.heap.string(host.symbols.name(name))),
        None => Err(argument_error(host, "keyword->string", 0, "keyword", value)),
    }
}

fn to_float(host: &Host, args: &[Value]) -> Outcome {
    let value = argument(args, 0);
    if let Some(string) = host.heap.as_str(value) {
        return match string.parse() {
            Ok(number) => Ok(Value::float(number)),
            Err(_) => Err(eval_error(format!("cannot parse '{string}' as float"))),
        };
    }
    if value.is_float() {
        return Ok(value);
    }
    match host.heap.as_i64(value) {
        Some(number) => Ok(Value::float(number as f64)),
        None => Err(type_error(host, "string or number", value)),
    }
}

fn is_number(host: &Host, args: &[Value]) -> Outcome {
    let string = text(host, "string/number?", args, 0)?;
    Ok(Value::bool(
        parse_number_text(without_comments(string)).is_some(),
    ))
}

fn intern(host: &Host, args: &[Value]) -> Outcome {
    text(host, "string/intern", args, 0)?;
    Ok(argument(args, 0))
}

fn format(host: &Host, args: &[Value]) -> Outcome {
    let template = text(host, "format", args, 0)?;
    let mut items = args.iter().skip(1).copied();
    // A long text that stands first is most likely one that is built piece by piece.
    if let (Some(rest), Some(&start)) = (template.strip_prefix("~a"), args.get(1))
        && is_built(host, start)
    {
        items.next();
        let more = formatted(host, rest, &mut items)?;
        return append(host, "format", start, &more);
    }
    string_of(host, "format", &formatted(host, template, &mut items)?)
}

/// A template with the forms of the items in the places of its directives.
fn formatted(
    host: &Host,
    template: &str,
    items: &mut dyn ExactSizeIterator<Item = Value>,
) -> Outcome<String> {
    let mut result = String::with_capacity(template.len() + 8 * items.len());
    let mut rest = template;
    while let Some((literal, directive)) = rest.split_once('~') {
        result.push_str(literal);
        let mut after = directive.chars();
        match after.next() {
            Some('a' | 'A') => {
                if let Some(item) = items.next() {
                    print::append_display(host, item, &mut result)?;
                }
            }
            Some('s' | 'S') => {
                if let Some(item) = items.next() {
                    print::append_readable(host, item, &mut result)?;
                }
            }
            Some('%') => result.push('\n'),
            Some('~') => result.push('~'),
            Some(other) => {
                result.push('~');
                result.push(other);
            }
            None => result.push('~'),
        }
        rest = after.as_str();
    }
    result.push_str(rest);
    Ok(result)
}

#[cfg(test)]
mod tests {
    use crate::testing::{Bench, eval_message, type_message};
    use sema_machine::memory::value::Value;

    #[test]
    fn names_are_taken_as_they_are() {
        let bench = Bench::new();
        let keyword = bench.call("string->keyword", &[bench.text(":a b")]);
        assert_eq!(
            bench.string(bench.call("keyword->string", &[keyword])),
            ":a b"
        );
        let error = bench.error("symbol->string", &[keyword]);
        assert_eq!(
            type_message(error),
            "symbol->string argument 1 expected symbol, got keyword"
        );
    }

    #[test]
    fn lists_of_characters_and_codes() {
        let bench = Bench::new();
        let chars = bench.call("string->list", &[bench.text("aé")]);
        assert_eq!(bench.string(bench.call("list->string", &[chars])), "aé");
        let codes = bench.call("string/codepoints", &[bench.text("aé")]);
        assert_eq!(
            bench.string(bench.call("string/from-codepoints", &[codes])),
            "aé"
        );
        let bad = bench.host.heap.list(&[Value::small(0xD800)]);
        let error = bench.error("string/from-codepoints", &[bad]);
        assert_eq!(
            eval_message(error),
            "string/from-codepoints: invalid codepoint 55296"
        );
        assert_eq!(
            eval_message(bench.error("string->char", &[bench.text("")])),
            "string->char: empty string"
        );
    }

    #[test]
    fn floats_from_text() {
        let bench = Bench::new();
        for (text, expected) in [
            ("1.5", 1.5),
            (".5", 0.5),
            ("inf", f64::INFINITY),
            ("1e400", f64::INFINITY),
        ] {
            assert_eq!(
                bench.call("string->float", &[bench.text(text)]),
                Value::float(expected)
            );
        }
        let error = bench.error("string->float", &[bench.text(" 1")]);
        assert_eq!(eval_message(error), "cannot parse ' 1' as float");
        for (text, expected) in [
            (" 42 ", true),
            ("1/2", true),
            ("#xff", true),
            (".5", false),
            ("", false),
        ] {
            assert_eq!(
                bench.call("string/number?", &[bench.text(text)]),
                Value::bool(expected),
                "{text}"
            );
        }
    }

    #[test]
    fn format_directives() {
        let bench = Bench::new();
        let format = |template: &str, args: &[&str]| {
            let mut all = vec![bench.text(template)];
            all.extend(args.iter().map(|text| bench.text(text)));
            bench.string(bench.call("format", &all))
        };
        assert_eq!(
            format("~a-~A~%~~ ~x ~é ~", &["b", "c", "ignored"]),
            "b-c\n~ ~x ~é ~"
        );
        assert_eq!(format("[~a]", &[]), "[]");
    }
}
